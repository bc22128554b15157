"""Monolingual copies keep everything but the other language."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from place import ROOT

from checker.tools import monolingual

NOTEBOOKS = sorted((ROOT / "notebooks").rglob("*.ipynb"))


def of(language: str, path: Path) -> Any:
    return monolingual.monolingual(nbformat.read(path, as_version=4), language)


@pytest.mark.parametrize(
    "path", [path for path in NOTEBOOKS if ".ipynb_checkpoints" not in path.parts], ids=lambda path: path.stem
)
def test_each_copy_has_one_language_and_all_code(path: Path) -> None:
    both = nbformat.read(path, as_version=4)
    english, chinese = of("en", path), of("zh", path)
    for copy, other in ((english, "lang-zh"), (chinese, "lang-en")):
        nbformat.validate(copy)
        assert not [cell for cell in copy.cells if other in cell.metadata.get("tags", ())]
        assert [cell.id for cell in copy.cells if cell.cell_type == "code"] == [
            cell.id for cell in both.cells if cell.cell_type == "code"
        ]
        assert [cell.metadata.get("nbgrader") for cell in copy.cells if "nbgrader" in cell.metadata] == [
            cell.metadata.get("nbgrader") for cell in both.cells if "nbgrader" in cell.metadata
        ]
    assert len(english.cells) == len(chinese.cells) < len(both.cells)


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("0*.ipynb")), ids=lambda path: path.stem)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_copy_of_a_lesson_has_one_title(path: Path, language: str) -> None:
    text = [
        re.sub("```.*?```", "", cell.source, flags=re.S)
        for cell in of(language, path).cells
        if cell.cell_type == "markdown"
    ]
    assert [len(re.findall("^# ", cell, re.MULTILINE)) for cell in text] == [1] + [0] * (len(text) - 1)


def test_copies_go_below_the_output_folder(tmp_path: Path) -> None:
    written = list(monolingual.write(ROOT / "notebooks", tmp_path / "zh", "zh"))
    assert tmp_path / "zh" / "01-dropout.ipynb" in written
    assert tmp_path / "zh" / "spotify" / "spotify.ipynb" in written


def test_a_language_that_the_course_lacks(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="en, zh"):
        list(monolingual.write(ROOT / "notebooks", tmp_path, "fr"))


def test_a_folder_without_notebooks(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no notebooks"):
        list(monolingual.write(tmp_path, tmp_path / "out", "en"))
