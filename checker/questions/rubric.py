"""How a teacher gives points for an answer in words: what earns them, and answers that show it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Level:
    """One step of a rubric.

    Attributes:
        points: what an answer of this level earns.
        description: what such an answer says, a message.
        sample: one such answer, a message.
    """

    points: float
    description: str
    sample: str


@dataclass(frozen=True)
class Rubric:
    """How one written answer is marked.

    Attributes:
        levels: from none of the points to all of them.
        common_errors: misconceptions to look for, and what to reply, messages.
    """

    levels: tuple[Level, ...]
    common_errors: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Levels rise from 0.

        Raises:
            ValueError: they do not.
        """
        points = [level.points for level in self.levels]
        if len(points) < 2 or points[0] != 0 or points != sorted(set(points)):
            raise ValueError(f"levels rise from 0, these are {points}")

    @property
    def points(self) -> float:
        """What the best answer earns."""
        return self.levels[-1].points
