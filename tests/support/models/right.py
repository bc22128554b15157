"""Right answers in other words: every way to put the layers together, and every way to write the layers."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import keras
from keras import layers
from keras_models import Block
from models.case import Case, stack
from models.styles import STYLES, as_list, functional, subclassed

WIDTHS = {"q1": 18, "q3": 8}
ANSWERS = {"q1": "D128r d.3 D64r d.3 D1", "q3": "B D512r B D512r B D512r B D1"}


def q1(one: Any, two: Any, rate: Any = 0.3, out: Any = None, **dropout: Any) -> keras.Model:
    """The Spotify network with these two hidden activations."""
    return as_list(
        [
            layers.Dense(128, activation=one), layers.Dropout(rate, **dropout),
            layers.Dense(64, activation=two), layers.Dropout(rate, **dropout),
            layers.Dense(1, activation=out),
        ],
        18,
    )  # fmt: skip


def activations_apart(make: Callable[[], Any], after_dropout: bool = False) -> keras.Model:
    """The Spotify network with activations as layers of their own."""

    def hidden(units: int) -> list[Any]:
        rest = [make(), layers.Dropout(0.3)]
        return [layers.Dense(units), *(rest[::-1] if after_dropout else rest)]

    return as_list([*hidden(128), *hidden(64), layers.Dense(1)], 18)


def input_shape_everywhere(words: str, width: int) -> keras.Model:
    """The commonest slip of real learners: ``input_shape=`` stays on layers that are not first; Keras ignores it."""
    made = []
    for layer in stack(words):
        config = layer.get_config()
        config.pop("name")
        shape = {"input_shape": (width,)} if isinstance(layer, layers.Dense) else {}
        made.append(type(layer)(**{k: v for k, v in config.items() if k in ("units", "rate", "activation")}, **shape))
    return keras.Sequential(made)


def saved_and_loaded(words: str, width: int) -> keras.Model:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        as_list(stack(words), width).save(path)
        return keras.models.load_model(path)


class _MyDense(layers.Dense):
    """A subclass that changes nothing."""


class _Model(keras.Model):
    """A subclassed model whose layers are attributes, created in another order than called."""

    def __init__(self) -> None:
        super().__init__()
        self.out = layers.Dense(1)
        self.drop2 = layers.Dropout(0.3)
        self.hidden2 = layers.Dense(64, activation="relu")
        self.drop1 = layers.Dropout(0.3)
        self.hidden1 = layers.Dense(128, activation="relu")

    def call(self, x: Any) -> Any:
        return self.out(self.drop2(self.hidden2(self.drop1(self.hidden1(x)))))


class _WithKerasActivation(keras.Model):
    """A subclassed model that applies its activations as functions."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = layers.Dense(128), layers.Dense(64), layers.Dense(1)
        self.drop1, self.drop2 = layers.Dropout(0.3), layers.Dropout(0.3)

    def call(self, x: Any) -> Any:
        x = self.drop1(keras.activations.relu(self.a(x)))
        return self.c(self.drop2(keras.ops.relu(self.b(x))))


class _WithTensorFlow(keras.Model):
    """A subclassed model in the habit of earlier years: TensorFlow's own functions between the layers."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.drop, self.out = [layers.Dense(128), layers.Dense(64)], layers.Dropout(0.3), layers.Dense(1)

    def call(self, x: Any, training: bool = False) -> Any:
        import tensorflow as tf

        x = tf.cast(x, tf.float32)
        for dense in self.hidden:
            x = self.drop(tf.nn.relu(dense(x)), training=training)
        return tf.reshape(self.out(x), (-1, 1))


class _WithoutLastAxis(_Model):
    """Hands on one plain number a sample, and decides itself what happens in training."""

    def call(self, x: Any, training: bool = False) -> Any:
        x = self.hidden1(keras.ops.cast(x, "float32") * 1.0)
        if training:
            x = self.drop1(x, training=True)
        x = self.drop2(self.hidden2(x), training=bool(training))
        return keras.ops.squeeze(self.out(x), axis=-1)


def shared_dropout() -> keras.Model:
    """One dropout layer used twice does what two do."""
    dropout = layers.Dropout(0.3)
    hidden = [layers.Dense(128, activation="relu"), dropout, layers.Dense(64, activation="relu"), dropout]
    return functional([*hidden, layers.Dense(1)], 18)


def compiled_call() -> keras.Model:
    """``call`` made a function of TensorFlow's by hand, as earlier versions wanted it."""
    import tensorflow as tf

    return type("Compiled", (_Model,), {"call": tf.function(_Model.call)})()


def grown_from_another() -> keras.Model:
    """The plain network's own layers, dropout put between them."""
    grown = keras.Sequential([keras.Input((18,))])
    for layer in as_list(stack("D128r D64r D1"), 18).layers:
        grown.add(layer)
        if layer.units > 1:
            grown.add(layers.Dropout(0.3))
    return grown


def changed_afterwards() -> keras.Model:
    """Layers whose attributes were set after they were made."""
    model = as_list(stack("D128 d.5 D64r d.3 D1"), 18)
    model.layers[0].activation = keras.activations.relu
    model.layers[1].rate = 0.3
    return model


