"""How long a diagnosis takes; a report, not a test: clocks of shared machines fail for no reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from checker import curves
from checker.curves import compare, diagnose


def history(epochs: int) -> dict[str, list[float]]:
    noise = np.random.default_rng(0).normal(0, 0.01, (2, epochs))
    falling = np.exp(-np.arange(epochs) / epochs * 5)
    return {"loss": (falling + noise[0]).tolist(), "val_loss": (falling + 0.1 + noise[1]).tolist()}


@pytest.mark.parametrize("epochs", [100, 1000, 10_000])
def test_diagnose(benchmark: BenchmarkFixture, epochs: int) -> None:
    assert benchmark(afresh, diagnose, history(epochs)).names


def test_compare(benchmark: BenchmarkFixture) -> None:
    assert benchmark(afresh, compare, history(100), history(100)).names


def afresh(function: Any, *arguments: Any) -> Any:
    """Call a function as if nothing had been diagnosed before."""
    curves.diagnosis._diagnosis.cache_clear()
    return function(*arguments)
