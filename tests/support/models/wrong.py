"""The classic mistakes in the two Spotify networks, each with the edit that a teacher would name first.

Most are networks in the shorthand of :mod:`models.case`; layer numbers are the learner's own, from 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import keras
from keras import layers
from models.case import Case, First, add, move, remove, sequential, setting, stack, swap
from models.right import WIDTHS
from models.styles import as_list, functional

DROPOUT, NORMALIZATION = "Dropout(0.3)", "BatchNormalization()"
Wrong = tuple[str, str, tuple[First, ...], int]
"""What is wrong, the network, the right first edits, how many edits it takes."""

Q1: tuple[Wrong, ...] = (
    # --- dropout missing or too much ---
    ("the unchanged starter", "D128r D64r D1", (add(1, DROPOUT),), 2),
    ("dropout only after the first layer", "D128r d.3 D64r D1", (add(3, DROPOUT),), 1),
    ("dropout only after the second layer", "D128r D64r d.3 D1", (add(1, DROPOUT),), 1),
    ("dropout only after the output", "D128r D64r D1 d.3", (move(4), add(1, DROPOUT)), 2),
    ("dropout after the output as well", "D128r d.3 D64r d.3 D1 d.3", (remove(6),), 1),
    ("dropout first as well", "d.3 D128r d.3 D64r d.3 D1", (remove(1),), 1),
    ("dropout twice in one place", "D128r d.3 d.3 D64r d.3 D1", (remove(2, 3),), 1),
    ("both dropouts in one place", "D128r d.3 d.3 D64r D1", (move(2, 3),), 1),
    ("both dropouts at the end", "D128r D64r d.3 d.3 D1", (move(3, 4),), 1),
    # --- dropout in the wrong place ---
    ("dropout before each hidden layer", "d.3 D128r d.3 D64r D1", (move(1),), 1),
    ("dropout after the second and the output", "D128r D64r d.3 D1 d.3", (move(5), move(3)), 1),
    ("dropout after the first and the output", "D128r d.3 D64r D1 d.3", (move(5),), 1),
    ("both dropouts first", "d.3 d.3 D128r D64r D1", (move(1, 2),), 2),
    # --- another rate ---
    ("rate 0.2", "D128r d.2 D64r d.2 D1", (setting(2, "rate", "0.3"),), 2),
    ("keep probability instead of rate", "D128r d.7 D64r d.7 D1", (setting(2, "rate", "0.3"),), 2),
    ("one rate right, one wrong", "D128r d.3 D64r d.5 D1", (setting(4, "rate", "0.3"),), 1),
    ("rate 0.03", "D128r d.03 D64r d.3 D1", (setting(2, "rate", "0.3"),), 1),
    ("rate 0.33", "D128r d.33 D64r d.33 D1", (setting(2, "rate", "0.3"),), 2),
    ("rate 0.3 once, 0 once", "D128r d.3 D64r d0.0 D1", (setting(4, "rate", "0.3"),), 1),
    ("rate 0 twice", "D128r d0 D64r d0 D1", (setting(2, "rate", "0.3"),), 2),
    ("rate 1", "D128r d1.0 D64r d.3 D1", (setting(2, "rate", "0.3"),), 1),
    # --- the dense layers ---
    ("other units first", "D256r d.3 D64r d.3 D1", (setting(1, "units", "128"),), 1),
    ("other units second", "D128r d.3 D128r d.3 D1", (setting(3, "units", "64"),), 1),
    ("units the wrong way round", "D64r d.3 D128r d.3 D1", (setting(1, "units", "128"), move(1), move(3)), 2),
    ("two output units", "D128r d.3 D64r d.3 D2", (setting(5, "units", "1"),), 1),
    ("no activation in the first layer", "D128 d.3 D64r d.3 D1", (setting(1, "activation", '"relu"'),), 1),
    ("no activation in the second layer", "D128r d.3 D64 d.3 D1", (setting(3, "activation", '"relu"'),), 1),
    ("no activations at all", "D128 d.3 D64 d.3 D1", (setting(1, "activation", '"relu"'),), 2),
    ("tanh in the first layer", "D128t d.3 D64r d.3 D1", (setting(1, "activation", '"relu"'),), 1),
    ("sigmoid in both", "D128s d.3 D64s d.3 D1", (setting(1, "activation", '"relu"'),), 2),
    ("elu in the second layer", "D128r d.3 D64e d.3 D1", (setting(3, "activation", '"relu"'),), 1),
    ("relu on the output", "D128r d.3 D64r d.3 D1r", (setting(5, "activation"),), 1),
    ("sigmoid on the output", "D128r d.3 D64r d.3 D1s", (setting(5, "activation"),), 1),
    ("softmax on the output", "D128r d.3 D64r d.3 D1m", (setting(5, "activation"),), 1),
    ("no output", "D128r d.3 D64r d.3", (add(4, "Dense(1)"),), 1),
    ("no second hidden layer", "D128r d.3 D1", (add(2, 'Dense(64, activation="relu")'),), 2),
    ("no first hidden layer", "D64r d.3 D1", (add(None, 'Dense(128, activation="relu")'),), 2),
    ("a third hidden layer", "D128r d.3 D64r d.3 D32r D1", (remove(5),), 1),
    ("a third hidden layer with dropout", "D128r d.3 D64r d.3 D32r d.3 D1", (remove(5), remove(4)), 2),
    ("the layers backwards", "D1 d.3 D64r d.3 D128r", (move(1), move(5)), 2),
    # --- other layers ---
    ("batch normalization instead of dropout", "D128r B D64r B D1", (swap(2, DROPOUT),), 2),
    ("batch normalization as well", "D128r B d.3 D64r B d.3 D1", (remove(2),), 2),
    ("batch normalization first", "B D128r d.3 D64r d.3 D1", (remove(1),), 1),
    ("layer normalization once", "D128r d.3 L D64r d.3 D1", (remove(3),), 1),
    ("a tanh that dropout does not commute with", "D128 d.3 t D64r d.3 D1",
     (setting(1, "activation", '"relu"'), setting(3, "activation", '"relu"'), move(3), remove(3)), 2),
    ("an activation too many", "D128r d.3 t D64r d.3 D1", (remove(3),), 1),
    # --- cells run twice ---
    ("the add cell run twice", "D128r d.3 D64r d.3 D1 D128r d.3 D64r d.3 D1", (remove(6), remove(1)), 5),
    ("layers added to a finished model", "D128r D64r D1 d.3 d.3", (move(4, 5),), 2),
    ("a dropout and an output added to a finished model", "D128r d.3 D64r d.3 D1 d.3 D1", (remove(5, 6),), 2),
    ("only an output", "D1", (add(None, 'Dense(128, activation="relu")'),), 4),
)  # fmt: skip

Q3: tuple[Wrong, ...] = (
    ("the unchanged starter", "D512r D512r D512r D1", (add(None, NORMALIZATION),), 4),
    ("none before the first layer", "D512r B D512r B D512r B D1", (add(None, NORMALIZATION),), 1),
    ("after each layer instead of before", "D512r B D512r B D512r B D1 B", (move(8), add(None, NORMALIZATION)), 1),
    ("none before the output", "B D512r B D512r B D512r D1", (add(6, NORMALIZATION),), 1),
    ("only one, first", "B D512r D512r D512r D1", (add(2, NORMALIZATION),), 3),
    ("only one, before the output", "D512r D512r D512r B D1", (add(None, NORMALIZATION),), 3),
    ("one in the middle missing", "B D512r D512r B D512r B D1", (add(2, NORMALIZATION),), 1),
    ("after the output as well", "B D512r B D512r B D512r B D1 B", (remove(9),), 1),
    ("two in a row", "B B D512r B D512r B D512r B D1", (remove(1, 2),), 1),
    ("one frozen", "B* D512r B D512r B D512r B D1", (First("layer.frozen", (1,)),), 1),
    ("all frozen", "B* D512r B* D512r B* D512r B* D1", (First("layer.frozen", (1,)),), 4),
    ("layer normalization", "L D512r L D512r L D512r L D1", (swap(1, NORMALIZATION),), 4),
    ("layer normalization once", "B D512r L D512r B D512r B D1", (swap(3, NORMALIZATION),), 1),
    ("dropout as well", "B D512r d.3 B D512r B D512r B D1", (remove(3),), 1),
    ("dropout instead", "d.3 D512r d.3 D512r d.3 D512r d.3 D1", (swap(1, NORMALIZATION),), 4),
    ("between each layer and its relu", "B D512 B r D512 B r D512 B r D1", (move(3, 4), setting(2, "activation")), 3),
    ("relu before the layer", "B r D512 B r D512 B r D512 B D1", (move(2, 3), setting(3, "activation")), 3),
    ("fewer units", "B D256r B D256r B D256r B D1", (setting(2, "units", "512"),), 3),
    ("fewer units in the last", "B D512r B D512r B D128r B D1", (setting(6, "units", "512"),), 1),
    ("one hidden layer fewer", "B D512r B D512r B D1",
     (add(4, 'Dense(512, activation="relu")'), add(5, 'Dense(512, activation="relu")'), add(2, NORMALIZATION),
      add(3, 'Dense(512, activation="relu")'), add(1, 'Dense(512, activation="relu")'),
      add(None, NORMALIZATION)), 2),
    ("one hidden layer more", "B D512r B D512r B D512r B D512r B D1", (remove(*range(1, 10)),), 2),
    ("no activations", "B D512 B D512 B D512 B D1", (setting(2, "activation", '"relu"'),), 3),
    ("relu on the output", "B D512r B D512r B D512r B D1r", (setting(8, "activation"),), 1),
    ("no output", "B D512r B D512r B D512r B", (add(7, "Dense(1)"),), 1),
    ("first two layers swapped", "D512r B B D512r B D512r B D1", (move(1, 2, 3),), 1),
    ("the first network of the lesson instead", "D128r d.3 D64r d.3 D1",
     (add(None, NORMALIZATION), setting(1, "units", "512")), 8),
)  # fmt: skip


def spatial() -> Any:
    """``SpatialDropout1D`` drops whole columns of a sequence; on plain features it is another thing."""
    inputs = keras.Input((18, 1))
    x = layers.SpatialDropout1D(0.3)(layers.Dense(128, activation="relu")(inputs))
    x = layers.Dropout(0.3)(layers.Dense(64, activation="relu")(x))
    return keras.Model(inputs, layers.Dense(1)(x))


def other_dropout(kind: type, **settings: Any) -> Any:
    hidden = [layers.Dense(128, "relu"), kind(0.3, **settings), layers.Dense(64, "relu"), layers.Dropout(0.3)]
    return as_list([*hidden, layers.Dense(1)], 18)


def first_dense(**settings: Any) -> Any:
    return as_list([layers.Dense(128, "relu", **settings), *stack("d.3 D64r d.3 D1")], 18)


def adapted() -> Any:
    """Low-rank adaptation trains two small matrices in the place of the kernel."""
    model = sequential("D128r d.3 D64r d.3 D1", 18)
    model.layers[0].enable_lora(4)
    return model


def quantized() -> Any:
    model = sequential("D128r d.3 D64r d.3 D1", 18)
    model.layers[0].quantize("int8")
    return model


def first_activation(activation: Any) -> Any:
    return as_list([layers.Dense(128), activation, *stack("d.3 D64r d.3 D1")], 18)


def first_normalization(kind: type, **settings: Any) -> Any:
    return as_list([kind(**settings), *stack("D512r B D512r B D512r B D1")], 8)


def frozen_model() -> Any:
    model = sequential("B D512r B D512r B D512r B D1", 8)
    model.layers[2].trainable = False
    return model


def not_connected() -> Any:
    """The dropout layers are made and called, but the next layer takes what came before them."""
    inputs = keras.Input((18,))
    one = layers.Dense(128, activation="relu")(inputs)
    layers.Dropout(0.3)(one)
    two = layers.Dense(64, activation="relu")(one)
    layers.Dropout(0.3)(two)
    return keras.Model(inputs, layers.Dense(1)(two))


def calculated(function: Callable[[Any], Any]) -> Any:
    """The right network, and then a calculation."""
    model = sequential("D128r d.3 D64r d.3 D1", 18)
    return keras.Model(model.inputs, function(model.outputs[0]))


def branched() -> Any:
    inputs = keras.Input((18,))
    sides = [layers.Dropout(0.3)(layers.Dense(units, activation="relu")(inputs)) for units in (128, 64)]
    return keras.Model(inputs, layers.Dense(1)(layers.Concatenate()(sides)))


def two_outputs() -> Any:
    model = sequential("D128r d.3 D64r d.3", 18)
    return keras.Model(model.inputs, [layers.Dense(1)(model.outputs[0]), layers.Dense(1)(model.outputs[0])])


class Pretender(layers.Dropout):
    """Called dropout, but drops nothing."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        return inputs + 0.0


