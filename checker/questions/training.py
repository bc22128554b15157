"""How a question's network is to be trained, and whether a history is really that network's.

A learner's kernel may be stale: the history may belong to another model, to another data set, or to a run before the
last change. Each such case gets its own finding, before anything is said about the shape of the curves.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from checker import datasets
from checker.blueprint import Blueprint
from checker.curves.kinds import FAULTS
from checker.questions.answer import Facts, NetworkAnswer
from checker.report import Finding, Outcome, Severity

if TYPE_CHECKING:  # NumPy, which curves need, is loaded when the first curves are judged
    from checker.curves import Curves, Diagnosis


@dataclass(frozen=True)
class Tolerance:
    """Largest relative difference between a claimed loss and the one that the weights give.

    Attributes:
        expected: at the last and at the best epoch, whose weights training hands over.
        anywhere: at any other epoch. It is narrower, since one of many epochs may come close by chance.
    """

    expected: float
    anywhere: float


FLOAT32 = Tolerance(1e-4, 3e-6)
TENSOR_FLOAT = Tolerance(2e-3, 3e-5)
HALF = Tolerance(2e-3, 3e-5)
"""Tolerances by arithmetic, held against ``docs/arithmetic.csv`` by a test.

The loss is replayed in each way in which TensorFlow rounds. What ``anywhere`` leaves is at least twice what Keras was
measured to differ from that. ``expected`` allows for machines that round single values otherwise: it is larger than the
difference between TensorFloat-32 and float32, and a fifth of the percent from which on a false claim must be caught.
"""


def tolerance(facts: Facts) -> Tolerance:
    """The tolerance for the arithmetic in which a network was evaluated."""
    if facts.policy not in ("", "float32", "float64"):
        return HALF
    return TENSOR_FLOAT if _in_tensor_float(facts) else FLOAT32


def _in_tensor_float(facts: Facts) -> bool:
    """Whether matrices may have been multiplied in TensorFloat-32; other backends than TensorFlow do not say."""
    return facts.device == "GPU" and (facts.tf32 or facts.backend != "tensorflow")


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
        least: smallest allowed value, likewise: a validation loss so low was measured on rows that were trained on.
        prefix: what the notebook's names for this data, model and history begin with: ``"concrete_"``.
    """

    data: str
    optimizer: str
    loss: str
    batch_size: int
    epochs: int
    least_epochs: int
    forbidden: tuple[str, ...] = FAULTS
    target: float | None = None
    limits: Mapping[str, float] = field(default_factory=dict)
    least: Mapping[str, float] = field(default_factory=dict)
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
    """What was found about a training run.

    Attributes:
        findings: in the order in which to act on them.
        curves, diagnosis: the curves, and what they show; None where there are none.
        outcome: whether the weights prove the curves; None where there are no weights to prove them with.
    """

    findings: tuple[Finding, ...]
    curves: Curves | None = None
    diagnosis: Diagnosis | None = None
    outcome: Outcome | None = None

    @property
    def passed(self) -> bool:
        return self.curves is not None and not any(found.severity is Severity.ERROR for found in self.findings)


@dataclass(frozen=True)
class Proof:
    """What the weights say of a claimed validation loss.

    Attributes:
        outcome: see :class:`Outcome`; None where there are no weights to compare with.
        reached: the claimed loss that counts: at the proved epoch, else at the last one; None without one.
        finding: why it is not proved.
    """

    outcome: Outcome | None = None
    reached: float | None = None
    finding: Finding | None = None


def judge(training: Training, answer: NetworkAnswer) -> Verdict:
    """Judge a training run: are these curves this network's, and do they show what they should?

    Args:
        training: what was asked for.
        answer: what was handed in; its curves are asked for.
    """
    from checker.curves import diagnose

    if isinstance(answer.curves, Finding) or answer.curves is None:
        finding = answer.curves if answer.doubt is None else answer.doubt
        outcome = None if answer.doubt is None else Outcome.UNSETTLED
        return Verdict((finding or Finding("history.none"),), outcome=outcome)
    curves = answer.curves
    diagnosis = diagnose(curves, reference=datasets.median_loss(training.data))
    network = answer.network if isinstance(answer.network, Blueprint) else None
    proof = _proof(training, answer, curves)
    foreign = tuple(_foreign(training, network, curves, proof))
    if foreign:
        outcome = None if proof.outcome is Outcome.UNSETTLED else proof.outcome  # what is wrong is plain without it
        return Verdict(foreign, curves, diagnosis, outcome)
    if proof.finding is not None and proof.finding.severity is Severity.ERROR:
        return Verdict((proof.finding,), curves, diagnosis, proof.outcome)
    findings = (*filter(None, [proof.finding]), *_shape(training, curves, diagnosis, proof, answer.facts))
    return Verdict(findings, curves, diagnosis, proof.outcome)


