"""Measure the rules of checker/curves.py on labelled runs.

    python tests/curves/measure.py curves.csv.gz

The file has the columns run, experiment, label, epoch, loss, val_loss (and perhaps case, reference). Labels "overfit"
and "overfitting" are the positive ones of "overfit against not"; on runs labelled "normal" or "healthy" every diagnosis
that calls something wrong is a false alarm; any other label counts as named right if one of its names ("a|b") was
given.

The rules are fixed. What could be tuned is checked by leaving out one experiment at a time: the threshold that is best
on all others is chosen anew each time, and judged on the one left out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score
from tqdm import tqdm

from checker import curves

WRONG = {"diverged", "dead_start", "unstable", "overfitting", "underfitting"}
POSITIVE = {"overfit", "overfitting"}
NEGATIVE = {"normal", "healthy"}
GRIDS = {
    "NOTABLE": (0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.06, 0.1),
    "MEMORISED": (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4),
    "SIGNIFICANT": (0.5, 1.0, 1.645, 2.326, 3.09, 4.0),
}


@dataclass(frozen=True)
class Labelled:
    """One labelled run."""

    run: str
    experiment: str
    case: str
    labels: frozenset[str]
    curves: curves.Curves
    reference: float | None

    @property
    def names(self) -> frozenset[str]:
        return curves.diagnose(self.curves, reference=self.reference).names


def load(path: Path) -> list[Labelled]:
    return list(_labelled(pd.read_csv(path)))


def _labelled(table: pd.DataFrame) -> Iterator[Labelled]:
    for run, rows in table.groupby("run", sort=False):
        first = rows.iloc[0]
        reference = float(first.reference) if "reference" in rows else None
        seen = curves.Curves.of(rows[["loss", "val_loss"]])
        case = first.case if "case" in rows else first.label
        yield Labelled(str(run), first.experiment, case, frozenset(first.label.split("|")), seen, reference)


def macro_f1(runs: list[Labelled], found: list[bool]) -> float:
    """Macro-averaged F1 of overfit against not."""
    return float(f1_score([bool(run.labels & POSITIVE) for run in runs], found, average="macro"))


def overfits(runs: list[Labelled]) -> list[bool]:
    return ["overfitting" in run.names for run in runs]


def best_value(found: dict[float, list[bool]], runs: list[Labelled], keep: np.ndarray) -> float:
    """The value in the middle of those that do best on the runs kept."""
    kept = [run for run, wanted in zip(runs, keep, strict=True) if wanted]
    scores = {value: macro_f1(kept, list(np.array(calls)[keep])) for value, calls in found.items()}
    best = [value for value, score in scores.items() if score >= max(scores.values()) - 1e-12]
    return best[len(best) // 2]


def cross_validate(name: str, runs: list[Labelled]) -> tuple[float, list[float]]:
    """Macro-F1 of the calls on experiments left out, and the value chosen for each of them."""
    usual, found = getattr(curves.diagnosis, name), {}
    for value in tqdm(GRIDS[name], desc=name, leave=False):
        setattr(curves.diagnosis, name, value)
        found[value] = overfits(runs)
    setattr(curves.diagnosis, name, usual)
    experiments = np.array([run.experiment for run in runs])
    calls, chosen = np.zeros(len(runs), bool), []
    for experiment in dict.fromkeys(experiments):
        out = experiments == experiment
        value = best_value(found, runs, ~out)
        calls[out] = np.array(found[value])[out]
        chosen.append(value)
    return macro_f1(runs, list(calls)), chosen


def report(path: Path) -> None:
    runs = load(path)
    found = overfits(runs)
    healthy = [run for run in runs if run.labels & NEGATIVE]
    alarms = [run for run in healthy if run.names & WRONG]
    print(f"{len(runs)} runs of {len({run.experiment for run in runs})} experiments")
    print(f"macro-F1 of overfit against not: {macro_f1(runs, found):.3f}")
    print(f"false alarms on healthy runs: {len(alarms)} of {len(healthy)}")
    for run, call in zip(runs, found, strict=True):
        if call != bool(run.labels & POSITIVE) or run in alarms:
            print(f"  {run.run} {run.experiment} {'|'.join(sorted(run.labels))}: {', '.join(sorted(run.names))}")
    print("\n| case | label | runs | named right | names |\n|---|---|---|---|---|")
    for case in dict.fromkeys(run.case for run in runs):
        of_case = [run for run in runs if run.case == case]
        label = ", ".join(sorted(of_case[0].labels))
        right = sum(bool(run.names & _meant(run.labels)) for run in of_case)
        names = pd.Series([" ".join(sorted(run.names)) for run in of_case]).value_counts()
        told = "; ".join(f"{name} {count}" for name, count in names.items())
        print(f"| {case} | {label} | {len(of_case)} | {right} | {told} |")
    print("\n| constant | value | macro-F1, experiment left out | chosen |\n|---|---|---|---|")
    for name in GRIDS:
        score, chosen = cross_validate(name, runs)
        print(f"| {name} | {getattr(curves.diagnosis, name)} | {score:.3f} | {min(chosen)} to {max(chosen)} |")


def _meant(labels: frozenset[str]) -> frozenset[str]:
    """The names that a collection's own labels mean."""
    words = {
        "overfit": {"overfitting"},
        "normal": {"healthy"},
        "no_progress": {"dead_start", "underfitting", "too_short"},
    }
    return frozenset().union(*(words.get(label, {label}) for label in labels))


if __name__ == "__main__":
    report(Path(sys.argv[1]))
