"""Where the limits of repair questions come from: broken trainings, their repairs and wrong repairs over many seeds.

``python -m checker calibrate clinic`` records the curves that each case hands out (``clinic-runs.json``), trains all
variants of all cases, and writes one line a run: does the symptom show, is the answer accepted. An interrupted
calibration goes on where it stopped.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from checker import datasets
from checker.assignments import find
from checker.blueprint import Blueprint
from checker.curves import Curves, diagnose
from checker.expect import Dense, Dropout, Network
from checker.expect.patterns import Pattern
from checker.expect.values import as_allowed
from checker.questions import Assignment, NetworkAnswer, Recipe, RepairAnswer, RepairQuestion
from checker.questions.prepared import Prepared
from checker.questions.repair import Fit
from checker.questions.training import judge
from checker.report import plain
from checker.tools import calibration

COLUMNS = ("question", "variant", "kind", "seed", "minimum", "final", "diagnoses", "symptom", "accepted")
"""Columns of the table; losses are validation losses in the target's unit."""


@dataclass(frozen=True)
class Variant:
    """One training of a case.

    Attributes:
        name: what was done to the broken training.
        kind: ``"broken"``, ``"repair"`` or ``"wrong"``.
        recipe: what is trained.
    """

    name: str
    kind: str
    recipe: Recipe


def _with(recipe: Recipe, *patterns: Pattern) -> Recipe:
    return replace(recipe, network=Network(*patterns, input_shape=recipe.network.input_shape))


def _changed(recipe: Recipe, place: int, *instead: Pattern) -> Recipe:
    """The recipe with other layers in the place of one."""
    layers = list(recipe.network.elements)
    return _with(recipe, *layers[:place], *instead, *layers[place + 1 :])


def _added(recipe: Recipe, place: int, layer: Pattern) -> Recipe:
    layers = list(recipe.network.elements)
    return _with(recipe, *layers[:place], layer, *layers[place:])


def _wide(units: int = 256) -> Pattern:
    return Dense(units, activation="relu")


def wrong_repairs(question: RepairQuestion) -> dict[str, Recipe]:
    """What learners may try that is not the repair, by name."""
    broken = question.broken
    layers = broken.network.elements
    tried = {
        "q1": {
            "half the rate": replace(broken, learning_rate=0.25),
            "twice the epochs": replace(broken, epochs=80),
            "more units": _changed(broken, 1, _wide()),
        },
        "q2": {
            "a tiny rate": replace(broken, learning_rate=1e-6),
            "another optimizer": replace(broken, optimizer="adam"),
            "dropout": _added(broken, 1, Dropout(0.3)),
        },
        "q3": {
            "a rate of 0.9": _changed(broken, 3, Dropout(0.9)),
            "twice the epochs": replace(broken, epochs=80),
            "a lower learning rate": replace(broken, learning_rate=0.003),
        },
        "q4": {
            "three times the epochs": replace(broken, epochs=120),
            "a higher learning rate": replace(broken, learning_rate=0.03),
            "more units": _changed(broken, 2, _wide()),
        },
        "q5": {
            "twice the epochs": replace(broken, epochs=80),
            "a lower learning rate": replace(broken, learning_rate=0.003),
            "more units in the other layer": _changed(broken, 2, _wide()),
        },
        "q6": {
            "more units": _changed(broken, 1, _wide()),
            "twice the epochs": replace(broken, epochs=80),
            "dropout": _added(broken, 2, Dropout(0.3)),
        },
        "q7": {
            "behind the first batch normalization": _with(broken, layers[1], layers[0], *layers[2:]),
            "a smaller rate": _changed(broken, 0, Dropout(0.2)),
            "fewer epochs": replace(broken, epochs=20),
        },
        "q8": {
            "a higher learning rate": replace(broken, learning_rate=0.03),
            "more units": _changed(broken, 1, _wide()),
            "ten epochs": replace(broken, epochs=10),
        },
        "q9": {
            "dropout": _added(broken, 2, Dropout(0.3)),
            "fewer epochs": replace(broken, epochs=20),
            "fewer units": _changed(broken, 1, _wide(64)),
        },
    }
    return tried[question.id]


