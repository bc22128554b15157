"""Reports survive JSON, compute their own verdict, and speak any language."""

from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from checker.language import using
from checker.report import Finding, Report, Row, Section, Severity, plain, restored
from checker.report.messages import MESSAGES

ROW = Row("change", 2, "Dropout(0.5)", "Dropout(0.3)", "rate=0.3")
MISSING = Finding("layer.missing", position=1, params={"after": "Dense(128)", "layer": "layers.Dropout(0.3)"})


def report(*sections: Section, points: float = 4.0) -> Report:
    return Report("spotify", "q1", "Add dropout", sections, points)


def test_a_report_passes_when_every_section_does() -> None:
    right, wrong = Section("architecture", True, 2.0, 2.0), Section("curves", False, 0.0, 2.0)
    assert report(right).passed
    assert not report(right, wrong).passed
    assert not report().passed


def test_points_stay_within_the_question() -> None:
    assert report(Section("a", True, 3.0), Section("b", True, 3.0)).points == 4.0
    assert report(Section("a", False, -1.0)).points == 0.0


def test_sections_are_found_by_name() -> None:
    curves = Section("curves", True)
    assert report(curves)["curves"] is curves
    assert "architecture" not in report(curves)


def test_a_message_is_made_from_code_and_parameters() -> None:
    assert MISSING.message == "After layer 1 `Dense(128)`, add `layers.Dropout(0.3)`."


def test_a_wording_falls_back_to_its_code() -> None:
    assert Finding("layer.missing:unheard", position=1, params=MISSING.params).message == MISSING.message


def test_a_finding_with_missing_parameters_still_speaks() -> None:
    assert Finding("layer.missing").message == MESSAGES["layer.missing"]
    assert Finding("no.such.code").message == "no.such.code"


def test_messages_are_translated_when_they_are_shown() -> None:
    english = MISSING.message
    with using("zh"):
        chinese = MISSING.message
    assert chinese != english
    assert "layers.Dropout(0.3)" in chinese


def test_a_report_survives_json() -> None:
    curves = Section(
        "curves", False, findings=(MISSING,), table=(ROW,), curves={"loss": [1.0, math.inf]}, diagnoses=("diverged",)
    )
    original = report(curves)
    assert Report.from_dict(json.loads(json.dumps(original.to_dict(), allow_nan=False))) == original


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text().filter(lambda text: text not in ("NaN", "Infinity", "-Infinity")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_values)
def test_any_json_value_survives(value: object) -> None:
    assert restored(json.loads(json.dumps(plain(value), allow_nan=False))) == value


@given(
    st.builds(
        Finding,
        st.sampled_from(sorted(MESSAGES)),
        st.sampled_from(Severity),
        st.none() | st.integers(),
        st.dictionaries(st.text(), st.text()),
    )
)
def test_no_parameters_make_a_message_raise(finding: Finding) -> None:
    assert isinstance(finding.message, str)
