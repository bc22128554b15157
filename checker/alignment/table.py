"""The cheapest edit that turns a network into the expected one: what to add, remove, change and move.

:mod:`checker.alignment.search` finds the path; here it becomes words. Findings come top to bottom, as data flows:
that is how a network is read. Every number in them is a number of the network as it was handed in, and says which layer
is meant wherever that layer goes, so that the findings can be acted on in any order. What is wrong with the whole comes
last, because it cannot be judged before the layers are right.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Any

from checker.alignment.prices import is_inside
from checker.alignment.search import LARGE, Step, cheapest
from checker.blueprint import Blueprint, Layer, activation_settings, holds_activation, in_canonical_order
from checker.expect import Automaton, Constraint, Fix, Network, Slot, Violation, literal, source
from checker.reading.canonical import activation_code
from checker.report import Row

Wrong = tuple[str, Any, Any]
"""A wrong setting: its name, actual and expected value."""

_STATES = {"trainable": "layer.frozen", "training": "layer.training", "shared": "layer.shared"}
"""What is wrong with a layer though it is no setting in its code, and the finding that says so."""


@dataclass(frozen=True)
class Edit:
    """One thing to do.

    Attributes:
        action: ``"add"``, ``"remove"``, ``"change"``, ``"move"`` or ``"replace"``.
        code, position, params: of the finding that says so.
    """

    action: str
    code: str
    position: int | None = None
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """A layer with the activation inside it, in the learner's network, in the expected one, or in both.

    Attributes:
        own: the learner's layers, canonical: one, or one and its activation; empty for a new layer.
        at: where the first of them stands in the learner's network, counted from 0.
        slots: what is expected, in the same way; empty for a layer that is too many.
        wrong: what is wrong in the first of them and in its activation: setting, actual and expected value.
        action: ``"ok"``, ``"add"``, ``"remove"``, ``"change"``, ``"move"`` or ``"replace"``.
        idle: a layer of the learner's that stands here without effect, and does what a new one would once set right.
    """

    own: tuple[Layer, ...] = ()
    slots: tuple[Slot, ...] = ()
    wrong: tuple[Wrong, ...] = ()
    action: str = "ok"
    at: int = 0
    idle: Layer | None = None


def align(blueprint: Blueprint, network: Network) -> Alignment:
    """The cheapest edit that turns a network into the expected one.

    Args:
        blueprint: the learner's network; its layers are compared, not the shape of its input.
        network: what is expected.
    """
    return Alignment(blueprint, network)


class Alignment:
    """A network beside the expected one.

    Attributes:
        edits: what to do, in the order in which to do it; empty when the network is right.
        rows: the side-by-side table.
        gravity: how much is wrong: 1 for a layer to add, remove, move or replace, 1/2 for a setting or an activation.
    """

    def __init__(self, blueprint: Blueprint, network: Network) -> None:
        self.blueprint, self.network = blueprint, network
        self._shown = dict(blueprint.shown)
        self._layers: Sequence[Layer] = ()
        self._places: list[Place] = []
        self._targets: list[tuple[int, Wrong | None]] = []
        self.edits: tuple[Edit, ...]
        if blueprint.problem is not None:
            self.edits = (Edit("replace", blueprint.problem, params=dict(blueprint.problem_params)),)
            self.rows: tuple[Row, ...] = ()
            self.gravity = math.inf
            return
        self._layers, self._places = _cheapest_places(blueprint, network)
        self._idle = _gaps_of_idle(blueprint, self._layers)
        self._broken: list[Violation] = []
        for constraint in network.constraints:
            self._enforce(constraint)
        self._places = _awakened(self._places, self._idle)
        self.edits = (*self._all_edits(), *(Edit("change", one.code, None, one.params) for one in self._broken))
        self.gravity = sum(_gravity(place) for place in self._places) + len(self._broken)
        self.rows = tuple(row for place in self._places if (row := self._row(place)) is not None)

    # --- rules over the whole network -----------------------------------------------------------------------------
    def _enforce(self, constraint: Constraint) -> None:
        """Mend what breaks a rule, one violation after another, in the network as it is to become."""
        parameters = self.blueprint.parameters
        for _ in range(len(self._places) + 20):
            violation = next(constraint.violations(_after_edits(self._places), parameters), None)
            if violation is None:
                return
            mended = [_mended(self._places, fix) for fix in violation.fixes]
            allowed = [places for places in mended if self.network.automaton.accepts(_after_edits(places))]
            if not allowed:
                self._broken.append(violation)
                return
            self._places = min(allowed, key=self._remaining)

    def _remaining(self, places: Sequence[Place]) -> tuple[int, int]:
        """How many rules' violations remain, and how many layers are to be added that are not even there idle."""
        layers, rules = _after_edits(places), self.network.constraints
        new = sum(place.action == "add" and place.idle is None for place in _awakened(places, self._idle))
        return sum(1 for rule in rules for _ in rule.violations(layers, self.blueprint.parameters)), new

    # --- what follows from it -------------------------------------------------------------------------------------
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
        return max(0.0, 1.0 - self.gravity / _gravity_of_starter(self.network))

    def apply(self, only: int | None = None) -> Blueprint:
        """The network after all edits, or after one of them.

        Args:
            only: the index of that edit.
        """
        if self.blueprint.problem is not None:
            layers = list(self.network.example())
        else:
            layers = _after_edits(self._places) if only is None else self._after_one(only)
        numbered = [replace(layer, number=number) for number, layer in enumerate(layers, 1)]
        shown = tuple((layer.number, layer.code) for layer in numbered)
        return replace(self.blueprint, layers=tuple(in_canonical_order(numbered)), shown=shown, problem=None, idle=())

    def _after_one(self, only: int) -> list[Layer]:
        layers = list(self._layers)
        if only >= len(self._targets):  # a rule without a fix
            return layers
        index, wrong = self._targets[only]
        place = self._places[index]
        here = slice(place.at, place.at + len(place.own))
        if wrong is not None:
            layers[here] = _with_one_setting(place, wrong)
        elif place.action == "replace":
            layers[here] = _edited(place)
        else:
            before = [one for one in self._places[:index] if one.own and one.action != "move"]
            to = before[-1].at + len(before[-1].own) if before else 0
            moved = layers[here] if place.action == "move" else list(_edited(place))
            if place.own:
                del layers[here]
                to -= sum(position < to for position in range(place.at, place.at + len(place.own)))
            layers[to:to] = moved
        return layers

    # --- words ----------------------------------------------------------------------------------------------------
    def _all_edits(self) -> Iterator[Edit]:
        for index, place in enumerate(self._places):
            if place.action in ("ok", "change"):
                self._targets += [(index, wrong) for wrong in place.wrong]
            else:
                self._targets.append((index, None))
            if place.idle is not None:
                yield self._changed(place.idle, place, *_wrong_in(place.idle, place))
            elif place.action == "add":
                yield self._placed("add", "layer.missing", index, None, {"layer": _new_code(place.slots)})
            elif place.action == "move":
                yield self._moved(index)
            elif place.action == "remove":
                yield self._of_both("remove", "layer.extra", place, {})
            elif place.action == "replace":
                yield self._of_both("replace", "layer.replaced", place, {"expected": _new_code(place.slots)})
            else:
                yield from (self._changed(place.own[0], place, *wrong) for wrong in place.wrong)

    def _moved(self, index: int) -> Edit:
        own = self._places[index].own
        return self._placed("move", "layer.moved", index, own[0].number, {"layer": self._label(own[0])})

    def _of_both(self, action: str, code: str, place: Place, params: Mapping[str, Any]) -> Edit:
        """An edit of a layer, and of the activation after it if that was written apart."""
        layer, last = place.own[0], place.own[-1]
        params = {"layer": self._label(layer), **params}
        if last.number == layer.number:
            return Edit(action, code, layer.number, params)
        with_activation = {"activation_position": last.number, "activation": self._label(last)}
        return Edit(action, f"{code}:pair", layer.number, {**params, **with_activation})

    def _changed(self, layer: Layer, place: Place, setting: str, actual: Any, expected: Any) -> Edit:
        params: dict[str, Any] = {
            "layer": self._label(layer),
            "setting": setting,
            "actual": literal(actual),
            "expected": literal(expected),
        }
        if setting in _STATES:
            return Edit("change", _STATES[setting], layer.number, params)
        if setting == "activation" and actual is not None:
            inside = place.own[-1]
            params["actual"] = activation_code(inside.settings).removeprefix("Activation(").removesuffix(")")
            if expected is None:
                apart = inside.number != layer.number
                params |= {"activation_position": inside.number, "activation": self._label(inside)}
                code = "layer.setting:apart" if apart else "layer.setting:off"
                return Edit("change", code, layer.number, params)
            code = self._label(inside)
            if not is_inside(inside, layer) and not code.startswith(
                "Activation("
            ):  # a layer that takes no activation: ``ELU()``
                new = f"keras.layers.Activation({literal(expected)})"
                return Edit("change", "layer.replaced", inside.number, {"layer": code, "expected": new})
            return Edit("change", "layer.setting", inside.number, {**params, "layer": code})
        return Edit("change", "layer.setting", layer.number, params)

    def _placed(self, action: str, code: str, index: int, position: int | None, params: Mapping[str, Any]) -> Edit:
        """An edit that puts a layer after another: after one of the learner's, a new one, or at the start."""
        before = next((place for place in reversed(self._places[:index]) if place.slots), None)
        after = None if before is None else self._last_of(before, index)
        if before is None:
            return Edit(action, f"{code}:first", position, params)
        if after is None:
            return Edit(action, f"{code}:after_new", position, {**params, "after": _new_code(before.slots)})
        found = {"after": self._label(after), "after_position": after.number}
        return Edit(action, code, after.number if position is None else position, {**params, **found})

    def _last_of(self, place: Place, index: int) -> Layer | None:
        """The learner's layer that ends a place; None for a new one.

        An activation that the learner wrote after a dropout stands before it in canonical form, but still ends it.
        """
        if not place.own:
            return place.idle
        last = place.own[min(len(place.own), len(place.slots)) - 1]
        if last.kind.endswith("Dropout"):
            for earlier in reversed(self._places[:index]):
                if earlier.own and earlier.own[-1].kind == "Activation" and len(earlier.own) == len(earlier.slots):
                    return max(last, earlier.own[-1], key=lambda layer: layer.number)
                if earlier.own and not earlier.own[-1].kind.endswith("Dropout"):
                    break
        return last

    def _label(self, layer: Layer) -> str:
        return self._shown.get(layer.number) or layer.code

    def _row(self, place: Place) -> Row | None:
        if place.idle is not None:
            name, _, value = _wrong_in(place.idle, place)
            shown, change = self._label(place.idle), f"{name}={literal(value)}"
            return Row("change", place.idle.number, shown, _text(place.slots), change)
        actual = None
        if place.own:
            actual = self._label(place.own[0])
            if len(place.own) > 1 and place.own[1].number != place.own[0].number:
                actual = joined(actual, self._label(place.own[1]))
        expected = None
        if place.slots:
            expected = next(_edited(place)).code if place.slots[0].kind is None and place.wrong else actual
            expected = expected if place.slots[0].kind is None else _text(place.slots)
        detail = ", ".join(f"{name}={literal(value)}" for name, _, value in place.wrong if name != "shared")
        if place.action == "replace" or (place.wrong and not detail):
            return Row("change", place.own[0].number, actual, expected, _new_code(place.slots))
        return Row(place.action, place.own[0].number if place.own else None, actual, expected, detail)


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
    return _places(cheapest(layers, automaton), layers, automaton.slots)


