"""Questions with one answer that fits into a variable: give a number, choose a letter."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from checker.language import N_, translate
from checker.questions.answer import PlainAnswer
from checker.questions.question import Question
from checker.questions.typed import as_letter, as_number, no_number
from checker.report import Advice, Finding, Record, Report, Section, Severity


@dataclass(frozen=True, kw_only=True)
class _AnswerQuestion(Question[PlainAnswer]):
    """A question with one answer that fits into a variable."""

    def check(self, answer: Any = None) -> None:
        """Say whether this answer is right.

        Args:
            answer: the number, or the letter.
        """
        self._check(lambda: PlainAnswer(answer))

    def evaluate(self, answer: Any = None) -> Report:
        """The report on an answer; shows nothing and raises nothing."""
        return self._evaluate(lambda: PlainAnswer(answer))

    def grade(self, answer: Any = None) -> float:
        """The points for an answer: a plain finite float in [0, points]; silent."""
        return self._grade(lambda: PlainAnswer(answer))

    def sections(self, answer: PlainAnswer) -> Iterator[Section]:
        mistake = self._mistake(answer.value)
        right = Finding("answer.right", Severity.NOTE, params={"why": self.why})
        if self.reason is not None:  # is asked for next, so it is not given away
            right = Finding("answer.right:reason", Severity.NOTE)
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
            return no_number(answer, "answer")
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


@dataclass(frozen=True, kw_only=True)
class ReasonQuestion(ChoiceQuestion):
    """Choose why the right answer to another question is right; its distractors are known misconceptions.

    Attributes:
        asks: the question, a message.
    """

    id: str = "reason"
    title: str = ""
    asks: str

    def section(self, answer: Any, name: str, worth: float) -> Section:
        """The reason as a part of another question's answer.

        Args:
            answer: the letter, as handed in.
            name: the notebook's name for it.
            worth: the points of the part.
        """
        letter = as_letter(answer)
        finding = Finding("reason.right", Severity.NOTE, params={"why": self.why})
        if letter is None or letter == "":
            finding = Finding("reason.unanswered", params={"name": name})
        elif letter not in self.choices:
            finding = Finding("choice.unknown:named", params={"name": name, "choices": ", ".join(self.choices)})
        elif letter != self.answer:
            finding = Finding("reason.wrong", params={"text": self.wrong[letter]})
        right = letter == self.answer
        return Section("reason", right, worth if right else 0.0, worth, (finding,))

    def _offer(self, record: Record) -> Advice | None:
        return None  # what a wrong reason is answered with is the help

    def worded(self) -> tuple[str, ...]:
        """The choices, in the language in force."""
        return tuple(
            translate(N_("{letter}: {text}"), letter=letter, text=translate(text))
            for letter, text in self.choices.items()
        )
