"""The assignment "clinic": broken trainings on the course's data, each with one planted fault to find and to repair.

The curves in ``clinic-runs.json`` are recorded, the limits are measured: ``clinic-calibration.csv`` beside this file has
the broken trainings, their repairs and plausible wrong repairs over many seeds. Both are written by ``python -m checker
calibrate clinic``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from checker import datasets
from checker.expect import BatchNormalization, Dense, Dropout, Network, at_least, between
from checker.language import N_
from checker.questions import Assignment, Cause, Level, Recipe, RepairQuestion, Rubric, Training
from checker.report import restored

RUNS: Mapping[str, Any] = restored(json.loads(Path(__file__).with_name("clinic-runs.json").read_text("utf-8")))
"""The curves of the broken trainings, by question."""

CAUSES = {
    "rate": Cause(
        N_("The learning rate is too high."),
        N_("Compare the learning rate with that of the healthy training: is it larger here?"),
    ),
    "scale": Cause(
        N_("The features are on very different scales, and nothing brings them to one."),
        N_("If that were so, the dense layers would see the raw features. Which layer do these meet first?"),
    ),
    "dropout": Cause(
        N_("Dropout takes away so much that hardly anything gets through."),
        N_("If that were so, a dropout layer would have a rate close to 1. Is there one?"),
    ),
    "after_output": Cause(
        N_("A layer after the output distorts the predictions."),
        N_("If that were so, some layer would stand behind `Dense(1)`. Does one?"),
    ),
    "units": Cause(
        N_("A hidden layer has too few units."),
        N_("Count the units of the hidden layers: the healthy training has 64 in each, and needs no more."),
    ),
    "targets": Cause(
        N_("In the training data, rows and targets do not belong together."),
        N_(
            "If that were so, rows or targets would be put into another order somewhere, or be exchanged. Follow `y_train` through the code."
        ),
    ),
    "dropout_first": Cause(
        N_("Dropout shuts off features before any layer has made use of them."),
        N_("If that were so, a dropout layer would come first. Which layer do the features meet first?"),
    ),
    "epochs": Cause(
        N_("The training ended long before it was finished."),
        N_(
            "If that were so, both losses would still fall steeply at the end, after far fewer epochs than in the healthy training."
        ),
    ),
    "leak": Cause(
        N_("Rows of the validation data are among the training data."),
        N_(
            "If that were so, the validation loss would be better than any honest network's. And some line would have to put these rows into the training data."
        ),
    ),
    "overfitting": Cause(
        N_("The network overfits: it memorises the training data."),
        N_(
            "In overfitting the training loss falls on and on while the validation loss does not. Does the training loss do that here?"
        ),
    ),
    "none": Cause(
        N_("Nothing is wrong: the network is simply good."),
        N_(
            "Networks of this kind come down to about 0.5 on these wines. Where something is much better than all before it, look for the reason before you are glad."
        ),
    ),
}
"""What may be wrong with a training, and what one would see then."""


def _lettered(*names: str) -> Mapping[str, Cause]:
    """Causes to choose from, by letter."""
    return {letter: CAUSES[name] for letter, name in zip("abcdefgh", names, strict=False)}


_SHAPE = (datasets.features("concrete"),)
_BN = BatchNormalization()
_HIDDEN = Dense(64, activation="relu")
_OUT = Dense(1)


def _concrete(*layers: Any) -> Network:
    return Network(*layers, input_shape=_SHAPE)


_sound = _concrete(_BN, _HIDDEN, _HIDDEN, _OUT)

HEALTHY = Recipe(network=_sound, learning_rate=0.01, batch_size=64, epochs=40)
"""The training that all cases on concrete are to be compared with."""

_wine = Recipe(
    network=Network(
        _BN,
        Dense(256, activation="relu"),
        Dense(256, activation="relu"),
        _OUT,
        input_shape=(datasets.features("red-wine"),),
    ),
    learning_rate=0.01,
    batch_size=128,
    epochs=40,
)

REACHED = 7.2
"""Validation loss in MPa that repaired trainings on concrete reach, and broken ones do not."""

REACHED_WITH_DROPOUT, REACHED_WITH_MUCH_DROPOUT = 8.5, 9.3
"""The same where a repair may keep dropout between the hidden layers, or half of their units: it costs something."""

REACHED_BY_SGD = 10.0
"""The same for the training with SGD, which is slower."""

HONEST = 0.43
"""Validation loss in points of quality that no network on red wine has reached on rows that it had not seen."""


def _training(data: str, recipe: Recipe, **symptom: Any) -> Training:
    return Training(
        data=data,
        optimizer=recipe.optimizer,
        loss="mae",
        batch_size=recipe.batch_size,
        epochs=40,
        least_epochs=20,
        **symptom,
    )


_FAILS: Any = {"forbidden": ("diverged", "dead_start", "underfitting", "too_short"), "limits": {"minimum": REACHED}}
"""The symptom of a training on concrete that learns too little."""

_rate = replace(HEALTHY, learning_rate=0.5)
_raw = replace(
    HEALTHY,
    network=_concrete(*[Dense(128, activation="relu")] * 3, _OUT),
    optimizer="sgd",
    learning_rate=0.01,
)
_starved = replace(HEALTHY, network=_concrete(_BN, _HIDDEN, _HIDDEN, Dropout(0.95), _OUT))
_distorted = replace(HEALTHY, network=_concrete(_BN, _HIDDEN, _HIDDEN, _OUT, _BN))
_narrow = replace(HEALTHY, network=_concrete(_BN, Dense(1, activation="relu"), _HIDDEN, _OUT))
_mixed_up = replace(
    HEALTHY,
    paired=False,
    preparation="""\
