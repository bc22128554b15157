"""A notebook as it came back: read whatever it has become, and put it into a shape that can be graded.

Notebooks come back with cells deleted, doubled and edited, from editors that drop cell ids and add metadata, under
other names, empty, or as no notebook at all. :func:`read` never raises on their content; :func:`restore` puts the cells
that nbgrader tracks back as they were released, and leaves the learner's own words and code where they are.
"""

from __future__ import annotations

import ast
import copy
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import nbformat
from nbformat import NotebookNode

from checker.language import N_, translate
from checker.reading.archive import NOTEBOOK_LIMIT, Refused, file_bytes

_CELL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SUFFIXES = (".ipynb", ".json", ".txt")
_KINDS = ("code", "markdown", "raw")

MISSING_ANSWER = N_("*(This answer's cell was missing. Look for the answer among the other cells.)*")


@dataclass(frozen=True)
class Release:
    """The notebook as it was handed out: what every submission is put back to.

    Attributes:
        name: the notebook's name, without suffix.
        notebook: the released notebook.
    """

    name: str
    notebook: NotebookNode

    @classmethod
    def load(cls, path: Path) -> Self:
        """The released notebook in this file.

        Raises:
            OSError, ValueError: there is none.
        """
        return cls(path.stem, nbformat.v4.reads(path.read_text("utf-8")))  # type: ignore[no-untyped-call]

    @cached_property
    def tracked(self) -> Mapping[str, NotebookNode]:
        """The cells that nbgrader tracks (graded, to be filled in, or locked), by grade id, in order."""
        return {grade_id: cell for cell in self.notebook.cells if (grade_id := _grade_id(cell))}

    @cached_property
    def automatic(self) -> tuple[str, ...]:
        """Grade ids of the cells that are graded automatically."""
        return tuple(grade_id for grade_id, cell in self.tracked.items() if _graded(cell) and not _answerable(cell))

    @cached_property
    def manual(self) -> tuple[str, ...]:
        """Grade ids of the answers that a person reads and grades."""
        return tuple(grade_id for grade_id, cell in self.tracked.items() if _graded(cell) and _answerable(cell))

    def points(self, grade_id: str) -> float:
        """What a graded cell is worth."""
        return float(self.tracked[grade_id].metadata.nbgrader.points)

    @cached_property
    def by_cell_id(self) -> Mapping[str, str]:
        return {cell.id: grade_id for grade_id, cell in self.tracked.items() if "id" in cell}

    @cached_property
    def by_source(self) -> Mapping[str, str]:
        """Grade ids of locked cells by their text, where the text tells them apart."""
        return {cell.source.strip(): grade_id for grade_id, cell in self.tracked.items() if not _answerable(cell)}

    @cached_property
    def texts(self) -> frozenset[str]:
        """The text of every cell that was handed out."""
        return frozenset(cell.source.strip() for cell in self.notebook.cells)

    @cached_property
    def answers(self) -> Mapping[str, tuple[str, ...]]:
        """For each automatically graded cell, the cells that hold its answer: those to fill in since the one before."""
        answers: dict[str, tuple[str, ...]] = {}
        since: tuple[str, ...] = ()
        for grade_id, cell in self.tracked.items():
            if grade_id in self.automatic:
                answers[grade_id], since = since, ()
            elif _answerable(cell) and not _graded(cell):
                since = (*since, grade_id)
        return answers


def find(folder: Path, release: Release) -> Path | None:
    """The submitted notebook in a folder: under its own name, or the one under another name that fits best.

    Browsers like to save a notebook as ``spotify.ipynb.json`` or ``.txt``: that counts if it holds tracked cells.

    Returns:
        The file, or None where no notebook was handed in.
    """
    right = folder / f"{release.name}.ipynb"
    if right.is_file():
        return right
    files = (path for path in folder.glob("*") if path.is_file() and not path.is_symlink())
    others = sorted(path for path in files if path.suffix in _SUFFIXES)
    fitting = {path: _resemblance(read(path), release) for path in others}
    notebooks = [path for path in others if path.suffix == ".ipynb" or fitting[path]]
    return max(notebooks, key=lambda path: fitting[path], default=None)


def _resemblance(notebook: NotebookNode, release: Release) -> int:
    return sum(1 for cell in notebook.cells if _recognise(cell, release) is not None)


