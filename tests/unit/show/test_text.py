"""Feedback as plain text: aligned, at most 80 columns, also in Chinese."""

from __future__ import annotations

import pytest
from feedback import NETWORK, RIGHT, WRONG, Catalogue, hostile, report
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from checker import language
from checker.report import Advice, Row, Section
from checker.show import text


def test_a_report_reads_like_this() -> None:
    assert text.render(report(NETWORK)) == (
        "Add dropout\n"
        "✗ Question 1: the network still needs a change.\n"
        "0.5 of 2 points\n"
        "\n"
        "Your network beside the expected one\n"
        "Layer  Your network          Expected            What to do\n"
        "----------------------------------------------------------------------------\n"
        "1      Dense(128,            Dense(128,          ✓ right\n"
        '       activation="relu")    activation="relu")\n'
        "new    –                     Dropout(0.3)        + add this layer\n"
        "2      Dropout(0.5)          Dropout(0.3)        → set `rate=0.3`\n"
        "5      Dropout(0.3)          Dropout(0.3)        ↕ move this layer here\n"
        "3      GaussianDropout(0.3)  Dropout(0.3)        → replace it with\n"
        "                                                 `keras.layers.Dropout(0.3)`\n"
        "4      Dropout(0.1)          –                   − remove this layer\n"
        "\n"
        "What to do next\n"
        '  1. After layer 1 `Dense(128, activation="relu")`, add `layers.Dropout(0.3)`.'
    )


@pytest.mark.parametrize("thing", [WRONG, RIGHT, hostile()])
def test_no_line_is_wider_than_the_terminal(thing: object) -> None:
    lines = text.render(thing).splitlines()
    assert max(map(cell_len, lines)) <= text.WIDTH
    assert not any(line.endswith(" ") for line in lines)


def test_chinese_columns_are_aligned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "_catalogue", lambda code: Catalogue())
    rows = tuple(Row("ok", number, f"Dense({10**number})", "Dense(1)") for number in range(1, 4))
    with language.using("zh"):
        lines = text.render(report(Section("architecture", True, 1.0, 1.0, (), rows))).splitlines()
    (head,) = (line for line in lines if line.startswith("层"))
    body = [line for line in lines if line.endswith("✓ 正确")]
    start = cell_len(head[: head.index("期望")])
    assert [cell_len(line[: line.rindex("Dense(1)")]) for line in body] == [start] * 3


def test_chinese_sentences_fill_their_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "_catalogue", lambda code: Catalogue())
    with language.using("zh"):
        lines = text.render(WRONG).splitlines()
    (place,) = (place for place, line in enumerate(lines) if "在第 1 层" in line)
    assert text.WIDTH - 4 < cell_len(lines[place]) <= text.WIDTH
    assert not lines[place + 1].strip().startswith(tuple("，。；："))


@given(st.text(alphabet="ab ，。暂退法", max_size=80), st.integers(8, 40))
def test_folding_loses_no_character_and_keeps_the_width(words: str, width: int) -> None:
    lines = text.folded(words, width)
    assert "".join("".join(lines).split()) == "".join(words.split())
    assert all(cell_len(line) <= width for line in lines)


def test_code_keeps_its_indentation() -> None:
    advice = Advice("Solution", "It works because", "model = f(\n    1,\n)")
    assert text.render(advice).endswith("\n\n    model = f(\n        1,\n    )")


def test_control_characters_are_made_visible() -> None:
    assert not {"\x1b", "\u202e"} & set(text.render(hostile()))


CODES = (
    "Dropout(0.3)",
    "BatchNormalization()",
    'Dense(128, activation="relu")',
    "GaussianDropout(0.123456789)",
    "BatchNormalization(beta_regularizer=None, momentum=0.99)",
)


@given(st.lists(st.tuples(st.integers(1, 999), st.sampled_from(CODES), st.sampled_from(CODES)), min_size=1, max_size=6))
def test_no_table_breaks_code_or_a_number(rows: list[tuple[int, str, str]]) -> None:
    """Words of code stand whole in every table, however long they are, up to a whole line."""
    shown = tuple(
        Row("change", number, actual, expected, f"keras.layers.{expected}") for number, actual, expected in rows
    )
    lines = text.render(report(Section("architecture", False, 0.0, 1.0, (), shown))).splitlines()
    words = " ".join(lines).split()
    for number, actual, expected in rows:
        assert {str(number), *actual.split(), *expected.split()} <= set(words)
        assert f"`keras.layers.{expected.split()[0]}" in " ".join(words)
    assert max(map(cell_len, lines)) <= text.WIDTH


def test_a_table_too_wide_for_the_line_is_read_cell_by_cell() -> None:
    rows = (Row("change", 3, "GaussianDropout(0.3)", "AlphaDropout(0.123456789)", "keras.layers.BatchNormalization()"),)
    shown = text.render(report(Section("architecture", False, 0.0, 1.0, (), rows)))
    assert (
        "Layer: 3\n"
        "Your network: GaussianDropout(0.3)\n"
        "Expected: AlphaDropout(0.123456789)\n"
        "What to do: → replace it with `keras.layers.BatchNormalization()`"
    ) in shown


def test_code_in_a_sentence_stays_on_one_line() -> None:
    sentence = (
        'After layer 10, which you will find further down there, add `Dense(128, activation="relu")`, then train.'
    )
    assert text.folded(sentence, 80) == [
        "After layer 10, which you will find further down there, add",
        '`Dense(128, activation="relu")`, then train.',
    ]
