"""What learning curves are read from, what they show, and what changed between two runs."""

from __future__ import annotations

import itertools
import json
import math
from statistics import NormalDist
from types import SimpleNamespace

import measure
import numpy as np
import pandas as pd
import pytest
from place import TESTS

from checker import curves
from checker.curves import Curves, NotCurves, compare, diagnose, float32_values, gap_growth
from checker.messages import MESSAGES
from checker.report import Finding

RECORDED = TESTS / "curves" / "recorded.csv.gz"


def falling(epochs: int = 50, start: float = 1.0, end: float = 0.2, pace: float = 0.3) -> list[float]:
    """A smooth loss that comes down and levels off."""
    return [end + (start - end) * math.exp(-pace * epoch) for epoch in range(epochs)]


def noisy(values: list[float], size: float, seed: int = 0) -> list[float]:
    return list(np.array(values) + np.random.default_rng(seed).normal(0, size, len(values)))


HEALTHY = {"loss": noisy(falling(), 0.003, 1), "val_loss": noisy(falling(end=0.22), 0.003, 2)}
OVERFIT = {
    "loss": noisy(falling(end=0.1), 0.003, 1),
    "val_loss": noisy(list(np.array(falling(end=0.25)) + np.linspace(0, 0.06, 50)), 0.003, 2),
}


# --- reading ----------------------------------------------------------------------------------------------------------


class TestOf:
    def test_all_forms_read_the_same(self) -> None:
        history = {"loss": [3.0, 2.0], "val_loss": [3.5, 2.5]}
        frame = pd.DataFrame(history)
        records = [{"loss": 3.0, "val_loss": 3.5}, {"loss": 2.0, "val_loss": 2.5}]
        forms = [
            history,
            Curves.of(history),
            frame,
            records,
            tuple(records),
            SimpleNamespace(history=history),
            SimpleNamespace(history=SimpleNamespace(history=history)),
            json.dumps(history),
            json.dumps(records),
            json.dumps(history).encode(),
            frame.to_json(orient="records"),
            {name: np.array(values, np.float32) for name, values in history.items()},
            {name: pd.Series(values) for name, values in history.items()},
            {name: [np.float32(value) for value in values] for name, values in history.items()},
            {name: [int(value * 2) / 2 for value in values] for name, values in history.items()},
        ]
        for form in forms:
            assert Curves.of(form) == Curves((3.0, 2.0), (3.5, 2.5)), form

    @pytest.mark.slow
    def test_keras_and_tensorflow(self) -> None:
        keras = pytest.importorskip("keras")
        tf = pytest.importorskip("tensorflow")
        history = keras.callbacks.History()
        history.history = {"loss": [tf.constant(1.5), tf.constant(0.5)], "val_loss": tf.constant([1.0, 2.0])}
        assert Curves.of(history) == Curves((1.5, 0.5), (1.0, 2.0))

    @pytest.mark.slow
    def test_a_real_history_is_float32(self) -> None:
        keras = pytest.importorskip("keras")
        X, y = np.random.default_rng(0).normal(size=(301, 3)), np.arange(301.0)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dropout(0.5), keras.layers.Dense(1)])
        model.compile("adam", "mae")
        history = model.fit(X, y, validation_data=(X[:101], y[:101]), epochs=9, batch_size=32, verbose=0)
        assert float32_values(history)
        assert Curves.of(model) == Curves.of(history)

    def test_values_keep_what_is_not_a_number(self) -> None:
        read = Curves.of({"loss": [1, math.nan, math.inf, "-Infinity"]})
        assert read.loss[0] == 1.0
        assert math.isnan(read.loss[1])
        assert read.loss[2:] == (math.inf, -math.inf)
        assert read.val_loss is None

    def test_a_dict_and_back(self) -> None:
        read = Curves.of(HEALTHY)
        assert Curves.from_dict(json.loads(json.dumps(read.to_dict()))) == read

    @pytest.mark.parametrize(
        ("source", "code"),
        [
            (None, "history.none"),
            ({}, "history.empty"),
            ([], "history.empty"),
            ({"loss": []}, "history.empty"),
            ({"loss": [], "val_loss": []}, "history.empty"),
            (SimpleNamespace(history={}), "history.empty"),
            (SimpleNamespace(history=None), "history.not_history"),
            ({"accuracy": [1.0]}, "history.no_loss"),
            (pd.DataFrame({"accuracy": [1.0]}), "history.no_loss"),
            ([{"accuracy": 1.0}], "history.no_loss"),
            ([1.0, 2.0], "history.not_history"),
            (1.0, "history.not_history"),
            (dict, "history.not_history"),
            ("history", "history.text"),
            ("3", "history.text"),
            ("[" * 100_000, "history.text"),
            (b"\xff\xfe", "history.text"),
            ({"loss": 1.0}, "history.not_list"),
            ({"loss": "abc"}, "history.not_list"),
            ({"loss": None}, "history.not_list"),
            ({"loss": {1.0, 2.0}}, "history.not_list"),
            ({"loss": np.zeros((2, 2))}, "history.not_list"),
            ({"loss": ["a", "b"]}, "history.not_number"),
            ({"loss": [None, 1.0]}, "history.not_number"),
            ({"loss": [True, False]}, "history.not_number"),
            ({"loss": [1j]}, "history.not_number"),
            ({"loss": [[1.0]]}, "history.not_number"),
            ({"loss": [np.array([1.0])]}, "history.not_number"),
            ({"loss": np.array(["a"])}, "history.not_number"),
            ({"loss": [1.0, 2.0], "val_loss": [1.0]}, "history.unequal"),
            ({"loss": range(2_000_000)}, "history.not_list"),
            ({"loss": np.zeros(2_000_000)}, "history.too_long"),
        ],
    )
    def test_what_is_no_history_says_so(self, source: object, code: str) -> None:
        with pytest.raises(NotCurves) as problem:
            Curves.of(source)
        assert problem.value.code == code
        assert "{" not in Finding(code, params=problem.value.params).message

    def test_hostile_objects(self) -> None:
        class Hostile:
            def __getattr__(self, name: str) -> object:
                raise RuntimeError(name)

            def __repr__(self) -> str:
                raise OSError

        class HostileDict(dict[str, object]):
            def __getitem__(self, name: str) -> object:
                raise ZeroDivisionError

        class HostileNumber(float):
            def __float__(self) -> float:
                raise MemoryError

        endless: dict[str, object] = {"loss": []}
        endless["loss"] = [endless]
        sources = (Hostile(), HostileDict(loss=[1.0]), {"loss": [Hostile()]}, endless, {"loss": [HostileNumber(1)]})
        for source in sources:
            with pytest.raises(NotCurves):
                Curves.of(source)

    def test_huge_integers_are_infinite(self) -> None:
        assert Curves.of({"loss": [10**400, -(10**400)]}).loss == (math.inf, -math.inf)

    def test_best_epoch_counts_from_one_and_skips_nan(self) -> None:
        assert Curves.of({"loss": [3.0, math.nan, 1.0, 2.0]}).best_epoch == 3
        assert Curves.of({"loss": [1.0, 1.0], "val_loss": [2.0, 1.0]}).best_epoch == 2
        assert Curves.of({"loss": [math.nan]}).best_epoch is None
        assert Curves.of({"loss": [math.inf]}).best_epoch is None


