"""The graph that Keras built: one node for each call of each layer, whichever reader found it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from checker.reading.graph_file import is_graph, no_fewer, read_graph
from checker.reading.live import LiveReader
from checker.reading.objectives import compiled_with
from checker.reading.parts import Assembler, Node, Unreadable
from checker.reading.recognise import name_of, refuse_what_is_no_model
from checker.reading.saved import counted, read_config, read_model
from checker.reading.shapes import Shape
from checker.reading.unused import unused_calls


@dataclass(frozen=True)
class Graph:
    """All layer calls between a model's inputs and outputs, nested models inlined, in topological order.

    Attributes:
        nodes: the calls; inputs are nodes of the class ``InputLayer``.
        inputs, outputs: indices of the nodes that are the model's inputs and outputs.
        input_shapes: shape of each input without the batch axis; None while it is unknown.
        built: whether the model has weights.
        compiled: optimizer and loss, None when the model is not compiled.
        unused: calls of layers that lead to no output: the position of the layer before each, and its code.
    """

    nodes: tuple[Node, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    input_shapes: tuple[Shape | None, ...]
    built: bool = True
    compiled: Mapping[str, Any] | None = None
    unused: tuple[tuple[int, str], ...] = field(default=(), compare=False)

    @classmethod
    def of(cls, model: Any, input_shape: Sequence[int | None] | None = None) -> Self:
        """The graph of a live Keras model, which is left as it is.

        Args:
            model: a Keras 3 model: Sequential, Functional or subclassed, built or not.
            input_shape: shape of one sample; only needed for a model that has not seen its input yet.

        Raises:
            Unreadable: for anything else, and nothing but that.
        """
        refuse_what_is_no_model(model)
        try:
            reader = LiveReader(None if input_shape is None else tuple(input_shape))
            item = reader.model(model)
            built, compiled = bool(model.built), compiled_with(model)
            graph = cls(*Assembler().assemble(item), built=built, compiled=compiled)
            return replace(graph, unused=tuple(unused_calls(model, graph.nodes, reader)))
        except Unreadable:
            raise
        except BaseException as error:  # whatever a learner's own class may throw, a checker must not
            raise Unreadable("model.untraceable", name=name_of(type(model))) from error

    @classmethod
    def load(cls, source: str | Path | bytes) -> Self:
        """The graph of a model saved as ``.keras``, read as data: neither TensorFlow nor code from the file runs.

        Args:
            source: path or content of the file.

        Raises:
            Unreadable: when the file is missing or damaged, or a subclassed model, whose graph no file holds.
        """
        try:
            config = read_config(source)
            if is_graph(config):
                graph = cls(**read_graph(config))
                return replace(graph, nodes=no_fewer(graph.nodes, tuple(counted(source, graph.nodes))))
            item, compiled, built = read_model(config)
            graph = cls(*Assembler().assemble(item), built=built, compiled=compiled)
            return replace(graph, nodes=tuple(counted(source, graph.nodes)))
        except Unreadable:
            raise
        except Exception as error:  # hostile files fail in every way there is
            raise Unreadable("model.unreadable") from error
