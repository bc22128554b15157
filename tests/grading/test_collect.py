"""Downloads are collected: times, updates, and the trip changes nothing that counts."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from downloads import (
    LAYOUTS,
    Student,
    blackboard,
    canvas,
    give_feedback,
    handed_in,
    moodle_folders,
    moodle_name,
    moodle_zip,
    notebook,
    pack,
    pack_unmarked,
    people,
    work,
    write_roster,
)
from place import ROOT
from typer.testing import CliRunner

from checker.cli import app
from checker.grading.collect import collect

WORK = ("perfect", "misread", "functional", "one-file", "plain", "nothing")
"""What the students of the small class hand in, by archetype; "plain" is half an answer."""


@dataclass(frozen=True)
class Worker(Student):
    """A student whose notebook holds work, and its evidence in the outputs or in files beside it."""

    work: bytes = b""
    beside: Mapping[str, bytes] = field(default_factory=dict, hash=False)

    @property
    def content(self) -> bytes:
        return self.work


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bool], list[Student]]:
    """A small class: every other student leaves the evidence in the folder, the others hand in one file."""
    import classroom as made

    kinds = {**made.ARCHETYPES, "plain": made.Archetype("plain", None, 0.0, reads=False)}
    course = tmp_path_factory.mktemp("work")
    contents = []
    for number, kind in enumerate(WORK):
        folder = made.hand_in(course, str(number), kinds[kind], seed=number)
        if kind not in ("misread", "one-file", "nothing"):
            made.into_notebook(folder)
        beside = {f"evidence/{path.name}": path.read_bytes() for path in folder.glob("evidence/*")}
        contents.append(((folder / "spotify.ipynb").read_bytes(), beside))

    def class_(chinese: bool) -> list[Student]:
        students = people(chinese, len(WORK))
        return [
            Worker(**vars(student), work=work, beside=beside)
            for student, (work, beside) in zip(students, contents, strict=True)
        ]

    return class_


def scores(submitted: Path) -> dict[str, bytes]:
    """Every student's marks and reports, as bytes."""
    from checker.assignments import spotify
    from checker.grading.marking import grade_notebook
    from checker.grading.submission import Release, Submission

    release = Release.load(ROOT / "notebooks/spotify/spotify.ipynb")
    graded = {}
    for folder in sorted(path for path in submitted.iterdir() if path.is_dir()):
        submission = Submission.read(submitted, folder.name, "spotify")
        marks = grade_notebook(submission, spotify.assignment, release, pictures=False)[1]
        told = {question: (mark.points, mark.reason, mark.report.to_dict()) for question, mark in marks.items()}
        graded[folder.name] = json.dumps([told, submission.found(release).problems], sort_keys=True).encode()
    return graded


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_trip_changes_no_score(layout: str, workers: Callable[[bool], list[Student]], tmp_path: Path) -> None:
    make, chinese, encoding = LAYOUTS[layout]
    students = workers(chinese)
    files = make(students)
    takes_folders = not encoding and any(path.endswith("/spotify.ipynb") for path in files)
    for student in students:
        assert isinstance(student, Worker)
        here = tmp_path / "before" / student.id / "spotify"
        parts = {"spotify.ipynb": student.work, **(student.beside if takes_folders else {})}
        for name, content in parts.items():
            (here / name).parent.mkdir(parents=True, exist_ok=True)
            (here / name).write_bytes(content)
    by_content = {content: path for path, content in files.items()}
    if takes_folders:
        for student in students:
            assert isinstance(student, Worker)
            folder = by_content[student.content].rpartition("/")[0]
            files |= {f"{folder}/{name}": content for name, content in student.beside.items()}
    download = tmp_path / "download.zip"
    pack_unmarked(download, files, encoding) if encoding else pack(download, files)
    collected = collect(tmp_path / "course", "spotify", download, write_roster(tmp_path / "s.csv", students))
    assert len(collected.new) == len(students)
    before = scores(tmp_path / "before")
    assert len(set(before.values())) >= 4, "a class in which all are alike shows nothing"
    assert scores(tmp_path / "course" / "submitted") == before


