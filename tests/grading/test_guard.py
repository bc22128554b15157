"""What a careless but honest learner hands in is graded or waits for a person; what harms is refused."""

from __future__ import annotations

import json
import os
import time
import unicodedata
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from assignments import cell_of, notebook, solved, written
from place import ROOT

from checker.grading.cleaning import clean
from checker.grading.names import is_name, readable, twins
from checker.grading.pool import OutOfLimits, Workers, may_take
from checker.grading.submission import Release, Submission, restore, words_elsewhere
from checker.reading.archive import Refused

RELEASE = Release.load(ROOT / "notebooks/spotify/spotify.ipynb")
WORDS = "Units that are shut off cannot conspire."


def restored(folder: Path) -> tuple[Any, tuple[str, ...]]:
    found = Submission.in_folder(folder).found(RELEASE)
    return restore(found.notebook, RELEASE, found.raw), found.problems


def explanation(book: Any) -> str:
    (cell,) = [c for c in book.cells if c.metadata.get("nbgrader", {}).get("grade_id") == "q2-explanation"]
    return str(cell.source)


def test_words_in_a_new_cell_or_in_the_question_are_shown_in_the_answer(tmp_path: Path) -> None:
    for number, place in enumerate(("new", "question")):
        book = notebook("spotify")
        if place == "new":
            book["cells"].append({"cell_type": "markdown", "id": "mine", "metadata": {}, "source": WORDS})
        else:
            cell = next(cell for cell in book["cells"] if cell["id"] == "q2-words-en")
            cell["source"] = [*cell["source"], "\n\n" + WORDS]
        shown, _ = restored(written(tmp_path / str(number), book))
        assert WORDS in explanation(shown)
        assert words_elsewhere(Submission.in_folder(tmp_path / str(number)).found(RELEASE).notebook, RELEASE)


def test_the_answered_copy_beside_the_untouched_original_counts(tmp_path: Path) -> None:
    written(tmp_path, notebook("spotify"))
    written(tmp_path, solved("spotify"), "spotify-Copy1.ipynb")
    shown, problems = restored(tmp_path)
    assert "plain network" in explanation(shown)
    assert "submission.other_notebook" in problems


def test_a_broken_file_is_shown_and_one_with_huge_outputs_is_read(tmp_path: Path) -> None:
    shown, problems = restored(written(tmp_path / "a", json.dumps(solved("spotify")).encode()[:9000]))
    assert "submission.damaged" in problems
    assert "cells" in explanation(shown)
    book = solved("spotify")
    output = {"output_type": "stream", "name": "stdout", "text": '["x"]' * 6_000_000}
    cell_of(book["cells"], "q1")["outputs"] = [output]
    shown, problems = restored(written(tmp_path / "b", book))
    assert problems == ()
    assert "plain network" in explanation(shown)


def test_half_an_emoji_and_pasted_pictures_survive(tmp_path: Path) -> None:
    book = solved("spotify")
    cell = cell_of(book["cells"], "q2-explanation")
    cell["source"] = "half \ud83d"
    cell["attachments"] = {"a.png": {"image/png": "aGk=", "text/html": "<script>"}}
    shown, _ = restored(written(tmp_path, book))
    assert json.dumps(shown, ensure_ascii=False).encode()
    kept = next(cell for cell in shown.cells if cell.get("attachments"))
    assert kept.attachments == {"a.png": {"image/png": "aGk="}}


def test_links_on_the_way_are_refused(tmp_path: Path) -> None:
    written(tmp_path / "submitted/ada/spotify", solved("spotify"))
    (tmp_path / "submitted/bob").mkdir()
    os.symlink(tmp_path / "submitted/ada/spotify", tmp_path / "submitted/bob/spotify")
    os.symlink(tmp_path / "submitted/ada", tmp_path / "submitted/eve")
    for student in ("bob", "eve"):
        with pytest.raises(Refused):
            Submission.read(tmp_path / "submitted", student, "spotify")


def test_eight_million_empty_cells_are_not_parsed(tmp_path: Path) -> None:
    _, problems = restored(written(tmp_path, b'{"cells": [' + b"{}," * 6_000_000 + b"{}]}"))
    assert problems == ("submission.too_big",)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        "[x](javascript:alert(1))",
        "<svg/onload=alert(1)>",
        "$\\href{javascript:alert(1)}{x}$",
        "&#92;href{javascript:alert(1)}{x}",
        "![x](http://canary.example/a.png)",
    ],
)
def test_nothing_in_markdown_runs(text: str) -> None:
    from nbconvert.filters.markdown_mistune import markdown2html_mistune

    page = markdown2html_mistune(clean(f"Because {text}\n\n{text}").source)
    assert not any(bad in page for bad in ("<script", 'onerror="', 'href="javascript', "<svg", "\\href", "<img"))
    assert clean("a < b, $x<1$ and **bold**").source == "a < b, $x<1$ and **bold**"


def test_names_that_cannot_be_written_are_refused_alone() -> None:
    for name in (
        "a\nb",
        os.fsdecode("张".encode("gbk")),
        "x" * 200,
        ".hidden",
        "a*",
        "[x]",
        "a?b",
        "\u202eabc",
        "<b>",
        'a"b',
    ):
        assert not is_name(name)
        assert readable(name).encode()
    for name in (
        "张三 (2)",
        "-rf",
        "a#b",
        "a%20b",
        "{student_id}",
        "$HOME",
        "CON",
        "emoji😀",
        "=1+1",
        "a&b",
        "O'Brien",
    ):
        assert is_name(name)


def test_folders_that_may_be_one_student_s_are_told() -> None:
    composed, apart = (unicodedata.normalize(form, "Zoé") for form in ("NFC", "NFD"))
    assert twins([composed, apart, "ada", "Ada", "bob", "bob 2"]) == {composed, apart, "ada", "Ada"}


def _asleep() -> None:
    """A stuck read: it uses no CPU, and whatever would end it from inside is swallowed."""
    reading, _ = os.pipe()
    while True:
        with suppress(BaseException):
            os.read(reading, 1)


def _in_the_sandbox() -> str:
    """Longer than a task's own time, as it said before."""
    may_take(60)
    time.sleep(11)
    return "done"


def test_a_worker_that_waits_for_ever_is_ended_but_not_one_in_the_sandbox() -> None:
    with Workers(1, seconds=100.0, wall=10.0) as workers:
        with pytest.raises(OutOfLimits):
            workers.submit(_asleep).result(120)
        assert workers.submit(_in_the_sandbox).result(120) == "done"


def _hoard(size: int) -> int:
    return len(bytearray(size))


def test_a_worker_that_asks_for_too_much_fails_alone() -> None:
    with Workers(1, seconds=100.0, memory=500_000_000) as workers:
        with pytest.raises((MemoryError, OutOfLimits)):
            workers.submit(_hoard, 800_000_000).result(120)
        assert workers.submit(_hoard, 1_000).result(120) == 1_000


def _endless() -> None:
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass


def test_a_worker_over_its_limit_is_ended_and_the_next_task_runs() -> None:
    with Workers(1, seconds=-4.0) as workers:
        with pytest.raises(OutOfLimits):
            workers.submit(_endless).result(120)
        assert workers.submit(is_name, "ada").result(120)
