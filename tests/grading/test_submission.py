"""Notebooks as they come back: read whatever they are, and put back to what was released."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import nbformat
import pytest
from assignments import cell_of, grade_id, notebook, solved, written
from hypothesis import given, settings
from hypothesis import strategies as st
from nbgrader.nbgraderformat import MetadataValidator
from place import ROOT

from checker.grading.submission import Release, Submission, graded_cells, notebook_of, restore, unanswered


def find(folder: Path, release: Release) -> Path | None:
    try:
        name = Submission.in_folder(folder).found(release).name
    except FileNotFoundError:
        return None
    return folder / name if name else None


def read(path: Path) -> Any:
    return Submission.in_folder(path.parent).found(Release(path.stem, RELEASE.notebook)).notebook


RELEASE = Release.load(ROOT / "notebooks/spotify/spotify.ipynb")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)
CELL_LIKE = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": st.sampled_from(["code", "markdown", "raw", "heading", 3]) | JSON,
        "source": st.text(max_size=30) | st.lists(st.text(max_size=9), max_size=3) | JSON,
        "id": st.sampled_from(["q1", "q1", "", "ä"]) | JSON,
        "metadata": JSON
        | st.fixed_dictionaries(
            {"nbgrader": JSON | st.fixed_dictionaries({"grade_id": st.sampled_from(["q1", "setup", "no"]) | JSON})}
        ),
    },
)


def test_practice_is_no_part_of_an_answer() -> None:
    assert RELEASE.answers["q2"] == ("q2-answer",)
    clinic = Release.load(ROOT / "notebooks/clinic/clinic.ipynb")
    assert clinic.answers["q9"] == ("q9-cause", "q9-repair")


def _is_whole(restored: Any) -> None:
    """What nbgrader needs, and what no learner can change."""
    nbformat.validate(restored)
    MetadataValidator().validate_nb(restored)
    tracked = {cell.metadata.nbgrader.grade_id: cell for cell in restored.cells if "nbgrader" in cell.metadata}
    assert tracked.keys() == RELEASE.tracked.keys()
    assert sum("nbgrader" in cell.metadata for cell in restored.cells) == len(tracked)
    for name, cell in tracked.items():
        assert cell.metadata == RELEASE.tracked[name].metadata
        assert cell.cell_type == RELEASE.tracked[name].cell_type
        if not cell.metadata.nbgrader.solution:
            assert cell.source == RELEASE.tracked[name].source


@given(JSON | st.fixed_dictionaries({"cells": JSON | st.lists(CELL_LIKE | JSON, max_size=8)}))
@settings(max_examples=150, deadline=None)
def test_any_json_is_read_and_restored_to_a_whole_notebook(content: Any) -> None:
    _is_whole(restore(notebook_of(content), RELEASE))


@pytest.mark.parametrize("seed", range(20))
def test_cells_in_any_order_number_and_state_are_restored(seed: int) -> None:
    chosen = random.Random(seed)
    cells = solved("spotify")["cells"]
    cells = [copy.deepcopy(cell) for cell in chosen.choices(cells, k=len(cells))]
    for cell in cells:
        if chosen.random() < 0.3:
            cell["source"] = chosen.choice(["", "x = 1", ["a\n", "b"]])
        if chosen.random() < 0.2:
            cell["cell_type"] = chosen.choice(["code", "markdown", "raw"])
        if chosen.random() < 0.2:
            cell["metadata"] = chosen.choice([{}, {"nbgrader": {}}, {"nbgrader": {"grade_id": "q3"}}])
    restored = restore(notebook_of({"cells": cells}), RELEASE)
    _is_whole(restored)
    _is_whole(restore(notebook_of(restored), RELEASE))


def test_a_notebook_as_released_comes_back_as_it_was() -> None:
    restored = restore(notebook_of(notebook("spotify")), RELEASE)
    assert [(cell.id, cell.source) for cell in restored.cells] == [
        (cell["id"], "".join(cell["source"])) for cell in notebook("spotify")["cells"]
    ]
    assert unanswered(restored, RELEASE) == {"q1", "q2", "q3", "q4"}


def test_answers_are_the_learners_own() -> None:
    restored = restore(notebook_of(solved("spotify")), RELEASE)
    for name in ("q1-network", "q2-answer", "q2-explanation"):
        mine = next(cell for cell in restored.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == name)
        assert mine.source == "".join(cell_of(solved("spotify")["cells"], name)["source"])
    assert unanswered(restored, RELEASE) == set()


def test_of_two_copies_the_answered_one_counts_and_the_other_stays_readable() -> None:
    book = solved("spotify")
    place = book["cells"].index(cell_of(book["cells"], "q2-explanation"))
    empty = copy.deepcopy(cell_of(notebook("spotify")["cells"], "q2-explanation"))
    book["cells"].insert(place + 1, empty)
    restored = restore(notebook_of(book), RELEASE)
    _is_whole(restored)
    (counted,) = [
        cell for cell in restored.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "q2-explanation"
    ]
    assert counted.source.startswith("The plain network")
    assert len(restored.cells) == len(book["cells"])


@pytest.mark.parametrize("cells", [[], [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": "hello"}]])
def test_a_notebook_without_the_assignment_s_cells_is_told(cells: list[dict[str, Any]]) -> None:
    book = json.dumps({**notebook("spotify"), "cells": cells}).encode()
    assert Submission("ada", {"spotify.ipynb": book}).found(RELEASE).problems == ("submission.no_cells",)


def test_a_broken_notebook_beside_an_untouched_one_is_told() -> None:
    untouched, answered = (json.dumps(book).encode() for book in (notebook("spotify"), solved("spotify")))
    files = {"spotify.ipynb": untouched, "spotify-Copy1.ipynb": answered[: len(answered) // 2]}
    assert Submission("ada", files).found(RELEASE).problems == ("submission.damaged", "submission.other_notebook")


def test_deleted_cells_come_back_at_their_place() -> None:
    book = solved("spotify")
    book["cells"].remove(cell_of(book["cells"], "q3"))
    restored = restore(notebook_of(book), RELEASE)
    order = [cell.metadata.nbgrader.grade_id for cell in restored.cells if "nbgrader" in cell.metadata]
    assert order == list(RELEASE.tracked)


def test_a_code_cell_of_ones_own_is_an_answer_somewhere() -> None:
    book = notebook("spotify")
    book["cells"].append({"cell_type": "code", "id": "mine", "metadata": {}, "source": "model = 1", "outputs": []})
    assert unanswered(restore(notebook_of(book), RELEASE), RELEASE) == set()


def test_magics_are_python_enough() -> None:
    book = solved("spotify")
    cell_of(book["cells"], "q1-network")["source"] = "%time model = 1\n!ls"
    assert "q1" not in unanswered(restore(notebook_of(book), RELEASE), RELEASE)
    cell_of(book["cells"], "q1-network")["source"] = "model = ["
    assert unanswered(restore(notebook_of(book), RELEASE), RELEASE) == {"q1"}


@pytest.mark.parametrize(
    "name",
    ["spotify.ipynb", "Copy of spotify.ipynb", "spotify(1).ipynb", "hw.ipynb", "spotify.ipynb.json", "spotify.txt"],
)
def test_the_notebook_is_found_under_any_name(name: str, tmp_path: Path) -> None:
    written(tmp_path, solved("spotify"), name)
    (tmp_path / "timestamp.txt").write_text("2026-01-01 12:00:00 UTC")
    assert find(tmp_path, RELEASE) == tmp_path / name


def test_the_notebook_that_fits_best_is_found(tmp_path: Path) -> None:
    written(tmp_path, solved("challenge"), "a.ipynb")
    written(tmp_path, solved("spotify"), "b.ipynb")
    written(tmp_path, b"{", "c.ipynb")
    assert find(tmp_path, RELEASE) == tmp_path / "b.ipynb"
    assert find(tmp_path / "nowhere", RELEASE) is None


def test_a_monstrous_file_is_an_empty_notebook(tmp_path: Path) -> None:
    path = tmp_path / "spotify.ipynb"
    with path.open("wb") as file:
        file.truncate(200_000_000)
    assert read(path).cells == []
    path.write_bytes(b"[" * 1_000_000)
    assert read(path).cells == []


def test_graded_cells_are_the_automatic_ones() -> None:
    restored = restore(notebook_of(None), RELEASE)
    assert [name for name, _ in graded_cells(restored)] == ["q1", "q2", "q3", "q4"] == list(RELEASE.automatic)
    assert RELEASE.manual == ("q2-explanation", "q4-explanation")
    assert json.dumps(restored)
    assert grade_id(restored.cells[0]) == "setup"


def test_links_are_not_followed(tmp_path: Path) -> None:
    written(tmp_path / "friend", solved("spotify"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/copy.ipynb").symlink_to(tmp_path / "friend/spotify.ipynb")
    assert find(tmp_path / "mine", RELEASE) is None
    (tmp_path / "mine/spotify.ipynb").symlink_to(tmp_path / "friend/spotify.ipynb")
    assert read(tmp_path / "mine/spotify.ipynb").cells == []