def _price(places: Sequence[Place]) -> tuple[int, float]:
    """How many edits, and how grave."""
    count = sum(len(place.wrong) if place.action in ("ok", "change") else 1 for place in places)
    return count, sum(_gravity(place) for place in places)


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


# --- layers that are there without effect -----------------------------------------------------------------------------


def _gaps_of_idle(blueprint: Blueprint, layers: Sequence[Layer]) -> list[tuple[int, Layer]]:
    """The layers without effect, each with the number of layers that stand before it."""
    if not blueprint.idle:
        return []
    merged = sorted((*layers, *blueprint.idle), key=lambda layer: layer.number)
    if layers is blueprint.layers:
        merged = in_canonical_order(merged)
    is_idle = [any(layer is one for one in blueprint.idle) for layer in merged]
    return [(index - sum(is_idle[:index]), merged[index]) for index in range(len(merged)) if is_idle[index]]


def _awakened(places: Sequence[Place], idle: Sequence[tuple[int, Layer]]) -> list[Place]:
    """The places, where a layer is to be added that is there already without effect, with that layer."""
    waiting, found, start = list(idle), [], 0
    staying = [place.at for place in places if place.own and place.action not in ("remove", "move")]
    for place in places:
        if place.own and place.action not in ("remove", "move"):
            start = staying.pop(0) + len(place.own)
        elif place.action == "add":
            end = staying[0] if staying else math.inf
            fits = (one for one in waiting if start <= one[0] <= end and len(place.slots[0].wrong(one[1]) or ()) == 1)
            if (one := next(fits, None)) is not None:
                waiting = waiting[waiting.index(one) + 1 :]
                place = replace(place, idle=one[1])
        found.append(place)
    return found


