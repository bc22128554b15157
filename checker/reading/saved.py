"""Reads a saved ``.keras`` file as data: JSON and HDF5, no TensorFlow, and no code from the file runs."""

from __future__ import annotations

import io
import json
import math
import re
import zipfile
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from checker.reading.keras_internals import LAYER_MODULES, is_keras_module, is_saved_tensor, saved_tensor
from checker.reading.layers import defaults_of, holds_activation, kind_of
from checker.reading.objectives import saved_objective, weighted
from checker.reading.parts import NOTHING, TRANSPARENT, Body, Call, Item, Node, Unreadable, call_constants, chain
from checker.reading.shapes import Shape

MAX_CONFIG_BYTES = 20_000_000
"""Size of a saved model's ``config.json``; a network of 200 layers needs about 200 kB."""

MAX_WEIGHTS_BYTES = 1_000_000_000
"""Size of a saved model's weights."""


def read_config(source: str | Path | bytes) -> Any:
    """The ``config.json`` of a file."""
    stream = io.BytesIO(source) if isinstance(source, bytes) else Path(source)
    with zipfile.ZipFile(stream) as archive:
        if archive.getinfo("config.json").file_size > MAX_CONFIG_BYTES:
            raise Unreadable("model.unreadable")
        return json.loads(archive.read("config.json"))


def read_model(config: Any) -> tuple[Item, Any, bool]:
    """The model that a ``config.json`` describes, what it was compiled with, and whether it has weights."""
    item = _saved_item(config)
    if item.body is None:
        raise Unreadable("model.untraceable", name=str(config.get("class_name", "")))
    compiled = config.get("compile_config") or {}
    objectives = {name: saved_objective(compiled[name]) for name in ("optimizer", "loss") if name in compiled}
    if "loss" in objectives:
        objectives["loss"] = weighted(objectives["loss"], compiled.get("loss_weights"))
    return item, objectives or None, item.body.input_shapes[0] is not None


def counted(source: str | Path | bytes, nodes: Sequence[Node]) -> Iterator[Node]:
    """The nodes, with the numbers of weights in the file where a layer's settings do not tell them."""
    if all(kind_of(node.class_name).weights is not None for node in nodes):  # the settings tell
        yield from nodes
        return
    paths = {node.path for node in nodes if node.path}
    import h5py

    counts = dict.fromkeys(paths, 0)

    def count(name: str, found: Any) -> None:
        if isinstance(found, h5py.Dataset):
            for path in paths.intersection(name[: place.start()] for place in re.finditer("/", name)):
                counts[path] += math.prod(found.shape)

    stream = io.BytesIO(source) if isinstance(source, bytes) else Path(source)
    with zipfile.ZipFile(stream) as archive:
        if archive.getinfo("model.weights.h5").file_size > MAX_WEIGHTS_BYTES:
            raise Unreadable("model.unreadable")
        content = archive.read("model.weights.h5")
    with h5py.File(io.BytesIO(content), "r") as file:
        file.visititems(count)
    for node in nodes:
        yield replace(node, parameters=counts.get(node.path))


def _saved_item(saved: Mapping[str, Any]) -> Item:
    config, kind = saved["config"], _saved_class(saved)
    body = NOTHING if kind in TRANSPARENT else None
    if kind in ("ops.Functional", "ops.Model"):
        body = _saved_functional(config)
    elif kind == "ops.Sequential":
        body = _saved_sequential(config)
    elif kind.startswith("custom.") and "layers" in config:
        raise Unreadable("model.untraceable", name=str(saved["class_name"]))
    name = str(config.get("name", saved.get("name", "")))
    settings = {} if body is not None else _saved_settings(kind, config)
    kind = kind.rpartition(".")[2] if body is not None else kind
    return Item(id(saved), kind, settings, name, bool(config.get("trainable", True)), body=body)


