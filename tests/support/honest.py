"""Honest ways to do the same work: how networks are written, trained, stopped, kept and handed in.

Each way trains for a few epochs only, or takes over the weights of a network that was trained already, and ends with
what a learner hands in. Which curves are good is measured elsewhere; here nothing honest may be accused.
"""

from __future__ import annotations

import copy
import csv
import json
import pickle
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import keras
import numpy as np
from assignments import training_of
from keras import callbacks as kept
from keras import layers
from keras_models import Block

from checker import datasets
from checker.assignments import challenge, spotify
from checker.questions import NetworkQuestion

EPOCHS = 3


@dataclass(frozen=True)
class Work:
    """What a learner hands in.

    Attributes:
        question: the question that is answered.
        model, history: as handed in.
    """

    question: NetworkQuestion
    model: Any
    history: Any


@dataclass(frozen=True)
class Way:
    """One honest way.

    Attributes:
        kind: network, callbacks, machine, compile, data or storage.
        name: what is special about it.
        work: does it.
        machine: where it is done and checked.
    """

    kind: str
    name: str
    work: Callable[[], Work]
    machine: Callable[[], AbstractContextManager[None]] = nullcontext

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}"


def brief(question: Any) -> NetworkQuestion:
    """The question, content with any curves that are proved, since a training of a few epochs shows nothing yet."""
    assert isinstance(question, NetworkQuestion)
    assert question.training is not None
    training = replace(question.training, least_epochs=1, forbidden=("diverged",), limits={}, target=None)
    return replace(question, training=training, graded=True)


Q1, Q3, WINE = (brief(question) for question in (spotify.q1, spotify.q3, challenge.q1))


def network(question: NetworkQuestion) -> Any:
    """The question's own solution, not compiled."""
    return eval(question.network.code(), {"keras": keras, "layers": layers})


@cache
def _weights() -> list[Any]:
    """Weights of a red wine network that was trained a little, so that each way begins with a sensible loss."""
    split = wine()
    keras.utils.set_random_seed(1)
    model = network(WINE)
    model.compile("adam", "mae")
    model.fit(split.X_train, split.y_train, batch_size=64, epochs=12, verbose=0)
    return list(model.get_weights())


def begun(question: NetworkQuestion) -> Any:
    """The question's solution with the weights of a training that went on for a while."""
    model = network(question)
    if question is WINE:
        model.set_weights(_weights())
    return model


@cache
def _ready() -> tuple[Any, list[Any]]:
    """A network that was compiled and traced once, for all ways of training that change neither; and its beginning."""
    split = wine()
    model = begun(WINE)
    model.compile("adam", "mae")
    model.train_on_batch(split.X_train[:2], split.y_train[:2])
    model.set_weights(_weights())
    state = [*model.variables, *model.optimizer.variables]
    model.optimizer.iterations.assign(0)
    return model, [np.array(variable) for variable in state]


def ready() -> Any:
    """That network, as it was in the beginning."""
    model, beginning = _ready()
    for variable, value in zip([*model.variables, *model.optimizer.variables], beginning, strict=True):
        variable.assign(value)
    return model


def trained(
    question: NetworkQuestion = WINE,
    *,
    model: Any = None,
    compiled: dict[str, Any] | None = None,
    anew: bool = False,
    rounds: int = 1,
    **fit: Any,
) -> Work:
    """The work of a learner who changes only what is given here; ``anew``: with a network of its own.

    The shared network is traced for targets of one axis; those of two need their own.
    """
    training = question.training
    assert training is not None
    split = datasets.split(training.data)
    keras.utils.set_random_seed(5)
    if question is WINE and model is None and compiled is None and not anew:
        model = ready()
    else:
        model = begun(question) if model is None else model
        usual = {"optimizer": training.optimizer, "loss": training.loss, "run_eagerly": True}
        model.compile(**{**usual, **(compiled or {})})
    given: dict[str, Any] = {
        "x": split.X_train,
        "y": split.y_train,
        "validation_data": (split.X_valid, split.y_valid),
        "batch_size": 560,
        "validation_batch_size": 480,
        "epochs": EPOCHS,
        "verbose": 0,
        **fit,
    }
    given = {name: value for name, value in given.items() if value is not ...}
    history = None
    for _ in range(rounds):
        history = model.fit(**given)
    return Work(question, model, history)


# --- callbacks --------------------------------------------------------------------------------------------------------


class Stop(kept.Callback):
    """A learner's own way to stop."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.model.stop_training = epoch == 1


class Keep(kept.Callback):
    """Weights of one epoch put back at the end."""

    def __init__(self, epoch: int) -> None:
        super().__init__()
        self.chosen, self.weights = epoch, None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if epoch == self.chosen:
            self.weights = self.model.get_weights()

    def on_train_end(self, logs: Any = None) -> None:
        self.model.set_weights(self.weights)


class Average(kept.Callback):
    """Stochastic weight averaging: the mean of all epochs' weights."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Any] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seen.append(self.model.get_weights())

    def on_train_end(self, logs: Any = None) -> None:
        self.model.set_weights([np.mean(arrays, axis=0) for arrays in zip(*self.seen, strict=True)])


class Peek(kept.Callback):
    """Looks at predictions while training goes on."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.model.predict(np.zeros((2, self.model.input_shape[-1]), "float32"), verbose=0)


class Interrupt(kept.Callback):
    """The stop button of the notebook."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if epoch == 2:
            raise KeyboardInterrupt


