"""What a learner's run leaves behind.

``pack`` makes ``<question>.keras`` (Keras' own format, without the optimizer) and ``<question>.json`` (the learning
curves and what they were made with); ``write`` puts them into the folder ``evidence`` beside the notebook, and
:mod:`checker.questions.bundle` into the notebook itself. ``read`` takes them as hostile data; what they prove is judged
where all answers are (:mod:`checker.questions.training`). Reading needs no TensorFlow.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import math
import platform
import re
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from checker import _files, datasets
from checker.blueprint import Blueprint, Graph, Unreadable
from checker.reading import archive as untrusted
from checker.reading.archive import Refused
from checker.reading.graph_file import graph_archive
from checker.reading.recognise import is_a, keras_in_use
from checker.report import Finding, plain, restored
from checker.report.messages import MESSAGES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from checker.curves import Curves

FORMAT: Final = 1
FOLDER: Final = Path("evidence")
SKETCH: Final = 64
"""Weights that a sketch of a network holds."""

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")

KEPT: Final = (
    "assignment",
    "compiled",
    "facts",
    "finding",
    "history",
    "before",
    "after",
    "answer",
    "runs",
    "fit",
    "data",
    "unread",
    "unused",
)
"""What a record may say besides its format, question, time and versions: nothing about the person or the machine."""


# --- the learner's side -----------------------------------------------------------------------------------------------


def pack(
    question_id: str, model: Any = None, *, record: Mapping[str, Any], graph: Graph | None = None
) -> dict[str, bytes]:
    """The evidence of one question as files, by name; empty where none can be made. Never raises.

    What cannot be saved (a model whose layers fail) is noted in the record, so that the grader runs the notebook again.
    The model is not changed.

    Args:
        question_id: ``"q1"``; the files are named after it.
        model: the live Keras model, or None where the question has none.
        record: what to note, of the keys in ``KEPT``: ``history`` (``{"loss": [...], "val_loss": [...]}``), ``before``
            and ``after`` (the two histories that a reading compares), ``answer`` (the reading, by name), ``compiled``,
            ``facts`` (see ``answer.Facts``), ``finding`` (why there is no network, as ``Finding.to_dict``), ``unread``
            (likewise for curves and numbers, by the name under which they would stand), ``unused`` (see
            ``answer.NetworkAnswer``), ``runs`` (an ablation's histories, by network), ``data`` (``{"name": ...,
            "fingerprint": ...}``), ``assignment``. Other keys are dropped.
        graph: the model as the checker read it; None where it was not read.
    """
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            archive, missing = _archived(model, graph)
            kept = {key: plain(record[key]) for key in KEPT if record.get(key) is not None}
            noted = {"format": FORMAT, "question": question_id, "saved": _now(), **kept, "versions": _versions()}
            noted["model"] = {"sha256": hashlib.sha256(archive).hexdigest()} if archive else {"missing": missing}
            text = sealed(noted)
    except Exception:
        return {}
    files = {f"{question_id}.keras": archive, f"{question_id}.json": text}
    return {name: content for name, content in files.items() if content}


def sealed(record: Mapping[str, Any]) -> bytes:
    """The record as a file, with a digest of what it says: damage shows, as it does in the archive.

    It proves nothing else: whoever changes the record on purpose can note another digest.
    """
    text = json.dumps(record, indent=1, ensure_ascii=False, default=float).encode("utf-8", "replace")
    said = json.loads(text)
    return json.dumps({**said, "digest": _digest(said)}, indent=1, ensure_ascii=False).encode()


def _digest(said: Mapping[str, Any]) -> str:
    text = json.dumps({name: value for name, value in said.items() if name != "digest"}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def write(question_id: str, files: Mapping[str, bytes], folder: Path | str = FOLDER) -> bool:
    """Put the evidence of one question into the folder; never in the way of the learner, and never two truths.

    Where nothing can be written (a full disk, a read-only folder), older evidence of the question is taken away as far
    as possible, since it would speak of another answer. Nothing is raised.

    Args:
        question_id: ``"q1"``.
        files: as :func:`pack` makes them.
        folder: where to; made if missing.

    Returns:
        Whether the evidence is there now.
    """
    paths = [Path(folder) / f"{question_id}{suffix}" for suffix in (".keras", ".json")]  # the record comes last
    try:
        if files:
            paths[0].parent.mkdir(parents=True, exist_ok=True)
        for path in paths:
            if path.name in files:
                _files.replace(path, files[path.name])
            else:
                path.unlink(missing_ok=True)
    except Exception:
        for path in reversed(paths):
            with contextlib.suppress(OSError):
                path.unlink()
        return False
    return bool(files)


def save(
    question_id: str,
    model: Any = None,
    *,
    record: Mapping[str, Any],
    graph: Graph | None = None,
    folder: Path | str = FOLDER,
) -> bool:
    """:func:`pack` the evidence and :func:`write` it."""
    return write(question_id, pack(question_id, model, record=record, graph=graph), folder)


def _now() -> str:
    """The time in UTC, in a form whose order as text is the order in time."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    keras = sys.modules.get("keras")
    return {
        "python": platform.python_version(),
        "keras": str(getattr(keras, "__version__", "")),
        "checker": version("keras-layers-course"),
    }


