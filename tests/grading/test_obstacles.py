"""A run that fails for the grader's reasons settles nothing: a person gets the reason."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import assignments
import nbformat
import pytest
from place import ROOT

from checker.assignments import spotify
from checker.grading.marking import Marks, grade_notebook
from checker.grading.obstacles import obstacle
from checker.grading.sandbox import Ending, Run, run_notebook
from checker.grading.submission import Release, Submission, unexecuted

pytestmark = pytest.mark.slow


def executed(*errors: tuple[str, str, str], where: str = "setup", until: str = "") -> bytes:
    """The solved notebook after a run: errors (name, text, line) in one cell, and no cell run after ``until``."""
    book = copy.deepcopy(assignments.solved("spotify"))
    ran = True
    for number, cell in enumerate(cell for cell in book["cells"] if cell["cell_type"] == "code"):
        cell["execution_count"] = number + 1 if ran else None
        grade_id = assignments.grade_id(cell)
        if grade_id == where:
            cell["outputs"] = [
                {"output_type": "error", "ename": name, "evalue": text, "traceback": [f"----> 1 {line}"]}
                for name, text, line in errors
            ]
        ran = ran and not (until and grade_id == until)
    return json.dumps(book).encode()


RUNS = {
    "time": (Run(Ending.TIME, 900.0), "rerun.time"),
    "memory": (Run(Ending.MEMORY, 9.0), "rerun.memory"),
    "died": (Run(Ending.DIED, 9.0), "rerun.died"),
    "ended early": (Run(Ending.FINISHED, 720.0, {"notebook.ipynb": executed(until="plain-network")}), "rerun.time"),
    "kernel died": (Run(Ending.DIED, 72.0, {"notebook.ipynb": executed(until="plain-network")}), "rerun.died"),
    "own module": (("ModuleNotFoundError", "No module named 'my_helpers'", "import my_helpers"), "rerun.module"),
    "colab": (("ModuleNotFoundError", "No module named 'google'", "from google.colab import drive"), "rerun.module"),
    "own file": (("FileNotFoundError", "[Errno 2] No such file or directory: 'a.csv'", "open('a.csv')"), "rerun.file"),
    "network": (("URLError", "<urlopen error [Errno -3] Temporary failure in name resolution>", ""), "rerun.network"),
    "gpu": (("IndexError", "list index out of range", "gpus('GPU')[0]"), "rerun.gpu"),
    "memory inside": (("ResourceExhaustedError", "failed to allocate memory", "model.fit(X)"), "rerun.memory"),
    "a mistake": (("ValueError", "Input 0 of layer dense is incompatible", "model.fit(X)"), ""),
    "an empty answer": (("NameError", "name 'model' is not defined", "exercise.q1.grade(model, history)"), ""),
}  # fmt: skip


def run_of(what: Any) -> Run:
    return what if isinstance(what, Run) else Run(Ending.FINISHED, 50.0, {"notebook.ipynb": executed(what)})


@pytest.mark.parametrize("name", RUNS)
def test_the_reason_is_named(name: str) -> None:
    what, code = RUNS[name]
    assert obstacle(run_of(what), "q1") == code


def test_what_went_wrong_later_keeps_no_answer_from_being_settled() -> None:
    broken = ("ModuleNotFoundError", "No module named 'mine'", "import mine")
    run = Run(Ending.FINISHED, 50.0, {"notebook.ipynb": executed(broken, where="concrete-data")})
    assert obstacle(run, "q1") == ""
    assert obstacle(run, "q3") == "rerun.module"


def marked(folder: Path, run: Run) -> Marks:
    release = Release.load(ROOT / "notebooks/spotify/spotify.ipynb")
    submission = Submission.in_folder(folder)
    return grade_notebook(submission, spotify.assignment, release, lambda *_: run, pictures=False)[1]


@pytest.mark.parametrize("name", [name for name, (_, code) in RUNS.items() if code])
def test_nothing_is_settled_by_it(name: str, tmp_path: Path) -> None:
    assignments.written(tmp_path, assignments.solved("spotify"))
    what, code = RUNS[name]
    marks = marked(tmp_path, run_of(what))
    assert {mark.reason for mark in marks.values()} == {code}
    assert {mark.points for mark in marks.values()} == {None}


@pytest.mark.parametrize("name", ["a mistake", "an empty answer"])
def test_what_the_learner_left_undone_is_worth_nothing(name: str, tmp_path: Path) -> None:
    assignments.written(tmp_path, assignments.solved("spotify"))
    marks = marked(tmp_path, run_of(RUNS[name][0]))
    assert {mark.points for mark in marks.values()} == {0.0}


def test_old_outputs_do_not_look_like_a_run() -> None:
    book = nbformat.reads(executed().decode(), as_version=4)
    assert all(
        cell.execution_count is None and not cell.outputs for cell in unexecuted(book).cells if "outputs" in cell
    )
    assert any(cell.execution_count for cell in book.cells if "outputs" in cell)


def test_a_module_beside_the_notebook(tmp_path: Path, sandboxed: None) -> None:
    """In the real sandbox: the first cell imports what only the learner has."""

    def first(cells: list[dict[str, Any]]) -> None:
        wanted = {"cell_type": "code", "id": "own", "metadata": {}, "source": "import my_helpers", "outputs": []}
        del cells[2:]
        cells.insert(0, {**wanted, "execution_count": None})

    small = assignments.changed(first)
    run = run_notebook(json.dumps(small).encode(), "spotify")
    assert run.ending is Ending.FINISHED
    assert obstacle(run, "q1") == "rerun.module"
