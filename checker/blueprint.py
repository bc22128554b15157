"""What a model *is*: its layers in canonical form, read from a live Keras model or from a saved ``.keras`` file.

Two thin readers (:mod:`checker.reading`) turn what Keras holds into the same :class:`Graph`, one node for each call of
each layer, nested models inlined. Here a graph becomes the layers that matter (:meth:`Blueprint.from_graph`), so that
two models which compute the same thing compare equal however they were written.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self, cast

from checker.reading.canonical import Stage, activation_code, activation_settings, layer_code, settings_of, stages
from checker.reading.graph import Graph
from checker.reading.layers import (
    ACTIVATION_LAYERS,
    ACTIVATIONS,
    DROPOUTS,
    NEUTRAL,
    RANDOM,
    REQUIRED,
    RESHAPING,
    SAME_SHAPE,
    SETTINGS,
    Shape,
    holds_activation,
    is_weightless,
    snake_case,
)
from checker.reading.parts import Node, Unreadable

__all__ = [
    "ACTIVATIONS",
    "REQUIRED",
    "SETTINGS",
    "Blueprint",
    "Graph",
    "Layer",
    "Node",
    "Shape",
    "Stage",
    "Unreadable",
    "activation_code",
    "activation_settings",
    "commutes_with_relu",
    "holds_activation",
    "in_canonical_order",
    "layer_code",
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
        problem: None for one straight line of layers, else a code of :mod:`checker.messages`.
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
            return cls(**_canonical(graph))
        except (TypeError, ValueError, KeyError, AttributeError, IndexError, OverflowError) as error:
            raise Unreadable("model.unreadable") from error


def _canonical(graph: Graph) -> dict[str, Any]:
    shapes: list[Shape | None] = []
    layers: list[Layer] = []
    entered: list[Shape | None] = []  # the shape of what each of them takes
    idle: list[Layer] = []
    weights: dict[int, int | None] = {}
    first: dict[int, int] = {}  # layer objects -> where each was called first
    shown: list[tuple[int, str]] = []
    input_shapes = dict(zip(graph.inputs, graph.input_shapes, strict=True))
    for index, node in enumerate(graph.nodes):
        if node.class_name == "InputLayer":
            shapes.append(input_shapes.get(index))
            continue
        number = len(shown) + 1
        fed = [shapes[source] for source in node.inputs]
        pieces = _pieces(node.class_name, node.config, node.trainable)
        pieces[0] = replace(pieces[0], settings=_relative(pieces[0].settings, fed[0]))
        shown.append((number, _shown_code(node, pieces)))
        owner = first.setdefault(node.layer, number)
        shared = owner if owner != number else 0
        counts: list[int | None] = []
        for piece in pieces:
            same_weights = 0 if is_weightless(piece.kind) else shared
            piece = replace(piece, shared=same_weights, number=number, name=node.name)
            counts.append(_parameters(piece.kind, piece.settings, fed[0]))
            output = _output_shape(piece.kind, piece.settings, fed)
            if piece.training is not False and not _is_identity(piece.kind, piece.settings, fed):
                layers.append(piece)
                entered.append(fed[0])
                start = _round_trip(layers, entered, output)
                del layers[start:], entered[start:]
            elif DROPOUTS.match(piece.kind):
                idle.append(piece)
            fed = [output]
        weights[node.layer] = node.parameters if None in counts else sum(cast(list[int], counts))
        shapes.append(fed[0])
    problem, params = _problem(graph, shown) if layers else ("model.empty", {})
    total = None if None in weights.values() else sum(cast(list[int], list(weights.values())))
    return {
        "layers": tuple(layers if problem else in_canonical_order(layers)),
        "input_shape": graph.input_shapes[0] if len(graph.input_shapes) == 1 else None,
        "output_shape": shapes[graph.outputs[0]] if len(graph.outputs) == 1 else None,
        "parameters": total,
        "problem": problem,
        "problem_params": params,
        "compiled": graph.compiled,
        "built": graph.built,
        "shown": tuple(shown),
        "idle": tuple(idle),
    }


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


def _pieces(kind: str, config: Mapping[str, Any], trainable: bool) -> list[Layer]:
    """A layer as Keras has it, as the canonical layers that it stands for: itself, and its activation apart."""
    training = (config.get("kwargs") or {}).get("training")
    if kind == "BatchNormalization":
        trainable, training = trainable and training is not False, training or None
    elif not RANDOM.match(kind):
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
    if "axis" not in settings:
        return settings
    axis = settings["axis"]
    if isinstance(axis, list) and len(axis) == 1:
        axis = axis[0]
    if shape is not None and axis == len(shape):
        axis = -1
    return {**settings, "axis": axis}


def _is_identity(kind: str, settings: Mapping[str, Any], shapes: Sequence[Shape | None]) -> bool:
    """Whether a layer hands on what it gets, in training too."""
    if kind == "Activation":
        return bool(settings["activation"] == "linear")
    if kind.endswith(("Dropout", "Dropout1D", "Dropout2D", "Dropout3D")) and "rate" in settings:
        return bool(settings["rate"] == 0)
    if kind.startswith("ops.") and kind[4:] in NEUTRAL:
        commutes = kind in ("ops.Add", "ops.Multiply")
        return settings.get("args") == [NEUTRAL[kind[4:]]] and (commutes or not settings.get("number_first"))
    if kind in RESHAPING:  # one number a sample, whether in an axis of its own or not
        return shapes[0] == (1,) and _output_shape(kind, settings, shapes) == ()
    return (
        kind in ("Identity", "ops.Copy")
        or (kind == "GaussianNoise" and settings["stddev"] == 0)
        or (kind == "ActivityRegularization" and not settings["l1"] and not settings["l2"])
        or (kind == "Rescaling" and settings["scale"] == 1 and settings["offset"] == 0)
        or (kind == "Permute" and list(settings["dims"]) == sorted(settings["dims"]))
        or (kind in ("Concatenate", "ops.Concatenate") and len(shapes) == 1)
    )


def _round_trip(layers: Sequence[Layer], entered: Sequence[Shape | None], output: Shape | None) -> int:
    """Where the layers at the end begin that only reshape, and end in the shape that they began with."""
    start = len(layers)
    for index in range(len(layers) - 1, -1, -1):
        if layers[index].kind not in RESHAPING:
            break
        if output is not None and None not in output and entered[index] == output:
            start = index
    return start


def commutes_with_relu(kind: str) -> bool:
    """Whether a relu may stand on either side of such a layer."""
    return DROPOUTS.match(kind) is not None


def in_canonical_order(layers: Sequence[Layer]) -> list[Layer]:
    """Activations that commute with dropout stand before it; a relu after a relu changes nothing."""
    ordered: list[Layer] = []
    for layer in layers:
        place = len(ordered)
        if layer.kind == "Activation" and layer.settings["activation"] in ("relu", "leaky_relu"):
            while place and DROPOUTS.match(ordered[place - 1].kind):
                place -= 1
            if place and layer.settings["activation"] == "relu" and ordered[place - 1] == layer:
                continue
        ordered.insert(place, layer)
    return ordered


def _output_shape(kind: str, settings: Mapping[str, Any], shapes: Sequence[Shape | None]) -> Shape | None:
    """Shape without the batch axis after a layer; None when it is not known."""
    shape = shapes[0]
    if shape is None:
        return None
    size = None if None in shape else math.prod(cast(tuple[int, ...], shape))
    if kind == "Dense":
        return (*shape[:-1], settings["units"])
    if kind == "Flatten":
        return (size,)
    if kind == "Reshape":
        return _reshaped(settings["target_shape"], size)
    if kind == "ops.Reshape":
        batch, *target = settings["newshape"]
        return _reshaped(target, size) if batch in (-1, None) else None
    if kind == "ops.Squeeze":
        return shape[:-1] if shape[-1:] == (1,) and settings["axis"] in (-1, None) and 1 not in shape[:-1] else None
    if kind == "Concatenate" and settings["axis"] == -1:
        widths = [one[-1] if one else None for one in shapes]
        return (*shape[:-1], None if None in widths else sum(cast(list[int], widths)))
    return shape if SAME_SHAPE.match(kind) else None


def _reshaped(target: Sequence[int | None], size: int | None) -> Shape:
    known = math.prod(n for n in target if n not in (-1, None))
    rest = None if size is None else size // max(1, known)
    return tuple(rest if n == -1 else n for n in target)


def _parameters(kind: str, settings: Mapping[str, Any], shape: Shape | None) -> int | None:
    """Number of weights of a layer on this input; None when it is not known."""
    if is_weightless(kind):
        return 0
    width = shape[-1] if shape else None
    if width is None or settings.get("axis", -1) != -1:
        return None
    if kind == "Dense":
        units, rank = settings["units"], settings["lora_rank"] or 0
        whole = (width + settings["use_bias"]) * units + rank * (width + units)
        return None if settings["quantization_config"] else int(whole)
    if kind == "BatchNormalization" and not settings["renorm"]:
        return int(width * (2 + settings["center"] + settings["scale"]))
    if kind == "PReLU":
        shared = settings["shared_axes"] or ()
        sizes = [1 if index + 1 in shared else size for index, size in enumerate(cast(Shape, shape))]
        return None if None in sizes else math.prod(cast(list[int], sizes))
    if kind == "LayerNormalization":
        return int(width * (settings["center"] + settings["scale"]))
    return None


def _shown_code(node: Node, pieces: Sequence[Layer]) -> str:
    """The learner's layer as they wrote it, its activation inside it."""
    kind, inside = node.class_name, pieces[-1]
    if kind == "Activation":
        return inside.code
    if kind in ACTIVATION_LAYERS or kind == "Lambda" or pieces[0].kind != kind:
        return layer_code(kind, settings_of(kind, node.config))
    if len(pieces) == 1 or _is_identity(inside.kind, inside.settings, [None]):
        return pieces[0].code
    code = inside.code
    plain = re.fullmatch(r"Activation\(([^=]*)\)", code)
    return layer_code(kind, pieces[0].settings, plain[1] if plain else code, pieces[0].trainable)
