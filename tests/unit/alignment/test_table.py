"""The cheapest edit: which one it is, how it is said, what it is worth."""

from __future__ import annotations

from typing import Any

import pytest
from models.case import sequential

from checker.alignment import Alignment, align
from checker.assignments import spotify
from checker.blueprint import Blueprint
from checker.expect import AnyLayer, BatchNormalization, Dense, Dropout, Network, Repeat, at_least, between, count
from checker.report import Finding, Row

Q1, Q3 = spotify.q1.network, spotify.q3.network


def aligned(words: str, network: Network = Q1) -> Alignment:
    return align(Blueprint.of(sequential(words, (network.input_shape or (8,))[0] or 8)), network)


def messages(alignment: Alignment) -> list[str]:
    return [Finding(edit.code, position=edit.position, params=edit.params).message for edit in alignment.edits]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("D128r D64r d.3 D1", ['After layer 1 `Dense(128, activation="relu")`, add `keras.layers.Dropout(0.3)`.']),
        ("D128r d.3 D64r d.3 D1 d.3", ["Remove layer 6 `Dropout(0.3)`."]),
        ("D128r d.7 D64r d.3 D1", ["In layer 2 `Dropout(0.7)`, set `rate=0.3` (it is `0.7`)."]),
        ("D128 d.3 D64r d.3 D1", ['In layer 1 `Dense(128)`, set `activation="relu"` (it is `None`).']),
        ("D128t d.3 D64r d.3 D1",
         ['In layer 1 `Dense(128, activation="tanh")`, set `activation="relu"` (it is `"tanh"`).']),
        ("D128r d.3 D64r D1 d.3",
         ['Move layer 5 `Dropout(0.3)` to right after layer 3 `Dense(64, activation="relu")`.']),
        ("d.3 D128r D64r d.3 D1",
         ['Move layer 1 `Dropout(0.3)` to right after layer 2 `Dense(128, activation="relu")`.']),
        ("D128r B D64r d.3 D1", ["Replace layer 2 `BatchNormalization()` with `keras.layers.Dropout(0.3)`."]),
        ("D128r d.3 D64r d.3 D1s",
         ['In layer 5 `Dense(1, activation="sigmoid")`, leave out `activation="sigmoid"`: it should be linear.']),
        ("D128r d.3 D64r d.3 D1 t",
         ['Remove layer 6 `Activation("tanh")`: layer 5 `Dense(1)` should stay linear.']),
        ("D128r d.3 D1",
         ['After layer 2 `Dropout(0.3)`, add `keras.layers.Dense(64, activation="relu")`.',
          'After the `keras.layers.Dense(64, activation="relu")` that you add,'
          " add `keras.layers.Dropout(0.3)` as well."]),
    ],
)  # fmt: skip
def test_each_edit_says_where_what_and_how(words: Any, says: Any) -> None:
    assert messages(aligned(words)) == says


def test_the_start_and_frozen_layers_have_words_of_their_own() -> None:
    assert messages(aligned("D512r B D512r B D512r B D1", Q3)) == [
        "At the very start, before the first layer, add `keras.layers.BatchNormalization()`."
    ]
    assert "is frozen" in messages(aligned("B* D512r B D512r B D512r B D1", Q3))[0]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("D128r d0 D64r d.3 D1", ["In layer 2 `Dropout(0.0)`, set `rate=0.3` (it is `0.0`)."]),
        ("D128 d0 r D64r d.3 D1", ["In layer 2 `Dropout(0.0)`, set `rate=0.3` (it is `0.0`)."]),
        ("D128r d.3 d0 D64r d0 d0 D1", ["In layer 5 `Dropout(0.0)`, set `rate=0.3` (it is `0.0`)."]),
        ("D128r d0 D64r d.3 D1 d0", ["In layer 2 `Dropout(0.0)`, set `rate=0.3` (it is `0.0`)."]),
        ("d0 D128r D64r d.3 D1",
         ['After layer 2 `Dense(128, activation="relu")`, add `keras.layers.Dropout(0.3)`.']),
        ("D128r d.3 d0 D1",
         ["After layer 2 `Dropout(0.3)`, add `keras.layers.Dense(64, activation=\"relu\")`.",
          "In layer 3 `Dropout(0.0)`, set `rate=0.3` (it is `0.0`)."]),
    ],
)  # fmt: skip
def test_a_dropout_that_drops_nothing_is_set_right_where_one_is_missing(words: Any, says: Any) -> None:
    alignment = aligned(words)
    assert messages(alignment) == says
    assert align(alignment.apply(), Q1).passed
    assert alignment.credit == aligned(words.replace(" d0", "").replace("d0 ", "")).credit


