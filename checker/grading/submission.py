"""A notebook as it came back: read whatever it has become, and put it into a shape that can be graded.

Notebooks come back with cells deleted, doubled and edited, from editors that drop cell ids and add metadata, under
other names, empty, or as no notebook at all. :class:`Submission` is what was handed in, read once and without following
links; :func:`parsed` never raises on a notebook's content; :func:`restore` puts the cells that nbgrader tracks back as
they were released, and leaves the learner's own words and code where they are.
"""

from __future__ import annotations

import ast
import copy
import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import nbformat
from nbformat import NotebookNode

from checker.grading.carried import carried, counting
from checker.grading.cleaning import as_text, clean, names_missing
from checker.grading.notebook_file import as_utf8, contents, shown
from checker.grading.scattered import gathered, is_scattered
from checker.language import N_, translate
from checker.reading.archive import (
    ARCHIVE_LIMIT,
    NOTEBOOK_FILE_LIMIT,
    SUBMISSION_LIMIT,
    OpenFolder,
    Refused,
)

_CELL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SUFFIXES = (".ipynb", ".json", ".txt")
_KINDS = ("code", "markdown", "raw")
_TAG = re.compile(r"[\w.-]{1,64}")
_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")

MOST_FILES = 400
"""Files of a folder that are looked at."""

MOST_NOTEBOOKS = 8
"""Notebooks of a submission that are read, to find the right one."""

MOST_CELLS = 2_000

PICTURE = "submission.picture"
OTHER_FILES = "submission.other_files"

MISSING_ANSWER = N_("*(This answer's cell was missing. Look for the answer among the other cells.)*")
WORDS_ELSEWHERE = N_("*(This answer's cell was left as it was. What the learner wrote in other cells:)*")
BROKEN_FILE = N_("*(The notebook file could not be read. It begins:)*")
CHANGED_CELL = N_("*(What the learner wrote in the read-only cell above:)*")


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
        """For each automatically graded cell, the cells that hold its answer.

        They are those to fill in since the graded cell before, but for practice, whose variables it does not read.
        """
        answers: dict[str, tuple[str, ...]] = {}
        since: tuple[str, ...] = ()
        for grade_id, cell in self.tracked.items():
            if grade_id in self.automatic:
                read = _names(cell.source, ast.Load)
                used = tuple(one for one in since if read & _names(self.tracked[one].source, ast.Store))
                answers[grade_id], since = used or since, ()
            elif _answerable(cell) and not _graded(cell):
                since = (*since, grade_id)
        return answers

    @cached_property
    def asked(self) -> Mapping[str, frozenset[str]]:
        """For each automatically graded cell, the variables that it reads and its answer's cells set."""
        return {
            question: _names(self.tracked[question].source, ast.Load)
            & frozenset(name for cell in cells for name in _names(self.tracked[cell].source, ast.Store))
            for question, cells in self.answers.items()
        }


