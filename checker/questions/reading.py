"""Read your own curves: what changed between two runs, one number, and the reason."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from checker import datasets
from checker.questions.answer import NOT_ASKED, ReadingAnswer
from checker.questions.evidence import curves_record, data_record, unread_record
from checker.questions.question import Question
from checker.questions.training import Training, scale
from checker.questions.typed import as_letter, as_number, no_number, noted_letter
from checker.report import Advice, Finding, Outcome, Report, Section, Severity

if TYPE_CHECKING:  # NumPy, which curves need, is loaded when the first curves are judged
    from checker.curves import Comparison, Curves
    from checker.questions.evidence import Evidence


@dataclass(frozen=True, kw_only=True)
class ReadingQuestion(Question[ReadingAnswer]):
    """Read your own curves: what changed between two runs, one number, and the reason.

    Half of the points are for the reading, in equal parts for change and number, half for the reason. In a notebook
    that asks for no reason, an older one, the reading has all of them. What the runs show is said once it was read.

    Attributes:
        training: how both networks were trained.
        claims: a letter and the comparison it stands for, one of ``curves.compare``'s names.
        texts: a letter and its sentence, a message.
        number: the name of the number asked for: ``"best_epoch"`` of the first run or ``"best_loss"`` of the second.
        effect: the letter that runs as the notebook makes them show, for the solution.
        before: the notebook's name for the history of the first run.
    """

    training: Training
    claims: Mapping[str, str]
    texts: Mapping[str, str]
    number: str
    effect: str
    before: str
    reads_runs: ClassVar[bool] = True

    def check(
        self,
        effect: Any = None,
        number: Any = None,
        before: Any = None,
        after: Any = None,
        reason: Any = NOT_ASKED,
    ) -> None:
        """Compare your reading with your own two runs, and judge the reason.

        Args:
            effect: the letter of what changed.
            number: the number that the question asks for.
            before: the history of the network without the new layers.
            after: the history of the network with them.
            reason: the letter of why.
        """
        self._check(lambda: ReadingAnswer.from_kernel(effect, number, before, after, reason))

    def evaluate(
        self,
        effect: Any = None,
        number: Any = None,
        before: Any = None,
        after: Any = None,
        reason: Any = NOT_ASKED,
    ) -> Report:
        """The report on a reading; shows nothing and raises nothing."""
        return self._evaluate(lambda: ReadingAnswer.from_kernel(effect, number, before, after, reason))

    def grade(
        self,
        effect: Any = None,
        number: Any = None,
        before: Any = None,
        after: Any = None,
        reason: Any = NOT_ASKED,
    ) -> float:
        """The points for a reading: a plain finite float in [0, points]; silent."""
        return self._grade(lambda: ReadingAnswer.from_kernel(effect, number, before, after, reason))

    def _reason_asked(self) -> Advice | None:
        return None  # it is part of the answer

    def from_evidence(self, evidence: Evidence, proved: Collection[Curves] = ()) -> ReadingAnswer:
        return ReadingAnswer.from_evidence(evidence, proved)

    def solution_code(self) -> str:
        name = self.training.prefix
        number = {
            "best_epoch": f'int(np.argmin({self.before}.history["val_loss"])) + 1',
            "best_loss": f'min({name}history.history["val_loss"])',
        }[self.number]
        code = f'{name}effect = "{self.effect}"\n{name}number = {number}'
        return code if self.reason is None else f'{code}\n{name}reason = "{self.reason.answer}"'

    def sections(self, answer: ReadingAnswer) -> Iterator[Section]:
        before, after = answer.before, answer.after
        if answer.doubt is not None and not (answer.exchanged and self._swapped(answer)):
            yield Section("answer", False, 0.0, self.points, (answer.doubt,), outcome=Outcome.UNSETTLED)
            return
        if isinstance(before, Finding) or isinstance(after, Finding):
            problem = before if isinstance(before, Finding) else after
            yield Section("answer", False, 0.0, self.points, (problem,) if isinstance(problem, Finding) else ())
            return
        if (trouble := self._trouble(answer.same, before, after)) is not None:
            yield Section("answer", False, 0.0, self.points, (trouble,))
            return
        if self._swapped(answer):
            yield Section("answer", False, 0.0, self.points, (Finding("reading.swapped"),))
            return
        asked = self.reason if answer.reason is not NOT_ASKED else None
        worth = self.points if asked is None else self.points / 2
        findings = self._mistakes(answer, before, after)
        told = () if findings else tuple(self._told(before, after))
        yield Section("answer", not findings, worth * (2 - len(findings)) / 2, worth, findings or told)
        if asked is not None:
            yield asked.section(answer.reason, self._name("reason"), self.points - worth)

    def _mistakes(self, answer: ReadingAnswer, before: Curves, after: Curves) -> tuple[Finding, ...]:
        """What is wrong in the reading, if these are the two runs."""
        comparison = self._compared(before, after)
        return (*self._effect(answer.effect, comparison), *self._number(answer.number, before, after))

    def _told(self, before: Curves, after: Curves) -> Iterator[Finding]:
        """What the runs show, for whoever has read it."""
        comparison = self._compared(before, after)
        for name in sorted(comparison.names):
            yield Finding(f"compare.{name}", Severity.NOTE, params=comparison.numbers)

    def _compared(self, before: Curves, after: Curves) -> Comparison:
        from checker.curves import compare

        return compare(before, after, reference=datasets.median_loss(self.training.data))

    def _name(self, part: str) -> str:
        """The notebook's name for a part of the answer."""
        return f"{self.training.prefix}{part}"

    def _swapped(self, answer: ReadingAnswer) -> bool:
        """Whether the answer is wrong of these two runs, and right of the same two the other way round."""
        before, after = answer.before, answer.after
        if isinstance(before, Finding) or isinstance(after, Finding):
            return False
        return bool(self._mistakes(answer, before, after)) and not self._mistakes(answer, after, before)

    def _trouble(self, same: bool, before: Curves, after: Curves) -> Finding | None:
        """Why these two runs cannot be compared."""
        if same or before == after:
            return Finding("reading.same_run")
        if before.val_loss is None or after.val_loss is None:
            return Finding("curve.no_validation")
        return scale(self.training, before) or scale(self.training, after)

    def _effect(self, effect: Any, comparison: Comparison) -> Iterator[Finding]:
        letter = as_letter(effect)
        if letter is None or letter == "":
            yield Finding("reading.unanswered", params={"name": self._name("effect")})
        elif letter not in self.claims:
            params = {"name": self._name("effect"), "choices": ", ".join(self.claims)}
            yield Finding("choice.unknown:named", params=params)
        elif self.claims[letter] not in comparison.names:
            yield Finding("reading.effect", params={"text": self.texts[letter]})

    def _number(self, number: Any, before: Curves, after: Curves) -> Iterator[Finding]:
        value = as_number(number)
        if isinstance(number, Finding):
            yield number
        elif value is None:
            name = self._name("number")
            yield no_number(number, name) or Finding("reading.unanswered", params={"name": name})
        elif self.number == "best_epoch":
            if not _names_best_epoch(value, before):
                yield Finding("reading.best_epoch", params={"given": value, "epochs": len(before.loss)})
        elif not _names_best_loss(value, after):
            yield Finding("reading.best_loss", params={"given": value, "history": self._name("history")})

    def _record(self, answer: ReadingAnswer) -> Mapping[str, Any]:
        reason = {} if answer.reason is NOT_ASKED else {"reason": noted_letter(answer.reason)}
        return {
            "answer": {"effect": noted_letter(answer.effect), "number": as_number(answer.number), **reason},
            "before": curves_record(answer.before),
            "after": curves_record(answer.after),
            "unread": unread_record(
                before=answer.before, after=answer.after, number=no_number(answer.number, self._name("number"))
            ),
            "data": data_record(self.training.data),
        }


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
