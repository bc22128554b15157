"""Questions: evaluate an answer into a Report, show it, grade it, give hints.

A :class:`Question` knows nothing of notebooks beyond calling :mod:`checker.show`; its kinds stand in
:mod:`checker.kinds`. ``evaluate`` is pure; ``check`` and ``grade`` also leave evidence and count the attempt.
"""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from checker.language import N_, translate
from checker.progress import Progress, Record
from checker.report import Advice, Finding, Report, Section

MISSING: Final = type("Missing", (), {"__repr__": lambda self: "MISSING"})()
"""Stands for an argument that was not handed in: its section is then absent from the report."""

TRIES_BEFORE_SOLUTION = 3
"""After so many attempts the feedback offers the solution."""


@dataclass(frozen=True, kw_only=True)
class Question(ABC):
    """One question of an assignment.

    Attributes:
        id: the question's name in its assignment, and the ``grade_id`` of its graded cell.
        title: its title, a message.
        points: what it is worth.
        hints: nudges, messages from vague to precise; a kind adds its own, nearly finished ones.
        why: why the solution is right, a message.
        assignment: the id of the assignment it stands in; set by :class:`Assignment`.
        graded: whether evidence is kept for a grader.
    """

    id: str
    title: str
    points: float = 1.0
    hints: tuple[str, ...] = ()
    why: str = ""
    assignment: str = ""
    graded: bool = False
    _last: dict[str, Report] = field(default_factory=dict, repr=False, compare=False)

    @abstractmethod
    def _judge(self, answer: Mapping[str, Any]) -> Iterable[Section]:
        """Judge each part of the answer that was handed in."""

    @abstractmethod
    def solution_code(self) -> str:
        """The solution as code, from the same declaration that answers are judged by."""

    def _own_hints(self) -> Iterator[str]:
        """Further hints of this kind of question, already translated, from vague to nearly finished."""
        yield from ()

    def _evidence(self, answer: Mapping[str, Any]) -> tuple[Any, dict[str, Any]] | None:
        """The model and the record that a grader needs; None where there is nothing to keep."""
        return None

    # --- what the kinds' public methods call ----------------------------------------------------------------------
    def _evaluate(self, answer: Mapping[str, Any]) -> Report:
        """The report on an answer. Whatever is handed in, nothing is raised: a surprise is a finding, never a pass."""
        try:
            sections = tuple(self._judge(answer))
        except KeyboardInterrupt:
            raise
        except BaseException as surprise:  # hostile objects may raise anything at all
            finding = Finding("checker.surprise", params={"error": type(surprise).__name__})
            sections = (Section("answer", False, 0.0, self.points, (finding,)),)
        return Report(self.assignment, self.id, self.title, sections, self.points)

    def _check(self, answer: Mapping[str, Any]) -> None:
        from checker import show

        with _quiet():
            report = self._evaluate(answer)
            self._keep(answer)
        self._last["report"] = report
        show.display(report)
        record = self._progress.attempted(self.id, report.points, report.passed)
        if not report.passed and (offer := self._offer(record)) is not None:
            show.display(offer)

    def _grade(self, answer: Mapping[str, Any]) -> float:
        with _quiet():
            points = self._evaluate(answer).points
            self._keep(answer)
        return round(points, 4)

    def _keep(self, answer: Mapping[str, Any]) -> None:
        """Leave evidence beside the notebook; whatever goes wrong there is not the learner's concern."""
        if not self.graded:
            return
        with contextlib.suppress(Exception):
            kept = self._evidence(answer)
            if kept is not None:
                from checker.grading import evidence

                model, record = kept
                evidence.save(self.id, model=model, record={"assignment": self.assignment, **record})

    # --- what every learner may call ------------------------------------------------------------------------------
    def hint(self) -> None:
        """Show the next hint; each is more specific than the one before, the last nearly finishes the line."""
        from checker import show

        hints = self.all_hints()
        shown = min(self._progress[self.id].hints, len(hints) - 1)
        self._progress.hinted(self.id)
        title = translate("Hint {number} of {count}", number=shown + 1, count=len(hints))
        text, _, code = hints[shown].partition("\n")
        show.display(Advice(title, text, code))

    def all_hints(self) -> tuple[str, ...]:
        """All hints in order, in the language in force; what follows a hint's first line is code."""
        hints = [translate(hint) for hint in self.hints]
        hints.extend(self._own_mistake())
        hints.extend(self._own_hints())
        return tuple(hints) or (
            translate("Read the question once more, then hand in what you have: the feedback names the next step."),
        )

    def _own_mistake(self) -> Iterator[str]:
        """The learner's own next step, as the last check saw it."""
        report = self._last.get("report")
        if report is not None and not report.passed and report.findings:
            yield report.findings[0].message

    def solution(self) -> None:
        """Show the solution and why it is right."""
        from checker import show

        self._progress.solved(self.id)
        show.display(Advice(translate("Solution"), translate(self.why), self.solution_code()))

    @property
    def _progress(self) -> Progress:
        return Progress(self.assignment)

    def _offer(self, record: Record) -> Advice | None:
        """A word on where help is, after a try that did not succeed."""
        names = {"question": f"{ALIAS}.{self.id}"}
        if record.attempts >= TRIES_BEFORE_SOLUTION:
            text = translate(
                N_("You have tried {tries} times. `{question}.solution()` shows a solution and why it works."),
                tries=record.attempts,
                **names,
            )
        else:
            text = translate(N_("Stuck? `{question}.hint()` gives a hint."), **names)
        return Advice("", text)


