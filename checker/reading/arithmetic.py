"""The arithmetic of Keras' layers and activations in NumPy, by kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from checker.reading.layers import KINDS, Role
from checker.reading.parts import Unreadable
from checker.reading.shapes import Shape, axes, reshaped

Array = NDArray[np.float32]
Run = Callable[[Sequence[Array], Sequence[Array]], Array]


class Unsupported(ValueError):
    """The network has a layer whose arithmetic is not known here.

    Attributes:
        layer: its kind.
    """

    def __init__(self, layer: str) -> None:
        super().__init__(layer)
        self.layer = layer


def fixed(shape: Shape | None) -> tuple[int, ...]:
    """A shape without gaps.

    Raises:
        Unsupported: when a size is not fixed.
    """
    if shape is None or None in shape:
        raise Unsupported("an input of variable size")
    return cast(tuple[int, ...], tuple(shape))


Planner = Callable[[Mapping[str, Any], Sequence[tuple[int, ...]]], Run]
"""Makes a layer's arithmetic of its settings and its inputs' shapes; :data:`KINDS` has the shapes of all else."""


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
    target = fixed(reshaped(config, shapes))
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
