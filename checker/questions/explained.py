"""Whether a learner has written an explanation yet: what would answer it for them is shown only then.

The learner's own notebook, as last saved beside the evidence, is read as data; no points hang on it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

LARGEST: Final = 100_000_000
"""Bytes of a notebook that are read; the evidence in its outputs makes it large."""

FEWEST_CHARACTERS: Final = 30
"""An explanation shorter than this is not the two sentences asked for, in Chinese neither."""

STUBS: Final = ("Write your answer here", "请在此写下你的回答")
"""What the lines begin with that stand in a released cell."""


def explained(assignment: str, cell: str, folder: Path | str = ".") -> bool:
    """Whether the saved notebook holds an explanation in that cell.

    Args:
        assignment: ``"spotify"``; the notebook is named after it, unless Jupyter says how it is named.
        cell: the ``grade_id`` of the cell.
        folder: where the notebook lies.
    """
    return any(len(_own_words(path, cell)) >= FEWEST_CHARACTERS for path in _paths(assignment, Path(folder)))


def _paths(assignment: str, folder: Path) -> Iterator[Path]:
    """Where the notebook may lie: a learner may have given it another name."""
    session = Path(os.environ.get("JPY_SESSION_NAME", "")).name
    if session.endswith(".ipynb"):
        yield folder / session
    yield folder / f"{assignment}.ipynb"


def _own_words(path: Path, cell: str) -> str:
    """What is written in a notebook's cell, without the lines that it was handed out with; empty for nothing."""
    try:
        if not path.is_file() or path.stat().st_size > LARGEST:
            return ""
        cells = json.loads(path.read_text("utf-8"))["cells"]
        source = next(_source(found) for found in cells if _grade_id(found) == cell)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, StopIteration):
        return ""
    return "".join(line for line in source.splitlines() if not line.strip().lstrip("*_> ").startswith(STUBS)).strip()


def _grade_id(cell: Any) -> Any:
    return cell.get("metadata", {}).get("nbgrader", {}).get("grade_id")


def _source(cell: Any) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)
