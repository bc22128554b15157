"""A question about a mark is answered from one command, from what was handed in, and nothing is run."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import classroom
import pytest
from feedback import chromium
from typer.testing import CliRunner

from checker.cli import app
from checker.grading import batch, sandbox
from checker.grading.batch import grade_class

pytestmark = pytest.mark.slow

PERFECT = classroom.ARCHETYPES["perfect"]
STUDENTS = {
    "perfect": PERFECT,
    "once": replace(PERFECT, q1="dropout-once"),
    "plain": replace(PERFECT, q1="plain"),
    "misread": classroom.ARCHETYPES["misread"],
    "nothing": classroom.ARCHETYPES["nothing"],
    "unproved": replace(PERFECT, evidence=False),
}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    course = classroom.course(tmp_path_factory.mktemp("explain") / "course")
    with (course / "nbgrader_config.py").open("a") as config:
        config.write("\nc.GradeFromEvidence.sandbox = False\n")
    for seed, (student, archetype) in enumerate(STUDENTS.items()):
        classroom.hand_in(course, student, archetype, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "_executor", lambda _jobs, _scheduler: ThreadPoolExecutor(1))
        grade_class(course, "spotify", progress=False)
    return course


@pytest.fixture
def course(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "course"))


def run(course: Path, *arguments: str, language: str = "en") -> tuple[int, str]:
    command = ["--language", language, "explain", "spotify", *arguments, "--course", str(course)]
    result = CliRunner().invoke(app, command)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def told(course: Path, *arguments: str, language: str = "en") -> str:
    """The explanation on one line."""
    code, output = run(course, *arguments, language=language)
    assert code == 0, output
    return " ".join(output.split())


def test_a_right_answer_shows_what_was_read_and_proved(course: Path) -> None:
    page = told(course, "perfect", "q1")
    for part in ("4 of 4 points", "q1.keras", "optimizer='adam', loss='mae'", "Epochs 50", "at epoch 50", "proved"):
        assert part in page, part
    assert "The gradebook holds 4 points, given automatically." in page
    assert "Nothing: it has all its points." in page


def test_a_missing_layer_is_what_would_have_changed_it_and_by_how_much(course: Path) -> None:
    page = told(course, "once", "q1")
    assert "1 of 4 points" in page
    assert "add `keras.layers.Dropout(0.3)`. This alone: 4 of 4 points." in page


def test_each_change_is_judged_by_itself_and_all_together(course: Path) -> None:
    page = told(course, "plain", "q1")
    assert page.count("This alone: 1 of 4 points.") == 2
    assert "All 2 changes together, with the same curves: 2 of 4 points." in page  # its own curves overfit
    assert "growth of the gap" in page
    assert "at most 0.035" in page


def test_a_misread_curve_names_the_right_letter_and_number(course: Path) -> None:
    page = told(course, "misread", "q4")
    assert "0 of 2 points" in page
    assert '`effect="b"`: 0.5 of 2 points.' in page
    assert '`reason="d"`: 1 of 2 points.' in page
    assert "`number=" in page
    assert "effect='c', number=7.77, reason=None" in page


def test_nothing_handed_in_is_said(course: Path) -> None:
    page = told(course, "nothing", "q1")
    assert "its cells hold what was handed out" in page
    assert "not settled" not in page


def test_what_waits_says_what_would_settle_it(course: Path) -> None:
    page = told(course, "unproved", "q1")
    assert "In the gradebook it waits for a person." in page
    assert "a run in the sandbox" in page


def test_a_written_answer_shows_its_text_its_mark_and_the_rubric(course: Path) -> None:
    with sqlite3.connect(course / "gradebook.db") as database:
        database.execute(
            "update grade set manual_score = 1.5, needs_manual_grade = 0 where cell_id in "
            "(select id from base_cell where name = 'q2-explanation' and type = 'GradeCell')"
        )
    page = told(course, "perfect", "q2-explanation")
    assert "Units that are shut off cannot conspire." in page
    assert "The gradebook holds 1.5 points, given by a person." in page
    assert "a person decides" in page


def test_files_that_changed_after_grading_are_noticed(course: Path) -> None:
    classroom.hand_in(course, "perfect", STUDENTS["once"], seed=9)
    assert "What lies there now earns 1" in told(course, "perfect", "q1")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nobody", "q1"), "nobody handed nothing in"),
        (("perfect", "q9"), "no question q9"),
        (("../perfect", "q1"), "handed nothing in"),
    ],
)
def test_what_is_not_there_is_one_sentence(course: Path, arguments: tuple[str, str], said: str) -> None:
    code, output = run(course, *arguments)
    assert code == 2
    assert said in output
    assert output.count("\n") == 1


def test_nothing_of_the_student_s_is_run(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("a notebook was run")

    with (course / "nbgrader_config.py").open("a") as config:
        config.write("\nc.GradeFromEvidence.sandbox = True\n")
    monkeypatch.setattr(sandbox, "run_notebook", never)
    book = course / "submitted/unproved/spotify/spotify.ipynb"
    content = json.loads(book.read_text("utf-8"))
    cell = {"cell_type": "code", "id": "x", "metadata": {}, "source": "open('/tmp/x', 'w')", "outputs": []}
    content["cells"].insert(0, cell)
    book.write_text(json.dumps(content))
    assert "waits for a person" in told(course, "unproved", "q1")


@pytest.mark.parametrize("question", ["q1", "q2", "q2-explanation"])
def test_in_chinese(course: Path, question: str) -> None:
    page = told(course, "misread", question, language="zh")
    for word in ("What", "Nothing", "points", "gradebook"):
        assert word not in page


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(course: Path, browser: Any, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    for student, question in (("plain", "q1"), ("misread", "q2"), ("perfect", "q2-explanation")):
        path = course / f"{student}-{question}.html"
        assert run(course, student, question, "--html", str(path)) == (0, f"{path}\n")
        tab = browser.new_page(color_scheme=scheme)
        tab.goto(path.as_uri())
        violations = axe.run(tab).response["violations"]
        tab.close()
        assert [(found["id"], found["nodes"][0]["html"]) for found in violations] == []
