"""Attacks on the grader: each is contained, and no honest learner is accused. See solutions/threat-model.md."""

from __future__ import annotations

import base64
import io
import json
import marshal
import os
import pickle
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import classroom
import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from place import ROOT

from checker.assignments import spotify
from checker.grading import sandbox
from checker.grading.assess import Assessment, assess
from checker.grading.marking import grade_notebook
from checker.grading.sandbox import Ending, Limits, Run
from checker.grading.submission import Release, Submission
from checker.questions import evidence
from checker.questions.evidence import Folder

pytestmark = pytest.mark.slow

FOLDER = Path("evidence")
ARCHITECTURE = 2.0
"""What q1's network is worth without its curves."""


def handed_in(archive: bytes | None, **record: Any) -> Assessment:
    """Hand these files in for q1 and grade them."""
    honest = classroom.trained("dropout")[1]
    classroom.put_evidence(FOLDER, "q1", archive, {**honest, **record})
    return assess(spotify.assignment, Folder(FOLDER))["q1"]


def changed(change: Callable[[dict[str, Any], Any], None], network: str = "dropout") -> bytes:
    return classroom.rewritten(classroom.trained(network)[0], change)


def every_weight(value: float) -> Callable[[dict[str, Any], Any], None]:
    def change(_config: dict[str, Any], file: Any) -> None:
        file.visititems(lambda _name, item: item.__setitem__(..., value) if hasattr(item, "shape") else None)

    return change


def layers_of(config: dict[str, Any]) -> list[dict[str, Any]]:
    return config["config"]["layers"]


# --- who does no wrong ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", [name for name, (question, *_) in classroom.NETWORKS.items() if question == "q1"])
def test_nobody_who_is_honest_is_accused(network: str) -> None:
    archive, record = classroom.trained(network)
    assessed = handed_in(classroom.reordered(archive, seed=5), **record)
    assert assessed.report.unsettled == ""


# --- lies in the files ------------------------------------------------------------------------------------------------


def test_forged_history() -> None:
    curve = np.float32(0.19 + 0.1 * np.exp(-np.arange(50) / 8))
    history = {"loss": curve.tolist(), "val_loss": (curve + np.float32(0.001)).tolist()}
    assessed = handed_in(classroom.trained("dropout")[0], history=history)
    assert assessed.report.unsettled
    assert assessed.report.points == ARCHITECTURE


def test_untrained_weights_with_the_history_of_another_run() -> None:
    def untrained(_config: dict[str, Any], file: Any) -> None:
        generator = np.random.default_rng(0)
        for _, path in classroom.layer_paths(classroom.trained("dropout")[0]):
            weight = file[f"{path}/vars/0"]
            weight[...] = generator.normal(0, 0.1, weight.shape)

    assert handed_in(changed(untrained)).report.unsettled


def test_forged_object() -> None:
    class Model:
        """Looks like a Keras model."""

        built, compiled, name = True, True, "sequential"
        layers = weights = ()

        def save(self, path: str) -> None:
            Path(path).write_bytes(classroom.trained("dropout")[0])

        def get_config(self) -> dict[str, Any]:
            return {"name": "sequential", "layers": []}

    forged = type("Sequential", (Model,), {"__module__": "keras.src.models.sequential"})()
    assert spotify.q1.grade(forged, classroom.history("dropout")) == 0.0
    assert not (FOLDER / "q1.keras").exists()


def test_edited_record() -> None:
    archive, record = classroom.trained("dropout-half")
    record["history"]["val_loss"] = [loss * 0.9 for loss in record["history"]["val_loss"]]
    assert handed_in(archive, **record).report.unsettled


def test_edited_archive_with_the_old_digest() -> None:
    archive, record = classroom.trained("dropout")
    classroom.put_evidence(FOLDER, "q1", archive, record)
    (FOLDER / "q1.keras").write_bytes(changed(every_weight(0.0)))
    assert assess(spotify.assignment, Folder(FOLDER))["q1"].report.unsettled == "evidence.altered"


def test_swapped_weights() -> None:
    """The right network's description around another network's weights."""
    right, wrong = classroom.trained("dropout")[0], classroom.trained("dropout-half")[0]
    with zipfile.ZipFile(io.BytesIO(wrong)) as other:
        weights = other.read("model.weights.h5")
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(right)) as source, zipfile.ZipFile(packed, "w") as target:
        for name in source.namelist():
            target.writestr(zipfile.ZipInfo(name), weights if name.endswith("h5") else source.read(name))
    assert handed_in(packed.getvalue()).report.unsettled


