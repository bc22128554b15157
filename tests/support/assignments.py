"""Submissions of every kind, made from the released notebook and from really trained networks."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from place import ROOT

from checker.questions import NetworkQuestion, Training

NAMES = ("spotify", "challenge", "clinic")

Cells = list[dict[str, Any]]


def notebook(name: str, step: str = "notebooks") -> dict[str, Any]:
    """A committed notebook as JSON."""
    found: dict[str, Any] = json.loads((ROOT / step / name / f"{name}.ipynb").read_text("utf-8"))
    return found


def grade_id(cell: dict[str, Any]) -> str | None:
    found = cell["metadata"].get("nbgrader", {}).get("grade_id")
    return found if isinstance(found, str) else None


def cell_of(cells: Cells, name: str) -> dict[str, Any]:
    return next(cell for cell in cells if grade_id(cell) == name)


def solved(name: str) -> dict[str, Any]:
    """The released notebook, its answers filled in from the solution."""
    released, solution = notebook(name), notebook(name, "solutions")["cells"]
    for cell in released["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            cell["source"] = [
                line for line in cell_of(solution, str(grade_id(cell)))["source"] if "SOLUTION" not in line
            ]
    return released


def written(folder: Path, content: dict[str, Any] | bytes, name: str = "spotify.ipynb") -> Path:
    """Write a notebook (or anything else under its name) into a submission's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    (folder / name).write_bytes(data)
    return folder


def changed(change: Callable[[Cells], object], name: str = "spotify") -> dict[str, Any]:
    """The solved notebook after a change of its cells."""
    content = copy.deepcopy(solved(name))
    change(content["cells"])
    return content


def training_of(question: NetworkQuestion) -> Training:
    """How a question's network is to be trained, where it is."""
    assert question.training is not None
    return question.training
