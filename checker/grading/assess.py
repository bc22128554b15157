"""What a submission's evidence earns: read once, judged where the learner's own answers are judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from checker.curves import Curves
from checker.questions import Assignment
from checker.questions.evidence import Evidence, read
from checker.report import Outcome, Report


@dataclass(frozen=True)
class Assessment:
    """What a submission's evidence earns in one question.

    Attributes:
        report: the verdict; ``report.unsettled`` says why the evidence does not settle it.
        evidence: what it rests on.
        proved: the curves that the submission's other evidence proves.
    """

    report: Report
    evidence: Evidence
    proved: tuple[Curves, ...] = ()


def assess(assignment: Assignment, files: Mapping[str, bytes]) -> dict[str, Assessment]:
    """Grade all questions of a submission from its evidence; never raises for what is in the files.

    Args:
        assignment: the assignment.
        files: the submission's evidence by name, ``"q1.json"`` and ``"q1.keras"``.

    Returns:
        By question id. Curves that the weights do not prove are not settled.
    """
    assessed: dict[str, Assessment] = {}
    proved: list[Curves] = []
    for question in sorted(assignment.questions, key=lambda question: question.reads_runs):
        evidence = read(files, question.id, assignment.id)
        report = question.judge(question.from_evidence(evidence, proved))
        assessed[question.id] = Assessment(report, evidence, tuple(proved))
        proved += _proved(report)
    return {question.id: assessed[question.id] for question in assignment.questions}


def _proved(report: Report) -> list[Curves]:
    """The curves that a report has, if its evidence proves them."""
    if "curves" not in report or report["curves"].outcome is not Outcome.PROVED:
        return []
    held = report["curves"].curves
    return [] if held is None else [Curves.of(held)]
