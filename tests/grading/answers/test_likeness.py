"""Alike answers stand together: what was measured on the invented answers, and what must hold for any."""

from __future__ import annotations

import re

import compose
import measure_groups
import pytest
from place import TESTS

from checker.grading.answers import likeness
from checker.grading.answers.likeness import grouped


@pytest.fixture(scope="module")
def answers() -> dict[str, list[compose.Invented]]:
    everything = compose.read()
    return {name: [each for each in everything if each.question == name] for name in compose.QUESTIONS}


def test_the_committed_answers_are_the_ones_that_are_composed(answers: dict[str, list[compose.Invented]]) -> None:
    assert [each for part in answers.values() for each in part] == list(compose.invented())


def test_the_set_is_what_its_page_says(answers: dict[str, list[compose.Invented]]) -> None:
    for part in answers.values():
        assert len(part) >= 200
        assert {each.language for each in part} == {"en", "zh"}
        assert {each.kind for each in part} == {"right", "half", "wrong", "copied", "empty"}
        assert {each.mark for each in part} == {0.0, 1.0, 2.0}


@pytest.mark.parametrize("question", compose.QUESTIONS)
def test_groups_agree_in_their_mark_and_hold_half_the_class(
    answers: dict[str, list[compose.Invented]], question: str
) -> None:
    got = measure_groups.measure(answers[question])
    assert got.agree >= 0.9
    assert got.first >= 0.9
    assert got.agree_in_groups >= 0.88
    assert got.covered >= 0.5
    assert got.to_read <= 0.5


def test_the_page_s_table_is_the_measured_one(answers: dict[str, list[compose.Invented]]) -> None:
    page = (TESTS / "answers/README.md").read_text("utf-8")
    for question, part in answers.items():
        got = measure_groups.measure(part)
        (row,) = re.findall(rf"^\| {question} both \|(.*)$", page, re.MULTILINE)
        cells = [cell.strip() for cell in row.split("|")]
        assert cells[:4] == [str(got.answers), str(got.groups), str(got.single), f"{got.agree:.1%}"]


@pytest.mark.parametrize("question", compose.QUESTIONS)
def test_copies_are_seen_and_sentences_written_apart_are_none(
    answers: dict[str, list[compose.Invented]], question: str
) -> None:
    found = measure_groups.copies(answers[question], question)
    assert found.found >= 0.9 * found.copies > 0
    assert found.alike_by_chance < likeness.COPIED


def test_time_grows_no_faster_than_the_square() -> None:
    grouped(["warm up", "what is imported"])
    few, many = measure_groups.seconds(300), measure_groups.seconds(1_200)
    assert many < 16 * max(few, 0.05) * 3


def test_each_text_is_in_one_group_whatever_it_is() -> None:
    texts = ["", " ", "?", "!!", "a", "A", "ａ", "same words", "Same words!", "不知道", "\x00", "🙂", "x" * 50_000]
    grouping = grouped(texts)
    assert sorted(place for group in grouping.groups for place in group) == list(range(len(texts)))


def test_none_and_one() -> None:
    assert grouped([]).groups == ()
    assert grouped(["alone"]).groups == ((0,),)


def test_the_same_words_are_one_group_and_two_languages_are_two() -> None:
    english, chinese = "The plain network memorised all of its songs.", "原来的网络把训练集里的歌曲背了下来。"
    grouping = grouped([english, chinese, english.upper(), f" {chinese}"])
    assert sorted(map(sorted, grouping.groups)) == [[0, 2], [1, 3]]
    assert grouping.near == {0: (2,), 2: (0,), 1: (3,), 3: (1,)}


def test_two_short_answers_alike_are_no_copies() -> None:
    assert grouped(["I don't know", "I don't know."]).near == {}


def test_neighbouring_groups_are_more_alike_than_distant_ones(answers: dict[str, list[compose.Invented]]) -> None:
    texts = [each.text for each in answers["spotify/q4-explanation"] if each.text]
    firsts = [texts[group[0]] for group in grouped(texts).groups]
    cosines = likeness.cosines([likeness.normal(text) for text in firsts])
    count = len(firsts)
    beside = sum(cosines[place, place + 1] for place in range(count - 1)) / (count - 1)
    apart = (cosines.sum() - count) / (count * (count - 1))
    assert beside > 1.5 * apart


def test_a_large_class_is_grouped_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{each.text} {number}" for number, each in enumerate(compose.read()) if each.text]
    monkeypatch.setattr(likeness, "LARGEST", 200)
    groups = grouped(texts).groups
    assert sorted(place for group in groups for place in group) == list(range(len(texts)))
    assert len(groups) < 0.7 * len(texts)
