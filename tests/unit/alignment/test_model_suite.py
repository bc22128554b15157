"""The suite of models as learners write them: every verdict right, and the first finding names the right edit.

The cases stand in tests/models/: right answers in other words, classic mistakes, machine-made mutants, open designs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from models import designs, mutants, right, wrong
from models.case import Case

from checker.assignments import spotify
from checker.questions import NetworkQuestion
from checker.report import Report

CASES = [*right.cases(), *wrong.cases(), *mutants.cases(), *designs.cases()]
QUESTIONS = {
    "q1": spotify.q1,
    "q3": spotify.q3,
    **{name: NetworkQuestion(id=name, title=name, network=network) for name, network in designs.DESIGNS.items()},
}


@dataclass(frozen=True)
class Outcome:
    case: Case
    report: Report

    @property
    def is_right(self) -> bool:
        return self.report.passed == (not self.case.first)

    @property
    def names_the_edit(self) -> bool:
        return bool(self.report.findings) and any(first.fits(self.report.findings[0]) for first in self.case.first)

    def __str__(self) -> str:
        found = "; ".join(finding.message for finding in self.report.findings[:3])
        return f"{self.case}: passed={self.report.passed} {found}"


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    return [Outcome(case, QUESTIONS[case.question].evaluate(model=case.build())) for case in CASES]


def test_the_suite_is_large() -> None:
    assert len(CASES) >= 150
    assert len({str(case) for case in CASES}) == len(CASES)


def test_every_verdict_is_right(outcomes: list[Outcome], capsys: pytest.CaptureFixture[str]) -> None:
    wrong_verdicts = [str(outcome) for outcome in outcomes if not outcome.is_right]
    with capsys.disabled():
        print(f"\nverdicts right: {len(outcomes) - len(wrong_verdicts)} of {len(outcomes)}")
    assert not wrong_verdicts, "\n".join(wrong_verdicts)


def test_the_first_finding_names_the_right_edit(outcomes: list[Outcome], capsys: pytest.CaptureFixture[str]) -> None:
    mistaken = [outcome for outcome in outcomes if outcome.case.first]
    missed = [str(outcome) for outcome in mistaken if not outcome.names_the_edit]
    with capsys.disabled():
        print(f"\nfirst finding right: {len(mistaken) - len(missed)} of {len(mistaken)}")
    assert len(missed) <= 0.05 * len(mistaken), "\n".join(missed)


def test_no_more_is_asked_than_needed(outcomes: list[Outcome]) -> None:
    counted = [outcome for outcome in outcomes if outcome.case.count is not None]
    long_winded = [str(outcome) for outcome in counted if len(outcome.report.findings) > (outcome.case.count or 0)]
    assert not long_winded, "\n".join(long_winded)


def test_every_report_survives_json_and_gives_finite_points(outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        report = outcome.report
        assert Report.from_dict(json.loads(json.dumps(report.to_dict()))) == report, str(outcome)
        assert 0 <= report.points <= report.max_points, str(outcome)
        assert all(finding.message and "{" not in finding.message for finding in report.findings), str(outcome)


def test_the_starters_earn_nothing() -> None:
    from models.case import sequential

    assert spotify.q1.evaluate(model=sequential("D128r D64r D1", 18)).points == 0
    assert spotify.q3.evaluate(model=sequential("D512r D512r D512r D1", 8)).points == 0
