"""Fixtures for all tests: networks that were really trained, once, and reused."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CHECKER_LANGUAGE", "en")

import machine
import pytest

from checker.report import restored


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of our own."""
    parser.addoption("--pictures", action="store_true", help="make the READMEs' pictures in docs/ anew")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes and long texts make no names: they may be random, and all of xdist's workers have to agree."""
    return argname if isinstance(val, bytes) or (isinstance(val, str) and len(val) > 80) else None


@pytest.fixture(scope="session")
def sandboxed() -> None:
    """The test runs notebooks in the sandbox, so there has to be one."""
    machine.sandbox()


@dataclass(frozen=True)
class Trained:
    """A trained Keras model and the History of its training."""

    model: Any
    history: Any


class Runs(dict[str, Trained]):
    """The four runs of the Spotify assignment, each loaded when it is first asked for: plain, q1, unscaled, q3."""

    NETWORKS: ClassVar = {"plain": "plain", "q1": "dropout", "unscaled": "failed", "q3": "norm"}

    def __missing__(self, name: str) -> Trained:
        import classroom
        import keras

        archive, record = classroom.trained(self.NETWORKS[name])
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.keras"
            path.write_bytes(archive)
            model = keras.models.load_model(path)
        history = keras.callbacks.History()
        history.set_model(model)
        history.history = dict(restored(record["history"]))
        history.epoch = list(range(len(history.history["loss"])))
        history.params = {"epochs": len(history.epoch)}
        model.history = history  # as fit leaves it
        self[name] = Trained(model, history)
        return self[name]


@pytest.fixture(scope="session")
def runs() -> Runs:
    """Really trained networks, with the History that ``fit`` would have left."""
    return Runs()


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evidence and progress are written to the working directory: each test has its own."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests start in English and without a chosen language."""
    from checker import language

    monkeypatch.setattr(language, "_default", None)
    monkeypatch.setenv("CHECKER_LANGUAGE", "en")
