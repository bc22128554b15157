"""No honest learner loses a point: many ways to do the same work, each live and as a grader sees it."""

from __future__ import annotations

from typing import Any

import honest
import pytest
from honest import Way, Work

from checker.questions.evidence import Folder, read
from checker.report import Outcome, Report, Section

pytestmark = pytest.mark.slow

WAYS = {str(way): way for way in honest.ways()}

UNSETTLED = {
    "callbacks: averaged weights": "history.other_split",
    "callbacks: interrupted in an epoch": "history.other_split",
    "compile: moving average of the weights": "history.averaged",
    "compile: loss doubled": "compile.loss",
    "data: a share of the training data": "history.other_split",
    "data: part of the validation data": "history.other_split",
    "data: weighted validation": "history.other_split",
    "storage: called in training mode": "history.other_split",
    "storage: history rounded to three digits": "history.rounded",
}
"""What no grader can recompute, and the sentence that says what to do about it.

In each of these the history does not show the loss that the weights have on the course's validation data: the weights
are those of no epoch, or the loss was measured on other data, in another way, or rounded. The curves wait for a person
(where the loss function is another one, they are to be trained anew), and the learner sees so at once.
"""


def both(work: Work) -> tuple[Report, Report]:
    """The report in the notebook, and the one on the evidence that its check leaves."""
    live = work.question.evaluate(model=work.model, history=work.history)
    work.question.grade(work.model, work.history)
    graded = work.question.judge(work.question.from_evidence(read(Folder(), work.question.id)))
    return live, graded


def comparable(section: Section) -> tuple[Any, ...]:
    """A section with the sentences of its findings: the learner reads the same twice."""
    said = [(finding.code, finding.severity, finding.position, finding.message) for finding in section.findings]
    return section.name, section.passed, section.points, said, section.outcome, section.unsettled


def judged(way: Way) -> Report:
    """The report on a way, once both readers agree on it."""
    with way.machine():
        live, graded = both(way.work())
    assert list(map(comparable, live)) == list(map(comparable, graded))
    assert Outcome.CONTRADICTED not in [section.outcome for section in live]
    return live


@pytest.mark.parametrize("name", [name for name in WAYS if name not in UNSETTLED])
def test_an_honest_way_earns_everything(name: str) -> None:
    report = judged(WAYS[name])
    assert report["curves"].outcome is Outcome.PROVED, report["curves"].findings
    assert report.points == report.max_points, [finding.message for finding in report.findings]


@pytest.mark.parametrize("name", UNSETTLED)
def test_what_cannot_be_recomputed_is_said_and_not_accused(name: str) -> None:
    report = judged(WAYS[name])
    assert report["architecture"].passed
    codes = [finding.code for finding in report["curves"].findings]
    assert [code for code in codes if code != "network.rule"] == [UNSETTLED[name]]


def test_there_are_enough_of_them() -> None:
    assert len(WAYS) - len(UNSETTLED) >= 60
    assert {way.kind for way in WAYS.values()} >= {"network", "callbacks", "machine", "data", "compile", "storage"}
