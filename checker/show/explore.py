"""Figures to play with: change a number, and the picture and its words are made anew.

Every control is a field for a number: the arrow keys change it, or it is typed. JupyterLab takes arrow keys, space and
Enter for itself where a list or a button has the focus, so these could not be used with the keyboard alone. Where no
kernel runs, or ipywidgets is not installed, the first picture with its words and its data stands there instead.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any

from checker.curves import Curves, diagnose
from checker.language import N_, translate
from checker.show import figures, words
from checker.show.page import run_of

TRUE_MEAN, TRUE_DEVIATION, MOMENTUM = 50.0, 10.0, 0.99


@dataclass(frozen=True)
class Control:
    """A number that can be changed.

    Attributes:
        label: what it is, a message.
        low, high: the smallest and the largest one.
        step: how far one press of an arrow key goes; a whole number where only whole numbers make sense.
        first: the number at first.
    """

    label: str
    low: float
    high: float
    step: float
    first: float


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
        draw: makes the picture of these numbers.
        legend: what whole numbers from 1 on stand for, where they stand for something.
    """

    controls: tuple[Control, ...]
    draw: Callable[..., Drawn]
    legend: tuple[str, ...] = ()

    def first(self) -> Drawn:
        """The picture of the first numbers."""
        return self.draw(*(control.first for control in self.controls))

    def widget(self) -> Any:
        """The controls and the picture as one widget.

        Raises:
            ImportError: where ipywidgets is not installed.
        """
        import ipywidgets

        fields = [
            (ipywidgets.BoundedIntText if isinstance(control.step, int) else ipywidgets.BoundedFloatText)(
                value=control.first,
                min=control.low,
                max=control.high,
                step=control.step,
                description=translate(control.label),
                style={"description_width": "initial"},
                layout={"width": "max-content"},
            )
            for control in self.controls
        ]
        picture = ipywidgets.HTML(self.first().markup())

        def draw(change: object) -> None:
            picture.value = self.draw(*(field.value for field in fields)).markup()

        for field in fields:
            field.observe(draw, "value")
        row = ipywidgets.HBox(fields, layout={"flex_flow": "row wrap"})
        numbered = [ipywidgets.HTML(_numbered(self.legend))] if self.legend else []
        return ipywidgets.VBox([*numbered, row, picture])

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
    """Lesson 1: the rate, and the masks that it draws, step by step."""
    controls = (Control(N_("rate"), 0.0, 0.9, 0.1, 0.5), Control(N_("training step"), 1, 100, 1, 1))
    return Explorer(controls, _mask)


def running_averages() -> Explorer:
    """Lesson 2: how the size of a batch makes its mean uncertain, and how the running averages find the truth."""
    controls = (Control(N_("rows in a batch"), 2, 128, 2, 8), Control(N_("batches"), 10, 1000, 10, 300))
    return Explorer(controls, _averages)


def runs(histories: Mapping[str, object], reference: float | None = None) -> Explorer:
    """Lesson 3: any two of several runs in one picture.

    Args:
        histories: names and learning curves of two runs or more.
        reference: the loss of a constant guess; without it a network that learned nothing may sound healthy.

    Raises:
        NotCurves: if one holds no learning curves.
        ValueError: for fewer than two.
    """
    curves = {str(name): Curves.of(history) for name, history in histories.items()}
    count = len(curves)
    if count < 2:
        raise ValueError(translate("To compare takes two runs, not {count}.", count=count))
    controls = (Control(N_("first run"), 1, count, 1, 1), Control(N_("second run"), 1, count, 1, 2))
    return Explorer(controls, partial(_two_runs, curves, reference), tuple(curves))


# --- the pictures -----------------------------------------------------------------------------------------------------


def _mask(rate: float, step: int) -> Drawn:
    from checker.show import animation

    film = animation.dropout(rate, frames=1, seed=step - 1)
    (mask,) = film.masks
    alt = translate(
        N_(
            "Training step {step} at a rate of {rate}: of {count} units in the first hidden layer {missing} are left "
            "out."
        ),
        step=step,
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


def _averages(rows: int, batches: int) -> Drawn:
    from checker.show import plots

    chance = random.Random(rows)
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

    from checker.show.picture import Ink

    with plots.style():
        figure = Figure(figsize=(6.8, 3.4), layout="constrained")
        axes = figure.subplots()
        numbers = range(1, batches + 1)
        blue, vermillion, grey = (plots.COLOURS[ink] for ink in (Ink.BLUE, Ink.VERMILLION, Ink.GREY))
        axes.plot(numbers, means, ".", color=blue, markersize=4, label=translate(N_("mean of a batch")))
        axes.plot(numbers, moving, "-", color=vermillion, linewidth=2, label=translate(N_("moving mean")))
        axes.axhline(TRUE_MEAN, linestyle="--", color=grey, linewidth=1, label=translate(N_("true mean")))
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


def _two_runs(curves: Mapping[str, Curves], reference: float | None, first: int, second: int) -> Drawn:
    from checker.show import picture, plots

    (before_name, before), (after_name, after) = (list(curves.items())[number - 1] for number in (first, second))
    runs = [run_of(diagnose(run, reference=reference)) for run in (before, after)]
    drawn = plots.draw(picture.of(*runs, title=f"{before_name} · {after_name}"))
    chosen = {before_name: before, after_name: after}
    alt = words.sentences(figures.told(run, name, reference) for name, run in chosen.items())
    return Drawn("png", plots.rendered(drawn, "png"), 680, alt, figures.Table.of(figures.columns(chosen)))


def _numbered(names: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(name)}</li>" for name in names)
    return f'<ol style="line-height: 1.4">{items}</ol>'
