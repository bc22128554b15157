"""Reads a live Keras model: asks its objects for what they hold, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from inspect import signature
from threading import get_ident
from typing import Any

from checker.reading.activations import ACTIVATIONS
from checker.reading.keras_internals import all_layers, built_shapes, calls_replaced, made_by, names_kept, own_layers
from checker.reading.layers import holds_activation, is_weightless, kind_of
from checker.reading.operations import Symbols, in_tensorflow, operations_apart
from checker.reading.parts import NOTHING, TRANSPARENT, Body, Call, Item, Unreadable, as_json, call_constants, chain
from checker.reading.recognise import is_a, keras_class, keras_in_use, name_of, recognised
from checker.reading.shapes import Shape

_FOR_REPLAY = ("activation", "epsilon", "data_format")


class LiveReader:
    """Reads live Keras objects; asks them for what they hold, changes nothing."""

    def __init__(self, input_shape: Shape | None = None) -> None:
        self.input_shape = input_shape
        self.keras = keras_in_use()
        self.items: dict[int, Item] = {}
        self.functions: dict[int, Any] = {}
        self.symbols: Symbols | None = None  # while a model is called on TensorFlow's own tensors
        self.recorded: dict[int, tuple[Call, int, list[Any]]] = {}  # by output tensor; the list holds the inputs
        self.training = True  # whether a model is called as in training
        self.always: set[Hashable] = set()  # layers that are told to train even when the model is not

    def item(self, layer: Any) -> Item:
        """The layer as an item, the same item for the same object."""
        found = self.items.get(id(layer))
        if found is None:
            found = self.model(layer) if is_a(layer, self.keras.Model) else self.layer(layer)
            self.items[id(layer)] = found
        return found

    def layer(self, layer: Any) -> Item:
        kind, known = keras_class(layer)
        is_layer = is_a(layer, self.keras.layers.Layer)
        return Item(
            id(layer),
            kind,
            self.config(layer, kind, known),
            str(layer.name),
            bool(layer.trainable) if is_layer else True,
            int(layer.count_params()) if is_layer and layer.built else None,
            layer,
            NOTHING if kind in TRANSPARENT else self.inner(layer, kind),
        )

    def inner(self, layer: Any, kind: str) -> Body | None:
        """What a layer of the learner's own is made of, if it only runs other layers one after the other."""
        if not kind.startswith("custom.") or not layer.built or not own_layers(layer):
            return None
        try:
            body = self.traced(layer, _seen_shapes(layer))
        except Exception:  # then it stays a layer of a kind of its own
            return None
        calls = [call for call, _ in body.calls.values()]
        is_line = len(body.inputs) == len(body.outputs) == 1 and all(len(call.inputs) == 1 for call in calls)
        return body if calls and is_line else None

    def config(self, layer: Any, kind: str, known: type | None) -> dict[str, Any]:
        """The layer's settings; a subclass of a layer of Keras' own does not get a word in."""
        if kind == "Lambda":
            return {"function": self.function(layer.call, layer.function)}
        config: dict[str, Any]
        row = kind_of(kind)
        settings = row.settings if row.has_attributes else None
        if settings is not None:  # much faster than get_config
            config = {name: getattr(layer, name, default) for name, default in settings.items()}
            config |= {name: vars(layer)[name] for name in _FOR_REPLAY if name in vars(layer)}
            config["dtype"] = layer.dtype_policy.name
            if "quantization_config" in config:
                config["quantization_config"] = getattr(layer.dtype_policy, "quantization_mode", None)
        else:
            try:
                config = dict(getattr(known, "get_config", type(layer).get_config)(layer))
            except Exception:  # classes that forgot get_config
                config = {}
        if "activation" in config or (hasattr(layer, "activation") and holds_activation(kind)):
            config["activation"] = self.activation(layer.activation)
        return {str(key): as_json(value) for key, value in config.items()}

    def activation(self, activation: Any) -> Any:
        if activation is None:
            return "linear"
        if is_a(activation, self.keras.layers.Layer):
            item = self.item(activation)
            return {"class_name": item.class_name, "config": item.config, "trainable": item.trainable}
        name = getattr(activation, "__name__", "")
        if name in ACTIVATIONS and activation is getattr(self.keras.activations, name, None):
            return name
        return self.function(activation, activation)

    def function(self, run: Callable[[Any], Any], function: Any) -> dict[str, Any]:
        """What a function computes: a known activation with its parameters, else a name of its own."""
        if id(function) not in self.functions:
            self.functions[id(function)] = recognised(run)
        found = self.functions[id(function)]
        return found or {"activation": f"custom.{getattr(function, '__name__', type(function).__name__)}"}

    def model(self, model: Any) -> Item:
        item = Item(id(model), "Model", {}, str(model.name), bool(model.trainable), source=model)
        self.items[id(model)] = item
        kind, _ = keras_class(model)
        item.class_name = name_of(type(model))
        if kind == "ops.Sequential":
            item.body = self.sequential(model)
        elif kind == "ops.Functional":
            item.body = self.functional(model.inputs, model.outputs, model.layers)
        else:
            item.body = self.traced(model, [(None, *self.input_shape)] if self.input_shape else _seen_shapes(model))
        return item

    def sequential(self, model: Any) -> Body:
        layers = own_layers(model)
        shape: Any = None
        if layers and is_a(layers[0], self.keras.layers.InputLayer):
            shape = tuple(layers.pop(0).batch_shape)
        members = [self.item(layer) for layer in layers]
        return chain(members, self.input_shape if shape is None else shape[1:])

    def functional(self, inputs: Sequence[Any], outputs: Any, members: Sequence[Any]) -> Body:
        """The graph between symbolic tensors, found backwards from the outputs."""
        outputs = [tensor for tensor in self.keras.tree.flatten(outputs) if self.is_tensor(tensor)]
        calls: dict[Hashable, tuple[Call, int]] = {}
        fed, stack = {id(tensor) for tensor in inputs}, list(outputs)
        while stack:
            tensor = stack.pop()
            if id(tensor) in fed or id(tensor) in calls:
                continue
            if id(tensor) in self.recorded:
                call, index, sources = self.recorded[id(tensor)]
                calls[id(tensor)] = (call, index)
            elif self.symbols is not None:
                item, sources, constants = self.symbols.operation(tensor)
                calls[id(tensor)] = (Call(item, tuple(map(id, sources)), constants), 0)
            else:
                made = made_by(tensor)
                call, sources = self.call(made.operation, made.args, made.kwargs)
                calls.update({id(output): (call, index) for index, output in enumerate(made.outputs)})
            stack.extend(sources)
        return Body(
            calls,
            tuple(map(id, inputs)),
            tuple(map(id, outputs)),
            tuple(tuple(tensor.shape[1:]) for tensor in inputs),
            [self.item(layer) for layer in members],
        )

    def call(self, layer: Any, args: Any, kwargs: Any, trainable: bool = True) -> tuple[Call, list[Any]]:
        """A call of a layer, and the tensors that it took."""
        sources = [one for one in self.keras.tree.flatten((args, kwargs)) if self.is_tensor(one)]
        constants = call_constants(args, kwargs, self.is_tensor)
        return Call(self.item(layer), tuple(map(id, sources)), constants, trainable), sources

    def is_tensor(self, thing: Any) -> bool:
        return is_a(thing, self.keras.KerasTensor) if self.symbols is None else self.symbols.has(thing)

    def traced(self, model: Any, shapes: Sequence[Any]) -> Body:
        """The graph that a model's own ``call`` describes, found by handing it symbolic tensors.

        Keras itself would build layers and note the call in them. So calls of layers are recorded here instead, and
        neither happens: an unbuilt model stays unbuilt.
        """
        if not shapes:
            raise Unreadable("model.unbuilt")
        tracked = {id(layer) for layer in all_layers(model)}
        outer, self.symbols = self.symbols, None
        with names_kept():
            try:
                body = self.called(model, [_symbolic(self.keras, shape) for shape in shapes])
            except Exception as error:
                if not in_tensorflow(self.keras):
                    raise
                body = self.called_in_tensorflow(model, shapes, error)
            finally:
                self.symbols = outer
        if not body.outputs:
            raise Unreadable("model.untraceable", name=name_of(type(model)))
        for call, _ in body.calls.values():  # Keras does not train layers that are no attributes of the model
            if call.item.key not in tracked and not is_weightless(call.item.class_name):
                raise Unreadable(
                    "model.untracked", name=name_of(type(model)), kind=call.item.class_name.rpartition(".")[2]
                )
        return body

    def called(self, model: Any, tensors: Sequence[Any]) -> Body:
        outer = self.training, self.always
        with self.recording() as inside:
            try:
                self.training, self.always = False, set()
                with suppress(Exception):  # it may not work before it was trained
                    inside(model, *tensors)
                self.training = True
                outputs = inside(model, *tensors)
            finally:
                self.training, self.always = outer
        return self.functional(self.keras.tree.flatten(tensors), outputs, ())

    def called_in_tensorflow(self, model: Any, shapes: Sequence[Any], error: Exception) -> Body:
        """The same with TensorFlow's own symbolic tensors, for a ``call`` with functions such as ``tf.nn.relu``."""
        with operations_apart() as symbols:
            self.symbols = symbols
            try:
                return self.called(model, [symbols.tensor(shape[1:]) for shape in shapes])
            except Exception:
                raise error from None  # what went wrong at first says more

    @contextmanager
    def recording(self) -> Iterator[Callable[..., Any]]:
        """While this lasts, layers that are called on symbolic tensors are recorded, not run; models are looked into.

        Yields:
            a function (model, *args, **kwargs) that runs a model's ``call``.
        """
        original, thread, frozen = self.keras.layers.Layer.__call__, get_ident(), [False]

        def inside(model: Any, *args: Any, **kwargs: Any) -> Any:
            call = getattr(model.call, "python_function", model.call)  # without ``tf.function``
            if "training" in signature(call).parameters:
                kwargs["training"] = self.training if kwargs.get("training") is None else kwargs["training"]
            frozen.append(frozen[-1] or not model.trainable)
            try:
                return call(*args, **kwargs)
            finally:
                frozen.pop()

        def record(layer: Any, *args: Any, **kwargs: Any) -> Any:
            if get_ident() != thread or not any(map(self.is_tensor, self.keras.tree.flatten((args, kwargs)))):
                return original(layer, *args, **kwargs)
            if is_a(layer, self.keras.Model):
                return inside(layer, *args, **kwargs)
            call, sources = self.call(layer, args, kwargs, not frozen[-1])
            told = kwargs.get("training")
            if told is True and not self.training:
                self.always.add(call.item.key)
            if told is False or (told is True and call.item.key in self.always):
                call.config = {**call.config, "kwargs": {"training": told}}
            outputs = self.outputs(layer, sources, args, kwargs)
            for index, output in enumerate(self.keras.tree.flatten(outputs)):
                self.recorded[id(output)] = (call, index, [*sources, output])
            return outputs

        with calls_replaced(self.keras.layers.Layer, by=record):
            yield inside

    def outputs(self, layer: Any, sources: Sequence[Any], args: Any, kwargs: Any) -> Any:
        """Symbolic outputs of a layer, without building it; of an unbuilt layer of the learner's own, a guess."""
        symbols = self.symbols

        def fresh(tensor: Any) -> Any:
            if symbols is not None:
                return symbols.tensor(tensor.shape[1:])
            return self.keras.KerasTensor(tensor.shape, tensor.dtype)

        if symbols is not None:
            to_keras = partial(symbols.to_keras, self.keras)
            args, kwargs = self.keras.tree.map_structure(to_keras, (args, kwargs))
        try:
            if layer.built or not keras_class(layer)[0].startswith("custom."):
                return self.keras.tree.map_structure(fresh, layer.compute_output_spec(*args, **kwargs))
        except Exception:  # a layer may not know its output's shape before it is built
            pass
        return fresh(sources[0])


def _seen_shapes(model: Any) -> list[Any]:
    """Shapes, batch axis included, of what a subclassed model takes; empty when it was never called."""
    try:
        return [tensor.shape for tensor in model.inputs]  # a subclass of a functional model
    except (AttributeError, TypeError):
        return built_shapes(model)


def _symbolic(keras: Any, shape: Any) -> Any:
    """A symbolic tensor of a shape, or a structure of them."""
    if isinstance(shape, Mapping):
        return {key: _symbolic(keras, one) for key, one in shape.items()}
    if all(size is None or isinstance(size, int) for size in shape):
        return keras.KerasTensor((None, *shape[1:]), "float32")
    return [_symbolic(keras, one) for one in shape]
