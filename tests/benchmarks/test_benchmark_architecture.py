"""How long the checker takes to judge a network; reported, not asserted, because it depends on the machine.

The aim: at most 5 ms for 8 layers and 100 ms for 200, Blueprint and alignment together.
"""

from __future__ import annotations

from typing import Any

import pytest
from models.case import sequential

from checker.alignment import Alignment, align
from checker.blueprint import Blueprint
from checker.expect import BatchNormalization, Dense, Dropout, Network

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