@dataclass(frozen=True)
class Submission:
    """What one student handed in for one assignment: found, read and limited once.

    Attributes:
        student: the folder's name.
        notebooks: the files that may be its notebooks, by name.
        evidence: the evidence files, by name: ``"q1.keras"``, ``"q1.json"``.
        timestamp: when it was handed in, as ISO 8601 in UTC; empty if ``timestamp.txt`` does not say.
        carries: whether the evidence in the notebook's own outputs counts, too; not once it was run again.
        others: names of further files and folders, which may hold an answer that is missing in the notebook.
        digest: of all of this; another digest is another submission.
        problems: message codes of what was not read.
    """

    student: str
    notebooks: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    evidence: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    timestamp: str = ""
    problems: tuple[str, ...] = ()
    carries: bool = True
    others: tuple[str, ...] = ()

    @classmethod
    def read(cls, submitted: Path, student: str, assignment: str) -> Self:
        """Read what a student handed in; no link is followed, and nothing but regular files of limited size is opened.

        Args:
            submitted: nbgrader's folder of submissions.
            student: the student's folder in it.
            assignment: the assignment's folder in that.

        Raises:
            FileNotFoundError: nothing was handed in.
            Refused: one of the folders is a link.
        """
        with OpenFolder(submitted, student, assignment) as folder:
            return cls._of(student, folder, assignment)

    @classmethod
    def in_folder(cls, path: Path, assignment: str = "") -> Self:
        """Read a submission that lies in this folder; of a known assignment the evidence is looked for anywhere."""
        with OpenFolder(path) as folder:
            return cls._of(path.name, folder, assignment)

    @classmethod
    def _of(cls, student: str, folder: OpenFolder, assignment: str) -> Self:
        problems: list[str] = []
        budget = _Budget(SUBMISSION_LIMIT, problems)
        here = budget.names(folder)
        notebooks = budget.files(folder, [name for name in here if name.endswith(_SUFFIXES)], NOTEBOOK_FILE_LIMIT)
        stamp = notebooks.pop("timestamp.txt", b"")[:1_000]
        evidence: dict[str, bytes] = {}
        there: list[str] = []
        if "evidence" in here:
            try:
                with folder.below("evidence") as inside:
                    there = budget.names(inside)
                    wanted = [name for name in there if name.endswith((".json", ".keras"))]
                    evidence = budget.files(inside, wanted, ARCHIVE_LIMIT)
            except (OSError, Refused):
                problems.append("submission.not_read")
        if is_scattered(here, there):
            notebooks, evidence, told = gathered(folder, assignment, notebooks, evidence, budget.file)
            problems += told
        others = tuple(name for name in here if name != "evidence" and not name.startswith((".", "__")))
        others = tuple(name for name in others if not name.endswith(_SUFFIXES) and name not in evidence)
        return cls(student, notebooks, evidence, _time(stamp), tuple(dict.fromkeys(problems)), others=others)

    @cached_property
    def digest(self) -> str:
        """A digest of all that grading looks at."""
        total = hashlib.sha256(repr((self.timestamp, self.problems, self.others)).encode("utf-8", "backslashreplace"))
        for files in (self.notebooks, self.evidence):
            for name, content in sorted(files.items()):
                total.update(repr((name, hashlib.sha256(content).hexdigest())).encode("utf-8", "backslashreplace"))
        return total.hexdigest()

    def found(self, release: Release, others: Collection[str] = ()) -> Found:
        """The notebook that answers a release, whatever its file is called and whatever it has become.

        The one under its own name counts, unless it holds no answer and another one does. Browsers like to save a
        notebook as ``spotify.ipynb.json`` or ``.txt``: that counts if it holds tracked cells.

        Args:
            release: the notebook as it was handed out.
            others: names, without suffix, of the assignment's other notebooks, which are not taken for this one.
        """
        right = f"{release.name}.ipynb"
        taken = {f"{name}.ipynb" for name in others if name != release.name}
        names = sorted(
            (name for name in self.notebooks if name not in taken),
            key=lambda name: (name != right, not name.endswith(".ipynb"), name),
        )
        readings = [_reading(name, self.notebooks[name], release) for name in names[:MOST_NOTEBOOKS]]
        fitting = [each for each in readings if each.name == right or each.name.endswith(".ipynb") or each.likeness]
        best = max(fitting, key=lambda each: (each.answers > 0, each.name == right, each.likeness), default=None)
        if best is None:
            nothing = (*self.problems, "submission.no_notebook", *([OTHER_FILES] if self.others or names else []))
            return Found("", notebook_of(None), "", nothing, self.evidence)
        evidence, told = self._evidence(best.name, release, others)
        problems = [*self.problems, *best.problems, *told]
        if not best.likeness and not best.problems:
            problems.append("submission.no_cells")
        if best.broken_code:
            problems.append("submission.no_python")
        known = {each.name for each in readings if each.likeness and not each.problems}
        if not best.whole and (self.others or set(names) - known - {best.name}):
            problems.append(OTHER_FILES)
        rivals = [each for each in fitting if each.name != best.name]
        if any(each.name == right or each.raw or (each.answers and each.sources != best.sources) for each in rivals):
            problems.append("submission.other_notebook")
        return Found(best.name, best.notebook, best.raw, tuple(dict.fromkeys(problems)), evidence)

    def _evidence(
        self, name: str, release: Release, others: Collection[str]
    ) -> tuple[dict[str, bytes], tuple[str, ...]]:
        """The evidence that counts, and what to tell of it: that in the notebooks' outputs, and that in the folder."""
        if not self.carries:
            return dict(self.evidence), ()

        def question_of(raw: Mapping[str, Any]) -> str | None:
            known = _recognise(_node(_cell(raw)), release)
            return known if known in release.automatic else None

        def tracked(raw: Mapping[str, Any]) -> str | None:
            cell = _cell(raw)
            return _grade_id(cell) if _graded(cell) and not _answerable(cell) else None

        found = carried(as_utf8(self.notebooks[name])[0], question_of)
        for other in sorted(others):  # the assignment's other notebooks, whose questions are judged with these
            if other != release.name and f"{other}.ipynb" in self.notebooks:
                found += carried(as_utf8(self.notebooks[f"{other}.ipynb"])[0], tracked)
        return counting(found, self.evidence)


