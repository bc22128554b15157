"""What the class did, for the instructor: grades as CSV, and a page that says what to teach again tomorrow."""

from __future__ import annotations

import csv
import json
import os
import shlex
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote

from checker import _files
from checker.grading.likeness import alike
from checker.grading.names import readable
from checker.grading.results import Answered
from checker.language import N_, get_language, translate
from checker.report import Finding
from checker.report.messages import MESSAGES
from checker.report.report import TEXTS
from checker.show.words import visible

if TYPE_CHECKING:
    from checker.grading.course import Course
    from checker.grading.gradebook import Ledger
    from checker.grading.marking import Mark
    from checker.grading.results import Graded

BARS: Final = 10

MOST_COMMON: Final = 3
"""Mistakes of a question that the page shows."""

EXAMPLES: Final = 2
"""Answers that show a mistake to the class."""

MOST_NAMES: Final = 40
"""Students who are named in a list of news; the rest are counted."""

MOST_SHOWN: Final = 1_000
"""Characters of an example."""

REASONS: Final = {
    "submission.no_notebook": N_("no notebook was handed in"),
    "submission.crashed": N_("the submission could not be read: it broke the process that graded it"),
    "submission.too_slow": N_("reading the submission took too long"),
    "submission.too_big": N_("the submission is larger, or needs more memory to read, than can be graded"),
    "submission.link": N_("the submission's folder is a link, which is not followed"),
    "submission.bad_name": N_(
        "the name of the student's folder cannot be used: it is in another encoding, too long, begins with a dot, or "
        'holds a line break or one of `* ? [ ] < > "`'
    ),
    "submission.twin": N_("another folder has nearly the same name: is it the same student?"),
    "submission.not_read": N_("a file was not read: it is a link, no plain file, or too big"),
    "submission.no_notebook_file": N_("the notebook file could not be read as a notebook"),
    "submission.no_cells": N_("the notebook holds none of the assignment's cells"),
    "submission.other_notebook": N_("more than one notebook was handed in: look whether the right one was graded"),
    "submission.no_python": N_("an answer's code holds a mistake in its syntax, so it cannot run"),
    "submission.words_elsewhere": N_("text was written outside the cells for answers"),
    "submission.damaged": N_("the notebook file is damaged: what could be read of it was graded"),
    "submission.garbled": N_("the notebook file holds characters that could not be read"),
    "submission.picture": N_(
        "a picture is not shown: it is no PNG, JPEG, GIF or WebP, or was not pasted into the notebook"
    ),
    "submission.other_files": N_("an answer is missing, and files were handed in that were not read"),
    "submission.evidence_damaged": N_("a graded cell's output holds evidence that cannot be read"),
    "submission.evidence_unclear": N_(
        "evidence lies in several places, or in a zip that cannot be read: look which one is right"
    ),
    "submission.evidence_differs": N_(
        "there is different evidence for a question, in the notebook or in the folder beside it: the newest was graded"
    ),
    "sandbox.missing": N_("no sandbox here: its notebook was not run"),
    "rerun.time": N_("running the notebook again took longer than allowed"),
    "rerun.memory": N_("running the notebook again needs more memory than allowed"),
    "rerun.gpu": N_("the notebook needs a GPU, and the sandbox has none"),
    "rerun.module": N_("the notebook imports a module that the sandbox does not have (the learner's own, or Colab's)"),
    "rerun.network": N_("the notebook needs the network, and the sandbox has none"),
    "rerun.file": N_("the notebook opens a file that the sandbox does not have"),
    "rerun.died": N_("running the notebook again ended before it was finished"),
    "audit.differs": N_("running the notebook again earned less than the evidence"),
}
"""What a person should look at, besides what :data:`checker.report.messages.MESSAGES` says of evidence."""


@dataclass(frozen=True)
class Mistake:
    """A mistake that several made.

    Attributes:
        sentence: what to do about it, the measured numbers left open.
        count, share: how many made it, and which share of those who answered.
        examples: what some of them handed in, as code, without names.
    """

    sentence: str
    count: int
    share: float
    examples: tuple[str, ...]


@dataclass
class QuestionSummary:
    """How the class did in one question.

    Attributes:
        id, max_points: the question's.
        title, why: its title, and why the solution is right, messages; empty where it declares none.
        answers, passed, points: how many answered, how many of them rightly, and the sum of their points.
        mistakes: how many made each mistake, by its key.
        examples: for each mistake some answers.
    """

    id: str
    max_points: float
    title: str = ""
    why: str = ""
    answers: int = 0
    passed: int = 0
    points: float = 0.0
    mistakes: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, answered: Answered) -> None:
        """Count one answer."""
        self.answers += 1
        self.passed += answered.passed and not answered.reason
        self.points += answered.points or 0.0
        if answered.reason:  # what is not settled shows no mistake
            return
        for key in filter(_is_mistake, answered.findings):
            self.mistakes[key] += 1
            examples = self.examples.setdefault(key, [])
            if answered.shown and answered.shown not in examples and len(examples) < EXAMPLES:
                examples.append(answered.shown)

    @property
    def reteach(self) -> list[Mistake]:
        """The most common mistakes."""
        return [
            Mistake(headline(key), count, count / self.answers, tuple(self.examples.get(key, ())))
            for key, count in self.mistakes.most_common(MOST_COMMON)
        ]

    @property
    def share(self) -> float:
        """The share of those who handed in that passed, in [0, 1]."""
        return self.passed / self.answers if self.answers else 0.0

    @property
    def mean(self) -> float:
        """The mean of the points."""
        return self.points / self.answers if self.answers else 0.0