ALIAS = "exercise"
"""The name under which the notebooks import an assignment: ``from checker.assignments import spotify as exercise``."""


@dataclass(frozen=True)
class Assignment:
    """Questions that are handed out together; each is an attribute by its id: ``spotify.q1``.

    Attributes:
        id: the name of its folder in solutions/ and notebooks/.
        title: a message.
        questions: in the order of the notebook.
        graded: whether its answers leave evidence for a grader.
        written: points that a teacher gives by hand, for explanations in words.
    """

    id: str
    title: str
    questions: tuple[Question, ...]
    graded: bool = True
    written: float = 0.0

    def __post_init__(self) -> None:
        bound = tuple(replace(question, assignment=self.id, graded=self.graded) for question in self.questions)
        object.__setattr__(self, "questions", bound)

    def __getattr__(self, name: str) -> Question:
        questions: tuple[Question, ...] = self.__dict__.get("questions", ())
        for question in questions:
            if question.id == name:
                return question
        names = ", ".join(question.id for question in questions)
        raise AttributeError(f"{self.__dict__.get('id')!r} has the questions {names}, not {name!r}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(question.id for question in self.questions)]

    @property
    def points(self) -> float:
        """What all questions together are worth."""
        return sum(question.points for question in self.questions)

    def progress(self) -> None:
        """Show the questions, points so far, attempts, and what is next."""
        from checker import show

        show.display(self.state())

    def state(self) -> Standing:
        """Where the learner stands, as plain data."""
        progress = Progress(self.id)
        lines = tuple(
            Line(question.id, question.title, question.points, progress[question.id]) for question in self.questions
        )
        return Standing(self.id, self.title, lines, self.written)


@dataclass(frozen=True)
class Line:
    """One question in a :class:`Standing`."""

    question: str
    title: str
    max_points: float
    record: Record


@dataclass(frozen=True)
class Standing:
    """Where a learner stands in an assignment."""

    assignment: str
    title: str
    lines: tuple[Line, ...]
    written: float = 0.0

    @property
    def points(self) -> float:
        return sum(line.record.points for line in self.lines)

    @property
    def max_points(self) -> float:
        return sum(line.max_points for line in self.lines)

    @property
    def next(self) -> str | None:
        """The first question that is not passed yet; None when all are."""
        return next((line.question for line in self.lines if not line.record.passed), None)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep stderr silent, Python's and the process's own: nbgrader scores a cell that writes there with 0."""
    sink = os.open(os.devnull, os.O_WRONLY)
    saved = None
    try:
        with contextlib.suppress(OSError):
            saved = os.dup(2)
            os.dup2(sink, 2)
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        if saved is not None:
            os.dup2(saved, 2)
            os.close(saved)
        os.close(sink)
