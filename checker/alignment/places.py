"""The steps of a path as places: a layer with its activation, the learner's, the expected one or both; what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from checker.alignment.prices import is_inside
from checker.alignment.search import Step
from checker.blueprint import Layer, activation_settings, holds_activation
from checker.expect import Slot

Wrong = tuple[str, Any, Any]
"""A wrong setting: its name, actual and expected value."""

STATES: Mapping[str, str] = {"trainable": "layer.frozen", "training": "layer.training", "shared": "layer.shared"}
"""What is wrong with a layer though it is no setting in its code, and the finding that says so."""


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

    @property
    def stays(self) -> bool:
        """Whether the learner's layers keep their place."""
        return bool(self.own) and self.action not in ("remove", "move")

    @property
    def penalty(self) -> float:
        """How much is wrong here: 1 for a layer to add, remove, move or replace, 1/2 for a setting or an activation."""
        if self.action in ("ok", "change"):
            return len(self.wrong) / 2
        return 0.5 if [part.kind for part in self.slots or self.own] == ["Activation"] else 1.0

    def edited(self) -> Iterator[Layer]:
        """The layers that stand here after the edits."""
        if self.action == "replace":
            yield from (slot.example for slot in self.slots)
            return
        for index, slot in enumerate(self.slots):
            if index >= len(self.own):
                yield slot.example
            else:
                yield _changed(self.own[index], self.wrong) if self.wrong else self.own[index]

    def with_one_setting(self, wrong: Wrong) -> list[Layer]:
        """The learner's layers here with only one of their settings set right."""
        name, actual, expected = wrong
        if name == "activation" and actual is None:
            return [*self.own, self.slots[-1].example]
        if name == "activation" and expected is None:
            return list(self.own[:1])
        return [_changed(layer, (wrong,)) for layer in self.own]


def after_edits(places: Sequence[Place]) -> list[Layer]:
    """The layers of the network after all edits."""
    return [layer for place in places for layer in place.edited()]


def after_one_edit(places: Sequence[Place], layers: Sequence[Layer], index: int, wrong: Wrong | None) -> list[Layer]:
    """The layers of the network after one edit: of the place ``index``, or of only one wrong setting there."""
    place, found = places[index], list(layers)
    here = slice(place.at, place.at + len(place.own))
    if wrong is not None:
        found[here] = place.with_one_setting(wrong)
        return found
    if place.action == "replace":
        found[here] = place.edited()
        return found
    before = [one for one in places[:index] if one.own and one.action != "move"]
    to = before[-1].at + len(before[-1].own) if before else 0
    moved = found[here] if place.action == "move" else list(place.edited())
    if place.own:
        del found[here]
        to -= sum(position < to for position in range(place.at, place.at + len(place.own)))
    found[to:to] = moved
    return found


def fits(layers: Sequence[Layer], slots: Sequence[Slot]) -> bool:
    """Whether these layers are right in these slots as they are."""
    pairs = zip(slots, layers, strict=True) if len(layers) == len(slots) else ()
    return bool(layers) and len(layers) == len(slots) and all(slot.wrong(layer) == [] for slot, layer in pairs)


def _changed(layer: Layer, wrong: Sequence[Wrong]) -> Layer:
    """A layer with its settings set right; ``wrong`` may speak of its activation as well."""
    right = {name: value for name, _, value in wrong if name in layer.settings and name not in STATES}
    if layer.kind == "Activation" and "activation" in right:
        return replace(layer, settings=activation_settings(right["activation"]))
    states = {name: value for name, _, value in wrong if name in STATES}
    return replace(layer, settings={**layer.settings, **right}, **states)


# --- from steps to places ---------------------------------------------------------------------------------------------


def places_of(steps: Sequence[Step], layers: Sequence[Layer], slots: Sequence[Slot]) -> list[Place]:
    """One place for each layer of both sides, with the activation inside it."""
    places: list[Place] = []
    for step in steps:
        own, here = tuple(layers[index] for index in step.layers), tuple(slots[state] for state in step.states)
        at = step.layers[0] if step.layers else 0
        whole = None if step.action == "move" or not places else _with_activation(places[-1], step.action, own, here)
        if whole is not None:
            places[-1] = whole
        elif step.action == "keep":
            wrong = tuple(here[0].wrong(own[0]) or ())
            places.append(Place(own, here, wrong, "change" if wrong else "ok", at))
        else:
            places.append(Place(own, here, (), step.action, at))
    return places


def _with_activation(place: Place, action: str, own: tuple[Layer, ...], slots: tuple[Slot, ...]) -> Place | None:
    """A layer that stays, with the activation that is kept, added or removed right after it; None for all else."""
    if place.action not in ("ok", "change", "replace") or len(place.own) != 1 or len(place.slots) != 1:
        return None
    if {*(layer.kind for layer in own), *(slot.kind for slot in slots)} - {"Activation", None}:
        return None
    if action == "add" and slots[0].kind is None:
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


# --- layers that are there without effect -----------------------------------------------------------------------------


def with_idle(places: Sequence[Place], idle: Sequence[tuple[int, Layer]]) -> list[Place]:
    """The places, where a layer is to be added that is there already without effect, with that layer.

    Args:
        places: without such layers.
        idle: the layers without effect, each with the number of layers that stand before it.
    """
    waiting, found, start = list(idle), [], 0
    ends = [place.at for place in places if place.stays]  # where each stretch between two layers that stay ends
    passed = 0
    for place in places:
        if place.stays:
            start, passed = place.at + len(place.own), passed + 1
        elif place.action == "add" and waiting:
            end = ends[passed] if passed < len(ends) else None
            for number, (gap, layer) in enumerate(waiting):
                within = start <= gap and (end is None or gap <= end)
                if within and len(place.slots[0].wrong(layer) or ()) == 1:
                    waiting, place = waiting[number + 1 :], replace(place, idle=layer)
                    break
        found.append(place)
    return found


def wrong_in_idle(idle: Layer, place: Place) -> Wrong:
    """What makes a layer idle, and the value that a new one would have."""
    slot = place.slots[0]
    name, actual, expected = (slot.wrong(idle) or [])[0]
    return name, actual, slot.example.settings.get(name, expected)
