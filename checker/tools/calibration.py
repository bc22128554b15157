"""Where the thresholds come from: right answers and classic mistakes, trained over many seeds.

``python -m checker calibrate spotify`` trains every :class:`Case` and writes one line a run, with what its curves
measure and show. The finished table is committed beside the assignment; :func:`limits` derives a question's limits from
the right answers in it, and :func:`caught` says how many wrong ones these limits catch. An interrupted calibration goes
on where it stopped.
"""

from __future__ import annotations

import csv
import itertools
import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from checker import datasets
from checker.curves import Curves, diagnose

SHARE = 0.995
"""Share of the right answers that a limit must let pass: at most 1 in 200 is rejected."""

CONFIDENCE = 0.95
"""How sure we are of that, given that a limit is estimated from a finite number of runs."""

COLUMNS = (
    "question",
    "case",
    "right",
    "seed",
    "epochs",
    "minimum",
    "final",
    "best_epoch",
    "noise",
    "gap_growth",
    "diagnoses",
)
"""Columns of the table; losses are in the target's unit, as in :attr:`checker.curves.Diagnosis.numbers`."""


@dataclass(frozen=True)
class Recipe:
    """A network and how it is trained; layers are written as (class name, arguments ...)."""

    layers: tuple[tuple[Any, ...], ...]
    data: str
    optimizer: str
    batch_size: int
    epochs: int


@dataclass(frozen=True)
class Case:
    """One way in which a learner may answer a question.

    Attributes:
        question: id of the question.
        name: what was done.
        right: whether the answer is right.
        recipe: what was trained.
        epochs: how many epochs of it; a shorter training is the beginning of a longer one.
        patience: of early stopping; None without.
    """

    question: str
    name: str
    right: bool
    recipe: str
    epochs: int
    patience: int | None = None

    def seen(self, curves: Curves) -> Curves:
        """The part of a recipe's curves that this learner sees."""
        assert curves.val_loss is not None
        last = self.epochs if self.patience is None else min(self.epochs, _stop(curves.val_loss, self.patience))
        return Curves(curves.loss[:last], curves.val_loss[:last])


def _stop(losses: Sequence[float], patience: int) -> int:
    """The epoch after which early stopping ends a training."""
    best, since = math.inf, 0
    for epoch, loss in enumerate(losses, 1):
        best, since = (loss, 0) if loss < best else (best, since + 1)
        if since >= patience:
            return epoch
    return len(losses)


def _hidden(width: int) -> tuple[Any, ...]:
    return "Dense", width, "relu"


_OUT = ("Dense", 1)
_DROP = ("Dropout", 0.3)
_LITTLE = ("Dropout", 0.03)
_NORM = ("BatchNormalization",)
_DROPOUT = (_hidden(128), _DROP, _hidden(64), _DROP, _OUT)
_UNSCALED = (_hidden(512), _hidden(512), _hidden(512), _OUT)
_BATCHNORM = (_NORM, _hidden(512), _NORM, _hidden(512), _NORM, _hidden(512), _NORM, _OUT)
_DESIGN = (_NORM, _hidden(64), ("Dropout", 0.2), _hidden(64), ("Dropout", 0.2), _OUT)

