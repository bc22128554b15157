"""Every answer that a teacher marks has a rubric, in both languages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from assignments import NAMES, grade_id, notebook

from checker.assignments import find
from checker.language import translate, using
from checker.questions import Level, Rubric


def written(name: str) -> dict[str, float]:
    """Points of the cells that a teacher marks, by their ``grade_id``."""
    roles = (cell["metadata"]["nbgrader"] for cell in notebook(name)["cells"] if grade_id(cell))
    return {role["grade_id"]: role["points"] for role in roles if role["grade"] and role["solution"]}


def texts(rubric: Rubric) -> Iterator[str]:
    for level in rubric.levels:
        yield from (level.description, level.sample)
    yield from rubric.common_errors


@pytest.mark.parametrize("name", NAMES)
def test_every_written_answer_has_a_rubric_worth_its_points(name: str) -> None:
    assignment = find(name)
    assert {cell: rubric.points for cell, rubric in assignment.rubrics.items()} == written(name)
    assert sum(written(name).values()) == assignment.written


@pytest.mark.parametrize("name", NAMES)
def test_rubrics_show_every_level_and_the_errors_to_look_for_in_both_languages(name: str) -> None:
    for cell, rubric in find(name).rubrics.items():
        assert [level.points for level in rubric.levels] == [0.0, 1.0, 2.0], cell
        assert rubric.common_errors, cell
        for text in texts(rubric):
            with using("zh"):
                assert translate(text) != text, text


@pytest.mark.parametrize("points", [(), (0.0,), (1.0, 2.0), (0.0, 2.0, 1.0), (0.0, 0.0)])
def test_levels_rise_from_nothing(points: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="rise from 0"):
        Rubric(tuple(Level(value, "says", "sample") for value in points))
