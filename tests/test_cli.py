"""The command line: one clear sentence for what is wrong, useful output for what is right."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from checker import __version__
from checker.cli import app

ROOT = Path(__file__).parent.parent


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
    assert output.strip() == "There is no assignment spotty: choose one of spotify, challenge."


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
