"""The written answers of a class, and every other text that waits for a person, as they stand in the graded notebooks.

Read are the autograded notebooks, which are what formgrader shows: cells put back to their places, text cleaned. So any
assignment that nbgrader has graded can be gathered, also one that the checker does not know.
"""

from __future__ import annotations

import hashlib
import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nbformat import NotebookNode

from checker.grading.answers import marks
from checker.grading.answers.marks import Mark, Place
from checker.grading.submission import Release, Submission, own_words, parsed
from checker.language import N_, translate
from checker.reading.archive import Refused

if TYPE_CHECKING:
    from checker.grading.course import Course
    from checker.grading.results import Answered, Graded
    from checker.questions import Rubric

_LETTERS = str.maketrans("0123456789abcdef", "ghijklmnopqrstuv")


def letters(value: object, count: int) -> str:
    """A digest of a value as so many letters."""
    whole = repr(value).encode("utf-8", "backslashreplace")
    return hashlib.sha256(whole).hexdigest()[:count].translate(_LETTERS)


@dataclass(frozen=True)
class Written:
    """One text that a person marks.

    Attributes:
        student, notebook, question: whose, in which notebook (without suffix), in the cell of which grade id.
        text: what was written; empty where the cell was left as it was handed out.
        mark: what the gradebook says of it.
        max_points: what the cell is worth.
        found: what the automatic part found, as sentences.
        elsewhere: what the learner wrote in cells where no answer is looked for.
    """

    student: str
    notebook: str
    question: str
    text: str
    mark: Mark
    max_points: float
    found: tuple[str, ...] = ()
    elsewhere: str = ""

    @property
    def place(self) -> Place:
        """Where its entry in the gradebook is."""
        return self.student, self.notebook, self.question

    @property
    def points(self) -> float | None:
        """The points that a person gave for this very text; None where nobody has."""
        return None if self.mark.waits else self.mark.manual

    @property
    def check(self) -> str:
        """A digest of place and text: letters only, which no spreadsheet takes for a number or a date."""
        return letters((*self.place, self.text, self.elsewhere), 16)

    @property
    def stamp(self) -> str:
        """A digest of the points that were given and one of the comment, to see later whether they were changed."""
        return letters(self.points, 8) + letters(self.mark.comment.strip(), 8)


@dataclass(frozen=True)
class Asked:
    """One question whose answers are read.

    Attributes:
        notebook, question: as in :class:`Written`.
        max_points: what it is worth.
        task: the question's own text, the Markdown cells before the answer, in the language in force.
        code: whether it is answered in code.
        rubric: how it is marked; None where the assignment declares none.
        answers: one for each student.
    """

    notebook: str
    question: str
    max_points: float
    task: str = ""
    code: bool = False
    rubric: Rubric | None = None
    answers: tuple[Written, ...] = ()


@dataclass(frozen=True)
class Gathered:
    """All texts of a class that a person reads.

    Attributes:
        assignment: its name.
        asked: the questions, in the order of the notebooks; those that were to be graded automatically come last.
        ungraded: students who handed something in that has not been graded, so that it cannot be gathered.
    """

    assignment: str
    asked: tuple[Asked, ...]
    ungraded: tuple[str, ...] = ()

    @property
    def answers(self) -> Iterator[Written]:
        """All answers, question by question."""
        return (answer for asked in self.asked for answer in asked.answers)

    def title(self, of: Asked | Written) -> str:
        """What a question is called: its grade id, with its notebook's name where the assignment has several."""
        several = len({asked.notebook for asked in self.asked}) > 1
        return f"{of.notebook}/{of.question}" if several else of.question


def gather(course: Course) -> Gathered:
    """Gather what a class wrote.

    Args:
        course: the course folder with the assignment.

    Raises:
        FileNotFoundError: nothing of the assignment has been graded yet.
        SQLAlchemyError: the gradebook cannot be used.
    """
    gradebook = marks.read(course)
    students = sorted({student for student, _, _ in gradebook})
    results = _results(course)
    ungraded = dict.fromkeys(student for student in course.students() if student not in set(students))
    releases = [Release.load(path) for path in course.release_notebooks()]
    places = [(release, question) for release in releases for question in _all(release)]
    places.sort(key=lambda place: place[1] in place[0].automatic)  # what only waits for want of evidence comes last
    asked = {(release.name, question): _asked(course, release, question) for release, question in places}
    found: dict[tuple[str, str], list[Written]] = {place: [] for place in asked}
    for student in students:
        try:
            graded = Submission.read(course.autograded, student, course.assignment)
        except (OSError, Refused):
            ungraded[student] = None
            continue
        for release in releases:
            notebook = parsed(graded.notebooks.get(f"{release.name}.ipynb", b"")).notebook
            if not notebook.cells:
                ungraded[student] = None
                continue
            for answer in _answers(student, notebook, release, gradebook, results.get(student)):
                found[answer.notebook, answer.question].append(answer)
    if not any(found.values()):
        raise FileNotFoundError(
            translate(
                N_("No graded answers of {assignment} are there to read: run `{command}` first."),
                assignment=course.assignment,
                command=f"python -m checker grade {course.assignment}",
            )
        )
    whole = tuple(replace(each, answers=tuple(found[place])) for place, each in asked.items() if found[place])
    return Gathered(course.assignment, whole, tuple(sorted(ungraded)))


def _all(release: Release) -> tuple[str, ...]:
    """Every cell of a notebook that is worth points, in order."""
    return tuple(name for name, cell in release.tracked.items() if _nbgrader(cell).get("grade") or _is_task(cell))


