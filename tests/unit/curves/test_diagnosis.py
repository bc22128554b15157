"""What one run shows."""

from __future__ import annotations

import math

import measure
import numpy as np
import pytest
from histories import HEALTHY, OVERFIT, falling, noisy
from place import TESTS

from checker import curves
from checker.curves import diagnose
from checker.report import Finding
from checker.report.messages import MESSAGES

RECORDED = TESTS / "curves" / "recorded.csv.gz"


class TestDiagnose:
    def test_healthy(self) -> None:
        assert diagnose(HEALTHY).names == {"healthy"}

    def test_overfitting_says_where_and_how_much(self) -> None:
        found = diagnose(OVERFIT)
        assert found.names == {"overfitting"}
        verdict = found["overfitting"]
        assert 10 <= verdict.epochs[0] <= 30
        assert verdict.epochs[1] == 50
        assert verdict.numbers["end"] > verdict.numbers["best"] > 0
        assert verdict.numbers["z"] > curves.SIGNIFICANT

    def test_a_rise_without_a_gap_is_no_overfitting(self) -> None:
        both = {"loss": noisy(OVERFIT["val_loss"], 0.003, 4), "val_loss": OVERFIT["val_loss"]}
        assert "overfitting" not in diagnose(both)

    def test_a_gap_without_a_rise_is_no_overfitting(self) -> None:
        assert diagnose({"loss": falling(end=0.05), "val_loss": noisy(falling(end=0.3), 0.001)}).names == {"healthy"}

    def test_memorising_without_a_rise(self) -> None:
        """Validation stands still for half the run, the training loss goes on falling."""
        loss = [0.9, 0.7, 0.6, 0.52, 0.46, 0.4, 0.35, 0.3, 0.26, 0.22, 0.19, 0.16]
        val_loss = [0.8, 0.68, 0.62, 0.59, 0.585, 0.59, 0.584, 0.59, 0.588, 0.592, 0.59, 0.591]
        verdict = diagnose({"loss": loss, "val_loss": val_loss})["overfitting"]
        assert (verdict.face, verdict.code) == ("memorising", "curve.overfitting:memorising")
        assert verdict.epochs[0] in range(4, 8)
        assert verdict.epochs[1] == 12
        assert verdict.numbers["fall"] > 0.4
        assert abs(verdict.numbers["change"]) < 0.02
        assert f"{verdict.numbers['fall']:.1%}" in Finding(verdict.code, params=verdict.params).message

    def test_five_epochs_are_enough_for_a_large_effect(self) -> None:
        verdict = diagnose({"loss": [2.1, 1.9, 1.5, 0.9, 0.4], "val_loss": [2.0, 1.9, 2.1, 2.4, 3.3]})["overfitting"]
        assert verdict.face == "early"
        assert verdict.strength == "slight"
        assert verdict.epochs == (3, 5)

    def test_five_epochs_that_prove_nothing(self) -> None:
        seen = diagnose({"loss": [0.89, 0.73, 0.62, 0.53, 0.45], "val_loss": [0.8, 0.73, 0.7, 0.69, 0.705]})
        assert "overfitting" not in seen
        assert seen["healthy"].strength == "unsure"

    def test_a_large_gap_while_validation_improves_is_no_overfitting(self) -> None:
        loss, val_loss = falling(30, 1.0, 0.02, 0.15), falling(30, 1.4, 0.3, 0.08)
        seen = diagnose({"loss": noisy(loss, 0.002), "val_loss": noisy(val_loss, 0.004, 3)})
        assert "overfitting" not in seen
        assert "still_improving" in seen

    @pytest.mark.parametrize("rise", [0.01, 0.02])
    def test_a_slow_rise_of_one_or_two_percent_is_no_overfitting(self, rise: float) -> None:
        val_loss = np.array(falling(100, end=0.3)) + np.linspace(0, rise * 0.3, 100)
        seen = diagnose({"loss": noisy(falling(100, end=0.22), 0.0005), "val_loss": noisy(list(val_loss), 0.0005, 3)})
        assert "overfitting" not in seen

    def test_a_jagged_validation_curve_is_unstable(self) -> None:
        jagged = [0.3, 0.2, 0.08, 0.16, 0.07, 0.04, 0.12, 0.02, 0.07, 0.11, 0.03, 0.09, 0.03, 0.12, 0.02, 0.07]
        seen = diagnose({"loss": falling(16, 0.3, 0.05), "val_loss": jagged})
        assert seen.names == {"unstable"}
        assert seen["unstable"].code == "curve.unstable:jagged"

    def test_standing_still_and_never_better_than_at_first_is_underfitting(self) -> None:
        loss = [4.9, 1.45, 1.44, 1.45, 1.44, 1.45, 1.44, 1.45, 1.44, 1.45]
        assert "underfitting" in diagnose({"loss": loss, "val_loss": [1.0, *noisy([1.3] * 9, 0.03)]})

    def test_every_verdict_says_how_sure_it_is(self) -> None:
        for history in (HEALTHY, OVERFIT, {"loss": [1.0] * 9, "val_loss": [1.0] * 9}):
            for verdict in diagnose(history).verdicts:
                assert verdict.strength in curves.STRENGTHS
        assert diagnose(OVERFIT)["overfitting"].strength == "plain"
        assert diagnose(HEALTHY)["healthy"].strength == "plain"

    def test_training_loss_above_validation_loss_is_no_finding(self) -> None:
        assert diagnose({"loss": noisy(falling(end=0.4), 0.003), "val_loss": HEALTHY["val_loss"]}).names == {"healthy"}

    def test_noise_alone_is_no_overfitting(self) -> None:
        val_losses = [noisy(falling(end=0.3), 0.05, seed) for seed in range(300)]
        found = ["overfitting" in diagnose({"loss": falling(end=0.05), "val_loss": values}) for values in val_losses]
        assert np.mean(found) <= 0.02  # a test at 1 %, and its own chance

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e25])
    @pytest.mark.parametrize("series", ["loss", "val_loss"])
    def test_diverged_from_the_first_bad_epoch(self, value: float, series: str) -> None:
        history = {name: list(values) for name, values in HEALTHY.items()}
        history[series][7:] = [value] * 43
        verdict = diagnose(history)["diverged"]
        assert verdict.epochs == (8, 50)

    def test_all_nan_even_in_one_epoch(self) -> None:
        assert diagnose({"loss": [math.nan], "val_loss": [math.nan]}).names == {"diverged"}
        assert diagnose({"loss": [math.nan] * 3}).names == {"diverged", "no_validation"}

    def test_a_training_loss_that_runs_away_has_diverged(self) -> None:
        assert diagnose({"loss": list(np.linspace(1, 3, 20)), "val_loss": list(np.linspace(1, 3, 20))}).names == {
            "diverged"
        }

    def test_far_above_the_median_predictor_has_diverged(self) -> None:
        history = {"loss": falling(end=1e7, start=1e9), "val_loss": falling(end=1e7, start=1e9)}
        assert "diverged" in diagnose(history, reference=13.6)

    def test_dead_start(self) -> None:
        history = {"loss": noisy([0.7] * 30, 0.0005, 1), "val_loss": noisy([0.7] * 30, 0.0005, 2)}
        assert diagnose(history).names == {"dead_start"}

    def test_a_constant(self) -> None:
        assert diagnose({"loss": [2.0] * 20, "val_loss": [2.0] * 20}).names == {"dead_start"}
        assert diagnose({"loss": [0.0] * 20, "val_loss": [0.0] * 20}).verdicts

    def test_unstable(self) -> None:
        history = {"loss": noisy(falling(end=0.5), 0.15, 1), "val_loss": noisy(falling(end=0.5), 0.15, 2)}
        assert "unstable" in diagnose(history)

    def test_one_spike_is_not_unstable(self) -> None:
        history = {name: list(values) for name, values in HEALTHY.items()}
        history["loss"][30] = history["val_loss"][30] = 9.0
        assert diagnose(history).names == {"healthy"}

    def test_underfitting_needs_a_reference_or_a_standstill(self) -> None:
        assert "underfitting" in diagnose(HEALTHY, reference=0.22)
        assert "underfitting" not in diagnose(HEALTHY, reference=0.3)
        flat = {"loss": [1.0, 0.7, *noisy([0.6] * 38, 0.001)], "val_loss": [0.8, 0.7, *noisy([0.6] * 38, 0.001, 2)]}
        verdict = diagnose(flat)["underfitting"]
        assert verdict.code == "curve.underfitting:stalled"

    def test_still_improving(self) -> None:
        line = noisy(list(np.linspace(1, 0.5, 20)), 0.003)
        assert diagnose({"loss": line, "val_loss": line}).names == {"healthy", "still_improving"}

    def test_too_short(self) -> None:
        short = {name: values[: curves.MIN_EPOCHS - 1] for name, values in OVERFIT.items()}
        assert diagnose(short).names == {"too_short"}
        assert diagnose({"loss": [1.0]}).names == {"too_short", "no_validation"}

    def test_no_validation_says_nothing_on_overfitting_or_health(self) -> None:
        assert diagnose({"loss": OVERFIT["loss"]}).names == {"no_validation"}

    @pytest.mark.parametrize("more", [1, 5, 25])
    def test_a_constant_tail_hides_nothing(self, more: int) -> None:
        for history in (OVERFIT, HEALTHY):
            padded = {name: [*values, *values[-1:] * more] for name, values in history.items()}
            assert diagnose(padded).names == diagnose(history).names

    def test_five_epochs_after_the_best_are_enough(self) -> None:
        history = {
            "loss": list(np.linspace(0.6, 0.1, 10)),
            "val_loss": [0.5, 0.4, 0.36, 0.35, 0.37, 0.4, 0.42, 0.45, 0.48, 0.5],
        }
        assert "overfitting" in diagnose(history)

    def test_negative_losses_are_judged_all_the_same(self) -> None:
        shifted = {name: [value - 5 for value in values] for name, values in OVERFIT.items()}
        assert diagnose(shifted).verdicts

    @pytest.mark.parametrize(
        "history",
        [
            HEALTHY,
            OVERFIT,
            {"loss": [2.0] * 20},
            {"loss": [1.0]},
            {"loss": [math.nan] * 9},
            {"loss": list(np.linspace(9, 1, 30))},
            {"loss": noisy([5.0] * 30, 1.0), "val_loss": noisy([5.0] * 30, 1.0)},
        ],
    )
    def test_every_verdict_has_its_sentence(self, history: dict[str, list[float]]) -> None:
        for reference in (None, 1e-3, 1.0, 10.0):
            for verdict in diagnose(history, reference=reference).verdicts:
                assert verdict.name in curves.NAMES
                message = Finding(verdict.code, params=verdict.params).message
                assert message
                assert "{" not in message

    def test_every_name_has_a_sentence(self) -> None:
        assert {f"curve.{name}" for name in curves.NAMES} <= set(MESSAGES)


