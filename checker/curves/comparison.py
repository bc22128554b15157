"""What changed from one run to another."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from checker.curves.diagnosis import NOTABLE, SIGNIFICANT, Diagnosis, diagnose
from checker.curves.measures import Array, smooth

LEAST_LATER = 8
"""Epochs before which no run counts as slower: a level reached so early says nothing about the pace."""

SAME_MINIMUM = 0.04
SAME_GAP = 0.12
SAME_NOISE = 3.0
SAME_PACE = 2.0
"""What :func:`compare` takes for the same: minima and growths of the gap that differ by so much of the level, noises
and epochs that differ by such a factor. Of the pairs of runs of one network and two seeds, at most 5 % differ by more
in a measure (8 % in the growth of the gap with batch normalization), once minima and growths also have to exceed
the noise (table "Repeats" in tests/curves/README.md)."""


@dataclass(frozen=True)
class Comparison:
    """What changed from one run to another.

    Attributes:
        before, after: the diagnoses of the two runs.
        names: of ``less_overfitting``, ``more_overfitting``, ``faster``, ``slower``, ``more_stable``, ``less_stable``,
            ``better_minimum``, ``worse_minimum``, ``rescued``, ``broken``; or ``no_difference`` alone.
        numbers: what was measured: ``<measure>_before`` and ``<measure>_after`` for each of
            :attr:`Diagnosis.numbers` and for ``epochs_to_level``, the epoch in which a run comes near what both reach.
    """

    before: Diagnosis
    after: Diagnosis
    names: frozenset[str]
    numbers: Mapping[str, float]

    def __contains__(self, name: object) -> bool:
        return name in self.names


def compare(before: object, after: object, *, reference: float | None = None) -> Comparison:
    """Say what changed between two runs on the same data.

    Args:
        before: the first run, anything that :meth:`Curves.of` reads.
        after: the second run.
        reference: as for :func:`diagnose`.

    Returns:
        The comparison: differences larger than those between two trainings of one network.

    Raises:
        NotCurves: if either holds no learning curves.
    """
    first, second = diagnose(before, reference=reference), diagnose(after, reference=reference)
    broken = ["diverged" in diagnosis for diagnosis in (first, second)]
    measured = {
        f"{name}_{when}": value
        for when, diagnosis in (("before", first), ("after", second))
        for name, value in diagnosis.numbers.items()
    }
    if any(broken):
        names = {"no_difference"} if all(broken) else {"rescued"} if broken[0] else {"broken"}
    else:
        names = set(_differences(first, second, measured)) or {"no_difference"}
    return Comparison(first, second, frozenset(names), measured)


def _differences(first: Diagnosis, second: Diagnosis, measured: dict[str, float]) -> Iterator[str]:
    level = max(abs(measured["minimum_before"]), abs(measured["minimum_after"]))
    spread = SIGNIFICANT * math.hypot(measured["noise_before"], measured["noise_after"])
    if "gap_growth_before" in measured and "gap_growth_after" in measured:
        change = measured["gap_growth_after"] - measured["gap_growth_before"]
        if abs(change) > max(spread, SAME_GAP * level):
            yield "less_overfitting" if change < 0 else "more_overfitting"
    change = measured["minimum_after"] - measured["minimum_before"]
    if abs(change) > max(spread, SAME_MINIMUM * level):
        yield "better_minimum" if change < 0 else "worse_minimum"
    epochs = _epochs_to(*(np.array(diagnosis.curves.judged) for diagnosis in (first, second)))
    measured |= {"epochs_to_level_before": float(epochs[0]), "epochs_to_level_after": float(epochs[1])}
    if max(epochs) >= max(LEAST_LATER, SAME_PACE * min(epochs)):
        yield "faster" if epochs[1] < epochs[0] else "slower"
    noises = measured["noise_before"], measured["noise_after"]
    if max(noises) > max(SAME_NOISE * min(noises), NOTABLE * level):
        yield "more_stable" if noises[1] < noises[0] else "less_stable"


def _epochs_to(*pair: Array) -> list[int]:
    """The epochs in which two curves have come nine tenths of the way to the level that both reach."""
    calm = [smooth(values, 3) for values in pair]
    reached = max(float(values.min()) for values in calm)
    target = reached + 0.1 * (max(float(values[0]) for values in pair) - reached)
    return [int(np.argmax(values <= target)) + 1 for values in calm]
