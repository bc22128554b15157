"""From an LMS's download into submitted/ and back: twelve layouts with a hundred invented students each."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from place import ROOT
from typer.testing import CliRunner

from checker.cli import app
from checker.grading.collect import CannotCollect, collect
from checker.grading.give_back import CannotReturn, give_back
from checker.grading.lms.archive import open_download
from checker.grading.lms.layout import Released, lay_out
from checker.grading.lms.roster import NoRoster

RELEASE = (ROOT / "notebooks/spotify/spotify.ipynb").read_bytes()

SURNAMES = [
    "Lovelace",
    "Müller",
    "O'Brien",
    "García",
    "Nguyen",
    "Øster",
    "Žižek",
    "Smith-Jones",
    "van_Dyke",
    "Kowalski",
]
FIRST_NAMES = ["Ada", "Anna-Lena", "José", "Mei", "Søren", "Zoë", "Bo", "Ian", "Li", "Wei"]
CHINESE_SURNAMES = "王李张刘陈杨赵黄周吴"
CHINESE_NAMES = ["小明", "伟", "芳", "娜", "秀英", "敏", "静", "丽", "强", "磊"]


@dataclass(frozen=True)
class Student:
    id: str
    first: str
    last: str
    number: int
    chinese: bool = False

    @property
    def name(self) -> str:
        return self.last + self.first if self.chinese else f"{self.first} {self.last}"

    @property
    def content(self) -> bytes:
        return notebook(self.id)


def notebook(text: str) -> bytes:
    """A notebook of somebody's own: what it says tells whose it is."""
    cell = {"cell_type": "markdown", "id": "own", "metadata": {}, "source": text}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}).encode()


def people(chinese: bool = False, count: int = 100) -> list[Student]:
    """Students in an order that their numbers, ids and names do not share."""
    pairs = [
        (first, last)
        for last in (CHINESE_SURNAMES if chinese else SURNAMES)
        for first in (CHINESE_NAMES if chinese else FIRST_NAMES)
    ]
    dice = random.Random(7)
    numbers = dice.sample(range(1, 5 * count), count)
    dice.shuffle(pairs)
    return [
        Student(f"s{position:03}", first, last, number, chinese)
        for position, ((first, last), number) in enumerate(zip(pairs, numbers, strict=False))
    ]


def write_roster(path: Path, students: Iterable[Student]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "first name", "last name", "full name"])
        table.writerows([student.id, student.first, student.last, student.name] for student in students)
    return path


