"""The cheapest edit that turns a network into the expected one: what to add, remove, change and move.

:mod:`checker.alignment.search` finds the path, :mod:`checker.alignment.mending` what the rules over the whole network
ask for besides, :mod:`checker.alignment.wording` turns both into words. Findings come top to bottom, as data flows:
that is how a network is read. What is wrong with the whole comes last, because it cannot be judged before the layers
are right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from checker.alignment.mending import mended
from checker.alignment.places import Place, after_edits, after_one_edit, places_of, with_idle
from checker.alignment.search import LARGE, cheapest
from checker.alignment.wording import Edit, edits_of, row_of
from checker.blueprint import Blueprint, Layer, activation_settings, in_canonical_order
from checker.expect import Automaton, Network
from checker.report import Row


@dataclass(frozen=True)
class Alignment:
    """A network beside the expected one.

    Attributes:
        blueprint, network: what was compared.
        layers: the learner's layers as they were compared.
        places: these and the expected ones side by side.
        edits: what to do, in the order in which to do it; empty when the network is right.
        rows: the side-by-side table.
        penalty: how much is wrong: 1 for a layer to add, remove, move or replace, 1/2 for a setting or an activation.
    """

    blueprint: Blueprint
    network: Network
    layers: Sequence[Layer]
    places: Sequence[Place]
    edits: tuple[Edit, ...]
    rows: tuple[Row, ...]
    penalty: float

    @property
    def passed(self) -> bool:
        return not self.edits

    @property
    def credit(self) -> float:
        """How far the network is on the way from the starter to what is expected: 1 when it is there, else below 1.

        0 for the unchanged starter and for whatever is not nearer than it. Following
        one of the edits never lowers it, because what is left of the cheapest path is the cheapest path from there.
        """
        if self.passed:
            return 1.0
        return max(0.0, 1.0 - self.penalty / _penalty_of_starter(self.network))

    def apply(self, only: int | None = None) -> Blueprint:
        """The network after all edits, or after one of them.

        Args:
            only: the index of that edit.
        """
        edit = None if only is None else self.edits[only]
        if self.blueprint.problem is not None:
            layers = list(self.network.example())
        elif edit is None:
            layers = after_edits(self.places)
        elif edit.place is None:  # a rule without a fix
            layers = list(self.layers)
        else:
            layers = after_one_edit(self.places, self.layers, edit.place, edit.wrong)
        numbered = [replace(layer, number=number) for number, layer in enumerate(layers, 1)]
        shown = tuple((layer.number, layer.code) for layer in numbered)
        return replace(self.blueprint, layers=tuple(in_canonical_order(numbered)), shown=shown, problem=None, idle=())


def align(blueprint: Blueprint, network: Network) -> Alignment:
    """The cheapest edit that turns a network into the expected one.

    Args:
        blueprint: the learner's network; its layers are compared, not the shape of its input.
        network: what is expected.
    """
    if blueprint.problem is not None:
        edit = Edit("replace", blueprint.problem, params=dict(blueprint.problem_params))
        return Alignment(blueprint, network, (), (), (edit,), (), math.inf)
    layers, kept = _cheapest_places(blueprint, network)
    idle = _gaps_of_idle(blueprint, layers)
    found = mended(kept, network, blueprint.parameters, idle)
    places, shown = with_idle(found.places, idle), dict(blueprint.shown)
    edits = (*edits_of(places, shown), *(Edit("change", one.code, None, one.params) for one in found.broken))
    penalty = sum(place.penalty for place in places) + len(found.broken)
    return Alignment(blueprint, network, layers, places, edits, tuple(row_of(one, shown) for one in places), penalty)


@lru_cache(maxsize=64)
def _penalty_of_starter(network: Network) -> float:
    """How much is wrong with the network that learners start from, by default with one without layers."""
    if network.starter is None:
        return max(align(Blueprint(()), network).penalty, 0.5)
    shown = tuple((number, element.code) for number, element in enumerate(network.starter.elements, 1))
    return max(align(Blueprint(network.starter.example(), shown=shown), network).penalty, 0.5)


def _cheapest_places(blueprint: Blueprint, network: Network) -> tuple[Sequence[Layer], list[Place]]:
    """The layers, canonical or as the learner wrote them, whichever need fewer edits, and these.

    In a large network the canonical ones have to do: an edit more is no matter there.
    """
    places = _aligned(blueprint.layers, network.automaton)
    written = _as_written(blueprint)
    is_large = len(blueprint.layers) * len(network.automaton.slots) >= LARGE
    if written is None or network.constraints or is_large or _price(places) <= (1, 0.5):
        return blueprint.layers, places
    others = _aligned(written, network.written_automaton)
    return (written, others) if _price(others) < _price(places) else (blueprint.layers, places)


def _aligned(layers: Sequence[Layer], automaton: Automaton) -> list[Place]:
    return places_of(cheapest(layers, automaton), layers, automaton.slots)


def _price(places: Sequence[Place]) -> tuple[int, float]:
    """How many edits, and how serious."""
    count = sum(len(place.wrong) if place.action in ("ok", "change") else 1 for place in places)
    return count, sum(place.penalty for place in places)


def _as_written(blueprint: Blueprint) -> tuple[Layer, ...] | None:
    """The layers in the learner's own order, relus that change nothing too; None where no activation stands apart."""
    relu = Layer("Activation", activation_settings("relu"))
    there = {layer.number for layer in blueprint.layers}
    again = [
        replace(relu, number=number)
        for number, code in blueprint.shown
        if number not in there and code in (relu.code, "ReLU()")
    ]
    layers = tuple(sorted((*blueprint.layers, *again), key=lambda layer: layer.number))
    apart = any(after.kind == "Activation" and after.number != before.number for before, after in pairwise(layers))
    return layers if apart else None


def _gaps_of_idle(blueprint: Blueprint, layers: Sequence[Layer]) -> list[tuple[int, Layer]]:
    """The layers without effect, each with the number of layers that stand before it."""
    if not blueprint.idle:
        return []
    merged = sorted((*layers, *blueprint.idle), key=lambda layer: layer.number)
    if layers is blueprint.layers:
        merged = in_canonical_order(merged)
    idle = {id(layer) for layer in blueprint.idle}
    gaps: list[tuple[int, Layer]] = []
    for index, layer in enumerate(merged):
        if id(layer) in idle:
            gaps.append((index - len(gaps), layer))
    return gaps