CALLBACKS: dict[str, Callable[[], list[Any]]] = {
    "early stopping": lambda: [kept.EarlyStopping(patience=1, min_delta=1.0)],
    "early stopping, best weights": lambda: [kept.EarlyStopping(patience=2, restore_best_weights=True)],
    "early stopping, large min_delta": lambda: [
        kept.EarlyStopping(patience=2, min_delta=10.0, restore_best_weights=True)
    ],
    "early stopping on the training loss": lambda: [
        kept.EarlyStopping(monitor="loss", patience=1, min_delta=10.0, restore_best_weights=True)
    ],
    "early stopping, the wrong way round": lambda: [
        kept.EarlyStopping(mode="max", patience=9, restore_best_weights=True)
    ],
    "early stopping, later": lambda: [
        kept.EarlyStopping(start_from_epoch=2, patience=1, restore_best_weights=True, baseline=1e-9)
    ],
    "early stopping, start again from the middle": lambda: [
        kept.EarlyStopping(start_from_epoch=1, patience=1, min_delta=5.0, restore_best_weights=True)
    ],
    "plateau": lambda: [kept.ReduceLROnPlateau(patience=1, min_delta=9.0)],
    "schedule": lambda: [kept.LearningRateScheduler(lambda epoch, rate: rate * 0.5)],
    "terminate on NaN": lambda: [kept.TerminateOnNaN()],
    "stopped by hand": lambda: [Stop()],
    "weights of the first epoch put back": lambda: [Keep(0)],
    "weights of a middle epoch put back": lambda: [Keep(2)],
    "averaged weights": lambda: [Average()],
    "predictions on the way": lambda: [Peek()],
    "lambda": lambda: [kept.LambdaCallback(on_epoch_end=lambda epoch, logs: None)],
    "csv": lambda: [kept.CSVLogger("log.csv")],
    "backup": lambda: [kept.BackupAndRestore("backup.weights.h5")],
    "progress": lambda: [kept.ProgbarLogger()],
    "more in the logs": lambda: [Notes()],
    "the best epoch by hand": lambda: [Best()],
    "several": lambda: [
        kept.EarlyStopping(patience=2, restore_best_weights=True),
        kept.ReduceLROnPlateau(patience=1),
        kept.ModelCheckpoint("best.keras", save_best_only=True),
    ],
    "early stopping on what is not there": lambda: [kept.EarlyStopping(monitor="nothing", mode="min")],
}


class Notes(kept.Callback):
    """Writes more into the logs than numbers."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs["rate"], logs["note"] = float(self.model.optimizer.learning_rate), f"epoch {epoch}"


class Best(kept.Callback):
    """Weights of the best epoch put back by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.least, self.weights = np.inf, None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if logs["val_loss"] < self.least:
            self.least, self.weights = logs["val_loss"], self.model.get_weights()

    def on_train_end(self, logs: Any = None) -> None:
        self.model.set_weights(self.weights)


class Own(kept.Callback):
    """A history of the learner's own."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, list[float]] = defaultdict(list)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        for name, value in (logs or {}).items():
            self.seen[name].append(value)


class StopInEpoch(kept.Callback):
    """The stop button, in the middle of an epoch."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if len(self.model.history.epoch) == 2:
            raise KeyboardInterrupt


def interrupted_in_an_epoch() -> Work:
    model = begun(WINE)
    with suppress(KeyboardInterrupt):
        trained(model=model, callbacks=[StopInEpoch()])
    return Work(WINE, model, model.history)


def own_history() -> Work:
    own = Own()
    return replace(trained(callbacks=[own]), history=own.seen)


def from_the_logger() -> Work:
    """The log that Keras wrote, read with Python's own csv module: every number is a text."""
    work = trained(callbacks=[kept.CSVLogger("log.csv")])
    with open("log.csv", encoding="utf-8") as file:
        return replace(work, history=list(csv.DictReader(file)))


# --- loops of one's own -----------------------------------------------------------------------------------------------


def loop(step: Callable[[Any, Any], Any], loss: Callable[[Any, Any], Any]) -> Work:
    """A learner's own loop over epochs, which notes a training and a validation loss."""
    model, split = ready(), wine()
    history: dict[str, list[Any]] = {"loss": [], "val_loss": []}
    for _ in range(EPOCHS):
        history["loss"].append(step(model, split))
        history["val_loss"].append(loss(model, split))
    return Work(WINE, model, history)


def _evaluated(model: Any, split: Any) -> Any:
    return model.evaluate(split.X_valid, split.y_valid, verbose=0)


LOOPS: dict[str, Callable[[], Work]] = {
    "batches": lambda: loop(lambda model, split: model.train_on_batch(split.X_train, split.y_train), _evaluated),
    "one epoch at a time": lambda: loop(
        lambda model, split: model.fit(split.X_train, split.y_train, verbose=0, batch_size=560).history["loss"][0],
        _evaluated,
    ),
    "tested as one batch": lambda: loop(
        lambda model, split: model.train_on_batch(split.X_train, split.y_train),
        lambda model, split: model.test_on_batch(split.X_valid, split.y_valid),
    ),
    "predicted and subtracted": lambda: loop(
        lambda model, split: model.train_on_batch(split.X_train, split.y_train),
        lambda model, split: np.abs(model.predict(split.X_valid, verbose=0).ravel() - split.y_valid).mean(),
    ),
    "a tensor an epoch": lambda: loop(
        lambda model, split: model.train_on_batch(split.X_train, split.y_train),
        lambda model, split: keras.losses.MeanAbsoluteError()(split.y_valid[:, None], model(split.X_valid)),
    ),
}


