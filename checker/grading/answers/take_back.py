"""Marks and comments from the spreadsheet into the gradebook: all is checked first, then all is written or nothing.

What a person wrote in a group's first row holds for the group; what stands in a row itself wins. Nothing else gets a
mark: a row that is empty, in a group whose first row is empty, stays as it is. What a person entered in formgrader
after the export is newer than the file and stays, unless the file is to win.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from checker.grading.answers import marks, table
from checker.grading.answers.gather import Gathered, Written, gather, letters
from checker.grading.answers.marks import Change, Place
from checker.grading.answers.table import Row
from checker.language import N_, translate

if TYPE_CHECKING:
    from checker.grading.course import Course

MOST_ERRORS = 20
"""Errors that are listed; the rest are counted."""


class CannotTakeBack(ValueError):
    """The file holds errors, all of which the message lists; nothing was changed."""


@dataclass(frozen=True)
class TakenBack:
    """What an import did.

    Attributes:
        changes: what was changed, in the order of the file.
        same: rows whose mark and comment the gradebook had already.
        unmarked: rows without a mark.
        kept: what the file would have changed, had it not been entered in the gradebook after the export.
        written: whether the gradebook was changed; it is not when only tried.
    """

    changes: tuple[Change, ...]
    same: int
    unmarked: int
    kept: tuple[Change, ...] = ()
    written: bool = True

    def summary(self) -> str:
        """What was changed, line by line, and the counts."""
        lines = [_told(change) for change in self.changes]
        if self.kept:
            message = N_("Kept, since it was entered in the gradebook after the export; {option} takes the file's:")
            lines.append(translate(message, option="--overwrite"))
            lines += [f"  {_told(change)}" for change in self.kept]
        counts = translate(
            N_("{changed} changed, {same} as they were, {unmarked} without a mark."),
            changed=len(self.changes),
            same=self.same,
            unmarked=self.unmarked,
        )
        tried = [] if self.written else [translate(N_("Only tried: the gradebook is as it was."))]
        return "\n".join([*lines, counts, *tried])


def take_back(course: Course, content: bytes, *, only_try: bool = False, overwrite: bool = False) -> TakenBack:
    """Write the marks and comments of a spreadsheet into the gradebook, in one transaction.

    Args:
        course: the course folder with the assignment.
        content: the file, as a spreadsheet saved it.
        only_try: say what would be changed, and change nothing.
        overwrite: let the file win also where the gradebook holds what was entered after the export.

    Raises:
        CannotTakeBack: the file holds an error.
        FileNotFoundError: nothing of the assignment has been graded.
        SQLAlchemyError: the gradebook cannot be used; nothing was changed.
    """
    gathered = gather(course)
    try:
        rows = table.read(content, [answer.text for answer in gathered.answers])
    except table.CannotRead as error:
        raise CannotTakeBack(str(error)) from error
    found = dict(zip((row.line for row in rows), _matched(rows, gathered), strict=True))
    leaders = _leaders(rows)
    errors = [*_wrong(rows, found, leaders)]
    if errors:
        raise CannotTakeBack(_listed(errors))
    wanted = [
        (_change(row, answer, leaders), row, answer) for row in rows if isinstance(answer := found[row.line], Written)
    ]
    ours = {} if overwrite else marks.imported(course)
    newer = [None if overwrite else _newer(*each, ours) for each in wanted]
    parted = [_parted(change, kept) for (change, _, _), kept in zip(wanted, newer, strict=True)]
    changes, kept = (tuple(filter(_says, part)) for part in zip(*parted, strict=True)) if parted else ((), ())
    unmarked = sum(1 for row in rows if not _said("points", row, leaders))
    silent = sum(1 for row in rows if not _said("points", row, leaders) and not _said("comment", row, leaders))
    if changes and not only_try:
        marks.enter(course, changes)
    touched = {change.place for change in (*changes, *kept)}
    return TakenBack(changes, len(rows) - silent - len(touched), unmarked, kept, not only_try)


# --- which answer a row is --------------------------------------------------------------------------------------------


def _matched(rows: Sequence[Row], gathered: Gathered) -> Iterator[Written | str]:
    """For each row its answer, or what is wrong with it."""
    titles = {answer.place: gathered.title(answer) for answer in gathered.answers}
    by_check = {answer.check: answer for answer in gathered.answers}
    by_place = {(answer.student, titles[answer.place]): answer for answer in gathered.answers}
    students = {answer.student for answer in gathered.answers}
    questions = {question for _, question in by_place}
    seen: dict[tuple[str, str, str], int] = {}
    for row in rows:
        answer = by_check.get(row.check)
        if answer is not None and _is_of(row, answer, titles[answer.place]):
            if answer.place in seen:
                yield translate(N_("the same answer stands in row {line} already"), line=seen[answer.place])
            else:
                seen[answer.place] = row.line
                yield answer
        else:
            yield _mismatch(row, students, questions, by_place, answer)


def _is_of(row: Row, answer: Written, title: str) -> bool:
    return row.question == title and table.same_id(row.student, answer.student)


def _mismatch(
    row: Row,
    students: set[str],
    questions: set[str],
    by_place: Mapping[tuple[str, str], Written],
    answer: Written | None,
) -> str:
    student = next((each for each in students if table.same_id(row.student, each)), None)
    if student is None:
        return translate(N_("there is no student {student} with this assignment"), student=row.student)
    if row.question not in questions:
        return translate(N_("there is no question {question}"), question=row.question)
    if answer is not None:
        return translate(N_("the last column belongs to another row: were some of the columns sorted alone?"))
    if (student, row.question) not in by_place:
        return translate(N_("nothing of {student} waits in {question}"), student=student, question=row.question)
    return translate(N_("the text of {student} has changed since the export: export anew"), student=student)


# --- what a row says --------------------------------------------------------------------------------------------------


def _leaders(rows: Iterable[Row]) -> dict[str, Row]:
    """The first row of each group that still has one."""
    leaders: dict[str, Row] = {}
    for row in rows:
        if row.leads and row.group:
            leaders.setdefault(row.group, row)
    return leaders


def _said(column: str, row: Row, leaders: Mapping[str, Row]) -> str:
    """What holds for a row: its own word, else that of its group's first row; empty where neither says anything."""
    leader = leaders.get(row.group)
    return str(getattr(row, column) or (getattr(leader, column) if leader is not None else ""))


