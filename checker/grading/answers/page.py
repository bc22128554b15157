"""The page on which a person reads the answers: group by group, the rubric beside, without scripts."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from markupsafe import Markup, escape

from checker.grading.answers.gather import Gathered, Written
from checker.grading.answers.sorted_answers import LARGEST_GROUPS, SortedQuestion
from checker.grading.answers.table import notes
from checker.language import N_, get_language, translate
from checker.show import html
from checker.show.words import visible

_WORDS = re.compile(r"\s+|[A-Za-z0-9_'’]+|.", re.DOTALL)

MOST_WORDS = 800
"""Words of a text beyond which its differences from the group's first are not marked."""


def render(gathered: Gathered, questions: Sequence[SortedQuestion], table: str) -> str:
    """The page, in the language in force.

    Args:
        gathered: what was gathered.
        questions: the same in groups.
        table: the spreadsheet's name, beside the page.
    """
    return (
        html.environment()
        .get_template("answers.html")
        .render(
            _=translate,
            notes=notes,
            differing=differing,
            worth=worth,
            visible=_shown,
            gathered=gathered,
            questions=questions,
            table=table,
            language=html.LANGUAGE_TAGS[get_language()],
            largest_groups=LARGEST_GROUPS,
        )
    )


def worth(points: float) -> str:
    """So many points, in words."""
    return translate(N_("1 point") if points == 1 else N_("{points} points"), points=f"{points:g}")


def _shown(text: str) -> str:
    return "\n".join(map(visible, text.splitlines()))


def differing(answer: Written, first: Written) -> Markup:
    """An answer's text, the words that the group's first answer does not have marked."""
    text, model = _WORDS.findall(_shown(answer.text)), _WORDS.findall(_shown(first.text))
    if answer is first or max(len(text), len(model)) > MOST_WORDS:
        return Markup(escape("".join(text)))
    parts = []
    for kind, _, _, start, end in difflib.SequenceMatcher(None, model, text, autojunk=False).get_opcodes():
        piece = escape("".join(text[start:end]))
        parts.append(piece if kind == "equal" or not piece.strip() else Markup("<mark>") + piece + Markup("</mark>"))
    return Markup("").join(parts)
