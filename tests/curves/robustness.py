"""Do verdicts on overfitting stay where curves are changed in ways that keep their label?

    python tests/curves/robustness.py curves.csv.gz

The file is that of measure.py. Each change stands for something that people do when they log a training. Runs of fewer
than 16 epochs are not thinned or shortened. Prints, for each change, how many verdicts differ, and how many calls are
right before and after it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from measure import IN_BETWEEN, POSITIVE, Labelled, load
from numpy.typing import NDArray

from checker.curves import Curves, diagnose
from checker.curves.measures import noise

Values = NDArray[np.float64]
Change = Callable[[Values], Values]
RANDOM = np.random.default_rng(0)
LONG = 16


def averaged(weight: float) -> Change:
    """An exponential moving average, as TensorBoard draws it."""

    def change(values: Values) -> Values:
        kept = [values[0]]
        for value in values[1:]:
            kept.append(weight * kept[-1] + (1 - weight) * value)
        return np.array(kept)

    return change


def digits(count: int) -> Change:
    return lambda values: np.array([float(f"{value:.{count}g}") for value in values])


def shaken(values: Values) -> Values:
    """As much noise again as the second half of the curve has."""
    return values + noise(values[len(values) // 2 :]) * RANDOM.standard_normal(len(values))


CHANGES: dict[str, Change] = {
    "a thousand times as large": lambda values: 1000 * values,
    "every second epoch": lambda values: values[::2],
    "the other epochs": lambda values: values[1::2],
    "without the first epoch": lambda values: values[1:],
    "without the last epoch": lambda values: values[:-1],
    "without the last tenth": lambda values: values[: int(0.9 * len(values))],
    "mean of three epochs": lambda values: np.convolve(values, np.ones(3) / 3, "valid"),
    "moving average of 0.5": averaged(0.5),
    "its own noise once more": shaken,
    "four digits": digits(4),
    "three digits": digits(3),
}
PENALTIES = (0.1, 0.3, 1.0)
"""A constant penalty in both curves, as a share of the last validation losses' level."""


def changed(run: Labelled, change: Change) -> Curves:
    loss, judged = (change(np.array(values)) for values in (run.curves.loss, run.curves.judged))
    return Curves(tuple(loss.tolist()), tuple(judged.tolist()))


def overfits(curves: Curves) -> bool:
    return "overfitting" in diagnose(curves)


def main(path: Path) -> None:
    """Print the table."""
    runs = [run for run in load(path) if not run.labels & IN_BETWEEN and np.isfinite(run.curves.loss).all()]
    runs = [run for run in runs if np.isfinite(run.curves.judged).all()]

    def line(name: str, chosen: list[Labelled], curves: list[Curves]) -> str:
        truth = np.array([bool(run.labels & POSITIVE) for run in chosen])
        before = np.array([overfits(run.curves) for run in chosen])
        after = np.array(list(map(overfits, curves)))
        right = f"{(before == truth).mean():.3f} | {(after == truth).mean():.3f}"
        return f"| {name} | {len(chosen)} | {(before != after).sum()} ({(before != after).mean():.1%}) | {right} |"

    print("| change | runs | verdicts that differ | right before | right after |\n|---|---|---|---|---|")
    for name, change in CHANGES.items():
        shorter = len(change(np.arange(100.0))) < 100
        chosen = [run for run in runs if run.curves.epochs >= LONG or not shorter]
        print(line(name, chosen, [changed(run, change) for run in chosen]))
    for share in PENALTIES:
        penalised = []
        for run in runs:
            level = share * abs(float(np.median(run.curves.judged[-max(3, run.curves.epochs // 10) :])))
            penalised.append(changed(run, lambda values, level=level: values + level))  # type: ignore[misc]
        print(line(f"a penalty of {share:.0%} of the level", runs, penalised))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