def pack(path: Path, files: Mapping[str, bytes] | Iterable[tuple[str, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in dict(files).items():
            archive.writestr(name, content)
    return path


def pack_unmarked(path: Path, files: Mapping[str, bytes], encoding: str) -> Path:
    """A zip as Chinese Windows makes it: names in the system's encoding, not marked as UTF-8."""
    directory, body = b"", b""
    for name, content in files.items():
        raw = name.encode(encoding)
        sizes = (zlib.crc32(content), len(content), len(content), len(raw))
        offset = len(body)
        body += b"PK\3\4" + struct.pack("<5H3L2H", 20, 0, 0, 0, 33, *sizes, 0) + raw + content
        directory += b"PK\1\2" + struct.pack("<6H3L5H2L", 20, 20, 0, 0, 0, 33, *sizes, 0, 0, 0, 0, 0, offset) + raw
    end = b"PK\5\6" + struct.pack("<4H2LH", 0, 0, len(files), len(files), len(directory), len(body), 0)
    path.write_bytes(body + directory + end)
    return path


# --- twelve layouts ---------------------------------------------------------------------------------------------------


def moodle_name(student: Student) -> str:
    return f"{student.name.replace('_', ' ')}_{student.number}_assignsubmission_file"


def moodle_folders(class_: list[Student]) -> dict[str, bytes]:
    return {f"{moodle_name(student)}/spotify.ipynb": student.content for student in class_}


def moodle_4_0(class_: list[Student]) -> dict[str, bytes]:
    return {f"{moodle_name(student)}_/spotify.ipynb": student.content for student in class_}


def moodle_flat(class_: list[Student]) -> dict[str, bytes]:
    return {f"{moodle_name(student)}_spotify.ipynb": student.content for student in class_}


def canvas_name(student: Student) -> str:
    sortable = student.name if student.chinese else f"{student.last}, {student.first}"
    return "".join(letter for letter in sortable.lower() if letter.isalnum() or letter == "_")


def canvas(class_: list[Student]) -> dict[str, bytes]:
    """Every third late, every fourth handed in three times; a later one does not come later in the zip."""
    files = {}
    for position, student in enumerate(class_):
        late = "_LATE" if position % 3 == 0 else ""
        start, attachment = f"{canvas_name(student)}{late}_{student.number}", 9000 + 10 * student.number
        if position % 4 == 0:
            files[f"{start}_{attachment + 2}_spotify-2.ipynb"] = student.content
            files[f"{start}_{attachment}_spotify.ipynb"] = notebook("first attempt")
            files[f"{start}_{attachment + 1}_spotify-1.ipynb"] = notebook("second attempt")
        else:
            files[f"{start}_{attachment}_spotify.ipynb"] = student.content
    return files


def blackboard(class_: list[Student]) -> dict[str, bytes]:
    """User names with underscores; every fourth with an earlier attempt."""
    files = {}
    for position, student in enumerate(class_):
        attempts = [(f"2026-11-0{2 + position % 4}-10-20-30", student.content)]
        if position % 4 == 0:
            attempts.append(("2026-11-01-10-20-30", notebook("earlier")))
        for date, content in attempts:
            start = f"Home_work 1_{student.id}_x_attempt_{date}"
            files[f"{start}.txt"] = f"Name: {student.name} ({student.id}_x)\nAssignment: Home_work 1\n".encode()
            files[f"{start}_spotify.ipynb"] = content
    return files


def ilias(class_: list[Student]) -> dict[str, bytes]:
    plain = str.maketrans({"ü": "ue", "í": "i", "é": "e", "Ø": "O", "ø": "o", "Ž": "Z", "ž": "z", "ë": "e"})
    return {
        f"Spotify/{student.last.translate(plain)}_{student.first.translate(plain)}_{student.id}_{student.number}/"
        f"{'Late Submission - ' if position % 5 == 0 else ''}spotify.ipynb": student.content
        for position, student in enumerate(class_)
    }


def classroom(class_: list[Student]) -> dict[str, bytes]:
    return {f"Spotify/{student.name} - spotify.ipynb": student.content for student in class_}


def folders(class_: list[Student]) -> dict[str, bytes]:
    return {f"submissions/{student.name}/spotify.ipynb": student.content for student in class_}


def nbgrader_folders(class_: list[Student]) -> dict[str, bytes]:
    return {f"submitted/{student.id}/spotify/spotify.ipynb": student.content for student in class_}


def a_zip_each(class_: list[Student]) -> dict[str, bytes]:
    files = {}
    for student in class_:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("my work/spotify.ipynb", student.content)
        files[f"{student.name}.zip"] = packed.getvalue()
    return files


def named_files(class_: list[Student]) -> dict[str, bytes]:
    return {f"spotify_{student.id}.ipynb": student.content for student in class_}


LAYOUTS: dict[str, tuple[Callable[[list[Student]], dict[str, bytes]], bool, str]] = {
    # name: what the download holds, whether names are Chinese, encoding of unmarked names
    "moodle": (moodle_folders, False, ""),
    "moodle 4.0": (moodle_4_0, False, ""),
    "moodle flat": (moodle_flat, False, ""),
    "moodle chinese": (moodle_folders, True, ""),
    "moodle gbk": (moodle_flat, True, "gbk"),
    "canvas": (canvas, False, ""),
    "canvas chinese": (canvas, True, ""),
    "blackboard": (blackboard, False, ""),
    "blackboard chinese": (blackboard, True, ""),
    "ilias": (ilias, False, ""),
    "classroom": (classroom, False, ""),
    "classroom chinese": (classroom, True, "utf-8"),
    "folders": (folders, False, ""),
    "folders gbk": (folders, True, "gbk"),
    "nbgrader": (nbgrader_folders, False, ""),
    "a zip each": (a_zip_each, False, ""),
    "named files": (named_files, False, ""),
}


def handed_in(course: Path) -> dict[str, bytes]:
    return {path.parts[-3]: path.read_bytes() for path in course.glob("submitted/*/spotify/spotify.ipynb")}


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


# --- what the trip must not change ------------------------------------------------------------------------------------

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


# --- when it came -----------------------------------------------------------------------------------------------------


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


def test_files_without_anybodys_name_are_listed(tmp_path: Path) -> None:
    files = {"spotify.ipynb": notebook("a"), "spotify (1).ipynb": notebook("b"), "Copy of spotify.ipynb": notebook("c")}
    collected = collect(tmp_path, "spotify", pack(tmp_path / "d.zip", files))
    assert {name for name, _ in collected.unresolved} == set(files)
    assert not handed_in(tmp_path)


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


def work(seed: str) -> dict[str, bytes]:
    return {f"evidence/{name}": data for q in ("q1", "q3") for name, data in evidence(q, seed).items()}


# --- nobody is guessed ------------------------------------------------------------------------------------------------


def roster_of(tmp_path: Path, *rows: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "students.csv"
    path.write_text("\n".join(rows) + "\n", encoding)
    return path


@pytest.fixture
def namesakes(tmp_path: Path) -> Path:
    files = {f"Ada Lovelace_{number}_assignsubmission_file/spotify.ipynb": notebook(str(number)) for number in (4, 5)}
    return pack(tmp_path / "d.zip", files)


def test_two_people_of_one_name_are_not_merged(tmp_path: Path, namesakes: Path) -> None:
    roster = roster_of(tmp_path, "id,name", "one,Ada Lovelace")
    collected = collect(tmp_path, "spotify", namesakes, roster)
    assert len(collected.unresolved) == 2
    assert not handed_in(tmp_path)


def test_two_of_one_name_in_the_class_list_are_not_guessed(tmp_path: Path, namesakes: Path) -> None:
    roster = roster_of(tmp_path, "id,name", "one,Ada Lovelace", "two,Ada Lovelace")
    collected = collect(tmp_path, "spotify", namesakes, roster)
    assert len(collected.unresolved) == 2
    assert all("one, two" in why for _, why in collected.unresolved)


@pytest.mark.parametrize("header", ["moodle id", "用户ID", "LMS number", "participant"])
def test_a_number_of_the_system_tells_them_apart(tmp_path: Path, namesakes: Path, header: str) -> None:
    roster = roster_of(tmp_path, f"id,name,{header}", "one,Ada Lovelace,5", "two,Ada Lovelace,4")
    collect(tmp_path, "spotify", namesakes, roster)
    assert handed_in(tmp_path) == {"one": notebook("5"), "two": notebook("4")}


def test_a_number_that_happens_to_be_someone_elses_student_id_means_nothing(tmp_path: Path) -> None:
    students = people()
    download = pack(tmp_path / "d.zip", moodle_folders(students))
    numbers = [student.number for student in students]
    rows = [f"{numbers[position - 1]},{student.name}" for position, student in enumerate(students)]
    collect(tmp_path, "spotify", download, roster_of(tmp_path, "id,name", *rows))
    expected = {str(numbers[position - 1]): student.content for position, student in enumerate(students)}
    assert handed_in(tmp_path) == expected


def test_blind_marking_needs_the_numbers(tmp_path: Path) -> None:
    files = {f"Participant_{n}_assignsubmission_file/spotify.ipynb": notebook(str(n)) for n in (7, 8)}
    download = pack(tmp_path / "d.zip", files)
    collected = collect(tmp_path, "spotify", download, roster_of(tmp_path, "id,name", "7,Ada", "8,Bo"))
    assert len(collected.unresolved) == 2
    roster = roster_of(tmp_path, "student,participant number", "ada,8", "bo,7")
    collect(tmp_path, "spotify", download, roster)
    assert handed_in(tmp_path) == {"ada": notebook("8"), "bo": notebook("7")}


def test_a_name_and_a_number_that_contradict_each_other(tmp_path: Path) -> None:
    download = pack(tmp_path / "d.zip", {"Ada Lovelace_4_assignsubmission_file/spotify.ipynb": notebook("x")})
    roster = roster_of(tmp_path, "id,name,moodle id", "ada,Ada Lovelace,5", "bo,Bo Li,4")
    collected = collect(tmp_path, "spotify", download, roster)
    assert [name for name, _ in collected.unresolved] == ["Ada Lovelace_4_assignsubmission_file"]


def test_given_and_family_name_the_other_way_round(tmp_path: Path) -> None:
    files = {"liwei_3_30_spotify.ipynb": notebook("Li, Wei"), "weili_4_40_spotify.ipynb": notebook("Wei, Li")}
    download = pack(tmp_path / "d.zip", files)
    both = roster_of(tmp_path, "id,name", "one,Li Wei", "two,Wei Li")
    assert len(collect(tmp_path, "spotify", download, both).unresolved) == 2
    numbered = roster_of(tmp_path, "id,name,canvas id", "one,Wei Li,3", "two,Li Wei,4")
    collect(tmp_path, "spotify", download, numbered)
    assert handed_in(tmp_path) == {"one": notebook("Li, Wei"), "two": notebook("Wei, Li")}


def test_a_drive_folder_with_two_files_of_one_name(tmp_path: Path) -> None:
    files = {"Ada Lovelace - spotify.ipynb": notebook("a"), "Ada Lovelace - spotify(1).ipynb": notebook("b")}
    collected = collect(tmp_path, "spotify", pack(tmp_path / "d.zip", files))
    assert len(collected.unresolved) == 1
    assert not handed_in(tmp_path)


@pytest.mark.parametrize(
    ("encoding", "separator"), [("utf-8-sig", ","), ("gbk", ","), ("utf-16", "\t"), ("utf-8", ";")]
)
def test_class_lists_from_spreadsheets(tmp_path: Path, encoding: str, separator: str) -> None:
    roster = roster_of(
        tmp_path, separator.join(["姓名", "学号"]), separator.join(["王小明", "2026001"]), encoding=encoding
    )
    download = pack(tmp_path / "d.zip", {"王小明_4_assignsubmission_file/spotify.ipynb": notebook("x")})
    collect(tmp_path, "spotify", download, roster)
    assert handed_in(tmp_path) == {"2026001": notebook("x")}


def test_canvas_own_export_is_a_class_list(tmp_path: Path) -> None:
    students = people()
    head = "Student,ID,SIS User ID,SIS Login ID,Section", '"    Points Possible",,,,'
    rows = [f'"{s.last}, {s.first}",{s.number},{s.id},{s.id}@example.org,A' for s in students]
    collect(tmp_path, "spotify", pack(tmp_path / "d.zip", canvas(students)), roster_of(tmp_path, *head, *rows))
    assert handed_in(tmp_path) == {student.id: student.content for student in students}


@pytest.mark.parametrize(
    "head",
    [
        "id,first_name,last_name,email,lms_user_id",  # nbgrader's own
        "student,first name,last name,email,id",
        "matriculation,firstname,surname,email,canvas_id",
        "学号,名,姓,邮箱,用户ID",
    ],
)
def test_headers_as_people_write_them(tmp_path: Path, head: str) -> None:
    students = people()
    rows = [f"{s.id},{s.first},{s.last},{s.id}@example.org,{s.number}" for s in students]
    collect(tmp_path, "spotify", pack(tmp_path / "d.zip", canvas(students)), roster_of(tmp_path, head, *rows))
    assert handed_in(tmp_path) == {student.id: student.content for student in students}


def test_a_class_list_without_ids_is_refused(tmp_path: Path, namesakes: Path) -> None:
    roster = roster_of(tmp_path, "first name,last name", "Ada,Lovelace", "Ada,Byron")
    with pytest.raises(NoRoster, match="column `id`"):
        collect(tmp_path, "spotify", namesakes, roster)


def test_moodles_grading_worksheet_is_a_class_list(tmp_path: Path) -> None:
    students = people()
    rows = [f"Participant {s.number},,{s.id}@example.org" for s in students]
    roster = roster_of(tmp_path, "Identifier,Full name,Email address", *rows)
    files = {f"Participant_{s.number}_assignsubmission_file/spotify.ipynb": s.content for s in students}
    collect(tmp_path, "spotify", pack(tmp_path / "d.zip", files), roster)
    assert handed_in(tmp_path) == {f"{student.id}@example.org": student.content for student in students}


@pytest.mark.parametrize(
    "text", ["", "s001,Ada Lovelace\ns002,Bo Li\n", "id,name\n", "id,name\n../x,Ada\n", "id,name\na/b,Ada\n"]
)
def test_class_lists_that_are_none(tmp_path: Path, text: str, namesakes: Path) -> None:
    (tmp_path / "students.csv").write_text(text)
    with pytest.raises(NoRoster):
        collect(tmp_path, "spotify", namesakes, tmp_path / "students.csv")


# --- nothing is overwritten -------------------------------------------------------------------------------------------


def moodle_zip(path: Path, content: bytes, name: str = "spotify.ipynb") -> Path:
    return pack(path, {f"Ada Lovelace_4_assignsubmission_file/{name}": content})


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


# --- hostile and broken downloads -------------------------------------------------------------------------------------


def test_paths_that_lead_outside_are_not_written(tmp_path: Path) -> None:
    course = tmp_path / "a" / "course"
    names = ["../evil.ipynb", "/tmp/evil.ipynb", "x/../../evil.ipynb", "C:/evil.ipynb", "..\\evil2.ipynb"]
    files = dict.fromkeys(names, b"evil")
    files["Ada_4_assignsubmission_file/../../../../evil.ipynb"] = b"evil"
    files["Ada_4_assignsubmission_file/spotify.ipynb"] = notebook("x")
    collected = collect(course, "spotify", pack(tmp_path / "d.zip", files))
    assert len(collected.unresolved) == 6
    assert not list(tmp_path.rglob("*evil*"))
    assert handed_in(course) == {"Ada_4": notebook("x")}


def test_links_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    link = zipfile.ZipInfo("Ada_4_assignsubmission_file/notes.txt")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        archive.writestr(link, str(secret))
        archive.writestr("Ada_4_assignsubmission_file/spotify.ipynb", notebook("x"))
    collected = collect(tmp_path / "course", "spotify", tmp_path / "d.zip")
    assert [name for name, _ in collected.unresolved] == ["Ada_4_assignsubmission_file/notes.txt"]

    folder = tmp_path / "unpacked/Bo_5_assignsubmission_file"
    folder.mkdir(parents=True)
    (folder / "spotify.ipynb").symlink_to(secret)
    (tmp_path / "unpacked/Cy_6_assignsubmission_file").symlink_to(tmp_path)
    collected = collect(tmp_path / "course", "spotify", tmp_path / "unpacked")
    assert len(collected.unresolved) == 2
    assert not [path for path in (tmp_path / "course").rglob("*") if path.is_symlink() or path.name == "secret.txt"]


def test_a_file_that_grows_too_much_is_refused(tmp_path: Path) -> None:
    download = moodle_zip(tmp_path / "d.zip", b"0" * 10_000_000)
    collected = collect(tmp_path, "spotify", download)
    assert "larger" in collected.unresolved[0][1]
    assert not handed_in(tmp_path)


def test_a_zip_within_the_zip_is_limited_too(tmp_path: Path) -> None:
    bomb = pack(tmp_path / "bomb.zip", {"spotify.ipynb": b"0" * 10_000_000}).read_bytes()
    collected = collect(tmp_path, "spotify", moodle_zip(tmp_path / "d.zip", bomb, "work.zip"))
    assert "larger" in collected.unresolved[0][1]
    assert not handed_in(tmp_path)


def encrypted(path: Path) -> Path:
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        place = -1
        while (place := data.find(mark, place + 1)) >= 0:
            data[place + offset] |= 1
    path.write_bytes(data)
    return path


def test_downloads_that_cannot_be_read_get_one_sentence(tmp_path: Path) -> None:
    good = moodle_zip(tmp_path / "good.zip", notebook("x"))
    (tmp_path / "cut.zip").write_bytes(good.read_bytes()[:60])
    (tmp_path / "text.zip").write_text("no zip")
    (tmp_path / "empty.zip").write_bytes(b"")
    encrypted(moodle_zip(tmp_path / "secret.zip", notebook("x")))
    for name in ("cut.zip", "text.zip", "empty.zip", "secret.zip", "nothing.zip"):
        result = CliRunner().invoke(
            app, ["collect", "spotify", str(tmp_path / name), "--course", str(tmp_path / "c")], env={"COLUMNS": "200"}
        )
        assert result.exit_code == 2, name
        assert len(result.output.strip().splitlines()) == 1, result.output
    with pytest.raises(CannotCollect, match="encrypted"):
        collect(tmp_path, "spotify", tmp_path / "secret.zip")


def test_a_folder_that_is_named_like_somebody_elses_is_the_students_own(tmp_path: Path) -> None:
    files = moodle_folders(people(count=9))
    files["Default group_assignsubmission_file/Eve_7_assignsubmission_file/spotify.ipynb"] = notebook("forged")
    files["Mallory_4_assignsubmission_file/Eve_7_assignsubmission_file/spotify.ipynb"] = notebook("own")
    collected = collect(tmp_path, "spotify", pack(tmp_path / "d.zip", files))
    assert handed_in(tmp_path)["Mallory_4"] == notebook("own")
    assert not [name for name in handed_in(tmp_path) if name.startswith("Eve")]
    assert [name.partition("_")[0] for name, _ in collected.unresolved] == ["Default group"]


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


def test_one_damaged_file_costs_nobody_else(tmp_path: Path) -> None:
    students = people(count=10)
    download = pack(tmp_path / "d.zip", moodle_folders(students))
    data = bytearray(download.read_bytes())
    place = data.find(b"spotify.ipynb") + len("spotify.ipynb")
    data[place : place + 4] = b"\xff\xff\xff\xff"
    download.write_bytes(data)
    collected = collect(tmp_path / "course", "spotify", download)
    assert len(handed_in(tmp_path / "course")) == 9
    assert any("damaged" in text for _, text in collected.notes)


def test_junk_of_operating_systems_is_nobodys(tmp_path: Path) -> None:
    files = {**moodle_folders(people(count=3)), "__MACOSX/._x": b"", ".DS_Store": b"", "desktop.ini": b""}
    collected = collect(tmp_path, "spotify", pack(tmp_path / "d.zip", files))
    assert not collected.unresolved
    assert len(collected.new) == 3


@pytest.mark.parametrize("name", ["一.txt", "王小明.txt", "联通.txt", "李.txt", "张伟/笔记.txt"])
def test_chinese_names_in_zips_of_chinese_windows(tmp_path: Path, name: str) -> None:
    for encoding in ("gbk", "utf-8"):
        download = open_download(pack_unmarked(tmp_path / f"{encoding}.zip", {name: b"x"}, encoding))
        assert [file.path for file in download.files] == [name]


# --- evidence ---------------------------------------------------------------------------------------------------------


def evidence(question: str, seed: str = "") -> dict[str, bytes]:
    """A record and a file that has the shape of a Keras archive and the record's digest."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("config.json", json.dumps({"seed": seed}))
        archive.writestr("model.weights.h5", question)
    archive_bytes = packed.getvalue()
    digest = hashlib.sha256(archive_bytes).hexdigest()
    record = {"format": 1, "question": question, "model": {"sha256": digest}}
    return {f"{question}.json": json.dumps(record).encode(), f"{question}.keras": archive_bytes}


GOOD = {**evidence("q1"), **evidence("q3")}
RELEASED = Released.load(ROOT / "notebooks/spotify/spotify.ipynb")


def placed(folder: str) -> dict[str, bytes]:
    return {f"{folder}{name}": content for name, content in GOOD.items()}


def zipped(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


FOUND = {
    "below": placed("evidence/"),
    "beside": placed(""),
    "numbered folder": placed("evidence (1)/"),
    "copied folder": placed("evidence-Copy1/"),
    "capital": placed("Evidence/"),
    "nested": placed("my work/evidence/evidence/"),
    "other name": placed("proof/"),
    "keras.zip": {f"evidence/{name}{'.zip' if '.keras' in name else ''}": data for name, data in GOOD.items()},
    "json.txt": {f"evidence/{name}{'.txt' if '.json' in name else ''}": data for name, data in GOOD.items()},
    "numbered files": {f"evidence/{name.replace('.', ' (1).')}": data for name, data in GOOD.items()},
    "copied files": {f"{name.replace('.', '-Copy1.')}": data for name, data in GOOD.items()},
    "zip of the folder": {"evidence.zip": zipped(placed("evidence/"))},
    "zip of the files": {"evidence/evidence.zip": zipped(GOOD)},
    "zip in a zip": {"all.zip": zipped({"evidence.zip": zipped(GOOD)})},
    "twice the same": {**placed("evidence/"), **placed("evidence (1)/")},
}


@pytest.mark.parametrize("way", FOUND)
def test_evidence_is_found_wherever_it_lies(way: str) -> None:
    layout = lay_out({"spotify.ipynb": RELEASE, **FOUND[way]}, "spotify", [RELEASED])
    assert layout.files == {"spotify.ipynb": RELEASE, **placed("evidence/")}
    assert not layout.notes


def test_a_whole_pair_counts_before_a_torn_one() -> None:
    torn = {"evidence/q1.json": GOOD["q1.json"], "evidence/q1.keras": evidence("q1", "other")["q1.keras"]}
    layout = lay_out({"spotify.ipynb": RELEASE, **torn, **placed("evidence (1)/")}, "spotify", [RELEASED])
    assert {name: layout.files[name] for name in placed("evidence/")} == placed("evidence/")
    assert len(layout.notes) == 1


def test_evidence_that_differs_is_told() -> None:
    other = {f"evidence (1)/{name}": data for name, data in evidence("q1", "other").items()}
    first = {f"evidence/{name}": data for name, data in evidence("q1").items()}
    layout = lay_out({"spotify.ipynb": RELEASE, **first, **other}, "spotify", [RELEASED])
    assert layout.files["evidence/q1.json"] == first["evidence/q1.json"]
    assert layout.files["evidence (1)/q1.json"] == other["evidence (1)/q1.json"]
    assert "evidence (1)/q1.keras" in layout.notes[0]

    second = {f"evidence (2)/{name}": data for name, data in evidence("q1", "third").items()}
    layout = lay_out({"spotify.ipynb": RELEASE, **other, **second}, "spotify", [RELEASED])
    assert "evidence/q1.json" not in layout.files
    assert {*other, *second} <= set(layout.files)
    assert "q1" in layout.notes[0]


def answered(text: str) -> bytes:
    data = json.loads(RELEASE)
    cell = next(cell for cell in data["cells"] if cell["metadata"].get("nbgrader", {}).get("solution"))
    cell["source"] = [text]
    return json.dumps(data).encode()


@pytest.mark.parametrize("name", ["spotify-Copy1.ipynb", "work/spotify (1).ipynb", "final.ipynb", "spotify.ipynb.txt"])
def test_the_answered_copy_beside_an_untouched_original(name: str) -> None:
    layout = lay_out({"spotify.ipynb": RELEASE, name: answered("mine")}, "spotify", [RELEASED])
    assert layout.files["spotify.ipynb"] == answered("mine")


def test_two_answered_notebooks_are_told() -> None:
    files = {"spotify.ipynb": answered("one"), "spotify-Copy1.ipynb": answered("two")}
    layout = lay_out(files, "spotify", [RELEASED])
    assert layout.files == files
    assert "spotify-Copy1.ipynb" in layout.notes[0]


def test_no_notebook_is_told(tmp_path: Path) -> None:
    collected = collect(tmp_path, "spotify", moodle_zip(tmp_path / "d.zip", b"essay", "essay.docx"))
    assert collected.notes
    assert (tmp_path / "submitted/Ada-Lovelace_4/spotify/essay.docx").exists()


# --- and back ---------------------------------------------------------------------------------------------------------


def give_feedback(course: Path) -> None:
    for student in sorted((course / "submitted").iterdir()):
        if student.is_dir():
            folder = course / "feedback" / student.name / "spotify"
            folder.mkdir(parents=True)
            (folder / "spotify.html").write_text(student.name)


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