@dataclass(frozen=True)
class Found:
    """The notebook that was found in a submission.

    Attributes:
        name: the file's name; empty where there is none.
        notebook: what :func:`notebook_of` makes of it.
        raw: the beginning of the file's text, where it is no notebook that could be read.
        problems: message codes of what a person should know.
        evidence: the evidence that counts with it, by name.
    """

    name: str
    notebook: NotebookNode
    raw: str = ""
    problems: tuple[str, ...] = ()
    evidence: Mapping[str, bytes] = field(default_factory=dict, repr=False)


class _Budget:
    """How much of a submission is still read."""

    def __init__(self, left: int, problems: list[str]) -> None:
        self.left, self.problems = left, problems

    def names(self, folder: OpenFolder) -> list[str]:
        names = folder.names(MOST_FILES + 1)
        if len(names) > MOST_FILES:
            self.problems.append("submission.not_read")
        return names[:MOST_FILES]

    def files(self, folder: OpenFolder, names: Iterable[str], limit: int) -> dict[str, bytes]:
        contents: dict[str, bytes] = {}
        for name in names:
            try:
                contents[name] = folder.file(name, min(limit, self.left))
            except (OSError, Refused):
                self.problems.append("submission.not_read")
            else:
                self.left -= len(contents[name])
        return contents

    def file(self, folder: OpenFolder, name: str) -> bytes | None:
        """One more file, if it is a plain one and there is room for it."""
        try:
            content = folder.file(name, min(NOTEBOOK_FILE_LIMIT, self.left))
        except (OSError, Refused):
            return None
        self.left -= len(content)
        return content


@dataclass(frozen=True)
class _Reading:
    name: str
    notebook: NotebookNode
    raw: str
    problems: tuple[str, ...]
    likeness: int
    answers: int
    whole: bool
    sources: tuple[str, ...]
    broken_code: bool


def _reading(name: str, content: bytes, release: Release) -> _Reading:
    found = parsed(content)
    notebook, rest = found.notebook, found.rest
    tracked = [(cell, release.tracked[known]) for cell in notebook.cells if (known := _recognise(cell, release))]
    answered = [cell.source for cell, released in tracked if _answerable(released) and _answered(cell, released)]
    own = [cell.source for cell in notebook.cells if _own_words(cell, release) or _own_code(cell, release)]
    sources = (*answered, *own)
    to_fill = (pair for pair in tracked if _answerable(pair[1]) and not _graded(pair[1]) and _answered(*pair))
    broken = any(not _is_python(cell.source) for cell, _ in to_fill)
    places = _places(notebook.cells, release)
    whole = not _left(notebook.cells, places, release)
    own_cells = (
        cell for cell in notebook.cells if cell.cell_type != "code" and cell.source.strip() not in release.texts
    )
    problems = list(found.problems)
    if any(names_missing(cell.source, cell.get("attachments", {})) for cell in own_cells):
        problems.append(PICTURE)
    return _Reading(
        name, notebook, rest, tuple(dict.fromkeys(problems)), len(tracked), len(sources), whole, sources, broken
    )


def _time(stamp: bytes) -> str:
    from dateutil.parser import parse  # type: ignore[import-untyped]

    try:
        time: datetime = parse(stamp.decode().strip())
        return (time if time.tzinfo is None else time.astimezone(UTC)).replace(tzinfo=None).isoformat()
    except (ValueError, OverflowError):
        return ""


@dataclass(frozen=True)
class Parsed:
    """A notebook file's content, reduced to what can be graded: outputs are left behind.

    Attributes:
        notebook: an empty one for a file that is no notebook.
        problems: message codes of what was not sound.
        rest: of a broken file, the beginning of what could not be read.
    """

    notebook: NotebookNode
    problems: tuple[str, ...] = ()
    rest: str = ""


def parsed(content: bytes) -> Parsed:
    """Read a notebook file; nothing is raised for any content."""
    found = contents(content)
    cells = _cells(found.data)
    if len(cells) > MOST_CELLS:
        return Parsed(notebook_of(None), ("submission.too_big",), shown(content))
    lost = any(_lost_pictures(cell) for cell in cells if isinstance(cell, dict))
    return Parsed(notebook_of(found.data), (*found.problems, *([PICTURE] if lost else [])), found.rest)


