"""Properties of architecture checking that hold for all networks, shown by random ones.

Networks here are lists of (kind, settings), read as the graph that Keras would build; Keras itself only runs where
the same layers are written in other ways, and where objects are handed in that are no models.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from checker import expect
from checker.alignment import Alignment, align
from checker.blueprint import Blueprint, Graph, Node, Unreadable
from checker.expect import Network
from checker.expect.patterns import Pattern

Unit = tuple[str, dict[str, Any]]

ACTIVATION = st.sampled_from([None, "relu", "tanh"])
DENSE = st.fixed_dictionaries(
    {"units": st.sampled_from([1, 8, 16]), "activation": ACTIVATION, "use_bias": st.booleans()}
)
DROPOUT = st.fixed_dictionaries({"rate": st.sampled_from([0.1, 0.3])})
UNIT: st.SearchStrategy[Unit] = st.one_of(
    st.tuples(st.just("Dense"), DENSE),
    st.tuples(st.just("Dropout"), DROPOUT),
    st.just(("BatchNormalization", {})),
    st.just(("LayerNormalization", {})),
    st.tuples(st.just("Activation"), st.fixed_dictionaries({"activation": st.sampled_from(["relu", "tanh"])})),
)
NETWORK = st.lists(UNIT, min_size=1, max_size=7)


def blueprint_of(units: list[Unit]) -> Blueprint:
    nodes = [Node("InputLayer", {"shape": (8,)}, name="input")]
    for index, (kind, config) in enumerate(units):
        nodes.append(Node(kind, dict(config), (index,), layer=index + 1, name=f"layer_{index}"))
    return Blueprint.from_graph(Graph(tuple(nodes), (0,), (len(nodes) - 1,), ((8,),)))


def network_of(units: list[Unit], **more: Any) -> Network:
    return Network(*(expect.Layer(kind, **config) for kind, config in units), **more)


@st.composite
def edited(draw: st.DrawFn, units: list[Unit]) -> list[Unit]:
    """The units after one edit: one deleted, inserted or changed in one setting, or two neighbours swapped."""
    units = list(units)
    place = draw(st.integers(0, max(len(units) - 1, 0)))
    action = draw(st.sampled_from(["insert", "delete", "swap", "change"]))
    if action == "insert" or not units:
        units.insert(draw(st.integers(0, len(units))), draw(UNIT))
    elif action == "delete":
        units.pop(place)
    elif action == "swap":
        other = min(place + 1, len(units) - 1)
        units[place], units[other] = units[other], units[place]
    elif units[place][1]:
        kind, config = units[place]
        name = draw(st.sampled_from(sorted(config)))
        values: dict[str, list[Any]] = {
            "units": [1, 8, 16],
            "use_bias": [True, False],
            "rate": [0.1, 0.3],
            "activation": ["relu", "tanh"],
        }
        units[place] = (kind, {**config, name: draw(st.sampled_from(values[name]))})
    return units


@st.composite
def chain(draw: st.DrawFn) -> tuple[list[Unit], list[Unit], int]:
    """A network, the same after some edits, and how many."""
    units = reference = draw(NETWORK)
    count = draw(st.integers(0, 5))
    for _ in range(count):
        units = draw(edited(units))
    return reference, units, count


@settings(max_examples=200, deadline=None)
@given(chain())
def test_a_chain_of_edits_is_explained_with_at_most_as_many_findings(case: tuple[list[Unit], list[Unit], int]) -> None:
    reference, units, count = case
    assert len(align(blueprint_of(units), network_of(reference)).edits) <= count


@settings(max_examples=100, deadline=None)
@given(NETWORK, NETWORK)
def test_following_all_findings_gives_a_network_without_findings(units: list[Unit], reference: list[Unit]) -> None:
    network = network_of(reference)
    alignment = align(blueprint_of(units), network)
    mended = align(alignment.apply(), network)
    assert mended.passed
    assert mended.edits == ()
    assert mended.credit == 1.0


@settings(max_examples=100, deadline=None)
@given(chain(), NETWORK, st.randoms())
def test_fixing_one_mistake_never_lowers_the_credit(
    case: tuple[list[Unit], list[Unit], int], starter: list[Unit], random: Any
) -> None:
    reference, units, _ = case
    network = network_of(reference, starter=network_of(starter))
    alignment = align(blueprint_of(units), network)
    while not alignment.passed:
        one = random.randrange(len(alignment.edits))
        better = align(alignment.apply(one), network)
        assert len(better.edits) < len(alignment.edits) or better.penalty < alignment.penalty
        assert better.credit >= alignment.credit
        alignment = better
    assert alignment.credit == 1.0


@settings(max_examples=100, deadline=None)
@given(NETWORK, NETWORK)
def test_only_a_right_network_has_full_credit_and_the_starter_has_none(
    reference: list[Unit], units: list[Unit]
) -> None:
    network = network_of(reference, starter=network_of(units))
    alignment = align(blueprint_of(units), network)
    assert alignment.credit == (1.0 if alignment.passed else 0.0)
    assert alignment.passed == (blueprint_of(units).layers == blueprint_of(reference).layers)


@settings(max_examples=100, deadline=None)
@given(NETWORK, NETWORK)
def test_every_line_of_both_networks_stands_in_the_table(units: list[Unit], reference: list[Unit]) -> None:
    alignment = align(blueprint_of(units), network_of(reference))
    assert all(row.actual or row.expected for row in alignment.rows)
    assert all((row.action == "add") == (row.number is None) for row in alignment.rows)
    assert (not alignment.edits) == all(row.action == "ok" for row in alignment.rows)


OPEN = Network(
    expect.Repeat(expect.AnyLayer(), at_least=1),
    expect.Dense(1),
    constraints=(
        expect.not_first("Dropout"),
        expect.not_after_output("Dropout", "BatchNormalization"),
        expect.count(expect.Dropout(expect.between(0.2, 0.5, example=0.3)), expect.at_least(1)),
        expect.count(expect.BatchNormalization(), expect.at_least(1)),
    ),
)


def _several(one: st.SearchStrategy[Pattern]) -> st.SearchStrategy[list[Pattern]]:
    return st.lists(one, min_size=1, max_size=3)


def patterns_of(units: st.SearchStrategy[Unit]) -> st.SearchStrategy[list[Pattern]]:
    """Patterns in a row, of such layers, of any layer, and of patterns that are optional, repeated or alternatives."""

    def repeated(some: list[Pattern], at_least: int, more: int | None) -> Pattern:
        return expect.Repeat(*some, at_least=at_least, at_most=None if more is None else at_least + more)

    def deeper(inner: st.SearchStrategy[Pattern]) -> st.SearchStrategy[Pattern]:
        return st.one_of(
            _several(inner).map(lambda some: expect.Optional(*some)),
            st.builds(repeated, _several(inner), st.integers(0, 3), st.sampled_from([None, 0, 2])),
            _several(inner).map(lambda some: expect.Choice(*some)),
        )

    layer: st.SearchStrategy[Pattern] = st.one_of(
        units.map(lambda unit: expect.Layer(unit[0], **unit[1])),
        st.builds(expect.AnyLayer, st.sampled_from([(), ("Dense",), ("Dropout", "Dense"), ("BatchNormalization",)])),
        st.sampled_from(
            [expect.Dense(expect.at_least(8), "tanh"), expect.Dropout(expect.between(0.05, 0.2, example=0.1))]
        ),
    )
    return _several(st.recursive(layer, deeper, max_leaves=6))


@settings(max_examples=100, deadline=None)
@given(patterns_of(UNIT), st.lists(UNIT, max_size=6))
def test_whatever_the_pattern_and_the_network_they_are_compared(patterns: list[Pattern], units: list[Unit]) -> None:
    alignment = align(blueprint_of(units), Network(*patterns))
    assert alignment.passed or alignment.edits
    assert all(row.actual or row.expected for row in alignment.rows)
    alignment.apply()


# A relu after a dropout stands before it in canonical form, so that a pattern of both apart may fit no network.
WITHOUT_RELU = UNIT.filter(lambda unit: unit[1].get("activation") != "relu")


@settings(max_examples=100, deadline=None)
@given(patterns_of(WITHOUT_RELU), st.lists(WITHOUT_RELU, max_size=6))
def test_whatever_the_pattern_following_all_findings_satisfies_it(patterns: list[Pattern], units: list[Unit]) -> None:
    """Also where layers of any kind are asked for and the network has too few."""
    network = Network(*patterns)
    mended = align(blueprint_of(units), network).apply()
    assert network.automaton.accepts(mended.layers)
    assert align(mended, network).edits == ()


@settings(max_examples=100, deadline=None)
@given(NETWORK)
def test_following_all_findings_on_an_open_design_satisfies_it(units: list[Unit]) -> None:
    assert align(align(blueprint_of(units), OPEN).apply(), OPEN).edits == ()


@settings(max_examples=100, deadline=None)
@given(chain(), st.lists(st.integers(0, 8), max_size=3))
def test_a_dropout_of_nothing_changes_no_verdict(case: tuple[list[Unit], list[Unit], int], places: list[int]) -> None:
    reference, units, _ = case
    assume(units)
    idle = list(units)
    for place in places:
        idle.insert(place, ("Dropout", {"rate": 0.0}))
    assert blueprint_of(idle) == blueprint_of(units)
    for network in (network_of(reference), OPEN):
        plain, alignment = align(blueprint_of(units), network), align(blueprint_of(idle), network)
        assert (len(alignment.edits), alignment.penalty) == (len(plain.edits), plain.penalty)
        assert align(alignment.apply(), network).passed
        for index, edit in enumerate(alignment.edits):
            if edit.action == "change" and edit.position in {layer.number for layer in blueprint_of(idle).idle}:
                assert len(align(alignment.apply(index), network).edits) < len(alignment.edits)


# --- with Keras -------------------------------------------------------------------------------------------------------

WORD = st.sampled_from(["D16r", "D8t", "D8", "D1", "d.3", "d.1", "B", "L"])


@st.composite
def near_the_answer(draw: st.DrawFn) -> list[str]:
    """The answer with at most one layer added, left out, replaced or swapped.

    Farther away, an activation of its own can stay where one written inside its layer cannot, and reports may differ.
    """
    words = ["D128r", "d.3", "D64r", "d.3", "D1"]
    for place in draw(st.lists(st.integers(0, 4), max_size=1)):
        match draw(st.sampled_from(["add", "leave out", "replace", "swap"])):
            case "add":
                words.insert(place, draw(WORD))
            case "leave out" if len(words) > 1:
                words.pop(place % len(words))
            case "replace":
                words[place % len(words)] = draw(WORD)
            case "swap" if place + 1 < len(words):
                words[place], words[place + 1] = words[place + 1], words[place]
    return words


WORDS = near_the_answer()


@cache
def _question() -> Any:
    from checker.assignments import spotify

    return spotify.q1


def seen(alignment: Alignment) -> list[tuple[Any, ...]]:
    """What a report says, without the numbers of layers: an activation written apart has a number of its own."""
    return [(edit.action, edit.code.partition(":")[0], edit.params.get("setting")) for edit in alignment.edits]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(WORDS, st.integers(0, 100))
def test_the_way_of_writing_never_changes_the_report(words: list[str], number: int) -> None:
    from models.case import stack
    from models.styles import STYLES, as_list

    network = _question().network
    plain = align(Blueprint.of(as_list(stack(" ".join(words)), 18)), network)
    style: Callable[..., Any] = STYLES[number % len(STYLES)]
    other = align(Blueprint.of(style(stack(" ".join(words)), 18), input_shape=(18,)), network)
    assert seen(other) == seen(plain)
    assert other.credit == plain.credit


@settings(max_examples=15, deadline=None)
@given(WORDS)
def test_splitting_activations_never_changes_the_verdict_or_the_credit(words: list[str]) -> None:
    from models.case import sequential

    network = _question().network
    split = [
        part for word in words for part in ([word[:-1], word[-1]] if word[0] == "D" and word[-1] in "rt" else [word])
    ]
    plain = align(Blueprint.of(sequential(" ".join(words), 18)), network)
    apart = align(Blueprint.of(sequential(" ".join(split), 18)), network)
    assert seen(apart) == seen(plain)
    assert apart.credit == plain.credit


class Hostile:
    """Raises whatever is asked of it."""

    def __init__(self, error: type[BaseException]) -> None:
        object.__setattr__(self, "error", error)

    def __getattribute__(self, name: str) -> Any:
        raise object.__getattribute__(self, "error")(name)


ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(),
    st.lists(st.integers()), st.dictionaries(st.text(), st.integers()), st.functions(),
    st.sampled_from([object(), object, len, Exception, NotImplemented, ...]),
)  # fmt: skip


def refused(thing: Any) -> None:
    try:
        Blueprint.of(thing)
    except Unreadable:
        pass
    else:
        pytest.fail("read as a model")
    report = _question().evaluate(model=thing)
    assert not report.passed
    assert report.points == 0
    assert report.findings


@settings(max_examples=100, deadline=None)
@given(ANYTHING)
def test_whatever_is_no_model_is_refused_and_nothing_raises(thing: Any) -> None:
    refused(thing)


@pytest.mark.parametrize("error", [ValueError, AttributeError, RuntimeError, SystemExit, MemoryError])
def test_an_object_that_raises_whatever_is_asked_of_it_is_refused(error: type[BaseException]) -> None:
    refused(Hostile(error))
