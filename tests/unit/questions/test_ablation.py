"""The ablation: which layers a learner's own table shows to be needed, live and from evidence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.assignments import challenge
from checker.questions.ablation import NETWORKS, Table, read_runs
from checker.questions.evidence import Folder, read
from checker.report import Finding, Report

QUESTION = challenge.q2


def run(lowest: float) -> dict[str, list[float]]:
    """A training that comes down to this validation loss."""
    values = [lowest + 0.3 * 0.8**epoch for epoch in range(59)]
    return {"loss": [*values, lowest], "val_loss": [*values, lowest]}


def runs(both: tuple[float, float], dropout: tuple[float, float], batch: tuple[float, float]) -> dict[str, list[Any]]:
    """What the notebook's cell keeps, by the lowest losses with both layers and without each."""
    rows = {"both": both, "no dropout": dropout, "no batch normalization": batch, "neither": (0.577, 0.568)}
    return {name: [run(value) for value in row] for name, row in rows.items()}


ROWS = {
    "a": runs((0.50, 0.51), (0.52, 0.53), (0.54, 0.56)),
    "b": runs((0.50, 0.51), (0.52, 0.53), (0.505, 0.56)),
    "c": runs((0.50, 0.51), (0.505, 0.53), (0.54, 0.56)),
    "d": runs((0.50, 0.51), (0.49, 0.495), (0.505, 0.515)),
}
CHANCE = {"a": 0.02, "b": 0.055, "c": 0.025, "d": 0.01}


def judged(needed: Any, chance: Any, reason: Any, table: Any) -> Report:
    """The live report; the graded one is the same, and so are the points."""
    live = QUESTION.evaluate(needed, chance, reason, table)
    points = QUESTION.grade(needed, chance, reason, table)
    graded = QUESTION.judge(QUESTION.from_evidence(read(Folder(), "q2")))
    assert graded.to_dict() == live.to_dict()
    assert points == live.points == graded.points
    return live


def codes(report: Report) -> list[str]:
    """What is said of the answer; what the table shows, which is told of a right one, as its first word."""
    found = [finding.code for finding in report.findings]
    return [code for code in found if not code.startswith(TOLD)]


TOLD = ("ablation.dropout", "ablation.batch_normalization", "ablation.by_chance")


@pytest.mark.parametrize("letter", ROWS)
def test_the_table_decides_which_layers_are_needed(letter: str) -> None:
    report = judged(letter, CHANCE[letter], "b", ROWS[letter])
    assert report.passed
    assert codes(report) == ["ablation.shown", "reason.right"]
    for other in set(ROWS) - {letter}:
        assert codes(judged(other, CHANCE[letter], "b", ROWS[letter])) == ["ablation.needed", "reason.right"]


@pytest.mark.parametrize(
    ("given", "points", "expected"),
    [
        (("c", 0.025, "a"), 1.0, ["ablation.shown", "reason.wrong"]),
        (("c", 0.03, "b"), 1.5, ["ablation.chance", "reason.right"]),
        (("c", -0.0249, "b"), 2.0, ["ablation.shown", "reason.right"]),
        ((None, None, None), 0.0, ["ablation.unanswered", "ablation.unanswered", "reason.unanswered"]),
        (("x", "0.025", "x"), 0.0, ["choice.unknown:named", "number.text", "choice.unknown:named"]),
        (("（Ｃ）", [0.025], "B"), 2.0, ["ablation.shown", "reason.right"]),
    ],
)
def test_each_part_counts_by_itself(given: tuple[Any, Any, Any], points: float, expected: list[str]) -> None:
    report = judged(*given, ROWS["c"])
    assert (report.points, codes(report)) == (points, expected)


def test_losses_that_look_equal_in_the_table_allow_both_answers() -> None:
    table = runs((0.50, 0.5101), (0.5099, 0.53), (0.54, 0.56))
    assert judged("a", 0.02, "b", table).passed
    assert judged("c", 0.02, "b", table).passed
    assert not judged("d", 0.02, "b", table).passed