def read(path: Path) -> NotebookNode:
    """The notebook in this file, reduced to what can be graded: its cells' kinds, texts, tags and nbgrader metadata.

    A file that is no notebook gives an empty one; outputs are left behind. Nothing is raised for any content.
    """
    try:
        data = json.loads(file_bytes(path, NOTEBOOK_LIMIT).decode("utf-8-sig", "replace"))
    except (OSError, ValueError, RecursionError, Refused):
        data = {}
    return notebook_of(data)


def notebook_of(data: Any) -> NotebookNode:
    """The notebook that this JSON value describes; an empty one if it describes none."""
    raw = data.get("cells") if isinstance(data, dict) else None
    if raw is None and isinstance(data, dict) and isinstance(data.get("worksheets"), list):  # nbformat 3
        raw = [cell for sheet in data["worksheets"] if isinstance(sheet, dict) for cell in _list(sheet.get("cells"))]
    cells = [_cell(cell) for cell in _list(raw) if isinstance(cell, dict)]
    _unique_ids(cells)
    node: NotebookNode = from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})
    return node


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _cell(raw: Mapping[str, Any]) -> dict[str, Any]:
    kind = raw.get("cell_type") if raw.get("cell_type") in _KINDS else "markdown"
    source = raw.get("source", raw.get("input", ""))
    text = "".join(line for line in source if isinstance(line, str)) if isinstance(source, list) else source
    found = raw.get("metadata")
    metadata = found if isinstance(found, dict) else {}
    cell = {
        "id": raw.get("id"),
        "cell_type": kind,
        "source": text if isinstance(text, str) else "",
        "metadata": {
            **(
                {"tags": tags} if (tags := [tag for tag in _list(metadata.get("tags")) if isinstance(tag, str)]) else {}
            ),
            **({"nbgrader": dict(known)} if isinstance(known := metadata.get("nbgrader"), dict) else {}),
        },
    }
    return {**cell, "outputs": [], "execution_count": None} if kind == "code" else cell


def _unique_ids(cells: list[dict[str, Any]]) -> None:
    """Give every cell whose id is missing, malformed or taken a new one, the same on every reading."""
    taken: set[str] = set()
    for number, cell in enumerate(cells):
        if not isinstance(cell["id"], str) or not _CELL_ID.fullmatch(cell["id"]) or cell["id"] in taken:
            cell["id"] = f"cell-{number}"
            while cell["id"] in taken:
                cell["id"] += "x"
        taken.add(cell["id"])


def restore(submitted: NotebookNode, release: Release) -> NotebookNode:
    """The submitted notebook with every tracked cell present exactly once.

    Args:
        submitted: from :func:`read`; it is not changed.
        release: the notebook as it was handed out.

    Returns:
        A notebook in which locked and graded cells have their released text, the learner's answers their own, doubled
        cells are ordinary ones but for the one that counts, and missing cells are back at their place.
    """
    cells = [_node(cell) for cell in submitted.cells]
    notebook = _node({**submitted, "cells": cells, "metadata": copy.deepcopy(release.notebook.metadata)})
    places = _places(notebook.cells, release)
    own_words = any(_own_words(cell, release) for cell in notebook.cells)
    for number, cell in enumerate(notebook.cells):
        grade_id = places.get(number)
        if grade_id is None:
            cell.metadata = _node({name: value for name, value in cell.metadata.items() if name != "nbgrader"})
        else:
            _put_back(cell, release.tracked[grade_id])
    _add_missing(notebook, release, frozenset(places.values()), own_words)
    _unique_ids(notebook.cells)
    return notebook


def _node(data: Mapping[str, Any]) -> NotebookNode:
    """A node of its own with the same contents."""
    return NotebookNode(data)  # type: ignore[no-untyped-call]


def _places(cells: Iterable[NotebookNode], release: Release) -> dict[int, str]:
    """Which cell stands for which tracked one: of several the one that was answered, has its grade id, comes last."""
    contents = list(cells)
    copies: dict[str, list[int]] = {}
    for number, cell in enumerate(contents):
        if (grade_id := _recognise(cell, release)) is not None:
            copies.setdefault(grade_id, []).append(number)

    def claim(number: int, grade_id: str) -> tuple[bool, bool, int]:
        cell, released = contents[number], release.tracked[grade_id]
        answered = _answerable(released) and _answered(cell, released)
        return answered, _grade_id(cell) == grade_id, number

    return {max(numbers, key=lambda n: claim(n, grade_id)): grade_id for grade_id, numbers in copies.items()}


