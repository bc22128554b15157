"""What a model *is*: its layers in canonical form, read from a live Keras model or from a saved ``.keras`` file.

Two thin readers (:meth:`Graph.of`, :meth:`Graph.load`) turn what Keras holds into the same :class:`Graph`, one node for
each call of each layer, nested models inlined. One canonicaliser (:meth:`Blueprint.from_graph`) turns a graph into the
layers that matter, so that two models which compute the same thing compare equal however they were written.

Keras is never imported here: a live model can only exist where Keras was imported already.
"""

from __future__ import annotations

import io
import json
import math
import re
import sys
import zipfile
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache, partial
from inspect import signature
from pathlib import Path
from threading import get_ident
from typing import Any, Self, cast

Shape = tuple[int | None, ...]

MAX_NODES = 20_000
"""Layer calls in one graph; a shared nested model can unfold to exponentially many."""
MAX_CONFIG_BYTES = 20_000_000
"""Size of a saved model's ``config.json``; a network of 200 layers needs about 200 kB."""
MAX_WEIGHTS_BYTES = 1_000_000_000
"""Size of a saved model's weights."""

REQUIRED = ...
"""Marks a setting without a default."""

_REGULARIZED = {
    "activity_regularizer": None,
    "kernel_regularizer": None,
    "bias_regularizer": None,
    "kernel_constraint": None,
    "bias_constraint": None,
}
_NORMALIZED = {
    "axis": -1,
    "beta_regularizer": None,
    "gamma_regularizer": None,
    "beta_constraint": None,
    "gamma_constraint": None,
}

SETTINGS: dict[str, dict[str, Any]] = {
    "Dense": {"units": REQUIRED, "use_bias": True, **_REGULARIZED},
    "Activation": {"activation": REQUIRED},
    "ReLU": {"max_value": None, "negative_slope": 0.0, "threshold": 0.0},
    "LeakyReLU": {"negative_slope": 0.3},
    "ELU": {"alpha": 1.0},
    "Softmax": {"axis": -1},
    "PReLU": {"alpha_regularizer": None, "alpha_constraint": None, "shared_axes": None},
    "Dropout": {"rate": REQUIRED, "noise_shape": None},
    "AlphaDropout": {"rate": REQUIRED, "noise_shape": None},
    "GaussianDropout": {"rate": REQUIRED},
    "GaussianNoise": {"stddev": REQUIRED},
    "SpatialDropout1D": {"rate": REQUIRED},
    "SpatialDropout2D": {"rate": REQUIRED, "data_format": "channels_last"},
    "SpatialDropout3D": {"rate": REQUIRED, "data_format": "channels_last"},
    "ActivityRegularization": {"l1": 0.0, "l2": 0.0},
    "BatchNormalization": {"center": True, "scale": True, "renorm": False, **_NORMALIZED},
    "LayerNormalization": {"center": True, "scale": True, "rms_scaling": False, **_NORMALIZED},
    "GroupNormalization": {"groups": 32, "center": True, "scale": True, **_NORMALIZED},
    "RMSNormalization": {"axis": -1},
    "UnitNormalization": {"axis": -1},
    "Normalization": {"axis": -1, "mean": None, "variance": None, "invert": False},
    "Rescaling": {"scale": REQUIRED, "offset": 0.0},
    "Flatten": {},
    "Identity": {},
    "Reshape": {"target_shape": REQUIRED},
    "Permute": {"dims": REQUIRED},
    "RepeatVector": {"n": REQUIRED},
    "Masking": {"mask_value": 0.0},
    "Lambda": {"function": REQUIRED},
    "Add": {},
    "Subtract": {},
    "Multiply": {},
    "Average": {},
    "Maximum": {},
    "Minimum": {},
    "Concatenate": {"axis": -1},
}
"""Each known kind's settings that make a difference, with Keras' defaults; other kinds keep what their config says."""

ACTIVATIONS: dict[str, dict[str, Any]] = {
    "linear": {},
    "relu": {"max_value": None, "negative_slope": 0.0, "threshold": 0.0},
    "relu6": {},
    "leaky_relu": {"negative_slope": 0.2},
    "elu": {"alpha": 1.0},
    "selu": {},
    "celu": {"alpha": 1.0},
    "gelu": {"approximate": False},
    "silu": {},
    "mish": {},
    "sigmoid": {},
    "tanh": {},
    "softplus": {},
    "softsign": {},
    "softmax": {"axis": -1},
    "log_softmax": {"axis": -1},
    "log_sigmoid": {},
    "exponential": {},
    "hard_sigmoid": {},
    "hard_silu": {},
    "hard_tanh": {},
    "hard_shrink": {"threshold": 0.5},
    "soft_shrink": {"threshold": 0.5},
    "tanh_shrink": {},
    "squareplus": {"b": 4},
    "sparse_plus": {},
    "sparse_sigmoid": {},
    "sparsemax": {"axis": -1},
    "glu": {"axis": -1},
}
"""Keras' activation functions with the defaults of their parameters."""

_ALIASES = {"swish": "silu", "hard_swish": "hard_silu"}
_OPERATIONS = {name: name for name in ACTIVATIONS} | {"re_lu": "relu", "exp": "exponential"}
"""Classes of ``keras.ops`` calls, in snake case, that are activations."""
_ACTIVATION_LAYERS = {"ReLU": "relu", "LeakyReLU": "leaky_relu", "ELU": "elu", "Softmax": "softmax"}
_ACTIVATED = re.compile(r"^(Dense|EinsumDense|(Depthwise|Separable)?Conv[123]D(Transpose)?)$")
_RANDOM = re.compile(r"^(.*Dropout(1D|2D|3D)?|GaussianNoise)$")
_DROPOUTS = re.compile(r"^(Dropout|SpatialDropout[123]D)$")
_WEIGHTLESS = re.compile(
    r"^(Activation|.*Dropout(1D|2D|3D)?|GaussianNoise|ActivityRegularization|UnitNormalization|Rescaling|Flatten|Identity"
    r"|Reshape|Permute|RepeatVector|Masking|Lambda|Add|Subtract|Multiply|Average|Maximum|Minimum|Concatenate|Dot"
    r"|Cropping.*|ZeroPadding.*|UpSampling.*|.*Pooling[123]D|ops\..*)$"
)
_SAME_SHAPE = re.compile(
    r"^(Activation|PReLU|.*Dropout(1D|2D|3D)?|GaussianNoise|ActivityRegularization|.*Normalization|Rescaling|Identity|Masking"
    r"|Add|Subtract|Multiply|Average|Maximum|Minimum|ops\.(Add|Subtract|Multiply|Divide|TrueDivide|Negative|Absolute))$"
)
_FOR_REPLAY = ("activation", "epsilon", "data_format", "lora_rank", "quantization_config")
_IGNORED = re.compile(
    r"^(name|trainable|dtype|seed|autocast|build_config|compile_config|module|registered_name|shared_object_id"
    r"|quantization_config|.*_initializer|initializer)$"
)


