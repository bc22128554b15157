"""What a learner did to the course's rows before training: scaled them, mixed them up, trained on validation rows.

The arrays are compared with the course's own, whatever order their rows are in. What is found is small plain data, kept
with the evidence, so that a grader can apply the same scale to the validation rows and recompute the loss.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from checker.report import Finding

if TYPE_CHECKING:
    from checker.datasets import Split

SAME = 2e-4
"""How far apart two rows may be that count as one, as a share of a feature's range: float32 and a scaler's rounding
stay below 1e-6, the nearest different rows of concrete and red wine are 9e-4 apart."""

PROBLEMS = ("repair.rows", "repair.data")
"""Codes of the findings that say why nobody can tell what was done to the rows."""

ONE_SCALE = 8.0
"""Features are on one scale if the largest standard deviation is at most this many times the smallest, and no mean is
farther from 0 than this many of the largest. The greater of the two is 1 after a StandardScaler, at most 4 after other
scalers (concrete, red wine), 17 for concrete as it is and 17,500 for red wine."""


@dataclass(frozen=True)
class Prepared:
    """The rows that a network was trained on and validated with, beside the course's own.

    Attributes:
        factors, shifts: what each feature was multiplied by, and what was added then; 1 and 0 for the course's data.
        one_scale: whether the features are then on one scale, see ``ONE_SCALE``.
        paired: whether each training row has its own target.
        apart: whether no validation row is among the training rows.
        rows: how many training rows there are.
    """

    factors: tuple[float, ...]
    shifts: tuple[float, ...]
    one_scale: bool
    paired: bool
    apart: bool
    rows: int

    @classmethod
    def of(cls, data: Any, split: Split) -> Self | Finding:
        """Compare a learner's arrays with the course's.

        Args:
            data: ``(X_train, y_train, X_valid, y_valid)``: arrays or tables of the shapes (rows, features), (rows,).
            split: the course's own.

        Returns:
            What was done to them; a Finding for what is no such data, or other rows. Nothing is raised.
        """
        import numpy as np

        try:
            X, y, X_valid, y_valid = (np.asarray(part, dtype=np.float64) for part in data)
            y, y_valid = y.reshape(len(X)), y_valid.reshape(len(X_valid))
            if X_valid.shape != split.X_valid.shape or X.shape[1:] != split.X_train.shape[1:]:
                return Finding("repair.rows")
            if not (np.isfinite(X).all() and np.isfinite(y).all()):
                return Finding("repair.rows")
            return cls._compared(X, y, X_valid, y_valid, split)
        except Exception:  # a learner's objects may raise anything
            return Finding("repair.data")

    @classmethod
    def _compared(cls, X: Any, y: Any, X_valid: Any, y_valid: Any, split: Split) -> Self | Finding:
        import numpy as np
        from scipy.spatial import cKDTree

        lows, highs = split.X_valid.min(axis=0).astype(float), split.X_valid.max(axis=0).astype(float)
        factors = (X_valid.max(axis=0) - X_valid.min(axis=0)) / (highs - lows)
        shifts = X_valid.min(axis=0) - factors * lows
        if not (np.isfinite(factors).all() and (factors > 0).all()):
            return Finding("repair.rows")
        ranges = highs - lows
        height = float(np.ptp(split.y_train))

        def joint(features: Any, targets: Any) -> Any:
            return np.column_stack([features / ranges, targets / height])

        own, other = joint(split.X_train, split.y_train), joint(split.X_valid, split.y_valid)
        mine = joint((X - shifts) / factors, y)
        validated = joint((X_valid - shifts) / factors, y_valid)
        if _distance(cKDTree(other), validated).max() > SAME:
            return Finding("repair.rows")
        known = _distance(cKDTree(np.vstack([own, other])[:, :-1]), mine[:, :-1])
        if known.max() > SAME:
            return Finding("repair.rows")
        apart = bool(_distance(cKDTree(own[:, :-1]), mine[:, :-1]).max() <= SAME)
        whole = bool(_distance(cKDTree(mine[:, :-1]), own[:, :-1]).max() <= SAME)
        if not whole or (apart and len(mine) != len(own)):  # rows left out, or taken twice
            return Finding("repair.rows")
        paired = bool(_distance(cKDTree(np.vstack([own, other])), mine).max() <= SAME)
        return cls(tuple(map(float, factors)), tuple(map(float, shifts)), _on_one_scale(X), paired, apart, len(X))

    @classmethod
    def from_dict(cls, data: Any, features: int) -> Self | Finding:
        """What a record says; a Finding for what does not fit."""
        if isinstance(data, Mapping) and data.get("finding") in PROBLEMS:
            return Finding(data["finding"])
        try:
            factors, shifts = (tuple(float(value) for value in data[name]) for name in ("factors", "shifts"))
            one_scale, paired, apart = (data[name] is True for name in ("one_scale", "paired", "apart"))
            found = cls(factors, shifts, one_scale, paired, apart, int(data["rows"]))
        except (KeyError, TypeError, ValueError, OverflowError):
            return Finding("repair.data")
        finite = all(map(math.isfinite, (*factors, *shifts)))
        fits = finite and len(factors) == len(shifts) == features and min(factors) > 0
        return found if fits else Finding("repair.data")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def raw(self) -> bool:
        """Whether the features are as the course has them."""
        near = (math.isclose(factor, 1, rel_tol=SAME) for factor in self.factors)
        return all(near) and all(abs(shift) <= SAME for shift in self.shifts)

    def scaled(self, X: Any) -> Any:
        """Rows of the course's features, shape (rows, features), on the learner's scale, as float32."""
        import numpy as np

        return (X.astype(np.float64) * np.array(self.factors) + np.array(self.shifts)).astype(np.float32)


def _distance(tree: Any, rows: Any) -> Any:
    """How far each row is from the nearest in the tree."""
    return tree.query(rows)[0]


def _on_one_scale(X: Any) -> bool:
    spread, mean = X.std(axis=0), X.mean(axis=0)
    if not spread.min() > 0:
        return False
    return bool(spread.max() <= ONE_SCALE * spread.min() and abs(mean).max() <= ONE_SCALE * spread.max())