def _wrong_in(idle: Layer, place: Place) -> Wrong:
    """What makes a layer idle, and the value that a new one would have."""
    slot = place.slots[0]
    name, actual, expected = (slot.wrong(idle) or [])[0]
    return name, actual, slot.example.settings.get(name, expected)


# --- from steps to places ---------------------------------------------------------------------------------------------


def _places(steps: Sequence[Step], layers: Sequence[Layer], slots: Sequence[Slot]) -> list[Place]:
    """One place for each layer of both sides, with the activation inside it."""
    moved = _moves(steps, layers, slots)
    places: list[Place] = []
    for number, step in enumerate(steps):
        if number in moved.values():
            continue
        origin = steps[moved[number]].layers if number in moved else step.layers
        own, at = tuple(layers[index] for index in origin), origin[0] if origin else 0
        here = tuple(slots[state] for state in step.states)
        if number in moved:
            places.append(Place(own, here, (), "move", at))
        elif places and (whole := _with_activation(places[-1], step.action, own, here)) is not None:
            places[-1] = whole
        elif step.action == "keep":
            wrong = tuple(here[0].wrong(own[0]) or ())
            places.append(Place(own, here, wrong, "change" if wrong else "ok", at))
        else:
            places.append(Place(own, here, (), step.action, at))
    return places