def _archived(model: Any, graph: Graph | None) -> tuple[bytes | None, str]:
    """The model as an archive, or None and the code of why it cannot be had.

    It is Keras' own archive where that shows the network that the checker saw, else one of the graph.
    """
    keras = keras_in_use()
    if keras is None or not is_a(model, keras.Model):
        return None, "model.none"
    if model.built and 4 * model.count_params() > untrusted.ARCHIVE_LIMIT:
        return None, "evidence.too_big"
    archive = _keras_archive(model)
    if graph is not None and (archive is None or not _shows(archive, graph)):
        with contextlib.suppress(Exception):  # Keras' own archive, where there is one, still says something
            archive = graph_archive(graph)
    if archive is None:
        return None, "evidence.unsaved"
    return (archive, "") if len(archive) <= untrusted.ARCHIVE_LIMIT else (None, "evidence.too_big")


def _keras_archive(model: Any) -> bytes | None:
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.keras"
            _straight(model).save(path)
            return _repacked(path.read_bytes(), model)
    except Exception:  # a learner's own layers can fail in any way here
        return None


def _shows(archive: bytes, graph: Graph) -> bool:
    """Whether a grader will see in the archive what the checker saw in the kernel."""
    try:
        saved, live = Blueprint.from_graph(Graph.load(archive)), Blueprint.from_graph(graph)
    except Unreadable:
        return False
    return saved == live and saved.compiled == live.compiled and saved.built == live.built


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
    """The layers' weights, those in bfloat16 as float32: HDF5 has no such numbers."""
    import h5py
    import numpy as np

    kept = io.BytesIO()
    with h5py.File(io.BytesIO(weights), "r") as source, h5py.File(kept, "w") as target:
        if "layers" in source:
            source.copy("layers", target)
        halves: list[str] = []
        target.visititems(lambda name, found: halves.append(name) if _is_bfloat16(found) else None)
        for name in halves:
            bits = np.frombuffer(target[name][...].tobytes(), "<u2").astype("<u4") << 16
            values = bits.view("<f4").reshape(target[name].shape)
            del target[name]
            target[name] = values
    return kept.getvalue()


def _is_bfloat16(found: Any) -> bool:
    return getattr(found, "dtype", None) is not None and found.dtype.kind == "V" and found.dtype.itemsize == 2


