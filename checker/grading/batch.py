"""Grade a whole class at once: from evidence, on all cores, restartable.

Workers read submissions and write the autograded notebooks; one writer, this process, keeps the gradebook. A journal in
the gradebook's own database remembers what was graded under which key, so that a run that was killed is continued, and
unchanged submissions are left alone. Workers are processes of this machine or of a Dask cluster that shares the course
folder, behind the same ``concurrent.futures`` interface.
"""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from checker import __version__
from checker.grading.names import is_name, readable, twins
from checker.grading.pool import OutOfLimits, Workers
from checker.language import N_, get_language, translate

if TYPE_CHECKING:
    from checker.grading.gradebook import Ledger
    from checker.grading.results import Graded

CHUNK: Final = 200
"""Submissions entered into the gradebook in one transaction."""

SECONDS: Final = 120
"""CPU time that one submission may take from its grader; honest ones need some hundredths.

What is run in the sandbox does not count: that has its own limit of wall time.
"""

_CRASHED: Final = "submission.crashed"


@dataclass(frozen=True)
class ClassRun:
    """What a run over a class did.

    Attributes:
        graded, unchanged, failed: how many submissions.
        attention: how many of the class a person should look at.
        seconds: how long it took.
        report, table: the class report as HTML, and the grades as CSV.
    """

    graded: int
    unchanged: int
    failed: int
    attention: int
    seconds: float
    report: Path
    table: Path

    def summary(self) -> str:
        """The outcome in one sentence and the place of the report."""
        return translate(
            N_(
                "{graded} graded, {unchanged} unchanged, {failed} failed in {seconds:.1f} s; "
                "{attention} need a human eye. Class report: {report}"
            ),
            **vars(self),
        )


def grade_class(
    course: Path | str,
    assignment: str,
    *,
    jobs: int | None = None,
    scheduler: str | None = None,
    rerun: bool = False,
    audit: float = 0.0,
    database: str | None = None,
    pictures: bool = True,
    progress: bool = True,
) -> ClassRun:
    """Grade everything that was handed in.

    Args:
        course: nbgrader's course folder, with its ``nbgrader_config.py``.
        assignment: the assignment's name.
        jobs: processes; by default one a core.
        scheduler: address of a Dask scheduler; its workers must see the course folder under the same path.
        rerun: run every notebook again in the sandbox and grade what that leaves.
        audit: share of submissions, in [0, 1], that are run again in the sandbox to compare.
        database: SQLAlchemy URL of the gradebook; by default what nbgrader is configured for.
        pictures: draw the learning curves in the feedback; else they are told in words.
        progress: show a progress bar on stderr.

    Returns:
        What was done, and where the class report and the table of grades are.

    Raises:
        FileNotFoundError: nothing was handed in, or the assignment was not released.
        ValueError: ``nbgrader_config.py`` cannot be run.
        ImportError: a Dask scheduler is named, but Dask is not installed.
        SQLAlchemyError: the gradebook cannot be used.
    """
    import checker.grading._imports  # noqa: F401  (first)
    from checker.grading.class_report import write_report
    from checker.grading.course import Course
    from checker.grading.gradebook import Ledger

    started = time.monotonic()
    place = Course.load(Path(course), assignment, database)
    students = place.students()
    if not students:
        raise FileNotFoundError(translate(N_("There is nothing in {folder} to grade."), folder=place.submitted))
    place.tidy()
    options, alike = Options(rerun, audit, pictures, get_language()), twins(students)
    counts = _Counts()
    with Ledger(place.db_url, place.course_id, assignment) as ledger:
        known = ledger.journal()
        sent = replace(place, config={})  # its classes are nbgrader's, which no worker needs
        tasks = (
            Task(sent, student, options, known.get(readable(student), ""), ledger.id, student in alike)
            for student in students
        )
        with _bar(len(students), progress) as advance, _writer(ledger, place) as put:
            for result in _run(tasks, jobs, scheduler):
                counts.add(result)
                put(result)
                advance(counts.failed)
        report, table, attention = write_report(place, ledger)
    seconds = time.monotonic() - started
    return ClassRun(counts.graded, counts.unchanged, counts.failed, attention, seconds, report, table)


@dataclass
class _Counts:
    graded: int = 0
    unchanged: int = 0
    failed: int = 0

    def add(self, result: Graded | None) -> None:
        if result is None:
            self.unchanged += 1
        elif result.failure:
            self.failed += 1
        else:
            self.graded += 1


@contextmanager
def _writer(ledger: Ledger, place: Any) -> Iterator[Callable[[Graded | None], None]]:
    """Collects results and enters them by the chunk; what is left is entered at the end, also after an interruption."""
    waiting: list[Graded] = []
    penalty = place.late_penalty()

    def flush() -> None:
        if waiting:
            ledger.write(waiting, penalty)
            waiting.clear()

    def put(result: Graded | None) -> None:
        if result is not None:
            waiting.append(result)
        if len(waiting) >= CHUNK:
            flush()

    try:
        yield put
    finally:
        flush()


@contextmanager
def _bar(total: int, wanted: bool) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    failed = translate(N_("{count} failed"))
    columns = (
        TextColumn(translate(N_("Grading"))),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(failed.replace("{count}", "{task.fields[failed]}")),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not wanted) as bar:
        task = bar.add_task("", total=total, failed=0)
        yield lambda failures: bar.update(task, advance=1, failed=failures)


