"""The replay computes what Keras computes, and reads nothing that it should not."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras import layers as L

from checker import datasets
from checker.assignments import spotify
from checker.blueprint import Unreadable
from checker.reading.replay import FUNCTIONS, Replay, Unsupported, loss

Sequential, Input, Model = keras.Sequential, keras.Input, keras.Model
pytestmark = pytest.mark.filterwarnings("ignore")
TOLERANCE = 1e-5


def shaken(model: Any, seed: int = 0) -> Any:
    """The model with weights of which none is 0 or 1; variances are positive."""
    random = np.random.default_rng(seed)
    model(np.zeros((1, *model.input_shape[1:]), "float32"))  # an activation with weights is only built now
    for weight in model.weights:
        if weight.dtype == "float32":
            weight.assign(random.uniform(0.1, 1.1, weight.shape) * random.choice([-1, 1]) ** ("var" not in weight.path))
    for layer in model._flatten_layers():
        if isinstance(layer, L.Normalization):
            layer.finalize_state()
    return model


def agree(model: Any, content: bytes, rows: int = 33) -> None:
    x = np.random.default_rng(1).normal(size=(rows, *model.input_shape[1:])).astype("float32")
    expected = np.asarray(model(x, training=False))
    for replay in (Replay.of(model), Replay.load(content)):
        actual = replay.predict(x)
        assert actual.dtype == np.float32
        np.testing.assert_allclose(actual, expected, rtol=TOLERANCE, atol=TOLERANCE * np.abs(expected).max())


@pytest.fixture
def file(tmp_path: Path) -> Callable[[Any], bytes]:
    def content(model: Any) -> bytes:
        model.save(tmp_path / "model.keras")
        return (tmp_path / "model.keras").read_bytes()

    return content


# --- layer by layer ---------------------------------------------------------------------------------------------------

RENORM = "renorm" in signature(L.BatchNormalization).parameters
NEWER = hasattr(L, "RMSNormalization")  # the oldest Keras that the course allows has neither

FLAT: dict[str, Callable[[], Any]] = {
    "dense": lambda: L.Dense(3),
    "dense without bias": lambda: L.Dense(3, use_bias=False),
    "batchnorm": L.BatchNormalization,
    "batchnorm bare": lambda: L.BatchNormalization(center=False, scale=False, epsilon=0.1),
    "batchnorm no center": lambda: L.BatchNormalization(center=False),
    "batchnorm frozen": lambda: L.BatchNormalization(trainable=False),
    "layernorm": L.LayerNormalization,
    "layernorm no scale": lambda: L.LayerNormalization(scale=False),
    **({"rms": L.RMSNormalization} if NEWER else {}),
    "unit": L.UnitNormalization,
    "group": lambda: L.GroupNormalization(2),
    "instance": lambda: L.GroupNormalization(-1),
    "normalization": L.Normalization,
    "normalization given": lambda: L.Normalization(mean=[1.0] * 8, variance=[2.0] * 8, invert=True),
    "prelu": L.PReLU,
    "relu": lambda: L.ReLU(3.0, 0.1, 0.5),
    "leaky": L.LeakyReLU,
    "elu": lambda: L.ELU(0.3),
    "softmax": L.Softmax,
    "flatten": L.Flatten,
    "reshape": lambda: L.Reshape((2, -1)),
    "rescaling": lambda: L.Rescaling(0.3, 1.0),
    "dropout": lambda: L.Dropout(0.3),
    "alpha dropout": lambda: L.AlphaDropout(0.3),
    "gaussian dropout": lambda: L.GaussianDropout(0.3),
    "noise": lambda: L.GaussianNoise(1.0),
    "activity": lambda: L.ActivityRegularization(0.1),
    "identity": L.Identity,
    "repeat": lambda: L.RepeatVector(3),
    "prelu inside": lambda: L.Dense(3, activation=L.PReLU()),
    "batchnorm inside": lambda: L.Dense(3, activation=L.BatchNormalization()),
    "lambda": lambda: L.Dense(3, activation=L.LeakyReLU(0.1)),
    "nested": lambda: Sequential([L.Dense(4, "relu"), Sequential([L.BatchNormalization(), L.Dense(2)])]),
}
DEEP: dict[str, Callable[[], Any]] = {
    "dense": lambda: L.Dense(5),
    "batchnorm axis": lambda: L.BatchNormalization(axis=1),
    "layernorm axes": lambda: L.LayerNormalization(axis=[1, 2]),
    **({"rms axes": lambda: L.RMSNormalization(axis=[1, 2])} if NEWER else {}),
    "group axis": lambda: L.GroupNormalization(2, axis=1),
    "group": lambda: L.GroupNormalization(3),
    "normalization axes": lambda: L.Normalization(axis=(1, 2)),
    "normalization none": lambda: L.Normalization(axis=None),
    "prelu shared": lambda: L.PReLU(shared_axes=[1]),
    "softmax axes": lambda: L.Softmax(axis=[1, 2]),
    "permute": lambda: L.Permute((2, 1)),
    "spatial dropout": lambda: L.SpatialDropout1D(0.2),
    "unit axes": lambda: L.UnitNormalization(axis=[1, 2]),
    "flatten": L.Flatten,
}


@pytest.mark.parametrize("name", FLAT)
def test_layer_on_features(name: str, file: Callable[[Any], bytes]) -> None:
    model = shaken(Sequential([Input((8,)), FLAT[name](), L.Flatten(), L.Dense(2)]))
    agree(model, file(model))


@pytest.mark.parametrize("name", DEEP)
def test_layer_on_sequences(name: str, file: Callable[[Any], bytes]) -> None:
    model = shaken(Sequential([Input((4, 6)), DEEP[name]()]))
    agree(model, file(model))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_activation(name: str, file: Callable[[Any], bytes]) -> None:
    if not (NEWER or hasattr(keras.activations, name)):
        pytest.skip("the oldest Keras does not have it")
    model = shaken(Sequential([Input((8,)), L.Dense(6, kernel_initializer="zeros"), L.Activation(name), L.Dense(2)]))
    agree(model, file(model))


def test_branches_operators_and_shared_layers(file: Callable[[Any], bytes]) -> None:
    inputs = Input((8,))
    a, b = L.Dense(4)(inputs), L.Dense(4, activation="relu")(inputs)
    merged = [kind()([a, b]) for kind in (L.Add, L.Subtract, L.Multiply, L.Average, L.Maximum, L.Minimum)]
    x = L.Concatenate()([*merged, a])
    x = keras.ops.maximum(keras.ops.relu(x + 1) * 2.0, 0.3) - x / 0.5 - 0.25
    shared = L.Dense(28, activation="tanh")
    nested = Sequential([L.Dense(28), L.BatchNormalization()])
    x = nested(nested(shared(shared(x))))
    model = shaken(Model(inputs, L.Dense(1)(keras.activations.gelu(x))))
    agree(model, file(model))


LAYERS = st.lists(
    st.one_of(
        st.builds(
            lambda units, name, bias: lambda: L.Dense(units, activation=name, use_bias=bias),
            st.integers(1, 40),
            st.sampled_from(["relu", "tanh", "sigmoid", "elu", "selu", "silu", "softplus", "gelu", "linear"]),
            st.booleans(),
        ),
        st.sampled_from([FLAT[name] for name in ("batchnorm", "layernorm", "dropout", "leaky", "prelu", "rescaling")]),
    ),
    min_size=1,
    max_size=7,
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(layers=LAYERS, seed=st.integers(0, 999))
def test_random_networks(layers: list[Callable[[], Any]], seed: int, file: Callable[[Any], bytes]) -> None:
    model = Sequential([Input((8,)), *(make() for make in layers), L.Dense(1)])
    random = np.random.default_rng(seed)
    for weight in model.weights:
        scale = 1 / math.sqrt(weight.shape[0])
        positive = "var" in weight.path
        weight.assign(random.uniform(0.5, 1.5, weight.shape) if positive else random.normal(0, scale, weight.shape))
    agree(model, file(model))


# --- real training ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", ["plain", "q1", "unscaled", "q3"])
def test_course_networks_reproduce_their_validation_loss(name: str, runs: Any, file: Callable[[Any], bytes]) -> None:
    """Both networks of the course, without the new layers and with them; Concrete's data is far from scaled."""
    training = (spotify.q1 if name in ("plain", "q1") else spotify.q3).training
    split = datasets.split(training.data)
    model, claimed = runs[name].model, runs[name].history.history["val_loss"][-1]
    for replay in (Replay.of(model), Replay.load(file(model))):
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


