"""How a question's network is to be trained, and whether a history is really that network's.

A learner's kernel may be stale: the history may belong to another model, to another data set, or to a run before the
last change. Each such case gets its own finding, before anything is said about the shape of the curves.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from checker import datasets
from checker.blueprint import Blueprint
from checker.report import Finding, Severity

if TYPE_CHECKING:  # NumPy, which curves need, is loaded when the first curves are judged
    from checker.curves import Curves, Diagnosis

TOLERANCE = 1e-4
"""Relative difference allowed between a claimed and a re-evaluated loss; on one machine they agree to about 1e-7."""

LARGEST_SCALE = 5.0
"""A finite loss that never gets below this many times the median predictor's was measured on other data: the losses of
the course's data sets lie a factor of 20 and more apart (see ``datasets.median_loss``)."""

SMALLEST_SCALE = 0.05
"""Likewise a validation loss below this share of the median predictor's: the best networks here reach a third of it."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a network is to be trained, and what its curves must not show.

    Attributes:
        data: name of the data set, as in ``datasets.load``.
        optimizer, loss: as Keras' own short names, ``"adam"``, ``"mae"``.
        batch_size, epochs: what the exercise asks for.
        least_epochs: fewer than these do not show what the question is about.
        forbidden: diagnoses that fail the curves.
        target: a validation loss to reach, in the target's unit; None where none is set.
        limits: largest allowed value of a diagnosis' number, by name; measured by ``python -m checker calibrate``.
        prefix: what the notebook's names for this data, model and history begin with: ``"concrete_"``.
    """

    data: str
    optimizer: str
    loss: str
    batch_size: int
    epochs: int
    least_epochs: int
    forbidden: tuple[str, ...] = ("diverged", "dead_start", "unstable", "overfitting", "underfitting", "too_short")
    target: float | None = None
    limits: Mapping[str, float] = field(default_factory=dict)
    prefix: str = ""

    @property
    def compile_code(self) -> str:
        """The arguments of ``model.compile``."""
        return f'optimizer="{self.optimizer}", loss="{self.loss}"'

    @property
    def fit_code(self) -> str:
        """The call of ``model.fit``."""
        name = self.prefix
        return (
            f"{name}history = {name}model.fit(\n"
            f"    {name}X_train, {name}y_train,\n"
            f"    validation_data=({name}X_valid, {name}y_valid),\n"
            f"    batch_size={self.batch_size}, epochs={self.epochs}, verbose=0,\n"
            ")"
        )


@dataclass(frozen=True)
class Verdict:
    """What was found about a training run: its findings, and its curves where there are any."""

    findings: tuple[Finding, ...]
    curves: Curves | None = None
    diagnosis: Diagnosis | None = None

    @property
    def passed(self) -> bool:
        return self.curves is not None and not any(found.severity is Severity.ERROR for found in self.findings)


def judge(
    training: Training, history: Any, model: Any = None, blueprint: Blueprint | None = None, replay: Any = None
) -> Verdict:
    """Judge a training run.

    Args:
        training: what was asked for.
        history: what ``model.fit`` returned, or its ``.history``; anything else is told apart kindly.
        model: the live model that it should belong to, where there is one.
        blueprint: that model as read, where it could be read.
        replay: a ``grading.replay.Replay`` of its saved weights, where there is no live model.
    """
    from checker.curves import Curves, NotCurves, diagnose

    try:
        curves = Curves.of(history)
    except NotCurves as problem:
        return Verdict((Finding(problem.code, params=problem.params),))
    diagnosis = diagnose(curves, reference=datasets.median_loss(training.data))
    foreign = tuple(_model_findings(training, blueprint)) or tuple(_belonging(training, history, curves, model))
    if any(found.severity is Severity.ERROR for found in foreign):
        return Verdict(foreign, curves, diagnosis)
    replay = replay if replay is not None else _replay(model)
    reproduction = _reproduction(training, replay, curves)
    if reproduction is not None and not reproduction.matches:
        foreign += (_not_reproduced(reproduction, _last_fit(model, history)),)
        if foreign[-1].severity is Severity.ERROR:
            return Verdict(foreign, curves, diagnosis)
    return Verdict((*foreign, *_shape(training, curves, diagnosis, reproduction)), curves, diagnosis)


def _model_findings(training: Training, blueprint: Blueprint | None) -> Iterator[Finding]:
    """A model that was never built or compiled cannot have this history."""
    if blueprint is None:
        return
    if not blueprint.built:
        yield Finding("model.unbuilt")
    if blueprint.compiled is None:
        yield Finding("model.not_compiled", params={"code": training.compile_code})
        return
    for name, expected in (("loss", training.loss), ("optimizer", training.optimizer)):
        actual = blueprint.compiled.get(name)
        if actual and actual != expected:
            yield Finding(f"compile.{name}", params={"actual": actual, "expected": expected})


def _belonging(training: Training, history: Any, curves: Curves, model: Any) -> Iterator[Finding]:
    """Whether the history is of this model and of this data."""
    from checker.curves import float32_values

    owner = _attribute(history, "model")
    live = _is_keras_model(model)
    if live and owner is not None and owner is not model:
        yield Finding("history.other_model")
        return
    if (claimed := _claimed_epochs(history)) is not None and claimed != len(curves.loss):
        yield Finding("history.epochs", params={"claimed": claimed, "actual": len(curves.loss)})
        return
    if (finding := scale(training, curves)) is not None:
        yield finding
        return
    if not float32_values(curves):
        yield Finding("history.rounded", Severity.WARNING)


