"""Rules over the whole network: mended where it is natural, and without end of effort nowhere."""

from __future__ import annotations

import pytest
from models.case import sequential

from checker.alignment import align, mending
from checker.blueprint import Blueprint
from checker.expect import (
    AnyLayer,
    BatchNormalization,
    Dense,
    Dropout,
    Network,
    Repeat,
    anything,
    at_least,
    at_most,
    count,
)
from checker.report import Finding

OPEN = Network(
    Repeat(AnyLayer()),
    Dense(1),
    constraints=(
        count(Dropout(0.2), at_least(1)),
        count(BatchNormalization(), at_least(1)),
        count("Dense", at_most(3)),
    ),
)


def codes(words: str) -> list[str]:
    return [edit.code for edit in align(Blueprint.of(sequential(words, 8)), OPEN).edits]


def test_each_rule_is_mended_by_itself() -> None:
    assert codes("B D8r d.2 D8r D1") == []
    assert codes("D8r D8r D1") == ["layer.missing:first", "layer.missing"]
    assert codes("B D8r d.2 D8r D8r D1") == ["layer.extra"]


def test_without_effort_left_a_broken_rule_is_said_and_never_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mending, "MOST_EFFORT", 1)
    assert codes("B D8r d.2 D8r D1") == []
    assert codes("D8r D8r D1") == ["network.count", "network.count"]


def test_a_rule_that_takes_too_much_is_said_of_the_network_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mending, "MOST_EFFORT", 150)
    (edit,) = align(Blueprint.of(sequential("B d.2 " + "D8r " * 9 + "D1", 8)), OPEN).edits
    assert (edit.code, edit.params["actual"], edit.params["kind"]) == ("network.count", 10, "Dense")
    assert align(Blueprint.of(sequential("B d.2 " + "D8r " * 3 + "D1", 8)), OPEN).edits[0].code == "layer.extra"


def test_every_rule_has_words_for_when_it_is_not_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mending, "MOST_EFFORT", 0)
    (edit,) = align(Blueprint.of(sequential("B D8r d.5 D1", 8)), OPEN).edits
    message = "Not every `Dropout` layer is as this question asks: set `rate=0.2`."
    assert Finding(edit.code, params=edit.params).message == message


def test_settings_that_may_be_anything_are_not_written_where_they_are_the_default() -> None:
    free = Network(Repeat(AnyLayer()), Dense(1, use_bias=anything(True), kernel_regularizer=anything(None)))
    (edit,) = align(Blueprint.of(sequential("D8r d.2", 8)), free).edits
    assert edit.params["layer"] == "keras.layers.Dense(1)"