def _recognise(cell: NotebookNode, release: Release) -> str | None:
    """The tracked cell that this one is: by grade id, else by cell id, else by a locked cell's text."""
    if (grade_id := _grade_id(cell)) in release.tracked:
        return grade_id
    return release.by_cell_id.get(cell.id) or release.by_source.get(cell.source.strip())


def _answered(cell: NotebookNode, released: NotebookNode) -> bool:
    return cell.source.strip() not in ("", released.source.strip())


def _own_words(cell: NotebookNode, release: Release) -> bool:
    """Whether the learner wrote this text."""
    text = cell.source.strip()
    return (
        cell.cell_type == "markdown" and bool(text) and text not in release.texts and _recognise(cell, release) is None
    )


def _put_back(cell: NotebookNode, released: NotebookNode) -> None:
    if not _answerable(released):
        cell.source = released.source
    if cell.cell_type != released.cell_type:
        cell.cell_type = released.cell_type
        for name in ("outputs", "execution_count", "attachments"):
            cell.pop(name, None)
        if released.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    cell.metadata = copy.deepcopy(released.metadata)


def _add_missing(notebook: NotebookNode, release: Release, present: frozenset[str], own_words: bool) -> None:
    """Put cells that were deleted back behind the tracked cell that they followed."""
    position = -1
    for grade_id, released in release.tracked.items():
        if grade_id in present:
            position = next(n for n, cell in enumerate(notebook.cells) if _grade_id(cell) == grade_id)
            continue
        cell = copy.deepcopy(released)
        if own_words and grade_id in release.manual:
            cell.source = translate(MISSING_ANSWER)
        position += 1
        notebook.cells.insert(position, cell)


def _nbgrader(cell: Mapping[str, Any]) -> Mapping[str, Any]:
    found = cell.get("metadata", {}).get("nbgrader")
    return found if isinstance(found, dict) else {}


def _grade_id(cell: Mapping[str, Any]) -> str | None:
    found = _nbgrader(cell).get("grade_id")
    return found if isinstance(found, str) and found else None


def _graded(cell: Mapping[str, Any]) -> bool:
    return bool(_nbgrader(cell).get("grade"))


def _answerable(cell: Mapping[str, Any]) -> bool:
    return bool(_nbgrader(cell).get("solution"))


def unanswered(notebook: NotebookNode, release: Release) -> frozenset[str]:
    """The automatically graded questions of a restored notebook that hold no answer which could run.

    Their answer cells hold what was released, nothing, or no Python, and no code was added elsewhere.
    """
    if any(_own_code(cell, release) for cell in notebook.cells):
        return frozenset()
    tracked = {grade_id: cell for cell in notebook.cells if (grade_id := _grade_id(cell))}
    return frozenset(
        question
        for question, answers in release.answers.items()
        if not any(_answered(tracked[name], release.tracked[name]) for name in answers)
        or not all(_is_python(tracked[name].source) for name in answers)
    )


def _is_python(source: str) -> bool:
    """Whether IPython could run this text; nothing is run."""
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        ast.parse(TransformerManager().transform_cell(source))  # type: ignore[no-untyped-call]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _own_code(cell: NotebookNode, release: Release) -> bool:
    text = cell.source.strip()
    return cell.cell_type == "code" and bool(text) and _grade_id(cell) is None and text not in release.texts


def graded_cells(notebook: NotebookNode) -> Iterator[tuple[str, NotebookNode]]:
    """The automatically graded cells of a restored notebook, by grade id."""
    for cell in notebook.cells:
        if (grade_id := _grade_id(cell)) and _graded(cell) and not _answerable(cell):
            yield grade_id, cell


def from_dict(data: Mapping[str, Any]) -> NotebookNode:
    """The data as nbformat's nodes."""
    return nbformat.from_dict(data)  # type: ignore[no-untyped-call, no-any-return]


def as_bytes(notebook: NotebookNode) -> bytes:
    """The notebook as a file's content."""
    return str(nbformat.writes(notebook)).encode()  # type: ignore[no-untyped-call]


def outputs_by_id(executed: bytes) -> dict[str, list[NotebookNode]]:
    """The outputs of an executed notebook's code cells by cell id; none for bytes that are no notebook."""
    try:
        notebook = nbformat.reads(executed.decode(), as_version=4)  # type: ignore[no-untyped-call]
    except Exception:  # nbformat raises what it likes for what is no notebook
        return {}
    return {cell.id: cell.outputs for cell in notebook.cells if cell.cell_type == "code"}
