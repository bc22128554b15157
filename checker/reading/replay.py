"""A model's predictions without Keras: the layers' arithmetic in NumPy, the weights read from the file as numbers.

No code that was handed in is run. What the file claims is compared with what its settings demand *before* memory is
reserved: number, shape, type and place of every array.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import numpy as np

from checker.reading.archive import Weights, read_weights
from checker.reading.arithmetic import PLANNERS, Array, Unsupported, fixed
from checker.reading.canonical import stages
from checker.reading.graph import Graph
from checker.reading.layers import kind_of
from checker.reading.parts import Node, Unreadable
from checker.reading.rounding import ROUNDED, Plan, Rounding, in_precision, policy_of

MAX_PARAMETERS = 50_000_000
"""Weights that a network may have; the largest of the course has about 2.1 million."""
CHUNK_VALUES = 4_000_000
"""Values that the widest layer may hold at once, 16 MB: predictions are made in chunks of so many rows."""


Read = Callable[[Node, str, Sequence[tuple[int, ...]]], Sequence[Array]]
"""Reads weights: of a node, in a group inside its own (``""`` or ``"activation"``), of the shapes they must have."""


@dataclass(frozen=True)
class _Step:
    inputs: tuple[int, ...]
    plans: tuple[tuple[Plan, Sequence[Array]], ...]


class Replay:
    """A network's inference in float32.

    ``Replay.of(model)`` takes the weights of a live model, ``Replay.load(file)`` those of a saved one.
    """

    def __init__(self, graph: Graph, read: Read, limit: int = MAX_PARAMETERS) -> None:
        """Plan every layer, check and read its weights.

        Args:
            graph: with one input of known shape and one output.
            read: hands over a node's weights.
            limit: how many weights there may be.

        Raises:
            Unsupported: for a layer that cannot be replayed.
            Unreadable: when the weights are not those that the settings demand.
        """
        if len(graph.inputs) != 1 or len(graph.outputs) != 1:
            raise Unsupported("several inputs or outputs")
        shape = graph.input_shapes[0]
        if shape is None:
            raise Unreadable("model.unbuilt")
        self.input_shape = fixed(shape)
        self.output = graph.outputs[0]
        self._steps: list[_Step] = []
        planned = _planned(graph, self.input_shape)
        needed = {(node.layer, group): plan.weights for node, plans in planned for plan, group in plans if plan.weights}
        if sum(math.prod(shape) for weights in needed.values() for shape in weights) > limit:
            raise Unsupported(f"more than {limit} weights")
        widest = max(math.prod(plan.shape) for _, plans in planned for plan, _ in plans)
        self._rows = max(1, CHUNK_VALUES // max(1, widest))
        held: dict[tuple[int, str], Sequence[Array]] = {}
        for node, plans in planned:
            for plan, group in plans:
                if plan.weights and (node.layer, group) not in held:
                    held[node.layer, group] = read(node, group, plan.weights)
            steps = tuple((plan, held[node.layer, group] if plan.weights else ()) for plan, group in plans)
            self._steps.append(_Step(node.inputs, steps))
        self.roundings = frozenset(way for _, plans in planned for plan, _ in plans for way in plan.otherwise)
        self._layers = {node.layer: (node.config, held.get((node.layer, ""), ())) for node, _ in planned}

    @classmethod
    def of(cls, model: Any) -> Self:
        """The replay of a live Keras model.

        Raises:
            Unsupported, Unreadable: as for :class:`Replay`; see also :meth:`Graph.of`.
        """
        return cls.live(Graph.of(model))

    @classmethod
    def live(cls, graph: Graph) -> Self:
        """The replay of a live model that was read already.

        Raises:
            Unsupported, Unreadable: as for :class:`Replay`.
        """
        return cls(graph, _live_weights)

    @classmethod
    def load(cls, source: str | Path | bytes, limit: int = MAX_PARAMETERS) -> Self:
        """The replay of a model saved as ``.keras``, which is treated as hostile.

        Args:
            source: path or content of the file.
            limit: how many weights there may be.

        Raises:
            Unsupported, Unreadable: as for :class:`Replay`; see also :meth:`Graph.load`.
        """
        graph = Graph.load(source)
        try:
            with zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else Path(source)) as archive:
                if archive.getinfo("model.weights.h5").file_size > 16 * limit + 10_000_000:
                    raise Unsupported(f"more than {limit} weights")
                weights = read_weights(archive.read("model.weights.h5"))
        except Unsupported:
            raise
        except Exception as error:  # hostile files fail in every way there is
            raise Unreadable("model.unreadable") from error
        return cls.saved(graph, weights, limit)

    @classmethod
    def saved(cls, graph: Graph, weights: Weights, limit: int = MAX_PARAMETERS) -> Self:
        """The replay of a network with these arrays of its file.

        Raises:
            Unsupported, Unreadable: as for :class:`Replay`.
        """
        return cls(graph, lambda node, group, shapes: _saved_weights(weights, node, group, shapes), limit)

    @property
    def penalty(self) -> float:
        """What the layers' weight regularizers add to every loss that Keras reports.

        Raises:
            Unsupported: for regularizers of activations, and other ones than L1 and L2.
        """
        return sum(_penalty(config, weights) for config, weights in self._layers.values())

    def predict(self, x: Any, rounding: Rounding = Rounding.USUAL) -> Array:
        """What the network makes of these samples, as ``model(x, training=False)`` would.

        Args:
            x: array of the shape (samples, ...) as the network takes them; of one feature, (samples,) will do.
            rounding: how to round; of the unusual ways, those in ``roundings`` make a difference.

        Returns:
            float32 array of the shape (samples, ...).

        Raises:
            ValueError: for samples of another shape.
        """
        x = np.asarray(x, "float32")
        if x.ndim == len(self.input_shape) and self.input_shape[-1:] == (1,):
            x = x[..., None]
        if x.shape[1:] != self.input_shape:
            raise ValueError(f"samples of the shape {x.shape[1:]}, the network takes {self.input_shape}")
        with np.errstate(all="ignore"):
            parts = [
                self._run(x[start : start + self._rows], rounding) for start in range(0, max(1, len(x)), self._rows)
            ]
        return np.concatenate(parts)

    def _run(self, x: Array, rounding: Rounding) -> Array:
        values: list[Array] = []
        for step in self._steps:
            inputs = [values[index] for index in step.inputs] or [x]
            for plan, weights in step.plans:
                run = plan.otherwise.get(rounding, plan.run)
                inputs = [np.asarray(run(inputs, weights), "float32")]
            values.append(inputs[0])
        return values[self.output]


def _planned(graph: Graph, shape: tuple[int, ...]) -> list[tuple[Node, list[tuple[Plan, str]]]]:
    """Each node with its plans, each plan with the group that holds its weights."""
    shapes: list[tuple[int, ...]] = []
    planned = []
    for node in graph.nodes:
        if node.class_name == "InputLayer":
            plans = [(Plan(lambda xs, _: xs[0], shape), "")]
        else:
            try:
                plans = _plans(node.class_name, node.config, [shapes[index] for index in node.inputs])
            except (KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError) as error:
                if isinstance(error, Unsupported | Unreadable):
                    raise
                raise Unreadable("model.weights", name=node.name) from error
        planned.append((node, plans))
        shapes.append(plans[-1][0].shape)
        if any(size < 0 for size in shapes[-1]):
            raise Unreadable("model.weights", name=node.name)
    return planned


def _plans(kind: str, config: Mapping[str, Any], shapes: Sequence[tuple[int, ...]]) -> list[tuple[Plan, str]]:
    """A layer's own plan and that of the activation inside it, each with the group of its weights."""
    policy = policy_of(config)
    if policy not in ROUNDED:
        raise Unsupported(f"{kind} in another precision")
    if config.get("quantization_config"):
        raise Unsupported(f"{kind} quantized")
    plans = []
    for stage in stages(kind, config):
        planner, known = PLANNERS.get(stage.kind), kind_of(stage.kind)
        if planner is None or known.weights is None:
            raise Unsupported(stage.kind)
        run = planner(stage.config, shapes)
        shape, weights = known.shape(stage.config, shapes), known.weights(stage.config, shapes[0])
        if shape is None or weights is None:
            raise Unsupported(stage.kind)
        plan = in_precision(Plan(run, fixed(shape), [fixed(one) for one in weights]), policy, stage.kind)
        shapes = [plan.shape]
        plans.append((plan, stage.group))
    return plans


