"""Downloads of a class from a learning management system, of every layout, filled with invented students."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from place import ROOT

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


def work(seed: str) -> dict[str, bytes]:
    return {f"evidence/{name}": data for q in ("q1", "q3") for name, data in evidence(q, seed).items()}


def roster_of(tmp_path: Path, *rows: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "students.csv"
    path.write_text("\n".join(rows) + "\n", encoding)
    return path


def moodle_zip(path: Path, content: bytes, name: str = "spotify.ipynb") -> Path:
    return pack(path, {f"Ada Lovelace_4_assignsubmission_file/{name}": content})


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


def give_feedback(course: Path) -> None:
    for student in sorted((course / "submitted").iterdir()):
        if student.is_dir():
            folder = course / "feedback" / student.name / "spotify"
            folder.mkdir(parents=True)
            (folder / "spotify.html").write_text(student.name)
