"""What one run shows: names, each with its evidence."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Self

import numpy as np

from checker.curves.kinds import KINDS
from checker.curves.measures import Array, mann_kendall, median, noise, smooth, theil_sen, window
from checker.curves.read import Curves

NAMES = tuple(KINDS)
"""What a run can be called."""

STRENGTHS = ("plain", "slight", "unsure")
"""How sure a verdict is: plain (right in 97 of 100, see tests/curves/README.md), slight (something of the kind shows)
or unsure (the curves fit other verdicts nearly as well)."""

MIN_EPOCHS = 5
"""Below this many epochs nothing is said on the shape. From 5 on, effects too large for chance are judged."""

FULL_EPOCHS = 8
"""Below this many epochs no verdict on the shape is plain: a trend test on what follows the best epoch has too few
values."""

SIGNIFICANT = 2.326
"""Standard score of a one-sided test at 1 %: the 0.99 quantile of the normal distribution."""

NOTABLE = 0.01
"""No change below 1 % of the level is worth a word. Training without dropout on Spotify ends 2 to 4 % above its best
stretch. Of the development collection, runs labelled overfit end at least 3.7 % above, all others less than 1.9 %."""

HARMFUL = 0.02
"""A significant rise of the validation loss by this share is harm; slower rises, of one or two percent, are not.
Without dropout on Spotify it ends 5 to 11 % above its best stretch after 100 epochs, on long labelled runs at least 3.7
%; harmless rises on these end below 2 %."""

HARMFUL_APART = 0.01
"""With curves that are WIDE apart a smaller rise is harm. Of the Spotify runs without dropout 18 of 20 show it after 50
epochs, none of those with dropout; of the calm labelled runs one does (horse of PROBEN1)."""

WIDE = 0.3
"""A gap of this share of the validation level is wide."""

PARTED = 0.15
"""Harm needs the curves to have moved apart by this share of the validation level since validation last gained."""

MEMORISED = 0.21
"""Without a rise it takes more: the curves have moved apart by this share of the level since validation last gained."""

LARGE_GAP = 0.25
"""Memorising shows a gap of at least this share of the validation level."""

FOR_LONG = 0.3
"""Share of the run in which validation gained nothing while the training loss fell."""

GAINED = 0.02
"""A fall of the validation loss by this share is a gain."""

EARLY = 0.05
"""In up to EARLY_EPOCHS epochs both of the last two validation losses lie at least this share above the best one, and
the curves have moved apart by EARLY_PARTED."""

EARLY_PARTED = 0.3
EARLY_EPOCHS = 12

FALLING = 0.1
"""Memorising shows while the training loss goes on falling by this share."""

LIKELY = 1.645
"""Standard score of a one-sided test at 5 %: enough where a large gap and a long stretch say the same."""

JAGGED = 0.5
"""Training is unstable, too, if the validation loss rises again and again by this share of its typical level."""

PLAIN_PARTED = 0.3
PLAIN_RISE = 0.04
"""An overfit is plain where the curves have moved apart by PLAIN_PARTED and validation rose by PLAIN_RISE."""

NEAR = 0.5
UNSURE_SPREAD = 0.15
UNSURE_FALL = 0.05
"""Health is not plain near the limits of memorising (NEAR of both), with a gap of half the level, where validation
gained less than UNSURE_FALL in all, or where its levels are known no better than to UNSURE_SPREAD."""

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
        return median(gap[-width:]) - max(0.0, median(gap[:width]))


@dataclass(frozen=True)
class Verdict:
    """One thing the curves show.

    Attributes:
        name: one of :data:`NAMES`.
        epochs: first and last epoch that show it, counted from 1.
        numbers: what was measured; losses are in the units of the curve, shares are fractions.
        test: the rule that decided, in the words of its literature.
        strength: how sure it is, one of :data:`STRENGTHS`.
        face: of overfitting, which of its faces is seen: ``harm``, ``memorising`` or ``early``; ``jagged`` where
            only the validation loss is unstable; of health that is not plain, what speaks against it: ``few`` epochs,
            a ``noisy`` validation loss, curves that go ``apart`` or are ``wide`` apart, or ``little`` that was learned.
    """

    name: str
    epochs: tuple[int, int]
    numbers: Mapping[str, float] = field(default_factory=dict)
    test: str = ""
    strength: str = "plain"
    face: str = ""

    @property
    def code(self) -> str:
        """Which sentence of :mod:`checker.report.messages` says it."""
        if self.name == "underfitting" and "reference" not in self.numbers:
            return STALLED_CODE
        return f"curve.{self.name}:{self.face}" if self.face not in ("", "harm") else f"curve.{self.name}"

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

    @cached_property
    def numbers(self) -> Mapping[str, float]:
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
        return median(values[-self.window :])


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
    yield from (_toned(verdict, run, len(wrong)) for verdict in wrong)
    if "overfitting" not in {verdict.name for verdict in wrong} and (improving := _still_improving(run)) is not None:
        yield improving
    if not wrong and run.validated:
        yield _healthy(run)
    yield from found


def _toned(verdict: Verdict, run: _Run, wrong: int) -> Verdict:
    """No verdict on the shape is plain in a very short run, nor where the run shows another fault beside it."""
    if verdict.strength != "plain" or (run.epochs >= FULL_EPOCHS and wrong == 1):
        return verdict
    return replace(verdict, strength="slight")


def _healthy(run: _Run) -> Verdict:
    """Nothing is wrong; how sure that is, and what speaks against it: it is not sure near the other rules' limits."""
    parting = _Parting.of(run)
    learned = (float(run.judged[0]) - parting.low) / (abs(float(run.judged[0])) or math.inf)
    near = parting.apart >= NEAR * MEMORISED and parting.gap >= NEAR * LARGE_GAP
    doubts = (
        ("unsure", "few", run.epochs < FULL_EPOCHS),
        ("unsure", "noisy", parting.spread > UNSURE_SPREAD and parting.rise > 0),
        ("slight", "apart", near and parting.fall >= FALLING),
        ("slight", "wide", near or parting.gap >= 2 * LARGE_GAP),
        ("slight", "little", learned < UNSURE_FALL),
    )
    strength, face = next(((strength, face) for strength, face, seen in doubts if seen), ("plain", ""))
    measured = {"level": run.level(run.judged), "learned": learned, "gap": parting.gap}
    measured |= {"since": float(parting.since + 1), "fall": parting.fall, "change": parting.change}
    return Verdict("healthy", (1, run.epochs), measured, "none of the others", strength, face)


