"""How numbers are rounded on the way through a network, by dtype policy and by machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np

from checker.reading.arithmetic import Array, Run


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


def policy_of(config: Mapping[str, Any]) -> str:
    """The name of a layer's dtype policy, as the readers give it."""
    policy = config.get("dtype") or "float32"
    return str(policy.get("config", {}).get("name")) if isinstance(policy, Mapping) else str(policy)


def in_precision(plan: Plan, policy: str, kind: str) -> Plan:
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
