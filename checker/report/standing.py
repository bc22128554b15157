"""Where a learner stands in an assignment: plain data, shown by :mod:`checker.show`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Record:
    """One question's progress: how often it was checked, the best points so far, hints and solution seen."""

    attempts: int = 0
    points: float = 0.0
    passed: bool = False
    hints: int = 0
    solution_seen: bool = False


@dataclass(frozen=True)
class Line:
    """One question in a :class:`Standing`."""

    question: str
    title: str
    max_points: float
    record: Record


@dataclass(frozen=True)
class Standing:
    """Where a learner stands in an assignment.

    Attributes:
        assignment: its id.
        title: a message.
        lines: one for each question, in the order of the notebook.
        written: points that a teacher gives by hand.
    """

    assignment: str
    title: str
    lines: tuple[Line, ...]
    written: float = 0.0

    @property
    def points(self) -> float:
        """The best points so far."""
        return sum(line.record.points for line in self.lines)

    @property
    def max_points(self) -> float:
        """What all questions are worth."""
        return sum(line.max_points for line in self.lines)

    @property
    def next(self) -> str | None:
        """The first question that is not passed yet; None when all are."""
        return next((line.question for line in self.lines if not line.record.passed), None)
