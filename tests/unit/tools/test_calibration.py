"""Where thresholds come from: trainings over seeds, their table, and limits with a stated confidence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from checker import datasets
from checker.assignments import spotify
from checker.curves import Curves, float32_values
from checker.questions import NetworkQuestion
from checker.tools import calibration
from checker.tools.calibration import CASES, RECIPES, Case, Run, calibrate, caught, limits, tolerance_limit


@pytest.fixture(scope="module")
def table() -> tuple[Run, ...]:
    return calibration.read(calibration.table_path("spotify"))


class FakeTrainer:
    """Stands for a training: curves at once, and a count of them."""

    trained = 0

    def __init__(self, recipe: calibration.Recipe, *_: object) -> None:
        self.recipe = recipe

    def train(self, seed: int) -> Curves:
        FakeTrainer.trained += 1
        falling = 0.2 + 0.3 * np.exp(-0.1 * np.arange(self.recipe.epochs)) + 1e-3 * seed
        return Curves(tuple(falling.tolist()), tuple(falling.tolist()))


def test_an_interrupted_calibration_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(calibration, "Trainer", FakeTrainer)
    output, curves = tmp_path / "table.csv", tmp_path / "table.curves.jsonl"
    calibrate("spotify", seeds=1, output=output)
    first = FakeTrainer.trained
    assert first == len({case.recipe for case in CASES["spotify"]})
    lines = curves.read_text().splitlines(keepends=True)
    curves.write_text("".join(lines[:-1]) + lines[-1][:40])
    calibrate("spotify", seeds=1, output=output)
    assert FakeTrainer.trained == first + 1
    calibrate("spotify", seeds=2, output=output)
    assert FakeTrainer.trained == 2 * first + 1
    again = output.read_bytes()
    calibrate("spotify", seeds=2, output=output)
    assert FakeTrainer.trained == 2 * first + 1
    assert output.read_bytes() == again
    assert len(calibration.read(output)) == 2 * len(CASES["spotify"])


def test_an_assignment_without_cases_says_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing to calibrate"):
        calibrate("nonsense", output=tmp_path / "table.csv")


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    runs = (
        Run("q1", "reference, with a comma", True, 3, 50, {"minimum": 0.25, "best_epoch": 7.0}, frozenset({"healthy"})),
        Run("q3", "broken", False, 0, 1, {}, frozenset({"diverged", "no_validation"})),
    )
    calibration.write(tmp_path / "table.csv", runs)
    assert calibration.read(tmp_path / "table.csv") == runs


def test_early_stopping_ends_where_keras_ends() -> None:
    losses = (5.0, 4.0, 4.5, 4.2, 3.9, 4.0, 4.0, 4.0, 1.0)
    case = Case("q1", "stops", True, "dropout", 9, patience=3)
    assert case.seen(Curves(losses, losses)).epochs == 8
    patient = Case("q1", "does not stop", True, "dropout", 9, patience=4)
    assert patient.seen(Curves(losses, losses)).epochs == 9


def test_tolerance_limit_is_the_handbooks() -> None:
    # NIST/SEMATECH handbook 7.2.6.3: n = 43, 90 % of the population, 99 % confidence: k = 1.8740
    sample = np.random.default_rng(0).normal(size=43)
    sample = (sample - sample.mean()) / sample.std(ddof=1)
    assert tolerance_limit(list(sample), share=0.90, confidence=0.99) == pytest.approx(1.8740, abs=1e-4)


def test_a_tolerance_limit_keeps_its_promise() -> None:
    random = np.random.default_rng(1)
    held = [tolerance_limit(list(random.normal(size=20))) >= 2.5758 for _ in range(400)]  # the 0.995 quantile
    assert 0.91 <= np.mean(held) <= 0.99


# --- the committed table ----------------------------------------------------------------------------------------------


def test_the_table_has_every_case_over_twenty_seeds(table: tuple[Run, ...]) -> None:
    for case in CASES["spotify"]:
        seeds = {run.seed for run in table if (run.question, run.case) == (case.question, case.name)}
        assert len(seeds) >= 20, case


def test_no_right_answer_shows_anything_wrong(table: tuple[Run, ...]) -> None:
    for question in (spotify.q1, spotify.q3):
        forbidden = set(question.training.forbidden)
        assert not [run for run in table if run.right and run.question == question.id and run.diagnoses & forbidden]


@pytest.mark.parametrize("question", [spotify.q1, spotify.q3])
def test_declared_limits_reject_at_most_one_right_answer_in_200(
    table: tuple[Run, ...], question: NetworkQuestion
) -> None:
    declared = question.training.limits
    measured = limits(table, question.id, tuple(declared))
    for name, limit in declared.items():
        assert measured[name] <= limit, name


def test_what_q1_catches(table: tuple[Run, ...]) -> None:
    def rejected(run: Run) -> bool:
        training = spotify.q1.training
        beyond = any(run.numbers[name] > limit for name, limit in training.limits.items())
        return beyond or bool(run.diagnoses & set(training.forbidden))

    found = caught(table, "q1", rejected)
    assert all(hits == 0 for (_, right), (hits, _) in found.items() if right)
    for case in ("no dropout", "no dropout, 30 epochs", "no dropout, 100 epochs", "no dropout, early stopping"):
        hits, runs = found[case, False]
        assert hits == runs, case


def test_what_q3_catches(table: tuple[Run, ...]) -> None:
    hits, runs = caught(table, "q3", lambda run: "diverged" in run.diagnoses)["no batch normalization", False]
    assert hits == runs


# --- training ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_trainer_does_what_fit_does() -> None:
    keras = pytest.importorskip("keras")
    split = datasets.split("concrete")
    recipe = calibration.Recipe(RECIPES["batch normalization"].layers, "concrete", "sgd", 64, 3)
    trainer = calibration.Trainer(recipe, (split.X_train, split.y_train), (split.X_valid, split.y_valid))
    first, second = trainer.train(0), trainer.train(1)
    assert trainer.train(0) == first != second
    assert float32_values(first)
    keras.utils.set_random_seed(0)
    model = trainer._new_model()
    history = model.fit(
        split.X_train, split.y_train, validation_data=(split.X_valid, split.y_valid), epochs=3, batch_size=64, verbose=0
    ).history
    assert first.loss == pytest.approx(history["loss"], rel=0.1)
    trainer.train(0)
    measured = trainer.model.evaluate(split.X_valid, split.y_valid, verbose=0)
    assert measured == pytest.approx((first.val_loss or ())[-1], rel=1e-5)


def test_kept_curves_are_one_line_a_run(tmp_path: Path) -> None:
    path = tmp_path / "curves.jsonl"
    path.write_text(json.dumps({"recipe": "dropout", "seed": 4, "loss": [1.0], "val_loss": [2.0]}) + "\n{broken\n")
    assert calibration.kept(path) == {("dropout", 4): Curves((1.0,), (2.0,))}
