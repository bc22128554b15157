"""Learning curves, read out of whatever holds them."""

from __future__ import annotations

import json
import math
import numbers
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from checker.curves.measures import noise

_JSON_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_DECIMAL = re.compile(r"[+-]?[0-9]{1,40}([.][0-9]{0,40})?([eE][+-]?[0-9]{1,4})?|[+-]?(nan|inf)")
"""A number as Python's csv module hands it out of Keras' own log."""

_LONGEST = 1_000_000


class NotCurves(ValueError):
    """Something that is not the history of a training run.

    Attributes:
        code: which sentence of :mod:`checker.report.messages` says why, ``"history.none"``.
        params: what its named places are filled with.
    """

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params: dict[str, Any] = params


@dataclass(frozen=True)
class Curves:
    """The learning curves of one run.

    Attributes:
        loss: training loss of each epoch.
        val_loss: validation loss of each epoch; None if the run was not validated.
    """

    loss: tuple[float, ...]
    val_loss: tuple[float, ...] | None = None

    @classmethod
    def of(cls, source: object) -> Self:
        """Read the curves out of whatever holds them.

        Args:
            source: a Keras ``History``, a mapping or a DataFrame with ``loss`` (and ``val_loss``), a list of one
                mapping an epoch, any of these as JSON text, or ``Curves``. Values may be Python, NumPy or TensorFlow
                numbers.

        Raises:
            NotCurves: for everything else.
        """
        try:
            return cls(*_read(source))
        except NotCurves:
            raise
        except Exception as problem:  # an object that was handed in may raise anything when it is looked at
            raise NotCurves("history.unreadable", name=type(source).__name__) from problem

    @property
    def epochs(self) -> int:
        """Number of epochs."""
        return len(self.loss)

    @property
    def judged(self) -> tuple[float, ...]:
        """The validation loss, or the training loss if there is no other."""
        return self.loss if self.val_loss is None else self.val_loss

    @property
    def best_epoch(self) -> int | None:
        """The epoch, counted from 1, with the lowest judged loss; None if there is no finite one."""
        best = min((value, epoch) for epoch, value in enumerate([*self.judged, math.inf], 1) if value == value)
        return best[1] if abs(best[0]) < math.inf else None

    @property
    def finite(self) -> tuple[float, ...]:
        """All values of both curves that are finite."""
        return tuple(value for value in self.loss + (self.val_loss or ()) if math.isfinite(value))

    @property
    def noise(self) -> float:
        """Standard deviation of the noise of the judged loss (see :func:`noise`); NaN if it is not all finite."""
        values = np.array(self.judged)
        return noise(values) if np.isfinite(values).all() else math.nan

    def to_dict(self) -> dict[str, list[float]]:
        """The curves as Keras' ``history.history`` holds them."""
        found = {"loss": list(self.loss)}
        return found if self.val_loss is None else found | {"val_loss": list(self.val_loss)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of :meth:`to_dict`, also after a way through JSON.

        Raises:
            NotCurves: for data of another form.
        """
        return cls.of(data)


# --- reading ----------------------------------------------------------------------------------------------------------


def _read(source: object) -> tuple[tuple[float, ...], tuple[float, ...] | None]:
    if isinstance(source, Curves):
        return source.loss, source.val_loss
    columns = _columns(source)
    if not columns:
        raise NotCurves("history.empty")
    if "loss" not in columns:
        raise NotCurves("history.no_loss", keys=", ".join(str(key)[:40] for key in list(columns)[:8]))
    loss = _numbers("loss", columns["loss"])
    val_loss = _numbers("val_loss", columns["val_loss"]) if columns.get("val_loss") is not None else None
    if not loss:
        raise NotCurves("history.empty")
    if val_loss is not None and len(val_loss) != len(loss):
        raise NotCurves("history.unequal", loss=len(loss), val_loss=len(val_loss))
    return loss, val_loss


def _columns(source: object) -> Mapping[Any, Any]:
    """The series by name, out of any of the forms that :meth:`Curves.of` reads."""
    if source is None:
        raise NotCurves("history.none")
    if isinstance(source, str | bytes):
        return _columns(_parsed(source))
    if isinstance(source, Mapping):
        return source
    if isinstance(source, np.ndarray) and source.ndim == 0 and isinstance(source.item(), Mapping):
        return dict(source.item())  # what np.load gives back of a dict that np.save wrote
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(source, pandas.DataFrame):
        return {name: source[name].to_numpy() for name in source.columns}
    if isinstance(source, list | tuple) and all(isinstance(epoch, Mapping) for epoch in source):
        return _transposed(source)
    inner = getattr(source, "history", None) if not isinstance(source, type) else None
    if isinstance(inner, Mapping):
        return inner
    if isinstance(getattr(inner, "history", None), Mapping):  # a model remembers its last History
        return dict(getattr(inner, "history"))  # noqa: B009  (of an object of unknown type)
    raise NotCurves("history.not_history", name=getattr(source, "__name__", type(source).__name__))


def _parsed(text: str | bytes) -> object:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise NotCurves("history.text") from problem
    if not isinstance(data, dict | list):
        raise NotCurves("history.text")
    return data


def _transposed(epochs: Sequence[Any]) -> dict[Any, Sequence[Any]]:
    """One mapping an epoch -> one series a name; a name counts if any epoch has it."""
    names = [name for name in ("loss", "val_loss") if any(name in epoch for epoch in epochs)]
    if epochs and "loss" not in names:
        return dict.fromkeys(epochs[0], ())
    return {name: [epoch[name] for epoch in epochs if name in epoch] for name in names}


def _numbers(name: str, values: Any) -> tuple[float, ...]:
    """A series as Python floats."""
    if not isinstance(values, list | tuple):
        values = _array(values)
        if values is None:
            raise NotCurves("history.not_list", series=name)
        if values.ndim == 2 and values.shape[1] == 1:  # a column
            values = values[:, 0]
        if values.ndim != 1:
            raise NotCurves("history.not_list", series=name)
    if len(values) > _LONGEST:
        raise NotCurves("history.too_long", epochs=len(values))
    found = []
    for epoch, value in enumerate(values, 1):
        number = _number(value)
        if number is None:
            raise NotCurves("history.not_number", series=name, epoch=epoch, value=repr(value)[:40])
        found.append(number)
    return tuple(found)


def _number(value: Any) -> float | None:
    """One value as a Python float; None if it is not a real number."""
    if type(value) is float:  # nearly all are
        return value
    if isinstance(value, bool | np.bool_):
        return None
    if isinstance(value, str):
        return _JSON_NUMBERS.get(value, float(value) if _DECIMAL.fullmatch(value) else None)
    if isinstance(value, numbers.Integral) and abs(int(value)) > sys.float_info.max:
        return math.inf if int(value) > 0 else -math.inf
    if isinstance(value, numbers.Real | np.floating | np.integer):
        return float(value)
    array = _array(value)
    return float(array) if array is not None and array.ndim == 0 and array.dtype.kind in "fiu" else None


def _array(value: Any) -> NDArray[Any] | None:
    """What a NumPy array, a pandas Series or a tensor holds; None for anything else."""
    return np.asarray(value) if hasattr(type(value), "__array__") else None


def float32_values(history: object) -> bool:
    """Whether every value could have been printed by a training in float32.

    Keras averages each loss in a float32 tracker and hands it out as a Python float, so each value of a real history is
    exactly representable in float32 (measured with Keras 3.15 on TensorFlow 2.21; NaN and infinities are, too). A typed
    or rounded value almost never is.

    Raises:
        NotCurves: if ``history`` holds no learning curves.
    """
    curves = Curves.of(history)
    values = np.array(curves.loss + (curves.val_loss or ()))
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.array_equal(values, values.astype(np.float32).astype(np.float64), equal_nan=True))
