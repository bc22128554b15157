"""How much two trainings of one network differ: what compare() takes for the same.

python tests/curves/repeats.py tests/curves/recorded.csv.gz
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from measure import Labelled, load

from checker.curves import compare

MEASURES = ("minimum", "gap_growth", "noise", "epochs_to_level")


def differences(runs: list[Labelled]) -> Iterator[dict[str, float]]:
    """For each pair of runs: differences as shares of the level, and factors."""
    for first, second in itertools.combinations(runs, 2):
        found = compare(first.curves, second.curves).numbers
        level = max(found["minimum_before"], found["minimum_after"])
        before, after = ([found[f"{name}_{when}"] for name in MEASURES] for when in ("before", "after"))
        pairs = dict(zip(MEASURES, zip(before, after, strict=True), strict=True))
        shares = {name: abs(pairs[name][0] - pairs[name][1]) / level for name in MEASURES[:2]}
        yield shares | {name: max(pairs[name]) / min(pairs[name]) for name in MEASURES[2:]}


def report(path: Path) -> None:
    runs = [run for run in load(path) if run.case.startswith("calibration") and "diverged" not in run.names]
    print("| network | runs | minimum | gap growth | noise | epochs to level | called different |")
    print("|---|---|---|---|---|---|---|")
    for case in dict.fromkeys(run.case for run in runs):
        of_case = [run for run in runs if run.case == case]
        found = list(differences(of_case))
        told = [f"{np.quantile([pair[name] for pair in found], 0.95):.3g}" for name in MEASURES]
        pairs = itertools.combinations(of_case, 2)
        different = np.mean(["no_difference" not in compare(first.curves, second.curves) for first, second in pairs])
        print(f"| {case} | {len(of_case)} | {' | '.join(told)} | {different:.1%} |")


if __name__ == "__main__":
    report(Path(sys.argv[1]))
