"""The outcome of grading one submission: plain data that travels between processes and into the journal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class Answered:
    """One question's outcome, for the class report.

    Attributes:
        points: None waits for a person.
        max_points: what the question is worth.
        passed: whether it was answered rightly.
        reason: the message code of why it waits.
        findings: what was wrong, as :func:`checker.grading.class_report.finding_key` has it.
        shown: what was handed in, as code, to be shown to a class without a name.
        sketch, responses, curves: what copies are found by, see :class:`checker.questions.evidence.Evidence`.
    """

    points: float | None
    max_points: float
    passed: bool
    reason: str = ""
    findings: tuple[str, ...] = ()
    shown: str = ""
    sketch: tuple[float, ...] = ()
    responses: tuple[float, ...] = ()
    curves: str = ""

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """From plain JSON data."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in data.items()
        }
        return cls(**values)


@dataclass(frozen=True)
class Graded:
    """The outcome of one submission: plain data, small, the same from every process.

    Attributes:
        student: the student's id.
        key: the journal's key.
        grades: auto score by notebook and grade id; None waits for a person.
        comments: automatic comment by notebook and grade id.
        questions: by question id.
        timestamp: when it was handed in, as ISO 8601 in UTC; empty if unknown.
        failure: why it could not be graded; empty if it was.
        attention: message codes of what a person should look at beyond the questions' own reasons.
    """

    student: str
    key: str
    grades: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    comments: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    questions: Mapping[str, Answered] = field(default_factory=dict)
    timestamp: str = ""
    failure: str = ""
    attention: tuple[str, ...] = ()

    @property
    def points(self) -> float:
        """The automatic points."""
        return sum(score or 0.0 for scores in self.grades.values() for score in scores.values())

    @property
    def reasons(self) -> tuple[str, ...]:
        """Everything a person should look at, as message codes."""
        open_questions = (answered.reason for answered in self.questions.values() if answered.reason)
        return tuple(dict.fromkeys((*((self.failure,) if self.failure else ()), *open_questions, *self.attention)))

    def to_json(self) -> str:
        questions = {name: vars(answered) for name, answered in self.questions.items()}
        return json.dumps({**vars(self), "questions": questions}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        data = json.loads(text)
        data["attention"] = tuple(data["attention"])
        data["questions"] = {name: Answered.of(answered) for name, answered in data["questions"].items()}
        return cls(**data)
