"""The gradebook as CSV files that Canvas and Moodle import as they are.

``nbgrader export --exporter=checker.grading.export.Canvas --to=canvas.csv``, or ``Moodle``; ``--assignment`` and
``--student`` choose, as with nbgrader's own exporter.

Column layouts: Canvas, "How do I import grades in the Gradebook?" and the file that its own export writes (Student, ID,
SIS User ID, SIS Login ID, Section, one column an assignment, and a row "Points Possible"); Moodle, "Grade import", and
the file that its own export writes (First name, Last name, ID number, Email address, one column a grade item).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from nbgrader.api import Assignment, Gradebook, MissingEntry, Student
from nbgrader.plugins import ExportPlugin

from checker import _files


class _Table(ExportPlugin):  # type: ignore[misc]
    """Writes one row a student and one column an assignment; subclasses name the columns."""

    file = ""

    def export(self, gradebook: Gradebook) -> None:
        """Write the file.

        Args:
            gradebook: nbgrader's gradebook.
        """
        path = Path(self.to or self.file)
        self.log.info("Exporting grades to %s", path)
        assignments = [found for found in gradebook.assignments if not self.assignment or found.name in self.assignment]
        students = [found for found in gradebook.students if not self.student or found.id in map(str, self.student)]
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(map(_files.defused, row) for row in self.rows(gradebook, assignments, students))

    def rows(
        self, gradebook: Gradebook, assignments: list[Assignment], students: list[Student]
    ) -> Iterator[Iterable[Any]]:
        """The header and a row for each student."""
        raise NotImplementedError


class Canvas(_Table):
    """The CSV file that Canvas' gradebook imports.

    nbgrader's student id goes to "SIS User ID" and "SIS Login ID", by which Canvas finds the student; its own number,
    "ID", stays empty. A column's title is the assignment's name: Canvas asks whether it is a new or an existing one.
    """

    file = "canvas.csv"

    def rows(
        self, gradebook: Gradebook, assignments: list[Assignment], students: list[Student]
    ) -> Iterator[Iterable[Any]]:
        yield "Student", "ID", "SIS User ID", "SIS Login ID", "Section", *(found.name for found in assignments)
        yield "    Points Possible", "", "", "", "", *(_number(found.max_score) for found in assignments)
        for student in students:
            name = ", ".join(part for part in (student.last_name, student.first_name) if part) or student.id
            scores = (score(gradebook, found, student) for found in assignments)
            yield name, "", student.id, student.id, "", *scores


class Moodle(_Table):
    """The CSV file that Moodle's grade import reads.

    "Map from" is "Email address" or, where nbgrader's students have none, "ID number"; an assignment is one grade item.
    """

    file = "moodle.csv"

    def rows(
        self, gradebook: Gradebook, assignments: list[Assignment], students: list[Student]
    ) -> Iterator[Iterable[Any]]:
        titles = (f"{found.name} (Real)" for found in assignments)
        yield "First name", "Last name", "ID number", "Email address", *titles
        for student in students:
            scores = (score(gradebook, found, student) for found in assignments)
            yield student.first_name or "", student.last_name or "", student.id, student.email or "", *scores


def score(gradebook: Gradebook, assignment: Assignment, student: Student) -> str:
    """The score less the late penalty; empty without a submission, which leaves the platform's own entry alone."""
    try:
        submission = gradebook.find_submission(assignment.name, student.id)
    except MissingEntry:
        return ""
    return _number(max(0.0, submission.score - submission.late_submission_penalty))


def _number(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".")