@cache
def holds_activation(kind: str) -> bool:
    """Whether a layer of this kind may have an activation inside, which is a layer of its own in canonical form."""
    return _ACTIVATED.match(kind) is not None


@cache
def _is_weightless(kind: str) -> bool:
    return _WEIGHTLESS.match(kind) is not None


class Unreadable(ValueError):
    """Why something cannot be read as a model.

    Attributes:
        code: a code of :mod:`checker.messages`: ``"model.none"``, ``"model.class"``, ...
        params: what fills the message's places.
    """

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


# --- the graph that Keras built ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Node:
    """One call of one layer, as Keras built it.

    Attributes:
        class_name: Keras' class; ``"custom.Name"`` for a class that is not Keras' own, ``"ops.Name"`` for an operation.
        config: the layer's settings as Keras saves them. An activation is a name, or a mapping with the key
            ``"activation"`` (a recognised function and its parameters) or ``"class_name"`` and ``"config"`` (a layer).
        inputs: indices of the nodes that feed it.
        trainable: False when the layer or a model around it is frozen.
        layer: number of the layer object; a shared layer has several nodes with the same number.
        name: the learner's name of the layer.
        path: its group in ``model.weights.h5`` (``"layers/sequential/layers/dense_1"``), empty when unknown.
        parameters: how many weights it has, None when it has not been built or the reader does not know.
        source: the live layer, None when read from a file.
    """

    class_name: str
    config: Mapping[str, Any]
    inputs: tuple[int, ...] = ()
    trainable: bool = True
    layer: int = 0
    name: str = ""
    path: str = ""
    parameters: int | None = None
    source: Any = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Graph:
    """All layer calls between a model's inputs and outputs, nested models inlined, in topological order.

    Attributes:
        nodes: the calls; inputs are nodes of the class ``InputLayer``.
        inputs, outputs: indices of the nodes that are the model's inputs and outputs.
        input_shapes: shape of each input without the batch axis; None while it is unknown.
        built: whether the model has weights.
        compiled: optimizer and loss, None when the model is not compiled.
    """

    nodes: tuple[Node, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    input_shapes: tuple[Shape | None, ...]
    built: bool = True
    compiled: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, model: Any, input_shape: Sequence[int | None] | None = None) -> Self:
        """The graph of a live Keras model, which is left as it is.

        Args:
            model: a Keras 3 model: Sequential, Functional or subclassed, built or not.
            input_shape: shape of one sample; only needed for a model that has not seen its input yet.

        Raises:
            Unreadable: for anything else, and nothing but that.
        """
        _refuse_what_is_no_model(model)
        try:
            item = _LiveReader(None if input_shape is None else tuple(input_shape)).model(model)
            built, compiled = bool(model.built), _live_compiled(model)
            return cls(*_Assembler().assemble(item), built=built, compiled=compiled)
        except Unreadable:
            raise
        except BaseException as error:  # whatever a learner's own class may throw, a checker must not
            raise Unreadable("model.untraceable", name=_class_name(type(model))) from error

    @classmethod
    def load(cls, source: str | Path | bytes) -> Self:
        """The graph of a model saved as ``.keras``, read as data: neither TensorFlow nor a stranger's code runs.

        Args:
            source: path or content of the file.

        Raises:
            Unreadable: when the file is missing or damaged, or a subclassed model, whose graph no file holds.
        """
        try:
            item, compiled, built = _read_file(source)
            graph = cls(*_Assembler().assemble(item), built=built, compiled=compiled)
            return replace(graph, nodes=tuple(_counted(source, graph.nodes)))
        except Unreadable:
            raise
        except Exception as error:  # hostile files fail in every way there is
            raise Unreadable("model.unreadable") from error


# --- what the two readers hand over -----------------------------------------------------------------------------------


@dataclass(eq=False)
class _Item:
    """A layer, or a model when it has a body, as a reader found it."""

    key: Hashable
    class_name: str
    config: Mapping[str, Any]
    name: str
    trainable: bool = True
    parameters: int | None = None
    source: Any = None
    body: _Body | None = None


@dataclass(eq=False)
class _Call:
    """One call of an item: references to what feeds it."""

    item: _Item
    inputs: tuple[Hashable, ...]
    config: Mapping[str, Any] = field(default_factory=dict)
    trainable: bool = True


@dataclass(eq=False)
class _Body:
    """What a model is made of. A reference names a tensor; ``calls`` tells which call made it, as which output."""

    calls: Mapping[Hashable, tuple[_Call, int]]
    inputs: tuple[Hashable, ...]
    outputs: tuple[Hashable, ...]
    input_shapes: tuple[Shape | None, ...]
    members: Sequence[_Item] = ()


_NOTHING = _Body({}, ("x",), ("x",), (None,))
"""The body of an operation that hands on its input, such as ``convert_to_tensor``: it leaves no node."""
_TRANSPARENT = ("ops.ConvertToTensor",)