def test_another_question_s_evidence_under_this_name() -> None:
    archive, record = classroom.trained("norm")
    assessed = handed_in(archive, **record)
    assert "history.scale" in [finding.code for finding in assessed.report.findings]
    assert assessed.report.points < ARCHITECTURE


def test_a_friend_s_evidence_is_shown_to_the_teacher() -> None:
    from checker.grading.likeness import groups

    mine, friend = handed_in(classroom.trained("dropout")[0]), handed_in(classroom.trained("dropout")[0])
    assert mine.report.unsettled == ""  # the weights are real; whose they are is for a person to ask
    assert groups([("ada", mine.evidence.sketch), ("bob", friend.evidence.sketch)]) == [["ada", "bob"]]


def test_a_description_that_does_not_fit_the_weights() -> None:
    def wider(config: dict[str, Any], _file: Any) -> None:
        next(layer for layer in layers_of(config) if layer["class_name"] == "Dense")["config"]["units"] = 4096

    assert handed_in(changed(wider)).report.unsettled


def test_dropout_written_into_a_network_trained_without() -> None:
    """Inference cannot tell, the curves can: they overfit."""
    archive = classroom.trained("dropout")[0]
    plain, record = classroom.trained("plain")
    kernels: dict[str, Any] = {}

    def collect(_config: dict[str, Any], file: Any) -> None:
        for number, (_, path) in enumerate(classroom.layer_paths(plain)):
            kernels[str(number)] = [file[f"{path}/vars/{place}"][...] for place in (0, 1)]

    def insert(_config: dict[str, Any], file: Any) -> None:
        for number, (_, path) in enumerate(classroom.layer_paths(archive)):
            for place in (0, 1):
                file[f"{path}/vars/{place}"][...] = kernels[str(number)][place]

    classroom.rewritten(plain, collect)
    assessed = handed_in(classroom.rewritten(archive, insert), **record)
    assert assessed.report["architecture"].passed
    assert assessed.report.points == ARCHITECTURE
    assert "overfitting" in assessed.report["curves"].diagnoses


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e38])
@pytest.mark.parametrize("claimed", [None, float("nan")])
def test_weights_that_are_no_numbers(value: float, claimed: float | None) -> None:
    record = classroom.trained("dropout")[1]
    if claimed is not None:
        record["history"]["val_loss"][-1] = "NaN"
    assessed = handed_in(changed(every_weight(value)), **record)
    assert assessed.report.points <= ARCHITECTURE


@pytest.mark.parametrize(
    "history",
    [
        {"loss": [], "val_loss": []},
        {"loss": ["0.1"] * 50, "val_loss": ["0.1"] * 50},
        {"loss": [True] * 50, "val_loss": [True] * 50},
        {"loss": [[0.1]] * 50},
        {"loss": {"0": 1}},
        {"val_loss": [0.19] * 50},
        [0.1] * 50,
        "history",
    ],
)
def test_histories_of_another_kind(history: Any) -> None:
    assert handed_in(classroom.trained("dropout")[0], history=history).report.points <= ARCHITECTURE


# --- files that bite --------------------------------------------------------------------------------------------------


