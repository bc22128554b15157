"""Feedback for the learning management system: a zip of files under the names by which it knows the students."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from checker.grading.collect import Index
from checker.language import N_, translate

FEEDBACK: Final = "feedback"
SYSTEMS: Final = ("moodle", "canvas")
"""Systems that take feedback files back as a zip: their sources are named in :mod:`checker.grading.lms.schemes`."""


class CannotReturn(ValueError):
    """There is nothing to give back; the text says why."""


@dataclass(frozen=True)
class Returned:
    """What was packed.

    Attributes:
        path: the zip.
        students: whose feedback is in it.
        missing: students who were collected from this system and have no feedback yet.
        others: students with feedback whom the system's download did not hold.
    """

    path: Path
    students: tuple[str, ...]
    missing: tuple[str, ...]
    others: tuple[str, ...]

    def summary(self) -> str:
        """All of it as lines of text."""
        lines = [translate(N_("{path}: the feedback of {count} students."), path=self.path, count=len(self.students))]
        if self.missing:
            lines.append(translate(N_("Without feedback: {students}."), students=", ".join(self.missing)))
        if self.others:
            lines.append(translate(N_("Not from this system: {students}."), students=", ".join(self.others)))
        return "\n".join(lines)


def give_back(course: Path, assignment: str, system: str, output: Path | None = None) -> Returned:
    """Pack ``feedback/<student>/<assignment>/*.html`` as the system wants it back.

    Args:
        course: the course's folder.
        assignment: the assignment's name.
        system: ``"moodle"`` or ``"canvas"``.
        output: the zip to write; by default ``<assignment>-feedback-<system>.zip`` in the course's folder.

    Raises:
        CannotReturn: the system takes no such zip, nothing was collected from it, or there is no feedback.
        OSError: the zip cannot be written.
    """
    if system not in SYSTEMS:
        raise CannotReturn(
            translate(N_("{system} is not known: choose one of {names}."), system=system, names=", ".join(SYSTEMS))
        )
    index = Index.load(course, assignment)
    known = {student: entry for student, entry in index.students.items() if entry.get("system") == system}
    if not known:
        raise CannotReturn(
            translate(
                N_("Nothing was collected from {system}: first run `{command}`, so that its names are known."),
                system=system,
                command=f"python -m checker collect {assignment} DOWNLOAD.zip",
            )
        )
    found = {student: pages for student in known if (pages := _pages(course, student, assignment))}
    if not found:
        raise CannotReturn(
            translate(
                N_("There is no feedback in {folder}: first run `{command}`."),
                folder=course / FEEDBACK,
                command=f"nbgrader generate_feedback {assignment}",
            )
        )
    path = output or course / f"{assignment}-feedback-{system}.zip"
    fresh = path.with_name(f".{path.name}.new")
    with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED) as archive:
        for student, pages in sorted(found.items()):
            for page in pages:
                archive.write(page, _name(known[student], system, page, len(pages) == 1))
    os.replace(fresh, path)
    missing = sorted(set(known) - set(found))
    others = sorted(student for student in set(index.students) - set(known) if _pages(course, student, assignment))
    return Returned(path, tuple(sorted(found)), tuple(missing), tuple(others))


def _pages(course: Path, student: str, assignment: str) -> list[Path]:
    return sorted((course / FEEDBACK / student / assignment).glob("*.html"))


def _name(entry: Mapping[str, Any], system: str, page: Path, only: bool) -> str:
    """The page's path in the zip: what the download's began with, then the file's name.

    Moodle and Canvas read the beginning only; Canvas' instructors recognise the file, so it keeps its own stem.
    """
    prefix, file = str(entry["prefix"]), str(entry["file"])
    stem = PurePosixPath(file).stem if system == "canvas" and only and file else page.stem
    return f"{prefix}{stem}.html"