def _wrong(
    rows: Sequence[Row], found: Mapping[int, Written | str], leaders: Mapping[str, Row]
) -> Iterator[tuple[int, str]]:
    """What is wrong, by row."""
    for row in rows:
        answer, leader = found[row.line], leaders.get(row.group)
        if isinstance(answer, str):
            yield row.line, answer
            continue
        if row.leads and leader is not row:
            yield row.line, translate(N_("the group {group} has two first rows"), group=row.group)
        if leader is not None and leader.question != row.question:
            yield row.line, translate(N_("the group {group} holds answers to other questions"), group=row.group)
        value = table.points(row.points) if row.points else 0.0
        if value is None:
            yield row.line, translate(N_("{text} is no number of points"), text=row.points)
        elif value > answer.max_points:
            message = N_("{points} points are more than the {most} that {question} is worth")
            names = {"points": f"{value:g}", "most": f"{answer.max_points:g}", "question": row.question}
            yield row.line, translate(message, **names)


def _change(row: Row, answer: Written, leaders: Mapping[str, Row]) -> Change:
    said, comment = _said("points", row, leaders), _said("comment", row, leaders)
    points = table.points(said) if said else None
    same = points is None or (not answer.mark.waits and answer.mark.manual == points)
    return Change(
        answer.place,
        answer.mark,
        None if same else points,
        None if not comment or comment == answer.mark.comment.strip() else comment,
    )


def _newer(
    change: Change, row: Row, answer: Written, imported: Mapping[Place, tuple[float | None, str | None]]
) -> tuple[bool, bool]:
    """Whether points and comment in the gradebook were entered by a person after the export, and not by an import."""
    points, comment = imported.get(answer.place, (None, None))
    said = answer.mark.comment.strip()
    return (
        answer.points is not None and answer.points != points and letters(answer.points, 8) != row.stamp[:8],
        bool(said) and said != (comment or "").strip() and letters(said, 8) != row.stamp[8:],
    )


def _parted(change: Change, newer: tuple[bool, bool] | None) -> tuple[Change, Change]:
    """What of a change is made, and what is not since the gradebook's is newer."""
    points, comment = newer or (False, False)
    made = replace(change, points=None if points else change.points, comment=None if comment else change.comment)
    kept = replace(change, points=change.points if points else None, comment=change.comment if comment else None)
    return made, kept


def _says(change: Change) -> bool:
    return change.points is not None or change.comment is not None


# --- words ------------------------------------------------------------------------------------------------------------


def _listed(errors: Sequence[tuple[int, str]]) -> str:
    lines = [
        translate(N_("row {line}: {problem}"), line=line, problem=problem) for line, problem in errors[:MOST_ERRORS]
    ]
    more = len(errors) - MOST_ERRORS
    rest = [translate(N_("and {count} more"), count=more)] if more > 0 else []
    return "\n".join([translate(N_("Nothing was changed; the file has errors:")), *lines, *rest])


def _told(change: Change) -> str:
    student, _, question = change.place
    said = []
    if change.points is not None:
        before = "–" if change.before.manual is None else f"{change.before.manual:g}"
        said.append(translate(N_("points {before} → {after}"), before=before, after=f"{change.points:g}"))
    if change.comment is not None:
        template = N_("comment replaced") if change.before.comment else N_("comment added")
        said.append(translate(template))
    return f"{student}, {question}: {', '.join(said)}"
