"""How pytest runs the notebooks (with nbval): in order, and graded cells give the points that they should."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from nbval.plugin import IPyNbCell

SOLUTIONS = Path(__file__).parent / "solutions"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """A notebook's cells share a kernel, so one worker runs them all, in their order even in a random run."""
    place = {id(item): number for number, item in enumerate(items)}  # xdist renames items, and their hash changes
    for item in items:
        if isinstance(item, IPyNbCell):
            item.add_marker(pytest.mark.xdist_group(f"{item.path.parent.name}/{item.path.name}"))
    yield
    cells = [item for item in items if isinstance(item, IPyNbCell)]
    notebooks = list(dict.fromkeys(cell.path for cell in cells))
    in_order = iter(sorted(cells, key=lambda cell: (notebooks.index(cell.path), place[id(cell)])))
    items[:] = [next(in_order) if isinstance(item, IPyNbCell) else item for item in items]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Solutions earn full points, released assignments do not."""
    yield
    if isinstance(item, IPyNbCell) and item.cell.metadata.get("nbgrader", {}).get("grade"):
        full = item.cell.metadata["nbgrader"]["points"]
        shown = [output for output in item.test_outputs if output.output_type == "execute_result"]
        (points,) = (float(output.data["text/plain"]) for output in shown)
        solved = item.path.is_relative_to(SOLUTIONS)
        assert points == full if solved else 0 <= points < full, f"{points} of {full} points"
