"""A class at once: the same gradebook as nbgrader's own run, restartable, isolated, reported."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import assignments
import classroom
import numpy as np
import pytest

from checker.blueprint import Graph
from checker.grading import batch, likeness, sandbox
from checker.grading.batch import grade_class
from checker.grading.results import Answered
from checker.questions.evidence import Evidence
from checker.reading.archive import archive_weights

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course folder with one student of every archetype, graded by nobody yet."""
    folder = classroom.course(tmp_path_factory.mktemp("class") / "course")
    for seed, (name, archetype) in enumerate(classroom.ARCHETYPES.items()):
        classroom.hand_in(folder, name, archetype, seed)
    return folder


@pytest.fixture
def course(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "course"))


@pytest.fixture
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Grade in this process: starting others is what takes time, and one test does that."""
    monkeypatch.setattr(batch, "_executor", lambda _jobs, _scheduler: ThreadPoolExecutor(1))


def tables(course: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What the gradebook says, without the random ids."""
    queries = {
        "grades": """
            select s.student_id, b.name, g.auto_score, g.manual_score, g.needs_manual_grade, g.extra_credit from grade g
            join submitted_notebook n on n.id = g.notebook_id join submitted_assignment s on s.id = n.assignment_id
            join base_cell b on b.id = g.cell_id order by 1, 2""",
        "comments": """
            select s.student_id, b.name, c.auto_comment, c.manual_comment from comment c
            join submitted_notebook n on n.id = c.notebook_id join submitted_assignment s on s.id = n.assignment_id
            join base_cell b on b.id = c.cell_id order by 1, 2""",
        "submissions": "select student_id, timestamp, extension from submitted_assignment order by 1",
        "notebooks": """
            select s.student_id, b.name, n.flagged, n.late_submission_penalty from submitted_notebook n
            join submitted_assignment s on s.id = n.assignment_id join notebook b on b.id = n.notebook_id order by 1""",
        "students": "select id, first_name, email from student order by 1",
        "cells": "select b.name, type, c.max_score from base_cell b left join grade_cells c on c.id = b.id order by 1",
    }
    with sqlite3.connect(course / "gradebook.db") as database:
        return {name: database.execute(query).fetchall() for name, query in queries.items()}


def points(course: Path) -> dict[str, float]:
    totals: dict[str, float] = {}
    for student, _, score, *_ in tables(course)["grades"]:
        totals[student] = totals.get(student, 0.0) + (score or 0.0)
    return totals


PERFECT = classroom.ARCHETYPES["perfect"]
EXPECTED = {name: archetype.points for name, archetype in classroom.ARCHETYPES.items()}


def test_processes_give_everybody_the_points_of_a_fair_teacher(course: Path) -> None:
    run = grade_class(course, "spotify", jobs=2, progress=False)
    assert (run.graded, run.failed, run.attention) == (len(EXPECTED), 0, 0)
    assert points(course) == EXPECTED


def test_the_gradebook_is_the_one_that_nbgrader_writes(course: Path, tmp_path: Path) -> None:
    for student, time in (("perfect", "2026-03-01 12:00:00 UTC"), ("nothing", "2026-03-02 09:30:00.5 UTC")):
        (course / "submitted" / student / "spotify" / "timestamp.txt").write_text(time)
    other = Path(shutil.copytree(course, tmp_path / "other"))
    grade_class(course, "spotify", jobs=1, progress=False)
    subprocess.run(
        [sys.executable, "-m", "nbgrader", "autograde", "spotify"], cwd=other, check=True, capture_output=True
    )
    ours, theirs = tables(course), tables(other)
    for name, rows in theirs.items():
        assert ours[name] == rows, name
    for folder in (course, other):
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", "generate_feedback", "spotify"],
            cwd=folder,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert "Dropout" in (folder / "feedback/misread/spotify/spotify.html").read_text("utf-8")


