"""What was found, as plain data: findings, sections, reports, and where a learner stands."""

from checker.report.report import Advice, Finding, Outcome, Report, Row, Section, Severity, plain, restored
from checker.report.standing import Line, Record, Standing

__all__ = [
    "Advice",
    "Finding",
    "Line",
    "Outcome",
    "Record",
    "Report",
    "Row",
    "Section",
    "Severity",
    "Standing",
    "plain",
    "restored",
]
