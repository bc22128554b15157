"""A learner's own look before submitting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from assignments import notebook, solved, written
from nbclient import NotebookClient
from place import ROOT

import checker
from checker.grading.validate import run, validate_notebook


def _small(*sources: str, written_answer: str | None = None) -> dict[str, Any]:
    """A notebook of a few plain cells."""
    cells: list[dict[str, Any]] = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
        for n, source in enumerate(sources)
    ]
    if written_answer is not None:
        answer = next(cell for cell in notebook("challenge")["cells"] if cell["id"] == "q1-explanation")
        cells.append({**answer, "source": [written_answer] if written_answer else answer["source"]})
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def _validated(folder: Path, content: dict[str, Any] | bytes, timeout: int = 60) -> int:
    return validate_notebook(written(folder, content, "work.ipynb") / "work.ipynb", timeout=timeout)


def test_a_notebook_that_runs_and_is_answered_is_ready(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _validated(tmp_path, _small("x = 1", "x + 1", written_answer="My own words.")) == 0
    assert "Ready" in capsys.readouterr().out


def test_an_unanswered_written_question_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _validated(tmp_path, _small("x = 1", written_answer="")) == 1
    assert "not answered yet" in " ".join(capsys.readouterr().out.split())


def test_cells_that_do_not_run_are_named_and_the_others_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _validated(tmp_path, _small("# fine\nx = 1", "# note\nundefined + 1", "x +", "print(x)")) == 1
    printed = capsys.readouterr().out
    assert "Code cell 2 does not run: undefined + 1" in printed
    assert "NameError" in printed
    assert "Code cell 3 does not run" in printed
    assert "Code cell 4" not in printed


def test_an_endless_loop_is_stopped_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _validated(tmp_path, _small("while True: pass", "1"), timeout=2) == 1
    assert "stopped after 2 seconds" in capsys.readouterr().out


def test_a_kernel_that_dies_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _validated(tmp_path, _small("x = 1", "import os; os._exit(1)", "x")) == 1
    assert "Code cell 2 does not run: import os; os._exit(1)" in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"{", b"[1, 2]", b"\xff\xfe", b'{"cells": 3}'])
def test_what_is_no_notebook_is_refused_in_one_sentence(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _validated(tmp_path, content) == 2
    assert "no notebook" in capsys.readouterr().err


def test_a_missing_file_is_refused_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert validate_notebook(tmp_path / "nowhere.ipynb") == 2
    assert "no file" in capsys.readouterr().err


def test_the_learners_files_are_left_alone_and_found_by_the_run(tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text("mine")
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence" / "q1.json").write_text("{}")
    cells = _small("text = open('data.txt').read(); assert text == 'mine'", "open('data.txt', 'w').write('other')")
    folder = written(tmp_path, cells, "work.ipynb")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert validate_notebook(folder / "work.ipynb") == 0
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_the_last_cell_asks_for_it_and_the_run_does_not_ask_again(tmp_path: Path) -> None:
    """As a learner calls it: in a kernel, from the notebook that is run, which is saved with the call in it."""
    content = _small("import checker", "checker.validate('work.ipynb')", written_answer="My own words.")
    folder = written(tmp_path, content, "work.ipynb")
    book = nbformat.read(folder / "work.ipynb", as_version=4)
    NotebookClient(book, timeout=60, resources={"metadata": {"path": str(folder)}}).execute()
    shown = "".join(output.get("data", {}).get("text/plain", "") for output in book.cells[1].outputs)
    assert shown.count("Ready: everything runs and is answered.") == 1


@pytest.mark.parametrize("wrong", [(), (None,), (3,), (["work.ipynb"],), ("",), (".",), ("spotify",)])
def test_what_is_no_path_is_refused_in_one_sentence(wrong: tuple[Any, ...], capsys: pytest.CaptureFixture[str]) -> None:
    checker.validate(*wrong)
    assert "There is no file" in capsys.readouterr().err


def test_a_changed_read_only_cell_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    graded = next(cell for cell in notebook("challenge")["cells"] if cell["id"] == "q1")
    content = _small("x = 1")
    content["cells"].append({**graded, "source": ["6.0"]})
    assert _validated(tmp_path, content) == 0
    assert "The read-only cell q1 was changed" in capsys.readouterr().out


@pytest.mark.slow
def test_the_solution_earns_full_marks_in_a_fresh_kernel(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The other solution is run with the notebooks."""
    folder = written(tmp_path / "challenge", solved("challenge"), "challenge.ipynb")
    code = validate_notebook(folder / "challenge.ipynb")
    assert code == 0, capsys.readouterr().out
    assert not (folder / "evidence").exists()


def test_what_is_not_done_yet_is_told_question_by_question(tmp_path: Path) -> None:
    """The releases themselves are run with the notebooks; this one has their read-only cells, and no network."""
    content = notebook("challenge")
    for cell in content["cells"]:
        if cell["id"] == "q1-network":
            cell["source"] = "model = history = None"
    path = written(tmp_path, content, "work.ipynb") / "work.ipynb"
    validation = run(path, nbformat.read(path, as_version=4), 60)
    assert validation.problems == ()
    assert validation.changed == ()
    assert not validation.passed
    assert validation.reports
    assert all(not report.passed and report.findings for report in validation.reports.values())
    assert not any(answered for _, answered in validation.written.values())


@pytest.mark.parametrize("name", ["notebooks/spotify/spotify.ipynb", "notebooks/challenge/challenge.ipynb"])
def test_checksums_are_nbgraders(name: str) -> None:
    import nbformat
    from nbgrader.utils import compute_checksum, is_locked

    from checker.grading import validate

    path = ROOT / name
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if "nbgrader" in cell.metadata]
    assert cells
    for cell in cells:
        assert validate._checksum(cell) == compute_checksum(cell)
        assert validate._locked(cell) == is_locked(cell)
