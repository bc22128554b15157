"""What a network should be: patterns, values, rules, and everything that is derived from one declaration."""

from __future__ import annotations

from typing import Any

import pytest

from checker.blueprint import Layer as Canonical
from checker.expect import (
    Activation,
    AnyLayer,
    BatchNormalization,
    Choice,
    Dense,
    Dropout,
    Layer,
    Network,
    Optional,
    Repeat,
    anything,
    at_least,
    at_most,
    between,
    count,
    followed_by,
    not_after_output,
    not_first,
    not_right_before,
    one_of,
    parameters,
    preceded_by,
)

PLAIN = Network(Dense(128, activation="relu"), Dense(1), input_shape=[18])
REFERENCE = Network(Dense(128, activation="relu"), Dropout(0.3), Dense(1), input_shape=[18], starter=PLAIN)


def accepts(network: Network, *layers: Layer) -> bool:
    return network.automaton.accepts(Network(*layers).example())


# --- values -----------------------------------------------------------------------------------------------------------


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


# --- patterns ---------------------------------------------------------------------------------------------------------


def test_settings_that_are_not_named_must_have_their_default() -> None:
    assert not accepts(Network(Dense(1)), Dense(1, use_bias=False))
    assert accepts(Network(Dense(1, use_bias=anything(True))), Dense(1, use_bias=False))


def test_an_activation_inside_a_layer_or_after_it_is_the_same() -> None:
    apart = Network(Dense(128), Activation("relu"), Dropout(0.3), Dense(1))
    assert accepts(apart, *REFERENCE.elements)
    assert accepts(REFERENCE, *apart.elements)
    assert accepts(REFERENCE, Dense(128), Dropout(0.3), Activation("relu"), Dense(1))
    assert accepts(Network(Dense(128), Dropout(0.3), Activation("relu"), Dense(1)), *REFERENCE.elements)


def test_an_activation_may_be_left_open() -> None:
    open_activation = Network(Dense(8, activation=one_of("relu", None)), Dense(1))
    assert accepts(open_activation, Dense(8), Dense(1))
    assert accepts(open_activation, Dense(8, activation="relu"), Dense(1))
    assert not accepts(open_activation, Dense(8, activation="tanh"), Dense(1))


def test_optional_repeat_and_choice() -> None:
    network = Network(
        Optional(BatchNormalization()),
        Repeat(Dense(at_least(8), activation="relu"), Optional(Dropout(between(0.1, 0.5))), at_least=1, at_most=2),
        Choice(Dense(1), (Dense(2), Dense(1))),
    )
    assert accepts(network, Dense(8, activation="relu"), Dense(1))
    assert accepts(network, BatchNormalization(), Dense(8, activation="relu"), Dropout(0.1), Dense(2), Dense(1))
    assert accepts(network, Dense(8, activation="relu"), Dense(9, activation="relu"), Dropout(0.1), Dense(1))
    assert not accepts(network, Dense(1))
    assert not accepts(network, *[Dense(8, activation="relu")] * 3, Dense(1))
    assert not accepts(network, Dropout(0.1), Dense(8, activation="relu"), Dense(1))


def test_any_layer_may_exclude_kinds() -> None:
    network = Network(Repeat(AnyLayer(excluding=("Dropout",))), Dense(1))
    assert accepts(network, Layer("LayerNormalization"), Dense(3, activation="tanh"), Dense(1))
    assert not accepts(network, Dense(3), Dropout(0.3), Dense(1))


def test_frozen_layers_are_wrong() -> None:
    frozen = Canonical("BatchNormalization", Network(BatchNormalization()).example()[0].settings, trainable=False)
    assert not Network(BatchNormalization()).automaton.accepts([frozen])


# --- rules ------------------------------------------------------------------------------------------------------------

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


# --- what one declaration gives ---------------------------------------------------------------------------------------


def test_the_reference_as_code() -> None:
    assert REFERENCE.code() == (
        "keras.Sequential([\n"
        "    keras.Input(shape=[18]),\n"
        '    keras.layers.Dense(128, activation="relu"),\n'
        "    keras.layers.Dropout(0.3),\n"
        "    keras.layers.Dense(1),\n"
        "])"
    )


def test_the_code_runs_and_gives_what_is_expected() -> None:
    import keras
    from keras import layers

    from checker.alignment import align
    from checker.blueprint import Blueprint

    model = eval(REFERENCE.code(), {"keras": keras, "layers": layers})
    blueprint = Blueprint.of(model)
    assert blueprint.layers == REFERENCE.example()
    assert align(blueprint, REFERENCE).passed


def test_skeletons_have_fewer_blanks_from_one_to_the_next_and_keep_the_starter() -> None:
    first, second = REFERENCE.skeletons()
    assert "    keras.layers.____(____),\n" in first
    assert "    keras.layers.Dropout(____),\n" in second
    assert all('keras.layers.Dense(128, activation="relu")' in skeleton for skeleton in (first, second))
    assert REFERENCE.skeleton(0) == first
    assert REFERENCE.skeleton(9) == second


def test_rows_show_what_is_allowed() -> None:
    network = Network(Dense(at_least(16), activation=one_of("relu", "elu")), Dropout(between(0.2, 0.5)), Dense(1))
    assert network.rows() == ('Dense(≥ 16, activation="relu" | "elu")', "Dropout(0.2 … 0.5)", "Dense(1)")


def test_an_open_design_names_its_own_example() -> None:
    network = Network(Repeat(AnyLayer()), Dense(1), example=[Dense(8, activation="relu"), Dense(1)])
    assert "keras.layers.Dense(8" in network.code()
    assert network.automaton.accepts(network.example())
