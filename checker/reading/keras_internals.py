"""Everything that this course relies on and Keras does not promise: its private names, in one place.

``tests/unit/reading/test_keras_internals.py`` holds Keras to each of them and says what breaks when it changes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

LAYER_MODULES = ("keras.layers", "keras.src.layers")
"""Where layers come from, as their classes say and as saved files say; other classes of Keras are operations."""
LEGACY_MODULES = ("tf_keras.", "keras.engine.", "keras.src.engine.")
"""Where models of Keras 2 come from."""
SAVED_TENSOR = "__keras_tensor__"
"""The class name under which a saved file holds a symbolic tensor."""


class Made(NamedTuple):
    """The call that made a symbolic tensor.

    Attributes:
        operation: the layer or operation that was called.
        args, kwargs: what it was called with.
        outputs: all tensors that it gave.
    """

    operation: Any
    args: Any
    kwargs: Any
    outputs: Sequence[Any]


def is_keras_module(module: str) -> bool:
    """Whether a class from this module is Keras' own."""
    return module == "keras" or module.startswith("keras.")


def own_layers(layer: Any) -> list[Any]:
    """The layers that a layer or model holds as attributes, in order; of a Sequential its input layer too."""
    return list(layer._layers)


def all_layers(model: Any) -> list[Any]:
    """A model and all layers inside it, however deep."""
    return list(model._flatten_layers())


def made_by(tensor: Any) -> Made:
    """The call that made a symbolic tensor."""
    history = tensor._keras_history
    node = history.operation._inbound_nodes[history.node_index]
    return Made(node.operation, node.arguments.args, node.arguments.kwargs, node.outputs)


def calls_on_output(layer: Any) -> list[Any]:
    """What was called on a layer's output, in whichever networks; none where Keras noted nothing."""
    return [getattr(call, "operation", None) for call in list(getattr(layer, "_outbound_nodes", ()))]


def built_shapes(model: Any) -> list[Any]:
    """The shapes, batch axis included, that a subclassed model was built with; none when it was not."""
    return list((getattr(model, "_build_shapes_dict", None) or {}).values())


@contextmanager
def calls_replaced(layer_class: Any, by: Callable[..., Any]) -> Iterator[None]:
    """While this lasts, calling any layer calls another function.

    Args:
        layer_class: ``keras.layers.Layer``.
        by: takes the layer and what it is called with.
    """
    original = layer_class.__call__
    layer_class.__call__ = by
    try:
        yield
    finally:
        layer_class.__call__ = original


@contextmanager
def names_kept() -> Iterator[None]:
    """Keep Keras from counting the names that reading a model uses up."""
    names = _names()
    before = dict(names or {})
    try:
        yield
    finally:
        if names is not None:
            names.clear()
            names.update(before)


def _names() -> Any:
    """How many objects have taken each name, by name; None where Keras does not say."""
    state = sys.modules.get("keras.src.backend.common.global_state")
    return None if state is None else state.get_global_attribute("object_name_uids")


def is_saved_tensor(thing: Any) -> bool:
    """Whether this stands for a symbolic tensor in a saved file."""
    return isinstance(thing, Mapping) and thing.get("class_name") == SAVED_TENSOR


def saved_tensor(thing: Any) -> tuple[Any, ...]:
    """The layer's name, the number of its call and of its output that a saved symbolic tensor comes from."""
    return tuple(thing["config"]["keras_history"])
