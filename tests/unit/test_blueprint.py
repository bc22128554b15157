"""The canonical form: what counts as the same network, and what nothing but a Keras model may pass for."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import zipfile
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

from checker.blueprint import Blueprint, Graph, Layer, Unreadable, activation_settings, settings_of, snake_case

Sequential, Input = keras.Sequential, keras.Input
pytestmark = pytest.mark.filterwarnings("ignore")


def codes(model: Any, **kwargs: Any) -> list[str]:
    return [layer.code for layer in Blueprint.of(model, **kwargs).layers]


def saved(model: Any, folder: Path) -> Blueprint:
    model.save(folder / "model.keras")
    return Blueprint.load(folder / "model.keras")


def functional(*layers: Any, width: int = 8) -> Any:
    inputs = x = Input((width,))
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


# --- the same network, however it is written --------------------------------------------------------------------------


def added() -> Any:
    model = Sequential()
    for layer in (Input((8,)), L.Dense(4, activation="relu"), L.Dropout(0.3), L.Dense(1)):
        model.add(layer)
    return model


def called() -> Any:
    model = Subclassed(L.Dense(4, activation="relu"), L.Dropout(0.3), L.Dense(1))
    model(np.ones((2, 8)))
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


# --- activations recognised by what they do ---------------------------------------------------------------------------


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


# --- models that are not built, not straight, not plain ---------------------------------------------------------------


def test_unbuilt_sequential() -> None:
    model = Sequential([L.Flatten(), L.Dense(4, "relu"), L.Dense(1)])
    blueprint = Blueprint.of(model)
    assert (blueprint.input_shape, blueprint.parameters, blueprint.built) == (None, None, False)
    assert [layer.kind for layer in blueprint.layers] == ["Flatten", "Dense", "Activation", "Dense"]
    told = Blueprint.of(model, input_shape=(8,))
    assert (told.input_shape, told.parameters, told.built) == ((8,), 41, False)
    assert [layer.kind for layer in told.layers] == ["Dense", "Activation", "Dense"]
    assert not model.built


def test_unbuilt_subclassed_model_is_left_as_it_is() -> None:
    model = Subclassed(L.Dense(4, "relu"), Sequential([L.Dropout(0.3), L.BatchNormalization()]), L.Dense(1))
    with pytest.raises(Unreadable) as error:
        Blueprint.of(model)
    assert error.value.code == "model.unbuilt"
    before = int(L.Dense(1).name.rpartition("_")[2] or 0)
    blueprint = Blueprint.of(model, input_shape=(8,))
    assert [layer.kind for layer in blueprint.layers] == [
        "Dense",
        "Activation",
        "Dropout",
        "BatchNormalization",
        "Dense",
    ]
    assert (blueprint.parameters, blueprint.built) == (36 + 16 + 5, False)
    assert not model.built
    assert not any(layer.built for layer in model.steps if isinstance(layer, L.Dense))
    assert int(L.Dense(1).name.rpartition("_")[2]) == before + 1


def test_reading_changes_nothing() -> None:
    model = called()
    model.compile("adam", "mae")
    model.fit(np.ones((4, 8)), np.ones(4), verbose=0)
    weights = [np.array(weight) for weight in model.weights]
    nodes = [len(layer._inbound_nodes) for layer in model.steps]
    call = L.Layer.__call__
    Blueprint.of(model)
    assert all(np.array_equal(a, b) for a, b in zip(weights, model.weights, strict=True))
    assert [len(layer._inbound_nodes) for layer in model.steps] == nodes
    assert L.Layer.__call__ is call


class Branching(Model):
    def __init__(self) -> None:
        super().__init__()
        self.left, self.right, self.join = L.Dense(3), L.Dense(3), L.Dense(1)

    def call(self, x: Any) -> Any:
        return self.join(self.left(x) + self.right(x))


def test_what_is_no_straight_line(tmp_path: Path) -> None:
    first, second = Input((3,)), Input((2,))
    hidden = L.Dense(3, name="hidden")(first)
    cases = {
        "model.several_inputs": Model([first, second], L.Dense(1)(first)),
        "model.several_outputs": Model(first, {"a": hidden, "b": L.Dense(1)(hidden)}),
        "model.branch": Model(first, L.Dense(1)(L.Add()([hidden, L.Dense(3)(hidden)]))),
        "model.empty": Sequential([Input((4,))]),
    }
    for problem, model in cases.items():
        blueprint = Blueprint.of(model)
        assert blueprint.problem == problem
        assert saved(model, tmp_path) == blueprint
    assert Blueprint.of(cases["model.branch"]).problem_params == {"position": 1, "layer": "Dense(3)"}
    assert Blueprint.of(cases["model.several_inputs"]).problem_params == {"count": 2}
    assert Blueprint.of(Branching(), input_shape=(3,)).problem == "model.branch"
    assert Blueprint.of(Sequential()).problem == "model.empty"


def test_shared_layers_are_counted_once(tmp_path: Path) -> None:
    dense = L.Dense(3)
    model = functional(dense, dense, L.Dense(1), width=3)
    blueprint = Blueprint.of(model)
    assert [layer.code for layer in blueprint.layers] == ["Dense(3)", "Dense(3)", "Dense(1)"]
    assert blueprint.parameters == model.count_params() == 16
    assert saved(model, tmp_path) == blueprint
    assert [node.layer for node in Graph.of(model).nodes] == [0, 1, 1, 2]


def test_nested_model_called_twice(tmp_path: Path) -> None:
    inner = functional(L.Dense(3, "relu"), L.Dropout(0.1), width=3)
    model = functional(inner, inner, width=3)
    assert codes(model) == ["Dense(3)", 'Activation("relu")', "Dropout(0.1)"] * 2
    assert saved(model, tmp_path) == Blueprint.of(model)


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


# --- what is no model -------------------------------------------------------------------------------------------------


class Pretender:
    __class__ = property(lambda self: Sequential)

    def __getattr__(self, name: str) -> Any:
        raise KeyboardInterrupt


def poisoned() -> Any:
    """A class that strikes at whoever looks at it; made here, for pytest looks at all there is in a module."""

    class Hostile(type):
        def __getattribute__(cls, name: str) -> Any:
            raise SystemExit

        def __eq__(cls, other: object) -> bool:
            raise SystemExit

        def __hash__(cls) -> int:
            return 0

    class Poisoned(metaclass=Hostile):
        pass

    return Poisoned


class Quitter(Model):
    def call(self, x: Any) -> Any:
        raise SystemExit


class Halfmade(Model):
    def __init__(self) -> None:
        pass


NO_MODELS: list[tuple[str, Callable[[], Any]]] = [
    ("model.none", lambda: None),
    ("model.class", lambda: Sequential),
    ("model.class", lambda: Quitter),
    ("model.list", lambda: [L.Dense(1)]),
    ("model.list", lambda: ()),
    ("model.layer", lambda: L.Dense(1)),
    ("model.function", lambda: added),
    ("model.history", keras.callbacks.History),
    ("model.not_keras", dict),
    ("model.not_keras", lambda: dict),
    ("model.not_keras", lambda: L.Dense),
    ("model.not_keras", poisoned),
    ("model.not_keras", lambda: "model"),
    ("model.not_keras", lambda: np.zeros(3)),
    ("model.not_keras", Pretender),
    ("model.not_keras", lambda: type.__call__(poisoned())),
    ("model.untraceable", Quitter),
    ("model.untraceable", lambda: Halfmade.__new__(Halfmade)),
]


@pytest.mark.parametrize(("code", "make"), NO_MODELS)
def test_everything_else_is_refused(code: str, make: Callable[[], Any]) -> None:
    thing = make()
    with pytest.raises(Unreadable) as error:
        Blueprint.of(thing, input_shape=(4,))
    assert error.value.code == code


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text() | st.binary(), st.lists))
def test_any_object_is_refused(thing: Any) -> None:
    with pytest.raises(Unreadable):
        Blueprint.of(thing)


def test_old_keras_is_told_apart() -> None:
    old = type("Sequential", (), {"__module__": "tf_keras.src.engine.sequential"})
    with pytest.raises(Unreadable) as error:
        Blueprint.of(old())
    assert error.value.code == "model.legacy"


# --- files ------------------------------------------------------------------------------------------------------------


def test_loading_imports_no_tensorflow(tmp_path: Path) -> None:
    SAME["mixed"]().save(tmp_path / "model.keras")
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


def test_exponential_nesting_is_refused(tmp_path: Path) -> None:
    model = functional(L.Dense(2), width=2)
    for _ in range(20):
        model = functional(model, model, width=2)
    with pytest.raises(Unreadable):
        Blueprint.of(model)


def test_subclassed_model_has_no_graph_in_its_file(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as error:
        saved(called(), tmp_path)
    assert error.value.code == "model.untraceable"


# --- any network ------------------------------------------------------------------------------------------------------

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


@pytest.mark.parametrize("name", [name for name in dir(L) if isinstance(getattr(L, name), type)])
def test_snake_case_is_that_of_keras(name: str) -> None:
    assert snake_case(name) == keras.src.utils.naming.to_snake_case(name)


# --- speed ------------------------------------------------------------------------------------------------------------


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
