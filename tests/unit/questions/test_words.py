"""What a teacher who sees what happened would say: in the notebook and on the grader's page, in both languages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import classroom
import keras
import numpy as np
import pytest
from keras import layers

from checker.assignments import challenge, spotify
from checker.grading.assess import assess
from checker.language import using
from checker.questions import NetworkQuestion
from checker.questions.evidence import Folder, read
from checker.report import Report

pytestmark = pytest.mark.slow

HIDDEN = (128, 64)


def functional(call: Callable[[Any, int], Any]) -> Any:
    """The Spotify network, ``call`` between its hidden layers and what follows them."""
    inputs = x = keras.Input((18,))
    for number, units in enumerate(HIDDEN):
        x = call(layers.Dense(units, activation="relu")(x), number)
    return keras.Model(inputs, layers.Dense(1)(x))


def unassigned(x: Any, number: int) -> Any:
    layers.Dropout(0.3)(x)
    return x


class Unassigned(keras.Model):
    """A model of the learner's own whose ``call`` forgets the results."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = [layers.Dense(units, activation="relu") for units in HIDDEN]
        self.drop = [layers.Dropout(0.3) for _ in HIDDEN]
        self.out = layers.Dense(1)

    def call(self, x: Any) -> Any:
        for hidden, drop in zip(self.hidden, self.drop, strict=True):
            x = hidden(x)
            drop(x)
        return self.out(x)


def first_unassigned() -> Any:
    """The concrete network, the first batch normalization called for nothing."""
    inputs = x = keras.Input((8,))
    layers.BatchNormalization()(inputs)
    for _ in range(3):
        x = layers.BatchNormalization()(layers.Dense(512, activation="relu")(x))
    return keras.Model(inputs, layers.Dense(1)(x))


def wine(*parts: Any) -> Any:
    return keras.Sequential([keras.Input((11,)), layers.BatchNormalization(), layers.Dense(32, "relu"), *parts])


def wine_unassigned() -> Any:
    inputs = keras.Input((11,))
    x = layers.Dense(32, activation="relu")(layers.BatchNormalization()(inputs))
    layers.Dropout(0.2)(x)
    return keras.Model(inputs, layers.Dense(1)(x))


class OwnDropout(layers.Dropout):
    def call(self, inputs: Any, training: bool = False) -> Any:
        return inputs * 1.0


def design(*after: Any, first: Any = None) -> Any:
    """A design for the challenge with these layers after its hidden one."""
    hidden = layers.Dense(32, activation="relu")
    return keras.Sequential([keras.Input((11,)), first or layers.BatchNormalization(), hidden, *after, layers.Dense(1)])


def concrete(normalization: Callable[[], Any]) -> Any:
    hidden = [layer for _ in range(3) for layer in (normalization(), layers.Dense(512, activation="relu"))]
    return keras.Sequential([keras.Input((8,)), *hidden, normalization(), layers.Dense(1)])


