"""What the notebook says is what the grade says: every model and run, live and through saved evidence, one report.

The evidence lies in the folder and in the saved notebook: each alone gives the grade.

Where the two readers cannot see the same, ``REASONS`` says why; a row that is no longer needed fails, too.
"""

from __future__ import annotations

from typing import Any

import kernel
import pytest
from assignments import training_of
from models import designs, mutants, right, wrong
from models.case import Case

from checker.assignments import challenge, spotify
from checker.grading.carried import carried, counting
from checker.questions import NetworkQuestion, evidence
from checker.questions.evidence import Folder, read
from checker.report import Report, Section

pytestmark = pytest.mark.slow

CASES = [*right.cases(), *wrong.cases(), *mutants.cases(), *designs.cases()]
QUESTIONS = {
    "q1": spotify.q1,
    "q3": spotify.q3,
    **{name: NetworkQuestion(id=name, title=name, network=network) for name, network in designs.DESIGNS.items()},
}
REASONS: dict[str, str] = {}
"""Why the saved twin of a case may be judged otherwise, by the case's name."""


def both(question: NetworkQuestion, model: Any, **history: Any) -> tuple[Report, Report]:
    """The report on live objects, and the one on the evidence that their check leaves."""
    live = question.evaluate(model=model, **history)
    with kernel.display() as shown:
        result = shown(points := question.grade(model, history.get("history")))
    graded = question.judge(question.from_evidence(read(Folder(), question.id)))
    carried_alone = counting(carried(kernel.notebook({question.id: result}), lambda cell: cell["id"]), {})[0]
    alone = question.judge(question.from_evidence(read(carried_alone, question.id)))
    assert result["text/plain"] == repr(points)
    assert alone.to_dict() == graded.to_dict(), "the notebook alone says something else than the folder"
    return live, graded


def comparable(section: Section) -> tuple[Any, ...]:
    """A section but for the learner's names of things, which only a live object has."""
    codes = [(finding.code, finding.severity, finding.position) for finding in section.findings]
    return section.name, section.passed, section.points, codes, section.unsettled


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_network_and_its_saved_twin_get_the_same_report(case: Case) -> None:
    from dataclasses import replace

    question = replace(QUESTIONS[case.question], graded=True, training=None)
    live, graded = both(question, case.build())
    same = [comparable(section) for section in live] == [comparable(section) for section in graded]
    if str(case) in REASONS:
        assert not same, "no longer needed in REASONS"
    else:
        assert same, f"\n{list(map(comparable, live))}\n{list(map(comparable, graded))}"


@pytest.mark.parametrize("name", ["plain", "q1", "unscaled", "q3"])
def test_a_run_and_its_saved_twin_get_the_same_report(name: str, runs: Any) -> None:
    question = spotify.q1 if name in ("plain", "q1") else spotify.q3
    live, graded = both(question, runs[name].model, history=runs[name].history)
    assert list(map(comparable, live)) == list(map(comparable, graded))


def wine(epochs: int, **fit: Any) -> tuple[Any, Any]:
    """A challenge network, trained."""
    import keras

    from checker import datasets

    split = datasets.split("red-wine")
    keras.utils.set_random_seed(3)
    model = eval(challenge.q1.network.code(), {"keras": keras, "layers": keras.layers})
    model.compile("adam", "mae")
    validation = (split.X_valid, split.y_valid)
    history = model.fit(
        split.X_train, split.y_train, validation_data=validation, batch_size=64, epochs=epochs, verbose=0, **fit
    )
    return model, history


@pytest.fixture(scope="module")
def stopped() -> tuple[Any, Any]:
    """A challenge network whose best weights were restored."""
    import keras

    return wine(40, callbacks=[keras.callbacks.EarlyStopping(patience=12, min_delta=1e-3, restore_best_weights=True)])


def test_restored_weights_reach_the_target_live_and_graded(stopped: tuple[Any, Any]) -> None:
    """The best loss meets a target that the last does not; the weights are the best epoch's."""
    from dataclasses import replace

    model, history = stopped
    values = history.history["val_loss"]
    best = float(model.evaluate(*_validation(), verbose=0))
    assert best < values[-1]
    training = replace(training_of(challenge.q1), target=(best + values[-1]) / 2, forbidden=("diverged",))
    live, graded = both(replace(challenge.q1, training=training), model, history=history)
    assert live.points == graded.points == challenge.q1.points
    assert list(map(comparable, live)) == list(map(comparable, graded))


