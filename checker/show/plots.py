"""Learning curves as pictures: what happened, where, and what it is called; readable without colour.

Pictures are drawn on a white card of their own, with the course's own font and matplotlib's object interface: the
learner's figures, styles and settings stay as they are.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.ft2font import FT2Font
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, ScalarFormatter
from PIL import Image

from checker.curves import Comparison, Diagnosis, diagnose
from checker.curves import compare as compared
from checker.language import N_, translate
from checker.show import words
from checker.show.page import run_of
from checker.show.words import Run

BLUE, VERMILLION, GREY = "#0072B2", "#D55E00", "#5b6470"
"""Colours that stay apart in every common colour blindness: Okabe and Ito, Color Universal Design (2008)."""

LOGARITHMIC = 50.0
"""Largest over smallest loss from which the axis is logarithmic: more would press one curve onto the frame."""

HEAVY = 45_000
"""Bytes from which a picture is sent as pixels instead of as lines."""

_FONT = Path(__file__).parent / "fonts" / "checker-sans.otf"
_INSTALLED = ("Noto Sans CJK SC", "Noto Sans CJK JP", "PingFang SC", "Microsoft YaHei", "WenQuanYi Zen Hei")
_LONGEST_TITLE = 80
_HIGHEST = 1e100  # nothing is drawn higher: the arithmetic of axes overflows long before floats do
_MOST_STRETCHES = 20  # of epochs without a finite loss


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
    return draw(_run(history), title=title)


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
    return draw(run_of(comparison.before), run_of(comparison.after), title=title or difference)


def alt_text(history: object, after: object | None = None) -> str:
    """The picture of one run, or of two, told in full sentences with their numbers.

    Raises:
        NotCurves: if either holds no learning curves.
    """
    return words.told(_run(history)) if after is None else words.told_both(_run(history), _run(after))


def draw(run: Run, second: Run | None = None, *, title: str = "") -> Picture:
    """Draw one run, or two in one frame."""
    with style():
        picture = Picture(figsize=(6.8, 3.7) if second is None else (6.8, 4.0))
        axes = picture.subplots()
        if second is None:
            picture.alt = words.told(run)
            _one(axes, run, title)
        else:
            picture.alt = words.told_both(run, second)
            _two(axes, run, second, title)
    return picture


def image(run: Run, second: Run | None = None) -> str:
    """The drawn run, or the two, as the address of an ``<img>``."""
    return address(draw(run, second))


def address(picture: Figure) -> str:
    """The picture as a ``data:`` address: lines where they are light, pixels where there are too many of them."""
    data, kind = rendered(picture, "svg"), "svg+xml"
    if len(data) > HEAVY:
        data, kind = rendered(picture, "png"), "png"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def rendered(picture: Figure, kind: str) -> bytes:
    """The picture as ``"svg"`` or ``"png"``; the same picture gives the same bytes."""
    buffer = io.BytesIO()
    with style():
        picture.savefig(buffer, format=kind, dpi=130, metadata={"Date": None} if kind == "svg" else {"Software": None})
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


def _bounded(values: Iterable[float]) -> list[float]:
    """The values within what can be drawn; NaN and infinity, which are marked otherwise, as NaN."""
    return [min(max(value, -_HIGHEST), _HIGHEST) if math.isfinite(value) else math.nan for value in values]


# --- what is drawn ----------------------------------------------------------------------------------------------------


def _one(axes: Axes, run: Run, title: str) -> None:
    _frame(axes, (run,), right=0.80)
    _stretch(axes, run)
    labels = [
        _line(axes, run.loss, translate(N_("training loss")), BLUE, "--"),
        _line(axes, run.val_loss, translate(N_("validation loss")), VERMILLION, "-"),
    ]
    _best(axes, run)
    labels.append(_gap(axes, run))
    _label(axes, labels)
    diagnosis = words.named(run.names)
    _titles(axes, title, translate(N_("Diagnosis: {diagnosis}"), diagnosis=diagnosis) if diagnosis else "")


def _two(axes: Axes, before: Run, after: Run, title: str) -> None:
    _frame(axes, (before, after), right=0.70)
    labels = []
    first, second = (before, N_("first run"), BLUE, (":", "-.")), (after, N_("second run"), VERMILLION, ("--", "-"))
    for run, name, colour, dashes in (first, second):
        for values, series, dash in zip(
            (run.loss, run.val_loss), (N_("training"), N_("validation")), dashes, strict=True
        ):
            label = translate(N_("{run}: {series}"), run=translate(name), series=translate(series))
            labels.append(_line(axes, values, label, colour, dash))
        if run.best is not None:
            axes.plot(
                run.best,
                *_bounded([run.val_loss[run.best - 1]]),
                "o",
                color=colour,
                markerfacecolor="white",
                markersize=6,
            )
    _label(axes, labels)
    _titles(axes, title)


_Label = tuple[float, str, str, str]  # height in the units of the axis, text, colour, dash


def _line(axes: Axes, values: Sequence[float], name: str, colour: str, dash: str) -> _Label | None:
    """Draw one curve; its label belongs beside its last finite value."""
    drawn = _bounded(values)
    finite = [value for value in drawn if not math.isnan(value)]
    if not finite:
        return None
    marker = "o" if len(finite) == 1 else ""
    axes.plot(
        range(1, len(values) + 1),
        drawn,
        dash,
        color=colour,
        marker=marker,
        linewidth=2 if dash.startswith("-") and dash != "--" else 1.6,
    )
    return finite[-1], name, colour, dash


def _best(axes: Axes, run: Run) -> None:
    if run.best is None:
        return
    axes.plot(
        run.best, *_bounded([run.val_loss[run.best - 1]]), "o", color=VERMILLION, markerfacecolor="white", markersize=7
    )
    axes.axvline(run.best, color=GREY, linewidth=0.8, linestyle=":", zorder=1)
    side = "left" if run.best < 0.2 * run.epochs else "right" if run.best > 0.8 * run.epochs else "center"
    text = translate(N_("best epoch: {epoch}"), epoch=run.best)
    axes.text(run.best, 1.015, text, transform=axes.get_xaxis_transform(), ha=side, va="bottom", color=GREY, fontsize=9)


def _stretch(axes: Axes, run: Run) -> None:
    """Shade where validation got worse, hatch where a loss is no finite number."""
    if run.worse is not None:
        first, last = run.worse
        axes.axvspan(first, last, color=VERMILLION, alpha=0.12, linewidth=0, zorder=0)
        said = N_("validation gets worse") if run.risen else N_("validation gains nothing")
        _note(axes, (first + last) / 2, translate(said))
    stretches = list(_stretches(run.broken))[:_MOST_STRETCHES]
    for first, last in stretches:
        axes.axvspan(
            first - 0.5, last + 0.5, facecolor="white", edgecolor=GREY, alpha=0.5, hatch="//", linewidth=0, zorder=0
        )
    if stretches:
        first, last = stretches[0]
        text = translate(N_("no finite loss from epoch {epoch}"), epoch=first)
        _note(axes, max((first + last) / 2, 0.25 * run.epochs), text)


def _note(axes: Axes, epoch: float, text: str) -> None:
    box = {"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1.5}
    axes.text(epoch, 0.96, text, transform=axes.get_xaxis_transform(), ha="center", va="top", fontsize=9, bbox=box)


def _stretches(epochs: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last of each group of epochs that follow one another."""
    first: int | None = None
    for place, epoch in enumerate(epochs):
        first = epoch if first is None else first
        if place + 1 == len(epochs) or epochs[place + 1] != epoch + 1:
            yield first, epoch
            first = None


