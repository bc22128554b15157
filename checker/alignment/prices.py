"""What each edit costs: keeping, replacing, removing and adding a layer, and how a move's price is shared.

A move is a removal and an addition of equal layers for the price of one. So a removal and an addition of the same sort
each bear a share of that price (:func:`first_shares`), and the search brings the shares nearer to what its paths show
(:func:`better_shares`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from checker.blueprint import Layer, Role, holds_activation, kind_of
from checker.expect import Automaton, Slot

# Edits first, then how serious they are, then how natural: one number, so that a path's price is a plain sum.
EDIT = 10**12
PENALTY = 10**9
PREFERENCE = 10**6
WHOLE = EDIT + 2 * PENALTY
"""Price of adding, removing or moving a layer."""
CHANGE = EDIT + PENALTY
"""Price of changing a setting, which is half as serious as a layer."""
REPLACE = 2 * EDIT + 2 * PENALTY
"""Price of another layer in a layer's place: as many edits as removing and adding, but as serious as one of them."""

_ACTIVATING = (Role.ACTIVATION, Role.FUNCTION)
"""Layers that someone may have put where an activation belongs."""

Unpaired = frozenset[tuple[Hashable, int]]
"""How many layers of each sort were removed and not added again yet; negative for the reverse."""
Shares = Mapping[Hashable, int]
"""What removing a layer of each sort costs; adding one again costs the rest of a move's price."""


@dataclass(frozen=True)
class Task:
    """The layers and the states of an automaton that are to be compared, and what can be done with them.

    Attributes:
        layers: the learner's layers.
        slots: all slots of the automaton, by state.
        states: from the state before the first of these layers to the last.
        follow: the states after each.
        final: the states in which the layers may end.
        plain: whether the pattern is one plain sequence.
        layer_sorts: of each layer, the number of its sort; equal layers have the same.
        slot_sorts: of each state, the number of its slot's sort.
        keep: price of keeping a layer in a slot, by the sorts of both; None where it cannot be.
        swaps: of each layer, the sorts of slots that can take the place of it and of the activation after it.
        removals: of each layer, what can be removed there: how many layers, and their sort.
        additions: of each state, what can be added after it: the states passed, and their sort.
        whole: price of a removal or an addition by sort.
        both: the sorts that can be removed and added, and so moved.
    """

    layers: Sequence[Layer]
    slots: Sequence[Slot]
    states: range
    follow: Mapping[int, Sequence[int]]
    final: frozenset[int]
    plain: bool
    layer_sorts: Sequence[int]
    slot_sorts: Mapping[int, int]
    keep: Sequence[Sequence[int | None]]
    swaps: Sequence[frozenset[int]]
    removals: Sequence[Sequence[tuple[int, Hashable]]]
    additions: Mapping[int, Sequence[tuple[tuple[int, ...], Hashable]]]
    whole: Mapping[Hashable, int]
    both: frozenset[Hashable]


@dataclass(frozen=True)
class Prices:
    """What every removal and addition of a task costs, with a move's price shared in a certain way.

    Attributes:
        shares: the shares.
        removals: as in the task, each with its price.
        additions: as in the task, each with its price.
    """

    shares: Shares
    removals: Sequence[Sequence[tuple[int, Hashable, int]]]
    additions: Mapping[int, Sequence[tuple[tuple[int, ...], Hashable, int]]]


