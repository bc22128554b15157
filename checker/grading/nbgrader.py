"""nbgrader as this course needs it: ``configure(c)`` in an ``nbgrader_config.py`` is all there is to do.

nbgrader's own commands, formgrader, feedback and export go on as they are. What changes is what they call: a submission
is read whatever it has become (:class:`SubmissionExporter`), its points come from verified evidence instead of from
running code that was handed in (:class:`GradeFromEvidence`), and what the learner gets back shows no hidden test
(:class:`HideTests`).
"""

from __future__ import annotations

import fnmatch
import json
import os
import shutil
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter
from nbconvert.preprocessors import ClearMetadataPreprocessor, CSSHTMLHeaderPreprocessor
from nbformat import NotebookNode
from nbgrader import preprocessors as stock
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import Autograde, BaseConverter, GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool, Integer, List, Unicode

from checker.grading import nbgrader_internals as internals
from checker.grading import sandbox
from checker.grading._logging import handlers_kept
from checker.grading.batch import SECONDS, failure_of
from checker.grading.class_report import reason
from checker.grading.names import is_name, readable, twins
from checker.grading.pool import Workers
from checker.grading.sandbox import Ending, Run
from checker.grading.submission import Release, as_bytes, from_file, graded_cells, notebook_of, outputs_by_id
from checker.language import get_language

VALIDATE_TIMEOUT = 1800
"""Seconds that one cell may take where nbgrader itself runs a notebook; its own limit of 30 ends most trainings."""

TEXT_STUB = "*Write your answer here, in place of this line.*\n\n*请在此写下你的回答，替换本行。*"
"""What a released notebook holds in place of a written answer."""


def configure(c: Any) -> None:
    """Set nbgrader up for this course; call it in ``nbgrader_config.py`` with ``get_config()``.

    Settings made after the call win, so a course may keep its sources elsewhere or add preprocessors of its own.

    Args:
        c: the traitlets configuration.
    """
    find_alembic()
    root = str(c.CourseDirectory.get("root", "") or os.getcwd())
    if "db_url" not in c.CourseDirectory and set(root) & set("?#%"):  # a URL would end there, and the gradebook with it
        c.CourseDirectory.db_url = gradebook_url(Path(root))
    c.CourseDirectory.source_directory = "solutions"
    c.CourseDirectory.release_directory = "notebooks"
    # Anything but "*", nbgrader's word for deleting the whole folder: with --force a learner's evidence would go too.
    c.CourseDirectory.notebook_id = "?*"

    c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE"}  # nothing that raises: the release runs through
    c.ClearSolutions.text_stub = TEXT_STUB
    c.GenerateAssignment.preprocessors.append(KeepStraysIn)

    c.Execute.timeout = VALIDATE_TIMEOUT
    c.Autograde.exporter_class = SubmissionExporter
    c.Autograde.autograde_preprocessors = [
        GradeFromEvidence,
        ClearMetadataPreprocessor,
        SaveGrades,
        stock.AssignLatePenalties,
        stock.CheckCellMetadata,
    ]
    c.GenerateFeedback.preprocessors = [stock.GetGrades, HideTests, CSSHTMLHeaderPreprocessor]


def gradebook_url(root: Path, name: str = "gradebook.db") -> str:
    """The address of a course folder's gradebook, whatever characters are in the folder's name."""
    from sqlalchemy.engine import URL

    return URL.create("sqlite", database=os.path.abspath(root / name)).render_as_string()


def find_alembic() -> None:
    """Put Python's scripts on the search path if ``alembic`` is not found.

    nbgrader calls it by its name when it creates a gradebook, and leaves a half-built one behind if that fails.
    """
    if shutil.which("alembic") is None:
        os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), sysconfig.get_path("scripts")])


# --- release ----------------------------------------------------------------------------------------------------------


class KeepStraysIn(NbGraderPreprocessor):  # type: ignore[misc]
    """Take files out of the release that nbgrader copied along from the source folder: notes, solutions, evidence."""

    release = List(
        Unicode(),
        help="Glob patterns of files that are released with the notebook, such as 'data/*.csv'.",
    ).tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        coursedir, assignment = internals.converter_of(self).coursedir, resources["nbgrader"]["assignment"]
        for stray in self.take_out(
            coursedir, assignment, internals.folder_of(coursedir, coursedir.release_directory, assignment)
        ):
            self.log.warning("Not released: %s (KeepStraysIn.release names what is)", stray)
        return nb, resources

    def take_out(self, coursedir: CourseDirectory, assignment: str, target: Path) -> list[Path]:
        """Delete the copies that lie in this folder; gives their paths, relative to it."""
        source = internals.folder_of(coursedir, coursedir.source_directory, assignment)
        strays = [
            path.relative_to(source)
            for path in sorted(source.rglob("*"))
            if path.suffix != ".ipynb"
            and path.is_file()
            and not any(path.relative_to(source).match(pattern) for pattern in self.release)
            and (target / path.relative_to(source)).is_file()
            and (target / path.relative_to(source)).read_bytes() == path.read_bytes()
        ]
        for stray in strays:
            (target / stray).unlink()
        return strays