RECIPES: Mapping[str, Recipe] = {
    "dropout": Recipe(_DROPOUT, "spotify", "adam", 512, 100),
    "dropout, batches of 256": Recipe(_DROPOUT, "spotify", "adam", 256, 50),
    "dropout, batches of 128": Recipe(_DROPOUT, "spotify", "adam", 128, 50),
    "dropout, batches of 32": Recipe(_DROPOUT, "spotify", "adam", 32, 50),
    "dropout, 200 epochs": Recipe(_DROPOUT, "spotify", "adam", 512, 200),
    "no dropout": Recipe((_hidden(128), _hidden(64), _OUT), "spotify", "adam", 512, 100),
    "first dropout": Recipe((_hidden(128), _DROP, _hidden(64), _OUT), "spotify", "adam", 512, 50),
    "second dropout": Recipe((_hidden(128), _hidden(64), _DROP, _OUT), "spotify", "adam", 512, 50),
    "dropout 0.03": Recipe((_hidden(128), _LITTLE, _hidden(64), _LITTLE, _OUT), "spotify", "adam", 512, 50),
    "dropout after output": Recipe((*_DROPOUT, _DROP), "spotify", "adam", 512, 50),
    "batch normalization": Recipe(_BATCHNORM, "concrete", "sgd", 64, 100),
    "no batch normalization": Recipe(_UNSCALED, "concrete", "sgd", 64, 30),
    "no batch normalization, adam": Recipe(_UNSCALED, "concrete", "adam", 64, 30),
    "first batch normalization": Recipe((_NORM, *_UNSCALED), "concrete", "sgd", 64, 50),
    "design": Recipe(_DESIGN, "red-wine", "adam", 64, 100),
    "plain": Recipe((_hidden(64), _hidden(64), _OUT), "red-wine", "adam", 64, 100),
    "scaled": Recipe((_NORM, _hidden(64), _hidden(64), _OUT), "red-wine", "adam", 64, 100),
}
"""What is trained."""

CASES: Mapping[str, tuple[Case, ...]] = {
    "spotify": (
        Case("q1", "reference", True, "dropout", 50),
        Case("q1", "30 epochs", True, "dropout", 30),
        Case("q1", "100 epochs", True, "dropout", 100),
        Case("q1", "early stopping", True, "dropout", 100, patience=10),
        Case("q1", "batches of 256", True, "dropout, batches of 256", 50),
        Case("q1", "batches of 128", True, "dropout, batches of 128", 50),
        Case("q1", "batches of 32", True, "dropout, batches of 32", 50),
        Case("q1", "200 epochs", True, "dropout, 200 epochs", 200),
        Case("q1", "no dropout", False, "no dropout", 50),
        Case("q1", "no dropout, 30 epochs", False, "no dropout", 30),
        Case("q1", "no dropout, 100 epochs", False, "no dropout", 100),
        Case("q1", "no dropout, early stopping", False, "no dropout", 100, patience=10),
        Case("q1", "dropout after the first layer only", False, "first dropout", 50),
        Case("q1", "dropout after the second layer only", False, "second dropout", 50),
        Case("q1", "dropout of 0.03", False, "dropout 0.03", 50),
        Case("q1", "dropout after the output, too", False, "dropout after output", 50),
        Case("q3", "reference", True, "batch normalization", 100),
        Case("q3", "50 epochs", True, "batch normalization", 50),
        Case("q3", "30 epochs", True, "batch normalization", 30),
        Case("q3", "no batch normalization", False, "no batch normalization", 30),
        Case("q3", "no batch normalization, adam", False, "no batch normalization, adam", 30),
        Case("q3", "only before the first layer", False, "first batch normalization", 50),
    ),
    "challenge": (
        Case("q1", "example", True, "design", 100),
        Case("q1", "early stopping", True, "design", 100, patience=20),
        Case("q1", "neither layer", False, "plain", 100),
        Case("q1", "no dropout", False, "scaled", 100),
    ),
}
"""What learners do, by assignment."""


@dataclass(frozen=True)
class Run:
    """One trained case: a line of the table, and its curves where they are at hand."""

    question: str
    case: str
    right: bool
    seed: int
    epochs: int
    numbers: Mapping[str, float]
    diagnoses: frozenset[str] = field(default_factory=frozenset)


def calibrate(
    assignment: str = "spotify", *, seeds: int = 20, output: Path | None = None, curves: Path | None = None
) -> Path:
    """Train what is still missing and write the table.

    Args:
        assignment: id of the assignment, a key of :data:`CASES`.
        seeds: runs of each case; their seeds are 0, 1, ...
        output: the table to write; by default the committed one beside the assignment.
        curves: where the curves are kept, one JSON object a line, so that nothing is trained twice; by default beside
            the table.

    Returns:
        The table's path.

    Raises:
        ValueError: for an assignment that has nothing to calibrate.
    """
    if assignment not in CASES:
        raise ValueError(f"{assignment!r} has nothing to calibrate, only {', '.join(CASES)}")
    output = table_path(assignment) if output is None else output
    curves = output.with_suffix(".curves.jsonl") if curves is None else curves
    cases = CASES[assignment]
    train_missing({case.recipe: RECIPES[case.recipe] for case in cases}, seeds, curves)
    write(output, _runs(cases, curves, seeds))
    return output