def _foreign(training: Training, network: Blueprint | None, curves: Curves, proof: Proof) -> Iterator[Finding]:
    """Signs that the curves are not this network's, or not of this training.

    Weights that prove the loss outrank them: it is then of this data and of this loss function, whatever the model says
    now. (It may have been loaded or cloned without being compiled, or a learner wrote the function anew.)
    """
    proved = proof.outcome is Outcome.PROVED and proof.reached is not None and math.isfinite(proof.reached)
    if network is not None:
        yield from _model_findings(training, network, proved)
    if not proved and (finding := scale(training, curves)) is not None:
        yield finding


def _model_findings(training: Training, blueprint: Blueprint, proved: bool) -> Iterator[Finding]:
    """A model that was never built or compiled cannot have this history."""
    if not blueprint.built and not proved:
        yield Finding("model.unbuilt")
    if blueprint.compiled is None:
        if not proved:
            yield Finding("model.not_compiled", params={"code": training.compile_code})
        return
    for name, expected in (("loss", training.loss), ("optimizer", training.optimizer)):
        actual = blueprint.compiled.get(name)
        if actual and actual != expected and not (proved and name == "loss"):
            yield Finding(f"compile.{name}", params={"actual": actual, "expected": expected})


def scale(training: Training, curves: Curves) -> Finding | None:
    """A stale kernel's history is of other data: its loss lies on an impossible scale."""
    from checker.curves import diagnose

    median = datasets.median_loss(training.data)
    finite = curves.finite
    lowest = min(finite, default=median)
    if SMALLEST_SCALE * median <= lowest <= LARGEST_SCALE * median or "diverged" in diagnose(curves):
        return None
    return Finding("history.scale", params={"actual": lowest, "median": median, "data": training.data})


def _proof(training: Training, answer: NetworkAnswer, curves: Curves) -> Proof:
    """Whether the weights give the validation loss of an epoch on the course's split.

    Training hands over the weights of its last epoch, or those of the best one where they were restored; a learner who
    stopped or restored by hand, those of any other. So any epoch will do.
    """
    last = None if curves.val_loss is None else curves.val_loss[-1]
    if answer.doubt is not None:
        return Proof(Outcome.UNSETTLED, last, answer.doubt)
    if min((value for value in (*curves.loss, *(curves.val_loss or ())) if math.isfinite(value)), default=0.0) < 0:
        return Proof(Outcome.CONTRADICTED, last, Finding("history.negative"))
    if answer.replay is None:  # curves alone; there is nothing to compare them with
        return Proof(None, last, _rounded(curves, answer.facts))
    if curves.val_loss is None:
        return Proof()
    try:
        actual = weights_loss(training, answer)
    except Exception as error:  # Unsupported, or weights that do not fit the settings or the data
        finding = Finding("evidence.unsupported", Severity.WARNING, params={"reason": str(error)[:200]})
        return Proof(Outcome.UNSETTLED, last, finding)
    epoch = proved_epoch(actual, curves, tolerance(answer.facts))
    if epoch is not None:
        return Proof(Outcome.PROVED, curves.val_loss[epoch - 1])
    return Proof(Outcome.UNSETTLED, last, _unproved(answer.facts, curves, actual))


def weights_loss(training: Training, answer: NetworkAnswer) -> float:
    """The validation loss that the weights give, penalties included.

    Of the ways in which the machine may have rounded, it is that in which the loss proves an epoch of the answer's
    curves; where none does, the usual one.

    Raises:
        Exception: of any kind, for weights that cannot be replayed or do not fit.
    """
    from checker.curves import Curves

    reached, curves = _losses(training, answer), answer.curves
    if isinstance(curves, Curves):
        for actual in reached:
            if proved_epoch(actual, curves, tolerance(answer.facts)) is not None:
                return actual
    return reached[0]