def _penalty(config: Mapping[str, Any], weights: Sequence[Array]) -> float:
    """One layer's l1 * sum(abs(w)) + l2 * sum(w * w), the formula of ``keras.regularizers.L1L2``."""
    places = {"kernel": 0, "bias": 1, "gamma": 0, "beta": 1 if config.get("scale", True) else 0}
    total = 0.0
    for name, regularizer in config.items():
        what, _, kind = name.rpartition("_")
        if kind != "regularizer" or regularizer is None:
            continue
        settings = regularizer.get("config") if isinstance(regularizer, Mapping) else None
        if not isinstance(settings, Mapping) or not {"l1", "l2"} >= set(settings):
            raise Unsupported(name)
        if places.get(what, len(weights)) >= len(weights):
            raise Unsupported(name)
        weight = np.asarray(weights[places[what]], "float64")
        total += float(
            settings.get("l1", 0.0) * np.abs(weight).sum() + settings.get("l2", 0.0) * np.square(weight).sum()
        )
    return total


def _live_weights(node: Node, group: str, shapes: Sequence[tuple[int, ...]]) -> Sequence[Array]:
    layer, store = node.source, cast(dict[str, Any], {})
    for _ in filter(None, group.split("/")):
        layer = layer.activation
    layer.save_own_variables(store)
    arrays = [np.asarray(store[str(index)], "float32") for index in range(len(store))]
    if [one.shape for one in arrays] != list(shapes):
        raise Unreadable("model.weights", name=node.name)
    return arrays