NETWORKS: dict[str, tuple[Any, Callable[[], Any], list[str], str]] = {
    # question, model, codes, what the first sentence holds
    "a call whose result is not kept": (
        spotify.q1,
        lambda: functional(unassigned),
        ["layer.missing:unassigned"] * 2,
        "`x = keras.layers.Dropout(0.3)(x)`",
    ),
    "the same in a call of one's own": (
        spotify.q1,
        Unassigned,
        ["layer.missing:unassigned"] * 2,
        "`x = keras.layers.Dropout(0.3)(x)`",
    ),
    "the same at the start": (
        spotify.q3,
        first_unassigned,
        ["layer.missing:unassigned_first"],
        "`x = keras.layers.BatchNormalization()(inputs)`",
    ),
    "the same where any place will do": (
        challenge.q1,
        wine_unassigned,
        ["layer.missing:unassigned"],
        "`x = keras.layers.Dropout(0.2)(x)`",
    ),
    "alpha dropout where any place will do": (
        challenge.q1,
        lambda: design(layers.AlphaDropout(0.2)),
        ["layer.replaced:alpha"],
        "selu",
    ),
    "spatial dropout between other shapes": (
        challenge.q1,
        lambda: design(layers.Reshape((4, 8)), layers.SpatialDropout1D(0.2), layers.Flatten()),
        ["layer.replaced:spatial"],
        "SpatialDropout1D(0.2)",
    ),
    "gaussian noise": (
        challenge.q1,
        lambda: design(layers.GaussianNoise(0.2)),
        ["layer.replaced:noise"],
        "GaussianNoise(0.2)",
    ),
    "dropout of one's own": (
        challenge.q1,
        lambda: design(OwnDropout(0.2)),
        ["layer.replaced:own"],
        "`keras.layers.Dropout(0.2)`",
    ),
    "layer normalization": (
        challenge.q1,
        lambda: design(layers.Dropout(0.2), first=layers.LayerNormalization()),
        ["layer.replaced:rows"],
        "LayerNormalization()",
    ),
    "layer normalization for each batch normalization": (
        spotify.q3,
        lambda: concrete(layers.LayerNormalization),
        ["layer.replaced:rows"] * 4,
        "LayerNormalization()",
    ),
    "normalization that was adapted": (
        challenge.q1,
        lambda: design(layers.Dropout(0.2), first=layers.Normalization()),
        ["layer.replaced:adapted"],
        "Normalization()",
    ),
    "alpha dropout": (
        spotify.q1,
        lambda: functional(lambda x, _: layers.AlphaDropout(0.3)(x)),
        ["layer.replaced:alpha"] * 2,
        "selu",
    ),
    "gaussian dropout": (
        spotify.q1,
        lambda: functional(lambda x, _: layers.GaussianDropout(0.3)(x)),
        ["layer.replaced:gaussian"] * 2,
        "`GaussianDropout(0.3)`",
    ),
}


def said(report: Report) -> dict[str, list[str]]:
    """All sentences, by language."""
    found = {}
    for language in ("en", "zh"):
        with using(language):
            found[language] = [finding.message for finding in report.findings]
    return found


def both(question: NetworkQuestion, model: Any, history: Any = None) -> tuple[Report, Report]:
    graded = replace(question, graded=True)
    live = graded.evaluate(model=model, history=history)
    graded.grade(model, history)
    return live, graded.judge(graded.from_evidence(read(Folder(), question.id)))


@pytest.mark.parametrize("name", NETWORKS)
def test_what_happened_to_the_network_is_said(name: str) -> None:
    question, build, codes, words = NETWORKS[name]
    question = replace(question, training=None)
    model = build()
    if not model.built:
        model(np.zeros((2, 18), "float32"))
    model.compile("adam", "mae")
    live, graded = both(question, model)
    assert said(live) == said(graded)
    assert words in said(live)["en"][0]
    assert words in said(live)["zh"][0]
    if codes:
        assert [finding.code for finding in live.findings if finding.name != "network.rule"] == codes


def test_layers_that_lead_nowhere_do_not_disturb_a_right_network() -> None:
    model = functional(lambda x, _: (layers.Dropout(0.5)(x), layers.Dropout(0.3)(x))[1])
    model.compile("adam", "mae")
    live, graded = both(replace(spotify.q1, training=None), model)
    assert live.passed
    assert graded.passed


def test_a_network_without_such_a_call_is_told_to_add_the_layer() -> None:
    model = functional(lambda x, _: x)
    layers.Dropout(0.3)(keras.Input((5,)))  # somewhere else
    model.compile("adam", "mae")
    live, _ = both(replace(spotify.q1, training=None), model)
    assert [finding.code for finding in live.findings] == ["layer.missing", "layer.missing"]


# --- histories --------------------------------------------------------------------------------------------------------


def run(epochs: int, first: int = 0, **fit: Any) -> tuple[Any, Any]:
    """A right network, hardly trained."""
    model = functional(lambda x, _: layers.Dropout(0.3)(x))
    model.compile("adam", "mae", run_eagerly=True)
    chance = np.random.default_rng(0)
    x, y = chance.random((32, 18), "float32"), chance.random(32).astype("float32")
    fit = {"validation_data": (x, y), "verbose": 0, "batch_size": 32, **fit}
    return model, model.fit(x, y, initial_epoch=first, epochs=first + epochs, **fit)