def notebook_of(data: Any) -> NotebookNode:
    """The notebook that this JSON value describes; an empty one if it describes none."""
    cells = [_cell(cell) for cell in _cells(data) if isinstance(cell, dict)]
    _unique_ids(cells)
    node: NotebookNode = from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})
    return node


def _cells(data: Any) -> list[Any]:
    """The cells that a JSON value lists; in nbformat 3 they are in worksheets."""
    raw = data.get("cells") if isinstance(data, dict) else None
    if raw is None and isinstance(data, dict):
        sheets = _list(data.get("worksheets"))
        raw = [cell for sheet in sheets if isinstance(sheet, dict) for cell in _list(sheet.get("cells"))]
    return _list(raw)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _cell(raw: Mapping[str, Any]) -> dict[str, Any]:
    kind = raw.get("cell_type") if raw.get("cell_type") in _KINDS else "markdown"
    source = raw.get("source", raw.get("input", ""))
    text = "".join(line for line in source if isinstance(line, str)) if isinstance(source, list) else source
    pictures = _pictures(raw.get("attachments"))
    found = raw.get("metadata")
    metadata = found if isinstance(found, dict) else {}
    cell = {
        "id": raw.get("id"),
        "cell_type": kind,
        "source": sound(text) if isinstance(text, str) else "",
        "metadata": {
            **(
                {"tags": tags}
                if (
                    tags := [tag for tag in _list(metadata.get("tags")) if isinstance(tag, str) and _TAG.fullmatch(tag)]
                )
                else {}
            ),
            **({"nbgrader": _plain(known)} if isinstance(known := metadata.get("nbgrader"), dict) else {}),
        },
        **({"attachments": pictures} if pictures else {}),
    }
    return {**cell, "outputs": [], "execution_count": None} if kind == "code" else cell


