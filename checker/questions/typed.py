"""Answers as learners type them: a letter or a number, read with the goodwill of a teacher."""

from __future__ import annotations

import math
import unicodedata
from typing import Any

from checker.report import Finding

LONGEST = 20
"""Characters that an answer may have."""

DEEPEST = 8
"""Lists in lists that are looked into: deeper is no answer, and may be a list that holds itself."""


def as_letter(answer: Any) -> str | None:
    """A choice as a small letter.

    Full-width letters and the brackets, quotes and full stops around them, as a Chinese input method types them, are
    what the learner means: ``"（Ａ）"`` is ``"a"``.

    Args:
        answer: what the learner wrote.

    Returns:
        The letter; None if there is no answer yet, ``"?"`` for what is no text.
    """
    if answer is None:
        return None
    if not isinstance(answer, str):
        return "?"
    text = unicodedata.normalize("NFKC", answer).strip().lower()
    return _without_marks(text) or text


def as_number(value: Any) -> float | None:
    """The value as a finite float.

    One element in an array, a list or a tuple, however deep, is that element: ``np.where(...)[0]`` gives
    ``array([12])``.

    Args:
        value: what the learner wrote.

    Returns:
        The number; None for what is not one (a bool is not, text and bytes are not, nor are several numbers).
    """
    try:
        return _finite(_only_element(value))
    except Exception:  # a learner's object may raise anything
        return None


def no_number(value: Any, name: str) -> Finding | None:
    """What to say of an answer that :func:`as_number` does not take; None for a number and where nothing is filled in.

    Args:
        value: what the learner wrote.
        name: the notebook's name for it.
    """
    if value is None or as_number(value) is not None:
        return None
    if (typed := _number_in_text(value)) is not None:
        return Finding("number.text", params={"name": name, "value": f"{typed:g}"})
    if (count := _count(value)) != 1:
        return Finding("number.several", params={"name": name, "count": count})
    return Finding("number.not_a_number", params={"name": name})


def _number_in_text(value: Any) -> float | None:
    """The number that text or bytes hold, ``"0.3"`` or ``b"0.3"``, also in full-width digits; None for none."""
    try:
        text = _only_element(value)
        if isinstance(text, bytes | bytearray):
            text = bytes(text[:LONGEST]).decode("utf-8", "replace")
        if not isinstance(text, str) or len(text) > LONGEST:
            return None
        number = float(unicodedata.normalize("NFKC", text).strip(" \t\n\"'\u201c\u201d\u2018\u2019"))
    except Exception:  # a learner's object may raise anything
        return None
    return number if math.isfinite(number) else None


def _count(value: Any) -> int:
    """How many values a list, a tuple or an array holds; 1 for anything else."""
    try:
        for _ in range(DEEPEST):
            if not (isinstance(value, list | tuple) and len(value) == 1):
                break
            value = value[0]
        size = getattr(value, "size", None)
        return len(value) if isinstance(value, list | tuple) else size if isinstance(size, int) else 1
    except Exception:  # a learner's object may raise anything
        return 1


def noted_letter(answer: Any) -> str | None:
    """A choice as a record keeps it, so that a grader reads the same: the letter, ``"?"`` for what is none."""
    letter = as_letter(answer)
    return letter if letter is None or len(letter) < LONGEST else "?"


def _without_marks(text: str) -> str:
    """The text without the punctuation and spaces around it."""
    marks = "".join(mark for mark in set(text) if mark.isspace() or unicodedata.category(mark)[0] in "PSZC")
    return text.strip(marks)


def _only_element(value: Any) -> Any:
    """What an array, a list or a tuple with a single element holds; anything else as it is."""
    for _ in range(DEEPEST):
        if isinstance(value, list | tuple) and len(value) == 1:
            value = value[0]
        elif getattr(value, "shape", None) and all(size == 1 for size in value.shape):
            value = value.item()
        else:
            break
    return value


def _finite(value: Any) -> float | None:
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if isinstance(value, bool | str | bytes | bytearray) or value is None or kind in ("b", "S", "U"):
        return None
    number = float(value)
    return number if math.isfinite(number) else None
