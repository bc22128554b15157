"""A class of every kind, graded with nbgrader's own commands; and each of nbgrader's traps, closed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import classroom
import pytest
from assignments import Cells, cell_of, grade_id
from classroom import ARCHETYPES, Archetype
from nbgrader.api import Gradebook
from place import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("nbgrader")]

FULL: dict[str, float | None] = {"q1": 4.0, "q2": 2.0, "q3": 4.0, "q4": 2.0}
NOTHING: dict[str, float | None] = dict.fromkeys(FULL, 0.0)
ONE_DROPOUT = Archetype("dropout-once", "norm", 8.0)
STARTER = Archetype("plain", "failed", 0.0, reads=False)


@dataclass(frozen=True)
class Kind:
    """A kind of submission.

    Attributes:
        scores: what a fair teacher gives each question; None where a person has to look.
        archetype: the work it is made of.
        spoil: what happened to it afterwards, given the submission's folder.
        read: whether a person has written answers of this student to read.
    """

    scores: dict[str, float | None]
    archetype: Archetype = ARCHETYPES["perfect"]
    spoil: Callable[[Path], object] = lambda folder: None
    read: bool = True


def _cells(change: Callable[[Cells], object]) -> Callable[[Path], None]:
    """A change of the submitted notebook's cells."""

    def spoil(folder: Path) -> None:
        path = folder / "spotify.ipynb"
        book = json.loads(path.read_text())
        change(book["cells"])
        path.write_text(json.dumps(book))

    return spoil


def _source(name: str, text: str) -> Callable[[Path], None]:
    return _cells(lambda cells: cell_of(cells, name).update(source=text))


def _code(source: str) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None}