# --- measures ---------------------------------------------------------------------------------------------------------


class TestMeasures:
    def test_noise_is_the_standard_deviation_around_a_line(self) -> None:
        values = np.linspace(5, 1, 4000) + np.random.default_rng(0).normal(0, 0.2, 4000)
        assert curves.noise(values) == pytest.approx(0.2, rel=0.05)

    def test_noise_does_not_see_a_spike_nor_a_constant_tail(self) -> None:
        values = np.random.default_rng(0).normal(1, 0.1, 400)
        usual = curves.noise(values)
        values[200] = 1e6
        assert curves.noise(values) == pytest.approx(usual, rel=0.05)
        assert curves.noise(np.append(values, [values[-1]] * 4000)) == pytest.approx(usual, rel=0.05)

    def test_theil_sen_is_scipys(self) -> None:
        stats = pytest.importorskip("scipy.stats")
        values = np.random.default_rng(0).normal(size=60).cumsum()
        assert curves.theil_sen(values) == pytest.approx(stats.theilslopes(values).slope)

    @pytest.mark.parametrize("epochs", [200, 201, 1000, 1999])
    def test_theil_sen_of_a_long_line(self, epochs: int) -> None:
        assert curves.theil_sen(np.arange(epochs, dtype=np.float64) * 0.5) == pytest.approx(0.5)

    def test_mann_kendall_by_hand(self) -> None:
        # S = 55 pairs - 1 tie; (S - 1) / sqrt(var)
        line = np.append(np.arange(10.0), 9.0)
        variance = (11 * 10 * 27 - 2 * 1 * 9) / 18  # one tie of two
        assert curves.mann_kendall(line) == pytest.approx(53 / math.sqrt(variance))
        assert curves.mann_kendall(np.ones(20)) == 0.0

    @pytest.mark.parametrize("n", [3, 4, 5, 6, 7])
    def test_mann_kendall_is_exact_on_few_values(self, n: int) -> None:
        orders = [np.array(order, float) for order in itertools.permutations(range(n))]
        scores = [curves.mann_kendall(order) for order in orders]
        for level in (0.2, 0.05, 0.01):
            quantile = NormalDist().inv_cdf(1 - level)
            assert np.mean([score >= quantile - 1e-9 for score in scores]) <= level
        assert NormalDist().cdf(-max(scores)) == pytest.approx(1 / len(orders))

    def test_gap_growth_starts_at_zero_with_dropout(self) -> None:
        history = {"loss": [4.0] * 5 + [1.0] * 5, "val_loss": [2.0] * 5 + [1.5] * 5}
        assert gap_growth(history) == pytest.approx(0.5)
        harder = {"loss": [2.0] * 5 + [1.0] * 5, "val_loss": [2.2] * 5 + [1.5] * 5}
        assert gap_growth(harder) == pytest.approx(0.3)


