"""Whatever happens to a good submission on its way: it is graded as before, or a person is asked to look."""

from __future__ import annotations

import json
import random
import re
from functools import cache
from pathlib import Path
from typing import Any

import assignments
import classroom
import pytest
from damage import HARMLESS, NOTEBOOKS
from hypothesis import example, given, settings
from hypothesis import strategies as st
from place import ROOT

from checker.assignments import spotify
from checker.grading.marking import grade_notebook, silent
from checker.grading.submission import Release, Submission, restore, unanswered, words_elsewhere

FULL = {"q1": 4.0, "q2": 2.0, "q3": 4.0, "q4": 2.0}
WORDS = "Units that are shut off cannot conspire."
SEEDS = st.integers(0, 2**32)
QUICK = settings(max_examples=60, deadline=None)
SMALL = sorted(set(NOTEBOOKS) - {"huge outputs", "a million cells", "nested deeply", "numbers without end"})
"""Damage that takes no time; ``fuzz_submissions.py`` does the rest, too."""


@cache
def release(name: str) -> Release:
    return Release.load(ROOT / f"notebooks/{name}/{name}.ipynb")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Submission:
    folder = classroom.hand_in(tmp_path_factory.mktemp("good"), "good", classroom.ARCHETYPES["perfect"])
    return Submission.in_folder(folder, "spotify")


def plain(text: str) -> str:
    return re.sub(r"\W+", "", text)


def shown(book: Any) -> str:
    return plain("".join(cell.source for cell in book.cells))


def _losses(submission: Submission) -> list[str]:
    """What a submission loses without a reason for a person to look."""
    found = submission.found(release("spotify"))
    if found.problems or words_elsewhere(found.notebook, release("spotify")):
        return []
    book, marks = grade_notebook(submission, spotify.assignment, release("spotify"), pictures=False)
    lost = [name for name, mark in marks.items() if mark.settled and mark.points != FULL[name]]
    lost += [name for name in silent(book, release("spotify"), marks) if name in release("spotify").manual]
    return lost + ([] if shown(book).count(plain(WORDS)) >= 2 else ["words"])


@pytest.mark.slow
@QUICK
@given(kind=st.sampled_from(SMALL), seed=SEEDS, evidence=st.sets(st.sampled_from(["q1.json", "q3.keras", "q4.json"])))
@example(kind="utf-16", seed=0, evidence=set())
@example(kind="gbk", seed=0, evidence=set())
@example(kind="answers retyped", seed=0, evidence={"q1.json"})
def test_a_graded_one_loses_nothing_in_silence(good: Submission, kind: str, seed: int, evidence: set[str]) -> None:
    book = NOTEBOOKS[kind](good.notebooks["spotify.ipynb"], random.Random(seed))
    left = {name: content for name, content in good.evidence.items() if name not in evidence}
    assert _losses(Submission("good", {"spotify.ipynb": book}, left)) == []


GENERAL = sorted(set(SMALL) - {"answer moved", "twice the key"})
"""Damage to any assignment's notebook, which further damage does not hide."""