class Dropout(layers.Layer):
    """A learner's own class with a famous name."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def call(self, inputs: Any) -> Any:
        return inputs * (1 - self.rate)


class Told(keras.Model):
    """Tells its dropouts what to do, whatever the network does."""

    def __init__(self, **told: bool) -> None:
        super().__init__()
        self.made, self.told = stack("D128r d.3 D64r d.3 D1"), told

    def call(self, inputs: Any, training: bool = False) -> Any:
        for layer in self.made:
            inputs = layer(inputs, **self.told) if isinstance(layer, layers.Dropout) else layer(inputs)
        return inputs


class DropsTooLate(Told):
    """Drops when it predicts, not when it trains."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        for layer in self.made:
            inputs = inputs if isinstance(layer, layers.Dropout) and training else layer(inputs)
        return inputs


class MadeInCall(keras.Model):
    """Has no layers of its own, so that nothing is trained."""

    def call(self, inputs: Any) -> Any:
        for layer in stack("D128r d.3 D64r d.3 D1"):
            inputs = layer(inputs)
        return inputs


class WithTensorFlow(keras.Model):
    """Activations, and more, as TensorFlow's functions."""

    def __init__(self, activation: str = "relu", last: bool = True) -> None:
        super().__init__()
        self.made, self.activation, self.last = stack("D128 d.3 D64 d.3 D1"), activation, last

    def call(self, inputs: Any, training: bool = False) -> Any:
        import tensorflow as tf

        one, drop, two, other, out = self.made
        x = drop(getattr(tf.nn, self.activation)(one(tf.cast(inputs, tf.float32))), training=training)
        x = tf.nn.relu(two(x))
        return tf.reshape(out(other(x) if self.last else x), (-1, 1))


