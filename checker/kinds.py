"""The kinds of question: build a network, read curves, give a number, choose.

Each declares what is right; the judging stands in the rooms below (align, training, curves).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from checker import datasets
from checker.alignment import Alignment, align
from checker.blueprint import Blueprint, Unreadable
from checker.expect import Network
from checker.language import N_, translate
from checker.question import MISSING, Question
from checker.report import Finding, Report, Section, Severity
from checker.training import Training, Verdict, judge, scale

if TYPE_CHECKING:  # NumPy, which curves need, is loaded when the first curves are judged
    from checker.curves import Comparison, Curves


@dataclass(frozen=True, kw_only=True)
class NetworkQuestion(Question):
    """Build a network, and train it where ``training`` says how.

    Attributes:
        network: what it should be; its reference answer is the solution.
        training: how it is to be trained and what its curves must not show; None if only the network counts.
        curve_points: how many of the points the curves are worth; they count once the network is right.
    """

    network: Network
    training: Training | None = None
    curve_points: float = 0.0

    def check(self, model: Any = None, history: Any = None) -> None:
        """Look at the network, and at how its training went, and show what is right and what to do next.

        Args:
            model: the Keras model.
            history: what ``model.fit`` returned.
        """
        self._check(self._asked(model, history))

    def evaluate(self, model: Any = MISSING, history: Any = MISSING, *, replay: Any = None) -> Report:
        """The report on a network; shows nothing and raises nothing. A part that is not handed in is not judged.

        Args:
            model: the Keras model, or a Blueprint of one.
            history: what ``model.fit`` returned, its ``.history``, a DataFrame of it, or Curves.
            replay: a ``grading.replay.Replay`` of the saved weights, where there is no live model to re-evaluate.
        """
        return self._evaluate({"model": model, "history": history, "replay": replay})

    def grade(self, model: Any = None, history: Any = None) -> float:
        """The points for a network: a plain finite float in [0, points]; silent."""
        return self._grade(self._asked(model, history))

    def solution_code(self) -> str:
        name = "" if self.training is None else self.training.prefix
        parts = [f"{name}model = {self.network.code()}"]
        if self.training is not None:
            parts += [f"{name}model.compile({self.training.compile_code})", self.training.fit_code]
        return "\n".join(parts)

    def _asked(self, model: Any, history: Any) -> dict[str, Any]:
        return {"model": model, "history": MISSING if self.training is None else history}

    def _judge(self, answer: Mapping[str, Any]) -> Iterator[Section]:
        model, history = answer["model"], answer["history"]
        blueprint, architecture = None, None
        if model is not MISSING:
            blueprint, architecture = self._architecture(model)
            yield architecture
        if history is not MISSING and self.training is not None:
            right_network = architecture is None or architecture.passed
            live = None if model is MISSING or isinstance(model, Blueprint) else model
            verdict = judge(self.training, history, live, blueprint, answer.get("replay"))
            yield self._curves(verdict, right_network)

    def _architecture(self, model: Any) -> tuple[Blueprint | None, Section]:
        worth = self.points - self.curve_points
        try:
            blueprint = (
                model if isinstance(model, Blueprint) else Blueprint.of(model, input_shape=self.network.input_shape)
            )
        except Unreadable as problem:
            return None, Section("architecture", False, 0.0, worth, (Finding(problem.code, params=problem.params),))
        if blueprint.problem is not None:
            finding = Finding(blueprint.problem, params=blueprint.problem_params)
            return blueprint, Section("architecture", False, 0.0, worth, (finding,))
        alignment = align(blueprint, self.network)
        width = self._width(blueprint)
        findings = (*width, *_findings(alignment))
        points = round(worth * (alignment.credit / 2 if width else alignment.credit), 2)
        return blueprint, Section("architecture", not findings, points, worth, findings, alignment.rows)

    def _width(self, blueprint: Blueprint) -> tuple[Finding, ...]:
        """The network must take the features that the data has."""
        actual, expected = blueprint.input_shape, self.network.input_shape
        if actual is None or expected is None or tuple(actual) == tuple(expected):
            return ()
        if len(actual) != len(expected):
            return (Finding("model.input_shape", params={"actual": str(tuple(actual)), "expected": expected[-1]}),)
        return (Finding("model.input_width", params={"actual": actual[-1], "expected": expected[-1]}),)

    def _curves(self, verdict: Verdict, right_network: bool) -> Section:
        # Curves of another network show nothing about this question, however good they look.
        points = self.curve_points if verdict.passed and right_network else 0.0
        findings = verdict.findings if right_network else tuple(map(_for_later, verdict.findings))
        curves = None if verdict.curves is None else verdict.curves.to_dict()
        names = () if verdict.diagnosis is None else tuple(sorted(verdict.diagnosis.names))
        return Section("curves", verdict.passed, points, self.curve_points, findings, (), curves, names)

    def _own_hints(self) -> Iterator[str]:
        levels = self.network.skeletons()
        for number, skeleton in enumerate(levels):
            nearly = number == len(levels) - 1
            text = N_("Nearly there. Fill in the last gaps:") if nearly else N_("The network has this shape:")
            yield f"{translate(text)}\n{skeleton}"

    def _evidence(self, answer: Mapping[str, Any]) -> tuple[Any, dict[str, Any]] | None:
        model = answer["model"]
        blueprint = Blueprint.of(model, input_shape=self.network.input_shape)
        history = answer["history"]
        record: dict[str, Any] = {"compiled": blueprint.compiled}
        if self.training is not None:
            record["data"] = data_record(self.training.data)
            record["history"] = _curves_record(history)
        return model, record


@dataclass(frozen=True, kw_only=True)
class ReadingQuestion(Question):
    """Read your own curves: what changed between two runs, and one number.

    Attributes:
        training: how both networks were trained.
        claims: a letter and the comparison it stands for, one of ``curves.compare``'s names.
        texts: a letter and its sentence, a message.
        number: the name of the number asked for: ``"best_epoch"`` of the first run or ``"best_loss"`` of the second.
    """

    training: Training
    claims: Mapping[str, str]
    texts: Mapping[str, str]
    number: str

    def check(self, effect: Any = None, number: Any = None, before: Any = None, after: Any = None) -> None:
        """Compare your reading with your own two runs.

        Args:
            effect: the letter of what changed.
            number: the number that the question asks for.
            before: the history of the network without the new layers.
            after: the history of the network with them.
        """
        self._check({"effect": effect, "number": number, "before": before, "after": after})

    def evaluate(self, effect: Any = None, number: Any = None, before: Any = None, after: Any = None) -> Report:
        """The report on a reading; shows nothing and raises nothing."""
        return self._evaluate({"effect": effect, "number": number, "before": before, "after": after})

    def grade(self, effect: Any = None, number: Any = None, before: Any = None, after: Any = None) -> float:
        """The points for a reading: a plain finite float in [0, points]; silent."""
        return self._grade({"effect": effect, "number": number, "before": before, "after": after})

    def solution_code(self) -> str:
        number = {
            "best_epoch": 'int(np.argmin(before.history["val_loss"])) + 1',
            "best_loss": 'min(after.history["val_loss"])',
        }[self.number]
        return f'effect = "{next(iter(self.claims))}"\nnumber = {number}'

    def _judge(self, answer: Mapping[str, Any]) -> Iterator[Section]:
        from checker.curves import compare

        runs, problems = self._runs(answer["before"], answer["after"])
        if problems or len(runs) < 2:
            yield Section("answer", False, 0.0, self.points, problems)
            return
        before, after = runs
        comparison = compare(before, after, reference=datasets.median_loss(self.training.data))
        findings = (*self._effect(answer["effect"], comparison), *self._number(answer["number"], before, after))
        points = self.points * (2 - len(findings)) / 2
        yield Section("answer", not findings, points, self.points, findings)

    def _runs(self, before: Any, after: Any) -> tuple[tuple[Curves, ...], tuple[Finding, ...]]:
        from checker.curves import Curves, NotCurves

        runs: list[Curves] = []
        for history in (before, after):
            try:
                runs.append(Curves.of(history))
            except NotCurves as problem:
                return (), (Finding(problem.code, params=problem.params),)
        if before is after or runs[0] == runs[1]:
            return (), (Finding("reading.same_run"),)
        for run in runs:
            if run.val_loss is None:
                return (), (Finding("curve.no_validation"),)
            if (finding := scale(self.training, run)) is not None:
                return (), (finding,)
        return tuple(runs), ()

    def _effect(self, effect: Any, comparison: Comparison) -> Iterator[Finding]:
        letter = as_letter(effect)
        if letter is None or letter == "":
            yield Finding("reading.unanswered", params={"name": "effect"})
        elif letter not in self.claims:
            yield Finding("choice.unknown", params={"choices": ", ".join(self.claims)})
        elif self.claims[letter] not in comparison.names:
            yield Finding("reading.effect", params={"text": self.texts[letter]})

    def _number(self, number: Any, before: Curves, after: Curves) -> Iterator[Finding]:
        value = as_number(number)
        if value is None:
            code = "reading.unanswered" if number is None else "number.not_a_number"
            yield Finding(code, params={"name": "number"})
        elif self.number == "best_epoch":
            if not _names_best_epoch(value, before):
                yield Finding("reading.best_epoch", params={"given": value, "epochs": len(before.loss)})
        elif not _names_best_loss(value, after):
            yield Finding("reading.best_loss", params={"given": value})

    def _evidence(self, answer: Mapping[str, Any]) -> tuple[Any, dict[str, Any]] | None:
        effect, number = answer["effect"], as_number(answer["number"])
        record = {
            "answer": {"effect": effect if isinstance(effect, str) and len(effect) < 20 else None, "number": number},
            "before": _curves_record(answer["before"]),
            "after": _curves_record(answer["after"]),
            "data": data_record(self.training.data),
        }
        return None, record


@dataclass(frozen=True, kw_only=True)
class _AnswerQuestion(Question):
    """A question with one answer that fits into a variable."""

    def check(self, answer: Any = None) -> None:
        """Say whether this answer is right.

        Args:
            answer: the number, or the letter.
        """
        self._check({"answer": answer})

    def evaluate(self, answer: Any = None) -> Report:
        """The report on an answer; shows nothing and raises nothing."""
        return self._evaluate({"answer": answer})

    def grade(self, answer: Any = None) -> float:
        """The points for an answer: a plain finite float in [0, points]; silent."""
        return self._grade({"answer": answer})

    def _judge(self, answer: Mapping[str, Any]) -> Iterator[Section]:
        mistake = self._mistake(answer["answer"])
        right = Finding("answer.right", Severity.NOTE, params={"why": self.why})
        points = self.points if mistake is None else 0.0
        yield Section("answer", mistake is None, points, self.points, (mistake or right,))

    @abstractmethod
    def _mistake(self, answer: Any) -> Finding | None:
        """What is wrong with an answer; None if it is right."""


@dataclass(frozen=True, kw_only=True)
class NumberQuestion(_AnswerQuestion):
    """Give a number.

    Attributes:
        answer: the right number.
        tolerance: how far from it counts as right, in the answer's own unit.
        wrong: a wrong number that many give, and what it would be right for, a message.
    """

    answer: float
    tolerance: float = 1e-6
    wrong: Mapping[float, str] = field(default_factory=dict)

    def solution_code(self) -> str:
        return f"answer = {self.answer:g}"

    def _mistake(self, answer: Any) -> Finding | None:
        value = as_number(answer)
        if answer is None:
            return Finding("answer.none")
        if value is None:
            return Finding("number.not_a_number", params={"name": "answer"})
        if abs(value - self.answer) <= self.tolerance:
            return None
        for mistaken, message in self.wrong.items():
            if abs(value - mistaken) <= self.tolerance:
                return Finding("answer.explained", params={"text": message})
        return Finding("number.larger" if value < self.answer else "number.smaller")


@dataclass(frozen=True, kw_only=True)
class ChoiceQuestion(_AnswerQuestion):
    """Choose one letter.

    Attributes:
        choices: a letter and its sentence, a message.
        answer: the right letter.
        wrong: a wrong letter and why it is wrong, a message.
    """

    choices: Mapping[str, str]
    answer: str
    wrong: Mapping[str, str] = field(default_factory=dict)

    def solution_code(self) -> str:
        return f'answer = "{self.answer}"'

    def _mistake(self, answer: Any) -> Finding | None:
        letter = as_letter(answer)
        if letter is None or letter == "":
            return Finding("answer.none")
        if letter not in self.choices:
            return Finding("choice.unknown", params={"choices": ", ".join(self.choices)})
        if letter == self.answer:
            return None
        message = self.wrong.get(letter, N_("That is not it: look at the cells above once more."))
        return Finding("answer.explained", params={"text": message})


def as_letter(answer: Any) -> str | None:
    """A choice as a small letter; None if there is none yet, ``"?"`` for what is no text."""
    if answer is None:
        return None
    return answer.strip().lower() if isinstance(answer, str) else "?"


def _for_later(finding: Finding) -> Finding:
    """What the curves show of a network that is still wrong is worth knowing; what to do next is mend the network."""
    return replace(finding, severity=Severity.NOTE) if finding.name.startswith("curve.") else finding


def _findings(alignment: Alignment) -> Iterable[Finding]:
    for edit in alignment.edits:
        yield Finding(edit.code, position=edit.position, params=edit.params)


def as_number(value: Any) -> float | None:
    """The value as a finite float; None for what is not a number (a bool is not)."""
    if isinstance(value, bool | str | bytes) or value is None:
        return None
    try:
        number = float(value)
    except Exception:  # a learner's object may raise anything
        return None
    return number if math.isfinite(number) else None


def _names_best_epoch(epoch: float, curves: Curves) -> bool:
    """Whether that epoch, from 1 or as ``argmin`` counts from 0, has the lowest validation loss but for noise."""
    values = curves.val_loss or ()
    if epoch != int(epoch) or curves.best_epoch is None:
        return False
    lowest = values[curves.best_epoch - 1]
    near = (index for index in (int(epoch) - 1, int(epoch)) if 0 <= index < len(values))
    return any(values[index] <= lowest + curves.noise for index in near)


def _names_best_loss(loss: float, curves: Curves) -> bool:
    """Whether this is the lowest validation loss, read off to about two digits."""
    return curves.best_epoch is not None and math.isclose(
        loss, (curves.val_loss or ())[curves.best_epoch - 1], rel_tol=0.02
    )


def _curves_record(history: Any) -> dict[str, list[float]] | None:
    from checker.curves import Curves, NotCurves

    try:
        return Curves.of(history).to_dict()
    except NotCurves:
        return None


def data_record(name: str) -> dict[str, str]:
    """Which data an answer was made with: its name and the fingerprint of its split."""
    return {"name": name, "fingerprint": datasets.split(name).fingerprint}