@pytest.fixture(scope="module")
def recorded() -> list[measure.Labelled]:
    return measure.load(RECORDED)


def test_recorded_mistakes_are_named(recorded: list[measure.Labelled]) -> None:
    for case in {run.case for run in recorded if "healthy" not in run.labels}:
        runs = [run for run in recorded if run.case == case]
        assert sum(bool(run.names & run.labels) for run in runs) >= 0.95 * len(runs), case


def test_recorded_references_are_healthy(recorded: list[measure.Labelled]) -> None:
    healthy = [run for run in recorded if "healthy" in run.labels]
    assert sum("healthy" in run.names for run in healthy) >= 0.99 * len(healthy)


APART = {  # training falls on, validation stands still: not for long enough to be called memorising
    "loss": [*np.linspace(1.0, 0.5, 30), *np.linspace(0.5, 0.42, 10)],
    "val_loss": [*np.linspace(1.0, 0.52, 30), *[0.52] * 10],
}


@pytest.mark.parametrize(
    ("history", "face", "strength"),
    [
        (HEALTHY, "", "plain"),
        ({"loss": [0.9, 0.7, 0.6, 0.5, 0.45], "val_loss": [0.9, 0.75, 0.65, 0.58, 0.52]}, "few", "unsure"),
        ({"loss": falling(21, end=0.45), "val_loss": [0.9, *[0.4, 0.6] * 10]}, "noisy", "unsure"),
        (APART, "apart", "slight"),
        ({"loss": list(np.array(falling(50)) / 3), "val_loss": falling(50)}, "wide", "slight"),
        ({"loss": falling(50, 0.70, 0.66), "val_loss": falling(50, 0.70, 0.68)}, "little", "slight"),
    ],
)
def test_what_speaks_against_health(history: dict[str, list[float]], face: str, strength: str) -> None:
    """Health that is not plain says why, in a sentence of its own in each language."""
    verdict = diagnose(history)["healthy"]
    assert (verdict.face, verdict.strength) == (face, strength)
    assert verdict.code in MESSAGES
    assert "{" not in Finding(verdict.code, params=verdict.params).message


def test_an_improvement_is_told_as_a_share_of_what_it_fell_from() -> None:
    """A loss cannot fall by more than all of it."""
    steep = {"loss": list(np.linspace(1.0, 0.01, 40)), "val_loss": list(np.linspace(1.0, 0.01, 40))}
    assert 0.85 < diagnose(steep)["still_improving"].numbers["fall"] < 1
