"""What a learner's run leaves behind, and what it proves.

``save`` writes ``evidence/<question>.keras`` (Keras' own format, without the optimizer) and
``evidence/<question>.json`` (the learning curves and what they were made with) beside the notebook. ``read`` takes them
as hostile data, ``verify`` compares the claimed validation loss with the one that the weights give on the course's own
split, and ``assess`` turns a whole submission into the reports that are graded. Reading and grading need no TensorFlow.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import platform
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from checker.blueprint import Blueprint, Graph, Unreadable
from checker.curves import Curves, NotCurves
from checker.grading import untrusted
from checker.grading.untrusted import Refused
from checker.kinds import NetworkQuestion, ReadingQuestion
from checker.question import Assignment, Question
from checker.report import Finding, Report, plain, restored
from checker.training import Training, reproduced

if TYPE_CHECKING:
    from checker.grading.replay import Replay

FORMAT: Final = 1
FOLDER: Final = Path("evidence")
SKETCH: Final = 64
"""Weights that a sketch of a network holds."""

KEPT: Final = ("assignment", "compiled", "history", "before", "after", "answer", "fit", "data")
"""What a record may say besides its format, question and versions: nothing about the person or the machine."""


# --- the learner's side -----------------------------------------------------------------------------------------------


def save(question_id: str, model: Any = None, *, record: Mapping[str, Any], folder: Path | str = FOLDER) -> None:
    """Leave the evidence of one question; never in the way of the learner.

    Whatever goes wrong (a read-only folder, a model that cannot be saved) is passed over in silence: it costs the
    learner at most that the grader runs the notebook again. The model is not changed.

    Args:
        question_id: ``"q1"``; the files are named after it.
        model: the live Keras model, or None where the question has none.
        record: what to note, of the keys in ``KEPT``: ``history`` (``{"loss": [...], "val_loss": [...]}``), ``before``
            and ``after`` (the two histories that a reading compares), ``answer`` (the reading, by name), ``compiled``,
            ``fit`` (``{"epochs": 50, ...}``), ``data`` (``{"name": ..., "fingerprint": ...}``), ``assignment``. Other
            keys are dropped.
        folder: where to; made if missing.
    """
    with contextlib.suppress(Exception), warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        archive, missing = _archived(model)
        kept = {key: plain(record[key]) for key in KEPT if record.get(key) is not None}
        noted = {"format": FORMAT, "question": question_id, **kept, "versions": _versions()}
        noted["model"] = {"sha256": hashlib.sha256(archive).hexdigest()} if archive else {"missing": missing}
        text = json.dumps(noted, indent=1, ensure_ascii=False, default=float)
        if archive:
            _write(folder / f"{question_id}.keras", archive)
        else:
            (folder / f"{question_id}.keras").unlink(missing_ok=True)
        _write(folder / f"{question_id}.json", text.encode())


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    keras = sys.modules.get("keras")
    return {
        "python": platform.python_version(),
        "keras": str(getattr(keras, "__version__", "")),
        "checker": version("keras-layers-course"),
    }


def _write(path: Path, data: bytes) -> None:
    """Write the whole file or nothing."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _archived(model: Any) -> tuple[bytes | None, str]:
    """The model as a Keras archive without optimizer, or None and the code of why it cannot be had."""
    keras = sys.modules.get("keras")
    if keras is None or not isinstance(model, keras.Model):
        return None, "model.none"
    if model.built and 4 * model.count_params() > untrusted.ARCHIVE_LIMIT:
        return None, "evidence.too_big"
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.keras"
            _straight(model).save(path)
            archive = _repacked(path.read_bytes(), model)
    except Exception:  # a learner's own layers can fail in any way here
        return None, "evidence.unsaved"
    return (archive, "") if len(archive) <= untrusted.ARCHIVE_LIMIT else (None, "evidence.too_big")


def _straight(model: Any) -> Any:
    """The model itself if Keras can describe it as data, else the trace of its ``call``, which shares its layers."""
    import keras

    if type(model).__module__.partition(".")[0] == "keras":
        return model
    inputs = keras.Input(batch_shape=model.get_build_config()["input_shape"], name="input")
    return keras.Model(inputs, model.call(inputs), name=model.name)


def _repacked(archive: bytes, model: Any) -> bytes:
    """The archive without optimizer, date and code, and with what the model was compiled with."""
    with zipfile.ZipFile(io.BytesIO(archive)) as source:
        config = json.loads(source.read("config.json"))
        metadata = json.loads(source.read("metadata.json"))
        weights = source.read("model.weights.h5")
    if not config.get("compile_config") and getattr(model, "compiled", False):
        config["compile_config"] = model.get_compile_config()
    metadata.pop("date_saved", None)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as target:
        for name, content in (
            ("metadata.json", json.dumps(metadata).encode()),
            ("config.json", json.dumps(_without_code(config)).encode()),
            ("model.weights.h5", _without_optimizer(weights)),
        ):
            target.writestr(zipfile.ZipInfo(name), content)  # ZipInfo carries a fixed date
    return packed.getvalue()