def test_weights_of_any_epoch_prove_the_curve(stopped: tuple[Any, Any]) -> None:
    """Weights restored by hand from the middle of the training."""
    import keras

    kept: list[Any] = []
    keep = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: kept.append(model_of[0].get_weights()) if epoch == 9 else None
    )
    model_of: list[Any] = []

    class Remember(keras.callbacks.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            model_of.append(self.model)

    model, history = wine(22, callbacks=[Remember(), keep])
    model.set_weights(kept[0])
    live, graded = both(challenge.q1, model, history=history)
    assert live["curves"].unsettled == graded["curves"].unsettled == ""
    assert "history.stale" not in [finding.code for finding in live.findings]
    assert list(map(comparable, live)) == list(map(comparable, graded))


def test_weights_of_no_epoch_are_not_settled_and_not_called_forged(stopped: tuple[Any, Any]) -> None:
    import keras

    model, history = stopped
    averaged = keras.models.clone_model(model)
    averaged.compile("adam", "mae")
    averaged.set_weights([weight * 0.97 for weight in model.get_weights()])
    live, graded = both(challenge.q1, averaged, history=history)
    assert live["curves"].unsettled == graded["curves"].unsettled == "history.other_model"
    assert live.points == graded.points
    live, graded = both(challenge.q1, averaged, history=history.history)
    assert live["curves"].unsettled == graded["curves"].unsettled == "history.stale"


def test_a_model_loaded_or_cloned_is_as_good_as_the_one_that_trained(stopped: tuple[Any, Any]) -> None:
    import keras

    model, history = stopped
    clone = keras.models.clone_model(model)
    clone.compile("adam", "mae")
    clone.set_weights(model.get_weights())
    model.save("mine.keras")
    for other in (clone, keras.models.load_model("mine.keras")):
        live, graded = both(challenge.q1, other, history=history)
        assert live["curves"].unsettled == ""
        assert live.points == graded.points == challenge.q1.evaluate(model=model, history=history).points


def test_a_layer_of_one_s_own_is_seen_by_both_readers() -> None:
    import keras
    from keras import layers

    class Block(layers.Layer):
        def __init__(self, units: int) -> None:
            super().__init__()
            self.dense, self.drop = layers.Dense(units, activation="relu"), layers.Dropout(0.3)

        def call(self, inputs: Any) -> Any:
            return self.drop(self.dense(inputs))

    class Two(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = Block(128), Block(64)

        def call(self, inputs: Any) -> Any:
            return self.two(self.one(inputs))

    for hidden in ([Block(128), Block(64)], [Two()], [keras.Sequential([Block(128), Block(64)])]):
        model = keras.Sequential([keras.Input((18,)), *hidden, layers.Dense(1)])
        model.compile("adam", "mae")
        live, graded = both(spotify.q1, model)
        assert live["architecture"].passed
        assert graded["architecture"].passed
        inputs = keras.Input((18,))
        outputs = inputs
        for layer in hidden:
            outputs = layer(outputs)
        functional = keras.Model(inputs, layers.Dense(1)(outputs))
        functional.compile("adam", "mae")
        assert both(spotify.q1, functional)[1]["architecture"].passed


def test_where_nothing_can_be_written_no_older_evidence_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    assert evidence.save("q1", None, record={"history": {"loss": [1.0]}})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("checker._files.replace", full)
    assert not evidence.save("q1", None, record={"history": {"loss": [0.5]}})
    assert read(Folder(), "q1").problems == ("evidence.missing",)


def _validation() -> tuple[Any, Any]:
    from checker import datasets

    split = datasets.split("red-wine")
    return split.X_valid, split.y_valid


# --- what satisfies the words of the challenge ------------------------------------------------------------------------


def _designs() -> dict[str, Any]:
    from keras import Input, Model, layers

    def chain(*stack: Any) -> Any:
        import keras

        return keras.Sequential([Input((11,)), *stack])

    def skip() -> Any:
        inputs = Input((11,))
        x = layers.BatchNormalization()(inputs)
        x = hidden = layers.Dense(32, activation="relu")(x)
        x = layers.Dropout(0.2)(x)
        x = layers.Add()([hidden, layers.Dense(32, activation="relu")(x)])
        return Model(inputs, layers.Dense(1)(x))

    body = [layers.BatchNormalization(), layers.Dense(32, activation="relu"), layers.Dropout(0.2)]
    return {
        "skip connection": skip(),
        "a second, small dropout": chain(*body, layers.Dense(16), layers.Dropout(0.02), layers.Dense(1)),
        "no bias": chain(*body, layers.Dense(1, use_bias=False)),
        "a regularizer": chain(*body, layers.Dense(1, kernel_regularizer="l2")),
    }


def test_whatever_satisfies_the_words_of_the_challenge_is_accepted() -> None:
    for name, model in _designs().items():
        model.compile("adam", "mae")
        live, graded = both(challenge.q1, model)
        assert live["architecture"].passed, (name, live.findings)
        assert graded["architecture"].passed, name


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
def test_other_arithmetic_is_proved(policy: str) -> None:
    import keras

    keras.config.set_dtype_policy(policy)
    try:
        model, history = wine(21)
    finally:
        keras.config.set_dtype_policy("float32")
    live, graded = both(challenge.q1, model, history=history)
    assert live["curves"].unsettled == graded["curves"].unsettled == ""
    codes = {finding.name for finding in live.findings}
    assert not codes & {"history.rounded", "history.stale", "compile.optimizer"}, codes
    assert list(map(comparable, live)) == list(map(comparable, graded))


def test_another_reduction_of_the_loss_is_named() -> None:
    import keras
    from models.case import sequential

    model = sequential("D128r d.3 D64r d.3 D1", 18)
    model.compile("adam", keras.losses.MeanAbsoluteError(reduction="sum"))
    history = {"loss": [90.0 - step for step in range(50)], "val_loss": [95.0 - step for step in range(50)]}
    live, graded = both(spotify.q1, model, history=history)
    for report in (live, graded):
        assert report["curves"].findings[0].code == "compile.loss"
        assert 'reduction="sum"' in report["curves"].findings[0].message


def test_a_layer_that_raises_when_it_is_looked_at_costs_nothing() -> None:
    import keras
    from keras import layers

    from checker.questions import Facts

    class Touchy(layers.Layer):
        @property
        def dtype_policy(self) -> Any:
            raise RuntimeError("do not look")

        @dtype_policy.setter
        def dtype_policy(self, value: Any) -> None: ...

        def call(self, inputs: Any) -> Any:
            return inputs

    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    model._layers.append(Touchy.__new__(Touchy))
    assert Facts.of(model, None).policy in ("", "float32")


# --- what the two readers must not be talked into ---------------------------------------------------------------------


def test_invented_curves_without_a_network_prove_no_reading() -> None:
    import classroom

    from checker.grading.assess import assess

    before, after = classroom.history("plain"), classroom.history("dropout")
    for model in (None, ["a", "list"]):
        spotify.q1.grade(model, after)  # curves alone, as anybody can type them
        spotify.q2.grade("a", 25, before, after)
        assessed = assess(spotify.assignment, Folder())
        assert assessed["q1"].report.points == 0
        assert assessed["q2"].report.unsettled == "evidence.other_run"


def test_a_graph_cannot_claim_fewer_weights_than_it_has() -> None:
    import io
    import json
    import zipfile

    import keras
    from keras import layers

    from checker.blueprint import Blueprint, Graph
    from checker.reading.graph_file import graph_archive

    model = keras.Sequential(
        [keras.Input((11,)), layers.RMSNormalization(), layers.Dense(64, activation="relu"), layers.Dense(1)]
    )
    honest = graph_archive(Graph.of(model))
    with zipfile.ZipFile(io.BytesIO(honest)) as source:
        members = {name: source.read(name) for name in source.namelist()}
    config = json.loads(members["config.json"])
    for node in config["nodes"]:
        node["parameters"] = -1_000_000
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as target:
        for name, content in {**members, "config.json": json.dumps(config).encode()}.items():
            target.writestr(name, content)
    assert Blueprint.load(packed.getvalue()).parameters == Blueprint.load(honest).parameters == model.count_params()
