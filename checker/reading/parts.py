"""What the readers of models hand over: layers and their calls; and how they become one list of nodes.

Nested models are inlined, shared layers keep one number, and every layer gets the path of its weights in a saved file.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from checker.reading.layers import snake_case
from checker.reading.shapes import Shape

MAX_NODES = 20_000
"""Layer calls in one graph; a shared nested model can unfold to exponentially many."""


class Unreadable(ValueError):
    """Why something cannot be read as a model.

    Attributes:
        code: a code of :mod:`checker.report.messages`: ``"model.none"``, ``"model.class"``, ...
        params: what fills the message's places.
    """

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


@dataclass(frozen=True)
class Node:
    """One call of one layer, as Keras built it.

    Attributes:
        class_name: Keras' class; ``"custom.Name"`` for a class that is not Keras' own, ``"ops.Name"`` for an operation.
        config: the layer's settings as Keras saves them. An activation is a name, or a mapping with the key
            ``"activation"`` (a recognised function and its parameters) or ``"class_name"`` and ``"config"`` (a layer).
        inputs: indices of the nodes that feed it.
        trainable: False when the layer or a model around it is frozen.
        layer: number of the layer object; a shared layer has several nodes with the same number.
        name: the learner's name of the layer.
        path: its group in ``model.weights.h5`` (``"layers/sequential/layers/dense_1"``), empty when unknown.
        parameters: how many weights it has, None when it has not been built or the reader does not know.
        source: the live layer, None when read from a file.
    """

    class_name: str
    config: Mapping[str, Any]
    inputs: tuple[int, ...] = ()
    trainable: bool = True
    layer: int = 0
    name: str = ""
    path: str = ""
    parameters: int | None = None
    source: Any = field(default=None, compare=False, repr=False)


@dataclass(eq=False)
class Item:
    """A layer, or a model when it has a body, as a reader found it."""

    key: Hashable
    class_name: str
    config: Mapping[str, Any]
    name: str
    trainable: bool = True
    parameters: int | None = None
    source: Any = None
    body: Body | None = None


@dataclass(eq=False)
class Call:
    """One call of an item: references to what feeds it."""

    item: Item
    inputs: tuple[Hashable, ...]
    config: Mapping[str, Any] = field(default_factory=dict)
    trainable: bool = True


@dataclass(eq=False)
class Body:
    """What a model is made of. A reference names a tensor; ``calls`` tells which call made it, as which output."""

    calls: Mapping[Hashable, tuple[Call, int]]
    inputs: tuple[Hashable, ...]
    outputs: tuple[Hashable, ...]
    input_shapes: tuple[Shape | None, ...]
    members: Sequence[Item] = ()


NOTHING = Body({}, ("x",), ("x",), (None,))
"""The body of an operation that hands on its input, such as ``convert_to_tensor``: it leaves no node."""

TRANSPARENT = ("ops.ConvertToTensor",)


class Assembler:
    """Inlines nested models into one list of nodes."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.layers: dict[Hashable, int] = {}
        self.paths: dict[Hashable, str] = {}

    def assemble(
        self, model: Item
    ) -> tuple[tuple[Node, ...], tuple[int, ...], tuple[int, ...], tuple[Shape | None, ...]]:
        body = cast(Body, model.body)
        self.name_paths(body, "")
        inputs = [
            self.add(Item(("input", index), "InputLayer", {"shape": shape}, f"input {index + 1}"), [])
            for index, shape in enumerate(body.input_shapes)
        ]
        outputs = self.inline(body, inputs, model.trainable)
        return tuple(self.nodes), tuple(inputs), tuple(outputs), body.input_shapes

    def name_paths(self, body: Body, prefix: str) -> None:
        """Give each layer the group that Keras saves its weights in: the class in snake case, numbered."""
        used: dict[str, int] = {}
        for item in body.members:
            name = snake_case(item.class_name.rpartition(".")[2])
            used[name] = used.get(name, -1) + 1
            path = f"{prefix}layers/{name}_{used[name]}" if used[name] else f"{prefix}layers/{name}"
            if item.key not in self.paths:  # Keras saves a shared layer where it meets it first
                self.paths[item.key] = path
                if item.body is not None:
                    self.name_paths(item.body, path + "/")

    def add(self, item: Item, inputs: Sequence[int], trainable: bool = True, extra: Mapping[str, Any] = {}) -> int:
        if len(self.nodes) >= MAX_NODES:
            raise Unreadable("model.unreadable")
        self.nodes.append(
            Node(
                item.class_name,
                {**item.config, **extra},
                tuple(inputs),
                trainable and item.trainable,
                self.layers.setdefault(item.key, len(self.layers)),
                item.name,
                self.paths.get(item.key, ""),
                item.parameters,
                item.source,
            )
        )
        return len(self.nodes) - 1

    def inline(self, body: Body, feeds: Sequence[int], trainable: bool) -> list[int]:
        """Add all calls that lead to the body's outputs; the body's inputs are the nodes ``feeds``."""
        done: dict[int, list[int]] = {}  # call -> the nodes that are its outputs
        fed = dict(zip(body.inputs, feeds, strict=False))
        open_calls: set[int] = set()
        stack = list(reversed(body.outputs))

        def resolved(reference: Hashable) -> int | None:
            if reference in fed:
                return fed[reference]
            call, index = body.calls[reference]
            outputs = done.get(id(call))
            return None if outputs is None else outputs[index if index < len(outputs) else 0]

        while stack:
            reference = stack[-1]
            if resolved(reference) is not None:
                stack.pop()
                continue
            call = body.calls[reference][0]
            waiting = [one for one in call.inputs if resolved(one) is None]
            if waiting:
                if id(call) in open_calls:
                    raise Unreadable("model.unreadable")  # a circle
                open_calls.add(id(call))
                stack.extend(reversed(waiting))
                continue
            stack.pop()
            inputs = [cast(int, resolved(one)) for one in call.inputs]
            active = trainable and call.trainable
            if call.item.body is None:
                done[id(call)] = [self.add(call.item, inputs, active, call.config)]
            else:
                done[id(call)] = self.inline(call.item.body, inputs, active and call.item.trainable)
        return [cast(int, resolved(reference)) for reference in body.outputs]


