"""What a picture of learning curves shows: one frozen description, which ``plots`` and ``svg`` draw.

Every choice is made here: scales, ticks, texts, points, what is shaded and where a label stands. A renderer only turns
the description into lines and letters, so that a learner's notebook and a graded page show the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from typing import TypeAlias

from checker.language import N_, translate
from checker.show import words
from checker.show.words import Run

LOGARITHMIC = 50.0
"""Largest over smallest loss from which the axis is logarithmic: more would press one curve onto the frame."""

LABELS_APART = 0.075
"""Least distance between two labels beside the curves, as a share of the frame's height."""

_HIGHEST, _LOWEST = 1e100, 1e-100  # the arithmetic of axes overflows long before floats do
_FLAT = 1e-9  # values that differ by a smaller share are one line, whose last digits no axis should show
_MOST_STRETCHES = 20  # of epochs without a finite loss
_MOST_POINTS = 600  # of one curve: more are not seen on a screen
_LONGEST_TITLE = 80


class Ink(StrEnum):
    """Colours that stay apart in every common colour blindness: Okabe and Ito, Color Universal Design (2008)."""

    BLUE = "blue"
    VERMILLION = "vermillion"
    GREY = "grey"


class Dash(StrEnum):
    """How a curve is drawn, so that none is told by its colour alone; the names are matplotlib's."""

    SOLID = "solid"
    DASHED = "dashed"
    DOTTED = "dotted"
    DASHDOT = "dashdot"


class Scale(StrEnum):
    """How values are laid out along an axis; ``SYMMETRIC`` is sgn(x) log10(1 + |x|) (Webber 2013)."""

    LINEAR = "linear"
    LOGARITHMIC = "logarithmic"
    SYMMETRIC = "symmetric"

    def bent(self, value: float) -> float:
        """A value as a length along the axis, in units of the axis."""
        if self is Scale.LINEAR:
            return value
        if self is Scale.LOGARITHMIC:
            return math.log10(value)
        return math.copysign(math.log10(1 + abs(value)), value)


Point: TypeAlias = tuple[float, float]
"""Epoch and loss."""


@dataclass(frozen=True)
class Tick:
    """A value on an axis, and how it is written."""

    value: float
    text: str


@dataclass(frozen=True)
class Axis:
    """An axis from ``low`` to ``high``, with its ticks from low to high."""

    label: str
    low: float
    high: float
    ticks: tuple[Tick, ...]
    scale: Scale = Scale.LINEAR

    @cached_property
    def _ends(self) -> tuple[float, float]:
        return self.scale.bent(self.low), self.scale.bent(self.high)

    def place(self, value: float) -> float:
        """Where the value stands: 0 at the low end, 1 at the high one."""
        low, high = self._ends
        return (self.scale.bent(value) - low) / (high - low)


@dataclass(frozen=True)
class Curve:
    """A series of losses: pieces of points that follow one another, parted where a loss is no finite number."""

    name: str
    pieces: tuple[tuple[Point, ...], ...]
    ink: Ink
    dash: Dash

    @property
    def end(self) -> Point:
        """The last finite point."""
        return self.pieces[-1][-1]


@dataclass(frozen=True)
class Mark:
    """The best epoch: a ring on the curve."""

    point: Point
    ink: Ink


@dataclass(frozen=True)
class Stretch:
    """Epochs that are shaded, or hatched where a loss is no finite number."""

    first: float
    last: float
    hatched: bool = False


@dataclass(frozen=True)
class Note:
    """Words in the frame or above it.

    Attributes:
        epoch: where the words are anchored.
        height: of their middle, as a share of the frame's height.
        side: which end of the words stands there: ``"left"``, ``"center"`` or ``"right"``.
    """

    text: str
    epoch: float
    height: float
    side: str


@dataclass(frozen=True)
class Label:
    """A name beside the frame, with a sample of its curve's line unless ``dash`` is None.

    Attributes:
        height: of its middle, as a share of the frame's height.
    """

    text: str
    height: float
    ink: Ink
    dash: Dash | None


@dataclass(frozen=True)
class Gap:
    """The distance between both curves at an epoch."""

    epoch: float
    low: float
    high: float


