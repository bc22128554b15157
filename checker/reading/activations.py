"""Keras' activation functions: their names and the defaults of their parameters."""

from __future__ import annotations

from typing import Any

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
