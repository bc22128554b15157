"""The tolerances are what ``docs/arithmetic.csv`` says they must be; the table is made by ``support/arithmetic.py``."""

from __future__ import annotations

import arithmetic
import numpy as np
import pytest

from checker.questions.training import FLOAT32, HALF, TENSOR_FLOAT, Tolerance
from checker.reading.replay import tensor_float, tensor_float_cut

KERAS = {"float32": FLOAT32, "mixed_bfloat16": HALF, "mixed_float16": HALF}


@pytest.mark.parametrize("policy", KERAS)
def test_any_epoch_may_be_proved_in_the_arithmetic_that_is_replayed(policy: str) -> None:
    assert 2 * arithmetic.largest(f"{policy}, Keras from its replay") <= KERAS[policy].anywhere


def test_the_last_and_the_best_epoch_are_proved_in_tensor_float_however_it_is_replayed() -> None:
    assert arithmetic.largest("tensor float from float32") <= TENSOR_FLOAT.expected


@pytest.mark.parametrize("tolerance", [FLOAT32, TENSOR_FLOAT, HALF], ids=str)
def test_one_percent_is_caught(tolerance: Tolerance) -> None:
    assert tolerance.anywhere <= tolerance.expected <= 0.0025


@pytest.mark.parametrize(
    "difference",
    [
        "mixed_bfloat16, one rounding from the other",
        "tensor float, cut from float32",
    ],
)
def test_what_is_replayed_in_several_ways_has_to_be(difference: str) -> None:
    """The ways to round lie farther apart than the tolerance, so that one replay alone would not do."""
    assert arithmetic.largest(difference) > HALF.expected


def test_tensor_float_keeps_ten_bits() -> None:
    values = np.float32([1.0, 1 + 2**-10, 1 + 2**-11, 1 + 2**-12, -3.3, 0.0, np.inf, -np.inf, np.nan])
    rounded, cut = tensor_float(values), tensor_float_cut(values)
    assert rounded[:4].tolist() == [1.0, 1 + 2**-10, 1 + 2**-10, 1.0]
    assert cut[:4].tolist() == [1.0, 1 + 2**-10, 1.0, 1.0]
    assert abs(rounded[4] / values[4] - 1) <= 2**-11
    np.testing.assert_array_equal(rounded[5:], values[5:])
    np.testing.assert_array_equal(cut[5:], values[5:])
