"""What lies elsewhere in a submission's folder than the checker leaves it: found as it is in an LMS's download.

A folder that an instructor filled by hand gets the same lenient reading as one that ``collect`` made
(:mod:`checker.grading.lms.layout`); what is not clear is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

from checker import assignments
from checker.grading.lms.layout import FOLDER, Layout, find_evidence, unzipped
from checker.reading.archive import OpenFolder, Refused

UNCLEAR: Final = "submission.evidence_unclear"
_HOLDS_WORK: Final = (".ipynb", ".json", ".keras", ".zip", ".txt", ".bin")
_USUAL: Final = (".ipynb", ".txt", ".py", ".csv", ".md", ".html", ".pdf", ".png", ".jpg", ".svg")
_DEPTH: Final = 4

Reader = Callable[[OpenFolder, str], bytes | None]
"""Reads one file of a folder, within what is left of the submission's limits; None where it is not read."""


def is_scattered(names: Iterable[str], evidence: Iterable[str]) -> bool:
    """Whether a folder holds more than notebooks, evidence in its place, and files that hold no work.

    Args:
        names: what lies in the submission's folder.
        evidence: what lies in its folder ``evidence``.
    """
    beside = any(not name.endswith(_USUAL) for name in names if name != FOLDER and not name.startswith("."))
    return beside or any(not name.endswith((".json", ".keras")) or "(" in name or " " in name for name in evidence)


def gathered(
    folder: OpenFolder, assignment: str, notebooks: Mapping[str, bytes], evidence: Mapping[str, bytes], read: Reader
) -> tuple[dict[str, bytes], dict[str, bytes], tuple[str, ...]]:
    """The notebooks and the evidence of a folder in which they lie anywhere, and message codes of what is not clear.

    Args:
        folder: the submission's folder.
        assignment: the assignment's name; one that the checker does not know has no evidence to look for.
        notebooks: the notebooks in its place, which are read already.
        evidence: the evidence in its place, likewise.
        read: reads another file.
    """
    try:
        assignments.find(assignment)
    except KeyError:
        return dict(notebooks), dict(evidence), ()
    files = {**notebooks, **{f"{FOLDER}/{name}": content for name, content in evidence.items()}}
    for path, content in _others(folder, read, set(files)):
        files[path] = content
    layout = Layout()
    everything = unzipped(files, layout)
    found, _ = find_evidence(everything, assignment, layout.notes)
    work = dict(notebooks)
    if not any(name.endswith(".ipynb") for name in notebooks):
        work |= {PurePosixPath(path).name: everything[path] for path in everything if path.endswith(".ipynb")}
    return work, {PurePosixPath(path).name: content for path, content in found.items()}, (UNCLEAR,) * bool(layout.notes)


def _others(
    folder: OpenFolder, read: Reader, known: set[str], place: str = "", depth: int = _DEPTH
) -> Iterator[tuple[str, bytes]]:
    """The files below a folder that may hold work, but for those that are known, by their path."""
    for name in folder.names(100):
        path = f"{place}{name}"
        if name.startswith((".", "__")) or path in known:
            continue
        content = read(folder, name) if name.endswith(_HOLDS_WORK) else None
        if content is not None:
            yield path, content
        elif depth and not name.endswith(_USUAL):
            try:
                with folder.below(name) as inside:
                    yield from _others(inside, read, known, f"{path}/", depth - 1)
            except (OSError, Refused):
                continue
