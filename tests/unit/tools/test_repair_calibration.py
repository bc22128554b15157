"""The clinic's measured table: each symptom shows, each reference repair is accepted, no wrong repair is."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from checker.assignments import clinic
from checker.questions import RepairQuestion
from checker.tools import calibration, repair_calibration

Row = dict[str, str]
CASES = clinic.assignment.of(RepairQuestion)
TABLE = repair_calibration.read(calibration.table_path("clinic"))
SEEDS = {int(row["seed"]) for row in TABLE}


def of_kind(kind: str) -> Iterator[tuple[tuple[str, str], list[Row]]]:
    """The runs of each variant of one kind."""
    rows = [row for row in TABLE if row["kind"] == kind]
    for variant, runs in itertools.groupby(rows, key=lambda row: (row["question"], row["variant"])):
        yield variant, list(runs)


def test_every_variant_was_trained_with_every_seed() -> None:
    wanted = {
        (question.id, variant.name, str(seed))
        for question in CASES
        for variant in repair_calibration.variants(question)
        for seed in SEEDS
    }
    assert len(SEEDS) >= 5
    assert {(row["question"], row["variant"], row["seed"]) for row in TABLE} == wanted


@pytest.mark.parametrize("question", CASES, ids=lambda question: question.id)
def test_there_are_at_least_three_wrong_repairs_of_each_case(question: RepairQuestion) -> None:
    assert len(repair_calibration.wrong_repairs(question)) >= 3


def test_the_stated_symptom_shows_in_95_of_100_runs() -> None:
    for variant, runs in of_kind("broken"):
        assert sum(row["symptom"] == "1" for row in runs) >= 0.95 * len(runs), variant


def test_every_run_of_a_reference_repair_is_accepted() -> None:
    for variant, runs in of_kind("repair"):
        assert all(row["accepted"] == "1" for row in runs), variant


def test_no_run_of_a_wrong_repair_is_accepted() -> None:
    for variant, runs in of_kind("wrong"):
        assert all(row["accepted"] == "0" for row in runs), variant
