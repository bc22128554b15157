"""One notebook file is the hand-in: the evidence in its outputs, and the folder beside it as the second place."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import classroom
import pytest
from assignments import cell_of
from classroom import ARCHETYPES, hand_in, into_notebook, result
from place import ROOT

from checker.assignments import spotify
from checker.grading.carried import DAMAGED, DIFFERS, MOST_BUNDLES
from checker.grading.marking import Marks, grade_notebook
from checker.grading.sandbox import Ending, Run
from checker.grading.submission import Release, Submission
from checker.questions.bundle import MIME
from checker.questions.evidence import sealed

pytestmark = pytest.mark.slow

RELEASE = Release.load(ROOT / "notebooks/spotify/spotify.ipynb")
FULL = {"q1": 4.0, "q2": 2.0, "q3": 4.0, "q4": 2.0}
EARLIER, LATER = "2026-01-01T08:00:00.000000Z", "2026-01-01T09:00:00.000000Z"


def graded(folder: Path, **settings: Any) -> Marks:
    return grade_notebook(Submission.in_folder(folder), spotify.assignment, RELEASE, pictures=False, **settings)[1]


def points(folder: Path) -> dict[str, float | None]:
    return {question: mark.points for question, mark in graded(folder).items()}


def told(folder: Path) -> tuple[str, ...]:
    return Submission.in_folder(folder).found(RELEASE).problems


def files(folder: Path, question: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "evidence").glob(f"{question}.*")}


def edited(folder: Path, change: Callable[[list[dict[str, Any]]], object]) -> None:
    path = folder / "spotify.ipynb"
    book = json.loads(path.read_text("utf-8"))
    change(book["cells"])
    path.write_text(json.dumps(book), "utf-8")


def dated(folder: Path, saved: object) -> None:
    """Have all records in the folder claim that they were saved then."""
    for path in (folder / "evidence").glob("*.json"):
        path.write_bytes(sealed({**json.loads(path.read_text()), "saved": saved}))


def put(folder: Path, network: str, saved: object = None) -> None:
    """Put another network's evidence for q1 into the folder."""
    archive, record = classroom.trained(network)
    classroom.put_evidence(folder / "evidence", "q1", archive, {**record, "saved": saved})


@pytest.fixture
def perfect(tmp_path: Path) -> Path:
    return hand_in(tmp_path, "one", ARCHETYPES["perfect"])


# --- one file is enough -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["perfect", "misread", "functional"])
def test_the_notebook_alone_earns_what_the_folder_does(name: str, tmp_path: Path) -> None:
    folder = hand_in(tmp_path, "one", ARCHETYPES[name], seed=3)
    by_folder = {question: (mark.report.to_dict(), mark.reason) for question, mark in graded(folder).items()}
    into_notebook(folder)
    assert [path.name for path in folder.iterdir()] == ["spotify.ipynb"]
    assert {question: (mark.report.to_dict(), mark.reason) for question, mark in graded(folder).items()} == by_folder
    assert told(folder) == ()


def test_without_outputs_and_folder_a_person_is_told_in_one_sentence(perfect: Path) -> None:
    from checker.grading.class_report import reason

    into_notebook(perfect)
    edited(perfect, lambda cells: [cell.update(outputs=[]) for cell in cells if cell["cell_type"] == "code"])
    marks = graded(perfect)
    assert {mark.reason for mark in marks.values()} == {"evidence.missing"}
    assert {mark.points for mark in marks.values()} == {None}
    assert "Were the outputs cleared?" in reason("evidence.missing")


def test_neither_feedback_nor_autograded_notebook_carry_it_on(perfect: Path) -> None:
    into_notebook(perfect)
    notebook, _ = grade_notebook(Submission.in_folder(perfect), spotify.assignment, RELEASE, pictures=False)
    assert MIME.partition("/")[2] not in json.dumps(notebook)


def test_another_digest_is_another_submission(perfect: Path) -> None:
    into_notebook(perfect)
    before = Submission.in_folder(perfect).digest
    edited(perfect, lambda cells: cell_of(cells, "q1")["outputs"].clear())
    assert Submission.in_folder(perfect).digest != before


