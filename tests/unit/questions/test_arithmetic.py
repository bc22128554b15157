"""The tolerances are what ``docs/arithmetic.csv`` says they must be; the table is made by ``support/arithmetic.py``."""

from __future__ import annotations

import arithmetic
import numpy as np
import pytest

from checker.questions import training
from checker.reading.replay import tensor_float, tensor_float_cut


@pytest.mark.parametrize(
    ("tolerance", "measured"),
    [
        (training.FLOAT32, "float32, Keras from its replay"),
        (training.TENSOR_FLOAT, "tensor float from float32"),
        (training.TENSOR_FLOAT, "tensor float, cut from float32"),
        (training.HALF, "mixed_bfloat16, Keras from its replay"),
        (training.HALF, "mixed_float16, Keras from its replay"),
    ],
)
def test_a_tolerance_is_twice_what_was_measured_and_catches_one_percent(tolerance: float, measured: str) -> None:
    assert 2 * arithmetic.largest(measured) <= tolerance <= 0.0025


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_any_epoch_may_be_proved_where_the_replay_is_exact(policy: str) -> None:
    assert arithmetic.largest(f"{policy}, Keras from its replay") <= training.ANYWHERE


def test_what_is_replayed_in_two_ways_has_to_be() -> None:
    """Rounding in the other way may cost more than the tolerance, so neither replay alone would do."""
    for policy in ("mixed_bfloat16", "mixed_float16"):
        assert arithmetic.largest(f"{policy}, one rounding from the other") > training.ANYWHERE


def test_tensor_float_keeps_ten_bits() -> None:
    values = np.float32([1.0, 1 + 2**-10, 1 + 2**-11, 1 + 2**-12, -3.3, 0.0, np.inf, -np.inf, np.nan])
    rounded, cut = tensor_float(values), tensor_float_cut(values)
    assert rounded[:4].tolist() == [1.0, 1 + 2**-10, 1 + 2**-10, 1.0]
    assert cut[:4].tolist() == [1.0, 1 + 2**-10, 1.0, 1.0]
    assert abs(rounded[4] / values[4] - 1) <= 2**-11
    np.testing.assert_array_equal(rounded[5:], values[5:])
    np.testing.assert_array_equal(cut[5:], values[5:])
