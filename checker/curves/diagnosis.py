"""What one run shows: names, each with its evidence."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from checker.curves.measures import Array, mann_kendall, noise, smooth, theil_sen, window
from checker.curves.read import Curves

NAMES = (
    "diverged",
    "dead_start",
    "unstable",
    "overfitting",
    "underfitting",
    "still_improving",
    "healthy",
    "too_short",
    "no_validation",
)
"""What a run can be called. ``healthy`` goes with ``still_improving``: nothing is wrong, but there is more to gain."""

MIN_EPOCHS = 8
"""Below this many epochs a trend cannot be told from noise: the trend test needs five values to reach 1 %, all of them
rising, and a best stretch of three before them."""

SIGNIFICANT = 2.326
"""Standard score of a one-sided test at 1 %: the 0.99 quantile of the normal distribution."""

NOTABLE = 0.01
"""No change below 1 % of the level is worth a word. Training without dropout on Spotify ends 2 to 4 % above its best
stretch. Of the development collection, runs labelled overfit end at least 3.7 % above, all others less than 1.9 %."""

MEMORISED = 0.15
"""Growth of the gap, as a share of the final validation loss, without which a rise is no overfitting. With dropout on
Spotify it stays below 0.10 in 100 epochs, without it passes 0.24 in 30; labelled overfits start at 0.24."""

IMPROVING = 0.03
"""A loss that fell by this share of its level over the second half of the run promises more to whoever trains on."""

SILENT_START = 0.01
"""A training loss that never falls by 1 % of its first value has not started to learn."""

ROUGH = 0.1
"""Training is unstable if its loss, where it rises from one epoch to the next, rises by this share of its level."""

OFTEN = 0.25
"""Share of the epochs in which an unstable training loss rises; half of them do in pure noise."""

STALLED = 0.01
"""A training loss that falls by less than 1 % after the first few epochs has stopped learning."""

HALVED = 0.5
"""Standing still below half of the first training loss is taken for convergence, not for underfitting."""

NO_BETTER = 0.95
"""A validation loss that never falls below this share of the median predictor's has learned next to nothing."""

RUNAWAY = 0.1
"""A training loss that ends this share above its first value has run away: minimising raised it."""

ASTRONOMICAL = 100.0
"""So many times the loss of a predictor that learned nothing is no loss of a network that trains."""

EXPLODED = math.sqrt(float(np.finfo(np.float32).max))
"""About 1.8e19: the loss beyond which float32, in which Keras trains, cannot hold its square."""

STALLED_CODE = "curve.underfitting:stalled"
"""The sentence on a standstill, where no reference is known."""


def gap_growth(history: object) -> float:
    """How much the gap between validation and training loss grew over the run, in units of the loss.

    The levels at both ends are medians over a tenth of the run. A gap that starts below zero, as dropout makes it,
    counts from zero: an untrained network is as bad on either data.

    Returns:
        The growth; NaN where the curves hold no numbers or no validation loss.

    Raises:
        NotCurves: if ``history`` holds no learning curves.
    """
    curves = Curves.of(history)
    if curves.val_loss is None:
        return math.nan
    with np.errstate(over="ignore", invalid="ignore"):
        gap = np.array(curves.val_loss) - np.array(curves.loss)
        width = window(len(gap))
        return float(np.median(gap[-width:]) - max(0.0, float(np.median(gap[:width]))))


@dataclass(frozen=True)
class Verdict:
    """One thing the curves show.

    Attributes:
        name: one of :data:`NAMES`.
        epochs: first and last epoch that show it, counted from 1.
        numbers: what was measured; losses are in the units of the curve, shares are fractions.
        test: the rule that decided, in the words of its literature.
    """

    name: str
    epochs: tuple[int, int]
    numbers: Mapping[str, float] = field(default_factory=dict)
    test: str = ""

    @property
    def code(self) -> str:
        """Which sentence of :mod:`checker.messages` says it."""
        return f"curve.{self.name}" if "reference" in self.numbers or self.name != "underfitting" else STALLED_CODE

    @property
    def params(self) -> dict[str, float]:
        """What that sentence is filled with."""
        return {**self.numbers, "first": self.epochs[0], "last": self.epochs[1]}


