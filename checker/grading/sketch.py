"""A few numbers that stay the same when a network is copied and its hidden units are put into another order.

The first layer's inputs are the course's own columns, so their order is fixed; its units can be in any order. Each unit
is a direction in the space of inputs. Summing an odd, fast-changing function of these directions over all units gives
numbers that no order of units and no positive scale of a unit (which the next layer can undo) changes, and that are
nearly independent for networks trained apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from checker.grading.untrusted import Array

NUMBERS: Final = 64
SPEED: Final = 3.0
"""Radians by which the function turns for one standard deviation: enough to tell networks apart, little enough to
recognise a copy to which one or two per cent of noise was added."""

_DIGITS = re.compile(r"(\d+)")


def sketch(weights: Mapping[str, Mapping[str, Array]]) -> tuple[float, ...]:
    """The sketch of a network, scaled to length 1; empty without a matrix of finite weights.

    Args:
        weights: the arrays of a saved model, by the path of their group and their name in it.
    """
    import numpy as np

    ordered = sorted(weights.items(), key=lambda item: _natural(item[0]))
    matrices = [array for _, group in ordered for _, array in sorted(group.items()) if array.ndim > 1]
    if not matrices or not matrices[0].size:
        return ()
    first = matrices[0].reshape(-1, matrices[0].shape[-1]).astype(np.float64)
    if not np.isfinite(first).all():
        return ()
    lengths = np.linalg.norm(first, axis=0) if len(first) > 2 else np.full(first.shape[1], np.std(first) or 1.0)
    units = first[:, lengths > 0] / lengths[lengths > 0]
    looks = np.random.default_rng(0).standard_normal((NUMBERS, len(first)))
    sums = np.sin(SPEED * looks @ units).sum(axis=1)
    length = float(np.linalg.norm(sums))
    return tuple(round(float(value), 4) for value in sums / length) if length > 0 else ()


def _natural(path: str) -> tuple[object, ...]:
    """Sorts ``dense_2`` before ``dense_10``."""
    return tuple(int(part) if part.isdigit() else part for part in _DIGITS.split(path))
