"""What ``nbgrader autograde`` lets a watched worker do: read a submission once, and judge what was read.

nbgrader works in one process, which a submission must not be able to stop. So everything that looks into what was
handed in runs in a worker of :mod:`checker.grading.pool`, and what a person should know of it comes back as codes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from checker import assignments
from checker.grading import sandbox
from checker.grading.marking import mark_notebook, silent, with_reasons
from checker.grading.pool import may_take
from checker.grading.submission import Release, Submission, as_bytes, from_file, notebook_of, restore, words_elsewhere
from checker.language import using
from checker.questions.evidence import Folder


@dataclass(frozen=True)
class Staged:
    """One notebook of a submission as it was laid down for nbgrader.

    Attributes:
        file: the name under which it was handed in; empty if it was not.
        problems: message codes of what a person should look at.
        readable: whether its file could be read as a notebook.
        failure: the message code of why nothing of it was read; empty if it was.
    """

    file: str
    problems: tuple[str, ...] = ()
    readable: bool = True
    failure: str = ""


@dataclass(frozen=True)
class Judged:
    """What a staged notebook earns.

    Attributes:
        notebook: the marked notebook file.
        silent: cells that were left as released, see :func:`checker.grading.marking.silent`.
        unsettled: message codes by question.
    """

    notebook: bytes
    silent: frozenset[str]
    unsettled: Mapping[str, str]


def stage(
    submitted: Path,
    student: str,
    assignment: str,
    releases: Sequence[Path],
    folder: Path,
    evidence: Path,
    language: str,
    twin: bool = False,
) -> dict[str, Staged]:
    """Read a submission, and lay down what grading needs of it: restored notebooks, its time, and apart its evidence.

    Args:
        submitted: nbgrader's folder of submissions.
        student: the student's folder in it.
        assignment: the assignment's folder in that.
        releases: the notebooks as they were handed out.
        folder: where the notebooks go; it exists, like the next.
        evidence: where the evidence files go.
        language: of the notes in the notebooks.
        twin: whether another folder has nearly the same name as the student's.

    Returns:
        By notebook name.

    Raises:
        Refused: the submission's folder is a link.
    """
    submission = Submission.read(submitted, student, assignment)
    if submission.timestamp:
        (folder / "timestamp.txt").write_text(f"{submission.timestamp} UTC\n", "utf-8")
    staged = {}
    with using(language):
        for path in releases:
            release = Release.load(path)
            found = submission.found(release, [each.stem for each in releases])
            for name, content in found.evidence.items():  # each notebook's holds the others', too
                (evidence / name).write_bytes(content)
            elsewhere = ("submission.words_elsewhere",) if words_elsewhere(found.notebook, release) else ()
            noted = ("submission.twin",) if twin else ()
            staged[release.name] = Staged(found.name, (*found.problems, *elsewhere, *noted), not found.raw)
            notebook = with_reasons(restore(found.notebook, release, found.raw), staged[release.name].problems)
            (folder / path.name).write_bytes(as_bytes(notebook))
    return staged


def blank(release: Release, code: str) -> bytes:
    """What is laid down where a submission cannot be read: the notebook as released, and why."""
    return as_bytes(with_reasons(restore(notebook_of(None), release), (code,)))


def judge(
    notebook: bytes, assignment: str, release: Path, evidence: Path, readable: bool, seconds: float | None
) -> Judged:
    """Mark a staged notebook from its evidence.

    Args:
        notebook: the restored notebook file.
        assignment: the assignment's id.
        release: the notebook as it was handed out.
        evidence: the folder with the evidence files.
        readable: whether what was handed in could be read as a notebook.
        seconds: wall time that running it again in the sandbox may take; None: it is not run again.
    """

    def rerun(book: bytes, name: str) -> sandbox.Run:
        may_take((seconds or 0.0) + sandbox.SECONDS_TO_END)
        return sandbox.run_notebook(book, name, limits=sandbox.Limits(seconds=seconds or 0.0))

    book, released = from_file(notebook), Release.load(release)
    run = rerun if seconds is not None and readable else None
    marks = mark_notebook(book, Folder(evidence), assignments.find(assignment), released, run, readable=readable)
    unsettled = {question: mark.reason for question, mark in marks.items() if not mark.settled}
    return Judged(as_bytes(book), silent(book, released, marks), unsettled)
