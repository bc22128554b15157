"""Predict, run, explain: kept, compared with the learner's own run, never changed afterwards, never graded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from checker.assignments import lessons
from checker.language import LANGUAGES, using
from checker.questions import Assignment, ChoicePrediction, ChoiceQuestion, NumberPrediction, NumberQuestion
from checker.questions import ReasonQuestion as Reason

LESSONS = (lessons.dropout, lessons.batch_normalization, lessons.red_wine)
PREDICTIONS = [prediction for lesson in LESSONS for prediction in lesson.predictions]
REASONS = [question for lesson in LESSONS for question in lesson.questions if question.reason is not None]


def named(part: Any) -> str:
    return f"{part.assignment}-{part.id}"


quiz = Assignment(
    "quiz",
    "A quiz",
    (
        NumberQuestion(
            id="q1",
            title="How many?",
            answer=2,
            why="Two.",
            reason=Reason(asks="Why two?", choices={"a": "By chance.", "b": "It is so."}, answer="b", why="It is."),
        ),
        NumberQuestion(id="q2", title="And now?", answer=3, why="Three."),
    ),
    graded=False,
    predictions=(
        NumberPrediction(id="predict_1", title="How far?", near=1, right="NEAR", low="LOW", high="HIGH", why="WIND"),
        ChoicePrediction(
            id="predict_2", title="Who?", choices={"a": "one", "b": "two"}, right="YES", wrong={"a": "NO"}, why="LUCK"
        ),
    ),
)


@pytest.mark.parametrize(("guess", "said"), [(10, "NEAR"), (11, "NEAR"), (4, "LOW"), (40, "HIGH")])
def test_a_prediction_is_compared_with_the_own_run(guess: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    quiz.predict_1(guess)
    assert f"kept: {guess}" in capsys.readouterr().out
    quiz.predict_1.compare(np.float32(10))
    shown = capsys.readouterr().out
    assert said in shown
    assert f"You predicted: {guess}. Your run shows: 10." in shown


def test_a_letter_is_read_with_goodwill(capsys: pytest.CaptureFixture[str]) -> None:
    quiz.predict_2("（Ａ）")
    quiz.predict_2.compare("b")
    shown = capsys.readouterr().out
    assert "You predicted: a (one). Your run shows: b (two)." in shown
    assert "NO" in shown


def test_a_prediction_may_be_changed_until_its_result_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    quiz.predict_1(1)
    quiz.predict_1(2)
    quiz.predict_1.compare(50)
    quiz.predict_1(50)
    assert "your first prediction stays: 2" in capsys.readouterr().out
    quiz.predict_1.compare(50)  # the notebook is run once more
    assert "You predicted: 2." in capsys.readouterr().out
    assert json.loads(Path("evidence/progress.json").read_text())["quiz"]["predict_1"]["prediction"] == 2


def test_running_the_notebook_again_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for _ in range(2):
        quiz.predict_2("b")
        quiz.predict_2.compare("b")
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]


def test_whoever_did_not_predict_is_told_the_result_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    quiz.predict_1(None)
    assert "Put a number" in capsys.readouterr().out
    quiz.predict_1.compare(10)
    assert "Your run shows: 10. You had not predicted" in capsys.readouterr().out


def test_the_explanation_is_shown_only_after_the_own(capsys: pytest.CaptureFixture[str]) -> None:
    quiz.predict_1.because("The wind blows from behind.")
    quiz.predict_1(3)
    quiz.predict_1.compare(10)
    for hasty in (None, "", "wind", 7, ["The wind blows from behind."]):
        quiz.predict_1.because(hasty)
    assert "WIND" not in capsys.readouterr().out
    quiz.predict_1.because("因为风是从后面吹来的，所以更远。")
    assert "WIND" in capsys.readouterr().out
    kept = json.loads(Path("evidence/progress.json").read_text("utf-8"))["quiz"]["predict_1"]
    assert kept == {"prediction": 3, "outcome": 10, "because": "因为风是从后面吹来的，所以更远。"}


@pytest.mark.parametrize("odd", [object(), float("nan"), "c", b"a", [1, 2], True, "a" * 10_000])
def test_whatever_is_handed_in_nothing_is_raised(odd: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for prediction in (quiz.predict_1, quiz.predict_2):
        prediction(odd)
        prediction.compare(odd)
        prediction.because(odd)
    assert "kept" not in capsys.readouterr().out.replace("Your sentence is kept", "")


@pytest.mark.parametrize(
    "damage",
    ["[]", '{"quiz": []}', '{"quiz": {"predict_1": 3}}', '{"quiz": {"predict_1": {"prediction": [], "outcome": "?"}}}'],
)
def test_a_damaged_file_is_no_obstacle(damage: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("evidence").mkdir()
    Path("evidence/progress.json").write_text(damage)
    quiz.predict_1(3)
    quiz.predict_1.compare(10)
    assert "You predicted: 3. Your run shows: 10." in capsys.readouterr().out


def test_predictions_are_no_questions() -> None:
    quiz.predict_1(3)
    quiz.q1.check(2)
    assert [line.question for line in quiz.state().lines] == ["q1", "q2"]
    assert "predict_1" in dir(quiz)
    assert quiz.points == 2


# --- the question why -------------------------------------------------------------------------------------------------


def test_a_pass_is_followed_by_the_question_why(capsys: pytest.CaptureFixture[str]) -> None:
    quiz.q1.check(7)
    assert "Why two?" not in capsys.readouterr().out
    quiz.q1.check(2)
    shown = capsys.readouterr().out
    for part in ("Why two?", "a: By chance.", "b: It is so.", 'exercise.q1.because("a")'):
        assert part in shown
    assert "Two." not in shown, "the reason is asked for, so it is not given away"
    quiz.q1.because("a")
    assert "It is." not in capsys.readouterr().out
    quiz.q1.because("b")
    assert "It is." in capsys.readouterr().out


def test_a_question_without_a_reason_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    quiz.q2.check(3)
    assert "Right. Three." in capsys.readouterr().out
    quiz.q2.because("a")
    assert "asks for no reason" in capsys.readouterr().out


# --- those of the lessons ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.id)
def test_each_lesson_asks_for_two_predictions(lesson: Assignment) -> None:
    assert len(lesson.predictions) >= 2
    assert [prediction.id for prediction in lesson.predictions] == ["predict_1", "predict_2"]


@pytest.mark.parametrize("prediction", PREDICTIONS, ids=named)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_outcome_is_answered(prediction: Any, language: str, capsys: pytest.CaptureFixture[str]) -> None:
    letters = list(getattr(prediction, "choices", ())) or [0, 50, 104]
    with using(language):
        for guess in letters:
            Path("evidence/progress.json").unlink(missing_ok=True)
            prediction(guess)
            for outcome in letters:
                prediction.compare(outcome)
            assert capsys.readouterr().out.count(f"exercise.{prediction.id}.because") == len(letters)
    if isinstance(prediction, ChoicePrediction):
        assert set(prediction.wrong) == set(prediction.choices)


@pytest.mark.parametrize("question", REASONS, ids=named)
def test_every_wrong_reason_is_answered(question: Any) -> None:
    reason = question.reason
    assert set(reason.wrong) == set(reason.choices) - {reason.answer}
    for letter in reason.choices:
        report = reason.evaluate(letter)
        assert report.passed == (letter == reason.answer)
        assert letter == reason.answer or report.findings[0].params["text"] == reason.wrong[letter]


def test_the_right_letter_is_not_always_the_same() -> None:
    asked = [question for lesson in LESSONS for question in lesson.questions if isinstance(question, ChoiceQuestion)]
    assert len({question.reason.answer for question in REASONS}) > 1
    assert len({question.answer for question in asked}) > 1
