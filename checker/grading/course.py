"""A course folder as nbgrader lays it out: where submissions are, and how one of them is graded."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from nbformat import NotebookNode

from checker import assignments
from checker.grading import sandbox
from checker.grading._logging import handlers_kept
from checker.grading.class_report import finding_key, shown
from checker.grading.likeness import probes
from checker.grading.marking import Mark, Marks, grade_notebook, silent, with_reasons
from checker.grading.pool import may_take
from checker.grading.results import Answered, Graded
from checker.grading.submission import Found, Release, Submission, restore, words_elsewhere
from checker.language import N_, translate
from checker.questions import NetworkQuestion, Question
from checker.questions.evidence import FOLDER
from checker.report import Severity

if TYPE_CHECKING:
    from checker.grading.batch import Options
    from checker.grading.gradebook import Penalty

_UNFINISHED = ".grading-"


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

        from checker.grading.nbgrader import GradeFromEvidence, gradebook_url, register

        root = root.resolve()
        config = _config(root)
        config.CourseDirectory.root = str(root)
        if database is None and "db_url" not in config.CourseDirectory:
            database = gradebook_url(root)
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
        """Everyone who handed this assignment in, in alphabetical order; links are listed, to be refused one by one."""
        if not self.submitted.is_dir():
            return []
        with os.scandir(self.submitted) as entries:
            names = sorted(entry.name for entry in entries if entry.is_symlink() or entry.is_dir())
        return [name for name in names if os.path.lexists(self.submitted / name / self.assignment)]

    def submission(self, student: str) -> Submission:
        """What a student handed in.

        Raises:
            FileNotFoundError: nothing.
            Refused: the folder, or one on the way, is a link.
        """
        return Submission.read(self.submitted, student, self.assignment)

    @property
    def can_run(self) -> bool:
        """Whether notebooks are run again, on the machine that asks."""
        return self.reruns and sandbox.available() is None

    def run_again(self, notebook: bytes, assignment: str) -> sandbox.Run:
        """Run a notebook in the sandbox, as long as the course allows."""
        may_take(self.seconds + sandbox.SECONDS_TO_END)
        return sandbox.run_notebook(notebook, assignment, limits=sandbox.Limits(seconds=self.seconds))

    def release_notebooks(self) -> list[Path]:
        """The notebooks as they were handed out."""
        return sorted(self.release.glob("*.ipynb"))

    def released(self) -> list[str]:
        """Digests of the notebooks as they were handed out."""
        return [_digest(path, _stamp(path)) for path in self.release_notebooks()]

    def tidy(self) -> None:
        """Remove what a grader that was killed left half written beside the autograded notebooks."""
        for leftover in self.autograded.glob(f"*/{_UNFINISHED}*"):
            shutil.rmtree(leftover, ignore_errors=True)

    def is_graded(self, student: str) -> bool:
        """Whether the student's autograded notebooks are there."""
        folder = self.autograded / student / self.assignment
        return all((folder / path.name).is_file() for path in self.release_notebooks())

    def late_penalty(self) -> Penalty:
        """What being late costs, as nbgrader's own plugin or the course's says; at most the score, at least nothing."""
        from nbgrader.preprocessors import AssignLatePenalties
        from traitlets.config import Config

        preprocessor = AssignLatePenalties(config=Config(self.config))
        preprocessor.init_plugin()

        def cost(student: str, score: float, seconds: float) -> float | None:
            points = preprocessor.plugin_inst.late_submission_penalty(student, score, seconds)
            return None if points is None else min(max(0.0, float(points)), score)

        return cost


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


def graded(course: Course, submission: Submission, key: str, options: Options, audited: bool) -> Graded:
    """Grade one submission and write its autograded notebooks.

    Args:
        course: the course folder.
        submission: what was handed in.
        key: the journal's key of this submission.
        options: how to grade.
        audited: whether to run it again and compare.
    """
    student, assignment = submission.student, assignments.find(course.assignment)
    run_again = course.run_again if course.can_run else None
    notebooks: dict[str, NotebookNode] = {}
    result = Graded(student, key, timestamp=submission.timestamp)
    grades, comments, questions, attention = {}, {}, {}, list(submission.problems)
    paths = course.release_notebooks()
    others = [path.stem for path in paths]
    for path in paths:
        release = _release(path, _stamp(path))
        found = submission.found(release, others)
        noted = [*found.problems, *(["submission.words_elsewhere"] if _elsewhere(found, release) else [])]
        attention += noted
        source, problem = _source(course, submission, found, release, options.rerun)
        known = found if source is submission else None
        notebook, marks = grade_notebook(source, assignment, release, run_again, options.pictures, others, known)
        if audited and not options.rerun:
            problem = _audit(course, submission, found, release, marks)
        attention += [problem] if problem else []
        notebooks[path.name] = with_reasons(notebook, noted)
        grades[release.name], comments[release.name] = _scores(notebook, release, marks)
        questions.update({name: _answered(mark, getattr(assignment, name)) for name, mark in marks.items()})
    _write(course, student, notebooks, submission.timestamp)
    attention = list(dict.fromkeys(attention))
    return replace(result, grades=grades, comments=comments, questions=questions, attention=tuple(attention))