def chain(members: Sequence[Item], shape: Shape | None) -> Body:
    """One layer after the other."""
    calls = {index + 1: (Call(item, (index,)), 0) for index, item in enumerate(members)}
    return Body(cast(Any, calls), (0,), (len(members),), (shape,), members)


def call_constants(args: Any, kwargs: Any, is_tensor: Callable[[Any], bool]) -> dict[str, Any]:
    """What a call was given besides tensors: ``1`` in ``x + 1``, ``training=False``; nothing for a usual call."""
    plain = [as_json(one) for one in args if not is_tensor(one) and not isinstance(one, list | tuple | dict)]
    named = {name: as_json(one) for name, one in kwargs.items() if one is not None and not is_tensor(one)}
    named = {
        name: one
        for name, one in named.items()
        if isinstance(one, bool | int | float | str) and name not in ("training", "mask")
    }
    return {**with_numbers(plain, bool(args) and not is_tensor(args[0])), **({"kwargs": named} if named else {})}


def with_numbers(numbers: Sequence[Any], first: bool) -> dict[str, Any]:
    """What a call was given besides tensors, marked where it stands before the tensor: ``1 - x`` is not ``x - 1``."""
    return {"args": list(numbers), **({"number_first": True} if first else {})} if numbers else {}


def as_json(value: Any) -> Any:
    """The value as plain JSON data, as it would stand in a saved file."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if hasattr(value, "tolist"):
        return as_json(value.tolist())
    if hasattr(value, "get_config"):
        return {"class_name": type(value).__name__, "config": as_json(value.get_config())}
    return str(getattr(value, "__name__", type(value).__name__))
