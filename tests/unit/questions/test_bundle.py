"""The evidence inside the notebook: beside the points, once, and read as hostile data."""

from __future__ import annotations

import base64
import json
import os
import zlib
from typing import Any

import nbformat
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel import display, notebook

from checker.assignments import spotify
from checker.questions import bundle
from checker.questions.bundle import MIME, attach, packed, unpacked
from checker.reading.archive import ARCHIVE_LIMIT, RECORD_LIMIT, Refused

FILES = {"q1.json": b'{"a": 1}', "q1.keras": os.urandom(5_000)}


def text(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content)).decode()


# --- the learner's side -----------------------------------------------------------------------------------------------


def test_what_is_packed_is_what_is_unpacked() -> None:
    assert unpacked(json.loads(json.dumps(packed("q1", FILES))), "q1") == FILES


def test_weights_take_less_room_than_as_they_are() -> None:
    weights = np.random.default_rng(0).normal(0, 0.05, 50_000).astype("float32").tobytes()
    bundle = packed("q1", {"q1.keras": weights})
    assert bundle is not None
    assert len(bundle["files"]["q1.keras"]) < 0.93 * len(text(weights))
    for missing in range(1, 5):  # files of any length
        assert unpacked(packed("q1", {"q1.keras": weights[:-missing]}), "q1") == {"q1.keras": weights[:-missing]}


def test_bundles_of_the_first_format_are_read() -> None:
    old = {"format": 1, "question": "q1", "files": {name: text(content) for name, content in FILES.items()}}
    assert unpacked(old, "q1") == FILES


def test_what_is_too_large_for_a_notebook_is_not_put_into_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "LARGEST", 1_000)
    assert packed("q1", FILES) is None
    with display() as shown:
        attach(value := float("2.5"), "q1", FILES)
        assert shown(value) == {"text/plain": "2.5"}


def test_the_points_are_a_plain_float_and_the_evidence_stands_beside_them_once() -> None:
    with display() as shown:
        points = spotify.q1.grade(None, None)
        assert type(points) is float
        once, again = shown(points), shown(points)
    assert once["text/plain"] == again["text/plain"] == "0.0"
    assert set(unpacked(once[MIME], "q1")) == {"q1.json"}
    assert MIME not in again


def test_no_other_number_is_touched() -> None:
    with display() as shown:
        points = spotify.q1.grade(None, None)
        for other in (float("0.0"), 0.0, 1.5, 0, True, [points], None):
            assert set(shown(other)) == {"text/plain"}
        assert MIME in shown(points)


def test_a_formatter_for_floats_that_was_there_goes_on() -> None:
    import IPython

    with display() as shown:
        formatter = IPython.get_ipython().display_formatter.mimebundle_formatter
        formatter.for_type(float, lambda value: {"text/x-mine": str(value)})
        points = spotify.q1.grade(None, None)
        assert shown(2.5)["text/x-mine"] == "2.5"
        assert MIME in shown(points)


def test_only_the_last_grading_of_a_cell_counts() -> None:
    with display() as shown:
        first, second = spotify.q1.grade(None, None), spotify.q1.grade(None, None)
        assert MIME not in shown(first)
        assert MIME in shown(second)


def test_a_fresh_kernel_and_a_terminal_get_the_points_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert spotify.q1.grade(None, None) == 0.0
    monkeypatch.setenv(bundle.FRESH, "1")
    with display() as shown:
        assert set(shown(spotify.q1.grade(None, None))) == {"text/plain"}


def test_a_lesson_leaves_nothing() -> None:
    from checker.assignments import lessons

    question = next(one for one in lessons.dropout.questions if hasattr(one, "grade"))
    assert not question.graded
    with display() as shown:
        assert MIME not in shown(question.grade(None))


def test_jupyters_own_format_accepts_it_and_keeps_it_on_one_line() -> None:
    with display() as shown:
        book = nbformat.reads(notebook({"q1": shown(spotify.q1.grade(None, None))}).decode(), as_version=4)
    nbformat.validate(book)
    again = json.loads(nbformat.writes(book))
    assert unpacked(again["cells"][0]["outputs"][0]["data"][MIME], "q1")


def test_nbgrader_scores_the_float(monkeypatch: pytest.MonkeyPatch) -> None:
    from nbgrader.utils import determine_grade

    with display() as shown:
        book = nbformat.reads(notebook({"q1": shown(spotify.q1.grade(None, None))}).decode(), as_version=4)
    (cell,) = book.cells
    cell.metadata.nbgrader.update(points=4, cell_type="code")
    assert determine_grade(cell) == (0.0, 4.0)
    cell.outputs[0].data["text/plain"] = "3.5"
    assert determine_grade(cell) == (3.5, 4.0)


# --- the grader's side ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spoilt", "code"),
    [
        ({"question": "q2"}, "evidence.other_question"),
        ({"question": None}, "evidence.other_question"),
        ({"format": 99}, "evidence.format"),
        ({"format": [1]}, "evidence.format"),
        ({"files": None}, "evidence.unreadable"),
        ({"files": [["q1.json", ""]]}, "evidence.unreadable"),
        ({"files": {"../../q1.json": text(b"{}")}}, "evidence.unreadable"),
        ({"files": {"q2.json": text(b"{}")}}, "evidence.unreadable"),
        ({"files": {"q1.json": 7}}, "evidence.unreadable"),
        ({"files": {"q1.json": ["e30="]}}, "evidence.unreadable"),
        ({"files": {"q1.json": "e30="}}, "evidence.unreadable"),
        ({"files": {"q1.json": "not base64!"}}, "evidence.unreadable"),
        ({"files": {"q1.json": "ünïcode"}}, "evidence.unreadable"),
        ({"files": {"q1.json": text(b"{}")[:-8]}}, "evidence.unreadable"),
        ({"files": {"q1.json": base64.b64encode(zlib.compress(b"{}") + b"more").decode()}}, "evidence.unreadable"),
        ({"files": {"q1.json": text(bytes(RECORD_LIMIT + 1))}}, "evidence.too_big"),
        ({"files": {"q1.keras": text(bytes(ARCHIVE_LIMIT + 1))}}, "evidence.too_big"),
        ({"files": {"q1.json": "A" * (2 * RECORD_LIMIT + 1)}}, "evidence.too_big"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bundles_that_are_refused(spoilt: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused) as refused:
        unpacked({**(packed("q1", FILES) or {}), **spoilt}, "q1")
    assert refused.value.code == code


@pytest.mark.parametrize("name", ["../q1", "a/b", "", "q1.json/..", "q" * 65, "q1\n"])
def test_what_is_no_file_name_names_no_question(name: str) -> None:
    with pytest.raises(Refused):
        unpacked(packed(name, {f"{name}.json": b"{}"}), name)


def test_of_a_bomb_no_more_is_expanded_than_the_limit() -> None:
    import tracemalloc

    bomb = {**(packed("q1", FILES) or {}), "files": {"q1.json": text(bytes(200_000_000))}}
    tracemalloc.start()
    with pytest.raises(Refused):
        unpacked(bomb, "q1")
    assert tracemalloc.get_traced_memory()[1] < 8 * RECORD_LIMIT
    tracemalloc.stop()


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
@settings(max_examples=100, deadline=None)
def test_any_other_value_is_refused(value: Any) -> None:
    with pytest.raises(Refused):
        unpacked(value, "q1")
