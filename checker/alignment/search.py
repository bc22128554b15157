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
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from checker.alignment.prices import (
    EDIT,
    REPLACE,
    Prices,
    Shares,
    Task,
    Unpaired,
    better_shares,
    first_shares,
    is_inside,
    priced,
    task_of,
    unpaired_price,
    with_one_more,
)
from checker.blueprint import Layer
from checker.expect import Automaton

ROUNDS = 5
"""How often to look for a better share between removal and addition before the search has to bridge what remains."""
BAND = 12
"""How far from the diagonal to look at first: enough for any path of six edits."""
LARGE = 40_000
"""Layers times states from which on the way along the bounds has to do: it is at most a few edits longer."""
MOST_EFFORT = 20_000
"""Points of paths looked at, and unpaired layers carried along there, before the search gives up on proving that its
path is the cheapest. Networks with ten mistakes need some hundreds."""
MOST_CELLS = 200_000
"""Layers times states that are compared, about a second's work; beyond it all layers at the end are removed."""

Bounds = Sequence[Sequence[float]]
"""The least that the rest of the way can cost, for each number of layers dealt with and each state from the first."""


@dataclass(frozen=True)
class Step:
    """One step of a path.

    Attributes:
        action: ``"keep"``, ``"replace"``, ``"remove"``, ``"add"`` or ``"move"``.
        layers: indices of the learner's layers: one, for a removal and a move also two; none for an addition.
        states: the automaton's states: one, for an addition and a move also two; none for a removal.
    """

    action: str
    layers: tuple[int, ...] = ()
    states: tuple[int, ...] = ()


class _Node(NamedTuple):
    """A point on a path: the layers before ``done`` are dealt with, ``state`` is reached."""

    done: int
    state: int
    unpaired: Unpaired = frozenset()
    ended: bool = False


