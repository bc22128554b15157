"""TensorFlow's own operations between the layers of a subclassed model: ``tf.nn.relu(self.hidden(x))``.

Keras' symbolic tensors cannot pass through them, but those of a TensorFlow graph of its own can.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from checker.reading.parts import NOTHING, Item, with_numbers

_HAND_ON = ("Identity", "EnsureShape")
_SHAPING = ("Reshape", "Squeeze", "ExpandDims")
_NAMES = {"Relu": "ReLU", "AddV2": "Add", "BiasAdd": "Add", "Mul": "Multiply", "Sub": "Subtract", "RealDiv": "Divide"}
_NAMES |= {"ConcatV2": "Concatenate"}


def in_tensorflow(keras: Any) -> bool:
    """Whether Keras computes with TensorFlow."""
    return "tensorflow" in sys.modules and str(keras.backend.backend()) == "tensorflow"


@contextmanager
def operations_apart() -> Iterator[Symbols]:
    """While this lasts, TensorFlow's operations are noted in a graph of its own instead of being computed."""
    tensorflow = sys.modules["tensorflow"]
    graph = tensorflow.Graph()
    with graph.as_default():
        yield Symbols(tensorflow, graph)


class Symbols:
    """The symbolic tensors of one graph, and what was done to them."""

    def __init__(self, tensorflow: Any, graph: Any) -> None:
        self.tensorflow, self.graph = tensorflow, graph

    def has(self, thing: Any) -> bool:
        return getattr(thing, "graph", None) is self.graph

    def tensor(self, shape: Sequence[int | None]) -> Any:
        """A new tensor of a shape, given without the batch axis."""
        return self.tensorflow.compat.v1.placeholder("float32", (None, *shape))

    def to_keras(self, keras: Any, thing: Any) -> Any:
        return keras.KerasTensor(tuple(thing.shape), "float32") if self.has(thing) else thing

    def operation(self, tensor: Any) -> tuple[Item, list[Any], dict[str, Any]]:
        """What made a tensor: the operation as an item, the tensors that it took, and its constants."""
        done = tensor.op
        value = self.tensorflow.get_static_value
        sources = [one for one in done.inputs if value(one) is None]
        constants = [value(one).tolist() for one in done.inputs if value(one) is not None]
        config: dict[str, Any] = {"negative_slope": done.get_attr("alpha")} if done.type == "LeakyRelu" else {}
        kept = done.type in _HAND_ON or (done.type == "Cast" and tensor.dtype.is_floating)
        if done.type in _SHAPING and len(sources) == 1:
            kept, constants = tuple(tensor.shape) == tuple(sources[0].shape), []
            config = {"newshape": list(tensor.shape)}
        body = NOTHING if kept else None
        kind = "Reshape" if done.type in _SHAPING else _NAMES.get(done.type, done.type)
        item = Item(done.name, f"ops.{kind}", config, done.name, body=body)
        if not constants or kept:
            return item, sources, {}
        return item, sources, with_numbers(constants, value(done.inputs[0]) is not None)
