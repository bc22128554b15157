"""The class report: what waits comes first, then what is new, then what to teach again, with examples and no names."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import classroom
import pytest
from feedback import Elements, chromium

from checker.grading import batch
from checker.grading.batch import grade_class
from checker.grading.class_report import ClassSummary, QuestionSummary, render
from checker.grading.results import Answered, Graded
from checker.language import using

pytestmark = pytest.mark.slow

PERFECT = classroom.ARCHETYPES["perfect"]
STUDENTS = {
    "ada": PERFECT,
    "bob": replace(PERFECT, q1="dropout-once"),
    "cem": replace(PERFECT, q1="plain"),
    "dan": classroom.ARCHETYPES["misread"],
    "eve": replace(PERFECT, evidence=False),
}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    course = classroom.course(tmp_path_factory.mktemp("report") / "course")
    with (course / "nbgrader_config.py").open("a") as config:
        config.write("\nc.GradeFromEvidence.sandbox = False\n")
    for seed, (student, archetype) in enumerate(STUDENTS.items()):
        classroom.hand_in(course, student, archetype, seed)
    graded(course)
    return course


@pytest.fixture
def course(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "course"))


def graded(course: Path) -> str:
    """The report after grading."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "_executor", lambda _jobs, _scheduler: ThreadPoolExecutor(1))
        return grade_class(course, "spotify", progress=False).report.read_text("utf-8")


def section(page: str, heading: str) -> str:
    """What stands below a heading of the second order."""
    (found,) = re.findall(rf"<h2>{heading}</h2>(.*?)(?=<h2>|</main>)", page, re.DOTALL)
    return unescape(str(found))


def test_what_waits_comes_first_with_links_that_lead_there(course: Path) -> None:
    page = (course / "grades/spotify.html").read_text("utf-8")
    assert re.findall(r"<h2>(.*?)</h2>", page)[:2] == ["Waits for you", "What to teach again"]
    waits = section(page, "Waits for you")
    assert f"q2-explanation: {len(STUDENTS)} to read" in waits
    assert "eve" in waits
    assert "ada" not in waits
    addresses = [link["href"] for link in Elements(waits).all("a")]
    assert addresses
    assert all((course / "grades" / address).is_file() for address in addresses)
    assert "python -m checker explain spotify eve q1" in waits


def test_the_page_of_the_answers_is_linked_once_it_is_there(course: Path) -> None:
    (course / "grades/spotify-answers.html").write_text("")
    assert "spotify-answers.html" in section(graded(course), "Waits for you")


def test_each_question_says_what_to_teach_with_examples_and_without_names(course: Path) -> None:
    teach = section((course / "grades/spotify.html").read_text("utf-8"), "What to teach again")
    assert "q1: Add dropout to the Spotify network" in teach
    assert "2 of 5 right" in teach
    assert "After layer 3" in teach
    examples = re.findall(r"<pre.*?><code>(.*?)</code>", teach, re.DOTALL)
    assert any("Dropout(0.3)" in example and example.count("Dropout") == 1 for example in examples)
    assert "effect = 'c'" in " ".join(examples)
    assert "To say again: Each dropout layer shuts off" in " ".join(teach.split())
    for student in STUDENTS:
        assert not re.search(rf"\b{student}\b", teach), student
    assert "No evidence" not in teach


def test_nothing_is_new_where_nothing_is(course: Path) -> None:
    first = (course / "grades/spotify.html").read_text("utf-8")
    assert "New since" not in first
    assert "Nothing new." in section(graded(course), "New since the last report")


def test_what_is_new_since_the_last_report(course: Path) -> None:
    classroom.hand_in(course, "fay", replace(PERFECT, evidence=False))
    classroom.hand_in(course, "bob", PERFECT, seed=1)
    classroom.hand_in(course, "eve", PERFECT, seed=2)
    page = graded(course)
    news = " ".join(section(page, "New since the last report").split())
    assert "Handed in (1): fay" in news
    assert "Other points than before (2): bob, eve" in news
    assert "No longer waiting (1): eve" in news
    waits = section(page, "Waits for you")
    assert waits.count('class="new"') == 1


@pytest.mark.parametrize("content", [b"", b"student\n", b"\xff\xfe\x00", b"a,b\n1,2\n"])
def test_a_table_that_is_none_is_no_last_report(course: Path, content: bytes) -> None:
    (course / "grades/spotify.csv").write_bytes(content)
    page = graded(course)
    assert "Needs a human eye" in page


def test_an_example_s_text_is_only_text() -> None:
    evil = "<script>alert(1)</script>\u202e"
    summary = ClassSummary("spotify", questions={"q1": QuestionSummary("q1", 1.0)})
    answered = Answered(0.0, 1.0, False, findings=('["layer.extra", 1, {"layer": "<b>"}]',), shown=evil)
    summary.add(Graded(evil, "", questions={"q1": answered}, failure="", attention=("sandbox.missing",)), {})
    page = render(summary)
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_at_most_two_different_examples() -> None:
    question = QuestionSummary("q1", 1.0)
    for shown in ("a", "a", "b", "c", ""):
        question.add(Answered(0.0, 1.0, False, findings=('["layer.extra", 1, {}]',), shown=shown))
    (mistake,) = question.reteach
    assert (mistake.count, mistake.share, mistake.examples) == (5, 1.0, ("a", "b"))


def test_in_chinese(course: Path) -> None:
    classroom.hand_in(course, "fay", replace(PERFECT, evidence=False))
    with using("zh"):
        page = graded(course)
    words = Elements(re.sub(r"<(code|style).*?</\1>", "", page, flags=re.DOTALL)).text
    assert "等待你处理" in words
    assert "新提交（1 人）： fay" in words
    assert not re.search(r"\b(the|points|right|Nothing|students)\b", words), words


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", ["spotify", "spotify-answers"])
def test_axe_finds_no_violation(course: Path, browser: Any, scheme: str, language: str, name: str) -> None:
    from checker.grading.answers import export
    from checker.grading.course import Course

    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    classroom.hand_in(course, "fay", replace(PERFECT, evidence=False))
    with using(language):
        graded(course)
        export(Course.load(course, "spotify"))
    tab = browser.new_page(color_scheme=scheme)
    tab.goto((course / f"grades/{name}.html").as_uri())
    tab.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    violations = axe.run(tab).response["violations"]
    widths = []
    for width in (640, 360):
        tab.set_viewport_size({"width": width, "height": 800})
        widths.append(tab.evaluate("document.documentElement.scrollWidth") <= width)
    tab.close()
    assert [(found["id"], found["nodes"][0]["html"]) for found in violations] == []
    assert widths == [True, True]
