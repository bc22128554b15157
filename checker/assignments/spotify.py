"""The assignment "spotify": dropout tames an overfit, batch normalization rescues a network that cannot train.

Data, networks and training are the ones its notebook shows; limits come from ``spotify-calibration.csv``
beside this file (written by ``python -m checker calibrate spotify``; tests hold them against each other).
"""

from __future__ import annotations

from checker import datasets
from checker.expect import BatchNormalization, Dense, Dropout, Network
from checker.language import N_
from checker.questions import Assignment, Level, NetworkQuestion, ReadingQuestion, ReasonQuestion, Rubric, Training

_spotify = Training(
    data="spotify",
    optimizer="adam",
    loss="mae",
    batch_size=512,
    epochs=50,
    least_epochs=30,
    # Trained four times as long, a right network overfits a little, too: one time in ten its validation loss then climbs
    # by 1 to 2 %. Its gap stays below 0.034 (tolerance limit: 99.5 % of the runs, 95 % confidence), and without dropout
    # no gap is below 0.045.
    forbidden=("diverged", "dead_start", "unstable", "underfitting", "too_short"),
    limits={"gap_growth": 0.035},
)
_concrete = Training(
    data="concrete",
    optimizer="sgd",
    loss="mae",
    batch_size=64,
    epochs=100,
    least_epochs=30,
    limits={"minimum": 8.5},  # the tolerance limit after as few as 30 epochs is 8.13
    prefix="concrete_",
)

_plain = Network(
    Dense(128, activation="relu"),
    Dense(64, activation="relu"),
    Dense(1),
    input_shape=(datasets.features("spotify"),),
)
_with_dropout = Network(
    Dense(128, activation="relu"),
    Dropout(0.3),
    Dense(64, activation="relu"),
    Dropout(0.3),
    Dense(1),
    input_shape=(datasets.features("spotify"),),
    starter=_plain,
)
_again = Network(
    Dense(256, activation="relu"),
    Dropout(0.5),
    Dense(32, activation="relu"),
    Dropout(0.2),
    Dense(1),
    input_shape=(datasets.features("spotify"),),
    starter=Network(Dense(1), input_shape=(datasets.features("spotify"),)),
)
_unscaled = Network(
    Dense(512, activation="relu"),
    Dense(512, activation="relu"),
    Dense(512, activation="relu"),
    Dense(1),
    input_shape=(datasets.features("concrete"),),
)
_with_batch_normalization = Network(
    BatchNormalization(),
    Dense(512, activation="relu"),
    BatchNormalization(),
    Dense(512, activation="relu"),
    BatchNormalization(),
    Dense(512, activation="relu"),
    BatchNormalization(),
    Dense(1),
    input_shape=(datasets.features("concrete"),),
    starter=_unscaled,
)

