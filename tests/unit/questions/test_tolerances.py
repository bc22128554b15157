"""The tolerances are what ``docs/arithmetic.csv`` says they must be; the table is made by ``support/arithmetic.py``."""

from __future__ import annotations

import arithmetic
import pytest

from checker.questions.training import FLOAT32, HALF, TENSOR_FLOAT, Tolerance

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
