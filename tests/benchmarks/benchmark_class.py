"""How long a class takes: ``python tests/benchmarks/benchmark_class.py`` prints the table.

    --sizes 200 1000 10000   classes of these sizes, with pictures, in words, and once more unchanged
    --stock 5                submissions graded by nbgrader's own autograde as well, in the same run (0: none)
    --dask 1 2 4             the first class once more on so many Dask workers of this machine
    --networks 600           different networks in a class (each takes 2.5 MB); curves and words differ in all

Each row is one command, as a teacher starts it, with the start of Python and of all workers. CPU time is the kernel's
account of all its processes. Wall time depends on what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from usage import Usage, cpu_of, measured, with_children

STOCK = """
c = get_config()
c.CourseDirectory.source_directory, c.CourseDirectory.release_directory = "solutions", "notebooks"
c.Execute.timeout = 3600
"""

GRADE = """
import sys
from checker.grading.batch import grade_class
pictures, scheduler = sys.argv[1] == "pictures", sys.argv[2] or None
if __name__ == "__main__":
    grade_class(".", "spotify", pictures=pictures, scheduler=scheduler, progress=False)
"""


# --- the class --------------------------------------------------------------------------------------------------------


def make_class(folder: Path, students: int, networks: int, part: slice = slice(None)) -> None:
    """Put a class, or a part of it, into a course folder.

    Args:
        folder: the course folder.
        students: how many.
        networks: how many have networks of their own; others repeat these networks, with curves and words of their own.
        part: which of the students.
    """
    import classroom

    archetypes = list(classroom.ARCHETYPES.items())
    networks -= networks % len(archetypes)

    def name(number: int) -> str:
        return f"s{number:06d}-{archetypes[number % len(archetypes)][0]}"

    for number in range(students)[part]:
        if number < networks:
            classroom.hand_in(folder, name(number), archetypes[number % len(archetypes)][1], seed=number)
        else:
            original = folder / "submitted" / name(number % networks) / "spotify"
            classroom.like(original, folder, name(number), seed=number)


def prepare(folder: Path) -> None:
    """An empty course folder, its networks trained, and what a fair teacher gives to each kind of student."""
    import classroom

    for network in classroom.NETWORKS:
        classroom.trained(network)
    classroom.course(folder, gradebook=False)
    fair = {name: archetype.points for name, archetype in classroom.ARCHETYPES.items()}
    (folder / "fair.json").write_text(json.dumps(fair))


def made_class(folder: Path, students: int, networks: int) -> Path:
    """A class made by other processes, so that this one stays small, and as many as there are cores."""
    run = [sys.executable, __file__, "--make", str(folder), str(students), str(networks)]
    subprocess.run([*run, "-1", "1"], check=True)
    for first, last in ((0, min(students, networks)), (min(students, networks), students)):
        cores = os.cpu_count() or 1
        steps = [(first + core, last, cores) for core in range(cores)]
        processes = [subprocess.Popen([*run, *map(str, step)]) for step in steps]
        if any(process.wait() for process in processes):
            raise RuntimeError("the class could not be made")
    return folder


def make(arguments: list[str]) -> None:
    """The part of :func:`made_class` that another process does."""
    folder, (students, networks, first, *rest) = Path(arguments[0]), list(map(int, arguments[1:]))
    if first < 0:
        prepare(folder)
    else:
        make_class(folder, students, networks, slice(first, *rest))


def points(course: Path) -> dict[str, float]:
    """The automatic points in a gradebook, by student."""
    query = """
        select s.student_id, sum(coalesce(g.auto_score, 0)) from grade g
        join submitted_notebook n on n.id = g.notebook_id join submitted_assignment s on s.id = n.assignment_id
        group by 1"""
    with sqlite3.connect(course / "gradebook.db") as database:
        return dict(database.execute(query).fetchall())


def right(course: Path) -> str:
    """How many got exactly the points of a fair teacher."""
    fair, scores = json.loads((course / "fair.json").read_text()), points(course)
    agreed = sum(abs(score - fair[student.partition("-")[2]]) < 1e-6 for student, score in scores.items())
    return f"{agreed} of {len(os.listdir(course / 'submitted'))}"


# --- grading ----------------------------------------------------------------------------------------------------------


def forget(course: Path) -> None:
    """Take away what grading left."""
    shutil.rmtree(course / "autograded", ignore_errors=True)
    (course / "gradebook.db").unlink(missing_ok=True)


def grade(course: Path, how: str = "pictures", scheduler: str = "") -> Usage:
    """Grade the class, in another process."""
    return measured([sys.executable, "-c", GRADE, how, scheduler], course)


def stock(course: Path, count: int) -> tuple[Usage, str]:
    """nbgrader's own autograde on the first submissions, and how many scores agree with ours."""
    with tempfile.TemporaryDirectory() as scratch:
        other = Path(scratch) / "stock"
        run = [sys.executable, __file__, "--make", str(other), "0", "0", "-1", "1"]
        subprocess.run(run, check=True)
        (other / "nbgrader_config.py").write_text(STOCK)
        students = sorted(os.listdir(course / "submitted"))[:count]
        for student in students:
            shutil.copytree(course / "submitted" / student, other / "submitted" / student)
        command = [sys.executable, "-m", "nbgrader"]
        subprocess.run(
            [*command, "generate_assignment", "spotify", "--force"], cwd=other, check=True, capture_output=True
        )
        usage = measured([*command, "autograde", "spotify"], other, fails=True)
        ours, theirs = points(course), points(other)
    equal = sum(abs(ours[student] - theirs.get(student, -1.0)) < 1e-6 for student in students)
    return usage, f"{equal} of {count} equal"


