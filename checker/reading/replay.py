"""A model's predictions without Keras: the layers' arithmetic in NumPy, the weights read from the file as numbers.

No code that was handed in is run. What the file claims is compared with what its settings demand *before* memory is
reserved: number, shape, type and place of every array.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from checker.reading.archive import Weights, read_weights
from checker.reading.canonical import stages
from checker.reading.graph import Graph
from checker.reading.layers import KINDS, Role, kind_of
from checker.reading.parts import Node, Unreadable
from checker.reading.shapes import Shape, axes, reshaped

Array = NDArray[np.float32]
Run = Callable[[Sequence[Array], Sequence[Array]], Array]

MAX_PARAMETERS = 50_000_000
"""Weights that a network may have; the largest of the course has about 2.1 million."""
CHUNK_VALUES = 4_000_000
"""Values that the widest layer may hold at once, 16 MB: predictions are made in chunks of so many rows."""


class Unsupported(ValueError):
    """The network has a layer whose arithmetic is not known here.

    Attributes:
        layer: its kind.
    """

    def __init__(self, layer: str) -> None:
        super().__init__(layer)
        self.layer = layer


class Rounding(StrEnum):
    """How the machine rounds on the way through a network; a model's weights do not tell.

    Members:
        USUAL: as TensorFlow does on a CPU; in 16 bits, a product and its bias are rounded once, together.
        APART: in 16 bits, each operation rounds by itself, as where nothing is compiled into a graph.
        TENSOR_FLOAT: float32 products in TensorFloat-32: what is multiplied keeps 10 bits of its mantissa.
        TENSOR_FLOAT_CUT: the same, the other bits cut off instead of rounded.
    """

    USUAL = "usual"
    APART = "apart"
    TENSOR_FLOAT = "tensor float"
    TENSOR_FLOAT_CUT = "tensor float, cut"


@dataclass(frozen=True)
class Plan:
    """What a layer does to inputs of known shapes.

    Attributes:
        run: takes the inputs and the weights, returns the output.
        otherwise: the same in other roundings than the usual one, where that makes a difference.
        shape: of the output, without the batch axis.
        weights: shapes of the weights, in the order in which Keras saves them.
    """

    run: Run
    shape: tuple[int, ...]
    weights: Sequence[tuple[int, ...]] = ()
    otherwise: Mapping[Rounding, Run] = field(default_factory=dict)


Planner = Callable[[Mapping[str, Any], Sequence[tuple[int, ...]]], Run]
"""Makes a layer's arithmetic of its settings and its inputs' shapes; :data:`KINDS` has the shapes of all else."""


# --- activations ------------------------------------------------------------------------------------------------------


def _relu(x: Array, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0) -> Array:
    upper = np.where(x > threshold, x, np.float32(0)) if threshold else np.maximum(x, 0)
    if max_value is not None:
        upper = np.minimum(upper, np.float32(max_value))
    return cast(Array, upper - negative_slope * np.maximum(threshold - x, 0) if negative_slope else upper)


def _sigmoid(x: Array) -> Array:
    return cast(Array, 1 / (1 + np.exp(-x)))


def _softplus(x: Array) -> Array:
    return cast(Array, np.logaddexp(x, np.float32(0)))


def _gelu(x: Array, approximate: bool = False) -> Array:
    if approximate:
        return cast(Array, 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))))
    from scipy.special import ndtr

    return cast(Array, x * ndtr(x))


def _elu(x: Array, alpha: float = 1.0) -> Array:
    return cast(Array, np.where(x > 0, x, np.float32(alpha) * np.expm1(np.minimum(x, 0))))


def _softmax(x: Array, axis: Any = -1) -> Array:
    axis = tuple(axis) if isinstance(axis, list) else axis
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return cast(Array, powers / powers.sum(axis=axis, keepdims=True))


def _log_softmax(x: Array, axis: int = -1) -> Array:
    x = x - x.max(axis=axis, keepdims=True)
    return cast(Array, x - np.log(np.exp(x).sum(axis=axis, keepdims=True)))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "linear": lambda x: x,
    "relu": _relu,
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x, negative_slope: np.where(x > 0, x, np.float32(negative_slope) * x),
    "elu": _elu,
    "selu": lambda x: 1.05070098 * _elu(x, 1.67326324),
    "celu": lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha)),
    "gelu": _gelu,
    "silu": lambda x: x * _sigmoid(x),
    "mish": lambda x: x * np.tanh(_softplus(x)),
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "softplus": _softplus,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "log_sigmoid": lambda x: -_softplus(-x),
    "exponential": np.exp,
    "hard_sigmoid": lambda x: np.clip(x + 3, 0, 6) / 6,
    "hard_silu": lambda x: x * (np.clip(x + 3, 0, 6) / 6),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "hard_shrink": lambda x, threshold: np.where(np.abs(x) > threshold, x, 0),
    "soft_shrink": lambda x, threshold: np.sign(x) * np.maximum(np.abs(x) - threshold, 0),
    "tanh_shrink": lambda x: x - np.tanh(x),
    "squareplus": lambda x, b: (x + np.sqrt(x * x + b)) / 2,
    "sparse_plus": lambda x: np.where(x < 1, np.maximum(x + 1, 0) ** 2 / 4, x),
    "sparse_sigmoid": lambda x: np.clip((x + 1) / 2, 0, 1),
}
"""Keras' activations as documented; without sparsemax, where Keras 3.15 computes something else."""


