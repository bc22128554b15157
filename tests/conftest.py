"""Fixtures for all tests: networks that were really trained, once, and reused."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CHECKER_LANGUAGE", "en")

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of our own."""
    parser.addoption("--pictures", action="store_true", help="make the READMEs' pictures in docs/ anew")


@dataclass(frozen=True)
class Trained:
    """A trained Keras model and the History of its training."""

    model: Any
    history: Any


class Runs(dict[str, Trained]):
    """The four runs of the Spotify assignment, each trained when it is first asked for: plain, q1, unscaled, q3."""

    def __missing__(self, name: str) -> Trained:
        from checker.assignments import spotify

        question = spotify.q1 if name in ("plain", "q1") else spotify.q3
        network = question.network.starter if name in ("plain", "unscaled") else question.network
        self[name] = train(network.code(), question.training)
        return self[name]


def train(code: str, training: Any, *, seed: int = 0, epochs: int | None = None) -> Trained:
    """Train the network that this Keras code makes, as its question says."""
    import keras
    from keras import layers

    from checker import datasets

    split = datasets.split(training.data)
    keras.utils.set_random_seed(seed)
    model = eval(code, {"keras": keras, "layers": layers})
    model.compile(optimizer=training.optimizer, loss=training.loss)
    history = model.fit(
        split.X_train,
        split.y_train,
        validation_data=(split.X_valid, split.y_valid),
        batch_size=training.batch_size,
        epochs=epochs or training.epochs,
        verbose=0,
    )
    return Trained(model, history)


@pytest.fixture(scope="session")
def runs() -> Runs:
    """Really trained networks; a test that uses them belongs to the group "trained", so that one process has them."""
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