# --- submissions ------------------------------------------------------------------------------------------------------


class SubmissionExporter(NotebookExporter):
    """Reads submissions whatever they have become, where nbgrader's own exporter gives up on a student or on all."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)  # type: ignore[no-untyped-call]
        if isinstance(self.parent, Autograde):  # nbgrader makes its exporter once, before it looks into a submission
            _prepare(self.parent)

    def from_filename(self, filename: str, resources: Any = None, **kwargs: Any) -> tuple[Any, Any]:
        if "nbgrader" not in (resources or {}):
            return super().from_filename(filename, resources, **kwargs)
        path = Path(filename)
        notebook = notebook_of(json.loads(path.read_bytes()))  # our own file: what _staged, or the first pass, wrote
        resources["metadata"] = {"name": path.stem, "path": str(path.parent)}
        return self.from_notebook_node(notebook, resources, **kwargs)  # type: ignore[no-any-return, no-untyped-call]


def _prepare(converter: Autograde) -> None:
    """Have nbgrader grade, in place of the submitted folders, copies that hold only what grading needs."""
    coursedir = converter.coursedir
    register(converter, coursedir.assignment_id)
    submitted = coursedir.submitted_directory

    def guarded(convert: Callable[[], None]) -> None:
        with tempfile.TemporaryDirectory() as scratch, Workers(1, SECONDS) as worker:
            converter.handed_in = Path(coursedir.format_path(submitted, ".", "."))
            converter.worker, converter.evidence = worker, Path(os.path.realpath(scratch)) / "evidence"
            converter.staged = {}
            copies = converter.evidence.with_name("submitted")
            internals.convert_only(converter, dict(_staged(converter, copies)))
            coursedir.submitted_directory = str(copies)
            try:
                convert()
            finally:
                coursedir.submitted_directory = submitted

    internals.run_around_notebooks(converter, guarded)


def _staged(converter: Autograde, copies: Path) -> Iterator[tuple[str, list[str]]]:
    """Each submission's folder among the copies, and its notebooks: blank ones where it cannot be read."""
    coursedir = converter.coursedir
    assignment = coursedir.assignment_id
    pattern = coursedir.student_id
    students = sorted(os.listdir(converter.handed_in)) if converter.handed_in.is_dir() else []
    students = [student for student in students if os.path.lexists(converter.handed_in / student / assignment)]
    alike = twins(students)
    for student in students:
        place = converter.handed_in / student
        if not fnmatch.fnmatchcase(student, pattern):
            continue
        if not is_name(student):
            converter.log.error("%s was not graded: %s", readable(student), reason("submission.bad_name"))
            continue
        if not place.is_symlink() and not place.is_dir():
            continue
        folder = copies / student / assignment
        for each in (folder, converter.evidence / student):
            each.mkdir(parents=True)
        yield (
            str(folder),
            [str(folder / f"{name}.ipynb") for name in _lay_down(converter, student, folder, student in alike)],
        )


def _lay_down(converter: Autograde, student: str, folder: Path, twin: bool) -> list[str]:
    """Read one submission, in the worker, into its folder of copies; gives the names of its notebooks."""
    from checker.grading import staging

    assignment = converter.coursedir.assignment_id
    names = notebook_names(converter, assignment)
    paths = [_release_path(converter, assignment, name) for name in names]
    evidence = converter.evidence / student
    try:
        staged = converter.worker.submit(
            staging.stage, converter.handed_in, student, assignment, paths, folder, evidence, get_language(), twin
        ).result()
    except Exception as error:  # one submission must not end the class
        code = failure_of(error)
        converter.log.error("%s was not read: %s", student, reason(code))
        staged = {name: staging.Staged("", (code,), failure=code) for name in names}
        for name, path in zip(names, paths, strict=True):
            (folder / f"{name}.ipynb").write_bytes(staging.blank(Release.load(path), code))
    for name, found in staged.items():
        converter.staged[student, name] = found
        for problem in found.problems:
            converter.log.warning("%s: %s", student, reason(problem))
        if found.file not in ("", f"{name}.ipynb"):
            converter.log.warning("%s of %s is graded as %s.ipynb", readable(found.file), student, name)
    return names