# --- the diagnosis ----------------------------------------------------------------------------------------------------


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


# --- two runs ---------------------------------------------------------------------------------------------------------


class TestCompare:
    def test_dropout_helps(self) -> None:
        found = compare(OVERFIT, HEALTHY)
        assert {"less_overfitting", "better_minimum"} <= found.names
        assert found.numbers["gap_growth_before"] > found.numbers["gap_growth_after"]
        assert {"more_overfitting", "worse_minimum"} <= compare(HEALTHY, OVERFIT).names

    def test_the_same_run_is_no_difference(self) -> None:
        assert compare(HEALTHY, HEALTHY).names == {"no_difference"}

    def test_faster(self) -> None:
        slow, fast = (
            {name: noisy(falling(pace=pace, epochs=100), 0.001, seed) for seed, name in enumerate(("loss", "val_loss"))}
            for pace in (0.06, 0.6)
        )
        assert compare(slow, fast).names == {"faster"}
        assert compare(fast, slow).names == {"slower"}

    def test_more_stable(self) -> None:
        rough = {"loss": noisy(falling(epochs=100), 0.02, 1), "val_loss": noisy(falling(epochs=100), 0.02, 2)}
        calm = {"loss": noisy(falling(epochs=100), 0.001, 1), "val_loss": noisy(falling(epochs=100), 0.001, 2)}
        assert "more_stable" in compare(rough, calm)
        assert "less_stable" in compare(calm, rough)

    def test_rescued(self) -> None:
        broken = {"loss": [math.nan] * 50, "val_loss": [math.nan] * 50}
        assert compare(broken, HEALTHY).names == {"rescued"}
        assert compare(HEALTHY, broken).names == {"broken"}
        assert compare(broken, broken).names == {"no_difference"}

    def test_without_validation(self) -> None:
        assert "less_overfitting" not in compare({"loss": OVERFIT["loss"]}, {"loss": HEALTHY["loss"]})

    @pytest.mark.parametrize("before", [HEALTHY, OVERFIT, {"loss": [math.nan]}, {"loss": [1.0]}, {"loss": [0.0, 0.0]}])
    @pytest.mark.parametrize("after", [HEALTHY, OVERFIT, {"loss": [math.inf]}, {"loss": [1.0]}, {"loss": [-1.0, 2.0]}])
    def test_never_raises_and_has_its_sentences(
        self, before: dict[str, list[float]], after: dict[str, list[float]]
    ) -> None:
        found = compare(before, after)
        assert found.names
        for name in found.names:
            assert "{" not in Finding(f"compare.{name}", params=found.numbers).message

    def test_what_is_no_history_says_so(self) -> None:
        with pytest.raises(NotCurves):
            compare(None, HEALTHY)


# --- plausibility -----------------------------------------------------------------------------------------------------


def test_typed_values_are_not_float32() -> None:
    values = [float(np.float32(value)) for value in HEALTHY["loss"]]
    assert float32_values({"loss": [*values, math.nan, math.inf]})
    assert not float32_values({"loss": [*values, 0.1912]})
    assert not float32_values({"loss": values, "val_loss": [round(value, 4) for value in values]})


# --- recorded runs ----------------------------------------------------------------------------------------------------


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


# --- how sure a verdict is --------------------------------------------------------------------------------------------

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
