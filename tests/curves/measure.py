"""Measure the rules of checker/curves, and simple rules beside them, on labelled files.

    python tests/curves/measure.py curves.csv.gz

The file has the columns run, source, experiment, label, epoch, loss, val_loss (and perhaps case, reference). Labels
"overfit" and "overfitting" are the positive ones of "overfit against not"; labels IN_BETWEEN are neither and left
out of it. On runs labelled "normal", "healthy" or "still_improving" every diagnosis that calls something wrong is a
false alarm; any other label counts as named right if one of its names ("a|b") was given.

Thresholds are tuned on some runs and judged on others: one family of experiments is left out at a time, and one source
at a time. The simple rules of baselines.py are tuned in the same way on the same splits. Confidence intervals resample
whole experiments.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from baselines import BASELINES, Baseline
from numpy.typing import NDArray
from sklearn.metrics import f1_score
from tqdm import tqdm

from checker import curves

WRONG = {"diverged", "dead_start", "unstable", "overfitting", "underfitting"}
POSITIVE = {"overfit", "overfitting"}
NEGATIVE = {"normal", "healthy", "still_improving"}
IN_BETWEEN = {"mild_overfit", "regularised", "val_stalled", ""}
GRID = {
    "HARMFUL": (0.01, 0.02, 0.04),
    "PARTED": (0.1, 0.15, 0.25),
    "MEMORISED": (0.15, 0.21, 0.3),
    "FOR_LONG": (0.2, 0.3, 0.4),
}
"""Thresholds of checker/curves that are tuned together."""

RESAMPLES = 2000


@dataclass(frozen=True)
class Labelled:
    """One labelled run."""

    run: str
    source: str
    experiment: str
    case: str
    labels: frozenset[str]
    curves: curves.Curves
    reference: float | None

    @property
    def family(self) -> str:
        """Experiments on one data set: ``imdb_l1`` and ``imdb_l2`` are of the family ``imdb``."""
        return self.experiment.split("_")[0].removeprefix("no")

    @property
    def names(self) -> frozenset[str]:
        return curves.diagnose(self.curves, reference=self.reference).names


def load(path: Path) -> list[Labelled]:
    return list(_labelled(pd.read_csv(path)))


def _labelled(table: pd.DataFrame) -> Iterator[Labelled]:
    table["label"] = table["label"].fillna("")
    for run, rows in table.groupby("run", sort=False):
        first = rows.iloc[0]
        reference = float(first.reference) if "reference" in rows else None
        seen = curves.Curves.of(rows[["loss", "val_loss"]])
        case = first.case if "case" in rows else first.label
        source = str(first.get("source", ""))
        yield Labelled(str(run), source, first.experiment, case, frozenset(first.label.split("|")), seen, reference)


Calls = NDArray[np.bool_]
"""For each run whether it was called an overfit."""


def macro_f1(truth: Calls, found: Calls) -> float:
    """Macro-averaged F1 of overfit against not."""
    return float(f1_score(truth, found, average="macro", zero_division=0))


def settings(runs: list[Labelled]) -> dict[tuple[float, ...], Calls]:
    """The calls of checker/curves with each combination of GRID."""
    module, found = curves.diagnosis, {}
    usual = [getattr(module, name) for name in GRID]
    for values in tqdm(list(itertools.product(*GRID.values())), leave=False):
        _set(values)
        found[values] = np.array(["overfitting" in run.names for run in runs])
    _set(usual)
    return found


def _set(values: Sequence[float]) -> None:
    for name, value in zip(GRID, values, strict=True):
        setattr(curves.diagnosis, name, value)
    curves.diagnosis._diagnosis.cache_clear()


def thresholds(baseline: Baseline, runs: list[Labelled]) -> dict[tuple[float, ...], Calls]:
    """The calls of a simple rule with each of its thresholds; a run with a loss that is no number is no overfit."""
    scores = np.array([_score(baseline, run.curves) for run in runs])
    return {(value,): scores >= value for value in baseline.grid}


def _score(baseline: Baseline, seen: curves.Curves) -> float:
    losses = np.array([seen.loss, seen.judged])
    return baseline.rule(*losses) if np.isfinite(losses).all() and seen.epochs > 1 else -np.inf


def left_out(found: Mapping[tuple[float, ...], Calls], truth: Calls, groups: Sequence[str]) -> Calls:
    """The calls on each group with what is best on all other groups, the middle one of equals."""
    names, calls = np.array(groups), np.zeros(len(truth), bool)
    for name in dict.fromkeys(groups):
        out = names == name
        scores = {values: macro_f1(truth[~out], called[~out]) for values, called in found.items()}
        best = [values for values, score in scores.items() if score >= max(scores.values()) - 1e-12]
        calls[out] = found[best[len(best) // 2]][out]
    return calls


def interval(truth: Calls, found: Calls, clusters: Sequence[str]) -> tuple[float, float]:
    """95 % confidence interval of macro-F1 from a bootstrap of whole experiments."""
    names = np.array(clusters)
    members = [np.flatnonzero(names == name) for name in dict.fromkeys(clusters)]
    random = np.random.default_rng(0)
    scores = []
    for _ in range(RESAMPLES):
        drawn = np.concatenate([members[one] for one in random.integers(0, len(members), len(members))])
        scores.append(_quick_f1(truth[drawn], found[drawn]))
    low, high = np.quantile(scores, [0.025, 0.975])
    return float(low), float(high)


def _quick_f1(truth: Calls, found: Calls) -> float:
    wrong = int((truth != found).sum())
    hits = int((truth & found).sum()), int((~truth & ~found).sum())
    return float(np.mean([2 * hit / (2 * hit + wrong) if hit + wrong else 1.0 for hit in hits]))


def compare_rules(runs: list[Labelled]) -> None:
    """The table of all rules on the same splits."""
    clear = [run for run in runs if not run.labels & IN_BETWEEN]
    truth = np.array([bool(run.labels & POSITIVE) for run in clear])
    if truth.all() or not truth.any():
        return
    calm = np.array([bool(run.labels & NEGATIVE) for run in clear])
    names = np.array(["overfitting" in run.names for run in clear])
    rules = {"checker/curves": (names, settings(clear))}
    for baseline in BASELINES:
        found = thresholds(baseline, clear)
        rules[baseline.name] = (found[(baseline.usual,)], found)
    print(f"\noverfit against not: {len(clear)} runs, {truth.sum()} overfits")
    print("\n| rule | as it is | family left out (95 % interval) | source left out | called overfit of calm runs |")
    print("|---|---|---|---|---|")
    for name, (usual, found) in rules.items():
        families = left_out(found, truth, [run.family for run in clear])
        sources = left_out(found, truth, [run.source for run in clear])
        low, high = interval(truth, families, [run.experiment for run in clear])
        told = f"{macro_f1(truth, families):.3f} ({low:.3f} to {high:.3f})"
        alarms = f"{(usual & calm).sum()} of {calm.sum()}"
        print(f"| {name} | {macro_f1(truth, usual):.3f} | {told} | {macro_f1(truth, sources):.3f} | {alarms} |")
    print("\n| source | runs | " + " | ".join(rules) + " |\n|---|---|" + "---|" * (len(rules)))
    for source in dict.fromkeys(run.source for run in clear):
        own = np.array([run.source == source for run in clear])
        shares = [f"{(usual[own] == truth[own]).mean():.3f}" for usual, _ in rules.values()]
        print(f"| {source} | {own.sum()} | {' | '.join(shares)} |")


def strengths(runs: list[Labelled]) -> None:
    """How often a verdict of each strength is right on overfit against not."""
    clear = [run for run in runs if not run.labels & IN_BETWEEN]
    found: dict[str, list[bool]] = {name: [] for name in curves.STRENGTHS}
    for run in clear:
        diagnosis = curves.diagnose(run.curves, reference=run.reference)
        name = next((name for name in ("overfitting", "healthy") if name in diagnosis), None)
        if name is not None:
            found[diagnosis[name].strength].append((name == "overfitting") == bool(run.labels & POSITIVE))
    print("\n| strength of overfitting or healthy | verdicts | right |\n|---|---|---|")
    for strength, right in found.items():
        print(f"| {strength} | {len(right)} | {np.mean(right):.3f} |" if right else f"| {strength} | 0 | |")


def report(path: Path) -> None:
    runs = load(path)
    healthy = [run for run in runs if run.labels & NEGATIVE]
    alarms = [run for run in healthy if run.names & WRONG]
    print(f"{len(runs)} runs of {len({run.experiment for run in runs})} experiments")
    print(f"false alarms of any kind on healthy runs: {len(alarms)} of {len(healthy)}")
    for run in runs:
        missed = ("overfitting" in run.names) != bool(run.labels & POSITIVE) and not run.labels & IN_BETWEEN
        if missed or run in alarms:
            print(f"  {run.run} {run.experiment} {'|'.join(sorted(run.labels))}: {', '.join(sorted(run.names))}")
    compare_rules(runs)
    strengths(runs)
    print("\n| case | label | runs | named right | names |\n|---|---|---|---|---|")
    for case in dict.fromkeys(run.case for run in runs):
        of_case = [run for run in runs if run.case == case]
        label = ", ".join(sorted(of_case[0].labels))
        right = sum(bool(run.names & _meant(run.labels)) for run in of_case)
        names = pd.Series([" ".join(sorted(run.names)) for run in of_case]).value_counts()
        told = "; ".join(f"{name} {count}" for name, count in names.items())
        print(f"| {case} | {label} | {len(of_case)} | {right} | {told} |")


def _meant(labels: frozenset[str]) -> frozenset[str]:
    """The names that a collection's own labels mean."""
    words = {
        "overfit": {"overfitting"},
        "mild_overfit": {"overfitting"},
        "regularised": {"overfitting", "healthy"},
        "val_stalled": {"overfitting", "underfitting"},
        "normal": {"healthy"},
        "underfit": {"underfitting", "dead_start"},
        "dead": {"dead_start", "underfitting"},
        "noisy": {"unstable"},
        "no_progress": {"dead_start", "underfitting", "too_short"},
    }
    return frozenset().union(*(words.get(label, {label}) for label in labels))


if __name__ == "__main__":
    report(Path(sys.argv[1]))
