"""The words of the feedback: names of the diagnoses, numbers, and a picture of curves told in sentences."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from statistics import median
from typing import Any, Self

from checker.curves.kinds import KINDS
from checker.language import N_, translate

DIAGNOSES = {name: kind.words for name, kind in KINDS.items()}
"""Every diagnosis of learning curves in two or three words."""

DIFFERENCES: dict[str, str] = {
    "rescued": N_("rescued"),
    "broken": N_("broken"),
    "less_overfitting": N_("less overfitting"),
    "more_overfitting": N_("more overfitting"),
    "faster": N_("faster training"),
    "slower": N_("slower training"),
    "more_stable": N_("more stable training"),
    "less_stable": N_("less stable training"),
    "better_minimum": N_("a lower validation loss"),
    "worse_minimum": N_("a higher validation loss"),
    "no_difference": N_("no real difference"),
}
"""Every difference between two runs in two or three words."""

_NAMES = {**DIAGNOSES, **DIFFERENCES}
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_LONGEST_RUN = 20_000  # epochs that are drawn; nobody sees more on a screen


def number(value: float) -> str:
    """A loss as a reader wants it: four significant digits; NaN and infinity by name."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return translate(N_("infinity"))
    return f"{value:.4g}"


def visible(text: str) -> str:
    """The text with control characters, which could hide or reverse what follows, made visible as ``\ufffd``."""
    return _UNSEEN.sub("\ufffd", text)


def points(earned: float, possible: float) -> str:
    """``1.5 of 2 points``."""
    template = N_("{earned} of 1 point") if possible == 1 else N_("{earned} of {possible} points")
    return translate(template, earned=f"{earned:.3g}", possible=f"{possible:.3g}")


def listed(items: Sequence[str]) -> str:
    """The items as an enumeration: ``overfitting, unstable training``."""
    return reduce(lambda first, second: translate(N_("{first}, {second}"), first=first, second=second), items or [""])


def clauses(items: Iterable[tuple[str, bool]]) -> str:
    """Clauses as one, with one "but" between good and bad: ``the network is right, but the training still overfits``.

    Args:
        items: each clause, and whether what it says is good.
    """
    alike: dict[bool, list[str]] = {}
    for clause, good in items:
        alike.setdefault(good, []).append(clause)
    return reduce(
        lambda first, second: translate(N_("{clause}, but {other}"), clause=first, other=second),
        [*map(_in_one, alike.values())] or [""],
    )


def _in_one(alike: Sequence[str]) -> str:
    """Clauses that are all good, or all bad, as one."""
    *first, last = alike
    if not first:
        return last
    said = reduce(lambda one, other: translate(N_("{clause}, {other}"), clause=one, other=other), first)
    return translate(N_("{clause}, and {other}"), clause=said, other=last)


def sentences(items: Iterable[str]) -> str:
    """The sentences one after the other, spaced as the language wants it."""
    return reduce(lambda first, second: translate(N_("{first} {second}"), first=first, second=second), items)


def named(names: Iterable[str]) -> str:
    """Diagnoses or differences in words, the ones that matter most first; unknown names are left out."""
    present = set(names)
    return listed([translate(words) for name, words in _NAMES.items() if name in present])


def surely(verdicts: Iterable[tuple[str, str]]) -> str:
    """Diagnoses in words, each with how sure it is: ``overfitting``, ``signs of overfitting``.

    Args:
        verdicts: pairs of a name and a strength, as in :class:`checker.curves.Verdict`.
    """
    strengths = dict(verdicts)
    return listed([_surely(name, strengths[name], words) for name, words in DIAGNOSES.items() if name in strengths])


def _surely(name: str, strength: str, words: str) -> str:
    if strength == "plain":
        return translate(words)
    template = N_("{diagnosis}, but not plainly") if name == "healthy" else N_("signs of {diagnosis}")
    return translate(template, diagnosis=translate(words))


