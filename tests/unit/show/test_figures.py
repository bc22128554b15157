"""Figures for readers without sight: what a picture shows can be had from its words, its data from a table."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import math
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from feedback import Elements
from PIL import Image
from place import ROOT

from checker.curves import diagnose
from checker.language import LANGUAGES, translate, using
from checker.show import figures, words

RECORDED = ROOT / "tests" / "curves" / "recorded.csv.gz"
RUN = {"loss": [0.9, 0.5, 0.4, 0.35, 0.3, 0.28], "val_loss": [1.0, 0.6, 0.5, 0.48, 0.52, 0.55]}


# --- from the alternative text alone ----------------------------------------------------------------------------------

PATTERNS = {
    "en": (
        r"The training loss goes from \S+ to (\S+?)\.(?: |$)",
        r"The validation loss goes from \S+ to (\S+?)\.(?: |$)",
        r"The lowest validation loss is \S+, at epoch (\d+)\.",
        r"Diagnosis: (.+?)\.(?: |$)",
    ),
    "zh": (
        r"训练损失从 ?\S+? ?变到 ?(\S+?)。",
        r"。验证损失从 ?\S+? ?变到 ?(\S+?)。",
        r"最低验证损失是 ?\S+?，在第 ?(\d+) ?个轮次",
        r"诊断：(.+?)。",
    ),
}
"""How the sentences are read back: final training loss, final validation loss, best epoch, diagnosis."""


@dataclass(frozen=True)
class Heard:
    """What a reader knows who has heard the alternative text and seen nothing."""

    loss: float
    val_loss: float
    best: int | None
    names: frozenset[str]


def heard(text: str, language: str) -> Heard:
    """The alternative text read back by rules that know its sentences, not the run."""
    found = [re.search(pattern, text) for pattern in PATTERNS[language]]
    loss, val_loss, best, said = (match.group(1) if match else "" for match in found)
    with using(language):
        names = {name for name, phrase in words.DIAGNOSES.items() if translate(phrase) in said}
    return Heard(_value(loss), _value(val_loss), int(best) if best else None, frozenset(names))


def _value(text: str) -> float:
    return {"": math.nan, "NaN": math.nan, "infinity": math.inf, "无穷大": math.inf}.get(text) or float(text or "nan")


def recorded() -> dict[str, dict[str, list[float]]]:
    runs: dict[str, dict[str, list[float]]] = defaultdict(lambda: {"loss": [], "val_loss": []})
    with gzip.open(RECORDED, "rt", newline="") as file:
        for row in csv.DictReader(file):
            for series in ("loss", "val_loss"):
                runs[row["run"]][series].append(float(row[series] or "nan"))
    return runs


def agrees(told: float, true: float) -> bool:
    return math.isclose(told, true, rel_tol=1e-3) or (math.isnan(told) and math.isnan(true))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_alone_tell_diagnosis_best_epoch_and_final_losses(language: str) -> None:
    """Of 95 % of the recorded runs; the truth is computed here from the curves, not taken from the words."""
    right = 0
    runs = recorded()
    for run in runs.values():
        with using(language):
            got = heard(figures.told(run), language)
        finite = [value if math.isfinite(value) else math.inf for value in run["val_loss"]]
        best = finite.index(min(finite)) + 1 if math.isfinite(min(finite)) else None
        right += (
            got.names == diagnose(run).names
            and agrees(got.loss, run["loss"][-1])
            and agrees(got.val_loss, run["val_loss"][-1])
            and (got.best == best if best is None or got.best is None else abs(got.best - best) <= 1)
        )
    assert len(runs) > 200
    assert right >= 0.95 * len(runs), f"{right} of {len(runs)}"


def test_the_reader_of_words_hears_another_run_as_another() -> None:
    """The rules above read what is said, so that a wrong text would be noticed."""
    text = figures.told(RUN)
    assert heard(text, "en") != heard(text.replace("epoch 4", "epoch 6"), "en")
    assert heard(text, "en") != heard(text.replace("to 0.55", "to 0.5"), "en")
    assert heard("A picture.", "en") == heard("", "en") or math.isnan(heard("A picture.", "en").loss)


# --- the figure -------------------------------------------------------------------------------------------------------


def drawn() -> Any:
    figure, axes = plt.subplots(figsize=(4, 3))
    axes.plot(RUN["val_loss"])
    return figure


def bundle(figure: Any, runs: object = None, **given: Any) -> Mapping[str, str]:
    return figures.described(figure, runs, **given)._repr_mimebundle_()


def test_a_figure_has_words_data_and_pixels() -> None:
    shown = bundle(drawn(), RUN)
    (image,) = Elements(shown["text/html"]).all("img")
    assert image["alt"] == shown["text/plain"] == figures.told(RUN)
    assert Image.open(io.BytesIO(base64.b64decode(shown["image/png"]))).format == "PNG"
    assert int(image["width"]) == 400


def test_the_table_holds_every_number_that_is_drawn() -> None:
    both = {"first": RUN, "second": {"loss": [0.5, 0.25]}}
    table = figures.described(drawn(), both).table
    assert table.head == (
        "epoch",
        "first: training loss",
        "first: validation loss",
        "second: training loss",
    )
    assert table.rows[1] == ("2", "0.5", "0.6", "0.25")
    assert table.rows[5] == ("6", "0.28", "0.55", "")
    page = Elements(bundle(drawn(), both)["text/html"])
    assert [len(page.all(tag)) for tag in ("caption", "th", "tr", "td")] == [1, 4 + 6, 1 + 6, 3 * 6]
    assert " 6 0.28 0.55" in page.text


def test_several_runs_are_told_by_their_names() -> None:
    alt = figures.described(drawn(), {"raw data": RUN, "scaled": RUN}).alt
    assert alt.index("raw data, 6 epochs") < alt.index("scaled, 6 epochs")


def test_a_network_that_learned_nothing_does_not_sound_healthy() -> None:
    dead = {"loss": [1e9, *[350.0] * 30], "val_loss": [360 - number / 4 for number in range(31)]}
    assert "healthy" not in figures.described(drawn(), dead, reference=97.0).alt


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_and_table_are_in_the_language_in_force(language: str) -> None:
    with using(language):
        page = bundle(drawn(), RUN)["text/html"]
    assert f'lang="{"en" if language == "en" else "zh-Hans"}"' in page
    assert bool(re.search("[一-鿿]", page)) == (language == "zh")


def test_what_is_put_in_is_escaped() -> None:
    page = bundle(drawn(), alt='<b>"', table={"<i>": ["<u>"]})["text/html"]
    assert not re.search("<[biu]>", page)


def test_it_is_shown_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A notebook shows every figure that is still open at the end of a cell."""
    plt.close("all")
    axes = pd.DataFrame(RUN).plot()
    figures.show(axes, RUN)
    assert plt.get_fignums() == []
    assert capsys.readouterr().out.strip() == figures.told(RUN)


def test_labels_of_pictures_are_told_with_what_is_false(capsys: pytest.CaptureFixture[str]) -> None:
    figures.show_labelled(drawn(), [3, 8], [3, 5])
    assert "3; 8, false, the picture shows a 5" in capsys.readouterr().out