# --- the grader's side ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Evidence:
    """One question's evidence as read.

    Attributes:
        question: the question's id.
        record: what the JSON file says, NaN and infinities as numbers; empty if it is missing or was refused.
        weights: the arrays in the Keras archive; None if there is none that can be read.
        graph: the saved network; None where ``weights`` is None or the archive describes no network.
        problems: codes of ``checker.report.messages`` for what is missing, refused or unreadable.
    """

    question: str
    record: Mapping[str, Any] = field(default_factory=dict)
    weights: untrusted.Weights | None = field(default=None, repr=False)
    graph: Graph | None = field(default=None, repr=False)
    problems: tuple[str, ...] = ()

    def curves(self, name: str = "history") -> dict[str, Any] | None:
        """Claimed learning curves, ``"history"``, ``"before"`` or ``"after"``; None where the record has none."""
        value = self.record.get(name)
        return dict(value) if isinstance(value, Mapping) else None

    @property
    def finding(self) -> Finding | None:
        """Why the learner's model could not be read, as the checker said then; None where the record does not say."""
        return _noted(self.record.get("finding"), "model.")

    def unread(self, name: str = "history") -> Finding | None:
        """Why the learner's curves or number of that name could not be read, as the checker said then."""
        held = self.record.get("unread")
        return _noted(
            held.get(name) if isinstance(held, Mapping) else None, "number." if name == "number" else "history."
        )

    @property
    def unused(self) -> tuple[tuple[int, str], ...]:
        """Layers that were called but led nowhere, as the checker saw them; see ``answer.NetworkAnswer``."""
        held = self.record.get("unused")
        pairs = [pair for pair in held if isinstance(pair, list) and len(pair) == 2] if isinstance(held, list) else []
        return tuple((place, str(code)[:200]) for place, code in pairs[:50] if isinstance(place, int))

    def answer(self, name: str) -> Any:
        """A part of an answer, ``"effect"`` or ``"reason"``; None where the record has none."""
        answers = self.record.get("answer")
        return answers.get(name) if isinstance(answers, Mapping) else None

    def asked(self, name: str) -> bool:
        """Whether the notebook asked for that part of an answer; older ones ask for fewer."""
        answers = self.record.get("answer")
        return isinstance(answers, Mapping) and name in answers

    @cached_property
    def sketch(self) -> tuple[float, ...]:
        """A few of the matrices' weights, scaled to length 1; empty without weights.

        Networks trained apart are nearly orthogonal; copies that were changed a little or trained on, nearly parallel.
        """
        import numpy as np

        arrays = (array for group in (self.weights or {}).values() for array in group.values())
        matrices = [array for array in arrays if array.ndim > 1 and array.size]
        if not matrices:
            return ()
        ends = np.cumsum([matrix.size for matrix in matrices])
        places = np.linspace(0, ends[-1] - 1, SKETCH).astype(int)  # in all of them, one after the other
        owners = np.searchsorted(ends, places, side="right")
        within = places - np.concatenate(([0], ends))[owners]
        chosen = np.array([matrices[owner].flat[place] for owner, place in zip(owners, within, strict=True)], float)
        length = float(np.linalg.norm(chosen))
        if not (0 < length < np.inf):
            return ()
        return tuple(round(float(value), 4) for value in chosen / length)

    def responses(self, inputs: NDArray[np.float32]) -> tuple[float, ...]:
        """What the network makes of some inputs, less the mean and scaled to length 1; empty where that is unknown.

        The order of the hidden units, and what a unit's weights are multiplied by before and divided by after it, make
        no difference.

        Args:
            inputs: of the shape (samples, ...); not all alike.
        """
        import numpy as np

        from checker.reading.arithmetic import Unsupported
        from checker.reading.replay import Replay

        if self.graph is None or self.weights is None:
            return ()
        try:
            outputs = Replay.saved(self.graph, self.weights).predict(inputs).reshape(len(inputs), -1)[:, 0]
        except (Unsupported, Unreadable, ValueError, ArithmeticError, IndexError):
            return ()
        centred = outputs.astype(np.float64) - outputs.mean(dtype=np.float64)
        length = float(np.linalg.norm(centred))
        return tuple(round(float(value), 5) for value in centred / length) if 0 < length < np.inf else ()

    @cached_property
    def curves_digest(self) -> str:
        """A digest of the claimed curves: equal for the same training alone; empty for curves that are not finite."""
        curves = {name: values for name, values in (self.curves() or {}).items() if isinstance(values, list)}
        numbers = [value for values in curves.values() for value in values]
        if not numbers or not all(isinstance(value, float | int) and math.isfinite(value) for value in numbers):
            return ""
        return hashlib.sha256(repr(sorted(curves.items())).encode()).hexdigest()[:16]


def _noted(value: Any, kind: str) -> Finding | None:
    """A finding that a record holds, if it is one of this kind; its parameters are short texts."""
    code = value.get("code") if isinstance(value, Mapping) else None
    if not isinstance(code, str) or not code.startswith(kind) or code not in MESSAGES:
        return None
    params = value.get("params") if isinstance(value, Mapping) else None
    texts = {str(key): str(text)[:200] for key, text in params.items()} if isinstance(params, Mapping) else {}
    return Finding(code, params=texts)