class _Assembler:
    """Inlines nested models into one list of nodes."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.layers: dict[Hashable, int] = {}
        self.paths: dict[Hashable, str] = {}

    def assemble(
        self, model: _Item
    ) -> tuple[tuple[Node, ...], tuple[int, ...], tuple[int, ...], tuple[Shape | None, ...]]:
        body = cast(_Body, model.body)
        self.name_paths(body, "")
        inputs = [
            self.add(_Item(("input", index), "InputLayer", {"shape": shape}, f"input {index + 1}"), [])
            for index, shape in enumerate(body.input_shapes)
        ]
        outputs = self.inline(body, inputs, model.trainable)
        return tuple(self.nodes), tuple(inputs), tuple(outputs), body.input_shapes

    def name_paths(self, body: _Body, prefix: str) -> None:
        """Give each layer the group that Keras saves its weights in: the class in snake case, numbered."""
        used: dict[str, int] = {}
        for item in body.members:
            name = snake_case(item.class_name.rpartition(".")[2])
            used[name] = used.get(name, -1) + 1
            path = f"{prefix}layers/{name}_{used[name]}" if used[name] else f"{prefix}layers/{name}"
            if item.key not in self.paths:  # Keras saves a shared layer where it meets it first
                self.paths[item.key] = path
                if item.body is not None:
                    self.name_paths(item.body, path + "/")

    def add(self, item: _Item, inputs: Sequence[int], trainable: bool = True, extra: Mapping[str, Any] = {}) -> int:
        if len(self.nodes) >= MAX_NODES:
            raise Unreadable("model.unreadable")
        self.nodes.append(
            Node(
                item.class_name,
                {**item.config, **extra},
                tuple(inputs),
                trainable and item.trainable,
                self.layers.setdefault(item.key, len(self.layers)),
                item.name,
                self.paths.get(item.key, ""),
                item.parameters,
                item.source,
            )
        )
        return len(self.nodes) - 1

    def inline(self, body: _Body, feeds: Sequence[int], trainable: bool) -> list[int]:
        """Add all calls that lead to the body's outputs; the body's inputs are the nodes ``feeds``."""
        done: dict[int, list[int]] = {}  # call -> the nodes that are its outputs
        fed = dict(zip(body.inputs, feeds, strict=False))
        open_calls: set[int] = set()
        stack = list(reversed(body.outputs))

        def resolved(reference: Hashable) -> int | None:
            if reference in fed:
                return fed[reference]
            call, index = body.calls[reference]
            outputs = done.get(id(call))
            return None if outputs is None else outputs[index if index < len(outputs) else 0]

        while stack:
            reference = stack[-1]
            if resolved(reference) is not None:
                stack.pop()
                continue
            call = body.calls[reference][0]
            waiting = [one for one in call.inputs if resolved(one) is None]
            if waiting:
                if id(call) in open_calls:
                    raise Unreadable("model.unreadable")  # a circle
                open_calls.add(id(call))
                stack.extend(reversed(waiting))
                continue
            stack.pop()
            inputs = [cast(int, resolved(one)) for one in call.inputs]
            active = trainable and call.trainable
            if call.item.body is None:
                done[id(call)] = [self.add(call.item, inputs, active, call.config)]
            else:
                done[id(call)] = self.inline(call.item.body, inputs, active and call.item.trainable)
        return [cast(int, resolved(reference)) for reference in body.outputs]


def snake_case(name: str) -> str:
    """A class name as Keras writes it in paths: ``LeakyReLU`` becomes ``leaky_re_lu``."""
    return re.sub(r"(?<=.)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", re.sub(r"\W", "", name)).lower()


# --- reading a live model ---------------------------------------------------------------------------------------------


def _lineage(cls: type) -> tuple[type, ...]:
    """The classes that a class is made of, without asking the class itself, which may lie."""
    return cast(tuple[type, ...], type.__dict__["__mro__"].__get__(cls))


def _class_name(cls: type) -> str:
    return str(type.__dict__["__name__"].__get__(cls))


def _module(cls: type) -> str:
    module = type.__dict__["__dict__"].__get__(cls).get("__module__")
    return module if type(module) is str else ""


def _is(thing: Any, *classes: type) -> bool:
    """``isinstance`` that neither ``__class__`` nor a metaclass can deceive."""
    return any(base is one for base in _lineage(type(thing)) for one in classes)


def _keras() -> Any:
    """Keras 3 as the learner imported it, or None."""
    keras = sys.modules.get("keras")
    return keras if hasattr(keras, "Model") and str(getattr(keras, "__version__", "")) >= "3" else None


def _refuse_what_is_no_model(thing: Any) -> None:
    """Raise :class:`Unreadable`, with the sentence that fits, unless this is a live Keras 3 model."""
    keras, name = _keras(), _class_name(type(thing))
    if keras is not None and _is(thing, keras.Model):
        return
    if thing is None:
        raise Unreadable("model.none")
    if _is(thing, type):
        raise Unreadable("model.class", name=_class_name(thing))
    if _is(thing, list, tuple):
        raise Unreadable("model.list")
    if _is(thing, type(_refuse_what_is_no_model), partial):
        raise Unreadable("model.function", name=thing.__name__ if type(thing) is type(_is) else name)
    if keras is not None and _is(thing, keras.layers.Layer):
        raise Unreadable("model.layer", name=name)
    if keras is not None and _is(thing, keras.callbacks.History):
        raise Unreadable("model.history")
    if any(
        _module(base).startswith(("tf_keras.", "keras.engine.", "keras.src.engine.")) for base in _lineage(type(thing))
    ):
        raise Unreadable("model.legacy", name=name)
    raise Unreadable("model.not_keras", name=name)


def _keras_class(layer: Any) -> tuple[str, type | None]:
    """The kind that a live layer counts as, and Keras' class of that kind; None for a kind of its own.

    A subclass counts as the layer it derives from unless it computes something else: it overrides ``call``.
    """
    cls = type(layer)
    kind, known = _kind_of_class(cast(Any, cls))
    return (f"custom.{_class_name(cls)}", None) if "call" in vars(layer) or known is None else (kind, known)


@lru_cache(1000)
def _kind_of_class(cls: type) -> tuple[str, type | None]:
    own: set[str] = set()  # what the learner's classes define that stand before Keras' own one
    for base in _lineage(cls):
        if _is_keras_module(_module(base)):
            name, is_layer = _class_name(base), _module(base).startswith("keras.src.layers")
            known = not own & {"call", "__call__"} and name not in ("Layer", "Operation", "Model")
            return (name if is_layer else f"ops.{name}", base) if known else ("", None)
        own |= set(vars(base))
    return "", None


def _is_keras_module(module: str) -> bool:
    return module == "keras" or module.startswith("keras.")


class _LiveReader:
    """Reads live Keras objects; asks them for what they hold, changes nothing."""

    def __init__(self, input_shape: Shape | None = None) -> None:
        self.input_shape = input_shape
        self.keras = _keras()
        self.items: dict[int, _Item] = {}
        self.functions: dict[int, Any] = {}
        self.recorded: dict[int, tuple[_Call, int, list[Any]]] = {}  # by output tensor; the list holds the inputs

    def item(self, layer: Any) -> _Item:
        """The layer as an item, the same item for the same object."""
        found = self.items.get(id(layer))
        if found is None:
            found = self.model(layer) if _is(layer, self.keras.Model) else self.layer(layer)
            self.items[id(layer)] = found
        return found

    def layer(self, layer: Any) -> _Item:
        kind, known = _keras_class(layer)
        is_layer = _is(layer, self.keras.layers.Layer)
        return _Item(
            id(layer),
            kind,
            self.config(layer, kind, known),
            str(layer.name),
            bool(layer.trainable) if is_layer else True,
            int(layer.count_params()) if is_layer and layer.built else None,
            layer,
            _NOTHING if kind in _TRANSPARENT else None,
        )

    def config(self, layer: Any, kind: str, known: type | None) -> dict[str, Any]:
        """The layer's settings; a subclass of a layer of Keras' own does not get a word in."""
        if kind == "Lambda":
            return {"function": self.function(layer.call, layer.function)}
        config: dict[str, Any]
        if kind in SETTINGS and kind != "Normalization":  # much faster than get_config
            config = {name: getattr(layer, name, default) for name, default in SETTINGS[kind].items()}
            config |= {name: vars(layer)[name] for name in _FOR_REPLAY if name in vars(layer)}
            config["dtype"] = layer.dtype_policy.name
        else:
            try:
                config = dict(getattr(known, "get_config", type(layer).get_config)(layer))
            except Exception:  # classes that forgot get_config
                config = {}
        if "activation" in config or (hasattr(layer, "activation") and holds_activation(kind)):
            config["activation"] = self.activation(layer.activation)
        return {str(key): _plain(value) for key, value in config.items()}

    def activation(self, activation: Any) -> Any:
        if activation is None:
            return "linear"
        if _is(activation, self.keras.layers.Layer):
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

    def model(self, model: Any) -> _Item:
        item = _Item(id(model), "Model", {}, str(model.name), bool(model.trainable), source=model)
        self.items[id(model)] = item
        kind, _ = _keras_class(model)
        item.class_name = _class_name(type(model))
        if kind == "ops.Sequential":
            item.body = self.sequential(model)
        elif kind == "ops.Functional":
            item.body = self.functional(model.inputs, model.outputs, model.layers)
        else:
            item.body = self.traced(model)
        return item

    def sequential(self, model: Any) -> _Body:
        layers = list(model._layers)
        shape: Any = None
        if layers and _is(layers[0], self.keras.layers.InputLayer):
            shape = tuple(layers.pop(0).batch_shape)
        members = [self.item(layer) for layer in layers]
        return _chain(members, self.input_shape if shape is None else shape[1:])

    def functional(self, inputs: Sequence[Any], outputs: Any, members: Sequence[Any]) -> _Body:
        """The graph between symbolic tensors, found backwards from the outputs."""
        outputs = [tensor for tensor in self.keras.tree.flatten(outputs) if self.is_tensor(tensor)]
        calls: dict[Hashable, tuple[_Call, int]] = {}
        fed, stack = {id(tensor) for tensor in inputs}, list(outputs)
        while stack:
            tensor = stack.pop()
            if id(tensor) in fed or id(tensor) in calls:
                continue
            if id(tensor) in self.recorded:
                call, index, sources = self.recorded[id(tensor)]
                calls[id(tensor)] = (call, index)
            else:
                node = tensor._keras_history.operation._inbound_nodes[tensor._keras_history.node_index]
                call, sources = self.call(node.operation, node.arguments.args, node.arguments.kwargs)
                calls.update({id(output): (call, index) for index, output in enumerate(node.outputs)})
            stack.extend(sources)
        return _Body(
            calls,
            tuple(map(id, inputs)),
            tuple(map(id, outputs)),
            tuple(tuple(tensor.shape[1:]) for tensor in inputs),
            [self.item(layer) for layer in members],
        )

    def call(self, layer: Any, args: Any, kwargs: Any, trainable: bool = True) -> tuple[_Call, list[Any]]:
        """A call of a layer, and the tensors that it took."""
        sources = [one for one in self.keras.tree.flatten((args, kwargs)) if self.is_tensor(one)]
        constants = _constants(args, kwargs, self.is_tensor)
        return _Call(self.item(layer), tuple(map(id, sources)), constants, trainable), sources

    def is_tensor(self, thing: Any) -> bool:
        return _is(thing, self.keras.KerasTensor)

    def traced(self, model: Any) -> _Body:
        """The graph that a model's own ``call`` describes, found by handing it symbolic tensors.

        Keras itself would build layers and note the call in them. So calls of layers are recorded here instead, and
        neither happens: an unbuilt model stays unbuilt.
        """
        shapes = [(None, *self.input_shape)] if self.input_shape is not None else _seen_shapes(model)
        if not shapes:
            raise Unreadable("model.unbuilt")
        tracked = {id(layer) for layer in model._flatten_layers()}
        with _names_kept():
            tensors = [_symbolic(self.keras, shape) for shape in shapes]
            with self.recording() as inside:
                outputs = inside(model, *tensors)
            body = self.functional(self.keras.tree.flatten(tensors), outputs, ())
        if not body.outputs:
            raise Unreadable("model.untraceable", name=_class_name(type(model)))
        for call, _ in body.calls.values():  # Keras does not train layers that are no attributes of the model
            call.trainable = call.trainable and (call.item.key in tracked or call.item.class_name.startswith("ops."))
        return body

    @contextmanager
    def recording(self) -> Iterator[Callable[..., Any]]:
        """While this lasts, layers that are called on symbolic tensors are recorded, not run; models are looked into.

        Yields:
            a function (model, *args, **kwargs) that runs a model's ``call`` as in training.
        """
        base, thread, frozen = self.keras.layers.Layer, get_ident(), [False]
        original = base.__call__

        def inside(model: Any, *args: Any, **kwargs: Any) -> Any:
            if "training" in signature(model.call).parameters:
                kwargs["training"] = True
            frozen.append(frozen[-1] or not model.trainable)
            try:
                return model.call(*args, **kwargs)
            finally:
                frozen.pop()

        def record(layer: Any, *args: Any, **kwargs: Any) -> Any:
            if get_ident() != thread or not any(map(self.is_tensor, self.keras.tree.flatten((args, kwargs)))):
                return original(layer, *args, **kwargs)
            if _is(layer, self.keras.Model):
                return inside(layer, *args, **kwargs)
            call, sources = self.call(layer, args, kwargs, not frozen[-1])
            if kwargs.get("training") is False:
                call.config = {**call.config, "kwargs": {"training": False}}
            outputs = self.outputs(layer, sources, args, kwargs)
            for index, output in enumerate(self.keras.tree.flatten(outputs)):
                self.recorded[id(output)] = (call, index, [*sources, output])
            return outputs

        base.__call__ = record
        try:
            yield inside
        finally:
            base.__call__ = original

    def outputs(self, layer: Any, sources: Sequence[Any], args: Any, kwargs: Any) -> Any:
        """Symbolic outputs of a layer, without building it; of an unbuilt layer of the learner's own, a guess."""

        def fresh(tensor: Any) -> Any:
            return self.keras.KerasTensor(tensor.shape, tensor.dtype)

        try:
            if layer.built or not _keras_class(layer)[0].startswith("custom."):
                return self.keras.tree.map_structure(fresh, layer.compute_output_spec(*args, **kwargs))
        except Exception:  # a layer may not know its output's shape before it is built
            pass
        return fresh(sources[0])


