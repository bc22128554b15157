"""What Keras' layers are: one table, :data:`KINDS`, of all that is known of each kind of layer.

Another layer is another row. Its arithmetic, where graders should be able to replay it, stands in
:mod:`checker.reading.arithmetic`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache
from typing import Any

from checker.reading import shapes
from checker.reading.shapes import Inputs, Settings, Shape, Weights

REQUIRED = ...
"""Marks a setting without a default."""


class Role(Enum):
    """What a layer is there for."""

    MAPPING = "holds weights, and may have an activation inside"
    ACTIVATION = "bends each number"
    DROPOUT = "switches off at random and scales the rest: a relu may stand on either side"
    NOISE = "disturbs at random"
    NORMALIZATION = "brings numbers to one scale"
    RESHAPING = "gives the same numbers another shape"
    FUNCTION = "computes what its author wrote"
    OTHER = "something else"


@dataclass(frozen=True)
class Kind:
    """What is known of a kind of layer.

    Attributes:
        role: what it is there for.
        settings: those that make a difference, with Keras' defaults; None for what its config says.
        shape: the output's shape, a function of the settings and the inputs' shapes.
        weights: the weights' shapes, a function of the settings and the first input's shape; None where only the built
            layer, or the file, knows them.
        without_effect: whether it hands on what it gets, in training too: a function of the settings and the inputs'
            shapes.
        activation: the activation that it is and nothing else.
        light: whether it is rather moved than the layers around it: those that this course moves about.
        has_attributes: whether a live layer has its settings as attributes of the same names.
    """

    role: Role = Role.OTHER
    settings: Mapping[str, Any] | None = None
    shape: Callable[[Settings, Inputs], Shape | None] = shapes.not_known
    weights: Callable[[Settings, Shape], Weights] | None = None
    without_effect: Callable[[Settings, Inputs], bool] = lambda settings, shapes: False
    activation: str | None = None
    light: bool = False
    has_attributes: bool = True


def _random(role: Role, name: str = "rate", **more: Any) -> Kind:
    """A layer that does nothing when its only number is 0, and nothing outside training."""
    settings = {name: REQUIRED, **more}
    return Kind(
        role,
        settings,
        shapes.same,
        shapes.nothing,
        lambda settings, _: bool(settings[name] == 0),
        light=name == "rate",
    )


def _activation(activation: str, **settings: Any) -> Kind:
    return Kind(Role.ACTIVATION, settings, shapes.same, shapes.nothing, activation=activation)


def _normalization(weights: Callable[[Settings, Shape], Weights], **settings: Any) -> Kind:
    """Settings of which the first to differ is the first that a learner is told of."""
    return Kind(Role.NORMALIZATION, settings, shapes.same, weights)


def _reshaping(shape: Callable[[Settings, Inputs], Shape | None], **settings: Any) -> Kind:
    """A layer that has no effect on one number a sample, whether in an axis of its own or not."""

    def without_effect(settings: Settings, inputs: Inputs) -> bool:
        return inputs[0] == (1,) and shape(settings, inputs) == ()

    return Kind(Role.RESHAPING, settings or None, shape, shapes.nothing, without_effect)


def _operator(neutral: int | None = None, commutes: bool = False) -> Kind:
    """An operator between tensors, or with a number.

    Args:
        neutral: the number on its right that changes nothing.
        commutes: whether the number may stand on its left as well.
    """

    def without_effect(settings: Settings, _: Inputs) -> bool:
        here = commutes or not settings.get("number_first")
        return neutral is not None and here and bool(settings.get("args") == [neutral])

    return Kind(Role.FUNCTION, None, shapes.merged, shapes.nothing, without_effect)


_REGULARIZED = {
    "activity_regularizer": None,
    "kernel_regularizer": None,
    "bias_regularizer": None,
    "kernel_constraint": None,
    "bias_constraint": None,
}
_NORMALIZED = {
    "axis": -1,
    "beta_regularizer": None,
    "gamma_regularizer": None,
    "beta_constraint": None,
    "gamma_constraint": None,
}
_MERGED = Kind(Role.OTHER, {}, shapes.merged, shapes.nothing)
_JOINED = Kind(Role.OTHER, {"axis": -1}, shapes.joined, shapes.nothing, lambda _, inputs: len(inputs) == 1)
_COPIED = Kind(Role.OTHER, {}, shapes.same, shapes.nothing, lambda *_: True)

KINDS: Mapping[str, Kind] = {
    "InputLayer": Kind(weights=shapes.nothing),
    "Dense": Kind(
        Role.MAPPING,
        {"units": REQUIRED, "use_bias": True, "lora_rank": None, "quantization_config": None, **_REGULARIZED},
        shapes.dense,
        shapes.dense_weights,
    ),
    # --- activations
    "Activation": Kind(
        Role.ACTIVATION,
        {"activation": REQUIRED},
        shapes.same,
        shapes.nothing,
        lambda settings, _: bool(settings["activation"] == "linear"),
        light=True,
    ),
    "ReLU": _activation("relu", max_value=None, negative_slope=0.0, threshold=0.0),
    "LeakyReLU": _activation("leaky_relu", negative_slope=0.3),
    "ELU": _activation("elu", alpha=1.0),
    "Softmax": _activation("softmax", axis=-1),
    "PReLU": Kind(
        Role.ACTIVATION,
        {"alpha_regularizer": None, "alpha_constraint": None, "shared_axes": None},
        shapes.same,
        shapes.slopes,
    ),
    # --- chance
    "Dropout": _random(Role.DROPOUT, noise_shape=None),
    "SpatialDropout1D": _random(Role.DROPOUT),
    "SpatialDropout2D": _random(Role.DROPOUT, data_format="channels_last"),
    "SpatialDropout3D": _random(Role.DROPOUT, data_format="channels_last"),
    "AlphaDropout": _random(Role.NOISE, noise_shape=None),
    "GaussianDropout": _random(Role.NOISE),
    "GaussianNoise": _random(Role.NOISE, "stddev"),
    # --- scale
    "BatchNormalization": replace(
        _normalization(shapes.batch_weights, center=True, scale=True, renorm=False, **_NORMALIZED), light=True
    ),
    "LayerNormalization": _normalization(
        shapes.layer_weights, center=True, scale=True, rms_scaling=False, **_NORMALIZED
    ),
    "GroupNormalization": _normalization(shapes.layer_weights, groups=32, center=True, scale=True, **_NORMALIZED),
    "RMSNormalization": _normalization(shapes.gamma, axis=-1),
    "UnitNormalization": _normalization(shapes.nothing, axis=-1),
    "Normalization": Kind(
        Role.NORMALIZATION,
        {"axis": -1, "mean": None, "variance": None, "invert": False},
        shapes.same,
        shapes.moments,
        has_attributes=False,
    ),
    "Rescaling": Kind(
        settings={"scale": REQUIRED, "offset": 0.0},
        shape=shapes.same,
        weights=shapes.nothing,
        without_effect=lambda settings, _: bool(settings["scale"] == 1 and settings["offset"] == 0),
    ),
    "ActivityRegularization": Kind(
        settings={"l1": 0.0, "l2": 0.0},
        shape=shapes.same,
        weights=shapes.nothing,
        without_effect=lambda settings, _: not settings["l1"] and not settings["l2"],
    ),
    # --- shape
    "Flatten": Kind(Role.RESHAPING, {}, shapes.flat, shapes.nothing),
    "Reshape": _reshaping(shapes.reshaped, target_shape=REQUIRED),
    "ops.Reshape": _reshaping(shapes.reshaped_with_batch),
    "ops.Squeeze": _reshaping(shapes.squeezed),
    "Permute": Kind(
        settings={"dims": REQUIRED},
        shape=shapes.permuted,
        weights=shapes.nothing,
        without_effect=lambda settings, _: list(settings["dims"]) == sorted(settings["dims"]),
    ),
    "RepeatVector": Kind(settings={"n": REQUIRED}, shape=shapes.repeated, weights=shapes.nothing),
    # --- the same numbers
    "Identity": _COPIED,
    "ops.Copy": replace(_COPIED, role=Role.FUNCTION, settings=None),
    "ops.Cast": Kind(Role.FUNCTION, None, shapes.same, shapes.nothing),
    "Masking": Kind(settings={"mask_value": 0.0}, shape=shapes.same, weights=shapes.nothing),
    # --- functions, and several inputs
    "Lambda": Kind(Role.FUNCTION, {"function": REQUIRED}, weights=shapes.nothing),
    "Add": _MERGED,
    "Subtract": _MERGED,
    "Multiply": _MERGED,
    "Average": _MERGED,
    "Maximum": _MERGED,
    "Minimum": _MERGED,
    "Concatenate": _JOINED,
    "ops.Concatenate": replace(_JOINED, role=Role.FUNCTION, settings=None),
    "ops.Add": _operator(0, commutes=True),
    "ops.Subtract": _operator(0),
    "ops.Multiply": _operator(1, commutes=True),
    "ops.Divide": _operator(1),
    "ops.TrueDivide": _operator(1),
    "ops.Power": _operator(1),
    "ops.Maximum": _operator(),
    "ops.Minimum": _operator(),
    "ops.Negative": _operator(),
    "ops.Absolute": _operator(),
}
"""All that is known of each kind of layer; operations of ``keras.ops`` are kinds too."""

_FAMILIES = (
    (re.compile(r"EinsumDense|(Depthwise|Separable)?Conv[123]D(Transpose)?"), Kind(Role.MAPPING)),
    (re.compile(r"\w+Pooling[123]D|(Cropping|ZeroPadding|UpSampling)[123]D|Dot"), Kind(weights=shapes.nothing)),
    (re.compile(r"ops\..*", re.DOTALL), Kind(Role.FUNCTION, weights=shapes.nothing)),
    (re.compile(r"custom\..*", re.DOTALL), Kind(Role.FUNCTION)),
)
"""What is known of kinds without a row of their own, by name; of a learner's own layer the name tells nothing."""