@dataclass(frozen=True)
class Plot:
    """A picture of learning curves.

    Attributes:
        name: what it is, in a few words.
        alt: the picture told in full sentences, with its numbers.
        size: width and height, in pixels.
        frame: left, bottom, right and top of the frame, as shares of the size, from the lower left.
        titles: lines above the frame, the first on top.
        best: the vertical line at the best epoch, with the words above it; None where it is not drawn.
    """

    name: str
    alt: str
    size: tuple[int, int]
    frame: tuple[float, float, float, float]
    titles: tuple[str, ...]
    x: Axis
    y: Axis
    curves: tuple[Curve, ...]
    labels: tuple[Label, ...]
    marks: tuple[Mark, ...] = ()
    stretches: tuple[Stretch, ...] = ()
    notes: tuple[Note, ...] = ()
    best: Note | None = None
    gap: Gap | None = None


def of(run: Run, second: Run | None = None, *, title: str = "") -> Plot:
    """The picture of one run, or of two in one frame.

    Args:
        run: the run, or the first of two.
        second: the second run.
        title: a line above the picture.
    """
    return _one(run, title) if second is None else _two(run, second, title)


def _one(run: Run, title: str) -> Plot:
    x, y = _epochs([run]), _losses([run])
    curves = _curves(
        (run.loss, N_("training loss"), Ink.BLUE, Dash.DASHED),
        (run.val_loss, N_("validation loss"), Ink.VERMILLION, Dash.SOLID),
    )
    gap = _gap(run, y)
    diagnosis = words.named(run.names)
    said = translate(N_("Diagnosis: {diagnosis}"), diagnosis=diagnosis) if diagnosis else ""
    name = translate(N_("Learning curves: {diagnosis}."), diagnosis=diagnosis) if diagnosis else ""
    labels, titles = _labels(curves, y, gap), _titles(title, said)
    stretches, notes = _stretches(run, x)
    return Plot(
        name or translate(N_("Learning curves")),
        words.told(run),
        (680, 370),
        _frame(y, labels, titles, 680),
        titles,
        x,
        y,
        curves,
        labels,
        tuple(_marks(run, Ink.VERMILLION)),
        stretches,
        notes,
        _best(run, x),
        gap,
    )


def _two(before: Run, after: Run, title: str) -> Plot:
    x, y = _epochs([before, after]), _losses([before, after])
    curves = _curves(
        (before.loss, N_("first run: training"), Ink.BLUE, Dash.DOTTED),
        (before.val_loss, N_("first run: validation"), Ink.BLUE, Dash.DASHDOT),
        (after.loss, N_("second run: training"), Ink.VERMILLION, Dash.DASHED),
        (after.val_loss, N_("second run: validation"), Ink.VERMILLION, Dash.SOLID),
    )
    labels, titles = _labels(curves, y), _titles(title)
    marks = (*_marks(before, Ink.BLUE), *_marks(after, Ink.VERMILLION))
    name = translate(N_("Learning curves of two runs"))
    size = (680, 400)
    frame = _frame(y, labels, titles, size[0])
    return Plot(name, words.told_both(before, after), size, frame, titles, x, y, curves, labels, marks)


# --- curves and what is marked on them --------------------------------------------------------------------------------


def _curves(*series: tuple[Sequence[float], str, Ink, Dash]) -> tuple[Curve, ...]:
    """The series that have a finite value."""
    drawn = ((translate(name), _pieces(values), ink, dash) for values, name, ink, dash in series)
    return tuple(Curve(name, pieces, ink, dash) for name, pieces, ink, dash in drawn if pieces)


