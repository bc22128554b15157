"""Everything that grading relies on and nbgrader and traitlets do not promise, in one place.

``tests/grading/test_nbgrader_internals.py`` holds nbgrader to each of them and says what breaks when it changes.
Handlers of logging, which are kept from both: :mod:`checker.grading._logging`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader import preprocessors as stock
from nbgrader.converters import BaseConverter
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor


def converter_of(preprocessor: NbGraderPreprocessor) -> BaseConverter:
    """The converter in which a preprocessor runs: its exporter's parent."""
    return preprocessor.parent.parent


def run_around_notebooks(converter: BaseConverter, around: Callable[[Callable[[], None]], None]) -> None:
    """Have a converter do something around the conversion of all its notebooks.

    Args:
        converter: one that was not started yet.
        around: takes the function that converts them all.
    """
    convert = converter.convert_notebooks
    converter.convert_notebooks = lambda: around(convert)


def convert_only(converter: BaseConverter, notebooks: dict[str, list[str]]) -> None:
    """Name the notebooks that a converter is to convert.

    Args:
        converter: the converter.
        notebooks: their paths, by the folder of the submission.
    """
    converter.assignments = notebooks


def folder_of(coursedir: CourseDirectory, step: str, assignment: str, student: str = ".") -> Path:
    """Where a course keeps an assignment at one step: ``coursedir.release_directory``, ..."""
    return Path(coursedir.format_path(step, student, assignment))


class SaveGrades(stock.SaveAutoGrades):  # type: ignore[misc]
    """nbgrader's own entries in the gradebook, with a word in each after it was made."""

    def after_score(self, grade: Any, resources: Any) -> bool:
        """Change a grade; whether it was."""
        raise NotImplementedError

    def after_comment(self, comment: Any, resources: Any) -> bool:
        """Change a comment; whether it was."""
        raise NotImplementedError

    def _add_score(self, cell: NotebookNode, resources: Any) -> None:
        super()._add_score(cell, resources)
        self._entered(self.gradebook.find_grade, self.after_score, cell, resources)

    def _add_comment(self, cell: NotebookNode, resources: Any) -> None:
        super()._add_comment(cell, resources)
        self._entered(self.gradebook.find_comment, self.after_comment, cell, resources)

    def _entered(
        self, find: Callable[..., Any], after: Callable[[Any, Any], bool], cell: NotebookNode, resources: Any
    ) -> None:
        grade_id = cell.metadata["nbgrader"]["grade_id"]
        entry = find(grade_id, self.notebook_id, self.assignment_id, self.student_id)
        if after(entry, resources):
            self.gradebook.db.commit()


class HiddenTests(stock.ClearHiddenTests):  # type: ignore[misc]
    """nbgrader's own way to take hidden tests out of a cell."""

    def take_out(self, cell: NotebookNode) -> bool:
        """Take them out; whether there were any."""
        return bool(self._remove_hidden_test_region(cell))