# --- running tasks ----------------------------------------------------------------------------------------------------


def _run(tasks: Iterator[Task], jobs: int | None, scheduler: str | None) -> Iterator[Graded | None]:
    """The outcomes of all tasks, as they come.

    A task that kills its process (a crash in a library, memory) takes others down with it: all that were under way are
    tried again, one after the other in another process, and the one that kills that too has failed.
    """
    jobs = jobs or os.cpu_count() or 1
    while True:
        with _executor(jobs, scheduler) as executor:
            lost = yield from _drain(executor, tasks, 4 * jobs if scheduler is None else 64)
        if not lost:
            return
        yield from _one_by_one(lost)


def _drain(executor: Executor, tasks: Iterator[Task], window: int) -> Any:
    """Run tasks, never more than ``window`` under way; return those that were under way when a process died."""
    under_way: dict[Future[Graded | None], Task] = {}
    lost: list[Task] = []
    exhausted = False
    while under_way or not (exhausted or lost):
        while not (exhausted or lost) and len(under_way) < window:
            if (task := next(tasks, None)) is None:
                exhausted = True
            else:
                try:
                    under_way[executor.submit(grade_submission, task)] = task
                except BrokenProcessPool:
                    lost.append(task)
        done, _ = wait(under_way, return_when=FIRST_COMPLETED) if under_way else (set(), set())
        for future in done:
            task = under_way.pop(future)
            try:
                yield future.result()
            except BrokenProcessPool:
                lost.append(task)
            except Exception as error:  # what a cluster raises when it gave a task up
                yield _failed(task, error)
    return lost


def _one_by_one(tasks: list[Task]) -> Iterator[Graded | None]:
    waiting = iter(tasks)
    while True:
        with _executor(1, None) as executor:
            for task in waiting:
                try:
                    yield executor.submit(grade_submission, task).result()
                except BrokenProcessPool as error:
                    yield _failed(task, error)
                    break
            else:
                return


def _failed(task: Task, error: BaseException) -> Graded:
    from checker.grading.results import Graded

    code = failure_of(error)
    attention = (type(error).__name__,) if code == _CRASHED else ()
    return Graded(readable(task.student), "", failure=code, attention=attention)


def _executor(jobs: int, scheduler: str | None) -> AbstractContextManager[Executor]:
    if scheduler is not None:
        return _cluster(scheduler)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # read when a worker first loads NumPy
        os.environ.setdefault(name, "1")
    return Workers(jobs, SECONDS)


@contextmanager
def _cluster(scheduler: str) -> Iterator[Executor]:
    try:
        from distributed import Client
    except ImportError as error:
        message = N_("Dask is not installed: `{command}`")
        raise ImportError(translate(message, command="pip install 'keras-layers-course[cluster]'")) from error
    with Client(scheduler, timeout="30s") as client:  # type: ignore[no-untyped-call]
        yield client.get_executor(retries=3)


# --- one submission ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Options:
    """What changes the outcome of grading, besides the submission."""

    rerun: bool
    audit: float
    pictures: bool
    language: str


@dataclass(frozen=True)
class Task:
    """One submission to grade.

    Attributes:
        course: a ``course.Course``.
        student: the student's id.
        options: how to grade.
        known: the key under which it was last graded; empty if never.
        salt: what no student knows, for the choice of what is audited.
        twin: whether another folder has nearly the same name.
    """

    course: Any
    student: str
    options: Options
    known: str
    salt: str
    twin: bool = False


def grade_submission(task: Task) -> Graded | None:
    """Grade one submission and write its autograded notebooks; nothing in it can raise.

    Returns:
        The outcome, or None if the submission is unchanged since it was last graded.
    """
    from checker.grading.course import graded
    from checker.grading.results import Graded
    from checker.language import using

    key, audited = "", False
    try:
        if not is_name(task.student):
            return Graded(readable(task.student), key, failure="submission.bad_name")
        submission = task.course.submission(task.student)
        if task.twin:
            submission = replace(submission, problems=(*submission.problems, "submission.twin"))
        content = submission.digest
        audited = int(hashlib.sha256(f"{task.salt}{content}".encode()).hexdigest(), 16) < task.options.audit * 2**256
        key = _key(content, __version__, task.course.released(), task.course.can_run, task.options.rerun, audited)
        if key == task.known and task.course.is_graded(task.student):
            return None
        with using(task.options.language), at_most(SECONDS):
            return graded(task.course, submission, key, task.options, audited)
    except Exception as error:
        code = failure_of(error)
        return Graded(task.student, key, failure=code, attention=(repr(error)[:200],) if code == _CRASHED else ())


def failure_of(error: BaseException) -> str:
    """The message code of why a submission could not be graded."""
    from checker.reading.archive import Refused

    if isinstance(error, OutOfLimits):
        return error.code
    kinds = {TimeoutError: "submission.too_slow", MemoryError: "submission.too_big", Refused: "submission.link"}
    return next((code for kind, code in kinds.items() if isinstance(error, kind)), _CRASHED)


def _key(*parts: object) -> str:
    """What an outcome depends on, as one digest: another key is another outcome."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def at_most(seconds: float) -> AbstractContextManager[None]:
    """Raise TimeoutError in the block after so much CPU time; only where the process can be interrupted."""
    able = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    return _alarm(seconds) if able else nullcontext()


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(_signal: int, _frame: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds, 1.0)  # again and again: a library may swallow the first
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
