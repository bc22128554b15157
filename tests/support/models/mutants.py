"""Machine-made mistakes: every single edit of the two Spotify networks, in the learners' styles by turns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import cycle
from typing import Any

from models.case import Case, First, stack
from models.right import ANSWERS, WIDTHS
from models.styles import STYLES

Mutant = tuple[str, list[str], First]
NEW = ("d.2", "B", "D32r", "L")
KEEPING_NUMBERS = [style for style in STYLES if style.__name__ not in ("with_what_changes_nothing", "popped")]


def mutants(words: Sequence[str]) -> Iterator[Mutant]:
    """Each mutant of a network, and the only finding that explains it."""
    words = list(words)
    numbers = range(1, len(words) + 1)
    for index in range(len(words)):
        before, word, after = words[:index], words[index], words[index + 1 :]
        yield f"without layer {index + 1}", [*before, *after], First("layer.missing")
        yield f"layer {index + 1} twice", [*before, word, word, *after], First("layer.extra", (index + 1, index + 2))
        for other, setting in changes(word):
            name = "layer.frozen" if setting == "trainable" else "layer.setting"
            says = () if setting == "trainable" else (("setting", setting),)
            yield f"{other} as layer {index + 1}", [*before, other, *after], First(name, (index + 1,), says)
        if after and after[0] != word:
            yield (
                f"layers {index + 1} and {index + 2} swapped",
                [*before, after[0], word, *after[1:]],
                First("layer.moved", tuple(numbers)),
            )
    for index in range(len(words) + 1):
        new = NEW[index % len(NEW)]
        yield (
            f"{new} before layer {index + 1}",
            [*words[:index], new, *words[index:]],
            First("layer.extra", (index + 1,)),
        )


def changes(word: str) -> Iterator[tuple[str, str]]:
    """Other words for a layer with one setting changed, and the setting's name."""
    if word.startswith("D"):
        units = word.strip("Dr")
        yield word.replace(units, str(int(units) + 1)), "units"
        yield f"D{units}{'' if word.endswith('r') else 'r'}", "activation"
        yield f"D{units}t", "activation"
    elif word.startswith("d"):
        yield "d.4", "rate"
    elif word == "B":
        yield "B*", "trainable"


def cases() -> Sequence[Case]:
    styles = cycle(KEEPING_NUMBERS)

    def build(words: Sequence[str], width: int, style: Any) -> Any:
        return style(stack(" ".join(words)), width)

    return [
        Case(question, f"{what} ({style.__name__})", partial(build, mutant, WIDTHS[question], style), (first,), 1)
        for question, answer in ANSWERS.items()
        for (what, mutant, first), style in zip(mutants(answer.split()), styles, strict=False)
    ]
