"""Why a run of a notebook in the sandbox did not come to an answer for the grader's reasons, not for the learner's.

The sandbox has no network, no GPU, no Google Colab, none of the learner's own files, and limits on time and memory. A
notebook that stops for want of these says nothing about the learner: a person has to look.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from nbformat import NotebookNode

from checker.grading.sandbox import Ending, Run
from checker.grading.submission import executed_cells

_BY_ENDING: Final = {Ending.TIME: "rerun.time", Ending.MEMORY: "rerun.memory", Ending.OUTPUT: "rerun.died"}

_BY_ERROR: Final = (
    (
        "rerun.memory",
        re.compile(r"MemoryError|ResourceExhausted|std::bad_alloc|[Oo]ut of memory|Cannot allocate memory"),
    ),
    ("rerun.gpu", re.compile(r"(?i)\bgpu\b|gpus\b|cuda|\btpu\b")),
    ("rerun.module", re.compile(r"ModuleNotFoundError|ImportError|google\.colab")),
    (
        "rerun.network",
        re.compile(r"URLError|HTTPError|ConnectionError|gaierror|MaxRetryError|name resolution|SSLError"),
    ),
    (
        "rerun.file",
        re.compile(r"FileNotFoundError|PermissionError|NotADirectoryError|Read-only file system|No such file"),
    ),
)
"""What an error says that the sandbox is to blame for, first match first."""


def obstacle(run: Run, question: str) -> str:
    """The code of what kept a run from answering a question; empty where nothing but the notebook did.

    Args:
        run: a run that left no evidence of this question.
        question: the ``grade_id`` of its graded cell.
    """
    if run.ending in _BY_ENDING:
        return _BY_ENDING[run.ending]
    if "notebook.ipynb" not in run.files:
        return "rerun.died"
    cells = executed_cells(run.files["notebook.ipynb"])
    before = _until(cells, question)
    for cell in before:
        for error in _errors(cell):
            for code, pattern in _BY_ERROR:
                if pattern.search(error):
                    return code
    return "" if not before or _ran(before[-1]) else "rerun.time" if run.ending is Ending.FINISHED else "rerun.died"


def _until(cells: list[NotebookNode], question: str) -> list[NotebookNode]:
    """The code cells up to a question's graded cell; all of them where it has none."""
    for number, cell in enumerate(cells):
        if cell.metadata.get("nbgrader", {}).get("grade_id") == question:
            return cells[: number + 1]
    return cells


def _errors(cell: NotebookNode) -> Iterable[str]:
    """What the errors of a cell say: their name, their text and the line that raised them."""
    for output in cell.get("outputs", []):
        if output.get("output_type") == "error":
            trace: Any = output.get("traceback") or []
            line = next((text for text in map(str, trace) if "---->" in text or "-->" in text), "")
            yield f"{output.get('ename', '')}: {output.get('evalue', '')}\n{line}"[:20_000]


def _ran(cell: NotebookNode) -> bool:
    return cell.get("execution_count") is not None