def _saved_weights(saved: Weights, node: Node, group: str, shapes: Sequence[tuple[int, ...]]) -> Sequence[Array]:
    """A layer's arrays, taken only when the file holds exactly what the settings demand."""
    held = saved.get("/".join(filter(None, (node.path, group, "vars"))), {})
    weights = [held.get(str(index)) for index in range(len(shapes))]
    if not node.path or len(held) != len(shapes):
        raise Unreadable("model.weights", name=node.name)
    taken = []
    for weight, shape in zip(weights, shapes, strict=True):
        if weight is None or weight.shape != shape:
            raise Unreadable("model.weights", name=node.name)
        taken.append(weight)
    return taken


LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "mae": lambda y, p: np.abs(y - p),
    "mse": lambda y, p: np.square(y - p),
}
_NAMES = {
    "mean_absolute_error": "mae",
    "mean_squared_error": "mse",
    "MeanAbsoluteError": "mae",
    "MeanSquaredError": "mse",
}


def loss(name: str, y: Any, prediction: Any) -> float:
    """A loss as ``model.evaluate`` reports it.

    Args:
        name: ``"mae"`` or ``"mse"``, or one of Keras' longer names of them.
        y: targets; (samples,) is taken for (samples, 1) where the prediction is, as Keras does.
        prediction: of the shape (samples, outputs).

    Returns:
        The mean over all samples and outputs.

    Raises:
        Unsupported: for another loss.
        ValueError: for shapes that do not belong together.
    """
    function = LOSSES.get(_NAMES.get(name, name.lower()))
    if function is None:
        raise Unsupported(name)
    y, prediction = np.asarray(y, "float32"), np.asarray(prediction, "float32")
    if y.ndim + 1 == prediction.ndim and prediction.shape[-1] == 1:
        y = y[..., None]
    if prediction.ndim + 1 == y.ndim and y.shape[-1] == 1:
        prediction = prediction[..., None]
    if y.shape != prediction.shape:
        raise ValueError(f"targets of the shape {y.shape}, predictions of the shape {prediction.shape}")
    with np.errstate(all="ignore"):
        return float(function(y.astype("float64"), prediction.astype("float64")).mean())
