"""The contract with nbgrader, traitlets and logging: what is relied on though not promised, and what breaks without.

When one of these fails with a new version, mend ``checker/grading/nbgrader_internals.py`` (or ``_logging.py``).
"""

from __future__ import annotations

import ast
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert.exporters import NotebookExporter
from nbgrader import utils
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory

import checker
from checker.grading import nbgrader_internals as internals
from checker.grading import validate
from checker.grading._logging import handlers_kept
from checker.grading.nbgrader import find_alembic

BREAKS = {
    "handlers": "a process that imported TensorFlow loses its stderr when it grades",
    "converter": "no preprocessor finds the course: autograde fails for everyone",
    "around": "autograde reads the submitted folders themselves, hostile ones too, and runs their code",
    "folder": "nothing is found in the course's folder",
    "score": "what waits for a person is entered as full points",
    "comment": "'No response.' stands beside answers that were given",
    "hidden": "learners see the hidden tests in their feedback",
    "checksum": "every read-only cell is said to be changed, or none",
}
"""What stops working, by what the test holds the others to."""


def cell(source: str, **roles: Any) -> Any:
    made = nbformat.v4.new_code_cell(source)
    given = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
    made.metadata["nbgrader"] = {**given, "grade_id": "q1", "points": 2, **roles}
    return made


def course(folder: Path) -> CourseDirectory:
    database = f"sqlite:///{folder}/gradebook.db"
    return CourseDirectory(root=str(folder), assignment_id="a1", db_url=database)


def test_a_folder_of_the_course_is_named_by_its_step(tmp_path: Path) -> None:
    coursedir = course(tmp_path)
    assert internals.folder_of(coursedir, coursedir.release_directory, "a1") == tmp_path / "release/a1", BREAKS[
        "folder"
    ]
    submitted = internals.folder_of(coursedir, coursedir.submitted_directory, "a1", "ada")
    assert submitted == tmp_path / "submitted/ada/a1", BREAKS["folder"]


def test_a_converter_is_wrapped_by_its_exporter_and_found_by_its_preprocessors(tmp_path: Path) -> None:
    """nbgrader makes the exporter with the converter as its parent, before it converts the notebooks that it found."""
    handed_in = tmp_path / "submitted/ada/a1/p.ipynb"
    handed_in.parent.mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(), handed_in)
    seen: list[Any] = []

    class Watching(NotebookExporter):  # type: ignore[misc, unused-ignore]
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            if isinstance(self.parent, Autograde):
                internals.run_around_notebooks(self.parent, around)

    def around(convert: Callable[[], None]) -> None:
        assert callable(convert)
        seen.append(dict(converter.assignments))
        internals.convert_only(converter, {})
        converter.exporter.register_preprocessor(internals.HiddenTests, enabled=True)  # as nbgrader registers ours
        seen.append([internals.converter_of(one) for one in converter.exporter._preprocessors[-1:]])

    converter = Autograde(coursedir=course(tmp_path), exporter_class=Watching)
    converter.start()
    assert seen, BREAKS["around"]
    assert seen[0] == {str(handed_in.parent): [str(handed_in)]}, BREAKS["around"]
    assert seen[1], BREAKS["converter"]
    assert all(one is converter for one in seen[1]), BREAKS["converter"]


class Watched(internals.SaveGrades):
    """Takes away what nbgrader has entered."""

    def after_score(self, grade: Any, resources: Any) -> bool:
        assert (grade.name, grade.auto_score, grade.needs_manual_grade) == ("q1", 2, False), BREAKS["score"]
        grade.auto_score, grade.needs_manual_grade = None, True
        return True

    def after_comment(self, comment: Any, resources: Any) -> bool:
        assert (comment.name, comment.auto_comment) == ("q1", "No response."), BREAKS["comment"]
        comment.auto_comment = None
        return True


def test_what_nbgrader_enters_can_be_changed_right_after(tmp_path: Path) -> None:
    find_alembic()
    graded = cell("exercise.q1.grade(model)", grade=True)
    graded.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "2.0"})]
    empty = cell("", solution=True)
    empty.metadata["nbgrader"]["checksum"] = utils.compute_checksum(empty)
    resources = {"nbgrader": {"db_url": f"sqlite:///{tmp_path}/gradebook.db"}}
    with handlers_kept(), Gradebook(resources["nbgrader"]["db_url"]) as gradebook:
        gradebook.add_assignment("a1")
        gradebook.add_notebook("p", "a1")
        gradebook.add_grade_cell("q1", "p", "a1", max_score=2, cell_type="code")
        gradebook.add_solution_cell("q1", "p", "a1")
        gradebook.add_student("ada")
        gradebook.add_submission("a1", "ada")
        saving = Watched()
        saving.gradebook, saving.notebook_id, saving.assignment_id, saving.student_id = gradebook, "p", "a1", "ada"
        saving._add_score(graded, resources)
        saving._add_comment(empty, resources)
    with Gradebook(resources["nbgrader"]["db_url"]) as gradebook:
        grade = gradebook.find_grade("q1", "p", "a1", "ada")
        assert (grade.auto_score, grade.needs_manual_grade) == (None, True), BREAKS["score"]
        assert gradebook.find_comment("q1", "p", "a1", "ada").auto_comment is None, BREAKS["comment"]


def test_hidden_tests_are_taken_out_of_a_cell() -> None:
    hiding = internals.HiddenTests()
    with_tests = cell("a = 1\n### BEGIN HIDDEN TESTS\nassert a == 2\n### END HIDDEN TESTS", grade=True)
    assert hiding.take_out(with_tests), BREAKS["hidden"]
    assert with_tests.source == "a = 1", BREAKS["hidden"]
    assert not hiding.take_out(cell("a = 1")), BREAKS["hidden"]


@pytest.mark.parametrize(
    "roles", [{"grade": True}, {"grade": True, "solution": True}, {"solution": True}, {"locked": True}]
)
def test_a_cell_has_the_checksum_that_nbgrader_gives_it(roles: dict[str, bool]) -> None:
    made = cell("a = 1", **roles)
    assert validate._checksum(made) == utils.compute_checksum(made), BREAKS["checksum"]
    assert validate._locked(made) == utils.is_locked(made), BREAKS["checksum"]


def test_logging_lists_all_handlers_where_they_are_kept_from() -> None:
    handler = logging.NullHandler()
    everything: list[Any] = logging._handlerList  # type: ignore[attr-defined]
    assert handler in [reference() for reference in everything], BREAKS["handlers"]
    with handlers_kept():
        assert not everything, BREAKS["handlers"]
    assert handler in [reference() for reference in everything], BREAKS["handlers"]


def test_no_other_module_uses_what_nbgrader_keeps_to_itself() -> None:
    private = {"_add_score", "_add_comment", "_remove_hidden_test_region", "convert_notebooks", "_handlerList"}
    for path in Path(checker.__file__).parent.rglob("*.py"):
        if path.name not in ("nbgrader_internals.py", "_logging.py"):
            tree = ast.parse(path.read_text("utf-8"))
            used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & private
            assert not used, f"{path.name} uses {used}"
