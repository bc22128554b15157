"""The description of a picture: ticks, points and places; and both renderers draw what it says."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from feedback import HEALTHY, OVERFITTED, chromium, standalone
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.patches import Rectangle
from matplotlib.text import Annotation

from checker import language
from checker.show import html, page, picture, plots, svg
from checker.show.picture import Plot, Scale
from checker.show.words import Run

NAN, INF = math.nan, math.inf
RUNS = {
    "overfitted": (Run.of(OVERFITTED, ["overfitting"]),),
    "healthy": (Run.of(HEALTHY, ["healthy"]),),
    "two": (Run.of(OVERFITTED), Run.of(HEALTHY)),
    "gaps": (Run((3.0, 2.0, NAN, 1.0, INF, 0.5, 0.4), (3.0, 2.5, NAN, NAN, NAN, 4.0, 4.0), ("diverged",)),),
    "logarithmic": (Run((1e5, 30.0, 2.0), (1e4, 100.0, 3.0)),),
    "symmetric": (Run((-1e6, 1e6, 5.0), (3.0, -5.0, 0.0)),),
    "one epoch": (Run((1.0,), (2.0,)),),
    "constant": (Run((5.0,) * 20, (5.0,) * 20),),
    "nothing finite": (Run((NAN, INF), (-INF, NAN)),),
    "endless": (Run(tuple(1 + epoch % 7 for epoch in range(2000))),),
}


def described(name: str) -> Plot:
    return picture.of(*RUNS[name], title="My run")


# --- both renderers ---------------------------------------------------------------------------------------------------


class Drawn:
    """What an SVG shows, by the classes of its elements."""

    def __init__(self, plot: Plot) -> None:
        self.on = svg.Canvas(plot)
        self.root = ElementTree.fromstring(str(svg.render(plot)))

    def all(self, kind: str) -> list[dict[str, str]]:
        return [element.attrib for element in self.root.iter() if kind in element.get("class", "").split()]

    def curves(self) -> list[list[tuple[float, float]]]:
        """The points of each curve, from the first epoch to the last, as places in the frame."""
        found: list[list[tuple[float, float]]] = []
        for each in self.root.iter():
            if "checker-curve" in each.get("class", "").split():
                found.append(self.shares(each.attrib["d"]))
            elif "checker-dot" in each.get("class", "").split():
                found[-1] += self.shares(f"M{each.attrib['cx']},{each.attrib['cy']}")
        return [sorted(points) for points in found]

    def words(self, kind: str) -> list[str]:
        return ["".join(e.itertext()) for e in self.root.iter() if kind in e.get("class", "").split()]

    def shares(self, points: str) -> list[tuple[float, float]]:
        """Path data as places in the frame, from its lower left."""
        pairs = [pair.split(",") for pair in re.split("[ML]", points) if pair]
        width, height = self.on.right - self.on.left, self.on.bottom - self.on.top
        return [((float(x) - self.on.left) / width, (self.on.bottom - float(y)) / height) for x, y in pairs]


def places(axes: Any, line: Any) -> list[tuple[float, float]]:
    """The points of a line in a figure as places in the frame, from its lower left."""
    points = [point for point in line.get_xydata() if not np.isnan(point).any()]
    return [tuple(axes.transAxes.inverted().transform(axes.transData.transform(point))) for point in points]


@pytest.mark.parametrize("code", language.LANGUAGES)
@pytest.mark.parametrize("name", RUNS)
def test_both_renderers_show_the_same(name: str, code: str) -> None:
    """The same ticks, texts, points and stretches, read off the figure and off the SVG."""
    with language.using(code):
        plot = described(name)
        figure, drawn = plots.draw(plot), Drawn(plot)
    (axes,) = figure.axes
    figure.canvas.draw()

    ticks = [tick.get_text() for axis in (axes.xaxis, axes.yaxis) for tick in axis.get_ticklabels()]
    assert drawn.words("checker-tick") == ticks
    assert drawn.words("checker-axis") == [axes.get_xlabel(), axes.get_ylabel()]
    texts = [text.get_text() for text in axes.texts if text.get_text()]
    kinds = ("checker-title", "checker-note", "checker-label")
    assert sorted(word for kind in kinds for word in drawn.words(kind)) == sorted(texts)

    lines = [line for line in axes.lines if not str(line.get_label()).startswith("_")]
    assert len(lines) == len(plot.curves)
    for points, line in zip(drawn.curves(), lines, strict=True):
        np.testing.assert_allclose(points, sorted(places(axes, line)), atol=1e-3)

    spans = [
        (patch.get_x(), patch.get_x() + patch.get_width()) for patch in axes.patches if isinstance(patch, Rectangle)
    ]
    across = [[x for x, _ in drawn.shares(each["d"])] for each in drawn.all("checker-stretch")]
    found = [(min(each), max(each)) for each in across]
    assert len(found) == len(spans)
    assert all(
        at == pytest.approx(tuple(map(plot.x.place, span)), abs=1e-3) for at, span in zip(found, spans, strict=True)
    )
    arrows = [text for text in axes.texts if isinstance(text, Annotation)]
    assert len(drawn.all("checker-gap")) == len(arrows)


@pytest.mark.parametrize("name", RUNS)
def test_nothing_is_drawn_outside_the_picture(name: str) -> None:
    plot = described(name)
    drawn = Drawn(plot)
    stretches = [drawn.shares(each["d"]) for each in drawn.all("checker-stretch")]
    assert all(-1e-3 <= share <= 1.001 for points in (*drawn.curves(), *stretches) for at in points for share in at)
    for text in drawn.root.iter("{http://www.w3.org/2000/svg}text"):
        assert 0 <= float(text.get("x", 0)) <= plot.size[0]
        assert 0 <= float(text.get("y", 0)) <= plot.size[1]


def test_the_svg_is_named_and_told_and_holds_no_id() -> None:
    """An id could stand twice on a page with many pictures."""
    plot = described("overfitted")
    root = Drawn(plot).root
    title, desc = list(root)[:2]
    assert (root.get("role"), title.text, desc.text) == ("img", "Learning curves: overfitting.", plot.alt)
    assert not [element for element in root.iter() if element.get("id")]
    assert svg.render(plot) == svg.render(described("overfitted"))


def test_a_title_stays_text_and_keeps_its_length() -> None:
    plot = picture.of(RUNS["healthy"][0], title="</title><script>\u202e" + "x" * 500)
    assert "<script>" not in svg.render(plot)
    assert len(plot.titles[0]) == 80
    assert "\u202e" not in plot.titles[0]


# --- points -----------------------------------------------------------------------------------------------------------

LOSSES = st.lists(st.floats(width=64), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(LOSSES, LOSSES)
def test_any_numbers_can_be_described_and_drawn(loss: list[float], val_loss: list[float]) -> None:
    plot = picture.of(Run(tuple(loss), tuple(val_loss), ("diverged",)))
    assert plot.y.low < plot.y.high
    drawn = Drawn(plot)
    assert all(-1e-3 <= share <= 1.001 for points in drawn.curves() for at in points for share in at)


def test_losses_that_are_no_numbers_part_a_curve() -> None:
    training, validation = described("gaps").curves
    assert training.pieces == (((1, 3.0), (2, 2.0)), ((4, 1.0),), ((6, 0.5), (7, 0.4)))
    assert validation.end == (7, 4.0)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=3000), st.integers(8, 600))
@settings(max_examples=50, deadline=None)
def test_a_long_curve_keeps_its_ends_and_its_peaks(values: list[float], most: int) -> None:
    points = [(float(epoch), value) for epoch, value in enumerate(values)]
    kept = list(picture.thinned(points, most))
    assert len(kept) <= max(most, 1)
    assert kept == sorted(kept)
    assert set(kept) <= set(points)
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    assert max(value for _, value in kept) == max(values)
    assert min(value for _, value in kept) == min(values)


def test_an_endless_run_makes_a_light_picture() -> None:
    assert len(svg.render(described("endless"))) < 20_000


# --- ticks and labels -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "scale", "texts"),
    [
        ([0.137, 0.22], Scale.LINEAR, ["0.14", "0.16", "0.18", "0.20", "0.22"]),
        ([5.0, 5.0], Scale.LINEAR, ["4.8", "5.0", "5.2", "5.4"]),
        ([1e7, 1.2e7], Scale.LINEAR, ["1e+07", "1.05e+07", "1.1e+07", "1.15e+07", "1.2e+07"]),
        ([-3e-9, 2e-9], Scale.LINEAR, ["−2e-09", "0", "2e-09"]),
        ([1e-3, 1e5], Scale.LOGARITHMIC, ["0.001", "0.1", "10", "1000", "1e+05"]),
        ([-1e5, 1e5], Scale.SYMMETRIC, ["−1e+05", "−1000", "−10", "0", "10", "1000", "1e+05"]),
    ],
)
def test_ticks_are_nice_numbers(values: list[float], scale: Scale, texts: list[str]) -> None:
    y = picture.of(Run(tuple(values))).y
    assert (y.scale, [tick.text for tick in y.ticks]) == (scale, texts)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5))
def test_ticks_stand_in_order_within_the_axis_and_say_their_value(values: list[float]) -> None:
    plot = picture.of(Run(tuple(values)))
    for axis in (plot.x, plot.y):
        assert 1 <= len(axis.ticks) <= 9
        assert all(-1e-6 <= axis.place(tick.value) <= 1 + 1e-6 for tick in axis.ticks)
        assert all(lower.value < upper.value for lower, upper in pairwise(axis.ticks))
        assert len({tick.text for tick in axis.ticks}) == len(axis.ticks)
        step = axis.high - axis.low
        for tick in axis.ticks:
            said = float(tick.text.replace("−", "-"))
            assert math.isclose(said, tick.value, rel_tol=1e-3, abs_tol=1e-6 * step)


@pytest.mark.parametrize(
    ("epochs", "last"), [(1, "1"), (2, "2"), (9, "8"), (50, "50"), (123, "120"), (20_000, "20000")]
)
def test_epochs_are_whole_numbers(epochs: int, last: str) -> None:
    ticks = picture.of(Run((1.0,) * epochs)).x.ticks
    assert ticks[-1].text == last
    assert all(tick.value == int(tick.text) for tick in ticks)


@given(st.lists(st.floats(0, 1), max_size=6))
def test_labels_stand_apart(heights: list[float]) -> None:
    placed = picture.spread(sorted(heights), 0.075)
    assert all(upper - lower >= 0.075 - 1e-9 for lower, upper in pairwise(placed))
    assert all(-1e-9 <= height <= 1 + 1e-9 for height in placed)


def test_notes_do_not_stand_on_one_another() -> None:
    run = Run.of({"loss": [3.0, 2, 1, NAN, 1], "val_loss": [3.0, 2, 4, 4, 4]}, ["overfitting"])
    first, second = picture.of(run).notes
    assert first.height - second.height > 0.05


@pytest.mark.parametrize("worse", [(1, 4), (20, 30), (48, 50)])
def test_words_at_the_edge_stay_in_the_frame(worse: tuple[int, int]) -> None:
    (note,) = picture.of(Run.of(OVERFITTED, ["overfitting"], worse)).notes
    assert note.side == {1: "left", 20: "center", 48: "right"}[worse[0]]
    assert 1 <= note.epoch <= 50


# --- in a browser -----------------------------------------------------------------------------------------------------

CONTRASTS = """() => {
  const number = (colour) => colour.match(/[0-9.]+/g).slice(0, 3).map(Number);
  const light = (colour) => number(colour).map((part) => part / 255)
    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
  const page = light(getComputedStyle(document.body).backgroundColor);
  const contrast = (colour) => (Math.max(light(colour), page) + 0.05) / (Math.min(light(colour), page) + 0.05);
  const found = (wanted, kind) => [...document.querySelectorAll(wanted)]
    .map((element) => contrast(getComputedStyle(element)[kind]));
  const lines = ["curve", "sample", "axes", "best", "gap", "mark"].map((kind) => `.checker-${kind}`).join(", ");
  return {
    lines: found(lines, "stroke"),
    words: found(".checker-curves text", "fill"),
  };
}"""
OVERLAPS = """() => {
  const boxes = [...document.querySelectorAll(".checker-curves")].map((picture) => [...picture.querySelectorAll("text")]
    .map((text) => [text.textContent, text.getBoundingClientRect(), picture.getBoundingClientRect()]));
  const hit = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3;
  const pairs = boxes.flatMap((texts) => texts.flatMap(([word, box], place) =>
    texts.slice(place + 1).filter(([, other]) => hit(box, other)).map(([other]) => [word, other])));
  const outside = boxes.flatMap((texts) => texts.filter(([, box, frame]) =>
    box.left < frame.left - 1 || box.right > frame.right + 1).map(([word]) => word));
  return {pairs, outside};
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


def shown(browser: Any, dark: bool, code: str, width: int = 1280) -> Any:
    """A tab with every kind of picture, one of them twice, as at so many pixels' width."""
    with language.using(code):
        blocks = [page.Picture(runs, "") for runs in (*RUNS.values(), RUNS["overfitted"])]
        content = html.render(page.Page("note", "Curves", tuple(blocks)))
    tab = browser.new_page(viewport={"width": width, "height": 700})
    tab.set_content(standalone(content, dark))
    return tab


@pytest.mark.browser
@pytest.mark.parametrize("code", language.LANGUAGES)
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_no_violation_at_twice_the_size(browser: Any, dark: bool, code: str) -> None:
    """At 200 % a window of 1280 pixels is 640 wide."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    tab = shown(browser, dark, code, 640)
    violations = axe.run(tab).response["violations"]
    needed = tab.evaluate("document.documentElement.scrollWidth")
    letters = tab.evaluate("document.querySelector('.checker-curves').getBoundingClientRect().width / 680 * 12.5")
    tab.close()
    assert [(violation["id"], violation["impact"]) for violation in violations] == []
    assert needed <= 640
    assert 2 * letters >= 16  # as large as text, in pixels of the screen


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True])
def test_lines_and_words_stand_out_from_the_page(browser: Any, dark: bool) -> None:
    """WCAG 2.2: 3 to 1 for lines (1.4.11), 4.5 to 1 for words (1.4.3)."""
    tab = shown(browser, dark, "en")
    found = tab.evaluate(CONTRASTS)
    tab.emulate_media(media="print")
    assert len(found["lines"]) > 40
    assert min(found["lines"]) >= 3
    assert min(found["words"]) >= 4.5
    tab.close()


@pytest.mark.browser
@pytest.mark.parametrize("code", language.LANGUAGES)
def test_no_word_stands_on_another_or_outside(browser: Any, code: str) -> None:
    """With the machine's own fonts, in both languages."""
    tab = shown(browser, False, code)
    found = tab.evaluate(OVERLAPS)
    tab.close()
    assert found == {"pairs": [], "outside": []}


@pytest.mark.browser
def test_on_paper_the_lines_are_those_of_the_light_theme(browser: Any) -> None:
    tab = shown(browser, True, "en")
    ask = "getComputedStyle(document.querySelector('.checker-curve')).stroke"
    screen = tab.evaluate(ask)
    tab.emulate_media(media="print")
    paper = tab.evaluate(ask)
    tab.close()
    assert (screen, paper) == ("rgb(86, 180, 233)", "rgb(0, 114, 178)")


@pytest.mark.browser
def test_a_screen_reader_is_told_the_picture(browser: Any) -> None:
    tab = shown(browser, False, "en")
    tree = tab.context.new_cdp_session(tab).send("Accessibility.getFullAXTree")["nodes"]
    tab.close()
    images = [node for node in tree if node.get("role", {}).get("value") in ("image", "img", "graphics-document")]
    told = [(node["name"]["value"], node.get("description", {}).get("value", "")) for node in images]
    plot = picture.of(*RUNS["overfitted"])
    assert told.count((plot.name, plot.alt)) == 2
