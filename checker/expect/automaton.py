"""The automaton that patterns compile to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from checker import blueprint
from checker.expect.slots import Slot


@dataclass(frozen=True)
class Fragment:
    """A part of the automaton: the slots it can begin and end with, and whether it can be empty."""

    first: frozenset[int] = frozenset()
    last: frozenset[int] = frozenset()
    empty: bool = True

    def optional(self) -> Fragment:
        return Fragment(self.first, self.last, True)


class Buildable(Protocol):
    """What an automaton is made of: a pattern."""

    def build(self, automaton: Automaton) -> Fragment: ...


class Automaton:
    """Glushkov's automaton of a pattern: state 0 is the start, state k means that slot k was the last one passed.

    Layers in canonical order are enough to tell right from wrong. A ``written`` automaton takes them as they were
    written, a relu after the dropouts it commutes with or once too often, so that an edit there costs no more.

    It has no empty transitions, so one table of states by layers is all that an alignment needs.
    Source: V. M. Glushkov, "The abstract theory of automata", Russian Mathematical Surveys 16 (1961).

    Attributes:
        slots: the slots; ``slots[0]`` stands for the start and matches nothing.
        follow: the slots that may come after each.
        final: the states in which the network may end.
        plain: whether the pattern is one plain sequence.
    """

    def __init__(self, pattern: Buildable, written: bool = False) -> None:
        self.written = written
        self.slots: list[Slot] = [Slot("")]
        self.successors: list[set[int]] = [set()]
        whole = pattern.build(self)
        self.successors[0] |= whole.first
        self.final = whole.last | ({0} if whole.empty else frozenset())
        self.follow: list[tuple[int, ...]] = [tuple(sorted(states)) for states in self.successors]
        self.plain = (
            self.final == {len(self.slots) - 1}
            and all(follow == (state + 1,) for state, follow in enumerate(self.follow[:-1]))
            and not self.follow[-1]
        )

    def accepts(self, layers: Sequence[blueprint.Layer]) -> bool:
        """Whether the layers are right as they are."""
        states = {0}
        for layer in layers:
            states = {one for state in states for one in self.follow[state] if self.slots[one].wrong(layer) == []}
        return bool(states & self.final)

    def slot(self, slot: Slot) -> Fragment:
        self.slots.append(slot)
        self.successors.append(set())
        state = frozenset({len(self.slots) - 1})
        return Fragment(state, state, False)

    def runs(self, slots: Sequence[Slot]) -> list[Fragment]:
        """Slots one after another; in a written automaton, a relu and the dropouts after it in any equivalent form."""
        parts = []
        index = 0
        while index < len(slots):
            end = index + 1
            if self.written and slots[index].is_relu:
                while end < len(slots) and blueprint.commutes_with_relu(slots[end].kind or ""):
                    end += 1
                parts.append(self._commuting(slots[index], slots[index + 1 : end]))
            else:
                parts.append(self.slot(slots[index]))
            index = end
        return parts

    def _commuting(self, relu: Slot, dropouts: Sequence[Slot]) -> Fragment:
        """A relu before, between or after dropouts, and again after it was there."""
        again = replace(relu, addable=False)

        def with_relus(part: Fragment) -> Fragment:
            return self.join(part, self.loop(self.slot(again)).optional())

        done, waiting = with_relus(self.slot(relu)), Fragment()
        for dropout in dropouts:
            done = self.join(done, self.slot(dropout))
            waiting = self.join(waiting, self.slot(dropout))
            late = self.join(Fragment(waiting.first, waiting.last, False), self.slot(relu))
            done = with_relus(self.either(done, late))
        return done

    def join(self, *parts: Fragment) -> Fragment:
        whole = Fragment()
        for part in parts:
            for state in whole.last:
                self.successors[state] |= part.first
            whole = Fragment(
                whole.first | part.first if whole.empty else whole.first,
                whole.last | part.last if part.empty else part.last,
                whole.empty and part.empty,
            )
        return whole

    def either(self, *parts: Fragment) -> Fragment:
        return Fragment(
            frozenset().union(*(part.first for part in parts)),
            frozenset().union(*(part.last for part in parts)),
            any(part.empty for part in parts),
        )

    def loop(self, part: Fragment) -> Fragment:
        for state in part.last:
            self.successors[state] |= part.first
        return part