def checkpoint() -> Work:
    """The best epoch's weights, loaded from the file that a checkpoint wrote."""
    work = trained(callbacks=[kept.ModelCheckpoint("best.weights.h5", save_best_only=True, save_weights_only=True)])
    work.model.load_weights("best.weights.h5")
    return work


def checkpoint_of_an_epoch() -> Work:
    """The second epoch's weights of the files that a checkpoint wrote."""
    work = trained(callbacks=[kept.ModelCheckpoint("w{epoch}.weights.h5", save_weights_only=True)])
    work.model.load_weights("w2.weights.h5")
    return work


def checkpoint_model() -> Work:
    """The whole best model, loaded from a checkpoint; the History is the first model's."""
    work = trained(callbacks=[kept.ModelCheckpoint("best.keras", save_best_only=True)])
    return replace(work, model=keras.models.load_model("best.keras"))


def interrupted() -> Work:
    """The kernel was interrupted while ``fit`` ran; the model remembers its history."""
    model = begun(WINE)
    with suppress(KeyboardInterrupt):
        trained(model=model, callbacks=[Interrupt()])
    return Work(WINE, model, model.history)


def continued_history() -> Work:
    """The same History handed to a second ``fit``."""
    history = kept.History()
    model = begun(WINE)
    trained(model=model, epochs=2, callbacks=[history])
    return trained_on(model, history, epochs=4, initial_epoch=2, callbacks=[history])


def trained_on(model: Any, history: Any = None, **fit: Any) -> Work:
    """Training goes on with a compiled model."""
    split = datasets.split("red-wine")
    given = {"validation_data": (split.X_valid, split.y_valid), "batch_size": 560, "verbose": 0, **fit}
    ran = model.fit(split.X_train, split.y_train, **given)
    return Work(WINE, model, ran if history is None else history)


def continued_apart() -> Work:
    """Two trainings whose histories were joined by hand."""
    first = trained(epochs=2)
    one = {name: list(values) for name, values in first.history.history.items()}
    second = trained_on(first.model, epochs=2)
    return replace(second, history={name: one[name] + second.history.history[name] for name in one})


def swapped_averages() -> Work:
    """Keras' moving average of the weights, swapped in for each validation, as its documentation advises."""
    swap = kept.SwapEMAWeights(swap_on_epoch=True)
    return trained(compiled={"optimizer": keras.optimizers.Adam(use_ema=True)}, callbacks=[swap])


# --- machine ----------------------------------------------------------------------------------------------------------


def in_policy(policy: str, question: NetworkQuestion = WINE, **compiled: Any) -> Work:
    """A training in one of Keras' dtype policies."""
    before = keras.config.dtype_policy()
    _weights()
    keras.config.set_dtype_policy(policy)
    try:
        return trained(question, compiled=compiled)
    finally:
        keras.config.set_dtype_policy(before)


def in_floatx(name: str) -> Work:
    before = keras.config.floatx(), keras.config.dtype_policy()
    _weights()
    keras.config.set_floatx(name)
    keras.config.set_dtype_policy(name)
    try:
        return trained(compiled={"optimizer": keras.optimizers.Adam(epsilon=1e-3)})
    finally:
        keras.config.set_floatx(before[0])
        keras.config.set_dtype_policy(before[1])


def last_layer_in_float32() -> Work:
    """Mixed precision as the guide of Keras has it: the output in float32."""
    half = {"dtype": "mixed_bfloat16"}
    model = keras.Sequential(
        [
            keras.Input((11,)),
            layers.BatchNormalization(**half),
            layers.Dense(64, activation="relu", **half),
            layers.Dropout(0.2, **half),
            layers.Dense(64, activation="relu", **half),
            layers.Dropout(0.2, **half),
            layers.Dense(1, dtype="float32"),
        ]
    )
    model.set_weights(_weights())
    return trained(model=model)


@contextmanager
def on_a_gpu() -> Iterator[None]:
    """TensorFloat-32 as a GPU multiplies in it: what a dense layer multiplies keeps 10 bits of its mantissa."""
    import tensorflow as tf
    from keras.src import ops

    def kept_bits(x: Any) -> Any:
        bits = tf.bitcast(tf.convert_to_tensor(x), tf.uint32) + tf.constant(0x1000, tf.uint32)
        rounded = tf.bitcast(tf.bitwise.bitwise_and(bits, tf.constant(0xFFFFE000, tf.uint32)), tf.float32)
        return x + tf.stop_gradient(rounded - x)

    def matmul(one: Any, two: Any) -> Any:
        return exact(kept_bits(one), kept_bits(two))

    _weights()
    exact, devices = ops.matmul, tf.config.list_logical_devices
    ops.matmul, tf.config.list_logical_devices = matmul, lambda kind=None: ["a GPU"]
    try:
        yield
    finally:
        ops.matmul, tf.config.list_logical_devices = exact, devices


# --- data -------------------------------------------------------------------------------------------------------------


def wine() -> Any:
    return datasets.split("red-wine")


class Batches(keras.utils.PyDataset):
    """Training data as Keras' own kind of generator."""

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Any:
        rows = slice(256 * index, 256 * (index + 1))
        return wine().X_train[rows], wine().y_train[rows]


class Uneven(keras.utils.PyDataset):
    """Validation data in batches of different sizes."""

    EDGES = (0, 10, 400, 480)

    def __len__(self) -> int:
        return len(self.EDGES) - 1

    def __getitem__(self, index: int) -> Any:
        rows = slice(*self.EDGES[index : index + 2])
        return wine().X_valid[rows], wine().y_valid[rows]


def endless() -> Iterator[Any]:
    while True:
        yield wine().X_train[:256], wine().y_train[:256]