def task_of(layers: Sequence[Layer], automaton: Automaton, head: int, tail: int) -> Task:
    """What is to be compared when so many slots at both ends are dealt with already.

    Args:
        layers: the learner's layers between these ends.
        automaton: of the whole pattern.
        head: how many slots at its beginning are dealt with; 0 where it is no plain sequence.
        tail: the same at its end.
    """
    slots = automaton.slots
    last = len(slots) - 1 - tail
    states = range(head, last + 1)
    follow = {state: [one for one in automaton.follow[state] if one <= last] for state in states}
    # Number the sorts of layers and of slots, so that each pair of sorts is compared only once.
    layer_numbers: dict[Hashable, int] = {}
    slot_numbers: dict[Hashable, int] = {}
    layer_sorts = [layer_numbers.setdefault(sort_of(layer), len(layer_numbers)) for layer in layers]
    slot_sorts = {state: slot_numbers.setdefault(repr(slots[state]), len(slot_numbers)) for state in states}
    layer_of = dict(zip(layer_sorts, layers, strict=True))
    slot_of = {number: slots[state] for state, number in slot_sorts.items()}
    keep = [[_price_of_keeping(layer_of[row], slot_of[column]) for column in slot_of] for row in range(len(layer_of))]
    fitting = {
        column: next((row for row, prices in enumerate(keep) if slot.kind and prices[column] == 0), -1 - column)
        for column, slot in slot_of.items()
    }
    wanted = {state: fitting[number] for state, number in slot_sorts.items()}
    removals = [list(_removals(layers, layer_sorts, index)) for index in range(len(layers))]
    additions = {state: list(_additions(slots, follow, wanted, state)) for state in states}
    kinds: dict[Hashable, str] = {sort: layer.kind for sort, layer in layer_of.items()}
    kinds |= {wanted[state]: slots[state].kind or "" for state in states}
    kinds["inside", "Activation"] = "Activation"
    removable = {sort for found in removals for _, sort in found}
    addable = {sort for found in additions.values() for _, sort in found}
    return Task(
        layers,
        slots,
        states,
        follow,
        automaton.final if not tail else frozenset({last}),
        automaton.plain,
        layer_sorts,
        slot_sorts,
        keep,
        _swaps(layers, layer_sorts, keep, slot_of),
        removals,
        additions,
        {sort: _whole(kinds.get(sort, "")) for sort in removable | addable},
        frozenset(removable & addable),
    )


def sort_of(layer: Layer) -> Hashable:
    """What equal layers have in common."""
    return (
        layer.kind,
        layer.trainable,
        layer.training,
        layer.shared > 0,
        json.dumps(layer.settings, sort_keys=True, default=repr),
    )


def is_inside(activation: Layer, layer: Layer) -> bool:
    """Whether an activation was written inside the layer before it."""
    return activation.kind == "Activation" and holds_activation(layer.kind) and activation.number == layer.number > 0


# --- shares -----------------------------------------------------------------------------------------------------------


def first_shares(task: Task) -> Shares:
    """Half of a move's price for each of its parts; where one part is more frequent, all of it is borne there."""
    removable = Counter(sort for found in task.removals for _, sort in found)
    addable = Counter(dict({item for found in task.additions.values() for item in found}).values())
    shares = {sort: task.whole[sort] for sort in removable}
    for sort in task.both:
        surplus = removable[sort] - addable[sort] if task.plain else 0
        shares[sort] = task.whole[sort] // 2 if not surplus else task.whole[sort] if surplus > 0 else 0
    return shares


def better_shares(task: Task, shares: Shares, unpaired: Unpaired) -> Shares:
    """The shares nearer to what a path showed: what it removed more often costs more to remove."""
    found = dict(shares)
    for sort, surplus in unpaired:
        left = task.whole[sort] - found[sort] if surplus > 0 else -found[sort]
        found[sort] += left // 2
    return found


def priced(task: Task, shares: Shares) -> Prices:
    """Every removal and addition with its price; of two that cost the same, rather the light layers and later ones."""
    count = len(task.layers)
    removals = [
        [(span, sort, shares[sort] + PREFERENCE * _move_cost(layer.kind) + count - index) for span, sort in found]
        for index, (layer, found) in enumerate(zip(task.layers, task.removals, strict=True))
    ]
    additions = {
        state: [
            (
                states,
                sort,
                task.whole[sort]
                - (shares[sort] if sort in task.both else 0)
                + PREFERENCE * _move_cost(task.slots[states[0]].kind),
            )
            for states, sort in found
        ]
        for state, found in task.additions.items()
    }
    return Prices(shares, removals, additions)