def _moves(steps: Sequence[Step], layers: Sequence[Layer], slots: Sequence[Slot]) -> dict[int, int]:
    """A layer that is removed here and added there is moved: the additions' steps, each with its nearest removal."""
    moves: dict[int, int] = {}
    removed = [(number, step) for number, step in enumerate(steps) if step.action == "remove"]
    for to, added in enumerate(steps):
        fitting = [
            origin
            for origin, gone in (removed if added.action == "add" else ())
            if origin not in moves.values()
            and not _was_inside(gone.layers, layers)
            and _fits([layers[index] for index in gone.layers], [slots[state] for state in added.states])
        ]
        if fitting:
            moves[to] = min(fitting, key=lambda origin: abs(origin - to))
    return moves


def _was_inside(gone: tuple[int, ...], layers: Sequence[Layer]) -> bool:
    return gone[0] > 0 and is_inside(layers[gone[0]], layers[gone[0] - 1])


def _with_activation(place: Place, action: str, own: tuple[Layer, ...], slots: tuple[Slot, ...]) -> Place | None:
    """A layer that stays, with the activation that is kept, added or removed right after it; None for all else."""
    if place.action not in ("ok", "change", "replace") or len(place.own) != 1 or len(place.slots) != 1:
        return None
    if {*(layer.kind for layer in own), *(slot.kind for slot in slots)} - {"Activation", None}:
        return None
    if place.action == "replace":
        goes = all(is_inside(layer, place.own[0]) for layer in own)
        comes = not slots or holds_activation(place.slots[0].kind or "")
        return replace(place, own=(*place.own, *own), slots=(*place.slots, *slots)) if goes and comes else None
    if not holds_activation(place.own[0].kind):
        return None
    if action == "keep":
        found = slots[0].wrong(own[0]) or []
    else:
        actual = own[0].settings["activation"] if own else None
        found = [("activation", actual, slots[0].settings["activation"].example if slots else None)]
    wrong = (*place.wrong, *found)
    return Place((*place.own, *own), (*place.slots, *slots), wrong, "change" if wrong else "ok", place.at)


def _after_edits(places: Sequence[Place]) -> list[Layer]:
    return [layer for place in places for layer in _edited(place)]


