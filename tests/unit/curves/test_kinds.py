"""The table of diagnoses: complete in every respect, and all that is said of a diagnosis comes from it."""

from __future__ import annotations

import pytest

from checker import curves
from checker.curves.kinds import FAULTS, KINDS
from checker.language import translate, using
from checker.questions import Training
from checker.report import Report, Section
from checker.report.messages import MESSAGES
from checker.show import text, words


def test_all_diagnoses_are_there_and_have_words_and_a_message() -> None:
    assert tuple(KINDS) == curves.NAMES
    for name, kind in KINDS.items():
        assert kind.words
        assert any(code == f"curve.{name}" or code.startswith(f"curve.{name}:") for code in MESSAGES), name
        assert words.named([name]) == translate(kind.words)


def test_a_fault_is_forbidden_and_said_as_a_clause() -> None:
    training = Training(data="red-wine", optimizer="adam", loss="mae", batch_size=8, epochs=10, least_epochs=5)
    assert training.forbidden == FAULTS
    assert all(KINDS[name].clause for name in FAULTS)
    assert "healthy" not in FAULTS


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.clause])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_headline_says_what_is_wrong(name: str, language: str) -> None:
    section = Section("curves", False, 0.0, 1.0, diagnoses=(name,))
    with using(language):
        shown = text.render(Report("spotify", "q1", "Curves", (section,), 1.0))
        assert translate(KINDS[name].clause) in shown
