"""Learning curves as figures in a notebook: the description in ``picture``, drawn by matplotlib.

Figures are drawn on a white card of their own, with the course's own font and matplotlib's object interface: the
learner's figures, styles and settings stay as they are.
"""

from __future__ import annotations

import base64
import io
import math
from contextlib import AbstractContextManager
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.ft2font import FT2Font
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator
from numpy.typing import NDArray
from PIL import Image

from checker.curves import Comparison, Diagnosis, diagnose
from checker.curves import compare as compared
from checker.language import N_, translate
from checker.show import picture, words
from checker.show.page import run_of
from checker.show.picture import Axis as Scaled
from checker.show.picture import Dash, Ink, Note, Plot, Scale
from checker.show.words import Run

COLOURS = {Ink.BLUE: "#0072B2", Ink.VERMILLION: "#D55E00", Ink.GREY: "#5b6470"}
"""The inks on white; each has a contrast of more than 3 to 1 (WCAG 2.2, 1.4.11)."""

HEAVY = 45_000
"""Bytes from which a picture is sent as pixels instead of as lines."""

_FONT = Path(__file__).parent / "fonts" / "checker-sans.otf"
_INSTALLED = ("Noto Sans CJK SC", "Noto Sans CJK JP", "PingFang SC", "Microsoft YaHei", "WenQuanYi Zen Hei")
_GREY = COLOURS[Ink.GREY]


class Picture(Figure):
    """A matplotlib figure with alternative text.

    Attributes:
        alt: the picture told in full sentences, with its numbers.
    """

    alt: str = ""

    def _repr_html_(self) -> str:
        return f'<img src="{address(self)}" alt="{escape(self.alt)}" style="max-width: 100%; height: auto">'


def learning_curves(history: object, *, title: str = "") -> Picture:
    """Draw a run: both losses, the best epoch, the stretch where validation got worse, the gap, the diagnosis.

    Args:
        history: a Diagnosis, or anything that :meth:`checker.curves.Curves.of` reads.
        title: a line above the picture.

    Returns:
        A matplotlib figure, with its alternative text in ``.alt``.

    Raises:
        NotCurves: if ``history`` holds no learning curves.
    """
    return draw(picture.of(_run(history), title=title))


def compare(before: object, after: object | None = None, *, title: str = "") -> Picture:
    """Draw two runs in one frame.

    Args:
        before: the first run, as for :func:`learning_curves`, or a Comparison of both.
        after: the second run.
        title: a line above the picture; else what the comparison says.

    Returns:
        A matplotlib figure, with its alternative text in ``.alt``.

    Raises:
        NotCurves: if either holds no learning curves.
    """
    comparison = before if isinstance(before, Comparison) else compared(_history(before), _history(after))
    difference = translate(N_("Second run: {difference}"), difference=words.named(comparison.names))
    return draw(picture.of(run_of(comparison.before), run_of(comparison.after), title=title or difference))


def alt_text(history: object, after: object | None = None) -> str:
    """The picture of one run, or of two, told in full sentences with their numbers.

    Raises:
        NotCurves: if either holds no learning curves.
    """
    return words.told(_run(history)) if after is None else words.told_both(_run(history), _run(after))


def draw(plot: Plot) -> Picture:
    """The figure of a described picture."""
    left, bottom, right, top = plot.frame
    with style():
        figure = Picture(figsize=(plot.size[0] / 100, plot.size[1] / 100))
        figure.alt = plot.alt
        axes = figure.add_axes((left, bottom, right - left, top - bottom))
        _scales(axes, plot)
        _marked(axes, plot)
        _drawn(axes, plot)
        _named(axes, plot)
    return figure


def image(run: Run, second: Run | None = None) -> str:
    """The drawn run, or the two, as the address of an ``<img>``."""
    return address(draw(picture.of(run, second)))


def address(figure: Figure) -> str:
    """The picture as a ``data:`` address: lines where they are light, pixels where there are too many of them."""
    data, kind = rendered(figure, "svg"), "svg+xml"
    if len(data) > HEAVY:
        data, kind = rendered(figure, "png"), "png"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def rendered(figure: Figure, kind: str) -> bytes:
    """The picture as ``"svg"`` or ``"png"``; the same picture gives the same bytes."""
    buffer = io.BytesIO()
    with style():
        figure.savefig(buffer, format=kind, dpi=130, metadata={"Date": None} if kind == "svg" else {"Software": None})
    return buffer.getvalue() if kind == "svg" else few_colours(buffer)


def few_colours(buffer: io.BytesIO) -> bytes:
    """A PNG with 64 colours: as good for lines and letters, and a third of the size."""
    small = io.BytesIO()
    Image.open(buffer).convert("RGB").quantize(64).save(small, format="png", optimize=True)
    return small.getvalue()


def _history(source: object) -> object:
    return source.curves if isinstance(source, Diagnosis) else source


def _run(history: object) -> Run:
    return run_of(history if isinstance(history, Diagnosis) else diagnose(history))


# --- what is drawn ----------------------------------------------------------------------------------------------------