def with_due_date(course: Path, due: str | None) -> None:
    """A gradebook that knows when the assignment was due."""
    from classroom import empty_gradebook
    from nbgrader.api import Gradebook

    course.mkdir()
    empty_gradebook(course / "gradebook.db")
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        gradebook.add_assignment("spotify", duedate=due)


def stamps(course: Path) -> dict[str, str]:
    return {path.parts[-3]: path.read_text() for path in course.glob("submitted/*/spotify/timestamp.txt")}


def test_late_marks_without_a_time_are_the_least_that_they_can_be(tmp_path: Path) -> None:
    with_due_date(tmp_path / "course", "2026-11-01 12:00:00 UTC")
    students = people(count=9)
    roster = write_roster(tmp_path / "s.csv", students)
    collected = collect(tmp_path / "course", "spotify", pack(tmp_path / "d.zip", canvas(students)), roster)
    late = {student.id for position, student in enumerate(students) if position % 3 == 0}
    assert set(collected.late) == late
    assert stamps(tmp_path / "course") == dict.fromkeys(late, "2026-11-01 12:00:01 UTC\n")
    assert sum("one second after the due date" in note for _, note in collected.notes) == len(late)
    again = collect(tmp_path / "course", "spotify", tmp_path / "d.zip", roster)
    assert (len(again.new), len(again.same)) == (0, len(students))


@pytest.mark.parametrize("due", [None, "no gradebook"])
def test_without_a_due_date_a_late_mark_is_told_and_nothing_invented(due: str | None, tmp_path: Path) -> None:
    if due is None:
        with_due_date(tmp_path / "course", None)
    students = people(count=3)
    roster = write_roster(tmp_path / "s.csv", students)
    collected = collect(tmp_path / "course", "spotify", pack(tmp_path / "d.zip", canvas(students)), roster)
    assert collected.late == ["s000"]
    assert stamps(tmp_path / "course") == {}
    assert ("s000", "Marked as late, but the gradebook has no due date to be late for.") in collected.notes


def test_a_time_that_the_download_gives_is_nbgraders_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    from checker.grading.submission import Submission

    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        students = people(count=4)
        roster = write_roster(tmp_path / "s.csv", students)
        collect(tmp_path / "course", "spotify", pack(tmp_path / "d.zip", blackboard(students)), roster)
    finally:
        monkeypatch.undo()
        time.tzset()
    found = stamps(tmp_path / "course")
    assert found == {f"s{n:03}": f"2026-11-0{2 + n} 02:20:30 UTC\n" for n in range(4)}
    assert Submission.read(tmp_path / "course/submitted", "s000", "spotify").timestamp == "2026-11-02T02:20:30"


def test_a_learners_own_timestamp_is_no_word_of_the_systems(tmp_path: Path) -> None:
    students = people(count=2)
    files = {f"{moodle_name(student)}/timestamp.txt": b"2000-01-01 00:00:00 UTC" for student in students}
    download = pack(tmp_path / "d.zip", {**moodle_folders(students), **files})
    collect(tmp_path / "course", "spotify", download, write_roster(tmp_path / "s.csv", students))
    assert stamps(tmp_path / "course") == {}


def test_a_folder_that_was_unpacked_before_is_the_same(tmp_path: Path) -> None:
    students = people()
    with zipfile.ZipFile(pack(tmp_path / "d.zip", moodle_folders(students))) as archive:
        archive.extractall(tmp_path / "unpacked")
    roster = write_roster(tmp_path / "students.csv", students)
    collect(tmp_path / "course", "spotify", tmp_path / "unpacked", roster)
    assert handed_in(tmp_path / "course") == {student.id: student.content for student in students}