@dataclass(frozen=True)
class Diagnosis:
    """What a run shows: names, each with its evidence.

    Attributes:
        curves: the curves that were judged.
        verdicts: what they show, the gravest first.
    """

    curves: Curves
    verdicts: tuple[Verdict, ...]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(verdict.name for verdict in self.verdicts)

    @property
    def best_epoch(self) -> int | None:
        """The epoch, counted from 1, with the lowest validation loss; None if no loss is a number."""
        return self.curves.best_epoch

    @property
    def numbers(self) -> dict[str, float]:
        """What the whole run measures: ``minimum``, ``final``, ``best_epoch``, ``noise`` and ``gap_growth``.

        Losses are those of validation, in the units of the curve, and so is the noise, that of the second half, where
        a curve has settled. A number that is not finite is left out.
        """
        best = self.best_epoch
        if best is None:
            return {}
        judged = self.curves.judged
        found = {"minimum": judged[best - 1], "final": judged[-1], "best_epoch": float(best)}
        settled = np.array(judged[len(judged) // 2 :])
        found |= {"noise": noise(settled) if np.isfinite(settled).all() else math.nan}
        found |= {"gap_growth": gap_growth(self.curves)}
        return {name: value for name, value in found.items() if math.isfinite(value)}

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> Verdict:
        for verdict in self.verdicts:
            if verdict.name == name:
                return verdict
        raise KeyError(name)


@dataclass(frozen=True)
class _Run:
    """Finite curves and what the rules share."""

    loss: Array
    judged: Array  # validation loss where there is one
    validated: bool
    reference: float | None
    gap_growth: float

    @property
    def epochs(self) -> int:
        return len(self.loss)

    @property
    def window(self) -> int:
        return window(self.epochs)

    def level(self, values: Array) -> float:
        """Where a curve ends."""
        return float(np.median(values[-self.window :]))


def diagnose(history: object, *, reference: float | None = None) -> Diagnosis:
    """Say what learning curves show.

    Args:
        history: anything that :meth:`Curves.of` reads.
        reference: the loss of a predictor that learned nothing from the features (for a mean absolute error, the one
            that always says the median), in the units of the curves. With it, underfitting is judged by what was
            reached; without, only by the shape of the curves, which cannot tell a small network from an easy task.

    Returns:
        The diagnosis; it has at least one name.

    Raises:
        NotCurves: if ``history`` holds no learning curves. No content of learning curves raises.
    """
    return _diagnosis(Curves.of(history), reference)


@lru_cache(maxsize=64)  # one report asks several times for the same
def _diagnosis(curves: Curves, reference: float | None) -> Diagnosis:
    return Diagnosis(curves, tuple(_verdicts(curves, reference)))


def _verdicts(curves: Curves, reference: float | None) -> Iterator[Verdict]:
    whole = (1, curves.epochs)
    found: list[Verdict] = []
    if curves.val_loss is None:
        found.append(Verdict("no_validation", whole, {}, "no val_loss"))
    if (exploded := _exploded(curves)) is not None:
        yield from (exploded, *found)
        return
    if curves.epochs < MIN_EPOCHS:
        yield from (Verdict("too_short", whole, {"epochs": curves.epochs, "needed": MIN_EPOCHS}, "count"), *found)
        return
    known = float(reference) if reference is not None and reference > 0 else None
    run = _Run(np.array(curves.loss), np.array(curves.judged), curves.val_loss is not None, known, gap_growth(curves))
    if (lost := _diverged(run) or _dead_start(run)) is not None:
        yield from (lost, *found)
        return
    wrong = [verdict for rule in (_unstable, _overfitting, _underfitting) if (verdict := rule(run)) is not None]
    yield from wrong
    if "overfitting" not in {verdict.name for verdict in wrong} and (improving := _still_improving(run)) is not None:
        yield improving
    if not wrong and run.validated:
        yield Verdict("healthy", whole, {"level": run.level(run.judged)}, "none of the others")
    yield from found


def _exploded(curves: Curves) -> Verdict | None:
    """A loss that is no number, infinite, or beyond what float32 can compute with."""
    for series in (curves.loss, curves.val_loss or ()):
        bad = [epoch for epoch, value in enumerate(series, 1) if not abs(value) < EXPLODED]
        if bad:
            return Verdict("diverged", (bad[0], curves.epochs), {"value": series[bad[0] - 1]}, "finite numbers")
    return None


def _diverged(run: _Run) -> Verdict | None:
    """The training loss ends well above where it began, or far above what is reached without learning."""
    first, end = float(np.median(run.loss[: run.window])), run.level(run.loss)
    risen = end - first > RUNAWAY * abs(first) and mann_kendall(run.loss) >= SIGNIFICANT
    if not risen and not (run.reference is not None and end > ASTRONOMICAL * run.reference):
        return None
    start = int(run.loss.argmin()) + 1 if risen else 1
    return Verdict("diverged", (start, run.epochs), {"value": end, "start": first}, "level at the end")


def _dead_start(run: _Run) -> Verdict | None:
    """Neither loss ever falls by a notable share of its first value."""
    falls = []
    for values in (run.loss, run.judged):
        start = float(values[0])
        falls.append((start - float(smooth(values, 3).min())) / abs(start) if start else 0.0)
    if max(falls) >= SILENT_START:
        return None
    return Verdict("dead_start", (1, run.epochs), {"fall": max(falls), "needed": SILENT_START}, "fall since epoch 1")


def _unstable(run: _Run) -> Verdict | None:
    """The training loss, an average over an epoch, rises again and again by a large share of its typical level."""
    steps = np.diff(run.loss)
    rises = steps[steps > 0]
    if len(rises) < OFTEN * len(steps):
        return None
    size, level = float(np.median(rises)), abs(float(np.median(run.loss)))
    if size < ROUGH * level:
        return None
    measured = {"rise": size, "share": size / level if level else math.inf, "often": len(rises) / len(steps)}
    return Verdict("unstable", (1, run.epochs), measured, "median rise of the training loss")


def _overfitting(run: _Run) -> Verdict | None:
    """After its best stretch the validation loss rises beyond noise, and the training loss has left it behind."""
    level, end = smooth(run.judged, run.window), run.level(run.judged)
    best = int(level.argmin())
    low, tail = float(level[best]), run.judged[best + run.window // 2 :]  # past what was chosen for being low
    if not run.validated or len(tail) < 5:
        return None
    rise, z = end - low, mann_kendall(tail)
    spread = noise(run.judged) * math.sqrt(2 / run.window)
    risen = z >= SIGNIFICANT and rise > max(SIGNIFICANT * spread, NOTABLE * abs(low))
    if not risen or run.gap_growth < MEMORISED * abs(end):
        return None
    share = rise / abs(low) if low else math.inf
    measured = {"best": low, "end": end, "rise": share, "gap_growth": run.gap_growth, "z": z}
    return Verdict("overfitting", (best + 1, run.epochs), measured, "Mann-Kendall, growth of the gap")


def _underfitting(run: _Run) -> Verdict | None:
    """Never notably better than a predictor that ignores the features; or, if that is unknown, soon at a standstill."""
    if run.reference is None:
        return _stalled(run)
    best = float(smooth(run.judged, 3).min())
    if best < NO_BETTER * run.reference:
        return None
    measured = {"best": best, "reference": run.reference, "share": best / run.reference}
    return Verdict("underfitting", (1, run.epochs), measured, "median predictor")


def _stalled(run: _Run) -> Verdict | None:
    """After a few epochs not even the training loss falls any more, though it has not even halved."""
    start = min(10, max(3, run.epochs // 10))
    before, after = float(smooth(run.loss, 3)[start - 1]), run.level(run.loss)
    if before - after >= STALLED * abs(before) or after < HALVED * float(run.loss[0]):
        return None
    measured = {"start": before, "end": after, "fall": (before - after) / abs(before) if before else 0.0}
    return Verdict("underfitting", (start, run.epochs), measured, "fall after the first epochs")


def _still_improving(run: _Run) -> Verdict | None:
    """The second half still falls, significantly and by a notable amount."""
    tail = run.judged[-max(5, run.epochs // 2) :]
    z, level = mann_kendall(tail), abs(run.level(run.judged))
    fall = -theil_sen(tail) * (len(tail) - 1)
    if z > -SIGNIFICANT or fall < IMPROVING * level:
        return None
    measured = {"fall": fall / level if level else math.inf, "z": z}
    return Verdict("still_improving", (run.epochs - len(tail) + 1, run.epochs), measured, "Theil-Sen, Mann-Kendall")
