"""The side-by-side table of a network and the expected one, which align writes and a report carries."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the side-by-side table: your network, the expected one, what to do.

    Attributes:
        action: ``"ok"``, ``"add"``, ``"remove"``, ``"change"`` or ``"move"``.
        number: the learner's layer, counted from 1; None where the learner has none here.
        actual: the learner's layer as Keras code; None where there is none.
        expected: the expected layer as Keras code; None where none is expected.
        detail: what to change, as Keras code: ``"rate=0.3"``; empty where the action says it all.
    """

    action: str
    number: int | None = None
    actual: str | None = None
    expected: str | None = None
    detail: str = ""
