"""Rules over the whole network: the edits that let the network, as it is to become, keep them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from checker.alignment.places import Place, after_edits, fits, with_idle
from checker.blueprint import Layer
from checker.expect import Constraint, Fix, Network, Slot, Violation

MOST_EFFORT = 100_000
"""Layers times fixes that are tried, together at most two seconds' work. Networks of ten layers need some hundreds, one
of a hundred layers without anything that an open design asks for 20,000; beyond it a rule is only said to be broken."""


@dataclass(frozen=True)
class Mended:
    """The places with the edits that the rules ask for.

    Attributes:
        places: what to do.
        broken: rules that no fix was found for.
    """

    places: tuple[Place, ...]
    broken: tuple[Violation, ...] = ()


def mended(
    places: Sequence[Place], network: Network, parameters: int | None, idle: Sequence[tuple[int, Layer]]
) -> Mended:
    """Mend what breaks a rule, one violation after another, in the network as it is to become.

    Args:
        places: what to do already.
        network: what is expected.
        parameters: the number of the network's weights, None when it is not known.
        idle: layers without effect, which rather than new ones are set right.
    """
    found, effort = Mended(tuple(places)), MOST_EFFORT
    for rule in network.constraints:
        found, effort = _with_rule(found, rule, network, parameters, idle, effort)
    return found


def _with_rule(
    before: Mended,
    rule: Constraint,
    network: Network,
    parameters: int | None,
    idle: Sequence[tuple[int, Layer]],
    effort: int,
) -> tuple[Mended, int]:
    """The places mended for one more rule, and the effort that is left."""
    places, first = before.places, None

    def remaining(places: Sequence[Place]) -> tuple[int, int]:
        """How many rules' violations remain, and how many layers are to be added that are not even there idle."""
        layers = after_edits(places)
        new = sum(place.action == "add" and place.idle is None for place in with_idle(places, idle))
        return sum(1 for one in network.constraints for _ in one.violations(layers, parameters)), new

    while (violation := next(iter(rule.violations(after_edits(places), parameters)), None)) is not None:
        first = first or violation
        effort -= max(len(places), 1) * len(violation.fixes)
        if effort < 0 and violation.fixes:  # said of the network as it is, not half mended
            return replace(before, broken=(*before.broken, first)), effort
        tried = [_after_fix(places, fix) for fix in violation.fixes]
        allowed = [one for one in tried if network.automaton.accepts(after_edits(one))]
        if not allowed:
            return Mended(places, (*before.broken, violation)), effort
        places = min(allowed, key=remaining)
    return replace(before, places=places), effort


def _after_fix(places: Sequence[Place], fix: Fix) -> tuple[Place, ...]:
    """The places after one more fix."""
    ends = list(accumulate(len(list(place.edited())) for place in places))
    if fix.layer is not None and not fix.instead:
        return _with_layer(places, bisect_left(ends, fix.index) + 1 if fix.index else 0, fix.layer.slots)
    here = bisect_right(ends, fix.index)
    place = places[here]
    if fix.layer is not None:
        changed = [replace(place, slots=fix.layer.slots, wrong=(), action="replace" if place.own else "add")]
    elif fix.wrong is not None:
        changed = [replace(place, wrong=(*place.wrong, fix.wrong), action="change")]
    else:
        changed = [replace(place, slots=(), wrong=(), action="remove")] if place.own else []
    return (*places[:here], *changed, *places[here + 1 :])


def _with_layer(places: Sequence[Place], index: int, slots: tuple[Slot, ...]) -> tuple[Place, ...]:
    """The places with one more; a layer that is to be removed and fits is moved there instead of a new one."""
    for place in places:
        if place.action == "remove" and fits(place.own, slots):
            moved = Place(place.own, slots, (), "move", place.at)
            return tuple(one for one in (*places[:index], moved, *places[index:]) if one is not place)
    return (*places[:index], Place((), slots, (), "add"), *places[index:])