def _without_evidence(*questions: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        for question in questions:
            for path in (folder / "evidence").glob(f"{question}.*"):
                path.unlink()

    return spoil


def _both(*spoils: Callable[[Path], object]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        for one in spoils:
            one(folder)

    return spoil


def _noisy(cells: Cells) -> None:
    """Warnings on stderr, also where points are counted, as nbgrader's rule would punish."""
    for name in ("q1", "q3-network"):
        cell = cell_of(cells, name)
        cell["source"] = "import sys; print('careful', file=sys.stderr)\n" + "".join(cell["source"])
        cell["outputs"] = [{"output_type": "stream", "name": "stderr", "text": "careful"}]


def _first(code: str, cells: Cells) -> None:
    cells.insert(0, _code(code))


def _twice(cells: Cells) -> None:
    for name in ("q1", "q1-network", "q2-explanation"):
        cells.insert(cells.index(cell_of(cells, name)), json.loads(json.dumps(cell_of(cells, name))))


def _stale_history(folder: Path) -> None:
    """The history of the concrete network handed in with the Spotify network, as a stale kernel does."""
    archive, record = classroom.trained("dropout")
    wrong = classroom.history("norm")
    kept = {"assignment": "spotify", "history": wrong, "data": record["data"]}
    classroom.put_evidence(folder / "evidence", "q1", archive, kept)
    classroom.put_evidence(
        folder / "evidence", "q2", None, classroom.reading("q2", classroom.history("plain"), wrong, True)
    )


def _vs_code(folder: Path) -> None:
    path = folder / "spotify.ipynb"
    book = json.loads(path.read_text())
    book.update(
        nbformat_minor=2, metadata={"language_info": {"name": "python", "version": "3.12.1"}, "orig_nbformat": 4}
    )
    for cell in book["cells"]:
        cell.pop("id")
        cell["metadata"]["vscode"] = {"languageId": "python"}
    path.write_text(json.dumps(book))


def _colab(folder: Path) -> None:
    path = folder / "spotify.ipynb"
    book = json.loads(path.read_text())
    book.update(
        nbformat_minor=0,
        metadata={"colab": {"provenance": []}, "accelerator": "GPU", "kernelspec": {"name": "python3"}},
    )
    for cell in book["cells"]:
        cell["metadata"].update(id=cell.pop("id"), colab={"base_uri": "https://localhost:8080/"}, outputId="f00d")
    path.write_text(json.dumps(book))


def _stripped(cells: Cells) -> None:
    """Some tools drop all metadata they do not know; cell ids stay."""
    for cell in cells:
        cell["metadata"] = {}


def _renamed(folder: Path) -> None:
    (folder / "spotify.ipynb").rename(folder / "Copy of spotify (1).ipynb")


def _bytes(content: bytes) -> Callable[[Path], int]:
    return lambda folder: (folder / "spotify.ipynb").write_bytes(content)


def _cut_short(folder: Path) -> None:
    path = folder / "spotify.ipynb"
    path.write_bytes(path.read_bytes()[:2000])


def _hacked(cells: Cells) -> None:
    """A read-only cell rewritten, worth more than it may be, with the output to match."""
    cell = cell_of(cells, "q1")
    cell["source"] = "400.0"
    cell["metadata"]["nbgrader"].update(points=400, locked=False)
    cell["outputs"] = [
        {"output_type": "execute_result", "data": {"text/plain": "400.0"}, "metadata": {}, "execution_count": 1}
    ]


KINDS: dict[str, Kind] = {
    "perfect": Kind(FULL),
    "functional": Kind(FULL, ARCHETYPES["functional"]),
    "starter": Kind({**NOTHING}, STARTER),
    "half_right": Kind({**FULL, "q1": 1.0}, ONE_DROPOUT),
    "misread": Kind({**FULL, "q2": 0.0, "q4": 0.0}, ARCHETYPES["misread"]),
    "nothing_run": Kind(NOTHING, ARCHETYPES["nothing"], read=False),
    "syntax_error": Kind(
        {**FULL, "q1": 0.0, "q2": 0.0},
        spoil=_both(
            _source("q1-network", "model = keras.Sequential(["),
            _source("q2-answer", "effect ="),
            _without_evidence("q1", "q2"),
        ),
    ),
    "exception": Kind(
        {**FULL, "q1": None, "q2": None},
        spoil=_both(_source("q1-network", "model = keras.Squential([])"), _without_evidence("q1", "q2")),
    ),
    "stderr_noise": Kind(FULL, spoil=_cells(_noisy)),
    "locked_cell_edited": Kind(NOTHING, STARTER, spoil=_cells(_hacked)),
    "graded_cells_deleted": Kind(FULL, spoil=_cells(lambda cells: [cells.remove(cell_of(cells, q)) for q in FULL])),
    "answers_deleted": Kind(
        FULL,
        spoil=_cells(lambda cells: [cells.remove(cell_of(cells, q)) for q in ("q2-explanation", "q4-explanation")]),
        read=False,
    ),
    "cells_doubled": Kind(FULL, spoil=_cells(_twice)),
    "cells_retyped": Kind(FULL, spoil=_cells(lambda cells: cell_of(cells, "q1").update(cell_type="markdown"))),
    "wrong_name": Kind(FULL, spoil=_renamed),
    "saved_as_text": Kind(FULL, spoil=lambda folder: (folder / "spotify.ipynb").rename(folder / "spotify.ipynb.txt")),
    "empty_file": Kind(
        NOTHING, spoil=_both(_bytes(b""), lambda folder: shutil.rmtree(folder / "evidence")), read=False
    ),
    "cut_short": Kind(FULL, spoil=_cut_short),
    "not_a_notebook": Kind(FULL, spoil=_bytes(b'["a", {"cells": 1}]')),
    "stale_history": Kind({**FULL, "q1": 2.0, "q2": 0.0}, spoil=_stale_history),
    "output_cleared": Kind(
        FULL, spoil=_cells(lambda cells: [cell.update(outputs=[]) for cell in cells if cell["cell_type"] == "code"])
    ),
    "vs_code": Kind(FULL, spoil=_vs_code),
    "colab": Kind(FULL, spoil=_colab),
    "metadata_stripped": Kind(FULL, spoil=_cells(_stripped)),
    "one_file": Kind(FULL, ARCHETYPES["one-file"]),
    "one_file_from_colab": Kind(FULL, ARCHETYPES["one-file"], spoil=_colab),
    "one_file_stripped": Kind(FULL, ARCHETYPES["one-file"], spoil=_cells(_stripped)),
    "colab_without_evidence": Kind(
        dict.fromkeys(FULL), spoil=_both(_colab, lambda folder: shutil.rmtree(folder / "evidence"))
    ),
    "old_schema": Kind(
        FULL,
        spoil=_cells(
            lambda cells: [cell["metadata"]["nbgrader"].update(schema_version=1) for cell in cells if grade_id(cell)]
        ),
    ),
}


def nbgrader(course: Path, *arguments: str, check: bool = True) -> str:
    """Run one of nbgrader's commands with nothing of the environment's scripts on PATH."""
    environment = {**os.environ, "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "nbgrader", *arguments]
    done = subprocess.run(command, cwd=course, env=environment, capture_output=True, text=True)
    if check:
        assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The class, graded, with feedback: nobody's notebook was run (the sandbox is off) and no gradebook was there."""
    folder = classroom.course(tmp_path_factory.mktemp("course"), gradebook=False)
    for student, kind in KINDS.items():
        kind.spoil(classroom.hand_in(folder, student, kind.archetype))
    nbgrader(folder, "autograde", "spotify", "--GradeFromEvidence.sandbox=False")
    nbgrader(folder, "generate_feedback", "spotify")
    return folder


@pytest.fixture
def gradebook(course: Path) -> Iterator[Gradebook]:
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as opened:
        yield opened


def _grades(gradebook: Gradebook, student: str) -> dict[str, Any]:
    notebook = gradebook.find_submission_notebook("spotify", "spotify", student)
    return {grade.name: grade for grade in notebook.grades}


@pytest.mark.parametrize("student", KINDS)
def test_everyone_gets_the_score_that_a_fair_teacher_gives(student: str, gradebook: Gradebook) -> None:
    grades = _grades(gradebook, student)
    assert {name: grades[name].auto_score for name in FULL} == KINDS[student].scores
    for name in FULL:
        assert grades[name].needs_manual_grade == (KINDS[student].scores[name] is None), name


@pytest.mark.parametrize("student", KINDS)
def test_written_answers_wait_for_a_person_and_missing_ones_do_not(student: str, gradebook: Gradebook) -> None:
    grades = _grades(gradebook, student)
    waiting = {name: grades[name].needs_manual_grade for name in ("q2-explanation", "q4-explanation")}
    assert set(waiting.values()) == {KINDS[student].read}, waiting
    if not KINDS[student].read:
        assert {grades[name].auto_score for name in waiting} == {0.0}


@pytest.mark.parametrize("student", KINDS)
def test_feedback_is_our_report_without_code_that_was_run(student: str, course: Path) -> None:
    html = (course / "feedback" / student / "spotify" / "spotify.html").read_text("utf-8")
    assert html.count('class="checker') >= 4
    assert "Traceback (most recent" not in html
    assert "keras-layers-course.evidence" not in html
    graded = course / "autograded" / student / "spotify" / "spotify.ipynb"
    assert "keras-layers-course.evidence" not in graded.read_text("utf-8"), "what is graded is not carried on"


def test_deleted_answers_written_elsewhere_wait_for_a_person(tmp_path: Path) -> None:
    def moved(cells: Cells) -> None:
        answer = cell_of(cells, "q2-explanation")
        answer["metadata"], answer["id"], answer["source"] = {}, "mine", "My explanation, in a cell of my own."

    folder = classroom.course(tmp_path)
    _cells(moved)(classroom.hand_in(folder, "one", ARCHETYPES["perfect"]))
    nbgrader(folder, "autograde", "spotify", "--GradeFromEvidence.sandbox=False")
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        assert _grades(gradebook, "one")["q2-explanation"].needs_manual_grade
    assert "My explanation" in (folder / "autograded/one/spotify/spotify.ipynb").read_text()


def test_the_gradebook_is_whole(course: Path) -> None:
    """Created without alembic on PATH, and without ``generate_assignment`` before."""
    import sqlite3

    with sqlite3.connect(course / "gradebook.db") as database:
        assert len(database.execute("select version_num from alembic_version").fetchall()) == 1
        assert database.execute("select count(*) from grade_cells").fetchone() == (6,)


def test_grading_again_keeps_what_a_person_graded(course: Path, gradebook: Gradebook) -> None:
    grade = _grades(gradebook, "perfect")["q2-explanation"]
    grade.manual_score, grade.needs_manual_grade = 1.5, False
    gradebook.db.commit()
    nbgrader(course, "autograde", "spotify", "--student=perfect", "--force", "--GradeFromEvidence.sandbox=False")
    gradebook.db.expire_all()
    grades = _grades(gradebook, "perfect")
    assert grades["q2-explanation"].manual_score == 1.5
    assert sum(grades[name].auto_score for name in FULL) == 12.0


def test_formgraders_way_of_grading_gives_the_same(
    course: Path, gradebook: Gradebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The formgrader calls nbgrader's API, not its commands."""
    from nbgrader.apps import NbGrader
    from nbgrader.apps.api import NbGraderAPI

    monkeypatch.chdir(course)
    app = NbGrader()
    app.load_config_file()
    app.config.CourseDirectory.root = str(course)
    app.config.GradeFromEvidence.sandbox = False
    api = NbGraderAPI(config=app.config)
    result = api.autograde("spotify", "functional", force=True)
    assert result["success"], result
    gradebook.db.expire_all()
    assert {name: _grades(gradebook, "functional")[name].auto_score for name in FULL} == FULL
    (shown,) = api.get_student_notebook_submissions("functional", "spotify")
    assert (shown["code_score"], shown["max_score"]) == (12.0, 16.0)
    assert shown["needs_manual_grade"]


def test_the_learners_language_is_the_feedbacks(tmp_path: Path) -> None:
    folder = classroom.course(tmp_path)
    chinese = _cells(
        lambda cells: next(c for c in cells if c.get("id") == "language").update(
            source='import checker\nchecker.set_language("zh")'
        )
    )
    chinese(classroom.hand_in(folder, "one", ARCHETYPES["perfect"]))
    nbgrader(folder, "autograde", "spotify", "--GradeFromEvidence.sandbox=False")
    graded = json.loads((folder / "autograded/one/spotify/spotify.ipynb").read_text())
    report = "".join(cell_of(graded["cells"], "q1")["outputs"][0]["data"]["text/html"])
    assert 'lang="zh-Hans"' in report


@pytest.mark.usefixtures("sandboxed")
def test_what_a_run_settles_is_run_in_the_sandbox(tmp_path: Path) -> None:
    """An endless loop, a kernel that ends itself: what evidence proves counts, the rest waits, others are graded."""
    folder = classroom.course(tmp_path)
    for student, code in (("endless", "while True: pass"), ("killed", "import os; os._exit(1)")):
        _both(_cells(partial(_first, code)), _without_evidence("q3", "q4"))(
            classroom.hand_in(folder, student, ARCHETYPES["perfect"])
        )
    classroom.hand_in(folder, "perfect", ARCHETYPES["perfect"])
    # Time enough for the kernel that ends itself to start on a busy machine; the endless loop takes all of it.
    nbgrader(folder, "autograde", "spotify", "--GradeFromEvidence.seconds=60")
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        assert {name: _grades(gradebook, "perfect")[name].auto_score for name in FULL} == FULL
        for student in ("endless", "killed"):
            scores = {name: _grades(gradebook, student)[name].auto_score for name in FULL}
            assert scores == {**FULL, "q3": None, "q4": None}, student  # what could not be run says nothing


# --- traps that are not about a submission ----------------------------------------------------------------------------


def test_stray_files_of_the_source_are_not_released_and_a_learners_evidence_survives_force(tmp_path: Path) -> None:
    folder = classroom.course(tmp_path)
    source, release = folder / "solutions/spotify", folder / "notebooks/spotify"
    (source / "evidence").mkdir()
    for name in ("notes.txt", "evidence/q1.json", "data.csv"):
        (source / name).write_text("the teacher's")
    (release / "evidence").mkdir()
    (release / "evidence/q2.json").write_text("the learner's")
    printed = nbgrader(folder, "generate_assignment", "spotify", "--force", "--KeepStraysIn.release=*.csv")
    assert "Not released: notes.txt" in printed
    released = sorted(str(path.relative_to(release)) for path in release.rglob("*") if path.is_file())
    assert released == ["data.csv", "evidence/q2.json", "spotify.ipynb"]


def test_the_teachers_own_evidence_does_not_take_the_place_of_a_learners(tmp_path: Path) -> None:
    folder = classroom.course(tmp_path)
    classroom.hand_in(folder, "starter", STARTER)
    teachers = folder / "solutions/spotify/evidence"
    shutil.rmtree(teachers, ignore_errors=True)
    shutil.copytree(classroom.hand_in(tmp_path / "other", "x", ARCHETYPES["perfect"]) / "evidence", teachers)
    (folder / "solutions/spotify/notes.txt").write_text("the teacher's")
    nbgrader(folder, "autograde", "spotify", "--GradeFromEvidence.sandbox=False")
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        assert {name: _grades(gradebook, "starter")[name].auto_score for name in FULL} == NOTHING
    graded = folder / "autograded/starter/spotify"
    files = {path.name for path in graded.rglob("*.*") if path.suffix != ".ipynb"}
    assert files <= {"timestamp.txt"}, "neither the teacher's files nor evidence lie beside the graded notebook"


HIDDEN = """\
assert double(2) == 4
### BEGIN HIDDEN TESTS
assert double(21) == 42, "the secret"
### END HIDDEN TESTS
"""


def _own_assignment(folder: Path) -> None:
    """An assignment of the course's own, with a hidden test, that the checker knows nothing of."""

    def cell(name: str, source: str, **settings: Any) -> dict[str, Any]:
        details = {
            "grade": False,
            "solution": False,
            "locked": False,
            "task": False,
            "schema_version": 3,
            "grade_id": name,
        }
        metadata = {"nbgrader": {**details, **settings}}
        return {
            "cell_type": "code",
            "id": name,
            "metadata": metadata,
            "source": source,
            "outputs": [],
            "execution_count": None,
        }

    cells = [
        cell(
            "double",
            "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION\n    return x",
            solution=True,
        ),
        cell("double-test", HIDDEN, grade=True, locked=True, points=3),
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    book = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "solutions/own").mkdir(parents=True)
    (folder / "solutions/own/own.ipynb").write_text(json.dumps(book))


@pytest.mark.usefixtures("sandboxed")
def test_hidden_tests_are_run_in_the_sandbox_and_never_shown(tmp_path: Path) -> None:
    folder = classroom.course(tmp_path)
    _own_assignment(folder)
    nbgrader(folder, "generate_assignment", "own")
    released = (folder / "notebooks/own/own.ipynb").read_text()
    assert "secret" not in released
    for student, answer in (("right", "def double(x): return 2 * x"), ("sly", "def double(x): return 4")):
        book = json.loads(released)
        cell_of(book["cells"], "double")["source"] = answer
        (folder / f"submitted/{student}/own").mkdir(parents=True)
        (folder / f"submitted/{student}/own/own.ipynb").write_text(json.dumps(book))
    nbgrader(folder, "autograde", "own")
    nbgrader(folder, "generate_feedback", "own")
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        scores = {s: gradebook.find_submission_notebook("own", "own", s).score for s in ("right", "sly")}
    assert scores == {"right": 3.0, "sly": 0.0}
    html = (folder / "feedback/sly/own/own.html").read_text()
    assert "secret" not in html
    assert "double(21)" not in re.sub(r"<[^>]*>", "", html)
    assert "AssertionError" in html


def test_without_a_sandbox_nothing_is_run_and_a_person_decides(tmp_path: Path) -> None:
    folder = classroom.course(tmp_path)
    _own_assignment(folder)
    nbgrader(folder, "generate_assignment", "own")
    (folder / "submitted/one/own").mkdir(parents=True)
    book = json.loads((folder / "notebooks/own/own.ipynb").read_text())
    cell_of(book["cells"], "double")["source"] = f"open({str(tmp_path / 'ran')!r}, 'w')"
    (folder / "submitted/one/own/own.ipynb").write_text(json.dumps(book))
    nbgrader(folder, "autograde", "own", "--GradeFromEvidence.sandbox=False")
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        (grade,) = gradebook.find_submission_notebook("own", "own", "one").grades
        assert grade.auto_score is None
        assert grade.needs_manual_grade
    assert not (tmp_path / "ran").exists()


def test_a_course_that_only_imports_our_configuration_works(tmp_path: Path) -> None:
    (tmp_path / "nbgrader_config.py").write_text(
        "from checker.grading.nbgrader import configure\n"
        "c = get_config()\n"
        "configure(c)\n"
        'c.CourseDirectory.course_id = "autumn"\n'
        'c.CourseDirectory.source_directory, c.CourseDirectory.release_directory = "source", "release"\n'
    )
    shutil.copytree(ROOT / "solutions/spotify", tmp_path / "source/spotify")
    nbgrader(tmp_path, "generate_assignment", "spotify")
    assert (tmp_path / "release/spotify/spotify.ipynb").is_file()
    classroom.hand_in(tmp_path, "one", ARCHETYPES["perfect"])
    nbgrader(tmp_path, "autograde", "spotify")
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}", "autumn") as gradebook:
        assert gradebook.find_submission("spotify", "one").score == 12.0
