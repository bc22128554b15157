"""The contract with Keras: what the course relies on though Keras does not promise it, and what breaks without it.

When one of these fails with a new Keras, mend ``checker/reading/keras_internals.py``; nothing else knows these names.
"""

from __future__ import annotations

import ast
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras
import pytest
from keras import layers

import checker
from checker.blueprint import Blueprint
from checker.reading import keras_internals as internals

CHECKER = Path(checker.__file__).parent
BREAKS = {
    "own_layers": "Sequential models and layers made of layers cannot be read",
    "all_layers": "layers that are no attributes of a model go unnoticed; a device's policy is not recorded",
    "made_by": "functional and subclassed models cannot be read",
    "calls_on_output": "a layer that is called and forgotten is not named",
    "built_shapes": "a trained subclassed model is said to have never seen data",
    "calls_replaced": "subclassed models are built by being looked at",
    "names_kept": "looking at a model changes the names of layers that are made later",
    "saved": "saved functional models cannot be read, and no evidence of them is proved",
    "weights": "no saved weights are found, so that no curve is proved",
    "modules": "layers are taken for operations",
}
"""What stops working, by what the test holds Keras to."""


class Two(keras.Model):
    """A model of a learner's own."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = layers.Dense(4, activation="relu"), layers.Dense(1)

    def call(self, x: Any) -> Any:
        return self.second(self.first(x))


def sequential() -> keras.Model:
    return keras.Sequential([keras.Input((3,)), layers.Dense(4), layers.Dense(1)])


def functional() -> keras.Model:
    inputs = keras.Input((3,))
    return keras.Model(inputs, layers.Dense(1)(layers.Dense(4)(inputs)))


def test_a_sequential_model_says_which_layers_it_holds() -> None:
    model = sequential()
    held = internals.own_layers(model)
    assert [type(one).__name__ for one in held] == ["InputLayer", "Dense", "Dense"], BREAKS["own_layers"]
    assert held[1:] == model.layers, BREAKS["own_layers"]
    assert internals.own_layers(layers.Dense(1)) == [], BREAKS["own_layers"]


def test_a_model_lists_all_layers_however_deep() -> None:
    inner = sequential()
    outer = keras.Sequential([keras.Input((3,)), inner])
    assert {id(outer), id(inner), *map(id, inner.layers)} <= set(map(id, internals.all_layers(outer))), BREAKS[
        "all_layers"
    ]


def test_a_symbolic_tensor_knows_the_call_that_made_it() -> None:
    layer, inputs = layers.Dense(4), keras.Input((3,))
    output = layer(inputs)
    made = internals.made_by(output)
    assert made.operation is layer, BREAKS["made_by"]
    assert made.args[0] is inputs, BREAKS["made_by"]
    assert isinstance(made.kwargs, dict), BREAKS["made_by"]
    assert made.outputs[0] is output, BREAKS["made_by"]


def test_a_layer_knows_what_was_called_on_its_output() -> None:
    first, inputs = layers.Dense(4), keras.Input((3,))
    assert internals.calls_on_output(first) == []
    output = first(inputs)
    others = [layers.Dropout(0.3), layers.Dense(1)]
    for other in others:
        other(output)
    assert internals.calls_on_output(first) == others, BREAKS["calls_on_output"]


def test_a_subclassed_model_remembers_the_shape_it_was_built_with() -> None:
    model = Two()
    assert internals.built_shapes(model) == []
    model(keras.ops.zeros((2, 3)))
    (shape,) = internals.built_shapes(model)
    assert tuple(shape)[1:] == (3,), BREAKS["built_shapes"]


def test_calls_of_layers_can_be_replaced_for_a_while() -> None:
    layer = layers.Dense(4)
    with internals.calls_replaced(layers.Layer, lambda one, x: (one, x)):
        assert layer("seen") == (layer, "seen"), BREAKS["calls_replaced"]
        assert not layer.built, BREAKS["calls_replaced"]
    assert layer(keras.ops.zeros((1, 3))).shape == (1, 4)


def test_looking_leaves_the_names_of_later_layers_alone() -> None:
    assert internals._names() is not None, BREAKS["names_kept"]
    first = layers.Dense(1).name
    with internals.names_kept():
        layers.Dense(1)
        layers.Dense(1)
    number = int(re.sub(r"\D", "", first) or 0)
    assert layers.Dense(1).name == f"dense_{number + 1}", BREAKS["names_kept"]


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Any, h5py.File]:
    """The configuration and the weights of a saved functional model."""
    functional().save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        config = json.loads(archive.read("config.json"))
        return config, h5py.File(io.BytesIO(archive.read("model.weights.h5")))


def test_a_saved_functional_model_names_the_call_that_made_each_tensor(saved: tuple[Any, h5py.File]) -> None:
    config, _ = saved
    first, second, third = config["config"]["layers"]
    (tensor,) = third["inbound_nodes"][0]["args"]
    assert internals.is_saved_tensor(tensor), BREAKS["saved"]
    assert internals.saved_tensor(tensor) == (second["name"], 0, 0), BREAKS["saved"]
    assert not internals.is_saved_tensor(first), BREAKS["saved"]


def test_saved_classes_say_that_they_are_layers(saved: tuple[Any, h5py.File]) -> None:
    config, _ = saved
    assert all(one["module"].startswith(internals.LAYER_MODULES) for one in config["config"]["layers"]), BREAKS[
        "modules"
    ]
    assert not config["module"].startswith(internals.LAYER_MODULES), BREAKS["modules"]
    assert layers.Dense.__module__.startswith(internals.LAYER_MODULES), BREAKS["modules"]
    assert not type(keras.ops.relu).__module__.startswith(internals.LAYER_MODULES), BREAKS["modules"]


def test_weights_lie_under_the_layers_class_and_number(saved: tuple[Any, h5py.File]) -> None:
    _, weights = saved
    assert weights["layers/dense/vars/0"].shape == (3, 4), BREAKS["weights"]
    assert weights["layers/dense_1/vars/1"].shape == (1,), BREAKS["weights"]


def test_all_of_it_together_reads_the_three_styles_alike() -> None:
    line = keras.Sequential([keras.Input((3,)), layers.Dense(4, activation="relu"), layers.Dense(1)])
    own = Two()
    own(keras.ops.zeros((2, 3)))
    assert Blueprint.of(own) == Blueprint.of(line)


def test_no_other_module_uses_what_keras_keeps_to_itself() -> None:
    private = {
        "_layers",
        "_flatten_layers",
        "_keras_history",
        "_inbound_nodes",
        "_outbound_nodes",
        "_build_shapes_dict",
    }
    for path in CHECKER.rglob("*.py"):
        if path.name == "keras_internals.py":
            continue
        tree = ast.parse(path.read_text("utf-8"))
        used = {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and not (isinstance(node.value, ast.Name) and node.value.id == "self")
        } & private
        texts = {str(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant)}
        assert not used | (texts & private), f"{path.name} uses {used | (texts & private)}"
        assert not any(text.startswith("keras.src.") for text in texts), path.name