def _nbgrader(cell: NotebookNode) -> Mapping[str, object]:
    found: Mapping[str, object] = cell.metadata.get("nbgrader", {})
    return found


def _is_task(cell: NotebookNode) -> bool:
    return bool(_nbgrader(cell).get("task"))


def _asked(course: Course, release: Release, question: str) -> Asked:
    rubric = _rubrics(course.assignment).get(question)
    code = release.tracked[question].cell_type == "code"
    return Asked(release.name, question, release.points(question), _task(release, question), code, rubric)


def _rubrics(assignment: str) -> Mapping[str, Rubric]:
    from checker import assignments

    try:
        return assignments.find(assignment).rubrics
    except KeyError:  # a course's own assignment
        return {}


def _task(release: Release, question: str) -> str:
    """The Markdown between the cell before the answer and the answer, in the language in force where it is marked."""
    from checker.language import LANGUAGES, get_language

    if _is_task(release.tracked[question]):
        return str(release.tracked[question].source)
    texts: list[str] = []
    others = {f"lang-{language}" for language in LANGUAGES} - {f"lang-{get_language()}"}
    for cell in release.notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == question:
            return "\n\n".join(texts)
        if cell.cell_type != "markdown" or cell.metadata.get("nbgrader", {}).get("grade_id"):
            texts.clear()
        elif not others & set(cell.metadata.get("tags", ())):
            texts.append(cell.source)
    return ""


def _results(course: Course) -> dict[str, Graded]:
    """What the checker's own grading found, by student; nothing for an assignment that it did not grade."""
    from checker.grading.gradebook import Ledger

    with Ledger(course.db_url, course.course_id, course.assignment) as ledger:
        return {result.student: result for result in ledger.results()}


def _answers(
    student: str,
    notebook: NotebookNode,
    release: Release,
    gradebook: Mapping[Place, Mark],
    result: Graded | None,
) -> Iterator[Written]:
    cells = {str(_nbgrader(cell).get("grade_id")): cell for cell in notebook.cells if _nbgrader(cell)}
    words = [html.unescape(part) for part in own_words(notebook, release)]
    for name in _all(release):
        mark = gradebook.get((student, release.name, name))
        automatic = name in release.automatic
        if mark is None or (automatic and mark.automatic is not None):
            continue
        if automatic:
            text = "\n\n".join(cells[part].source for part in release.answers[name] if part in cells)
        elif _is_task(release.tracked[name]):
            text = _after(notebook, release, name)
        else:
            text = _typed(cells[name]) if name in cells else ""
            text = "" if text.strip() == _typed(release.tracked[name]).strip() else text
        written = Written(student, release.name, name, text.strip(), mark, release.points(name))
        pictures = sum(len(cell.get("attachments", {})) for part, cell in cells.items() if part == name)
        found = tuple(_found(written, release, gradebook, result, automatic, pictures))
        yield replace(written, found=found, elsewhere="" if automatic else _elsewhere(written.text, words))


def _typed(cell: NotebookNode) -> str:
    """A cell's text as it was typed: cleaning has written ``<script>`` as HTML shows it, and here no HTML is made."""
    return str(cell.source) if cell.cell_type == "code" else html.unescape(cell.source)


def _after(notebook: NotebookNode, release: Release, task: str) -> str:
    """What stands between a task and the next cell that was handed out."""
    texts: list[str] = []
    inside = False
    for cell in notebook.cells:
        if inside and (_nbgrader(cell) or cell.source.strip() in release.texts):
            break
        if inside and cell.source.strip():
            texts.append(_typed(cell))
        inside = inside or _nbgrader(cell).get("grade_id") == task
    return "\n\n".join(texts)


def _elsewhere(text: str, words: list[str]) -> str:
    """The words that the answer's own text does not already show."""
    shown = "".join(text.split())
    return "\n\n".join(part for part in words if "".join(part.split()) not in shown)


# --- what the automatic part found ------------------------------------------------------------------------------------


def _found(
    written: Written,
    release: Release,
    gradebook: Mapping[Place, Mark],
    result: Graded | None,
    automatic: bool,
    pictures: int,
) -> Iterator[str]:
    from checker.grading.class_report import reason

    answered = {} if result is None else result.questions
    if automatic:
        why = answered[written.question].reason if written.question in answered else ""
        yield reason(why) if why else translate(N_("It could not be graded automatically."))
    elif (related := _related(written.question, release)) is not None:
        yield from _said(
            related, answered.get(related), gradebook.get((written.student, release.name, related)), release
        )
    if pictures:
        yield translate(N_("Pictures in this answer: {count}. Look at it in formgrader."), count=pictures)
    if written.mark.waits and written.mark.manual is not None:
        yield translate(
            N_("The text changed after it was marked ({points} points then)."), points=f"{written.mark.manual:g}"
        )


def _related(question: str, release: Release) -> str | None:
    """The automatically graded question that a written answer belongs to: the one before it in the notebook."""
    before = None
    for name in release.tracked:
        if name == question:
            return before
        if name in release.automatic:
            before = name
    return None


def _said(question: str, answered: Answered | None, mark: Mark | None, release: Release) -> Iterator[str]:
    from checker.grading.class_report import headline, reason
    from checker.show import words

    points = None if mark is None else mark.automatic if mark.manual is None else mark.manual
    if points is not None:
        yield translate(
            N_("{question}: {points}."), question=question, points=words.points(points, release.points(question))
        )
    if answered is not None and answered.reason:
        yield f"{question}: {reason(answered.reason)}"
    elif answered is not None:
        yield from (headline(key) for key in answered.findings)