def table_path(assignment: str) -> Path:
    """Where the committed table of an assignment is."""
    return Path(__file__).parents[1] / "assignments" / f"{assignment}-calibration.csv"


def train_missing(recipes: Mapping[str, Recipe], seeds: int, path: Path) -> None:
    """Train each recipe with the seeds 0, 1, ... that the file of kept curves lacks, and add them to it."""
    from tqdm import tqdm

    known = kept(path)
    wanted = [(name, seed) for seed in range(seeds) for name in recipes if (name, seed) not in known]
    trainers: dict[str, Trainer] = {}
    cut_short = path.exists() and path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8") as file, tqdm(wanted, unit="run", disable=not wanted) as bar:
        file.write("\n" if cut_short else "")
        for name, seed in bar:
            bar.set_postfix_str(name)
            recipe = recipes[name]
            if name not in trainers:
                split = datasets.split(recipe.data)
                trainers[name] = Trainer(recipe, (split.X_train, split.y_train), (split.X_valid, split.y_valid))
            line = {"recipe": name, "seed": seed, **trainers[name].train(seed).to_dict()}
            file.write(json.dumps(line) + "\n")
            file.flush()


class Trainer:
    """Trains one recipe over many seeds, several times faster than ``model.fit``.

    The arithmetic is Keras' own ``train_step`` and ``test_step``; what is left out is the input pipeline, which costs
    more than the training of so small a network, and the tracing of a new graph for every seed.

    Args:
        recipe: what to train.
        train, valid: features and target, float32, shapes ``(rows, features)`` and ``(rows,)``.
        rate: learning rate; None for the optimizer's own.
    """

    def __init__(
        self, recipe: Recipe, train: tuple[Any, Any], valid: tuple[Any, Any], rate: float | None = None
    ) -> None:
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
        self.recipe, self.rate = recipe, rate
        self.first = [array[:2] for array in train]
        self.rows, self.features = train[0].shape
        self.model = self._new_model()
        self._epoch = self._compiled(*map(tf.constant, (*train, *valid)))

    def train(self, seed: int) -> Curves:
        """The curves of one run; the same seed gives the same curves on the same machine."""
        import keras
        import numpy as np
        import tensorflow as tf

        keras.utils.set_random_seed(seed)
        fresh = self._new_model()
        for old, new in zip(self._state(self.model), self._state(fresh), strict=True):
            old.assign(new)
        orders = np.random.default_rng(seed)
        losses = [self._epoch(tf.constant(orders.permutation(self.rows))) for _ in range(self.recipe.epochs)]
        return Curves(*(tuple(float(loss) for loss in curve) for curve in zip(*losses, strict=True)))

    def _new_model(self) -> Any:
        import keras

        model = keras.Sequential([keras.Input((self.features,)), *map(_layer, self.recipe.layers)])
        optimizer = keras.optimizers.get(self.recipe.optimizer)
        if self.rate is not None:
            optimizer.learning_rate = self.rate
        model.compile(optimizer=optimizer, loss="mae")
        optimizer.build(model.trainable_variables)
        model.test_on_batch(*self.first)  # builds the loss tracker
        return model

    @staticmethod
    def _state(model: Any) -> list[Any]:
        return [*model.variables, *model.optimizer.variables]

    def _compiled(self, X: Any, y: Any, X_valid: Any, y_valid: Any) -> Callable[[Any], tuple[Any, Any]]:
        """One epoch as a graph: rows in this order -> training loss, validation loss."""
        import tensorflow as tf

        model, rows, batch = self.model, self.rows, self.recipe.batch_size

        def epoch(order: Any) -> tuple[Any, Any]:
            model.reset_metrics()
            for start in tf.range(0, rows, batch):
                chosen = order[start : start + batch]
                model.train_step((tf.gather(X, chosen), tf.gather(y, chosen)))
            loss = model.metrics[0].result()
            model.reset_metrics()
            model.test_step((X_valid, y_valid))
            return loss, model.metrics[0].result()

        compiled: Callable[[Any], tuple[Any, Any]] = tf.function(epoch)
        return compiled


