"""Pictures of learning curves: complete, readable by everybody, and without side effects."""

from __future__ import annotations

import ast
import base64
import math
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from feedback import HEALTHY, OVERFITTED, Catalogue, Elements
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.ft2font import FT2Font
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from checker import language
from checker.curves import NotCurves, compare, diagnose
from checker.show import plots, words
from checker.show.words import Run

NAN, INF = math.nan, math.inf
SHOW = Path(plots.__file__).parent
STRANGE = {
    "all NaN": {"loss": [24.0, *[NAN] * 99], "val_loss": [NAN] * 100},
    "nothing finite": {"loss": [NAN, INF], "val_loss": [-INF, NAN]},
    "NaN from the middle on": {"loss": [3.0, 2.0, 1.0, NAN, NAN], "val_loss": [3.0, 2.5, 2.0, NAN, NAN]},
    "one epoch": {"loss": [1.0], "val_loss": [2.0]},
    "huge": {"loss": [1e25, 5.0] * 8, "val_loss": [1e30, 6.0] * 8},
    "as far as floats go": {"loss": [1e308, 1e-308], "val_loss": [-1e308, 1e308]},
    "no validation": {"loss": OVERFITTED["loss"]},
    "negative": {"loss": [-1e6, 1e6], "val_loss": [3.0, -5.0]},
    "constant": {"loss": [5.0] * 20, "val_loss": [5.0] * 20},
    "zero": {"loss": [0.0] * 20, "val_loss": [0.0] * 20},
}


@pytest.fixture(autouse=True)
def _strict() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def written(picture: Any) -> list[str]:
    """All words in the picture, axes' numbers left out."""
    (axes,) = picture.axes
    return [text.get_text() for text in axes.texts if text.get_text()] + [axes.get_xlabel(), axes.get_ylabel()]


def test_a_picture_names_everything_that_it_shows() -> None:
    assert written(plots.learning_curves(OVERFITTED, title="My run")) == [
        "validation gets worse",
        "best epoch: 23",
        "training loss",
        "gap: 0.07624",
        "validation loss",
        "Diagnosis: overfitting",
        "My run",
        "epoch",
        "loss",
    ]


def test_no_gap_and_no_shade_where_all_is_well() -> None:
    words_ = written(plots.learning_curves(HEALTHY))
    assert "Diagnosis: healthy" in words_
    assert not [word for word in words_ if "gap" in word or "worse" in word]


def test_the_shaded_stretch_is_the_one_diagnosed() -> None:
    diagnosis = diagnose(OVERFITTED)
    (axes,) = plots.learning_curves(diagnosis).axes
    (shade,) = axes.patches[:1]
    assert isinstance(shade, Rectangle)
    first, last = diagnosis["overfitting"].epochs
    assert (shade.get_x(), shade.get_x() + shade.get_width()) == (first, last)


def test_losses_that_are_no_numbers_are_marked() -> None:
    words_ = written(plots.learning_curves(STRANGE["NaN from the middle on"]))
    assert "no finite loss from epoch 4" in words_


@pytest.mark.parametrize("name", STRANGE)
def test_strange_curves_are_drawn_without_a_warning(name: str) -> None:
    picture = plots.learning_curves(STRANGE[name])
    assert plots.rendered(picture, "svg").startswith(b"<?xml")
    assert plots.rendered(picture, "png").startswith(b"\x89PNG")
    assert picture.alt.endswith(".")


LOSSES = st.lists(st.floats(width=64), min_size=1, max_size=12)