@contextmanager
def cluster(workers: int, folder: Path) -> Iterator[tuple[str, list[int]]]:
    """A Dask scheduler and workers on loopback: its address, and the workers' processes."""
    place = folder / "scheduler.json"
    place.unlink(missing_ok=True)
    options = ["--scheduler-file", str(place), "--host", "127.0.0.1", "--no-dashboard"]
    python = [sys.executable, "-m"]
    commands = [[*python, "distributed.cli.dask_scheduler", *options, "--port", "0"]]
    commands += workers * [[*python, "distributed.cli.dask_worker", *options, "--nthreads", "1", "--no-nanny"]]
    quiet = subprocess.DEVNULL
    started = [
        subprocess.Popen(command, cwd=folder, start_new_session=True, stdout=quiet, stderr=quiet)
        for command in commands
    ]
    try:
        while not place.is_file():
            time.sleep(0.1)
        address = json.loads(place.read_text())["address"]
        wait = f"from distributed import Client; Client({address!r}).wait_for_workers({workers})"
        subprocess.run([sys.executable, "-c", wait], check=True, stdout=subprocess.DEVNULL)
        yield address, [process.pid for process in started]
    finally:
        for process in started:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def on_dask(course: Path, workers: int) -> Usage:
    """The class on a cluster that was started before; what its processes used while grading counts."""
    forget(course)
    with cluster(workers, course.parent) as (address, processes):
        everyone = [pid for process in processes for pid in with_children(process)]
        before = cpu_of(everyone)
        usage = grade(course, scheduler=address)
        return Usage(usage.wall, usage.cpu + cpu_of(everyone) - before, usage.peak, usage.output)


# --- the table --------------------------------------------------------------------------------------------------------

Row = tuple[str, int, Usage, str]


def rows(options: argparse.Namespace, scratch: Path) -> Iterator[Row]:
    """What is measured, row by row; nbgrader's own command comes first, since the others are compared with it."""
    for place, size in enumerate(options.sizes):
        course = made_class(scratch / f"class-{size}", size, options.networks)
        pictures = grade(course)
        scores, local = right(course), points(course)
        if options.stock and place == 0:
            yield "nbgrader's own autograde", options.stock, *stock(course, options.stock)
        yield "with pictures", size, pictures, scores
        yield "once more, unchanged", size, grade(course), ""
        forget(course)
        yield "curves in words", size, grade(course, "words"), right(course)
        for workers in options.dask if place == 0 else ():
            usage = on_dask(course, workers)
            yield f"Dask, workers: {workers}", size, usage, "same" if points(course) == local else "DIFFERENT"
        shutil.rmtree(course)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[200])
    parser.add_argument("--stock", type=int, default=5)
    parser.add_argument("--dask", type=int, nargs="*", default=[])
    parser.add_argument("--networks", type=int, default=600)
    parser.add_argument("--make", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        make(options.make)
        return
    os.environ["PATH"] = os.pathsep.join(
        [str(Path(sys.executable).parent), os.environ["PATH"]]
    )  # for nbgrader's alembic
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    head = ("what", "submissions", "wall s", "CPU s", "wall ms each", "CPU ms each", "peak MB")
    print("| " + " | ".join([*head, "times stock, wall", "times stock, CPU", "scores right"]) + " |", flush=True)
    print("|---|" + 9 * "--:|")
    base: Usage | None = None
    with tempfile.TemporaryDirectory() as scratch:
        for what, count, usage, scores in rows(options, Path(scratch)):
            wall, cpu = (1000 * seconds / count for seconds in (usage.wall, usage.cpu))
            base = base or Usage(wall, cpu, 0, "")
            times = (f"{base.wall / wall:,.0f}", f"{base.cpu / cpu:,.0f}") if options.stock else ("", "")
            measures = (f"{usage.wall:.1f}", f"{usage.cpu:.1f}", f"{wall:.1f}", f"{cpu:.1f}", f"{usage.peak / 1e6:.0f}")
            print("| " + " | ".join([what, f"{count:,}", *measures, *times, scores]) + " |", flush=True)


if __name__ == "__main__":
    main()
