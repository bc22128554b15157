"""Activations are recognised by what they do."""

from __future__ import annotations

import functools
from typing import Any

import keras
import pytest
from keras import layers as L
from keras_models import codes, functional

from checker.blueprint import Blueprint

pytestmark = pytest.mark.filterwarnings("ignore")


class Callable_:
    def __call__(self, x: Any) -> Any:
        return keras.ops.relu(x)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: keras.ops.maximum(x, 0), {"activation": "relu"}),
        (lambda x: x * keras.ops.sigmoid(x), {"activation": "silu"}),
        (lambda x: keras.ops.maximum(x, 0.1 * x), {"activation": "leaky_relu", "negative_slope": 0.1}),
        (functools.partial(keras.activations.relu, max_value=4.0), {"activation": "relu", "max_value": 4.0}),
        (functools.partial(keras.activations.elu, alpha=0.5), {"activation": "elu", "alpha": 0.5}),
        (lambda x: keras.ops.softmax(x), {"activation": "softmax", "axis": -1}),
        (Callable_(), {"activation": "relu"}),
        (lambda x: x * x, {"activation": "custom.<lambda>"}),
        (lambda x: x[:, :1], {"activation": "custom.<lambda>"}),
    ],
)
def test_functions_are_recognised(function: Any, expected: dict[str, Any]) -> None:
    for layer in (L.Activation(function), L.Dense(4, activation=function)):
        found = Blueprint.of(functional(layer)).layers[-1].settings
        assert {key: found[key] for key in expected} == pytest.approx(expected)


def test_function_that_only_has_the_name_of_an_activation() -> None:
    def relu(x: Any) -> Any:
        return x * x

    blueprint = Blueprint.of(functional(L.Dense(4, activation=relu)))
    assert blueprint.layers[1].settings == {"activation": "custom.relu"}
    assert blueprint.shown == ((1, "Dense(4, activation=relu)"),)


def test_lambda_layers() -> None:
    model = functional(L.Lambda(lambda x: x), L.Lambda(lambda x: keras.ops.tanh(x)), L.Lambda(lambda x: x + 1))
    assert codes(model) == ['Activation("tanh")', "Lambda(<lambda>)"]