def _without_code(config: Any) -> Any:
    """Marshalled code of lambdas is of no use to a grader that runs none, and names the file it was written in."""
    if isinstance(config, dict):
        if config.get("class_name") == "__lambda__":
            return {**config, "config": {}}
        return {key: _without_code(value) for key, value in config.items()}
    return [_without_code(value) for value in config] if isinstance(config, list) else config


def _without_optimizer(weights: bytes) -> bytes:
    import h5py

    kept = io.BytesIO()
    with h5py.File(io.BytesIO(weights), "r") as source, h5py.File(kept, "w") as target:
        if "layers" in source:
            source.copy("layers", target)
    return kept.getvalue()


# --- the grader's side ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Evidence:
    """One question's evidence as read.

    Attributes:
        question: the question's id.
        record: what the JSON file says, NaN and infinities as numbers; empty if it is missing or was refused.
        weights: the arrays in the Keras archive; None if there is none that can be read.
        graph: the saved network; None where ``weights`` is None or the archive describes no network.
        problems: codes of ``checker.messages`` for what is missing, refused or unreadable.
    """

    question: str
    record: Mapping[str, Any] = field(default_factory=dict)
    weights: untrusted.Weights | None = field(default=None, repr=False)
    graph: Graph | None = field(default=None, repr=False)
    problems: tuple[str, ...] = ()

    @cached_property
    def blueprint(self) -> Blueprint | None:
        """The saved network in canonical form."""
        return None if self.graph is None else Blueprint.from_graph(self.graph)

    @property
    def replay(self) -> Replay:
        """The saved network's forward pass.

        Raises:
            checker.grading.replay.Unsupported: there is no network, or it has a layer that the replay does not know.
        """
        from checker.grading.replay import Replay, Unsupported

        if self.graph is None or self.weights is None:
            raise Unsupported("no saved model")
        return Replay.saved(self.graph, self.weights)

    def curves(self, name: str = "history") -> dict[str, Any] | None:
        """Claimed learning curves, ``"history"``, ``"before"`` or ``"after"``; None where the record has none."""
        value = self.record.get(name)
        return dict(value) if isinstance(value, Mapping) else None

    def answer(self, name: str) -> Any:
        """A part of a reading, ``"effect"`` or ``"number"``; None where the record has none."""
        answers = self.record.get("answer")
        return answers.get(name) if isinstance(answers, Mapping) else None

    @cached_property
    def sketch(self) -> tuple[float, ...]:
        """A few of the matrices' weights, scaled to length 1; empty without weights.

        Networks trained apart are nearly orthogonal; copies that were changed a little or trained on, nearly parallel.
        """
        import numpy as np

        arrays = (array for group in (self.weights or {}).values() for array in group.values())
        matrices = [array.ravel() for array in arrays if array.ndim > 1]
        values = np.concatenate(matrices) if matrices else np.empty(0)
        if not values.size:
            return ()
        chosen = values[np.linspace(0, values.size - 1, SKETCH).astype(int)].astype(np.float64)
        length = float(np.linalg.norm(chosen))
        if not (0 < length < np.inf):
            return ()
        return tuple(round(float(value), 4) for value in chosen / length)


def read(folder: Path | str, question_id: str) -> Evidence:
    """Read one question's evidence as hostile data; never raises for what is in the files.

    Args:
        folder: the submission's ``evidence`` folder.
        question_id: ``"q1"``.
    """
    folder = Path(folder)
    problems: list[str] = []
    record = _read_record(folder / f"{question_id}.json", question_id, problems)
    archive = _read_archive(folder / f"{question_id}.keras", record, problems) if record else None
    weights = graph = None
    if archive is not None:
        try:
            weights = untrusted.archive_weights(archive)
            graph = Graph.load(archive)
        except (Refused, Unreadable) as error:
            problems.append(error.code)
        except Exception:  # a config that Keras would never write
            problems.append("model.unreadable")
    return Evidence(question_id, record, weights, graph, tuple(problems))


def _read_record(path: Path, question_id: str, problems: list[str]) -> dict[str, Any]:
    try:
        record = untrusted.json_object(untrusted.file_bytes(path, untrusted.RECORD_LIMIT), untrusted.RECORD_LIMIT)
    except FileNotFoundError:
        problems.append("evidence.missing")
        return {}
    except Refused as refused:
        problems.append(refused.code)
        return {}
    if record.get("format") != FORMAT:
        problems.append("evidence.format")
        return {}
    if record.get("question") != question_id:
        problems.append("evidence.other_question")
        return {}
    return dict(restored(record))


def _read_archive(path: Path, record: Mapping[str, Any], problems: list[str]) -> bytes | None:
    noted = record.get("model")
    noted = noted if isinstance(noted, Mapping) else {}
    if "missing" in noted:
        if noted["missing"] != "model.none":
            problems.append("evidence.unsaved")
        return None
    try:
        archive = untrusted.file_bytes(path, untrusted.ARCHIVE_LIMIT)
    except FileNotFoundError:
        problems.append("evidence.missing")
        return None
    except Refused as refused:
        problems.append(refused.code)
        return None
    if hashlib.sha256(archive).hexdigest() != noted.get("sha256"):
        problems.append("evidence.altered")
        return None
    return archive


