"""Models in files: what is read of them, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import layers as L
from keras_models import called, functional, saved

from checker.blueprint import Blueprint, Unreadable

Sequential = keras.Sequential
pytestmark = pytest.mark.filterwarnings("ignore")


def test_loading_imports_no_tensorflow(tmp_path: Path) -> None:
    functional(Sequential([L.Dense(4, "relu"), L.Dropout(0.3)]), L.Dense(1)).save(tmp_path / "model.keras")
    code = (
        "import sys; from checker.blueprint import Blueprint; b = Blueprint.load(sys.argv[1]); print(len(b.layers));"
        "print(sorted({'tensorflow', 'keras', 'numpy', 'pandas'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path / "model.keras")], capture_output=True, text=True)
    assert run.stdout.split("\n")[:2] == ["4", "[]"], run.stderr


def edited(model: Any, folder: Path, edit: Callable[[dict[str, Any]], Any]) -> Path:
    """The model's file with another config."""
    model.save(folder / "whole.keras")
    with zipfile.ZipFile(folder / "whole.keras") as old, zipfile.ZipFile(folder / "edited.keras", "w") as new:
        config = json.loads(old.read("config.json"))
        config = edit(config) or config
        new.writestr("config.json", json.dumps(config))
        new.writestr("model.weights.h5", old.read("model.weights.h5"))
    return folder / "edited.keras"


def circle(config: dict[str, Any]) -> None:
    first, second = config["config"]["layers"][1:3]
    first["inbound_nodes"][0]["args"][0]["config"]["keras_history"] = [second["name"], 0, 0]


def deep(config: dict[str, Any]) -> None:
    for _ in range(100):
        config["config"] = {"layers": [{"module": "keras", "class_name": "Sequential", "config": config["config"]}]}


HOSTILE: dict[str, Callable[[dict[str, Any]], Any]] = {
    "circle": circle,
    "no config": lambda config: {"class_name": "Sequential"},
    "a list": lambda config: [1],
    "no layers": lambda config: config["config"].pop("layers") and None,
    "layers a number": lambda config: config["config"].update(layers=3),
    "units a list": lambda config: config["config"]["layers"][1]["config"].update(units=[3]),
    "no units": lambda config: config["config"]["layers"][1]["config"].pop("units") and None,
    "output missing": lambda config: config["config"].update(output_layers=["nowhere", 0, 0]),
    "activation a number": lambda config: config["config"]["layers"][1]["config"].update(activation=[1]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_damaged_configs_are_refused(name: str, tmp_path: Path) -> None:
    path = edited(functional(L.Dense(3), L.Dense(3)), tmp_path, HOSTILE[name])
    with pytest.raises(Unreadable):
        Blueprint.load(path)


@given(st.binary(max_size=200))
def test_rubbish_is_refused(content: bytes) -> None:
    with pytest.raises(Unreadable):
        Blueprint.load(content)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        Blueprint.load(tmp_path / "none.keras")


def test_subclassed_model_has_no_graph_in_its_file(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as error:
        saved(called(), tmp_path)
    assert error.value.code == "model.untraceable"
