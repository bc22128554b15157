"""The small questions at the end of each lesson. Nothing here is graded."""

from __future__ import annotations

import math

from checker.expect import Activation, BatchNormalization, Dense, Dropout, Network
from checker.language import N_
from checker.questions import Assignment, ChoiceQuestion, NetworkQuestion, NumberQuestion

dropout = Assignment(
    id="dropout",
    title=N_("Lesson 1: dropout"),
    graded=False,
    questions=(
        NumberQuestion(
            id="q1",
            title=N_("What survives dropout"),
            answer=8.0,
            tolerance=0.01,
            wrong={
                6.0: N_(
                    "So it would be in inference mode. In training, survivors grow, so that the average stays the same."
                ),
                4.5: N_("You multiplied by the fraction that stays. Survivors are *divided* by it, so they grow."),
                24.0: N_("You divided by the rate. Divide by the fraction that stays, 1 minus the rate."),
                7.5: N_(
                    "You added a quarter. To make up for a quarter that is missing, divide by the three quarters that stay."
                ),
                0.0: N_("So it would be for a unit that is switched off. This one survives."),
            },
            hints=(
                N_("A survivor makes up for those who are missing: it grows."),
                N_("Divide by the fraction that stays, 1 minus the rate."),
            ),
            why=N_(
                "6 / (1 - 0.25) = 8. Three of four units survive, each a third louder: on average the next layer hears the same."
            ),
        ),
        ChoiceQuestion(
            id="q2",
            title=N_("Dropout when predicting"),
            choices={
                "a": N_("two different results, because each call draws a new mask"),
                "b": N_("twice the same result, because nothing is switched off in inference mode"),
                "c": N_("twice the same result, because the mask of the last training step stays in place"),
                "d": N_("results that are half as large as in training"),
            },
            answer="b",
            wrong={
                "a": N_("New masks are drawn in training mode only, and `predict` does not use that mode."),
                "c": N_("The results are the same, but not for that reason: a mask lives for a single training step."),
                "d": N_(
                    "The layer has taken care of that: survivors are scaled up in training, so inference needs no correction."
                ),
            },
            hints=(N_("Look at the fourth line that the cell with the ten ones printed."),),
            why=N_(
                "In inference mode a dropout layer hands its input on untouched, so the result is the same each time."
            ),
        ),
        NetworkQuestion(
            id="q3",
            title=N_("Dropout in the right place"),
            network=Network(
                Dense(32, activation="relu"),
                Dropout(0.3),
                Dense(16, activation="relu"),
                Dense(10, activation="softmax"),
                input_shape=(64,),
            ),
            hints=(N_("Dropout acts on the layer that follows it."),),
            why=N_(
                "The dropout layer stands just before the second hidden layer, so it thins that layer's inputs and no others."
            ),
        ),
    ),
)

