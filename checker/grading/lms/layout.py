"""One student's files, put where the grader looks: the notebook, and the evidence below it, wherever they were.

Browsers, hubs and learners rename: ``evidence (1)``, ``Evidence``, ``q1.keras.zip``, evidence beside the notebook, a
zip in the folder, ``spotify-Copy1.ipynb`` with the work beside an untouched ``spotify.ipynb``. What is clear is laid
out; what is not stays under its own name, and is told.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final

from checker import assignments
from checker.grading.lms.archive import open_bytes
from checker.language import N_, translate
from checker.reading.archive import MEGABYTE, NOTEBOOK_LIMIT, RECORD_LIMIT, Refused, json_object, without_outputs

FOLDER: Final = "evidence"
NO_NOTEBOOK: Final = N_("There is no notebook in it.")
_COPY: Final = r"(?:[ _-]*\(\.?\d+\)|-Copy\d+|-\d{1,3}| - Copy| - 副本| copy(?: \d+)?|的副本)*"
_NOTEBOOK: Final = re.compile(r".+\.ipynb(?:\.txt|\.json)?", re.IGNORECASE)
_ZIP_DEPTH: Final = 3
STUDENT_LIMIT: Final = 256 * MEGABYTE
"""Bytes of one student's files, unpacked."""