@dataclass(frozen=True)
class Waiting:
    """A student whose work a person should look at.

    Attributes:
        student: the student's id.
        reasons: the question, empty where it is none, and why, a message code.
        new: whether the last report did not name this student.
        links: addresses of the graded notebooks, relative to the page, by name.
    """

    student: str
    reasons: tuple[tuple[str, str], ...]
    new: bool = False
    links: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Before:
    """What the last report said: each student's score as it was written, and who needed a person."""

    scores: Mapping[str, str]
    waiting: frozenset[str]

    @classmethod
    def read(cls, table: Path) -> Self | None:
        """The last report's table; None where there is none that can be read."""
        try:
            with table.open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
            names = [_files.undefused(row["student"]) for row in rows]
            scores = dict(zip(names, (row["score"] for row in rows), strict=True))
            waiting = frozenset(name for name, row in zip(names, rows, strict=True) if row["needs_attention"])
        except (OSError, ValueError, KeyError, csv.Error):
            return None
        return cls(scores, waiting)


@dataclass
class News:
    """What is new since the last report.

    Attributes:
        handed_in: who is in this report and was not in the last one.
        changed: whose score is another one.
        settled: who needed a person then, and does not now.
    """

    handed_in: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)


@dataclass
class ClassSummary:
    """What the page shows; filled by one pass over the results."""

    assignment: str
    max_points: float = 0.0
    scores: list[float] = field(default_factory=list)
    questions: dict[str, QuestionSummary] = field(default_factory=dict)
    waiting: list[Waiting] = field(default_factory=list)
    unread: dict[str, int] = field(default_factory=dict)
    news: News | None = None
    answers_page: str = ""
    alike: list[tuple[str, list[str]]] = field(default_factory=list)
    answers: dict[str, list[tuple[str, Answered]]] = field(default_factory=dict)

    def add(self, result: Graded, links: Mapping[str, str], before: Before | None = None) -> None:
        """Count one submission.

        Args:
            result: its outcome.
            links: addresses of its graded notebooks by name.
            before: what the last report said.
        """
        if result.reasons:
            new = before is not None and result.student not in before.waiting
            self.waiting.append(Waiting(result.student, _reasons(result), new, links))
        if result.failure:
            return
        self.scores.append(result.points)
        for name, answered in result.questions.items():
            question = self.questions.setdefault(name, QuestionSummary(name, answered.max_points))
            question.add(answered)
            if answered.sketch or answered.curves:
                self.answers.setdefault(name, []).append((result.student, answered))

    @property
    def automatic(self) -> float:
        """Points that can be had without a person's reading."""
        return sum(question.max_points for question in self.questions.values())

    @property
    def histogram(self) -> list[tuple[float, float, int]]:
        """Lowest score, highest score and number of students of each bar."""
        width = self.automatic / BARS or 1.0
        counts = Counter(min(int(score / width + 1e-9), BARS - 1) for score in self.scores)
        return [(number * width, (number + 1) * width, counts[number]) for number in range(BARS)]

    @property
    def median(self) -> float:
        return statistics.median(self.scores) if self.scores else 0.0

    def compare(self, before: Before, student: str, score: str, waits: bool) -> None:
        """Note what is new about one student."""
        news = self.news = self.news or News()
        if student not in before.scores:
            news.handed_in.append(student)
        elif before.scores[student] != score:
            news.changed.append(student)
        if student in before.waiting and not waits:
            news.settled.append(student)


def _reasons(result: Graded) -> tuple[tuple[str, str], ...]:
    """Why a person should look, question by question."""
    questions = tuple((name, answered.reason) for name, answered in result.questions.items() if answered.reason)
    others = (*((result.failure,) if result.failure else ()), *result.attention)
    return (*questions, *(("", code) for code in others))


