"""How far apart networks are by what they compute: ``measure_likeness.py 5`` trains each of two networks five times.

Printed are the smallest distance between networks trained apart, and the largest between a network and its copies:
hidden units reordered, rescaled, weights with noise. ``DIFFERENCE`` in checker/grading/likeness.py lies between them.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
from pathlib import Path
from typing import Any

import classroom
import numpy as np

from checker import datasets
from checker.assignments import spotify
from checker.blueprint import Graph
from checker.grading.likeness import probes
from checker.questions.evidence import Evidence
from checker.reading.archive import archive_weights


def responses(archive: bytes, data: str) -> Any:
    """What the network computes at the probes, scaled to length 1."""
    evidence = Evidence("q1", weights=archive_weights(archive), graph=Graph.load(archive))
    return np.array(evidence.responses(probes(data)))


def trained(name: str, seed: int) -> bytes:
    """The network of this name, trained from this seed."""
    import keras

    question, code, _ = classroom.NETWORKS[name]
    training = getattr(spotify, question).training
    split = datasets.split(training.data)
    keras.utils.set_random_seed(seed)
    model = eval(code, {"keras": keras})
    model.compile(optimizer=training.optimizer, loss=training.loss)
    validation = (split.X_valid, split.y_valid)
    sizes = {"batch_size": training.batch_size, "epochs": training.epochs}
    model.fit(split.X_train, split.y_train, validation_data=validation, verbose=0, **sizes)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        return path.read_bytes()


def main(count: int) -> None:
    for name, data in (("dropout", "spotify"), ("norm", "concrete")):
        apart = [responses(trained(name, seed), data) for seed in range(count)]
        distances = [np.linalg.norm(one - other) for one, other in itertools.combinations(apart, 2)]
        print(
            f"{name}: trained apart, {count} networks: at least {min(distances):.3f}, median {np.median(distances):.3f}"
        )
        archive = classroom.trained(name)[0]
        copies = {"reordered": [classroom.reordered(archive, seed) for seed in range(5)]}
        if name == "dropout":
            copies["rescaled"] = [classroom.rescaled(archive, seed) for seed in range(5)]
        for noise in (0.01, 0.02, 0.05, 0.15):
            copies[f"noise of {noise:.0%}"] = [classroom.shaken(archive, seed, noise) for seed in range(5)]
        original = responses(archive, data)
        for kind, made in copies.items():
            print(f"  {kind}: at most {max(np.linalg.norm(responses(each, data) - original) for each in made):.5f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
