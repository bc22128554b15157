"""A graph as a file: what the checker saw of a model that Keras' own format cannot show.

Layers and models of a learner's own, and functions that were recognised by what they compute, are opaque in a
``.keras`` file. For those the graph itself is written, in the same kind of archive: ``config.json`` holds the nodes,
and ``model.weights.h5`` the weights of each layer in the order in which Keras saves them. Reading it runs no code.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from checker.reading.parts import MAX_NODES, Node, Unreadable

CLASS_NAME: Final = "checker.Graph"
"""What ``config.json`` calls itself."""


def graph_archive(graph: Any) -> bytes:
    """The archive of a live model's graph.

    Args:
        graph: a ``graph.Graph`` of a live model.
    """
    import h5py

    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        for layer, source in {node.layer: node.source for node in graph.nodes if node.source is not None}.items():
            for group, arrays in _own_variables(source, ""):
                for index, array in enumerate(arrays):
                    file[f"layers/{layer}{group}/vars/{index}"] = array
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as target:
        for name, content in (
            ("metadata.json", b"{}"),
            ("config.json", json.dumps(_described(graph), default=str).encode()),
            ("model.weights.h5", weights.getvalue()),
        ):
            target.writestr(zipfile.ZipInfo(name), content)  # ZipInfo carries a fixed date
    return packed.getvalue()


def _own_variables(layer: Any, group: str) -> Iterator[tuple[str, list[Any]]]:
    """The arrays of a layer, and of an activation layer inside it, as Keras saves them."""
    import numpy as np

    store: dict[str, Any] = {}
    if not hasattr(layer, "save_own_variables"):  # an operation without weights
        return
    try:
        layer.save_own_variables(store)
        arrays = [np.asarray(store[str(index)], "float32") for index in range(len(store))]
    except Exception:  # a learner's own layer may save as it likes; its weights are then unknown
        return
    yield group, arrays
    inside = getattr(layer, "activation", None)
    if hasattr(inside, "save_own_variables"):
        yield from _own_variables(inside, f"{group}/activation")


def _described(graph: Any) -> dict[str, Any]:
    nodes = [
        {
            "class_name": node.class_name,
            "config": dict(node.config),
            "inputs": list(node.inputs),
            "trainable": node.trainable,
            "layer": node.layer,
            "name": node.name,
            "parameters": node.parameters,
        }
        for node in graph.nodes
    ]
    return {
        "class_name": CLASS_NAME,
        "nodes": nodes,
        "inputs": list(graph.inputs),
        "outputs": list(graph.outputs),
        "input_shapes": [None if shape is None else list(shape) for shape in graph.input_shapes],
        "built": graph.built,
        "compiled": None if graph.compiled is None else dict(graph.compiled),
    }


def is_graph(config: Any) -> bool:
    """Whether a ``config.json`` is a graph of this kind."""
    return isinstance(config, Mapping) and config.get("class_name") == CLASS_NAME


def read_graph(config: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the ``graph.Graph`` that a ``config.json`` describes.

    Raises:
        Unreadable: for what :func:`graph_archive` never writes: edges that lead nowhere or back, or too many nodes.
    """
    try:
        nodes = tuple(_node(index, raw) for index, raw in enumerate(config["nodes"][: MAX_NODES + 1]))
        shapes = tuple(None if shape is None else tuple(map(_size, shape)) for shape in config["input_shapes"])
        ends = {name: tuple(int(index) for index in config[name]) for name in ("inputs", "outputs")}
        compiled = config["compiled"]
        objectives = None if compiled is None else {str(key): compiled[key] for key in ("optimizer", "loss")}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unreadable("model.unreadable") from error
    inside = all(0 <= index < len(nodes) for indices in ends.values() for index in indices)
    if not inside or len(nodes) > MAX_NODES or len(shapes) != len(ends["inputs"]) or not ends["outputs"]:
        raise Unreadable("model.unreadable")
    return {
        "nodes": nodes,
        **ends,
        "input_shapes": shapes,
        "built": config.get("built") is True,
        "compiled": objectives,
    }


def no_fewer(nodes: tuple[Node, ...], held: tuple[Node, ...]) -> tuple[Node, ...]:
    """The nodes, none with fewer weights than the file holds for it, whatever the file claims.

    Args:
        nodes: as claimed.
        held: the same nodes with the numbers of weights that were counted.
    """
    return tuple(
        node if node.parameters is None else replace(node, parameters=max(node.parameters, counted.parameters or 0))
        for node, counted in zip(nodes, held, strict=True)
    )


def _size(value: Any) -> int | None:
    return None if value is None else int(value)


def _node(index: int, raw: Mapping[str, Any]) -> Node:
    inputs = tuple(int(source) for source in raw["inputs"])
    if not all(0 <= source < index for source in inputs):
        raise ValueError("a node can only take what nodes before it give")
    layer, parameters = int(raw["layer"]), _size(raw["parameters"])
    return Node(
        str(raw["class_name"]),
        dict(raw["config"]),
        inputs,
        raw["trainable"] is not False,
        layer,
        str(raw["name"]),
        f"layers/{layer}",
        parameters,
    )
