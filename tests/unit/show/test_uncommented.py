"""Curves that a learner is to read: drawn and listed, without a word on what they show."""

from __future__ import annotations

import contextlib
import io
import math
import re

import pytest
from feedback import HEALTHY, OVERFITTED

from checker import show
from checker.language import using
from checker.show import html, page, picture


def shown(*histories: object) -> str:
    stream = io.StringIO()
    with contextlib.redirect_stdout(stream):
        show.curves(*histories)
    return stream.getvalue()


@pytest.mark.parametrize("tongue", ["en", "zh"])
@pytest.mark.parametrize("histories", [(OVERFITTED,), (OVERFITTED, HEALTHY)])
def test_nothing_says_what_is_to_be_found(histories: tuple[object, ...], tongue: str) -> None:
    with using(tongue):
        drawn = html.render(page.uncommented(*histories), inline=True)
        told = shown(*histories) + re.sub("<style.*?</style>|<[^>]*>", " ", drawn, flags=re.DOTALL)
    for word in ("overfitting", "lowest", "best epoch", "worse", "gap", "过拟合", "最低", "最佳", "差距"):
        assert word not in told


def test_the_picture_marks_no_best_epoch() -> None:
    (block, _) = page.uncommented(OVERFITTED).blocks
    assert isinstance(block, page.Picture)
    plot = picture.of(*block.runs)
    assert (plot.marks, plot.best, plot.gap, plot.stretches) == ((), None, None, ())


def test_the_table_has_the_first_and_the_last_epoch_of_both_runs() -> None:
    (_, table) = page.uncommented(OVERFITTED, {"loss": [1.0, math.nan], "val_loss": [2.0, math.inf]}).blocks
    assert isinstance(table, page.Table)
    epochs = len(OVERFITTED["loss"])
    assert [row[0].text for row in table.rows][:: len(table.rows) - 1] == ["1", str(epochs)]
    assert [cell.text for cell in table.rows[0][3:]] == ["1", "2"]
    assert [cell.text for cell in table.rows[-1][3:]] == ["–", "–"]
    assert all(len(row) == len(table.head) == 5 for row in table.rows)


def test_what_is_no_history_is_said_and_other_counts_are_refused() -> None:
    assert "model.fit" in shown(None)
    for histories in ((), (OVERFITTED,) * 3):
        with pytest.raises(TypeError):
            show.curves(*histories)
