"""Ablation: the learner's network with and without each of its layers, over two seeds, and what may be concluded.

A layer is called needed where each run of the whole network beats each run without it: a lead that is smaller than what
another seed changes may be chance.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any, Self

from checker import datasets
from checker.questions.answer import read_curves
from checker.questions.evidence import curves_record, data_record, unread_record
from checker.questions.question import Question
from checker.questions.quiz import ReasonQuestion
from checker.questions.training import SMALLEST_SCALE, Training
from checker.questions.typed import as_letter, as_number, no_number, noted_letter
from checker.report import Advice, Finding, Outcome, Report, Section, Severity

if TYPE_CHECKING:  # NumPy, which curves need, is loaded when the first curves are judged
    from checker.curves import Curves
    from checker.questions.evidence import Evidence

WHOLE = "both"
WITHOUT = ("no dropout", "no batch normalization")
NETWORKS = (WHOLE, *WITHOUT, "neither")
"""The rows of the table: which layers the network has."""

SEEDS = 2

READ_OFF = 0.0011
"""How far from the right number counts as right: the table shows three decimals, and two of them are subtracted."""

TIED = 0.0005
"""Two losses that are no farther apart may look equal in the table."""

LARGEST_SCALE = 15.0
"""A lowest loss above this many times the median predictor's was measured on other data. A network that answers 0 for
every wine has 9 of them, and a small one may not have come far from there in so few epochs."""

Runs = Mapping[str, tuple["Curves", ...]]


@dataclass(frozen=True)
class AblationAnswer:
    """What was read off an ablation.

    Attributes:
        needed, chance, reason: as handed in; for a number that was read as none, the finding why.
        runs: for each of ``NETWORKS`` the curves of its trainings, one a seed; or the finding why there are none.
        doubt: why the evidence cannot be relied on; None where it can.
    """

    needed: Any
    chance: Any
    reason: Any
    runs: Runs | Finding
    doubt: Finding | None = None

    @classmethod
    def from_kernel(cls, needed: Any, chance: Any, reason: Any, runs: Any) -> Self:
        """Read live objects, each once."""
        return cls(needed, chance, reason, read_runs(runs))

    @classmethod
    def from_evidence(cls, evidence: Evidence) -> Self:
        """Read what the evidence says."""
        doubt = Finding(evidence.problems[0]) if evidence.problems else None
        chance = evidence.unread("number") or evidence.answer("chance")
        runs = evidence.unread("runs") or read_runs(evidence.record.get("runs"))
        return cls(evidence.answer("needed"), chance, evidence.answer("reason"), runs, doubt)


def read_runs(runs: Any) -> Runs | Finding:
    """The curves of an ablation by network, or the finding why there are none."""
    if not isinstance(runs, Mapping):
        return Finding("history.ablation")
    read: dict[str, tuple[Curves, ...]] = {}
    for name in NETWORKS:
        histories = runs.get(name)
        if not isinstance(histories, list | tuple) or len(histories) != SEEDS:
            return Finding("history.ablation")
        curves = [read_curves(history) for history in histories]
        for found in curves:
            if isinstance(found, Finding):
                return found
        read[name] = tuple(found for found in curves if not isinstance(found, Finding))
    return read


@dataclass(frozen=True)
class Table:
    """What the notebook's table says.

    Attributes:
        lowest: for each network the lowest validation loss of each seed; infinite where a training fell apart.
    """

    lowest: Mapping[str, tuple[float, ...]]

    @classmethod
    def of(cls, runs: Runs) -> Self:
        return cls({name: tuple(map(_lowest, curves)) for name, curves in runs.items()})

    @property
    def chance(self) -> float:
        """The largest difference that the seed alone made in a row of finite losses."""
        return max((max(row) - min(row) for row in self.lowest.values() if all(map(math.isfinite, row))), default=0.0)

    def lead(self, name: str) -> float:
        """By how much the worst run of the whole network beats the best one of that network."""
        worst, best = max(self.lowest[WHOLE]), min(self.lowest[name])
        return best - worst if math.isfinite(worst) else -math.inf

    def needed(self) -> set[tuple[bool, ...]]:
        """Whether each of ``WITHOUT`` shows a layer to be needed; more than one answer where losses look equal."""
        found: set[tuple[bool, ...]] = {()}
        for name in WITHOUT:
            lead = self.lead(name)
            verdicts = {True, False} if abs(lead) <= TIED else {lead > 0}
            found = {(*known, verdict) for known in found for verdict in verdicts}
        return found


def _lowest(curves: Curves) -> float:
    best = curves.best_epoch
    return math.inf if best is None or curves.val_loss is None else curves.val_loss[best - 1]


@dataclass(frozen=True, kw_only=True)
class AblationQuestion(Question[AblationAnswer]):
    """Read an ablation of one's own network, and say what may be concluded.

    Half of the points are for the reading, in equal parts for the layers and for the number, half for the reason.

    Attributes:
        training: how every network was trained.
        claims: a letter, and whether dropout and batch normalization are needed.
        texts: a letter and its sentence, a message.
        asked: the question why, with misconceptions as its distractors.
    """

    training: Training
    claims: Mapping[str, tuple[bool, bool]]
    texts: Mapping[str, str] = field(default_factory=dict)
    asked: ReasonQuestion

    def check(self, needed: Any = None, chance: Any = None, reason: Any = None, runs: Any = None) -> None:
        """Compare your reading with your own table, and judge the reason.

        Args:
            needed: the letter of the layers that this network needs.
            chance: the largest difference between two seeds in one row of the table.
            reason: the letter of why.
            runs: the histories of all trainings, ``{"both": [first, second], ...}``.
        """
        self._check(lambda: AblationAnswer.from_kernel(needed, chance, reason, runs))

    def evaluate(self, needed: Any = None, chance: Any = None, reason: Any = None, runs: Any = None) -> Report:
        """The report on a reading; shows nothing and raises nothing."""
        return self._evaluate(lambda: AblationAnswer.from_kernel(needed, chance, reason, runs))

    def grade(self, needed: Any = None, chance: Any = None, reason: Any = None, runs: Any = None) -> float:
        """The points for a reading: a plain finite float in [0, points]; silent."""
        return self._grade(lambda: AblationAnswer.from_kernel(needed, chance, reason, runs))

    def from_evidence(self, evidence: Evidence, proved: Collection[Curves] = ()) -> AblationAnswer:
        return AblationAnswer.from_evidence(evidence)

    def solution_code(self) -> str:
        letters = ", ".join(f'{claim}: "{letter}"' for letter, claim in self.claims.items())
        return (
            'lowest = {name: [min(run.history["val_loss"]) for run in pair] for name, pair in runs.items()}\n'
            'dropout = max(lowest["both"]) < min(lowest["no dropout"])\n'
            'batch_normalization = max(lowest["both"]) < min(lowest["no batch normalization"])\n'
            f"needed = {{{letters}}}[dropout, batch_normalization]\n"
            "chance = max(abs(first - second) for first, second in lowest.values())\n"
            f'reason = "{self.asked.answer}"'
        )

    def sections(self, answer: AblationAnswer) -> Iterator[Section]:
        trouble = answer.doubt or (answer.runs if isinstance(answer.runs, Finding) else self._trouble(answer.runs))
        if trouble is not None or isinstance(answer.runs, Finding):
            outcome = Outcome.UNSETTLED if answer.doubt is not None else None
            yield Section("answer", False, 0.0, self.points, tuple(filter(None, [trouble])), outcome=outcome)
            return
        table, worth = Table.of(answer.runs), self.points / 2
        findings = (*self._needed(answer.needed, table), *self._chance(answer.chance, table))
        told = () if findings else tuple(self._told(table))
        yield Section("answer", not findings, worth * (2 - len(findings)) / 2, worth, findings or told)
        yield self.asked.section(answer.reason, "reason", self.points - worth)

    def _trouble(self, runs: Runs) -> Finding | None:
        """Why these runs are no ablation."""
        for name in NETWORKS:
            for curves in runs[name]:
                if curves.val_loss is None:
                    return Finding("curve.no_validation")
                median, lowest = datasets.median_loss(self.training.data), _lowest(curves)
                if math.isfinite(lowest) and not SMALLEST_SCALE * median <= lowest <= LARGEST_SCALE * median:
                    params = {"actual": lowest, "median": median, "data": self.training.data}
                    return Finding("history.scale", params=params)
            if runs[name][0] == runs[name][1]:
                return Finding("ablation.same_seed", params={"name": name})
        for first, second in combinations(NETWORKS, 2):
            if runs[first] == runs[second]:
                return Finding("ablation.same_network", params={"first": first, "second": second})
        return None

    def _needed(self, needed: Any, table: Table) -> Iterator[Finding]:
        letter = as_letter(needed)
        if letter is None or letter == "":
            yield Finding("ablation.unanswered", params={"name": "needed"})
        elif letter not in self.claims:
            yield Finding("choice.unknown:named", params={"name": "needed", "choices": ", ".join(self.claims)})
        elif self.claims[letter] not in table.needed():
            yield Finding("ablation.needed", params={"text": self.texts[letter]})

    def _chance(self, chance: Any, table: Table) -> Iterator[Finding]:
        value = as_number(chance)
        if isinstance(chance, Finding):
            yield chance
        elif value is None:
            yield no_number(chance, "chance") or Finding("ablation.unanswered", params={"name": "chance"})
        elif abs(abs(value) - table.chance) > READ_OFF:
            yield Finding("ablation.chance", params={"given": value})

    def _told(self, table: Table) -> Iterator[Finding]:
        """What the table shows, for whoever has read it."""
        yield Finding("ablation.shown", Severity.NOTE)
        for name in WITHOUT:
            lead, code = table.lead(name), f"ablation.{name.removeprefix('no ').replace(' ', '_')}"
            code = code if lead > TIED else f"{code}:open"
            yield Finding(code, Severity.NOTE, params={"lead": lead})
        yield Finding("ablation.by_chance", Severity.NOTE, params={"chance": table.chance})

    def _record(self, answer: AblationAnswer) -> Mapping[str, Any]:
        runs = {} if isinstance(answer.runs, Finding) else answer.runs
        return {
            "answer": {
                "needed": noted_letter(answer.needed),
                "chance": as_number(answer.chance),
                "reason": noted_letter(answer.reason),
            },
            "runs": {name: [curves_record(run) for run in pair] for name, pair in runs.items()},
            "unread": unread_record(
                runs=answer.runs if isinstance(answer.runs, Finding) else None,
                number=no_number(answer.chance, "chance"),
            ),
            "data": data_record(self.training.data),
        }

    def _reason_asked(self) -> Advice | None:
        return None  # it is part of the answer
