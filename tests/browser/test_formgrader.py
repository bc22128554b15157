"""Marks from the spreadsheet are what nbgrader's formgrader shows, and what is entered there is not lost."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import classroom
import machine
import pytest
from browser.lab import PATIENCE, Server, chromium, jupyterlab
from nbgrader.api import Gradebook
from playwright.sync_api import BrowserContext, Page, expect

from checker.grading import batch
from checker.grading.answers import export
from checker.grading.answers.take_back import take_back
from checker.grading.batch import grade_class
from checker.grading.course import Course

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]

expect.set_options(timeout=PATIENCE * 1000)

QUESTION = "q2-explanation"
COMMENT = "Say why the units cannot rely on each other. 说明原因。"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with one submission that was graded; its written answer waits."""
    course = classroom.course(tmp_path_factory.mktemp("formgrader") / "course")
    folder = course / "submitted" / "ada" / "spotify"
    folder.mkdir(parents=True)
    book = json.loads(classroom.notebook(classroom.ARCHETYPES["nothing"]))
    for cell in book["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == QUESTION:
            cell["source"] = "Units that are shut off cannot conspire."
    (folder / "spotify.ipynb").write_text(json.dumps(book), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "_executor", lambda _jobs, _scheduler: ThreadPoolExecutor(1))
        grade_class(course, "spotify", progress=False)
    return course


@pytest.fixture(scope="module")
def opened(course: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[BrowserContext, Server]]:
    program, home = machine.chromium(), tmp_path_factory.mktemp("server")
    with ExitStack() as stack:
        server = stack.enter_context(jupyterlab(course, home, "--CourseDirectory.root={folder}"))
        yield stack.enter_context(chromium(home, program)), server


def marked(course: Path, points: str, comment: str) -> bytes:
    """The exported spreadsheet with this mark in it."""
    path = export(Course.load(course, "spotify")).table
    with path.open(encoding="utf-8-sig", newline="") as table:
        rows = list(csv.DictReader(table))
    (row,) = (row for row in rows if row["question"] == QUESTION)
    row.update({"points": points, "comment": comment})
    with path.open("w", encoding="utf-8-sig", newline="") as table:
        writer = csv.DictWriter(table, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path.read_bytes()


def shown(opened: tuple[BrowserContext, Server]) -> Page:
    """The submission as formgrader opens it."""
    browser, server = opened
    with Gradebook(f"sqlite:///{server.folder}/gradebook.db") as gradebook:
        submission = gradebook.find_submission_notebook("spotify", "spotify", "ada").id
    page = browser.new_page()
    page.goto(f"{server.address}/login?token={server.token}&next=/formgrader/submissions/{submission}/")
    return page


def test_an_imported_mark_is_shown_and_a_newer_one_is_kept(opened: tuple[BrowserContext, Server]) -> None:
    folder = opened[1].folder
    file = marked(folder, "1.5", COMMENT)
    assert len(take_back(Course.load(folder, "spotify"), file).changes) == 1

    page = shown(opened)
    expect(page.locator(f"#{QUESTION}")).to_have_value("1.5")
    expect(page.locator(f"#{QUESTION}-comment")).to_have_value(COMMENT)

    with page.expect_response(lambda response: "/api/grade/" in response.url and response.request.method == "PUT"):
        page.locator(f"#{QUESTION}").fill("2")
        page.locator(f"#{QUESTION}").blur()
    page.close()
    again = take_back(Course.load(folder, "spotify"), file.replace(b",1.5,", b",1,"))
    assert (len(again.changes), len(again.kept)) == (0, 1)
    page = shown(opened)
    expect(page.locator(f"#{QUESTION}")).to_have_value("2")
    page.close()
