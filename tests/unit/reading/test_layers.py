"""The table of layers: what it says is what Keras does, and names alone prove nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import pytest
from keras import layers

from checker.blueprint import Blueprint
from checker.reading import shapes
from checker.reading.arithmetic import PLANNERS
from checker.reading.layers import KINDS, Role, commutes_with_relu, is_weightless, kind_of, snake_case

SHAPE = (4, 6)
MADE: dict[str, Callable[[], Any]] = {
    "Dense": lambda: layers.Dense(3),
    "Dense without bias": lambda: layers.Dense(3, use_bias=False),
    "PReLU": lambda: layers.PReLU(),
    "PReLU shared": lambda: layers.PReLU(shared_axes=[1]),
    "BatchNormalization": lambda: layers.BatchNormalization(),
    "BatchNormalization along the first axis": lambda: layers.BatchNormalization(axis=1, scale=False),
    "LayerNormalization": lambda: layers.LayerNormalization(),
    "LayerNormalization of all": lambda: layers.LayerNormalization(axis=[1, 2]),
    "GroupNormalization": lambda: layers.GroupNormalization(2),
    "UnitNormalization": lambda: layers.UnitNormalization(),
    "Dropout": lambda: layers.Dropout(0.5),
    "SpatialDropout1D": lambda: layers.SpatialDropout1D(0.5),
    "GaussianNoise": lambda: layers.GaussianNoise(0.5),
    "Flatten": lambda: layers.Flatten(),
    "Reshape": lambda: layers.Reshape((-1, 3)),
    "Permute": lambda: layers.Permute((2, 1)),
    "Rescaling": lambda: layers.Rescaling(2.0),
    "Identity": lambda: layers.Identity(),
    "ActivityRegularization": lambda: layers.ActivityRegularization(l2=0.1),
    "Masking": lambda: layers.Masking(),
}


@pytest.mark.parametrize("name", MADE)
def test_shapes_and_numbers_of_weights_are_those_of_keras(name: str) -> None:
    model = keras.Sequential([keras.Input(SHAPE), MADE[name]()])
    blueprint = Blueprint.of(model)
    assert blueprint.output_shape == model.output_shape[1:]
    assert blueprint.parameters == model.count_params()
    kind = kind_of(name.split()[0])
    assert kind.weights is not None
    settings = {**(kind.settings or {}), **model.layers[-1].get_config()}
    held = [tuple(weight.shape) for weight in model.layers[-1].weights if "seed" not in weight.path]
    assert kind.weights(settings, SHAPE) == held


def test_joined_and_merged_inputs_have_the_shape_that_keras_gives() -> None:
    left, right = keras.Input((4, 6)), keras.Input((4, 1))
    for name, layer, inputs in [
        ("Concatenate", layers.Concatenate(), [left, right]),
        ("Concatenate", layers.Concatenate(axis=1), [left, left]),
        ("Add", layers.Add(), [left, right]),
        ("Maximum", layers.Maximum(), [left, left]),
    ]:
        made = kind_of(name).shape(layer.get_config(), [tuple(one.shape[1:]) for one in inputs])
        assert made == tuple(layer(inputs).shape[1:]), name


def test_shapes_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(ValueError, match="fit together"):
        shapes.merged({}, [(4, 6), (4, 5)])


def test_what_can_be_replayed_stands_in_the_table() -> None:
    for name in PLANNERS:
        assert name in KINDS, name
        assert kind_of(name).weights is not None, name
        assert kind_of(name).shape is not shapes.not_known, name


def test_every_row_is_of_a_layer_or_an_operation_that_keras_has() -> None:
    newer = {"RMSNormalization"}  # than the oldest Keras that the course runs on
    for name in KINDS.keys() - newer:
        place = keras.ops if name.startswith("ops.") else layers
        known = {one.lower().replace("_", "") for one in dir(place)}
        assert name.removeprefix("ops.").lower() in known, name


@pytest.mark.parametrize("name", ["custom.Dropout", "custom.HugeDropout", "custom.Activation", "custom.MaxPooling1D"])
def test_of_a_layer_of_ones_own_the_name_tells_nothing(name: str) -> None:
    kind = kind_of(name)
    assert kind.role is Role.FUNCTION
    assert kind.weights is None
    assert not is_weightless(name)
    assert not commutes_with_relu(name)
    assert not kind.without_effect({"rate": 0.0, "activation": "linear"}, [(8,)])


def test_a_layer_of_ones_own_does_not_vanish_because_it_is_called_a_dropout_of_nothing() -> None:
    @keras.saving.register_keras_serializable("tests")
    class LoudDropout(layers.Dropout):
        """Does something else than its name says."""

        def call(self, inputs: Any, training: bool = False) -> Any:
            return inputs * 3.0

    model = keras.Sequential([keras.Input((8,)), layers.Dense(4), LoudDropout(0.0), layers.Dense(1)])
    assert [layer.kind for layer in Blueprint.of(model).layers] == ["Dense", "custom.LoudDropout", "Dense"]


@pytest.mark.parametrize("name", [name for name in dir(layers) if isinstance(getattr(layers, name), type)])
def test_snake_case_is_that_of_keras(name: str) -> None:
    assert snake_case(name) == keras.src.utils.naming.to_snake_case(name)
