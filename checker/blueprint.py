"""What a model *is*: its layers in canonical form, read from a live Keras model or from a saved ``.keras`` file.

Two thin readers (:mod:`checker.reading`) turn what Keras holds into the same :class:`Graph`, one node for each call of
each layer, nested models inlined. Here a graph becomes the layers that matter (:meth:`Blueprint.from_graph`), so that
two models which compute the same thing compare equal however they were written.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self, cast

from checker.reading.activations import ACTIVATIONS
from checker.reading.canonical import Stage, activation_code, activation_settings, layer_code, settings_of, stages
from checker.reading.graph import Graph
from checker.reading.layers import (
    ACTIVATION_LAYERS,
    REQUIRED,
    Role,
    commutes_with_relu,
    defaults_of,
    holds_activation,
    is_weightless,
    kind_of,
    mistaken_for,
    snake_case,
)
from checker.reading.parts import Node, Unreadable
from checker.reading.shapes import Shape, count

__all__ = [
    "ACTIVATIONS",
    "REQUIRED",
    "Blueprint",
    "Graph",
    "Layer",
    "Node",
    "Role",
    "Shape",
    "Stage",
    "Unreadable",
    "activation_code",
    "activation_settings",
    "commutes_with_relu",
    "defaults_of",
    "holds_activation",
    "in_canonical_order",
    "kind_of",
    "layer_code",
    "mistaken_for",
    "settings_of",
    "snake_case",
    "stages",
]


@dataclass(frozen=True)
class Layer:
    """A layer in canonical form.

    Attributes:
        kind: Keras' class name; activations of every form are of the kind ``"Activation"``.
        settings: plain JSON, defaults filled in: ``{"units": 128, "use_bias": True, ...}``.
        trainable: False for a frozen layer that has weights.
        training: whether the layer is told always or never to train; None when it does as the network does.
        shared: the number of an earlier layer that is the same object, so that both have the same weights; 0 for none.
        number: the learner's own layer that it came from, counted from 1 without inputs.
        name: the learner's name of that layer.
    """

    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)
    trainable: bool = True
    training: bool | None = None
    shared: int = 0
    number: int = field(default=0, compare=False)
    name: str = field(default="", compare=False)

    @property
    def code(self) -> str:
        """The layer as Keras code, without defaults: ``Dense(128)``."""
        if self.kind == "Activation":
            return activation_code(self.settings)
        return layer_code(self.kind, self.settings, trainable=self.trainable)


@dataclass(frozen=True)
class Blueprint:
    """A model in canonical form; equal for models that are built the same, whatever their names.

    Attributes:
        layers: from input to output; of a network with branches, in topological order.
        input_shape: without the batch axis; None for a model that has not seen its input.
        output_shape: without the batch axis; None when it is not known.
        parameters: number of weights, frozen ones included; None when it is not known.
        problem: None for one straight line of layers, else a code of :mod:`checker.report.messages`.
        problem_params: what fills that message's places.
        compiled: optimizer and loss in short names, ``{"optimizer": "adam", "loss": "mae"}``; None if not compiled.
        built: whether the model has weights.
        shown: the learner's own layers, (number, code), for display.
        idle: dropout layers that drop nothing; they change nothing and are none of ``layers``.
    """

    layers: tuple[Layer, ...]
    input_shape: Shape | None = None
    output_shape: Shape | None = None
    parameters: int | None = None
    problem: str | None = None
    problem_params: Mapping[str, Any] = field(default_factory=dict, compare=False)
    compiled: Mapping[str, Any] | None = field(default=None, compare=False)
    built: bool = field(default=True, compare=False)
    shown: tuple[tuple[int, str], ...] = field(default=(), compare=False)
    idle: tuple[Layer, ...] = field(default=(), compare=False)

    @classmethod
    def of(cls, model: Any, input_shape: Sequence[int | None] | None = None) -> Self:
        """The blueprint of a live Keras model; see :meth:`Graph.of`."""
        return cls.from_graph(Graph.of(model, input_shape))

    @classmethod
    def load(cls, source: str | Path | bytes) -> Self:
        """The blueprint of a saved model; see :meth:`Graph.load`."""
        return cls.from_graph(Graph.load(source))

    @classmethod
    def from_graph(cls, graph: Graph) -> Self:
        """The canonical form of a graph.

        Raises:
            Unreadable: for a graph whose settings are not what Keras writes.
        """
        try:
            calls = tuple(_calls(graph))
            pieces = [piece for call in calls for piece in call.pieces]
            layers = [piece.layer for piece in _without_round_trips(piece for piece in pieces if piece.acts)]
            shown = tuple((number, call.shown) for number, call in enumerate(calls, 1))
            problem, params = _problem(graph, shown) if layers else ("model.empty", {})
            return cls(
                layers=tuple(layers if problem else in_canonical_order(layers)),
                input_shape=graph.input_shapes[0] if len(graph.input_shapes) == 1 else None,
                output_shape=_output_shape(graph, calls),
                parameters=_parameters(calls),
                problem=problem,
                problem_params=params,
                compiled=graph.compiled,
                built=graph.built,
                shown=shown,
                idle=tuple(one.layer for one in pieces if not one.acts and commutes_with_relu(one.layer.kind)),
            )
        except (TypeError, ValueError, KeyError, AttributeError, IndexError, OverflowError) as error:
            raise Unreadable("model.unreadable") from error


@dataclass(frozen=True)
class _Piece:
    """A canonical layer on its way through the network.

    Attributes:
        layer: the layer.
        entered: the shape of what it takes.
        left: the shape of what it gives.
        weights: how many it has, None when that is not known.
        acts: whether it changes what it gets, in training at least.
    """

    layer: Layer
    entered: Shape | None
    left: Shape | None
    weights: int | None
    acts: bool


@dataclass(frozen=True)
class _Call:
    """One of the learner's own layers: its node, its code for display, and the canonical layers that it stands for."""

    node: Node
    shown: str
    pieces: tuple[_Piece, ...]


