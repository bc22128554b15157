"""The suite of models as learners write them: every verdict right, and the first finding names the right edit.

The cases stand in tests/support/models/: right answers in other words, classic mistakes, machine-made mutants, open
designs. Each is one test; what a case is known to get wrong is named in :data:`KNOWN_FAILURES`, and nothing else fails.
"""

from __future__ import annotations

import json

import pytest
from models import designs, mutants, right, wrong
from models.case import Case, sequential

from checker.assignments import spotify
from checker.questions import NetworkQuestion
from checker.report import Report

CASES = {str(case): case for case in (*right.cases(), *wrong.cases(), *mutants.cases(), *designs.cases())}
QUESTIONS = {
    "q1": spotify.q1,
    "q3": spotify.q3,
    **{name: NetworkQuestion(id=name, title=name, network=network) for name, network in designs.DESIGNS.items()},
}
KNOWN_FAILURES: dict[str, str] = {}
"""Cases whose report is wrong today, each with the reason; a case that comes right has to leave the table."""


def known(name: str) -> object:
    """A case as a parameter, expected to fail where it is known to."""
    reason = KNOWN_FAILURES.get(name)
    return pytest.param(CASES[name], id=name, marks=[pytest.mark.xfail(strict=True, reason=reason)] if reason else [])


def test_the_suite_is_large_and_every_known_failure_is_of_it() -> None:
    assert len(CASES) >= 300
    assert len(CASES) == sum(len(one.cases()) for one in (right, wrong, mutants, designs)), "two cases of one name"
    assert CASES.keys() >= KNOWN_FAILURES.keys()


@pytest.mark.parametrize("case", map(known, CASES))
def test_model(case: Case) -> None:
    """The verdict, the first finding, how many there are; and the report is finite, complete and survives JSON."""
    report = QUESTIONS[case.question].evaluate(model=case.build())
    said = "; ".join(finding.message for finding in report.findings[:3])
    assert report.passed == (not case.first), f"passed={report.passed}: {said}"
    if case.first:
        assert any(first.fits(finding) for finding in report.findings[:1] for first in case.first), said
    if case.count is not None:
        assert len(report.findings) <= case.count, said
    assert 0 <= report.points <= report.max_points
    assert all(finding.message and "{" not in finding.message for finding in report.findings), said
    assert Report.from_dict(json.loads(json.dumps(report.to_dict()))) == report


def test_the_starters_earn_nothing() -> None:
    assert spotify.q1.evaluate(model=sequential("D128r D64r D1", 18)).points == 0
    assert spotify.q3.evaluate(model=sequential("D512r D512r D512r D1", 8)).points == 0