def zipped(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def with_hdf5(fill: Callable[[Any], Any]) -> bytes:
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        fill(file)
    return zipped({"config.json": b"{}", "metadata.json": b"{}", "model.weights.h5": buffer.getvalue()})


def bomb() -> bytes:
    return zipped({"config.json": b"{}", "model.weights.h5": bytes(900_000_000)})


BITES: dict[str, Callable[[], bytes]] = {
    "zip bomb": bomb,
    "deep JSON": lambda: zipped({"config.json": b"[" * 1_000_000, "model.weights.h5": b""}),
    "path traversal": lambda: zipped({"config.json": b"{}", "model.weights.h5": b"", "../../evil": b"x"}),
    "absolute path": lambda: zipped({"config.json": b"{}", "model.weights.h5": b"", "/tmp/evil": b"x"}),
    "pickle": lambda: pickle.dumps(Exploding()),
    "pickle inside": lambda: zipped({"config.json": pickle.dumps(Exploding()), "model.weights.h5": b""}),
    "external link": lambda: with_hdf5(lambda f: f.__setitem__("layers", _external())),
    "huge declared shape": lambda: with_hdf5(lambda f: f.create_dataset("layers/dense/vars/0", (10**7, 10**6), "f4")),
    "truncated": lambda: classroom.trained("dropout")[0][:-500],
    "empty": lambda: b"",
}


def _external() -> Any:
    import h5py

    return h5py.ExternalLink("/etc/passwd", "/")


class Exploding:
    """Unpickling it leaves a trace."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("exploded"),))


@pytest.mark.parametrize("name", BITES)
def test_files_that_bite(name: str) -> None:
    started = time.process_time()
    data = BITES[name]()
    prepared = time.process_time() - started
    assessed = handed_in(data)
    assert assessed.report.unsettled
    assert assessed.report.points == 0.0
    assert not list(Path().glob("**/e[vx][ip]l*"))
    assert time.process_time() - started - prepared < 60  # hours, if the limits did not hold


def test_a_lambda_layer_s_code_is_not_run() -> None:
    code = compile("import pathlib; pathlib.Path('exploded').touch()", "x", "exec")
    function = {"code": base64.b64encode(marshal.dumps(code)).decode(), "defaults": None, "closure": None}

    def add(config: dict[str, Any], _file: Any) -> None:
        layers_of(config)[1]["config"]["activation"] = {"class_name": "__lambda__", "config": function}

    assert handed_in(changed(add)).report.unsettled
    assert not Path("exploded").exists()


def test_a_class_of_the_learner_s_own_is_not_imported() -> None:
    Path("evil.py").write_text("open('exploded', 'w')")

    def own(config: dict[str, Any], _file: Any) -> None:
        layers_of(config)[1].update(module="evil", class_name="Evil", registered_name="evil>Evil")

    assert handed_in(changed(own)).report.unsettled
    assert not Path("exploded").exists()


def test_one_small_file_that_would_take_hours() -> None:
    """Thousands of calls of one wide shared layer."""

    def widen(config: dict[str, Any], _file: Any) -> None:
        layers = layers_of(config)
        repeated = [json.loads(json.dumps(layers[1])) for _ in range(3000)]
        for number, layer in enumerate(repeated):
            layer["config"]["name"] = f"copy_{number}"
            layer["name"] = f"copy_{number}"
        layers[2:2] = repeated

    started = time.process_time()
    assert handed_in(changed(widen)).report.unsettled
    assert time.process_time() - started < 120  # hours, if the limits did not hold


def test_markup_in_a_layer_s_name_stays_text() -> None:
    from checker.show import html

    def rename(config: dict[str, Any], _file: Any) -> None:
        layers_of(config)[1]["config"]["name"] = "<script>alert(1)</script>"

    for network in ("dropout", "dropout-half"):
        report = handed_in(changed(rename, network)).report
        assert "<script" not in html.render(report, pictures=False)


# --- the notebook file ------------------------------------------------------------------------------------------------


def marked(folder: Path, run: Run | None = None) -> dict[str, Any]:
    """Grade a submission, with ``run`` as what the sandbox would bring back."""
    release = Release.load(ROOT / "notebooks/spotify/spotify.ipynb")
    rerun = None if run is None else lambda _notebook, _assignment: run
    return dict(grade_notebook(Submission.in_folder(folder), spotify.assignment, release, rerun, pictures=False)[1])


def test_links_to_what_the_learner_must_not_see(tmp_path: Path) -> None:
    secret = tmp_path / "gradebook.db"
    secret.write_text('{"cells": [{"cell_type": "markdown", "source": "SECRET", "metadata": {}}]}')
    folder = tmp_path / "submitted"
    folder.mkdir()
    os.symlink(secret, folder / "spotify.ipynb")
    os.symlink(tmp_path, folder / "evidence")
    release = Release.load(ROOT / "notebooks/spotify/spotify.ipynb")
    notebook, marks = grade_notebook(Submission.in_folder(folder), spotify.assignment, release, None, pictures=False)
    assert "SECRET" not in nbformat.writes(notebook)
    assert sum(mark.points or 0 for mark in marks.values()) == 0


@pytest.mark.parametrize("content", [b"[" * 5_000_000, b'{"cells": ' + b"[" * 900, b" " * 30_000_000, b"\xff\xfe" * 99])
def test_monstrous_notebook_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "spotify.ipynb").write_bytes(content)
    assert sum(mark.points or 0 for mark in marked(tmp_path).values()) == 0


def test_points_written_into_the_notebook_are_not_read(tmp_path: Path) -> None:
    book = json.loads(classroom.notebook(classroom.ARCHETYPES["perfect"]))
    for cell in book["cells"]:
        known = cell["metadata"].get("nbgrader", {})
        if known.get("grade") and cell["cell_type"] == "code":
            known["points"] = 1000
            cell["source"] = "4.0"
            cell["outputs"] = [
                {"output_type": "execute_result", "data": {"text/plain": "4.0"}, "metadata": {}, "execution_count": 1}
            ]
    (tmp_path / "spotify.ipynb").write_text(json.dumps(book))
    marks = marked(tmp_path)
    assert all(mark.points is None for mark in marks.values())  # written, but without evidence: a person looks
    assert sum(mark.report.points for mark in marks.values()) == 0


# --- code that is run again -------------------------------------------------------------------------------------------

needs_sandbox = pytest.mark.usefixtures("sandboxed")


def run(*cells: str, **limits: Any) -> Run:
    book = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    return sandbox.run_notebook(nbformat.writes(book).encode(), "spotify", limits=Limits(**{"seconds": 240, **limits}))


def printed(done: Run) -> str:
    book = nbformat.reads(done.files["notebook.ipynb"].decode(), as_version=4)
    outputs = [output for cell in book.cells for output in cell.outputs]
    return "".join(str(output.get("text") or output.get("evalue") or output.get("data")) for output in outputs)


SPY = """
import os, socket
def attempt(name, action):
    try:
        print(name, "SUCCEEDED" if action() is not False else "failed")
    except BaseException as error:
        print(name, "failed", type(error).__name__)
attempt("network", lambda: socket.create_connection(("1.1.1.1", 53), 2))
attempt("names", lambda: socket.getaddrinfo("example.org", 80))
attempt("host", lambda: socket.create_connection(("127.0.0.1", 22), 2))
for path in PLACES:
    attempt("read " + path, lambda: os.listdir(path) if os.path.isdir(path) else open(path).read())
for path in ("/usr/evil", "/etc/evil", "/evil", "/course/evil", "/course/datasets/evil", CHECKER + "/evil.py"):
    attempt("write " + path, lambda: open(path, "w").write("x"))
attempt("root", lambda: os.getuid() == 0 or os.setuid(0))
commands = [open(f"/proc/{p}/cmdline", "rb").read() for p in os.listdir("/proc") if p.isdigit()]
attempt("processes", lambda: any(b"pytest" in command for command in commands))
attempt("secrets", lambda: "SECRET_OF_THE_GRADER" in os.environ)
attempt("kill", lambda: os.kill(1, 9))
"""


@pytest.fixture(scope="module")
def spied(tmp_path_factory: pytest.TempPathFactory, sandboxed: None) -> str:
    """What a notebook says that tries to see and to reach what it must not."""
    course = tmp_path_factory.mktemp("course")
    for name in ("gradebook.db", "solutions/spotify.ipynb", "submitted/ada/spotify/spotify.ipynb"):
        (course / name).parent.mkdir(parents=True, exist_ok=True)
        (course / name).write_text("secret")
    os.environ["SECRET_OF_THE_GRADER"] = "1"
    hidden = [str(course / name) for name in ("gradebook.db", "solutions", "submitted/ada/spotify/spotify.ipynb")]
    hidden += [
        str(ROOT / "solutions"),
        str(ROOT / ".git"),
        "/etc/shadow",
        str(Path.home() / ".ssh"),
        "/var",
        "/home/learner/../../run",
    ]
    checker = str(ROOT / "checker")
    done = run(f"PLACES, CHECKER = {hidden!r}, {checker!r}\n{SPY}")
    assert done.ending is Ending.FINISHED
    return printed(done)


@needs_sandbox
@pytest.mark.parametrize(
    "what",
    [
        "network",
        "names",
        "host",
        "read .*gradebook.db",
        "read .*solutions",
        "read .*submitted",
        "read .*git",
        "read .*shadow",
        "read .*ssh",
        "write /usr",
        "write /etc",
        "write /evil",
        "write .*datasets",
        "write .*checker",
        "root",
        "processes",
        "secrets",
    ],
)
def test_a_notebook_sees_and_reaches_nothing(spied: str, what: str) -> None:
    import re

    lines = [line for line in spied.splitlines() if re.match(what, line)]
    assert lines
    assert not [line for line in lines if "SUCCEEDED" in line]


def everything_that_runs() -> str:
    """The command lines of all processes of the machine."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            lines.append(path.read_bytes())
    return b"\n".join(lines).decode(errors="replace")


@needs_sandbox
class TestLimits:
    def test_endless_loop(self) -> None:
        done = run("while True: pass", seconds=12)
        assert done.seconds < 300
        assert done.ending in (Ending.TIME, Ending.FINISHED)

    def test_fork_bomb(self) -> None:
        done = run("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", seconds=15, processes=100)
        assert done.seconds < 300

    def test_memory_hog(self) -> None:
        done = run("hog = []\nwhile True: hog.append(bytearray(50_000_000))", memory=1_500_000_000)
        assert done.ending is Ending.MEMORY or "MemoryError" in str(done.files.get("notebook.ipynb"))

    def test_disk_filler(self) -> None:
        fill = "f = open({!r}, 'wb')\nwhile True: f.write(bytes(10_000_000))"
        done = run(
            *(fill.format(f"{place}/x") for place in ("/tmp", ".", "/dev/shm", "/home/learner")), disk=50_000_000
        )
        assert done.ending is Ending.FINISHED
        book = nbformat.reads(done.files["notebook.ipynb"].decode(), as_version=4)
        # One error a cell; a kernel that cannot write its own files may say so besides, on stderr.
        ends = [out.evalue for cell in book.cells for out in cell.outputs if out.output_type == "error"]
        assert len(ends) == 4
        assert all("No space left" in end or "File too large" in end for end in ends)

    def test_output_flood(self) -> None:
        done = run("for _ in range(300): print('x' * 1_000_000)", "open('evidence/q1.json', 'w').write('{}')")
        assert len(done.files["notebook.ipynb"]) < 20_000_000

    def test_flood_of_the_way_back(self) -> None:
        flood = "import os\nfor n in range(3): open(f'evidence/q{n}.keras', 'wb').write(bytes(40_000_000))"
        done = run(flood, output=20_000_000)
        assert done.ending is Ending.OUTPUT
        assert sum(map(len, done.files.values())) < 40_000_000

    def test_a_kernel_that_leaves(self) -> None:
        done = run("open('evidence/q1.json', 'w').write('{}')", "import os; os._exit(0)", "1 + 1")
        assert done.files["evidence/q1.json"] == b"{}"

    def test_nothing_survives_it(self) -> None:
        seconds = f"{9_000_000 + os.getpid()}"
        run(f"import subprocess\nfor _ in range(50): subprocess.Popen(['sleep', {seconds!r}], start_new_session=True)")
        assert seconds not in everything_that_runs()


@needs_sandbox
def test_what_comes_back_is_evidence_not_points(tmp_path: Path) -> None:
    """Patched checker, patched display hook, input transformers and a module that shadows a library: all in vain."""
    history = {"loss": [0.1] * 50, "val_loss": [0.1] * 50}
    forged = evidence.sealed({**classroom.trained("dropout")[1], "history": history}).decode()
    done = run(
        "import checker.questions, sys, builtins\n"
        "checker.questions.NetworkQuestion.grade = lambda *_: 4.0\n"
        "sys.displayhook = lambda value: print(4.0)\n"
        "get_ipython().input_transformers_post.append(lambda lines: ['4.0\\n'])",
        "0.0",
        f"open('evidence/q1.json', 'w').write({forged!r})",
    )
    (tmp_path / "spotify.ipynb").write_text(classroom.notebook(classroom.ARCHETYPES["perfect"]))
    assert (marked(tmp_path, done)["q1"].points or 0.0) == 0.0


@needs_sandbox
def test_a_module_that_shadows_a_library_is_not_laid_beside(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("open('/tmp/exploded', 'w')")
    (tmp_path / "checker.py").write_text("raise SystemExit")
    done = run("import numpy, checker, os; print(numpy.__version__, os.listdir('.'))")
    assert "numpy.py" not in printed(done)


def test_without_a_sandbox_nothing_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)
    sandbox.available.cache_clear()
    try:
        assert "apt-get install bubblewrap" in str(sandbox.available())
        with pytest.raises(RuntimeError, match="bubblewrap"):
            run("1 + 1")
    finally:
        sandbox.available.cache_clear()


def test_saving_evidence_can_be_called_by_anybody_with_anything() -> None:
    for thing in (object(), type, Exception(), "x" * 10_000):
        evidence.save("q1", thing, record={"history": {"loss": [1e400]}, "user": "me"})
    assert (FOLDER / "q1.json").stat().st_size < 10_000