def _calls(graph: Graph) -> Iterator[_Call]:
    """The learner's layers, one by one."""
    shapes: list[Shape | None] = []  # of each node's output
    first: dict[int, int] = {}  # layer objects -> where each was called first
    input_shapes = dict(zip(graph.inputs, graph.input_shapes, strict=True))
    number = 0
    for index, node in enumerate(graph.nodes):
        if node.class_name == "InputLayer":
            shapes.append(input_shapes.get(index))
            continue
        number += 1
        owner = first.setdefault(node.layer, number)
        call = _call(node, number, owner if owner != number else 0, [shapes[source] for source in node.inputs])
        shapes.append(call.pieces[-1].left)
        yield call


def _call(node: Node, number: int, shared: int, shapes: Sequence[Shape | None]) -> _Call:
    """A layer of the learner's.

    Args:
        node: the layer.
        number: its number.
        shared: the number of an earlier layer that has the same weights, or 0.
        shapes: of its inputs.
    """
    layers = _canonical_layers(node.class_name, node.config, node.trainable)
    if "axis" in layers[0].settings:
        layers[0] = replace(layers[0], settings=_relative(layers[0].settings, shapes[0]))
    pieces: list[_Piece] = []
    for layer in layers:
        kind, fed = kind_of(layer.kind), [pieces[-1].left] if pieces else shapes
        weightless = is_weightless(layer.kind)
        own = replace(layer, shared=0 if weightless else shared, number=number, name=node.name)
        left = None if fed[0] is None else kind.shape(layer.settings, fed)
        weights = 0 if weightless else None
        if not weightless and fed[0] is not None and kind.weights is not None:
            weights = count(kind.weights(layer.settings, fed[0]))
        acts = layer.training is not False and not kind.without_effect(layer.settings, fed)
        pieces.append(_Piece(own, fed[0], left, weights, acts))
    return _Call(node, _shown_code(node, layers), tuple(pieces))


def _without_round_trips(pieces: Iterable[_Piece]) -> list[_Piece]:
    """The pieces without those in a row that only reshape, and end in the shape that they began with."""
    kept: list[_Piece] = []
    for piece in pieces:
        kept.append(piece)
        for start in range(len(kept) - 1, -1, -1):
            if kind_of(kept[start].layer.kind).role is not Role.RESHAPING:
                break
            if piece.left is not None and None not in piece.left and kept[start].entered == piece.left:
                del kept[start:]
                break
    return kept


