"""What a live object really is: a class by its lineage, a function by what it does to numbers.

Nothing here believes what an object says about itself, and nothing imports Keras: a live model can only exist where
Keras was imported already.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache, lru_cache, partial
from types import FunctionType
from typing import Any, cast

from checker.reading.activations import ACTIVATIONS
from checker.reading.canonical import activation_settings
from checker.reading.keras_internals import LAYER_MODULES, LEGACY_MODULES, is_keras_module
from checker.reading.parts import Unreadable


def keras_in_use() -> Any:
    """Keras 3 as the learner imported it, or None."""
    keras = sys.modules.get("keras")
    return keras if hasattr(keras, "Model") and str(getattr(keras, "__version__", "")) >= "3" else None


def lineage(cls: type) -> tuple[type, ...]:
    """The classes that a class is made of, without asking the class itself, which may lie."""
    return cast(tuple[type, ...], type.__dict__["__mro__"].__get__(cls))


def name_of(cls: type) -> str:
    """A class' name, as Python knows it."""
    return str(type.__dict__["__name__"].__get__(cls))


def module_of(cls: type) -> str:
    """The module that a class comes from; empty when it does not say."""
    module = type.__dict__["__dict__"].__get__(cls).get("__module__")
    return module if type(module) is str else ""


def descends(cls: type, *classes: type) -> bool:
    """``issubclass`` that no metaclass can deceive."""
    return not set(map(id, classes)).isdisjoint(map(id, lineage(cls)))


def is_a(thing: Any, *classes: type) -> bool:
    """``isinstance`` that neither ``__class__`` nor a metaclass can deceive."""
    return descends(type(thing), *classes)


def refuse_what_is_no_model(thing: Any) -> None:
    """Raise :class:`Unreadable`, with the sentence that fits, unless this is a live Keras 3 model."""
    keras, name = keras_in_use(), name_of(type(thing))
    if keras is not None and is_a(thing, keras.Model):
        return
    if thing is None:
        raise Unreadable("model.none")
    if is_a(thing, type):
        is_model = keras is not None and descends(thing, keras.Model)
        raise Unreadable("model.class" if is_model else "model.not_keras", name=name_of(thing))
    if is_a(thing, list, tuple):
        raise Unreadable("model.list")
    if is_a(thing, FunctionType, partial):
        raise Unreadable("model.function", name=thing.__name__ if type(thing) is FunctionType else name)
    if keras is not None and is_a(thing, keras.layers.Layer):
        raise Unreadable("model.layer", name=name)
    if keras is not None and is_a(thing, keras.callbacks.History):
        raise Unreadable("model.history")
    if any(module_of(base).startswith(LEGACY_MODULES) for base in lineage(type(thing))):
        raise Unreadable("model.legacy", name=name)
    raise Unreadable("model.not_keras", name=name)


def keras_class(layer: Any) -> tuple[str, type | None]:
    """The kind that a live layer counts as, and Keras' class of that kind; None for a kind of its own.

    A subclass counts as the layer it derives from unless it computes something else: it overrides ``call``.
    """
    cls = type(layer)
    kind, known = _kind_of_class(cast(Any, cls))
    return (f"custom.{name_of(cls)}", None) if "call" in vars(layer) or known is None else (kind, known)


@lru_cache(1000)
def _kind_of_class(cls: type) -> tuple[str, type | None]:
    own: set[str] = set()  # what the learner's classes define that stand before Keras' own one
    for base in lineage(cls):
        if is_keras_module(module_of(base)):
            name, is_layer = name_of(base), module_of(base).startswith(LAYER_MODULES)
            known = not own & {"call", "__call__"} and name not in ("Layer", "Operation", "Model")
            return (name if is_layer else f"ops.{name}", base) if known else ("", None)
        own |= set(vars(base))
    return "", None


# --- functions --------------------------------------------------------------------------------------------------------


@cache
def _probe() -> tuple[Any, dict[str, Any]]:
    """Numbers to try a function on, and what each of Keras' activations makes of them."""
    import numpy as np

    keras = keras_in_use()
    values = np.concatenate([np.linspace(-8.03, 8.03, 44), [-1000.0, -50.0, 50.0, 1000.0]]).astype("float32")
    values = values[np.argsort(np.sin(np.arange(48.0)))].reshape(4, 12)  # mixed, so that rows tell softmax apart
    tensor = keras.ops.convert_to_tensor(values)
    names = [name for name in ACTIVATIONS if name != "glu" and hasattr(keras.activations, name)]  # old ones have fewer
    return values, {name: keras.ops.convert_to_numpy(keras.activations.get(name)(tensor)) for name in names}


def recognised(function: Callable[[Any], Any]) -> dict[str, Any] | None:
    """The activation that a function of a live model computes, found by trying it on numbers.

    Args:
        function: takes and returns a tensor.

    Returns:
        ``{"activation": "relu"}`` with parameters where they are not the defaults; None for no known activation.
    """
    import numpy as np

    keras = keras_in_use()
    values, known = _probe()
    try:
        result = keras.ops.convert_to_numpy(function(keras.ops.convert_to_tensor(values)))
    except Exception:  # a learner's function may raise anything on data it was not written for
        return None
    if result.shape != values.shape or result.dtype.kind != "f":
        return None
    same = partial(np.allclose, result, rtol=1e-4, atol=1e-5, equal_nan=True)
    for name, reference in known.items():
        if same(reference):
            return activation_settings(name)
    low, high = (float(result[values == edge][0]) / edge for edge in (np.float32(-1000.0), np.float32(1000.0)))
    if same(np.where(values > 0, values, low * values)):
        return activation_settings("leaky_relu", negative_slope=low)
    if same(np.clip(values, 0, high * 1000)):
        return activation_settings("relu", max_value=high * 1000)
    if same(np.where(values > 0, values, 1000 * low * np.expm1(np.minimum(values, 0)))):
        return activation_settings("elu", alpha=1000 * low)
    return None
