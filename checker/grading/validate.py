"""A learner's own look before submitting: the notebook in a fresh kernel, marked as a grader would mark it.

The notebook runs as a copy in a folder of its own, so neither the file nor the evidence beside it changes.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from checker import show
from checker.language import N_, translate
from checker.questions import Assignment
from checker.questions.bundle import FRESH
from checker.report import Report
from checker.show import words
from checker.show.page import Block, Cell, Page, Steps, Table, Text, clip

BIGGEST_FILE = 50_000_000
"""Bytes; larger files beside the notebook are not copied for the run."""

_IMPORT = re.compile(r"^\s*from checker\.assignments import (\w+)", re.MULTILINE)


@dataclass(frozen=True)
class Problem:
    """A cell that does not run: its number among the code cells, its first line, and what it said."""

    number: int
    line: str
    error: str


@dataclass(frozen=True)
class Validation:
    """What a run in a fresh kernel gave.

    Attributes:
        reports: each automatic question's report, by id.
        unsettled: ids of questions that evidence cannot settle, which a person will look at.
        written: each written answer's points, by id, and whether there is an answer.
        problems: cells that do not run.
        changed: ids of read-only cells that were changed.
        carried: ids of the questions whose evidence the saved notebook carries.
        beside: ids of those whose evidence lies in the folder beside it.
    """

    reports: dict[str, Report] = field(default_factory=dict)
    unsettled: frozenset[str] = frozenset()
    written: dict[str, tuple[float, bool]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    changed: tuple[str, ...] = ()
    carried: frozenset[str] = frozenset()
    beside: frozenset[str] = frozenset()

    @property
    def passed(self) -> bool:
        """Whether everything runs, is answered, and is right as far as a program can tell."""
        answered = all(there for _, there in self.written.values())
        return not self.problems and answered and all(report.passed for report in self.reports.values())


def validate_notebook(path: Path, timeout: int = 600) -> int:
    """Run a notebook in a fresh kernel and print its points, question by question.

    Args:
        path: the notebook; it is not changed.
        timeout: seconds that one cell may take.

    Returns:
        The exit code: 0 if everything runs, is answered and is right; 1 if not; 2 if there is no notebook to run.
    """
    if os.environ.get(FRESH):
        return 0
    try:
        notebook = nbformat.reads(path.read_text("utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    except OSError:
        return _refuse(translate(N_("There is no file {path}: give the path of your notebook."), path=path))
    except Exception:  # nbformat raises what it likes for what is no notebook
        return _refuse(
            translate(N_("{path} is no notebook that Jupyter can read: save it again in JupyterLab."), path=path)
        )
    validation = run(path, notebook, timeout)
    show.display(page_of(validation, path))
    return 0 if validation.passed else 1


def _refuse(message: str) -> int:
    from rich.console import Console

    Console(stderr=True).print(message, markup=False, soft_wrap=True)
    return 2


def run(path: Path, notebook: NotebookNode, timeout: int) -> Validation:
    """Run a notebook in a copy of its folder.

    Args:
        path: where the notebook is.
        notebook: its content; cells get outputs.
        timeout: seconds that one cell may take.
    """
    from checker.grading.assess import assess
    from checker.questions.evidence import FOLDER, Folder

    assignment = assignment_of(notebook)
    saved_in, beside = _saved(path, assignment) if assignment is not None else (frozenset(), frozenset())
    with tempfile.TemporaryDirectory(prefix="validate-") as scratch:
        folder = Path(scratch) / path.resolve().parent.name
        _copy_folder(path.resolve().parent, folder, leave_out={path.name, FOLDER.name})
        problems = tuple(_execute(notebook, folder, timeout))
        assessed = assess(assignment, Folder(folder / FOLDER)) if assignment is not None else {}
    return Validation(
        {question: found.report for question, found in assessed.items()},
        frozenset(
            question for question, found in assessed.items() if found.report.unsettled not in ("", "evidence.missing")
        ),
        dict(_written(notebook)),
        problems,
        tuple(_changed(notebook)),
        saved_in,
        beside,
    )


def _saved(path: Path, assignment: Assignment) -> tuple[frozenset[str], frozenset[str]]:
    """The questions whose evidence a grader would find in the notebook as it is saved, and in the folder beside it."""
    from checker.grading.carried import carried, counting
    from checker.questions.evidence import FOLDER, Folder, completeness

    def question_of(cell: Mapping[str, Any]) -> str | None:
        metadata = cell.get("metadata")
        known = metadata.get("nbgrader") if isinstance(metadata, Mapping) else None
        found = known.get("grade_id") if isinstance(known, Mapping) else None
        return found if isinstance(found, str) else None

    try:
        inside, _ = counting(carried(path.read_bytes(), question_of), {})
    except OSError:
        inside = {}
    places = (inside, Folder(path.resolve().parent / FOLDER))
    ids = [question.id for question in assignment.questions]
    in_notebook, in_folder = (frozenset(one for one in ids if completeness(files, one).whole) for files in places)
    return in_notebook, in_folder


def assignment_of(notebook: NotebookNode) -> Assignment | None:
    """The assignment that a notebook imports; None if it imports none that the checker knows."""
    from checker import assignments

    for cell in notebook.cells:
        for name in _IMPORT.findall(cell.source) if cell.cell_type == "code" else ():
            try:
                found = assignments.find(name)
            except KeyError:
                continue
            return found if found.graded else None
    return None


def _copy_folder(source: Path, target: Path, leave_out: set[str]) -> None:
    """Copy what the notebook may read: files of moderate size beside it, but nothing hidden."""

    def ignored(folder: str, names: list[str]) -> set[str]:
        paths = (Path(folder) / name for name in names)
        heavy = {path.name for path in paths if path.is_file() and path.stat().st_size > BIGGEST_FILE}
        top = leave_out if Path(folder) == source else set()
        return heavy | top | {name for name in names if name.startswith((".", "__pycache__"))}

    shutil.copytree(source, target, ignore=ignored)


def _execute(notebook: NotebookNode, folder: Path, timeout: int) -> Iterator[Problem]:
    """Run the cells one after another, with a bar; what fails is noted and the rest goes on."""
    from nbclient import NotebookClient
    from nbclient.exceptions import DeadKernelError
    from tqdm import tqdm

    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    started: list[NotebookNode] = []
    with tqdm(total=len(code), desc=translate(N_("cells")), unit="", file=sys.stdout) as bar:
        client = NotebookClient(
            notebook,
            timeout=timeout,
            interrupt_on_timeout=True,
            allow_errors=True,
            kernel_name="python3",
            resources={"metadata": {"path": str(folder)}},
            on_cell_execute=lambda cell, cell_index: started.append(cell),
            on_cell_complete=lambda cell, cell_index: bar.update(),
        )
        try:
            # the kernel's own chatter would tear the bar
            client.execute(stderr=subprocess.DEVNULL, env={**os.environ, FRESH: "1"})
        except DeadKernelError:
            stopped = next((n for n, cell in enumerate(code) if started and cell is started[-1]), 0)
            yield Problem(stopped + 1, _first_line(code[stopped]), translate(N_("the kernel died")))
    for number, cell in enumerate(code, 1):
        for output in cell.outputs:
            if output.output_type == "error":
                yield Problem(number, _first_line(cell), _said(output, timeout))


def _said(output: NotebookNode, timeout: int) -> str:
    if output.ename == "KeyboardInterrupt":
        return translate(N_("stopped after {seconds} seconds"), seconds=timeout)
    return f"{output.ename}: {output.evalue}".splitlines()[0]


def _first_line(cell: NotebookNode) -> str:
    lines = [line for line in cell.source.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return lines[0].strip() if lines else ""


def _written(notebook: NotebookNode) -> Iterator[tuple[str, tuple[float, bool]]]:
    """Each written answer that a person grades: its points, and whether it was answered."""
    for cell in notebook.cells:
        if _role(cell, "grade") and _role(cell, "solution"):
            details = cell.metadata.nbgrader
            answered = bool(cell.source.strip()) and details.get("checksum") != _checksum(cell)
            yield details.grade_id, (float(details.points), answered)


def _changed(notebook: NotebookNode) -> Iterator[str]:
    """Read-only cells that are not as they were handed out; a grader puts them back."""
    for cell in notebook.cells:
        if _locked(cell) and cell.metadata.nbgrader.get("checksum", "") not in ("", _checksum(cell)):
            yield cell.metadata.nbgrader.grade_id


# As nbgrader.utils has them: a learner's notebook is checked where nbgrader is not installed, too.


def _role(cell: NotebookNode, name: str) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get(name, False))


def _locked(cell: NotebookNode) -> bool:
    return not _role(cell, "solution") and (_role(cell, "grade") or _role(cell, "locked"))


def _checksum(cell: NotebookNode) -> str:
    details = cell.metadata.nbgrader
    roles = (_role(cell, "grade"), _role(cell, "solution"), _locked(cell))
    points = str(float(details["points"])) if _role(cell, "grade") else ""
    whole = "".join((cell.source, cell.cell_type, *map(str, roles), details["grade_id"], points))
    return hashlib.md5(whole.encode(), usedforsecurity=False).hexdigest()


# --- what the learner sees --------------------------------------------------------------------------------------------


def page_of(validation: Validation, path: Path) -> Page:
    """A validation as a page of feedback: what does not run, the points question by question, and what to do."""
    blocks: list[Block] = []
    if troubles := tuple(_troubles(validation)):
        blocks.append(Steps(translate(N_("What the run showed")), troubles, ordered=False))
    if rows := tuple(_rows(validation)):
        head = (translate(N_("Question")), translate(N_("Points")), translate(N_("Next step")))
        blocks.append(Table(translate(N_("Question by question")), head, rows))
    headline, advice = _verdict(validation, path)
    reports = validation.reports.values()
    earned, full = sum(report.points for report in reports), sum(report.max_points for report in reports)
    return Page(
        "right" if validation.passed else "wrong",
        headline,
        (*blocks, Text(advice)),
        over=translate(N_("{name} in a fresh kernel"), name=path.name),
        score=words.points(earned, full) if full else "",
    )


def _troubles(validation: Validation) -> Iterator[str]:
    for problem in validation.problems:
        said = {"number": problem.number, "line": problem.line, "error": problem.error}
        yield clip(translate(N_("Code cell {number} does not run: {line} ({error})"), **said))
    for grade_id in validation.changed:
        yield translate(N_("The read-only cell {name} was changed: grading puts it back."), name=grade_id)


def _rows(validation: Validation) -> Iterator[tuple[Cell, ...]]:
    for question, report in validation.reports.items():
        step = translate(N_("right")) if report.passed else clip(next((found.message for found in report.findings), ""))
        unsettled = question in validation.unsettled
        mark = "note" if unsettled else "right" if report.passed else "wrong"
        earned = f"? / {report.max_points:g}" if unsettled else words.points(report.points, report.max_points)
        yield Cell(question), Cell(earned), Cell(step, mark=mark)
    for question, (points, answered) in validation.written.items():
        step = (
            N_("answered; your teacher reads it")
            if answered
            else N_("not answered yet: write your answer into its cell")
        )
        yield Cell(question), Cell(f"? / {points:g}"), Cell(translate(step), mark="note" if answered else "wrong")


def _verdict(validation: Validation, path: Path) -> tuple[str, str]:
    if not validation.passed:
        return translate(N_("Not ready yet.")), translate(N_("Your file {name} was not changed."), name=path.name)
    ready = translate(N_("Ready: everything runs and is answered."))
    if validation.carried >= validation.reports.keys():
        return ready, translate(N_("Hand in {name}, as it is saved now: nothing else is needed."), name=path.name)
    missing = validation.reports.keys() - validation.carried
    if validation.beside >= missing:
        return ready, translate(N_("Hand in {name} and the folder `evidence`."), name=path.name)
    return translate(N_("Nearly ready: everything runs and is answered.")), translate(
        N_("{name}, as it is saved, does not hold your results: run all its cells and save it with its outputs."),
        name=path.name,
    )