Cell = dict[str, Any]


def _outputs(cell: Cell) -> list[dict[str, Any]]:
    return [output for output in cell.get("outputs", []) if "data" in output]


def _colab(cell: Cell) -> None:
    """Ids in the metadata, and a type of its own beside some results. (As in notebooks that it saved; its front end is
    not public.)"""
    cell["metadata"].update(
        id=cell.pop("id"), outputId="f00d", colab={"base_uri": "https://localhost:8080/", "height": 35}
    )
    for output in _outputs(cell):
        output["data"]["application/vnd.google.colaboratory.intrinsic+json"] = {"type": "string"}


def _vs_code(cell: Cell) -> None:
    """Text in lines, JSON as it is (``convertOutputMimeToJupyterOutput`` in microsoft/vscode,
    extensions/ipynb/src/serializers.ts)."""
    cell["metadata"]["vscode"] = {"languageId": "python"}
    for output in _outputs(cell):
        output["data"]["text/plain"] = [output["data"]["text/plain"]]


def _kaggle(cell: Cell) -> None:
    """Notes of papermill, which runs a committed notebook there (papermill's documentation, "Execute")."""
    times = {"duration": 0.01, "end_time": "2026-01-01T00:00:00", "exception": False, "status": "completed"}
    cell["metadata"].update(papermill=times, execution={"iopub.execute_input": "2026-01-01T00:00:00Z"}, trusted=True)


def _deepnote(cell: Cell) -> None:
    """Its own ids and a reference to outputs (as in notebooks that it exported)."""
    cell["metadata"].update(cell_id=cell.pop("id"), deepnote_cell_type="code", source_hash="abc", execution_millis=7)
    cell["outputs_reference"] = "s3:somewhere/else"


def _as_text(cell: Cell) -> None:
    """A program that takes every type for text."""
    for output in _outputs(cell):
        if MIME in output["data"]:
            output["data"][MIME] = json.dumps(output["data"][MIME])


def _as_lines(cell: Cell) -> None:
    """The same with its text in lines, as nbformat writes other output."""
    for output in _outputs(cell):
        if MIME in output["data"]:
            output["data"][MIME] = json.dumps(output["data"][MIME], indent=1).splitlines(keepends=True)


def _displayed(cell: Cell) -> None:
    """A result that was kept as a display."""
    for output in _outputs(cell):
        output["output_type"] = "display_data"
        output.pop("execution_count", None)


def _in_lab(cell: Cell) -> None:
    cell["metadata"].update(collapsed=True, scrolled=True, jupyter={"source_hidden": True, "outputs_hidden": True})


SAVED_BY = [_colab, _vs_code, _kaggle, _deepnote, _as_text, _as_lines, _displayed, _in_lab]


@pytest.mark.parametrize("program", SAVED_BY, ids=lambda program: program.__name__.strip("_"))
def test_what_other_programs_make_of_the_notebook_costs_nothing(program: Callable[[Cell], None], perfect: Path) -> None:
    into_notebook(perfect)
    edited(perfect, lambda cells: [program(cell) for cell in cells])
    assert points(perfect) == FULL
    assert told(perfect) == ()


# --- which one counts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("saved", "earned"), [(EARLIER, 4.0), (None, 4.0), ("9999", 4.0), (LATER, 1.0)])
def test_the_newer_one_counts_and_the_difference_is_told(saved: object, earned: float, perfect: Path) -> None:
    dated(perfect, "2026-01-01T08:30:00.000000Z")
    into_notebook(perfect, keep=True)
    put(perfect, "dropout-once", saved)
    assert points(perfect)["q1"] == earned
    assert told(perfect) == (DIFFERS,)


def test_the_same_evidence_saved_again_is_no_difference(perfect: Path) -> None:
    dated(perfect, EARLIER)
    into_notebook(perfect, keep=True)
    dated(perfect, LATER)
    assert points(perfect) == FULL
    assert told(perfect) == ()