def sound(text: str) -> str:
    """The text with halves of characters (lone surrogates), which cannot be written to a file, replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _plain(known: Mapping[str, Any]) -> dict[str, Any]:
    """Nbgrader's words in a cell's metadata: plain values only."""
    plain = {name: value for name, value in known.items() if isinstance(value, str | int | float | bool | None)}
    return {sound(name): sound(value) if isinstance(value, str) else value for name, value in plain.items()}


def _pictures(attachments: Any) -> dict[str, dict[str, str]]:
    """Pictures that were pasted into a cell, by name and type."""
    found: dict[str, dict[str, str]] = {}
    for name, bundle in (attachments if isinstance(attachments, dict) else {}).items():
        for kind, content in (bundle if isinstance(bundle, dict) else {}).items():
            text = "".join(part for part in content if isinstance(part, str)) if isinstance(content, list) else content
            if kind in _PICTURES and isinstance(text, str) and _BASE64.fullmatch(text):
                found.setdefault(sound(name), {})[kind] = text
    return found


def _lost_pictures(raw: Mapping[str, Any]) -> bool:
    """Whether something that was pasted into a cell is of no kind that is shown, or the cell of none that shows it."""
    attached = raw.get("attachments")
    if not isinstance(attached, dict) or not attached:
        return bool(attached)
    return raw.get("cell_type") == "code" or not attached.keys() <= _pictures(attached).keys()


def _unique_ids(cells: list[dict[str, Any]]) -> None:
    """Give every cell whose id is missing, malformed or taken a new one, the same on every reading."""
    taken: set[str] = set()
    for number, cell in enumerate(cells):
        if not isinstance(cell["id"], str) or not _CELL_ID.fullmatch(cell["id"]) or cell["id"] in taken:
            cell["id"] = f"cell-{number}"
            while cell["id"] in taken:
                cell["id"] += "x"
        taken.add(cell["id"])


def restore(submitted: NotebookNode, release: Release, raw: str = "") -> NotebookNode:
    """The submitted notebook with every tracked cell present exactly once.

    Args:
        submitted: from :meth:`Submission.found`; it is not changed.
        release: the notebook as it was handed out.
        raw: text of a file that could not be read, shown in place of the written answers.

    Returns:
        A notebook in which locked and graded cells have their released text, the learner's answers their own, doubled
        cells are ordinary ones but for the one that counts, and missing cells are back at their place.
    """
    cells = [_node(cell) for cell in submitted.cells]
    notebook = _node({**submitted, "cells": cells, "metadata": copy.deepcopy(release.notebook.metadata)})
    _join_answers(notebook, release)
    places = _places(notebook.cells, release)
    words = _words(notebook.cells, places, release)
    kept: list[NotebookNode] = []
    for number, cell in enumerate(notebook.cells):
        grade_id = places.get(number)
        kept.append(cell)
        if grade_id is None:
            cell.metadata = _node({name: value for name, value in cell.metadata.items() if name != "nbgrader"})
            _make_safe(cell, release)
        else:
            written, pictures = cell.source, cell.get("attachments", {})
            _put_back(cell, release.tracked[grade_id])
            if _changed_lock(written, release.tracked[grade_id], release) or (pictures and "attachments" not in cell):
                kept.append(_note(translate(CHANGED_CELL), [written], number, pictures))
    notebook.cells = kept
    if raw:
        words = []
    _add_missing(notebook, release, frozenset(places.values()), bool(words))
    note = [translate(BROKEN_FILE), as_text(raw)] if raw else [translate(WORDS_ELSEWHERE), *map(as_text, words)]
    for cell in notebook.cells:
        grade_id = _grade_id(cell)
        if grade_id not in release.manual:
            continue
        if (raw or words) and not _answered(cell, release.tracked[grade_id]):
            cell.source = "\n\n".join(note)
        elif _answered(cell, release.tracked[grade_id]):
            _clean(cell)
    _unique_ids(notebook.cells)
    return notebook


def _join_answers(notebook: NotebookNode, release: Release) -> None:
    """Put the parts of a written answer together, where its cell was split or doubled: all of them are answers."""
    parts: dict[str, list[NotebookNode]] = {}
    for cell in notebook.cells:
        known = _recognise(cell, release)
        if known in release.manual and _answered(cell, release.tracked[known]):
            parts.setdefault(known, []).append(cell)
    for *others, last in (cells for cells in parts.values() if len(cells) > 1):
        last.source = "\n\n".join(dict.fromkeys(cell.source.strip("\n") for cell in (*others, last)))
        pictures = {name: kinds for cell in (*others, last) for name, kinds in cell.get("attachments", {}).items()}
        if pictures:
            last.attachments = _node(pictures)
        notebook.cells = [cell for cell in notebook.cells if not any(cell is other for other in others)]


def _words(cells: Iterable[NotebookNode], places: Mapping[int, str], release: Release) -> list[str]:
    """What the learner wrote anywhere but in the cells for written answers: text, and code cells that hold no code."""
    words = []
    for number, cell in enumerate(cells):
        grade_id, text = places.get(number), cell.source.strip()
        if grade_id in release.manual or not text or text in release.texts:
            continue
        released = release.tracked.get(grade_id) if grade_id else None
        if (released is not None and not _answerable(released)) or cell.cell_type != "code" or _is_prose(text):
            words.append(text)
    return words


def words_elsewhere(submitted: NotebookNode, release: Release) -> list[str]:
    """The learner's words outside the cells for answers, where one of those cells was left as it was."""
    places = _places(submitted.cells, release)
    return _words(submitted.cells, places, release) if _left(submitted.cells, places, release) else []


def _left(cells: Sequence[NotebookNode], places: Mapping[int, str], release: Release) -> bool:
    """Whether a cell for an answer was left as it was, or taken away."""
    answered = {name for number, name in places.items() if _answered(cells[number], release.tracked[name])}
    return any(_answerable(cell) and name not in answered for name, cell in release.tracked.items())


def own_words(notebook: NotebookNode, release: Release) -> list[str]:
    """All that the learner wrote anywhere but in the cells for written answers, answered or not."""
    return _words(notebook.cells, _places(notebook.cells, release), release)


