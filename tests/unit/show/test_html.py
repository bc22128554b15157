"""Feedback as HTML: it says what to do, harms nobody, and everybody can read it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from feedback import CURVES, NETWORK, RIGHT, WRONG, Catalogue, Elements, chromium, hostile, report, standalone
from hypothesis import given, settings
from hypothesis import strategies as st

from checker import language, show
from checker.curves import compare, diagnose
from checker.report import Advice, Finding, Line, Record, Report, Row, Section, Standing
from checker.show import html, page, words

STANDING = Standing(
    "spotify", "Spotify", (Line("q1", "Add dropout", 2.0, Record(3, 2.0, True)), Line("q2", "Read", 1.0, Record()))
)
RUNS = (CURVES.curves, RIGHT["curves"].curves)


def test_the_headline_tells_what_is_right_and_what_is_not() -> None:
    half = report(Section("architecture", True, 1.0, 1.0), CURVES)
    assert page.of(half).headline == "Question 1: the network is right, but the training still overfits."
    assert page.of(half).score == "1 of 2 points"
    assert page.of(RIGHT).headline == "Question 1: the network is right, and the curves are as they should be."


def test_clauses_part_where_good_and_bad_meet() -> None:
    assert words.clauses([("a", True), ("b", True), ("c", True)]) == "a, b, and c"
    assert words.clauses([("a", True), ("b", False), ("c", False)]) == "a, but b, and c"
    assert words.clauses([("a", False), ("b", True)]) == "a, but b"
    assert words.clauses([("a", True), ("b", False), ("c", True)]) == "a, and c, but b"
    assert words.clauses([]) == ""


@pytest.mark.parametrize(
    ("section", "headline"),
    [
        (
            Section("architecture", False, findings=(Finding("model.none"),)),
            "Question 1: there is no network to judge yet.",
        ),
        (
            Section("curves", False, findings=(Finding("history.short"),)),
            "Question 1: the training cannot be judged yet.",
        ),
        (Section("answer", False), "Question 1: the answer is not right yet."),
    ],
)
def test_the_headline_tells_what_could_not_be_judged(section: Section, headline: str) -> None:
    assert page.of(report(section)).headline == headline


def test_an_empty_report_says_so() -> None:
    assert page.of(report()).headline == "Question 1: nothing was handed in yet."


def test_every_action_is_named_in_words_and_sign() -> None:
    (table,) = (block for block in page.of(report(NETWORK)).blocks if isinstance(block, page.Table))
    told = [f"{page.MARKS[row[-1].mark]} {row[-1].text}" for row in table.rows]
    assert told == [
        "✓ right",
        "+ add this layer",
        "→ set `rate=0.3`",
        "↕ move this layer here",
        "→ replace it with `keras.layers.Dropout(0.3)`",
        "− remove this layer",
    ]


def test_the_table_can_be_read_by_a_screen_reader() -> None:
    elements = Elements(html.render(WRONG, pictures=False))
    scopes = [attributes.get("scope") for attributes in elements.all("th")]
    assert scopes.count("row") + scopes.count("col") == len(scopes) > 0
    assert len(elements.all("caption")) == len(elements.all("table"))
    page, *tables = elements.all("div")
    assert all(attributes["tabindex"] == "0" for attributes in tables)
    assert page["lang"] == "en"
    assert page["role"] == "group"  # no landmark: a notebook has many of them, some with one name
    assert page["aria-label"].startswith("Feedback: Question 1")


def test_a_closed_table_opens_on_demand() -> None:
    table = page.Table("Data", ("epoch", "loss"), ((page.Cell("1"), page.Cell("0.5")),))
    for closed in (True, False):
        drawn = html.render(page.Page("note", "", (replace(table, closed=closed),)))
        assert ("<summary>Data</summary>" in drawn) == closed
        assert "<table>" in drawn


def test_what_to_do_next_is_a_numbered_list_in_order() -> None:
    text = Elements(html.render(WRONG, pictures=False)).text
    steps = [
        "What to do next",
        "After layer 1",
        "Overfitting: from about epoch 23",
        "Worth knowing",
        "rounded or typed",
    ]
    assert sorted(steps, key=text.index) == steps
    assert "<ol>" in html.render(WRONG, pictures=False)


def test_text_between_backquotes_is_code() -> None:
    written = html.render(Advice("", "Use `Dropout(0.3)`, not ` or <b>."), pictures=False)
    assert "<p>Use <code>Dropout(0.3)</code>, not ` or &lt;b&gt;.</p>" in written


def test_pictures_carry_their_own_words() -> None:
    elements = Elements(html.render(report(CURVES)))
    (picture,) = elements.all("svg")
    assert picture["role"] == "img"
    assert "The lowest validation loss is 0.2001, at epoch 23." in elements.text


def test_a_notebook_gets_an_image_that_is_seen_where_it_is_not_trusted() -> None:
    """JupyterLab takes SVG out of the output of a notebook that somebody else ran, an image it leaves."""
    elements = Elements(show.bundle(report(CURVES))["text/html"])
    (picture,) = elements.all("img")
    assert not elements.all("svg")
    assert picture["src"].startswith("data:image/")
    assert "The lowest validation loss is 0.2001, at epoch 23." in picture["alt"]


def test_the_same_feedback_twice_on_a_page_holds_no_id_twice() -> None:
    found = Elements(2 * (html.render(report(CURVES)) + html.render(compare(*RUNS)))).found
    ids = [attributes["id"] for _, attributes in found if "id" in attributes]
    assert len([tag for tag, _ in found if tag == "svg"]) == 4
    assert len(ids) == len(set(ids))


def test_without_pictures_the_words_stand_in_their_place() -> None:
    elements = Elements(html.render(report(CURVES), pictures=False))
    assert not elements.all("img") + elements.all("svg")
    assert "Validation got worse from epoch" in elements.text


def test_for_feedback_pages_matplotlib_is_not_imported() -> None:
    code = (
        "import sys; from checker.report import *; from checker.show import html, text\n"
        "s = Section('curves', False, curves={'loss': [1.0], 'val_loss': [2.0]})\n"
        "r = Report('a', 'q1', 't', (s,), 1.0); html.render(r); text.render(r)\n"
        "heavy = {'matplotlib', 'tensorflow', 'keras', 'pandas', 'scipy', 'IPython'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("pictures", [False, True])
def test_nothing_of_a_learner_becomes_markup(pictures: bool) -> None:
    written = html.render(hostile(), pictures)
    elements = Elements(written)
    assert not elements.all("script")
    assert not [name for _, attributes in elements.found for name in attributes if name.startswith("on")]
    assert all(image["src"].startswith("data:image/") for image in elements.all("img"))
    assert "{{7*7}}" in elements.text
    assert not {"\x1b", "\u202e"} & set(written)


ANYTHING = st.text(max_size=40)


@settings(max_examples=50, deadline=None)
@given(ANYTHING, ANYTHING, ANYTHING, ANYTHING)
def test_every_text_stays_text(code: str, layer: str, title: str, detail: str) -> None:
    rows = (Row("change", 1, layer, layer, detail),)
    section = Section(
        "architecture", False, 0.0, 1.0, (Finding("layer.extra", position=1, params={"layer": code}),), rows
    )
    elements = Elements(html.render(Report("a", code, title, (section,), 1.0), pictures=False))
    plain = Elements(
        html.render(report(Section("architecture", False, 0.0, 1.0, (Finding("model.none"),), rows)), pictures=False)
    )
    tags = {tag for tag, _ in elements.found}
    assert tags <= {tag for tag, _ in plain.found} | {"p"}


def test_long_texts_are_cut() -> None:
    endless = report(Section("architecture", False, findings=(Finding("layer.extra", params={"layer": "x" * 10**6}),)))
    assert len(html.render(endless, pictures=False)) < 20_000


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (diagnose(RUNS[0]), ["Learning curves: signs of overfitting.", "Overfitting: from about epoch"]),
        (compare(*RUNS), ["The second run against the first:", "Less overfitting: the gap"]),
        (STANDING, ["1 of 2 questions are right.", "Question 1", "Next: Question 2.", "2 of 3 points", "not begun"]),
        (Advice("Hint 1 of 3", "Look at `rate`.", "layers.Dropout(0.3)"), ["Hint 1 of 3", "layers.Dropout(0.3)"]),
    ],
)
def test_everything_that_is_shown_has_a_page(thing: object, words: list[str]) -> None:
    text = Elements(html.render(thing, pictures=False)).text
    assert [word for word in words if word not in text] == []


def test_other_things_have_no_page() -> None:
    with pytest.raises(TypeError, match="int has no page"):
        html.render(42)


def test_the_language_is_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "_catalogue", lambda code: Catalogue())
    with language.using("zh"):
        written = html.render(WRONG, pictures=False)
    assert 'lang="zh-Hans"' in written
    assert "第 1 题：网络还需要修改，训练仍然过拟合。" in written


def test_display_prints_text_outside_a_notebook(capsys: pytest.CaptureFixture[str]) -> None:
    show.display(WRONG)
    out, err = capsys.readouterr()
    assert "✗ Question 1" in out
    assert err == ""


def test_display_publishes_one_output_in_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    published: list[dict[str, str]] = []
    monkeypatch.setattr(show, "in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda data, raw: published.append(data))
    show.display(WRONG)
    (bundle,) = published
    blank, first = bundle["text/html"].splitlines()[:2]  # JupyterLab shows the first line of a collapsed output
    assert (blank.strip(), first[:4]) == ("", "<div")
    assert bundle["text/plain"].startswith("Add dropout")


class Rebel:
    """An object that cannot even be named."""

    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize("thing", [None, 42, "words", Rebel(), hostile(), Report("", "", "", (), float("nan"))])
def test_display_never_raises(thing: object, capsys: pytest.CaptureFixture[str]) -> None:
    show.display(thing)
    assert capsys.readouterr().err == ""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_no_violation(browser: Any, dark: bool) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    things = (WRONG, RIGHT, hostile(), STANDING, compare(*RUNS), Advice("Hint", "Look.", "layers.Dropout(0.3)"))
    tab = browser.new_page()
    tab.set_content(standalone("".join(map(html.render, things)), dark))
    violations = axe.run(tab).response["violations"]
    tab.close()
    assert [(violation["id"], violation["impact"]) for violation in violations] == []


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280 // 2, 360])
def test_a_narrow_window_loses_nothing_to_the_side(browser: Any, width: int) -> None:
    tab = browser.new_page(viewport={"width": width, "height": 600})
    tab.set_content(standalone(html.render(WRONG) + html.render(hostile())))
    needed = tab.evaluate("document.documentElement.scrollWidth")
    tab.close()
    assert needed <= width
