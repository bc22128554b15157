"""Patterns that read like Keras code, and the layers they stand for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from checker import blueprint
from checker.expect.automaton import Automaton, Fragment
from checker.expect.slots import Slot, source, telling
from checker.expect.values import Allowed, as_allowed, literal

BLANK = "____"
"""What stands for a gap in a skeleton."""


class Pattern:
    """Something that a stretch of layers can be like."""

    def build(self, automaton: Automaton) -> Fragment:
        """Add this pattern's slots to the automaton."""
        raise NotImplementedError

    def elements(self) -> Iterator[Layer]:
        """The layers that the reference has here."""
        raise NotImplementedError


@dataclass(frozen=True, init=False)
class Layer(Pattern):
    """A layer of one kind: ``Layer("Conv2D", filters=32, kernel_size=3)``.

    Attributes:
        kind: Keras' class.
        settings: settings by name, each a value or what :func:`between` and its like return.
        activation: the activation inside it, None for none.
    """

    kind: str
    settings: Mapping[str, Allowed]
    activation: Allowed | None

    def __init__(self, kind: str, activation: Any = None, /, **settings: Any) -> None:
        allowed = {name: as_allowed(value) for name, value in settings.items()}
        inside = allowed.pop("activation", None) if kind != "Activation" else None
        inside = inside or (None if activation is None else as_allowed(activation))
        if inside is not None and inside.exact and inside.values[0] in (None, "linear"):
            inside = None
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "settings", allowed)
        object.__setattr__(self, "activation", inside)

    def build(self, automaton: Automaton) -> Fragment:
        body, *inside = (automaton.slot(slot) for slot in self.slots)
        return automaton.join(body, *(part if self.is_fixed else part.optional() for part in inside))

    def elements(self) -> Iterator[Layer]:
        yield self

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Its canonical layers."""
        body = Slot(self.kind, self.settings)
        return (body,) if self.activation is None else (body, Slot("Activation", {"activation": self.activation}))

    @property
    def is_fixed(self) -> bool:
        """Whether it always has as many canonical layers; an activation that may be linear may be none."""
        return self.activation is None or not any(self.activation.accepts(linear) for linear in (None, "linear"))

    @property
    def code(self) -> str:
        """The reference as Keras code: ``Dense(128, activation="relu")``."""
        return self._source({name: literal(allowed.example) for name, allowed in self._all.items()})

    @property
    def text(self) -> str:
        """All that is allowed here, for the table: ``Dropout(0.2 … 0.5)``."""
        return self._source({name: allowed.text for name, allowed in self._all.items()})

    @property
    def gaps(self) -> str:
        """The code with a blank for each setting: ``Dropout(____)``."""
        return self._source(dict.fromkeys(self._all, BLANK))

    @property
    def _all(self) -> dict[str, Allowed]:
        return dict(self.settings) if self.activation is None else {**self.settings, "activation": self.activation}

    def _source(self, texts: Mapping[str, str]) -> str:
        told = telling(self.kind, self._all)
        if "activation" in told and told["activation"].example in (None, "linear"):
            del told["activation"]
        return source(self.kind, {name: text for name, text in texts.items() if name in told})


def Dense(units: Any, activation: Any = None, **settings: Any) -> Layer:
    """A dense layer; without ``activation`` a linear one."""
    return Layer("Dense", activation, units=units, **settings)


def Dropout(rate: Any, **settings: Any) -> Layer:
    """A dropout layer; ``rate`` is the share of inputs that it shuts off."""
    return Layer("Dropout", rate=rate, **settings)


def BatchNormalization(**settings: Any) -> Layer:
    """A batch normalization layer, not frozen."""
    return Layer("BatchNormalization", **settings)


def Activation(activation: Any) -> Layer:
    """An activation; the same as that activation inside the layer before it."""
    return Layer("Activation", activation=activation)


@dataclass(frozen=True)
class AnyLayer(Pattern):
    """One layer of any kind, except these.

    Raises:
        ValueError: none of the usual layers is left that could stand for it in the reference.
    """

    excluding: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not any(True for _ in self.elements()):
            raise ValueError(f"No layer is left as an example where {', '.join(self.excluding)} are excluded")

    def build(self, automaton: Automaton) -> Fragment:
        (example,) = self.elements()
        return automaton.slot(Slot(None, kinds=frozenset(self.excluding), like=example.slots[0].example))

    def elements(self) -> Iterator[Layer]:
        usual = (Dense(8), BatchNormalization(), Dropout(0.5), Activation("relu"))
        yield from [layer for layer in usual if layer.kind not in self.excluding][:1]


class Group(Pattern):
    """Patterns one after another."""

    def __init__(self, *patterns: Pattern) -> None:
        self.patterns = patterns

    def build(self, automaton: Automaton) -> Fragment:
        parts: list[Fragment] = []
        for fixed, run in groupby(self.patterns, lambda pattern: isinstance(pattern, Layer) and pattern.is_fixed):
            if fixed:
                slots = [slot for layer in run if isinstance(layer, Layer) for slot in layer.slots]
                parts += automaton.runs(_in_canonical_order(slots))
            else:
                parts += [pattern.build(automaton) for pattern in run]
        return automaton.join(*parts)

    def elements(self) -> Iterator[Layer]:
        for pattern in self.patterns:
            yield from pattern.elements()


class Optional(Group):
    """These layers or nothing; the reference leaves them out."""

    def build(self, automaton: Automaton) -> Fragment:
        return super().build(automaton).optional()

    def elements(self) -> Iterator[Layer]:
        yield from ()


class Repeat(Group):
    """These layers several times in a row; the reference repeats them as seldom as allowed.

    Args:
        patterns: what is repeated.
        at_least, at_most: how often; ``at_most=None`` is without end.
    """

    def __init__(self, *patterns: Pattern, at_least: int = 0, at_most: int | None = None) -> None:
        super().__init__(*patterns)
        self.at_least, self.at_most = at_least, at_most

    def build(self, automaton: Automaton) -> Fragment:
        build = super().build
        parts = [build(automaton) for _ in range(self.at_least)]
        if self.at_most is None:
            parts.append(automaton.loop(build(automaton)).optional())
        else:
            tail = Fragment()
            for _ in range(self.at_most - self.at_least):
                tail = automaton.join(build(automaton), tail).optional()
            parts.append(tail)
        return automaton.join(*parts)

    def elements(self) -> Iterator[Layer]:
        for _ in range(self.at_least):
            yield from super().elements()


class Choice(Pattern):
    """One of several patterns; the reference has the first. Give a tuple for several layers in a row."""

    def __init__(self, *alternatives: Pattern | Sequence[Pattern]) -> None:
        self.alternatives = [one if isinstance(one, Pattern) else Group(*one) for one in alternatives]

    def build(self, automaton: Automaton) -> Fragment:
        return automaton.either(*(one.build(automaton) for one in self.alternatives))

    def elements(self) -> Iterator[Layer]:
        yield from self.alternatives[0].elements()


def _in_canonical_order(slots: Sequence[Slot]) -> list[Slot]:
    """In the order that a Blueprint brings such layers into; an activation left open commutes with nothing."""
    layers = [
        replace(slot.example, number=index)
        if slot.exact or slot.kind != "Activation"
        else blueprint.Layer("", {}, number=index)
        for index, slot in enumerate(slots)
    ]
    return [slots[layer.number] for layer in blueprint.in_canonical_order(layers)]
