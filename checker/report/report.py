"""What was found: plain data, made once, saved as JSON, shown in any language.

A :class:`Report` has sections ("architecture", "curves", "answer", "reason", "cause", "change"), a section has findings
and, for an architecture, the rows of the side-by-side table. Nothing here knows Keras, HTML or nbgrader.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from checker.language import translate
from checker.report.messages import MESSAGES

TEXTS = ("why", "text")
"""Parameters that are messages themselves, translated when a finding is shown."""


class Severity(StrEnum):
    """How much a finding matters: an error fails its section, the others do not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Outcome(StrEnum):
    """What the evidence says of a claim: proved, contradicted, or not settled."""

    PROVED = "proved"
    CONTRADICTED = "contradicted"
    UNSETTLED = "unsettled"


@dataclass(frozen=True)
class Finding:
    """One thing that was noticed.

    Attributes:
        code: a stable name, ``"layer.missing"``; ``"layer.missing:first"`` is the same finding in another wording.
        severity: errors fail the section.
        position: what it speaks of: the learner's layer, counted from 1 (``layer.*``), or the epoch, counted from 1
            (``curve.*``); None where it speaks of the whole.
        params: what the message's ``{named}`` places are filled with: plain JSON values.
    """

    code: str
    severity: Severity = Severity.ERROR
    position: int | None = None
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The code without its wording."""
        return self.code.partition(":")[0]

    @property
    def message(self) -> str:
        """The sentence, in the language in force; text between backquotes is code."""
        template = MESSAGES.get(self.code) or MESSAGES.get(self.name)
        if template is None:
            return self.code
        try:
            params = {key: translate(value) if key in TEXTS else value for key, value in self.params.items()}
            return translate(template).format(**{"position": self.position, **params})
        except (KeyError, IndexError, ValueError, TypeError):  # a report from elsewhere may lack a parameter
            return translate(template)

    def to_dict(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "severity": str(self.severity),
            "position": self.position,
            "params": plain(dict(self.params)),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        position = data.get("position")
        return cls(
            str(data["code"]),
            Severity(data.get("severity", "error")),
            None if position is None else int(position),
            restored(dict(data.get("params", {}))),
        )


@dataclass(frozen=True)
class Row:
    """One line of the side-by-side table: your network, the expected one, what to do.

    Attributes:
        action: ``"ok"``, ``"add"``, ``"remove"``, ``"change"`` or ``"move"``.
        number: the learner's layer, counted from 1; None where the learner has none here.
        actual: the learner's layer as Keras code; None where there is none.
        expected: the expected layer as Keras code; None where none is expected.
        detail: what to change, as Keras code: ``"rate=0.3"``; empty where the action says it all.
    """

    action: str
    number: int | None = None
    actual: str | None = None
    expected: str | None = None
    detail: str = ""


@dataclass(frozen=True)
class Section:
    """One side of an answer: its verdict, points and findings.

    Attributes:
        name: ``"architecture"``, ``"curves"``, ``"answer"``, ``"cause"`` or ``"change"``.
        points, max_points: points earned and possible.
        table: the side-by-side table of an architecture, empty elsewhere.
        curves: what the picture of the curves is drawn from, ``{"loss": [...], "val_loss": [...]}``; None elsewhere.
        diagnoses: names of the diagnoses of those curves.
        outcome: what the evidence says of this section's claims; None where there is nothing to prove.
    """

    name: str
    passed: bool
    points: float = 0.0
    max_points: float = 0.0
    findings: tuple[Finding, ...] = ()
    table: tuple[Row, ...] = ()
    curves: Mapping[str, list[float]] | None = None
    diagnoses: tuple[str, ...] = ()
    outcome: Outcome | None = None

    @property
    def unsettled(self) -> str:
        """Code of the finding that says why running the notebook again or a person has to settle it; else empty."""
        return self.findings[0].code if self.outcome is Outcome.UNSETTLED and self.findings else ""

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "passed": self.passed,
            "points": self.points,
            "max_points": self.max_points,
            "findings": [finding.to_dict() for finding in self.findings],
            "table": [dict(vars(row)) for row in self.table],
            "curves": plain(None if self.curves is None else dict(self.curves)),
            "diagnoses": list(self.diagnoses),
            "outcome": self.outcome and str(self.outcome),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        return cls(
            str(data["name"]),
            bool(data["passed"]),
            float(data.get("points", 0.0)),
            float(data.get("max_points", 0.0)),
            tuple(Finding.from_dict(finding) for finding in data.get("findings", ())),
            tuple(Row(**row) for row in data.get("table", ())),
            restored(data.get("curves")),
            tuple(data.get("diagnoses", ())),
            Outcome(data["outcome"]) if data.get("outcome") else None,
        )


@dataclass(frozen=True)
class Report:
    """The verdict on one question.

    Attributes:
        assignment, question: their ids, ``"spotify"`` and ``"q1"``.
        title: the question's title, a message to translate.
        sections: what was judged; a section that was not asked for is absent.
        max_points: points of the whole question, also of sections that were not asked for.
    """

    assignment: str
    question: str
    title: str
    sections: tuple[Section, ...]
    max_points: float

    @property
    def points(self) -> float:
        """Points earned: a finite float in [0, max_points]."""
        earned = math.fsum(section.points for section in self.sections)
        return float(min(max(earned, 0.0), self.max_points))

    @property
    def passed(self) -> bool:
        """Whether everything that was judged is right."""
        return bool(self.sections) and all(section.passed for section in self.sections)

    @property
    def unsettled(self) -> str:
        """Why running the notebook again or a person has to settle the points; empty where the evidence does."""
        return next((section.unsettled for section in self.sections if section.unsettled), "")

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, in the order in which to act on them."""
        return tuple(finding for section in self.sections for finding in section.findings)

    def __getitem__(self, name: str) -> Section:
        for section in self.sections:
            if section.name == name:
                return section
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return any(section.name == name for section in self.sections)

    def __iter__(self) -> Iterator[Section]:
        return iter(self.sections)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON data; numbers that JSON lacks (NaN, infinity) become their names."""
        return {
            "assignment": self.assignment,
            "question": self.question,
            "title": self.title,
            "points": self.points,
            "max_points": self.max_points,
            "passed": self.passed,
            "sections": [section.to_dict() for section in self.sections],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The report that :meth:`to_dict` wrote; points and verdict are computed anew from the sections.

        Raises:
            KeyError, TypeError, ValueError: for data of another form.
        """
        return cls(
            str(data["assignment"]),
            str(data["question"]),
            str(data.get("title", "")),
            tuple(Section.from_dict(section) for section in data["sections"]),
            float(data["max_points"]),
        )


@dataclass(frozen=True)
class Advice:
    """A word to the learner that is no verdict: a hint, an offer, a solution.

    Attributes:
        title, text: in the learner's language; text between backquotes is code.
        code: lines of Python to show below, may be empty.
    """

    title: str
    text: str
    code: str = ""


_NAMES = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def plain(value: Any) -> Any:
    """The value as JSON data: tuples become lists, NaN and infinities their names (``"-Infinity"``)."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def restored(value: Any) -> Any:
    """The inverse of :func:`plain`."""
    if isinstance(value, str):
        return _NAMES.get(value, value)
    if isinstance(value, dict):
        return {key: restored(item) for key, item in value.items()}
    if isinstance(value, list):
        return [item if type(item) is float else restored(item) for item in value]  # nearly all are losses
    return value