def _activation(config: Mapping[str, Any], shapes: Sequence[tuple[int, ...]]) -> Run:
    settings = dict(config)
    name = settings.pop("activation")
    function = FUNCTIONS.get(name)
    if function is None:
        raise Unsupported(f"Activation({name})")
    return lambda xs, _: function(xs[0], **settings)


# --- layers -----------------------------------------------------------------------------------------------------------


def _dense(config: Mapping[str, Any], shapes: Sequence[tuple[int, ...]]) -> Run:
    if config.get("lora_rank"):
        raise Unsupported("Dense(lora_rank=...)")
    if not config["use_bias"]:
        return lambda xs, ws: xs[0] @ ws[0]
    return lambda xs, ws: xs[0] @ ws[0] + ws[1]


def _same(config: Mapping[str, Any], shapes: Sequence[tuple[int, ...]]) -> Run:
    """What does nothing at inference."""
    return lambda xs, _: xs[0]


def _along(shape: tuple[int, ...], axes: Sequence[int]) -> tuple[int, ...]:
    """The shape that a weight along these axes needs to broadcast."""
    return (1, *(size if index + 1 in axes else 1 for index, size in enumerate(shape)))


def _affine(config: Mapping[str, Any], shape: tuple[int, ...], ws: Sequence[Array]) -> tuple[Array, Array]:
    """Gamma and beta, one and zero where the layer has none, shaped to broadcast."""
    rest = list(ws)
    gamma = rest.pop(0).reshape(shape) if config["scale"] else np.ones(shape, "float32")
    beta = rest.pop(0).reshape(shape) if config["center"] else np.zeros(shape, "float32")
    return gamma, beta


def _batch_normalization(config: Mapping[str, Any], shapes: Sequence[tuple[int, ...]]) -> Run:
    if config.get("renorm"):
        raise Unsupported("BatchNormalization(renorm=True)")
    along, epsilon = _along(shapes[0], axes(config, len(shapes[0]))), np.float32(config["epsilon"])

    def run(xs: Sequence[Array], ws: Sequence[Array]) -> Array:
        gamma, beta = _affine(config, along, ws)
        mean, variance = (one.reshape(along) for one in ws[-2:])
        factor = gamma / np.sqrt(variance + epsilon)
        return cast(Array, xs[0] * factor + (beta - mean * factor))

    return run


