"""What a model is: numbers as the learner counts, and how fast it is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import pytest
from keras import layers as L

from checker.blueprint import Blueprint

Sequential, Input = keras.Sequential, keras.Input
pytestmark = pytest.mark.filterwarnings("ignore")


def test_numbers_are_the_learners_own() -> None:
    model = Sequential([Input((8,)), L.Dense(4, activation="relu"), L.Dropout(0), L.Dropout(0.3), L.ReLU(), L.Dense(1)])
    blueprint = Blueprint.of(model)
    assert [layer.number for layer in blueprint.layers] == [1, 1, 3, 5]
    assert [code for _, code in blueprint.shown] == [
        'Dense(4, activation="relu")',
        "Dropout(0)",
        "Dropout(0.3)",
        "ReLU()",
        "Dense(1)",
    ]


def tower(blocks: int) -> Any:
    block = [lambda: L.Dense(8, activation="relu"), L.BatchNormalization, lambda: L.Dropout(0.3)]
    return Sequential([Input((8,)), *(make() for _ in range(blocks) for make in block), L.Dense(1)])


@pytest.mark.parametrize("blocks", [2, 66], ids=["8 layers", "200 layers"])
@pytest.mark.parametrize("reader", ["live", "file"])
def test_benchmark_blueprint(benchmark: Any, reader: str, blocks: int, tmp_path: Path) -> None:
    """Goal: 8 layers in 5 ms, 200 layers in 100 ms."""
    model = tower(blocks)
    model.save(tmp_path / "model.keras")
    content = (tmp_path / "model.keras").read_bytes()
    blueprint = benchmark(Blueprint.of, model) if reader == "live" else benchmark(Blueprint.load, content)
    assert len(blueprint.shown) == 3 * blocks + 1
