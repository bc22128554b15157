"""What the lessons ask: from memory, for predictions, for answers and for reasons. Nothing here is graded."""

from __future__ import annotations

import math

from checker.expect import Activation, BatchNormalization, Dense, Dropout, Network
from checker.language import N_
from checker.questions import (
    Assignment,
    ChoicePrediction,
    ChoiceQuestion,
    NetworkQuestion,
    NumberPrediction,
    NumberQuestion,
    ReasonQuestion,
)

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
                4.5: N_("You multiplied by the fraction that stays. Survivors are divided by it, so they grow."),
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
            reason=ReasonQuestion(
                asks=N_("Why does the layer make what survives larger in training?"),
                choices={
                    "a": N_("so that the units that survive learn faster than those that are switched off"),
                    "b": N_(
                        "so that the next layer receives on average what it will receive in inference, where nothing is missing"
                    ),
                    "c": N_("so that rare patterns count more, which works against overfitting"),
                },
                answer="b",
                wrong={
                    "a": N_(
                        "Who survives is drawn anew at each step, so no unit learns faster for long. Compare what the next layer receives in training and in inference."
                    ),
                    "c": N_(
                        "All that survives grows by the same factor, rare or not. Compare what the next layer receives in training and in inference."
                    ),
                },
                why=N_(
                    "The average stays the same, so the weights that were trained with units missing also fit when all are there."
                ),
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
            reason=ReasonQuestion(
                asks=N_("Why is it enough to ask the full network once?"),
                choices={
                    "a": N_("because the masks of the training are kept and the best one is used"),
                    "b": N_("because the units that had memorised something were removed during training"),
                    "c": N_(
                        "because one pass through it comes near to the vote of the thinned networks that were trained together"
                    ),
                },
                answer="c",
                wrong={
                    "a": N_("No mask is kept, and none is used in inference."),
                    "b": N_(
                        "Nothing is ever removed for good: each step draws a new mask, and in inference all units are there."
                    ),
                },
                why=N_(
                    "Training with dropout trains many thinned networks that share their weights, and inference mode is a shortcut for their vote."
                ),
            ),
        ),
        NetworkQuestion(
            id="q3",
            title=N_("One line is missing"),
            network=Network(
                Dense(64, activation="relu"),
                Dropout(0.4),
                Dense(10, activation="softmax"),
                input_shape=(64,),
            ),
            hints=(N_("The line that is missing has one number: the rate."),),
            why=N_("The dropout layer thins the inputs of the layer that follows it, the output layer."),
        ),
        NetworkQuestion(
            id="q4",
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
            reason=ReasonQuestion(
                asks=N_("Why must no dropout layer stand behind the output layer?"),
                choices={
                    "a": N_("because the output layer has too few units for dropout to have an effect"),
                    "b": N_(
                        "because it would set answers to 0 and scale up others while the network is trained on them"
                    ),
                    "c": N_("because softmax would make up for the missing outputs, so nothing would change"),
                },
                answer="b",
                wrong={
                    "a": N_(
                        "It has an effect on any number of units, on a single one, too: now and then the only answer would be 0."
                    ),
                    "c": N_(
                        "The dropout layer would stand behind softmax, which cannot make up for what is missing after it."
                    ),
                },
                why=N_(
                    "What leaves the last layer is the prediction. A prediction that is missing at random teaches the network nothing."
                ),
            ),
        ),
    ),
    predictions=(
        NumberPrediction(
            id="predict_1",
            title=N_("How many false labels will the network with dropout have memorised?"),
            near=15,
            right=N_("That is near. Dropout makes memorising harder, but does not rule it out."),
            low=N_(
                "It memorised more than you expected. Dropout makes memorising harder, but does not rule it out: in 100 epochs each picture comes by 100 times."
            ),
            high=N_("It memorised fewer than you expected, though the weights are as many as before."),
            why=N_(
                "A rule for a single picture needs many weights at once. With half of the inputs missing at each step they are seldom together, so most of these rules are never finished; patterns that many pictures share are learned with any partners."
            ),
        ),
        ChoicePrediction(
            id="predict_2",
            title=N_("Which committee will the full network in inference mode come closest to?"),
            choices={
                "a": N_("a single thinned network"),
                "b": N_("a committee of 3"),
                "c": N_("a committee of 10"),
                "d": N_("a committee of 30 or more"),
            },
            right=N_("So it was in your run."),
            wrong={
                "a": N_("A single thinned network lacks half of its units; in inference all of them take part."),
                "b": N_("With 3 members the mistakes cancel out only in part; in inference all units take part."),
                "c": N_("You were close: the gain from 10 members to 30 is small."),
                "d": N_("In your run a smaller committee came closer; beyond 10 members the differences are small."),
            },
            why=N_(
                "Each unit passes on about the average of what it passes on under all masks, so a single pass comes near to the average vote of very many thinned networks."
            ),
        ),
    ),
)

