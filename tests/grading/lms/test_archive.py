"""Hostile and broken downloads."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from downloads import handed_in, moodle_folders, moodle_zip, notebook, pack, pack_unmarked, people
from typer.testing import CliRunner

from checker.cli import app
from checker.grading.collect import CannotCollect, collect
from checker.grading.lms.archive import open_download


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
