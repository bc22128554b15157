"""The command line: one clear sentence for what is wrong, useful output for what is right."""

from __future__ import annotations

import shutil
from pathlib import Path

import classroom
import pytest
from place import ROOT
from typer.testing import CliRunner

import checker
from checker import __version__, assignments
from checker.cli import app


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_without_arguments_it_lists_the_commands() -> None:
    _, output = run()
    for command in ("validate", "progress", "datasets", "calibrate", "notebooks", "grade"):
        assert command in output


def test_the_version() -> None:
    assert run("--version") == (0, f"{__version__}\n")


@pytest.mark.parametrize("command", ["grade", "progress", "calibrate"])
def test_an_unknown_assignment_names_the_known_ones(command: str) -> None:
    code, output = run(command, "spotty")
    assert code == 2
    assert output.strip() == f"There is no assignment spotty: choose one of {', '.join(assignments.NAMES)}."


def test_an_unknown_language() -> None:
    assert run("--language", "fr", "progress")[0] == 2


def test_progress_in_an_empty_folder() -> None:
    code, output = run("progress", "spotify")
    assert code == 0
    assert "0 of 12 points" in output


def test_the_data_sets_are_checked() -> None:
    code, output = run("datasets")
    assert code == 0
    assert "red-wine: 1599 rows, 12 columns" in output
    assert "concrete: 1030 rows, 9 columns" in output


def test_a_full_file_that_is_another_one(tmp_path: Path) -> None:
    wrong = tmp_path / "spotify.csv"
    wrong.write_text("a,b\n1,2\n")
    code, output = run("datasets", "--file", str(wrong))
    assert code == 2
    assert "Traceback" not in output


@pytest.mark.parametrize("share", ["many", "120%", "-1%", "nan", ""])
def test_a_share_that_is_none(share: str) -> None:
    assert run("grade", "spotify", "--audit", share)[0] == 2


def test_monolingual_notebooks(tmp_path: Path) -> None:
    code, output = run(
        "notebooks", "--language", "zh", "--output", str(tmp_path / "zh"), "--source", str(ROOT / "notebooks")
    )
    assert code == 0
    assert (tmp_path / "zh" / "spotify" / "spotify.ipynb").exists()
    assert str(tmp_path / "zh" / "01-dropout.ipynb") in output


def test_monolingual_notebooks_of_an_empty_folder(tmp_path: Path) -> None:
    assert run("notebooks", "--language", "zh", "--output", "out", "--source", str(tmp_path))[0] == 2


class TestGradingWhatIsNoCourse:
    """Each gets one sentence, and nothing is left behind."""

    @pytest.fixture
    def course(self, tmp_path: Path) -> Path:
        """A course in which the untouched starter was handed in."""
        course = classroom.course(tmp_path / "course", gradebook=False)
        classroom.hand_in(course, "ada", classroom.ARCHETYPES["nothing"])
        return course

    def refused(self, course: Path, *options: str) -> str:
        code, output = run("grade", "spotify", "--course", str(course), *options)
        assert code == 2
        (sentence,) = output.splitlines()
        return sentence

    def test_an_assignment_that_was_not_released(self, tmp_path: Path) -> None:
        assert "run `nbgrader generate_assignment spotify`" in self.refused(tmp_path)
        assert not list(tmp_path.iterdir())

    def test_nothing_handed_in(self, course: Path) -> None:
        shutil.rmtree(course / "submitted")
        assert "nothing in" in self.refused(course)

    def test_a_configuration_that_does_not_run(self, course: Path) -> None:
        (course / "nbgrader_config.py").write_text("c.CourseDirectory.db_url = undefined")
        assert self.refused(course) == "nbgrader_config.py cannot be run: NameError: name 'undefined' is not defined."

    @pytest.mark.parametrize("address", ["nonsense", "sqlite:////nowhere/gradebook.db"])
    def test_an_address_without_a_gradebook(self, course: Path, address: str) -> None:
        assert self.refused(course, "--db", address).startswith("The gradebook cannot be used: ")

    def test_a_file_that_is_no_gradebook(self, course: Path) -> None:
        (course / "gradebook.db").write_text("no gradebook, but text of some length\n" * 100)
        assert "file is not a database" in self.refused(course)


def test_help_is_in_the_language_asked_for() -> None:
    _, chinese = run("--language", "zh", "grade", "--help")
    assert "运行" in chinese
    assert "Grade everything in" not in chinese
    checker.set_language("en")
    assert "Grade everything in" in run("grade", "--help")[1]