rng = np.random.default_rng(0)
X_train = X_train[rng.permutation(len(X_train))]  # the rows in random order
y_train = y_train[rng.permutation(len(y_train))]""",
)
_thinned = replace(HEALTHY, network=_concrete(Dropout(0.5), _BN, _HIDDEN, _HIDDEN, _OUT))
_short = replace(HEALTHY, epochs=5)
_leaking = replace(
    _wine,
    apart=False,
    preparation="""\
X_train = np.concatenate([X_train, X_valid])  # the more rows, the better
y_train = np.concatenate([y_train, y_valid])""",
)


def _rubric(wrong: str, half: str, whole: str, *errors: str) -> Rubric:
    """How one sentence on a case is marked: a sample for each level, and what to look for."""
    return Rubric(
        levels=(
            Level(0.0, N_("Names no cause or a wrong one, or says only what the curves look like."), wrong),
            Level(1.0, N_("Names the cause, but does not say how it makes the curves look as they do."), half),
            Level(2.0, N_("Names the cause, and says how it leads to what the curves show."), whole),
        ),
        common_errors=errors,
    )


RUBRICS = {
    "q1-explanation": _rubric(
        N_("The network could not learn the data."),
        N_("The learning rate was too high."),
        N_(
            "With a rate of 0.5 the first steps threw the weights so far that the units answer 0 for every row, so only one number is left to learn for all rows, and the loss stays where guessing it leaves it."
        ),
        N_('"It needs more epochs." From epoch 10 on nothing changes any more, however long it goes on.'),
    ),
    "q2-explanation": _rubric(
        N_("The loss was much too high, so the network was bad."),
        N_("The features had different scales."),
        N_(
            "SGD's steps grow with the inputs, and these reach over a thousand, so the weights and with them the outputs explode; on one scale the steps are moderate."
        ),
        N_('"SGD is a bad optimizer." With inputs on one scale it trains the same network.'),
    ),
    "q3-explanation": _rubric(
        N_("The network overfitted, since the two curves are far apart."),
        N_("The dropout rate of 0.95 was too high."),
        N_(
            "At a rate of 0.95 only about three of 64 units get through in a training step, so the training loss is high and noisy and little is learned; in validation all units work, so that loss is lower."
        ),
        N_(
            '"The gap means overfitting." In overfitting the training loss is the lower one; here it is the higher one.'
        ),
    ),
    "q4-explanation": _rubric(
        N_("The network has too few units to learn this."),
        N_("Nothing may come after the output."),
        N_(
            "Batch normalization after the output gives predictions around 0 with a spread of 1, while strengths lie around 36 MPa, and gamma and beta get there only in small steps."
        ),
        N_('"Batch normalization does not suit this data." Before the dense layers it helps; only its place is wrong.'),
    ),
    "q5-explanation": _rubric(
        N_("The curves are healthy, so the network is as good as it can be."),
        N_("The first hidden layer has only one unit."),
        N_(
            "All eight features have to pass through one number, so different mixes look alike to the rest of the network; training and validation loss are equally high, which is underfitting."
        ),
        N_('"Healthy curves mean a good network." They mean that training went well, not that its level is low.'),
    ),
    "q6-explanation": _rubric(
        N_("The features of concrete say nothing about its strength."),
        N_("Rows and targets were shuffled differently."),
        N_(
            "Each row was trained with another row's target, so nothing that it learned holds for the right pairs of the validation data, and the loss stays at that of guessing the median."
        ),
        N_('"Shuffling is harmful." Rows and targets shuffled together lose nothing.'),
    ),
    "q7-explanation": _rubric(
        N_("It overfits, because the validation loss rises."),
        N_("Dropout stands before the first layer."),
        N_(
            "Dropout shuts off half of the features themselves, which no other feature can stand in for, so the network never sees whole rows in training and is wrong about them in validation."
        ),
        N_('"It overfits." The training loss stands still and high; nothing is memorised.'),
    ),
    "q8-explanation": _rubric(
        N_("The network has too few units."),
        N_("It was trained for five epochs only."),
        N_(
            "After five epochs the weights are still on their way, as both losses show that fall steeply up to the end; with more epochs they come down."
        ),
        N_(
            '"A higher learning rate does the same." It may, but the steep end says only that the training was cut short.'
        ),
    ),
    "q9-explanation": _rubric(
        N_("The network is very good, since its validation loss is so low."),
        N_("Validation data was used in training."),
        N_(
            "The validation rows were trained on, so their loss says how well the network has memorised them, not how it does on wines that it does not know."
        ),
        N_('"A lower validation loss is always better." Only if these rows were never trained on.'),
    ),
}

assignment = Assignment(
    id="clinic",
    title=N_("Clinic: find the fault, repair the training"),
    written=18.0,
    rubrics=RUBRICS,
    questions=(
        RepairQuestion(
            id="q1",
            title=N_("Case 1: a wild start, then a standstill"),
            points=3.0,
            broken=_rate,
            repairs=(replace(_rate, learning_rate=between(0.003, 0.03, example=0.01)),),
            training=_training("concrete", HEALTHY, **_FAILS),
            causes=_lettered("units", "overfitting", "targets", "rate", "epochs"),
            cause="d",
            run=RUNS["q1"],
            hints=(
                N_("Look at the very first epoch: is its loss what a network has that was just made?"),
                N_("Compare the call of `compile` with the healthy training's."),
            ),
            why=N_(
                "Steps fifty times as large as the healthy training's throw the weights so far that the units answer 0 to every row. All that is left to learn is one number for all rows, and the loss stays where always guessing the median would leave it."
            ),
        ),
        RepairQuestion(
            id="q2",
            title=N_("Case 2: a loss that explodes"),
            points=3.0,
            broken=_raw,
            repairs=(
                replace(_raw, network=_concrete(_BN, *[Dense(128, activation="relu")] * 3, _OUT)),
                replace(
                    _raw,
                    one_scale=True,
                    preparation="""\
