"""The assignment "challenge": design your own regularised network for red wine, within a budget, and beat a loss.

Then the course's moral: take each layer out of that network, over two seeds, and see what it was good for.

The features are not standardised, as in the lesson, so that batch normalization has something to do. The loss to beat lies
above what the example reaches in ``challenge-calibration.csv`` beside this file, and well below the median predictor's.
"""

from __future__ import annotations

from checker import datasets
from checker.curves.kinds import FAULTS
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
from checker.questions import (
    AblationQuestion,
    Assignment,
    Level,
    NetworkQuestion,
    ReasonQuestion,
    Rubric,
    Rule,
    Training,
)

BUDGET = 20_000
"""Weights that the network may have; the lesson's network has a hundred times as many."""

TARGET = 0.56
"""Validation loss to beat, in points of quality; always guessing the median gives 0.66, and 99.5 % of the example's
trainings end below 0.551 (tolerance limit, 95 % confidence)."""

_TRAINING = Training(
    data="red-wine",
    optimizer="adam",
    loss="mae",
    batch_size=64,
    epochs=100,
    least_epochs=20,
    target=TARGET,
)

_RULES = (
    Rule(
        N_("At least one dropout layer with a rate between 0.05 and 0.6 is at work; further ones may have any rate."),
        count(Dropout(between(0.05, 0.6, example=0.2)), at_least(1), others=True),
    ),
    Rule(N_("At least one batch normalization layer is at work."), count("BatchNormalization", at_least(1))),
    Rule(N_("Dropout is not the first layer."), not_first("Dropout")),
    Rule(
        N_("Neither dropout nor batch normalization comes after the output."),
        not_after_output("Dropout", "BatchNormalization"),
    ),
    Rule(N_("The output is one linear unit, `Dense(1)`, with or without bias, regularizers and constraints.")),
    Rule(N_("The network has at most 20,000 parameters."), parameters(at_most(BUDGET))),
    Rule(
        N_("It is compiled with `adam` and `mae`, and trained for at least 20 epochs."),
        codes=("compile.optimizer", "compile.loss", "history.short"),
    ),
    Rule(
        N_("Its curves are healthy: no overfitting, no underfitting, nothing that jumps or falls apart."),
        codes=tuple(f"curve.{name}" for name in FAULTS),
    ),
    Rule(N_("The validation loss of the trained network is below 0.56."), codes=("curve.target",)),
)
"""What a design has to keep to; each rule stands in these words in the notebook, in a hint and in the verdict."""

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
    constraints=tuple(rule.constraint for rule in _RULES if rule.constraint is not None),
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
    written=4.0,
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
        "q2-explanation": Rubric(
            levels=(
                Level(
                    0.0,
                    N_("Repeats the table, praises the layers in general, or contradicts the learner's own table."),
                    N_("The network with both layers is the best, because dropout and batch normalization are good."),
                ),
                Level(
                    1.0,
                    N_(
                        "Says of one layer or of both what taking it out changed, in numbers of the learner's own table, but does not set that against the difference between two seeds; or the other way round."
                    ),
                    N_(
                        "Without batch normalization the loss rises from 0.50 to 0.53, without dropout it stays the same. So I would keep batch normalization."
                    ),
                ),
                Level(
                    2.0,
                    N_(
                        "Says of each layer what taking it out changed, in numbers of the learner's own table, sets that against the difference between two seeds, and draws a conclusion that the table carries: which layer to keep, or that two seeds do not decide it."
                    ),
                    N_(
                        "Without batch normalization both runs are worse, by at least 0.02, and two seeds of one network differ by 0.01 at most, so that layer earns its place. Without dropout one run is better and one is worse: that is within what another seed does, so my table does not say that dropout is needed here. For that I would train more seeds, or longer."
                    ),
                ),
            ),
            common_errors=(
                N_(
                    '"It made no difference here, so dropout is useless." It cures overfitting, and a small network that was trained briefly may not overfit yet.'
                ),
                N_(
                    '"The lowest number in the table wins." It may be the luck of one seed; look at both runs of each row.'
                ),
                N_(
                    '"Without both layers it is worse, so both are needed." That row changes two things at once and cannot say which of them it was.'
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
            training=_TRAINING,
            rules=_RULES,
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
            explained_in="q1-explanation",
            reason=ReasonQuestion(
                asks=N_("Batch normalization may stand first in this network. Why may dropout not?"),
                choices={
                    "a": N_("because it would drop whole wines from the training data"),
                    "b": N_("because it has no weights, and the first layer needs some"),
                    "c": N_("because it would hide measurements at random, and no later layer can make good for them"),
                },
                answer="c",
                wrong={
                    "a": N_(
                        'Dropout drops no rows: it draws for each value of each row. As the first layer it would set single measurements of a wine to 0. See "What the layer does to numbers" in lesson 1.'
                    ),
                    "b": N_(
                        "A layer without weights may well stand first, and a `Flatten` often does. What counts is what becomes of the numbers that pass through: there are eleven measurements, and none of them stands anywhere else."
                    ),
                },
                why=N_(
                    "Hidden units come in numbers and can stand in for one another. A measurement such as the alcohol exists once; where it is hidden, the network has to guess."
                ),
            ),
        ),
        AblationQuestion(
            id="q2",
            title=N_("Take each layer out: what was it good for?"),
            points=2.0,
            training=_TRAINING,
            claims={"a": (True, True), "b": (True, False), "c": (False, True), "d": (False, False)},
            texts={
                "a": N_("Both layers are needed."),
                "b": N_("Dropout is needed, batch normalization is not."),
                "c": N_("Batch normalization is needed, dropout is not."),
                "d": N_("Neither layer is needed."),
            },
            hints=(
                N_(
                    "Look at the row `both` first, at its larger number: is every number of the row `no dropout` larger still?"
                ),
                N_("For `chance`: subtract the two numbers in each of the four rows."),
                N_(
                    "For `reason`: what else than a layer may make two runs differ, and how many things did you change from one row to the next?"
                ),
            ),
            asked=ReasonQuestion(
                asks=N_("Why two seeds, and why one layer at a time?"),
                choices={
                    "a": N_("Two seeds allow to choose the better one and to report that."),
                    "b": N_(
                        "A difference that another seed makes, too, may be chance; and only what was changed alone can be its cause."
                    ),
                    "c": N_("The second training continues the first, so that its numbers are better."),
                    "d": N_("The mean of two runs is the true loss, so that even a small lead counts."),
                },
                answer="b",
                wrong={
                    "a": N_(
                        'whoever reports the better of two runs reports luck, too, and the more seeds are tried, the more of it. The seeds are there to show how large luck is. See "The ablation" in lesson 3.'
                    ),
                    "c": N_(
                        "every run begins anew: the cell builds the network again and sets the seed before it trains. See how the loop begins."
                    ),
                    "d": N_(
                        "the mean of two runs is itself the result of chance, only of a little less. A lead counts if it is larger than the differences that the seed alone makes. Compare the lead with the difference in each row of your table."
                    ),
                },
                why=N_("What your table says about each layer is what you explain in words below."),
            ),
            explained_in="q2-explanation",
            why=N_(
                "A layer is needed if every run with both layers beats every run without it. Where the runs overlap, another seed makes as large a difference as the layer, and the table does not decide."
            ),
        ),
    ),
)

id, title, points = assignment.id, assignment.title, assignment.points
questions = assignment.questions
(q1,) = assignment.of(NetworkQuestion)
(q2,) = assignment.of(AblationQuestion)
progress = assignment.progress
