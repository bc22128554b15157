"""How long a class takes: ``python tests/benchmarks/benchmark_class.py`` prints the table.

    --students 200       submissions, made from archetypes whose networks were really trained
    --stock 5            of these graded by nbgrader's own autograde as well, in the same run (0: none)
    --scale 100 1000 10000   further classes of these sizes, curves in words (submissions repeat 200 different ones)
    --dask               the class once more on two Dask workers on loopback, and with one of them killed

Wall time depends on what else the machine does; CPU time is of this process and all that it started.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import classroom
from rich.console import Console
from rich.table import Table

from checker.grading.batch import grade_class
from checker.grading.sandbox import resident

STOCK = """
c = get_config()
c.CourseDirectory.source_directory, c.CourseDirectory.release_directory = "solutions", "notebooks"
c.Execute.timeout = 3600
"""


@dataclass
class Measured:
    """What one run took."""

    wall: float = 0.0
    cpu: float = 0.0
    peak: float = 0.0
    result: Any = field(default=None)


def measured(action: Callable[[], Any]) -> Measured:
    """Run something and measure seconds, CPU seconds and the largest memory of any process, in MB."""
    started, cpu = time.perf_counter(), _cpu()
    with _watching() as peak:
        result = action()
    return Measured(time.perf_counter() - started, _cpu() - cpu, peak[0] / 1e6, result)


def _cpu() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


@contextmanager
def _watching() -> Iterator[list[int]]:
    peak, stop = [0], threading.Event()

    def watch() -> None:
        while not stop.wait(0.2):
            peak[0] = max(peak[0], max(_each(os.getpid()), default=0))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()


def _each(pid: int) -> Iterator[int]:
    """Resident bytes of a process and of each of its descendants."""
    children: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            children += [int(child) for child in (task / "children").read_text().split()]
        yield resident(pid) - sum(resident(child) for child in children)
    except (OSError, ValueError):
        return
    for child in children:
        yield from _each(child)


def make_class(folder: Path, students: int, different: int = 200) -> Path:
    """A course folder with so many submissions; after ``different`` ones they repeat, as links to the same files."""
    course = classroom.course(folder, gradebook=False)
    archetypes = list(classroom.ARCHETYPES.items())
    originals: list[Path] = []
    for number in range(students):
        name, archetype = archetypes[number % len(archetypes)]
        student = f"s{number:05d}-{name}"
        if number < different:
            originals.append(classroom.hand_in(course, student, archetype, seed=number))
        else:
            classroom.linked(originals[number % different], course, student)
    return course


def fair(course: Path) -> tuple[int, int]:
    """How many got exactly the points of a fair teacher, and how many did not."""
    scores = points(course)
    right = sum(
        abs(score - classroom.ARCHETYPES[student.partition("-")[2]].points) < 1e-6 for student, score in scores.items()
    )
    return right, len(scores) - right


def points(course: Path) -> dict[str, float]:
    query = """
        select s.student_id, sum(coalesce(g.auto_score, 0)) from grade g
        join submitted_notebook n on n.id = g.notebook_id join submitted_assignment s on s.id = n.assignment_id
        group by 1"""
    with sqlite3.connect(course / "gradebook.db") as database:
        return dict(database.execute(query).fetchall())


def stock(course: Path, folder: Path, count: int) -> tuple[Measured, int]:
    """nbgrader's own autograde on the first submissions, and how many scores agree with ours."""
    other = classroom.course(folder, gradebook=False)
    (other / "nbgrader_config.py").write_text(STOCK)
    students = sorted(os.listdir(course / "submitted"))[:count]
    for student in students:
        shutil.copytree(course / "submitted" / student, other / "submitted" / student)
    command = [sys.executable, "-m", "nbgrader"]
    subprocess.run([*command, "generate_assignment", "spotify", "--force"], cwd=other, check=True, capture_output=True)
    run = measured(lambda: subprocess.run([*command, "autograde", "spotify"], cwd=other, capture_output=True))
    ours, theirs = points(course), points(other)
    return run, sum(abs(ours[student] - theirs.get(student, -1.0)) < 1e-6 for student in students)


def on_dask(course: Path, kill: bool) -> Measured:
    """The class on two workers of a Dask cluster on loopback; ``kill``: one of them dies in the middle."""
    from distributed import LocalCluster

    shutil.rmtree(course / "autograded", ignore_errors=True)
    (course / "gradebook.db").unlink(missing_ok=True)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as cluster:
        if kill:
            classroom.kill_when_graded(course, next(iter(cluster.workers.values())).pid, 3)
        return measured(lambda: grade_class(course, "spotify", scheduler=cluster.scheduler_address, progress=False))


def train() -> None:
    """Train every network that was not trained before."""
    for name in classroom.NETWORKS:
        classroom.trained(name)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=int, default=200)
    parser.add_argument("--stock", type=int, default=5)
    parser.add_argument("--scale", type=int, nargs="*", default=[])
    parser.add_argument("--dask", action="store_true")
    options = parser.parse_args()
    trainer = get_context("spawn").Process(target=train)  # TensorFlow's memory is not the grader's
    trainer.start()
    trainer.join()

    table = Table(title=f"Grading a class ({os.cpu_count()} cores, load {os.getloadavg()[0]:.1f})")
    for column in ("what", "submissions", "wall s", "CPU s", "CPU ms each", "peak MB", "scores right"):
        table.add_column(column, justify="left" if column == "what" else "right")

    def row(what: str, count: int, run: Measured, right: str) -> None:
        each = 1000 * run.cpu / count
        print(
            f"{what}: {count} submissions, {run.wall:.1f} s, {each:.0f} ms CPU each, {run.peak:.0f} MB, {right}",
            flush=True,
        )
        table.add_row(what, str(count), f"{run.wall:.1f}", f"{run.cpu:.1f}", f"{each:.0f}", f"{run.peak:.0f}", right)

    with tempfile.TemporaryDirectory() as scratch:
        course = make_class(Path(scratch) / "class", options.students)
        ours = measured(lambda: grade_class(course, "spotify", progress=False))
        row("from evidence", options.students, ours, f"{fair(course)[0]} of {options.students}")
        again = measured(lambda: grade_class(course, "spotify", progress=False))
        row("once more, unchanged", options.students, again, "")
        local = points(course)
        if options.stock:
            theirs, equal = stock(course, Path(scratch) / "stock", options.stock)
            row("nbgrader's own autograde", options.stock, theirs, f"{equal} of {options.stock} equal")
            wall = (theirs.wall / options.stock) / (ours.wall / options.students)
            cpu = (theirs.cpu / options.stock) / (ours.cpu / options.students)
            table.caption = f"From evidence {wall:.0f} times faster by wall time, {cpu:.0f} times by CPU time."
        for kill in (False, True) if options.dask else ():
            run = on_dask(course, kill)
            same = "same gradebook" if points(course) == local else "DIFFERENT"
            row("two Dask workers" + (", one killed" if kill else ""), options.students, run, same)
        for size in options.scale:
            course = make_class(Path(scratch) / f"class-{size}", size)
            run = measured(partial(grade_class, course, "spotify", pictures=False, progress=False))
            row("from evidence, curves in words", size, run, f"{fair(course)[0]} of {size}")
            shutil.rmtree(course)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
