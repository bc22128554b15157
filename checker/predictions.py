"""Predictions: a number that a learner commits to before a run, and compares with the run afterwards. Never graded."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from checker.language import N_, translate
from checker.progress import _replace
from checker.question import ALIAS, Question
from checker.report import Advice, Section


@dataclass(frozen=True, kw_only=True)
class Prediction(Question):
    """A number to predict; call it with the prediction, then ``compare`` with what the run gave.

    Attributes:
        near: how far a prediction may be from the run to be called close, in the unit of the number.
    """

    points: float = 0.0
    near: float

    def _judge(self, answer: Mapping[str, Any]) -> Iterable[Section]:
        return ()

    def solution_code(self) -> str:
        """Nothing: only the learner's own run can tell."""
        return ""

    def __call__(self, value: object = None) -> None:
        """Keep a prediction; a later one takes its place. Whatever is handed in, nothing is raised.

        Args:
            value: the number predicted; None where there is none yet.
        """
        number = _number(value)
        if number is None:
            self._say(N_("No prediction yet: put a number in place of `None`. It is not graded."))
            return
        self._write(number)
        self._say(N_("Your prediction is kept: {predicted:g}. Now run the cells that follow."), predicted=number)

    def compare(self, value: object) -> None:
        """Say how the prediction compares with the learner's own run. Whatever is handed in, nothing is raised.

        Args:
            value: what the run gave.
        """
        actual, predicted = _number(value), self.kept()
        if actual is None:
            self._say(N_("There is no number to compare with: run the cells before this one first."))
        elif predicted is None:
            self._say(
                N_("Your run gave {actual:g}. There was no prediction: `{question}(...)` keeps one."),
                actual=actual,
                question=f"{ALIAS}.{self.id}",
            )
        elif abs(actual - predicted) <= self.near:
            self._say(
                N_("You predicted {predicted:g}, your run gave {actual:g}: close. Write one sentence: why is it so?"),
                predicted=predicted,
                actual=actual,
            )
        else:
            self._say(
                N_("You predicted {predicted:g}, your run gave {actual:g}. In one sentence: what did you not expect?"),
                predicted=predicted,
                actual=actual,
            )

    def kept(self) -> float | None:
        """The prediction that is kept with the progress; None where there is none."""
        entry = self._progress._read().get(self.assignment)
        record = entry.get(self.id) if isinstance(entry, Mapping) else None
        return _number(record.get("prediction")) if isinstance(record, Mapping) else self._unwritten()

    def _unwritten(self) -> float | None:
        return _number(vars(self).get("_value"))

    def _write(self, number: float) -> None:
        object.__setattr__(self, "_value", number)  # a folder that cannot be written is no obstacle
        progress = self._progress
        data = progress._read()
        entry = data.get(self.assignment)
        data[self.assignment] = {**(entry if isinstance(entry, dict) else {}), self.id: {"prediction": number}}
        with contextlib.suppress(OSError):
            progress.path.parent.mkdir(parents=True, exist_ok=True)
            _replace(progress.path, json.dumps(data, indent=1, sort_keys=True))

    def _say(self, message: str, **params: object) -> None:
        from checker import show

        show.display(Advice(translate(self.title), translate(message, **params)))


def _number(value: object) -> float | None:
    """The value as a finite number; None for everything else, whatever it raises when asked."""
    try:
        number = None if value is None or isinstance(value, (bool, str)) else float(value)  # type: ignore[arg-type]
    except KeyboardInterrupt:
        raise
    except BaseException:  # hostile objects may raise anything at all
        return None
    return number if number is not None and math.isfinite(number) else None
