"""Places as findings and as rows of a table.

Every number is a number of the network as it was handed in, and says which layer is meant wherever that layer goes, so
that the findings can be acted on in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from checker.alignment.places import STATES, Place, Wrong, wrong_in_idle
from checker.alignment.prices import is_inside
from checker.blueprint import Layer, activation_code, commutes_with_relu
from checker.expect import Allowed, Slot, literal, source, telling
from checker.report import Row

Shown = Mapping[int, str]
"""The learner's own layers as code, by number."""


@dataclass(frozen=True)
class Edit:
    """One thing to do.

    Attributes:
        action: ``"add"``, ``"remove"``, ``"change"``, ``"move"`` or ``"replace"``.
        code, position, params: of the finding that says so.
        place: the place that it is done at, None for a rule without a fix.
        wrong: what is set right there; None for whatever concerns the whole place.
    """

    action: str
    code: str
    position: int | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    place: int | None = field(default=None, compare=False)
    wrong: Wrong | None = field(default=None, compare=False)


def edits_of(places: Sequence[Place], shown: Shown) -> Iterator[Edit]:
    """What to do, from top to bottom."""
    for index, place in enumerate(places):
        if place.action in ("ok", "change"):
            for wrong in place.wrong:
                yield replace(_changed(shown, place.own[0], place, *wrong), place=index, wrong=wrong)
        else:
            yield replace(_of_whole(places, index, shown), place=index)


def _of_whole(places: Sequence[Place], index: int, shown: Shown) -> Edit:
    """The edit of a place that is added, moved, removed or replaced."""
    place = places[index]
    if place.idle is not None:
        return _changed(shown, place.idle, place, *wrong_in_idle(place.idle, place))
    if place.action == "add":
        wording = "any" if place.slots[0].kind is None else ""
        return _placed(places, index, shown, "layer.missing", None, {"layer": _new_code(place.slots)}, wording)
    if place.action == "move":
        moved = place.own[0]
        return _placed(places, index, shown, "layer.moved", moved.number, {"layer": _label(shown, moved)})
    if place.action == "remove":
        return _of_both(shown, "layer.extra", place, {})
    return _of_both(shown, "layer.replaced", place, {"expected": _new_code(place.slots)})


def _of_both(shown: Shown, code: str, place: Place, params: Mapping[str, Any]) -> Edit:
    """An edit of a layer, and of the activation after it if that was written apart."""
    layer, last = place.own[0], place.own[-1]
    params = {"layer": _label(shown, layer), **params}
    if last.number == layer.number:
        return Edit(place.action, code, layer.number, params)
    with_activation = {"activation_position": last.number, "activation": _label(shown, last)}
    return Edit(place.action, f"{code}:pair", layer.number, {**params, **with_activation})


def _changed(shown: Shown, layer: Layer, place: Place, setting: str, actual: Any, expected: Any) -> Edit:
    """The edit of one setting."""
    params: dict[str, Any] = {
        "layer": _label(shown, layer),
        "setting": setting,
        "actual": literal(actual),
        "expected": literal(expected),
    }
    if setting in STATES:
        return Edit("change", STATES[setting], layer.number, params)
    if setting != "activation" or actual is None:
        return Edit("change", "layer.setting", layer.number, params)
    inside = place.own[-1]
    params["actual"] = _bare(activation_code(inside.settings))
    code = _label(shown, inside)
    if expected is None:
        apart = inside.number != layer.number
        params |= {"activation_position": inside.number, "activation": code}
        return Edit("change", "layer.setting:apart" if apart else "layer.setting:off", layer.number, params)
    if not is_inside(inside, layer) and _bare(code) == code:  # a layer that takes no activation: ``ELU()``
        new = f"keras.layers.Activation({literal(expected)})"
        return Edit("change", "layer.replaced", inside.number, {"layer": code, "expected": new})
    return Edit("change", "layer.setting", inside.number, {**params, "layer": code})