def through_operators() -> keras.Model:
    inputs = x = keras.Input((18,))
    for layer in (layers.Reshape((1, 18)), layers.Flatten(), *stack(ANSWERS["q1"])):
        x = layer(0 + x / 1)
    return keras.Model(inputs, keras.ops.squeeze(1.0 * x, axis=1))


def normalized_between() -> keras.Model:
    """Dense, then its relu apart, then batch normalization: the order of the reference."""
    made: list[Any] = [layers.BatchNormalization()]
    for _ in range(3):
        made += [layers.Dense(512), layers.ReLU(), layers.BatchNormalization()]
    return as_list([*made, layers.Dense(1)], 8)


def own_normalization(**settings: Any) -> keras.Model:
    made: list[Any] = [layers.BatchNormalization(**settings)]
    for _ in range(3):
        made += [layers.Dense(512, activation="relu"), layers.BatchNormalization(**settings)]
    return as_list([*made, layers.Dense(1)], 8)


def _tensorflow_relu() -> Any:
    import tensorflow as tf

    return tf.nn.relu


SPELLINGS: dict[str, Callable[[], Any]] = {
    "activation as a Keras function": partial(q1, keras.activations.relu, keras.ops.relu),
    "activation as a layer object": lambda: q1(layers.ReLU(), layers.Activation("relu")),
    "activation as a TensorFlow function": lambda: q1(_tensorflow_relu(), _tensorflow_relu()),
    "activation as a lambda": lambda: q1(lambda x: keras.ops.maximum(x, 0.0), "relu"),
    "activation on its own": lambda: activations_apart(lambda: layers.Activation("relu")),
    "ReLU layers": lambda: activations_apart(layers.ReLU),
    "ReLU layers after the dropout": lambda: activations_apart(layers.ReLU, after_dropout=True),
    "Lambda layers": lambda: activations_apart(lambda: layers.Lambda(keras.activations.relu)),
    "an explicit linear output": partial(q1, "relu", "relu", out="linear"),
    "a computed rate": partial(q1, "relu", "relu", 0.1 * 3),
    "a rate of one minus the keep probability": partial(q1, "relu", "relu", 1 - 0.7),
    "seeds and names": partial(q1, "relu", "relu", seed=3, name=None),
    "other initializers": lambda: as_list([
        layers.Dense(128, "relu", kernel_initializer="he_normal", name="one"), layers.Dropout(0.3, name="two"),
        layers.Dense(64, "relu", bias_initializer="ones"), layers.Dropout(0.3), layers.Dense(1, name="output"),
    ], 18),
    "float32 spelled out": lambda: as_list([
        layers.Dense(128, "relu", dtype="float32"), layers.Dropout(0.3, dtype="float32"),
        layers.Dense(64, "relu"), layers.Dropout(0.3), layers.Dense(1),
    ], 18),
    "a subclassed layer that changes nothing": lambda: as_list([
        _MyDense(128, "relu"), layers.Dropout(0.3), _MyDense(64, "relu"), layers.Dropout(0.3), layers.Dense(1),
    ], 18),
    "a subclassed model": _Model,
    "a subclassed model with functions": _WithKerasActivation,
    "a subclassed model with TensorFlow's functions": _WithTensorFlow,
    "a subclassed model that minds training itself": _WithoutLastAxis,
    "a subclassed model with a TensorFlow function": compiled_call,
    "layers of another model": grown_from_another,
    "settings changed afterwards": changed_afterwards,
    "a penalty of nothing": lambda: as_list([
        layers.Dense(128, "relu", kernel_regularizer=keras.regularizers.L2(0.0)), *stack("d.3 D64r d.3 D1"),
    ], 18),
    "operators and shapes that change nothing": through_operators,
    "layers that hold a layer and its dropout": lambda: as_list([Block(128), Block(64), layers.Dense(1)], 18),
    "one dropout used twice": shared_dropout,
    "input_shape on every Dense": partial(input_shape_everywhere, ANSWERS["q1"], 18),
    "saved and loaded": partial(saved_and_loaded, ANSWERS["q1"], 18),
    "a subclassed model around it": lambda: subclassed([as_list(stack(ANSWERS["q1"]), 18)], 18),
}  # fmt: skip

NORMALIZED: dict[str, Callable[[], Any]] = {
    "relu apart, before the normalization": normalized_between,
    "another momentum": partial(own_normalization, momentum=0.9),
    "another epsilon": partial(own_normalization, epsilon=1e-5),
    "the axis spelled out": partial(own_normalization, axis=-1),
    "the axis counted from the front": partial(own_normalization, axis=1),
    "input_shape on every Dense": partial(input_shape_everywhere, ANSWERS["q3"], 8),
    "saved and loaded": partial(saved_and_loaded, ANSWERS["q3"], 8),
}


def cases() -> Sequence[Case]:
    styled = [
        Case(
            question,
            f"written {style.__name__}",
            partial(lambda s, w, q: s(stack(w), WIDTHS[q]), style, words, question),
        )
        for question, words in ANSWERS.items()
        for style in STYLES
    ]
    spelled = [Case("q1", name, build) for name, build in SPELLINGS.items()]
    return [*styled, *spelled, *(Case("q3", name, build) for name, build in NORMALIZED.items())]
