"""The evidence that a notebook carries in its outputs, and which evidence counts where there is more than one.

A bundle counts only in the graded cell of its own question. Outputs are looked at nowhere else, and parsed only where
a graded cell holds a bundle.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from checker.grading.notebook_file import salvaged
from checker.questions.bundle import MIME, unpacked
from checker.questions.evidence import Completeness, completeness
from checker.reading.archive import (
    ARCHIVE_LIMIT,
    SUBMISSION_LIMIT,
    Refused,
    json_object,
    outputs_apart,
)

OUTPUTS_LIMIT: Final = 2 * ARCHIVE_LIMIT
"""Bytes of a graded cell's outputs that are parsed."""

OUTPUT_VALUES: Final = 10_000
MOST_BUNDLES: Final = 16
"""Bundles of a notebook that are read."""

DAMAGED: Final = "submission.evidence_damaged"
DIFFERS: Final = "submission.evidence_differs"


@dataclass(frozen=True)
class Carried:
    """What a notebook carries.

    Attributes:
        bundles: each bundle that could be read: its question, and its files by name.
        problems: message codes of what a person should know.
    """

    bundles: tuple[tuple[str, Mapping[str, bytes]], ...] = field(default=(), repr=False)
    problems: tuple[str, ...] = ()

    def __add__(self, other: Carried) -> Carried:
        return Carried(self.bundles + other.bundles, self.problems + other.problems)


def carried(content: bytes, question_of: Callable[[Mapping[str, Any]], str | None]) -> Carried:
    """The evidence in a notebook file's outputs; never raises for any content.

    Args:
        content: the file, in UTF-8.
        question_of: the id of the question whose graded cell this is; None for any other cell.
    """
    bundles: list[tuple[str, Mapping[str, bytes]]] = []
    left, damaged = SUBMISSION_LIMIT, False
    for question, bundle in _bundles(content, question_of):
        try:
            if bundle is None or len(bundles) == MOST_BUNDLES:
                raise Refused("evidence.too_big")
            files = unpacked(bundle, question)
            left -= sum(map(len, files.values()))
            if left < 0:
                raise Refused("evidence.too_big")
            bundles.append((question, files))
        except Refused:
            damaged = True
    return Carried(tuple(bundles), (DAMAGED,) if damaged else ())


def _bundles(content: bytes, question_of: Callable[[Mapping[str, Any]], str | None]) -> Iterator[tuple[str, Any]]:
    """Each bundle in a graded cell's outputs; None stands for outputs that cannot be read."""
    name = MIME.partition("/")[2].encode()
    if name not in content:
        return
    try:
        text, lists = outputs_apart(content)
    except Refused:
        return
    for cell in _cells(text):
        place = _place(cell, lists)
        if place is None or content.find(name, place.start, place.stop) < 0 or (question := question_of(cell)) is None:
            continue
        try:
            outputs = json_object(b'{"outputs":[%b]}' % content[place], OUTPUTS_LIMIT, OUTPUT_VALUES)["outputs"]
        except Refused:
            yield question, None
            continue
        for output in outputs:
            data = output.get("data") if isinstance(output, dict) else None
            if isinstance(data, dict) and MIME in data:
                yield question, data[MIME]


def _cells(text: bytes) -> list[Any]:
    """A notebook's cells; of a broken file those that can be read."""
    try:
        cells = json.loads(text).get("cells")
    except (ValueError, AttributeError, RecursionError, MemoryError):
        return salvaged(text)[0]
    return cells if isinstance(cells, list) else []


def _place(cell: Any, lists: list[slice]) -> slice | None:
    """Where the outputs of a cell stand in the file."""
    numbers = cell.get("outputs") if isinstance(cell, dict) else None
    number = numbers[0] if isinstance(numbers, list) and len(numbers) == 1 else None
    return lists[number] if type(number) is int and 0 <= number < len(lists) else None


def counting(carried: Carried, folder: Mapping[str, bytes]) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """The evidence that counts, question by question, and message codes of what a person should know.

    The complete one wins over one of which something is missing or altered, and of complete ones the newer. When it
    was saved is the learner's own claim: it chooses between a learner's own answers, and proves nothing.

    Args:
        carried: what the notebook carries.
        folder: the evidence files beside it, by name.
    """
    chosen, problems = dict(folder), list(carried.problems)
    for question in dict.fromkeys(question for question, _ in carried.bundles):
        beside = {name: folder[name] for name in (f"{question}.json", f"{question}.keras") if name in folder}
        found = [files for of, files in carried.bundles if of == question] + ([beside] if beside else [])
        if len(found) == 1:  # nothing to choose, as in most submissions
            chosen.update(found[0])
            continue
        states = [completeness(files, question) for files in found]
        if _differ(states):
            problems.append(DIFFERS)
        best = max(range(len(found)), key=lambda number: (states[number].whole, states[number].saved))
        for name in beside:
            del chosen[name]
        chosen.update(found[best])
    return chosen, tuple(dict.fromkeys(problems))


def _differ(states: Iterable[Completeness]) -> bool:
    """Whether complete evidence says different things, whenever it was saved."""
    return len({state.said for state in states if state.whole}) > 1
