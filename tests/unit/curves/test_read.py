"""What learning curves are read from."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from histories import HEALTHY

from checker.curves import Curves, NotCurves, float32_values
from checker.report import Finding


class TestOf:
    def test_all_forms_read_the_same(self) -> None:
        history = {"loss": [3.0, 2.0], "val_loss": [3.5, 2.5]}
        frame = pd.DataFrame(history)
        records = [{"loss": 3.0, "val_loss": 3.5}, {"loss": 2.0, "val_loss": 2.5}]
        forms = [
            history,
            Curves.of(history),
            frame,
            records,
            tuple(records),
            SimpleNamespace(history=history),
            SimpleNamespace(history=SimpleNamespace(history=history)),
            json.dumps(history),
            json.dumps(records),
            json.dumps(history).encode(),
            frame.to_json(orient="records"),
            {name: np.array(values, np.float32) for name, values in history.items()},
            {name: pd.Series(values) for name, values in history.items()},
            {name: [np.float32(value) for value in values] for name, values in history.items()},
            {name: [int(value * 2) / 2 for value in values] for name, values in history.items()},
            {name: np.array([values]).T for name, values in history.items()},
            {name: list(map(str, values)) for name, values in history.items()},  # as the csv module reads a log
            np.array(history, dtype=object),  # as np.load reads a dict that np.save wrote
        ]
        for form in forms:
            assert Curves.of(form) == Curves((3.0, 2.0), (3.5, 2.5)), form

    @pytest.mark.slow
    def test_keras_and_tensorflow(self) -> None:
        keras = pytest.importorskip("keras")
        tf = pytest.importorskip("tensorflow")
        history = keras.callbacks.History()
        history.history = {"loss": [tf.constant(1.5), tf.constant(0.5)], "val_loss": tf.constant([1.0, 2.0])}
        assert Curves.of(history) == Curves((1.5, 0.5), (1.0, 2.0))

    @pytest.mark.slow
    def test_a_real_history_is_float32(self) -> None:
        keras = pytest.importorskip("keras")
        X, y = np.random.default_rng(0).normal(size=(301, 3)), np.arange(301.0)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dropout(0.5), keras.layers.Dense(1)])
        model.compile("adam", "mae")
        history = model.fit(X, y, validation_data=(X[:101], y[:101]), epochs=9, batch_size=32, verbose=0)
        assert float32_values(history)
        assert Curves.of(model) == Curves.of(history)

    def test_values_keep_what_is_not_a_number(self) -> None:
        read = Curves.of({"loss": [1, math.nan, math.inf, "-Infinity"]})
        assert read.loss[0] == 1.0
        assert math.isnan(read.loss[1])
        assert read.loss[2:] == (math.inf, -math.inf)
        assert read.val_loss is None

    def test_a_dict_and_back(self) -> None:
        read = Curves.of(HEALTHY)
        assert Curves.from_dict(json.loads(json.dumps(read.to_dict()))) == read

    @pytest.mark.parametrize(
        ("source", "code"),
        [
            (None, "history.none"),
            ({}, "history.empty"),
            ([], "history.empty"),
            ({"loss": []}, "history.empty"),
            ({"loss": [], "val_loss": []}, "history.empty"),
            (SimpleNamespace(history={}), "history.empty"),
            (SimpleNamespace(history=None), "history.not_history"),
            ({"accuracy": [1.0]}, "history.no_loss"),
            (pd.DataFrame({"accuracy": [1.0]}), "history.no_loss"),
            ([{"accuracy": 1.0}], "history.no_loss"),
            ([1.0, 2.0], "history.not_history"),
            (1.0, "history.not_history"),
            (dict, "history.not_history"),
            ("history", "history.text"),
            ("3", "history.text"),
            ("[" * 100_000, "history.text"),
            (b"\xff\xfe", "history.text"),
            ({"loss": 1.0}, "history.not_list"),
            ({"loss": "abc"}, "history.not_list"),
            ({"loss": None}, "history.not_list"),
            ({"loss": {1.0, 2.0}}, "history.not_list"),
            ({"loss": np.zeros((2, 2))}, "history.not_list"),
            ({"loss": ["a", "b"]}, "history.not_number"),
            ({"loss": [None, 1.0]}, "history.not_number"),
            ({"loss": [True, False]}, "history.not_number"),
            ({"loss": [1j]}, "history.not_number"),
            ({"loss": [[1.0]]}, "history.not_number"),
            ({"loss": [np.array([1.0])]}, "history.not_number"),
            ({"loss": np.array(["a"])}, "history.not_number"),
            ({"loss": [1.0, 2.0], "val_loss": [1.0]}, "history.unequal"),
            ({"loss": range(2_000_000)}, "history.not_list"),
            ({"loss": np.zeros(2_000_000)}, "history.too_long"),
        ],
    )
    def test_what_is_no_history_says_so(self, source: object, code: str) -> None:
        with pytest.raises(NotCurves) as problem:
            Curves.of(source)
        assert problem.value.code == code
        assert "{" not in Finding(code, params=problem.value.params).message

    def test_hostile_objects(self) -> None:
        class Hostile:
            def __getattr__(self, name: str) -> object:
                raise RuntimeError(name)

            def __repr__(self) -> str:
                raise OSError

        class HostileDict(dict[str, object]):
            def __getitem__(self, name: str) -> object:
                raise ZeroDivisionError

        class HostileNumber(float):
            def __float__(self) -> float:
                raise MemoryError

        endless: dict[str, object] = {"loss": []}
        endless["loss"] = [endless]
        sources = (Hostile(), HostileDict(loss=[1.0]), {"loss": [Hostile()]}, endless, {"loss": [HostileNumber(1)]})
        for source in sources:
            with pytest.raises(NotCurves):
                Curves.of(source)

    def test_huge_integers_are_infinite(self) -> None:
        assert Curves.of({"loss": [10**400, -(10**400)]}).loss == (math.inf, -math.inf)

    def test_best_epoch_counts_from_one_and_skips_nan(self) -> None:
        assert Curves.of({"loss": [3.0, math.nan, 1.0, 2.0]}).best_epoch == 3
        assert Curves.of({"loss": [1.0, 1.0], "val_loss": [2.0, 1.0]}).best_epoch == 2
        assert Curves.of({"loss": [math.nan]}).best_epoch is None
        assert Curves.of({"loss": [math.inf]}).best_epoch is None


def test_typed_values_are_not_float32() -> None:
    values = [float(np.float32(value)) for value in HEALTHY["loss"]]
    assert float32_values({"loss": [*values, math.nan, math.inf]})
    assert not float32_values({"loss": [*values, 0.1912]})
    assert not float32_values({"loss": values, "val_loss": [round(value, 4) for value in values]})
