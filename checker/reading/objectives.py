"""Optimizer and loss by their short names, of a live model and in a saved file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from checker.reading.keras_internals import is_keras_module
from checker.reading.layers import snake_case
from checker.reading.recognise import lineage, module_of, name_of

_SHORT = {
    "mean_absolute_error": "mae",
    "mean_squared_error": "mse",
    "mean_absolute_percentage_error": "mape",
    "mean_squared_logarithmic_error": "msle",
}

LOSS_SCALING = "LossScaleOptimizer"
"""What Keras wraps an optimizer in where the model computes in float16."""

_MEAN = ("sum_over_batch_size", "mean", "mean_with_sample_weight", "auto")

_LOSSES = {
    *_SHORT,
    "huber",
    "log_cosh",
    "binary_crossentropy",
    "categorical_crossentropy",
    "poisson",
    "cosine_similarity",
}


def compiled_with(model: Any) -> dict[str, Any] | None:
    """Optimizer and loss of a live model; None when it is not compiled."""
    if not getattr(model, "compiled", False):
        return None
    noted = getattr(getattr(model, "_compile_config", None), "config", None)
    weights = noted.get("loss_weights") if isinstance(noted, Mapping) else None
    return {"optimizer": _objective(model.optimizer), "loss": weighted(_objective(model.loss), weights)}


def weighted(loss: str | None, weights: Any) -> str | None:
    """A loss' name followed by the ``loss_weights`` that multiply it, where they change anything."""
    values = list(weights.values()) if isinstance(weights, Mapping) else weights
    values = values if isinstance(values, list | tuple) else [] if values is None else [values]
    return loss if loss is None or all(value == 1 for value in values) else f"{loss}(loss_weights={list(values)})"


def _objective(value: Any) -> str | None:
    """A live optimizer's or loss' short name: ``MeanAbsoluteError()`` is ``"mae"``."""
    if value is None or isinstance(value, str):
        return None if value is None else _short(value)
    if isinstance(value, list | tuple | dict):
        only = list(value.values() if isinstance(value, dict) else value)
        return _objective(only[0]) if len(only) == 1 else "several"
    is_function = hasattr(value, "__name__")
    known = type(value) if is_function else _known(type(value))
    name = str(value.__name__) if is_function else name_of(known)
    module = str(value.__module__) if is_function else module_of(known)
    if not is_keras_module(module):
        return f"custom.{name}"
    if name == LOSS_SCALING:
        return _objective(value.inner_optimizer)
    return _short(name) + _reduced(_MEAN[0] if is_function else getattr(value, "reduction", _MEAN[0]))


def _known(cls: type) -> type:
    """Keras' class that an optimizer or loss counts as: a subclass that overrides nothing but how it is made."""
    own: set[str] = set()
    for base in lineage(cls):
        if is_keras_module(module_of(base)):
            return cls if own & set(dir(base)) - _MADE else base
        own |= set(vars(base))
    return cls


_MADE = {"__init__", "__module__", "__doc__", "__dict__", "__weakref__", "get_config", "from_config"}


def saved_objective(value: Any) -> str | None:
    """The short name of an optimizer or loss as a file holds it."""
    if not isinstance(value, Mapping):
        return _objective(value)
    if "class_name" not in value:
        return _objective({key: saved_objective(one) for key, one in value.items()})
    if isinstance(value.get("config"), str):  # a function; the file does not say whose
        return _short(value["config"]) if value["config"] in _LOSSES else f"custom.{value['config']}"
    name, config = str(value["class_name"]), value.get("config")
    if not is_keras_module(str(value.get("module"))):
        return f"custom.{name}"
    if name == LOSS_SCALING and isinstance(config, Mapping):
        return saved_objective(config.get("inner_optimizer"))
    return _short(name) + _reduced(config.get("reduction", _MEAN[0]) if isinstance(config, Mapping) else _MEAN[0])


def _reduced(reduction: Any) -> str:
    """What a loss object's name is followed by if it does not average over the samples, as a loss in words does."""
    return "" if reduction in _MEAN else f'(reduction="{reduction}")'


def _short(name: str) -> str:
    name = snake_case(name) if re.search("[A-Z][a-z]+[A-Z]", name) else name.lower()
    return _SHORT.get(name, name).replace("rm_sprop", "rmsprop")
