"""From a wrong model to the page: every edit that is found is said in the table, in both renderings."""

from __future__ import annotations

import html as markup
import re

import pytest
from models.case import sequential

from checker.assignments import spotify
from checker.show import html, page, text

WRONG = {
    "replace": ("D128r B D64r d.3 D1", "→", "replace it with", "keras.layers.Dropout(0.3)"),
    "replace a layer and its activation": (
        "D128r D9r D64r d.3 D1",
        "→",
        "replace it with",
        "keras.layers.Dropout(0.3)",
    ),
    "add": ("D128r D64r d.3 D1", "+", "add this layer", "Dropout(0.3)"),
    "remove": ("D128r d.3 D64r d.3 D1 d.3", "−", "remove this layer", "Dropout(0.3)"),
    "set": ("D128r d.7 D64r d.3 D1", "→", "set", "rate=0.3"),
    "move": ("d.3 D128r D64r d.3 D1", "↕", "move this layer here", "Dropout(0.3)"),
}


@pytest.mark.parametrize("edit", WRONG)
def test_a_wrong_model_is_told_what_to_do_in_the_table(edit: str) -> None:
    layers, mark, todo, code = WRONG[edit]
    report = spotify.q1.evaluate(model=sequential(layers, 18))
    (table,) = (block for block in page.of(report).blocks if isinstance(block, page.Table))
    (row,) = (row for row in table.rows if row[-1].mark != "right")
    said = f"{todo} `{code}`" if todo in ("replace it with", "set") else todo
    assert (page.MARKS[row[-1].mark], row[-1].text) == (mark, said)
    assert code in f"{row[1].text} {row[2].text} {row[3].text}"
    shown = " ".join(markup.unescape(re.sub(r"<[^>]*>", " ", html.render(report))).split())
    assert f"{mark} {said.replace('`', '')}" in shown
    assert f"{mark} {todo}" in text.render(report)
    assert code in text.render(report).split("What to do next")[0], "in one piece"
    assert report.findings[0].message.replace("`", "") in " ".join(text.render(report).split()).replace("`", "")


def test_every_action_of_a_row_has_words() -> None:
    reports = [spotify.q1.evaluate(model=sequential(layers, 18)) for layers, *_ in WRONG.values()]
    actions = {row.action for report in reports for row in report["architecture"].table}
    assert actions == page._TO_DO.keys()