@pytest.mark.usefixtures("_one_thread")
class TestRestart:
    def test_unchanged_submissions_are_left_alone(self, course: Path) -> None:
        grade_class(course, "spotify", progress=False)
        written = (course / "autograded/perfect/spotify/spotify.ipynb").stat().st_mtime_ns
        before = tables(course)
        run = grade_class(course, "spotify", progress=False)
        assert (run.graded, run.unchanged) == (0, len(EXPECTED))
        assert (course / "autograded/perfect/spotify/spotify.ipynb").stat().st_mtime_ns == written
        assert tables(course) == before

    def test_a_new_submission_is_graded_again_and_a_teacher_s_marks_are_kept(self, course: Path) -> None:
        grade_class(course, "spotify", progress=False)
        with sqlite3.connect(course / "gradebook.db") as database:
            database.execute(
                "update grade set manual_score = 1.5, needs_manual_grade = 0 where cell_id in "
                "(select id from base_cell where name = 'q2-explanation' and type = 'GradeCell')"
            )
        classroom.hand_in(course, "nothing", classroom.ARCHETYPES["perfect"], seed=99)
        run = grade_class(course, "spotify", progress=False)
        assert (run.graded, run.unchanged) == (1, len(EXPECTED) - 1)
        assert points(course)["nothing"] == 12.0
        marks = {row[0]: row[3:5] for row in tables(course)["grades"] if row[1] == "q2-explanation"}
        assert marks["nothing"] == (1.5, 1)  # to be looked at again, as nbgrader has it
        assert marks["perfect"] == (1.5, 0)

    def test_autograded_notebooks_that_were_deleted_come_back(self, course: Path) -> None:
        grade_class(course, "spotify", progress=False)
        shutil.rmtree(course / "autograded/perfect")
        assert grade_class(course, "spotify", progress=False).graded == 1
        assert (course / "autograded/perfect/spotify/spotify.ipynb").is_file()

    @pytest.mark.parametrize("moment", ["_write_journal", "_write_grades"])
    def test_killed_in_the_middle_of_a_transaction(self, course: Path, tmp_path: Path, moment: str) -> None:
        whole = Path(shutil.copytree(course, tmp_path / "whole"))
        code = f"""
import os, signal
from concurrent.futures import ThreadPoolExecutor
from checker.grading import batch, gradebook
batch.CHUNK, calls = 1, []
batch._executor = lambda jobs, scheduler: ThreadPoolExecutor(1)
real = gradebook.Ledger.{moment}
def killed(self, *args):
    real(self, *args)
    calls.append(1)
    if len(calls) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
gradebook.Ledger.{moment} = killed
batch.grade_class({str(course)!r}, "spotify", progress=False)
"""
        assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == -signal.SIGKILL
        assert 0 < len(tables(course)["submissions"]) < len(EXPECTED)
        run = grade_class(course, "spotify", progress=False)
        assert run.unchanged == 2
        assert run.graded == len(EXPECTED) - 2
        grade_class(whole, "spotify", progress=False)
        assert tables(course) == tables(whole)


DEADLY = ("misread", "perfect")


def _dies(task: batch.Task) -> Any:
    if task.student in DEADLY:
        os.kill(os.getpid(), signal.SIGKILL)
    return REAL(task)


REAL = batch.grade_submission


def test_submissions_that_kill_their_process_cost_nobody_else(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "grade_submission", _dies)
    run = grade_class(course, "spotify", jobs=2, progress=False)
    assert (run.failed, run.graded, run.attention) == (2, len(EXPECTED) - 2, 2)
    assert points(course) == {name: score for name, score in EXPECTED.items() if name not in DEADLY}
    monkeypatch.undo()
    monkeypatch.chdir(course)
    assert grade_class(course, "spotify", jobs=1, progress=False).graded == 2
    assert points(course) == EXPECTED