def as_dataset(x: Any, y: Any, batch: int) -> Any:
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((x, y)).batch(batch)


def as_frame(x: Any) -> Any:
    import pandas as pd

    return pd.DataFrame(x)


DATA: dict[str, Callable[[], dict[str, Any]]] = {
    "datasets of TensorFlow": lambda: {
        "x": as_dataset(wine().X_train, wine().y_train, 100).shuffle(4),
        "y": ...,
        "batch_size": ...,
        "validation_data": as_dataset(wine().X_valid, wine().y_valid, 77),
    },
    "a validation dataset that repeats": lambda: {
        "validation_data": as_dataset(wine().X_valid, wine().y_valid, 48).repeat(),
        "validation_steps": 10,
    },
    "a generator": lambda: {"x": endless(), "y": ..., "batch_size": ..., "steps_per_epoch": 3},
    "a PyDataset": lambda: {"x": Batches(), "y": ..., "batch_size": ...},
    "pandas": lambda: {
        "anew": True,
        "x": as_frame(wine().X_train),
        "y": as_frame(wine().y_train[:, None])[0],
        "validation_data": (as_frame(wine().X_valid), wine().y_valid),
    },
    "targets in a column": lambda: {
        "anew": True,
        "y": wine().y_train[:, None],
        "validation_data": (wine().X_valid, wine().y_valid[:, None]),
    },
    "float64 arrays": lambda: {
        "x": wine().X_train.astype("float64"),
        "validation_data": (wine().X_valid.astype("float64"), wine().y_valid.astype("float64")),
    },
    "tensors": lambda: {
        "x": keras.ops.convert_to_tensor(wine().X_train),
        "y": keras.ops.convert_to_tensor(wine().y_train),
    },
    "whole numbers as targets": lambda: {
        "y": wine().y_train.astype(int),
        "validation_data": (wine().X_valid, wine().y_valid.astype(int)),
    },
    "large batches": lambda: {"batch_size": 2000},
    "one sample in the last batch": lambda: {"batch_size": 559, "validation_batch_size": 479},
    "small validation batches": lambda: {"validation_batch_size": 7},
    "not shuffled": lambda: {"shuffle": False},
    "few steps": lambda: {"steps_per_epoch": 2},
    "sample weights": lambda: {"sample_weight": np.linspace(0.5, 1.5, len(wine().y_train))},
    "a wrong order of validation data": lambda: {"validation_data": (wine().X_valid[::-1], wine().y_valid[::-1])},
    "a share of the training data": lambda: {"validation_data": ..., "validation_split": 0.3},
    "part of the validation data": lambda: {
        "validation_data": as_dataset(wine().X_valid, wine().y_valid, 48),
        "validation_steps": 5,
    },
    "weighted validation": lambda: {
        "validation_data": (wine().X_valid, wine().y_valid, np.linspace(0, 2, len(wine().y_valid))),
    },
    "validation data as a list": lambda: {"validation_data": [wine().X_valid, wine().y_valid]},
    "validation data weighted by ones": lambda: {
        "validation_data": (wine().X_valid, wine().y_valid, np.ones(len(wine().y_valid)))
    },
    "validation in uneven batches": lambda: {"validation_data": Uneven()},
    "prefetched": lambda: {
        "x": as_dataset(wine().X_train, wine().y_train, 560).cache().prefetch(2),
        "y": ...,
        "batch_size": ...,
    },
    "columns in another order in memory": lambda: {
        "validation_data": (np.asfortranarray(wine().X_valid), wine().y_valid)
    },
    "an epoch counted from elsewhere": lambda: {"initial_epoch": 2, "epochs": 5},
}


# --- compile ----------------------------------------------------------------------------------------------------------


def own_distance(y: Any, prediction: Any) -> Any:
    """A learner's own mean absolute error."""
    return keras.ops.mean(keras.ops.abs(y - prediction), axis=-1)


