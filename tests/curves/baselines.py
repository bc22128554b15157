"""Simple rules for overfitting, each with one threshold: what the rules of checker/curves have to beat.

A rule takes the training and the validation losses and gives a number; from its threshold on the run counts as overfit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from scipy.stats import spearmanr

from checker.curves.measures import Array

Rule = Callable[[Array, Array], float]


@dataclass(frozen=True)
class Baseline:
    """A rule, its usual threshold, and the thresholds that tuning may choose from."""

    name: str
    rule: Rule
    usual: float
    grid: tuple[float, ...]


def gap(loss: Array, val_loss: Array) -> float:
    """By which share the last validation loss exceeds the last training loss."""
    return float((val_loss[-1] - loss[-1]) / abs(loss[-1])) if loss[-1] else np.inf


def generalisation_loss(loss: Array, val_loss: Array) -> float:
    """Prechelt's GL (1998) at the last epoch: the rise above the lowest validation loss, in percent."""
    low = abs(val_loss.min())
    return float(100 * (val_loss[-1] - val_loss.min()) / low) if low else 0.0


def rank(loss: Array, val_loss: Array) -> float:
    """Spearman's rank correlation of the second half of the validation loss with the epoch."""
    tail = val_loss[len(val_loss) // 2 :]
    if len(tail) < 3 or np.ptp(tail) == 0:
        return 0.0
    return float(spearmanr(np.arange(len(tail)), tail).statistic)


def patience(loss: Array, val_loss: Array) -> float:
    """How many epochs ago the validation loss was lowest."""
    return float(len(val_loss) - 1 - val_loss.argmin())


def trainproof(loss: Array, val_loss: Array) -> float:
    """Whether trainproof reports TP-OVERFIT."""
    from trainproof.epoch import check_records

    records = [
        {"step": epoch, "loss": float(train), "eval_loss": float(valid)}
        for epoch, (train, valid) in enumerate(zip(loss, val_loss, strict=True), 1)
    ]
    return float("TP-OVERFIT" in str(check_records(records)))


BASELINES = [
    Baseline("last losses differ by 30 %", gap, 0.3, (0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0)),
    Baseline("Prechelt's GL5", generalisation_loss, 5.0, (1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 20.0)),
    Baseline("Spearman rank of the tail 0.5", rank, 0.5, (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)),
    Baseline("patience of 5", patience, 5.0, (1.0, 2.0, 3.0, 5.0, 8.0, 10.0, 20.0)),
]
if find_spec("trainproof") is not None:
    BASELINES.append(Baseline("trainproof", trainproof, 1.0, (1.0,)))
