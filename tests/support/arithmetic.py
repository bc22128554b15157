"""How far the validation loss of the same weights lies apart in other arithmetic: the table ``docs/arithmetic.csv``.

Networks of several kinds are trained for a while in float32 on each of the course's data sets. Then the loss of the
same weights is computed as other machines do: products in TensorFloat-32 (emulated: what is multiplied keeps 10 bits of
its mantissa), and Keras' 16-bit policies, rounded in either of the two ways that TensorFlow has. What Keras itself
reports stands beside it. The tolerances in ``checker/questions/training.py`` are held against this table by a test.

    python tests/support/arithmetic.py
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from place import ROOT

TABLE = ROOT / "docs" / "arithmetic.csv"
COLUMNS = ("arithmetic", "data", "design", "seeds", "median", "largest")
SEEDS = 4
EPOCHS = 8

DESIGNS = {
    "dense": "D64r D64r D1",
    "dropout": "D128r d.3 D64r d.3 D1",
    "batch normalization": "B D64r B D64r B D1",
    "both": "B D64r d.2 D64r d.2 D1",
    "wide": "B D512r B D512r B D512r B D1",
}


def keras_loss(network: Any, split: Any, policy: str, **how: Any) -> float:
    """What Keras reports of the same layers and weights in a dtype policy."""
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        config = network.get_config()
        for layer in config["layers"]:
            if layer["class_name"] != "InputLayer":
                layer["config"]["dtype"] = policy
        twin = keras.Sequential.from_config(config)
        twin.set_weights(network.get_weights())
        twin.compile(loss="mae", **how)
        return float(twin.evaluate(split.X_valid, split.y_valid, batch_size=512, verbose=0))
    finally:
        keras.config.set_dtype_policy(before)


def measured(data: str, design: str, seed: int) -> Iterator[tuple[str, float]]:
    """One network: each arithmetic, and the relative difference that it makes."""
    import keras
    from models.case import sequential

    from checker import datasets
    from checker.blueprint import Graph
    from checker.reading.replay import Replay, loss
    from checker.reading.rounding import TENSOR_FLOATS, Rounding

    split = datasets.split(data)
    keras.utils.set_random_seed(seed)
    network = sequential(DESIGNS[design], datasets.features(data))
    network.compile("adam", "mae")
    network.fit(split.X_train, split.y_train, batch_size=128, epochs=EPOCHS, verbose=0)
    graph = Graph.of(network)

    def replayed(policy: str, rounding: Rounding) -> float:
        nodes = tuple(replace(node, config={**node.config, "dtype": policy}) for node in graph.nodes)
        twin = Replay.live(replace(graph, nodes=nodes))
        return loss("mae", split.y_valid, twin.predict(split.X_valid, rounding))

    exact = replayed("float32", Rounding.USUAL)
    yield "float32, Keras from its replay", keras_loss(network, split, "float32") / exact - 1
    for rounding in TENSOR_FLOATS:
        yield f"{rounding} from float32", replayed("float32", rounding) / exact - 1
    for policy in ("mixed_bfloat16", "mixed_float16"):
        usual, apart = (replayed(policy, way) for way in (Rounding.USUAL, Rounding.APART))
        yield f"{policy} from float32", usual / exact - 1
        yield f"{policy}, one rounding from the other", apart / usual - 1
        if seed == 0:
            graphs, eager = (keras_loss(network, split, policy, run_eagerly=way) for way in (False, True))
            yield f"{policy}, Keras from its replay", graphs / usual - 1
            yield f"{policy}, Keras from its replay", eager / apart - 1


def main() -> None:
    """Measure all and write the table."""
    found: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for data in ("spotify", "concrete", "red-wine"):
        for design in DESIGNS:
            for seed in range(SEEDS):
                for arithmetic, difference in measured(data, design, seed):
                    found[arithmetic, data, design].append(abs(difference))
            print(data, design, file=sys.stderr)
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for key, values in sorted(found.items()):
            writer.writerow([*key, len(values), f"{np.median(values):.2g}", f"{max(values):.2g}"])


def largest(arithmetic: str) -> float:
    """The largest difference in the table for an arithmetic, named as there."""
    with TABLE.open(encoding="utf-8") as file:
        return max(float(row["largest"]) for row in csv.DictReader(file) if row["arithmetic"] == arithmetic)


if __name__ == "__main__":
    main()