def _is_prose(source: str) -> bool:
    """Whether a code cell holds text in place of code: nothing that could run, or comments and strings alone."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return not _is_python(source)
    return all(isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant) for part in body)


def _changed_lock(written: str, released: NotebookNode, release: Release) -> bool:
    return not _answerable(released) and bool(written.strip()) and written.strip() not in release.texts


def _note(heading: str, texts: Iterable[str], number: int, pictures: Mapping[str, Any]) -> NotebookNode:
    source = "\n\n".join([heading, *map(as_text, texts)])
    note = from_dict({"cell_type": "markdown", "id": f"kept-{number}", "metadata": {}, "source": source})
    if pictures:
        note.attachments = _node(pictures)
        _clean(note)
    return note


def _make_safe(cell: NotebookNode, release: Release) -> None:
    """Nothing that a learner wrote in Markdown runs where it is shown; raw cells would be shown as HTML."""
    if cell.cell_type == "code":
        cell.pop("attachments", None)
    elif cell.cell_type == "raw":
        cell.cell_type, cell.source = "markdown", as_text(cell.source)
        _clean(cell)
    elif cell.source.strip() not in release.texts or "attachments" in cell:
        _clean(cell)


def _clean(cell: NotebookNode) -> None:
    """Make a cell's Markdown safe, and show the pictures that were pasted into it."""
    cleaned = clean(cell.source, cell.pop("attachments", {}))
    cell.source = cleaned.source
    if cleaned.pictures:
        cell.attachments = _node(cleaned.pictures)


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
    pasted = released.cell_type == "markdown" and bool(cell.get("attachments"))
    return pasted or cell.source.strip() not in ("", released.source.strip())


def _own_words(cell: NotebookNode, release: Release) -> bool:
    """Whether the learner wrote this text."""
    text = cell.source.strip()
    return (
        cell.cell_type == "markdown" and bool(text) and text not in release.texts and _recognise(cell, release) is None
    )


def _put_back(cell: NotebookNode, released: NotebookNode) -> None:
    if not _answerable(released):
        cell.source = released.source
    if released.cell_type == "code":
        cell.pop("attachments", None)
        cell.outputs, cell.execution_count = [], None
    else:
        for name in ("outputs", "execution_count"):
            cell.pop(name, None)
    cell.cell_type = released.cell_type
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

    Their answer cells hold what was released, nothing, or no Python; no code was added elsewhere, and no other answer
    defines what they are about.
    """
    if any(_own_code(cell, release) or cell.id.startswith("kept-") for cell in notebook.cells):
        return frozenset()
    tracked = {grade_id: cell for cell in notebook.cells if (grade_id := _grade_id(cell))}
    to_fill = [name for names in release.answers.values() for name in names]
    changed = {name: tracked[name].source for name in to_fill if _answered(tracked[name], release.tracked[name])}
    defined = {name for source in changed.values() for name in _names(source, ast.Store)}
    return frozenset(
        question
        for question, answers in release.answers.items()
        if not all(_is_python(tracked[name].source) for name in answers)
        or (not any(name in changed for name in answers) and not release.asked[question] & defined)
    )


def _names(source: str, use: type[ast.expr_context]) -> frozenset[str]:
    """The variables that code sets (``ast.Store``) or reads (``ast.Load``); none for what is no plain Python."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    return frozenset(node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, use))


def _is_python(source: str) -> bool:
    """Whether IPython could run this text; nothing is run."""
    with suppress(Exception):  # what Python takes, IPython takes as it is; the rest may be magic
        ast.parse(source)
        return True
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        ast.parse(TransformerManager().transform_cell(source))  # type: ignore[no-untyped-call]
    except SyntaxError:
        return False
    except Exception:  # IPython gives up on hundreds of magics: nobody can say that it would not run
        return True
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


def unexecuted(notebook: NotebookNode) -> NotebookNode:
    """The notebook without any trace of an execution, so that what a run leaves can be told from what was there."""
    bare = copy.deepcopy(notebook)
    for cell in bare.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            cell.metadata.pop("execution", None)
    return bare


def executed_cells(executed: bytes) -> list[NotebookNode]:
    """The code cells of an executed notebook; none for bytes that are no notebook."""
    try:
        notebook = nbformat.reads(executed.decode(), as_version=4)  # type: ignore[no-untyped-call]
        return [cell for cell in notebook.cells if cell.cell_type == "code"]
    except Exception:  # hostile bytes
        return []


def from_file(content: bytes) -> NotebookNode:
    """The notebook in a file that the grader wrote."""
    return nbformat.reads(content.decode(), as_version=4)  # type: ignore[no-untyped-call, no-any-return]


def outputs_by_id(executed: bytes) -> dict[str, list[NotebookNode]]:
    """The outputs of an executed notebook's code cells by cell id; none for bytes that are no notebook."""
    try:
        notebook = nbformat.reads(executed.decode(), as_version=4)  # type: ignore[no-untyped-call]
    except Exception:  # nbformat raises what it likes for what is no notebook
        return {}
    return {cell.id: cell.outputs for cell in notebook.cells if cell.cell_type == "code"}
