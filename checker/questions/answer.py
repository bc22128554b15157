"""What a question needs to be judged, whoever asks: the learner's kernel or a grader with the learner's files.

An answer is read once, by ``from_kernel`` of live objects or by ``from_evidence`` of files, and judged in one place, by
the question. Both readers give the same answer for the same work, so that the grade is what the notebook said.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Self

from checker.blueprint import Blueprint, Graph, Unreadable
from checker.reading.keras_internals import all_layers
from checker.reading.recognise import is_a, keras_in_use
from checker.report import Finding

if TYPE_CHECKING:  # NumPy, which both need, is loaded when the first curves are judged
    from checker.curves import Curves
    from checker.questions.evidence import Evidence
    from checker.reading.replay import Replay


class NotAsked(Enum):
    """Stands for a part of an answer that is not asked for; ``...`` or None may be what a learner hands in."""

    PART = "not asked for"


NOT_ASKED: Final = NotAsked.PART


@dataclass(frozen=True)
class Facts:
    """What is known of a run besides its curves; recorded with the evidence, never a reason for points.

    Attributes:
        owner: whose history it is: ``"this"`` model's last run as Keras vouches, ``"other"`` model's, or unknown.
        epochs: how many epochs the History lists; None where it does not say.
        backend: Keras' backend, ``"tensorflow"``; empty where unknown.
        device: ``"CPU"`` or ``"GPU"``; empty where unknown.
        policy: the model's dtype policy, ``"float32"``, ``"mixed_float16"``; empty where unknown.
        tf32: whether matrices may be multiplied in TensorFloat-32, as NVIDIA's Ampere and newer do by default.
        averaged: whether the optimizer puts a moving average in place of the weights when training ends.
        first: how many epochs came before the first that the History lists, ``fit``'s ``initial_epoch``.
    """

    owner: str = ""
    epochs: int | None = None
    backend: str = ""
    device: str = ""
    policy: str = ""
    tf32: bool = False
    averaged: bool = False
    first: int = 0

    @classmethod
    def of(cls, model: Any, history: Any) -> Self:
        """The facts of a live model and history; nothing but Keras' own objects is asked."""
        keras = keras_in_use()
        if keras is None:
            return cls()
        real = is_a(history, keras.callbacks.History)  # other objects' attributes are not touched
        listed, owner = (getattr(history, name, None) if real else None for name in ("epoch", "model"))
        epochs = len(listed) if type(listed) is list and listed else None
        first = listed[0] if epochs and listed and isinstance(listed[0], int) and listed[0] > 0 else 0
        if not is_a(model, keras.Model):
            return cls("", epochs, first=first)
        vouched = owner is model and getattr(model, "history", None) is history
        who = "this" if vouched else "other" if owner is not None and owner is not model else ""
        averaged = getattr(getattr(model, "optimizer", None), "use_ema", False) is True
        return cls(who, epochs, *_arithmetic(keras, model), averaged, first)

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """The facts in a record; whatever does not fit counts as unknown."""
        if not isinstance(data, Mapping):
            return cls()
        owner, backend, device, policy = (
            str(data.get(name, ""))[:40] for name in ("owner", "backend", "device", "policy")
        )
        epochs, first = (value if isinstance(value, int) else None for value in map(data.get, ("epochs", "first")))
        tf32, averaged = (data.get(name) is True for name in ("tf32", "averaged"))
        return cls(owner, epochs, backend, device, policy, tf32, averaged, first or 0)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def _arithmetic(keras: Any, model: Any) -> tuple[str, str, str, bool]:
    """Backend, device, dtype policy and the state of TF32."""
    backend = str(keras.backend.backend())
    policy = next((name for layer in _layers(model) if (name := _policy(layer)) not in ("", "float32")), "float32")
    tensorflow = sys.modules.get("tensorflow") if backend == "tensorflow" else None
    try:
        if tensorflow is not None:
            device = "GPU" if tensorflow.config.list_logical_devices("GPU") else "CPU"
            return backend, device, policy, bool(tensorflow.config.experimental.tensor_float_32_execution_enabled())
        weights = model.weights
        place = str(getattr(weights[0].value, "device", "")) if weights else ""
        return backend, "GPU" if any(name in place.lower() for name in ("cuda", "gpu")) else "CPU", policy, False
    except Exception:  # a backend that does not say; unknown is allowed
        return backend, "", policy, False


def _layers(model: Any) -> list[Any]:
    try:
        return all_layers(model)
    except Exception:  # without what Keras keeps to itself, the model itself has to do
        return [model]


def _policy(layer: Any) -> str:
    try:
        return str(getattr(getattr(layer, "dtype_policy", None), "name", ""))
    except Exception:  # a learner's own layer may raise anything
        return ""