def _saved_class(saved: Mapping[str, Any]) -> str:
    module, name = str(saved.get("module")), str(saved["class_name"])
    if not is_keras_module(module):
        return f"custom.{name}"
    return name if module.startswith(LAYER_MODULES) else f"ops.{name}"


def _saved_settings(kind: str, config: Mapping[str, Any]) -> dict[str, Any]:
    settings = dict(config)
    if kind == "Lambda":
        return {"function": _saved_activation(config["function"])}
    if "activation" in settings and (kind == "Activation" or holds_activation(kind)):
        settings["activation"] = _saved_activation(settings["activation"])
    if "quantization_config" in defaults_of(kind):
        dtype = config.get("dtype")
        settings["quantization_config"] = dtype["config"].get("mode") if isinstance(dtype, Mapping) else None
    return settings


def _saved_activation(saved: Any) -> Any:
    if not isinstance(saved, Mapping):
        return saved or "linear"
    config = saved.get("config")
    if isinstance(config, Mapping) and saved.get("class_name") != "__lambda__":
        item = _saved_item(saved)
        return {"class_name": item.class_name, "config": item.config, "trainable": item.trainable}
    return {"activation": f"custom.{config if isinstance(config, str) else '<lambda>'}"}


def _saved_sequential(config: Mapping[str, Any]) -> Body:
    layers = list(config["layers"])
    shape = config.get("build_input_shape")
    if layers and _saved_class(layers[0]) == "InputLayer":
        shape = _batch_shape(layers.pop(0)["config"])
    return chain([_saved_item(layer) for layer in layers], None if shape is None else tuple(shape[1:]))


def _batch_shape(config: Mapping[str, Any]) -> Any:
    return config["batch_shape"] if "batch_shape" in config else config["batch_input_shape"]


def _saved_functional(config: Mapping[str, Any]) -> Body:
    items = []
    shapes: dict[str, Shape] = {}
    calls = _SavedCalls()
    first: dict[str, int] = {}
    for saved in config["layers"]:
        name, item = saved["name"], _saved_item(saved)
        items.append(item)
        first[name] = 1 if _saved_class(saved) == "ops.Functional" else 0
        if item.class_name == "InputLayer":
            shapes[name] = tuple(_batch_shape(saved["config"])[1:])
        for index, node in enumerate(saved["inbound_nodes"]):
            constants = call_constants(node["args"], node["kwargs"], is_saved_tensor)
            calls[name, index] = (Call(item, tuple(_references(node)), constants), 0)
    inputs = list(_tensor_names(config["input_layers"]))
    # Keras counts the calls of a nested functional model from 1, but only where it names the outputs
    outputs = [(name, call - first[name], index) for name, call, index in _tensor_names(config["output_layers"])]
    return Body(calls, tuple(inputs), tuple(outputs), tuple(shapes[name] for name, *_ in inputs), items)


class _SavedCalls(dict[Hashable, tuple[Call, int]]):
    """Calls by (layer, call), also found by tensor (layer, call, output)."""

    def __missing__(self, tensor: Hashable) -> tuple[Call, int]:
        if not isinstance(tensor, tuple) or len(tensor) != 3:
            raise KeyError(tensor)
        return self[tensor[:2]][0], tensor[2]


def _references(node: Any) -> Iterator[Hashable]:
    """Tensors that a saved call takes, in the order in which Keras flattens its arguments."""
    if is_saved_tensor(node):
        yield saved_tensor(node)
    elif isinstance(node, Mapping):
        for key in sorted(node):
            yield from _references(node[key])
    elif isinstance(node, list):
        for item in node:
            yield from _references(item)


def _tensor_names(saved: Any) -> Iterator[tuple[str, int, int]]:
    if isinstance(saved, list) and len(saved) == 3 and isinstance(saved[0], str):
        yield tuple(saved)
    else:
        for item in [saved[key] for key in sorted(saved)] if isinstance(saved, Mapping) else saved:
            yield from _tensor_names(item)