def _mended(places: Sequence[Place], fix: Fix) -> list[Place]:
    """The places after one more fix."""
    ends = list(accumulate(len(list(_edited(place))) for place in places))
    if fix.layer is not None and fix.wrong is None:
        return _with_layer(places, bisect_left(ends, fix.index) + 1 if fix.index else 0, fix.layer.slots)
    here = bisect_right(ends, fix.index)
    place = places[here]
    if fix.wrong is not None:
        mended = [replace(place, wrong=(*place.wrong, fix.wrong), action="change")]
    else:
        mended = [replace(place, slots=(), wrong=(), action="remove")] if place.own else []
    return [*places[:here], *mended, *places[here + 1 :]]


def _with_layer(places: Sequence[Place], index: int, slots: tuple[Slot, ...]) -> list[Place]:
    """The places with one more; a layer that is to be removed and fits is moved there instead of a new one."""
    for place in places:
        if place.action == "remove" and _fits(place.own, slots):
            moved = Place(place.own, slots, (), "move", place.at)
            return [one for one in (*places[:index], moved, *places[index:]) if one is not place]
    return [*places[:index], Place((), slots, (), "add"), *places[index:]]


def _fits(layers: Sequence[Layer], slots: Sequence[Slot]) -> bool:
    pairs = zip(slots, layers, strict=True) if len(layers) == len(slots) else ()
    return bool(layers) and len(layers) == len(slots) and all(slot.wrong(layer) == [] for slot, layer in pairs)


def _gravity(place: Place) -> float:
    """How much is wrong at a place; see :attr:`Alignment.gravity`."""
    if place.action in ("ok", "change"):
        return len(place.wrong) / 2
    return 0.5 if [part.kind for part in place.slots or place.own] == ["Activation"] else 1.0


def _edited(place: Place) -> Iterator[Layer]:
    """The layers that a place has after its edits."""
    if place.action == "replace":
        yield from (slot.example for slot in place.slots)
        return
    for index, slot in enumerate(place.slots):
        if index >= len(place.own):
            yield slot.example
        else:
            yield _changed(place.own[index], place.wrong)


def _with_one_setting(place: Place, wrong: Wrong) -> list[Layer]:
    """The learner's layers at a place with only one of their settings set right."""
    name, actual, expected = wrong
    if name == "activation" and actual is None:
        return [*place.own, place.slots[-1].example]
    if name == "activation" and expected is None:
        return list(place.own[:1])
    return [_changed(layer, (wrong,)) for layer in place.own]


def _changed(layer: Layer, wrong: Sequence[Wrong]) -> Layer:
    """A layer with its settings set right; ``wrong`` may speak of its activation as well."""
    right = {name: value for name, _, value in wrong if name in layer.settings and name not in _STATES}
    if layer.kind == "Activation" and "activation" in right:
        return replace(layer, settings=activation_settings(right["activation"]))
    states = {name: value for name, _, value in wrong if name in _STATES}
    return replace(layer, settings={**layer.settings, **right}, **states)


# --- code -------------------------------------------------------------------------------------------------------------


def joined(code: str, activation: str) -> str:
    """The code of a layer with the activation that stands after it inside: ``Dense(8, activation="relu")``."""
    inside = (
        activation.removeprefix("Activation(").removesuffix(")") if activation.startswith("Activation(") else activation
    )
    return f"{code.removesuffix(')')}{'' if code.endswith('()') else ', '}activation={inside})"


def _new_code(slots: Sequence[Slot]) -> str:
    texts = {name: literal(allowed.example) for slot in slots for name, allowed in slot.settings.items()}
    return f"keras.layers.{source(slots[0].kind or '', texts)}"


def _text(slots: Sequence[Slot]) -> str:
    return source(
        slots[0].kind or "", {name: allowed.text for slot in slots for name, allowed in slot.settings.items()}
    )


@lru_cache(maxsize=64)
def _gravity_of_starter(network: Network) -> float:
    """How much is wrong with the network that learners start from, by default with one without layers."""
    if network.starter is None:
        return max(Alignment(Blueprint(()), network).gravity, 0.5)
    shown = tuple((number, element.code) for number, element in enumerate(network.starter.elements, 1))
    return max(Alignment(Blueprint(network.starter.example(), shown=shown), network).gravity, 0.5)
