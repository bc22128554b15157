"""How well groups of alike answers serve who marks: ``python tests/answers/measure_groups.py`` prints the table.

Measured on the invented answers of ``answers.csv``; those who wrote nothing are left out, they are no group of wording.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from compose import QUESTIONS, Invented, read, sentences

from checker.grading.answers import likeness
from checker.grading.answers.sorted_answers import LARGEST_GROUPS

THRESHOLDS = tuple(round(0.20 + 0.02 * step, 2) for step in range(13))
WANTED = 0.9
"""Share of the answers that should have their group's mark."""


@dataclass(frozen=True)
class Measured:
    """What grouping made of some answers.

    Attributes:
        answers, groups, single: how many answers, groups, and groups of one answer, which agree with themselves.
        agree: share of all answers whose mark is the most frequent one of their group.
        first: share of all answers whose mark is that of their group's first answer, which a mark for the group copies.
        agree_in_groups: as ``agree``, but of the answers in groups of two and more.
        covered: share of the answers that the largest groups of two and more hold.
        to_read: share of the answers that are left to read where a group's first is read alone.
    """

    answers: int
    groups: int
    single: int
    agree: float
    first: float
    agree_in_groups: float
    covered: float

    @property
    def to_read(self) -> float:
        return self.groups / self.answers


def measure(answers: Sequence[Invented], alike: float = likeness.ALIKE) -> Measured:
    """Group the answers and compare their marks."""
    written = [answer for answer in answers if answer.text]
    marks = [
        [written[place].mark for place in group]
        for group in likeness.grouped([answer.text for answer in written], alike).groups
    ]
    several = [group for group in marks if len(group) > 1]
    agreeing = sum(Counter(group).most_common(1)[0][1] for group in marks)
    single = len(marks) - len(several)
    return Measured(
        len(written),
        len(marks),
        single,
        agreeing / len(written),
        sum(mark == group[0] for group in marks for mark in group) / len(written),
        (agreeing - single) / max(1, len(written) - single),
        sum(sorted(map(len, several), reverse=True)[:LARGEST_GROUPS]) / len(written),
    )


def chosen(answers: Sequence[Sequence[Invented]]) -> float:
    """The lowest threshold at which groups agree well enough in each of these sets: the fewest groups."""
    for alike in THRESHOLDS:
        if all(measure(each, alike).agree >= WANTED for each in answers):
            return alike
    return THRESHOLDS[-1]


@dataclass(frozen=True)
class Copies:
    """How many of the copies are flagged, and how alike two sentences get that were written apart."""

    found: int
    copies: int
    alike_by_chance: float


def copies(answers: Sequence[Invented], question: str) -> Copies:
    """Whether near copies are seen as such.

    Whom an invented answer shares a sentence with is chance, so false alarms are counted among the hand-written
    sentences, each of which was written for itself.
    """
    written = [answer for answer in answers if answer.text]
    near = likeness.grouped([answer.text for answer in written]).near
    copied = [
        place
        for place, answer in enumerate(written)
        if answer.kind == "copied" and likeness.weight(likeness.normal(answer.text)) >= likeness.SHORTEST_COPY
    ]
    highest = 0.0
    for language in ("en", "zh"):
        pools = sentences(question, language)
        apart = [likeness.normal(sentence) for pool in pools.values() for sentence in pool]
        cosines = likeness.cosines(apart)
        long = [place for place, text in enumerate(apart) if likeness.weight(text) >= likeness.SHORTEST_COPY]
        highest = max(highest, *(float(cosines[a, b]) for a in long for b in long if a != b))
    return Copies(sum(place in near for place in copied), len(copied), highest)


def seconds(count: int) -> float:
    """How long grouping so many answers takes, on one core."""
    texts = [answer.text for answer in read() if answer.text]
    many = [texts[place % len(texts)] + (f" {place}" if place >= len(texts) else "") for place in range(count)]
    started = time.process_time()
    likeness.grouped(many)
    return time.process_time() - started


def main() -> None:
    everything = read()
    sets = {question: [answer for answer in everything if answer.question == question] for question in QUESTIONS}
    head = "| answers | groups | of one | agree | first | agree, of 2 and more | 20 largest hold | to read |"
    print(f"| class {head}\n|:--|{'--:|' * 8}")
    for question, answers in sets.items():
        for language in ("", "en", "zh"):
            part = [answer for answer in answers if not language or answer.language == language]
            got = measure(part)
            shares = (got.agree, got.first, got.agree_in_groups, got.covered, got.to_read)
            told = " | ".join(f"{share:.1%}" for share in shares)
            name = f"{question} {language or 'both'}"
            print(f"| {name} | {got.answers} | {got.groups} | {got.single} | {told} |")
    print("\nThreshold chosen without the question that it is then tried on:")
    for question, answers in sets.items():
        alike = chosen([other for name, other in sets.items() if name != question])
        got = measure(answers, alike)
        print(f"{question}: {alike:.2f}, agree {got.agree:.1%}, 20 largest hold {got.covered:.1%}, {got.groups} groups")
    print("\nNear copies:")
    for question, answers in sets.items():
        each = copies(answers, question)
        print(f"{question}: {each.found} of {each.copies} found; written apart at most {each.alike_by_chance:.2f}")
    print(f"\nCPU seconds to group 300: {seconds(300):.2f}; 3,000: {seconds(3_000):.2f}; 10,000: {seconds(10_000):.2f}")


if __name__ == "__main__":
    main()