@settings(max_examples=20, deadline=None)
@given(LOSSES, LOSSES)
def test_any_numbers_can_be_drawn(loss: list[float], val_loss: list[float]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert plots.image(Run(tuple(loss), tuple(val_loss), ("diverged",))).startswith("data:image/")


def test_no_curves_no_picture() -> None:
    with pytest.raises(NotCurves):
        plots.learning_curves("nonsense")


@pytest.mark.parametrize("values", [OVERFITTED, {key: [*range(1, 20)] * 100 for key in ("loss", "val_loss")}])
def test_a_picture_is_light(values: dict[str, list[float]]) -> None:
    assert len(plots.address(plots.learning_curves(values))) < 60_000


def test_two_runs_differ_in_line_and_label() -> None:
    picture = plots.compare(OVERFITTED, HEALTHY)
    (axes,) = picture.axes
    curves = [line for line in axes.lines if np.size(line.get_xdata()) == 50]
    assert len({line.get_linestyle() for line in curves}) == 4
    words_ = written(picture)
    assert {"first run: training", "second run: validation"} < set(words_)
    assert any(word.startswith("Second run: less overfitting") for word in words_)
    assert "First run, 50 epochs." in picture.alt
    assert "Second run, 50 epochs." in picture.alt


def test_a_comparison_can_be_drawn_as_it_is() -> None:
    assert plots.compare(compare(OVERFITTED, HEALTHY)).alt == plots.compare(OVERFITTED, HEALTHY).alt


def test_the_alternative_text_tells_the_numbers() -> None:
    alt = plots.alt_text({"loss": [3.0, 2.0, NAN], "val_loss": [3.0, 2.5, NAN]})
    assert alt == (
        "Learning curves, 3 epochs. The training loss goes from 3 to NaN. The validation loss goes from 3 to NaN. "
        "The lowest validation loss is 2.5, at epoch 2. From epoch 3 on there are losses that are no finite number. "
        "Diagnosis: training diverged."
    )
    assert "Second run, 50 epochs." in plots.alt_text(OVERFITTED, HEALTHY)


def test_in_a_notebook_the_figure_has_its_alternative_text() -> None:
    picture = plots.learning_curves(HEALTHY, title='"><script>')
    (image,) = Elements(picture._repr_html_()).all("img")
    assert image["alt"] == picture.alt
    assert base64.b64decode(image["src"].partition(",")[2]).startswith(b"<?xml")


def test_the_learners_settings_and_figures_stay_as_they_are() -> None:
    code = (
        "import matplotlib; matplotlib.use('agg')\n"
        "import matplotlib.pyplot as plt; plt.style.use('dark_background'); plt.figure()\n"
        "before = dict(matplotlib.rcParams); from checker.show import plots\n"
        "plots.address(plots.learning_curves({'loss': [2.0, 1.0], 'val_loss': [2.0, 1.0]}))\n"
        "assert dict(matplotlib.rcParams) == before and len(plt.get_fignums()) == 1"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_dark_style_of_the_learner_does_not_reach_the_picture() -> None:
    plain = plots.image(Run.of(HEALTHY))
    with matplotlib.rc_context(
        {"axes.facecolor": "black", "text.color": "white", "lines.linewidth": 9, "font.size": 30}
    ):
        assert plots.image(Run.of(HEALTHY)) == plain


def test_a_learners_title_may_hold_anything() -> None:
    title = "a $broken$ \\frac{ title 한국어 \U0001f600 \ue000 \u202e\x00 " + "x" * 500
    picture = plots.learning_curves(HEALTHY, title=title)
    assert len(plots.rendered(picture, "svg")) > 0


# --- letters ----------------------------------------------------------------------------------------------------------


def letters() -> set[int]:
    return set(FT2Font(str(SHOW / "fonts" / "checker-sans.otf")).get_charmap())


def drawn_messages() -> set[str]:
    """Every message that stands in a picture."""
    messages = {*words.DIAGNOSES.values(), *words.DIFFERENCES.values(), "{first}, {second}", "NaN", "infinity"}
    for name in ("picture.py", "plots.py", "animation.py"):
        for node in ast.walk(ast.parse((SHOW / name).read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "N_":
                messages.add(ast.literal_eval(node.args[0]))
    return messages


@pytest.mark.parametrize("code", language.LANGUAGES)
def test_the_font_can_write_every_message_of_a_picture(code: str) -> None:
    """After a change of a catalogue: ``python checker/show/fonts/build.py``."""
    with language.using(code):
        spoken = {message: language.translate(message) for message in drawn_messages()}
    lacking = {message: set(text) - set(map(chr, letters())) - {"\n"} for message, text in spoken.items()}
    assert {message: sorted(missing) for message, missing in lacking.items() if missing} == {}


def test_chinese_is_written_with_the_fonts_own_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine's fonts is needed, and no warning of a missing glyph is given."""
    monkeypatch.setattr(language, "_catalogue", lambda code: Catalogue())
    monkeypatch.setattr(plots, "_INSTALLED", ())
    plots._families.cache_clear()
    plots._look.cache_clear()
    try:
        with language.using("zh"):
            picture = plots.learning_curves(OVERFITTED)
            assert "诊断：过拟合" in written(picture)
            assert plots.rendered(picture, "svg")
    finally:
        plots._families.cache_clear()
        plots._look.cache_clear()


def test_the_font_is_small_and_carries_its_licence() -> None:
    fonts = SHOW / "fonts"
    assert (fonts / "checker-sans.otf").stat().st_size < 300_000
    assert "SIL OPEN FONT LICENSE Version 1.1" in (fonts / "LICENSE.txt").read_text("utf-8")


def test_every_drawn_text_uses_the_bundled_font_first() -> None:
    picture = plots.learning_curves(OVERFITTED)
    assert {text.get_fontfamily()[0] for text in picture.findobj(Text)} == {"Checker Sans"}


def test_the_package_knows_no_picture_until_one_is_drawn() -> None:
    rooms = "animation, html, picture, svg, text"
    code = f"import sys; from checker.show import {rooms}; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_equal_runs_give_equal_pictures() -> None:
    first, second = (plots.image(Run.of(OVERFITTED, ["overfitting"])) for _ in range(2))
    assert first == second
    assert not re.search("20[0-9]{2}-", base64.b64decode(first.partition(",")[2]).decode())
