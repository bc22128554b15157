"""Robust measures of a curve: level, noise, trend."""

from __future__ import annotations

import itertools
import math
from statistics import NormalDist

import numpy as np
import pytest

from checker import curves
from checker.curves import gap_growth


class TestMeasures:
    def test_noise_is_the_standard_deviation_around_a_line(self) -> None:
        values = np.linspace(5, 1, 4000) + np.random.default_rng(0).normal(0, 0.2, 4000)
        assert curves.noise(values) == pytest.approx(0.2, rel=0.05)

    def test_noise_does_not_see_a_spike_nor_a_constant_tail(self) -> None:
        values = np.random.default_rng(0).normal(1, 0.1, 400)
        usual = curves.noise(values)
        values[200] = 1e6
        assert curves.noise(values) == pytest.approx(usual, rel=0.05)
        assert curves.noise(np.append(values, [values[-1]] * 4000)) == pytest.approx(usual, rel=0.05)

    def test_theil_sen_is_scipys(self) -> None:
        stats = pytest.importorskip("scipy.stats")
        values = np.random.default_rng(0).normal(size=60).cumsum()
        assert curves.theil_sen(values) == pytest.approx(stats.theilslopes(values).slope)

    @pytest.mark.parametrize("epochs", [200, 201, 1000, 1999])
    def test_theil_sen_of_a_long_line(self, epochs: int) -> None:
        assert curves.theil_sen(np.arange(epochs, dtype=np.float64) * 0.5) == pytest.approx(0.5)

    def test_mann_kendall_by_hand(self) -> None:
        # S = 55 pairs - 1 tie; (S - 1) / sqrt(var)
        line = np.append(np.arange(10.0), 9.0)
        variance = (11 * 10 * 27 - 2 * 1 * 9) / 18  # one tie of two
        assert curves.mann_kendall(line) == pytest.approx(53 / math.sqrt(variance))
        assert curves.mann_kendall(np.ones(20)) == 0.0

    @pytest.mark.parametrize("n", [3, 4, 5, 6, 7])
    def test_mann_kendall_is_exact_on_few_values(self, n: int) -> None:
        orders = [np.array(order, float) for order in itertools.permutations(range(n))]
        scores = [curves.mann_kendall(order) for order in orders]
        for level in (0.2, 0.05, 0.01):
            quantile = NormalDist().inv_cdf(1 - level)
            assert np.mean([score >= quantile - 1e-9 for score in scores]) <= level
        assert NormalDist().cdf(-max(scores)) == pytest.approx(1 / len(orders))

    def test_gap_growth_starts_at_zero_with_dropout(self) -> None:
        history = {"loss": [4.0] * 5 + [1.0] * 5, "val_loss": [2.0] * 5 + [1.5] * 5}
        assert gap_growth(history) == pytest.approx(0.5)
        harder = {"loss": [2.0] * 5 + [1.0] * 5, "val_loss": [2.2] * 5 + [1.5] * 5}
        assert gap_growth(harder) == pytest.approx(0.3)
