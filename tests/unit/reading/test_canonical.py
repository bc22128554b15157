"""The canonical form: what counts as the same network, however it is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras import Model
from keras import layers as L
from keras_models import Subclassed, called, codes, functional, saved

from checker.blueprint import Blueprint, Layer, activation_settings, settings_of

Sequential, Input = keras.Sequential, keras.Input
pytestmark = pytest.mark.filterwarnings("ignore")


def added() -> Any:
    model = Sequential()
    for layer in (Input((8,)), L.Dense(4, activation="relu"), L.Dropout(0.3), L.Dense(1)):
        model.add(layer)
    return model


def shared_nest() -> Any:
    nest = Sequential([L.Dense(4, "relu"), L.Dropout(0.3)])
    return functional(nest, L.Dense(1))


def with_operations() -> Any:
    inputs = Input((8,))
    x = keras.ops.maximum(L.Dense(4)(inputs), 0.0)
    L.Dense(99)(x)  # leads nowhere
    return Model(inputs, L.Dense(1)(L.Dropout(0.3)(x)))


def with_operators_that_change_nothing() -> Any:
    inputs = Input((8,))
    x = 1.0 * (L.Dense(4, "relu")(inputs * 1) + 0) - 0.0
    x = 0 + keras.ops.cast(L.Dropout(0.3)(x / 1), "float32")
    return Model(inputs, L.Dense(1)(L.Rescaling(1.0)(keras.ops.reshape(x, (-1, 4)))))


def to_another_shape_and_back() -> Any:
    there_and_back = [L.Reshape((2, 4)), L.Identity(), L.Reshape((-1, 1)), L.Dropout(0), L.Flatten()]
    return functional(*there_and_back, L.Dense(4, "relu"), L.Dropout(0.3), L.Reshape((2, 2)), L.Flatten(), L.Dense(1))


class Renamed(L.Dropout):
    pass


SAME: dict[str, Callable[[], Any]] = {
    "sequential": lambda: Sequential([Input((8,)), L.Dense(4, activation="relu"), L.Dropout(0.3), L.Dense(1)]),
    "input_shape": lambda: Sequential([L.Dense(4, "relu", input_shape=(8,)), L.Dropout(0.3), L.Dense(1)]),
    "input_shape on another": lambda: Sequential(
        [L.Dense(4, "relu", input_shape=(8,)), L.Dropout(0.3), L.Dense(1, input_shape=(5,))]
    ),
    "add": added,
    "functional": lambda: functional(L.Dense(4, activation="relu"), L.Dropout(0.3), L.Dense(1)),
    "subclassed": called,
    "nested": lambda: Sequential(
        [Input((8,)), Sequential([Sequential([L.Dense(4, "relu")])]), L.Dropout(0.3), L.Dense(1)]
    ),
    "mixed": shared_nest,
    "functional in sequential": lambda: Sequential([functional(L.Dense(4, "relu"), L.Dropout(0.3)), L.Dense(1)]),
    "subclassed in sequential": lambda: Sequential(
        [Input((8,)), Subclassed(L.Dense(4, "relu"), L.Dropout(0.3)), L.Dense(1)]
    ),
    "operations": with_operations,
    "apart": lambda: functional(L.Dense(4), L.Activation("relu"), L.Dropout(0.3), L.Dense(1)),
    "layer apart": lambda: functional(L.Dense(4), L.ReLU(), L.Dropout(0.3), L.Dense(1)),
    "after dropout": lambda: functional(L.Dense(4), L.Dropout(0.3), L.ReLU(), L.Dense(1)),
    "twice": lambda: functional(L.Dense(4, "relu"), L.ReLU(), L.Dropout(0.3), L.Activation("relu"), L.Dense(1)),
    "function": lambda: functional(L.Dense(4, activation=keras.activations.relu), L.Dropout(0.3), L.Dense(1)),
    "layer inside": lambda: functional(
        L.Dense(4, activation=L.ReLU()), L.Dropout(0.3), L.Dense(1, activation="linear")
    ),
    "idle layers": lambda: functional(
        L.Flatten(), L.Dense(4, "relu"), L.Dropout(0), L.Identity(), L.Dropout(0.3, seed=1), L.Reshape((4,)), L.Dense(1)
    ),
    "idle operators": with_operators_that_change_nothing,
    "there and back": to_another_shape_and_back,
    "names": lambda: functional(L.Dense(4, "relu", name="dropout"), L.Dropout(0.3, name="x"), L.Dense(1)),
    "initializer": lambda: functional(L.Dense(4, "relu", kernel_initializer="zeros"), L.Dropout(0.3), L.Dense(1)),
    "float": lambda: functional(L.Dense(4, "relu"), L.Dropout(0.1 + 0.2), L.Dense(1)),
    "subclassed layer": lambda: functional(L.Dense(4, "relu"), Renamed(0.3), L.Dense(1)),
}


@pytest.mark.parametrize("name", SAME)
def test_equivalent_models_are_equal(name: str) -> None:
    blueprint = Blueprint.of(SAME[name]())
    assert [layer.code for layer in blueprint.layers] == ["Dense(4)", 'Activation("relu")', "Dropout(0.3)", "Dense(1)"]
    assert blueprint == Blueprint.of(SAME["sequential"]())
    assert (blueprint.input_shape, blueprint.output_shape, blueprint.parameters) == ((8,), (1,), 41)
    assert blueprint.problem is None


@pytest.mark.parametrize("name", [name for name in SAME if not name.startswith("subclassed")])
def test_saved_model_equals_live_one(name: str, tmp_path: Path) -> None:
    model = SAME[name]()
    model.compile("adam", keras.losses.MeanAbsoluteError())
    live, loaded = Blueprint.of(model), saved(model, tmp_path)
    assert loaded == live
    assert loaded.shown == live.shown
    assert loaded.compiled == live.compiled == {"optimizer": "adam", "loss": "mae"}


DIFFERENT: dict[str, tuple[list[Any], list[str]]] = {
    "spatial": ([L.Reshape((4, 2)), L.SpatialDropout1D(0.3)], ["Reshape((4, 2))", "SpatialDropout1D(0.3)"]),
    "gaussian": ([L.GaussianDropout(0.3), L.ReLU()], ["GaussianDropout(0.3)", 'Activation("relu")']),
    "alpha": ([L.AlphaDropout(0.3)], ["AlphaDropout(0.3)"]),
    "layer norm": ([L.LayerNormalization()], ["LayerNormalization()"]),
    "frozen": ([L.BatchNormalization(trainable=False)], ["BatchNormalization(trainable=False)"]),
    "relu6": ([L.ReLU(max_value=6)], ['Activation("relu6")']),
    "relu5": ([L.ReLU(max_value=5.0)], ["ReLU(max_value=5.0)"]),
    "leaky layer": ([L.LeakyReLU()], ["LeakyReLU()"]),
    "leaky name": ([L.Activation("leaky_relu")], ['Activation("leaky_relu")']),
    "leaky relu": ([L.ReLU(negative_slope=0.2)], ['Activation("leaky_relu")']),
    "tanh after dropout": ([L.Dropout(0.3), L.Activation("tanh")], ["Dropout(0.3)", 'Activation("tanh")']),
    "regularized": ([L.Dense(3, kernel_regularizer="l2")], ["Dense(3, kernel_regularizer=L2(l2=0.01))"]),
    "last axis": ([L.BatchNormalization(axis=1)], ["BatchNormalization()"]),
    "wrapper": ([L.Reshape((4, 2)), L.TimeDistributed(L.Dense(3))], ["Reshape((4, 2))", "TimeDistributed()"]),
    "prelu inside": ([L.Dense(3, activation=L.PReLU())], ["Dense(3)", "PReLU()"]),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_other_layers_are_what_they_are(name: str, tmp_path: Path) -> None:
    layers, expected = DIFFERENT[name]
    if name == "prelu inside" and int(keras.__version__.split(".")[1]) < 8:
        pytest.skip("this Keras cannot read back what it wrote")
    model = keras.models.clone_model(functional(*layers))
    model(np.ones((1, 8)))  # an activation with weights is only built now
    assert codes(model) == expected
    assert saved(model, tmp_path) == Blueprint.of(model)
    assert Blueprint.of(model).parameters == model.count_params()


def test_a_shape_that_something_was_made_of_stays() -> None:
    convolved = [L.Reshape((8, 1)), L.Conv1D(1, 1), L.Flatten()]
    assert codes(functional(*convolved)) == ["Reshape((8, 1))", "Conv1D()", "Flatten()"]
    assert codes(functional(L.Flatten(), L.Reshape((4, 2)), L.Reshape((2, 4)), L.Dense(1)))[-1] == "Dense(1)"
    assert codes(functional(L.Reshape((4, 2)), L.Dense(3), L.Flatten())) == ["Reshape((4, 2))", "Dense(3)", "Flatten()"]


def test_adapted_and_quantized_layers_are_told(tmp_path: Path) -> None:
    adapted, quantized = functional(L.Dense(4)), functional(L.Dense(4))
    adapted.layers[1].enable_lora(2)
    quantized.layers[1].quantize("int8")
    assert codes(adapted) == ["Dense(4, lora_rank=2)"]
    assert codes(quantized) == ['Dense(4, quantization_config="int8")']
    for model in (adapted, quantized):
        assert Blueprint.of(model).parameters == model.count_params()
        assert saved(model, tmp_path).layers == Blueprint.of(model).layers


class Told(Model):
    def __init__(self, tell: Callable[[bool], Any]) -> None:
        super().__init__()
        self.steps, self.tell = [L.Dense(4), L.Dropout(0.3), L.BatchNormalization()], tell

    def call(self, x: Any, training: bool = False) -> Any:
        dense, *others = self.steps
        x = dense(x)
        for step in others:
            x = step(x, training=self.tell(training))
        return x


@pytest.mark.parametrize(
    ("tell", "expected"),
    [
        (lambda training: training, [None, None]),
        (bool, [None, None]),
        (lambda training: None, [None, None]),
        (lambda training: True, [True, True]),
    ],
)
def test_layers_that_are_told_to_train_are_told_from_those_that_follow_the_network(tell: Any, expected: Any) -> None:
    blueprint = Blueprint.of(Told(tell), input_shape=(8,))
    assert [layer.training for layer in blueprint.layers[1:]] == expected
    assert all(layer.trainable for layer in blueprint.layers)


def test_dropout_that_is_told_never_to_train_drops_nothing() -> None:
    blueprint = Blueprint.of(Told(lambda training: False), input_shape=(8,))
    assert [layer.kind for layer in blueprint.layers] == ["Dense", "BatchNormalization"]
    assert not blueprint.layers[1].trainable
    assert [(layer.code, layer.training) for layer in blueprint.idle] == [("Dropout(0.3)", False)]


def test_dropout_of_nothing_is_noted_apart() -> None:
    model = functional(L.Dropout(0), L.Dense(4, "relu"), L.Dropout(0.0, name="none"))
    assert [(layer.code, layer.number) for layer in Blueprint.of(model).idle] == [
        ("Dropout(0)", 1),
        ("Dropout(0.0)", 3),
    ]
    assert Blueprint.of(model) == Blueprint.of(functional(L.Dense(4, "relu")))


class Idle(L.Dropout):
    def call(self, inputs: Any, training: bool | None = None) -> Any:
        return inputs


class Mixin:
    def call(self, inputs: Any, training: bool | None = None) -> Any:
        return inputs


class Mixed(Mixin, L.Dropout):
    pass


class Liar(L.Dropout):
    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": 0.3}


def patched() -> Any:
    layer = L.Dropout(0.3)
    layer.call = lambda inputs, training=None: inputs
    return layer


@pytest.mark.parametrize(
    ("layer", "kind"),
    [(Idle(0.3), "custom.Idle"), (Mixed(0.3), "custom.Mixed"), (patched(), "custom.Dropout"), (Liar(0.9), "Dropout")],
)
def test_subclass_that_computes_something_else_is_no_dropout(layer: Any, kind: str) -> None:
    found = Blueprint.of(functional(L.Dense(3), layer)).layers[1]
    assert found.kind == kind
    assert found.kind != "Dropout" or found.settings["rate"] == 0.9


def test_frozen_parents_freeze_their_layers(tmp_path: Path) -> None:
    nest = Sequential([L.Dense(3), L.BatchNormalization(), L.Dropout(0.3)], trainable=False)
    model = Sequential([Input((4,)), nest, L.Dense(1)])
    assert [layer.trainable for layer in Blueprint.of(model).layers] == [False, False, True, True]
    assert saved(model, tmp_path) == Blueprint.of(model)
    model.trainable = False
    assert not any(layer.trainable for layer in Blueprint.of(model).layers if layer.kind != "Dropout")


ANY_LAYER = st.one_of(
    st.builds(
        lambda units, activation, bias: lambda: L.Dense(units, activation=activation, use_bias=bias),
        st.integers(1, 9),
        st.sampled_from(["relu", "tanh", "linear", "gelu", None]),
        st.booleans(),
    ),
    st.builds(lambda rate: lambda: L.Dropout(rate), st.floats(0, 0.9)),
    st.sampled_from(
        [
            L.BatchNormalization,
            L.LayerNormalization,
            L.ReLU,
            L.LeakyReLU,
            L.ELU,
            L.Softmax,
            L.PReLU,
            L.Identity,
            L.Flatten,
        ]
    ),
    st.builds(lambda kind: lambda: L.BatchNormalization(trainable=kind), st.booleans()),
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(layers=st.lists(ANY_LAYER, min_size=1, max_size=7), cut=st.integers(0, 7))
def test_nesting_and_saving_never_matter(layers: list[Callable[[], Any]], cut: int, tmp_path: Path) -> None:
    flat = Sequential([Input((8,)), *(make() for make in layers)])
    parts = [[make() for make in part] for part in (layers[:cut], layers[cut:]) if part]
    nested = functional(*(Sequential(part) for part in parts))
    reference = Blueprint.of(flat)
    assert Blueprint.of(nested) == Blueprint.of(functional(*(make() for make in layers))) == reference
    assert Blueprint.of(Subclassed(*(make() for make in layers)), input_shape=(8,)) == reference
    assert saved(nested, tmp_path) == reference
    assert reference.parameters == flat.count_params()


def test_canonical_settings() -> None:
    assert activation_settings("swish") == {"activation": "silu"}
    assert activation_settings("leaky_relu") == activation_settings("relu", negative_slope=0.2)
    assert activation_settings("relu", max_value=6) == activation_settings("relu6") == {"activation": "relu6"}
    assert settings_of("Dropout", {"rate": 0.3, "seed": 4}) == {"rate": 0.3, "noise_shape": None}
    assert Layer("Dense", {"units": 1}) == Layer("Dense", {"units": 1}, number=3, name="x")
