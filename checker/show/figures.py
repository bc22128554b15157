"""Pictures for readers with and without sight: a figure, the same told in words, and the data that it was drawn from.

``figures.show(figure, history)`` takes the place of ``plt.show()``. The words and the table are made of the data, so
they say what the picture shows, whatever came out of this run.
"""

from __future__ import annotations

import base64
import io
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from checker.curves import Curves, diagnose
from checker.language import N_, get_language, translate
from checker.show import html, page, words

if TYPE_CHECKING:  # matplotlib is loaded by whoever draws with it
    from matplotlib.figure import Figure

DPI = 100
"""Pixels of an inch of a figure; it is stored with half as many again, for sharp screens."""


@dataclass(frozen=True)
class Table:
    """The data behind a picture.

    Attributes:
        head: the names of the columns.
        rows: the cells of each row, as text; the first one is the row's name.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, columns: Mapping[str, Iterable[Any]]) -> Table:
        """The table with these columns, numbers written for readers; a column that ends early is filled up."""
        cells = [[_cell(value) for value in column] for column in columns.values()]
        longest = max(map(len, cells), default=0)
        filled = [[*column, *[""] * (longest - len(column))] for column in cells]
        return cls(tuple(map(str, columns)), tuple(zip(*filled, strict=True)))


@dataclass(frozen=True)
class Shown:
    """A picture with its words and its data; the last line of a notebook cell shows it.

    Attributes:
        png: the picture as pixels.
        width: how wide it is shown, in the page's pixels.
        alt: the picture told in full sentences, with its numbers.
        table: the data behind it.
    """

    png: bytes = field(repr=False)
    width: int
    alt: str
    table: Table

    def _repr_html_(self) -> str:
        return markup(f"data:image/png;base64,{_text(self.png)}", self.width, self.alt, self.table)

    def _repr_mimebundle_(self, **kwargs: object) -> dict[str, str]:
        """One output in three forms: a host takes the richest that it can show."""
        return {"text/html": self._repr_html_(), "image/png": _text(self.png), "text/plain": self.alt}


def show(
    figure: Figure,
    runs: object = None,
    *,
    reference: float | None = None,
    alt: str = "",
    table: Mapping[str, Iterable[Any]] | None = None,
) -> None:
    """Show a figure with its words and its data, and close it.

    Args:
        figure: a matplotlib figure, or anything with a ``figure`` such as the axes that ``DataFrame.plot`` returns.
        runs: the learning curves that it draws: a history, or a name for each of several.
        reference: the loss of a constant guess; without it a network that learned nothing may sound healthy.
        alt: what is to be said of it, where it draws no learning curves or more than these.
        table: the names and values of the columns behind it, where it draws no learning curves.

    Raises:
        NotCurves: if ``runs`` hold no learning curves.
    """
    shown = described(figure, runs, reference=reference, alt=alt, table=table)
    if (pyplot := sys.modules.get("matplotlib.pyplot")) is not None:
        pyplot.close(getattr(figure, "figure", figure))  # or the notebook would show it a second time
    _display(shown)


def show_labelled(figure: Figure, labels: Sequence[Any], truth: Sequence[Any]) -> None:
    """Show a figure of pictures with their labels, some of which may be false.

    Args:
        figure: a matplotlib figure.
        labels: what each picture is called.
        truth: what it shows.
    """
    pairs = list(zip(labels, truth, strict=True))
    said = [
        translate(N_("{label}, false, the picture shows a {true}"), label=label, true=true)
        if label != true
        else str(label)
        for label, true in pairs
    ]
    show(
        figure,
        alt=translate(N_("{count} small pictures. Their labels: {labels}."), count=len(pairs), labels="; ".join(said)),
        table={
            translate(N_("picture")): range(1, len(pairs) + 1),
            translate(N_("label")): labels,
            translate(N_("what it shows")): truth,
        },
    )


def described(
    figure: Figure,
    runs: object = None,
    *,
    reference: float | None = None,
    alt: str = "",
    table: Mapping[str, Iterable[Any]] | None = None,
) -> Shown:
    """The figure with its words and its data, not yet shown; the arguments are those of :func:`show`."""
    drawn = getattr(figure, "figure", figure)
    named = {} if runs is None else _named(runs)
    said = [told(curves, name, reference) for name, curves in named.items()]
    data = table if table is not None else columns(named)
    png = _pixels(drawn)
    return Shown(
        png,
        round(drawn.get_figwidth() * DPI),
        words.sentences([text for text in (alt, *said) if text]),
        Table.of(data),
    )


def told(curves: object, name: str = "", reference: float | None = None) -> str:
    """One run in full sentences: its losses at both ends, its best epoch, its diagnosis."""
    return words.told(page.run_of(diagnose(curves, reference=reference)), name)


def markup(address: str, width: int, alt: str, table: Table, still: str = "") -> str:
    """A picture at an address, its words, and its data in a table that opens on demand, as HTML.

    Args:
        address: of the picture, ``"data:image/png;base64,..."``.
        width: how wide it is shown, in pixels of the page.
        alt: its words.
        table: its data.
        still: address of a picture for those who want no motion; empty where nothing moves.
    """
    return (
        html.environment()
        .get_template("figure.html")
        .render(
            lang=html.LANGUAGE_TAGS[get_language()],
            address=address,
            still=still,
            width=width,
            alt=alt,
            head=table.head,
            rows=table.rows,
            summary=translate(N_("The data of this picture as a table")),
            caption=translate(N_("Data of the picture")),
        )
    )


def _display(thing: Shown) -> None:
    """Show it where the learner is: in a notebook with its picture, elsewhere its words."""
    from checker import show

    if show.in_notebook():
        from IPython.display import display

        display(thing)  # type: ignore[no-untyped-call]
    else:
        print(thing.alt)


def _named(runs: object) -> dict[str, Curves]:
    """The runs by their names; a single one needs none."""
    if isinstance(runs, Mapping) and not {"loss", "val_loss"} & runs.keys():
        return {str(name): Curves.of(run) for name, run in runs.items()}
    return {"": Curves.of(runs)}


def columns(runs: Mapping[str, Curves]) -> dict[str, Iterable[Any]]:
    """The losses of all runs, an epoch a row."""
    if not runs:
        return {}
    longest = max(len(run.loss) for run in runs.values())
    series: dict[str, Iterable[Any]] = {translate(N_("epoch")): range(1, longest + 1)}
    for name, run in runs.items():
        for column, values in ((N_("training loss"), run.loss), (N_("validation loss"), run.val_loss or ())):
            if values:
                label = translate(column)
                series[translate(N_("{run}: {series}"), run=name, series=label) if name else label] = values
    return series


def _cell(value: Any) -> str:
    return words.number(float(value)) if isinstance(value, float) or hasattr(value, "dtype") else str(value)


def _pixels(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(
        buffer, format="png", dpi=1.5 * DPI, bbox_inches="tight", facecolor="white", metadata={"Software": None}
    )
    from checker.show import plots

    return plots.few_colours(buffer)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
