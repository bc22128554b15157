"""A notebook opened where the course's package is missing says how to get it, in both languages, and stops."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from place import ROOT

from checker.grading.marking import language_of
from checker.tools.monolingual import monolingual

NOTEBOOKS = sorted(
    path
    for step in ("notebooks", "solutions")
    for path in (ROOT / step).rglob("*.ipynb")
    if "." not in path.parent.name
)
NAMES = [str(path.relative_to(ROOT)) for path in NOTEBOOKS]

WITHOUT_CHECKER = """\
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "checker":
            raise ModuleNotFoundError("No module named 'checker'", name="checker")
sys.meta_path.insert(0, Missing())
"""


def first_code(path: Path) -> str:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    cell: dict[str, Any] = next(cell for cell in cells if cell["cell_type"] == "code")
    assert cell["id"] == "language"
    return "".join(cell["source"])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_every_notebook_begins_with_the_same_code(path: Path) -> None:
    assert first_code(path) == first_code(NOTEBOOKS[0])


def executed(*sources: str, language: str | None = None) -> Any:
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    book = nbformat.v4.new_notebook(cells=cells)
    if language is not None:
        book = monolingual(book, language)
    with pytest.raises(CellExecutionError):
        NotebookClient(book, timeout=60).execute()
    return book


@pytest.mark.parametrize("language", [None, "en", "zh"])
def test_without_the_package_it_says_how_to_get_it_and_stops(language: str | None) -> None:
    first = first_code(NOTEBOOKS[0])
    book = executed(WITHOUT_CHECKER, first, "print('ran on')", language=language)
    (output,) = book.cells[1].outputs
    shown = "\n".join(output.traceback)
    assert "Traceback" not in shown
    assert "File " not in shown
    assert "needs the course's package" in shown
    assert "需要课程的软件包" in shown
    assert shown.endswith("%pip install keras_layers_course-*.whl")
    assert book.cells[2].outputs == [], "what comes after it would only fail"


def test_the_address_that_an_instructor_set_is_named() -> None:
    first = first_code(NOTEBOOKS[0]).replace("keras_layers_course-*.whl", "https://example.org/course.whl", 1)
    (output,) = executed(WITHOUT_CHECKER, first).cells[1].outputs
    assert output.traceback[0].endswith("%pip install https://example.org/course.whl")


def test_another_missing_module_is_not_taken_for_it() -> None:
    """What the package itself needs is named as Python names it."""
    first = first_code(NOTEBOOKS[0]).replace("import checker", "import no_such_module")
    (output,) = executed("pass", first).cells[1].outputs
    assert output.evalue == "No module named 'no_such_module'"
    assert "course's package" not in "".join(output.traceback[-2:])


def test_where_the_package_is_the_cell_is_silent_and_leaves_the_language_to_choose() -> None:
    first = first_code(NOTEBOOKS[0])
    done = subprocess.run([sys.executable, "-c", first], capture_output=True, text=True, check=True)
    assert done.stdout == done.stderr == ""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(first)])
    assert language_of(book) is None
    assert language_of(monolingual(book, "zh")) == "zh"
