"""The search ends on whatever is handed in, and what it says of very long networks is coarse but right."""

from __future__ import annotations

import random
from typing import Any

import pytest

from checker import expect
from checker.alignment import align, prices, search
from checker.blueprint import Blueprint, Layer
from checker.expect import AnyLayer, Dense, Network, Repeat
from checker.reading.canonical import activation_settings, settings_of

Given = tuple[str, dict[str, Any]]


def line(*layers: Given) -> Blueprint:
    """The blueprint of layers in a line; an activation belongs to the layer before it."""
    found: list[Layer] = []
    number = 0
    for kind, given in layers:
        number += kind != "Activation"
        settings = activation_settings(**given) if kind == "Activation" else settings_of(kind, given)
        found.append(Layer(kind, settings, number=number))
    return Blueprint(tuple(found))


def dense(*units: int) -> Blueprint:
    return line(*(("Dense", {"units": one}) for one in units))


def network(*units: int) -> Network:
    return Network(*(expect.Dense(one) for one in units))


def test_a_move_is_one_step_of_the_nearest_layer_that_fits() -> None:
    automaton = network(1, 2, 3).automaton
    steps = search.cheapest(dense(2, 3, 1).layers, automaton)
    assert [(step.action, step.layers, step.states) for step in steps] == [
        ("move", (2,), (1,)),
        ("keep", (0,), (2,)),
        ("keep", (1,), (3,)),
    ]


def test_the_shares_of_a_move_add_up_to_its_price() -> None:
    task = prices.task_of(dense(2, 3, 1).layers, network(1, 2, 3).automaton, 0, 0)
    shares = prices.first_shares(task)
    found = prices.priced(task, shares)
    for sort in task.both:
        (removed,) = [price for one in found.removals for _, other, price in one if other == sort]
        (added,) = {price for one in found.additions.values() for _, other, price in one if other == sort}
        assert 0 <= removed + added - prices.WHOLE < prices.PENALTY  # but for how natural each is


def test_the_way_along_the_bounds_ends_where_additions_are_cheap() -> None:
    """Rounds of a loop that may be added for little do not keep the search from the end."""
    normalization = expect.BatchNormalization()
    looped = Network(Repeat(normalization, normalization, normalization))
    alignment = align(line(("BatchNormalization", {})), looped)
    assert [edit.code for edit in alignment.edits] == ["layer.extra"]


@pytest.mark.parametrize(
    ("patterns", "codes"),
    [
        ((Repeat(AnyLayer(), at_least=2),), ["layer.missing:any"]),
        ((Repeat(AnyLayer(), at_least=2), Dense(1)), ["layer.missing:any", "layer.missing:after_new"]),
        ((AnyLayer(), AnyLayer(), AnyLayer()), ["layer.missing:any", "layer.missing:any_after_new"]),
        ((Dense(4), AnyLayer(excluding=("Dense",))), ["layer.missing:any"]),
    ],
)
def test_layers_of_any_kind_that_are_missing_are_asked_for(patterns: Any, codes: list[str]) -> None:
    expected = Network(*patterns)
    alignment = align(dense(4), expected)
    assert sorted(edit.code for edit in alignment.edits) == sorted(codes)
    assert align(alignment.apply(), expected).passed
    assert Blueprint(expected.example()).layers
    assert expected.automaton.accepts(expected.example())


def test_an_example_is_needed_of_what_any_layer_may_be() -> None:
    with pytest.raises(ValueError, match="Dropout"):
        AnyLayer(excluding=("Dense", "BatchNormalization", "Dropout", "Activation"))


def test_a_search_without_effort_left_still_gives_a_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """The way along the bounds is right, though it may be longer."""
    units = random.Random(3).sample(range(1, 31), 30)
    expected = network(*range(1, 31))
    best = align(dense(*units), expected)
    monkeypatch.setattr(search, "MOST_EFFORT", 1)
    coarse = align(dense(*units), expected)
    assert len(coarse.edits) >= len(best.edits) > 0
    assert align(coarse.apply(), expected).passed


def test_the_effort_does_not_grow_with_how_different_networks_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the order of a hundred layers, no more points of paths are looked at than stated."""
    looked_at = 0
    steps = search._steps

    def counted(task: Any, prices: Any, node: Any) -> Any:
        nonlocal looked_at
        looked_at += 1
        return steps(task, prices, node)

    monkeypatch.setattr(search, "_steps", counted)
    units = random.Random(1).sample(range(1, 101), 100)
    assert not align(dense(*units), network(*range(1, 101))).passed
    along = 10 * search.ROUNDS * 2 * len(units)  # a handful of times along the bounds, for each width
    assert looked_at <= search.MOST_EFFORT + along


def test_of_a_very_long_network_the_layers_at_the_end_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST_CELLS", 60)
    expected = network(5, 6)
    alignment = align(dense(*[5] * 100), expected)
    assert [edit.code for edit in alignment.edits].count("layer.extra") == 98
    assert align(alignment.apply(), expected).passed
    assert alignment.credit == 0.0


def test_a_very_long_network_that_is_right_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST_CELLS", 60)
    expected = Network(Repeat(Dense(8), AnyLayer(excluding=("Dense",))), Dense(1))
    begin: list[Given] = [("Dense", {"units": 8}), ("Dropout", {"rate": 0.5})] * 50
    right = line(*begin, ("Dense", {"units": 1}))
    wrong = line(*begin, ("Dense", {"units": 2}))
    assert align(right, expected).passed
    assert not align(wrong, expected).passed


def test_an_activation_is_removed_with_its_layer_in_very_long_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST_CELLS", 60)
    layers: list[Given] = [("Dense", {"units": 5}), ("Activation", {"activation": "relu"})] * 60
    alignment = align(line(*layers), network(5))
    assert len({edit.position for edit in alignment.edits}) == len(alignment.edits)
    assert align(alignment.apply(), network(5)).passed