class Folder(Mapping[str, bytes]):
    """The evidence files in a folder, each read when it is asked for.

    A file that is a link, a device or too large raises :class:`checker.reading.archive.Refused`.
    """

    def __init__(self, folder: Path | str = FOLDER) -> None:
        self.folder = Path(folder)

    def __getitem__(self, name: str) -> bytes:
        limit = untrusted.RECORD_LIMIT if name.endswith(".json") else untrusted.ARCHIVE_LIMIT
        try:
            return untrusted.file_bytes(self.folder / name, limit)
        except FileNotFoundError as error:
            raise KeyError(name) from error

    def __iter__(self) -> Iterator[str]:
        return (path.name for path in sorted(self.folder.glob("*")) if path.suffix in (".json", ".keras"))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def read(files: Mapping[str, bytes], question_id: str, assignment: str = "") -> Evidence:
    """Read one question's evidence as hostile data; never raises for what is in the files.

    Args:
        files: the submission's evidence by name, ``"q1.json"`` and ``"q1.keras"``, such as a :class:`Folder`.
        question_id: ``"q1"``.
        assignment: the assignment's id, where evidence that names another one is to be refused.
    """
    problems: list[str] = []
    record = _read_record(files, question_id, problems)
    if record and assignment and record.get("assignment", assignment) != assignment:
        problems.append("evidence.other_question")
        record = {}
    archive = _read_archive(files, question_id, record, problems) if record else None
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


@dataclass(frozen=True)
class Completeness:
    """What a question's evidence is, before it is judged, to choose among several.

    Attributes:
        whole: whether there is a record of this question, and the network that belongs to it.
        saved: when it was saved, as the record claims, in a form whose order is that of time; empty if it says nothing.
        said: a digest of all that it says but for that time.
    """

    whole: bool = False
    saved: str = ""
    said: str = ""


def completeness(files: Mapping[str, bytes], question_id: str) -> Completeness:
    """Whether one question's evidence is complete, and since when; never raises for what is in the files."""
    problems: list[str] = []
    record = _read_record(files, question_id, problems)
    if record:
        _read_archive(files, question_id, record, problems)
    saved = record.pop("saved", "")
    said = hashlib.sha256(repr(record).encode("utf-8", "backslashreplace")).hexdigest()
    valid = isinstance(saved, str) and _TIME.fullmatch(saved) is not None
    return Completeness(not set(problems) - {"evidence.unsaved"} and bool(record), saved if valid else "", said)


def _content(files: Mapping[str, bytes], name: str, problems: list[str]) -> bytes | None:
    try:
        return files[name]
    except KeyError:
        problems.append("evidence.missing")
    except Refused as refused:
        problems.append(refused.code)
    return None


def _read_record(files: Mapping[str, bytes], question_id: str, problems: list[str]) -> dict[str, Any]:
    content = _content(files, f"{question_id}.json", problems)
    if content is None:
        return {}
    try:
        record = untrusted.json_object(content, untrusted.RECORD_LIMIT)
    except Refused as refused:
        problems.append(refused.code)
        return {}
    digest = _digest(record)
    if record.get("format") != FORMAT:
        problems.append("evidence.format")
        return {}
    if record.get("question") != question_id:
        problems.append("evidence.other_question")
        return {}
    if record.pop("digest", None) not in (None, digest):
        problems.append("evidence.altered")
        return {}
    return dict(restored(record))


def _read_archive(
    files: Mapping[str, bytes], question_id: str, record: Mapping[str, Any], problems: list[str]
) -> bytes | None:
    noted = record.get("model")
    noted = noted if isinstance(noted, Mapping) else {}
    if "missing" in noted:
        if noted["missing"] != "model.none":
            problems.append("evidence.unsaved")
        return None
    archive = _content(files, f"{question_id}.keras", problems)
    if archive is not None and hashlib.sha256(archive).hexdigest() != noted.get("sha256"):
        problems.append("evidence.altered")
        return None
    return archive


# --- records ----------------------------------------------------------------------------------------------------------


def curves_record(curves: Curves | Finding | None) -> dict[str, list[float]] | None:
    """Curves as a record holds them; None where there are none."""
    return None if curves is None or isinstance(curves, Finding) else curves.to_dict()


def unread_record(**parts: Curves | Finding | None) -> dict[str, Any] | None:
    """Why curves or a number could not be read, by their names in the record; None where all could."""
    found = {name: value.to_dict() for name, value in parts.items() if isinstance(value, Finding)}
    return found or None


def data_record(name: str) -> dict[str, str]:
    """Which data an answer was made with: its name and the fingerprint of its split."""
    return {"name": name, "fingerprint": datasets.split(name).fingerprint}
