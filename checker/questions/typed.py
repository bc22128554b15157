"""Answers as learners type them: a letter or a number, read with the goodwill of a teacher."""

from __future__ import annotations

import math
import unicodedata
from typing import Any


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


def _without_marks(text: str) -> str:
    """The text without the punctuation and spaces around it."""
    marks = "".join(mark for mark in set(text) if mark.isspace() or unicodedata.category(mark)[0] in "PSZC")
    return text.strip(marks)


def _only_element(value: Any) -> Any:
    """What an array, a list or a tuple with a single element holds; anything else as it is."""
    for _ in range(8):  # deeper is no answer, and may be a list that holds itself
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