ACTIVATION_LAYERS = {name: kind.activation for name, kind in KINDS.items() if kind.activation is not None}
"""Layers that are an activation and nothing else."""


@lru_cache(1000)
def kind_of(name: str) -> Kind:
    """What is known of a kind of layer.

    Args:
        name: Keras' class name; ``"ops.Name"`` for an operation, ``"custom.Name"`` for a class that is not Keras' own.
    """
    if name in KINDS:
        return KINDS[name]
    return next((kind for pattern, kind in _FAMILIES if pattern.fullmatch(name)), Kind())


@lru_cache(1000)
def holds_activation(kind: str) -> bool:
    """Whether a layer of this kind may have an activation inside, which is a layer of its own in canonical form."""
    return kind_of(kind).role is Role.MAPPING


@lru_cache(1000)
def is_weightless(kind: str) -> bool:
    """Whether no layer of this kind has weights."""
    return kind_of(kind).weights is shapes.nothing


@lru_cache(1000)
def commutes_with_relu(kind: str) -> bool:
    """Whether a relu may stand on either side of such a layer."""
    return kind_of(kind).role is Role.DROPOUT


@lru_cache(1000)
def mistaken_for(wanted: str, kind: str) -> bool:
    """Whether a layer of this kind is easily taken for the one that is wanted: ``AlphaDropout`` for ``Dropout``.

    Of a class that is not Keras' own only the name is known.
    """
    role, name = kind_of(wanted).role, kind.lower()
    if wanted == kind or role not in (Role.DROPOUT, Role.NORMALIZATION):
        return False
    if name.startswith("custom."):
        return ("drop" if role is Role.DROPOUT else "norm") in name
    same = (Role.DROPOUT, Role.NOISE) if role is Role.DROPOUT else (role,)
    return kind_of(kind).role in same


def defaults_of(kind: str) -> Mapping[str, Any]:
    """The settings of a kind that make a difference, with Keras' defaults; none for a kind that is not in the table."""
    return kind_of(kind).settings or {}


@lru_cache(1000)
def snake_case(name: str) -> str:
    """A class name as Keras writes it in paths: ``LeakyReLU`` becomes ``leaky_re_lu``."""
    return re.sub(r"(?<=.)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", re.sub(r"\W", "", name)).lower()