def shared_normalization() -> Any:
    """One object in three places keeps one running mean for three different inputs."""
    shared = layers.BatchNormalization()
    dense = stack("D512r D512r D1")
    return functional([*stack("B D512r"), *(layer for one in dense for layer in (shared, one))], 8)


class Overriding(keras.Sequential):
    """Has all the right layers, and uses none of them."""

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        return inputs


def widths_of_another_question() -> Any:
    return sequential("D128r d.3 D64r d.3 D1", 12)


REPLACED = swap(2, DROPOUT)
OTHERS: tuple[tuple[str, str, Callable[[], Any], tuple[First, ...]], ...] = (
    ("q1", "GaussianDropout", partial(other_dropout, layers.GaussianDropout), (REPLACED,)),
    ("q1", "AlphaDropout", partial(other_dropout, layers.AlphaDropout), (REPLACED,)),
    ("q1", "GaussianNoise", partial(other_dropout, layers.GaussianNoise), (REPLACED,)),
    ("q1", "dropout that overrides call", partial(other_dropout, Pretender), (REPLACED,)),
    ("q1", "an own class named Dropout", partial(other_dropout, Dropout), (REPLACED,)),
    ("q1", "dropout with a noise shape", partial(other_dropout, layers.Dropout, noise_shape=(None, 1)),
     (setting(2, "noise_shape"),)),
    ("q1", "SpatialDropout1D", spatial, (First("model.input_shape"),)),
    ("q1", "no bias", partial(first_dense, use_bias=False), (setting(1, "use_bias", "True"),)),
    ("q1", "a weight penalty", partial(first_dense, kernel_regularizer="l2"),
     (setting(1, "kernel_regularizer", "None"),)),
    ("q1", "a dense layer with LoRA", adapted, (setting(1, "lora_rank", "None"),)),
    ("q1", "a quantized dense layer", quantized, (setting(1, "quantization_config", "None"),)),
    ("q1", "a frozen dense layer", partial(first_dense, trainable=False), (First("layer.frozen", (1,)),)),
    ("q1", "LeakyReLU", lambda: first_activation(layers.LeakyReLU()), (swap(2, 'Activation("relu")'),)),
    ("q1", "ELU as a layer", lambda: first_activation(layers.ELU()), (swap(2, 'Activation("relu")'),)),
    ("q1", "a squaring Lambda", lambda: first_activation(layers.Lambda(lambda x: x * x)),
     (swap(2, 'Activation("relu")'),)),
    ("q1", "ReLU with a ceiling", lambda: first_activation(layers.ReLU(max_value=6)),
     (swap(2, 'Activation("relu")'),)),
    ("q1", "PReLU", lambda: first_activation(layers.PReLU()),
     (swap(2, 'Activation("relu")'),)),
    ("q1", "dropout told to drop always", partial(Told, training=True), (First("layer.training", (2,)),)),
    ("q1", "dropout told never to drop", partial(Told, training=False), (First("layer.training", (2,)),)),
    ("q1", "dropout only when it predicts", DropsTooLate, (add(1, DROPOUT),)),
    ("q1", "a number minus the output", lambda: calculated(lambda x: 0 - x), (remove(6),)),
    ("q1", "the output scaled", lambda: calculated(lambda x: x * 100.0), (remove(6),)),
    ("q1", "the output clipped", lambda: calculated(lambda x: keras.ops.clip(x, 0, 100)), (remove(6),)),
    ("q1", "the features scaled in the model",
     lambda: as_list([layers.Rescaling(0.1), *stack("D128r d.3 D64r d.3 D1")], 18), (remove(1),)),
    ("q1", "another shape", lambda: as_list([layers.Reshape((1, 18)), *stack("D128r d.3 D64r d.3 D1")], 18),
     (remove(1),)),
    ("q1", "layers made anew in each call", MadeInCall, (First("model.untracked"),)),
    ("q1", "TensorFlow's sigmoid instead of relu", partial(WithTensorFlow, "sigmoid"),
     (swap(2, 'Activation("relu")'),)),
    ("q1", "TensorFlow's relu, and no second dropout", partial(WithTensorFlow, "relu", last=False),
     (add(5, DROPOUT),)),
    ("q1", "a row of sequences", lambda: keras.Sequential([keras.Input((5, 18)), *stack("D128r d.3 D64r d.3 D1")]),
     (First("model.input_shape"),)),
    ("q1", "dropout not connected", not_connected, (add(1, DROPOUT),)),
    ("q1", "branches", branched, (First("model.branch"),)),
    ("q1", "two output layers", two_outputs, (First("model.several_outputs"),)),
    ("q1", "a model that overrides call", lambda: Overriding([keras.Input((18,)), *stack("D128r d.3 D64r d.3 D1")]),
     (First("model.empty"), First("model.untraceable"), add(None, 'Dense(128, activation="relu")'))),
    ("q1", "no layers", keras.Sequential, (First("model.empty"),)),
    ("q1", "only layers that change nothing", lambda: as_list(stack("d0"), 18), (First("model.empty"),)),
    ("q1", "only an input", lambda: keras.Sequential([keras.Input((18,))]), (First("model.empty"),)),
    ("q1", "another number of features", widths_of_another_question, (First("model.input_width"),)),
    ("q3", "a frozen normalization inside", frozen_model, (First("layer.frozen", (3,)),)),
    ("q3", "one normalization in three places", shared_normalization, (First("layer.shared", (5,)),)),
    ("q3", "normalization without scale", partial(first_normalization, layers.BatchNormalization, scale=False),
     (setting(1, "scale", "True"),)),
    ("q3", "UnitNormalization first", partial(first_normalization, layers.UnitNormalization),
     (swap(1, NORMALIZATION),)),
)  # fmt: skip