def _seen_shapes(model: Any) -> list[Any]:
    """Shapes, batch axis included, of what a subclassed model takes; empty when it was never called."""
    try:
        return [tensor.shape for tensor in model.inputs]  # a subclass of a functional model
    except (AttributeError, TypeError):
        return list((getattr(model, "_build_shapes_dict", None) or {}).values())


def _symbolic(keras: Any, shape: Any) -> Any:
    """A symbolic tensor of a shape, or a structure of them."""
    if isinstance(shape, Mapping):
        return {key: _symbolic(keras, one) for key, one in shape.items()}
    if all(size is None or isinstance(size, int) for size in shape):
        return keras.KerasTensor((None, *shape[1:]), "float32")
    return [_symbolic(keras, one) for one in shape]


@contextmanager
def _names_kept() -> Iterator[None]:
    """Keep Keras from counting the names that reading a model uses up."""
    state = sys.modules.get("keras.src.backend.common.global_state")
    names = state.get_global_attribute("object_name_uids") if state is not None else None
    before = dict(names or {})
    try:
        yield
    finally:
        if names is not None:
            names.clear()
            names.update(before)


def _chain(members: Sequence[_Item], shape: Shape | None) -> _Body:
    """One layer after the other."""
    calls = {index + 1: (_Call(item, (index,)), 0) for index, item in enumerate(members)}
    return _Body(cast(Any, calls), (0,), (len(members),), (shape,), members)


