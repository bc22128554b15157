"""A letter and a number as learners type them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from checker.questions.typed import as_letter, as_number


@pytest.mark.parametrize(
    "typed",
    [
        "a",
        " A ",
        "ａ",
        "Ａ",
        "a。",
        "（a）",
        "“a”",
        "a．",
        "【Ａ】",
        "「a」",
        "‘a’",
        "a)",
        "(a)",
        "a:",
        "a、",
        "\u3000a\u3000",
        "\ufeffa",
    ],
)
def test_a_letter_however_it_is_typed(typed: str) -> None:
    assert as_letter(typed) == "a"


@pytest.mark.parametrize(
    ("typed", "read"),
    [(None, None), ("", ""), ("  ", ""), (1, "?"), (["a"], "?"), ("a b", "a b"), ("?", "?"), ("ab", "ab")],
)
def test_what_is_no_letter_stays_what_it_is(typed: Any, read: str | None) -> None:
    assert as_letter(typed) == read


@pytest.mark.parametrize(
    "given",
    [12, 12.0, np.int64(12), np.float32(12), np.array(12), np.array([12]), np.array([[12]]), [12], (12,), [[12]]],
)
def test_a_number_however_it_is_held(given: Any) -> None:
    number = as_number(given)
    assert type(number) is float
    assert number == 12.0


@pytest.mark.parametrize(
    "given",
    [
        None,
        True,
        np.True_,
        np.array([True]),
        "12",
        b"12",
        np.array("12"),
        np.array(["12"]),
        ["12"],
        bytearray(b"12"),
        [],
        [1, 2],
        np.array([]),
        np.array([1, 2]),
        float("nan"),
        np.inf,
        10**400,
        object(),
    ],
)
def test_what_is_no_number(given: Any) -> None:
    assert as_number(given) is None


def test_a_list_that_holds_itself_is_no_number() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert as_number(endless) is None