def _layer_normalization(config: Mapping[str, Any], shapes: Sequence[tuple[int, ...]]) -> Run:
    if config.get("rms_scaling"):
        raise Unsupported("LayerNormalization(rms_scaling=True)")
    reduced, epsilon = axes(config, len(shapes[0])), np.float32(config["epsilon"])
    along = _along(shapes[0], reduced)

    def run(xs: Sequence[Array], ws: Sequence[Array]) -> Array:
        gamma, beta = _affine(config, along, ws)
        centred = xs[0] - xs[0].mean(axis=reduced, keepdims=True)
        variance = np.square(centred).mean(axis=reduced, keepdims=True)
        return cast(Array, centred / np.sqrt(variance + epsilon) * gamma + beta)

    return run


def _group_normalization(config: Mapping[str, Any], shapes: Sequence[tuple[int, ...]]) -> Run:
    shape, epsilon = shapes[0], np.float32(config["epsilon"])
    (axis,) = axes(config, len(shape))
    channels = shape[axis - 1]
    groups = channels if config["groups"] == -1 else int(config["groups"])
    if groups <= 0 or channels % groups:
        raise Unsupported("GroupNormalization")
    split = (-1, *shape[: axis - 1], groups, channels // groups, *shape[axis:])
    reduced = tuple(index for index in range(1, len(split)) if index != axis)
    along = _along(shape, [axis])

    def run(xs: Sequence[Array], ws: Sequence[Array]) -> Array:
        gamma, beta = _affine(config, along, ws)
        grouped = xs[0].reshape(split)
        centred = grouped - grouped.mean(axis=reduced, keepdims=True)
        variance = np.square(centred).mean(axis=reduced, keepdims=True)
        return cast(Array, (centred / np.sqrt(variance + epsilon)).reshape(xs[0].shape) * gamma + beta)

    return run


def _rms_normalization(config: Mapping[str, Any], shapes: Sequence[tuple[int, ...]]) -> Run:
    reduced, epsilon = axes(config, len(shapes[0])), np.float32(config["epsilon"])
    along = _along(shapes[0], reduced)

    def run(xs: Sequence[Array], ws: Sequence[Array]) -> Array:
        size = np.square(xs[0]).mean(axis=reduced, keepdims=True)
        return cast(Array, xs[0] / np.sqrt(size + epsilon) * ws[0].reshape(along))

    return run


def _unit_normalization(config: Mapping[str, Any], shapes: Sequence[tuple[int, ...]]) -> Run:
    reduced = axes(config, len(shapes[0]))

    def run(xs: Sequence[Array], ws: Sequence[Array]) -> Array:
        length = np.sqrt(np.square(xs[0]).sum(axis=reduced, keepdims=True))
        return cast(Array, xs[0] * np.minimum(1 / length, np.float32(1e12)))

    return run


def _normalization(config: Mapping[str, Any], shapes: Sequence[tuple[int, ...]]) -> Run:
    reduced = axes(config, len(shapes[0]))
    along = _along(shapes[0], reduced)
    given = [config[name] for name in ("mean", "variance")]
    constants = [] if None in given else [np.broadcast_to(np.array(one, "float32"), along) for one in given]

    def run(xs: Sequence[Array], ws: Sequence[Array]) -> Array:
        mean, variance = constants or (one.reshape(along) for one in ws[:2])
        deviation = np.maximum(np.sqrt(variance), np.float32(1e-7))
        return cast(Array, mean + xs[0] * deviation if config["invert"] else (xs[0] - mean) / deviation)

    return run


def _prelu(config: Mapping[str, Any], shapes: Sequence[tuple[int, ...]]) -> Run:
    return lambda xs, ws: np.maximum(xs[0], 0) + ws[0] * np.minimum(xs[0], 0)


def _flatten(config: Mapping[str, Any], shapes: Sequence[tuple[int, ...]]) -> Run:
    size = math.prod(shapes[0])
    if config.get("data_format") == "channels_first" and len(shapes[0]) > 1:
        raise Unsupported("Flatten(data_format='channels_first')")
    return lambda xs, _: xs[0].reshape(-1, size)


def _reshape(config: Mapping[str, Any], shapes: Sequence[tuple[int, ...]]) -> Run:
    target = _known(reshaped(config, shapes))
    if math.prod(target) != math.prod(shapes[0]):
        raise Unreadable("model.weights", name="Reshape")
    return lambda xs, _: xs[0].reshape(-1, *target)


def _permute(config: Mapping[str, Any], shapes: Sequence[tuple[int, ...]]) -> Run:
    dims = tuple(config["dims"])
    return lambda xs, _: xs[0].transpose(0, *dims)


def _repeat_vector(config: Mapping[str, Any], shapes: Sequence[tuple[int, ...]]) -> Run:
    times = int(config["n"])
    return lambda xs, _: np.repeat(xs[0][:, None], times, axis=1)


def _rescaling(config: Mapping[str, Any], shapes: Sequence[tuple[int, ...]]) -> Run:
    scale, offset = np.float32(config["scale"]), np.float32(config["offset"])
    return lambda xs, _: xs[0] * scale + offset


def _merge(join: Callable[[Array, Array], Any], average: bool = False) -> Planner:
    """A layer that joins its inputs one by one."""

    def plan(config: Mapping[str, Any], shapes: Sequence[tuple[int, ...]]) -> Run:
        constants = [np.float32(one) for one in config.get("args", ())]
        if len({len(shape) for shape in shapes}) > 1:
            raise Unsupported("merging tensors of different rank")

        def run(xs: Sequence[Array], ws: Sequence[Array]) -> Array:
            values: list[Any] = [*xs, *constants]
            result = values[0]
            for value in values[1:]:
                result = join(result, value)
            return cast(Array, result / len(xs) if average else result)

        return run

    return plan


def _operation(join: Callable[[Array, Array], Any], commutes: bool = True) -> Planner:
    """An operator between tensors, or with a number on its right; on its left only where the side does not matter."""

    def plan(config: Mapping[str, Any], shapes: Sequence[tuple[int, ...]]) -> Run:
        if config.get("number_first") and not commutes:
            raise Unsupported("a number before an operator")
        return _merge(join)(config, shapes)

    return plan


def _concatenate(config: Mapping[str, Any], shapes: Sequence[tuple[int, ...]]) -> Run:
    (axis,) = axes(config, len(shapes[0]))
    if axis == 0:
        raise Unsupported("Concatenate(axis=0)")
    return lambda xs, _: np.concatenate(xs, axis=axis)


PLANNERS: dict[str, Planner] = {
    "Activation": _activation,
    "Dense": _dense,
    "BatchNormalization": _batch_normalization,
    "LayerNormalization": _layer_normalization,
    "GroupNormalization": _group_normalization,
    "RMSNormalization": _rms_normalization,
    "UnitNormalization": _unit_normalization,
    "Normalization": _normalization,
    "PReLU": _prelu,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": _permute,
    "RepeatVector": _repeat_vector,
    "Rescaling": _rescaling,
    "Concatenate": _concatenate,
    "ops.Concatenate": _concatenate,
    "Add": _merge(np.add),
    "Subtract": _merge(np.subtract),
    "Multiply": _merge(np.multiply),
    "Average": _merge(np.add, average=True),
    "Maximum": _merge(np.maximum),
    "Minimum": _merge(np.minimum),
    "ops.Add": _operation(np.add),
    "ops.Multiply": _operation(np.multiply),
    "ops.Maximum": _operation(np.maximum),
    "ops.Minimum": _operation(np.minimum),
    "ops.Subtract": _operation(np.subtract, commutes=False),
    "ops.Divide": _operation(np.divide, commutes=False),
    "ops.TrueDivide": _operation(np.divide, commutes=False),
    **dict.fromkeys(
        ["Identity", "ActivityRegularization"]
        + [name for name, kind in KINDS.items() if kind.role in (Role.DROPOUT, Role.NOISE)],
        _same,
    ),
}
"""The layers that can be replayed."""


# --- the replay -------------------------------------------------------------------------------------------------------

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
        self.input_shape = _known(shape)
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


def _known(shape: Shape | None) -> tuple[int, ...]:
    if shape is None or None in shape:
        raise Unsupported("an input of variable size")
    return cast(tuple[int, ...], tuple(shape))


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
    policy = _policy(config)
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
        plan = _in_precision(Plan(run, _known(shape), [_known(one) for one in weights]), policy, stage.kind)
        shapes = [plan.shape]
        plans.append((plan, stage.group))
    return plans


def _bfloat16(x: Array) -> Array:
    """Rounded to the 8 bits of bfloat16's mantissa, half to even; infinities and NaN stay."""
    bits = np.ascontiguousarray(x, "float32").view("uint32")
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
    return np.where(np.isfinite(x), rounded.view("float32"), x).astype("float32")


def _float16(x: Array) -> Array:
    return np.asarray(x, "float16").astype("float32")


ROUNDED: dict[str, Callable[[Array], Array] | None] = {
    "float32": None,
    "float64": None,
    "mixed_float16": _float16,
    "float16": _float16,
    "mixed_bfloat16": _bfloat16,
    "bfloat16": _bfloat16,
}
"""How the values between layers are rounded under each of Keras' dtype policies; float64 is replayed in float32."""


def _policy(config: Mapping[str, Any]) -> str:
    """The name of a layer's dtype policy, as the readers give it."""
    policy = config.get("dtype") or "float32"
    return str(policy.get("config", {}).get("name")) if isinstance(policy, Mapping) else str(policy)


def _in_precision(plan: Plan, policy: str, kind: str) -> Plan:
    """The plan in the arithmetic of a dtype policy: 16 bits between layers, sums in float32.

    Keras casts what a layer takes, and a dense layer's weights, and normalises in float32.
    """
    rounded, is_product = ROUNDED[policy], kind == "Dense"
    if rounded is None:
        if not is_product or policy != "float32":
            return plan
        return replace(plan, otherwise={way: _multiplied(plan, cut) for way, cut in TENSOR_FLOATS.items()})

    def run(xs: Sequence[Array], ws: Sequence[Array]) -> Array:
        taken = ws if kind.endswith("Normalization") else [rounded(weight) for weight in ws]
        return rounded(plan.run([rounded(x) for x in xs], taken))

    def apart(xs: Sequence[Array], ws: Sequence[Array]) -> Array:
        kernel, bias = map(rounded, ws)
        return rounded(rounded(rounded(xs[0]) @ kernel) + bias)

    has_bias = is_product and len(plan.weights) == 2
    return Plan(run, plan.shape, plan.weights, {Rounding.APART: apart} if has_bias else {})


def _multiplied(plan: Plan, keep: Callable[[Array], Array]) -> Run:
    """A dense layer whose inputs and kernel lose bits before they are multiplied; the bias does not."""
    return lambda xs, ws: plan.run([keep(xs[0])], [keep(ws[0]), *ws[1:]])


def tensor_float(x: Array) -> Array:
    """Rounded to the 10 bits of TensorFloat-32's mantissa, half away from zero; infinities and NaN stay."""
    bits = np.ascontiguousarray(x, "float32").view("uint32")
    rounded = ((bits + np.uint32(0x1000)) & np.uint32(0xFFFFE000)).view("float32")
    return np.where(np.isfinite(x), rounded, x).astype("float32")


def tensor_float_cut(x: Array) -> Array:
    """The same with the other bits cut off."""
    return (np.ascontiguousarray(x, "float32").view("uint32") & np.uint32(0xFFFFE000)).view("float32")


TENSOR_FLOATS = {Rounding.TENSOR_FLOAT: tensor_float, Rounding.TENSOR_FLOAT_CUT: tensor_float_cut}


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


# --- losses -----------------------------------------------------------------------------------------------------------

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
