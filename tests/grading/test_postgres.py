"""A gradebook on a PostgreSQL server holds what one in a file does."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import classroom
import postgres
import pytest
from nbgrader.api import Gradebook

from checker.grading import batch
from checker.grading.answers import export
from checker.grading.answers.take_back import take_back
from checker.grading.batch import grade_class
from checker.grading.course import Course

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as folder, postgres.server(Path(folder)) as url:
        yield url


def scores(url: str) -> dict[tuple[str, str], Any]:
    """What nbgrader's own API reads, cell by cell."""
    with Gradebook(url) as gradebook:
        return {
            (submission.student_id, grade.name): (grade.auto_score, grade.manual_score, grade.needs_manual_grade)
            for submission in gradebook.assignment_submissions("spotify")
            for notebook in submission.notebooks
            for grade in notebook.grades
        }


def test_a_class_is_graded_and_marked_in_it_as_in_a_file(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "_executor", lambda _jobs, _scheduler: ThreadPoolExecutor(1))
    course = classroom.course(tmp_path / "course")
    for seed, name in enumerate(("perfect", "misread", "nothing")):
        classroom.hand_in(course, f"学生-{name}", classroom.ARCHETYPES[name], seed=seed)
    file = f"sqlite:///{course}/gradebook.db"
    for url in (file, address):
        first = grade_class(course, "spotify", database=url, progress=False)
        assert (first.graded, first.failed) == (3, 0)
        assert grade_class(course, "spotify", database=url, progress=False).unchanged == 3
    assert scores(address) == scores(file) != {}

    place = Course.load(course, "spotify", address)
    with export(place).table.open(encoding="utf-8-sig", newline="") as table:
        rows = list(csv.DictReader(table))
    rows[0].update({"points": "1.5", "comment": "写得好 ☺"})
    marked = course / "marked.csv"
    with marked.open("w", encoding="utf-8-sig", newline="") as table:
        writer = csv.DictWriter(table, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert len(take_back(place, marked.read_bytes()).changes) >= 1
    assert take_back(place, marked.read_bytes()).changes == ()
    student, question = rows[0]["student"], rows[0]["question"]
    assert scores(address)[student, question] == (None, 1.5, False)
    with Gradebook(address) as gradebook:
        assert gradebook.find_comment(question, "spotify", "spotify", student).manual_comment == "写得好 ☺"
    grade_class(course, "spotify", database=address, rerun=False, progress=False)
    assert scores(address)[student, question] == (None, 1.5, False)
