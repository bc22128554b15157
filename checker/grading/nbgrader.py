"""nbgrader with its traps closed: ``configure(c)`` in an ``nbgrader_config.py`` is all that a course needs.

nbgrader's own commands, formgrader, feedback and export go on as they are. What changes is what they call: a submission
is read whatever it has become (:class:`SubmissionExporter`), its points come from verified evidence instead of from
running a stranger's code (:class:`GradeFromEvidence`), and what the learner gets back shows no hidden test
(:class:`HideTests`).
"""

from __future__ import annotations

import os
import shutil
import sysconfig
import tempfile
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

from checker.grading import sandbox
from checker.grading.sandbox import Ending, Run
from checker.grading.submission import Release, as_bytes, find, graded_cells, outputs_by_id, read, restore

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
        coursedir, assignment = _converter(self).coursedir, resources["nbgrader"]["assignment"]
        for stray in self.take_out(coursedir, assignment, _folder(coursedir, coursedir.release_directory, assignment)):
            self.log.warning("Not released: %s (KeepStraysIn.release names what is)", stray)
        return nb, resources

    def take_out(self, coursedir: CourseDirectory, assignment: str, target: Path) -> list[Path]:
        """Delete the copies that lie in this folder; gives their paths, relative to it."""
        source = _folder(coursedir, coursedir.source_directory, assignment)
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
        path = Path(filename)
        nbgrader = (resources or {}).get("nbgrader")
        if nbgrader is None:
            return super().from_filename(filename, resources, **kwargs)
        notebook = read(path)
        if self.parent._sanitizing:  # type: ignore[union-attr]  # the first of two passes; the second reads what the first has written
            notebook = restore(notebook, release_of(self.parent, nbgrader["assignment"], nbgrader["notebook"]))
        resources["metadata"] = {"name": path.stem, "path": str(path.parent)}
        return self.from_notebook_node(notebook, resources, **kwargs)  # type: ignore[no-any-return, no-untyped-call]


def _prepare(converter: Autograde) -> None:
    """Make sure of what nbgrader only finds missing in the middle: the gradebook's entries, and notebooks' names."""
    coursedir = converter.coursedir
    register(converter, coursedir.assignment_id)
    folders = sorted(Path(coursedir.root).glob(_pattern(coursedir)))
    for folder in folders:
        for name in notebook_names(converter, coursedir.assignment_id):
            right = folder / f"{name}.ipynb"
            found = find(folder, release_of(converter, coursedir.assignment_id, name))
            if found is not None and found != right:
                converter.log.warning("%s is graded as %s", found, right.name)
                shutil.copyfile(found, right)
                converter.assignments[str(folder)] = [str(right)]


def _pattern(coursedir: CourseDirectory) -> str:
    path = coursedir.format_path(coursedir.submitted_directory, coursedir.student_id, coursedir.assignment_id)
    return os.path.relpath(path, coursedir.root)  # type: ignore[no-any-return]


def register(converter: BaseConverter, assignment: str) -> None:
    """Enter an assignment into the gradebook if it is not there: a clone's release was generated without one.

    Args:
        converter: any of nbgrader's converters, for its course directory and configuration.
        assignment: the assignment's name.
    """
    coursedir = converter.coursedir
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        try:
            known = bool(gradebook.find_assignment(assignment).notebooks)
        except MissingEntry:
            known = False
    if not known and _folder(coursedir, coursedir.source_directory, assignment).is_dir():
        with tempfile.TemporaryDirectory() as scratch:
            _generate(converter, assignment, Path(scratch))


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
    folder = _folder(converter.coursedir, converter.coursedir.release_directory, assignment)
    return sorted(path.stem for path in folder.glob("*.ipynb"))


def release_of(converter: BaseConverter, assignment: str, notebook: str) -> Release:
    """The notebook as it was handed out.

    Raises:
        OSError, ValueError: the release folder does not hold it.
    """
    path = _folder(converter.coursedir, converter.coursedir.release_directory, assignment) / f"{notebook}.ipynb"
    return _loaded(path, path.stat().st_mtime_ns)


@cache
def _loaded(path: Path, _changed: int) -> Release:
    return Release.load(path)


