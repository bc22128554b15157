"""Learning curves by formula."""

from __future__ import annotations

import math

import numpy as np


def falling(epochs: int = 50, start: float = 1.0, end: float = 0.2, pace: float = 0.3) -> list[float]:
    """A smooth loss that comes down and levels off."""
    return [end + (start - end) * math.exp(-pace * epoch) for epoch in range(epochs)]


def noisy(values: list[float], size: float, seed: int = 0) -> list[float]:
    return list(np.array(values) + np.random.default_rng(seed).normal(0, size, len(values)))


HEALTHY = {"loss": noisy(falling(), 0.003, 1), "val_loss": noisy(falling(end=0.22), 0.003, 2)}
OVERFIT = {
    "loss": noisy(falling(end=0.1), 0.003, 1),
    "val_loss": noisy(list(np.array(falling(end=0.25)) + np.linspace(0, 0.06, 50)), 0.003, 2),
}