def variants(question: RepairQuestion) -> Iterator[Variant]:
    """All that is trained of a case."""
    yield Variant("as handed out", "broken", question.broken)
    for number, recipe in enumerate(question.repairs, 1):
        yield Variant(f"repair {number}", "repair", recipe)
    for name, recipe in wrong_repairs(question).items():
        yield Variant(name, "wrong", recipe)


def has_cases(assignment: Assignment) -> bool:
    """Whether an assignment has trainings to repair."""
    return any(isinstance(question, RepairQuestion) for question in assignment.questions)


def calibrate(assignment: str = "clinic", *, seeds: int = 20, output: Path | None = None) -> Path:
    """Record the cases' curves, train what is still missing, and write the table.

    Args:
        assignment: id of the assignment.
        seeds: runs of each variant; their seeds are 0, 1, ...
        output: the table to write; by default the committed one beside the assignment, together with the recorded
            curves, which are left alone otherwise.

    Returns:
        The table's path.
    """
    questions = [question for question in find(assignment).questions if isinstance(question, RepairQuestion)]
    if output is None:
        output = calibration.table_path(assignment)
        record(questions, output.with_name(f"{assignment}-runs.json"))
    kept = output.with_suffix(".curves.jsonl")
    _train_missing(questions, seeds, kept)
    rows = list(_rows(questions, calibration.kept(kept), seeds))
    with output.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return output


# --- the curves that are handed out -----------------------------------------------------------------------------------


def record(questions: list[RepairQuestion], path: Path) -> None:
    """Run the code of each broken training as learners would, and write its curves."""
    runs = {question.id: run(question) for question in questions}
    path.write_text(json.dumps(plain(runs)) + "\n", encoding="utf-8")


def run(question: RepairQuestion, recipe: Recipe | None = None, seed: int = 0) -> dict[str, list[float]]:
    """The curves of a training, from the very code that the notebook has."""
    space = executed(question, recipe, seed)
    history = space[f"history_{question.number}"].history
    return {name: [float(f"{value:.6g}") for value in history[name]] for name in ("loss", "val_loss")}


def executed(question: RepairQuestion, recipe: Recipe | None = None, seed: int = 0) -> dict[str, Any]:
    """The names that the notebook's code of a training leaves: ``model_1``, ``history_1``, ``data_1``."""
    import keras

    space = _names(question.training.data)
    keras.utils.set_random_seed(seed)
    exec(f"{question.code(recipe or question.broken)}\n{question.fit_code}", space)
    return space


def _names(data: str) -> dict[str, Any]:
    """What the notebook has defined before its first case."""
    import keras
    import numpy as np
    from sklearn.preprocessing import StandardScaler
    from tqdm.keras import TqdmCallback

    split = datasets.split(data)
    rows = [split.X_train, split.X_valid, split.y_train, split.y_valid]
    return {
        "keras": keras,
        "np": np,
        "StandardScaler": StandardScaler,
        "TqdmCallback": TqdmCallback,
        data.replace("-", "_"): lambda: [array.copy() for array in rows],
    }


# --- the table --------------------------------------------------------------------------------------------------------


def _train_missing(questions: list[RepairQuestion], seeds: int, path: Path) -> None:
    from tqdm import tqdm

    known = calibration.kept(path)
    wanted: dict[str, tuple[RepairQuestion, Recipe]] = {}
    for question in questions:
        for variant in variants(question):
            name = _name(question, variant.recipe)
            if name not in wanted or _epochs(wanted[name][1]) < _epochs(variant.recipe):
                wanted[name] = question, variant.recipe
    with path.open("a", encoding="utf-8") as file:
        for name, (question, recipe) in tqdm(wanted.items(), unit="training"):
            enough = {seed for (one, seed), curves in known.items() if one == name and curves.epochs >= _epochs(recipe)}
            missing = [seed for seed in range(seeds) if seed not in enough]
            trainer = _trainer(question, recipe) if missing else None
            for seed in missing:
                assert trainer is not None
                file.write(json.dumps({"recipe": name, "seed": seed, **trainer.train(seed).to_dict()}) + "\n")
                file.flush()


