"""Layers, and patterns of layers, that a network may have."""

from __future__ import annotations

from expected import REFERENCE, accepts

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
    between,
    one_of,
)


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