def _parameters(calls: Sequence[_Call]) -> int | None:
    """How many weights the network has, those of a shared layer once; None when it is not known."""
    counts: dict[int, int | None] = {}
    for call in calls:
        known = [piece.weights for piece in call.pieces]
        counts[call.node.layer] = call.node.parameters if None in known else sum(cast(list[int], known))
    return None if None in counts.values() else sum(cast(list[int], list(counts.values())))


def _output_shape(graph: Graph, calls: Sequence[_Call]) -> Shape | None:
    """The shape of the only output; None for several, and where it is not known."""
    if len(graph.outputs) != 1:
        return None
    output = graph.outputs[0]
    if output in graph.inputs:
        return graph.input_shapes[graph.inputs.index(output)]
    inputs = sum(node.class_name == "InputLayer" for node in graph.nodes[:output])
    return calls[output - inputs].pieces[-1].left


def _problem(graph: Graph, shown: Sequence[tuple[int, str]]) -> tuple[str | None, dict[str, Any]]:
    """Why the graph is no straight line, as a message's code and parameters."""
    if len(graph.inputs) > 1:
        return "model.several_inputs", {"count": len(graph.inputs)}
    if len(graph.outputs) > 1:
        return "model.several_outputs", {"count": len(graph.outputs)}
    layers = [index for index, node in enumerate(graph.nodes) if node.class_name != "InputLayer"]
    used = Counter(source for index in layers for source in graph.nodes[index].inputs)
    for index, (number, code) in zip(layers, shown, strict=True):
        if used[index] > 1 or len(graph.nodes[index].inputs) > 1:
            return "model.branch", {"position": number, "layer": code}
    return None, {}


def _canonical_layers(kind: str, config: Mapping[str, Any], trainable: bool) -> list[Layer]:
    """A layer as Keras has it, as the canonical layers that it stands for: itself, and its activation apart."""
    training = (config.get("kwargs") or {}).get("training")
    if kind == "BatchNormalization":
        trainable, training = trainable and training is not False, training or None
    elif kind_of(kind).role not in (Role.DROPOUT, Role.NOISE):
        training = None
    if kind == "ops.Cast" and "float" in str(config.get("dtype")):  # data types are free
        return [Layer("Identity")]
    return [
        Layer("Activation", stage.config)
        if stage.kind == "Activation"
        else Layer(
            stage.kind, settings_of(stage.kind, stage.config), stage.trainable or is_weightless(stage.kind), training
        )
        for stage in stages(kind, config, trainable=trainable)
    ]


def _relative(settings: Mapping[str, Any], shape: Shape | None) -> Mapping[str, Any]:
    """The last axis is called -1."""
    axis = settings["axis"]
    if isinstance(axis, list) and len(axis) == 1:
        axis = axis[0]
    if shape is not None and axis == len(shape):
        axis = -1
    return {**settings, "axis": axis}


def in_canonical_order(layers: Sequence[Layer]) -> list[Layer]:
    """Activations that commute with dropout stand before it; a relu after a relu changes nothing."""
    ordered: list[Layer] = []
    for layer in layers:
        place = len(ordered)
        if layer.kind == "Activation" and layer.settings["activation"] in ("relu", "leaky_relu"):
            while place and commutes_with_relu(ordered[place - 1].kind):
                place -= 1
            if place and layer.settings["activation"] == "relu" and ordered[place - 1] == layer:
                continue
        ordered.insert(place, layer)
    return ordered


def _shown_code(node: Node, layers: Sequence[Layer]) -> str:
    """The learner's layer as they wrote it, its activation inside it."""
    kind, inside = node.class_name, layers[-1]
    if kind == "Activation":
        return inside.code
    if kind in ACTIVATION_LAYERS or kind == "Lambda" or layers[0].kind != kind:
        return layer_code(kind, settings_of(kind, node.config))
    if len(layers) == 1 or kind_of(inside.kind).without_effect(inside.settings, [None]):
        return layers[0].code
    code = inside.code
    plain = re.fullmatch(r"Activation\(([^=]*)\)", code)
    return layer_code(kind, layers[0].settings, plain[1] if plain else code, layers[0].trainable)
