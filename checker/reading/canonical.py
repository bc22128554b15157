"""A layer's settings in canonical form, and that form as Keras code.

Defaults are filled in, what makes no difference is left out, and an activation inside a layer stands apart from it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from checker.reading.activations import ACTIVATIONS, ALIASES, OPERATIONS
from checker.reading.layers import ACTIVATION_LAYERS, REQUIRED, defaults_of, holds_activation, kind_of, snake_case

_IGNORED = re.compile(
    r"^(name|trainable|dtype|seed|autocast|build_config|compile_config|module|registered_name|shared_object_id"
    r"|quantization_config|.*_initializer|initializer)$"
)


@dataclass(frozen=True)
class Stage:
    """One step of what a layer does: the layer itself, or the activation inside it.

    Attributes:
        kind: Keras' class; every activation function is an ``"Activation"``.
        config: settings; of an ``"Activation"`` in canonical form, see :func:`activation_settings`.
        group: where its weights lie inside the layer's own group: ``""`` or ``"activation"``.
        trainable: False for a frozen layer used as an activation.
    """

    kind: str
    config: Mapping[str, Any]
    group: str = ""
    trainable: bool = True


def stages(kind: str, config: Mapping[str, Any], group: str = "", trainable: bool = True) -> list[Stage]:
    """A layer of Keras taken apart: ``Dense(8, activation="relu")`` into a ``Dense`` and an ``Activation``."""
    activation, steps = _as_activation(kind, config), []
    if activation is None:
        steps.append(Stage(kind, config, group, trainable))
        if not holds_activation(kind):
            return steps
        activation = config.get("activation") or "linear"
    if not isinstance(activation, Mapping):
        return [*steps, Stage("Activation", activation_settings(activation))]
    if "class_name" not in activation:
        return [*steps, Stage("Activation", activation_settings(**activation))]
    inner, frozen = f"{group}/activation".lstrip("/"), not activation.get("trainable", True)
    return steps + stages(activation["class_name"], activation["config"], inner, trainable and not frozen)


def _as_activation(kind: str, config: Mapping[str, Any]) -> Any:
    """The activation that a layer or operation is; None when it is none."""
    if kind == "Activation":
        return config["activation"] or "linear"
    if kind in ACTIVATION_LAYERS:
        return {"activation": ACTIVATION_LAYERS[kind], **settings_of(kind, config)}
    if kind == "Lambda" and own_function(config["function"]) is None:
        return config["function"]
    if kind.startswith("ops."):
        name = OPERATIONS.get(snake_case(kind[4:]))
        if name is not None:
            return {"activation": name, **{key: config[key] for key in ACTIVATIONS[name] if key in config}}
        if kind == "ops.Maximum" and config.get("args") == [0]:
            return "relu"
    return None


def activation_settings(activation: str, **parameters: Any) -> dict[str, Any]:
    """An activation in canonical form.

    Args:
        activation: Keras' name of the function.
        **parameters: of the function, where they are not its defaults: ``max_value=6``.

    Returns:
        Its name and all its parameters. ``relu`` with ``max_value=6`` is ``relu6``, with a slope ``leaky_relu``.
    """
    name = ALIASES.get(activation, activation)
    given = {**ACTIVATIONS.get(name, {}), **parameters}
    if name == "leaky_relu":
        name, given = "relu", {**ACTIVATIONS["relu"], **given}
    if name == "celu" and given["alpha"] == 1:
        name = "elu"
    if name == "relu":
        slope, top, threshold = given["negative_slope"], given["max_value"], given["threshold"]
        if top is None and not threshold:
            name = "linear" if slope == 1 else "leaky_relu" if slope else "relu"
            given = {"negative_slope": slope} if name == "leaky_relu" else {}
        elif top == 6 and not slope and not threshold:
            name, given = "relu6", {}
    return {"activation": name, **{key: _rounded(value) for key, value in given.items()}}


def own_function(activation: Mapping[str, Any]) -> str | None:
    """The name of a function that is not Keras' own; None for one of Keras' activations."""
    name = str(activation["activation"])
    return name.removeprefix("custom.") if name.startswith("custom.") else None


def settings_of(kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """A layer's settings in canonical form: those that make a difference, with Keras' defaults filled in.

    Args:
        kind: Keras' class name.
        given: settings as Keras saves them or as a learner gives them.

    Raises:
        KeyError: when a setting without a default is missing.
    """
    known = kind_of(kind).settings
    if known is None:
        return cast(dict[str, Any], _cleaned({key: value for key, value in given.items() if key != "activation"}))
    return {
        key: _cleaned(given[key] if default is REQUIRED else given.get(key, default)) for key, default in known.items()
    }


def _cleaned(value: Any) -> Any:
    """Without names, seeds and initializers, floats rounded, tuples as lists."""
    if value is None or type(value) in (str, int, bool):  # nearly always
        return value
    if isinstance(value, Mapping):
        if value.get("class_name") in ("L1", "L2", "L1L2") and not any(value["config"].values()):
            return None  # a penalty of nothing
        return {str(key): _cleaned(item) for key, item in value.items() if not _IGNORED.match(str(key))}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    return _rounded(value)


def _rounded(value: Any) -> Any:
    """Floats to seven digits, which is what float32 holds; ``0.3`` computed in another way is still 0.3."""
    return float(f"{value:.7g}") if type(value) is float else value


# --- as Keras code ----------------------------------------------------------------------------------------------------


def layer_code(kind: str, settings: Mapping[str, Any], activation: str | None = None, trainable: bool = True) -> str:
    """A layer as Keras code, without defaults.

    Args:
        kind: Keras' class name.
        settings: as :func:`settings_of` gives them.
        activation: code of an activation inside the layer: ``'"relu"'``.
        trainable: False adds ``trainable=False``.
    """
    known = defaults_of(kind)
    parts = []
    for name, value in settings.items() if known else ():
        if known[name] is REQUIRED:
            parts.append(_value_code(value))
        elif value != known[name]:
            parts.append(f"{name}={_value_code(value)}")
    if activation is not None:
        parts.append(f"activation={activation}")
    if not trainable:
        parts.append("trainable=False")
    return f"{_name(kind)}({', '.join(parts)})"


@lru_cache(1000)
def _name(kind: str) -> str:
    """What a kind is called in code."""
    if not kind.startswith("ops."):
        return kind.rpartition(".")[2]
    operation = snake_case(kind[4:])
    return f"ops.{OPERATIONS.get(operation, operation)}"


def _value_code(value: Any) -> str:
    if isinstance(value, Mapping) and "activation" in value:
        return own_function(value) or _value_code(value["activation"])
    if isinstance(value, Mapping) and "class_name" in value:
        return (
            f"{value['class_name']}({', '.join(f'{k}={_value_code(v)}' for k, v in value.get('config', {}).items())})"
        )
    if isinstance(value, list):
        return f"({', '.join(map(_value_code, value))}{',' * (len(value) == 1)})"
    return json.dumps(value) if isinstance(value, str) else repr(value)


def activation_code(settings: Mapping[str, Any]) -> str:
    """``Activation("relu")``, or the layer that takes the parameters: ``ReLU(max_value=5.0)``."""
    name = settings["activation"]
    given = {key: value for key, value in settings.items() if key != "activation"}
    if given == ACTIVATIONS.get(name, {}) or (name == "relu" and not given):
        return f"Activation({own_function(settings) or _value_code(name)})"
    for kind, activation in ACTIVATION_LAYERS.items():
        if activation == name:
            return layer_code(kind, settings_of(kind, given))
    return f"Activation({', '.join([_value_code(name), *(f'{k}={_value_code(v)}' for k, v in given.items())])})"
