"""What a model *should* be: patterns that read like Keras code, for exact answers and for open designs.

One declaration of a network gives everything that is shown of it: the reference as code, the blanks of the hints, the
expected side of the table, and (through :mod:`checker.alignment`) the verdict. So they cannot disagree.

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
from itertools import groupby
from typing import Any

from checker import blueprint
from checker.blueprint import holds_activation

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
    if isinstance(value, Mapping) and "class_name" in value:  # a regularizer or constraint
        return f"{value['class_name']}({', '.join(f'{k}={literal(v)}' for k, v in value.get('config', {}).items())})"
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
        kinds: for any layer, the kinds it may not be.
        addable: whether it can be filled with a new layer; where not, only a layer that is right is taken.
    """

    kind: str | None
    settings: Mapping[str, Allowed] = field(default_factory=dict)
    kinds: frozenset[str] = frozenset()
    addable: bool = True

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
        if not layer.trainable:
            found.append(("trainable", False, True))
        if layer.training is not None:
            found.append(("training", layer.training, None))
        if layer.shared:
            found.append(("shared", layer.shared, 0))
        return found

    @property
    def is_relu(self) -> bool:
        return self.kind == "Activation" and self.exact and self.example.settings == {"activation": "relu"}

    @property
    def exact(self) -> bool:
        """Whether just one layer fits."""
        return self.kind is not None and all(allowed.exact for allowed in self.settings.values())

    @property
    def example(self) -> blueprint.Layer:
        """The layer that the reference has here."""
        kind = self.kind or "Identity"
        return blueprint.Layer(
            kind, _complete(kind, {name: allowed.example for name, allowed in self.settings.items()})
        )


def _defaults(layer: blueprint.Layer) -> dict[str, Any]:
    """Keras' defaults of the settings that make a difference, for an activation those of its parameters."""
    if layer.kind == "Activation":
        return blueprint.activation_settings(layer.settings["activation"])
    known = blueprint.SETTINGS.get(layer.kind, {})
    return {name: default for name, default in known.items() if default is not blueprint.REQUIRED}


def _is_linear(layer: blueprint.Layer) -> bool:
    return layer.kind == "Activation" and layer.settings["activation"] == "linear"


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
        hidden = [
            name for name, allowed in self._all.items() if name == "activation" and allowed.example in (None, "linear")
        ]
        return source(self.kind, {name: text for name, text in texts.items() if name not in hidden})


def _allowed(value: Any) -> Allowed:
    return value if isinstance(value, Allowed) else Allowed((value,), example=value)


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
    """One layer of any kind, except these."""

    excluding: tuple[str, ...] = ()

    def build(self, automaton: Automaton) -> Fragment:
        return automaton.slot(Slot(None, kinds=frozenset(self.excluding)))

    def elements(self) -> Iterator[Layer]:
        yield from ()


class _Group(Pattern):
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


def _in_canonical_order(slots: Sequence[Slot]) -> list[Slot]:
    """In the order that a Blueprint brings such layers into; an activation left open commutes with nothing."""
    layers = [
        replace(slot.example, number=index)
        if slot.exact or slot.kind != "Activation"
        else blueprint.Layer("", {}, number=index)
        for index, slot in enumerate(slots)
    ]
    return [slots[layer.number] for layer in blueprint.in_canonical_order(layers)]


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

    Layers in canonical order are enough to tell right from wrong. A ``written`` automaton takes them as they were
    written, a relu after the dropouts it commutes with or once too often, so that an edit there is not dearer.

    It has no empty transitions, so one table of states by layers is all that an alignment needs.
    Source: V. M. Glushkov, "The abstract theory of automata", Russian Mathematical Surveys 16 (1961).

    Attributes:
        slots: the slots; ``slots[0]`` stands for the start and matches nothing.
        follow: the slots that may come after each.
        final: the states in which the network may end.
        plain: whether the pattern is one plain sequence.
    """

    def __init__(self, patterns: Sequence[Pattern], written: bool = False) -> None:
        self.written = written
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
                while end < len(slots) and slots[end].kind == "Dropout":
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


# --- rules over the whole network -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fix:
    """One way to mend a violation: add ``layer`` before the layer ``index``, set a setting there, or remove it."""

    index: int
    layer: Layer | None = None
    wrong: tuple[str, Any, Any] | None = None


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

    def violations(self, layers: Sequence[blueprint.Layer], parameters: int | None) -> Iterator[Violation]:
        places = [index for index, layer in enumerate(layers) if layer.kind == self.layer.kind]
        for index in places:
            for wrong in self.layer.slots[0].wrong(layers[index]) or ():
                if wrong[0] in ("trainable", "training") or not self.any_settings:
                    yield Violation("network.count", {}, (Fix(index, wrong=wrong),))
        wanted = self.allowed.nearest(len(places))
        params = {"kind": self.layer.kind, "actual": len(places), "expected": self.allowed.text}
        for _ in range(int(wanted) - len(places)):
            ends = [_after(layers, index) for index, layer in enumerate(layers) if holds_activation(layer.kind)]
            natural = [0] if self.layer.kind == "BatchNormalization" else ends[:-1]  # it may scale the raw features
            anywhere = dict.fromkeys([*natural, *ends[:-1], *range(len(layers) + 1)])
            yield Violation("network.count", params, tuple(Fix(index, self.layer) for index in anywhere))
        for _ in range(len(places) - int(wanted)):
            yield Violation("network.count", params, tuple(Fix(index) for index in reversed(places)))


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


def count(kind: str | Layer, number: Any) -> Constraint:
    """So many layers of a kind; given as a pattern, each of them has its settings. A frozen one is wrong."""
    return _Count(Layer(kind) if isinstance(kind, str) else kind, _allowed(number), isinstance(kind, str))


def parameters(number: Any) -> Constraint:
    """So many weights in the whole network."""
    return _Parameters(_allowed(number))


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
        constraints: Sequence[Constraint] = (),
        starter: Network | None = None,
        example: Sequence[Layer] = (),
    ) -> None:
        self.patterns = patterns
        self.input_shape = None if input_shape is None else tuple(input_shape)
        self.constraints = tuple(constraints)
        self.starter = starter
        self._example = tuple(example)

    @cached_property
    def automaton(self) -> Automaton:
        return Automaton(self.patterns)

    @cached_property
    def written_automaton(self) -> Automaton:
        return Automaton(self.patterns, written=True)

    @cached_property
    def elements(self) -> tuple[Layer, ...]:
        """The layers of the reference, as a learner would write them."""
        return self._example or tuple(element for pattern in self.patterns for element in pattern.elements())

    def example(self) -> tuple[blueprint.Layer, ...]:
        """The layers of the reference in canonical form."""
        layers = []
        for number, element in enumerate(self.elements, 1):
            layers += [replace(slot.example, number=number) for slot in element.slots]
        return tuple(blueprint.in_canonical_order([layer for layer in layers if not _is_linear(layer)]))

    def code(self) -> str:
        """The reference as runnable Keras code, an expression that makes the model."""
        return self._sequential([f"keras.layers.{element.code}" for element in self.elements])

    def skeletons(self) -> tuple[str, ...]:
        """The reference with blanks, from many to few: what the starter lacks is blank, then only its settings are."""
        given = self._given()
        whole = [f"keras.layers.{element.code}" for element in self.elements]
        kinds = [line if here else f"keras.layers.{BLANK}({BLANK})" for line, here in zip(whole, given, strict=True)]
        gaps = [
            line if here else f"keras.layers.{element.gaps}"
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