@dataclass
class Layout:
    """A student's folder to be.

    Attributes:
        files: contents by path below ``submitted/<student>/<assignment>/``.
        notes: sentences about what a person should look at.
        unpacked: bytes that came out of zips so far.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    unpacked: int = 0


@dataclass(frozen=True)
class Released:
    """What of the released notebook tells an answered one from an untouched one.

    Attributes:
        name: the notebook's file name.
        answers: the released text of each cell that a learner fills in, by grade id.
    """

    name: str
    answers: Mapping[str, str]

    @classmethod
    def load(cls, path: Path) -> Released:
        """Read it from the released notebook; one that cannot be read knows no answers."""
        try:
            return cls(path.name, _answers(path.read_bytes()))
        except OSError:
            return cls(path.name, {})

    def answered(self, notebook: bytes) -> int:
        """How many answers of this notebook differ from the released ones; -1 for what is none of this assignment."""
        found = _answers(notebook)
        common = [name for name in self.answers if name in found]
        return sum(found[name] != self.answers[name] for name in common) if common else -1


def _answers(notebook: bytes) -> dict[str, str]:
    try:
        cells = json_object(without_outputs(notebook), NOTEBOOK_LIMIT).get("cells")
    except Refused:
        return {}
    found: dict[str, str] = {}
    for cell in cells if isinstance(cells, list) else ():
        metadata = cell.get("metadata") if isinstance(cell, dict) else None
        role = metadata.get("nbgrader") if isinstance(metadata, dict) else None
        if isinstance(role, dict) and role.get("solution") and isinstance(name := role.get("grade_id"), str):
            found[name] = _source(cell).strip()
    return found


def _source(cell: Mapping[str, Any]) -> str:
    source = cell.get("source", "")
    return "".join(line for line in source if isinstance(line, str)) if isinstance(source, list) else str(source)


def lay_out(files: Mapping[str, bytes], assignment: str, releases: Iterable[Released] = ()) -> Layout:
    """Put a student's files where the grader looks for them.

    Args:
        files: contents by path, as they were handed in.
        assignment: the assignment's name.
        releases: its released notebooks; without them a notebook is only known by its name.
    """
    layout = Layout()
    left = unzipped(files, layout)
    evidence, used = find_evidence(left, assignment, layout.notes)
    for release in tuple(releases) or (Released(f"{assignment}.ipynb", {}),):
        if (path := _notebook(left, release, layout.notes)) is not None:
            layout.files[release.name] = left[path]
            used.add(path)
    layout.files.update(evidence)
    for path, content in left.items():
        if path not in used and path not in layout.files:
            layout.files[path] = content
    return layout


def unzipped(files: Mapping[str, bytes], layout: Layout, place: str = "", depth: int = _ZIP_DEPTH) -> dict[str, bytes]:
    """The files with the contents of zips in their place; a zip that cannot be read stays and is told."""
    found: dict[str, bytes] = {}
    for path, content in files.items():
        here = f"{place}{path}"
        if not content.startswith(b"PK\x03\x04") or _is_keras(path, content) or depth == 0:
            found[here] = content
            if path.lower().endswith((".zip", ".rar", ".7z")) and not _is_keras(path, content):
                layout.notes.append(translate(N_("{path} is no zip that can be read."), path=here))
            continue
        try:
            download = open_bytes(content)
            inner = {}
            for file in download.files:
                inner[file.path] = file.read()
                layout.unpacked += len(inner[file.path])
                if layout.unpacked > STUDENT_LIMIT:
                    raise Refused("collect.too_big")
        except Refused as error:
            found[here] = content
            layout.notes.append(f"{here}: {reason(error.code)}")
            continue
        layout.notes += [f"{here}/{name}: {reason(code)}" for name, code in download.refused]
        folder = str(PurePosixPath(here).with_suffix(""))
        for name, data in unzipped(inner, layout, f"{folder}/", depth - 1).items():
            found[name] = data
    return found


def reason(code: str) -> str:
    """Why something of a download is not read, in a sentence."""
    return translate(_REASONS.get(code, _REASONS["collect.broken"]))


_REASONS: Final = {
    "collect.no_zip": N_("This is no zip that can be read: download it again, or unpack it and give the folder."),
    "collect.encrypted": N_("It is encrypted: unpack it with its password and give the folder."),
    "collect.too_many": N_("It holds too many files."),
    "collect.too_big": N_("It is larger unpacked than a submission can be."),
    "evidence.too_big": N_("It is larger unpacked than a submission can be."),
    "collect.broken": N_("It is damaged."),
    "collect.outside": N_("Its path leads outside the download."),
    "collect.link": N_("It is a link or no plain file."),
    "evidence.link": N_("It is a link or no plain file."),
    "collect.doubled": N_("Two files have this path."),
}


def _is_keras(path: str, content: bytes) -> bool:
    """Whether this zip is a saved Keras model, whatever it is called: it holds its configuration and its weights."""
    if b"model.weights.h5" not in content[-4_000:]:
        return False
    try:
        names = {file.path for file in open_bytes(content).files}
    except Refused:
        return PurePosixPath(path).suffix.lower() == ".keras"
    return {"config.json", "model.weights.h5"} <= names


# --- evidence ---------------------------------------------------------------------------------------------------------


def find_evidence(files: Mapping[str, bytes], assignment: str, notes: list[str]) -> tuple[dict[str, bytes], set[str]]:
    """The evidence among a student's files, wherever it lies.

    Args:
        files: contents by path.
        assignment: the assignment's name: its questions' ids name the evidence.
        notes: what is unclear is added here.

    Returns:
        The evidence by its canonical path, ``evidence/q1.keras``, and the paths that it was taken from.
    """
    found: dict[str, bytes] = {}
    used: set[str] = set()
    for question in _questions(assignment):
        pairs = _pairs(files, question)
        if not pairs:
            continue
        whole = [pair for pair in pairs if pair.whole]
        chosen = _chosen(whole or pairs)
        if chosen is None:
            paths = ", ".join(path for pair in whole or pairs for path in pair.paths)
            notes.append(
                translate(
                    N_("{question}: there is different evidence in {paths}; keep one."), question=question, paths=paths
                )
            )
            continue
        same = {content for content in (chosen.record, chosen.archive) if content is not None}
        others = [path for pair in pairs for path in pair.paths if files[path] not in same]
        if others:
            notes.append(
                translate(
                    N_("{question}: the evidence in {used} counts, not {paths}."),
                    question=question,
                    used=", ".join(chosen.paths),
                    paths=", ".join(dict.fromkeys(others)),
                )
            )
        for suffix, content in ((".json", chosen.record), (".keras", chosen.archive)):
            if content is not None:
                found[f"{FOLDER}/{question}{suffix}"] = content
        used |= {path for pair in pairs for path in pair.paths if files[path] in same}
    return found, used


@dataclass(frozen=True)
class _Pair:
    """A record and the network beside it."""

    paths: tuple[str, ...]
    record: bytes | None
    archive: bytes | None

    @property
    def whole(self) -> bool:
        """Whether the record is this network's, or says that there is none."""
        try:
            said = json_object(self.record or b"", RECORD_LIMIT).get("model")
        except Refused:
            return False
        digest = said.get("sha256") if isinstance(said, dict) else None
        return digest == (hashlib.sha256(self.archive).hexdigest() if self.archive is not None else None)

    @property
    def canonical(self) -> bool:
        return all(PurePosixPath(path).parent.name == FOLDER for path in self.paths)


