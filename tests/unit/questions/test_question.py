"""Questions: evaluate is pure and never raises, check shows and counts, grade is a plain number, hints sharpen."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.assignments import find, spotify
from checker.expect import Dense, Dropout, Network
from checker.language import using
from checker.questions import Assignment, ChoiceQuestion, NetworkQuestion, NumberQuestion
from checker.questions.evidence import Folder, read
from checker.report import Report

quiz = Assignment(
    "quiz",
    "A quiz",
    (
        NumberQuestion(
            id="q1",
            title="How many?",
            answer=0.5,
            tolerance=0.01,
            wrong={2.0: "That is the other one."},
            why="Half is left.",
            hints=("Think.",),
        ),
        ChoiceQuestion(
            id="q2",
            title="Which?",
            choices={"a": "This", "b": "That"},
            answer="b",
            wrong={"a": "Not this."},
            why="It is that.",
        ),
        NetworkQuestion(
            id="q3",
            title="Build",
            network=Network(Dense(8, activation="relu"), Dropout(0.5), Dense(1), input_shape=[4]),
        ),
    ),
    graded=False,
)


class Hostile:
    """Raises on whatever is done to it."""

    def __getattribute__(self, name: str) -> Any:
        raise SystemExit(name)

    def __float__(self) -> float:
        raise MemoryError

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    __hash__ = None  # type: ignore[assignment]


ANYTHING: list[Any] = [
    None, 0, 1.5, math.nan, math.inf, True, "", "a", b"b", [], [1], {}, (), set(), object(), object, type, len,
    lambda: None, Hostile(), Hostile, sys, 10**400, 1j, range(3), Ellipsis, NotImplemented, Path(), ValueError("x"),
    {"loss": []}, {"loss": None}, {"loss": [1], "val_loss": "x"}, {"loss": [[1]], "val_loss": [[1]]},
    {"loss": [math.nan] * 50, "val_loss": [math.nan] * 50}, iter([]),
]  # fmt: skip


@pytest.mark.parametrize("index", range(len(ANYTHING)))  # pytest itself cannot bear to look at some of them
def test_nothing_whatever_raises_or_passes(index: int) -> None:
    thing = ANYTHING[index]
    for question in (spotify.q1, spotify.q3):
        for report in (
            question.evaluate(model=thing),
            question.evaluate(history=thing),
            question.evaluate(model=thing, history=thing),
        ):
            assert not report.passed
            assert report.points == 0.0
            assert report.findings
            assert all(finding.message for finding in report.findings)
    for report in (
        spotify.q2.evaluate(thing, thing, thing, thing),
        spotify.q4.evaluate(effect=thing),
        quiz.q1.evaluate(thing),
    ):
        assert not report.passed


@given(
    st.recursive(
        st.none() | st.floats() | st.text() | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("loss") | st.just("val_loss"), inner),
    )
)
def test_no_plain_data_raises_or_passes(thing: object) -> None:
    report = spotify.q1.evaluate(model=thing, history=thing)
    assert not report.passed
    assert report.points == 0.0
    assert Report.from_dict(report.to_dict()).to_dict() == report.to_dict()


def test_a_section_that_was_not_asked_for_is_absent() -> None:
    assert "curves" not in spotify.q1.evaluate(model=None)
    assert "architecture" not in spotify.q1.evaluate(history=None)


@pytest.mark.parametrize("index", range(len(ANYTHING)))  # pytest itself cannot bear to look at some of them
def test_check_shows_one_sentence_and_returns_none(index: int, capfd: pytest.CaptureFixture[str]) -> None:
    thing = ANYTHING[index]
    assert spotify.q1.check(thing, thing) is None
    shown = capfd.readouterr()
    assert shown.out.strip()
    assert "Traceback" not in shown.out
    assert shown.err == ""


@pytest.mark.parametrize("index", range(len(ANYTHING)))  # pytest itself cannot bear to look at some of them
def test_a_grade_is_a_plain_number_and_silent(index: int, capfd: pytest.CaptureFixture[str]) -> None:
    thing = ANYTHING[index]
    grade = spotify.q1.grade(thing, thing)
    assert type(grade) is float
    assert grade == 0.0
    shown = capfd.readouterr()
    assert (shown.out, shown.err) == ("", "")


def test_grading_keeps_even_the_process_s_own_stderr_silent(capfd: pytest.CaptureFixture[str]) -> None:
    class Noisy:
        @property
        def history(self) -> None:
            os.write(2, b"noise from C")
            print("noise", file=sys.stderr)

    spotify.q1.grade(Noisy(), Noisy())
    assert capfd.readouterr().err == ""


def test_a_keyboard_interrupt_still_stops() -> None:
    class Stopped:
        def __float__(self) -> float:
            raise KeyboardInterrupt

    with contextlib.suppress(KeyboardInterrupt):
        quiz.q1.evaluate(Stopped())
        pytest.fail("the learner pressed stop")


# --- numbers and choices ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [0.5, 0.505, 0.495])
def test_a_right_number(answer: float) -> None:
    report = quiz.q1.evaluate(answer)
    assert report.passed
    assert report.findings[0].message == "Right. Half is left."


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (None, "answer.none"),
        (2.0, "answer.explained"),
        (0.1, "number.larger"),
        (9, "number.smaller"),
        ("0.5", "number.text"),
        ([0.5, 0.6], "number.several"),
        (True, "number.not_a_number"),
    ],
)
def test_a_wrong_number_is_told_apart(answer: Any, code: str) -> None:
    assert [finding.code for finding in quiz.q1.evaluate(answer).findings] == [code]


def test_numpy_numbers_count() -> None:
    np = pytest.importorskip("numpy")
    assert quiz.q1.evaluate(np.float32(0.5)).passed
    assert quiz.q1.evaluate(np.array(0.5)).passed


@pytest.mark.parametrize("answer", ["b", "B", " b "])
def test_a_right_choice(answer: str) -> None:
    assert quiz.q2.evaluate(answer).passed


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("a", "answer.explained"),
        ("c", "choice.unknown"),
        (None, "answer.none"),
        ("", "answer.none"),
        (1, "choice.unknown"),
        (["b"], "choice.unknown"),
    ],
)
def test_a_wrong_choice(answer: Any, code: str) -> None:
    assert [finding.code for finding in quiz.q2.evaluate(answer).findings] == [code]


# --- reading curves ---------------------------------------------------------------------------------------------------


def falling_then_rising(rise: float) -> dict[str, list[float]]:
    loss = [0.2 - 0.001 * epoch for epoch in range(50)]
    val_loss = [0.21 - 0.0005 * epoch if epoch < 20 else 0.2 + rise * (epoch - 20) for epoch in range(50)]
    return {"loss": loss, "val_loss": val_loss}


def test_a_reading_is_checked_against_the_learner_s_own_runs() -> None:
    before, after = (
        falling_then_rising(0.001),
        {"loss": [0.2 - 0.0004 * e for e in range(50)], "val_loss": [0.21 - 0.0004 * e for e in range(50)]},
    )
    assert spotify.q2.evaluate("a", 21, before, after).passed
    assert spotify.q2.evaluate("a", 20, before, after).passed, "argmin counts from 0"
    half = spotify.q2.evaluate("a", 45, before, after)
    assert half.points == spotify.q2.points / 2
    assert [finding.code for finding in half.findings] == ["reading.best_epoch"]
    assert "reading.effect" in [finding.code for finding in spotify.q2.evaluate("c", 21, before, after).findings]
    assert "reading.effect" not in [finding.code for finding in spotify.q2.evaluate("c", 21, after, before).findings]


def overfitting_calmed() -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    calm = {"loss": [0.2 - 0.0004 * e for e in range(50)], "val_loss": [0.21 - 0.0004 * e for e in range(50)]}
    return falling_then_rising(0.001), calm


@pytest.mark.parametrize(
    ("given", "points", "codes"),
    [
        (("a", 21, "c"), 2.0, ["reason.right"]),
        (("a", 21, "a"), 1.0, ["reason.wrong"]),
        (("a", 45, "c"), 1.5, ["reading.best_epoch", "reason.right"]),
        (("c", 45, "c"), 1.0, ["reading.effect", "reading.best_epoch", "reason.right"]),
        (("a", 21, None), 1.0, ["reason.unanswered"]),
        (("a", 21, "z"), 1.0, ["choice.unknown:named"]),
        (("a", 21, "（Ｃ）"), 2.0, ["reason.right"]),
    ],
)
def test_a_reading_s_parts_count_by_themselves_live_and_graded(
    given: tuple[Any, Any, Any], points: float, codes: list[str]
) -> None:
    effect, number, reason = given
    runs = overfitting_calmed()
    live = spotify.q2.evaluate(effect, number, *runs, reason)
    assert live.points == points
    assert [found.code for found in live.findings if not found.code.startswith("compare.")] == codes
    assert spotify.q2.grade(effect, number, *runs, reason) == points
    evidence = read(Folder(), "q2")
    graded = spotify.q2.judge(replace(spotify.q2.from_evidence(evidence), doubt=None))  # no network proves these runs
    assert graded.to_dict() == live.to_dict()


def test_the_runs_are_explained_only_once_they_were_read() -> None:
    runs = overfitting_calmed()
    for effect, number, told in (("c", 21, False), ("a", 45, False), (None, None, False), ("a", 21, True)):
        codes = [finding.code for finding in spotify.q2.evaluate(effect, number, *runs, "a").findings]
        assert ("compare.less_overfitting" in codes) is told


def test_a_notebook_that_asks_for_no_reason_loses_nothing() -> None:
    """Handed out and handed in before there was one: a record without it."""
    runs = overfitting_calmed()
    assert spotify.q2.grade("a", 21, *runs) == spotify.q2.points
    evidence = read(Folder(), "q2")
    assert "reason" not in evidence.record["answer"]
    assert spotify.q2.judge(replace(spotify.q2.from_evidence(evidence), doubt=None)).points == spotify.q2.points


def test_feedback_names_the_notebook_s_own_variables() -> None:
    before, after = {"loss": [math.nan] * 100, "val_loss": [math.nan] * 100}, steadily(30.0, 6.0)
    said = " ".join(finding.message for finding in spotify.q4.evaluate(None, None, before, after, None).findings)
    for name in ("concrete_effect", "concrete_number", "concrete_reason"):
        assert f"`{name}`" in said
    (wrong,) = (f for f in spotify.q4.evaluate("b", 1.0, before, after, "d").findings if f.name == "reading.best_loss")
    assert "concrete_history.history" in wrong.message


def steadily(first: float, last: float) -> dict[str, list[float]]:
    values = [last + (first - last) * 0.9**epoch for epoch in range(100)]
    return {"loss": values, "val_loss": [value * 1.01 for value in values]}


def test_why_is_not_told_before_it_is_explained() -> None:
    cell = {"metadata": {"nbgrader": {"grade_id": "q2-explanation"}}, "source": ["*Write your answer here.*"]}
    Path("spotify.ipynb").write_text(json.dumps({"cells": [cell]}))
    for question in (spotify.q1, spotify.q2):
        shown = shown_by(question.solution)
        assert "explain in your own words" in shown
        assert question.why[:30] not in shown
    cell["source"] = ["It learned chance patterns, and dropout makes that hard."]
    Path("spotify.ipynb").write_text(json.dumps({"cells": [cell]}))
    assert spotify.q2.why[:30] in shown_by(spotify.q2.solution)
    assert "explain in your own words" in shown_by(spotify.q4.solution)


@pytest.mark.parametrize("content", ["", "[]", '{"cells": [{}]}', '{"cells": 3}', "[" * 100_000, None])
def test_whatever_the_notebook_holds_the_solution_is_shown(content: str | None) -> None:
    if content is not None:
        Path("spotify.ipynb").write_text(content)
    assert 'effect = "a"' in shown_by(spotify.q2.solution)


def test_the_same_run_twice_is_no_comparison() -> None:
    run = falling_then_rising(0.001)
    assert [finding.code for finding in spotify.q2.evaluate("a", 21, run, run).findings] == ["reading.same_run"]


# --- hints, solutions, progress ---------------------------------------------------------------------------------------


def shown_by(call: Any) -> str:
    stream = io.StringIO()
    with contextlib.redirect_stdout(stream):
        call()
    return stream.getvalue()


def test_hints_get_more_specific_and_the_last_one_stays() -> None:
    hints = [shown_by(spotify.q1.hint) for _ in range(10)]
    assert len(set(hints)) >= 3
    assert hints[-1] == hints[-2]
    assert "layers.Dropout(____)" in hints[-1]
    assert "0.3" not in hints[-1]


def test_a_hint_speaks_of_the_learner_s_own_mistake() -> None:
    shown_by(lambda: quiz.q1.check(2.0))
    assert any("That is the other one." in shown_by(quiz.q1.hint) for _ in range(4))


def test_the_solution_is_what_the_question_expects() -> None:
    for question in (spotify.q1, spotify.q3):
        code = question.solution_code()
        assert "layers.Dense" in code
        compile(code, "solution", "exec")
        assert question.network.code() in code


def test_the_solution_is_offered_after_honest_tries() -> None:
    tries = [shown_by(lambda: quiz.q2.check("a")) for _ in range(3)]
    assert "exercise.q2.hint()" in tries[0]
    assert "solution()" not in tries[1]
    assert "exercise.q2.solution()" in tries[2]
    assert 'answer = "b"' in shown_by(quiz.q2.solution)


def test_progress_survives_a_restart() -> None:
    shown_by(lambda: quiz.q2.check("b"))
    shown_by(lambda: quiz.q1.check(9))
    state = quiz.state()
    again = Assignment("quiz", "A quiz", quiz.questions, graded=False).state()
    assert state == again
    assert (again.points, again.max_points, again.next) == (1.0, 3.0, "q1")
    assert [line.record.attempts for line in again.lines] == [1, 1, 0]


def test_progress_survives_a_broken_file() -> None:
    Path("evidence").mkdir()
    Path("evidence/progress.json").write_text('{"quiz": [1], "other": {')
    shown_by(lambda: quiz.q2.check("b"))
    assert quiz.state().points == 1.0


def test_a_read_only_folder_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("evidence").write_text("a file where the folder should be")
    assert "Right" in shown_by(lambda: quiz.q2.check("b"))
    assert Path("evidence").read_text() == "a file where the folder should be"


# --- assignments ------------------------------------------------------------------------------------------------------


def test_questions_are_attributes() -> None:
    assert [question.id for question in spotify.questions] == ["q1", "q2", "q3", "q4"]
    assert spotify.q1 is spotify.assignment.q1
    assert find("spotify") is spotify.assignment
    assert "q2" in dir(spotify.assignment)
    with pytest.raises(AttributeError, match="q1, q2, q3, q4"):
        spotify.assignment.q9  # noqa: B018
    with pytest.raises(KeyError):
        find("nothing")


def test_everything_is_said_in_chinese_too() -> None:
    report = spotify.q1.evaluate(model=None, history=None)
    with using("zh"):
        for finding in report.findings:
            assert any("\u4e00" <= letter <= "\u9fff" for letter in finding.message), finding


def test_good_curves_of_a_wrong_network_wait_for_the_network() -> None:
    history = {"loss": [0.2 + 0.2 * 0.8**e for e in range(50)], "val_loss": [0.19 + 0.2 * 0.8**e for e in range(50)]}
    alone = spotify.q1.evaluate(history=history)["curves"]
    assert alone.passed
    assert alone.points == spotify.q1.curve_points
    beside = spotify.q1.evaluate(model=None, history=history)["curves"]
    assert beside.passed
    assert beside.points == 0.0


@pytest.mark.parametrize(("question", "before"), [(spotify.q2, "plain_history"), (spotify.q4, "failed_history")])
def test_the_solution_of_a_reading_is_in_the_notebook_s_names_and_right(question: Any, before: str) -> None:
    import numpy as np

    import checker

    prefix = question.training.prefix
    after = f"{prefix}history"
    call = f"{prefix}effect, {prefix}number, before={before}, after={after}, reason={prefix}reason)"
    folder = Path(checker.__file__).parent.parent / "notebooks" / "spotify" / "spotify.ipynb"
    assert f"exercise.{question.id}.check({call}" in folder.read_text("utf-8")
    names: dict[str, Any] = {
        "np": np,
        before: SimpleNamespace(history={"val_loss": [3.0, 1.0, 2.0]}),
        after: SimpleNamespace(history={"val_loss": [3.0, 0.5, 2.0]}),
    }
    exec(question.solution_code(), names)
    right = {"q2": "less_overfitting", "q4": "rescued"}[question.id]
    assert question.claims[names[f"{prefix}effect"]] == right
    assert names[f"{prefix}number"] == {"q2": 2, "q4": 0.5}[question.id]
    assert names[f"{prefix}reason"] == question.reason.answer


def test_counts_are_kept_where_evidence_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    from checker import _files
    from checker.questions.progress import Progress

    progress = Progress("quiz")
    progress.hinted("q1")  # written: the file is there when the disk fills up

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(_files, "replace", full)
        progress.hinted("q1")
        progress.attempted("q1", 1.0, False)
        assert (progress["q1"].hints, progress["q1"].attempts) == (2, 1)
    progress.hinted("q1")
    again = Progress("quiz")["q1"]
    assert (again.hints, again.attempts) == (3, 1)
