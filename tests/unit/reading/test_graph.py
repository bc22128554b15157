"""The graph of a model: the same of a live one and of its file."""

from __future__ import annotations

import zipfile
from pathlib import Path

import keras
import pytest
from keras import layers as L
from keras_models import functional

from checker.blueprint import Graph

Sequential = keras.Sequential
pytestmark = pytest.mark.filterwarnings("ignore")


def test_paths_are_those_in_the_file(tmp_path: Path) -> None:
    import h5py

    model = functional(Sequential([L.Dense(3), L.BatchNormalization(), L.Dense(4)]), L.PReLU(), L.Dense(1))
    model.save(tmp_path / "model.keras")
    graph = Graph.load(tmp_path / "model.keras")
    assert [node.path for node in graph.nodes] == [node.path for node in Graph.of(model).nodes]
    with zipfile.ZipFile(tmp_path / "model.keras") as archive, archive.open("model.weights.h5") as file:
        groups = h5py.File(file)
        for node in graph.nodes[1:]:
            assert len(groups[node.path]["vars"]) == len(
                next(live.source for live in Graph.of(model).nodes if live.name == node.name).weights
            )