def cheapest(layers: Sequence[Layer], automaton: Automaton) -> list[Step]:
    """The cheapest path; beyond :data:`MOST_CELLS` another may be cheaper, but not where no edit is needed."""
    head, tail = _common_ends(layers, automaton)
    end = len(layers) - tail
    compared = min(end, head + MOST_CELLS // len(automaton.slots))
    if compared < end:
        if path := _accepted(layers, automaton):
            return path
        compared -= is_inside(layers[compared], layers[compared - 1])
    task = task_of(layers[head:compared], automaton, head, tail)
    steps = _moved(task, _cheapest_of(task))
    last = len(automaton.slots) - tail
    return [
        *(Step("keep", (index,), (index + 1,)) for index in range(head)),
        *(Step(step.action, tuple(index + head for index in step.layers), step.states) for step in steps),
        *_removed(layers, range(compared, end)),
        *(Step("keep", (end + index,), (last + index,)) for index in range(tail)),
    ]


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


def _removed(layers: Sequence[Layer], indices: range) -> Iterator[Step]:
    """Steps that remove layers, each with the activation that was written inside it."""
    for index in indices:
        if index == indices.start or not is_inside(layers[index], layers[index - 1]):
            pair = index + 1 in indices and is_inside(layers[index + 1], layers[index])
            yield Step("remove", (index, index + 1) if pair else (index,))


def _accepted(layers: Sequence[Layer], automaton: Automaton) -> list[Step]:
    """The path of layers that are right as they are; empty where they are not."""
    came: list[dict[int, int]] = []  # for each layer, the states it may fill, each with the state before
    states: Iterable[int] = (0,)
    for layer in layers:
        slots = automaton.slots
        came.append({to: state for state in states for to in automaton.follow[state] if slots[to].wrong(layer) == []})
        states = came[-1]
    state = min(automaton.final.intersection(states), default=None)
    steps = []
    for index in range(len(layers) - 1, -1, -1):
        if state is None:
            return []
        steps.append(Step("keep", (index,), (state,)))
        state = came[index][state]
    return steps[::-1]


def _moved(task: Task, steps: Sequence[Step]) -> list[Step]:
    """The steps, where a layer that is removed here and added there is moved: additions with their nearest removals."""
    removed: dict[tuple[int, ...], list[int]] = defaultdict(list)  # steps, by the sorts of their layers
    for number, step in enumerate(steps):
        if step.action == "remove" and not _was_inside(task, step.layers[0]):
            removed[tuple(task.layer_sorts[index] for index in step.layers)].append(number)
    moves: dict[int, Step] = {}
    gone: set[int] = set()
    for number, step in enumerate(steps):
        wanted = [task.slot_sorts[state] for state in step.states] if step.action == "add" else []
        fitting = [
            origin
            for sorts, origins in removed.items()
            if len(sorts) == len(wanted) and all(task.keep[a][b] == 0 for a, b in zip(sorts, wanted, strict=True))
            for origin in origins
            if origin not in gone
        ]
        if fitting:
            origin = min(fitting, key=lambda origin: (abs(origin - number), origin))
            moves[number] = Step("move", steps[origin].layers, step.states)
            gone.add(origin)
    return [moves.get(number, step) for number, step in enumerate(steps) if number not in gone]


def _was_inside(task: Task, index: int) -> bool:
    return index > 0 and is_inside(task.layers[index], task.layers[index - 1])


def _cheapest_of(task: Task) -> list[Step]:
    """The cheapest path of a task.

    An edit leads at most two steps away from the diagonal, so that a path of few edits is found near it. In a large
    table where looking farther brought nothing once, it will not the next time.
    """
    shares, effort = first_shares(task), MOST_EFFORT
    is_large = len(task.layers) * len(task.states) >= LARGE
    width, before = max(2 * abs(len(task.layers) - len(task.states) + 1), BAND), -1
    while True:
        steps, shares, effort = _within(task, shares, width, effort)
        edits = sum(1 if step.action != "keep" else _changes(task, step) for step in steps)
        if not task.plain or 2 * edits <= width or (is_large and edits == before):
            return steps
        width, before = min(2 * edits, 4 * width), edits


def _changes(task: Task, kept: Step) -> int:
    """How many settings of a layer that is kept are changed."""
    price = task.keep[task.layer_sorts[kept.layers[0]]][task.slot_sorts[kept.states[0]]]
    return (price or 0) // EDIT


def _within(task: Task, shares: Shares, width: int, effort: int) -> tuple[list[Step], Shares, int]:
    """The cheapest path that stays so near to the diagonal, the shares that it was found with, and the effort left."""
    size = len(task.layers) * min(len(task.states), 2 * width)
    most, best = -1.0, shares
    for _ in range(ROUNDS if size < LARGE else 1):
        prices = priced(task, shares)
        bounds = _bounds(task, prices, width)
        steps, unpaired = _along(task, prices, bounds)
        if not unpaired_price(task, shares, unpaired) or size >= LARGE:  # the bound is reached
            return steps, shares, effort
        if bounds[0][0] > most:
            most, best = bounds[0][0], shares
        shares = better_shares(task, shares, unpaired)
    prices = priced(task, best)
    bounds = _bounds(task, prices, width)
    found, effort = _search(task, prices, bounds, effort)
    return found or _along(task, prices, bounds)[0], best, effort


# --- the lower bound --------------------------------------------------------------------------------------------------


def _bounds(task: Task, prices: Prices, width: int) -> Bounds:
    """The least that the rest of the way can cost.

    Args:
        task: the layers and states.
        prices: of their removals and additions.
        width: how far from the diagonal to look, where the pattern is a plain sequence.
    """
    start, count, size = task.states.start, len(task.layers), len(task.states)
    kept = [[(one - start, task.slot_sorts[one]) for one in task.follow[state]] for state in task.states]
    added = [[(states[-1] - start, price) for states, _, price in prices.additions[state]] for state in task.states]
    loops = any(one <= state for state, ways in enumerate(added) for one, _ in ways)  # may need several rounds
    table: list[list[float]] = [[math.inf] * size for _ in range(count + 1)]
    for state in task.final:
        table[count][state - start] = 0
    for index in range(count, -1, -1):
        near = range(max(index - width, 0), min(index + width + 1, size)) if task.plain else range(size)
        if index < count:
            _bound_row(task, prices, index, table, kept, near)
        while _shortened(table[index], added, near) and loops:
            pass
    return table


def _bound_row(
    task: Task,
    prices: Prices,
    index: int,
    table: Sequence[list[float]],
    kept: Sequence[Sequence[tuple[int, int]]],
    near: range,
) -> None:
    """Fill one row of the table of bounds with the ways that deal with its layer: keep, replace or remove it."""
    keep = [math.inf if price is None else price for price in task.keep[task.layer_sorts[index]]]
    swaps = task.swaps[index]
    removals = [(price, table[index + span]) for span, _, price in prices.removals[index]]
    row, below = table[index], table[index + 1]
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


def _shortened(row: list[float], added: Sequence[Sequence[tuple[int, int]]], near: range) -> bool:
    """Let additions shorten the ways from the states of one row; whether one did."""
    shorter = False
    for state in reversed(near):
        for one, price in added[state]:
            if price + row[one] < row[state]:
                row[state] = price + row[one]
                shorter = True
    return shorter


# --- the search -------------------------------------------------------------------------------------------------------


def _steps(task: Task, prices: Prices, node: _Node) -> Iterator[tuple[Step, _Node, int]]:
    """The steps from a point: where each leads, and its price."""
    index, state, unpaired = node.done, node.state, node.unpaired
    if index < len(task.layers):
        keep, swaps = task.keep[task.layer_sorts[index]], task.swaps[index]
        for one in task.follow[state]:
            price = keep[task.slot_sorts[one]]
            if price is not None:
                action = "keep" if price < 2 * EDIT else "replace"
                yield Step(action, (index,), (one,)), _Node(index + 1, one, unpaired), price
            if task.slot_sorts[one] in swaps:
                yield Step("replace", (index, index + 1), (one,)), _Node(index + 2, one, unpaired), REPLACE
        for span, sort, price in prices.removals[index]:
            gone = tuple(range(index, index + span))
            yield Step("remove", gone), _Node(index + span, state, with_one_more(task, unpaired, sort, 1)), price
    elif state in task.final:
        yield Step("end"), _Node(index, state, unpaired, True), unpaired_price(task, prices.shares, unpaired)
    for states, sort, price in prices.additions[state]:
        yield Step("add", (), states), _Node(index, states[-1], with_one_more(task, unpaired, sort, -1)), price


def _rest(task: Task, bounds: Bounds, node: _Node) -> float:
    return 0 if node.ended else bounds[node.done][node.state - task.states.start]


def _along(task: Task, prices: Prices, bounds: Bounds) -> tuple[list[Step], Unpaired]:
    """The way along the bounds, and what it leaves unpaired; the bounds know nothing of what that costs at the end."""

    def least(way: tuple[Step, _Node, int]) -> float:
        _, after, price = way
        return 0 if after.ended else price + _rest(task, bounds, after)

    node = _Node(0, task.states.start)
    steps: list[Step] = []
    while True:
        found = _steps(task, prices, node)
        step, node, _ = min(found, key=least)
        if node.ended:
            return steps, node.unpaired
        steps.append(step)


def _search(task: Task, prices: Prices, bounds: Bounds, effort: int) -> tuple[list[Step], int]:
    """A*: of all ways the cheapest with moves priced truly, and the effort left; none where that ran out."""
    start = _Node(0, task.states.start)
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
            return _way_to(node, came), effort
        effort -= 1 + len(node.unpaired)
        if effort <= 0:
            break
        for step, further, price in _steps(task, prices, node):
            total, rest = spent[node] + price, _rest(task, bounds, further)
            if rest < math.inf and total < spent.get(further, math.inf):
                spent[further] = total
                came[further] = (node, step)
                heapq.heappush(queue, (total + rest, -further.done, -len(spent), further))
    return [], 0


def _way_to(node: _Node, came: Mapping[_Node, tuple[_Node, Step]]) -> list[Step]:
    steps = []
    while node in came:
        node, step = came[node]
        steps.append(step)
    return steps[:0:-1]
