"""Whose networks are copies of each other's: by their weights, by what they compute, and by their curves.

Equal weights are a copied file. What a network computes stays the same when its hidden units are reordered,
and when a unit's incoming weights are multiplied by a number and its outgoing ones divided by it (``relu(a x) =
a relu(x)`` for ``a > 0``): networks are compared at fixed inputs. Curves equal to the last digit are one training.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

from checker.grading.results import Answered

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ALIKE: Final = 0.98
"""Cosine of two sketches from which weights count as copies of each other; see ``Evidence.sketch``.

Networks of the same shape trained from different seeds stay below 0.6 (``tests/grading/test_batch.py`` measures it).
"""

PROBES: Final = 64

DIFFERENCE: Final = 0.04
"""Length of the difference of two responses up to which networks compute the same; see ``Evidence.responses``.

Networks of the same shape trained from different seeds are at least 0.21 apart, reordered and rescaled ones less than
0.0001, those with noise of 2 % on each weight about 0.02 (``tests/grading/measure_likeness.py``).
"""

SAME: Final = 1 - DIFFERENCE**2 / 2
"""The cosine that belongs to :data:`DIFFERENCE`."""


@cache
def probes(data: str) -> NDArray[np.float32]:
    """Inputs at which networks for this data set are compared: each feature comes from another row of the data.

    Networks trained apart agree on the rows themselves, which they were fitted to, and less between them.
    """
    import numpy as np

    from checker import datasets

    rows = datasets.split(data).X_valid
    generator = np.random.default_rng(PROBES)
    return generator.permuted(rows[generator.choice(len(rows), PROBES)], axis=0)


def alike(answers: Sequence[tuple[str, Answered]]) -> list[list[str]]:
    """Students whose networks or curves for a question are copies of each other, largest group first.

    Args:
        answers: students and their outcomes in the question.
    """
    found = groups([(student, each.sketch) for student, each in answers if each.sketch])
    found += groups([(student, each.responses) for student, each in answers if each.responses], SAME)
    curves: dict[str, list[str]] = {}
    for student, each in answers:
        if each.curves:
            curves.setdefault(each.curves, []).append(student)
    return _joined([*found, *curves.values()])


def groups(sketches: Sequence[tuple[str, tuple[float, ...]]], cosine: float = ALIKE) -> list[list[str]]:
    """Students whose sketches are nearly parallel, largest group first.

    Args:
        sketches: students and vectors of length 1, all of the same dimension.
        cosine: from which on two count as parallel.
    """
    import numpy as np

    if len(sketches) < 2:
        return []
    vectors = np.array([sketch for _, sketch in sketches], np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)  # they were rounded
    block = max(1, 4_000_000 // len(sketches))  # of the table of cosines, 16 MB at a time
    leader = list(range(len(sketches)))
    for start in range(0, len(sketches), block):
        rows, columns = np.nonzero(vectors[start : start + block] @ vectors.T > cosine)
        for row, column in zip((rows + start).tolist(), columns.tolist(), strict=True):
            leader[_root(leader, column)] = _root(leader, row)
    members: dict[int, list[str]] = {}
    for number, (student, _) in enumerate(sketches):
        members.setdefault(_root(leader, number), []).append(student)
    return _joined(members.values())


def _joined(sets: Iterable[Sequence[str]]) -> list[list[str]]:
    """The sets of two or more students, those that share a student made one, largest first."""
    wanted = [students for students in sets if len(students) > 1]
    names = sorted({student for students in wanted for student in students})
    number = {student: place for place, student in enumerate(names)}
    leader = list(range(len(names)))
    for first, *others in wanted:
        for other in others:
            leader[_root(leader, number[other])] = _root(leader, number[first])
    members: dict[int, list[str]] = {}
    for student in names:
        members.setdefault(_root(leader, number[student]), []).append(student)
    return sorted(members.values(), key=lambda group: (-len(group), group))


def _root(leader: list[int], number: int) -> int:
    while leader[number] != number:
        leader[number] = leader[leader[number]]
        number = leader[number]
    return number