scaler = StandardScaler().fit(X_train)
X_train, X_valid = scaler.transform(X_train), scaler.transform(X_valid)""",
                ),
            ),
            training=_training("concrete", _raw, **{**_FAILS, "limits": {"minimum": REACHED_BY_SGD}}),
            causes=_lettered("scale", "epochs", "units", "overfitting", "leak"),
            cause="a",
            run=RUNS["q2"],
            hints=(
                N_("Print `X_train.std(axis=0)`. What does the first dense layer make of such numbers?"),
                N_(
                    "Either a layer or a scaler can bring the features to one scale; optimizer and rate stay as they are."
                ),
            ),
            why=N_(
                "SGD moves a weight in proportion to the input that it multiplies. With inputs of about a thousand the first steps are enormous, and the outputs explode from layer to layer. On one scale the same optimizer trains the same layers. (Adam gives each weight a step of its own size and trains here, too; it bears with the cause instead of removing it.)"
            ),
        ),
        RepairQuestion(
            id="q3",
            title=N_("Case 3: the training loss far above the validation loss"),
            points=3.0,
            broken=_starved,
            repairs=(
                replace(
                    _starved,
                    network=_concrete(_BN, _HIDDEN, _HIDDEN, Dropout(between(0.05, 0.6, example=0.2)), _OUT),
                ),
                replace(_starved, network=_sound),
            ),
            training=_training("concrete", _starved, **{**_FAILS, "limits": {"minimum": REACHED_WITH_DROPOUT}}),
            causes=_lettered("epochs", "units", "dropout", "overfitting", "scale"),
            cause="c",
            run=RUNS["q3"],
            hints=(
                N_(
                    "Which of the two losses is the higher one? In which layer do training and validation differ like that?"
                ),
                N_("How many of the 64 units reach the output in a training step, on average?"),
            ),
            why=N_(
                "At a rate of 0.95 only three of the 64 units get through in a step, and each counts twenty times. The network cannot learn much from such noise, so the training loss stays far above the validation loss, and both too high."
            ),
        ),
        RepairQuestion(
            id="q4",
            title=N_("Case 4: a loss that hardly falls"),
            points=3.0,
            broken=_distorted,
            repairs=(
                replace(_distorted, network=_sound),
                replace(_distorted, network=_concrete(_BN, _HIDDEN, _HIDDEN, _BN, _OUT)),
                replace(_distorted, network=_concrete(_BN, _HIDDEN, _BN, _HIDDEN, _OUT)),
            ),
            training=_training("concrete", _distorted, **_FAILS),
            causes=_lettered("rate", "after_output", "units", "targets", "epochs"),
            cause="b",
            run=RUNS["q4"],
            hints=(
                N_("Which values can the last layer of this network give? And which values does the target have?"),
                N_("The value of the output layer is the prediction. What still happens to it here?"),
            ),
            why=N_(
                "Batch normalization after the output brings the predictions of every batch to mean 0 and standard deviation 1. Strengths have a mean of 36 MPa; gamma and beta would have to travel there in small steps."
            ),
        ),
        RepairQuestion(
            id="q5",
            title=N_("Case 5: calm curves, but too high"),
            points=3.0,
            broken=_narrow,
            repairs=(
                replace(
                    _narrow,
                    network=_concrete(_BN, Dense(at_least(16, example=64), activation="relu"), _HIDDEN, _OUT),
                ),
            ),
            training=_training("concrete", _narrow, **_FAILS),
            causes=_lettered("units", "epochs", "overfitting", "scale", "rate"),
            cause="a",
            run=RUNS["q5"],
            hints=(
                N_("The curves are healthy in shape. Compare their level with the healthy training's."),
                N_("What does the second hidden layer get to see of the eight features?"),
            ),
            why=N_(
                "All that the features say has to pass through one unit: the rest of the network sees one number a row. Training and validation agree, since there is nothing to memorise with, but both stay high: underfitting."
            ),
        ),
        RepairQuestion(
            id="q6",
            title=N_("Case 6: no better than guessing"),
            points=3.0,
            broken=_mixed_up,
            repairs=(
                replace(
                    _mixed_up,
                    paired=True,
                    preparation="""\