def _pieces(values: Sequence[float]) -> tuple[tuple[Point, ...], ...]:
    pieces: list[list[Point]] = [[]]
    for epoch, value in enumerate(map(bounded, values), 1):
        if not math.isnan(value):
            pieces[-1].append((epoch, value))
        elif pieces[-1]:
            pieces.append([])
    most = max(4, _MOST_POINTS * sum(map(bool, pieces)) // max(1, len(pieces)))
    return tuple(tuple(thinned(piece, most)) for piece in pieces if piece)


def thinned(points: Sequence[Point], most: int) -> Sequence[Point]:
    """At most so many points: of each stretch its lowest and its highest, so that every peak stays."""
    if len(points) <= most:
        return points
    stretches = most // 2 - 1
    edges = [1 + (len(points) - 2) * number // stretches for number in range(stretches + 1)]
    kept = [points[0]]
    for first, last in pairwise(edges):
        places = range(first, last)
        lowest, highest = min(places, key=lambda n: points[n][1]), max(places, key=lambda n: points[n][1])
        kept += [points[place] for place in sorted({lowest, highest})]
    return [*kept, points[-1]]


def bounded(value: float) -> float:
    """The value within what can be drawn; NaN and infinity, which are marked otherwise, as NaN."""
    if _LOWEST < value < _HIGHEST:  # nearly every loss
        return value
    if not math.isfinite(value):
        return math.nan
    return 0.0 if abs(value) < _LOWEST else min(max(value, -_HIGHEST), _HIGHEST)


def _marks(run: Run, ink: Ink) -> Iterator[Mark]:
    if run.best is not None:
        yield Mark((run.best, bounded(run.val_loss[run.best - 1])), ink)


def _best(run: Run, x: Axis) -> Note | None:
    if run.best is None:
        return None
    text = translate(N_("best epoch: {epoch}"), epoch=run.best)
    return Note(text, run.best, 1.05, _side(x.place(run.best)))


def _side(place: float) -> str:
    return "left" if place < 0.2 else "right" if place > 0.8 else "center"


def _stretches(run: Run, x: Axis) -> tuple[tuple[Stretch, ...], tuple[Note, ...]]:
    """What is shaded (validation got worse) and hatched (a loss is no finite number), and the words there."""
    stretches, said = [], []
    if run.worse is not None:
        first, last = run.worse
        stretches.append(Stretch(max(first, x.low), min(last, x.high)))
        message = N_("validation gets worse") if run.risen else N_("validation gains nothing")
        said.append(((first + last) / 2, translate(message)))
    broken = list(_together(run.broken))[:_MOST_STRETCHES]
    for first, last in broken:
        stretches.append(Stretch(max(first - 0.5, x.low), min(last + 0.5, x.high), hatched=True))
    if broken:
        first, last = broken[0]
        text = translate(N_("no finite loss from epoch {epoch}"), epoch=first)
        said.append((max((first + last) / 2, 0.25 * run.epochs), text))
    return tuple(stretches), tuple(_note(text, epoch, line, x) for line, (epoch, text) in enumerate(said))


def _note(text: str, epoch: float, line: int, x: Axis) -> Note:
    """Words at the top of the frame, one line under the other; none reaches out of the frame."""
    side = _side(x.place(epoch))
    anchor = {"left": max(x.low, 1.0), "right": x.high, "center": epoch}[side]
    return Note(text, anchor, 0.93 - 0.085 * line, side)


def _together(epochs: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last of each group of epochs that follow one another."""
    first: int | None = None
    for place, epoch in enumerate(epochs):
        first = epoch if first is None else first
        if place + 1 == len(epochs) or epochs[place + 1] != epoch + 1:
            yield first, epoch
            first = None


def _gap(run: Run, y: Axis) -> Gap | None:
    """The distance between the ends of both curves, where validation ends clearly above training."""
    pairs = list(zip(run.loss, run.val_loss, strict=False))
    finite = (epoch for epoch in range(len(pairs), 0, -1) if all(map(math.isfinite, pairs[epoch - 1])))
    epoch = next(finite, None)
    if epoch is None or run.unread or y.scale is not Scale.LINEAR:
        return None
    loss, val_loss = map(bounded, pairs[epoch - 1])
    return Gap(epoch, loss, val_loss) if val_loss - loss >= 0.08 * (y.high - y.low) else None


# --- labels, titles, and the room that they need ----------------------------------------------------------------------


def _labels(curves: Sequence[Curve], y: Axis, gap: Gap | None = None) -> tuple[Label, ...]:
    """Each curve's name beside its end, apart from one another, from the lowest up."""
    wanted = [Label(curve.name, y.place(curve.end[1]), curve.ink, curve.dash) for curve in curves]
    if gap is not None:
        text = translate(N_("gap: {gap}"), gap=words.number(gap.high - gap.low))
        wanted.append(Label(text, y.place((gap.low + gap.high) / 2), Ink.GREY, None))
    wanted.sort(key=lambda label: label.height)
    heights = spread([label.height for label in wanted], LABELS_APART)
    return tuple(
        Label(label.text, height, label.ink, label.dash) for label, height in zip(wanted, heights, strict=True)
    )


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


def _titles(*lines: str) -> tuple[str, ...]:
    return tuple(" ".join(words.visible(line[:_LONGEST_TITLE]).split()) for line in lines if line)


def _frame(y: Axis, labels: Sequence[Label], titles: Sequence[str], width: int) -> tuple[float, float, float, float]:
    """Room on the left for the ticks, on the right for the labels, above for the titles; no more than they need."""
    left = 52 + 6.5 * max((_letters(tick.text) for tick in y.ticks), default=0)
    right = 44 + 6.7 * max((_letters(label.text) for label in labels), default=0)
    return left / width, 0.135, 1 - right / width, 0.92 - 0.08 * len(titles)


def _letters(text: str) -> float:
    """The text's width in Latin letters; a Chinese one is about twice as wide."""
    return sum(1.9 if ord(letter) > 0x2E80 else 1.0 for letter in text)


# --- axes -------------------------------------------------------------------------------------------------------------


def _epochs(runs: Sequence[Run]) -> Axis:
    longest = max(1, *(run.epochs for run in runs))
    low, high = (0.5, 1.5) if longest == 1 else (1.0, float(longest))
    step = max(1.0, _nice((high - low) / 7, (1, 2, 5)))
    return Axis(translate(N_("epoch")), low, high, _multiples(low, high, step))


def _losses(runs: Sequence[Run]) -> Axis:
    label = translate(N_("loss"))
    drawn = (bounded(value) for run in runs for value in (*run.loss, *run.val_loss))
    values = [value for value in drawn if not math.isnan(value)]
    if not values:
        return Axis(label, 0.0, 1.0, ())
    low, high = min(values), max(values)
    if low > 0 and high / low > LOGARITHMIC:
        low, high = 10 ** (math.log10(low) - 0.2), 10 ** (math.log10(high) + 0.3)
        return Axis(label, low, high, tuple(_powers(low, high)), Scale.LOGARITHMIC)
    if low <= 0 and high - low > 1e4:
        low, high = 3 * min(low, -1.0), 3 * max(high, 1.0)
        return Axis(label, low, high, tuple(_both_ways(low, high)), Scale.SYMMETRIC)
    flat = high - low <= _FLAT * max(abs(low), abs(high))
    margin = (0.05 * abs(high) or 1.0) if flat else 0.07 * (high - low)
    low, high = low - margin, high + 2 * margin
    step = _nice((high - low) / 6, (1, 2, 2.5, 5))
    return Axis(label, low, high, _multiples(low, high, step))


def _nice(step: float, steps: Iterable[float]) -> float:
    """The smallest of the nice steps, times a power of ten, that is at least this one.

    Heckbert, Nice numbers for graph labels, Graphics Gems (1990).
    """
    power = 10.0 ** math.floor(math.log10(step))
    return next(nice * power for nice in (*steps, 10) if nice * power >= step * (1 - 1e-9))


def _decimals(step: float) -> int:
    """How many decimals a multiple of the step has."""
    decimals = -math.floor(math.log10(step) + 1e-9)
    return decimals + (round(step * 10.0 ** (decimals + 1)) % 10 != 0)


def _multiples(low: float, high: float, step: float) -> tuple[Tick, ...]:
    decimals = _decimals(step)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(Tick(number * step, _written(number * step, decimals)) for number in range(first, last + 1))


def _written(value: float, decimals: int) -> str:
    """A tick's value: as many decimals as its neighbours, or as a power of ten where that would be long."""
    if decimals <= 5 and abs(value) < 1e6:
        return f"{value:.{max(0, decimals)}f}".replace("-", "−")
    digits = math.floor(math.log10(abs(value)) + 1e-9) + 1 + decimals if value else 1
    return f"{value:.{max(1, digits)}g}".replace("-", "−", value < 0)


def _powers(low: float, high: float) -> Iterator[Tick]:
    """Powers of ten within the axis, at most about five."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    for power in range(first, last + 1, max(1, -(-(last - first + 1) // 5))):
        yield Tick(10.0**power, words.number(10.0**power))


def _both_ways(low: float, high: float) -> Iterator[Tick]:
    """Zero, and powers of ten on both sides of it."""
    largest = math.floor(math.log10(max(high, -low)))
    powers = [10.0**power for power in range(largest, 0, -max(1, -(-largest // 3)))]
    for value in (*(-power for power in powers), 0.0, *reversed(powers)):
        if low <= value <= high:
            yield Tick(value, words.number(value).replace("-", "−", value < 0))
