"""A course folder as nbgrader lays it out: where submissions are, and how one of them is graded."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import nbformat.v4
from nbformat import NotebookNode

from checker import assignments
from checker.grading import sandbox
from checker.grading._logging import handlers_kept
from checker.grading.class_report import finding_key
from checker.grading.marking import Mark, Marks, grade_notebook
from checker.grading.results import Answered, Graded
from checker.grading.submission import Release, find, read, restore
from checker.language import N_, translate
from checker.questions.evidence import FOLDER
from checker.reading import archive as untrusted
from checker.report import Severity

if TYPE_CHECKING:
    from checker.grading.batch import Options

EXTRAS_LIMIT = 10 * untrusted.MEGABYTE
"""Bytes of pictures and other files that go into the autograded folder with a notebook, for the human grader."""


@dataclass(frozen=True)
class Course:
    """A course folder and one of its assignments; plain data that any worker can use.

    Attributes:
        root: the course folder.
        assignment: the assignment's name.
        submitted, autograded, release: nbgrader's folders for these steps.
        db_url, course_id: as nbgrader is configured.
        config: nbgrader's configuration.
        reruns: whether notebooks are run again where evidence does not settle a question.
        seconds: wall time that such a run may take.
    """

    root: Path
    assignment: str
    submitted: Path
    autograded: Path
    release: Path
    db_url: str
    course_id: str
    config: Mapping[str, Any]
    reruns: bool
    seconds: float

    @classmethod
    def load(cls, root: Path, assignment: str, database: str | None = None) -> Self:
        """The course in this folder, its assignment entered into the gradebook if it was not.

        Args:
            root: the folder with ``nbgrader_config.py``.
            assignment: the assignment's name.
            database: SQLAlchemy URL in place of the configured one.

        Raises:
            FileNotFoundError: the assignment was not released.
            ValueError: ``nbgrader_config.py`` cannot be run.
            SQLAlchemyError: the gradebook cannot be used.
        """
        from nbgrader.apps import NbGrader
        from nbgrader.converters import Autograde
        from nbgrader.coursedir import CourseDirectory

        from checker.grading.nbgrader import GradeFromEvidence, register

        root = root.resolve()
        config = _config(root)
        config.CourseDirectory.root = str(root)
        if database is not None:
            config.CourseDirectory.db_url = database
        with handlers_kept():
            app = NbGrader(config=config)
            app.log_level = "WARN"
        coursedir = CourseDirectory(parent=app)
        submitted, autograded, release = (
            Path(coursedir.format_path(step, ".", assignment)).parent
            for step in (coursedir.submitted_directory, coursedir.autograded_directory, coursedir.release_directory)
        )
        grading = GradeFromEvidence(config=config)
        course = cls(
            root,
            assignment,
            Path(os.path.normpath(submitted)),
            Path(os.path.normpath(autograded)),
            Path(os.path.normpath(release)) / assignment,
            coursedir.db_url,
            coursedir.course_id,
            config,
            grading.sandbox,
            grading.seconds,
        )
        if not course.release_notebooks():
            raise FileNotFoundError(
                translate(
                    N_("There is no notebook in {folder}: run `{command}` in the course's folder, then grade there."),
                    folder=course.release,
                    command=f"nbgrader generate_assignment {assignment}",
                )
            )
        with handlers_kept():
            register(Autograde(coursedir=coursedir, parent=app), assignment)
        return course

    def students(self) -> list[str]:
        """Everyone who handed this assignment in, in alphabetical order."""
        if not self.submitted.is_dir():
            return []
        with os.scandir(self.submitted) as entries:
            return sorted(
                entry.name
                for entry in entries
                if entry.is_dir(follow_symlinks=False) and self.folder(entry.name).is_dir()
            )

    def folder(self, student: str) -> Path:
        """What a student handed in."""
        return self.submitted / student / self.assignment

    @property
    def can_run(self) -> bool:
        """Whether notebooks are run again, on the machine that asks."""
        return self.reruns and sandbox.available() is None

    def run_again(self, notebook: bytes, assignment: str) -> sandbox.Run:
        """Run a notebook in the sandbox, as long as the course allows."""
        return sandbox.run_notebook(notebook, assignment, limits=sandbox.Limits(seconds=self.seconds))

    def release_notebooks(self) -> list[Path]:
        """The notebooks as they were handed out."""
        return sorted(self.release.glob("*.ipynb"))

    def released(self) -> list[str]:
        """Digests of the notebooks as they were handed out."""
        return [hashlib.sha256(path.read_bytes()).hexdigest() for path in self.release_notebooks()]

    def is_graded(self, student: str) -> bool:
        """Whether the student's autograded notebooks are there."""
        folder = self.autograded / student / self.assignment
        return all((folder / path.name).is_file() for path in self.release_notebooks())

    def late_penalties(self, results: Sequence[Graded]) -> None:
        """Let nbgrader's own plugin judge those who were late; a class without due date costs nothing."""
        from nbgrader.api import Gradebook
        from nbgrader.preprocessors import AssignLatePenalties
        from traitlets.config import Config

        with Gradebook(self.db_url, self.course_id) as gradebook:
            if gradebook.find_assignment(self.assignment).duedate is None:
                return
            late = [
                result.student
                for result in results
                if not result.failure
                and gradebook.find_submission(self.assignment, result.student).total_seconds_late > 0
            ]
        for student in late:
            for path in self.release_notebooks():
                names = {"notebook": path.stem, "assignment": self.assignment, "student": student}
                preprocessor = AssignLatePenalties(config=Config(self.config))
                empty = nbformat.v4.new_notebook()  # type: ignore[no-untyped-call]
                preprocessor.preprocess(empty, {"nbgrader": {**names, "db_url": self.db_url}})


