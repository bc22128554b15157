"""Record real training runs with a known mistake, or with none, on the course's three data sets.

    python tests/curves/record.py tests/curves/recorded.csv.gz [--seeds 10] [--calibration curves.jsonl]

One row an epoch, in the columns that measure.py reads. ``label`` is what was done to the training, never what the curve
looks like; a mistake that shows in one of several ways carries all their names, ``"diverged|unstable"``. ``reference``
is the validation loss of always predicting the training median. Runs that the file already holds are not trained again;
the exercise's own networks are taken from a calibration's curves, where one is given.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from checker import datasets
from checker.curves import Curves
from checker.tools.calibration import RECIPES, Recipe, Trainer, kept


@dataclass(frozen=True)
class Case:
    """One way to train: what was done (``label``) and how."""

    name: str
    label: str
    recipe: Recipe
    rate: float | None = None
    standardised: bool = False
    shuffled: bool = False
    rows: int | None = None


def network(*units: int, dropout: float = 0.0) -> tuple[tuple[Any, ...], ...]:
    """Hidden Dense layers, each with its dropout if there is one, and one linear output."""
    hidden = [[("Dense", width, "relu"), ("Dropout", dropout)][: 2 if dropout else 1] for width in units]
    return (*(layer for layers in hidden for layer in layers), ("Dense", 1))


Q1, Q1_START = network(128, 64, dropout=0.3), network(128, 64)
WILD = "diverged|unstable"
LOST = "diverged|unstable|underfitting|dead_start"

CASES = (
    # right
    Case("spotify-dropout-0.4", "healthy", Recipe(network(128, 64, dropout=0.4), "spotify", "adam", 512, 50)),
    Case("spotify-wide-dropout", "healthy", Recipe(network(256, 128, dropout=0.5), "spotify", "adam", 512, 50)),
    Case("red-wine-dropout", "healthy", Recipe(network(64, 32, dropout=0.3), "red-wine", "adam", 64, 50), None, True),
    Case("concrete-standardised", "healthy", Recipe(network(32, 16), "concrete", "adam", 64, 100), None, True),
    # too much freedom
    Case("spotify-wide", "overfitting", Recipe(network(512, 512), "spotify", "adam", 512, 50)),
    Case(
        "spotify-shuffled-labels",
        "overfitting|underfitting",
        Recipe(Q1_START, "spotify", "adam", 512, 100),
        shuffled=True,
    ),
    Case(
        "red-wine-shuffled-labels",
        "overfitting|underfitting",
        Recipe(Q1_START, "red-wine", "adam", 64, 50),
        None,
        True,
        True,
    ),
    # too little
    Case("spotify-shuffled-dropout", "underfitting", Recipe(Q1, "spotify", "adam", 512, 50), shuffled=True),
    Case("spotify-dropout-0.95", "underfitting", Recipe(network(128, 64, dropout=0.95), "spotify", "adam", 512, 50)),
    Case("concrete-dropout-0.95", "underfitting", Recipe(network(64, 64, dropout=0.95), "concrete", "adam", 64, 50)),
    Case("red-wine-2-units-raw", "underfitting", Recipe(network(2), "red-wine", "sgd", 256, 50), 1e-3),
    # no start
    Case("concrete-tiny-rate", "dead_start", Recipe(network(64, 64), "concrete", "sgd", 64, 50), 1e-11),
    Case("spotify-tiny-rate", "dead_start", Recipe(Q1_START, "spotify", "adam", 512, 50), 1e-8),
    Case("red-wine-tiny-rate", "dead_start", Recipe(Q1_START, "red-wine", "sgd", 256, 50), 1e-9),
    # out of control
    Case("spotify-rate-10", LOST, Recipe(Q1_START, "spotify", "adam", 512, 50), 10.0),
    Case("spotify-rate-10-sgd", LOST, Recipe(Q1_START, "spotify", "sgd", 512, 50), 10.0),
    Case("concrete-rate-10-sgd", LOST, Recipe(network(64, 64), "concrete", "sgd", 64, 50), 10.0),
    Case("red-wine-raw-sgd", LOST, Recipe(network(512, 512, 512), "red-wine", "sgd", 64, 50), 1.0),
    Case("spotify-batch-of-1", WILD, Recipe((("Dense", 1),), "spotify", "adam", 1, 30), 10.0, rows=30),
    Case("concrete-batch-of-1", WILD, Recipe((("Dense", 1),), "concrete", "adam", 1, 30), 100.0, True, rows=30),
    # stopped too soon
    Case("spotify-too-few", "still_improving", Recipe(Q1, "spotify", "adam", 512, 15), 1e-4),
    Case("concrete-too-few", "still_improving", Recipe(network(64, 64), "concrete", "adam", 64, 15), None, True),
    Case("red-wine-too-few", "still_improving", Recipe(network(64, 32), "red-wine", "adam", 256, 12), None, True),
    Case("spotify-5-epochs", "still_improving", Recipe(Q1, "spotify", "adam", 512, 5)),
)

CALIBRATED = {
    "dropout": "healthy",
    "batch normalization": "healthy",
    "no dropout": "overfitting",
    "no batch normalization": "diverged",
}
"""Recipes of the calibration that are recorded, too, and their labels."""


def trainer(case: Case) -> Trainer:
    split = datasets.split(case.recipe.data)
    X, y, X_valid = split.X_train[: case.rows], split.y_train[: case.rows], split.X_valid
    if case.standardised:
        mean, scale = X.mean(0), X.std(0)
        X, X_valid = (X - mean) / scale, (X_valid - mean) / scale
    if case.shuffled:
        y = np.random.default_rng(0).permutation(y)
    return Trainer(case.recipe, (X, y), (X_valid, split.y_valid), case.rate)


def rows(name: str, label: str, data: str, seed: int, curves: Curves) -> pd.DataFrame:
    """A run as rows of the file."""
    found = pd.DataFrame(curves.to_dict())
    found.insert(0, "epoch", range(1, curves.epochs + 1))
    about = {"run": f"{name}-{seed}", "source": "own", "experiment": data, "case": name, "label": label, "seed": seed}
    for place, (column, value) in enumerate({**about, "reference": datasets.median_loss(data)}.items()):
        found.insert(place, column, value)
    return found


def save(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, float_format="%.6g", compression={"method": "gzip", "mtime": 1})


def calibrated(path: Path) -> Iterator[pd.DataFrame]:
    for (name, seed), curves in kept(path).items():
        if name in CALIBRATED:
            yield rows(f"calibration {name}", CALIBRATED[name], RECIPES[name].data, seed, curves)


def record(path: Path, seeds: int, calibration: Path | None = None) -> None:
    """Train every case over the seeds; the file grows by one run at a time."""
    table = pd.read_csv(path) if path.exists() else pd.DataFrame({"run": []})
    known = set(table.run)
    wanted = [(case, seed) for case in CASES for seed in range(seeds) if f"{case.name}-{seed}" not in known]
    trainers: dict[str, Trainer] = {}
    for case, seed in tqdm(wanted, unit="run"):
        if case.name not in trainers:
            trainers = {case.name: trainer(case)}
        curves = trainers[case.name].train(seed)
        table = pd.concat([table, rows(case.name, case.label, case.recipe.data, seed, curves)], ignore_index=True)
        save(table, path)
    if calibration is not None:
        taken = [run for run in calibrated(calibration) if run.run.iloc[0] not in known]
        save(pd.concat([table, *taken], ignore_index=True), path)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    parser = argparse.ArgumentParser(description="Record training runs with known mistakes.")
    parser.add_argument("path", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--calibration", type=Path)
    options = parser.parse_args()
    record(options.path, options.seeds, options.calibration)
