"""Damage a good submission at random and look that it is graded as before or listed: ``fuzz_submissions.py BUDGET``."""

from __future__ import annotations

import copy
import json
import random
import sys
import time
from typing import Any

from assignments import solved
from place import ROOT

from checker.grading.submission import Release, Submission, restore, unanswered, words_elsewhere

RELEASE = Release.load(ROOT / "notebooks/spotify/spotify.ipynb")


def damaged(chosen: random.Random) -> tuple[bytes, str]:
    """The solved notebook's file after one random accident, and which one."""
    book: dict[str, Any] = copy.deepcopy(solved("spotify"))
    cells, kind = book["cells"], chosen.choice(["cut", "flip", "drop", "type", "meta", "move", "surrogate", "huge"])
    cell = chosen.choice(cells)
    if kind == "drop":
        cell.update(metadata={}, id="mine")
    elif kind == "type":
        cell["cell_type"] = chosen.choice(["raw", "markdown", "code"])
    elif kind == "meta":
        cell["metadata"] = chosen.choice([{}, None, [], {"nbgrader": []}, {"tags": 3}])
    elif kind == "move":
        chosen.shuffle(cells)
    elif kind == "surrogate":
        cell["source"] = ["".join(cell["source"]), "\ud83d"]
    elif kind == "huge":
        cell["outputs"] = [{"text": "x" * 30_000_000}]
    data = bytearray(json.dumps(book).encode())
    if kind == "cut":
        del data[chosen.randrange(len(data)) :]
    elif kind == "flip":
        for _ in range(20):
            data[chosen.randrange(len(data))] = chosen.randrange(256)
    return bytes(data), kind


def lost(content: bytes) -> bool:
    """Whether a written answer is neither in its cell nor listed as waiting."""
    found = Submission("ada", {"spotify.ipynb": content}).found(RELEASE)
    book = restore(found.notebook, RELEASE, found.raw)
    tracked = {c.metadata.nbgrader.grade_id: c for c in book.cells if "nbgrader" in c.metadata}
    untouched = [name for name in RELEASE.manual if tracked[name].source == RELEASE.tracked[name].source]
    silent = bool(untouched or unanswered(book, RELEASE))
    return silent and not found.problems and not words_elsewhere(found.notebook, RELEASE)


def main(budget: int) -> None:
    started, losses, slowest = time.monotonic(), [], 0.0
    for seed in range(budget):
        content, kind = damaged(random.Random(seed))
        began = time.process_time()
        if lost(content):
            losses.append((seed, kind))
        slowest = max(slowest, time.process_time() - began)
    spent = time.monotonic() - started
    print(
        f"{budget} damaged, {len(losses)} lost in silence {losses[:9]}, slowest {slowest:.1f} s, {spent:.0f} s in all"
    )
    sys.exit(bool(losses))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