# --- what it proves ---------------------------------------------------------------------------------------------------


class Outcome(StrEnum):
    """What the evidence says of its own claims."""

    VERIFIED = "verified"
    CONTRADICTED = "contradicted"
    UNSETTLED = "unsettled"


@dataclass(frozen=True)
class Verification:
    """The outcome of :func:`verify`; ``code`` and ``params`` are a message's that says why, empty where verified."""

    outcome: Outcome
    code: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)


VERIFIED: Final = Verification(Outcome.VERIFIED)


def verify(evidence: Evidence, question: Question, proved: Evidence | None = None) -> Verification:
    """Whether the weights prove the claimed validation loss.

    The claimed ``val_loss`` must be reproduced by a NumPy forward pass over the grader's own validation split, at the
    last epoch or, if the best weights were restored, at the best one, within ``checker.training.TOLERANCE``.

    Args:
        evidence: what was read.
        question: the question that it answers.
        proved: for a question that reads curves: the verified evidence of the network they come from.

    Returns:
        Verified; contradicted (the numbers do not belong to this network); or unsettled, with the reason, where only
        running the notebook again or a person can tell.
    """
    if evidence.problems:
        return Verification(Outcome.UNSETTLED, evidence.problems[0])
    if isinstance(question, ReadingQuestion):
        own = proved is not None and proved.curves() == evidence.curves("after")
        return (
            VERIFIED
            if own or evidence.curves("after") is None
            else Verification(Outcome.UNSETTLED, "evidence.other_run")
        )
    training = getattr(question, "training", None)
    try:
        curves = Curves.of(evidence.curves())
    except NotCurves:
        return VERIFIED  # no curves are claimed, none are credited
    if training is None or curves.val_loss is None:
        return VERIFIED
    return _verify_loss(evidence, training, curves)


def _verify_loss(evidence: Evidence, training: Training, curves: Curves) -> Verification:
    try:
        replayed = reproduced(training, evidence.replay, curves)
    except Exception as error:  # Unsupported, or weights that do not fit the config
        return Verification(Outcome.UNSETTLED, "evidence.unsupported", {"reason": str(error)[:200]})
    if replayed.matches:
        return VERIFIED
    return Verification(Outcome.CONTRADICTED, "history.stale", {"actual": replayed.loss, "claimed": replayed.claimed})


@dataclass(frozen=True)
class Assessment:
    """What a submission's evidence earns in one question: the report, and how far the evidence carries it."""

    report: Report
    verification: Verification
    evidence: Evidence


def assess(assignment: Assignment, folder: Path | str) -> dict[str, Assessment]:
    """Grade all questions of a submission from its evidence; never raises for what is in the files.

    Args:
        assignment: the assignment.
        folder: the submission's ``evidence`` folder.

    Returns:
        By question id. Curves that the weights do not prove earn nothing, whatever they look like.
    """
    read_all = {question.id: read(folder, question.id) for question in assignment.questions}
    assessed: dict[str, Assessment] = {}
    for question in sorted(assignment.questions, key=lambda question: isinstance(question, ReadingQuestion)):
        evidence = read_all[question.id]
        network = _network_read_by(question, assignment)
        source = assessed[network].evidence if network and assessed[network].verification == VERIFIED else None
        verification = verify(evidence, question, source)
        report = _carried(_evaluated(question, evidence), verification, evidence)
        assessed[question.id] = Assessment(report, verification, evidence)
    return {question.id: assessed[question.id] for question in assignment.questions}


def _network_read_by(question: Question, assignment: Assignment) -> str | None:
    """The question whose network a reading question speaks of: the one that is trained in the same way."""
    if not isinstance(question, ReadingQuestion):
        return None
    networks = (other for other in assignment.questions if isinstance(other, NetworkQuestion))
    return next((other.id for other in networks if other.training == question.training), None)


def _evaluated(question: Question, evidence: Evidence) -> Report:
    if isinstance(question, ReadingQuestion):
        runs = {name: evidence.curves(name) for name in ("before", "after")}
        return question.evaluate(effect=evidence.answer("effect"), number=evidence.answer("number"), **runs)
    if isinstance(question, NetworkQuestion):
        return question.evaluate(model=evidence.blueprint, history=evidence.curves())
    raise TypeError(f"no evidence is kept for a {type(question).__name__}")


def _carried(report: Report, verification: Verification, evidence: Evidence) -> Report:
    """The report as far as the evidence carries it: what is not proved earns nothing and says why."""
    if verification.outcome is Outcome.VERIFIED:
        return report
    finding = Finding(verification.code, params=verification.params)
    kept = "architecture" if evidence.graph is not None else None
    return replace(
        report,
        sections=tuple(
            section if section.name == kept else replace(section, passed=False, points=0.0, findings=(finding,))
            for section in report.sections
        ),
    )