@pytest.mark.usefixtures("_one_thread")
class TestWhatIsHandedIn:
    def test_a_submission_that_takes_too_long_is_given_up(self, course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def never(*_: Any) -> Any:
            raise TimeoutError

        monkeypatch.setattr("checker.grading.course.graded", never)
        run = grade_class(course, "spotify", progress=False)
        assert run.failed == len(EXPECTED)
        assert "submission.too_slow" in run.table.read_text()

    def test_no_notebook_and_no_evidence(self, course: Path) -> None:
        folder = course / "submitted/nobody/spotify"
        folder.mkdir(parents=True)
        grade_class(course, "spotify", progress=False)
        assert points(course)["nobody"] == 0.0
        assert "submission.no_notebook" in (course / "grades/spotify.csv").read_text()

    def test_nothing_at_all_is_said_plainly(self, course: Path) -> None:
        shutil.rmtree(course / "submitted")
        with pytest.raises(FileNotFoundError, match="nothing"):
            grade_class(course, "spotify", progress=False)

    def test_the_table_is_safe_to_open_in_a_spreadsheet(self, course: Path) -> None:
        classroom.hand_in(course, "=HYPERLINK(1)", classroom.ARCHETYPES["nothing"])
        run = grade_class(course, "spotify", progress=False)
        with run.table.open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == len(EXPECTED) + 1
        assert not any(row["student"].startswith("=") for row in rows)

    def test_late_submissions_get_the_penalty_that_the_course_is_configured_for(self, course: Path) -> None:
        with (course / "nbgrader_config.py").open("a") as config:
            config.write("\nc.LateSubmissionPlugin.penalty_method = 'zero'\n")
        (course / "submitted/perfect/spotify/timestamp.txt").write_text("2026-03-05 12:00:00 UTC")
        (course / "submitted/split/spotify/timestamp.txt").write_text("2026-03-01 12:00:00 UTC")
        grade_class(course, "spotify", progress=False)
        with sqlite3.connect(course / "gradebook.db") as database:
            database.execute("update assignment set duedate = '2026-03-02 00:00:00.000000'")
        shutil.rmtree(course / "autograded")
        grade_class(course, "spotify", progress=False)
        assert {row[0]: row[3] for row in tables(course)["notebooks"] if row[3]} == {"perfect": 12.0}


@pytest.mark.usefixtures("_one_thread")
class TestRunningAgain:
    """What ``--rerun`` and ``--audit`` make of a run; the sandbox is replaced by what it would bring back."""

    @pytest.fixture
    def ran(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
        """The assignments of the runs asked for; each run leaves the evidence of a network without dropout in q1."""
        left = classroom.hand_in(classroom.course(tmp_path / "left"), "x", replace(PERFECT, q1="plain"))
        files = {f"evidence/{path.name}": path.read_bytes() for path in (left / "evidence").iterdir()}
        asked: list[str] = []

        def run(_notebook: bytes, assignment: str, **_: Any) -> sandbox.Run:
            asked.append(assignment)
            return sandbox.Run(sandbox.Ending.FINISHED, 1.0, {"notebook.ipynb": b"{}", **files})

        monkeypatch.setattr("checker.grading.sandbox.run_notebook", run)
        monkeypatch.setattr("checker.grading.sandbox.available", lambda: None)
        return asked

    def test_a_rerun_counts_what_the_run_leaves(self, course: Path, ran: list[str]) -> None:
        run = grade_class(course, "spotify", rerun=True, progress=False)
        assert ran == ["spotify"] * len(EXPECTED)
        assert (run.failed, run.attention) == (0, 0)
        assert set(points(course).values()) == {6.0}

    def test_an_audit_names_those_whose_run_earns_less_and_changes_no_points(
        self, course: Path, ran: list[str]
    ) -> None:
        run = grade_class(course, "spotify", audit=1.0, progress=False)
        assert len(ran) == len(EXPECTED)
        assert points(course) == EXPECTED
        with run.table.open(newline="") as file:
            named = {row["student"] for row in csv.DictReader(file) if row["needs_attention"] == "audit.differs"}
        assert named == {name for name, score in EXPECTED.items() if score > 6.0}

    def test_an_audit_takes_its_share(self, course: Path, ran: list[str]) -> None:
        grade_class(course, "spotify", audit=0.0, pictures=False, progress=False)
        assert not ran
        for number in range(40):
            classroom.hand_in(course, f"student-{number}", PERFECT, seed=100 + number)
        grade_class(course, "spotify", audit=0.25, pictures=False, progress=False)
        assert 2 <= len(ran) <= 25

    def test_without_a_sandbox_a_person_is_told_and_a_sandbox_installed_later_is_used(
        self, course: Path, ran: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as without:
            without.setattr("checker.grading.sandbox.available", lambda: "none here")
            assert grade_class(course, "spotify", rerun=True, progress=False).attention == len(EXPECTED)
        assert not ran
        assert grade_class(course, "spotify", rerun=True, progress=False).graded == len(EXPECTED)
        assert len(ran) == len(EXPECTED)

    def test_the_course_s_configuration_holds(self, course: Path, ran: list[str]) -> None:
        with (course / "nbgrader_config.py").open("a") as config:
            config.write("\nc.GradeFromEvidence.sandbox = False\n")
        shutil.rmtree(course / "submitted/perfect/spotify/evidence")
        assert grade_class(course, "spotify", progress=False).attention == 1
        assert not ran


@pytest.mark.usefixtures("sandboxed")
def test_the_solved_challenge_earns_its_points_by_a_rerun_alone(tmp_path: Path) -> None:
    """The whole way, through the real sandbox: what was handed in is a notebook without any evidence."""
    course = classroom.course(tmp_path / "course", "challenge")
    assignments.written(course / "submitted/ada/challenge", assignments.solved("challenge"), "challenge.ipynb")
    run = grade_class(course, "challenge", jobs=1, rerun=True, progress=False)
    assert (run.graded, run.attention) == (1, 0)
    assert points(course) == {"ada": 8.0}


@pytest.fixture
def sketches() -> list[tuple[str, tuple[float, ...]]]:
    """Two networks trained apart."""
    return [(name, sketch_of(classroom.trained(name)[0])) for name in ("dropout", "dropout-half")]


class TestLikeness:
    def test_networks_trained_apart_are_not_alike(self, sketches: list[tuple[str, tuple[float, ...]]]) -> None:
        archive = classroom.trained("dropout")[0]
        others = [(f"reordered-{seed}", sketch_of(classroom.reordered(archive, seed))) for seed in range(5)]
        assert likeness.groups([*sketches[:1], *others]) == []
        cosines = np.array([sketch for _, sketch in others]) @ np.array([sketch for _, sketch in others]).T
        assert np.max(np.abs(cosines - np.eye(len(others)))) < 0.6

    def test_copies_are_found_also_when_a_little_noise_was_added(self, sketches: Any) -> None:
        archive = classroom.trained("dropout")[0]

        def shake(_config: Any, file: Any) -> None:
            for _, path in classroom.layer_paths(archive):
                weight = file[f"{path}/vars/0"]
                weight[...] = weight[...] * np.random.default_rng(0).uniform(0.98, 1.02, weight.shape)

        copied = ("copy", sketch_of(classroom.rewritten(archive, shake)))
        other = ("other", sketch_of(classroom.reordered(archive, 1)))
        assert likeness.groups([*sketches[:1], copied, other]) == [["copy", "dropout"]]

    def test_a_friend_s_network_is_found_with_its_units_reordered_or_rescaled(self) -> None:
        archive = classroom.trained("dropout")[0]
        copies = [classroom.reordered(archive, 1), classroom.rescaled(classroom.reordered(archive, 2), 3)]
        apart = [classroom.trained(name)[0] for name in ("dropout-half", "dropout-once", "plain")]
        apart += [classroom.shaken(archive, seed) for seed in range(3)]  # what other tests take for honest ones
        apart = [
            classroom.reordered(each, 9 + seed) for seed, each in enumerate(apart)
        ]  # they began with equal weights
        answers = [(f"{number}", answered(each)) for number, each in enumerate([archive, *copies, *apart])]
        assert likeness.groups([(name, each.sketch) for name, each in answers[:3]]) == []  # their weights are no longer
        assert likeness.alike(answers) == [["0", "1", "2"]]

    def test_curves_equal_to_the_last_digit_are_found(self) -> None:
        curves = {"loss": [0.3, 0.2], "val_loss": [0.31, 0.25]}
        digest = Evidence("q1", {"history": curves}).curves_digest
        other = Evidence("q1", {"history": {**curves, "val_loss": [0.31, 0.25000000000000006]}}).curves_digest
        assert Evidence("q1", {"history": {"loss": [float("nan")]}}).curves_digest == ""
        digests = {"a": digest, "b": other, "c": digest, "d": "", "e": ""}
        answers = [(name, Answered(4.0, 4.0, True, curves=each)) for name, each in digests.items()]
        assert likeness.alike(answers) == [["a", "c"]]


def answered(archive: bytes) -> Answered:
    """What is kept of a network to find copies by."""
    evidence = Evidence("q1", weights=archive_weights(archive), graph=Graph.load(archive))
    return Answered(4.0, 4.0, True, sketch=evidence.sketch, responses=evidence.responses(likeness.probes("spotify")))


def sketch_of(archive: bytes) -> tuple[float, ...]:
    return Evidence("q1", weights=archive_weights(archive)).sketch


@pytest.mark.usefixtures("_one_thread")
def test_the_class_report_says_what_to_teach_again(course: Path) -> None:
    shutil.rmtree(course / "submitted/functional/spotify/evidence")
    classroom.hand_in(course, "friend", classroom.ARCHETYPES["perfect"])
    classroom.hand_in(course, "friends-friend", classroom.ARCHETYPES["perfect"])
    monkey = pytest.MonkeyPatch()
    monkey.setattr("checker.grading.sandbox.available", lambda: "none here")
    run = grade_class(course, "spotify", progress=False)
    monkey.undo()
    page = run.report.read_text("utf-8")
    assert "<script" not in page
    assert "friend, friends-friend" in page
    assert "functional" in page[page.index("human eye") : page.index("Equal networks")]
    assert run.attention == 1
    assert "perfect" not in page[page.index("human eye") : page.index("Equal networks")]


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A Dask cluster of two workers on loopback."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1", silence_logs=50
    ) as local:
        yield local


def test_two_dask_workers_one_of_them_killed_give_the_same_gradebook(
    course: Path, tmp_path: Path, cluster: Any
) -> None:
    for number in range(20):
        classroom.hand_in(course, f"student-{number}", PERFECT, seed=number)
    here = Path(shutil.copytree(course, tmp_path / "here"))
    killed = classroom.kill_when_graded(course, next(iter(cluster.workers.values())).pid, 3)
    run = grade_class(course, "spotify", scheduler=cluster.scheduler_address, pictures=False, progress=False)
    assert killed.is_set()
    assert (run.graded, run.failed) == (len(EXPECTED) + 20, 0)
    grade_class(here, "spotify", jobs=1, pictures=False, progress=False)
    assert tables(course) == tables(here)
