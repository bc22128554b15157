"""From a submission to a marked notebook: each graded cell gets its points and our report, from evidence alone.

Pure but for reading the submission's files; no database, no kernel, no TensorFlow. ``grading.nbgrader`` calls it for
nbgrader's own commands and ``grading.batch`` for a whole class.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from nbformat import NotebookNode

from checker import show
from checker.grading.assess import assess
from checker.grading.class_report import reason
from checker.grading.obstacles import obstacle
from checker.grading.sandbox import Run
from checker.grading.submission import (
    Found,
    Release,
    Submission,
    as_bytes,
    from_dict,
    graded_cells,
    restore,
    unanswered,
    unexecuted,
)
from checker.language import N_, known, translate, using
from checker.questions import Assignment
from checker.questions.evidence import FOLDER, Evidence
from checker.report import Report

_LANGUAGE = re.compile(r"^[^#\n]*\bset_language\(\s*[\"'](\w+)", re.MULTILINE)


@dataclass(frozen=True)
class Mark:
    """What one question earns.

    Attributes:
        report: what the learner is told.
        settled: whether the evidence carries it; if not, only running the notebook again or a person can tell.
        reason: the message code of why it is not settled.
        evidence: what it rests on.
    """

    report: Report
    settled: bool = True
    reason: str = ""
    evidence: Evidence | None = None

    @property
    def points(self) -> float | None:
        """The points, a plain finite float in [0, maximum]; None while unsettled."""
        return round(self.report.points, 4) if self.settled else None


Marks = Mapping[str, Mark]
Rerun = Callable[[bytes, str], Run]
"""Runs a notebook of the named assignment again, safely: ``sandbox.run_notebook``."""


def grade_notebook(
    submission: Submission,
    assignment: Assignment,
    release: Release,
    rerun: Rerun | None = None,
    pictures: bool = True,
    others: Collection[str] = (),
    found: Found | None = None,
) -> tuple[NotebookNode, Marks]:
    """Mark one submission; nothing in it can raise.

    Args:
        submission: what was handed in.
        assignment: the assignment that it answers.
        release: the notebook as it was handed out.
        rerun: how to run the notebook again where its evidence does not settle a question; None: leave it unsettled.
        pictures: draw the learning curves; else they are told in words.
        others: names of the assignment's other notebooks.
        found: the submission's notebook, where it was looked for before.

    Returns:
        The restored notebook, whose automatically graded cells hold the report and the points as outputs, and the
        marks by question id.
    """
    found = found or submission.found(release, others)
    notebook = restore(found.notebook, release, found.raw)
    marks = mark_notebook(
        notebook, found.evidence, assignment, release, None if found.raw else rerun, pictures, not found.raw
    )
    return notebook, marks


def mark_notebook(
    notebook: NotebookNode,
    evidence: Mapping[str, bytes],
    assignment: Assignment,
    release: Release,
    rerun: Rerun | None = None,
    pictures: bool = True,
    readable: bool = True,
) -> Marks:
    """Mark a restored notebook in place.

    Args:
        notebook: from ``submission.restore``.
        evidence: the evidence files by name.
        assignment: as in :func:`grade_notebook`, like the next three.
        release: the notebook as it was handed out.
        rerun: how to run the notebook again.
        pictures: draw the learning curves.
        readable: whether the notebook file could be read; if not, nobody can say that a question was not answered.
    """
    marks: Marks = _marks(evidence, assignment, notebook, release, readable=readable)
    if rerun is not None and not all(mark.settled for mark in marks.values()):
        run = rerun(as_bytes(unexecuted(notebook)), assignment.id)
        marks = _settled_by(run, marks, assignment, notebook, release)
    write_marks(notebook, marks, pictures)
    return marks


def _settled_by(run: Run, marks: Marks, assignment: Assignment, notebook: NotebookNode, release: Release) -> Marks:
    """The marks, those still open settled by the evidence that a run left."""
    finished = "notebook.ipynb" in run.files  # else the sandbox failed, not necessarily the learner
    evidence = {Path(name).name: content for name, content in run.files.items() if name.startswith(f"{FOLDER}/")}
    again = _marks(evidence, assignment, notebook, release, final=finished)
    return {question: mark if mark.settled else _again(run, mark, again[question]) for question, mark in marks.items()}


def _again(run: Run, before: Mark, after: Mark) -> Mark:
    """What a run makes of an open question: its new mark, or, where the grader could not run it, the old one."""
    if after.report.unsettled == "evidence.missing" and (code := obstacle(run, before.report.question)):
        return replace(before, settled=False, reason=code)
    return after


def _marks(
    evidence: Mapping[str, bytes],
    assignment: Assignment,
    notebook: NotebookNode,
    release: Release,
    final: bool = False,
    readable: bool = True,
) -> dict[str, Mark]:
    """The marks that the evidence carries.

    A question without an answer that could run needs no evidence to be worth nothing; nor does one for which a fresh
    run (``final``) left none.
    """
    assessments = assess(assignment, evidence)
    missing = {name for name, assessed in assessments.items() if assessed.report.unsettled == "evidence.missing"}
    worthless = missing if final or not missing else missing & unanswered(notebook, release) if readable else set()
    marks = {}
    for question, assessed in assessments.items():
        reason = "" if question in worthless else assessed.report.unsettled
        marks[question] = Mark(assessed.report, not reason, reason, assessed.evidence)
    return marks


def write_marks(notebook: NotebookNode, marks: Marks, pictures: bool = True) -> None:
    """Put report and points into the graded cells, as the outputs from which nbgrader takes the score.

    The points are the only ``execute_result``: the plain float that nbgrader reads. A cell of a question that is not
    settled shows its report and no number.
    """
    with using(language_of(notebook)):
        for grade_id, cell in graded_cells(notebook):
            mark = marks.get(grade_id)
            if mark is None:
                continue
            page = show.page.of(mark.report)
            data = {"text/html": show.html.render(page, pictures), "text/plain": show.text.render(page)}
            cell.outputs = [from_dict({"output_type": "display_data", "metadata": {}, "data": data})]
            if mark.points is not None:
                points = {"output_type": "execute_result", "metadata": {}, "execution_count": 1}
                cell.outputs.append(from_dict({**points, "data": {"text/plain": repr(mark.points)}}))
            cell.execution_count = 1


def with_reasons(notebook: NotebookNode, codes: Collection[str]) -> NotebookNode:
    """The notebook, headed by why a person should look at it; unchanged where there is no reason.

    Args:
        notebook: a restored notebook; it is changed.
        codes: message codes.
    """
    if codes:
        with using(language_of(notebook)):
            lines = [
                translate(N_("**A person will look at this submission:**")),
                *(f"- {reason(code)}" for code in codes),
            ]
        taken = {cell.id for cell in notebook.cells}
        name = next(name for number in itertools.count() if (name := f"attention-{number}") not in taken)
        head = {
            "cell_type": "markdown",
            "id": name,
            "metadata": {},
            "source": "\n\n".join([lines[0], "\n".join(lines[1:])]),
        }
        notebook.cells.insert(0, from_dict(head))
    return notebook


def silent(notebook: NotebookNode, release: Release, marks: Marks) -> frozenset[str]:
    """The cells to fill in that were left as released, and to which nothing else in the notebook is an answer."""
    left = {
        cell.metadata.nbgrader.grade_id
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("solution")
        and cell.source == release.tracked[cell.metadata.nbgrader.grade_id].source
    }
    earned = {question for question, mark in marks.items() if mark.points is None or mark.points > 0}
    answered = {name for question in earned for name in release.answers.get(question, ())}
    return frozenset(left - answered)


def language_of(notebook: NotebookNode) -> str | None:
    """The language that the learner chose in the notebook with ``checker.set_language``; None if none was chosen."""
    code = (cell.source for cell in notebook.cells if cell.cell_type == "code")
    chosen = [match for source in code for match in _LANGUAGE.findall(source)]
    return known(chosen[-1]) if chosen else None
