"""A learner's hour in a real browser: JupyterLab, a keyboard, both languages, every reader.

``pytest tests/test_browser.py -k pictures --pictures`` makes the README's pictures anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from browser.lab import Server
from browser.notebook import PAGE, Notebook
from place import ROOT
from playwright.sync_api import BrowserContext, Locator, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]

STARTER = "YOUR CODE HERE"
DROPOUT = "keras.layers.Dropout(0.3),"
CHINESE = re.compile(r"[\u4e00-\u9fff]")
LARGEST_PICTURE = 200_000
PLAY = """import checker
from checker.assignments.lessons import dropout as exercise
from checker.show import explore
checker.set_language("{language}")
exercise.predict_1(30)
explore.masks()"""

LESSONS = sorted(path.name for path in (ROOT / "notebooks").glob("0*.ipynb"))

HELP = """\
exercise.q1.hint()
exercise.q1.hint()
exercise.q1.hint()
exercise.q1.hint()
exercise.q1.solution()
exercise.progress()
show.curves(plain_history, history)
"""


@dataclass
class Learner:
    """The Spotify notebook, trained up to q1 only once: a test asks for the state that it needs."""

    notebook: Notebook
    dropouts: int = 0
    language: str = "en"
    helped: str = ""

    def build(self, dropouts: int) -> Locator:
        """Have so many of the two dropout layers in the network of q1, train it, check it; the feedback."""
        if dropouts != self.dropouts:
            while self.dropouts < dropouts:
                self.notebook.retype(self.notebook.line("q1-network", STARTER), DROPOUT)
                self.dropouts += 1
            while self.dropouts > dropouts:
                self.notebook.retype(self.notebook.line("q1-network", DROPOUT, last=True), f"# {STARTER}")
                self.dropouts -= 1
            self.notebook.run("q1-network")
            self.notebook.run("q1-check")
        return self.notebook.feedback("q1-check").first

    def speak(self, language: str) -> None:
        """Choose the language as the notebook says, and check and ask for help anew."""
        if language != self.language:
            self.language = language
            self.notebook.retype(
                self.notebook.line("language", "checker.set_language"), f'checker.set_language("{language}")'
            )
            self.notebook.run("language")
            self.notebook.run("q1-check")

    def ask(self) -> Locator:
        """Ask for hints, the solution, progress and a comparison; the pages shown."""
        if not self.helped:
            self.notebook.add("help", HELP)
        if self.helped != self.language:
            self.notebook.run("help")
            self.helped = self.language
        return self.notebook.feedback("help")


@pytest.fixture(scope="module")
def learner(opened: tuple[BrowserContext, Server]) -> Learner:
    """A learner who has run the untouched Spotify notebook up to the first check."""
    notebook = Notebook(*opened, "spotify/spotify.ipynb")
    notebook.run_up_to("q1-check")
    return Learner(notebook)


def test_a_learner_sees_what_is_missing_types_it_and_passes(learner: Learner) -> None:
    learner.speak("en")
    starter = learner.build(dropouts=0)
    expect(starter).to_have_class(re.compile("checker-wrong"))
    expect(starter.get_by_role("heading", level=3)).to_contain_text("Question 1")
    expect(starter.get_by_role("row").filter(has_text="add this layer")).to_have_count(2)

    half = learner.build(dropouts=1)
    expect(half.get_by_role("row").filter(has_text="add this layer")).to_have_count(1)
    expect(half.get_by_role("listitem").first.locator("code").last).to_have_text(DROPOUT.removesuffix(","))
    expect(half.get_by_role("img")).to_have_attribute("alt", re.compile("validation loss"))

    whole = learner.build(dropouts=2)
    expect(whole).to_have_class(re.compile("checker-right"))
    expect(whole).to_contain_text("4 of 4 points")
    learner.notebook.run("q1")
    expect(learner.notebook.cell("q1").locator(".jp-OutputArea-output")).to_have_text("4.0")


def test_a_learner_changes_to_chinese_and_back(learner: Learner) -> None:
    learner.speak("zh")
    page = learner.notebook.feedback("q1-check").first
    expect(page).to_have_attribute("lang", "zh-Hans")
    for part in ("h3", "caption", "thead"):
        expect(page.locator(part).first).to_have_text(CHINESE)
    assert CHINESE.search(page.get_by_role("img").get_attribute("alt") or "")
    learner.speak("en")
    expect(learner.notebook.feedback("q1-check").first.locator("thead").first).to_contain_text("Expected")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_feedback_keeps_no_reader_out_in_either_theme(learner: Learner, language: str) -> None:
    learner.build(dropouts=1)
    learner.speak(language)
    expect(learner.ask()).to_have_count(HELP.count("\n"))
    try:
        for theme in ("JupyterLab Light", "JupyterLab Dark"):
            learner.notebook.theme(theme)
            for cell in ("q1-check", "help"):
                assert learner.notebook.inaccessible(cell) == [], (theme, cell)
    finally:
        learner.notebook.theme("JupyterLab Light")


def test_the_table_is_reached_with_the_keyboard(learner: Learner) -> None:
    learner.build(dropouts=1)
    learner.notebook.select("q1-check")
    pressed = 0
    while not learner.notebook.focused(f"{PAGE} [role=group]"):
        learner.notebook.page.keyboard.press("Tab")
        pressed += 1
        assert pressed < 30, "the table cannot be reached with the tabulator key"
    assert learner.notebook.style_of_focused("outlineStyle") == "solid"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_is_cut_off_at_200_percent(learner: Learner, language: str) -> None:
    learner.build(dropouts=1)
    learner.speak(language)
    learner.ask()
    try:
        learner.notebook.zoom(2)
        assert learner.notebook.cut_off() == []
    finally:
        learner.notebook.zoom(1)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_pictures_for_the_readmes(
    learner: Learner, language: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """A network whose second dropout is missing; written to docs/ only where --pictures asks for it."""
    learner.build(dropouts=1)
    learner.speak(language)
    folder = ROOT / "docs" if request.config.getoption("--pictures") else tmp_path
    path = folder / f"feedback-{language}.png"
    learner.notebook.picture("q1-check", path)
    assert path.stat().st_size < LARGEST_PICTURE


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_shows_its_pictures_without_a_network(opened: tuple[BrowserContext, Server], lesson: str) -> None:
    notebook = Notebook(*opened, lesson)
    widths = notebook.picture_widths()
    assert widths
    assert all(widths)
    notebook.page.close()


def test_the_dropout_animation_plays(opened: tuple[BrowserContext, Server]) -> None:
    notebook = Notebook(*opened, LESSONS[0])
    animation = notebook.picture_made_by("animation.dropout(")
    first = animation.screenshot()
    for _ in range(40):
        notebook.page.wait_for_timeout(250)
        if animation.screenshot() != first:
            return
    pytest.fail("the animation stands still")


@pytest.mark.parametrize(
    ("language", "rate", "step", "first", "second"),
    [
        ("en", "rate", "training step", "Training step 1 at a rate of 50%", "Training step 2 at a rate of 60%"),
        ("zh", "丢弃率", "训练步", "第 1 个训练步，丢弃率 50%", "第 2 个训练步，丢弃率 60%"),
    ],
)
def test_a_figure_is_played_with_and_a_prediction_is_made_with_the_keyboard(
    opened: tuple[BrowserContext, Server], language: str, rate: str, step: str, first: str, second: str
) -> None:
    notebook = Notebook(*opened, LESSONS[0])
    keyboard = notebook.page.keyboard
    notebook.add("own", PLAY.format(language=language))
    notebook.run("own")
    cell = notebook.cell("own")
    picture = cell.get_by_role("img").first
    expect(picture).to_have_attribute("alt", re.compile(first))
    keyboard.press("Escape")  # out of the new cell below
    keyboard.press("k")  # and back up
    for control in (rate, step):
        reached = cell.get_by_role("spinbutton", name=control)  # a screen reader says this name
        for _ in range(30):
            if reached.evaluate("element => element === document.activeElement"):
                break
            keyboard.press("Tab")
        else:
            pytest.fail(f"{control} cannot be reached with the tabulator key")
        keyboard.press("ArrowUp")
    expect(picture).to_have_attribute("alt", re.compile(second), timeout=20_000)
    expect(notebook.feedback("own").first).to_contain_text("30")
    notebook.page.close()