@pytest.mark.parametrize("lost", ["q1.keras", "q1.json"])
def test_the_complete_one_counts_though_it_is_older(lost: str, perfect: Path) -> None:
    dated(perfect, EARLIER)
    into_notebook(perfect, keep=True)
    dated(perfect, LATER)
    (perfect / "evidence" / lost).unlink()
    assert points(perfect) == FULL
    assert told(perfect) == ()


def test_the_folder_fills_what_the_notebook_lacks(perfect: Path) -> None:
    into_notebook(perfect, keep=True)
    edited(perfect, lambda cells: cell_of(cells, "q3")["outputs"].clear())
    assert points(perfect) == FULL
    assert told(perfect) == ()


def test_what_a_run_leaves_counts_whatever_the_notebook_claims(perfect: Path) -> None:
    """A run's evidence is the grader's own: a date in the notebook's future does not beat it."""
    dated(perfect, "9999-01-01T00:00:00.000000Z")
    into_notebook(perfect, keep=True)
    once = hand_in(perfect.parent.parent, "two", ARCHETYPES["perfect"])
    put(once, "dropout-once")
    submission = Submission.in_folder(perfect)
    again = replace(submission, evidence=Submission.in_folder(once).evidence, carries=False)
    assert again.found(RELEASE).evidence == again.evidence
    edited(perfect, lambda cells: cell_of(cells, "q1")["outputs"].clear())
    (perfect / "evidence/q1.json").unlink()
    left = {f"evidence/{name}": content for name, content in files(once, "q1").items()}
    run = Run(Ending.FINISHED, 0.0, {**left, "notebook.ipynb": b"{}"})
    assert graded(perfect, rerun=lambda _notebook, _assignment: run)["q1"].points == 1.0


# --- bound to its cell ------------------------------------------------------------------------------------------------


def test_a_bundle_in_another_questions_cell_does_not_count(perfect: Path) -> None:
    into_notebook(perfect)

    def swapped(cells: list[dict[str, Any]]) -> None:
        one, two = cell_of(cells, "q1"), cell_of(cells, "q3")
        one["outputs"], two["outputs"] = two["outputs"], one["outputs"]

    edited(perfect, swapped)
    marks = graded(perfect)
    assert marks["q1"].reason == marks["q3"].reason == "evidence.missing"
    assert told(perfect) == (DAMAGED,)


@pytest.mark.parametrize("place", ["q1-check", "plain-network", "q1-network"])
def test_a_bundle_in_any_other_cell_does_not_count(place: str, perfect: Path) -> None:
    into_notebook(perfect)

    def moved(cells: list[dict[str, Any]]) -> None:
        graded_cell = cell_of(cells, "q1")
        other = next(cell for cell in cells if cell["id"] == place)
        other["outputs"], graded_cell["outputs"] = graded_cell["outputs"], []

    edited(perfect, moved)
    assert graded(perfect)["q1"].reason == "evidence.missing"


def test_another_assignments_evidence_does_not_count(perfect: Path) -> None:
    archive, record = classroom.trained("dropout")
    classroom.put_evidence(perfect / "evidence", "q1", archive, {**record, "assignment": "challenge"})
    assert graded(perfect)["q1"].reason == "evidence.other_question"
    into_notebook(perfect)
    assert graded(perfect)["q1"].reason == "evidence.other_question"


def test_of_two_copies_of_the_graded_cell_the_newer_evidence_counts(perfect: Path) -> None:
    dated(perfect, EARLIER)
    into_notebook(perfect, keep=True)
    put(perfect, "dropout-once", LATER)
    newer = result("q1", files(perfect, "q1"))
    shutil.rmtree(perfect / "evidence")

    def doubled(cells: list[dict[str, Any]]) -> None:
        cell = cell_of(cells, "q1")
        cells.insert(cells.index(cell), {**copy.deepcopy(cell), "outputs": [newer]})

    edited(perfect, doubled)
    assert points(perfect)["q1"] == 1.0
    assert told(perfect) == (DIFFERS,)