def _folder(coursedir: CourseDirectory, step: str, assignment: str, student: str = ".") -> Path:
    return Path(coursedir.format_path(step, student, assignment))


def _converter(preprocessor: NbGraderPreprocessor) -> BaseConverter:
    """The converter in which a preprocessor runs: its exporter's parent."""
    return preprocessor.parent.parent


# --- grading ----------------------------------------------------------------------------------------------------------


class GradeFromEvidence(NbGraderPreprocessor):  # type: ignore[misc]
    """Give each graded cell its points and our report, in place of executing the notebook.

    What the evidence does not settle is run again in the sandbox; without one it is left for a person.
    """

    sandbox = Bool(True, help="Whether to run again, under bubblewrap, what evidence does not settle.").tag(config=True)
    seconds = Integer(600, help="Seconds that such a run may take.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        from checker import (
            assignments,
        )  # what judges a model is needed here only, not wherever nbgrader reads its config
        from checker.grading.marking import mark_notebook

        names, converter = resources["nbgrader"], _converter(self)
        try:
            assignment = assignments.find(names["assignment"])
        except KeyError:
            return self._executed(nb, resources)
        coursedir = converter.coursedir
        submitted, graded = (
            _folder(coursedir, step, names["assignment"], names["student"])
            for step in (coursedir.submitted_directory, coursedir.autograded_directory)
        )
        for stray in KeepStraysIn(parent=self.parent).take_out(coursedir, names["assignment"], graded):
            if (submitted / stray).is_file():  # nbgrader put the teacher's file in place of the learner's
                shutil.copyfile(submitted / stray, graded / stray)
        release = release_of(converter, names["assignment"], names["notebook"])
        marks = mark_notebook(nb, submitted, assignment, release, self._run if self._safe else None)
        resources["unsettled"] = {question: mark.reason for question, mark in marks.items() if not mark.settled}
        return nb, resources

    def _executed(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Another assignment of the course leaves no evidence: its notebooks are executed, in the sandbox only."""
        names, coursedir = resources["nbgrader"], _converter(self).coursedir
        folder = _folder(coursedir, coursedir.autograded_directory, names["assignment"], names["student"])
        run = Run(Ending.DIED, 0.0)
        if self._safe:
            run = self._run(as_bytes(nb), names["assignment"], _files_in(folder))
        outputs = outputs_by_id(run.files.get("notebook.ipynb", b""))
        resources["unsettled"] = {name: "sandbox" for name, cell in graded_cells(nb) if cell.id not in outputs}
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.outputs = outputs.get(cell.id, [])
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


def _files_in(folder: Path) -> dict[str, bytes]:
    """The files beside a notebook, the course's own and the learner's, which it may need when it runs."""
    files = (path for path in folder.iterdir() if path.suffix != ".ipynb" and path.is_file() and not path.is_symlink())
    return {path.name: path.read_bytes() for path in files if path.stat().st_size <= sandbox.Limits().disk // 8}


class SaveGrades(stock.SaveAutoGrades):  # type: ignore[misc]
    """Enter the points into the gradebook; an unsettled question waits for a person, where nbgrader is generous."""

    def _add_score(self, cell: NotebookNode, resources: Any) -> None:
        super()._add_score(cell, resources)
        grade_id = cell.metadata["nbgrader"]["grade_id"]
        if grade_id in resources["unsettled"]:
            grade = self.gradebook.find_grade(grade_id, self.notebook_id, self.assignment_id, self.student_id)
            grade.auto_score, grade.needs_manual_grade = None, True
            self.gradebook.db.commit()


# --- feedback ---------------------------------------------------------------------------------------------------------


class HideTests(stock.ClearHiddenTests):  # type: ignore[misc]
    """Take hidden tests out of what the learner gets back; nbgrader takes them out of the release only."""

    enforce_metadata = Bool(False)
    display_data_priority = List(Unicode(), help="Not used; nbconvert sets it wherever HTML is made.").tag(config=True)

    def preprocess_cell(self, cell: NotebookNode, resources: Any, cell_index: int) -> tuple[NotebookNode, Any]:
        if self._remove_hidden_test_region(cell):
            for output in cell.get("outputs", []):
                if output.output_type == "error":  # its traceback quotes the test
                    output.traceback, output.evalue = [output.ename], ""
        return cell, resources
