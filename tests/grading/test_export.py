"""Grades as CSV files that Canvas and Moodle import."""

from __future__ import annotations

import csv
import logging
from datetime import datetime
from pathlib import Path
from typing import Any

import classroom
import pytest
from nbgrader.api import Gradebook

from checker.grading.export import Canvas, Moodle

STUDENTS: dict[str, dict[str, str]] = {
    "ada": {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.org"},
    "bo": {"first_name": "=HYPERLINK(1)", "last_name": '@SUM, "x"', "email": "+1@example.org"},
    "王芳": {"first_name": "芳", "last_name": "王"},
    "unnamed": {},
}


@pytest.fixture
def gradebook(tmp_path: Path) -> Any:
    """Two assignments; Ada handed in both, one of them late, Bo one, the others none."""
    with Gradebook(f"sqlite:///{classroom.empty_gradebook(tmp_path / 'gradebook.db')}") as made:
        for name, points in (("spotify", 12.0), ("challenge", 6.0)):
            made.add_assignment(name, duedate=datetime(2026, 1, 1))
            made.add_notebook(name, name)
            made.add_grade_cell("q1", name, name, max_score=points, cell_type="code")
        for student, details in STUDENTS.items():
            made.add_student(student, **details)
        for name, student, score, penalty in (
            ("spotify", "ada", 10.5, 0.0),
            ("challenge", "ada", 4.0, 1.0),
            ("spotify", "bo", 0.0, 0.0),
        ):
            made.add_submission(name, student)
            made.find_grade("q1", name, name, student).auto_score = score
            made.find_submission_notebook(name, name, student).late_submission_penalty = penalty
        made.db.commit()
        yield made


def _exported(plugin: Any, gradebook: Gradebook, path: Path, **settings: Any) -> list[list[str]]:
    plugin(to=str(path), log=logging.getLogger("test"), **settings).export(gradebook)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_canvas_columns_points_and_scores(gradebook: Gradebook, tmp_path: Path) -> None:
    header, possible, *rows = _exported(Canvas, gradebook, tmp_path / "canvas.csv")
    assert header == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "challenge", "spotify"]
    assert [cell.strip() for cell in possible] == ["Points Possible", "", "", "", "", "6", "12"]
    by_student = {row[2]: row for row in rows}
    assert by_student["ada"] == ["Lovelace, Ada", "", "ada", "ada", "", "3", "10.5"]
    assert by_student["王芳"] == ["王, 芳", "", "王芳", "王芳", "", "", ""]
    assert by_student["unnamed"][0] == "unnamed"


def test_moodle_columns_and_scores(gradebook: Gradebook, tmp_path: Path) -> None:
    header, *rows = _exported(Moodle, gradebook, tmp_path / "moodle.csv")
    assert header == ["First name", "Last name", "ID number", "Email address", "challenge (Real)", "spotify (Real)"]
    assert ["Ada", "Lovelace", "ada", "ada@example.org", "3", "10.5"] in rows
    assert ["", "", "unnamed", "", "", ""] in rows


def test_a_zero_is_a_grade_and_no_submission_is_none(gradebook: Gradebook, tmp_path: Path) -> None:
    rows = {row[2]: row for row in _exported(Canvas, gradebook, tmp_path / "canvas.csv")[2:]}
    assert rows["bo"][6] == "0"
    assert rows["unnamed"][6] == ""


@pytest.mark.parametrize("plugin", [Canvas, Moodle])
def test_no_cell_is_a_formula(plugin: Any, gradebook: Gradebook, tmp_path: Path) -> None:
    cells = [cell for row in _exported(plugin, gradebook, tmp_path / "grades.csv") for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert any("HYPERLINK" in cell for cell in cells)


@pytest.mark.parametrize("plugin", [Canvas, Moodle])
def test_one_assignment_and_one_student_can_be_chosen(plugin: Any, gradebook: Gradebook, tmp_path: Path) -> None:
    table = _exported(plugin, gradebook, tmp_path / "grades.csv", assignment=["spotify"], student=["ada"])
    assert table[0][-1].startswith("spotify")
    assert not any(title.startswith("challenge") for title in table[0])
    assert table[-1][-1] == "10.5"
    assert not any("bo" in row for row in table)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Canvas", "Moodle"])
def test_nbgraders_command_takes_them(name: str, gradebook: Gradebook, tmp_path: Path) -> None:
    import subprocess
    import sys

    option = f"--exporter=checker.grading.export.{name}"
    command = [sys.executable, "-m", "nbgrader", "export", option, "--to=out.csv"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "out.csv").read_text("utf-8").count("10.5") == 1
