"""What holds for all learning curves."""

from __future__ import annotations

import contextlib
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from checker.curves import NAMES, NotCurves, compare, diagnose

settings.register_profile("curves", deadline=None)  # clocks of shared machines fail for no reason
settings.load_profile("curves")

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(["loss", "val_loss", "x"]), inner),
    max_leaves=20,
)


@st.composite
def runs(draw: st.DrawFn, least: int = 1, most: int = 120) -> dict[str, list[float]]:
    """Any finite curves, from shapes that trainings have to plain noise."""
    epochs = draw(st.integers(least, most))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    time = np.arange(epochs)
    start, end, noise = (
        draw(st.floats(0.5, 5)),
        draw(st.floats(0.05, 0.5)),
        draw(st.sampled_from([0, 0.001, 0.02, 0.2])),
    )
    pace, rise = draw(st.sampled_from([0, 0.01, 0.1, 0.5])), draw(st.sampled_from([0, 0.001, 0.01]))
    loss = end + (start - end) * np.exp(-pace * time) + random.normal(0, noise, epochs)
    val_loss = end + (start - end) * np.exp(-pace * time) + rise * time + random.normal(0, noise, epochs)
    return {"loss": np.abs(loss).tolist(), "val_loss": np.abs(val_loss).tolist()}


wild = st.lists(st.floats(), min_size=1, max_size=30)


@given(anything)
@settings(max_examples=300)
def test_never_another_exception(source: object) -> None:
    with contextlib.suppress(NotCurves):
        assert diagnose(source).names <= set(NAMES)


@given(wild, wild, st.floats() | st.none())
@settings(max_examples=300)
def test_any_numbers_get_a_diagnosis(loss: list[float], val_loss: list[float], reference: float | None) -> None:
    history = {"loss": loss, "val_loss": (val_loss * len(loss))[: len(loss)]}
    found = diagnose(history, reference=reference)
    assert found.names
    assert found.names <= set(NAMES)
    assert compare(history, {"loss": val_loss}).names
    for verdict in found.verdicts:
        assert 1 <= verdict.epochs[0] <= verdict.epochs[1] <= len(loss)


@given(runs(), st.sampled_from([1000.0, 2.0**-20, 1e6, 0.37]), st.floats(0.01, 10) | st.none())
def test_scale_changes_nothing(history: dict[str, list[float]], scale: float, reference: float | None) -> None:
    scaled = {name: [value * scale for value in values] for name, values in history.items()}
    usual = diagnose(history, reference=reference)
    found = diagnose(scaled, reference=None if reference is None else reference * scale)
    assert found.names == usual.names
    assert [verdict.epochs for verdict in found.verdicts] == [verdict.epochs for verdict in usual.verdicts]


@given(runs(), runs())
def test_scale_changes_no_comparison(before: dict[str, list[float]], after: dict[str, list[float]]) -> None:
    def scaled(history: dict[str, list[float]]) -> dict[str, list[float]]:
        return {name: [value * 1024 for value in values] for name, values in history.items()}

    assert compare(scaled(before), scaled(after)).names == compare(before, after).names


@given(runs(), st.integers(-5, 1000))
def test_where_the_epochs_start_to_count_changes_nothing(history: dict[str, list[float]], first: int) -> None:
    pandas = pytest.importorskip("pandas")
    epochs = range(first, first + len(history["loss"]))
    frame = pandas.DataFrame({"epoch": epochs, **history}, index=epochs)
    assert diagnose(frame).names == diagnose(history).names
    assert diagnose(frame).best_epoch == diagnose(history).best_epoch


@given(runs(least=20), st.integers(1, 5))
def test_a_constant_tail_makes_nothing_worse(history: dict[str, list[float]], more: int) -> None:
    """A run that stands still for a few epochs at its best level is still the same run."""
    found = diagnose(history)
    assume(not found.names & {"unstable"})
    ends = {name: float(np.median(values[-3:])) for name, values in history.items()}
    assume(ends["val_loss"] <= 1.002 * min(history["val_loss"]))  # a rise at the threshold may be tipped over it
    padded = {name: [*values, *[ends[name]] * more] for name, values in history.items()}
    if found.names == {"healthy"}:
        assert diagnose(padded).names <= {"healthy", "still_improving", "underfitting"}
    if "dead_start" in found.names:
        assert "healthy" not in diagnose(padded)


@given(runs(least=1), st.data())
def test_one_nan_is_enough(history: dict[str, list[float]], data: st.DataObject) -> None:
    epoch = data.draw(st.integers(0, len(history["loss"]) - 1))
    name = data.draw(st.sampled_from(["loss", "val_loss"]))
    history[name][epoch] = math.nan
    found = diagnose(history)
    assert found.names == {"diverged"}
    assert found["diverged"].epochs[0] == epoch + 1


@given(runs(), runs())
def test_comparing_the_other_way_round_says_the_opposite(
    before: dict[str, list[float]], after: dict[str, list[float]]
) -> None:
    opposite = {
        "less_overfitting": "more_overfitting",
        "faster": "slower",
        "more_stable": "less_stable",
        "better_minimum": "worse_minimum",
        "rescued": "broken",
    }
    opposite |= {value: name for name, value in opposite.items()}
    there, back = compare(before, after).names, compare(after, before).names
    assert {opposite.get(name, name) for name in there} == back