def _constants(args: Any, kwargs: Any, is_tensor: Callable[[Any], bool]) -> dict[str, Any]:
    """What a call was given besides tensors: ``1`` in ``x + 1``, ``training=False``; nothing for a usual call."""
    plain = [_plain(one) for one in args if not is_tensor(one) and not isinstance(one, list | tuple | dict)]
    named = {name: _plain(one) for name, one in kwargs.items() if one is not None and not is_tensor(one)}
    named = {
        name: one
        for name, one in named.items()
        if isinstance(one, bool | int | float | str) and name not in ("training", "mask")
    }
    return {key: value for key, value in (("args", plain), ("kwargs", named)) if value}


def _plain(value: Any) -> Any:
    """The value as plain JSON data, as it would stand in a saved file."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if hasattr(value, "get_config"):
        return {"class_name": type(value).__name__, "config": _plain(value.get_config())}
    return str(getattr(value, "__name__", type(value).__name__))


def _live_compiled(model: Any) -> dict[str, Any] | None:
    if not getattr(model, "compiled", False):
        return None
    return {"optimizer": _objective(model.optimizer), "loss": _objective(model.loss)}


# --- recognising a function by what it does ---------------------------------------------------------------------------


@cache
def _probe() -> tuple[Any, dict[str, Any]]:
    """Numbers to try a function on, and what each of Keras' activations makes of them."""
    import numpy as np

    keras = _keras()
    values = np.concatenate([np.linspace(-8.03, 8.03, 44), [-1000.0, -50.0, 50.0, 1000.0]]).astype("float32")
    values = values[np.argsort(np.sin(np.arange(48.0)))].reshape(4, 12)  # mixed, so that rows tell softmax apart
    tensor = keras.ops.convert_to_tensor(values)
    names = [name for name in ACTIVATIONS if name != "glu"]
    return values, {name: keras.ops.convert_to_numpy(keras.activations.get(name)(tensor)) for name in names}


def recognised(function: Callable[[Any], Any]) -> dict[str, Any] | None:
    """The activation that a function of a live model computes, found by trying it on numbers.

    Args:
        function: takes and returns a tensor.

    Returns:
        ``{"activation": "relu"}`` with parameters where they are not the defaults; None for no known activation.
    """
    import numpy as np

    keras = _keras()
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


# --- reading a saved model --------------------------------------------------------------------------------------------


def _read_file(source: str | Path | bytes) -> tuple[_Item, Any, bool]:
    stream = io.BytesIO(source) if isinstance(source, bytes) else Path(source)
    with zipfile.ZipFile(stream) as archive:
        if archive.getinfo("config.json").file_size > MAX_CONFIG_BYTES:
            raise Unreadable("model.unreadable")
        config = json.loads(archive.read("config.json"))
    item = _saved_item(config)
    if item.body is None:
        raise Unreadable("model.untraceable", name=str(config.get("class_name", "")))
    compiled = config.get("compile_config") or {}
    objectives = {name: _saved_objective(compiled[name]) for name in ("optimizer", "loss") if name in compiled}
    return item, objectives or None, item.body.input_shapes[0] is not None


def _counted(source: str | Path | bytes, nodes: Sequence[Node]) -> Iterator[Node]:
    """The nodes, with the numbers of weights in the file where a layer's settings do not tell them."""
    if all(_is_counted(node.class_name) for node in nodes):
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


def _is_counted(kind: str) -> bool:
    """Whether the settings alone tell how many weights a layer has."""
    return kind in (
        "InputLayer",
        "Dense",
        "BatchNormalization",
        "LayerNormalization",
        "PReLU",
        *_ACTIVATION_LAYERS,
    ) or _is_weightless(kind)