batch_normalization = Assignment(
    id="batch_normalization",
    title=N_("Lesson 2: batch normalization"),
    graded=False,
    questions=(
        ChoiceQuestion(
            id="recall_1",
            title=N_("Curves that part"),
            choices={
                "a": N_("it underfits; more units would help"),
                "b": N_("it overfits; early stopping or dropout would help"),
                "c": N_("it learns too slowly; more epochs would help"),
            },
            answer="b",
            wrong={
                "a": N_("A network that underfits has a high training loss. Here the training loss goes on falling."),
                "c": N_("More epochs would make it worse: the validation loss already rises."),
            },
            hints=(N_("Think of the left panel of lesson 1: which of the two losses counts on new data?"),),
            why=N_(
                "The training loss falls on what is learned by heart; the validation loss shows that new data do not share it."
            ),
        ),
        NumberQuestion(
            id="recall_2",
            title=N_("A survivor in training, and in inference"),
            answer=6.0,
            tolerance=0.01,
            wrong={
                3.0: N_("So it would be in inference mode."),
                1.5: N_("You multiplied by the fraction that stays; divide by it."),
                0.0: N_("So it would be for an input that is switched off."),
            },
            hints=(N_("In training, what survives is divided by the fraction that stays."),),
            why=N_("3 / (1 - 0.5) = 6. In inference it would stay 3, since nothing is missing there."),
        ),
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
            reason=ReasonQuestion(
                asks=N_("Why does the layer multiply by gamma and add beta after it has normalised?"),
                choices={
                    "a": N_("so that it never divides by zero"),
                    "b": N_("so that the original scale is restored in inference"),
                    "c": N_(
                        "so that the network can learn another scale where mean 0 and standard deviation 1 do not suit it"
                    ),
                },
                answer="c",
                wrong={
                    "a": N_("Epsilon takes care of that: it is added to the variance."),
                    "b": N_(
                        "Gamma and beta are used in training and in inference alike, and they are learned, not read off the data."
                    ),
                },
                why=N_(
                    "With gamma and beta the layer can give each feature the scale that lowers the loss most, even the original one."
                ),
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
            reason=ReasonQuestion(
                asks=N_("Why does the layer not use the statistics of the batch in inference?"),
                choices={
                    "a": N_("because a prediction must not depend on the rows that happen to stand beside it"),
                    "b": N_("because the weights were trained with the running averages"),
                    "c": N_("because the statistics of a batch can be computed only where the labels are known"),
                },
                answer="a",
                wrong={
                    "b": N_(
                        "It is the other way round: in training the layer uses the batch, and only collects the running averages."
                    ),
                    "c": N_("Mean and variance are those of the inputs: no label is needed for them."),
                },
                why=N_(
                    "The same flat should get the same price alone and in company; with a single row, batch statistics would even erase it."
                ),
            ),
        ),
        NetworkQuestion(
            id="q3",
            title=N_("One line is missing"),
            network=Network(
                Dense(16, activation="relu"),
                BatchNormalization(),
                Dense(1),
                input_shape=(4,),
            ),
            hints=(N_("The layer that is missing needs no setting at all."),),
            why=N_(
                "Batch normalization stands after the hidden layer, so it normalises what the output layer receives."
            ),
        ),
        NetworkQuestion(
            id="q4",
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
            reason=ReasonQuestion(
                asks=N_("Why can batch normalization as the first layer stand in for a StandardScaler?"),
                choices={
                    "a": N_("because it makes each feature normally distributed"),
                    "b": N_("because it brings each feature to mean 0 and standard deviation 1, whatever its unit"),
                    "c": N_("because it brings each feature into the range from 0 to 1"),
                },
                answer="b",
                wrong={
                    "a": N_("It moves and stretches a feature; the shape of its distribution stays as it was."),
                    "c": N_(
                        "That is what a MinMaxScaler does. Batch normalization aims at the mean and the standard deviation."
                    ),
                },
                why=N_(
                    "Subtracting the mean and dividing by the standard deviation is exactly what a StandardScaler does, here batch by batch."
                ),
            ),
        ),
    ),
    predictions=(
        ChoicePrediction(
            id="predict_1",
            title=N_("Which run will have the lowest validation loss after 80 epochs?"),
            choices={
                "a": N_("raw data"),
                "b": N_("raw data, batch normalization"),
                "c": N_("standardised data"),
            },
            right=N_("So it was in your run."),
            wrong={
                "a": N_(
                    "Gradients are proportional to the inputs: the metres to the town centre throw the weights far out."
                ),
                "b": N_("In your run standardising alone was enough to get below it."),
                "c": N_("Standardising brings only the inputs to one scale, not what flows between the layers."),
            },
            why=N_(
                "Both a scaler and the layer bring the inputs to one scale, and that is what saves the training. The layer does it for the inputs of every dense layer."
            ),
        ),
        ChoicePrediction(
            id="predict_2",
            title=N_("Which of the two will still learn at the highest learning rate?"),
            choices={
                "a": N_("the network with batch normalization"),
                "b": N_("the network on standardised data"),
                "c": N_("both alike"),
            },
            right=N_("So it was in your run."),
            wrong={
                "a": N_("In your run the layer did not bear a higher rate than standardised data."),
                "b": N_(
                    "Standardised data tame the first layer only; behind it, large steps throw the weights far out."
                ),
                "c": N_("Inputs on one scale are not all: what flows between the layers counts as well."),
            },
            why=N_(
                "A step that is too large changes the scale of what a layer passes on. Batch normalization brings it back at the next batch, so the layers behind it are not thrown off."
            ),
        ),
    ),
)

