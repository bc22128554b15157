"""Operations among the layers: those that change something stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import Model
from keras_models import saved

from checker.blueprint import Blueprint

Input = keras.Input
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        (lambda x: x * 2, "ops.Multiply"),
        (lambda x: x + 1e-3, "ops.Add"),
        (lambda x: 0 - x, "ops.Subtract"),
        (lambda x: 1 / x, "ops.TrueDivide"),
        (lambda x: x * np.ones(4, "float32"), "ops.Multiply"),
        (lambda x: keras.ops.cast(x, "int32"), "ops.Cast"),
        (lambda x: keras.ops.stop_gradient(x), "ops.StopGradient"),
    ],
)
def test_operators_that_change_something_stay(operation: Any, kind: str, tmp_path: Path) -> None:
    inputs = Input((4,))
    model = Model(inputs, operation(inputs))
    assert [layer.kind for layer in Blueprint.of(model).layers] == [kind]
    assert [layer.kind for layer in saved(model, tmp_path).layers] == [kind]
