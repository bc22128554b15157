"""What is measured on a curve: noise, trend, level, and the gap between two curves."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

EXACT = 10
"""Up to so many values the trend test is exact."""

THINNED = 200
"""Longer series are thinned to this many block medians before all pairs are compared, which bounds the cost."""


def median(values: Array) -> float:
    """The median, as ``numpy.median`` has it, which takes ten times as long for a series as short as these.

    Args:
        values: shape ``(n,)``, n at least 1.
    """
    ordered = np.sort(values)
    middle = len(ordered) // 2
    if np.isnan(ordered[-1]):
        return math.nan
    return float(ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2)


@lru_cache(16)
def _pairs(count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The places of all pairs of so many values, the earlier one first."""
    return np.triu_indices(count, 1)


def noise(values: Array) -> float:
    """Standard deviation of the noise around a smooth curve, from its first differences.

    sigma = 1.4826 MAD(diff) / sqrt 2: the median absolute deviation estimates the standard deviation of normal
    differences robustly (Hampel 1974), and a difference has twice the variance of a value. A tail of equal values says
    nothing about noise and is left out.

    Args:
        values: the curve, shape ``(epochs,)``, finite.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        differences = np.diff(values)
        moving = np.flatnonzero(differences)
        if len(moving) == 0:
            return 0.0
        differences = differences[: moving[-1] + 1]
        return 1.4826 * median(np.abs(differences - median(differences))) / math.sqrt(2)


def theil_sen(values: Array) -> float:
    """Median slope over all pairs of epochs, per epoch (Sen 1968)."""
    if len(values) < 2:
        return 0.0
    thin, step = _thinned(values)
    first, second = _pairs(len(thin))
    return median((thin[second] - thin[first]) / (second - first)) / step


def mann_kendall(values: Array) -> float:
    """Standard score of Mann and Kendall's trend test, corrected for ties; positive if the curve rises.

    Up to EXACT values without ties the score is that of the exact probability (Kendall 1975, table 1), since the normal
    approximation is too strict there: five values that all rise have a probability of 1 in 120.
    """
    thin, _ = _thinned(values)
    n = len(thin)
    if n < 3:
        return 0.0
    first, second = _pairs(n)
    score = float(np.sign(thin[second] - thin[first]).sum())
    ties = np.unique(thin, return_counts=True)[1].astype(float)
    if score == 0:
        return 0.0
    if n <= EXACT and len(ties) == n:
        return math.copysign(-NormalDist().inv_cdf(_rarity(n, int(abs(score)))), score)
    variance = (n * (n - 1) * (2 * n + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()) / 18
    return (score - math.copysign(1, score)) / math.sqrt(variance) if variance > 0 else 0.0


def _rarity(n: int, score: int) -> float:
    """Probability that n values in random order have at least this Mann-Kendall score (at most one half)."""
    orders = [1]  # how many orders of n values have 0, 1, 2, ... pairs that fall
    for size in range(2, n + 1):
        orders = [sum(orders[max(0, k - size + 1) : k + 1]) for k in range(len(orders) + size - 1)]
    falling = (n * (n - 1) // 2 - score) // 2
    return min(0.5, sum(orders[: falling + 1]) / math.factorial(n))


def _thinned(values: Array) -> tuple[Array, int]:
    """At most THINNED block medians, and how many epochs a block holds."""
    step = -(-len(values) // THINNED)
    if step == 1:
        return values, 1
    whole = len(values) // step * step
    return np.median(values[len(values) - whole :].reshape(-1, step), axis=1), step


def smooth(values: Array, width: int) -> Array:
    """Running median over an odd number of epochs; the ends repeat their outermost value; all finite."""
    half = width // 2
    if half == 0:
        return values
    padded = np.pad(values, half, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)
    return np.asarray(np.sort(windows, axis=1)[:, half])


def window(epochs: int) -> int:
    """A tenth of the run, an odd number and at least three: what levels are medians over."""
    return max(3, epochs // 10 | 1)
