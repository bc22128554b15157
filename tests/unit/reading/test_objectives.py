"""Optimizers and losses by their names, however they are given."""

from __future__ import annotations

import keras
import pytest
from keras import layers as L
from keras_models import functional

from checker.blueprint import Blueprint

pytestmark = pytest.mark.filterwarnings("ignore")


def test_compiled_names() -> None:
    model = functional(L.Dense(1))
    assert Blueprint.of(model).compiled is None
    for optimizer in ("sgd", "SGD", keras.optimizers.SGD(0.1)):
        for loss in (
            "mse",
            "MSE",
            "mean_squared_error",
            keras.losses.MeanSquaredError(),
            keras.losses.mean_squared_error,
        ):
            model.compile(optimizer, loss)
            assert Blueprint.of(model).compiled == {"optimizer": "sgd", "loss": "mse"}
    model.compile("RMSprop", lambda y, p: keras.ops.mean(y - p))
    assert Blueprint.of(model).compiled == {"optimizer": "rmsprop", "loss": "custom.<lambda>"}