def _pairs(files: Mapping[str, bytes], question: str) -> list[_Pair]:
    """Every record of a question with the network that belongs to it: the one it names, else the one in its folder."""
    records, archives = (_of(files, question, suffix) for suffix in (r"json", r"keras"))
    by_digest = {hashlib.sha256(files[path]).hexdigest(): path for path in reversed(archives)}
    pairs, paired = [], set()
    for path in records:
        partner = by_digest.get(_named(files[path])) or next(
            (other for other in archives if PurePosixPath(other).parent == PurePosixPath(path).parent), None
        )
        paths = (path, partner) if partner else (path,)
        paired |= set(paths)
        pairs.append(_Pair(paths, files[path], files[partner] if partner else None))
    alone = [_Pair((path,), None, files[path]) for path in archives if path not in paired]
    return pairs + alone


def _of(files: Mapping[str, bytes], question: str, suffix: str) -> list[str]:
    pattern = re.compile(rf"{re.escape(question)}{_COPY}\.{suffix}{_COPY}(?:\.(?:txt|zip|bin|json))?", re.IGNORECASE)
    return [path for path in sorted(files, key=_depth) if pattern.fullmatch(PurePosixPath(path).name)]


def _named(record: bytes) -> str:
    try:
        model = json_object(record, RECORD_LIMIT).get("model")
    except Refused:
        return ""
    return str(model.get("sha256")) if isinstance(model, dict) else ""


def _chosen(pairs: list[_Pair]) -> _Pair | None:
    """The pair that counts: the only one, or the only one in a folder ``evidence``; None if several could."""
    for group in (pairs, [pair for pair in pairs if pair.canonical]):
        different: dict[tuple[bytes | None, bytes | None], _Pair] = {}
        for pair in group:
            different.setdefault((pair.record, pair.archive), pair)
        if len(different) == 1:
            return next(iter(different.values()))
    return None


def _questions(assignment: str) -> tuple[str, ...]:
    return tuple(question.id for question in assignments.find(assignment).questions)


def _depth(path: str) -> tuple[int, str]:
    return path.count("/"), path


# --- the notebook -----------------------------------------------------------------------------------------------------


def _notebook(files: Mapping[str, bytes], release: Released, notes: list[str]) -> str | None:
    """The notebook that counts: the one under its own name, unless it is untouched and another one is answered."""
    candidates = [path for path in sorted(files, key=_depth) if _NOTEBOOK.fullmatch(PurePosixPath(path).name)]
    if not candidates:
        notes.append(translate(NO_NOTEBOOK))
        return None
    answered = {path: release.answered(files[path]) for path in candidates}
    named = [path for path in candidates if PurePosixPath(path).name.casefold() == release.name.casefold()]
    most = max(answered.values())
    best = [path for path in candidates if answered[path] == most]
    first = next((path for path in named if answered[path] > 0 or most <= 0), None) or best[0]
    rivals = defaultdict(list)
    for path in candidates:
        if path != first and files[path] != files[first] and (answered[path] > 0 or not release.answers):
            rivals[first].append(path)
    if rivals:
        notes.append(
            translate(N_("The notebook {used} counts, not {paths}."), used=first, paths=", ".join(rivals[first]))
        )
    return first