def _saved_item(saved: Mapping[str, Any]) -> _Item:
    config, kind = saved["config"], _saved_class(saved)
    body = _NOTHING if kind in _TRANSPARENT else None
    if kind in ("ops.Functional", "ops.Model"):
        body = _saved_functional(config)
    elif kind == "ops.Sequential":
        body = _saved_sequential(config)
    elif kind.startswith("custom.") and "layers" in config:
        raise Unreadable("model.untraceable", name=str(saved["class_name"]))
    name = str(config.get("name", saved.get("name", "")))
    settings = {} if body is not None else _saved_settings(kind, config)
    kind = kind.rpartition(".")[2] if body is not None else kind
    return _Item(id(saved), kind, settings, name, bool(config.get("trainable", True)), body=body)


def _saved_class(saved: Mapping[str, Any]) -> str:
    module, name = str(saved.get("module")), str(saved["class_name"])
    if not _is_keras_module(module):
        return f"custom.{name}"
    return name if module.startswith(("keras.layers", "keras.src.layers")) else f"ops.{name}"


def _saved_settings(kind: str, config: Mapping[str, Any]) -> dict[str, Any]:
    settings = dict(config)
    if kind == "Lambda":
        return {"function": _saved_activation(config["function"])}
    if "activation" in settings and (kind == "Activation" or holds_activation(kind)):
        settings["activation"] = _saved_activation(settings["activation"])
    return settings


def _saved_activation(saved: Any) -> Any:
    if not isinstance(saved, Mapping):
        return saved or "linear"
    config = saved.get("config")
    if isinstance(config, Mapping) and saved.get("class_name") != "__lambda__":
        item = _saved_item(saved)
        return {"class_name": item.class_name, "config": item.config, "trainable": item.trainable}
    return {"activation": f"custom.{config if isinstance(config, str) else '<lambda>'}"}


def _saved_sequential(config: Mapping[str, Any]) -> _Body:
    layers = list(config["layers"])
    shape = config.get("build_input_shape")
    if layers and _saved_class(layers[0]) == "InputLayer":
        shape = _batch_shape(layers.pop(0)["config"])
    return _chain([_saved_item(layer) for layer in layers], None if shape is None else tuple(shape[1:]))


def _batch_shape(config: Mapping[str, Any]) -> Any:
    return config["batch_shape"] if "batch_shape" in config else config["batch_input_shape"]


def _saved_functional(config: Mapping[str, Any]) -> _Body:
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
            constants = _constants(node["args"], node["kwargs"], _is_saved_tensor)
            calls[name, index] = (_Call(item, tuple(_references(node)), constants), 0)
    inputs = list(_tensor_names(config["input_layers"]))
    # Keras counts the calls of a nested functional model from 1, but only where it names the outputs
    outputs = [(name, call - first[name], index) for name, call, index in _tensor_names(config["output_layers"])]
    return _Body(calls, tuple(inputs), tuple(outputs), tuple(shapes[name] for name, *_ in inputs), items)


class _SavedCalls(dict[Hashable, tuple[_Call, int]]):
    """Calls by (layer, call), also found by tensor (layer, call, output)."""

    def __missing__(self, tensor: Hashable) -> tuple[_Call, int]:
        if not isinstance(tensor, tuple) or len(tensor) != 3:
            raise KeyError(tensor)
        return self[tensor[:2]][0], tensor[2]


def _is_saved_tensor(thing: Any) -> bool:
    return isinstance(thing, Mapping) and thing.get("class_name") == "__keras_tensor__"


def _references(node: Any) -> Iterator[Hashable]:
    """Tensors that a saved call takes, in the order in which Keras flattens its arguments."""
    if _is_saved_tensor(node):
        yield tuple(node["config"]["keras_history"])
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


# --- canonical form ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layer:
    """A layer in canonical form.

    Attributes:
        kind: Keras' class name; activations of every form are of the kind ``"Activation"``.
        settings: plain JSON, defaults filled in: ``{"units": 128, "use_bias": True, ...}``.
        trainable: False for a frozen layer that has weights.
        number: the learner's own layer that it came from, counted from 1 without inputs.
        name: the learner's name of that layer.
    """

    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)
    trainable: bool = True
    number: int = field(default=0, compare=False)
    name: str = field(default="", compare=False)

    @property
    def code(self) -> str:
        """The layer as Keras code, without defaults: ``Dense(128)``."""
        if self.kind == "Activation":
            return _activation_code(self.settings)
        return layer_code(self.kind, self.settings, trainable=self.trainable)


@dataclass(frozen=True)
class Blueprint:
    """A model in canonical form; equal for models that are built the same, whatever their names.

    Attributes:
        layers: from input to output; of a network with branches, in topological order.
        input_shape: without the batch axis; None for a model that has not seen its input.
        output_shape: without the batch axis; None when it is not known.
        parameters: number of weights, frozen ones included; None when it is not known.
        problem: None for one straight line of layers, else a code of :mod:`checker.messages`.
        problem_params: what fills that message's places.
        compiled: optimizer and loss in short names, ``{"optimizer": "adam", "loss": "mae"}``; None if not compiled.
        built: whether the model has weights.
        shown: the learner's own layers, (number, code), for display.
    """

    layers: tuple[Layer, ...]
    input_shape: Shape | None = None
    output_shape: Shape | None = None
    parameters: int | None = None
    problem: str | None = None
    problem_params: Mapping[str, Any] = field(default_factory=dict, compare=False)
    compiled: Mapping[str, Any] | None = field(default=None, compare=False)
    built: bool = field(default=True, compare=False)
    shown: tuple[tuple[int, str], ...] = field(default=(), compare=False)

    @classmethod
    def of(cls, model: Any, input_shape: Sequence[int | None] | None = None) -> Self:
        """The blueprint of a live Keras model; see :meth:`Graph.of`."""
        return cls.from_graph(Graph.of(model, input_shape))

    @classmethod
    def load(cls, source: str | Path | bytes) -> Self:
        """The blueprint of a saved model; see :meth:`Graph.load`."""
        return cls.from_graph(Graph.load(source))

    @classmethod
    def from_graph(cls, graph: Graph) -> Self:
        """The canonical form of a graph.

        Raises:
            Unreadable: for a graph whose settings are not what Keras writes.
        """
        try:
            return cls(**_canonical(graph))
        except (TypeError, ValueError, KeyError, AttributeError, IndexError, OverflowError) as error:
            raise Unreadable("model.unreadable") from error


