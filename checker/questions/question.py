"""Questions: judge an answer into a Report, show it, grade it, give hints.

Reading an answer and judging it are two steps. ``evaluate`` reads live objects and judges; ``check`` saves the evidence
and shows the report; ``grade`` does so in silence; a grader reads the evidence and judges (:meth:`Question.judge`).
"""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from checker.language import N_, translate
from checker.questions.prediction import Prediction
from checker.questions.progress import Progress
from checker.questions.rubric import Rubric
from checker.report import Advice, Finding, Line, Outcome, Record, Report, Section, Standing

if TYPE_CHECKING:
    from checker.blueprint import Graph
    from checker.curves import Curves
    from checker.questions.evidence import Evidence
    from checker.questions.quiz import ReasonQuestion

Answer = TypeVar("Answer")
Kind = TypeVar("Kind", bound="Question[Any]")
"""What a kind of question is answered with, one of :mod:`checker.questions.answer`'s classes."""

UNSAVED = N_(
    "Your answer could not be saved in the folder `evidence`. Is the disk full, or the folder read-only? "
    "Make room and run this cell again; or see to it that the notebook you hand in holds its graded cells' outputs."
)
"""What a learner is told whose evidence could not be saved in the folder."""

EXPLAIN_FIRST = N_(
    "Why this is so is what you are asked to explain in your own words further below. Write that first and save the "
    "notebook; then call this once more, and compare yours with another explanation."
)
"""What stands in place of the explanation while the learner's own is not written."""

TRIES_BEFORE_SOLUTION = 3
"""After so many attempts the feedback offers the solution."""