assignment = Assignment(
    id="spotify",
    title=N_("Dropout and batch normalization: Spotify and concrete"),
    written=4.0,
    practice=(
        NetworkQuestion(
            id="q1_again",
            title=N_("Practice: dropout, another width and rate"),
            points=0.0,
            network=_again,
            hints=(
                N_("It has the shape of the network in q1: hidden layer, dropout, hidden layer, dropout, output."),
                N_("The rate is a share between 0 and 1, no percentage."),
            ),
            why=N_("Dropout follows the layer whose units it takes away; the rate may be another for each of them."),
        ),
    ),
    rubrics={
        "q2-explanation": Rubric(
            levels=(
                Level(
                    0.0,
                    N_("Only describes the curves, repeats the task, or gives a reason that is wrong."),
                    N_("With dropout the validation curve is better, because dropout improves the network."),
                ),
                Level(
                    1.0,
                    N_(
                        "Says one half: either that the plain network learned what holds for the training songs only, or that with dropout no unit can rely on another. What connects the two is missing."
                    ),
                    N_("The plain network memorised the training songs. With dropout it overfits less."),
                ),
                Level(
                    2.0,
                    N_(
                        "Says both, and connects them: chance patterns rest on a few units that have to work together; these are missing at random, in every step others, so what remains is what many units carry and what also holds for new songs."
                    ),
                    N_(
                        "The plain network learned chance details of the training songs, and each of them needs certain units together. Dropout takes a random part of the units away in every step, so such teams no longer pay. Only broad patterns lower the loss then, and these also hold for artists that were not in the training data."
                    ),
                ),
            ),
            common_errors=(
                N_(
                    '"Dropout makes the network smaller for good." The units come back: when predicting, all of them work.'
                ),
                N_('"Dropout removes bad or noisy units." It chooses at random, with no look at what a unit is worth.'),
                N_('"Dropout removes rows of the data." It removes what a layer passes on, not songs.'),
                N_(
                    '"Training loss above validation loss means that something is broken." The training loss is measured with units missing, the validation loss with all of them.'
                ),
            ),
        ),
        "q4-explanation": Rubric(
            levels=(
                Level(
                    0.0,
                    N_("Only describes the curves, repeats the task, or gives a reason that is wrong."),
                    N_("The first network had nan. Batch normalization repaired it, because it normalises."),
                ),
                Level(
                    1.0,
                    N_(
                        "Says one half: either why the first network failed (large inputs make large steps, and the loss explodes), or what the layer does (it brings each feature to one scale, batch by batch). What connects the two is missing."
                    ),
                    N_("The features have very different scales, so the loss exploded."),
                ),
                Level(
                    2.0,
                    N_(
                        "Says both, and connects them: a step of gradient descent grows with the input that a weight multiplies, the raw inputs reach over a thousand, so the first steps throw the weights far out; with inputs of every layer on one scale the same learning rate makes steps of a moderate size."
                    ),
                    N_(
                        "SGD changes a weight in proportion to the input it multiplies. The raw features go up to over a thousand, so the first steps were far too large and the loss left the finite numbers. Batch normalization brings the inputs of every layer to mean 0 and standard deviation 1, so the same learning rate now makes small steps."
                    ),
                ),
            ),
            common_errors=(
                N_(
                    '"The first network overfitted." It never learned anything, and overfitting needs a training loss that falls.'
                ),
                N_('"It needed more epochs." Once the loss is nan, no further epoch brings it back.'),
                N_(
                    '"Batch normalization normalises the target, or removes outliers." It works on what enters the next layer; the target stays in MPa.'
                ),
                N_('"The network was too small." It has the same dense layers in both runs.'),
            ),
        ),
    },
    questions=(
        NetworkQuestion(
            id="q1",
            title=N_("Add dropout to the Spotify network"),
            points=4.0,
            curve_points=2.0,
            network=_with_dropout,
            training=_spotify,
            hints=(
                N_(
                    "Dropout acts on the layer that follows it. Which layers' inputs do you want to protect from conspiracies?"
                ),
                N_(
                    "Each of the two hidden `Dense` layers is followed by a dropout layer of its own; the last `Dense` is not."
                ),
            ),
            why=N_(
                "Each dropout layer shuts off three tenths of what the hidden layer before it passes on, so that the next layer "
                "cannot rely on fragile combinations of units. Nothing follows the output: its value is the prediction."
            ),
            explained_in="q2-explanation",
            reason=ReasonQuestion(
                asks=N_(
                    "In many epochs the training loss of your network lies close to its validation loss or even above it. Why is that no fault?"
                ),
                choices={
                    "a": N_("because the validation songs are easier to predict than the training songs"),
                    "b": N_(
                        "because the training loss is measured with units shut off, and the validation loss with all of them"
                    ),
                    "c": N_("because the network now memorises the validation songs instead"),
                },
                answer="b",
                wrong={
                    "a": N_(
                        'The same songs are validated in both runs, and the plain network did worse on them than on its training songs. What is different between the two losses is how the network works while they are measured: see "What the layer does to numbers" in lesson 1.'
                    ),
                    "c": N_(
                        'The network never trains on the validation songs; it is only measured on them, so there is nothing that it could memorise. Think of what dropout does while each of the two losses is measured: "What the layer does to numbers" in lesson 1.'
                    ),
                },
                why=N_(
                    "Dropout works in training only: there the network has to do without three tenths of its hidden units, in validation it has all of them."
                ),
            ),
        ),
        ReadingQuestion(
            id="q2",
            title=N_("What did dropout do?"),
            points=2.0,
            training=_spotify,
            claims={"a": "less_overfitting", "b": "faster", "c": "more_overfitting", "d": "no_difference"},
            texts={
                "a": N_("The gap between validation and training loss grows less: less overfitting."),
                "b": N_("The network reaches its lowest validation loss in fewer epochs."),
                "c": N_("The gap between validation and training loss grows more: more overfitting."),
                "d": N_("Nothing that stands out from the noise."),
            },
            number="best_epoch",
            effect="a",
            before="plain_history",
            hints=(
                N_(
                    "How far is validation loss from training loss at the end of each run, and how far was it in the first epochs? Picture and table both show it."
                ),
                N_("`np.argmin(...)` counts from 0, epochs count from 1; either is accepted."),
                N_(
                    "For `reason`: is what dropout takes away gone for one step or for good, is it chosen or drawn, and is it units or songs?"
                ),
            ),
            explained_in="q2-explanation",
            reason=ReasonQuestion(
                asks=N_("What does dropout do in training that works against learning by heart?"),
                choices={
                    "a": N_("It makes the network smaller for good, so that it has fewer units left to memorise with."),
                    "b": N_("It finds the units that carry chance patterns, and shuts these off."),
                    "c": N_("It takes away other units at random in each step, so that no unit can count on another."),
                    "d": N_(
                        "It leaves out some of the songs in each step, so that the network sees each of them less often."
                    ),
                },
                answer="c",
                wrong={
                    "a": N_(
                        'the units come back. In the next step others are missing, and in inference all of them work: the network is as large as before. See "What the layer does to numbers" in lesson 1.'
                    ),
                    "b": N_(
                        'dropout does not look at what a unit is worth. It draws anew in each step which units are missing, good ones among them. See the masks under "What the layer does to numbers" in lesson 1.'
                    ),
                    "d": N_(
                        'each song is still seen once in every epoch. Dropout shuts off what a hidden layer passes on, not rows of the data. See "The idea of dropout" in lesson 1.'
                    ),
                },
                why=N_("What this changes in your two curves is what you explain in words below."),
            ),
            why=N_(
                "Without dropout the validation loss soon gains nothing more, or even climbs, while the training loss keeps "
                "falling: overfitting. With dropout the two stay together to the end."
            ),
        ),
        NetworkQuestion(
            id="q3",
            title=N_("Add batch normalization to the concrete network"),
            points=4.0,
            curve_points=2.0,
            network=_with_batch_normalization,
            training=_concrete,
            hints=(
                N_(
                    "A batch normalization layer may stand first: it then scales the raw features, like an adaptive preprocessor."
                ),
                N_(
                    "Every one of the four `Dense` layers, the output included, gets a `BatchNormalization` right before it."
                ),
            ),
            why=N_(
                "The raw features reach from single digits to over a thousand, and SGD moves weights in proportion to them. "
                "Normalising the inputs of every layer brings all steps to one scale, and the training no longer blows up."
            ),
            explained_in="q4-explanation",
            reason=ReasonQuestion(
                asks=N_(
                    "Your trained network is given a single mix of concrete. With which mean does it normalise it?"
                ),
                choices={
                    "a": N_("with the mix's own mean: a batch of one is a batch, too"),
                    "b": N_("with none: like dropout, batch normalization is switched off in inference"),
                    "c": N_("with the running average of the means that it saw in training"),
                },
                answer="c",
                wrong={
                    "a": N_(
                        'A single row minus its own mean is 0 in every feature: all mixes would get the same prediction. See "Training and inference are not the same" in lesson 2.'
                    ),
                    "b": N_(
                        'Dropout rests in inference, batch normalization does not: the layers behind it have only ever seen normalised inputs. See "Training and inference are not the same" in lesson 2.'
                    ),
                },
                why=N_(
                    "Batch normalization keeps running averages of mean and variance in training and uses them in inference, so that a prediction does not depend on the other rows of its batch."
                ),
            ),
        ),
        ReadingQuestion(
            id="q4",
            title=N_("What did batch normalization do?"),
            points=2.0,
            training=_concrete,
            claims={"a": "less_overfitting", "b": "rescued", "c": "no_difference", "d": "worse_minimum"},
            texts={
                "a": N_("The network overfitted before and overfits less now."),
                "b": N_("The network could not be trained before, and can now."),
                "c": N_("Nothing that stands out from the noise."),
                "d": N_("The network trained before, and its lowest validation loss got worse."),
            },
            number="best_loss",
            effect="b",
            before="failed_history",
            hints=(
                N_("Look at the numbers of the first run, not only at its picture: what can be drawn of `nan`?"),
                N_('`min(concrete_history.history["val_loss"])` is the lowest validation loss of your network.'),
                N_(
                    "For `concrete_reason`: how large is the step that sgd makes with a weight, if the input of that weight is a thousand?"
                ),
            ),
            explained_in="q4-explanation",
            reason=ReasonQuestion(
                asks=N_("What does batch normalization do that lets `sgd` train this network on raw data?"),
                choices={
                    "a": N_("It scales the target, so that the errors and with them the loss are smaller."),
                    "b": N_("It removes outliers, so that no batch holds extreme values any more."),
                    "c": N_("It adds noise from batch to batch, which keeps the network from overfitting."),
                    "d": N_("It keeps the inputs of every layer on one scale, and with them the steps of the weights."),
                },
                answer="d",
                wrong={
                    "a": N_(
                        'the target stays in MPa: the layer stands before a dense layer and works on what goes into it, never on `y`. See "The arithmetic, by hand" in lesson 2.'
                    ),
                    "b": N_(
                        'no value is removed: each is shifted and scaled, and an extreme one stays the extreme one of its batch. See "The arithmetic, by hand" in lesson 2.'
                    ),
                    "c": N_(
                        "that noise is real, but it is a side effect. The network without the layer did not overfit: for that it would have had to learn first. See what its training loss did."
                    ),
                },
                why=N_("Why that matters so much on these raw features is what you explain in words below."),
            ),
            why=N_(
                "Without batch normalization the loss leaves the finite numbers within the first epochs and nothing is "
                "learned. With it the same optimizer trains the same layers on the same raw data."
            ),
        ),
    ),
)

id, title, points = assignment.id, assignment.title, assignment.points
questions = assignment.questions
q1, q3 = assignment.of(NetworkQuestion)
q2, q4 = assignment.of(ReadingQuestion)
(q1_again,) = assignment.practice
progress = assignment.progress
