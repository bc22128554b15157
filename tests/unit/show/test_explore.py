"""Figures to play with: each choice has its picture and its words; without widgets the first picture stands there."""

from __future__ import annotations

import builtins
import re
from typing import Any

import pytest
from feedback import Elements

from checker.language import LANGUAGES, using
from checker.show import explore

FAST = {"loss": [0.9, 0.5, 0.3, 0.2, 0.1], "val_loss": [1.0, 0.8, 0.7, 0.8, 0.9]}
SLOW = {"loss": [0.9, 0.8, 0.7, 0.6, 0.55], "val_loss": [1.0, 0.9, 0.8, 0.7, 0.6]}
VIEW = "application/vnd.jupyter.widget-view+json"


def all_of_them() -> dict[str, explore.Explorer]:
    return {
        "masks": explore.masks(),
        "running_averages": explore.running_averages(),
        "runs": explore.runs({"fast": FAST, "slow": SLOW}),
    }


NAMES = tuple(all_of_them())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_choice_has_a_picture_and_words(name: str, language: str) -> None:
    with using(language):
        explorer = all_of_them()[name]
        first = explorer.first()
        for place, control in enumerate(explorer.controls):
            for number in {control.low, control.first, control.high}:
                chosen = [other.first for other in explorer.controls]
                chosen[place] = number
                drawn = explorer.draw(*chosen)
                assert drawn.data
                assert drawn.table.rows
                assert bool(re.search("[一-鿿]", drawn.alt)) == (language == "zh")
                assert (drawn.alt == first.alt) == (number == control.first)


def test_another_step_draws_another_mask() -> None:
    masks = {explore.masks().draw(0.5, step).table.rows for step in range(1, 21)}
    assert len(masks) > 10


def test_the_words_count_the_units_that_are_left_out() -> None:
    for step in range(1, 11):
        drawn = explore.masks().draw(0.5, step)
        missing = sum(row[1] == "left out" for row in drawn.table.rows)
        assert f"of 6 units in the first hidden layer {missing} are left out" in drawn.alt


def test_larger_batches_have_less_noise_and_more_batches_come_nearer() -> None:
    def spread(rows: int) -> float:
        table = explore.running_averages().draw(rows, 100).table
        means = [float(row[1]) for row in table.rows]
        return max(means) - min(means)

    def reached(batches: int) -> float:
        return float(explore.running_averages().draw(64, batches).table.rows[-1][2])

    assert spread(2) > 2 * spread(128)
    assert reached(10) < reached(100) < reached(300) < 50.5


def test_two_runs_are_told_by_their_names() -> None:
    alt = explore.runs({"fast": FAST, "slow": SLOW}).first().alt
    assert alt.index("fast, 5 epochs") < alt.index("slow, 5 epochs")


def test_to_compare_takes_two() -> None:
    with pytest.raises(ValueError, match="two runs"):
        explore.runs({"fast": FAST})


# --- with and without widgets -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_changing_a_number_changes_the_picture(name: str) -> None:
    pytest.importorskip("ipywidgets")
    explorer = all_of_them()[name]
    *_, row, picture = explorer.widget().children
    for field, control in zip(row.children, explorer.controls, strict=True):
        before = picture.value
        field.value = control.high if control.high != control.first else control.low
        assert picture.value != before
        field.value = control.first
        assert picture.value == before
        field.value = control.high + 100 * control.step  # typed in spite of the limits
        assert field.value == control.high
        field.value = control.first
        assert field.description, "a screen reader says it before the number"


def test_the_numbers_of_the_runs_are_explained() -> None:
    pytest.importorskip("ipywidgets")
    legend = explore.runs({"<fast>": FAST, "slow": SLOW}).widget().children[0]
    assert "<li>&lt;fast&gt;</li><li>slow</li>" in legend.value


@pytest.mark.parametrize("name", NAMES)
def test_a_host_without_widgets_still_has_picture_words_and_data(name: str) -> None:
    shown = all_of_them()[name]._repr_mimebundle_()
    page = Elements(shown["text/html"])
    assert page.all("img")[0]["alt"] == shown["text/plain"]
    assert page.all("table")
    assert VIEW in shown


def test_without_ipywidgets_nothing_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("ipywidgets"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    assert set(explore.masks()._repr_mimebundle_()) == {"text/html", "text/plain"}
