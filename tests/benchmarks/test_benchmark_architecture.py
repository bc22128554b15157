"""How long the checker takes to judge a network; reported, not asserted, because it depends on the machine.

The aim: at most 5 ms for 8 layers and 100 ms for 200, Blueprint and alignment together.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from models.case import sequential

from checker.alignment import Alignment, align
from checker.blueprint import Blueprint
from checker.expect import (
    AnyLayer,
    BatchNormalization,
    Dense,
    Dropout,
    Network,
    Repeat,
    at_least,
    count,
    followed_by,
)

BLOCKS = 50
LARGE = Network(
    *[Dense(16, activation="relu"), Dropout(0.3), Dense(16, activation="tanh"), BatchNormalization()] * BLOCKS,
    input_shape=(8,),
)
BLOCK = "D16r d.3 D16t B "
NETWORKS = {
    "8 layers, right": "B D512r B D512r B D512r B D1",
    "8 layers, two mistakes": "D512r B D512r B D256r B D1 B",
    "8 layers, all wrong": "D1 D128t d.3 L D64 d.7 D3m d.1",
    "200 layers, right": BLOCK * BLOCKS,
    "200 layers, two mistakes": BLOCK * 20 + "D16r D16t B " + BLOCK * 28 + "D16r d.5 D16t B",
    "200 layers, of another network": "L D9 d.1 t " * BLOCKS,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_blueprint_and_alignment(name: str, benchmark: Any) -> None:
    from checker.assignments import spotify

    network = spotify.q3.network if name.startswith("8") else LARGE
    model = sequential(NETWORKS[name], 8)
    alignment: Alignment = benchmark(lambda: align(Blueprint.of(model), network))
    assert alignment.passed == name.endswith("right")


HUNDRED = [f"D{units}r" for units in range(1, 101)]
DESIGN = Network(
    Repeat(AnyLayer()),
    Dense(1),
    constraints=(count(Dropout(0.3), at_least(1)), followed_by("Dense", BatchNormalization())),
)
EFFORTS = {
    "1,000 layers against 200": (("D9t d.1", 500), LARGE),
    "100 layers in another order": (
        (" ".join(Random(1).sample(HUNDRED, 100)), 1),
        Network(*(Dense(units, activation="relu") for units in range(1, 101))),
    ),
    "an open design of 300 layers that breaks its rules": (("D7t", 300), DESIGN),
}


@pytest.mark.parametrize("name", EFFORTS)
def test_effort(name: str, benchmark: Any) -> None:
    """What is limited: the longest and the most different networks. The aim: two seconds, whatever comes."""
    (words, times), network = EFFORTS[name]
    part = Blueprint.of(sequential(words, 8))
    size = len(part.shown)
    layers = [replace(layer, number=layer.number + size * time) for time in range(times) for layer in part.layers]
    blueprint = replace(part, layers=tuple(layers), shown=())
    alignment: Alignment = benchmark.pedantic(align, (blueprint, network), rounds=3)
    assert not alignment.passed
