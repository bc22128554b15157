"""Written answers, read in groups: gathered, grouped, put on a page and into a spreadsheet, and marked from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from checker import _files
from checker.grading.course import Course
from checker.language import N_, translate

__all__ = ["Exported", "export"]


@dataclass(frozen=True)
class Exported:
    """What an export wrote.

    Attributes:
        page, table: the page to read and the spreadsheet to mark in.
        answers, groups, waiting: how many answers, in how many groups, and how many of them wait for a person.
        ungraded: students whose work has not been graded yet.
    """

    page: Path
    table: Path
    answers: int
    groups: int
    waiting: int
    ungraded: tuple[str, ...] = ()

    def summary(self) -> str:
        """The outcome in a few lines."""
        lines = [
            translate(
                N_("{answers} answers in {groups} groups, {waiting} wait for you.\nRead: {page}\nMark: {table}"),
                **{name: getattr(self, name) for name in ("answers", "groups", "waiting", "page", "table")},
            )
        ]
        if self.ungraded:
            template = N_("Not graded yet, so left out: {students}.")
            lines.append(translate(template, students=", ".join(self.ungraded)))
        return "\n".join(lines)


def export(course: Course, *, decimal_comma: bool = False) -> Exported:
    """Write the page and the spreadsheet of a class's answers into the course's folder ``grades``.

    Args:
        course: the course folder with the assignment.
        decimal_comma: as in ``table.write``.

    Raises:
        FileNotFoundError: nothing of the assignment has been graded.
        OSError: the files cannot be written.
        SQLAlchemyError: the gradebook cannot be used.
    """
    from checker.grading.answers import page, table
    from checker.grading.answers.gather import gather
    from checker.grading.answers.sorted_answers import sort

    gathered = gather(course)
    questions = sort(gathered)
    folder = course.root / "grades"
    folder.mkdir(exist_ok=True)
    to_read, to_mark = (folder / f"{course.assignment}-answers.{suffix}" for suffix in ("html", "csv"))
    _files.replace(to_mark, table.write(questions, decimal_comma))
    _files.replace(to_read, page.render(gathered, questions, to_mark.name))
    return Exported(
        to_read,
        to_mark,
        sum(len(question.asked.answers) for question in questions),
        sum(len(question.groups) for question in questions),
        sum(question.waiting for question in questions),
        gathered.ungraded,
    )
