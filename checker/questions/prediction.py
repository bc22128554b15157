"""Predict, run, explain: a learner commits a prediction, is told how it compares with their own run, and says why.

Nothing here is graded. The first prediction stays as it was made once its result has been shown: a prediction that is
changed afterwards would teach nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from checker.language import N_, translate
from checker.questions.progress import Progress
from checker.questions.typed import as_letter, as_number
from checker.report import Advice

LONGEST_REASON = 2000
"""Characters of an explanation that are kept."""

FEWEST_CHARACTERS = 12
"""An explanation shorter than this is no sentence, in Chinese neither."""


@dataclass(frozen=True, kw_only=True)
class Prediction(ABC):
    """A prediction that a learner commits before running a demonstration: ``exercise.predict_1(...)``.

    Attributes:
        id: its name in the assignment, ``"predict_1"``.
        title: what is predicted, a message.
        why: an explanation to compare one's own with, shown once that is written; a message.
        assignment: the id of the assignment it stands in; set by :class:`checker.questions.Assignment`.
    """

    id: str
    title: str
    why: str
    assignment: str = ""

    def __call__(self, prediction: Any = None) -> None:
        """Commit a prediction; until its result has been shown, it may be changed.

        Args:
            prediction: the number, or the letter.
        """
        value, problem = self._read(prediction)
        kept = self._kept
        if problem:
            self._say(problem)
        elif "outcome" in kept and "prediction" in kept and kept["prediction"] != value:
            self._say(
                translate(
                    N_("You have seen what happened, so your first prediction stays: {prediction}."),
                    prediction=self._worded(kept["prediction"]),
                )
            )
        else:
            self._keep(prediction=value)
            self._say(
                translate(
                    N_("Your prediction is kept: {prediction}. Now run the next cell."), prediction=self._worded(value)
                )
            )

    def compare(self, outcome: Any) -> None:
        """Say how the prediction compares with what the learner's own run showed.

        Args:
            outcome: the number that the run gave, or the letter of what it showed.
        """
        value, problem = self._read(outcome)
        if problem:
            self._say(translate(N_("There is no result of your own run yet: run the cells above first.")))
            return
        kept = self._kept
        self._keep(outcome=value)
        if "prediction" not in kept:
            text = translate(
                N_(
                    "Your run shows: {outcome}. You had not predicted anything: next time commit yourself first, even "
                    "to a guess. A surprise is remembered."
                ),
                outcome=self._worded(value),
            )
        else:
            text = translate(
                N_("You predicted: {prediction}. Your run shows: {outcome}."),
                prediction=self._worded(kept["prediction"]),
                outcome=self._worded(value),
            )
            text += "\n\n" + translate(self._comment(kept["prediction"], value))
        asked = translate(
            N_("Now say in one sentence why, in your own words: `{call}`."), call=f'exercise.{self.id}.because("...")'
        )
        self._say(f"{text}\n\n{asked}")

    def because(self, explanation: Any = None) -> None:
        """Keep the learner's explanation, then show another to compare it with; nobody grades it.

        Args:
            explanation: a sentence.
        """
        text = explanation.strip() if isinstance(explanation, str) else ""
        if "outcome" not in self._kept:
            self._say(translate(N_("Run the cells above first: then you know what there is to explain.")))
        elif len(text) < FEWEST_CHARACTERS:
            self._say(translate(N_("Write one whole sentence between the quotation marks: why did it come out so?")))
        else:
            self._keep(because=text[:LONGEST_REASON])
            told = translate(N_("Your sentence is kept. Compare it with this one; do both say the same?"))
            self._say(f"{told}\n\n{translate(self.why)}")

    @property
    def _kept(self) -> dict[str, Any]:
        """What is kept of it so far; what does not fit counts as not there."""
        notes = Progress(self.assignment).notes(self.id)
        return {
            name: value
            for name, value in notes.items()
            if name == "because" or (name in ("prediction", "outcome") and not self._read(value)[1])
        }

    def _keep(self, **values: Any) -> None:
        Progress(self.assignment).note(self.id, **values)

    def _say(self, text: str) -> None:
        from checker import show

        show.display(Advice(translate(N_("Prediction: {title}"), title=translate(self.title)), text))

    @abstractmethod
    def _read(self, value: Any) -> tuple[Any, str]:
        """The value as it is kept, and what is wrong with it; empty if it is one."""

    @abstractmethod
    def _worded(self, value: Any) -> str:
        """A value that was read, in words."""

    @abstractmethod
    def _comment(self, predicted: Any, outcome: Any) -> str:
        """What the difference says, a message."""


@dataclass(frozen=True, kw_only=True)
class NumberPrediction(Prediction):
    """Predict a number.

    Attributes:
        near: how far from the outcome still counts as near, in its own unit.
        right, low, high: what to say to a prediction that is near, too low, too high; messages.
    """

    near: float
    right: str
    low: str
    high: str

    def _read(self, value: Any) -> tuple[float | None, str]:
        number = as_number(value)
        if number is None:
            return None, translate(N_("Put a number in place of `None`. A guess is enough: it is not graded."))
        return number, ""

    def _worded(self, value: Any) -> str:
        return f"{value:g}"

    def _comment(self, predicted: Any, outcome: Any) -> str:
        if abs(predicted - outcome) <= self.near:
            return self.right
        return self.low if predicted < outcome else self.high


@dataclass(frozen=True, kw_only=True)
class ChoicePrediction(Prediction):
    """Predict which of several things will happen.

    Attributes:
        choices: a letter and what it stands for, a message.
        right: what to say to whoever was right, a message.
        wrong: a letter and what to say to whoever expected it in vain, a message.
    """

    choices: Mapping[str, str]
    right: str
    wrong: Mapping[str, str] = field(default_factory=dict)

    def _read(self, value: Any) -> tuple[str | None, str]:
        letter = as_letter(value)
        if letter not in self.choices:
            asked = N_("Choose one of {choices}, in quotation marks. A guess is enough: it is not graded.")
            return None, translate(asked, choices=", ".join(self.choices))
        return letter, ""

    def _worded(self, value: Any) -> str:
        return translate(N_("{letter} ({text})"), letter=value, text=translate(self.choices[value]))

    def _comment(self, predicted: Any, outcome: Any) -> str:
        if predicted == outcome:
            return self.right
        return self.wrong.get(predicted, N_("What did you count on that did not happen?"))
