"""The answers of each question in groups of alike ones, as the page and the spreadsheet show them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from checker.grading.answers.gather import Asked, Gathered, Written
from checker.grading.answers.likeness import grouped

LARGEST_GROUPS: Final = 20
"""So many groups of a question should hold half of its answers; the page says whether they do."""


@dataclass(frozen=True)
class Group:
    """Alike answers to one question.

    Attributes:
        name: what it is called on the page and in the spreadsheet, ``"q2-explanation 3"``.
        answers: the most typical first, the ones most like it next.
    """

    name: str
    answers: tuple[Written, ...]

    @property
    def first(self) -> Written:
        return self.answers[0]


@dataclass(frozen=True)
class SortedQuestion:
    """One question's answers in groups.

    Attributes:
        asked: the question.
        title: what it is called.
        groups: neighbours are alike; the last one holds those who wrote nothing.
        near: by student, the other students whose answers are nearly the same text; not where code is asked for, which
            is alike when it is right.
    """

    asked: Asked
    title: str
    groups: tuple[Group, ...]
    near: dict[str, tuple[str, ...]]

    @property
    def written(self) -> int:
        """How many wrote something."""
        return sum(1 for answer in self.asked.answers if answer.text)

    @property
    def waiting(self) -> int:
        """How many answers wait for a person."""
        return sum(1 for answer in self.asked.answers if answer.mark.waits)

    @property
    def largest(self) -> tuple[Group, ...]:
        """The largest groups of what was written, largest first; single answers are no group."""
        several = [group for group in self.groups if len(group.answers) > 1 and group.first.text]
        return tuple(sorted(several, key=lambda group: -len(group.answers))[:LARGEST_GROUPS])

    @property
    def covered(self) -> float:
        """The share of what was written that the largest groups hold, in [0, 1]."""
        return sum(len(group.answers) for group in self.largest) / self.written if self.written else 0.0


def sort(gathered: Gathered) -> tuple[SortedQuestion, ...]:
    """Put each question's answers into groups."""
    return tuple(_sorted(asked, gathered.title(asked)) for asked in gathered.asked)


def _sorted(asked: Asked, title: str) -> SortedQuestion:
    written = [answer for answer in asked.answers if answer.text]
    nothing = tuple(answer for answer in asked.answers if not answer.text)
    grouping = grouped([answer.text for answer in written])
    near = {
        written[place].student: tuple(dict.fromkeys(written[other].student for other in others))
        for place, others in ({} if asked.code else grouping.near).items()
    }
    groups: Iterator[tuple[Written, ...]] = (tuple(written[place] for place in group) for group in grouping.groups)
    whole = [*groups, *([nothing] if nothing else [])]
    named = tuple(Group(f"{title} {number}", each) for number, each in enumerate(whole, 1))
    return SortedQuestion(asked, title, named, near)
