"""Evidence: what a run leaves, how hostile files are read, and what the weights prove."""

from __future__ import annotations

import io
import json
import os
import time
import zipfile
from pathlib import Path
from typing import Any

import classroom
import numpy as np
import pytest

from checker.assignments import spotify
from checker.blueprint import Blueprint
from checker.grading.assess import assess
from checker.questions import evidence
from checker.questions.evidence import Folder, read
from checker.questions.training import judge
from checker.reading import archive as untrusted
from checker.reading.replay import Replay
from checker.report import Outcome

pytestmark = pytest.mark.slow


def outcome(question: Any = spotify.q1) -> Outcome:
    """What the saved weights say of the saved curves."""
    found = judge(question.training, question.from_evidence(read(Folder(), question.id))).outcome
    assert found is not None
    return found


def small_model(kind: str = "sequential") -> Any:
    import keras
    from keras import layers

    class Subclassed(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.drop, self.out = layers.Dense(4, activation="relu"), layers.Dropout(0.3), layers.Dense(1)

        def call(self, inputs: Any, training: Any = None) -> Any:
            return self.out(self.drop(self.hidden(inputs), training=training))

    if kind == "subclassed":
        model = Subclassed()
    else:
        parts = [layers.Dense(4, activation="relu"), layers.Dropout(0.3), layers.Dense(1)]
        model = keras.Sequential([keras.Input((3,)), *parts] if kind == "sequential" else parts)
    model.compile(optimizer="adam", loss="mae")
    return model


def fitted(kind: str = "sequential") -> Any:
    model = small_model(kind)
    model.fit(np.zeros((8, 3), "float32"), np.zeros(8, "float32"), epochs=1, verbose=0)
    return model


RECORD = {"assignment": "spotify", "history": {"loss": [1.0, 0.5], "val_loss": [1.0, float("nan")]}}


def replayed() -> Replay:
    found = read(Folder(), "q1")
    assert found.graph is not None
    assert found.weights is not None
    return Replay.saved(found.graph, found.weights)


# --- saving -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sequential", "subclassed", "unbuilt"])
def test_what_is_saved_is_what_is_read(kind: str) -> None:
    evidence.save("q1", fitted(kind), record=RECORD)
    found = read(Folder(), "q1")
    assert found.problems == ()
    assert found.graph is not None
    blueprint = Blueprint.from_graph(found.graph)
    assert [layer.kind for layer in blueprint.layers] == ["Dense", "Activation", "Dropout", "Dense"]
    assert blueprint.compiled == {"optimizer": "adam", "loss": "mae"}
    curves = found.curves()
    assert curves is not None
    assert curves["loss"] == [1.0, 0.5]
    assert np.isnan(curves["val_loss"][1])


def test_a_model_that_never_saw_data_is_saved_too() -> None:
    evidence.save("q1", small_model("unbuilt"), record=RECORD)
    found = read(Folder(), "q1")
    assert found.problems == ()
    assert found.graph is not None
    assert not found.graph.built


def test_keras_itself_can_open_it() -> None:
    import keras

    model = fitted()
    evidence.save("q1", model, record=RECORD)
    opened = keras.saving.load_model("evidence/q1.keras")
    batch = np.ones((2, 3), "float32")
    np.testing.assert_allclose(opened.predict(batch, verbose=0), model.predict(batch, verbose=0), rtol=1e-6)


@pytest.mark.parametrize("kind", ["sequential", "subclassed"])
def test_saving_changes_nothing(kind: str) -> None:
    model = fitted(kind)
    before = [weight.numpy().copy() for weight in (*model.weights, *model.optimizer.variables)]
    layers, optimizer = list(model.layers), model.optimizer
    evidence.save("q1", model, record=RECORD)
    after = [weight.numpy() for weight in (*model.weights, *model.optimizer.variables)]
    assert all(np.array_equal(one, two) for one, two in zip(before, after, strict=True))
    assert model.layers == layers
    assert model.optimizer is optimizer
    model.fit(np.zeros((8, 3), "float32"), np.zeros(8, "float32"), epochs=1, verbose=0)  # still trains


def test_no_optimizer_no_code_no_person_and_no_time_is_left() -> None:
    import keras

    model = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x + 1), keras.layers.Dense(1)])
    model.compile("adam", "mae")
    evidence.save("q1", model, record={**RECORD, "user": "lovelace", "path": str(Path.cwd())})
    with zipfile.ZipFile("evidence/q1.keras") as archive:
        contents = b"".join(archive.read(name) for name in archive.namelist())
        assert all(member.date_time[0] == 1980 for member in archive.infolist())
    contents += Path("evidence/q1.json").read_bytes()
    for private in (
        b"lovelace",
        str(Path.cwd()).encode(),
        os.uname().nodename.encode(),
        b"optimizer/vars",
        b"date_saved",
    ):
        assert private not in contents
    assert b'"__lambda__", "config": {}' in contents


