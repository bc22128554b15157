"""What training DID: the learning curves, read as a good teacher reads them.

:func:`diagnose` names what a run shows and on which evidence, :func:`compare` says what changed between two runs.
Every rule works on the curves alone, and none depends on the scale of the loss:

- *Noise* is estimated from first differences, so that a trend is not mistaken for noise: 1.4826 MAD / sqrt 2.
- *Trends* are Theil-Sen slopes (Sen 1968), tested with Mann and Kendall's test (Mann 1945, Kendall 1975). No rule
  hangs on a single epoch.
- *Effects* are shares of the level that the loss has reached. A real overfit rises little where the loss is a mean
  absolute error (2 to 4 % in the course's own example), so a rise has to stand out of the noise, not to be large; what
  tells memorising from chance is that the training loss has meanwhile left the validation loss behind.
- Dropout and weight decay lift the training loss above the validation loss, and a training loss is an average over its
  epoch. So the *growth* of the gap between the two is judged, never its sign (:func:`gap_growth`).

The constants were measured with ``tests/curves/measure.py`` and ``repeats.py``; the tables are in the README there.
"""

from __future__ import annotations

import json
import math
import numbers
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from statistics import NormalDist
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

NAMES = (
    "diverged",
    "dead_start",
    "unstable",
    "overfitting",
    "underfitting",
    "still_improving",
    "healthy",
    "too_short",
    "no_validation",
)
"""What a run can be called. ``healthy`` goes with ``still_improving``: nothing is wrong, but there is more to gain."""

MIN_EPOCHS = 8
"""Below this many epochs a trend cannot be told from noise: the trend test needs five values to reach 1 %, all of them
rising, and a best stretch of three before them."""

SIGNIFICANT = 2.326
"""Standard score of a one-sided test at 1 %: the 0.99 quantile of the normal distribution."""

NOTABLE = 0.01
"""No change below 1 % of the level is worth a word. Training without dropout on Spotify ends 2 to 4 % above its best
stretch. Of the development collection, runs labelled overfit end at least 3.7 % above, all others less than 1.9 %."""

MEMORISED = 0.15
"""Growth of the gap, as a share of the final validation loss, without which a rise is no overfitting. With dropout on
Spotify it stays below 0.10 in 100 epochs, without it passes 0.24 in 30; labelled overfits start at 0.24."""

IMPROVING = 0.03
"""A loss that fell by this share of its level over the second half of the run promises more to whoever trains on."""

SILENT_START = 0.01
"""A training loss that never falls by 1 % of its first value has not started to learn."""

ROUGH = 0.1
"""Training is unstable if its loss, where it rises from one epoch to the next, rises by this share of its level."""

OFTEN = 0.25
"""Share of the epochs in which an unstable training loss rises; half of them do in pure noise."""

STALLED = 0.01
"""A training loss that falls by less than 1 % after the first few epochs has stopped learning."""

HALVED = 0.5
"""Standing still below half of the first training loss is taken for convergence, not for underfitting."""

NO_BETTER = 0.95
"""A validation loss that never falls below this share of the median predictor's has learned next to nothing."""

RUNAWAY = 0.1
"""A training loss that ends this share above its first value has run away: minimising raised it."""

ASTRONOMICAL = 100.0
"""So many times the loss of a predictor that learned nothing is no loss of a network that trains."""

EXPLODED = math.sqrt(float(np.finfo(np.float32).max))
"""About 1.8e19: the loss beyond which float32, in which Keras trains, cannot hold its square."""

EXACT = 10
"""Up to so many values the trend test is exact."""

THINNED = 200
"""Longer series are thinned to this many block medians before all pairs are compared, which bounds the cost."""

SAME_MINIMUM = 0.04
SAME_GAP = 0.12
SAME_NOISE = 3.0
SAME_PACE = 2.0
"""What :func:`compare` takes for the same: minima and growths of the gap that differ by so much of the level, noises
and epochs that differ by such a factor. Of the pairs of runs of one network and two seeds, at most 5 % differ by more
in a measure (8 % in the growth of the gap with batch normalization), once minima and growths also have to exceed
the noise (table "Repeats" in tests/curves/README.md)."""

STALLED_CODE = "curve.underfitting:stalled"
"""The sentence on a standstill, where no reference is known."""

_JSON_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_LONGEST = 1_000_000