def test_validation_freq_is_named() -> None:
    live, graded = both(spotify.q1, *run(4, validation_freq=2))
    assert said(live) == said(graded)
    assert [finding.code for finding in live["curves"].findings] == ["history.unequal"]
    assert all("`validation_freq`" in sentences[0] for sentences in said(live).values())


def test_a_history_that_begins_late_is_named() -> None:
    """The weights prove the few epochs, and the sentence says where the others are."""
    from checker import datasets

    split = datasets.split("spotify")
    model, _ = run(1)
    rows = {"validation_data": (split.X_valid, split.y_valid), "batch_size": 512, "verbose": 0}
    history = model.fit(split.X_train[:512], split.y_train[:512], initial_epoch=40, epochs=43, **rows)
    live, graded = both(spotify.q1, model, history)
    assert said(live) == said(graded)
    assert [finding.code for finding in live["curves"].findings] == ["history.short:continued"]
    assert all("`initial_epoch=40`" in sentences[0] for sentences in said(live).values())


# --- readings ---------------------------------------------------------------------------------------------------------


def reading(effect: Any, number: Any, before: str = "plain", after: str = "dropout") -> tuple[Report, Report]:
    """q2 as answered in the notebook, and as a grader sees it beside the proved network of q1."""
    archive, record = classroom.trained("dropout")
    classroom.put_evidence(Folder().folder, "q1", archive, record)
    given = effect, number, classroom.history(before), classroom.history(after)
    live = spotify.q2.evaluate(*given)
    spotify.q2.grade(*given)
    return live, assess(spotify.assignment, Folder())["q2"].report


def best() -> int:
    return int(np.argmin(classroom.history("plain")["val_loss"])) + 1


def test_letters_and_numbers_as_people_type_them_are_right() -> None:
    where = np.where(np.array(classroom.history("plain")["val_loss"]) == min(classroom.history("plain")["val_loss"]))
    for effect, number in (("ａ", best()), ("（Ａ）", where[0]), (" A。", where), ("“a”", np.int64(best()))):
        live, graded = reading(effect, number)
        assert live.points == graded.points == spotify.q2.points, (effect, number)


MISTYPED: dict[str, tuple[Any, str]] = {
    "text": (lambda: str(best()), "number.text"),
    "bytes": (lambda: str(best()).encode(), "number.text"),
    "full-width digits": (lambda: "１２", "number.text"),
    "several": (lambda: np.array([3, 4]), "number.several"),
    "a word": (lambda: "twelve", "number.not_a_number"),
    "nothing": (lambda: None, "reading.unanswered"),
}


@pytest.mark.parametrize("name", MISTYPED)
def test_what_is_no_number_is_said(name: str) -> None:
    make, code = MISTYPED[name]
    live, graded = reading("a", make())
    assert [finding.code for finding in live.findings] == [code]
    assert said(live) == said(graded)
    assert live.points == graded.points == spotify.q2.points / 2


@pytest.mark.parametrize("effect", [["a"], 1, "x" * 99, "e"])
def test_what_is_no_letter_is_said(effect: Any) -> None:
    live, graded = reading(effect, best())
    assert [finding.name for finding in live.findings] == ["choice.unknown"]
    assert said(live) == said(graded)


def test_two_runs_handed_in_the_wrong_way_round() -> None:
    live, graded = reading("a", best(), before="dropout", after="plain")
    assert [finding.code for finding in live.findings] == ["reading.swapped"]
    assert said(live) == said(graded)
    assert live.points == graded.points == 0.0
    assert graded.unsettled == ""


def test_runs_of_other_networks_are_not_called_swapped() -> None:
    live, graded = reading("c", best(), before="dropout-half", after="dropout-once")
    assert "reading.swapped" not in [finding.code for finding in live.findings]
    assert graded.unsettled == "evidence.other_run"
