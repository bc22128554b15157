"""What the tests of layers' arithmetic and of the replay share."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from keras import layers as L

from checker.reading.replay import Replay

TOLERANCE = 1e-5


def shaken(model: Any, seed: int = 0) -> Any:
    """The model with weights of which none is 0 or 1; variances are positive."""
    random = np.random.default_rng(seed)
    model(np.zeros((1, *model.input_shape[1:]), "float32"))  # an activation with weights is only built now
    for weight in model.weights:
        if weight.dtype == "float32":
            weight.assign(random.uniform(0.1, 1.1, weight.shape) * random.choice([-1, 1]) ** ("var" not in weight.path))
    for layer in model._flatten_layers():
        if isinstance(layer, L.Normalization):
            layer.finalize_state()
    return model


def agree(model: Any, rows: int = 33) -> None:
    """Live and saved, the replay answers as Keras does."""
    x = np.random.default_rng(1).normal(size=(rows, *model.input_shape[1:])).astype("float32")
    expected = np.asarray(model(x, training=False))
    for replay in (Replay.of(model), Replay.load(archived(model))):
        actual = replay.predict(x)
        assert actual.dtype == np.float32
        np.testing.assert_allclose(actual, expected, rtol=TOLERANCE, atol=TOLERANCE * np.abs(expected).max())


def archived(model: Any) -> bytes:
    """The model as a ``.keras`` file."""
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model.keras")
        return (Path(folder) / "model.keras").read_bytes()
