"""Files are written as a whole, cells are text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from checker import _files


@pytest.mark.parametrize("content", ["é", "é".encode(), ["", "é"]])
def test_text_pieces_and_bytes(content: str | bytes | list[str], tmp_path: Path) -> None:
    _files.replace(tmp_path / "x", content)
    assert (tmp_path / "x").read_text("utf-8") == "é"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_what_breaks_half_way_leaves_the_old_file(tmp_path: Path) -> None:
    def broken() -> Iterator[str]:
        yield "new"
        raise ValueError

    (tmp_path / "x").write_text("old")
    with pytest.raises(ValueError):  # noqa: PT011
        _files.replace(tmp_path / "x", broken())
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_formulas_are_defused(start: str) -> None:
    assert _files.defused(f"{start}1") == f"'{start}1"


def test_other_cells_stay() -> None:
    assert [_files.defused(cell) for cell in ("ada", 1.5, "")] == ["ada", "1.5", ""]


def test_every_table_for_people_is_written_with_the_same_defence() -> None:
    """A cell that a spreadsheet would run is defused by one function, wherever a CSV file is written for people."""
    numbers_only = {"calibration.py"}  # a table of measurements, without a learner's words
    for path in Path(_files.__file__).parent.rglob("*.py"):
        source = path.read_text("utf-8")
        if ("csv.writer(" in source or "DictWriter(" in source) and path.name not in numbers_only:
            assert "_files.defused" in source, path.name