@dataclass(frozen=True)
class NetworkAnswer:
    """A network and how its training went.

    Attributes:
        network: the network, or the finding why there is none; None where it is not asked for.
        curves: the learning curves, or the finding why there are none; None where they are not asked for.
        replay: makes the replay of its weights, which may raise ``replay.Unsupported`` or ``Unreadable``; None where
            there are no weights, so that nothing can be proved.
        facts: what else is known of the run.
        graph: the network as it was read, where it could be.
        doubt: why the evidence cannot be relied on: missing, damaged, altered; None where it can.
        unused: layers that are called but lead nowhere: the position of the layer before them, and their code.
    """

    network: Blueprint | Finding | None = None
    curves: Curves | Finding | None = None
    replay: Callable[[], Replay] | None = field(default=None, compare=False)
    facts: Facts = Facts()
    doubt: Finding | None = None
    graph: Graph | None = field(default=None, compare=False)
    unused: tuple[tuple[int, str], ...] = ()

    @classmethod
    def from_kernel(cls, input_shape: Any, model: Any = NOT_ASKED, history: Any = NOT_ASKED) -> Self:
        """Read live objects, each once.

        Args:
            input_shape: shape of one sample, for a model that has not seen any.
            model: a Keras model, or a Blueprint of one; anything else becomes a finding.
            history: what ``model.fit`` returned, its ``.history``, a DataFrame or Curves; else a finding.
        """
        network: Blueprint | Finding | None = None
        replay: Callable[[], Replay] | None = None
        graph: Graph | None = None
        if isinstance(model, Blueprint):
            network = model
        elif model is not NOT_ASKED:
            try:
                graph = Graph.of(model, input_shape)
                network = Blueprint.from_graph(graph)
                replay = _live_replay(graph)
            except Unreadable as problem:
                network = Finding(problem.code, params=problem.params)
        curves = None if history is NOT_ASKED else read_curves(history)
        live = model if isinstance(network, Blueprint) else None
        unused = () if graph is None else graph.unused
        return cls(network, curves, replay, Facts.of(live, history), graph=graph, unused=unused)

    @classmethod
    def from_evidence(cls, evidence: Evidence, trained: bool) -> Self:
        """Read what the evidence says.

        Args:
            evidence: one question's evidence.
            trained: whether curves are asked for.
        """
        doubt = Finding(evidence.problems[0]) if evidence.problems else None
        graph = evidence.graph
        network: Blueprint | Finding | None = None
        if graph is not None:
            try:
                network = Blueprint.from_graph(graph)
            except Unreadable as problem:
                doubt = doubt or Finding(problem.code, params=problem.params)
        curves = (evidence.unread() or read_curves(evidence.curves())) if trained else None
        replay = None if graph is None or evidence.weights is None else _saved_replay(graph, evidence.weights)
        facts = Facts.from_dict(evidence.record.get("facts"))
        if network is None and evidence.finding is not None:  # the learner was told then, and is told so again
            network, doubt = evidence.finding, None
        found = network or doubt or Finding("model.none")
        return cls(found, curves, replay, facts, doubt, graph, evidence.unused)


def _live_replay(graph: Graph) -> Callable[[], Replay]:
    def replay() -> Replay:
        from checker.reading.replay import Replay

        return Replay.live(graph)

    return replay


def _saved_replay(graph: Graph, weights: Any) -> Callable[[], Replay]:
    def replay() -> Replay:
        from checker.reading.replay import Replay

        return Replay.saved(graph, weights)

    return replay


@dataclass(frozen=True)
class ReadingAnswer:
    """What was read off two runs.

    Attributes:
        effect, number: as handed in; for a number that was read as none, the finding why.
        before, after: the two runs, or the finding why there is none.
        same: whether both are one object.
        doubt: why the evidence cannot be relied on; None where it can.
        exchanged: whether the submission's networks prove the first run instead of the second.
        reason: the letter of the reason, as handed in; ``NOT_ASKED`` in a notebook that did not ask for one yet.
    """

    effect: Any
    number: Any
    before: Curves | Finding
    after: Curves | Finding
    same: bool = False
    doubt: Finding | None = None
    exchanged: bool = False
    reason: Any = NOT_ASKED

    @classmethod
    def from_kernel(cls, effect: Any, number: Any, before: Any, after: Any, reason: Any = NOT_ASKED) -> Self:
        """Read live objects, each once."""
        same = before is after and before is not None
        return cls(effect, number, read_curves(before), read_curves(after), same, reason=reason)

    @classmethod
    def from_evidence(cls, evidence: Evidence, proved: Collection[Curves]) -> Self:
        """Read what the evidence says.

        Args:
            evidence: one question's evidence.
            proved: the curves that the weights of the submission's networks prove: the second run must be one of them.
        """
        doubt = Finding(evidence.problems[0]) if evidence.problems else None
        before, after = (evidence.unread(name) or read_curves(evidence.curves(name)) for name in ("before", "after"))
        known = set(map(repr, proved))  # as text, in which NaN equals NaN
        exchanged = False
        if doubt is None and not isinstance(after, Finding) and repr(after) not in known:
            doubt, exchanged = Finding("evidence.other_run"), repr(before) in known
        number = evidence.unread("number") or evidence.answer("number")
        reason = evidence.answer("reason") if evidence.asked("reason") else NOT_ASKED
        return cls(evidence.answer("effect"), number, before, after, False, doubt, exchanged, reason)


@dataclass(frozen=True)
class PlainAnswer:
    """An answer that fits into a variable: a number or a letter, as handed in."""

    value: Any


def read_curves(history: Any) -> Curves | Finding:
    """The curves in a history, or the finding why it holds none."""
    from checker.curves import Curves, NotCurves

    try:
        return Curves.of(history)
    except NotCurves as problem:
        return Finding(problem.code, params=problem.params)