def _exploded(curves: Curves) -> Verdict | None:
    """A loss that is no number, infinite, or beyond what float32 can compute with."""
    for series in (curves.loss, curves.val_loss or ()):
        bad = [epoch for epoch, value in enumerate(series, 1) if not abs(value) < EXPLODED]
        if bad:
            return Verdict("diverged", (bad[0], curves.epochs), {"value": series[bad[0] - 1]}, "finite numbers")
    return None


def _diverged(run: _Run) -> Verdict | None:
    """The training loss ends well above where it began, or far above what is reached without learning."""
    first, end = median(run.loss[: run.window]), run.level(run.loss)
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
    return _rough(run, run.loss, ROUGH, "") or (_rough(run, run.judged, JAGGED, "jagged") if run.validated else None)


def _rough(run: _Run, values: Array, share: float, face: str) -> Verdict | None:
    steps = np.diff(values)
    rises = steps[steps > 0]
    if len(rises) < OFTEN * len(steps):
        return None
    size, level = median(rises), abs(median(values))
    if size < share * level:
        return None
    measured = {"rise": size, "share": size / level if level else math.inf, "often": len(rises) / len(steps)}
    return Verdict(
        "unstable", (1, run.epochs), measured, "median rise of the loss", "slight" if face else "plain", face
    )


@dataclass(frozen=True)
class _Parting:
    """How validation and training loss went apart since validation last gained notably; shares are of the last level.

    Attributes:
        since: the first epoch, counted from 0, from which validation gained nothing notable.
        best: the epoch, counted from 0, of the best stretch.
        low, end: validation loss of the best stretch and at the end.
        rise: from low to end, as a share of low.
        apart: growth of the gap since then.
        gap: the gap at the end.
        fall: of the training loss since then, as a share of what it was.
        spread: standard deviation of the difference of two levels.
        change: of the validation loss since then, as a share of what it was.
        began: the validation loss then.
    """

    since: int
    best: int
    low: float
    end: float
    rise: float
    apart: float
    gap: float
    fall: float
    spread: float
    change: float
    began: float

    @classmethod
    def of(cls, run: _Run) -> Self:
        level, training = smooth(run.judged, run.window), smooth(run.loss, run.window)
        best, end, trained = int(level.argmin()), run.level(run.judged), run.level(run.loss)
        low = float(level[best])
        since = int(np.argmax(level <= low + GAINED * abs(low)))
        share = abs(end) or math.inf
        apart = (end - float(level[since])) + (float(training[since]) - trained)
        fall = (float(training[since]) - trained) / (abs(float(training[since])) or math.inf)
        spread = noise(run.judged) * math.sqrt(2 / run.window)
        change = (end - float(level[since])) / (abs(float(level[since])) or math.inf)
        rise = (end - low) / (abs(low) or math.inf)
        return cls(
            since,
            best,
            low,
            end,
            rise,
            apart / share,
            (end - trained) / share,
            fall,
            spread / share,
            change,
            float(level[since]),
        )

    @property
    def calm_apart(self) -> float:
        """The growth of the gap without what validation may seem to lose because its best stretch was chosen."""
        lost = (self.end - self.began) / (abs(self.end) or math.inf)
        return self.apart - min(max(0.0, lost), LIKELY * self.spread)