order = np.random.default_rng(0).permutation(len(X_train))
X_train, y_train = X_train[order], y_train[order]  # the rows in random order, each with its target""",
                ),
            ),
            training=_training("concrete", _mixed_up, **_FAILS),
            causes=_lettered("rate", "units", "dropout_first", "epochs", "targets"),
            cause="e",
            run=RUNS["q6"],
            hints=(
                N_("The validation loss is as bad as always guessing the median. Can features be that useless?"),
                N_("Follow one row through the code, and then its target. Do they still stand at the same place?"),
            ),
            why=N_(
                "Features and targets were shuffled apart, so a row says nothing about its target. The network can only learn the median, or memorise; in the validation data, where pairs are right, neither is worth anything."
            ),
        ),
        RepairQuestion(
            id="q7",
            title=N_("Case 7: best after a few epochs"),
            points=3.0,
            broken=_thinned,
            repairs=(
                replace(_thinned, network=_sound),
                replace(
                    _thinned, network=_concrete(_BN, _HIDDEN, Dropout(between(0.05, 0.5, example=0.5)), _HIDDEN, _OUT)
                ),
                replace(
                    _thinned, network=_concrete(_BN, _HIDDEN, _HIDDEN, Dropout(between(0.05, 0.5, example=0.5)), _OUT)
                ),
            ),
            training=_training("concrete", _thinned, **{**_FAILS, "limits": {"minimum": REACHED_WITH_MUCH_DROPOUT}}),
            causes=_lettered("units", "rate", "overfitting", "dropout_first", "epochs"),
            cause="d",
            run=RUNS["q7"],
            hints=(
                N_("Overfitting needs a training loss that falls on and on. Is that what you see?"),
                N_("How many of the eight features of a row are left when it reaches the first dense layer?"),
            ),
            why=N_(
                "Hidden units are many, and others can stand in for those that are missing. Features are eight, each says something of its own, and a row without cement and age cannot be told from others. Batch normalization, right behind, also collects its moving averages from such rows."
            ),
        ),
        RepairQuestion(
            id="q8",
            title=N_("Case 8: steep up to the end"),
            points=3.0,
            broken=_short,
            repairs=(replace(_short, epochs=between(25, 1000, example=40)),),
            training=_training("concrete", HEALTHY, **_FAILS),
            causes=_lettered("rate", "epochs", "units", "scale", "dropout"),
            cause="b",
            run=RUNS["q8"],
            hints=(
                N_("What do both losses do in the last epoch of the picture?"),
                N_("Count the epochs, here and in the healthy training."),
            ),
            why=N_(
                "Both losses still fall steeply when the training ends. At first the validation loss is the higher one: the moving averages of batch normalization have seen only a few batches and are not yet those of the data."
            ),
        ),
        RepairQuestion(
            id="q9",
            title=N_("Case 9: too good to be true"),
            points=3.0,
            broken=_leaking,
            repairs=(replace(_leaking, apart=True, preparation=""),),
            training=_training(
                "red-wine",
                _leaking,
                forbidden=("diverged", "dead_start", "underfitting", "too_short"),
                least={"minimum": HONEST},
            ),
            causes=_lettered("none", "overfitting", "leak", "targets", "epochs"),
            cause="c",
            run=RUNS["q9"],
            hints=(
                N_("Is this validation loss one that a network can have on wines that it has never seen?"),
                N_("Count the training rows, here and in the challenge."),
            ),
            why=N_(
                "The network was trained on the rows that validate it, so it knows their quality by heart, and the validation loss follows the training loss down. Only rows that training never touches tell how good a network is. The repaired curves look worse, and are right."
            ),
        ),
    ),
)

id, title, points = assignment.id, assignment.title, assignment.points
questions = assignment.questions
q1, q2, q3, q4, q5, q6, q7, q8, q9 = assignment.of(RepairQuestion)
progress = assignment.progress
