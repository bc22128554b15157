"""Class lists, and nobody is guessed."""

from __future__ import annotations

from pathlib import Path

import pytest
from downloads import canvas, handed_in, moodle_folders, notebook, pack, people, roster_of

from checker.grading.collect import collect
from checker.grading.lms.roster import NoRoster


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
