"""Figures to play with: choose from labelled lists, and the picture and its words are made anew.

Every control is a list or a button of the browser's own, so the keyboard is enough. Where no kernel runs, or ipywidgets
is not installed, the first picture with its words and its data stands there instead.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from checker.curves import Curves, diagnose
from checker.language import N_, translate
from checker.show import figures, words
from checker.show.page import run_of

RATES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
SIZES = (2, 4, 8, 16, 32, 64, 128)
BATCHES = (10, 30, 100, 300, 1000)
TRUE_MEAN, TRUE_DEVIATION, MOMENTUM = 50.0, 10.0, 0.99


@dataclass(frozen=True)
class Control:
    """A list to choose from.

    Attributes:
        label: what is chosen, a message.
        choices: what may be chosen.
        first: what is chosen at first.
    """

    label: str
    choices: tuple[Hashable, ...]
    first: Hashable


@dataclass(frozen=True)
class Drawn:
    """The picture that belongs to one choice.

    Attributes:
        kind: ``"png"`` or ``"svg+xml"``.
        data: the picture's bytes.
        width: how wide it is shown, in pixels of the page.
        alt: the picture in words.
        table: the data behind it.
    """

    kind: str
    data: bytes
    width: int
    alt: str
    table: figures.Table

    def markup(self) -> str:
        """The picture with its words and its data as HTML; the words are seen, too, since they change."""
        address = f"data:image/{self.kind};base64,{base64.b64encode(self.data).decode('ascii')}"
        return figures.markup(address, self.width, self.alt, self.table)


@dataclass(frozen=True)
class Explorer:
    """A figure to play with; the last line of a notebook cell shows it.

    Attributes:
        controls: what can be chosen, in the order of ``draw``'s arguments.
        draw: makes the picture of a choice, and of the number of times that chance was asked anew.
        again: the words on a button that asks chance anew, a message; empty where nothing is left to chance.
    """

    controls: tuple[Control, ...]
    draw: Callable[..., Drawn]
    again: str = ""

    def first(self) -> Drawn:
        """The picture of the first choices."""
        return self.draw(*(control.first for control in self.controls), seed=0)

    def widget(self) -> Any:
        """The controls and the picture as one widget.

        Raises:
            ImportError: where ipywidgets is not installed.
        """
        import ipywidgets

        wide = {"description_width": "initial"}
        lists = [
            ipywidgets.Dropdown(
                options=[(_worded(choice), choice) for choice in control.choices],
                value=control.first,
                description=translate(control.label),
                style=wide,
                layout={"width": "max-content"},
            )
            for control in self.controls
        ]
        picture = ipywidgets.HTML(self.first().markup())
        asked = [0]

        def draw(change: object) -> None:
            picture.value = self.draw(*(control.value for control in lists), seed=asked[0]).markup()

        for control in lists:
            control.observe(draw, "value")
        row = list(lists)
        if self.again:
            button = ipywidgets.Button(description=translate(self.again), layout={"width": "max-content"})

            def ask(pressed: object) -> None:
                asked[0] += 1
                draw(pressed)

            button.on_click(ask)
            row.append(button)
        return ipywidgets.VBox([ipywidgets.HBox(row, layout={"flex_flow": "row wrap"}), picture])

    def _repr_mimebundle_(self, **kwargs: object) -> dict[str, Any]:
        """The widget where one can run, else the first picture; a host takes the richest that it can show."""
        drawn = self.first()
        shown: dict[str, Any] = {"text/html": drawn.markup(), "text/plain": drawn.alt}
        try:
            shown.update(self.widget()._repr_mimebundle_())
        except Exception:  # no ipywidgets, or none that fits this kernel: the picture stands still
            return shown
        shown["text/plain"] = drawn.alt
        return shown


def masks() -> Explorer:
    """Lesson 1: the rate, and the masks that it draws."""
    return Explorer((Control(N_("rate"), RATES, 0.5),), _mask, N_("next training step"))


def running_averages() -> Explorer:
    """Lesson 2: how the size of a batch makes its mean uncertain, and how the running averages find the truth."""
    controls = (Control(N_("rows in a batch"), SIZES, 8), Control(N_("batches"), BATCHES, 300))
    return Explorer(controls, _averages, N_("other batches"))


def runs(histories: Mapping[str, object]) -> Explorer:
    """Lesson 3: any two of several runs in one picture.

    Args:
        histories: names and learning curves of two runs or more.

    Raises:
        NotCurves: if one holds no learning curves.
        ValueError: for fewer than two.
    """
    curves = {str(name): Curves.of(history) for name, history in histories.items()}
    names: Sequence[str] = tuple(curves)
    if len(names) < 2:
        raise ValueError(translate("To compare takes two runs, not {count}.", count=len(names)))
    controls = (Control(N_("first run"), tuple(names), names[0]), Control(N_("second run"), tuple(names), names[1]))
    return Explorer(controls, partial(_two_runs, curves))


# --- the pictures -----------------------------------------------------------------------------------------------------


def _mask(rate: float, seed: int) -> Drawn:
    from checker.show import animation

    film = animation.dropout(rate, frames=1, seed=seed)
    (mask,) = film.masks
    alt = translate(
        N_(
            "Training step {step} at a rate of {rate}: of {count} units in the first hidden layer {missing} are left "
            "out."
        ),
        step=seed + 1,
        rate=f"{rate:.0%}",
        count=len(mask),
        missing=mask.count(False),
    )
    stays, gone = translate(N_("stays")), translate(N_("left out"))
    table = {
        translate(N_("unit")): range(1, len(mask) + 1),
        translate(N_("in this step")): [stays if stay else gone for stay in mask],
    }
    return Drawn("svg+xml", film.svg(still=True).encode(), animation.WIDTH, alt, figures.Table.of(table))


def _averages(rows: int, batches: int, seed: int) -> Drawn:
    from checker.show import plots

    chance = random.Random(seed)
    means = [sum(chance.gauss(TRUE_MEAN, TRUE_DEVIATION) for _ in range(rows)) / rows for _ in range(batches)]
    moving, average = [], 0.0
    for mean in means:
        average = MOMENTUM * average + (1 - MOMENTUM) * mean
        moving.append(average)
    alt = translate(
        N_(
            "The means of {batches} batches of {rows} rows lie between {low} and {high} around the true mean of "
            "{true}. The moving mean starts at 0 and has reached {last}."
        ),
        batches=batches,
        rows=rows,
        low=words.number(min(means)),
        high=words.number(max(means)),
        true=words.number(TRUE_MEAN),
        last=words.number(moving[-1]),
    )
    from matplotlib.figure import Figure

    with plots.style():
        figure = Figure(figsize=(6.8, 3.4))
        axes = figure.subplots()
        numbers = range(1, batches + 1)
        axes.plot(numbers, means, ".", color=plots.BLUE, markersize=4, label=translate(N_("mean of a batch")))
        axes.plot(numbers, moving, "-", color=plots.VERMILLION, linewidth=2, label=translate(N_("moving mean")))
        axes.axhline(TRUE_MEAN, linestyle="--", color=plots.GREY, linewidth=1, label=translate(N_("true mean")))
        axes.set_xlabel(translate(N_("batch")))
        axes.set_ylim(0, 90)
        axes.legend(loc="lower right")
        data = plots.rendered(figure, "png")
    step = max(1, batches // 100)
    table = {
        translate(N_("batch")): numbers[::step],
        translate(N_("mean of a batch")): means[::step],
        translate(N_("moving mean")): moving[::step],
    }
    return Drawn("png", data, 680, alt, figures.Table.of(table))


def _two_runs(curves: Mapping[str, Curves], first: str, second: str, seed: int) -> Drawn:
    from checker.show import plots

    before, after = curves[first], curves[second]
    picture = plots.draw(run_of(diagnose(before)), run_of(diagnose(after)), title=f"{first} · {second}")
    chosen = {first: before, second: after}
    alt = words.sentences(figures.told(run, name) for name, run in chosen.items())
    return Drawn("png", plots.rendered(picture, "png"), 680, alt, figures.Table.of(figures.columns(chosen)))


def _worded(choice: Hashable) -> str:
    return f"{choice:g}" if isinstance(choice, float) else str(choice)