def _gap(axes: Axes, run: Run) -> _Label | None:
    """An arrow between the ends of the two curves where validation ends clearly above training."""
    pairs = zip(_bounded(run.loss), _bounded(run.val_loss), strict=False)
    finite = [(epoch, *pair) for epoch, pair in enumerate(pairs, 1) if not any(map(math.isnan, pair))]
    if not finite or axes.get_yscale() != "linear":
        return None
    epoch, loss, val_loss = finite[-1]
    low, high = axes.get_ylim()
    if val_loss - loss < 0.08 * (high - low):
        return None
    axes.annotate(
        "",
        (epoch, loss),
        (epoch, val_loss),
        arrowprops={"arrowstyle": "<->", "color": GREY, "shrinkA": 2, "shrinkB": 2},
    )
    return (loss + val_loss) / 2, translate(N_("gap: {gap}"), gap=words.number(val_loss - loss)), GREY, ""


# --- the frame, the labels, the letters -------------------------------------------------------------------------------


def _frame(axes: Axes, runs: Sequence[Run], right: float) -> None:
    """Scales for these runs, quiet lines, room for labels on the right and for two lines above."""
    longest = max(1, *(run.epochs for run in runs))
    axes.set_xlim((0.5, 1.5) if longest == 1 else (1, longest))
    axes.set_xlabel(translate(N_("epoch")))
    axes.set_ylabel(translate(N_("loss")))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    values = _bounded(value for run in runs for value in (*run.loss, *run.val_loss))
    _scale(axes, [value for value in values if not math.isnan(value)])
    left = 0.11 if axes.get_yscale() == "linear" else 0.15  # powers of ten are longer words
    axes.figure.subplots_adjust(left=left, right=right, bottom=0.135)


