"""Values that a setting may have."""

from __future__ import annotations

from typing import Any

import pytest
from expected import REFERENCE, accepts

from checker.expect import (
    Dense,
    Dropout,
    anything,
    at_least,
    at_most,
    between,
    one_of,
)


@pytest.mark.parametrize(
    ("allowed", "inside", "outside"),
    [
        (between(0.2, 0.5), [0.2, 0.3, 0.5, 0.1 * 5], [0.1, 0.51, "0.3", None, True]),
        (at_least(16), [16, 17, 10**6], [15, float("nan"), "many"]),
        (at_most(3), [3, -1, 0], [4, None]),
        (one_of("relu", "elu"), ["relu", "elu"], ["tanh", None]),
        (one_of(1), [1, 1.0], [True, 2]),
        (anything(), [1, "x", None, [1]], []),
    ],
)
def test_values_that_a_setting_may_have(allowed: Any, inside: Any, outside: Any) -> None:
    assert all(allowed.accepts(value) for value in inside)
    assert not any(allowed.accepts(value) for value in outside)


def test_numbers_are_compared_with_a_tolerance() -> None:
    assert accepts(REFERENCE, Dense(128, activation="relu"), Dropout(0.1 * 3), Dense(1))
    assert accepts(REFERENCE, Dense(128, activation="relu"), Dropout(1 - 0.7), Dense(1))
    assert not accepts(REFERENCE, Dense(128, activation="relu"), Dropout(0.3001), Dense(1))


def test_the_value_to_go_to_is_the_nearest_allowed_one() -> None:
    assert between(0.2, 0.5).nearest(0.9) == 0.5
    assert between(0.2, 0.5).nearest(0.1) == 0.2
    assert between(0.2, 0.5, example=0.3).nearest("high") == 0.3
    assert one_of("relu", "elu").nearest("tanh") == "relu"
