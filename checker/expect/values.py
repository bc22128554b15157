"""The values that a setting may have, and how they are compared and written."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Allowed:
    """The values that a setting may have: one of some, or a range, or anything.

    Attributes:
        values: the values allowed, empty for a range.
        low, high: the ends of a range, inclusive.
        example: the value that the reference has.
    """

    values: tuple[Any, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    example: Any = None

    def accepts(self, value: Any) -> bool:
        """Whether a setting may have this value; numbers are compared with a relative tolerance of 1e-6."""
        if self.values:
            return any(same(value, allowed) for allowed in self.values)
        if self.unbounded:
            return True
        return _is_number(value) and (self.low <= value <= self.high or same(value, self.low) or same(value, self.high))

    def nearest(self, value: Any) -> Any:
        """The allowed value to go to from this one."""
        if self.accepts(value):
            return value
        if self.values or not _is_number(value):
            return self.example
        return self.low if value < self.low else self.high

    @property
    def exact(self) -> bool:
        return len(self.values) == 1

    @property
    def unbounded(self) -> bool:
        return not self.values and math.isinf(self.low) and math.isinf(self.high)

    @property
    def text(self) -> str:
        """As it is written in a table: ``0.3``, ``0.2 … 0.5``, ``≥ 16``, ``"relu" | "elu"``."""
        if self.values:
            return " | ".join(literal(value) for value in self.values)
        if self.unbounded:
            return "…"
        if math.isinf(self.high):
            return f"≥ {literal(self.low)}"
        return f"≤ {literal(self.high)}" if math.isinf(self.low) else f"{literal(self.low)} … {literal(self.high)}"


def between(low: float, high: float, example: float | None = None) -> Allowed:
    """A number from low to high, both included; the reference has ``example`` (by default the middle)."""
    return Allowed(low=low, high=high, example=_middle(low, high) if example is None else example)


def at_least(low: float, example: float | None = None) -> Allowed:
    """A number from low on."""
    return Allowed(low=low, example=low if example is None else example)


def at_most(high: float, example: float | None = None) -> Allowed:
    """A number up to high."""
    return Allowed(high=high, example=high if example is None else example)


def one_of(*values: Any) -> Allowed:
    """One of these values; the reference has the first."""
    return Allowed(values, example=values[0])


def anything(example: Any = None) -> Allowed:
    """Any value; the reference has ``example``."""
    return Allowed(example=example)


def same(left: Any, right: Any) -> bool:
    """Whether two settings are equal; numbers with a relative tolerance of 1e-6, but True is not 1."""
    if _is_number(left) and _is_number(right):
        return math.isclose(left, right, rel_tol=1e-6, abs_tol=1e-9)
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(same(*pair) for pair in zip(left, right, strict=True))
    return type(left) is type(right) and bool(left == right)


def literal(value: Any) -> str:
    """A setting as Python code, strings in double quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping) and "class_name" in value:  # a regularizer or constraint
        return f"{value['class_name']}({', '.join(f'{k}={literal(v)}' for k, v in value.get('config', {}).items())})"
    if isinstance(value, float):
        return f"{value:.10g}" if not value.is_integer() or abs(value) >= 1e16 else f"{value:.1f}"
    return repr(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _middle(low: float, high: float) -> float:
    return (low + high) // 2 if isinstance(low, int) and isinstance(high, int) else round((low + high) / 2, 10)


def as_allowed(value: Any) -> Allowed:
    """The value itself, where no choice is given, as the only one allowed."""
    return value if isinstance(value, Allowed) else Allowed((value,), example=value)
