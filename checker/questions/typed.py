"""What a learner typed: a letter, a number."""

from __future__ import annotations

import math
from typing import Any


def as_letter(answer: Any) -> str | None:
    """A choice as a small letter; None if there is none yet, ``"?"`` for what is no text."""
    if answer is None:
        return None
    return answer.strip().lower() if isinstance(answer, str) else "?"


def as_number(value: Any) -> float | None:
    """The value as a finite float; None for what is not a number (a bool is not)."""
    if isinstance(value, bool | str | bytes) or value is None:
        return None
    try:
        number = float(value)
    except Exception:  # a learner's object may raise anything
        return None
    return number if math.isfinite(number) else None
