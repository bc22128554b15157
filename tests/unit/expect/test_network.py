"""What one declaration of a network gives."""

from __future__ import annotations

from expected import REFERENCE

from checker.expect import (
    AnyLayer,
    Dense,
    Dropout,
    Network,
    Repeat,
    at_least,
    between,
    one_of,
)


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
