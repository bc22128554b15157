"""The cheapest path through a pattern: which layer is kept as what, which is removed, which is added where.

Both sides are canonical: the learner's layers, and the states of a pattern's automaton (:mod:`checker.expect`). Adding,
removing and moving a layer and changing one setting each count as one edit; a layer together with the activation right
after it is added, removed or moved as one, because that is how it is written.

A move is a removal and an addition of equal layers for the price of one, so the price of a step depends on the rest of
the path. For each sort of layer a path costs max(removed, added), which is never less than
p * removed + (1 - p) * added for any p between 0 and 1. With a fixed p for each sort a path's price is a sum over its
steps, the cheapest way from everywhere to the end follows by dynamic programming, and it is a lower bound on the true
price. A* with this bound carries along what is removed and not yet added again, and so finds the cheapest path.
Source: P. E. Hart, N. J. Nilsson, B. Raphael, "A formal basis for the heuristic determination of minimum cost paths",
IEEE Transactions on Systems Science and Cybernetics 4 (1968).
"""

from __future__ import annotations

import heapq
import json
import math
import re
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from checker.blueprint import Layer, holds_activation
from checker.expect import Automaton, Slot

# Edits first, then how grave they are, then how natural: one number, so that a path's price is a plain sum.
EDIT = 10**12
GRAVITY = 10**9
NATURE = 10**6
WHOLE = EDIT + 2 * GRAVITY
"""Price of adding, removing or moving a layer."""
CHANGE = EDIT + GRAVITY
"""Price of changing a setting, which is half as grave as a layer."""
REPLACE = 2 * EDIT + 2 * GRAVITY
"""Price of another layer in a layer's place: as many edits as removing and adding, but no graver than one of them."""
ROUNDS = 5
"""How often to look for a better share between removal and addition before the search has to bridge what remains."""
BAND = 12
"""How far from the diagonal to look at first: enough for any path of six edits."""
LARGE = 40_000
"""Layers times states from which on the way along the bounds has to do: it is at most a few edits longer."""
MOST_NODES = 5_000
"""Where the search gives up on proving that its path is the cheapest; networks with ten mistakes need some hundreds."""

_ACTS = re.compile(r"^(PReLU|Lambda|(custom|ops)\..*)$")
"""Layers that someone may have put where an activation belongs."""


@dataclass(frozen=True)
class Step:
    """One step of a path.

    Attributes:
        action: ``"keep"``, ``"replace"``, ``"remove"`` or ``"add"``.
        layers: indices of the learner's layers: one, for a removal also two; none for an addition.
        states: the automaton's states: one, for an addition also two; none for a removal.
    """

    action: str
    layers: tuple[int, ...] = ()
    states: tuple[int, ...] = ()


def cheapest(layers: Sequence[Layer], automaton: Automaton) -> list[Step]:
    """The cheapest path."""
    head, tail = _common_ends(layers, automaton)
    search = _Search(layers[head : len(layers) - tail], automaton, head, tail)
    steps = search.run()
    end = len(automaton.slots) - tail
    before = [Step("keep", (index,), (index + 1,)) for index in range(head)]
    middle = [Step(step.action, tuple(index + head for index in step.layers), step.states) for step in steps]
    after = [Step("keep", (len(layers) - tail + index,), (end + index,)) for index in range(tail)]
    return [*before, *middle, *after]


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


def _common_ends(layers: Sequence[Layer], automaton: Automaton) -> tuple[int, int]:
    """How many layers at both ends are right as they are, where the pattern is a plain sequence.

    A layer and its activation are not torn apart, so that they can still be added, removed or moved as one.
    """
    slots = automaton.slots[1:]
    if not automaton.plain:
        return 0, 0
    limit = min(len(layers), len(slots))
    head = 0
    while head < limit and slots[head].wrong(layers[head]) == []:
        head += 1
    if head == len(layers) == len(slots):
        return head, 0
    tail = 0
    while tail < limit - head and slots[-1 - tail].wrong(layers[-1 - tail]) == []:
        tail += 1
    while head and any(part[head].kind == "Activation" for part in (layers, slots) if head < len(part)):
        head -= 1
    while tail and "Activation" in (layers[-tail].kind, slots[-tail].kind):
        tail -= 1
    return head, tail


Pool = frozenset[tuple[Hashable, int]]
"""How many layers of each sort were removed and not added again yet; negative for the reverse."""