def _canonical(graph: Graph) -> dict[str, Any]:
    shapes: list[Shape | None] = []
    layers: list[Layer] = []
    weights: dict[int, int | None] = {}
    shown: list[tuple[int, str]] = []
    input_shapes = dict(zip(graph.inputs, graph.input_shapes, strict=True))
    for index, node in enumerate(graph.nodes):
        if node.class_name == "InputLayer":
            shapes.append(input_shapes.get(index))
            continue
        number = len(shown) + 1
        pieces = _pieces(node.class_name, node.config, node.trainable)
        shown.append((number, _shown_code(node, pieces)))
        fed = [shapes[source] for source in node.inputs]
        counts: list[int | None] = []
        for piece in pieces:
            piece = replace(piece, settings=_relative(piece.settings, fed[0]), number=number, name=node.name)
            counts.append(_parameters(piece.kind, piece.settings, fed[0]))
            if not _is_identity(piece.kind, piece.settings, fed):
                layers.append(piece)
            fed = [_output_shape(piece.kind, piece.settings, fed)]
        weights[node.layer] = node.parameters if None in counts else sum(cast(list[int], counts))
        shapes.append(fed[0])
    problem, params = _problem(graph)
    total = None if None in weights.values() else sum(cast(list[int], list(weights.values())))
    return {
        "layers": tuple(layers if problem else in_canonical_order(layers)),
        "input_shape": graph.input_shapes[0] if len(graph.input_shapes) == 1 else None,
        "output_shape": shapes[graph.outputs[0]] if len(graph.outputs) == 1 else None,
        "parameters": total,
        "problem": problem,
        "problem_params": params,
        "compiled": graph.compiled,
        "built": graph.built,
        "shown": tuple(shown),
    }


def _problem(graph: Graph) -> tuple[str | None, dict[str, Any]]:
    """Why the graph is no straight line, as a message's code and parameters."""
    if all(node.class_name == "InputLayer" for node in graph.nodes):
        return "model.empty", {}
    if len(graph.inputs) > 1:
        return "model.several_inputs", {"count": len(graph.inputs)}
    if len(graph.outputs) > 1:
        return "model.several_outputs", {"count": len(graph.outputs)}
    used = [0] * len(graph.nodes)
    for node in graph.nodes:
        for source in node.inputs:
            used[source] += 1
    for node, count in zip(graph.nodes, used, strict=True):
        if count > 1 or len(node.inputs) > 1:
            return "model.branch", {"name": node.name}
    return None, {}


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
    if kind in _ACTIVATION_LAYERS:
        return {"activation": _ACTIVATION_LAYERS[kind], **settings_of(kind, config)}
    if kind == "Lambda" and _own_function(config["function"]) is None:
        return config["function"]
    if kind.startswith("ops."):
        name = _OPERATIONS.get(snake_case(kind[4:]))
        if name is not None:
            return {"activation": name, **{key: config[key] for key in ACTIVATIONS[name] if key in config}}
        if kind == "ops.Maximum" and config.get("args") == [0]:
            return "relu"
    return None


def _pieces(kind: str, config: Mapping[str, Any], trainable: bool) -> list[Layer]:
    """A layer as Keras has it, as the canonical layers that it stands for: itself, and its activation apart."""
    if (config.get("kwargs") or {}).get("training") is False:  # told never to train
        if _RANDOM.match(kind):
            return [Layer("Identity")]
        trainable = trainable and kind != "BatchNormalization"
    return [
        Layer("Activation", stage.config)
        if stage.kind == "Activation"
        else Layer(stage.kind, settings_of(stage.kind, stage.config), stage.trainable or _is_weightless(stage.kind))
        for stage in stages(kind, config, trainable=trainable)
    ]


def activation_settings(activation: str, **parameters: Any) -> dict[str, Any]:
    """An activation in canonical form.

    Args:
        activation: Keras' name of the function.
        **parameters: of the function, where they are not its defaults: ``max_value=6``.

    Returns:
        Its name and all its parameters. ``relu`` with ``max_value=6`` is ``relu6``, with a slope ``leaky_relu``.
    """
    name = _ALIASES.get(activation, activation)
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


def _own_function(activation: Mapping[str, Any]) -> str | None:
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
    known = SETTINGS.get(kind)
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
        return {str(key): _cleaned(item) for key, item in value.items() if not _IGNORED.match(str(key))}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    return _rounded(value)


def _rounded(value: Any) -> Any:
    """Floats to seven digits, which is what float32 holds; ``0.3`` computed in another way is still 0.3."""
    return float(f"{value:.7g}") if type(value) is float else value


def _relative(settings: Mapping[str, Any], shape: Shape | None) -> Mapping[str, Any]:
    """The last axis is called -1."""
    if "axis" not in settings:
        return settings
    axis = settings["axis"]
    if isinstance(axis, list) and len(axis) == 1:
        axis = axis[0]
    if shape is not None and axis == len(shape):
        axis = -1
    return {**settings, "axis": axis}


def _is_identity(kind: str, settings: Mapping[str, Any], shapes: Sequence[Shape | None]) -> bool:
    """Whether a layer hands on what it gets, in training too."""
    shape = shapes[0]
    if kind == "Activation":
        return bool(settings["activation"] == "linear")
    if kind.endswith(("Dropout", "Dropout1D", "Dropout2D", "Dropout3D")) and "rate" in settings:
        return bool(settings["rate"] == 0)
    if kind in ("Flatten", "Reshape"):
        return shape is not None and None not in shape and _output_shape(kind, settings, shapes) == shape
    return (
        kind == "Identity"
        or (kind == "GaussianNoise" and settings["stddev"] == 0)
        or (kind == "ActivityRegularization" and not settings["l1"] and not settings["l2"])
        or (kind == "Rescaling" and settings["scale"] == 1 and settings["offset"] == 0)
        or (kind == "Permute" and list(settings["dims"]) == sorted(settings["dims"]))
        or (kind in ("Concatenate", "ops.Concatenate") and len(shapes) == 1)
    )


def in_canonical_order(layers: Sequence[Layer]) -> list[Layer]:
    """Activations that commute with dropout stand before it; a relu after a relu changes nothing."""
    ordered: list[Layer] = []
    for layer in layers:
        place = len(ordered)
        if layer.kind == "Activation" and layer.settings["activation"] in ("relu", "leaky_relu"):
            while place and _DROPOUTS.match(ordered[place - 1].kind):
                place -= 1
            if place and layer.settings["activation"] == "relu" and ordered[place - 1] == layer:
                continue
        ordered.insert(place, layer)
    return ordered


