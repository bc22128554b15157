"""Layers that are called on a network's tensors, but whose results nothing goes on with: ``Dropout(0.3)(x)``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from checker.reading.canonical import layer_code, settings_of
from checker.reading.keras_internals import calls_on_output, made_by
from checker.reading.live import LiveReader
from checker.reading.parts import Node
from checker.reading.recognise import is_a, keras_class

MOST = 50
"""Calls that are looked at: a network may have been the beginning of many others."""


def unused_calls(model: Any, nodes: Sequence[Node], reader: LiveReader) -> Iterator[tuple[int, str]]:
    """The calls that lead to no output of the network.

    Args:
        model: a live model.
        nodes: its calls, as they were read.
        reader: what read them.

    Yields:
        the position of the layer before, counted from 1 without inputs (0: the input itself), and the
        code of the layer that is called there.
    """
    within = {id(node.source) for node in nodes}
    recorded = _recorded(reader)
    sources = [node.source for node in nodes if node.class_name != "InputLayer"]
    seen = set[int]()
    for position, source in [*((0, one) for one in _inputs(model)), *enumerate(sources, 1)]:
        for layer in (*_noted(source, reader), *recorded.get(id(source), ())):
            if id(layer) in within or id(layer) in seen or len(seen) >= MOST:
                continue
            seen.add(id(layer))
            with suppress(Exception):  # a layer of the learner's own may fail in any way
                kind, known = keras_class(layer)
                yield position, layer_code(kind, settings_of(kind, reader.config(layer, kind, known)))


def _inputs(model: Any) -> list[Any]:
    """The input layers of a functional network."""
    with suppress(Exception):  # other models may have none, or not know them yet
        return [made_by(tensor).operation for tensor in model.inputs]
    return []


def _noted(source: Any, reader: LiveReader) -> Iterator[Any]:
    """The layers that were called on what this one gives, as Keras noted in a functional network."""
    for operation in calls_on_output(source)[:MOST]:
        if is_a(operation, reader.keras.layers.Layer) and not is_a(operation, reader.keras.Model):
            yield operation


def _recorded(reader: LiveReader) -> dict[int, list[Any]]:
    """The same as it was recorded while the ``call`` of a model of the learner's own was followed, by layer."""
    found: dict[int, list[Any]] = {}
    used = {tensor for call, _, _ in reader.recorded.values() for tensor in call.inputs}
    for output, (call, _, _) in list(reader.recorded.items()):
        if output in used:  # by a layer, if only where the network is not training
            continue
        for tensor in call.inputs:
            if (before := reader.recorded.get(tensor)) is not None and call.item.source is not None:  # type: ignore[call-overload]
                found.setdefault(id(before[0].item.source), []).append(call.item.source)
    return found