def _losses(training: Training, answer: NetworkAnswer) -> list[float]:
    """The loss in each way in which the machine may have rounded, the usual one first."""
    from checker.reading.replay import loss
    from checker.reading.rounding import TENSOR_FLOATS, Rounding

    assert answer.replay is not None
    replay, split = answer.replay(), datasets.split(training.data)
    possible = [Rounding.USUAL, Rounding.APART, *(TENSOR_FLOATS if _in_tensor_float(answer.facts) else ())]
    ways = [way for way in possible if way is Rounding.USUAL or way in replay.roundings]
    return [loss(training.loss, split.y_valid, replay.predict(split.X_valid, way)) + replay.penalty for way in ways]


def proved_epoch(actual: float, curves: Curves, allowed: Tolerance) -> int | None:
    """The epoch, counted from 1, whose claimed validation loss is this one: the last, the best, or another.

    Args:
        actual: the loss that the weights give.
        curves: what is claimed; they have a validation loss.
        allowed: how far apart the two may be.
    """
    values = curves.val_loss or ()
    for epoch in filter(None, (len(values), curves.best_epoch)):
        if close(actual, values[epoch - 1], allowed.expected):
            return epoch
    if not math.isfinite(actual):
        return None
    others = range(len(values), 0, -1)
    return next((epoch for epoch in others if close(actual, values[epoch - 1], allowed.anywhere)), None)


def _rounded(curves: Curves, facts: Facts) -> Finding | None:
    """Losses that no training in float32 gives were rounded or typed in."""
    from checker.curves import float32_values

    if facts.policy == "float64" or float32_values(curves):
        return None
    return Finding("history.rounded", Severity.WARNING)


def _unproved(facts: Facts, curves: Curves, actual: float) -> Finding:
    """The likeliest reason why no epoch has the loss that the weights give."""
    claimed = (curves.val_loss or (math.nan,))[-1]
    params = {"actual": actual, "claimed": claimed}
    if facts.averaged:
        return Finding("history.averaged", params=params)
    if facts.owner == "this":  # Keras vouches for the run, so it was validated on other data
        return Finding("history.other_split", params=params)
    if facts.owner == "other":
        return Finding("history.other_model", params=params)
    if (rounded := _rounded(curves, facts)) is not None:
        return Finding(rounded.code, params=params)
    if facts.epochs is not None and facts.epochs != len(curves.loss):
        return Finding("history.epochs", params={"claimed": facts.epochs, "actual": len(curves.loss)})
    return Finding("history.stale", params=params)


def close(actual: float, claimed: float, allowed: float = FLOAT32.expected) -> bool:
    """Whether two losses are the same number but for rounding; two that are not finite are the same failure."""
    if not (math.isfinite(actual) and math.isfinite(claimed)):
        return not math.isfinite(actual) and not math.isfinite(claimed)
    return math.isclose(actual, claimed, rel_tol=allowed)


def _shape(training: Training, curves: Curves, diagnosis: Diagnosis, proof: Proof, facts: Facts) -> Iterator[Finding]:
    """What the curves show, once they are known to be the right ones."""
    if len(curves.loss) < training.least_epochs and "diverged" not in diagnosis:
        params = {"actual": len(curves.loss), "expected": training.epochs, "first": facts.first}
        yield Finding("history.short:continued" if facts.first else "history.short", params=params)
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
    if wrong := [verdict for verdict in diagnosis.verdicts if verdict.name in training.forbidden]:
        if any(verdict.strength != "plain" for verdict in wrong):
            yield Finding("curve.slight", Severity.NOTE)
        return
    for name, limit in training.limits.items():
        if (value := diagnosis.numbers.get(name)) is not None and not value <= limit:
            yield Finding(f"curve.limit.{name}", params={"actual": value, "limit": limit})
    for name, limit in training.least.items():
        if (value := diagnosis.numbers.get(name)) is not None and not value >= limit:
            yield Finding(f"curve.least.{name}", params={"actual": value, "limit": limit})
    if training.target is not None:
        reached = proof.reached if proof.reached is not None else curves.val_loss[-1]
        if not reached <= training.target:
            yield Finding("curve.target", params={"actual": reached, "target": training.target})
