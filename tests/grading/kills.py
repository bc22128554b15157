"""Kill the grader of a small class, at random moments and at every commit, and look at the gradebook after a new run.

``kills.py`` kills 200 times at random and before and after each commit; ``kills.py 12`` only 12 times at random. Each
gradebook must say in the end what that of an undisturbed run says: scores, comments, late penalties, what waits for a
person. Killed graders may leave no process behind.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import classroom
from nbgrader import api

from checker.grading.nbgrader import find_alembic

LATE: Final = ("perfect", "misread")
STATES: Final = ("graded", "new")
"""What the course is when the killed run begins: graded by an earlier run with a due date, or without a gradebook."""

_MARK: Final = "CHECKER_KILLS"
"""Variable in the environment of all that this script starts."""

_CONFIG: Final = """
from nbgrader.plugins import LateSubmissionPlugin
class TenPercent(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return 0.1 * score
c.AssignLatePenalties.plugin_class = TenPercent
"""


def prepared(folder: Path, state: str) -> Path:
    """A course with five students, two of them late and all with something new to grade."""
    course = classroom.course(folder, gradebook=state == "graded")
    with (course / "nbgrader_config.py").open("a") as config:
        config.write(_CONFIG)
    for seed, (name, archetype) in enumerate(classroom.ARCHETYPES.items()):
        place = classroom.hand_in(course, name, archetype, seed)
        (place / "timestamp.txt").write_text(f"2026-03-0{5 if name in LATE else 1} 12:00:00 UTC")
    if state == "graded":
        _graded_before(course)
    return course


def _graded_before(course: Path) -> None:
    """Grade, set a due date, let a teacher write and mark; then let everybody hand in again."""
    grade(course)
    with sqlite3.connect(course / "gradebook.db") as database:
        database.execute("update assignment set duedate = '2026-03-02 00:00:00.000000'")
        database.execute("update comment set manual_comment = 'Well seen.'")
        database.execute(
            "update grade set manual_score = 1.5, needs_manual_grade = 0 where cell_id in "
            "(select id from base_cell where name = 'q2-explanation' and type = 'GradeCell')"
        )
    for path in course.glob("submitted/*/spotify/spotify.ipynb"):
        path.write_text(path.read_text("utf-8") + "\n", "utf-8")


def contents(course: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What the gradebook says of the class, without the random ids."""
    student = "join submitted_notebook n on n.id = x.notebook_id join submitted_assignment s on s.id = n.assignment_id"
    cell = f"{student} join base_cell b on b.id = x.cell_id order by 1, 2, 3"
    scores = "x.auto_score, x.manual_score, x.needs_manual_grade, x.extra_credit"
    queries = {
        "grades": f"select s.student_id, b.name, b.type, {scores} from grade x {cell}",
        "comments": f"select s.student_id, b.name, b.type, x.auto_comment, x.manual_comment from comment x {cell}",
        "notebooks": "select s.student_id, s.timestamp, n.late_submission_penalty, n.flagged "
        "from submitted_assignment s join submitted_notebook n on n.assignment_id = s.id order by 1",
        "cells": "select name, type from base_cell order by 1, 2",
        "journal": "select student, key from checker_journal order by 1",
    }
    with sqlite3.connect(course / "gradebook.db") as database:
        return {name: database.execute(query).fetchall() for name, query in queries.items()}


def grade(course: Path, threads: bool = True) -> None:
    """Grade the class; in threads of this process, or in processes as ``checker grade`` does."""
    from checker.grading import batch

    batch.CHUNK = 2  # type: ignore[misc]
    if threads:
        batch._executor = lambda jobs, scheduler: ThreadPoolExecutor(1)
    batch.grade_class(course, "spotify", jobs=2, pictures=False, progress=False)


def killed(course: Path, threads: bool, arrange: Callable[[], None], after: float = 60.0) -> bool:
    """Grade in another process, which kills itself as arranged or is killed after so many seconds.

    Returns:
        Whether it was killed; if not, the run was over before.
    """
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        arrange()
        with suppress(BaseException):
            grade(course, threads)
            os._exit(0)
        os._exit(1)
    deadline = time.monotonic() + after
    while (waited := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < deadline:
        time.sleep(0.002)
    if waited == (0, 0):
        os.kill(child, signal.SIGKILL)
        waited = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(waited[1]) == 1:
        raise AssertionError("the run failed before it was killed")
    return os.WIFSIGNALED(waited[1])


def die_at_commit(number: int, before: bool) -> Callable[[], None]:
    """Kill the process before or after its so-manieth commit to any database."""

    def arrange() -> None:
        from sqlalchemy.engine.default import DefaultDialect

        real, seen = DefaultDialect.do_commit, [0]

        def commit(self: Any, connection: Any) -> None:
            seen[0] += 1
            if before and seen[0] == number:
                os.kill(os.getpid(), signal.SIGKILL)
            real(self, connection)
            if seen[0] == number:
                os.kill(os.getpid(), signal.SIGKILL)

        DefaultDialect.do_commit = commit  # type: ignore[method-assign]

    return arrange


def nothing() -> None:
    """Arrange nothing."""


def left_behind(within: float = 10.0) -> list[str]:
    """Command lines of workers of killed graders that still run after some time to end."""
    deadline = time.monotonic() + within
    mark = f"{_MARK}={os.getpid()}".encode()
    while True:
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                if mark in path.read_bytes().split(b"\0"):
                    found.append((path.parent / "cmdline").read_text())
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


@dataclass
class Trial:
    """A course to be graded again and again from the same beginning."""

    scratch: Path
    state: str

    def __post_init__(self) -> None:
        self.original = prepared(self.scratch / self.state, self.state)
        began = time.monotonic()
        undisturbed = self.copy()
        grade(undisturbed)
        self.seconds = time.monotonic() - began
        self.expected = contents(undisturbed)

    def copy(self) -> Path:
        shutil.rmtree(self.scratch / "course", ignore_errors=True)
        return Path(shutil.copytree(self.original, self.scratch / "course"))

    def differs(self, threads: bool, arrange: Callable[[], None], after: float = 600.0) -> tuple[bool, list[str]]:
        """Whether the run was killed, and the tables that another run does not put right."""
        course = self.copy()
        if not killed(course, threads, arrange, after):
            return False, []
        grade(course)
        found = contents(course)
        wrong = [name for name, rows in self.expected.items() if found[name] != rows]
        wrong += ["unfinished files"] if list(course.glob("autograded/*/.*")) else []
        wrong += ["no class report"] if not (course / "grades/spotify.html").exists() else []
        return True, wrong


def at_commits(trial: Trial, every: int) -> list[tuple[str, list[str]]]:
    """Kill before and after each of a run's commits, or each so-manieth; gives what was wrong then, by moment."""
    outcomes: list[tuple[str, list[str]]] = []
    for number in itertools.count(1, every):
        for before in (True, False):
            was_killed, wrong = trial.differs(True, die_at_commit(number, before))
            if not was_killed:
                return outcomes
            outcomes.append((f"{trial.state}, {'before' if before else 'after'} commit {number}", wrong))
    raise AssertionError


def at_random(trial: Trial, count: int, chosen: random.Random) -> list[tuple[str, list[str]]]:
    """Kill at random moments; every fourth run grades in processes, whose start is what takes most of the time."""
    outcomes: list[tuple[str, list[str]]] = []
    while len(outcomes) < count:
        threads = len(outcomes) % 4 != 0
        moment = chosen.uniform(0.0, trial.seconds if threads else 3 * trial.seconds + 2.0)
        was_killed, wrong = trial.differs(threads, nothing, moment)
        if was_killed:
            outcomes.append((f"{trial.state}, after {moment:.3f} s", wrong))
    return outcomes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=200, help="how often to kill at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=int, default=1, help="kill at each so-manieth commit of a new course only")
    options = parser.parse_args()
    os.environ[_MARK] = str(os.getpid())
    api.get_alembic_version = functools.cache(api.get_alembic_version)  # it starts another program
    find_alembic()
    api.get_alembic_version()
    chosen = random.Random(options.seed)
    outcomes: list[tuple[str, list[str]]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for number, state in enumerate(STATES):
            trial = Trial(Path(scratch), state)
            outcomes += at_commits(trial, 1 if state == "graded" else options.every)
            share = (options.count + number) // len(STATES)
            outcomes += at_random(trial, share, chosen)
    left = left_behind()
    wrong = [outcome for outcome in outcomes if outcome[1]]
    print(f"killed {len(outcomes)} times, {len(wrong)} other gradebooks, {len(left)} workers left behind")
    for moment, tables in wrong:
        print(moment, *tables, sep="; ")
    return bool(wrong or left)


if __name__ == "__main__":
    sys.exit(main())