def _elsewhere(found: Found, release: Release) -> bool:
    """Whether words of the learner stand where no answer is looked for, and a written answer is missing."""
    return bool(words_elsewhere(found.notebook, release))


@cache
def _release(path: Path, stamp: tuple[int, int]) -> Release:
    """The release in this file, read anew when it changes: a cluster's workers outlive a run."""
    return Release.load(path)


@cache
def _digest(path: Path, stamp: tuple[int, int]) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _stamp(path: Path) -> tuple[int, int]:
    """What changes with a file's content: its size and the time of its last change."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _source(
    course: Course, submission: Submission, found: Found, release: Release, rerun: bool
) -> tuple[Submission, str]:
    """What to grade: the submission, or what running its notebook again left; and what a person should know."""
    if not rerun:
        return submission, ""
    if not course.can_run:
        return submission, "sandbox.missing"
    return _run_again(course, submission, found, release), ""


def _run_again(course: Course, submission: Submission, found: Found, release: Release) -> Submission:
    """The submission with the evidence that running its notebook in the sandbox left."""
    if not found.name or found.raw:
        return submission
    run = course.run_again(_text(restore(found.notebook, release)).encode(), course.assignment)
    left = {name: content for name, content in run.files.items() if name.startswith(f"{FOLDER}/")}
    return replace(submission, evidence={Path(name).name: content for name, content in left.items()}, carries=False)


def _audit(course: Course, submission: Submission, found: Found, release: Release, marks: Marks) -> str:
    """Whether a fresh run earns about what the evidence did; a person looks at those that do not."""
    if not course.can_run:
        return "sandbox.missing"
    source = _run_again(course, submission, found, release)
    again = grade_notebook(source, assignments.find(course.assignment), release, None, False)[1]
    earned, fresh = (sum(mark.points or 0.0 for mark in each.values()) for each in (marks, again))
    return "audit.differs" if fresh < earned - 1e-6 else ""


def _scores(
    notebook: NotebookNode, release: Release, marks: Marks
) -> tuple[dict[str, float | None], dict[str, str | None]]:
    """Auto scores and automatic comments, as ``nbgrader autograde`` reads them off the same notebook.

    An answer that was left as released is worth 0 and has "No response." as its comment; a written one waits.
    """
    silence = silent(notebook, release, marks)
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
            comments[name] = "No response." if name in silence else None
    return grades, comments


def _answered(mark: Mark, question: Question[Any]) -> Answered:
    report = mark.report
    errors = (finding_key(finding) for finding in report.findings if finding.severity is Severity.ERROR)
    found = tuple(dict.fromkeys(errors))
    answered = Answered(mark.points, report.max_points, report.passed, mark.reason, found, shown(mark) if found else "")
    if mark.evidence is None:
        return answered
    evidence = mark.evidence
    training = question.training if isinstance(question, NetworkQuestion) else None
    responses = () if training is None else evidence.responses(probes(training.data))
    return replace(answered, sketch=evidence.sketch, responses=responses, curves=evidence.curves_digest)


def _text(notebook: NotebookNode) -> str:
    """The notebook file, on one line: indenting it, as nbformat does, would be a fifth of the time of grading."""
    return json.dumps(notebook, ensure_ascii=False)


def _write(course: Course, student: str, notebooks: Mapping[str, NotebookNode], timestamp: str) -> None:
    """Put the autograded notebooks where nbgrader looks for them: the whole folder or nothing."""
    parent = course.autograded / student
    parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=parent))
    try:
        os.chmod(fresh, 0o755)
        if timestamp:
            (fresh / "timestamp.txt").write_text(f"{timestamp} UTC\n", "utf-8")
        for name, notebook in notebooks.items():
            (fresh / name).write_text(_text(notebook), "utf-8")
        target, old = parent / course.assignment, fresh.with_name(f"{fresh.name}-old")
        with suppress(FileNotFoundError):
            os.rename(target, old)
        os.rename(fresh, target)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
