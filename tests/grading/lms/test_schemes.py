"""Whose file it is, by the names that a learning management system gives."""

from __future__ import annotations

from pathlib import Path

import pytest
from downloads import LAYOUTS, canvas_name, handed_in, notebook, pack, pack_unmarked, people, write_roster

from checker.grading.collect import collect


@pytest.mark.parametrize("layout", LAYOUTS)
def test_everyone_of_the_class_list_gets_what_is_theirs(layout: str, tmp_path: Path) -> None:
    make, chinese, encoding = LAYOUTS[layout]
    students = people(chinese)
    known, unknown = students[:97], students[97:]
    files = make(students)
    download = tmp_path / "download.zip"
    pack_unmarked(download, files, encoding) if encoding else pack(download, files)
    roster = write_roster(tmp_path / "students.csv", known)

    collected = collect(tmp_path / "course", "spotify", download, roster)

    assert handed_in(tmp_path / "course") == {student.id: student.content for student in known}
    assert sorted(collected.new) == [student.id for student in known]
    listed = "\n".join(name for name, _ in collected.unresolved)
    keys = {"canvas": canvas_name, "ilias": lambda s: str(s.number), "moodle": lambda s: f"_{s.number}_"}
    way = keys.get(collected.scheme)
    for student in unknown:
        assert (way(student) if way else student.id if student.id in listed else student.name) in listed
    assert len(collected.unresolved) == len(unknown)


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "named files"])
def test_without_a_class_list_everyone_has_a_folder(layout: str, tmp_path: Path) -> None:
    make, chinese, encoding = LAYOUTS[layout]
    students = people(chinese)
    download = tmp_path / "download.zip"
    pack_unmarked(download, make(students), encoding) if encoding else pack(download, make(students))
    collected = collect(tmp_path / "course", "spotify", download)
    assert sorted(handed_in(tmp_path / "course").values()) == sorted(student.content for student in students)
    assert not collected.unresolved


def test_files_without_anybodys_name_are_listed(tmp_path: Path) -> None:
    files = {"spotify.ipynb": notebook("a"), "spotify (1).ipynb": notebook("b"), "Copy of spotify.ipynb": notebook("c")}
    collected = collect(tmp_path, "spotify", pack(tmp_path / "d.zip", files))
    assert {name for name, _ in collected.unresolved} == set(files)
    assert not handed_in(tmp_path)


def test_a_drive_folder_with_two_files_of_one_name(tmp_path: Path) -> None:
    files = {"Ada Lovelace - spotify.ipynb": notebook("a"), "Ada Lovelace - spotify(1).ipynb": notebook("b")}
    collected = collect(tmp_path, "spotify", pack(tmp_path / "d.zip", files))
    assert len(collected.unresolved) == 1
    assert not handed_in(tmp_path)
