"""Whether a history is really this model's, and what a training run must show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from assignments import training_of

from checker.assignments import spotify
from checker.curves import Curves
from checker.questions import NetworkAnswer
from checker.questions.answer import NOT_ASKED
from checker.questions.training import Verdict, close
from checker.questions.training import judge as judge_answer
from checker.report import Severity

pytestmark = pytest.mark.slow


def judge(training: Any, history: Any, model: Any = NOT_ASKED) -> Verdict:
    return judge_answer(training, NetworkAnswer.from_kernel(None, model, history))


def codes(training: Any, *arguments: Any, **more: Any) -> list[str]:
    return [
        finding.code for finding in judge(training, *arguments, **more).findings if finding.severity is Severity.ERROR
    ]


def test_the_reference_runs_pass(runs: Any) -> None:
    for name, question in (("q1", spotify.q1), ("q3", spotify.q3)):
        run = runs[name]
        report = question.evaluate(model=run.model, history=run.history)
        assert report.passed, report.to_dict()
        assert report.points == question.points


def test_the_unchanged_starters_earn_nothing(runs: Any) -> None:
    for name, question in (("plain", spotify.q1), ("unscaled", spotify.q3)):
        run = runs[name]
        report = question.evaluate(model=run.model, history=run.history)
        assert not report["architecture"].passed
        assert report.points == 0.0


def test_without_dropout_the_curves_overfit(runs: Any) -> None:
    verdict = judge(spotify.q1.training, runs["plain"].history, runs["plain"].model)
    assert verdict.diagnosis is not None
    assert "overfitting" in verdict.diagnosis
    assert not verdict.passed


def test_without_batch_normalization_training_diverges(runs: Any) -> None:
    assert codes(spotify.q3.training, runs["unscaled"].history, runs["unscaled"].model) == ["curve.diverged"]


def test_the_history_s_dictionary_is_as_good(runs: Any) -> None:
    run = runs["q1"]
    assert spotify.q1.evaluate(model=run.model, history=run.history.history).passed


def test_a_history_of_another_model_object(runs: Any) -> None:
    """What the weights prove outranks who owns the object."""
    import keras

    copy = keras.models.clone_model(runs["q1"].model)
    copy.compile("adam", "mae")
    assert codes(spotify.q1.training, runs["q1"].history, copy) == ["history.other_model"]
    copy.set_weights(runs["q1"].model.get_weights())
    assert codes(spotify.q1.training, runs["q1"].history, copy) == []


def test_a_stale_kernel_still_holds_the_other_data(runs: Any) -> None:
    assert codes(spotify.q1.training, runs["q3"].history) == ["history.scale"]
    assert codes(spotify.q3.training, runs["q1"].history) == ["history.scale"]


def test_weights_that_do_not_give_the_last_loss(runs: Any) -> None:
    """The build cell was run again after training, and the old losses handed in as a dictionary."""
    import keras

    untrained = keras.models.clone_model(runs["q1"].model)
    untrained.compile("adam", "mae")
    assert codes(spotify.q1.training, runs["q1"].history.history, untrained) == ["history.stale"]


def test_a_shortened_history(runs: Any) -> None:
    whole = runs["q1"].history.history
    half = {name: values[:25] for name, values in whole.items()}
    assert codes(spotify.q1.training, half, runs["q1"].model) == ["history.stale"]
    assert codes(spotify.q1.training, half) == ["history.short"]


def test_typed_in_losses_are_noticed(runs: Any) -> None:
    rounded = {name: [round(value, 4) for value in values] for name, values in runs["q1"].history.history.items()}
    verdict = judge(spotify.q1.training, rounded)
    assert "history.rounded" in [finding.code for finding in verdict.findings]


def test_best_weights_may_be_restored(runs: Any) -> None:
    import keras

    from checker import datasets

    split = datasets.split("spotify")
    keras.utils.set_random_seed(1)
    model = eval(spotify.q1.network.code(), {"keras": keras, "layers": keras.layers})
    model.compile("adam", "mae")
    stop = keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True, start_from_epoch=30)
    history = model.fit(
        split.X_train,
        split.y_train,
        validation_data=(split.X_valid, split.y_valid),
        batch_size=512,
        epochs=60,
        callbacks=[stop],
        verbose=0,
    )
    assert codes(spotify.q1.training, history.history, model) == []


def test_other_validation_data_are_named_where_keras_vouches_for_the_run(runs: Any) -> None:
    import keras

    from checker import datasets

    split = datasets.split("concrete")
    model = eval(spotify.q3.network.code(), {"keras": keras, "layers": keras.layers})
    model.compile("sgd", "mae")
    history = model.fit(split.X_train, split.y_train, validation_split=0.3, batch_size=64, epochs=2, verbose=0)
    found = judge(replace(training_of(spotify.q3), least_epochs=1), history, model).findings
    assert ("history.other_split", Severity.ERROR) in [(finding.code, finding.severity) for finding in found]


@pytest.mark.parametrize("optimizer", ["rmsprop", "adam"])
def test_another_optimizer_than_asked_for(optimizer: str, runs: Any) -> None:
    import keras

    model = keras.models.clone_model(runs["q3"].model)
    model.compile(optimizer, "mae")
    report = spotify.q3.evaluate(model=model, history=runs["q3"].history.history)
    assert "compile.optimizer" in [finding.code for finding in report["curves"].findings]


def test_a_target_has_to_be_reached(runs: Any) -> None:
    last = runs["q3"].history.history["val_loss"][-1]
    reach, miss = (replace(training_of(spotify.q3), target=last * factor) for factor in (1.001, 0.9))
    assert codes(reach, runs["q3"].history, runs["q3"].model) == []
    assert codes(miss, runs["q3"].history, runs["q3"].model) == ["curve.target"]


def test_closeness_is_relative_and_knows_failures() -> None:
    nan, inf = float("nan"), float("inf")
    assert close(1.0, 1.00005)
    assert not close(1.0, 1.001)
    assert close(nan, inf)
    assert not close(nan, 1.0)


def test_curves_without_validation_are_told(runs: Any) -> None:
    only_loss = Curves(tuple(runs["q1"].history.history["loss"]))
    assert codes(spotify.q1.training, only_loss) == ["curve.no_validation"]
