"""Record real training runs with a known mistake, or with none, on the course's three data sets.

    python tests/curves/record.py tests/curves/recorded.csv.gz [--seeds 10] [--cases spotify-dropout ...]

One row an epoch: run, source, experiment (the data set), case, label, seed, reference, epoch, loss, val_loss. ``label``
is what was done to the training, never what the curve looks like; a mistake that shows in either of two ways carries
both names, ``"diverged|unstable"``. ``reference`` is the validation loss of always predicting the training median.
Runs that the file already holds are not trained again.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from checker import datasets

Layers = Callable[[], list[Any]]


@dataclass(frozen=True)
class Case:
    """One way to train: what was done (``label``) and how."""

    name: str
    label: str
    data: str
    layers: Layers
    epochs: int = 50
    batch: int = 512
    optimizer: str = "adam"
    rate: float | None = None
    standardised: bool = False
    shuffled: bool = False
    rows: int | None = None


def stack(*units: int, dropout: float = 0.0, batchnorm: bool = False) -> Layers:
    """Hidden Dense layers, each with what is asked for around it, and one linear output."""

    def layers() -> list[Any]:
        from keras.layers import BatchNormalization, Dense, Dropout

        found: list[Any] = []
        for width in units:
            found += [BatchNormalization()] if batchnorm else []
            found += [Dense(width, activation="relu")] + ([Dropout(dropout)] if dropout else [])
        return [*found, *([BatchNormalization()] if batchnorm else []), Dense(1)]

    return layers


Q1 = stack(128, 64, dropout=0.3)
Q1_START = stack(128, 64)
Q3 = stack(512, 512, 512, batchnorm=True)
Q3_START = stack(512, 512, 512)

CASES = (
    # right answers
    Case("spotify-dropout", "healthy", "spotify", Q1),
    Case("spotify-dropout-100", "healthy", "spotify", Q1, epochs=100),
    Case("spotify-dropout-0.4", "healthy", "spotify", stack(128, 64, dropout=0.4)),
    Case("concrete-batchnorm", "healthy", "concrete", Q3, epochs=100, batch=64, optimizer="sgd"),
    Case("red-wine-standardised", "healthy", "red-wine", stack(64, 32, dropout=0.3), batch=64, standardised=True),
    Case("concrete-standardised", "healthy", "concrete", stack(32, 16), epochs=100, batch=64, standardised=True),
    # too much freedom
    Case("spotify-no-dropout", "overfitting", "spotify", Q1_START),
    Case("spotify-wide", "overfitting", "spotify", stack(512, 512)),
    Case("red-wine-wide", "overfitting", "red-wine", stack(256, 256), epochs=100, batch=64, standardised=True),
    Case("spotify-shuffled-labels", "overfitting", "spotify", Q1_START, shuffled=True),
    # too little
    Case("spotify-shuffled-labels-dropout", "underfitting", "spotify", Q1, shuffled=True),
    Case("spotify-dropout-0.95", "underfitting", "spotify", stack(128, 64, dropout=0.95)),
    Case("concrete-dropout-0.95", "underfitting", "concrete", stack(64, 64, dropout=0.95), batch=64, standardised=True),
    Case("red-wine-2-units", "underfitting", "red-wine", stack(2), batch=256, optimizer="sgd", rate=1e-3),
    Case("concrete-2-units", "underfitting", "concrete", stack(2), batch=64, optimizer="sgd", rate=1e-5),
    # no start
    Case("concrete-tiny-rate", "dead_start", "concrete", stack(64, 64), batch=64, optimizer="sgd", rate=1e-9),
    Case("spotify-tiny-rate", "dead_start", "spotify", Q1_START, rate=1e-8),
    # out of control
    Case("concrete-no-batchnorm", "diverged", "concrete", Q3_START, epochs=100, batch=64, optimizer="sgd"),
    Case("spotify-rate-10-sgd", "diverged|unstable", "spotify", Q1_START, optimizer="sgd", rate=10.0),
    Case("spotify-rate-10", "diverged|unstable|dead_start", "spotify", Q1_START, rate=10.0),
    Case("concrete-rate-1", "unstable|diverged", "concrete", stack(64, 64), batch=64, rate=1.0, standardised=True),
    Case("red-wine-batch-of-1", "unstable", "red-wine", stack(64, 32), batch=1, rate=0.03, rows=300, standardised=True),
    Case("concrete-batch-of-1", "unstable", "concrete", stack(64, 32), batch=1, rate=0.03, rows=300, standardised=True),
    # stopped too soon
    Case("spotify-12-epochs-slow", "still_improving", "spotify", Q1, epochs=12, rate=1e-4),
    Case("concrete-15-epochs", "still_improving", "concrete", stack(64, 64), epochs=15, batch=64, standardised=True),
    Case("concrete-batchnorm-10-epochs", "still_improving", "concrete", Q3, epochs=10, batch=64, optimizer="sgd"),
    Case("spotify-5-epochs", "too_short", "spotify", Q1, epochs=5),
)


def train(case: Case, seed: int) -> tuple[dict[str, list[float]], float]:
    """One run: its history and the median predictor's validation loss."""
    import keras

    split = datasets.split(case.data)
    X, y, X_valid, y_valid = split.X_train, split.y_train, split.X_valid, split.y_valid
    X, y = X[: case.rows], y[: case.rows]
    if case.standardised:
        mean, scale = X.mean(0), X.std(0)
        X, X_valid = (X - mean) / scale, (X_valid - mean) / scale
    if case.shuffled:
        y = np.random.default_rng(seed).permutation(y)
    keras.utils.set_random_seed(seed)
    optimizer = keras.optimizers.get(case.optimizer)
    if case.rate is not None:
        optimizer.learning_rate = case.rate
    model = keras.Sequential([keras.Input((X.shape[1],)), *case.layers()])
    model.compile(optimizer=optimizer, loss="mae")
    history = model.fit(
        X, y, validation_data=(X_valid, y_valid), batch_size=case.batch, epochs=case.epochs, verbose=0
    ).history
    keras.backend.clear_session()
    return history, float(np.abs(y_valid - np.median(y)).mean())


def record(path: Path, seeds: int, names: Sequence[str] = ()) -> None:
    """Train every case over the seeds; the file grows by one run at a time."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    tf.config.experimental.enable_op_determinism()
    table = pd.read_csv(path) if path.exists() else pd.DataFrame()
    known = set(zip(table.case, table.seed, strict=True)) if len(table) else set()
    wanted = [
        (case, seed)
        for seed in range(seeds)
        for case in CASES
        if (not names or case.name in names) and (case.name, seed) not in known
    ]
    for case, seed in tqdm(wanted, unit="run"):
        history, reference = train(case, seed)
        rows = pd.DataFrame({"loss": history["loss"], "val_loss": history["val_loss"]})
        rows.insert(0, "epoch", range(1, len(rows) + 1))
        about = {"source": "own", "experiment": case.data, "case": case.name, "label": case.label, "seed": seed}
        for place, (name, value) in enumerate({"run": f"{case.name}-{seed}", **about, "reference": reference}.items()):
            rows.insert(place, name, value)
        table = pd.concat([table, rows], ignore_index=True)
        table.to_csv(path, index=False, float_format="%.7g", compression={"method": "gzip", "mtime": 1})


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    parser = argparse.ArgumentParser(description="Record training runs with known mistakes.")
    parser.add_argument("path", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--cases", nargs="*", default=())
    options = parser.parse_args()
    record(options.path, options.seeds, options.cases)
