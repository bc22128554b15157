"""A folder that an instructor filled by hand: evidence anywhere in it is found, or told."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import classroom
import pytest
from classroom import ARCHETYPES, hand_in
from place import ROOT

from checker.assignments import spotify
from checker.grading.marking import grade_notebook
from checker.grading.scattered import UNCLEAR
from checker.grading.submission import Release, Submission

pytestmark = pytest.mark.slow

RELEASE = Release.load(ROOT / "notebooks/spotify/spotify.ipynb")
FULL = {"q1": 4.0, "q2": 2.0, "q3": 4.0, "q4": 2.0}


def renamed(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "evidence").rename(folder / name)


def beside(folder: Path) -> None:
    for path in (folder / "evidence").iterdir():
        path.rename(folder / path.name)
    (folder / "evidence").rmdir()


def nested(folder: Path) -> None:
    (folder / "my" / "work").mkdir(parents=True)
    (folder / "evidence").rename(folder / "my" / "work" / "evidence")
    (folder / "spotify.ipynb").rename(folder / "my" / "work" / "spotify.ipynb")


def zipped(folder: Path) -> None:
    with zipfile.ZipFile(folder / "hand in.zip", "w") as archive:
        for path in [*(folder / "evidence").iterdir(), folder / "spotify.ipynb"]:
            archive.write(path, path.relative_to(folder))
            path.unlink()
    (folder / "evidence").rmdir()


def keras_zip(folder: Path) -> None:
    for name in ("q1", "q3"):
        (folder / f"evidence/{name}.keras").rename(folder / f"evidence/{name}.keras.zip")


def numbered(folder: Path) -> None:
    for path in list((folder / "evidence").iterdir()):
        path.rename(path.with_name(f"{path.stem} (1){path.suffix}"))


def twice_below(folder: Path) -> None:
    (folder / "evidence").rename(folder / "inner")
    (folder / "evidence").mkdir()
    (folder / "inner").rename(folder / "evidence" / "evidence")


PLACES: dict[str, Callable[[Path], object]] = {
    "as it should be": lambda folder: None,
    "numbered folder": renamed("evidence (1)"),
    "capital": renamed("Evidence"),
    "copy": renamed("evidence - Copy"),
    "other name": renamed("models"),
    "beside the notebook": beside,
    "nested": nested,
    "one zip": zipped,
    "zipped networks": keras_zip,
    "numbered files": numbered,
    "evidence in evidence": twice_below,
}


@pytest.mark.parametrize("place", PLACES)
def test_evidence_is_found_wherever_it_lies(place: str, tmp_path: Path) -> None:
    folder = hand_in(tmp_path, "one", ARCHETYPES["perfect"])
    PLACES[place](folder)
    submission = Submission.read(tmp_path / "submitted", "one", "spotify")
    marks = grade_notebook(submission, spotify.assignment, RELEASE, pictures=False)[1]
    assert {question: mark.points for question, mark in marks.items()} == FULL
    assert submission.problems == ()


def test_two_different_ones_are_told_and_neither_is_guessed(tmp_path: Path) -> None:
    folder = hand_in(tmp_path, "one", ARCHETYPES["perfect"])
    (folder / "evidence").rename(folder / "a")
    archive, record = classroom.trained("dropout-once")
    classroom.put_evidence(folder / "b", "q1", archive, record)
    submission = Submission.in_folder(folder, "spotify")
    assert UNCLEAR in submission.problems
    assert "q1.json" not in submission.evidence
    assert {"q2.json", "q3.json", "q3.keras", "q4.json"} <= submission.evidence.keys()


def test_a_damaged_zip_is_told(tmp_path: Path) -> None:
    folder = hand_in(tmp_path, "one", ARCHETYPES["nothing"])
    (folder / "work.zip").write_bytes(b"PK\3\4" + os.urandom(100))
    assert UNCLEAR in Submission.in_folder(folder, "spotify").problems


def test_links_are_not_followed(tmp_path: Path) -> None:
    friend = hand_in(tmp_path, "friend", ARCHETYPES["perfect"])
    folder = hand_in(tmp_path, "one", ARCHETYPES["nothing"])
    (folder / "Evidence").symlink_to(friend / "evidence")
    (folder / "q1.json").symlink_to(friend / "evidence/q1.json")
    assert Submission.in_folder(folder, "spotify").evidence == {}


def test_other_files_cost_nothing_and_are_no_scatter(tmp_path: Path) -> None:
    folder = hand_in(tmp_path, "one", ARCHETYPES["perfect"])
    before = Submission.in_folder(folder, "spotify")
    for name in ("notes.md", "picture.png", "data.csv", "helper.py", ".hidden"):
        (folder / name).write_text("mine")
    shutil.copytree(folder / "evidence", folder / ".ipynb_checkpoints")
    assert Submission.in_folder(folder, "spotify").evidence == before.evidence