def _config(root: Path) -> Any:
    """The course's ``nbgrader_config.py``, or ours where there is none.

    Raises:
        ValueError: the file cannot be run.
    """
    from traitlets.config import Config
    from traitlets.config.loader import PyFileConfigLoader

    from checker.grading.nbgrader import configure

    if (root / "nbgrader_config.py").is_file():
        try:
            return PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()
        except Exception as error:  # the file is the course's own code
            reason = f"{type(error).__name__}: {error}"
            raise ValueError(translate(N_("nbgrader_config.py cannot be run: {reason}."), reason=reason)) from error
    config = Config()
    configure(config)
    return config


# --- one submission ---------------------------------------------------------------------------------------------------


def graded(course: Course, student: str, key: str, options: Options, audited: bool) -> Graded:
    """Grade one submission and write its autograded notebooks.

    Args:
        course: the course folder.
        student: the student's id.
        key: the journal's key of this submission.
        options: how to grade.
        audited: whether to run it again and compare.
    """
    folder = course.folder(student)
    assignment = assignments.find(course.assignment)
    run_again = course.run_again if course.can_run else None
    notebooks: dict[str, NotebookNode] = {}
    result = Graded(student, key, timestamp=_timestamp(folder))
    grades, comments, questions, attention = {}, {}, {}, []
    for path in course.release_notebooks():
        release = _release(path)
        if find(folder, release) is None:
            attention.append("submission.no_notebook")
        with tempfile.TemporaryDirectory() as scratch:
            source, problem = _source(course, folder, release, Path(scratch), options.rerun)
            notebook, marks = grade_notebook(source, assignment, release, run_again, options.pictures)
            if audited and not options.rerun:
                problem = _audit(course, folder, release, Path(scratch) / "audit", marks)
        attention += [problem] if problem else []
        notebooks[path.name] = notebook
        grades[release.name], comments[release.name] = _scores(notebook, release, marks)
        questions.update({question: _answered(mark) for question, mark in marks.items()})
    _write(course, student, notebooks)
    return replace(result, grades=grades, comments=comments, questions=questions, attention=tuple(attention))


@cache
def _release(path: Path) -> Release:
    return Release.load(path)


def _source(course: Course, folder: Path, release: Release, scratch: Path, rerun: bool) -> tuple[Path, str]:
    """The folder to grade: the submission, or what running its notebook again left; and what a person should know."""
    if not rerun:
        return folder, ""
    if not course.can_run:
        return folder, "sandbox.missing"
    return _run_again(course, folder, release, scratch), ""