@dataclass(frozen=True)
class Run:
    """One run as it is drawn and told.

    Attributes:
        loss: training loss per epoch; NaN and infinity are allowed.
        val_loss: validation loss per epoch, empty where there is none.
        names: diagnoses of the run.
        worse: first and last epoch, counted from 1, of the stretch in which the run overfits.
        unread: whether the reader is to find the best epoch: it is neither marked nor told.
    """

    loss: tuple[float, ...]
    val_loss: tuple[float, ...] = ()
    names: tuple[str, ...] = ()
    worse: tuple[int, int] | None = None
    unread: bool = False

    @classmethod
    def of(cls, curves: Mapping[str, Any], names: Iterable[str] = (), worse: tuple[int, int] | None = None) -> Self:
        """The run of ``{"loss": [...], "val_loss": [...]}``; what is no number counts as NaN."""
        run = cls(_floats(curves.get("loss")), _floats(curves.get("val_loss")), tuple(sorted(map(str, names))))
        if worse is None and "overfitting" in run.names and run.best is not None and run.best < run.epochs:
            worse = (run.best, run.epochs)
        return cls(run.loss, run.val_loss, run.names, worse)

    @property
    def epochs(self) -> int:
        return max(len(self.loss), len(self.val_loss))

    @cached_property
    def best(self) -> int | None:
        """The epoch, counted from 1, with the lowest finite validation loss; None where it is not to be told."""
        if self.unread:
            return None
        finite = [(value, epoch) for epoch, value in enumerate(self.val_loss, 1) if math.isfinite(value)]
        return min(finite)[1] if finite else None

    @property
    def risen(self) -> bool:
        """Whether validation rose over the shaded stretch; else it only gained nothing."""
        if self.worse is None:
            return False
        stretch = [value for value in self.val_loss[max(0, self.worse[0] - 2) : self.worse[1]] if math.isfinite(value)]
        if not stretch:
            return False
        before, after = median(stretch[:3]), median(stretch[-3:])
        return after - before > 0.02 * abs(before)

    @cached_property
    def broken(self) -> tuple[int, ...]:
        """Epochs, counted from 1, at which a loss is NaN or infinite."""
        series = (self.loss, self.val_loss)
        return tuple(sorted({epoch for s in series for epoch, value in enumerate(s, 1) if not math.isfinite(value)}))


def told(run: Run, subject: str = "") -> str:
    """The picture of one run as full sentences with its numbers: its alternative text."""
    opening = translate(N_("{run}, {count} epochs."), run=subject or translate(N_("Learning curves")), count=run.epochs)
    said = [opening]
    for template, values in (
        (N_("The training loss goes from {first} to {last}."), run.loss),
        (N_("The validation loss goes from {first} to {last}."), run.val_loss),
    ):
        if values:
            said.append(translate(template, first=number(values[0]), last=number(values[-1])))
    if run.best is not None:
        best = number(run.val_loss[run.best - 1])
        said.append(translate(N_("The lowest validation loss is {best}, at epoch {epoch}."), best=best, epoch=run.best))
    if run.worse is not None:
        first, last = run.worse
        template = N_("Validation got worse from epoch {first} to epoch {last}.")
        if not run.risen:
            template = N_("Validation gained nothing from epoch {first} to epoch {last}, while training went on.")
        said.append(translate(template, first=first, last=last))
    if run.broken:
        said.append(
            translate(N_("From epoch {epoch} on there are losses that are no finite number."), epoch=run.broken[0])
        )
    if diagnosis := named(run.names):
        said.append(translate(N_("Diagnosis: {diagnosis}."), diagnosis=diagnosis))
    return sentences(said)


def told_both(before: Run, after: Run) -> str:
    """The picture of two runs as full sentences: its alternative text."""
    return sentences((told(before, translate(N_("First run"))), told(after, translate(N_("Second run")))))


def _floats(values: Any) -> tuple[float, ...]:
    if values is None or isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        return ()
    return tuple(_float(value) for value, _ in zip(values, range(_LONGEST_RUN), strict=False))


def _float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