def test_copied_from_a_friend_it_is_seen_as_the_folder_would_be(perfect: Path) -> None:
    """The weights are compared across the class, wherever they were handed in."""
    sketch = graded(perfect)["q1"].evidence.sketch
    into_notebook(perfect)
    assert graded(perfect)["q1"].evidence.sketch == sketch != ()


# --- hostile outputs --------------------------------------------------------------------------------------------------


def bundle_of(folder: Path) -> Any:
    book = json.loads((folder / "spotify.ipynb").read_text("utf-8"))
    return cell_of(book["cells"], "q1")["outputs"][0]["data"][MIME]


HOSTILE: dict[str, Callable[[Mapping[str, Any]], bytes]] = {
    "no object": lambda _: b'"text"',
    "null": lambda _: b"null",
    "deep": lambda _: b"[" * 100_000,
    "nested": lambda whole: b'{"format": 1, "question": "q1", "files": ' + b'{"a":' * 100 + b"1" + b"}" * 102,
    "many values": lambda _: b"[" + b"[]," * 2_000_000 + b"0]",
    "a number without end": lambda _: b"9" * 1_000_000,
    "huge text": lambda _: b'{"format": 1, "question": "q1", "files": {"q1.json": "' + b"A" * 70_000_000 + b'"}}',
    "not closed": lambda _: b'{"format": 1, "question": "q1',
    "lone surrogate": lambda _: b'{"format": 1, "question": "\\ud800"}',
    "no utf-8": lambda _: b'{"format": 1, "question": "\xff\xfe"}',
    "cut base64": lambda whole: json.dumps({**whole, "files": {"q1.json": whole["files"]["q1.json"][:-7]}}).encode(),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_bundle_is_told_and_costs_only_its_own_question(name: str, perfect: Path) -> None:
    into_notebook(perfect)
    path, bundle = perfect / "spotify.ipynb", bundle_of(perfect)
    whole = json.dumps(bundle).encode()
    content = json.dumps(json.loads(path.read_bytes())).encode()
    assert whole in content
    path.write_bytes(content.replace(whole, HOSTILE[name](bundle)))
    found = Submission.in_folder(perfect).found(RELEASE)
    assert not {"q1.json", "q1.keras"} & found.evidence.keys()
    if not found.raw:  # else the file is no notebook any more
        assert DAMAGED in found.problems
        assert {"q2.json", "q3.json", "q3.keras", "q4.json"} <= found.evidence.keys()


def test_many_bundles_are_not_all_read(perfect: Path) -> None:
    into_notebook(perfect)
    edited(perfect, lambda cells: cell_of(cells, "q4")["outputs"].extend(cell_of(cells, "q4")["outputs"] * 200))
    submission = Submission.in_folder(perfect)
    assert submission.found(RELEASE).problems == (DAMAGED,)
    assert points(perfect) == FULL
    assert MOST_BUNDLES < 200


def test_a_number_of_ones_own_in_place_of_outputs_points_nowhere(perfect: Path) -> None:
    into_notebook(perfect)
    content = json.loads((perfect / "spotify.ipynb").read_bytes())
    for value in ([7], 7, [True], [-1], [10**9], {"0": 1}, None, "q1"):
        cell_of(content["cells"], "q1")["outputs"] = value
        (perfect / "spotify.ipynb").write_text(json.dumps(content))
        assert graded(perfect)["q1"].reason == "evidence.missing"


def test_damage_anywhere_never_raises(perfect: Path) -> None:
    import random

    into_notebook(perfect)
    path, chosen = perfect / "spotify.ipynb", random.Random(0)
    whole = path.read_bytes()
    place = whole.index(MIME.encode())
    for _ in range(40):
        data = bytearray(whole)
        for _ in range(3):
            data[place + chosen.randrange(60_000)] = chosen.randrange(256)
        path.write_bytes(data)
        for question, mark in graded(perfect).items():
            assert 0 <= (mark.points or 0.0) <= FULL[question]
