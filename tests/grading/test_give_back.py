"""Feedback goes back under the names of the download."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from downloads import LAYOUTS, canvas, give_feedback, moodle_folders, pack, people, write_roster

from checker.grading.collect import collect
from checker.grading.give_back import CannotReturn, give_back


@pytest.mark.parametrize(
    "layout", ["moodle", "moodle 4.0", "moodle flat", "moodle chinese", "canvas", "canvas chinese"]
)
def test_the_feedback_has_the_downloads_names(layout: str, tmp_path: Path) -> None:
    make, chinese, _ = LAYOUTS[layout]
    students = people(chinese)
    files = make(students)
    roster = write_roster(tmp_path / "students.csv", students)
    collected = collect(tmp_path, "spotify", pack(tmp_path / "d.zip", files), roster)
    give_feedback(tmp_path)
    returned = give_back(tmp_path, "spotify", collected.scheme)
    assert list(returned.students) == sorted(student.id for student in students)
    by_content = {content: name for name, content in files.items()}
    expected = {by_content[s.content].removesuffix(".ipynb") + ".html": s.id.encode() for s in students}
    with zipfile.ZipFile(returned.path) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == expected


def test_canvas_finds_the_numbers_in_what_it_gets_back(tmp_path: Path) -> None:
    """As infer_comment_context_from_filename reads them: the first two parts that are numbers."""
    students = people()
    collect(tmp_path, "spotify", pack(tmp_path / "d.zip", canvas(students)), write_roster(tmp_path / "s.csv", students))
    give_feedback(tmp_path)
    with zipfile.ZipFile(give_back(tmp_path, "spotify", "canvas").path) as archive:
        numbers = {archive.read(name): [p for p in name.split("_") if p.isdigit()][:2] for name in archive.namelist()}
    for student in students:
        user, attachment = numbers[student.id.encode()]
        assert int(user) == student.number
        assert int(attachment) // 10 == 900 + student.number


def test_who_has_no_feedback_is_named(tmp_path: Path) -> None:
    students = people(count=3)
    collect(
        tmp_path,
        "spotify",
        pack(tmp_path / "d.zip", moodle_folders(students)),
        write_roster(tmp_path / "s.csv", students),
    )
    with pytest.raises(CannotReturn, match="generate_feedback"):
        give_back(tmp_path, "spotify", "moodle")
    give_feedback(tmp_path)
    (tmp_path / "feedback/s001/spotify/spotify.html").unlink()
    assert give_back(tmp_path, "spotify", "moodle").missing == ("s001",)
    with pytest.raises(CannotReturn, match="canvas"):
        give_back(tmp_path, "spotify", "canvas")
