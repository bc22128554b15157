"""The assignment "challenge": design your own regularised network for red wine, within a budget, and beat a loss.

The features are not standardised, as in the lesson, so that batch normalization has something to do. The loss to beat lies
above what the example reaches in ``challenge-calibration.csv`` beside this file, and well below the median predictor's.
"""

from __future__ import annotations

from checker import datasets
from checker.expect import (
    AnyLayer,
    BatchNormalization,
    Dense,
    Dropout,
    Network,
    Repeat,
    anything,
    at_least,
    at_most,
    between,
    count,
    not_after_output,
    not_first,
    parameters,
)
from checker.language import N_
from checker.questions import Assignment, Level, NetworkQuestion, Rubric, Training

BUDGET = 20_000
"""Weights that the network may have; the lesson's network has a hundred times as many."""

TARGET = 0.56
"""Validation loss to beat, in points of quality; always guessing the median gives 0.66, and 99.5 % of the example's
trainings end below 0.551 (tolerance limit, 95 % confidence)."""

_plain = Network(
    Dense(64, activation="relu"),
    Dense(64, activation="relu"),
    Dense(1),
    input_shape=(datasets.features("red-wine"),),
)
_design = Network(
    Repeat(AnyLayer(), at_least=1),
    Dense(
        1,
        **{
            name: anything(default)
            for name, default in (
                ("use_bias", True),
                ("kernel_regularizer", None),
                ("bias_regularizer", None),
                ("kernel_constraint", None),
                ("bias_constraint", None),
            )
        },
    ),
    input_shape=(datasets.features("red-wine"),),
    constraints=(
        count("BatchNormalization", at_least(1)),
        count(Dropout(between(0.05, 0.6, example=0.2)), at_least(1), others=True),
        not_first("Dropout"),
        not_after_output("Dropout", "BatchNormalization"),
        parameters(at_most(BUDGET)),
    ),
    starter=_plain,
    branches=True,
    example=(
        BatchNormalization(),
        Dense(64, activation="relu"),
        Dropout(0.2),
        Dense(64, activation="relu"),
        Dropout(0.2),
        Dense(1),
    ),
)

assignment = Assignment(
    id="challenge",
    title=N_("Challenge: your own network for red wine"),
    written=2.0,
    rubrics={
        "q1-explanation": Rubric(
            levels=(
                Level(
                    0.0,
                    N_("Lists layers without a reason, or gives reasons that are wrong."),
                    N_("I used batch normalization and dropout because they make networks better."),
                ),
                Level(
                    1.0,
                    N_(
                        "Gives a right reason for the place of at least one layer, but does not say what a curve showed and what was changed because of it; or the other way round."
                    ),
                    N_(
                        "Batch normalization comes first because the features have different scales. Dropout follows each hidden layer."
                    ),
                ),
                Level(
                    2.0,
                    N_(
                        "Gives a right reason for the place of batch normalization and of dropout, and names at least one thing that the learner's own curves showed and what was changed because of it."
                    ),
                    N_(
                        "Batch normalization stands first, in place of a scaler, since sulfur dioxide reaches into the hundreds and density hardly varies. At first I had dropout of 0.5 and both losses stayed high, so I went down to 0.2; without any, the validation loss began to climb after epoch 40."
                    ),
                ),
            ),
            common_errors=(
                N_(
                    '"Dropout belongs after every layer, also the last." After the output it would switch off predictions.'
                ),
                N_(
                    '"A lower training loss means a better network." It may have memorised; the validation loss decides.'
                ),
                N_(
                    '"The more dropout, the less overfitting, the better." Beyond some rate the network underfits: both losses stay high.'
                ),
            ),
        ),
    },
    questions=(
        NetworkQuestion(
            id="q1",
            title=N_("Design, train, and beat the loss"),
            points=6.0,
            curve_points=3.0,
            network=_design,
            training=Training(
                data="red-wine",
                optimizer="adam",
                loss="mae",
                batch_size=64,
                epochs=100,
                least_epochs=20,
                target=TARGET,
            ),
            hints=(
                N_(
                    "The features are on very different scales. Which layer can stand first and bring them to one scale?"
                ),
                N_(
                    "Dropout takes away units at random: where does a network have units to spare, and where does it have none?"
                ),
                N_("Does the validation loss still fall at the end? Then train longer, or in smaller batches."),
            ),
            why=N_(
                "Batch normalization right at the input replaces standardising the data by hand. A little dropout after "
                "each hidden layer keeps a small network honest; more of it would starve it."
            ),
        ),
    ),
)

id, title, points = assignment.id, assignment.title, assignment.points
questions = assignment.questions
(q1,) = assignment.of(NetworkQuestion)
progress = assignment.progress