def _layer(written: tuple[Any, ...]) -> Any:
    import keras

    kind, *arguments = written
    if kind == "Dense" and len(arguments) == 2:
        return keras.layers.Dense(arguments[0], activation=arguments[1])
    return getattr(keras.layers, kind)(*arguments)


def kept(path: Path) -> dict[tuple[str, int], Curves]:
    """The curves kept so far, by recipe and seed; a line that an interruption cut short is left out."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            data = json.loads(line)
        except ValueError:
            continue
        found[data["recipe"], data["seed"]] = Curves.from_dict(data)
    return found


def _runs(cases: Sequence[Case], path: Path, seeds: int) -> Iterator[Run]:
    known = kept(path)
    for case, seed in itertools.product(cases, range(seeds)):
        reference = datasets.median_loss(RECIPES[case.recipe].data)
        if (case.recipe, seed) in known:
            seen = case.seen(known[case.recipe, seed])
            found = diagnose(seen, reference=reference)
            yield Run(case.question, case.name, case.right, seed, seen.epochs, found.numbers, found.names)


# --- the table --------------------------------------------------------------------------------------------------------


def write(path: Path, runs: Iterable[Run]) -> None:
    """Write the table, five significant digits a number."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        for run in runs:
            measured = {name: f"{value:.5g}" for name, value in run.numbers.items()}
            about = {"question": run.question, "case": run.case, "right": int(run.right), "seed": run.seed}
            writer.writerow(measured | about | {"epochs": run.epochs, "diagnoses": " ".join(sorted(run.diagnoses))})


def read(path: Path) -> tuple[Run, ...]:
    """Read a table that :func:`write` wrote."""
    with path.open(newline="", encoding="utf-8") as file:
        return tuple(_run(row) for row in csv.DictReader(file))


def _run(row: Mapping[str, str]) -> Run:
    numbers = {name: float(row[name]) for name in COLUMNS[5:-1] if row[name]}
    diagnoses = frozenset(row["diagnoses"].split())
    return Run(
        row["question"], row["case"], row["right"] == "1", int(row["seed"]), int(row["epochs"]), numbers, diagnoses
    )


def tolerance_limit(values: Sequence[float], share: float = SHARE, confidence: float = CONFIDENCE) -> float:
    """The value below which, with this confidence, at least this share of a normal population lies.

    mean + k s, with k = t'(confidence; n - 1, z(share) sqrt n) / sqrt n, where t' is a quantile of the noncentral t
    distribution: the one-sided tolerance limit (Natrella 1963; NIST/SEMATECH handbook, section 7.2.6.3).

    Args:
        values: a sample, at least two values.
        share: share of the population.
        confidence: probability that the limit, which varies with the sample, keeps its promise.
    """
    import numpy as np
    from scipy import stats

    n = len(values)
    factor = stats.nct.ppf(confidence, n - 1, stats.norm.ppf(share) * math.sqrt(n)) / math.sqrt(n)
    return float(np.mean(values) + factor * np.std(values, ddof=1))


def limits(runs: Iterable[Run], question: str, names: Sequence[str]) -> dict[str, float]:
    """The limits that let right answers pass: for each number the largest tolerance limit of any right case.

    Args:
        runs: a table.
        question: id of the question.
        names: numbers to limit from above, such as ``"gap_growth"`` and ``"final"``.
    """
    samples: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in names}
    for run in runs:
        if run.question == question and run.right:
            for name in names:
                samples[name][run.case].append(run.numbers[name])
    return {name: max(map(tolerance_limit, by_case.values())) for name, by_case in samples.items()}


def caught(
    runs: Iterable[Run], question: str, rejects: Callable[[Run], bool]
) -> dict[tuple[str, bool], tuple[int, int]]:
    """How many runs of each case a rule rejects.

    Returns:
        (case, right) -> (runs rejected, runs).
    """
    found: dict[tuple[str, bool], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for run in runs:
        if run.question == question:
            hit, count = found[run.case, run.right]
            found[run.case, run.right] = hit + rejects(run), count + 1
    return dict(found)
