"""What lies in a student's folder: evidence wherever it is, the notebook that was answered."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from downloads import RELEASE, evidence, handed_in, moodle_folders, notebook, pack, people
from place import ROOT

from checker.grading.collect import collect
from checker.grading.lms.layout import Released, lay_out


def test_a_folder_that_is_named_like_somebody_elses_is_the_students_own(tmp_path: Path) -> None:
    files = moodle_folders(people(count=9))
    files["Default group_assignsubmission_file/Eve_7_assignsubmission_file/spotify.ipynb"] = notebook("forged")
    files["Mallory_4_assignsubmission_file/Eve_7_assignsubmission_file/spotify.ipynb"] = notebook("own")
    collected = collect(tmp_path, "spotify", pack(tmp_path / "d.zip", files))
    assert handed_in(tmp_path)["Mallory_4"] == notebook("own")
    assert not [name for name in handed_in(tmp_path) if name.startswith("Eve")]
    assert [name.partition("_")[0] for name, _ in collected.unresolved] == ["Default group"]


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
