"""What the class did, for the instructor: grades as CSV, and a page that says what to teach again tomorrow."""

from __future__ import annotations

import csv
import json
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from checker import _files
from checker.language import N_, get_language, translate
from checker.messages import MESSAGES
from checker.report import Finding

if TYPE_CHECKING:
    from checker.grading.course import Course
    from checker.grading.gradebook import Ledger
    from checker.grading.results import Graded

ALIKE: Final = 0.98
"""Cosine of two sketches from which networks count as copies of each other; see ``Evidence.sketch``.

Networks of the same shape trained from different seeds stay below 0.6 (``tests/grading/test_batch.py`` measures it).
"""

BARS: Final = 10
MOST_COMMON: Final = 8

REASONS: Final = {
    "submission.no_notebook": N_("no notebook was handed in"),
    "submission.crashed": N_("the submission could not be read: it broke the process that graded it"),
    "submission.too_slow": N_("reading the submission took too long"),
    "submission.too_big": N_("the submission is larger, or needs more memory to read, than can be graded"),
    "submission.link": N_("the submission's folder is a link, which is not followed"),
    "submission.bad_name": N_("the name of the student's folder cannot be read (is it in another encoding?)"),
    "submission.not_read": N_("a file was not read: it is a link, no plain file, or too big"),
    "submission.no_notebook_file": N_("the notebook file could not be read as a notebook"),
    "submission.other_notebook": N_("more than one notebook was handed in: look whether the right one was graded"),
    "submission.no_python": N_("an answer's code holds a mistake in its syntax, so it cannot run"),
    "submission.words_elsewhere": N_("text was written outside the cells for written answers"),
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
"""What a person should look at, besides what :data:`checker.messages.MESSAGES` says of evidence."""


@dataclass
class QuestionSummary:
    """How the class did in one question."""

    id: str
    max_points: float
    answers: int = 0
    passed: int = 0
    points: float = 0.0

    @property
    def share(self) -> float:
        """The share of those who handed in that passed, in [0, 1]."""
        return self.passed / self.answers if self.answers else 0.0

    @property
    def mean(self) -> float:
        """The mean of the points."""
        return self.points / self.answers if self.answers else 0.0


@dataclass
class ClassSummary:
    """What the page shows; filled by one pass over the results."""

    assignment: str
    max_points: float = 0.0
    scores: list[float] = field(default_factory=list)
    questions: dict[str, QuestionSummary] = field(default_factory=dict)
    findings: Counter[tuple[str, str]] = field(default_factory=Counter)
    attention: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    alike: list[tuple[str, list[str]]] = field(default_factory=list)
    sketches: dict[str, list[tuple[str, tuple[float, ...]]]] = field(default_factory=dict)

    def add(self, result: Graded) -> None:
        """Count one submission."""
        if result.reasons:
            self.attention.append((result.student, result.reasons))
        if result.failure:
            return
        self.scores.append(result.points)
        for name, answered in result.questions.items():
            question = self.questions.setdefault(name, QuestionSummary(name, answered.max_points))
            question.answers += 1
            question.passed += answered.passed and not answered.reason
            question.points += answered.points or 0.0
            self.findings.update((name, key) for key in answered.findings)
            if answered.sketch:
                self.sketches.setdefault(name, []).append((result.student, answered.sketch))

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

    @property
    def reteach(self) -> list[tuple[str, str, int]]:
        """The most common findings: question, what was wrong, how many."""
        return [(question, headline(key), count) for (question, key), count in self.findings.most_common(MOST_COMMON)]


def write_report(course: Course, ledger: Ledger) -> tuple[Path, Path, int]:
    """Write the class report and the grades.

    Args:
        course: the course folder.
        ledger: its gradebook.

    Returns:
        The HTML page, the CSV file, and how many students need a human eye.
    """
    from checker.grading.batch import readable

    folder = course.root / "grades"
    folder.mkdir(exist_ok=True)
    summary = ClassSummary(course.assignment)
    summary.max_points = ledger.max_score()
    here = {readable(student) for student in course.students()}
    results = (result for result in ledger.results() if result.student in here)
    table = folder / f"{course.assignment}.csv"
    _files.replace(table, _rows(results, ledger, summary))
    summary.alike = [
        (question, students) for question, sketches in summary.sketches.items() for students in groups(sketches)
    ]
    page = folder / f"{course.assignment}.html"
    _files.replace(page, render(summary))
    return page, table, len(summary.attention)


def _rows(results: Iterable[Graded], ledger: Ledger, summary: ClassSummary) -> Iterator[str]:
    """The lines of the CSV file; fills the summary on the way."""
    line = _Line()
    names = ledger.questions()
    final = ledger.final_scores()
    writer = csv.writer(line)
    writer.writerow(["student", "score", "max_score", *names, "needs_attention"])
    yield line.text
    for result in results:
        summary.add(result)
        points = [_cell(result, name) for name in names]
        score = final.get(result.student, 0.0)
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


def groups(sketches: Sequence[tuple[str, tuple[float, ...]]]) -> list[list[str]]:
    """Students whose networks are copies of each other, largest group first.

    Args:
        sketches: students and their networks' sketches, see ``Evidence.sketch``.
    """
    import numpy as np

    if len(sketches) < 2:
        return []
    vectors = np.array([sketch for _, sketch in sketches], np.float32)
    leader = list(range(len(sketches)))
    block = max(1, 4_000_000 // len(sketches))  # of the table of cosines, 16 MB at a time
    for start in range(0, len(sketches), block):
        rows, columns = np.nonzero(vectors[start : start + block] @ vectors.T > ALIKE)
        for row, column in zip((rows + start).tolist(), columns.tolist(), strict=True):
            leader[_root(leader, column)] = _root(leader, row)
    members: dict[int, list[str]] = {}
    for number, (student, _) in enumerate(sketches):
        members.setdefault(_root(leader, number), []).append(student)
    return sorted(
        (sorted(group) for group in members.values() if len(group) > 1), key=lambda group: (-len(group), group)
    )


def _root(leader: list[int], number: int) -> int:
    while leader[number] != number:
        leader[number] = leader[leader[number]]
        number = leader[number]
    return number


def finding_key(finding: Finding) -> str:
    """What makes a finding the same for many students: its code, place and words, but not its measured numbers."""
    words = {name: value for name, value in finding.params.items() if isinstance(value, str | int)}
    return json.dumps([finding.code, finding.position, words], sort_keys=True)


def headline(key: str) -> str:
    """A finding's sentence for a whole class, measured numbers left open, in the language in force."""
    code, position, words = json.loads(key)
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
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("checker.show"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.globals.update(_=translate, reason=reason)
    language = {"en": "en", "zh": "zh-Hans"}[get_language()]
    return environment.get_template("class_report.html").render(summary=summary, language=language)
