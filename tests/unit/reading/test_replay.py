"""The replay computes what Keras computes, and reads nothing that it should not."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Callable
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import layers as L
from replays import archived, shaken

from checker import datasets
from checker.assignments import spotify
from checker.blueprint import Unreadable
from checker.reading.arithmetic import Unsupported
from checker.reading.replay import Replay, loss

Sequential, Input, Model = keras.Sequential, keras.Input, keras.Model
pytestmark = pytest.mark.filterwarnings("ignore")
# --- real training ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", ["plain", "q1", "unscaled", "q3"])
def test_course_networks_reproduce_their_validation_loss(name: str, runs: Any) -> None:
    """Both networks of the course, without the new layers and with them; Concrete's data is far from scaled."""
    training = (spotify.q1 if name in ("plain", "q1") else spotify.q3).training
    split = datasets.split(training.data)
    model, claimed = runs[name].model, runs[name].history.history["val_loss"][-1]
    for replay in (Replay.of(model), Replay.load(archived(model))):
        reproduced = loss(training.loss, split.y_valid, replay.predict(split.X_valid))
        assert reproduced == pytest.approx(claimed, rel=1e-6, abs=0, nan_ok=True)  # "unscaled" diverges


def test_loss_takes_targets_as_keras_does() -> None:
    y, prediction = np.arange(4.0), np.ones((4, 1))
    for name in ("mae", "MAE", "mean_absolute_error", "MeanAbsoluteError"):
        assert loss(name, y, prediction) == loss(name, y[:, None], prediction) == loss(name, y, prediction[:, 0])
        assert loss(name, y, prediction) == float(np.mean(keras.losses.MeanAbsoluteError()(y, prediction)))
    assert loss("mse", y, prediction) == 1.5
    assert math.isnan(loss("mse", y, prediction * np.nan))
    with pytest.raises(ValueError, match="shape"):
        loss("mae", y, np.ones((4, 3)))
    with pytest.raises(Unsupported):
        loss("huber", y, prediction)


def test_predicting_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    model = shaken(Sequential([Input((8,)), L.Dense(5, "relu"), L.Dense(1)]))
    x = np.random.default_rng(0).normal(size=(101, 8))
    whole = Replay.of(model).predict(x)
    monkeypatch.setattr("checker.reading.replay.CHUNK_VALUES", 50)
    np.testing.assert_allclose(Replay.of(model).predict(x), whole, rtol=1e-6)
    assert Replay.of(model).predict(x[:0]).shape == (0, 1)
    with pytest.raises(ValueError, match="shape"):
        Replay.of(model).predict(x[:, :3])


# --- what cannot be replayed ------------------------------------------------------------------------------------------


def test_unbuilt_and_many_ended_models() -> None:
    first, second = Input((3,)), Input((3,))
    with pytest.raises(Unsupported):
        Replay.of(Model([first, second], L.Add()([first, second])))
    with pytest.raises(Unreadable):
        Replay.of(Sequential([L.Dense(1)]))


# --- hostile files ----------------------------------------------------------------------------------------------------


def tampered(content: bytes, edit: Callable[[h5py.File], None]) -> bytes:
    """The model's file with other weights."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(result, "w") as new:
        weights = io.BytesIO(old.read("model.weights.h5"))
        with h5py.File(weights, "r+") as handle:
            edit(handle)
        new.writestr("config.json", old.read("config.json"))
        new.writestr("model.weights.h5", weights.getvalue())
    return result.getvalue()


KERNEL = "layers/dense/vars/0"


def with_kernel(create: Callable[[h5py.File], None]) -> Callable[[h5py.File], None]:
    def edit(handle: h5py.File) -> None:
        del handle[KERNEL]
        create(handle)

    return edit


def virtual(handle: h5py.File) -> None:
    layout = h5py.VirtualLayout((8, 3), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (8, 3))
    handle.create_virtual_dataset(KERNEL, layout)


ATTACKS: dict[str, Callable[[h5py.File], None]] = {
    "external link": with_kernel(lambda h: h.__setitem__(KERNEL, h5py.ExternalLink("/etc/passwd", "/"))),
    "soft link": with_kernel(lambda h: h.__setitem__(KERNEL, h5py.SoftLink("/layers/dense/vars/1"))),
    "virtual": with_kernel(virtual),
    "external storage": with_kernel(
        lambda h: h.create_dataset(KERNEL, (8, 3), "f4", external=[("/etc/hostname", 0, 96)]) and None
    ),
    "huge shape": with_kernel(lambda h: h.create_dataset(KERNEL, (10**6, 10**7), "f4", chunks=(1, 10**4)) and None),
    "right shape, nothing stored": with_kernel(
        lambda h: h.create_dataset(KERNEL, (8, 3), "f4", chunks=(8, 3)) and None
    ),
    "compressed": with_kernel(
        lambda h: h.create_dataset(KERNEL, data=np.ones((8, 3), "f4"), compression="gzip") and None
    ),
    "transposed": with_kernel(lambda h: h.create_dataset(KERNEL, data=np.ones((3, 8), "f4")) and None),
    "complex": with_kernel(lambda h: h.create_dataset(KERNEL, data=np.ones((8, 3), "c8")) and None),
    "text": with_kernel(lambda h: h.create_dataset(KERNEL, data=[["a"] * 3] * 8) and None),
    "a group": with_kernel(lambda h: h.create_group(KERNEL) and None),
    "missing": with_kernel(lambda h: None),
    "one too many": lambda h: h.create_dataset("layers/dense/vars/2", data=np.ones(3)) and None,
    "layer missing": lambda h: h["layers"].__delitem__("dense"),
    "layer elsewhere": lambda h: h.__delitem__("layers"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_on_the_weights_is_refused(name: str) -> None:
    content = archived(Sequential([Input((8,)), L.Dense(3)]))
    assert Replay.load(tampered(content, lambda handle: None)).predict(np.ones((1, 8))).shape == (1, 3)
    with pytest.raises(Unreadable):
        Replay.load(tampered(content, ATTACKS[name]))


def test_size_is_checked_before_anything_is_read() -> None:
    content = archived(Sequential([Input((8,)), L.Dense(3)]))
    assert Replay.load(content, limit=27)
    with pytest.raises(Unsupported):
        Replay.load(content, limit=26)


@given(st.binary(max_size=300))
def test_rubbish_is_refused(content: bytes) -> None:
    with pytest.raises(Unreadable):
        Replay.load(content)


# --- speed ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["spotify", "concrete"])
@pytest.mark.parametrize("what", ["load", "predict"])
def test_benchmark_replay(benchmark: Any, name: str, what: str) -> None:
    """The course's networks on validation splits of their size: 1,500 x 18 and 309 x 8."""
    if name == "spotify":
        layers, x = [L.Dense(128, "relu"), L.Dropout(0.3), L.Dense(64, "relu"), L.Dropout(0.3)], np.ones((1500, 18))
    else:
        layers, x = [m for _ in range(3) for m in (L.BatchNormalization(), L.Dense(512, "relu"))], np.ones((309, 8))
    content = archived(Sequential([Input((x.shape[1],)), *layers, L.Dense(1)]))
    replay = Replay.load(content)
    benchmark(replay.predict, x) if what == "predict" else benchmark(Replay.load, content)