def _run_again(course: Course, folder: Path, release: Release, scratch: Path) -> Path:
    """Run the submitted notebook in the sandbox and lay out what it left as a submission."""
    path = find(folder, release)
    (scratch / FOLDER).mkdir(parents=True)
    if path is not None:
        notebook = restore(read(path), release)
        run = course.run_again(_text(notebook).encode(), course.assignment)
        for name, content in run.files.items():
            if name.startswith(f"{FOLDER}/"):
                (scratch / name).write_bytes(content)
        shutil.copyfile(path, scratch / f"{release.name}.ipynb", follow_symlinks=False)
    return scratch


def _audit(course: Course, folder: Path, release: Release, scratch: Path, marks: Marks) -> str:
    """Whether a fresh run earns about what the evidence did; a person looks at those that do not."""
    if not course.can_run:
        return "sandbox.missing"
    again = grade_notebook(
        _run_again(course, folder, release, scratch), assignments.find(course.assignment), release, None, False
    )[1]
    earned, fresh = (sum(mark.points or 0.0 for mark in each.values()) for each in (marks, again))
    return "audit.differs" if fresh < earned - 1e-6 else ""


def _timestamp(folder: Path) -> str:
    """When nbgrader's ``timestamp.txt`` says it was handed in, as ISO 8601 in UTC; empty if it does not say."""
    from dateutil.parser import parse  # type: ignore[import-untyped]

    with suppress(OSError, ValueError, OverflowError, untrusted.Refused):
        text = untrusted.file_bytes(folder / "timestamp.txt", 1_000).decode().strip()
        time: datetime = parse(text)
        return (time if time.tzinfo is None else time.astimezone(UTC)).replace(tzinfo=None).isoformat()
    return ""


def _scores(
    notebook: NotebookNode, release: Release, marks: Marks
) -> tuple[dict[str, float | None], dict[str, str | None]]:
    """Auto scores and automatic comments, as ``nbgrader autograde`` reads them off the same notebook.

    An answer that was left as released is worth 0 and has "No response." as its comment; a written one waits.
    """
    grades: dict[str, float | None] = {}
    comments: dict[str, str | None] = {}
    for cell in notebook.cells:
        known = cell.metadata.get("nbgrader", {})
        name = known.get("grade_id")
        untouched = name in release.tracked and cell.source == release.tracked[name].source
        if known.get("grade"):
            mark = marks.get(name)
            grades[name] = mark.points if mark is not None else 0.0 if untouched and known.get("solution") else None
        if known.get("solution"):
            comments[name] = "No response." if untouched else None
    return grades, comments


def _answered(mark: Mark) -> Answered:
    report = mark.report
    errors = (finding_key(finding) for finding in report.findings if finding.severity is Severity.ERROR)
    sketch = mark.evidence.sketch if mark.evidence is not None else ()
    return Answered(mark.points, report.max_points, report.passed, mark.reason, tuple(dict.fromkeys(errors)), sketch)


def _text(notebook: NotebookNode) -> str:
    """The notebook file, on one line: indenting it, as nbformat does, would be a fifth of the time of grading."""
    return json.dumps(notebook, ensure_ascii=False)


def _write(course: Course, student: str, notebooks: Mapping[str, NotebookNode]) -> None:
    """Put the autograded notebooks where nbgrader looks for them: the whole folder or nothing."""
    parent = course.autograded / student
    parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".grading-", dir=parent))
    try:
        os.chmod(fresh, 0o755)
        _copy_extras(course.folder(student), fresh)
        for name, notebook in notebooks.items():
            (fresh / name).write_text(_text(notebook), "utf-8")
        target, old = parent / course.assignment, fresh.with_name(f"{fresh.name}-old")
        with suppress(FileNotFoundError):
            os.rename(target, old)
        os.rename(fresh, target)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _copy_extras(folder: Path, target: Path) -> None:
    """Plain small files beside the notebook, its time of handing in among them; no links, no evidence, no code."""
    left = EXTRAS_LIMIT
    for path in sorted(folder.iterdir()):
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or path.suffix in (".ipynb", ".py", ".so", ".html"):
            continue
        left -= status.st_size
        if left < 0:
            break
        shutil.copyfile(path, target / path.name, follow_symlinks=False)