class OwnLoss(keras.losses.Loss):
    """Keras gives functions, but not classes, targets of the shape of the predictions."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return own_distance(
            keras.ops.reshape(y_true, keras.ops.shape(y_pred)), y_pred
        )  # Keras does it in functions only


class OwnAdam(keras.optimizers.Adam):
    """Keras' optimizer with a learner's own default."""

    def __init__(self, learning_rate: float = 2e-3, **more: Any) -> None:
        super().__init__(learning_rate, **more)


COMPILED: dict[str, Callable[[], dict[str, Any]]] = {
    "loss by its long name": lambda: {"loss": "mean_absolute_error"},
    "loss in capitals": lambda: {"loss": "MAE"},
    "loss as an object": lambda: {"loss": keras.losses.MeanAbsoluteError()},
    "loss object with a name": lambda: {"loss": keras.losses.MeanAbsoluteError(name="distance")},
    "loss as a function": lambda: {"loss": keras.losses.mean_absolute_error},
    "loss of one's own": lambda: {"loss": own_distance},
    "loss in a list": lambda: {"loss": ["mae"]},
    "mean with sample weight": lambda: {"loss": keras.losses.MeanAbsoluteError(reduction="mean_with_sample_weight")},
    "more metrics": lambda: {"metrics": ["mse", "mae", keras.metrics.RootMeanSquaredError()]},
    "weighted metrics": lambda: {"weighted_metrics": ["mse"]},
    "optimizer as an object": lambda: {"optimizer": keras.optimizers.Adam(3e-3, clipnorm=1.0)},
    "optimizer with a schedule": lambda: {
        "optimizer": keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(1e-2, 10, 0.9))
    },
    "optimizer wrapped": lambda: {"optimizer": keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam())},
    "gradients gathered": lambda: {"optimizer": keras.optimizers.Adam(gradient_accumulation_steps=2)},
    "moving average of the weights": lambda: {"optimizer": keras.optimizers.Adam(use_ema=True)},
    "loss in a class of one's own": lambda: {"loss": OwnLoss()},
    "loss as a lambda": lambda: {"loss": lambda y, prediction: keras.ops.abs(y - prediction)},
    "optimizer of one's own": lambda: {"optimizer": OwnAdam()},
    "optimizer as a dict": lambda: {"optimizer": {"class_name": "Adam", "config": {"learning_rate": 0.01}}},
    "the best by another metric": lambda: {"metrics": ["mae", keras.metrics.MeanAbsoluteError(name="loss_2")]},
    "weights decay": lambda: {"optimizer": keras.optimizers.Adam(weight_decay=1e-3)},
    "as a graph": lambda: {"run_eagerly": False},
    "compiled by XLA": lambda: {"run_eagerly": False, "jit_compile": True},
    "several steps at once": lambda: {"run_eagerly": False, "steps_per_execution": 3},
    "loss doubled": lambda: {"loss_weights": [2.0]},
}


# --- storage: what becomes of a trained model before it is handed in --------------------------------------------------


def _file(name: str) -> str:
    return str(Path(tempfile.mkdtemp()) / name)


def saved(work: Work) -> Work:
    work.model.save(path := _file("mine.keras"))
    return replace(work, model=keras.models.load_model(path))


def saved_old_format(work: Work) -> Work:
    """Keras does not find the loss by its name in such a file."""
    work.model.save(path := _file("mine.h5"))
    model = keras.models.load_model(path, compile=False)
    model.compile("adam", "mae")
    return replace(work, model=model)


def loaded_without_compiling(work: Work) -> Work:
    work.model.save(path := _file("mine.keras"))
    return replace(work, model=keras.models.load_model(path, compile=False))


def weights_loaded(work: Work) -> Work:
    work.model.save_weights(path := _file("mine.weights.h5"))
    model = network(work.question)
    model.compile("adam", "mae")
    model.load_weights(path)
    return replace(work, model=model)


def cloned(work: Work) -> Work:
    model = keras.models.clone_model(work.model)
    model.set_weights(work.model.get_weights())
    return replace(work, model=model)


def from_json(work: Work) -> Work:
    model = keras.models.model_from_json(work.model.to_json())
    model.set_weights(work.model.get_weights())
    model.compile("adam", "mae")
    return replace(work, model=model)


def from_config(work: Work) -> Work:
    model = type(work.model).from_config(work.model.get_config())
    model.set_weights(work.model.get_weights())
    return replace(work, model=model)


def pickled(work: Work) -> Work:
    return replace(work, model=pickle.loads(pickle.dumps(work.model)))


def copied(work: Work) -> Work:
    return replace(work, model=copy.deepcopy(work.model))


def compiled_again(work: Work) -> Work:
    work.model.compile("adam", "mae", metrics=["mse"])
    return work


def evaluated(work: Work) -> Work:
    split = datasets.split(training_of(work.question).data)
    work.model.evaluate(split.X_valid, split.y_valid, verbose=0)
    work.model.predict(split.X_train, verbose=0)
    return work


def called_in_training_mode(work: Work) -> Work:
    split = datasets.split(training_of(work.question).data)
    work.model(split.X_train, training=True)
    return work


def wrapped(work: Work) -> Work:
    model = keras.Sequential([keras.Input(work.model.input_shape[1:]), work.model])
    model.compile("adam", "mae")
    return replace(work, model=model)


def renamed(work: Work) -> Work:
    work.model.name = "my_model"
    return work


def unpacked(work: Work) -> Work:
    keras.saving.save_model(work.model, path := _file("mine"), zipped=False)
    return replace(work, model=keras.saving.load_model(path))


def from_arrays(work: Work) -> Work:
    np.savez(path := _file("mine.npz"), *work.model.get_weights())
    model = network(work.question)
    model.compile("adam", "mae")
    model.set_weights(list(np.load(path).values()))
    return replace(work, model=model)


def functional_of_its_tensors(work: Work) -> Work:
    return replace(work, model=keras.Model(work.model.inputs, work.model.layers[-1].output))


def sequential_of_its_layers(work: Work) -> Work:
    """No input layer is among them, so that the new model has seen no data, though its layers have."""
    model = keras.Sequential(work.model.layers)
    model.compile("adam", "mae")
    return replace(work, model=model)


STORED: dict[str, Callable[[Work], Work]] = {
    "saved and loaded": saved,
    "saved and loaded as .h5": saved_old_format,
    "loaded without compiling": loaded_without_compiling,
    "weights loaded": weights_loaded,
    "cloned": cloned,
    "from JSON": from_json,
    "from its config": from_config,
    "pickled": pickled,
    "copied": copied,
    "compiled again": compiled_again,
    "evaluated": evaluated,
    "called in training mode": called_in_training_mode,
    "wrapped": wrapped,
    "renamed": renamed,
    "saved as a folder": unpacked,
    "weights from arrays": from_arrays,
    "a functional model of its tensors": functional_of_its_tensors,
    "a sequential model of its layers": sequential_of_its_layers,
}


def _columns(history: Any) -> dict[str, list[float]]:
    return dict(history.history)


def _frame(history: Any) -> Any:
    import pandas as pd

    return pd.DataFrame(_columns(history))


def _from_csv(history: Any) -> Any:
    import pandas as pd

    _frame(history).to_csv(path := _file("log.csv"), index=False)
    return pd.read_csv(path)


def _from_numpy(history: Any) -> Any:
    np.save(path := _file("log.npy"), np.array(_columns(history)), allow_pickle=True)
    return np.load(path, allow_pickle=True)


def _from_excel(history: Any) -> Any:
    """A column that counts the rows, as pandas writes it unless told otherwise."""
    import pandas as pd

    _frame(history).to_csv(path := _file("log.csv"))
    return pd.read_csv(path)


HANDED_IN: dict[str, Callable[[Any], Any]] = {
    "history as a dict": _columns,
    "history as a table": _frame,
    "history from a csv file": _from_csv,
    "history as arrays": lambda history: {name: np.array(values) for name, values in _columns(history).items()},
    "history as single precision": lambda history: {
        name: np.array(values, "float32") for name, values in _columns(history).items()
    },
    "history as JSON": lambda history: json.dumps(_columns(history)),
    "history from JSON": lambda history: json.loads(json.dumps(_columns(history))),
    "history one row an epoch": lambda history: _frame(history).to_dict("records"),
    "history pickled": lambda history: pickle.loads(pickle.dumps(_columns(history))),
    "history from a NumPy file": _from_numpy,
    "history from a NumPy file, taken out": lambda history: _from_numpy(history).item(),
    "history from a table with row numbers": _from_excel,
    "history as tuples": lambda history: {name: tuple(values) for name, values in _columns(history).items()},
    "history as columns": lambda history: {name: np.array([values]).T for name, values in _columns(history).items()},
    "history as texts": lambda history: {name: list(map(repr, values)) for name, values in _columns(history).items()},
    "history as series": lambda history: {name: _frame(history)[name] for name in _columns(history)},
    "history in an object": lambda history: SimpleNamespace(history=_columns(history)),
    "history read only": lambda history: MappingProxyType(_columns(history)),
    "history with more in it": lambda history: {**_columns(history), "rate": [1e-3] * EPOCHS, "note": ["x"] * EPOCHS},
    "history rounded to three digits": lambda history: {
        name: [round(value, 3) for value in values] for name, values in _columns(history).items()
    },
}


# --- networks: ways to write them, with the weights of one that was trained -------------------------------------------


class SameDense(layers.Dense):
    """A layer of Keras' own under another name."""


