"""Rules over the whole network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

from checker import blueprint
from checker.blueprint import Role, holds_activation, kind_of, mistaken_for
from checker.expect.patterns import Layer
from checker.expect.values import Allowed, as_allowed, literal


@dataclass(frozen=True)
class Fix:
    """One way to mend a violation at a layer: set a setting, remove it, put ``layer`` before it or instead of it."""

    index: int
    layer: Layer | None = None
    wrong: tuple[str, Any, Any] | None = None
    instead: bool = False


@dataclass(frozen=True)
class Violation:
    """A rule that a network breaks.

    Attributes:
        code, params: of the finding that says so, where no fix can be named.
        fixes: ways to mend it, the most natural one first.
    """

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)
    fixes: tuple[Fix, ...] = ()


class Constraint:
    """A rule over the whole network."""

    def violations(self, layers: Sequence[blueprint.Layer], parameters: int | None) -> Iterator[Violation]:
        """Where canonical layers, or the number of the network's weights, break the rule."""
        raise NotImplementedError


@dataclass(frozen=True)
class _Count(Constraint):
    layer: Layer
    allowed: Allowed
    any_settings: bool
    others: bool = False

    def violations(self, layers: Sequence[blueprint.Layer], parameters: int | None) -> Iterator[Violation]:
        places = [index for index, layer in enumerate(layers) if layer.kind == self.layer.kind]
        if self.others:
            right = [index for index in places if not self.layer.slots[0].wrong(layers[index])]
            if self.allowed.accepts(len(right)):
                return
        for index in places:
            for wrong in self.layer.slots[0].wrong(layers[index]) or ():
                if wrong[0] in ("trainable", "training") or not self.any_settings:
                    named = {"kind": self.layer.kind, "setting": wrong[0], "expected": literal(wrong[2])}
                    yield Violation("network.settings", named, (Fix(index, wrong=wrong),))
        wanted = self.allowed.nearest(len(places))
        params = {"kind": self.layer.kind, "actual": len(places), "expected": self.allowed.text}
        missing = int(wanted) - len(places)
        if missing > 0:
            ends = [_after(layers, index) for index, layer in enumerate(layers) if holds_activation(layer.kind)]
            natural = (
                [0] if kind_of(self.layer.kind).role is Role.NORMALIZATION else ends[:-1]
            )  # it may scale the raw features
            anywhere = dict.fromkeys([*natural, *ends[:-1], *range(len(layers) + 1)])
            taken = [index for index, layer in enumerate(layers) if mistaken_for(self.layer.kind, layer.kind)]
            instead = [Fix(index, self.layer, instead=True) for index in taken]
            fixes = (*instead, *(Fix(index, self.layer) for index in anywhere))
            yield from repeat(Violation("network.count", params, fixes), missing)
        elif missing < 0:
            fixes = tuple(Fix(index) for index in reversed(places))
            yield from repeat(Violation("network.count", params, fixes), -missing)


@dataclass(frozen=True)
class _Parameters(Constraint):
    allowed: Allowed

    def violations(self, layers: Sequence[blueprint.Layer], parameters: int | None) -> Iterator[Violation]:
        if parameters is not None and not self.allowed.accepts(parameters):
            large = parameters > self.allowed.nearest(parameters)
            params = {"actual": parameters, "expected": int(self.allowed.nearest(parameters))}
            yield Violation("network.parameters" if large else "network.parameters:few", params)


@dataclass(frozen=True)
class _Beside(Constraint):
    """Each layer of a kind has a certain layer right before or right after it and its activation."""

    kind: str
    layer: Layer
    after: bool
    hidden: bool

    def violations(self, layers: Sequence[blueprint.Layer], parameters: int | None) -> Iterator[Violation]:
        places = [index for index, layer in enumerate(layers) if layer.kind == self.kind]
        for index in places[:-1] if self.hidden else places:
            gap = _after(layers, index) if self.after else index
            beside = layers[gap : gap + 1] if self.after else layers[max(gap - 1, 0) : gap]
            if not any(self.layer.slots[0].wrong(layer) == [] for layer in beside):
                yield Violation("network.beside", {}, (Fix(gap, self.layer),))


@dataclass(frozen=True)
class _Never(Constraint):
    """Layers of some kinds do not stand at certain places."""

    kinds: tuple[str, ...]
    where: str
    neighbour: str = ""

    def violations(self, layers: Sequence[blueprint.Layer], parameters: int | None) -> Iterator[Violation]:
        last = max((index for index, layer in enumerate(layers) if holds_activation(layer.kind)), default=len(layers))
        for index, layer in enumerate(layers):
            after = layers[index + 1].kind if index + 1 < len(layers) else ""
            here = {"first": index == 0, "after_output": index > last, "before": after == self.neighbour}
            if layer.kind in self.kinds and here[self.where]:
                yield Violation("network.never", {}, (Fix(index),))


def count(kind: str | Layer, number: Any, others: bool = False) -> Constraint:
    """So many layers of a kind; given as a pattern, each of them has its settings. A frozen one is wrong.

    Args:
        kind: the kind, or a pattern.
        number: how many.
        others: whether further layers of the kind may have other settings.
    """
    return _Count(Layer(kind) if isinstance(kind, str) else kind, as_allowed(number), isinstance(kind, str), others)


def parameters(number: Any) -> Constraint:
    """So many weights in the whole network."""
    return _Parameters(as_allowed(number))


def followed_by(kind: str, layer: Layer, hidden: bool = True) -> Constraint:
    """Right after each layer of a kind and its activation stands such a layer; ``hidden``: but not after the last."""
    return _Beside(kind, layer, after=True, hidden=hidden)


def preceded_by(kind: str, layer: Layer, hidden: bool = False) -> Constraint:
    """Right before each layer of a kind stands such a layer; ``hidden``: but not before the last."""
    return _Beside(kind, layer, after=False, hidden=hidden)


def not_after_output(*kinds: str) -> Constraint:
    """No layer of these kinds stands after the last layer that has an activation of its own, the output."""
    return _Never(kinds, "after_output")


def not_first(*kinds: str) -> Constraint:
    """No layer of these kinds is the first."""
    return _Never(kinds, "first")


def not_right_before(kind: str, neighbour: str) -> Constraint:
    """No layer of a kind stands right before one of another kind."""
    return _Never((kind,), "before", neighbour)


def _after(layers: Sequence[blueprint.Layer], index: int) -> int:
    """The place right after a layer and its activation."""
    has_own = holds_activation(layers[index].kind) and index + 1 < len(layers)
    return index + 2 if has_own and layers[index + 1].kind == "Activation" else index + 1
