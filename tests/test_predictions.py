"""Predictions: kept, compared with the learner's own run, never graded, never in the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.predictions import Prediction
from checker.question import Assignment


class Hostile:
    def __float__(self) -> float:
        raise SystemExit


@pytest.fixture
def exercise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Assignment:
    monkeypatch.chdir(tmp_path)
    return Assignment("tried", "Tried", (Prediction(id="predict_1", title="A number", near=5),), graded=False)


def test_it_is_kept_across_kernels_and_worth_nothing(exercise: Assignment) -> None:
    exercise.predict_1(40)
    again = Assignment("tried", "Tried", (Prediction(id="predict_1", title="A number", near=5),), graded=False)
    assert again.predict_1.kept() == 40
    assert exercise.points == 0


@pytest.mark.parametrize(("run", "said"), [(44, "close"), (46, "did you not expect"), (None, "no number")])
def test_it_is_compared_with_the_run(
    exercise: Assignment, capsys: pytest.CaptureFixture[str], run: object, said: str
) -> None:
    exercise.predict_1(40)
    capsys.readouterr()
    exercise.predict_1.compare(run)
    assert said in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("value", [None, "forty", True, float("nan"), float("inf"), [1], Hostile()])
def test_what_is_no_number_is_not_kept_and_nothing_is_raised(exercise: Assignment, value: object) -> None:
    exercise.predict_1(value)
    assert exercise.predict_1.kept() is None
    exercise.predict_1.compare(value)


def test_a_later_prediction_takes_the_place_of_the_first(exercise: Assignment) -> None:
    exercise.predict_1(1)
    exercise.predict_1(2.5)
    assert exercise.predict_1.kept() == 2.5


def test_a_folder_that_cannot_be_written_is_no_obstacle(exercise: Assignment, tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("a file stands where the folder should be")
    exercise.predict_1(3)
    assert exercise.predict_1.kept() == 3