def test_findings_come_top_to_bottom() -> None:
    alignment = aligned("D128 d.2 D64t D1r")
    assert [edit.position for edit in alignment.edits] == [1, 2, 3, 3, 4]


def test_a_moved_activation_is_one_edit_not_two() -> None:
    assert [edit.action for edit in aligned("B D512 B r D512r B D512r B D1", Q3).edits] == ["move"]


def test_the_numbers_are_the_learners_own() -> None:
    """A relu written after its dropout stands before it in canonical form; what follows comes after both."""
    (message,) = messages(aligned("D128 d.3 r D64 d.3 r"))
    assert message == 'After layer 6 `Activation("relu")`, add `keras.layers.Dense(1)`.'


def test_the_table_puts_activations_into_their_layers() -> None:
    assert aligned("D128 r d.2 D64r D1").rows == (
        Row("ok", 1, 'Dense(128, activation="relu")', 'Dense(128, activation="relu")'),
        Row("change", 3, "Dropout(0.2)", "Dropout(0.3)", "rate=0.3"),
        Row("ok", 4, 'Dense(64, activation="relu")', 'Dense(64, activation="relu")'),
        Row("add", None, None, "Dropout(0.3)"),
        Row("ok", 5, "Dense(1)", "Dense(1)"),
    )


def test_a_network_that_is_no_line_says_so_and_nothing_else() -> None:
    alignment = align(Blueprint((), problem="model.branch", problem_params={"name": "add"}), Q1)
    assert [(edit.code, edit.params) for edit in alignment.edits] == [("model.branch", {"name": "add"})]
    assert alignment.rows == ()
    assert alignment.credit == 0.0


@pytest.mark.parametrize(
    ("words", "credit"),
    [
        ("D128r d.3 D64r d.3 D1", 1.0),
        ("D128r D64r D1", 0.0),
        ("D128r d.3 D64r D1", 0.5),
        ("D128r d.3 D64r d.7 D1", 0.75),
        ("D128r d.7 D64r d.7 D1", 0.5),
        ("D128r d.3 D64r d.3", 0.5),
        ("D1", 0.0),
        ("D7 D7 D7", 0.0),
    ],
)
def test_credit_is_in_proportion_to_the_edit(words: Any, credit: Any) -> None:
    assert aligned(words).credit == credit


def test_an_empty_network_earns_nothing_even_where_little_is_asked() -> None:
    assert align(Blueprint(()), Network(Dense(1))).credit == 0.0


OPEN = Network(
    Repeat(AnyLayer()),
    Dense(1),
    constraints=(count(Dropout(between(0.1, 0.5, example=0.2)), at_least(1)), count(BatchNormalization(), at_least(1))),
)


def test_rules_are_mended_where_it_is_natural() -> None:
    assert messages(aligned("D8r D8r B D1", OPEN)) == [
        'After layer 1 `Dense(8, activation="relu")`, add `keras.layers.Dropout(0.2)`.'
    ]
    assert messages(aligned("D8r d.9 B D1", OPEN)) == ["In layer 2 `Dropout(0.9)`, set `rate=0.5` (it is `0.9`)."]


def test_rules_rather_take_a_dropout_that_is_there() -> None:
    assert messages(aligned("D8r D8r d0 B D1", OPEN)) == ["In layer 3 `Dropout(0.0)`, set `rate=0.2` (it is `0.0`)."]


def test_what_one_rule_removes_another_moves() -> None:
    network = Network(Repeat(AnyLayer()), Dense(1), constraints=(count(Dropout(0.2), at_least(1)),))
    alignment = aligned("D8r D1 d.2", network)
    assert [edit.action for edit in alignment.edits] == ["move"]
    assert align(alignment.apply(), network).passed