def test_the_trip_changes_no_byte_of_what_is_graded(tmp_path: Path) -> None:
    students = people(count=20)
    own = {student.id: {"spotify.ipynb": student.content, **work(student.id)} for student in students}
    files = {f"{moodle_name(s)}/{name}": data for s in students for name, data in own[s.id].items()}
    collect(tmp_path, "spotify", pack(tmp_path / "d.zip", files), write_roster(tmp_path / "s.csv", students))
    for student in students:
        folder = tmp_path / "submitted" / student.id / "spotify"
        found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*")}
        assert found == own[student.id]


def test_what_is_there_stays_and_is_listed(tmp_path: Path) -> None:
    collect(tmp_path, "spotify", moodle_zip(tmp_path / "1.zip", notebook("old")))
    again = collect(tmp_path, "spotify", moodle_zip(tmp_path / "1.zip", notebook("old")))
    assert (again.new, again.same, again.unresolved) == ([], ["Ada-Lovelace_4"], [])
    newer = collect(tmp_path, "spotify", moodle_zip(tmp_path / "2.zip", notebook("new")))
    assert len(newer.unresolved) == 1
    assert handed_in(tmp_path) == {"Ada-Lovelace_4": notebook("old")}


def test_update_takes_the_newer_unless_a_person_changed_it(tmp_path: Path) -> None:
    collect(tmp_path, "spotify", moodle_zip(tmp_path / "1.zip", notebook("old")))
    collect(tmp_path, "spotify", moodle_zip(tmp_path / "2.zip", notebook("new")), update=True)
    assert handed_in(tmp_path) == {"Ada-Lovelace_4": notebook("new")}
    (tmp_path / "submitted/Ada-Lovelace_4/spotify/spotify.ipynb").write_text("by hand")
    collected = collect(tmp_path, "spotify", moodle_zip(tmp_path / "3.zip", notebook("newest")), update=True)
    assert len(collected.unresolved) == 1
    assert handed_in(tmp_path) == {"Ada-Lovelace_4": b"by hand"}


def test_files_that_cannot_be_written_cost_nobody_else(tmp_path: Path) -> None:
    files = {
        "Ada_1_assignsubmission_file/spotify.ipynb": notebook("x"),
        "Bo_2_assignsubmission_file/spotify.ipynb": notebook("y"),
        "Bo_2_assignsubmission_file/notes": b"a file",
        "Bo_2_assignsubmission_file/notes/more.txt": b"and a folder",
        f"Cy_3_assignsubmission_file/{'x' * 300}.ipynb": notebook("z"),
    }
    collected = collect(tmp_path, "spotify", pack(tmp_path / "d.zip", files))
    assert {"Ada_1", "Cy_3"} <= set(handed_in(tmp_path)) <= {"Ada_1", "Cy_3"}
    assert [name.partition("_")[0] for name, _ in collected.unresolved] == ["Bo"]


def test_no_notebook_is_told(tmp_path: Path) -> None:
    collected = collect(tmp_path, "spotify", moodle_zip(tmp_path / "d.zip", b"essay", "essay.docx"))
    assert collected.notes
    assert (tmp_path / "submitted/Ada-Lovelace_4/spotify/essay.docx").exists()


def test_the_commands(tmp_path: Path) -> None:
    students = people(count=5)
    download = pack(tmp_path / "d.zip", {**moodle_folders(students), "stray.txt": b"?"})
    run = CliRunner().invoke(app, ["collect", "spotify", str(download), "--course", str(tmp_path / "course")])
    assert run.exit_code == 0, run.output
    assert "5 collected" in run.output
    assert "stray.txt" in run.output
    give_feedback(tmp_path / "course")
    run = CliRunner().invoke(app, ["return", "spotify", "--for", "moodle", "--course", str(tmp_path / "course")])
    assert run.exit_code == 0, run.output
    assert (tmp_path / "course/spotify-feedback-moodle.zip").exists()
    run = CliRunner().invoke(app, ["return", "spotify", "--for", "paper", "--course", str(tmp_path / "course")])
    assert run.exit_code == 2
    assert os.listdir(tmp_path / "course" / "submitted")
