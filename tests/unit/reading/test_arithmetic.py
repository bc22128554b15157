"""Layer by layer, and in random networks, the arithmetic is Keras'."""

from __future__ import annotations

import math
from collections.abc import Callable
from inspect import signature
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras import layers as L
from replays import agree, shaken

from checker.reading.arithmetic import FUNCTIONS, Unsupported, fixed
from checker.reading.replay import Replay

Sequential, Input, Model = keras.Sequential, keras.Input, keras.Model
pytestmark = pytest.mark.filterwarnings("ignore")

RENORM = "renorm" in signature(L.BatchNormalization).parameters
NEWER = hasattr(L, "RMSNormalization")  # the oldest Keras that the course allows has neither

FLAT: dict[str, Callable[[], Any]] = {
    "dense": lambda: L.Dense(3),
    "dense without bias": lambda: L.Dense(3, use_bias=False),
    "batchnorm": L.BatchNormalization,
    "batchnorm bare": lambda: L.BatchNormalization(center=False, scale=False, epsilon=0.1),
    "batchnorm no center": lambda: L.BatchNormalization(center=False),
    "batchnorm frozen": lambda: L.BatchNormalization(trainable=False),
    "layernorm": L.LayerNormalization,
    "layernorm no scale": lambda: L.LayerNormalization(scale=False),
    **({"rms": L.RMSNormalization} if NEWER else {}),
    "unit": L.UnitNormalization,
    "group": lambda: L.GroupNormalization(2),
    "instance": lambda: L.GroupNormalization(-1),
    "normalization": L.Normalization,
    "normalization given": lambda: L.Normalization(mean=[1.0] * 8, variance=[2.0] * 8, invert=True),
    "prelu": L.PReLU,
    "relu": lambda: L.ReLU(3.0, 0.1, 0.5),
    "leaky": L.LeakyReLU,
    "elu": lambda: L.ELU(0.3),
    "softmax": L.Softmax,
    "flatten": L.Flatten,
    "reshape": lambda: L.Reshape((2, -1)),
    "rescaling": lambda: L.Rescaling(0.3, 1.0),
    "dropout": lambda: L.Dropout(0.3),
    "alpha dropout": lambda: L.AlphaDropout(0.3),
    "gaussian dropout": lambda: L.GaussianDropout(0.3),
    "noise": lambda: L.GaussianNoise(1.0),
    "activity": lambda: L.ActivityRegularization(0.1),
    "identity": L.Identity,
    "repeat": lambda: L.RepeatVector(3),
    "prelu inside": lambda: L.Dense(3, activation=L.PReLU()),
    "batchnorm inside": lambda: L.Dense(3, activation=L.BatchNormalization()),
    "lambda": lambda: L.Dense(3, activation=L.LeakyReLU(0.1)),
    "nested": lambda: Sequential([L.Dense(4, "relu"), Sequential([L.BatchNormalization(), L.Dense(2)])]),
}
DEEP: dict[str, Callable[[], Any]] = {
    "dense": lambda: L.Dense(5),
    "batchnorm axis": lambda: L.BatchNormalization(axis=1),
    "layernorm axes": lambda: L.LayerNormalization(axis=[1, 2]),
    **({"rms axes": lambda: L.RMSNormalization(axis=[1, 2])} if NEWER else {}),
    "group axis": lambda: L.GroupNormalization(2, axis=1),
    "group": lambda: L.GroupNormalization(3),
    "normalization axes": lambda: L.Normalization(axis=(1, 2)),
    "normalization none": lambda: L.Normalization(axis=None),
    "prelu shared": lambda: L.PReLU(shared_axes=[1]),
    "softmax axes": lambda: L.Softmax(axis=[1, 2]),
    "permute": lambda: L.Permute((2, 1)),
    "spatial dropout": lambda: L.SpatialDropout1D(0.2),
    "unit axes": lambda: L.UnitNormalization(axis=[1, 2]),
    "flatten": L.Flatten,
}


@pytest.mark.parametrize("name", FLAT)
def test_layer_on_features(name: str) -> None:
    model = shaken(Sequential([Input((8,)), FLAT[name](), L.Flatten(), L.Dense(2)]))
    agree(model)


@pytest.mark.parametrize("name", DEEP)
def test_layer_on_sequences(name: str) -> None:
    model = shaken(Sequential([Input((4, 6)), DEEP[name]()]))
    agree(model)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_activation(name: str) -> None:
    if not (NEWER or hasattr(keras.activations, name)):
        pytest.skip("the oldest Keras does not have it")
    model = shaken(Sequential([Input((8,)), L.Dense(6, kernel_initializer="zeros"), L.Activation(name), L.Dense(2)]))
    agree(model)


def test_branches_operators_and_shared_layers() -> None:
    inputs = Input((8,))
    a, b = L.Dense(4)(inputs), L.Dense(4, activation="relu")(inputs)
    merged = [kind()([a, b]) for kind in (L.Add, L.Subtract, L.Multiply, L.Average, L.Maximum, L.Minimum)]
    x = L.Concatenate()([*merged, a])
    x = keras.ops.maximum(keras.ops.relu(x + 1) * 2.0, 0.3) - x / 0.5 - 0.25
    shared = L.Dense(28, activation="tanh")
    nested = Sequential([L.Dense(28), L.BatchNormalization()])
    x = nested(nested(shared(shared(x))))
    model = shaken(Model(inputs, L.Dense(1)(keras.activations.gelu(x))))
    agree(model)


LAYERS = st.lists(
    st.one_of(
        st.builds(
            lambda units, name, bias: lambda: L.Dense(units, activation=name, use_bias=bias),
            st.integers(1, 40),
            st.sampled_from(["relu", "tanh", "sigmoid", "elu", "selu", "silu", "softplus", "gelu", "linear"]),
            st.booleans(),
        ),
        st.sampled_from([FLAT[name] for name in ("batchnorm", "layernorm", "dropout", "leaky", "prelu", "rescaling")]),
    ),
    min_size=1,
    max_size=7,
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(layers=LAYERS, seed=st.integers(0, 999))
def test_random_networks(layers: list[Callable[[], Any]], seed: int) -> None:
    model = Sequential([Input((8,)), *(make() for make in layers), L.Dense(1)])
    random = np.random.default_rng(seed)
    for weight in model.weights:
        scale = 1 / math.sqrt(weight.shape[0])
        positive = "var" in weight.path
        weight.assign(random.uniform(0.5, 1.5, weight.shape) if positive else random.normal(0, scale, weight.shape))
    agree(model)


class Own(L.Layer):
    def call(self, x: Any) -> Any:
        return x


def test_a_number_before_an_operator_is_unsupported() -> None:
    inputs = Input((8,))
    for outputs in (1 - inputs, 1 / inputs):
        with pytest.raises(Unsupported):
            Replay.of(Model(inputs, outputs))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Own(),
        lambda: L.Lambda(lambda x: x + 1),
        lambda: L.Dense(3, activation=lambda x: x + 1),
        lambda: L.TimeDistributed(L.Dense(3)),
        *((lambda: L.BatchNormalization(renorm=True),) if RENORM else ()),
    ],
)
def test_unknown_arithmetic_is_unsupported(make: Callable[[], Any]) -> None:
    with pytest.raises(Unsupported):
        Replay.of(Sequential([Input((8,)), L.Reshape((4, 2)), make()]))


def test_a_shape_with_a_gap_is_unsupported() -> None:
    assert fixed((3, 4)) == (3, 4)
    for shape in (None, (None, 4)):
        with pytest.raises(Unsupported):
            fixed(shape)
