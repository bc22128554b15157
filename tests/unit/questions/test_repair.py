"""Repairs are judged by what was changed, whatever a learner tries; nothing is trained here, the curves are made up."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from checker import datasets
from checker.assignments import clinic
from checker.curves import Curves
from checker.expect import BatchNormalization, Dense, Network
from checker.expect.values import as_allowed
from checker.grading import explain
from checker.grading.submission import Found, Submission, notebook_of
from checker.language import LANGUAGES, using
from checker.questions import Recipe, RepairAnswer, RepairQuestion
from checker.questions.evidence import Evidence
from checker.questions.prepared import Prepared
from checker.questions.repair import Fit
from checker.report import Finding, Report
from checker.show import page, text
from checker.tools.repair_calibration import answered, wrong_repairs

REPAIRS = [(question, recipe) for question in clinic.assignment.of(RepairQuestion) for recipe in question.repairs]
WRONG = [(question, name) for question in clinic.assignment.of(RepairQuestion) for name in wrong_repairs(question)]


def sound(question: RepairQuestion, recipe: Recipe) -> Curves:
    """Curves without any symptom: they fall, and come lower than the case asks."""
    level = 0.5 if question.training.data == "red-wine" else 5.0
    epochs = int(as_allowed(recipe.epochs).example)
    values = [level * (1 + 6 * math.exp(-0.3 * epoch)) for epoch in range(epochs)]
    return Curves(tuple(values), tuple(1.02 * value for value in values))


def handed_in(question: RepairQuestion, recipe: Recipe, **changes: Any) -> RepairAnswer:
    answer = answered(question, recipe)
    network = replace(answer.network, curves=sound(question, recipe))
    return replace(answer, network=network, **changes)


def codes(report: Report) -> list[str]:
    return [finding.code for finding in report.findings]


def name(value: object) -> str | None:
    return f"case {value.number}" if isinstance(value, RepairQuestion) else value if isinstance(value, str) else None


@pytest.mark.parametrize(("question", "recipe"), REPAIRS, ids=name)
def test_each_reference_repair_is_accepted(question: RepairQuestion, recipe: Recipe) -> None:
    report = question.judge(handed_in(question, recipe))
    assert report.passed, codes(report)
    assert report.points == 3.0


@pytest.mark.parametrize(("question", "wrong"), WRONG, ids=name)
def test_no_curves_make_a_wrong_repair_right(question: RepairQuestion, wrong: str) -> None:
    report = question.judge(handed_in(question, wrong_repairs(question)[wrong]))
    assert (report.passed, report["change"].passed) == (False, False)
    assert report.points == 1.0  # for the cause


@pytest.mark.parametrize("question", clinic.questions, ids=name)
def test_the_untouched_case_is_told_apart_from_a_wrong_change(question: RepairQuestion) -> None:
    report = question.judge(handed_in(question, question.broken))
    assert codes(report) == ["repair.unchanged"]


def _with(recipe: Recipe, **changes: Any) -> Recipe:
    return replace(recipe, **changes)


_CASE_1, _CASE_2 = clinic.q1.repairs[0], clinic.q2.repairs[0]
_WIDE = Network(
    BatchNormalization(), Dense(128, activation="relu"), Dense(64, activation="relu"), Dense(1), input_shape=(8,)
)

TRIES: list[tuple[str, RepairQuestion, Recipe, set[str]]] = [
    ("rate and epochs", clinic.q1, _with(_CASE_1, epochs=80), {"repair.put_back:epochs"}),
    ("rate and layers", clinic.q1, _with(_CASE_1, network=_WIDE), {"repair.put_back:network"}),
    ("rate and optimizer", clinic.q1, _with(_CASE_1, optimizer="sgd"), {"repair.put_back:optimizer"}),
    ("rate and batches", clinic.q1, _with(_CASE_1, batch_size=16), {"repair.put_back:batch_size"}),
    ("rate, far too low", clinic.q1, _with(clinic.q1.broken, learning_rate=1e-5), {"repair.value:learning_rate"}),
    (
        "optimizer instead of the rate",
        clinic.q1,
        _with(clinic.q1.broken, optimizer="sgd"),
        {"repair.put_back:optimizer", "repair.untouched"},
    ),
    (
        "layer and scaler",
        clinic.q2,
        _with(_CASE_2, one_scale=True, preparation=clinic.q2.repairs[1].preparation),
        {"repair.put_back:one_scale"},
    ),
    ("too few epochs still", clinic.q8, _with(clinic.q8.broken, epochs=12), {"repair.value:epochs"}),
    ("another case's training", clinic.q6, clinic.q1.broken, {"repair.put_back:learning_rate"}),
]


@pytest.mark.parametrize(("what", "question", "recipe", "expected"), TRIES, ids=[tried[0] for tried in TRIES])
def test_what_else_was_changed_is_put_back_and_only_that(
    what: str, question: RepairQuestion, recipe: Recipe, expected: set[str]
) -> None:
    report = question.judge(handed_in(question, recipe))
    assert set(codes(report)) == expected
    assert report["cause"].passed
    assert not report["change"].passed


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_that_is_said_of_a_try_is_a_sentence(language: str) -> None:
    for _, question, recipe, _ in TRIES:
        with using(language):
            for finding in question.judge(handed_in(question, recipe)).findings:
                assert finding.message.endswith((".", "。"))
                assert "{" not in finding.message


def test_a_wrong_cause_costs_its_third_and_is_told_what_one_would_see() -> None:
    report = clinic.q1.judge(handed_in(clinic.q1, _CASE_1, cause="a"))
    assert report.points == 2.0
    assert codes(report) == ["answer.explained"]


@pytest.mark.parametrize("cause", [None, "", "z", 3, "The learning rate is too high.", ["d"], math.nan])
def test_without_a_cause_nothing_is_judged(cause: Any) -> None:
    report = clinic.q1.judge(handed_in(clinic.q1, _CASE_1, cause=cause))
    assert report.points == 0.0
    assert [section.name for section in report] == ["cause"]


def test_while_the_fault_is_there_the_curves_advise_nothing() -> None:
    """More units or more epochs, which they would advise, is what the learner is not to change."""
    answer = answered(clinic.q5, clinic.q5.broken)
    stalled = Curves((13.6,) * 40, (13.6,) * 40)
    report = clinic.q5.judge(replace(answer, network=replace(answer.network, curves=stalled)))
    assert not report["curves"].passed
    assert codes(report) == ["repair.unchanged"]


@pytest.mark.parametrize("question", clinic.questions, ids=name)
def test_the_curves_of_a_case_are_there_as_numbers_and_undiagnosed(
    question: RepairQuestion, capsys: pytest.CaptureFixture[str]
) -> None:
    question.show()
    shown = capsys.readouterr().out
    for value in (*question.run["loss"], *question.run["val_loss"]):
        assert ("infinity" if math.isinf(value) else f"{value:.4g}") in shown
    assert "Diagnosis" not in shown


# --- the data ---------------------------------------------------------------------------------------------------------

Rows = tuple[Any, Any, Any, Any]
CHANGED: dict[str, Callable[..., Any]] = {
    "fewer rows": lambda X, y, V, w: (X[:300], y[:300], V, w),
    "rows twice": lambda X, y, V, w: (np.concatenate([X, X]), np.concatenate([y, y]), V, w),
    "some rows instead of others": lambda X, y, V, w: (np.concatenate([X[:-9], X[:9]]), np.append(y[:-9], y[:9]), V, w),
    "fewer validation rows": lambda X, y, V, w: (X, y, V[:50], w[:50]),
    "training rows scaled alone": lambda X, y, V, w: ((X - X.mean(0)) / X.std(0), y, V, w),
    "targets scaled": lambda X, y, V, w: (X, y / 100, V, w / 100),
    "easier validation targets": lambda X, y, V, w: (X, y, V, np.full_like(w, w.mean())),
    "a column left out": lambda X, y, V, w: (X[:, 1:], y, V[:, 1:], w),
    "not a number": lambda X, y, V, w: (X * np.nan, y, V, w),
    "noise": lambda X, y, V, w: (np.random.default_rng(0).normal(size=X.shape), y, V, w),
}
NO_DATA: list[Any] = [None, (), "data", 3, [1, 2, 3, 4], (None,) * 4, {"X": 1}]


def rows() -> Rows:
    split = datasets.split("concrete")
    return split.X_train, split.y_train, split.X_valid, split.y_valid


@pytest.mark.parametrize("change", CHANGED.values(), ids=list(CHANGED))
def test_other_rows_than_the_case_s_are_no_repair(change: Callable[..., Any]) -> None:
    answer = handed_in(clinic.q1, _CASE_1)
    prepared = Prepared.of(change(*rows()), datasets.split("concrete"))
    report = clinic.q1.judge(replace(answer, fit=replace(answer.fit, prepared=prepared)))
    assert not report["change"].passed
    assert codes(report)[0] in {"repair.rows", "repair.put_back:paired"}


@pytest.mark.parametrize("data", NO_DATA, ids=repr)
def test_what_is_no_data_is_met_kindly(data: Any) -> None:
    answer = handed_in(clinic.q1, _CASE_1)
    prepared = Prepared.of(data, datasets.split("concrete"))
    report = clinic.q1.judge(replace(answer, fit=replace(answer.fit, prepared=prepared)))
    assert codes(report) == ["repair.data"]
    assert "cannot be judged yet" in page.of(report).headline


@pytest.mark.parametrize("found", [Finding("repair.rows"), Finding("repair.data")], ids=lambda found: found.name)
def test_a_grader_reads_why_the_rows_could_not_be_judged(found: Finding) -> None:
    assert Fit.from_record(Fit(0.01, 12, found).to_dict(), 8).prepared == found


def test_rows_in_another_order_are_the_same_rows() -> None:
    X, y, V, w = rows()
    order = np.random.default_rng(1).permutation(len(X))
    prepared = Prepared.of((X[order], y[order], V[::-1], w[::-1]), datasets.split("concrete"))
    assert isinstance(prepared, Prepared)
    assert prepared.raw
    assert prepared.paired
    assert prepared.apart


def explained(question: RepairQuestion, answer: RepairAnswer) -> str:
    """What a teacher is shown of this answer, on one line."""
    found, report = Found("clinic.ipynb", notebook_of(None)), question.judge(answer)
    case = explain._Case(question, answer, report, Evidence(question.id), found, Submission("ada"), None, True)
    return " ".join(text.render(explain._page("ada", case)).split())


def test_a_teacher_is_told_what_was_read_and_what_would_have_changed_the_points() -> None:
    right = handed_in(clinic.q1, _CASE_1)
    told = explained(clinic.q1, right)
    for part in ("3 of 3 points", "Learning rate 0.01", "Features on one scale no", "Nothing: it has all its points."):
        assert part in told
    told = explained(clinic.q1, replace(right, cause="a"))
    assert '`cause="d"`: 3 of 3 points.' in told
    told = explained(clinic.q1, handed_in(clinic.q1, _with(_CASE_1, epochs=80)))
    assert "the letter of the cause: d" in told
    assert "The right change and nothing else: +1." in told
    assert "80" in told
    told = explained(clinic.q1, RepairAnswer("d"))
    assert "A repaired training beside the cause: +1 for the change" in told
    with using("zh"):
        assert "学习率" in explained(clinic.q1, right)