class TestNeverInTheWay:
    def test_a_folder_that_cannot_be_written(self, capfd: pytest.CaptureFixture[str]) -> None:
        Path("evidence").write_text("a file where the folder should be")
        evidence.save("q1", fitted(), record=RECORD)
        assert capfd.readouterr().err == ""

    @pytest.mark.parametrize("thing", [None, 1, "model", [], object(), int])
    def test_things_that_are_no_model(self, thing: Any) -> None:
        evidence.save("q1", thing, record=RECORD)
        found = read(Folder(), "q1")
        assert found.problems == ()
        assert found.graph is None

    def test_a_model_that_cannot_be_saved(self, capfd: pytest.CaptureFixture[str]) -> None:
        import keras

        class Odd(keras.Model):
            def call(self, inputs: Any) -> Any:
                raise RuntimeError("never")

        model = Odd()
        model.built = True
        evidence.save("q1", model, record=RECORD)
        assert read(Folder(), "q1").problems == ("evidence.unsaved",)
        assert capfd.readouterr().err == ""

    def test_a_record_that_is_no_json(self) -> None:
        evidence.save("q1", None, record={"history": object()})
        assert read(Folder(), "q1").problems == ("evidence.missing",)

    def test_the_last_model_replaces_the_one_before(self) -> None:
        evidence.save("q1", fitted(), record=RECORD)
        evidence.save("q1", None, record=RECORD)
        assert not Path("evidence/q1.keras").exists()
        assert sorted(os.listdir("evidence")) == ["q1.json"]

    def test_it_takes_no_time(self) -> None:
        model = fitted()
        evidence.save("q1", model, record=RECORD)
        fastest = min(_seconds(lambda: evidence.save("q1", model, record=RECORD)) for _ in range(5))
        by_keras = min(_seconds(lambda: model.save("model.keras")) for _ in range(5))
        assert fastest < 10 * by_keras


def _seconds(call: Any) -> float:
    started = time.process_time()
    call()
    return time.process_time() - started


# --- what it proves ---------------------------------------------------------------------------------------------------


@pytest.fixture
def honest() -> Path:
    """Evidence of q1 as a perfect student leaves it."""
    archive, record = classroom.trained("dropout")
    classroom.put_evidence(Path("evidence"), "q1", archive, record)
    return Path("evidence")


def test_a_really_trained_network_is_verified(honest: Path) -> None:
    assessed = assess(spotify.assignment, Folder(honest))["q1"]
    assert assessed.report.unsettled == ""
    assert assessed.report.points == spotify.q1.points


@pytest.mark.parametrize("network", ["dropout-functional", "dropout-split"])
def test_other_ways_to_write_it_are_verified(network: str) -> None:
    archive, record = classroom.trained(network)
    classroom.put_evidence(Path("evidence"), "q1", classroom.reordered(archive, seed=1), record)
    assessed = assess(spotify.assignment, Folder())["q1"]
    assert assessed.report.unsettled == ""
    assert assessed.report.points == spotify.q1.points


def test_restored_best_weights_are_verified() -> None:
    archive, record = classroom.trained("dropout")
    loss, val_loss = record["history"]["loss"], np.array(record["history"]["val_loss"])
    worse = (val_loss * 1.2).astype(np.float32)
    run_on = {"loss": [*loss, *loss[-3:]], "val_loss": [*worse[:-1].tolist(), val_loss[-1], *worse[-3:].tolist()]}
    classroom.put_evidence(Path("evidence"), "q1", archive, {**record, "history": run_on})
    assert outcome() is Outcome.PROVED