class NotCurves(ValueError):
    """Something that is not the history of a training run.

    Attributes:
        code: which sentence of :mod:`checker.messages` says why, ``"history.none"``.
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
        except Exception as problem:  # whatever a stranger's object does when it is looked at
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
        return _JSON_NUMBERS.get(value)
    if isinstance(value, numbers.Integral) and abs(int(value)) > sys.float_info.max:
        return math.inf if int(value) > 0 else -math.inf
    if isinstance(value, numbers.Real | np.floating | np.integer):
        return float(value)
    array = _array(value)
    return float(array) if array is not None and array.ndim == 0 and array.dtype.kind in "fiu" else None


def _array(value: Any) -> NDArray[Any] | None:
    """What a NumPy array, a pandas Series or a tensor holds; None for anything else."""
    return np.asarray(value) if hasattr(type(value), "__array__") else None


# --- measures ---------------------------------------------------------------------------------------------------------


def noise(values: Array) -> float:
    """Standard deviation of the noise around a smooth curve, from its first differences.

    sigma = 1.4826 MAD(diff) / sqrt 2: the median absolute deviation estimates the standard deviation of normal
    differences robustly (Hampel 1974), and a difference has twice the variance of a value. A tail of equal values says
    nothing about noise and is left out.

    Args:
        values: the curve, shape ``(epochs,)``, finite.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        differences = np.diff(values)
        moving = np.flatnonzero(differences)
        if len(moving) == 0:
            return 0.0
        differences = differences[: moving[-1] + 1]
        return float(1.4826 * np.median(np.abs(differences - np.median(differences))) / math.sqrt(2))


def theil_sen(values: Array) -> float:
    """Median slope over all pairs of epochs, per epoch (Sen 1968)."""
    if len(values) < 2:
        return 0.0
    thin, step = _thinned(values)
    first, second = np.triu_indices(len(thin), 1)
    return float(np.median((thin[second] - thin[first]) / (second - first))) / step


def mann_kendall(values: Array) -> float:
    """Standard score of Mann and Kendall's trend test, corrected for ties; positive if the curve rises.

    Up to EXACT values without ties the score is that of the exact probability (Kendall 1975, table 1), since the normal
    approximation is too strict there: five values that all rise have a probability of 1 in 120.
    """
    thin, _ = _thinned(values)
    n = len(thin)
    if n < 3:
        return 0.0
    first, second = np.triu_indices(n, 1)
    score = float(np.sign(thin[second] - thin[first]).sum())
    ties = np.unique(thin, return_counts=True)[1].astype(float)
    if score == 0:
        return 0.0
    if n <= EXACT and len(ties) == n:
        return math.copysign(-NormalDist().inv_cdf(_rarity(n, int(abs(score)))), score)
    variance = (n * (n - 1) * (2 * n + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()) / 18
    return (score - math.copysign(1, score)) / math.sqrt(variance) if variance > 0 else 0.0


def _rarity(n: int, score: int) -> float:
    """Probability that n values in random order have at least this Mann-Kendall score (at most one half)."""
    orders = [1]  # how many orders of n values have 0, 1, 2, ... pairs that fall
    for size in range(2, n + 1):
        orders = [sum(orders[max(0, k - size + 1) : k + 1]) for k in range(len(orders) + size - 1)]
    falling = (n * (n - 1) // 2 - score) // 2
    return min(0.5, sum(orders[: falling + 1]) / math.factorial(n))


def _thinned(values: Array) -> tuple[Array, int]:
    """At most THINNED block medians, and how many epochs a block holds."""
    step = -(-len(values) // THINNED)
    if step == 1:
        return values, 1
    whole = len(values) // step * step
    return np.median(values[len(values) - whole :].reshape(-1, step), axis=1), step


def smooth(values: Array, width: int) -> Array:
    """Running median over an odd number of epochs; the ends repeat their outermost value."""
    half = width // 2
    if half == 0:
        return values
    padded = np.pad(values, half, mode="edge")
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1), axis=1))


def gap_growth(history: object) -> float:
    """How much the gap between validation and training loss grew over the run, in units of the loss.

    The levels at both ends are medians over a tenth of the run. A gap that starts below zero, as dropout makes it,
    counts from zero: an untrained network is as bad on either data.

    Returns:
        The growth; NaN where the curves hold no numbers or no validation loss.

    Raises:
        NotCurves: if ``history`` holds no learning curves.
    """
    curves = Curves.of(history)
    if curves.val_loss is None:
        return math.nan
    with np.errstate(over="ignore", invalid="ignore"):
        gap = np.array(curves.val_loss) - np.array(curves.loss)
        width = _window(len(gap))
        return float(np.median(gap[-width:]) - max(0.0, float(np.median(gap[:width]))))