@dataclass(frozen=True, kw_only=True)
class Question(ABC, Generic[Answer]):
    """One question of an assignment.

    Attributes:
        id: the question's name in its assignment, and the ``grade_id`` of its graded cell.
        title: its title, a message.
        points: what it is worth.
        hints: nudges, messages from vague to precise; a kind adds its own, nearly finished ones.
        why: why the solution is right, a message.
        reason: a question asked once this one is passed: why does it work? Answered with ``exercise.q1.because("a")``.
        explained_in: ``grade_id`` of the cell in which the learner explains what ``why`` says: it is told after that.
        assignment: the id of the assignment it stands in; set by :class:`Assignment`.
        graded: whether evidence is kept for a grader.
    """

    id: str
    title: str
    points: float = 1.0
    hints: tuple[str, ...] = ()
    why: str = ""
    reason: ReasonQuestion | None = None
    explained_in: str = ""
    assignment: str = ""
    graded: bool = False
    _last: dict[str, Report] = field(default_factory=dict, repr=False, compare=False)

    reads_runs: ClassVar[bool] = False
    """Whether an answer speaks of the runs of another question, whose evidence is then judged first."""

    @abstractmethod
    def sections(self, answer: Answer) -> Iterable[Section]:
        """Judge each part of an answer."""

    @abstractmethod
    def solution_code(self) -> str:
        """The solution as code, from the same declaration that answers are judged by."""

    def from_evidence(self, evidence: Evidence, proved: Collection[Curves] = ()) -> Answer:
        """The answer that the evidence holds.

        Args:
            evidence: this question's, as read from files.
            proved: curves that the submission's other evidence proves.

        Raises:
            TypeError: this kind of question leaves no evidence.
        """
        raise TypeError(f"no evidence is kept for a {type(self).__name__}")

    def _own_hints(self) -> Iterator[str]:
        """Further hints of this kind of question, already translated, from vague to nearly finished."""
        yield from ()

    def _record(self, answer: Answer) -> Mapping[str, Any]:
        """What a grader needs to know besides the model."""
        return {}

    def _graph(self, answer: Answer) -> Graph | None:
        """The answer's network as it was read, where it has one."""
        return None

    # --- judging --------------------------------------------------------------------------------------------------
    def judge(self, answer: Answer) -> Report:
        """The report on an answer, whichever reader made it."""
        return self._guarded(lambda: self.sections(answer))

    def _guarded(self, judged: Callable[[], Iterable[Section]]) -> Report:
        """Whatever is handed in, nothing is raised: a surprise is a finding, never a pass."""
        try:
            sections = tuple(judged())
        except KeyboardInterrupt:
            raise
        except BaseException as surprise:  # hostile objects may raise anything at all
            finding = Finding("checker.surprise", params={"error": type(surprise).__name__})
            sections = (Section("answer", False, 0.0, self.points, (finding,), outcome=Outcome.UNSETTLED),)
        return Report(self.assignment, self.id, self.title, sections, self.points)

    # --- what the kinds' public methods call ----------------------------------------------------------------------
    def _evaluate(self, read: Callable[[], Answer]) -> Report:
        """Read and judge."""
        return self._guarded(lambda: self.sections(read()))

    def _check(self, read: Callable[[], Answer], model: Any = None) -> None:
        """Read, judge, save, show."""
        from checker import show

        report, files = self._judged_and_packed(read, model)
        saved = self._write(files)
        self._last["report"] = report
        show.display(report)
        if not saved:
            show.display(Advice("", translate(UNSAVED)))
        record = self._progress.attempted(self.id, report.points, report.passed)
        follows = self._reason_asked() if report.passed else self._offer(record)
        if follows is not None:
            show.display(follows)

    def _grade(self, read: Callable[[], Answer], model: Any = None) -> float:
        """The same in silence; where the points are a cell's result, the evidence stands beside them."""
        from checker.questions import bundle

        report, files = self._judged_and_packed(read, model)
        self._write(files)
        points = round(report.points, 4)
        if files:
            bundle.attach(points, self.id, files)
        return points

    def _judged_and_packed(self, read: Callable[[], Answer], model: Any) -> tuple[Report, dict[str, bytes]]:
        """The report, and the evidence for a grader: none where none is kept, or none can be made."""
        held: list[Answer] = []

        def sections() -> Iterable[Section]:
            held.append(read())
            return self.sections(held[0])

        with _quiet():
            report = self._guarded(sections)
            return report, self._packed(held, model) if self.graded else {}

    def _packed(self, held: list[Answer], model: Any) -> dict[str, bytes]:
        from checker.questions import evidence

        try:
            record = {"assignment": self.assignment, **(self._record(held[0]) if held else {})}
        except Exception:  # data that are not there, say; the answer is kept without them
            record = {"assignment": self.assignment}
        graph = self._graph(held[0]) if held else None
        return evidence.pack(self.id, model, record=record, graph=graph)

    def _write(self, files: Mapping[str, bytes]) -> bool:
        """Whether the evidence, if any is kept, is now beside the notebook."""
        from checker.questions import evidence

        return not self.graded or evidence.write(self.id, files)

    # --- what every learner may call ------------------------------------------------------------------------------
    def because(self, answer: Any = None) -> None:
        """Say whether this is the reason why the right answer is right; asked once the question is passed.

        Args:
            answer: the letter of the reason.
        """
        from checker import show

        if self.reason is not None:
            self.reason.check(answer)
        else:
            show.display(Advice("", translate(N_("This question asks for no reason."))))

    def hint(self) -> None:
        """Show the next hint; each is more specific than the one before, the last nearly finishes the line."""
        from checker import show

        hints = self.all_hints()
        shown = min(self._progress[self.id].hints, len(hints) - 1)
        self._progress.hinted(self.id)
        title = translate("Hint {number} of {count}", number=shown + 1, count=len(hints))
        text, _, code = hints[shown].partition("\n")
        paragraphs = "\n\n" in hints[shown]
        show.display(Advice(title, hints[shown]) if paragraphs else Advice(title, text, code))

    def all_hints(self) -> tuple[str, ...]:
        """All hints in order, in the language in force; what follows a hint's first line is code, or paragraphs."""
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
        """Show the solution, and why it is right unless the learner is still to explain just that."""
        from checker import show
        from checker.questions.explained import explained

        self._progress.solved(self.id)
        why = self.why if not self.explained_in or explained(self.assignment, self.explained_in) else EXPLAIN_FIRST
        show.display(Advice(translate("Solution"), translate(why), self.solution_code()))

    @property
    def _progress(self) -> Progress:
        return Progress(self.assignment)

    def _reason_asked(self) -> Advice | None:
        """The question why, where there is one."""
        if self.reason is None:
            return None
        answered = translate(
            N_("Choose, and answer in a cell of its own: `{call}`."), call=f'{ALIAS}.{self.id}.because("a")'
        )
        return Advice(
            translate(N_("And why is that so?")),
            "\n\n".join([translate(self.reason.asks), *self.reason.worded(), answered]),
        )

    def _offer(self, record: Record) -> Advice | None:
        """A word on where help is, after a try that did not succeed."""
        names = {"question": f"{ALIAS}.{self.id}"}
        if record.attempts >= TRIES_BEFORE_SOLUTION:
            offer = N_("You have tried {tries} times. `{question}.solution()` shows a solution and why it works.")
            if self.explained_in:
                offer = N_("You have tried {tries} times. `{question}.solution()` shows a solution.")
            text = translate(offer, tries=record.attempts, **names)
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
        predictions: what a learner commits before running a demonstration, ``exercise.predict_1(...)``.
        graded: whether its answers leave evidence for a grader.
        practice: questions without points and without evidence, ``exercise.q1_again``.
        written: points that a teacher gives by hand, for explanations in words.
        rubrics: how each of these explanations is marked, by the ``grade_id`` of its cell.
    """

    id: str
    title: str
    questions: tuple[Question[Any], ...]
    graded: bool = True
    written: float = 0.0
    rubrics: Mapping[str, Rubric] = field(default_factory=dict)
    predictions: tuple[Prediction, ...] = ()
    practice: tuple[Question[Any], ...] = ()

    def __post_init__(self) -> None:
        bound = tuple(_bound(question, self.id, self.graded) for question in self.questions)
        object.__setattr__(self, "questions", bound)
        practice = tuple(_bound(question, self.id, False) for question in self.practice)
        object.__setattr__(self, "practice", practice)
        predictions = tuple(replace(prediction, assignment=self.id) for prediction in self.predictions)
        object.__setattr__(self, "predictions", predictions)

    def __getattr__(self, name: str) -> Any:
        parts = [part for kind in ("questions", "practice", "predictions") for part in self.__dict__.get(kind, ())]
        for part in parts:
            if part.id == name:
                return part
        names = ", ".join(part.id for part in parts)
        raise AttributeError(f"{self.__dict__.get('id')!r} has the questions {names}, not {name!r}")

    def of(self, kind: type[Kind]) -> tuple[Kind, ...]:
        """The questions of one kind, in the order of the notebook."""
        return tuple(question for question in self.questions if isinstance(question, kind))

    def __dir__(self) -> list[str]:
        return [
            *super().__dir__(),
            *(question.id for question in (*self.questions, *self.practice)),
            *(prediction.id for prediction in self.predictions),
        ]

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


def _bound(question: Question[Any], assignment: str, graded: bool) -> Question[Any]:
    """The question as it stands in this assignment, and its reason with it."""
    reason = question.reason
    if reason is not None:
        reason = replace(reason, id=f"{question.id}_reason", title=question.title, assignment=assignment)
    return replace(question, assignment=assignment, graded=graded, reason=reason)


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