def _name(question: RepairQuestion, recipe: Recipe) -> str:
    """What a training is but for its epochs: a shorter one is the beginning of a longer one."""
    return json.dumps(
        [
            question.training.data,
            recipe.preparation,
            recipe.network.code(),
            recipe.optimizer,
            as_allowed(recipe.learning_rate).example,
            recipe.batch_size,
        ]
    )


def _epochs(recipe: Recipe) -> int:
    return int(as_allowed(recipe.epochs).example)


def _trainer(question: RepairQuestion, recipe: Recipe) -> calibration.Trainer:
    X_train, y_train, X_valid, y_valid = _prepared_rows(question, recipe)
    layers = tuple(
        (layer.kind, *(allowed.example for allowed in (*layer.settings.values(), layer.activation) if allowed))
        for layer in recipe.network.elements
    )
    data, epochs = question.training.data, _epochs(recipe)
    written = calibration.Recipe(layers, data, recipe.optimizer, recipe.batch_size, epochs)
    rate = float(as_allowed(recipe.learning_rate).example)
    return calibration.Trainer(written, (X_train, y_train), (X_valid, y_valid), rate)


def _prepared_rows(question: RepairQuestion, recipe: Recipe) -> tuple[Any, Any, Any, Any]:
    space = _names(question.training.data)
    rows = f"X_train, X_valid, y_train, y_valid = {question.training.data.replace('-', '_')}()"
    exec(f"{rows}\n{recipe.preparation}", space)
    return space["X_train"], space["y_train"], space["X_valid"], space["y_valid"]


def _rows(
    questions: list[RepairQuestion], known: Mapping[tuple[str, int], Curves], seeds: int
) -> Iterator[dict[str, Any]]:
    for question in questions:
        for variant in variants(question):
            handed_in = answered(question, variant.recipe)
            for seed in range(seeds):
                if (whole := known.get((_name(question, variant.recipe), seed))) is not None:
                    assert whole.val_loss is not None
                    last = _epochs(variant.recipe)
                    curves = Curves(whole.loss[:last], whole.val_loss[:last])
                    yield _row(question, variant, seed, curves, handed_in)


def answered(question: RepairQuestion, recipe: Recipe) -> RepairAnswer:
    """The right diagnosis, and this training without its curves; nothing is trained."""
    import keras

    model = eval(recipe.network.code(), {"keras": keras})
    model.compile(optimizer=recipe.optimizer, loss=question.training.loss)
    rows = _prepared_rows(question, recipe)
    prepared = Prepared.of(rows, datasets.split(question.training.data))
    steps = -(-len(rows[0]) // recipe.batch_size)
    fit = Fit(float(as_allowed(recipe.learning_rate).example), steps, prepared)
    return RepairAnswer(question.cause, NetworkAnswer(Blueprint.of(model)), fit)


def _row(
    question: RepairQuestion, variant: Variant, seed: int, curves: Curves, handed_in: RepairAnswer
) -> dict[str, Any]:
    answer = replace(handed_in, network=replace(handed_in.network, curves=curves))
    found = diagnose(curves, reference=datasets.median_loss(question.training.data))
    return {
        "question": question.id,
        "variant": variant.name,
        "kind": variant.kind,
        "seed": seed,
        "minimum": f"{found.numbers.get('minimum', float('nan')):.4g}",
        "final": f"{found.numbers.get('final', float('nan')):.4g}",
        "diagnoses": " ".join(sorted(found.names)),
        "symptom": int(not judge(question.training, answer.network).passed),
        "accepted": int(question.judge(answer).passed),
    }


def read(path: Path) -> tuple[dict[str, str], ...]:
    """The lines of a table that :func:`calibrate` wrote."""
    with path.open(newline="", encoding="utf-8") as file:
        return tuple(csv.DictReader(file))