def _scales(axes: Axes, plot: Plot) -> None:
    axes.set_xlim(plot.x.low, plot.x.high)
    if plot.y.scale is Scale.LOGARITHMIC:
        axes.set_yscale("log")
    elif plot.y.scale is Scale.SYMMETRIC:
        axes.set_yscale("function", functions=(_bent, _straightened))
    axes.set_ylim(plot.y.low, plot.y.high)
    axes.set_xlabel(plot.x.label)
    axes.set_ylabel(plot.y.label)
    for axis, described in ((axes.xaxis, plot.x), (axes.yaxis, plot.y)):
        _ticks(axis, described)


def _ticks(axis: Axis, described: Scaled) -> None:
    axis.set_major_locator(FixedLocator([tick.value for tick in described.ticks]))
    axis.set_major_formatter(FixedFormatter([tick.text for tick in described.ticks]))
    axis.set_minor_locator(NullLocator())


def _bent(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """:attr:`picture.Scale.SYMMETRIC`, for arrays."""
    bent: NDArray[np.float64] = np.copysign(np.log10(1 + np.abs(values)), values)
    return bent


def _straightened(lengths: NDArray[np.float64]) -> NDArray[np.float64]:
    straight: NDArray[np.float64] = np.copysign(np.power(10.0, np.abs(lengths)) - 1, lengths)
    return straight


def _marked(axes: Axes, plot: Plot) -> None:
    """What stands behind the curves: shaded and hatched stretches, the best epoch; and the words there."""
    for stretch in plot.stretches:
        if stretch.hatched:
            look: dict[str, Any] = {"facecolor": "white", "edgecolor": _GREY, "alpha": 0.5, "hatch": "//"}
        else:
            look = {"color": COLOURS[Ink.VERMILLION], "alpha": 0.12}
        axes.axvspan(stretch.first, stretch.last, linewidth=0, zorder=0, **look)
    box = {"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1.5}
    for note in plot.notes:
        _note(axes, note, fontsize=9, bbox=box)
    if plot.best is not None:
        axes.axvline(plot.best.epoch, color=_GREY, linewidth=0.8, linestyle=":", zorder=1)
        _note(axes, plot.best, fontsize=9, color=_GREY)


def _note(axes: Axes, note: Note, **look: Any) -> None:
    place = axes.get_xaxis_transform()
    axes.text(note.epoch, note.height, note.text, transform=place, ha=note.side, va="center", **look)


def _drawn(axes: Axes, plot: Plot) -> None:
    for curve in plot.curves:
        points = [point for piece in curve.pieces for point in (*piece, (math.nan, math.nan))][:-1]
        alone = {piece[0] for piece in curve.pieces if len(piece) == 1}
        look: dict[str, Any] = {
            "linestyle": str(curve.dash),
            "color": COLOURS[curve.ink],
            "marker": "o" if alone else "",
        }
        look |= {"linewidth": 2.0 if curve.dash in (Dash.SOLID, Dash.DASHDOT) else 1.6, "label": curve.name}
        marked = [place for place, point in enumerate(points) if point in alone]
        axes.plot(*zip(*points, strict=True), markevery=marked, **look)
    for mark in plot.marks:
        axes.plot(*mark.point, "o", color=COLOURS[mark.ink], markerfacecolor="white", markersize=7, clip_on=False)
    if plot.gap is not None:
        ends = (plot.gap.epoch, plot.gap.low), (plot.gap.epoch, plot.gap.high)
        axes.annotate("", *ends, arrowprops={"arrowstyle": "<->", "color": _GREY, "shrinkA": 2, "shrinkB": 2})


def _named(axes: Axes, plot: Plot) -> None:
    """The names beside the curves, each with a sample of its line, and the lines above the frame."""
    for label in plot.labels:
        if label.dash is not None:
            sample: dict[str, Any] = {"linestyle": str(label.dash), "color": COLOURS[label.ink]}
            axes.plot([1.015, 1.06], [label.height] * 2, transform=axes.transAxes, clip_on=False, **sample)
        axes.text(1.07, label.height, label.text, transform=axes.transAxes, ha="left", va="center", fontsize=9.5)
    for place, line in enumerate(reversed(plot.titles)):
        axes.text(0, 1.11 + 0.09 * place, writable(line), transform=axes.transAxes, fontsize=11.5)


# --- the letters ------------------------------------------------------------------------------------------------------


def style() -> AbstractContextManager[None]:
    """Our look, whatever the learner's settings are; they come back afterwards."""
    return matplotlib.style.context(["default", _look()])


@cache
def _look() -> dict[str, Any]:
    return {
        "font.family": _families(),
        "font.size": 10,
        "text.parse_math": False,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": _GREY,
        "axes.grid": True,
        "axes.grid.axis": "y",
        "axes.axisbelow": True,
        "grid.color": "#e4e6e9",
        "hatch.linewidth": 0.6,
        "svg.fonttype": "path",
        "svg.hashsalt": "checker",
    }


@cache
def _families() -> list[str]:
    """Our font, matplotlib's own, then what is installed: together they can write almost any title."""
    fontManager.addfont(_FONT)
    known = set(fontManager.get_font_names())
    return ["Checker Sans", "DejaVu Sans", *(name for name in _INSTALLED if name in known)]


@cache
def _glyphs() -> frozenset[int]:
    paths = (fontManager.findfont(family, fallback_to_default=False) for family in _families())
    return frozenset(code for path in paths for code in FT2Font(path).get_charmap())


def writable(text: str) -> str:
    """The text with a box for every character that no font here can write."""
    return "".join(character if ord(character) in _glyphs() else "□" for character in text)