def unpaired_price(task: Task, shares: Shares, unpaired: Unpaired) -> int:
    """What the unpaired removals and additions cost beyond their share of a move."""
    return sum(
        count * (task.whole[sort] - shares[sort]) if count > 0 else -count * shares[sort] for sort, count in unpaired
    )


def with_one_more(task: Task, unpaired: Unpaired, sort: Hashable, change: int) -> Unpaired:
    """What is removed and not added again, after one more removal or addition."""
    if sort not in task.both:
        return unpaired
    counts = dict(unpaired)
    counts[sort] = counts.get(sort, 0) + change
    return frozenset((key, count) for key, count in counts.items() if count)


# --- what can be done -------------------------------------------------------------------------------------------------


def _removals(layers: Sequence[Layer], sorts: Sequence[int], index: int) -> Iterator[tuple[int, Hashable]]:
    """What can be removed at a layer: how many layers, and their sort.

    An activation that was written inside its layer goes with it, and is no layer that could move elsewhere.
    """
    layer, after = layers[index], layers[index + 1 : index + 2]
    if not (after and is_inside(after[0], layer)):
        alone = index == 0 or not is_inside(layer, layers[index - 1])
        yield 1, sorts[index] if alone else ("inside", layer.kind)
    if _is_pair(layers, index):
        yield 2, (sorts[index], sorts[index + 1])


def _additions(
    slots: Sequence[Slot], follow: Mapping[int, Sequence[int]], wanted: Mapping[int, int], state: int
) -> Iterator[tuple[tuple[int, ...], Hashable]]:
    """What can be added after a state: the states passed, and the sort of the layers."""
    for one in follow[state]:
        slot = slots[one]
        if not slot.addable:
            continue
        yield (one,), wanted[one]
        if holds_activation(slot.kind or ""):
            for two in follow[one]:
                if slots[two].kind == "Activation" and slots[two].addable:
                    yield (one, two), (wanted[one], wanted[two])


def _swaps(
    layers: Sequence[Layer], sorts: Sequence[int], keep: Sequence[Sequence[int | None]], slots: Mapping[int, Slot]
) -> list[frozenset[int]]:
    """For each layer, the sorts of slots that can take the place of it and of the activation after it."""
    alone = [number for number, slot in slots.items() if not holds_activation(slot.kind or "")]
    replaceable = [frozenset(one for one in alone if prices[one] == REPLACE) for prices in keep]
    none: frozenset[int] = frozenset()
    return [replaceable[sorts[index]] if _is_pair(layers, index) else none for index in range(len(layers))]


def _is_pair(layers: Sequence[Layer], index: int) -> bool:
    """Whether a layer and the one after it are a layer and its activation, written inside or apart."""
    after = layers[index + 1 : index + 2]
    return bool(after) and holds_activation(layers[index].kind) and after[0].kind == "Activation"


def _price_of_keeping(layer: Layer, slot: Slot) -> int | None:
    """What it costs to keep a layer in a slot, its settings set right; None where it cannot be."""
    wrong = slot.wrong(layer)
    if not slot.addable:
        return 0 if wrong == [] else None
    if wrong is not None:
        return min(len(wrong) * CHANGE, REPLACE)
    if slot.kind is None or layer.kind == "Activation":
        return None
    if slot.kind == "Activation":
        return REPLACE - PENALTY if kind_of(layer.kind).role in _ACTIVATING else None
    return REPLACE


def _whole(kind: str) -> int:
    """What adding, removing or moving a layer costs; an activation is no more than a setting of the layer before it."""
    return CHANGE if kind == "Activation" else WHOLE


def _move_cost(kind: str | None) -> int:
    """How unnatural it is to move or add a layer of this kind: rather the light ones than those that hold the weights,
    and rather these than a layer that may be of any kind.
    """
    if kind is None:
        return 9
    return 1 if kind_of(kind).light else 3