red_wine = Assignment(
    id="red_wine",
    title=N_("Lesson 3: red wine"),
    graded=False,
    questions=(
        ChoiceQuestion(
            id="recall_1",
            title=N_("How many units are missing"),
            choices={
                "a": N_("exactly 300"),
                "b": N_("about 300, in each step another number"),
                "c": N_("300 in the first step, fewer and fewer later on"),
            },
            answer="b",
            wrong={
                "a": N_("The rate is a probability that is drawn for each unit, not an exact share."),
                "c": N_("The rate never changes during training, and each step draws a new mask."),
            },
            hints=(N_("Think of the animation in lesson 1: were the units that it crossed out always equally many?"),),
            why=N_("The rate is a probability that is drawn for each unit anew, so the number varies around 300."),
        ),
        ChoiceQuestion(
            id="recall_2",
            title=N_("A wild beginning"),
            choices={
                "a": N_("the network overfits"),
                "b": N_("the running averages are not there yet"),
                "c": N_("the learning rate is too low"),
            },
            answer="b",
            wrong={
                "a": N_("Overfitting comes late, after the network has learned what is general."),
                "c": N_("The training loss falls well, so the steps are large enough."),
            },
            hints=(N_("Training and validation normalise with different statistics. Which does validation use?"),),
            why=N_(
                "Validation uses the running averages, which begin at 0 and 1 and need several hundred batches to come near the truth."
            ),
        ),
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
            reason=ReasonQuestion(
                asks=N_("Why does Keras not train these weights by gradients?"),
                choices={
                    "a": N_("because they are constants that never change"),
                    "b": N_("because batch normalization is switched off in training"),
                    "c": N_("because they are measured on the data that pass by, not chosen to lower the loss"),
                },
                answer="c",
                wrong={
                    "a": N_("They change with every training batch, a small step towards its mean and variance."),
                    "b": N_("It is on in training, with the batch's own statistics; meanwhile it collects these."),
                },
                why=N_("A mean and a variance describe the data. No gradient is needed to measure them."),
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
            reason=ReasonQuestion(
                asks=N_("Two of the losses in the table differ by a few thousandths only. Why is that no ranking?"),
                choices={
                    "a": N_("because the validation data are fewer than the training data"),
                    "b": N_("because another random seed could turn the order round"),
                    "c": N_("because differences below 0.01 never matter"),
                },
                answer="b",
                wrong={
                    "a": N_(
                        "Both networks are judged on the same wines; how many there are is not the point. What else would change if you trained again?"
                    ),
                    "c": N_(
                        "Whether a difference matters depends on how much the runs vary by themselves: repeat them and see."
                    ),
                },
                why=N_(
                    "Starting weights, masks and batches are random. A difference that is no larger than what the seed does is no difference."
                ),
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
            reason=ReasonQuestion(
                asks=N_("Why can dropout just before batch normalization disturb it?"),
                choices={
                    "a": N_("because two layers without weights of their own cancel each other out"),
                    "b": N_(
                        "because the variance that it collects in training is larger than the one it meets in inference"
                    ),
                    "c": N_("because dropout moves the mean of its inputs towards zero"),
                },
                answer="b",
                wrong={
                    "a": N_(
                        "Batch normalization has four weights per feature. Look at what the lesson measured, mean and variance."
                    ),
                    "c": N_(
                        "The mean stays the same: what survives grows. The lesson measured both, mean and variance."
                    ),
                },
                why=N_(
                    "Dropout adds noise in training only. The running averages take it in, and inference then divides by a number that is too large."
                ),
            ),
        ),
    ),
    predictions=(
        ChoicePrediction(
            id="predict_1",
            title=N_("Which network will reach the lowest validation loss?"),
            choices={
                "a": N_("the one with both layers"),
                "b": N_("the one with batch normalization only"),
                "c": N_("the one with dropout only"),
                "d": N_("the one with neither layer"),
            },
            right=N_("So it was in your run. How large is the lead over the next one?"),
            wrong={
                "a": N_("More layers are not more success: each has to have something to cure."),
                "b": N_(
                    "Batch normalization speeds up or rescues a training that is stuck; was this one stuck without it?"
                ),
                "c": N_("Dropout cures overfitting; did the network overfit without it?"),
                "d": N_("In your run one of the layers did help. How large is the lead?"),
            },
            why=N_(
                "Adam gives each weight a step of its own, so raw data did not stop the network without batch normalization. And it did not overfit yet, so that dropout had nothing to cure."
            ),
        ),
        ChoicePrediction(
            id="predict_2",
            title=N_("How will the vote of 30 thinned networks compare with the full network?"),
            choices={
                "a": N_("both err about alike, as in lesson 1"),
                "b": N_("the vote errs far less"),
                "c": N_("the vote errs far more"),
            },
            right=N_("So it was in your run."),
            wrong={
                "a": N_("Inference mode is a shortcut for the vote, and a shortcut can fail."),
                "b": N_("In your run the shortcut was good enough."),
                "c": N_("A thinned network is what was trained; it need not be worse than the full one."),
            },
            why=N_(
                "The thinned networks are what was trained. The full network is only meant to stand for their average, and with relu in between it need not equal it."
            ),
        ),
    ),
)
