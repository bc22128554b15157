"""The dropout animation: it plays without scripts, stands still for those who want it, and tells itself in words."""

from __future__ import annotations

import base64
import re
import statistics
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
from feedback import Elements, chromium
from hypothesis import given
from hypothesis import strategies as st

from checker.show import animation

FILM = animation.dropout()


def test_each_unit_is_left_out_by_chance_so_the_number_differs_between_frames() -> None:
    assert len(FILM.masks) == 8
    assert len({sum(mask) for mask in FILM.masks}) > 1
    assert len(set(FILM.masks)) > 1


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.5, 0.9])
def test_rate_is_the_probability_of_each_unit(rate: float) -> None:
    masks = [mask for seed in range(200) for mask in animation.dropout(rate, (3, 10, 6, 1), 24, seed).masks]
    for unit in range(10):
        assert sum(not mask[unit] for mask in masks) / len(masks) == pytest.approx(rate, abs=0.04)
    variance = statistics.pvariance(mask.count(False) for mask in masks)
    assert variance == pytest.approx(10 * rate * (1 - rate), rel=0.15)  # that of independent draws


@given(st.floats(0, 0.99), st.integers(1, 10), st.integers(1, 24), st.integers())
def test_any_network_can_be_filmed(rate: float, hidden: int, frames: int, seed: int) -> None:
    film = animation.dropout(rate, (2, hidden, 3, 1), frames, seed)
    assert [len(mask) for mask in film.masks] == [hidden] * frames
    assert ", ".join(str(mask.count(False)) for mask in film.masks) in film.alt
    assert ElementTree.fromstring(film.svg()).tag.endswith("svg")


def test_the_same_seed_gives_the_same_film() -> None:
    assert animation.dropout(seed=1).svg() == animation.dropout(seed=1).svg() != animation.dropout(seed=2).svg()


@pytest.mark.parametrize(
    "wrong",
    [{"rate": 1.0}, {"rate": -0.1}, {"units": (3, 6, 1)}, {"units": (3, 60, 6, 1)}, {"frames": 0}, {"frames": 99}],
)
def test_impossible_films_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        animation.dropout(**wrong)


def test_the_film_is_one_file_without_scripts() -> None:
    svg = FILM.svg()
    assert "<script" not in svg
    assert set(re.findall(r"https?://[^\"]+", svg)) == {"http://www.w3.org/2000/svg"}
    assert "prefers-reduced-motion" in svg


def test_a_dropped_unit_loses_its_connections() -> None:
    drawn = animation.drawing(FILM.units)
    full, thinned = drawn.frame([True] * 6), drawn.frame([True] * 5 + [False])
    lines = [sum(isinstance(shape, animation.Line) and shape.width < 2 for shape in frame) for frame in (full, thinned)]
    assert lines == [3 * 6 + 6 * 6 + 6, 3 * 6 + 5 * 6 + 6]


def test_every_host_finds_a_form_that_it_can_show() -> None:
    bundle = FILM._repr_mimebundle_()
    (image,) = Elements(bundle["text/html"]).all("img")
    assert image["src"].startswith("data:image/svg+xml;base64,")
    assert image["alt"] == FILM.alt == bundle["text/plain"]
    assert "two hidden layers of 6 and 6 units" in FILM.alt
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert sum(map(len, bundle.values())) < 150_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.mark.browser
@pytest.mark.parametrize(("motion", "moves"), [("no-preference", True), ("reduce", False)])
def test_it_plays_unless_the_reader_wants_less_motion(browser: Any, motion: str, moves: bool) -> None:
    context = browser.new_context(reduced_motion=motion)
    tab = context.new_page()
    tab.set_content(FILM._repr_mimebundle_()["text/html"])
    seen = []
    for _ in range(3):
        tab.wait_for_timeout(1000 * animation.SECONDS)
        seen.append(tab.screenshot())
    context.close()
    assert (len(set(seen)) > 1) is moves