class Own(L.Layer):
    def call(self, x: Any) -> Any:
        return x


def test_a_number_before_an_operator_is_unsupported() -> None:
    inputs = Input((8,))
    for outputs in (1 - inputs, 1 / inputs):
        with pytest.raises(Unsupported):
            Replay.of(Model(inputs, outputs))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Own(),
        lambda: L.Lambda(lambda x: x + 1),
        lambda: L.Dense(3, activation=lambda x: x + 1),
        lambda: L.TimeDistributed(L.Dense(3)),
        *((lambda: L.BatchNormalization(renorm=True),) if RENORM else ()),
    ],
)
def test_unknown_arithmetic_is_unsupported(make: Callable[[], Any]) -> None:
    with pytest.raises(Unsupported):
        Replay.of(Sequential([Input((8,)), L.Reshape((4, 2)), make()]))


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
def test_attack_on_the_weights_is_refused(name: str, file: Callable[[Any], bytes]) -> None:
    content = file(Sequential([Input((8,)), L.Dense(3)]))
    assert Replay.load(tampered(content, lambda handle: None)).predict(np.ones((1, 8))).shape == (1, 3)
    with pytest.raises(Unreadable):
        Replay.load(tampered(content, ATTACKS[name]))


def test_size_is_checked_before_anything_is_read(file: Callable[[Any], bytes]) -> None:
    content = file(Sequential([Input((8,)), L.Dense(3)]))
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
def test_benchmark_replay(benchmark: Any, name: str, what: str, file: Callable[[Any], bytes]) -> None:
    """The course's networks on validation splits of their size: 1,500 x 18 and 309 x 8."""
    if name == "spotify":
        layers, x = [L.Dense(128, "relu"), L.Dropout(0.3), L.Dense(64, "relu"), L.Dropout(0.3)], np.ones((1500, 18))
    else:
        layers, x = [m for _ in range(3) for m in (L.BatchNormalization(), L.Dense(512, "relu"))], np.ones((309, 8))
    content = file(Sequential([Input((x.shape[1],)), *layers, L.Dense(1)]))
    replay = Replay.load(content)
    benchmark(replay.predict, x) if what == "predict" else benchmark(Replay.load, content)