def _output_shape(kind: str, settings: Mapping[str, Any], shapes: Sequence[Shape | None]) -> Shape | None:
    """Shape without the batch axis after a layer; None when it is not known."""
    shape = shapes[0]
    if shape is None:
        return None
    size = None if None in shape else math.prod(cast(tuple[int, ...], shape))
    if kind == "Dense":
        return (*shape[:-1], settings["units"])
    if kind == "Flatten":
        return (size,)
    if kind == "Reshape":
        target = list(settings["target_shape"])
        if -1 in target and size is not None:
            target[target.index(-1)] = size // max(1, math.prod(n for n in target if n != -1))
        return tuple(None if n == -1 else n for n in target)
    if kind == "Concatenate" and settings["axis"] == -1:
        widths = [one[-1] if one else None for one in shapes]
        return (*shape[:-1], None if None in widths else sum(cast(list[int], widths)))
    return shape if _SAME_SHAPE.match(kind) else None


def _parameters(kind: str, settings: Mapping[str, Any], shape: Shape | None) -> int | None:
    """Number of weights of a layer on this input; None when it is not known."""
    if _is_weightless(kind):
        return 0
    width = shape[-1] if shape else None
    if width is None or settings.get("axis", -1) != -1:
        return None
    if kind == "Dense":
        return int((width + settings["use_bias"]) * settings["units"])
    if kind == "BatchNormalization" and not settings["renorm"]:
        return int(width * (2 + settings["center"] + settings["scale"]))
    if kind == "PReLU":
        shared = settings["shared_axes"] or ()
        sizes = [1 if index + 1 in shared else size for index, size in enumerate(cast(Shape, shape))]
        return None if None in sizes else math.prod(cast(list[int], sizes))
    if kind == "LayerNormalization":
        return int(width * (settings["center"] + settings["scale"]))
    return None


# --- as Keras code ----------------------------------------------------------------------------------------------------


def layer_code(kind: str, settings: Mapping[str, Any], activation: str | None = None, trainable: bool = True) -> str:
    """A layer as Keras code, without defaults.

    Args:
        kind: Keras' class name.
        settings: as :func:`settings_of` gives them.
        activation: code of an activation inside the layer: ``'"relu"'``.
        trainable: False adds ``trainable=False``.
    """
    known = SETTINGS.get(kind, {})
    parts = []
    for name, value in settings.items() if kind in SETTINGS else ():
        if known[name] is REQUIRED:
            parts.append(_value_code(value))
        elif value != known[name]:
            parts.append(f"{name}={_value_code(value)}")
    if activation is not None:
        parts.append(f"activation={activation}")
    if not trainable:
        parts.append("trainable=False")
    name = f"ops.{snake_case(kind[4:])}" if kind.startswith("ops.") else kind.rpartition(".")[2]
    return f"{name}({', '.join(parts)})"


def _value_code(value: Any) -> str:
    if isinstance(value, Mapping) and "activation" in value:
        return _own_function(value) or _value_code(value["activation"])
    if isinstance(value, Mapping) and "class_name" in value:
        return (
            f"{value['class_name']}({', '.join(f'{k}={_value_code(v)}' for k, v in value.get('config', {}).items())})"
        )
    if isinstance(value, list):
        return f"({', '.join(map(_value_code, value))}{',' * (len(value) == 1)})"
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _activation_code(settings: Mapping[str, Any]) -> str:
    """``Activation("relu")``, or the layer that takes the parameters: ``ReLU(max_value=5.0)``."""
    name = settings["activation"]
    given = {key: value for key, value in settings.items() if key != "activation"}
    if given == ACTIVATIONS.get(name, {}) or (name == "relu" and not given):
        return f"Activation({_own_function(settings) or _value_code(name)})"
    for kind, activation in _ACTIVATION_LAYERS.items():
        if activation == name:
            return layer_code(kind, settings_of(kind, given))
    return f"Activation({', '.join([_value_code(name), *(f'{k}={_value_code(v)}' for k, v in given.items())])})"


def _shown_code(node: Node, pieces: Sequence[Layer]) -> str:
    """The learner's layer as they wrote it, its activation inside it."""
    kind, inside = node.class_name, pieces[-1]
    if kind == "Activation":
        return inside.code
    if kind in _ACTIVATION_LAYERS or kind == "Lambda" or pieces[0].kind != kind:
        return layer_code(kind, settings_of(kind, node.config))
    if len(pieces) == 1 or _is_identity(inside.kind, inside.settings, [None]):
        return pieces[0].code
    code = inside.code
    plain = re.fullmatch(r"Activation\(([^=]*)\)", code)
    return layer_code(kind, pieces[0].settings, plain[1] if plain else code, pieces[0].trainable)


# --- optimizer and loss -----------------------------------------------------------------------------------------------

_SHORT = {
    "mean_absolute_error": "mae",
    "mean_squared_error": "mse",
    "mean_absolute_percentage_error": "mape",
    "mean_squared_logarithmic_error": "msle",
}
_LOSSES = {
    *_SHORT,
    "huber",
    "log_cosh",
    "binary_crossentropy",
    "categorical_crossentropy",
    "poisson",
    "cosine_similarity",
}


def _objective(value: Any) -> str | None:
    """A live optimizer's or loss' short name: ``MeanAbsoluteError()`` is ``"mae"``."""
    if value is None or isinstance(value, str):
        return None if value is None else _short(value)
    if isinstance(value, list | tuple | dict):
        only = list(value.values() if isinstance(value, dict) else value)
        return _objective(only[0]) if len(only) == 1 else "several"
    is_function = hasattr(value, "__name__")
    name = str(value.__name__) if is_function else _class_name(type(value))
    module = str(value.__module__) if is_function else _module(type(value))
    return _short(name) if _is_keras_module(module) else f"custom.{name}"


def _saved_objective(value: Any) -> str | None:
    if not isinstance(value, Mapping):
        return _objective(value)
    if "class_name" not in value:
        return _objective({key: _saved_objective(one) for key, one in value.items()})
    if isinstance(value.get("config"), str):  # a function; the file does not say whose
        return _short(value["config"]) if value["config"] in _LOSSES else f"custom.{value['config']}"
    name = str(value["class_name"])
    return _short(name) if _is_keras_module(str(value.get("module"))) else f"custom.{name}"


def _short(name: str) -> str:
    name = snake_case(name) if re.search("[A-Z][a-z]+[A-Z]", name) else name.lower()
    return _SHORT.get(name, name).replace("rm_sprop", "rmsprop")