WEIRD: tuple[tuple[str, Callable[[], Any], str], ...] = (
    ("nothing", lambda: None, "model.none"),
    ("the class instead of a model", lambda: keras.Sequential, "model.class"),
    ("an own class instead of a model", lambda: Overriding, "model.class"),
    ("a list of layers", lambda: stack("D128r d.3 D64r d.3 D1"), "model.list"),
    ("a tuple of layers", lambda: tuple(stack("D128r D1")), "model.list"),
    ("one layer", lambda: layers.Dense(1), "model.layer"),
    ("a history", keras.callbacks.History, "model.history"),
    ("a string", lambda: "model", "model.not_keras"),
    ("a number", lambda: 0.3, "model.not_keras"),
    ("a dictionary", lambda: {"layers": []}, "model.not_keras"),
    ("a tensor", lambda: keras.Input((18,)), "model.not_keras"),
    ("a function", lambda: sequential, "model.function"),
    ("something with a list of layers", lambda: type("Model", (), {"layers": stack("D1")})(), "model.not_keras"),
)


def cases() -> Sequence[Case]:
    found = [
        Case(question, what, partial(sequential, words, WIDTHS[question]), first, count)
        for question, table in (("q1", Q1), ("q3", Q3))
        for what, words, first, count in table
    ]
    found += [Case(question, what, build, first) for question, what, build, first in OTHERS]
    found += [Case("q1", what, build, (First(code),)) for what, build, code in WEIRD]
    return found
