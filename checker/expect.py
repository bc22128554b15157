"""What a model *should* be: patterns that read like Keras code, for exact answers and for open designs.

One declaration of a network gives everything that is shown of it: the reference as code, the blanks of the hints, the
expected side of the table, and (through :mod:`checker.align`) the verdict. So they cannot disagree.

    q1 = Network(
        Dense(128, activation="relu"), Dropout(0.3),
        Dense(64, activation="relu"), Dropout(0.3),
        Dense(1),
        input_shape=[18],
    )
    challenge = Network(
        Repeat(AnyLayer()), Dense(1),
        constraints=[count("Dropout", at_least(1)), parameters(at_most(50_000))],
        example=[Dense(64, activation="relu"), Dropout(0.2), Dense(1)],
    )

Settings named in a pattern must have that value (floats with a tolerance); those not named must have Keras' default.
Names, seeds, data types, initializers, momentum and epsilon are free.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from checker import blueprint

BLANK = "____"
"""What stands for a gap in a skeleton."""


# --- values of settings -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Allowed:
    """The values that a setting may have: one of some, or a range, or anything.

    Attributes:
        values: the values allowed, empty for a range.
        low, high: the ends of a range, inclusive.
        example: the value that the reference has.
    """

    values: tuple[Any, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    example: Any = None

    def accepts(self, value: Any) -> bool:
        """Whether a setting may have this value; numbers are compared with a relative tolerance of 1e-6."""
        if self.values:
            return any(same(value, allowed) for allowed in self.values)
        if self.unbounded:
            return True
        return _is_number(value) and (self.low <= value <= self.high or same(value, self.low) or same(value, self.high))

    def nearest(self, value: Any) -> Any:
        """The allowed value to go to from this one."""
        if self.accepts(value):
            return value
        if self.values or not _is_number(value):
            return self.example
        return self.low if value < self.low else self.high

    @property
    def exact(self) -> bool:
        return len(self.values) == 1

    @property
    def unbounded(self) -> bool:
        return not self.values and math.isinf(self.low) and math.isinf(self.high)

    @property
    def text(self) -> str:
        """As it is written in a table: ``0.3``, ``0.2 … 0.5``, ``≥ 16``, ``"relu" | "elu"``."""
        if self.values:
            return " | ".join(literal(value) for value in self.values)
        if self.unbounded:
            return "…"
        if math.isinf(self.high):
            return f"≥ {literal(self.low)}"
        return f"≤ {literal(self.high)}" if math.isinf(self.low) else f"{literal(self.low)} … {literal(self.high)}"


def between(low: float, high: float, example: float | None = None) -> Allowed:
    """A number from low to high, both included; the reference has ``example`` (by default the middle)."""
    return Allowed(low=low, high=high, example=_middle(low, high) if example is None else example)


def at_least(low: float, example: float | None = None) -> Allowed:
    """A number from low on."""
    return Allowed(low=low, example=low if example is None else example)


def at_most(high: float, example: float | None = None) -> Allowed:
    """A number up to high."""
    return Allowed(high=high, example=high if example is None else example)


def one_of(*values: Any) -> Allowed:
    """One of these values; the reference has the first."""
    return Allowed(values, example=values[0])


def anything(example: Any = None) -> Allowed:
    """Any value; the reference has ``example``."""
    return Allowed(example=example)


def same(left: Any, right: Any) -> bool:
    """Whether two settings are equal; numbers with a relative tolerance of 1e-6, but True is not 1."""
    if _is_number(left) and _is_number(right):
        return math.isclose(left, right, rel_tol=1e-6, abs_tol=1e-9)
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(same(*pair) for pair in zip(left, right, strict=True))
    return type(left) is type(right) and bool(left == right)


def literal(value: Any) -> str:
    """A setting as Python code, strings in double quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, float):
        return f"{value:.10g}" if not value.is_integer() or abs(value) >= 1e16 else f"{value:.1f}"
    return repr(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _middle(low: float, high: float) -> float:
    return (low + high) // 2 if isinstance(low, int) and isinstance(high, int) else round((low + high) / 2, 10)


# --- layers -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Slot:
    """One expected layer in canonical form: an activation inside a layer is a slot of its own.

    Attributes:
        kind: Keras' class, None for any layer.
        settings: what its settings may be; those not named must have Keras' default.
        joined: an activation that stands inside the layer before it.
        kinds: for any layer, the kinds it may not be.
    """

    kind: str | None
    settings: Mapping[str, Allowed] = field(default_factory=dict)
    joined: bool = False
    kinds: frozenset[str] = frozenset()

    def wrong(self, layer: blueprint.Layer) -> list[tuple[str, Any, Any]] | None:
        """What differs in a layer of this kind: ``(setting, actual, expected)``; None for a layer of another kind."""
        if self.kind is None:
            return None if layer.kind in self.kinds else []
        if self.kind != layer.kind:
            return None
        found = [
            (name, actual, allowed.nearest(actual))
            for name, allowed in self.settings.items()
            if not allowed.accepts(actual := layer.settings.get(name))
        ]
        if layer.kind == "Activation" and any(name == "activation" for name, _, _ in found):
            return found[:1]  # the parameters belong to the wrong activation
        defaults = _defaults(layer)
        found += [
            (name, actual, defaults[name])
            for name, actual in layer.settings.items()
            if name not in self.settings and name in defaults and not same(actual, defaults[name])
        ]
        return found if layer.trainable else [*found, ("trainable", False, True)]

    @property
    def example(self) -> blueprint.Layer:
        """The layer that the reference has here."""
        kind = self.kind or "Identity"
        return blueprint.Layer(
            kind, _complete(kind, {name: allowed.example for name, allowed in self.settings.items()})
        )


def holds_activation(kind: str | None) -> bool:
    """Whether a layer of this kind takes an ``activation=``."""
    return kind is not None and bool(blueprint._HAS_ACTIVATION.match(kind))


def _defaults(layer: blueprint.Layer) -> dict[str, Any]:
    """Keras' defaults of the settings that make a difference, for an activation those of its parameters."""
    if layer.kind == "Activation":
        return blueprint.activation_settings(layer.settings["activation"])
    known = blueprint.SETTINGS.get(layer.kind, {})
    return {name: default for name, default in known.items() if default is not blueprint.REQUIRED}


def _complete(kind: str, named: Mapping[str, Any]) -> dict[str, Any]:
    """Settings in canonical form, Keras' defaults filled in."""
    if kind == "Activation":
        return blueprint.activation_settings(**named)
    required = [name for name, default in blueprint.SETTINGS.get(kind, {}).items() if default is blueprint.REQUIRED]
    return blueprint.settings_of(kind, {**dict.fromkeys(required), **named})


def source(kind: str, settings: Mapping[str, str]) -> str:
    """A layer as Keras code, settings that have no default first and without their names."""
    known = blueprint.SETTINGS.get(kind, {})
    required = [name for name, default in known.items() if default is blueprint.REQUIRED and name in settings]
    named = [f"{name}={text}" for name, text in settings.items() if name not in required]
    return f"{kind}({', '.join([*(settings[name] for name in required), *named])})"


# --- patterns ---------------------------------------------------------------------------------------------------------


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
        allowed = {name: _allowed(value) for name, value in settings.items()}
        inside = allowed.pop("activation", None) if kind != "Activation" else None
        inside = inside or (None if activation is None else _allowed(activation))
        if inside is not None and inside.exact and inside.values[0] in (None, "linear"):
            inside = None
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "settings", allowed)
        object.__setattr__(self, "activation", inside)

    def build(self, automaton: Automaton) -> Fragment:
        body = automaton.slot(Slot(self.kind, self.settings))
        if self.activation is None:
            return body
        inside = automaton.slot(Slot("Activation", {"activation": self.activation}, joined=True))
        if any(self.activation.accepts(name) for name in (None, "linear")):
            inside = inside.optional()
        return automaton.join(body, inside)

    def elements(self) -> Iterator[Layer]:
        yield self

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Its canonical layers, as the reference has them."""
        body = Slot(self.kind, self.settings)
        if self.activation is None or self.activation.example in (None, "linear"):
            return (body,)
        return (body, Slot("Activation", {"activation": self.activation}, joined=True))

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
        hidden = [
            name for name, allowed in self._all.items() if name == "activation" and allowed.example in (None, "linear")
        ]
        return source(self.kind, {name: text for name, text in texts.items() if name not in hidden})


def _allowed(value: Any) -> Allowed:
    return value if isinstance(value, Allowed) else Allowed((value,), example=value)


def Dense(units: Any, activation: Any = None, **settings: Any) -> Layer:  # noqa: N802 (reads like Keras)
    """A dense layer; without ``activation`` a linear one."""
    return Layer("Dense", activation, units=units, **settings)


def Dropout(rate: Any, **settings: Any) -> Layer:  # noqa: N802
    """A dropout layer; ``rate`` is the share of inputs that it shuts off."""
    return Layer("Dropout", rate=rate, **settings)


def BatchNormalization(**settings: Any) -> Layer:  # noqa: N802
    """A batch normalization layer, not frozen."""
    return Layer("BatchNormalization", **settings)


def Activation(activation: Any) -> Layer:  # noqa: N802
    """An activation; the same as that activation inside the layer before it."""
    return Layer("Activation", activation=activation)


@dataclass(frozen=True)
class AnyLayer(Pattern):
    """One layer of any kind, except these."""

    excluding: tuple[str, ...] = ()

    def build(self, automaton: Automaton) -> Fragment:
        return automaton.slot(Slot(None, kinds=frozenset(self.excluding)))

    def elements(self) -> Iterator[Layer]:
        yield from ()


class _Group(Pattern):
    """Patterns one after another."""

    def __init__(self, *patterns: Pattern) -> None:
        self.patterns = _in_canonical_order(patterns)

    def build(self, automaton: Automaton) -> Fragment:
        return automaton.join(*(pattern.build(automaton) for pattern in self.patterns))

    def elements(self) -> Iterator[Layer]:
        for pattern in self.patterns:
            yield from pattern.elements()


class Optional(_Group):
    """These layers or nothing; the reference leaves them out."""

    def build(self, automaton: Automaton) -> Fragment:
        return super().build(automaton).optional()

    def elements(self) -> Iterator[Layer]:
        yield from ()


class Repeat(_Group):
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
        self.alternatives = [one if isinstance(one, Pattern) else _Group(*one) for one in alternatives]

    def build(self, automaton: Automaton) -> Fragment:
        return automaton.either(*(one.build(automaton) for one in self.alternatives))

    def elements(self) -> Iterator[Layer]:
        yield from self.alternatives[0].elements()


def _in_canonical_order(patterns: Sequence[Pattern]) -> tuple[Pattern, ...]:
    """An activation that dropout commutes with stands before it, as in a Blueprint."""
    ordered = list(patterns)
    for index in range(1, len(ordered)):
        back = index
        while back and _commute(ordered[back - 1], ordered[back]):
            ordered[back - 1], ordered[back] = ordered[back], ordered[back - 1]
            back -= 1
    return tuple(ordered)


def _commute(first: Pattern, second: Pattern) -> bool:
    return (
        isinstance(first, Layer)
        and isinstance(second, Layer)
        and first.kind == "Dropout"
        and second.kind == "Activation"
        and second.settings["activation"].values in (("relu",), ("leaky_relu",))
    )


# --- the automaton that patterns compile to ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Fragment:
    """A part of the automaton: the slots it can begin and end with, and whether it can be empty."""

    first: frozenset[int] = frozenset()
    last: frozenset[int] = frozenset()
    empty: bool = True

    def optional(self) -> Fragment:
        return Fragment(self.first, self.last, True)


class Automaton:
    """Glushkov's automaton of a pattern: state 0 is the start, state k means that slot k was the last one passed.

    It has no empty transitions, so one table of states by layers is all that an alignment needs.
    Source: V. M. Glushkov, "The abstract theory of automata", Russian Mathematical Surveys 16 (1961).

    Attributes:
        slots: the slots; ``slots[0]`` stands for the start and matches nothing.
        follow: the slots that may come after each.
        final: the states in which the network may end.
        plain: whether the pattern is one plain sequence.
    """

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self.slots: list[Slot] = [Slot("")]
        self.successors: list[set[int]] = [set()]
        whole = _Group(*patterns).build(self)
        self.successors[0] |= whole.first
        self.final = whole.last | ({0} if whole.empty else frozenset())
        self.follow: list[tuple[int, ...]] = [tuple(sorted(states)) for states in self.successors]
        self.plain = (
            self.final == {len(self.slots) - 1}
            and all(follow == (state + 1,) for state, follow in enumerate(self.follow[:-1]))
            and not self.follow[-1]
        )

    def slot(self, slot: Slot) -> Fragment:
        self.slots.append(slot)
        self.successors.append(set())
        state = frozenset({len(self.slots) - 1})
        return Fragment(state, state, False)

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


# --- the network ------------------------------------------------------------------------------------------------------


class Network:
    """What a question expects.

    Args:
        patterns: its layers from input to output.
        input_shape: shape of one sample, without the batch axis.
        constraints: rules over the whole network.
        starter: the network that the learner starts from; unchanged it earns nothing.
        example: the reference's layers, for an open design whose patterns leave too much open to derive one.
    """

    def __init__(
        self,
        *patterns: Pattern,
        input_shape: Sequence[int | None] | None = None,
        constraints: Sequence[Any] = (),
        starter: Network | None = None,
        example: Sequence[Layer] = (),
    ) -> None:
        self.patterns = _in_canonical_order(patterns)
        self.input_shape = None if input_shape is None else tuple(input_shape)
        self.constraints = tuple(constraints)
        self.starter = starter
        self._example = tuple(example)

    @cached_property
    def automaton(self) -> Automaton:
        return Automaton(self.patterns)

    @cached_property
    def elements(self) -> tuple[Layer, ...]:
        """The layers of the reference, as a learner would write them."""
        return self._example or tuple(element for pattern in self.patterns for element in pattern.elements())

    def example(self) -> tuple[blueprint.Layer, ...]:
        """The layers of the reference in canonical form."""
        layers = []
        for number, element in enumerate(self.elements, 1):
            layers += [replace(slot.example, number=number) for slot in element.slots]
        return tuple(layers)

    def code(self) -> str:
        """The reference as runnable Keras code, an expression that makes the model."""
        return self._sequential([f"layers.{element.code}" for element in self.elements])

    def skeletons(self) -> tuple[str, ...]:
        """The reference with blanks, from many to few: what the starter lacks is blank, then only its settings are."""
        given = self._given()
        whole = [f"layers.{element.code}" for element in self.elements]
        kinds = [line if here else f"layers.{BLANK}({BLANK})" for line, here in zip(whole, given, strict=True)]
        gaps = [
            line if here else f"layers.{element.gaps}"
            for line, element, here in zip(whole, self.elements, given, strict=True)
        ]
        levels = [self._sequential(lines) for lines in (kinds, gaps)]
        return tuple(dict.fromkeys(level for level in levels if level != self.code()))

    def skeleton(self, level: int = 0) -> str:
        """One of :meth:`skeletons`, the most finished one for a level beyond them."""
        levels = self.skeletons() or (self.code(),)
        return levels[min(level, len(levels) - 1)]

    def rows(self) -> tuple[str, ...]:
        """What is expected, one line a layer, for display."""
        return tuple(element.text for element in self.elements)

    def _given(self) -> list[bool]:
        """Which of the reference's layers the starter has already."""
        if self.starter is None:
            return [False] * len(self.elements)
        own = [element.code for element in self.elements]
        blocks = difflib.SequenceMatcher(None, [element.code for element in self.starter.elements], own, autojunk=False)
        here = {index for block in blocks.get_matching_blocks() for index in range(block.b, block.b + block.size)}
        return [index in here for index in range(len(own))]

    def _sequential(self, lines: Sequence[str]) -> str:
        shape = [] if self.input_shape is None else [f"keras.Input(shape={list(self.input_shape)})"]
        return "keras.Sequential([\n" + "".join(f"    {line},\n" for line in [*shape, *lines]) + "])"
