"""nbgrader's gradebook, written in bulk by one writer, with a journal of what has been graded.

nbgrader's own API asks the database about every cell; a class of thousands needs a few statements for hundreds of
submissions. What is written is what ``nbgrader autograde`` writes: manual scores and comments are never touched. The
journal stands in the same database and is written in the same transaction, late penalties included, so that a grader
killed at any moment has either written a submission and knows it, or has not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Self
from uuid import uuid4

import sqlalchemy as sql
from nbgrader.api import (
    BaseCell,
    Comment,
    Grade,
    Gradebook,
    Notebook,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)

from checker.grading._logging import handlers_kept
from checker.grading.results import Graded

JOURNAL: Final = sql.Table(
    "checker_journal",
    sql.MetaData(),
    sql.Column("assignment", sql.String(128), primary_key=True),
    sql.Column("student", sql.String(128), primary_key=True),
    sql.Column("key", sql.String(64), nullable=False),
    sql.Column("result", sql.Text, nullable=False),
)
"""What has been graded: ``key`` is a digest of the submission, the checker and the options; ``result`` a Graded."""

Penalty = Callable[[str, float, float], float | None]
"""Points taken off a late notebook: of the student, the notebook's score, and the seconds by which it was late."""


class Ledger:
    """The gradebook of one assignment, open for one writer.

    Args:
        url: SQLAlchemy URL, as nbgrader takes it.
        course: nbgrader's course id.
        assignment: the assignment's name; it must be in the gradebook.
    """

    def __init__(self, url: str, course: str, assignment: str) -> None:
        with handlers_kept():  # alembic may configure logging
            self._gradebook = Gradebook(url, course)
        self._session = self._gradebook.db
        self.assignment = assignment
        entry = self._gradebook.find_assignment(assignment)
        self.id = entry.id
        self.notebooks = {notebook.name: notebook.id for notebook in entry.notebooks}
        self.cells = self._cells()
        JOURNAL.create(self._gradebook.engine, checkfirst=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._gradebook.close()

    def _cells(self) -> dict[tuple[str, str, str], str]:
        """Ids of the assignment's cells by notebook, kind and name."""
        query = sql.select(Notebook.name, BaseCell.type, BaseCell.name, BaseCell.id)
        rows = self._session.execute(query.join(Notebook).where(Notebook.assignment_id == self.id))
        return {(notebook, kind, name): cell for notebook, kind, name, cell in rows}

    def journal(self) -> dict[str, str]:
        """The key under which each student's submission was last graded."""
        query = sql.select(JOURNAL.c.student, JOURNAL.c.key).where(JOURNAL.c.assignment == self.assignment)
        return {row.student: row.key for row in self._session.execute(query)}

    def results(self) -> Iterable[Graded]:
        """Everything graded so far, one by one, in the order of the students' ids."""
        query = sql.select(JOURNAL.c.result).where(JOURNAL.c.assignment == self.assignment).order_by(JOURNAL.c.student)
        for (result,) in self._session.execute(query.execution_options(yield_per=500)):
            yield Graded.from_json(result)

    def questions(self) -> list[str]:
        """The names of the graded cells, in alphabetical order."""
        return sorted({name for _, kind, name in self.cells if kind in ("GradeCell", "TaskCell")})

    def max_score(self) -> float:
        """What the whole assignment is worth, written answers included."""
        return float(self._gradebook.find_assignment(self.assignment).max_score or 0.0)

    def waiting(self) -> dict[str, int]:
        """How many submissions wait for a person in each graded cell, by the cell's name."""
        here = BaseCell.notebook_id.in_(list(self.notebooks.values()))
        query = sql.select(BaseCell.name, sql.func.count()).join(Grade, Grade.cell_id == BaseCell.id)
        rows = self._session.execute(query.where(here, Grade.needs_manual_grade).group_by(BaseCell.name))
        return dict(map(tuple, rows))

    def final_scores(self) -> dict[str, float]:
        """Each student's score as it stands, with manual scores, extra credit and late penalties."""
        total = sql.select(SubmittedAssignment.student_id, SubmittedAssignment.score)
        rows = self._session.execute(total.where(SubmittedAssignment.assignment_id == self.id))
        return {student: float(score or 0.0) for student, score in rows}

    def write(self, results: Sequence[Graded], penalty: Penalty) -> None:
        """Enter some results, what being late costs, and the journal's lines for them, all or none.

        Args:
            results: at most some hundreds, each student once.
            penalty: what being late costs.
        """
        try:
            graded = [result for result in results if not result.failure]
            self._add_students([result.student for result in graded])
            submissions = self._submissions(graded)
            notebooks = self._submitted_notebooks(graded, submissions)
            self._write_grades(graded, notebooks)
            self._write_comments(graded, notebooks)
            self._write_penalties(graded, penalty)
            self._flag(graded, notebooks)
            self._write_journal(results)
            self._session.commit()
        except BaseException:
            self._session.rollback()
            raise

    def _existing(self, column: Any, condition: Any) -> set[Any]:
        return {value for (value,) in self._session.execute(sql.select(column).where(condition))}

    def _add_students(self, students: Sequence[str]) -> None:
        known = self._existing(Student.id, Student.id.in_(students))
        self._insert(Student, [{"id": student} for student in students if student not in known])

    def _submissions(self, graded: Sequence[Graded]) -> dict[str, str]:
        """The submissions' ids by student, new ones added, their time of handing in noted."""
        students = [result.student for result in graded]
        query = sql.select(SubmittedAssignment.student_id, SubmittedAssignment.id).where(
            SubmittedAssignment.assignment_id == self.id, SubmittedAssignment.student_id.in_(students)
        )
        ids = {row.student_id: row.id for row in self._session.execute(query)}
        known = [result for result in graded if result.student in ids and result.timestamp]
        new = [result for result in graded if result.student not in ids]
        ids.update({result.student: uuid4().hex for result in new})
        self._insert(
            SubmittedAssignment,
            [
                {
                    "id": ids[result.student],
                    "assignment_id": self.id,
                    "student_id": result.student,
                    "timestamp": _time(result.timestamp),
                }
                for result in new
            ],
        )
        self._update(
            SubmittedAssignment,
            ("id",),
            [{"b_id": ids[result.student], "timestamp": _time(result.timestamp)} for result in known],
        )
        return ids

    def _submitted_notebooks(
        self, graded: Sequence[Graded], submissions: Mapping[str, str]
    ) -> dict[tuple[str, str], str]:
        """The submitted notebooks' ids by student and notebook."""
        wanted = {submissions[result.student]: result.student for result in graded}
        query = sql.select(SubmittedNotebook.assignment_id, Notebook.name, SubmittedNotebook.id)
        query = query.join(Notebook).where(SubmittedNotebook.assignment_id.in_(list(wanted)))
        ids = {(wanted[submission], name): notebook for submission, name, notebook in self._session.execute(query)}
        new = []
        for student in wanted.values():
            for name, notebook in self.notebooks.items():
                if (student, name) not in ids:
                    ids[student, name] = uuid4().hex
                    new.append(
                        {
                            "id": ids[student, name],
                            "notebook_id": notebook,
                            "assignment_id": submissions[student],
                            "flagged": False,
                        }
                    )
        self._insert(SubmittedNotebook, new)
        return ids

    def _write_grades(self, graded: Sequence[Graded], notebooks: Mapping[tuple[str, str], str]) -> None:
        kept = self._rows(Grade, Grade.manual_score, notebooks.values())
        new: list[_Row] = []
        changed: list[_Row] = []
        for result in graded:
            for (notebook, kind, name), cell in self.cells.items():
                if kind not in ("GradeCell", "TaskCell"):
                    continue
                place = notebooks[result.student, notebook], cell
                score = result.grades.get(notebook, {}).get(name)
                waits = score is None or kept.get(place) is not None
                values = {"auto_score": score, "needs_manual_grade": waits}
                (changed if place in kept else new).append((place, values))
        self._upsert(Grade, new, changed)

    def _write_comments(self, graded: Sequence[Graded], notebooks: Mapping[tuple[str, str], str]) -> None:
        kept = self._rows(Comment, Comment.manual_comment, notebooks.values())
        new: list[_Row] = []
        changed: list[_Row] = []
        for result in graded:
            for (notebook, kind, name), cell in self.cells.items():
                if kind not in ("SolutionCell", "TaskCell"):
                    continue
                place = notebooks[result.student, notebook], cell
                values = {"auto_comment": result.comments.get(notebook, {}).get(name)}
                (changed if place in kept else new).append((place, values))
        self._upsert(Comment, new, changed)

    def _write_penalties(self, graded: Sequence[Graded], penalty: Penalty) -> None:
        """What being late costs those who were; nothing, also where it once did, for the others."""
        query = sql.select(SubmittedNotebook.id, SubmittedNotebook.score, SubmittedAssignment).join(
            SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id
        )
        query = query.where(
            SubmittedAssignment.assignment_id == self.id,
            SubmittedAssignment.student_id.in_([result.student for result in graded]),
        )
        rows = []
        for notebook, score, submission in self._session.execute(query.execution_options(populate_existing=True)).all():
            late = submission.total_seconds_late
            cost = penalty(submission.student_id, score, late) if late > 0 else None
            rows.append({"b_id": notebook, "late_submission_penalty": cost})
        self._update(SubmittedNotebook, ("id",), rows)

    def _flag(self, graded: Sequence[Graded], notebooks: Mapping[tuple[str, str], str]) -> None:
        """Flag what a person should look at, as formgrader shows it; a teacher's own flags stay."""
        flagged = {result.student for result in graded if result.attention}
        rows = [{"b_id": place, "flagged": True} for (student, _), place in notebooks.items() if student in flagged]
        self._update(SubmittedNotebook, ("id",), rows)

    def _rows(self, table: Any, column: Any, notebooks: Iterable[str]) -> dict[tuple[str, str], Any]:
        """What these notebooks' rows hold in one column, by notebook and cell."""
        query = sql.select(table.notebook_id, table.cell_id, column).where(table.notebook_id.in_(list(notebooks)))
        return {(notebook, cell): value for notebook, cell, value in self._session.execute(query)}

    def _upsert(self, table: Any, new: list[_Row], changed: list[_Row]) -> None:
        self._insert(
            table,
            [
                {"id": uuid4().hex, "notebook_id": notebook, "cell_id": cell, **values}
                for (notebook, cell), values in new
            ],
        )
        rows = [{"b_notebook_id": notebook, "b_cell_id": cell, **values} for (notebook, cell), values in changed]
        self._update(table, ("notebook_id", "cell_id"), rows)

    def _insert(self, table: Any, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._session.execute(sql.insert(table.__table__), rows)

    def _update(self, table: Any, keys: Sequence[str], rows: list[dict[str, Any]]) -> None:
        """Update rows by key; the keys' values are named with ``b_`` in front."""
        if rows:
            columns = table.__table__.c
            change = sql.update(table.__table__).where(*(columns[key] == sql.bindparam(f"b_{key}") for key in keys))
            values: dict[str, Any] = {name: sql.bindparam(name) for name in rows[0] if not name.startswith("b_")}
            self._session.connection().execute(change.values(values), rows)

    def _write_journal(self, results: Sequence[Graded]) -> None:
        students = [result.student for result in results]
        mine = JOURNAL.c.assignment == self.assignment
        self._session.execute(sql.delete(JOURNAL).where(mine, JOURNAL.c.student.in_(students)))
        rows = [
            {
                "assignment": self.assignment,
                "student": result.student,
                "key": result.key,
                "result": result.to_json(),
            }
            for result in results
        ]
        if rows:
            self._session.execute(sql.insert(JOURNAL), rows)


_Row = tuple[tuple[str, str], dict[str, Any]]
"""A row's notebook and cell, and its values."""


def _time(text: str) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=None) if text else None
