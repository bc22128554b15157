"""Grade a class of damaged submissions and look that none is lost in silence: ``fuzz_submissions.py 2000``.

Each submission is a good one after random damage to its notebook, its evidence or its folder. Counted are classes that
stop, answers that lose points without a reason for a person to look, harmless damage that is listed, how far any
submission goes beyond its limits, and the peak memory of the grader and of its workers.
"""

from __future__ import annotations

import argparse
import random
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import classroom
from damage import HARMLESS, damaged

from checker.grading import batch, pool
from checker.grading.course import Course
from checker.grading.gradebook import Ledger
from checker.grading.results import Graded

BATCH: Final = 100
"""Submissions that lie on disk at a time."""

FULL: Final = {"q1": 4.0, "q2": 2.0, "q3": 4.0, "q4": 2.0, "q2-explanation": None, "q4-explanation": None}
"""What the good submission earns; the explanations wait for a person."""


def lost(result: Graded | None, reasons: tuple[str, ...]) -> list[str]:
    """The answers that earn less than before, or are called empty, where nobody is asked to look."""
    if result is None:
        return ["everything"]
    if reasons:
        return []
    grades = result.grades["spotify"]
    return [name for name, points in FULL.items() if grades[name] is not None and grades[name] != points]


class Watch:
    """How far tasks go beyond their limits, in seconds."""

    beyond = 0.0
    slowest = 0.0
    which = ""

    def __init__(self) -> None:
        real, watch = pool._Worker.run, self

        def run(worker: Any, call: tuple[Any, ...], seconds: float) -> Any:
            began, used = time.monotonic(), worker._cpu()
            try:
                return real(worker, call, seconds)
            finally:
                wall, cpu = time.monotonic() - began, worker._cpu() - used
                if cpu > watch.slowest:
                    watch.slowest, watch.which = cpu, getattr(call[1][0], "student", "")
                watch.beyond = max(watch.beyond, cpu - seconds, wall - pool.WALL)

        setattr(pool._Worker, "run", run)  # noqa: B010


def graded(course: Path) -> dict[str, Graded]:
    """The class, graded; what the journal holds, by student."""
    batch.grade_class(course, "spotify", jobs=2, pictures=False, progress=False)
    place = Course.load(course, "spotify")
    with Ledger(place.db_url, place.course_id, "spotify") as ledger:
        return {result.student: result for result in ledger.results()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("budget", nargs="?", type=int, default=200, help="how many submissions")
    parser.add_argument("--seed", type=int, default=0, help="of the first submission")
    parser.add_argument(
        "--sandbox", action="store_true", help="run again what evidence does not settle: takes minutes each"
    )
    options = parser.parse_args()
    started, watch = time.monotonic(), Watch()
    stopped, losses, listed, kinds = [], [], [], Counter[str]()
    seeds = range(options.seed, options.seed + options.budget)
    with tempfile.TemporaryDirectory() as scratch:
        course = classroom.course(Path(scratch) / "course")
        if not options.sandbox:
            with (course / "nbgrader_config.py").open("a") as config:
                config.write("\nc.GradeFromEvidence.sandbox = False\n")
        good = classroom.hand_in(course, "good", classroom.ARCHETYPES["perfect"])
        good = Path(shutil.move(good, Path(scratch) / "good"))
        for first in range(0, len(seeds), BATCH):
            shutil.rmtree(course / "submitted")
            done = {}
            for seed in seeds[first : first + BATCH]:
                folder = Path(shutil.copytree(good, course / f"submitted/s{seed}/spotify"))
                done[f"s{seed}"] = damaged(folder, random.Random(seed))
            try:
                results = graded(course)
            except Exception as error:
                stopped.append((first, repr(error)))
                continue
            for student, kind in done.items():
                kinds.update(kind)
                result = results.get(student)
                reasons = result.reasons if result is not None else ()
                losses += [(student, kind, missing) for missing in [lost(result, reasons)] if missing]
                listed += [(student, kind, reasons) for _ in range(1) if reasons and HARMLESS.issuperset(kind)]
            spent = time.monotonic() - started
            print(f"{first + len(done)} in {spent:.0f} s, slowest {watch.slowest:.1f} s", file=sys.stderr, flush=True)
    memory = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1e6
    print(
        f"{len(seeds)} damaged, {len(stopped)} classes stopped, {len(losses)} lost in silence, {len(listed)} harmless "
        f"ones listed, peak memory of a process {memory:.2f} GB, slowest {watch.slowest:.1f} s of CPU "
        f"({watch.which}), "
        f"{max(0.0, watch.beyond):.1f} s beyond a limit, {time.monotonic() - started:.0f} s in all"
    )
    for each in (*stopped, *losses[:40], *listed[:40]):
        print(*each, sep="; ")
    print(*sorted(f"{kind}: {count}" for kind, count in kinds.items()), sep=", ")
    return bool(stopped or losses or listed or memory > 1.0 or watch.beyond > 10)


if __name__ == "__main__":
    sys.exit(main())