batch_normalization = Assignment(
    id="batch_normalization",
    title=N_("Lesson 2: batch normalization"),
    graded=False,
    questions=(
        NumberQuestion(
            id="q1",
            title=N_("Normalise a batch by hand"),
            answer=math.sqrt(2),
            tolerance=0.01,
            wrong={
                2.0: N_("That is the distance from the mean. Divide it by the standard deviation."),
                1.0: N_("You divided by the variance. Divide by the standard deviation, its square root."),
                2 / math.sqrt(8 / 3): N_(
                    "That standard deviation divides by n - 1. A batch is divided by n, as `np.std` does."
                ),
                -math.sqrt(2): N_("The size is right, but 6 lies above the mean, so the result is positive."),
            },
            hints=(
                N_("First the mean, then the standard deviation of the four numbers, as `np.std` computes it."),
                N_("The mean is 4 and the variance 2. How far above the mean is 6, in standard deviations?"),
            ),
            why=N_(
                "The mean is 4 and the standard deviation the square root of 2, so 6 becomes (6 - 4) / 1.414 = 1.414."
            ),
        ),
        ChoiceQuestion(
            id="q2",
            title=N_("One flat at a time"),
            choices={
                "a": N_("the mean and standard deviation of that single row"),
                "b": N_("the mean and standard deviation of the last training batch"),
                "c": N_("the moving mean and variance that were collected during training"),
                "d": N_("no statistics at all: in inference mode the layer hands its input on untouched"),
            },
            answer="c",
            wrong={
                "a": N_("Then every prediction would be the same: a single row minus its own mean is zero."),
                "b": N_("Close, but one batch would be a matter of luck: the layer averages over many."),
                "d": N_(
                    "So does dropout. Batch normalization goes on normalising, or the next layer would see numbers it never learned from."
                ),
            },
            hints=(
                N_(
                    "Which of the layer's four weights per feature does training not touch by gradients, and what are they for?"
                ),
            ),
            why=N_(
                "In inference mode the layer uses the moving mean and variance, so a prediction does not depend on the rows beside it."
            ),
        ),
        NetworkQuestion(
            id="q3",
            title=N_("Batch normalization in two places"),
            network=Network(
                BatchNormalization(),
                Dense(32),
                BatchNormalization(),
                Activation("relu"),
                Dense(1),
                input_shape=(4,),
            ),
            hints=(
                N_(
                    'Between a layer and its activation means: the activation becomes a layer of its own, `layers.Activation("relu")`.'
                ),
            ),
            why=N_(
                "The first layer replaces the scaler; the second sits between the dense layer and its activation, which therefore stands apart."
            ),
        ),
    ),
)

red_wine = Assignment(
    id="red_wine",
    title=N_("Lesson 3: red wine"),
    graded=False,
    questions=(
        NumberQuestion(
            id="q1",
            title=N_("Weights that are collected, not learned"),
            answer=3 * 2 * 1024,
            tolerance=0.5,
            wrong={
                3 * 4 * 1024: N_(
                    "Those are all the weights of the three layers. Two of the four per feature are learned: gamma and beta."
                ),
                2 * 1024: N_("Right for one of the layers; the network has three."),
                3 * 1024: N_("A layer collects two numbers per feature: a mean and a variance."),
                0: N_("A dropout layer has no weights, but batch normalization collects statistics during training."),
            },
            hints=(
                N_("Only one kind of layer in this network has such weights. How many per feature?"),
                N_("`model.summary()` shows them as non-trainable parameters."),
            ),
            why=N_(
                "Three batch normalization layers, each with a moving mean and a moving variance for 1,024 features: 3 x 2 x 1,024 = 6,144."
            ),
        ),
        ChoiceQuestion(
            id="q2",
            title=N_("What an ablation can say"),
            choices={
                "a": N_("dropout is useless and should be avoided"),
                "b": N_(
                    "on this data and with this training, dropout did not pay; elsewhere it has to be measured anew"
                ),
                "c": N_("batch normalization always reaches the lowest loss"),
                "d": N_("the network with the lowest training loss is the best one"),
            },
            answer="b",
            wrong={
                "a": N_("In lesson 1 it clearly helped. One network on one data set cannot speak for all."),
                "c": N_(
                    "Compare the rows with and without it once more: on this data it was not needed to reach the lowest loss."
                ),
                "d": N_("A low training loss can come from memorising. Judge by the validation loss."),
            },
            hints=(N_("How far does one data set carry?"),),
            why=N_(
                "An ablation tells what helped here. It does not tell why, nor what will help on other data: measure again."
            ),
        ),
        NetworkQuestion(
            id="q3",
            title=N_("Keep dropout away from batch normalization"),
            network=Network(
                Dense(256, activation="relu"),
                BatchNormalization(),
                Dense(256, activation="relu"),
                BatchNormalization(),
                Dropout(0.3),
                Dense(1),
                input_shape=(11,),
            ),
            hints=(
                N_(
                    "No batch normalization may come after the dropout layer, so there is one place left: before the output."
                ),
            ),
            why=N_(
                "The only dropout layer stands behind the last batch normalization, so no moving variance is collected from thinned data."
            ),
        ),
    ),
)