def _window(epochs: int) -> int:
    """A tenth of the run, an odd number and at least three: what levels are medians over."""
    return max(3, epochs // 10 | 1)


# --- the diagnosis ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Verdict:
    """One thing the curves show.

    Attributes:
        name: one of :data:`NAMES`.
        epochs: first and last epoch that show it, counted from 1.
        numbers: what was measured; losses are in the units of the curve, shares are fractions.
        test: the rule that decided, in the words of its literature.
    """

    name: str
    epochs: tuple[int, int]
    numbers: Mapping[str, float] = field(default_factory=dict)
    test: str = ""

    @property
    def code(self) -> str:
        """Which sentence of :mod:`checker.messages` says it."""
        return f"curve.{self.name}" if "reference" in self.numbers or self.name != "underfitting" else STALLED_CODE

    @property
    def params(self) -> dict[str, float]:
        """What that sentence is filled with."""
        return {**self.numbers, "first": self.epochs[0], "last": self.epochs[1]}


@dataclass(frozen=True)
class Diagnosis:
    """What a run shows: names, each with its evidence.

    Attributes:
        curves: the curves that were judged.
        verdicts: what they show, the gravest first.
    """

    curves: Curves
    verdicts: tuple[Verdict, ...]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(verdict.name for verdict in self.verdicts)

    @property
    def best_epoch(self) -> int | None:
        """The epoch, counted from 1, with the lowest validation loss; None if no loss is a number."""
        return self.curves.best_epoch

    @property
    def numbers(self) -> dict[str, float]:
        """What the whole run measures: ``minimum``, ``final``, ``best_epoch``, ``noise`` and ``gap_growth``.

        Losses are those of validation, in the units of the curve, and so is the noise, that of the second half, where
        a curve has settled. A number that is not finite is left out.
        """
        best = self.best_epoch
        if best is None:
            return {}
        judged = self.curves.judged
        found = {"minimum": judged[best - 1], "final": judged[-1], "best_epoch": float(best)}
        settled = np.array(judged[len(judged) // 2 :])
        found |= {"noise": noise(settled) if np.isfinite(settled).all() else math.nan}
        found |= {"gap_growth": gap_growth(self.curves)}
        return {name: value for name, value in found.items() if math.isfinite(value)}

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> Verdict:
        for verdict in self.verdicts:
            if verdict.name == name:
                return verdict
        raise KeyError(name)


@dataclass(frozen=True)
class _Run:
    """Finite curves and what the rules share."""

    loss: Array
    judged: Array  # validation loss where there is one
    validated: bool
    reference: float | None
    gap_growth: float

    @property
    def epochs(self) -> int:
        return len(self.loss)

    @property
    def window(self) -> int:
        return _window(self.epochs)

    def level(self, values: Array) -> float:
        """Where a curve ends."""
        return float(np.median(values[-self.window :]))


def diagnose(history: object, *, reference: float | None = None) -> Diagnosis:
    """Say what learning curves show.

    Args:
        history: anything that :meth:`Curves.of` reads.
        reference: the loss of a predictor that learned nothing from the features (for a mean absolute error, the one
            that always says the median), in the units of the curves. With it, underfitting is judged by what was
            reached; without, only by the shape of the curves, which cannot tell a small network from an easy task.

    Returns:
        The diagnosis; it has at least one name.

    Raises:
        NotCurves: if ``history`` holds no learning curves. No content of learning curves raises.
    """
    return _diagnosis(Curves.of(history), reference)


@lru_cache(maxsize=64)  # one report asks several times for the same
def _diagnosis(curves: Curves, reference: float | None) -> Diagnosis:
    return Diagnosis(curves, tuple(_verdicts(curves, reference)))


def _verdicts(curves: Curves, reference: float | None) -> Iterator[Verdict]:
    whole = (1, curves.epochs)
    found: list[Verdict] = []
    if curves.val_loss is None:
        found.append(Verdict("no_validation", whole, {}, "no val_loss"))
    if (exploded := _exploded(curves)) is not None:
        yield from (exploded, *found)
        return
    if curves.epochs < MIN_EPOCHS:
        yield from (Verdict("too_short", whole, {"epochs": curves.epochs, "needed": MIN_EPOCHS}, "count"), *found)
        return
    known = float(reference) if reference is not None and reference > 0 else None
    run = _Run(np.array(curves.loss), np.array(curves.judged), curves.val_loss is not None, known, gap_growth(curves))
    if (lost := _diverged(run) or _dead_start(run)) is not None:
        yield from (lost, *found)
        return
    wrong = [verdict for rule in (_unstable, _overfitting, _underfitting) if (verdict := rule(run)) is not None]
    yield from wrong
    if "overfitting" not in {verdict.name for verdict in wrong} and (improving := _still_improving(run)) is not None:
        yield improving
    if not wrong and run.validated:
        yield Verdict("healthy", whole, {"level": run.level(run.judged)}, "none of the others")
    yield from found


def _exploded(curves: Curves) -> Verdict | None:
    """A loss that is no number, infinite, or beyond what float32 can compute with."""
    for series in (curves.loss, curves.val_loss or ()):
        bad = [epoch for epoch, value in enumerate(series, 1) if not abs(value) < EXPLODED]
        if bad:
            return Verdict("diverged", (bad[0], curves.epochs), {"value": series[bad[0] - 1]}, "finite numbers")
    return None


def _diverged(run: _Run) -> Verdict | None:
    """The training loss ends well above where it began, or far above what is reached without learning."""
    first, end = float(np.median(run.loss[: run.window])), run.level(run.loss)
    risen = end - first > RUNAWAY * abs(first) and mann_kendall(run.loss) >= SIGNIFICANT
    if not risen and not (run.reference is not None and end > ASTRONOMICAL * run.reference):
        return None
    start = int(run.loss.argmin()) + 1 if risen else 1
    return Verdict("diverged", (start, run.epochs), {"value": end, "start": first}, "level at the end")


def _dead_start(run: _Run) -> Verdict | None:
    """Neither loss ever falls by a notable share of its first value."""
    falls = []
    for values in (run.loss, run.judged):
        start = float(values[0])
        falls.append((start - float(smooth(values, 3).min())) / abs(start) if start else 0.0)
    if max(falls) >= SILENT_START:
        return None
    return Verdict("dead_start", (1, run.epochs), {"fall": max(falls), "needed": SILENT_START}, "fall since epoch 1")


def _unstable(run: _Run) -> Verdict | None:
    """The training loss, an average over an epoch, rises again and again by a large share of its typical level."""
    steps = np.diff(run.loss)
    rises = steps[steps > 0]
    if len(rises) < OFTEN * len(steps):
        return None
    size, level = float(np.median(rises)), abs(float(np.median(run.loss)))
    if size < ROUGH * level:
        return None
    measured = {"rise": size, "share": size / level if level else math.inf, "often": len(rises) / len(steps)}
    return Verdict("unstable", (1, run.epochs), measured, "median rise of the training loss")


def _overfitting(run: _Run) -> Verdict | None:
    """After its best stretch the validation loss rises beyond noise, and the training loss has left it behind."""
    level, end = smooth(run.judged, run.window), run.level(run.judged)
    best = int(level.argmin())
    low, tail = float(level[best]), run.judged[best + run.window // 2 :]  # past what was chosen for being low
    if not run.validated or len(tail) < 5:
        return None
    rise, z = end - low, mann_kendall(tail)
    spread = noise(run.judged) * math.sqrt(2 / run.window)
    risen = z >= SIGNIFICANT and rise > max(SIGNIFICANT * spread, NOTABLE * abs(low))
    if not risen or run.gap_growth < MEMORISED * abs(end):
        return None
    share = rise / abs(low) if low else math.inf
    measured = {"best": low, "end": end, "rise": share, "gap_growth": run.gap_growth, "z": z}
    return Verdict("overfitting", (best + 1, run.epochs), measured, "Mann-Kendall, growth of the gap")


def _underfitting(run: _Run) -> Verdict | None:
    """Never notably better than a predictor that ignores the features; or, if that is unknown, soon at a standstill."""
    if run.reference is None:
        return _stalled(run)
    best = float(smooth(run.judged, 3).min())
    if best < NO_BETTER * run.reference:
        return None
    measured = {"best": best, "reference": run.reference, "share": best / run.reference}
    return Verdict("underfitting", (1, run.epochs), measured, "median predictor")


def _stalled(run: _Run) -> Verdict | None:
    """After a few epochs not even the training loss falls any more, though it has not even halved."""
    start = min(10, max(3, run.epochs // 10))
    before, after = float(smooth(run.loss, 3)[start - 1]), run.level(run.loss)
    if before - after >= STALLED * abs(before) or after < HALVED * float(run.loss[0]):
        return None
    measured = {"start": before, "end": after, "fall": (before - after) / abs(before) if before else 0.0}
    return Verdict("underfitting", (start, run.epochs), measured, "fall after the first epochs")


def _still_improving(run: _Run) -> Verdict | None:
    """The second half still falls, significantly and by a notable amount."""
    tail = run.judged[-max(5, run.epochs // 2) :]
    z, level = mann_kendall(tail), abs(run.level(run.judged))
    fall = -theil_sen(tail) * (len(tail) - 1)
    if z > -SIGNIFICANT or fall < IMPROVING * level:
        return None
    measured = {"fall": fall / level if level else math.inf, "z": z}
    return Verdict("still_improving", (run.epochs - len(tail) + 1, run.epochs), measured, "Theil-Sen, Mann-Kendall")


# --- two runs ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Comparison:
    """What changed from one run to another.

    Attributes:
        before, after: the diagnoses of the two runs.
        names: of ``less_overfitting``, ``more_overfitting``, ``faster``, ``slower``, ``more_stable``, ``less_stable``,
            ``better_minimum``, ``worse_minimum``, ``rescued``, ``broken``; or ``no_difference`` alone.
        numbers: what was measured: ``<measure>_before`` and ``<measure>_after`` for each of
            :attr:`Diagnosis.numbers` and for ``epochs_to_level``, the epoch in which a run comes near what both reach.
    """

    before: Diagnosis
    after: Diagnosis
    names: frozenset[str]
    numbers: Mapping[str, float]

    def __contains__(self, name: object) -> bool:
        return name in self.names


def compare(before: object, after: object, *, reference: float | None = None) -> Comparison:
    """Say what changed between two runs on the same data.

    Args:
        before: the first run, anything that :meth:`Curves.of` reads.
        after: the second run.
        reference: as for :func:`diagnose`.

    Returns:
        The comparison: differences larger than those between two trainings of one network.

    Raises:
        NotCurves: if either holds no learning curves.
    """
    first, second = diagnose(before, reference=reference), diagnose(after, reference=reference)
    broken = ["diverged" in diagnosis for diagnosis in (first, second)]
    measured = {
        f"{name}_{when}": value
        for when, diagnosis in (("before", first), ("after", second))
        for name, value in diagnosis.numbers.items()
    }
    if any(broken):
        names = {"no_difference"} if all(broken) else {"rescued"} if broken[0] else {"broken"}
    else:
        names = set(_differences(first, second, measured)) or {"no_difference"}
    return Comparison(first, second, frozenset(names), measured)


def _differences(first: Diagnosis, second: Diagnosis, measured: dict[str, float]) -> Iterator[str]:
    level = max(abs(measured["minimum_before"]), abs(measured["minimum_after"]))
    spread = SIGNIFICANT * math.hypot(measured["noise_before"], measured["noise_after"])
    if "gap_growth_before" in measured and "gap_growth_after" in measured:
        change = measured["gap_growth_after"] - measured["gap_growth_before"]
        if abs(change) > max(spread, SAME_GAP * level):
            yield "less_overfitting" if change < 0 else "more_overfitting"
    change = measured["minimum_after"] - measured["minimum_before"]
    if abs(change) > max(spread, SAME_MINIMUM * level):
        yield "better_minimum" if change < 0 else "worse_minimum"
    epochs = _epochs_to(*(np.array(diagnosis.curves.judged) for diagnosis in (first, second)))
    measured |= {"epochs_to_level_before": float(epochs[0]), "epochs_to_level_after": float(epochs[1])}
    if max(epochs) >= max(MIN_EPOCHS, SAME_PACE * min(epochs)):
        yield "faster" if epochs[1] < epochs[0] else "slower"
    noises = measured["noise_before"], measured["noise_after"]
    if max(noises) > max(SAME_NOISE * min(noises), NOTABLE * level):
        yield "more_stable" if noises[1] < noises[0] else "less_stable"


def _epochs_to(*pair: Array) -> list[int]:
    """The epochs in which two curves have come nine tenths of the way to the level that both reach."""
    calm = [smooth(values, 3) for values in pair]
    reached = max(float(values.min()) for values in calm)
    target = reached + 0.1 * (max(float(values[0]) for values in pair) - reached)
    return [int(np.argmax(values <= target)) + 1 for values in calm]


# --- whether a history can be what it claims --------------------------------------------------------------------------


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
