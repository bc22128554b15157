"""The course's assignments: declarations, no logic.

Each module declares one and shows its questions as ``spotify.q1``, so that a notebook can say
``from checker.assignments import spotify as exercise``.
"""

from __future__ import annotations

from importlib import import_module

from checker.questions import Assignment

NAMES = ("spotify", "challenge", "clinic")


def find(name: str) -> Assignment:
    """The assignment of that name.

    Raises:
        KeyError: for a name that is not in ``NAMES``.
    """
    if name not in NAMES:
        raise KeyError(name)
    found: Assignment = import_module(f"{__name__}.{name}").assignment
    return found
