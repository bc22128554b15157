"""Rules over a whole network."""

from __future__ import annotations

from typing import Any

import pytest

from checker.expect import (
    BatchNormalization,
    Dense,
    Dropout,
    Network,
    at_least,
    at_most,
    between,
    count,
    followed_by,
    not_after_output,
    not_first,
    not_right_before,
    parameters,
    preceded_by,
)

BN = BatchNormalization()


@pytest.mark.parametrize(
    ("rule", "kept", "broken"),
    [
        (count("Dropout", at_least(1)), [Dropout(0.9), Dense(1)], [Dense(1)]),
        (count(Dropout(at_most(0.5)), between(1, 2)), [Dropout(0.5), Dense(1)], [Dropout(0.9), Dense(1)]),
        (count("Dropout", 1), [Dropout(0.5)], [Dropout(0.5), Dropout(0.5)]),
        (followed_by("Dense", BN), [Dense(8, "relu"), BN, Dense(1)], [Dense(8, "relu"), Dense(1)]),
        (preceded_by("Dense", BN), [BN, Dense(8), BN, Dense(1)], [BN, Dense(8), Dense(1)]),
        (preceded_by("Dense", BN, hidden=True), [BN, Dense(8), Dense(1)], [Dense(8), BN, Dense(1)]),
        (not_after_output("Dropout"), [Dense(8), Dropout(0.1), Dense(1)], [Dense(8), Dense(1), Dropout(0.1)]),
        (not_first("Dropout"), [Dense(8), Dropout(0.1)], [Dropout(0.1), Dense(8)]),
        (not_right_before("Dropout", "BatchNormalization"), [BN, Dropout(0.1)], [Dropout(0.1), BN]),
    ],
)
def test_rules_over_the_whole_network(rule: Any, kept: Any, broken: Any) -> None:
    assert not list(rule.violations(Network(*kept).example(), None))
    assert list(rule.violations(Network(*broken).example(), None))


def test_a_budget_of_parameters() -> None:
    budget = parameters(at_most(1000))
    assert not list(budget.violations((), 1000))
    (violation,) = budget.violations((), 1001)
    assert violation.params == {"actual": 1001, "expected": 1000}