def _overfitting(run: _Run) -> Verdict | None:
    """Overfitting, by the first of its faces that shows."""
    if not run.validated:
        return None
    parting = _Parting.of(run)
    return _harm(run, parting) or _early(run) or _memorising(run, parting)


def _harm(run: _Run, parting: _Parting) -> Verdict | None:
    """After its best stretch validation rises beyond noise, and the training loss leaves it behind."""
    tail = run.judged[parting.best + run.window // 2 :]  # past what was chosen for being low
    if len(tail) < 5:
        return None
    z = mann_kendall(tail)
    chance = SIGNIFICANT * parting.spread * abs(parting.end)
    grown = max(parting.apart, run.gap_growth / (abs(parting.end) or math.inf))
    harmful = HARMFUL_APART if parting.gap >= WIDE and grown >= MEMORISED else HARMFUL
    risen = z >= SIGNIFICANT and parting.end - parting.low > chance and parting.rise >= harmful
    if not risen or grown < PARTED or parting.gap <= 0 or _fall(run, parting.best) <= 0:
        return None
    plain = parting.rise >= PLAIN_RISE and grown >= PLAIN_PARTED and parting.end - parting.low > 2 * chance
    return _overfit("harm", run, parting, parting.best, plain, "Mann-Kendall, growth of the gap", z)


def _memorising(run: _Run, parting: _Parting) -> Verdict | None:
    """Validation has long gained nothing, rise or no rise, while the training loss fell on and the gap became large."""
    stretch = (run.epochs - 1 - parting.since) / run.epochs
    if parting.calm_apart < MEMORISED or parting.gap < LARGE_GAP or stretch < FOR_LONG:
        return None
    if parting.fall < FALLING:
        return None
    plain = parting.calm_apart >= PLAIN_PARTED and parting.gap >= 2 * LARGE_GAP and stretch >= 1.5 * FOR_LONG
    return _overfit("memorising", run, parting, parting.since, plain, "growth of the gap without gain", 0.0)


def _early(run: _Run) -> Verdict | None:
    """In few epochs, too few for a trend: the last two are far above the best one, the training loss far below."""
    if run.epochs > EARLY_EPOCHS:
        return None
    best = int(run.judged.argmin())
    low, last = float(run.judged[best]), run.judged[-2:]
    end, trained = float(last.mean()), float(run.loss[-2:].mean())
    if best >= run.epochs - 2 or float(last.min()) - low < EARLY * abs(low):
        return None
    share = abs(end) or math.inf
    began = float(run.loss[best])
    apart, gap = (end - low + began - trained) / share, (end - trained) / share
    if apart < EARLY_PARTED or gap < LARGE_GAP or trained >= began:
        return None
    rise, fall = (end - low) / (abs(low) or math.inf), (began - trained) / (abs(began) or math.inf)
    parting = _Parting(best, best, low, end, rise, apart, gap, fall, 0.0, rise, low)
    plain = rise >= 2 * EARLY and apart >= 2 * EARLY_PARTED
    return _overfit("early", run, parting, best, plain, "size of the effect", 0.0)


def _fall(run: _Run, since: int) -> float:
    """By which share the training loss fell since an epoch, counted from 0."""
    began = float(smooth(run.loss, run.window)[since])
    return (began - run.level(run.loss)) / (abs(began) or math.inf)


def _overfit(face: str, run: _Run, parting: _Parting, since: int, plain: bool, test: str, z: float) -> Verdict:
    """The verdict, with what was seen from an epoch on, counted from 0."""
    fall = parting.fall if face == "early" else _fall(run, since)
    measured = {"best": parting.low, "end": parting.end, "rise": parting.rise, "fall": fall, "change": parting.change}
    measured |= {"apart": parting.apart, "gap": parting.gap, "gap_growth": run.gap_growth, "z": z}
    first = min(since + 2, run.epochs)
    return Verdict("overfitting", (first, run.epochs), measured, test, "plain" if plain else "slight", face)


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
    learned = float(smooth(run.judged, 3).min()) < (1 - GAINED) * float(run.judged[0])
    if before - after >= STALLED * abs(before) or (after < HALVED * float(run.loss[0]) and learned):
        return None
    measured = {"start": before, "end": after, "fall": (before - after) / abs(before) if before else 0.0}
    return Verdict("underfitting", (start, run.epochs), measured, "fall after the first epochs")


def _still_improving(run: _Run) -> Verdict | None:
    """The second half still falls, significantly and by a notable amount."""
    tail = run.judged[-max(5, run.epochs // 2) :]
    z, level = mann_kendall(tail), abs(run.level(run.judged))
    fall = -theil_sen(tail) * (len(tail) - 1)
    if z > -(LIKELY if run.epochs <= EARLY_EPOCHS else SIGNIFICANT) or fall < IMPROVING * level:
        return None
    measured = {"fall": fall / (level + fall), "z": z}
    return Verdict("still_improving", (run.epochs - len(tail) + 1, run.epochs), measured, "Theil-Sen, Mann-Kendall")