def register(converter: BaseConverter, assignment: str) -> None:
    """Enter an assignment into the gradebook if it is not there: a clone's release was generated without one.

    What was left half entered, by a command that was killed, is entered again: a cell that the gradebook does not know
    would never get a score.

    Args:
        converter: any of nbgrader's converters, for its course directory and configuration.
        assignment: the assignment's name.
    """
    coursedir = converter.coursedir
    create_gradebook(coursedir.db_url)
    _enter_course(coursedir.db_url, coursedir.course_id)
    released = {
        (name, grade_id)
        for name in notebook_names(converter, assignment)
        for grade_id, cell in release_of(converter, assignment, name).tracked.items()
        if any(cell.metadata.nbgrader.get(what) for what in ("grade", "solution", "locked", "task"))
    }
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        try:
            notebooks = gradebook.find_assignment(assignment).notebooks
        except MissingEntry:
            notebooks = []
        known = {(notebook.name, cell.name) for notebook in notebooks for cell in notebook.source_cells}
        graded = any(notebook.submissions for notebook in notebooks)  # nbgrader changes no cells of such a notebook
        complete = bool(notebooks) and (graded or released <= known)
    if not complete and internals.folder_of(coursedir, coursedir.source_directory, assignment).is_dir():
        with tempfile.TemporaryDirectory() as scratch:
            _generate(converter, assignment, Path(scratch))


def create_gradebook(url: str) -> None:
    """Create the gradebook, if it is a file that is not there, under its name only when it is whole."""
    from sqlalchemy.engine import make_url

    address = make_url(url)
    path = Path(address.database or "")
    if address.get_backend_name() != "sqlite" or not path.is_absolute() or path.exists() or not path.parent.is_dir():
        return
    with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as scratch:
        fresh = Path(scratch) / path.name
        with handlers_kept():
            Gradebook(gradebook_url(fresh.parent, path.name)).close()
        with suppress(FileExistsError):  # another process was faster
            os.link(fresh, path)


def _enter_course(url: str, course: str) -> None:
    """Enter a course without a name where a server holds the gradebook: it takes no assignment of an unknown course.

    nbgrader enters only courses with a name, and a file does not mind.
    """
    from nbgrader.api import Course
    from sqlalchemy.engine import make_url

    if course or make_url(url).get_backend_name() == "sqlite":
        return
    with Gradebook(url, course) as gradebook:
        if gradebook.db.get(Course, course) is None:
            gradebook.db.add(Course(id=course))
            gradebook.db.commit()


def _generate(converter: BaseConverter, assignment: str, release: Path) -> None:
    """Run nbgrader's own generation into another folder, so that the release proper stays as it is."""
    coursedir = CourseDirectory(parent=converter)
    coursedir.root, coursedir.db_url, coursedir.course_id = (
        getattr(converter.coursedir, name) for name in ("root", "db_url", "course_id")
    )
    coursedir.assignment_id, coursedir.release_directory = assignment, str(release)
    GenerateAssignment(coursedir=coursedir, parent=converter.parent).start()


def notebook_names(converter: BaseConverter, assignment: str) -> list[str]:
    """The names of an assignment's notebooks, without suffix."""
    folder = internals.folder_of(converter.coursedir, converter.coursedir.release_directory, assignment)
    return sorted(path.stem for path in folder.glob("*.ipynb"))


def release_of(converter: BaseConverter, assignment: str, notebook: str) -> Release:
    """The notebook as it was handed out.

    Raises:
        OSError, ValueError: the release folder does not hold it.
    """
    path = _release_path(converter, assignment, notebook)
    return _loaded(path, path.stat().st_mtime_ns)


def _release_path(converter: BaseConverter, assignment: str, notebook: str) -> Path:
    release = internals.folder_of(converter.coursedir, converter.coursedir.release_directory, assignment)
    return release / f"{notebook}.ipynb"


@cache
def _loaded(path: Path, _changed: int) -> Release:
    return Release.load(path)


# --- grading ----------------------------------------------------------------------------------------------------------


