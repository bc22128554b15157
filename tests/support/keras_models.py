"""Small Keras models, and what the checker reads of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import Model
from keras import layers as L

from checker.blueprint import Blueprint


def codes(model: Any, **kwargs: Any) -> list[str]:
    return [layer.code for layer in Blueprint.of(model, **kwargs).layers]


def saved(model: Any, folder: Path) -> Blueprint:
    model.save(folder / "model.keras")
    return Blueprint.load(folder / "model.keras")


def functional(*layers: Any, width: int = 8) -> Any:
    inputs = x = keras.Input((width,))
    for layer in layers:
        x = layer(x)
    return Model(inputs, x)


class Subclassed(Model):
    def __init__(self, *layers: Any) -> None:
        super().__init__()
        self.steps = list(layers)

    def call(self, x: Any, training: bool = False) -> Any:
        for step in self.steps:
            x = step(x, training=training) if isinstance(step, L.Dropout) else step(x)
        return x


def called() -> Any:
    model = Subclassed(L.Dense(4, activation="relu"), L.Dropout(0.3), L.Dense(1))
    model(np.ones((2, 8)))
    return model