def _placed(
    places: Sequence[Place],
    index: int,
    shown: Shown,
    code: str,
    position: int | None,
    params: Mapping[str, Any],
    wording: str = "",
) -> Edit:
    """An edit that puts a layer after another: after one of the learner's, a new one, or at the start."""
    action = places[index].action
    before = next((place for place in reversed(places[:index]) if place.slots), None)
    after = None if before is None else _last_of(before, places[:index])
    if before is None:
        return Edit(action, _worded(code, wording, "first"), position, params)
    if after is None:
        new = _new_code(before.slots)
        return Edit(action, _worded(code, wording, "after_new"), position, {**params, "after": new})
    found = {"after": _label(shown, after), "after_position": after.number}
    return Edit(action, _worded(code, wording), after.number if position is None else position, {**params, **found})


def _worded(code: str, *wordings: str) -> str:
    """The code of one of a finding's wordings: ``"layer.missing:any_first"``."""
    wording = "_".join(word for word in wordings if word)
    return f"{code}:{wording}" if wording else code


def _last_of(place: Place, before: Sequence[Place]) -> Layer | None:
    """The learner's layer that ends a place; None for a new one.

    An activation that the learner wrote after a dropout stands before it in canonical form, but still ends it.
    """
    if not place.own:
        return place.idle
    last = place.own[min(len(place.own), len(place.slots)) - 1]
    if commutes_with_relu(last.kind):
        for earlier in reversed(before):
            if earlier.own and earlier.own[-1].kind == "Activation" and len(earlier.own) == len(earlier.slots):
                return max(last, earlier.own[-1], key=lambda layer: layer.number)
            if earlier.own and not commutes_with_relu(earlier.own[-1].kind):
                break
    return last


def row_of(place: Place, shown: Shown) -> Row:
    """A place as a row of the table."""
    if place.idle is not None:
        name, _, value = wrong_in_idle(place.idle, place)
        change = f"{name}={literal(value)}"
        return Row("change", place.idle.number, _label(shown, place.idle), _text(place.slots), change)
    number, actual, expected = None, None, None
    if place.own:
        number, actual = place.own[0].number, _label(shown, place.own[0])
        if len(place.own) > 1 and place.own[1].number != number:
            actual = _joined(actual, _label(shown, place.own[1]))
    if place.slots and place.slots[0].kind is None:  # any layer: expected is what is there, set right
        expected = next(place.edited()).code if place.wrong else actual
    if place.slots and expected is None:
        expected = _text(place.slots)
    detail = ", ".join(f"{name}={literal(value)}" for name, _, value in place.wrong if name != "shared")
    if place.action == "replace" or (place.wrong and not detail):
        return Row("change", number, actual, expected, _new_code(place.slots))
    return Row(place.action, number, actual, expected, detail)


# --- code -------------------------------------------------------------------------------------------------------------


def _label(shown: Shown, layer: Layer) -> str:
    return shown.get(layer.number) or layer.code


def _joined(code: str, activation: str) -> str:
    """The code of a layer with the activation that stands after it inside: ``Dense(8, activation="relu")``."""
    return f"{code.removesuffix(')')}{'' if code.endswith('()') else ', '}activation={_bare(activation)})"


def _bare(activation: str) -> str:
    """What stands in ``Activation(...)``; other code as it is."""
    is_plain = activation.startswith("Activation(")
    return activation.removeprefix("Activation(").removesuffix(")") if is_plain else activation


def _new_code(slots: Sequence[Slot]) -> str:
    return f"keras.layers.{_written(slots, lambda allowed: literal(allowed.example))}"


def _text(slots: Sequence[Slot]) -> str:
    return _written(slots, lambda allowed: allowed.text)


def _written(slots: Sequence[Slot], text: Callable[[Allowed], str]) -> str:
    kind = slots[0].kind
    if kind is None:
        return slots[0].example.code
    settings = {name: allowed for slot in slots for name, allowed in slot.settings.items()}
    return source(kind, {name: text(allowed) for name, allowed in telling(kind, settings).items()})