class LateBlock(layers.Layer):
    """The same, made when the input's shape is known."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.units = units

    def build(self, input_shape: Any) -> None:
        self.dense, self.drop = layers.Dense(self.units, activation="relu"), layers.Dropout(0.3)
        self.dense.build(input_shape)
        super().build(input_shape)

    def call(self, inputs: Any, training: Any = None) -> Any:
        return self.drop(self.dense(inputs), training=training)


class Parts(keras.Model):
    """Layers in a dict, one dropout for all, and what is called is decided in a loop."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = {"first": layers.Dense(128), "second": layers.Dense(64)}
        self.drop, self.out = layers.Dropout(0.3), layers.Dense(1)

    def call(self, x: Any, training: Any = None) -> Any:
        for name in ("first", "second"):
            x = self.drop(keras.activations.relu(self.parts[name](x)), training=training)
        return self.out(x)


class Built(keras.Model):
    """Layers that are made in ``build``."""

    def build(self, input_shape: Any) -> None:
        self.stack = _stack()
        for layer in self.stack:
            layer.build(input_shape)
            input_shape = layer.compute_output_shape(input_shape)

    def call(self, x: Any) -> Any:
        for layer in self.stack:
            x = layer(x)
        return x


class Chain(keras.Sequential):
    def __init__(self) -> None:
        super().__init__([keras.Input((18,)), *_stack()])


def _stack(**first: Any) -> list[Any]:
    relu = {"activation": "relu"}
    return [
        layers.Dense(128, **relu, **first),
        layers.Dropout(0.3),
        layers.Dense(64, **relu),
        layers.Dropout(0.3),
        layers.Dense(1),
    ]


def _around(before: list[Any], after: list[Any] | None = None, **given: Any) -> Any:
    """The network with layers around it that change nothing."""
    return keras.Sequential([keras.Input((18,), **given), *before, *_stack(), *(after or [])])


def _named_tensors() -> Any:
    inputs, outputs = _functional(*_stack())
    return keras.Model({"songs": inputs}, {"popularity": outputs})


def _one_dropout() -> Any:
    drop, relu = layers.Dropout(0.3), layers.ReLU()
    first, second, last = _dense()
    return keras.Model(*_functional(first, relu, drop, second, relu, drop, last))


def _nested() -> Any:
    first = keras.Sequential([keras.Input((18,)), *_stack()[:2]])
    inputs = keras.Input((128,))
    second = keras.Model(inputs, layers.Dropout(0.3)(layers.Dense(64, activation="relu")(inputs)))
    return keras.Model(*_functional(first, second, layers.Dense(1)))


class Watched(keras.Model):
    """A functional model that says what its training step does."""

    def train_step(self, *data: Any) -> Any:
        return super().train_step(*data)


def _functional(*parts: Any) -> Any:
    inputs = x = keras.Input((18,))
    for part in parts:
        x = part(x)
    return inputs, x


def _dense() -> list[Any]:
    return [layers.Dense(128), layers.Dense(64), layers.Dense(1)]


def _with_function(function: Callable[[Any], Any]) -> Any:
    """A functional network whose activations are calls between the layers."""
    first, second, last = _dense()
    inputs = keras.Input((18,))
    x = layers.Dropout(0.3)(function(first(inputs)))
    x = layers.Dropout(0.3)(function(second(x)))
    return keras.Model(inputs, last(x))


