"""What the gradebook says of the cells that a person marks, and the marks that a person gives, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import sqlalchemy as sql
from nbgrader.api import BaseCell, Comment, Grade, Gradebook, Notebook, SubmittedAssignment, SubmittedNotebook

from checker.grading._logging import handlers_kept

if TYPE_CHECKING:
    from checker.grading.course import Course

Place: TypeAlias = tuple[str, str, str]
"""Student, notebook and grade id."""

GRADED: Final = ("GradeCell", "TaskCell")


@dataclass(frozen=True)
class Mark:
    """One cell's entry in the gradebook.

    Attributes:
        automatic: the automatic points; None where there are none.
        manual: what a person gave; None where nobody has.
        waits: whether it waits for a person.
        comment: what a person wrote.
    """

    automatic: float | None = None
    manual: float | None = None
    waits: bool = True
    comment: str = ""


@dataclass(frozen=True)
class Change:
    """One entry that a person changes.

    Attributes:
        place: which.
        before: what the gradebook said.
        points, comment: what it says from now on; None leaves that part as it is.
    """

    place: Place
    before: Mark
    points: float | None = None
    comment: str | None = None


IMPORTED: Final = sql.Table(
    "checker_imported",
    sql.MetaData(),
    sql.Column("assignment", sql.String(128), primary_key=True),
    sql.Column("student", sql.String(128), primary_key=True),
    sql.Column("notebook", sql.String(128), primary_key=True),
    sql.Column("cell", sql.String(128), primary_key=True),
    sql.Column("points", sql.Float),
    sql.Column("comment", sql.Text),
)
"""What came last from a spreadsheet, to tell it from what a person entered elsewhere since."""


def imported(course: Course) -> dict[Place, tuple[float | None, str | None]]:
    """Points and comments that came last from a spreadsheet; None where none ever did.

    Raises:
        SQLAlchemyError: the gradebook cannot be used.
    """
    with _open(course) as gradebook:
        if not sql.inspect(gradebook.engine).has_table(IMPORTED.name):
            return {}
        rows = gradebook.db.execute(sql.select(IMPORTED).where(IMPORTED.c.assignment == course.assignment))
        return {(row.student, row.notebook, row.cell): (row.points, row.comment) for row in rows}


def read(course: Course) -> dict[Place, Mark]:
    """All graded cells' entries of an assignment.

    Raises:
        SQLAlchemyError: the gradebook cannot be used.
    """
    with _open(course) as gradebook:
        assignment = gradebook.find_assignment(course.assignment).id
        grades = _rows(gradebook, assignment, Grade, Grade.auto_score, Grade.manual_score, Grade.needs_manual_grade)
        comments = _rows(gradebook, assignment, Comment, Comment.manual_comment)
        said = {tuple(row[:3]): row[4] or "" for row in comments}
        return {
            (student, notebook, cell): Mark(automatic, manual, bool(waits), said.get((student, notebook, cell), ""))
            for student, notebook, cell, kind, automatic, manual, waits in grades
            if kind in GRADED
        }


def enter(course: Course, changes: Sequence[Change]) -> None:
    """Write a person's marks as formgrader does, all or none.

    Raises:
        SQLAlchemyError: the gradebook cannot be used; nothing was written.
    """
    points = {change.place: change.points for change in changes if change.points is not None}
    words = {change.place: change.comment for change in changes if change.comment is not None}
    with _open(course) as gradebook:
        IMPORTED.create(gradebook.engine, checkfirst=True)
        session = gradebook.db
        assignment = gradebook.find_assignment(course.assignment).id
        try:
            for place, kind, grade in _objects(gradebook, assignment, Grade, points):
                if kind in GRADED:
                    grade.manual_score, grade.needs_manual_grade = points[place], False
            for place, _, comment in _objects(gradebook, assignment, Comment, words):
                comment.manual_comment = words[place]
            _note(session, course.assignment, changes)
            session.commit()
        except BaseException:
            session.rollback()
            raise


def _note(session: Any, assignment: str, changes: Sequence[Change]) -> None:
    """Remember what comes from a spreadsheet; a part that does not change keeps what was remembered of it."""
    mine = IMPORTED.c.assignment == assignment
    rows = session.execute(sql.select(IMPORTED).where(mine))
    known = {(row.student, row.notebook, row.cell): (row.points, row.comment) for row in rows}
    noted = []
    for change in changes:
        points, comment = known.get(change.place, (None, None))
        student, notebook, cell = change.place
        here = (IMPORTED.c.student == student) & (IMPORTED.c.notebook == notebook) & (IMPORTED.c.cell == cell)
        if change.place in known:
            session.execute(sql.delete(IMPORTED).where(mine & here))
        values = {"points": points if change.points is None else change.points}
        values |= {"comment": comment if change.comment is None else change.comment}
        noted.append({"assignment": assignment, "student": student, "notebook": notebook, "cell": cell, **values})
    if noted:
        session.execute(sql.insert(IMPORTED), noted)


def _open(course: Course) -> Gradebook:
    with handlers_kept():  # alembic may configure logging
        return Gradebook(course.db_url, course.course_id)


def _rows(gradebook: Gradebook, assignment: str, table: Any, *columns: Any) -> Sequence[Any]:
    """Student, notebook, cell, the cell's kind, and columns of a table, of all submissions of an assignment."""
    query = (
        sql.select(SubmittedAssignment.student_id, Notebook.name, BaseCell.name, BaseCell.type, *columns)
        .select_from(table)
        .join(SubmittedNotebook, SubmittedNotebook.id == table.notebook_id)
        .join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id)
        .join(Notebook, Notebook.id == SubmittedNotebook.notebook_id)
        .join(BaseCell, BaseCell.id == table.cell_id)
        .where(SubmittedAssignment.assignment_id == assignment)
    )
    rows: Sequence[Any] = gradebook.db.execute(query).all()
    return rows


def _objects(
    gradebook: Gradebook, assignment: str, table: Any, wanted: Mapping[Place, object]
) -> list[tuple[Place, str, Any]]:
    rows = _rows(gradebook, assignment, table, table)
    return [((row[0], row[1], row[2]), row[3], row[4]) for row in rows if (row[0], row[1], row[2]) in wanted]