def write_report(course: Course, ledger: Ledger) -> tuple[Path, Path, int]:
    """Write the class report and the grades.

    Args:
        course: the course folder.
        ledger: its gradebook.

    Returns:
        The HTML page, the CSV file, and how many students need a human eye.
    """
    from checker.grading.submission import Release

    folder = course.root / "grades"
    folder.mkdir(exist_ok=True)
    summary = ClassSummary(course.assignment)
    summary.max_points = ledger.max_score()
    here = {readable(student) for student in course.students()}
    results = (result for result in ledger.results() if result.student in here)
    table = folder / f"{course.assignment}.csv"
    summary.questions = _declared(course.assignment)
    before = Before.read(table)
    summary.news = News() if before is not None else None
    _files.replace(table, _rows(course, results, ledger, summary, before))
    summary.questions = {name: question for name, question in summary.questions.items() if question.answers}
    manual = {name for path in course.release_notebooks() for name in Release.load(path).manual}
    summary.unread = {name: count for name, count in ledger.waiting().items() if name in manual and count}
    to_read = folder / f"{course.assignment}-answers.html"
    summary.answers_page = to_read.name if to_read.is_file() else ""
    summary.alike = [
        (question, students) for question, answers in summary.answers.items() for students in alike(answers)
    ]
    page = folder / f"{course.assignment}.html"
    _files.replace(page, render(summary))
    return page, table, len(summary.waiting)


def _declared(assignment: str) -> dict[str, QuestionSummary]:
    """The assignment's questions, with nothing counted yet."""
    from checker import assignments

    questions = assignments.find(assignment).questions if assignment in assignments.NAMES else ()
    return {each.id: QuestionSummary(each.id, each.points, each.title, each.why) for each in questions}


def _links(course: Course, student: str) -> dict[str, str]:
    """Addresses of a student's graded notebooks, relative to the page, by name."""
    folder = course.autograded / student / course.assignment
    found = (folder / path.name for path in course.release_notebooks())
    return {
        path.name: quote(Path(os.path.relpath(path, course.root / "grades")).as_posix())
        for path in found
        if path.is_file()
    }


def _rows(
    course: Course, results: Iterable[Graded], ledger: Ledger, summary: ClassSummary, before: Before | None
) -> Iterator[str]:
    """The lines of the CSV file; fills the summary on the way."""
    line = _Line()
    names = ledger.questions()
    final = ledger.final_scores()
    writer = csv.writer(line)
    writer.writerow(["student", "score", "max_score", *names, "needs_attention"])
    yield line.text
    for result in results:
        summary.add(result, _links(course, result.student) if result.reasons else {}, before)
        points = [_cell(result, name) for name in names]
        score = final.get(result.student, 0.0)
        if before is not None:
            summary.compare(before, result.student, str(score), bool(result.reasons))
        writer.writerow([_files.defused(result.student), score, summary.max_points, *points, " ".join(result.reasons)])
        yield line.text


class _Line:
    """What ``csv`` writes to: keeps the last line."""

    text = ""

    def write(self, text: str) -> None:
        self.text = text


def _cell(result: Graded, name: str) -> float | str:
    scores = [grades[name] for grades in result.grades.values() if name in grades]
    return "" if not scores or scores[0] is None else scores[0]


def shown(mark: Mark) -> str:
    """What a student handed in for a question, as code without a name: the layers, or the answer that was read off."""
    report = mark.report
    rows = report["architecture"].table if "architecture" in report else ()
    layers = [row.actual for row in sorted(rows, key=lambda row: row.number or 0) if row.actual is not None]
    if layers:
        return "\n".join(map(visible, layers))[:MOST_SHOWN]
    answer = {} if mark.evidence is None else mark.evidence.record.get("answer")
    if not isinstance(answer, Mapping):
        return ""
    return visible("\n".join(f"{name} = {value!r}" for name, value in answer.items()))[:MOST_SHOWN]


def finding_key(finding: Finding) -> str:
    """What makes a finding the same for many students: its code, place and words, but not its measured numbers."""
    words = {name: value for name, value in finding.params.items() if isinstance(value, str | int)}
    return json.dumps([finding.code, finding.position, words], sort_keys=True)


def _is_mistake(key: str) -> bool:
    """Whether a finding speaks of what was answered, not of files that are missing."""
    return not str(json.loads(key)[0]).startswith(("evidence.", "checker."))


def headline(key: str) -> str:
    """A finding's sentence for a whole class, measured numbers left open, in the language in force."""
    code, position, words = json.loads(key)
    words = {name: translate(word) if name in TEXTS else word for name, word in words.items()}
    message = MESSAGES.get(code) or MESSAGES.get(code.partition(":")[0])
    return translate(message).format_map(_Gaps(words, position=position)) if message else str(code)


def reason(code: str) -> str:
    """Why a person should look, as a sentence in the language in force."""
    message = REASONS.get(code) or MESSAGES.get(code)
    return translate(message).format_map(_Gaps()) if message else code


class _Gaps(dict[str, Any]):
    """Parameters of a message; those that are not known are shown as dots."""

    def __missing__(self, name: str) -> _Gap:
        return _Gap()


class _Gap:
    def __format__(self, _spec: str) -> str:
        return "…"

    __repr__ = __str__ = lambda _self: "…"


def render(summary: ClassSummary) -> str:
    """The class report as an HTML page without scripts, in the language in force."""
    from checker.show import html

    template = html.environment().get_template("class_report.html")
    return template.render(
        _=translate,
        summary=summary,
        language=html.LANGUAGE_TAGS[get_language()],
        reason=reason,
        visible=visible,
        quoted=shlex.quote,
        most_names=MOST_NAMES,
    )