class GradeFromEvidence(NbGraderPreprocessor):  # type: ignore[misc]
    """Give each graded cell its points and our report, in place of executing the notebook.

    What the evidence does not settle is run again in the sandbox; without one it is left for a person.
    """

    sandbox = Bool(True, help="Whether to run again, under bubblewrap, what evidence does not settle.").tag(config=True)
    seconds = Integer(600, help="Seconds that such a run may take.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        from checker.assignments import NAMES  # what judges a model is needed here only, not wherever a config is read
        from checker.grading import staging
        from checker.grading.marking import with_reasons

        names, converter = resources["nbgrader"], internals.converter_of(self)
        staged = converter.staged[names["student"], names["notebook"]]
        resources["attention"] = bool(staged.problems)
        if staged.failure:
            return self._unjudged(nb, resources, staged.failure)
        if names["assignment"] not in NAMES:
            return self._executed(nb, resources)
        coursedir = converter.coursedir
        graded = internals.folder_of(coursedir, coursedir.autograded_directory, names["assignment"], names["student"])
        KeepStraysIn(parent=self.parent).take_out(coursedir, names["assignment"], graded)
        release = _release_path(converter, names["assignment"], names["notebook"])
        evidence = converter.evidence / names["student"]
        seconds = float(self.seconds) if self._safe else None
        try:
            judged: staging.Judged = converter.worker.submit(
                staging.judge, as_bytes(nb), names["assignment"], release, evidence, staged.readable, seconds
            ).result()
        except Exception as error:  # one submission must not end the class
            code = failure_of(error)
            self.log.error("%s was not judged: %s", names["student"], reason(code))
            return self._unjudged(with_reasons(nb, (code,)), resources, code)
        resources["silent"], resources["unsettled"] = judged.silent, judged.unsettled
        return from_file(judged.notebook), resources

    def _unjudged(self, nb: NotebookNode, resources: Any, code: str) -> tuple[NotebookNode, Any]:
        """Every answer of the notebook waits for a person."""
        graded = (cell.metadata.get("nbgrader", {}) for cell in nb.cells)
        resources["unsettled"] = {known["grade_id"]: code for known in graded if known.get("grade")}
        resources["silent"], resources["attention"] = frozenset(), True
        return nb, resources

    def _executed(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Another assignment of the course leaves no evidence: its notebooks are executed, in the sandbox only."""
        names, coursedir = resources["nbgrader"], internals.converter_of(self).coursedir
        folder = internals.folder_of(coursedir, coursedir.autograded_directory, names["assignment"], names["student"])
        run = Run(Ending.DIED, 0.0)
        if self._safe:
            run = self._run(as_bytes(nb), names["assignment"], _files_in(folder))
        outputs = outputs_by_id(run.files.get("notebook.ipynb", b""))
        resources["unsettled"] = {name: "sandbox" for name, cell in graded_cells(nb) if cell.id not in outputs}
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.outputs = [_shown(output) for output in outputs.get(cell.id, [])]
        return nb, resources

    @property
    def _safe(self) -> bool:
        reason = sandbox.available() if self.sandbox else None
        if reason is not None:
            self.log.warning(reason)
        return self.sandbox and reason is None

    def _run(self, notebook: bytes, assignment: str, beside: dict[str, bytes] | None = None) -> Run:
        self.log.info("Running the notebook in the sandbox")
        return sandbox.run_notebook(notebook, assignment, beside, sandbox.Limits(seconds=self.seconds))


def _shown(output: NotebookNode) -> NotebookNode:
    """An output without what could run where it is shown: the kernel that made it was the learner's."""
    if "data" in output:
        kinds = ("text/plain", "image/png", "image/jpeg")
        output.data = {kind: output.data[kind] for kind in kinds if kind in output.data}
    return output


def _files_in(folder: Path) -> dict[str, bytes]:
    """The files beside a notebook, the course's own and the learner's, which it may need when it runs."""
    files = (path for path in folder.iterdir() if path.suffix != ".ipynb" and path.is_file() and not path.is_symlink())
    return {path.name: path.read_bytes() for path in files if path.stat().st_size <= sandbox.Limits().disk // 8}


class SaveGrades(internals.SaveGrades):
    """Enter the points into the gradebook; an unsettled question waits for a person, where nbgrader is generous.

    What a person should look at is flagged, as formgrader shows it; a teacher's own flags stay.
    """

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        nb, resources = super().preprocess(nb, resources)
        if resources["attention"]:
            with Gradebook(self.db_url) as gradebook:
                found = gradebook.find_submission_notebook(self.notebook_id, self.assignment_id, self.student_id)
                found.flagged = True
                gradebook.db.commit()
        return nb, resources

    def after_score(self, grade: Any, resources: Any) -> bool:
        unsettled = grade.name in resources["unsettled"]
        if unsettled:
            grade.auto_score, grade.needs_manual_grade = None, True
        return unsettled

    def after_comment(self, comment: Any, resources: Any) -> bool:
        spoken = "silent" in resources and comment.name not in resources["silent"]
        if spoken:
            comment.auto_comment = None
        return spoken


# --- feedback ---------------------------------------------------------------------------------------------------------


class HideTests(internals.HiddenTests):
    """Take hidden tests out of what the learner gets back; nbgrader takes them out of the release only."""

    enforce_metadata = Bool(False)
    display_data_priority = List(Unicode(), help="Not used; nbconvert sets it wherever HTML is made.").tag(config=True)

    def preprocess_cell(self, cell: NotebookNode, resources: Any, cell_index: int) -> tuple[NotebookNode, Any]:
        if self.take_out(cell):
            for output in cell.get("outputs", []):
                if output.output_type == "error":  # its traceback quotes the test
                    output.traceback, output.evalue = [output.ename], ""
        return cell, resources
