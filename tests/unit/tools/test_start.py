"""Notebooks without a clone: written out whole, in one language or both, and never over a learner's work."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from checker.cli import app
from checker.tools import monolingual
from checker.tools.start import CannotStart, packaged, start


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.ipynb")}


def test_all_notebooks_as_they_are(tmp_path: Path) -> None:
    started = start(tmp_path / "a" / "course")
    assert names(tmp_path / "a" / "course") == names(packaged()) >= {"01-dropout.ipynb", "spotify/spotify.ipynb"}
    assert len(started.written) == len(names(packaged()))
    for name in names(packaged()):
        assert (tmp_path / "a/course" / name).read_bytes() == (packaged() / name).read_bytes()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_one_language_is_what_the_other_command_writes(tmp_path: Path, language: str) -> None:
    start(tmp_path / "started", language)
    list(monolingual.write(packaged(), tmp_path / "written", language))
    for name in names(packaged()):
        ours, theirs = (nbformat.read(tmp_path / place / name, 4) for place in ("started", "written"))
        nbformat.validate(ours)
        assert ours == theirs


def test_a_learners_work_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "spotify").mkdir()
    (tmp_path / "spotify/spotify.ipynb").write_text("my work")
    (tmp_path / "spotify/evidence").mkdir()
    (tmp_path / "01-dropout.ipynb").symlink_to(tmp_path / "elsewhere")
    started = start(tmp_path)
    assert (tmp_path / "spotify/spotify.ipynb").read_text() == "my work"
    assert not (tmp_path / "elsewhere").exists()
    assert {path.name for path in started.kept} == {"spotify.ipynb", "01-dropout.ipynb"}
    again = start(tmp_path, "zh")
    assert not again.written
    assert len(again.kept) == len(names(packaged()))


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotStart):
        start(tmp_path / "file" / "below")
    with pytest.raises(CannotStart, match="not in fr"):
        start(tmp_path / "course", "fr")
    assert not (tmp_path / "course").exists()


def test_the_command(tmp_path: Path) -> None:
    run = CliRunner().invoke(app, ["start", str(tmp_path / "course"), "--language", "zh"])
    assert run.exit_code == 0, run.output
    assert "spotify.ipynb" in run.output
    cells = json.loads((tmp_path / "course/spotify/spotify.ipynb").read_text("utf-8"))["cells"]
    assert not [cell for cell in cells if "lang-en" in cell["metadata"].get("tags", ())]
    run = CliRunner().invoke(app, ["start", str(tmp_path / "course")])
    assert run.exit_code == 0
    assert "left as it is" in run.output
    assert CliRunner().invoke(app, ["start", "x", "--language", "fr"]).exit_code == 2