def test_trainings_that_fell_apart_have_a_right_answer_too() -> None:
    table = dict(ROWS["a"])
    nothing = {"loss": [math.nan] * 60, "val_loss": [math.nan] * 60}
    table["no batch normalization"] = [nothing, run(0.56)]
    assert codes(judged("a", 0.0101, "b", table)) == ["ablation.shown", "reason.right"]
    table["no batch normalization"] = [nothing, {**nothing, "loss": [1.0, *[math.nan] * 59]}]
    assert codes(judged("a", 0.0101, "b", table)) == ["ablation.shown", "reason.right"]


def test_networks_that_learn_slowly_are_no_other_data() -> None:
    """A few units need long to come from 0 to the quality of a wine."""
    slow = {
        name: [run(value * 8) for value in (first, first + 0.02)]
        for name, first in zip(ROWS["a"], (0.5, 0.6, 0.7, 0.8), strict=True)
    }
    assert judged("a", 0.16, "b", slow).passed


@given(st.lists(st.one_of(st.floats(0.4, 2.0), st.just(math.inf)), min_size=8, max_size=8))
def test_every_table_has_a_right_letter(losses: list[float]) -> None:
    table = Table({name: tuple(losses[2 * place : 2 * place + 2]) for place, name in enumerate(NETWORKS)})
    assert table.needed() & set(QUESTION.claims.values())
    assert math.isfinite(table.chance)


@pytest.mark.parametrize(
    "table",
    [None, 3, {}, [], {"both": []}, {name: [run(0.5)] for name in ROWS["a"]}, dict.fromkeys(ROWS["a"], "ab")],
)
def test_no_ablation_is_said_kindly(table: Any) -> None:
    assert codes(judged("a", 0.02, "b", table)) == ["history.ablation"]


def test_runs_that_are_no_ablation_are_named() -> None:
    rows: Mapping[str, list[Any]] = ROWS["a"]
    same = {**rows, "both": [rows["both"][0]] * 2}
    assert codes(judged("a", 0.02, "b", same)) == ["ablation.same_seed"]
    untouched = {**rows, "no dropout": rows["both"]}
    assert codes(judged("a", 0.02, "b", untouched)) == ["ablation.same_network"]
    foreign = {**rows, "neither": [run(30.0), run(31.0)]}
    assert codes(judged("a", 0.02, "b", foreign)) == ["history.scale"]
    unread = {**rows, "neither": [run(0.6), 7]}
    assert codes(judged("a", 0.02, "b", unread))[0].startswith("history.")


def test_the_solution_answers_every_table() -> None:
    class History:
        def __init__(self, curves: dict[str, list[float]]) -> None:
            self.history = curves

    for letter, table in ROWS.items():
        space: dict[str, Any] = {"runs": {name: [History(curves) for curves in row] for name, row in table.items()}}
        exec(QUESTION.solution_code(), space)
        assert space["needed"] == letter
        assert judged(space["needed"], space["chance"], space["reason"], table).passed


def test_lost_evidence_waits_and_is_not_called_wrong() -> None:
    report = QUESTION.judge(QUESTION.from_evidence(read({}, "q2")))
    assert report.unsettled == "evidence.missing"


def test_what_the_table_shows_is_told_layer_by_layer() -> None:
    for letter, (dropout, batch_normalization) in QUESTION.claims.items():
        found = [finding.code for finding in judged(letter, CHANCE[letter], "b", ROWS[letter]).findings]
        assert ("ablation.dropout" in found) is dropout
        assert ("ablation.dropout:open" in found) is not dropout
        assert ("ablation.batch_normalization" in found) is batch_normalization
        assert "ablation.by_chance" in found
    wrong = [finding.code for finding in judged("a", 0.02, "b", ROWS["d"]).findings]
    assert not any(code.startswith(TOLD) for code in wrong)


def test_a_seed_s_difference_is_taken_of_finite_losses() -> None:
    read_table = read_runs(ROWS["b"])
    assert not isinstance(read_table, Finding)
    table = Table.of(read_table)
    assert table.chance == pytest.approx(0.055)
    assert table.lead("no dropout") == pytest.approx(0.01)
