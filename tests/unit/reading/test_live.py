"""Live models: not built, not straight, not plain; and what nothing but a Keras model may pass for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import Model
from keras import layers as L
from keras_models import Subclassed, called, codes, functional, saved

from checker.blueprint import Blueprint, Graph, Unreadable

Sequential, Input = keras.Sequential, keras.Input
pytestmark = pytest.mark.filterwarnings("ignore")


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
    ("model.function", lambda: functional),
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


def test_exponential_nesting_is_refused(tmp_path: Path) -> None:
    model = functional(L.Dense(2), width=2)
    for _ in range(20):
        model = functional(model, model, width=2)
    with pytest.raises(Unreadable):
        Blueprint.of(model)