NETWORKS: dict[str, Callable[[], Any]] = {
    "activations apart": lambda: keras.Sequential(
        [
            keras.Input((18,)),
            layers.Dense(128),
            layers.ReLU(),
            layers.Dropout(0.3),
            layers.Dense(64),
            layers.Activation("relu"),
            layers.Dropout(0.3),
            layers.Dense(1, activation="linear"),
        ]
    ),
    "dropout before the activation": lambda: keras.Sequential(
        [
            keras.Input((18,)),
            layers.Dense(128),
            layers.Dropout(0.3),
            layers.ReLU(),
            layers.Dense(64),
            layers.Dropout(0.3),
            layers.ReLU(),
            layers.Dense(1),
        ]
    ),
    "operations of Keras": lambda: _with_function(keras.ops.relu),
    "functions of Keras": lambda: _with_function(keras.activations.relu),
    "a lambda layer": lambda: _with_function(layers.Lambda(keras.activations.relu)),
    "blocks of one's own": lambda: keras.Sequential([keras.Input((18,)), Block(128), Block(64), layers.Dense(1)]),
    "blocks in a functional model": lambda: keras.Model(*_functional(Block(128), Block(64), layers.Dense(1))),
    "a training step of one's own": lambda: Watched(
        *_functional(
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(64, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(1),
        )
    ),
    "one dropout layer, twice": _one_dropout,
    "models in a model": _nested,
    "tensors with names": _named_tensors,
    "layers in a dict": Parts,
    "layers made in build": Built,
    "a class of Sequential": Chain,
    "blocks made late": lambda: keras.Sequential([LateBlock(128), LateBlock(64), layers.Dense(1)]),
    "the input's shape in the first layer": lambda: keras.Sequential(_stack(input_shape=(18,))),
    "an input layer": lambda: keras.Sequential([layers.InputLayer(batch_shape=(None, 18)), *_stack()]),
    "an input of float64": lambda: _around([], dtype="float64"),
    "flattened": lambda: _around([layers.Flatten()], [layers.Flatten()]),
    "in the same shape": lambda: _around([layers.Reshape((18,)), layers.Identity()], [layers.Activation("linear")]),
    "penalties of nothing": lambda: _around([layers.ActivityRegularization(0.0, 0.0)]),
    "a leak of nothing": lambda: keras.Model(
        *_functional(
            layers.Dense(128),
            layers.LeakyReLU(negative_slope=0.0),
            layers.Dropout(0.3, noise_shape=None),
            layers.Dense(64, kernel_regularizer=keras.regularizers.L2(0.0)),
            layers.Activation(layers.ReLU()),
            layers.Dropout(0.3),
            layers.Dense(1),
        )
    ),
    "Chinese names": lambda: keras.Sequential([keras.Input((18,)), *_stack(name="第一层")], name="我的 模型"),
    "layers under other names": lambda: keras.Sequential(
        [
            keras.Input((18,), name="songs"),
            SameDense(128, activation=keras.activations.relu, name="first", kernel_initializer="he_normal"),
            layers.Dropout(rate=3 / 10, seed=1, name="forget"),
            SameDense(64, activation=layers.ReLU(), name="second"),
            layers.Dropout(0.1 + 0.2),
            SameDense(1, name="popularity"),
        ]
    ),
}


def written(build: Callable[[], Any], question: str = "q1") -> Work:
    """The strict question, answered with a network of that style and the weights of the one that was trained."""
    import classroom

    name, asked = {"q1": ("dropout", spotify.q1), "q3": ("norm", spotify.q3)}[question]
    archive, record = classroom.trained(name)
    assert isinstance(asked, NetworkQuestion)
    assert asked.training is not None
    model = build()
    model(np.zeros((2, datasets.features(asked.training.data)), "float32"))
    model.set_weights(classroom.arrays(archive))
    model.compile(asked.training.optimizer, asked.training.loss)
    return Work(replace(asked, graded=True), model, record["history"])


def _styled(style: Callable[..., Any], question: str) -> Any:
    dense = {"q1": (128, 64), "q3": (512, 512, 512)}[question]
    stack: list[Any] = []
    for units in dense:
        if question == "q3":
            stack.append(layers.BatchNormalization())
        stack.append(layers.Dense(units, activation="relu"))
        if question == "q1":
            stack.append(layers.Dropout(0.3))
    stack += [layers.BatchNormalization()] if question == "q3" else []
    return style([*stack, layers.Dense(1)], {"q1": 18, "q3": 8}[question])


# --- designs of one's own ---------------------------------------------------------------------------------------------


def _norm(**given: Any) -> Any:
    return layers.BatchNormalization(**given)


def _adapted() -> Any:
    layer = layers.Normalization()
    layer.adapt(wine().X_train)
    return layer


def _two(join: Callable[[Any, Any], Any]) -> Callable[[], Any]:
    """A network in which two layers see the same, and their outputs are joined."""

    def build() -> Any:
        inputs = keras.Input((11,))
        seen = _norm()(inputs)
        joined = join(layers.Dense(16, activation="relu")(seen), layers.Dense(16, activation="sigmoid")(seen))
        return keras.Model(inputs, layers.Dense(1)(layers.Dropout(0.2)(joined)))

    return build


def _with(*parts: Any, first: Any = None) -> Any:
    """A small network with these layers in it."""
    given = [] if first is None else [first]
    return keras.Sequential(
        [
            keras.Input((11,)),
            *given,
            _norm(),
            layers.Dense(16, activation="relu"),
            *parts,
            layers.Dropout(0.2),
            layers.Dense(1),
        ]
    )


DESIGNS: dict[str, Callable[[], Any]] = {
    "adapted normalization": lambda: _with(first=_adapted()),
    "given normalization": lambda: _with(first=layers.Normalization(mean=5.0, variance=2.0)),
    "rescaled": lambda: _with(first=layers.Rescaling(0.1, offset=0.5)),
    "noise": lambda: _with(first=layers.GaussianNoise(0.1)),
    "other normalizations": lambda: _with(
        layers.LayerNormalization(), layers.GroupNormalization(4), layers.UnitNormalization()
    ),
    "settings of normalization": lambda: _with(
        _norm(axis=1, momentum=0.9, epsilon=1e-5, center=False), _norm(scale=False)
    ),
    "activations": lambda: _with(layers.PReLU(), layers.ELU(0.5), layers.LeakyReLU(0.1), layers.Softmax()),
    "no bias": lambda: _with(layers.Dense(16, use_bias=False), _norm(gamma_regularizer="l2"), layers.ReLU()),
    "penalties": lambda: _with(
        layers.Dense(
            8,
            kernel_regularizer=keras.regularizers.L1L2(1e-3, 1e-3),
            bias_regularizer="l2",
        ),
    ),
    "bounded weights": lambda: _with(layers.Dense(16, kernel_constraint="max_norm")),
    "frozen": lambda: _with(layers.Dense(16, trainable=False)),
    "side by side": _two(lambda one, two: layers.Concatenate()([one, two])),
    "the larger one": _two(lambda one, two: layers.Maximum()([one, two])),
    "one times the other": _two(lambda one, two: one * two),
}


def designed(build: Callable[[], Any]) -> Work:
    """The challenge, with a network of one's own: one epoch, whose loss is that of the weights."""
    split, model = wine(), build()
    model.compile("adam", "mae", run_eagerly=True)
    loss = model.evaluate(split.X_valid, split.y_valid, batch_size=480, verbose=0)
    return Work(WINE, model, {"loss": [loss], "val_loss": [loss]})


# --- all of them ------------------------------------------------------------------------------------------------------


@cache
def _once() -> Work:
    """One training that several ways hand in, each in its own form."""
    return trained(anew=True)


def _made(option: str, make: Callable[[], Any]) -> Work:
    """Trained with an option that is made when it is needed; with several options where it has no name."""
    made = make()
    return trained(**({option: made} if option else made))


def _stored(change: Callable[[Work], Work]) -> Work:
    return change(trained(anew=True))


def _handed_in(form: Callable[[Any], Any]) -> Work:
    return replace(_once(), history=form(_once().history))


def ways() -> list[Way]:
    """All honest ways."""
    from models import styles

    found = [
        *(
            Way(
                "network",
                f"{question} {style.__name__}",
                partial(written, partial(_styled, style, question), question),
            )
            for question, every in (("q1", 1), ("q3", 4))
            for style in styles.STYLES[::every]
        ),
        *(Way("network", name, partial(written, build)) for name, build in NETWORKS.items()),
        *(Way("network", name, partial(designed, build)) for name, build in DESIGNS.items()),
        *(Way("loop", name, work) for name, work in LOOPS.items()),
        *(Way("callbacks", name, partial(_made, "callbacks", make)) for name, make in CALLBACKS.items()),
        Way("callbacks", "checkpoint", checkpoint),
        Way("callbacks", "checkpoint of an epoch", checkpoint_of_an_epoch),
        Way("callbacks", "checkpoint of the model", checkpoint_model),
        Way("callbacks", "interrupted", interrupted),
        Way("callbacks", "interrupted in an epoch", interrupted_in_an_epoch),
        Way("callbacks", "a history of one's own", own_history),
        Way("callbacks", "the log read as text", from_the_logger),
        Way("callbacks", "one history for two trainings", continued_history),
        Way("callbacks", "two histories joined", continued_apart),
        Way("callbacks", "moving averages swapped in", swapped_averages),
        Way("callbacks", "trained twice, the second history", lambda: trained(rounds=2, epochs=2)),
        *(
            Way("machine", policy, partial(in_policy, policy))
            for policy in ("float64", "bfloat16", "mixed_float16", "mixed_bfloat16")
        ),
        Way("machine", "float16", lambda: in_policy("float16", optimizer=keras.optimizers.Adam(epsilon=1e-3))),
        *(Way("machine", f"floatx {name}", partial(in_floatx, name)) for name in ("float64", "float16")),
        Way("machine", "output in float32", last_layer_in_float32),
        Way("machine", "mixed_float16 on spotify", lambda: in_policy("mixed_float16", Q1)),
        Way("machine", "mixed_bfloat16 on concrete", lambda: in_policy("mixed_bfloat16", Q3)),
        Way("machine", "TensorFloat-32", lambda: trained(anew=True), on_a_gpu),
        Way("machine", "TensorFloat-32, a middle epoch", lambda: trained(callbacks=[Keep(1)], anew=True), on_a_gpu),
        Way("machine", "TensorFloat-32 on concrete", lambda: trained(Q3), on_a_gpu),
        Way("machine", "mixed_bfloat16 as a graph", lambda: in_policy("mixed_bfloat16", run_eagerly=False)),
        *(Way("data", name, partial(_made, "", make)) for name, make in DATA.items()),
        *(Way("compile", name, partial(_made, "compiled", make)) for name, make in COMPILED.items()),
        *(Way("storage", name, partial(_stored, change)) for name, change in STORED.items()),
        *(Way("storage", name, partial(_handed_in, form)) for name, form in HANDED_IN.items()),
    ]
    return found