def _claimed_epochs(history: Any) -> int | None:
    epochs = _attribute(history, "epoch")
    return len(epochs) if isinstance(epochs, list) and epochs else None


def scale(training: Training, curves: Curves) -> Finding | None:
    """A stale kernel's history is of other data: its loss lies on an impossible scale."""
    from checker.curves import diagnose

    median = datasets.median_loss(training.data)
    finite = curves.finite
    if not finite or "diverged" in diagnose(curves):
        return None
    lowest = min(finite)
    if SMALLEST_SCALE * median <= lowest <= LARGEST_SCALE * median:
        return None
    return Finding("history.scale", params={"actual": lowest, "median": median, "data": training.data})


def _replay(model: Any) -> Any:
    """A replay of a live model; None where there is none, or where a layer is beyond it: grading settles that."""
    from checker.grading.replay import Replay, Unsupported

    if not _is_keras_model(model):
        return None
    try:
        return Replay.of(model)
    except (Unsupported, ValueError):
        return None


def _reproduction(training: Training, replay: Any, curves: Curves) -> Reproduction | None:
    if replay is None or not curves.val_loss:
        return None
    try:
        return reproduced(training, replay, curves)
    except ValueError:  # shapes that do not fit the data: the architecture says so
        return None


def _last_fit(model: Any, history: Any) -> bool:
    """Whether Keras itself vouches that this is the model's last run."""
    return model is not None and _attribute(history, "model") is model and _attribute(model, "history") is history


def _not_reproduced(reproduction: Reproduction, last_fit: bool) -> Finding:
    """The model's own weights must give the last validation loss, or the best one if those weights were restored.

    If Keras vouches for the run, the data must have been other than the course's: worth a word, since grading uses the
    course's, but no proof of a stale history.
    """
    params = {"actual": reproduction.loss, "claimed": reproduction.claimed}
    if last_fit:
        return Finding("history.other_split", Severity.WARNING, params=params)
    return Finding("history.stale", params=params)


@dataclass(frozen=True)
class Reproduction:
    """A claimed validation loss and the one that the weights give; ``epoch`` counts from 1."""

    loss: float
    claimed: float
    epoch: int
    matches: bool


def reproduced(training: Training, replay: Any, curves: Curves) -> Reproduction:
    """Compare the loss that weights give on the course's validation split with the claimed curve.

    Args:
        training: whose data and loss count.
        replay: a ``grading.replay.Replay`` of the model.
        curves: what is claimed; they have a validation loss.

    Returns:
        The match at the last epoch, or at the best one (weights restored), or else the mismatch at the last one.

    Raises:
        grading.replay.Unsupported: for a layer that the replay does not know.
    """
    from checker.grading.replay import loss

    split = datasets.split(training.data)
    actual = loss(training.loss, split.y_valid, replay.predict(split.X_valid)) + replay.penalty
    values = curves.val_loss or ()
    epochs = [len(values), curves.best_epoch] if curves.best_epoch else [len(values)]
    for epoch in epochs:
        if close(actual, values[epoch - 1]):
            return Reproduction(actual, values[epoch - 1], epoch, True)
    return Reproduction(actual, values[-1], len(values), False)


def close(actual: float, claimed: float) -> bool:
    """Whether two losses are the same number but for rounding; two that are not finite are the same failure."""
    if not (math.isfinite(actual) and math.isfinite(claimed)):
        return not math.isfinite(actual) and not math.isfinite(claimed)
    return math.isclose(actual, claimed, rel_tol=TOLERANCE)


def _shape(
    training: Training, curves: Curves, diagnosis: Diagnosis, reproduction: Reproduction | None
) -> Iterator[Finding]:
    """What the curves show, once they are known to be the right ones."""
    if len(curves.loss) < training.least_epochs and "diverged" not in diagnosis:
        params = {"actual": len(curves.loss), "expected": training.epochs}
        yield Finding("history.short", params=params)
        return
    if curves.val_loss is None:
        yield Finding("curve.no_validation")
        return
    for verdict in diagnosis.verdicts:
        failed = verdict.name in training.forbidden
        if not failed and verdict.name == "healthy":
            continue
        severity = Severity.ERROR if failed else Severity.NOTE
        yield Finding(verdict.code, severity, verdict.epochs[0], verdict.params)
    if diagnosis.names & set(training.forbidden):
        return
    for name, limit in training.limits.items():
        if (value := diagnosis.numbers.get(name)) is not None and not value <= limit:
            yield Finding(f"curve.limit.{name}", params={"actual": value, "limit": limit})
    if training.target is not None:
        reached = reproduction.claimed if reproduction is not None else curves.val_loss[-1]
        if not reached <= training.target:
            yield Finding("curve.target", params={"actual": reached, "target": training.target})


def _attribute(thing: Any, name: str) -> Any:
    """An attribute of a real Keras History or model; other objects' attributes are not touched."""
    keras = sys.modules.get("keras")
    if keras is None or not isinstance(thing, keras.callbacks.History | keras.Model):
        return None
    return getattr(thing, name, None)


def _is_keras_model(thing: Any) -> bool:
    keras = sys.modules.get("keras")
    return keras is not None and isinstance(thing, keras.Model)