@QUICK
@given(name=st.sampled_from(assignments.NAMES), kinds=st.lists(st.sampled_from(GENERAL), max_size=2), seed=SEEDS)
def test_no_answer_of_any_assignment_is_lost(name: str, kinds: list[str], seed: int) -> None:
    book, chosen = json.dumps(assignments.solved(name)).encode(), random.Random(seed)
    for kind in kinds:
        try:
            book = NOTEBOOKS[kind](book, chosen)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError):  # the first left nothing to damage
            continue
    found = Submission("ada", {f"{name}.ipynb": book}).found(release(name))
    restored = restore(found.notebook, release(name), found.raw)
    if found.problems or words_elsewhere(found.notebook, release(name)):
        return
    assert unanswered(restored, release(name)) == set()
    text = shown(restored)
    for cell in assignments.solved(name)["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            assert plain("".join(cell["source"])) in text


@pytest.mark.parametrize("kind", sorted(HARMLESS & set(SMALL)))
def test_harmless_damage_asks_nobody(kind: str) -> None:
    book = NOTEBOOKS[kind](json.dumps(assignments.solved("spotify")).encode(), random.Random(1))
    found = Submission("ada", {"spotify.ipynb": book}).found(release("spotify"))
    assert found.problems == ()
    assert not words_elsewhere(found.notebook, release("spotify"))


# --- single cases -----------------------------------------------------------------------------------------------------


def problems(folder: Path, content: dict[str, Any] | bytes, name: str = "spotify.ipynb") -> tuple[str, ...]:
    return Submission.in_folder(assignments.written(folder, content, name)).found(release("spotify")).problems


@pytest.mark.parametrize("name", ["answers.docx", "spotify.html", "work.rar", "answers.txt"])
def test_work_in_a_file_that_is_not_read_is_told(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"my answers")
    assert problems(tmp_path, assignments.notebook("spotify")) == ("submission.other_files",)
    assert problems(tmp_path, assignments.solved("spotify")) == ()


def test_the_notebook_is_read_among_many_other_files(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"a{number}.json").write_text("{}")
        (tmp_path / f"b{number}.ipynb").write_text("{}")
    assert "submission.no_notebook" not in problems(tmp_path, assignments.solved("spotify"))
    assert Submission.in_folder(tmp_path).found(release("spotify")).name == "spotify.ipynb"


def test_a_chinese_answer_in_gbk_is_read(tmp_path: Path) -> None:
    def answer(cells: assignments.Cells) -> None:
        assignments.cell_of(cells, "q2-explanation")["source"] = "单元被关闭后无法串通。"

    book = json.dumps(assignments.changed(answer), ensure_ascii=False)
    for encoding in ("gb18030", "utf-16", "utf-16-be"):
        found = Submission("a", {"spotify.ipynb": book.encode(encoding)}).found(release("spotify"))
        assert found.problems == ()
        assert "单元被关闭后无法串通" in shown(restore(found.notebook, release("spotify")))


def test_what_no_encoding_explains_is_told(tmp_path: Path) -> None:
    book = json.dumps(assignments.solved("spotify"), ensure_ascii=False).encode()
    place = book.index(b"The plain")
    assert "submission.garbled" in problems(tmp_path, book[:place] + b"\xff" + book[place:])


def test_of_a_cut_file_the_whole_cells_are_read(tmp_path: Path) -> None:
    book = json.dumps(assignments.solved("spotify")).encode()
    found = Submission("a", {"spotify.ipynb": book[:-3]}).found(release("spotify"))
    assert found.problems == ("submission.damaged",)
    assert len(found.notebook.cells) == len(assignments.solved("spotify")["cells"])


def test_a_cell_with_two_texts_is_told() -> None:
    book = NOTEBOOKS["twice the key"](json.dumps(assignments.solved("spotify")).encode(), random.Random(0))
    found = Submission("a", {"spotify.ipynb": book}).found(release("spotify"))
    assert found.problems == ("submission.damaged",)


def test_an_svg_picture_is_told_and_a_png_is_shown(tmp_path: Path) -> None:
    def paste(kind: str, name: str) -> Any:
        def change(cells: assignments.Cells) -> None:
            cell = assignments.cell_of(cells, "q2-explanation")
            cell["source"], cell["attachments"] = f"![x](attachment:{name})", {name: {kind: "aGk="}}

        return assignments.changed(change)

    assert problems(tmp_path, paste("image/svg+xml", "a.svg")) == ("submission.picture",)
    for name in ("a.png", "my picture.png", "图.png"):
        assert problems(tmp_path, paste("image/png", name.replace(" ", "%20"))) == ()


def test_parts_of_a_split_answer_are_one_answer() -> None:
    def split(cells: assignments.Cells) -> None:
        cell = assignments.cell_of(cells, "q2-explanation")
        cells.insert(cells.index(cell) + 1, {**cell, "id": "b", "source": "Second half."})
        cell["source"] = "First half."

    content = json.dumps(assignments.changed(split)).encode()
    book = restore(Submission("a", {"spotify.ipynb": content}).found(release("spotify")).notebook, release("spotify"))
    (answer,) = [cell for cell in book.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "q2-explanation"]
    assert answer.source == "First half.\n\nSecond half."


def test_an_answer_in_another_question_s_cell_is_not_worth_nothing() -> None:
    def move(cells: assignments.Cells) -> None:
        first, third = (assignments.cell_of(cells, name) for name in ("q1-network", "q3-network"))
        first["source"] = "".join(first["source"]) + "\n\n" + "".join(third["source"])
        third["source"] = release("spotify").tracked["q3-network"].source

    content = json.dumps(assignments.changed(move)).encode()
    found = Submission("a", {"spotify.ipynb": content}).found(release("spotify"))
    assert unanswered(restore(found.notebook, release("spotify")), release("spotify")) == set()