def _scale(axes: Axes, values: Sequence[float]) -> None:
    if not values:
        axes.set_ylim(0, 1)
        axes.yaxis.set_ticks([])
        return
    low, high = min(values), max(values)
    if low > 0 and high / low > LOGARITHMIC:
        axes.set_yscale("log")
        axes.set_ylim(10 ** (math.log10(low) - 0.2), 10 ** (math.log10(high) + 0.3))
    elif low <= 0 and high - low > 1e4:
        axes.set_yscale("symlog", linthresh=1.0)
    if axes.get_yscale() == "linear":
        margin = 0.07 * (high - low) or 0.05 * abs(high) or 1.0
        axes.set_ylim(low - margin, high + 2 * margin)
        axes.yaxis.set_major_formatter(ScalarFormatter(useOffset=False))
    else:
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, place: words.number(value)))
        axes.yaxis.set_minor_formatter(NullFormatter())


def _label(axes: Axes, labels: Sequence[_Label | None]) -> None:
    """Write each curve's name beside its end, apart from one another."""
    present = sorted((label for label in labels if label is not None), key=lambda label: label[0])
    heights = [
        float(axes.transAxes.inverted().transform(axes.transData.transform((1, label[0])))[1]) for label in present
    ]
    for label, height in zip(present, spread(heights, 0.075), strict=True):
        _, text, colour, dash = label
        if dash:
            axes.plot([1.015, 1.06], [height] * 2, dash, color=colour, transform=axes.transAxes, clip_on=False)
        axes.text(1.07, height, text, transform=axes.transAxes, ha="left", va="center", fontsize=9.5)


def spread(heights: Sequence[float], apart: float) -> list[float]:
    """The sorted heights in [0, 1], moved as little as needed to stand ``apart`` from one another."""
    placed: list[float] = []
    for height in heights:
        placed.append(max(min(max(height, 0.0), 1.0), placed[-1] + apart if placed else 0.0))
    ceiling = 1.0
    for place in reversed(range(len(placed))):  # whatever was pushed out at the top comes down again
        placed[place] = min(placed[place], ceiling)
        ceiling = placed[place] - apart
    return placed


def _titles(axes: Axes, *lines: str) -> None:
    """Lines above the picture, the first on top, and no more room than they need."""
    shown = [writable(line) for line in lines if line]
    axes.figure.subplots_adjust(top=0.92 - 0.08 * len(shown))
    for place, line in enumerate(reversed(shown)):
        axes.text(0, 1.11 + 0.09 * place, line, transform=axes.transAxes, fontsize=11.5)


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
        "axes.edgecolor": GREY,
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
    """The text with a box for every character that no font here can write, and of bearable length."""
    line = " ".join(words.visible(text[:_LONGEST_TITLE]).split())
    return "".join(character if ord(character) in _glyphs() else "□" for character in line)