def test_weight_decay_counts_into_the_loss_as_keras_counts_it() -> None:
    import keras
    from keras import layers

    from checker import datasets

    split = datasets.split("spotify")
    decayed = layers.Dense(
        8, activation="relu", kernel_regularizer="l2", bias_regularizer=keras.regularizers.L1L2(0.1, 0.2)
    )
    normed = layers.BatchNormalization(gamma_regularizer=keras.regularizers.L1(0.03))
    model = keras.Sequential([keras.Input((18,)), decayed, normed, layers.Dense(1)])
    model.compile("adam", "mae")
    validation = (split.X_valid, split.y_valid)
    run = model.fit(split.X_train, split.y_train, validation_data=validation, batch_size=2048, epochs=2, verbose=0)
    evidence.save("q1", model, record={"history": run.history})
    assert outcome() is Outcome.PROVED
    assert replayed().penalty == pytest.approx(sum(map(float, model.losses)), rel=1e-5)
    assert Replay.of(model).penalty == pytest.approx(sum(map(float, model.losses)), rel=1e-5)


def test_an_invented_loss_is_not_settled_and_earns_nothing_for_the_curves(honest: Path) -> None:
    archive, record = classroom.trained("dropout")
    record["history"]["val_loss"][-1] *= 0.999
    record["history"]["val_loss"][int(np.argmin(record["history"]["val_loss"]))] *= 0.99
    classroom.put_evidence(honest, "q1", archive, record)
    assessed = assess(spotify.assignment, Folder(honest))["q1"]
    assert assessed.report["curves"].unsettled == "history.rounded"
    assert outcome() is Outcome.UNSETTLED
    assert assessed.report["curves"].points == 0.0
    assert assessed.report["architecture"].passed


def test_missing_evidence_is_unsettled_not_wrong() -> None:
    assessed = assess(spotify.assignment, Folder())
    assert {one.report.unsettled for one in assessed.values()} == {"evidence.missing"}


def test_a_reading_must_be_of_the_network_that_was_handed_in(honest: Path) -> None:
    before, after = classroom.history("plain"), classroom.history("dropout")
    classroom.put_evidence(honest, "q2", None, classroom.reading("q2", before, after, right=True))
    assert assess(spotify.assignment, Folder(honest))["q2"].report.points == spotify.q2.points
    other = classroom.history("dropout-half")
    classroom.put_evidence(honest, "q2", None, classroom.reading("q2", before, other, right=True))
    assessed = assess(spotify.assignment, Folder(honest))["q2"]
    assert assessed.report.unsettled == "evidence.other_run"
    assert assessed.report.points == 0.0


def test_weights_are_known_by_value_not_by_name() -> None:
    archive, record = classroom.trained("dropout")
    functional, _ = classroom.trained("dropout-functional")
    for name, content in (("q1", archive), ("q3", functional), ("q4", classroom.reordered(archive, 1))):
        classroom.put_evidence(Path("evidence"), name, content, record)
    one, same, other = (read(Folder(), name) for name in ("q1", "q3", "q4"))
    assert np.dot(one.sketch, same.sketch) == pytest.approx(1, abs=1e-3)
    assert abs(np.dot(one.sketch, other.sketch)) < 0.6


def test_reading_imports_neither_tensorflow_nor_keras(honest: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from checker.assignments import spotify; from checker.grading.assess import assess;"
        "from checker.questions.evidence import Folder;"
        "print(assess(spotify.assignment, Folder())['q1'].report.points);"
        "print([name for name in ('tensorflow', 'keras', 'torch', 'jax', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["4.0", "[]"]


# --- hostile files ----------------------------------------------------------------------------------------------------


def zipped(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_dot_", ".").replace("_up_", "../"), content)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "evidence.unreadable"),
        (b"PK\x05\x06" + bytes(18), "evidence.unreadable"),
        (os.urandom(2000), "evidence.unreadable"),
        (zipped(config_dot_json=b"{}"), "evidence.unreadable"),
        (zipped(config_dot_json=b"{}", **{"model.weights.h5": b"no HDF5"}), "evidence.unreadable"),
        (zipped(config_dot_json=b"{}", **{"model.weights.h5": b"", "_up_evil": b""}), "evidence.unreadable"),
        (zipped(config_dot_json=b"[" * 100_000, **{"model.weights.h5": b""}), "evidence.too_big"),
        (zipped(config_dot_json=b"{" + os.urandom(9), **{"model.weights.h5": bytes(33_000_000)}), "evidence.too_big"),
        (zipped(config_dot_json=b"{}", **{"model.weights.h5": bytes(20_000_000)}), "evidence.too_big"),
        (bytes(untrusted.ARCHIVE_LIMIT + 1), "evidence.too_big"),
    ],
)
def test_archives_that_are_refused(data: bytes, code: str) -> None:
    with pytest.raises(untrusted.Refused) as refused:
        untrusted.archive_weights(data)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"[" * 500_000, "evidence.too_deep"),
        (b'{"a":' * 200 + b"1" + b"}" * 200, "evidence.too_deep"),
        (b'{"a": "' + b"[" * 200 + b'"', "evidence.unreadable"),
        (b"[]", "evidence.unreadable"),
        (b'{"a": ' + b"9" * 100_000 + b"}", "evidence.unreadable"),
        (b'{"a": "\\ud800"}\x00', "evidence.unreadable"),
        (b" " * 1_000_001, "evidence.too_big"),
    ],
)
def test_records_that_are_refused(data: bytes, code: str) -> None:
    with pytest.raises(untrusted.Refused) as refused:
        untrusted.json_object(data, untrusted.RECORD_LIMIT)
    assert refused.value.code == code


