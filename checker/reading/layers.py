"""What Keras' layers are: their settings and defaults, their activations, and what sort of layer each is."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

Shape = tuple[int | None, ...]

REQUIRED = ...
"""Marks a setting without a default."""

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

SETTINGS: dict[str, dict[str, Any]] = {
    "Dense": {
        "units": REQUIRED,
        "use_bias": True,
        "lora_rank": None,
        "quantization_config": None,
        **_REGULARIZED,
    },
    "Activation": {"activation": REQUIRED},
    "ReLU": {"max_value": None, "negative_slope": 0.0, "threshold": 0.0},
    "LeakyReLU": {"negative_slope": 0.3},
    "ELU": {"alpha": 1.0},
    "Softmax": {"axis": -1},
    "PReLU": {"alpha_regularizer": None, "alpha_constraint": None, "shared_axes": None},
    "Dropout": {"rate": REQUIRED, "noise_shape": None},
    "AlphaDropout": {"rate": REQUIRED, "noise_shape": None},
    "GaussianDropout": {"rate": REQUIRED},
    "GaussianNoise": {"stddev": REQUIRED},
    "SpatialDropout1D": {"rate": REQUIRED},
    "SpatialDropout2D": {"rate": REQUIRED, "data_format": "channels_last"},
    "SpatialDropout3D": {"rate": REQUIRED, "data_format": "channels_last"},
    "ActivityRegularization": {"l1": 0.0, "l2": 0.0},
    "BatchNormalization": {"center": True, "scale": True, "renorm": False, **_NORMALIZED},
    "LayerNormalization": {"center": True, "scale": True, "rms_scaling": False, **_NORMALIZED},
    "GroupNormalization": {"groups": 32, "center": True, "scale": True, **_NORMALIZED},
    "RMSNormalization": {"axis": -1},
    "UnitNormalization": {"axis": -1},
    "Normalization": {"axis": -1, "mean": None, "variance": None, "invert": False},
    "Rescaling": {"scale": REQUIRED, "offset": 0.0},
    "Flatten": {},
    "Identity": {},
    "Reshape": {"target_shape": REQUIRED},
    "Permute": {"dims": REQUIRED},
    "RepeatVector": {"n": REQUIRED},
    "Masking": {"mask_value": 0.0},
    "Lambda": {"function": REQUIRED},
    "Add": {},
    "Subtract": {},
    "Multiply": {},
    "Average": {},
    "Maximum": {},
    "Minimum": {},
    "Concatenate": {"axis": -1},
}
"""Each known kind's settings that make a difference, with Keras' defaults; other kinds keep what their config says."""

ACTIVATIONS: dict[str, dict[str, Any]] = {
    "linear": {},
    "relu": {"max_value": None, "negative_slope": 0.0, "threshold": 0.0},
    "relu6": {},
    "leaky_relu": {"negative_slope": 0.2},
    "elu": {"alpha": 1.0},
    "selu": {},
    "celu": {"alpha": 1.0},
    "gelu": {"approximate": False},
    "silu": {},
    "mish": {},
    "sigmoid": {},
    "tanh": {},
    "softplus": {},
    "softsign": {},
    "softmax": {"axis": -1},
    "log_softmax": {"axis": -1},
    "log_sigmoid": {},
    "exponential": {},
    "hard_sigmoid": {},
    "hard_silu": {},
    "hard_tanh": {},
    "hard_shrink": {"threshold": 0.5},
    "soft_shrink": {"threshold": 0.5},
    "tanh_shrink": {},
    "squareplus": {"b": 4},
    "sparse_plus": {},
    "sparse_sigmoid": {},
    "sparsemax": {"axis": -1},
    "glu": {"axis": -1},
}
"""Keras' activation functions with the defaults of their parameters."""

ALIASES = {"swish": "silu", "hard_swish": "hard_silu"}
"""Other names that Keras knows an activation by."""
OPERATIONS = {name: name for name in ACTIVATIONS} | {"re_lu": "relu", "exp": "exponential"}
"""Classes of ``keras.ops`` calls, in snake case, that are activations."""
ACTIVATION_LAYERS = {"ReLU": "relu", "LeakyReLU": "leaky_relu", "ELU": "elu", "Softmax": "softmax"}
"""Layers that are an activation and nothing else."""
_ACTIVATED = re.compile(r"^(Dense|EinsumDense|(Depthwise|Separable)?Conv[123]D(Transpose)?)$")
RANDOM = re.compile(r"^(.*Dropout(1D|2D|3D)?|GaussianNoise)$")
"""Layers that do something else in training than afterwards, and only because of chance."""
DROPOUTS = re.compile(r"^(Dropout|SpatialDropout[123]D)$")
"""Layers that switch off at random and scale the rest: a positively homogeneous activation may stand on either side."""
RESHAPING = ("Flatten", "Reshape", "ops.Reshape", "ops.Squeeze")
"""Layers and operations that give the same numbers another shape."""
NEUTRAL = {"Add": 0, "Subtract": 0, "Multiply": 1, "Divide": 1, "TrueDivide": 1, "Power": 1}
"""Operators, and the number on their right that changes nothing; when adding and multiplying, on their left as well."""
_WEIGHTLESS = re.compile(
    r"^(Activation|.*Dropout(1D|2D|3D)?|GaussianNoise|ActivityRegularization|UnitNormalization|Rescaling|Flatten|Identity"
    r"|Reshape|Permute|RepeatVector|Masking|Lambda|Add|Subtract|Multiply|Average|Maximum|Minimum|Concatenate|Dot"
    r"|Cropping.*|ZeroPadding.*|UpSampling.*|.*Pooling[123]D|ops\..*)$"
)
SAME_SHAPE = re.compile(
    r"^(Activation|PReLU|.*Dropout(1D|2D|3D)?|GaussianNoise|ActivityRegularization|.*Normalization|Rescaling|Identity|Masking"
    r"|Add|Subtract|Multiply|Average|Maximum|Minimum|ops\.(Add|Subtract|Multiply|Divide|TrueDivide|Power|Negative|Absolute|Cast|Copy))$"
)
"""Layers whose output has the shape of their input."""


@cache
def holds_activation(kind: str) -> bool:
    """Whether a layer of this kind may have an activation inside, which is a layer of its own in canonical form."""
    return _ACTIVATED.match(kind) is not None


@cache
def is_weightless(kind: str) -> bool:
    """Whether no layer of this kind has weights."""
    return _WEIGHTLESS.match(kind) is not None


def is_keras_module(module: str) -> bool:
    """Whether a class from this module is Keras' own."""
    return module == "keras" or module.startswith("keras.")


def snake_case(name: str) -> str:
    """A class name as Keras writes it in paths: ``LeakyReLU`` becomes ``leaky_re_lu``."""
    return re.sub(r"(?<=.)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", re.sub(r"\W", "", name)).lower()