class _Node(NamedTuple):
    """A point on a path: the layers before ``done`` are dealt with, ``state`` is reached."""

    done: int
    state: int
    pool: Pool = frozenset()
    ended: bool = False


class _Search:
    """The layers ``layers`` against the states from ``head`` to ``len(slots) - 1 - tail`` of an automaton."""

    def __init__(self, layers: Sequence[Layer], automaton: Automaton, head: int, tail: int) -> None:
        self.layers = layers
        self.slots = automaton.slots
        last = len(self.slots) - 1 - tail
        self.states = range(head, last + 1)
        self.follow = {state: [one for one in automaton.follow[state] if one <= last] for state in self.states}
        self.final = automaton.final if not tail else frozenset({last})
        self.plain = automaton.plain
        self._classify()
        self._share_prices()

    # --- prices ---------------------------------------------------------------------------------------------------
    def _classify(self) -> None:
        """Number the sorts of layers and of slots; each pair of sorts is compared only once."""
        layer_sorts: dict[Hashable, int] = {}
        slot_sorts: dict[Hashable, int] = {}
        self.layer_class = [layer_sorts.setdefault(sort_of(layer), len(layer_sorts)) for layer in self.layers]
        self.slot_class = {
            state: slot_sorts.setdefault(repr(self.slots[state]), len(slot_sorts)) for state in self.states
        }
        layers = dict(zip(self.layer_class, self.layers, strict=True))
        slots = {number: self.slots[state] for state, number in self.slot_class.items()}
        self.keep = [[_price_of_keeping(layers[row], slots[column]) for column in slots] for row in range(len(layers))]
        fitting = {
            column: next((row for row, prices in enumerate(self.keep) if prices[column] == 0), -1 - column)
            for column in slots
        }
        self.slot_sort = {state: fitting[number] for state, number in self.slot_class.items()}
        alone = [number for number, slot in slots.items() if not holds_activation(slot.kind or "")]
        self.replaceable = [frozenset(one for one in alone if prices[one] == REPLACE) for prices in self.keep]

    def _removals(self, index: int) -> Iterator[tuple[int, Hashable]]:
        """What can be removed at a layer: how many layers, and their sort.

        An activation that was written inside its layer goes with it, and is no layer that could move elsewhere.
        """
        layer, after = self.layers[index], self.layers[index + 1 : index + 2]
        if not (after and is_inside(after[0], layer)):
            alone = index == 0 or not is_inside(layer, self.layers[index - 1])
            yield 1, self.layer_class[index] if alone else ("inside", layer.kind)
        if after and holds_activation(layer.kind) and after[0].kind == "Activation":
            yield 2, (self.layer_class[index], self.layer_class[index + 1])

    def _additions(self, state: int) -> Iterator[tuple[tuple[int, ...], Hashable]]:
        """What can be added after a state: the states passed, and their sort."""
        for one in self.follow[state]:
            slot = self.slots[one]
            if slot.kind is None or not slot.addable:
                continue
            yield (one,), self.slot_sort[one]
            if holds_activation(slot.kind):
                for two in self.follow[one]:
                    if self.slots[two].kind == "Activation" and self.slots[two].addable:
                        yield (one, two), (self.slot_sort[one], self.slot_sort[two])

    def _swaps(self, index: int) -> frozenset[int]:
        """The sorts of slots that can take the place of a layer and of the activation after it."""
        layer, after = self.layers[index], self.layers[index + 1 : index + 2]
        if not (after and holds_activation(layer.kind) and after[0].kind == "Activation"):
            return frozenset()
        return self.replaceable[self.layer_class[index]]

    def _share_prices(self) -> None:
        """Share the price of a move between its removal and its addition."""
        removable = Counter(sort for index in range(len(self.layers)) for _, sort in self._removals(index))
        addable = Counter(dict({item for state in self.states for item in self._additions(state)}).values())
        self.both = removable.keys() & addable.keys()
        kinds: dict[Hashable, str] = {self.layer_class[index]: layer.kind for index, layer in enumerate(self.layers)}
        kinds |= {self.slot_sort[state]: self.slots[state].kind or "" for state in self.states}
        kinds["inside", "Activation"] = "Activation"
        self.whole = {sort: _whole(kinds.get(sort, "")) for sort in removable.keys() | addable.keys()}
        self.remove_price = {sort: self.whole[sort] for sort in removable}
        for sort in self.both:
            surplus = removable[sort] - addable[sort] if self.plain else 0
            self.remove_price[sort] = self.whole[sort] // 2 if not surplus else self.whole[sort] if surplus > 0 else 0

    def _price_steps(self) -> None:
        """Price every removal and addition; of two that cost the same, rather the light layers and the later ones."""
        count = len(self.layers)
        self.removals = [
            [
                (span, sort, self.remove_price[sort] + NATURE * _burden(layer.kind) + count - index)
                for span, sort in self._removals(index)
            ]
            for index, layer in enumerate(self.layers)
        ]
        self.additions = {
            state: [
                (states, sort, self._add_price(sort) + NATURE * _burden(self.slots[states[0]].kind))
                for states, sort in self._additions(state)
            ]
            for state in self.states
        }

    def _share_anew(self, pool: Pool) -> None:
        """Bring the shares nearer to what a path showed: what it removed more often costs more to remove."""
        for sort, surplus in pool:
            left = self.whole[sort] - self.remove_price[sort] if surplus > 0 else -self.remove_price[sort]
            self.remove_price[sort] += left // 2

    # --- the lower bound ------------------------------------------------------------------------------------------
    def _bounds(self, width: int) -> list[list[float]]:
        """The least that the rest of the way can cost, for each layer and state.

        Args:
            width: how far from the diagonal to look, where the pattern is a plain sequence.
        """
        start, count, size = self.states.start, len(self.layers), len(self.states)
        kept = [[(one - start, self.slot_class[one]) for one in self.follow[state]] for state in self.states]
        added = [[(states[-1] - start, price) for states, _, price in self.additions[state]] for state in self.states]
        loops = any(one <= state for state, ways in enumerate(added) for one, _ in ways)  # may need several rounds
        table: list[list[float]] = [[math.inf] * size for _ in range(count + 1)]
        for state in self.final:
            table[count][state - start] = 0
        for index in range(count, -1, -1):
            row = table[index]
            near = range(max(index - width, 0), min(index + width + 1, size)) if self.plain else range(size)
            if index < count:
                keep = [math.inf if price is None else price for price in self.keep[self.layer_class[index]]]
                swaps = self._swaps(index)
                removals = [(price, table[index + span]) for span, _, price in self.removals[index]]
                below = table[index + 1]
                for state in near:
                    best = row[state]
                    for price, further in removals:
                        if price + further[state] < best:
                            best = price + further[state]
                    for one, slot in kept[state]:
                        if keep[slot] + below[one] < best:
                            best = keep[slot] + below[one]
                        if slot in swaps and REPLACE + table[index + 2][one] < best:
                            best = REPLACE + table[index + 2][one]
                    row[state] = best
            while _shortened(row, added, near) and loops:
                pass
        return table

    # --- the search -----------------------------------------------------------------------------------------------
    def run(self) -> list[Step]:
        """The cheapest path.

        An edit leads at most two steps away from the diagonal, so that a path of few edits is found near it. In a large
        table where looking farther brought nothing once, it will not the next time.
        """
        least = abs(len(self.layers) - len(self.states) + 1)
        width, before = max(2 * least, BAND), -1
        while True:
            steps = self._within(width)
            edits = sum(step.action != "keep" for step in steps) + sum(self._changes(step) for step in steps)
            is_large = len(self.layers) * len(self.states) >= LARGE
            if not self.plain or 2 * edits <= width or (is_large and edits == before):
                return steps
            width, before = min(2 * edits, 4 * width), edits

    def _changes(self, step: Step) -> int:
        price = (
            self.keep[self.layer_class[step.layers[0]]][self.slot_class[step.states[0]]] if step.action == "keep" else 0
        )
        return (price or 0) // EDIT

    def _within(self, width: int) -> list[Step]:
        """The cheapest path that stays so near to the diagonal."""
        size = len(self.layers) * min(len(self.states), 2 * width)
        best: tuple[float, dict[Hashable, int]] = (-1.0, self.remove_price)
        for _ in range(ROUNDS if size < LARGE else 1):
            self._price_steps()
            bounds = self._bounds(width)
            steps, pool = self._straight(bounds)
            if not self._owed(pool) or size >= LARGE:  # the bound is reached
                return steps
            best = max(best, (bounds[0][0], dict(self.remove_price)), key=lambda found: found[0])
            self._share_anew(pool)
        self.remove_price = best[1]
        self._price_steps()
        return self._search(self._bounds(width))

    def _straight(self, bounds: list[list[float]]) -> tuple[list[Step], Pool]:
        """The way along the bounds, and what it leaves unpaired."""
        node = _Node(0, self.states.start)
        steps: list[Step] = []
        while True:
            step, node, _ = min(self._steps(node), key=lambda found: found[2] + self._rest(found[1], bounds))
            if node.ended:
                return steps, node.pool
            steps.append(step)

    def _rest(self, node: _Node, bounds: list[list[float]]) -> float:
        return 0 if node.ended else bounds[node.done][node.state - self.states.start]

    def _search(self, bounds: list[list[float]]) -> list[Step]:
        """A*: of all ways the one that is cheapest with moves priced truly."""
        start = _Node(0, self.states.start)
        spent: dict[_Node, int] = {start: 0}
        came: dict[_Node, tuple[_Node, Step]] = {}
        queue = [(bounds[0][0], 0, 0, start)]
        done: set[_Node] = set()
        while queue:
            _, _, _, node = heapq.heappop(queue)
            if node in done:
                continue
            done.add(node)
            if node.ended:
                return _way_to(node, came)
            if len(done) == MOST_NODES:
                return self._straight(bounds)[0]
            for step, further, price in self._steps(node):
                total, rest = spent[node] + price, self._rest(further, bounds)
                if rest < math.inf and total < spent.get(further, math.inf):
                    spent[further] = total
                    came[further] = (node, step)
                    heapq.heappush(queue, (total + rest, -further.done, -len(spent), further))
        raise AssertionError("every pattern can be reached by removing and adding")

    def _steps(self, node: _Node) -> Iterator[tuple[Step, _Node, int]]:
        index, state, pool = node.done, node.state, node.pool
        if index < len(self.layers):
            keep = self.keep[self.layer_class[index]]
            for one in self.follow[state]:
                price = keep[self.slot_class[one]]
                if price is not None:
                    action = "keep" if price < 2 * EDIT else "replace"
                    yield Step(action, (index,), (one,)), _Node(index + 1, one, pool), price
                if self.slot_class[one] in self._swaps(index):
                    yield Step("replace", (index, index + 1), (one,)), _Node(index + 2, one, pool), REPLACE
            for span, sort, price in self.removals[index]:
                gone = tuple(range(index, index + span))
                yield Step("remove", gone), _Node(index + span, state, self._pooled(pool, sort, 1)), price
        elif state in self.final:
            yield Step("end"), _Node(index, state, pool, True), self._owed(pool)
        for states, sort, price in self.additions[state]:
            yield Step("add", (), states), _Node(index, states[-1], self._pooled(pool, sort, -1)), price

    def _add_price(self, sort: Hashable) -> int:
        return self.whole[sort] - (self.remove_price[sort] if sort in self.both else 0)

    def _pooled(self, pool: Pool, sort: Hashable, change: int) -> Pool:
        """What is removed and not added again, after one more removal or addition."""
        if sort not in self.both:
            return pool
        counts = dict(pool)
        counts[sort] = counts.get(sort, 0) + change
        return frozenset((key, count) for key, count in counts.items() if count)

    def _owed(self, pool: Pool) -> int:
        """What the unpaired removals and additions cost beyond their share of a move."""
        return sum(
            count * (self.whole[sort] - self.remove_price[sort]) if count > 0 else -count * self.remove_price[sort]
            for sort, count in pool
        )


def _shortened(row: list[float], added: Sequence[Sequence[tuple[int, int]]], near: range) -> bool:
    """Let additions shorten the ways from the states of one row; whether one did."""
    shorter = False
    for state in reversed(near):
        for one, price in added[state]:
            if price + row[one] < row[state]:
                row[state] = price + row[one]
                shorter = True
    return shorter


def _way_to(node: _Node, came: dict[_Node, tuple[_Node, Step]]) -> list[Step]:
    steps = []
    while node in came:
        node, step = came[node]
        steps.append(step)
    return steps[:0:-1]


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
        return REPLACE - GRAVITY if _ACTS.match(layer.kind) else None
    return REPLACE


def _whole(kind: str) -> int:
    """What adding, removing or moving a layer costs; an activation is no more than a setting of the layer before it."""
    return CHANGE if kind == "Activation" else WHOLE


def _burden(kind: str | None) -> int:
    """How unnatural it is to move a layer of this kind: rather the light ones than those that hold the weights."""
    return 1 if kind in ("Activation", "BatchNormalization") or (kind or "").endswith("Dropout") else 3