def test_brackets_inside_strings_are_no_depth() -> None:
    assert untrusted.json_object(json.dumps({"a": '[{"\\' * 500}).encode(), 10_000)


def hdf5(fill: Any) -> bytes:
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        fill(file)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("fill", "code"),
    [
        pytest.param(
            lambda f: f.__setitem__("a", __import__("h5py").ExternalLink("/etc/passwd", "/")),
            "evidence.link",
            id="external link",
        ),
        pytest.param(lambda f: f.__setitem__("a", __import__("h5py").SoftLink("/b")), "evidence.link", id="soft link"),
        pytest.param(
            lambda f: f.create_dataset("a", (10,), "f4", external=[("/etc/passwd", 0, 40)]),
            "evidence.link",
            id="external storage",
        ),
        pytest.param(
            lambda f: f.create_dataset("a", (10**6, 10**6), "f4"), "evidence.too_big", id="declared but not there"
        ),
        pytest.param(
            lambda f: f.create_dataset("a", data=np.zeros(10**6), compression="gzip"), "evidence.link", id="filter"
        ),
        pytest.param(lambda f: f.create_dataset("a", (10**9,), "f4", chunks=(1000,)), "evidence.link", id="chunks"),
        pytest.param(lambda f: f.create_dataset("a", data=["text"]), "evidence.unreadable", id="strings"),
        pytest.param(
            lambda f: f.create_dataset("a", (2,), __import__("h5py").ref_dtype), "evidence.unreadable", id="references"
        ),
        pytest.param(lambda f: [f.create_group(f"g{n}") for n in range(5000)], "evidence.too_big", id="many groups"),
        pytest.param(lambda f: f.create_group("/".join("abcdefghij" * 4)), "evidence.too_deep", id="deep groups"),
        pytest.param(lambda f: f.__setitem__("a/b", f.create_group("a")), "evidence.too_deep", id="a circle"),
    ],
)
def test_weights_that_are_refused(fill: Any, code: str) -> None:
    with pytest.raises(untrusted.Refused) as refused:
        untrusted.read_weights(hdf5(fill))
    assert refused.value.code == code


def test_damage_anywhere_never_raises(honest: Path) -> None:
    whole = {name: (honest / name).read_bytes() for name in ("q1.keras", "q1.json")}
    generator = np.random.default_rng(0)
    for _ in range(60):
        name = ("q1.keras", "q1.json")[generator.integers(2)]
        data = bytearray(whole[name])
        for place in generator.integers(len(data), size=5):
            data[place] = generator.integers(256)
        (honest / name).write_bytes(data[: generator.integers(len(data))] if generator.random() < 0.3 else data)
        assessed = assess(spotify.assignment, Folder(honest))["q1"]
        assert 0 <= assessed.report.points <= spotify.q1.points
        for kept, content in whole.items():
            (honest / kept).write_bytes(content)


def test_links_and_pipes_are_not_followed(honest: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("{}")
    os.remove(honest / "q1.json")
    os.symlink(secret, honest / "q1.json")
    assert read(Folder(honest), "q1").problems == ("evidence.link",)
    os.remove(honest / "q1.json")
    os.mkfifo(honest / "q1.json")
    assert read(Folder(honest), "q1").problems == ("evidence.link",)
    os.rename(honest, "real")
    os.symlink("real", honest)
    assert read(Folder(honest), "q1").problems == ("evidence.link",)
