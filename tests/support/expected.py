"""A declared network, and whether it accepts another one."""

from __future__ import annotations

from checker.expect import Dense, Dropout, Layer, Network

PLAIN = Network(Dense(128, activation="relu"), Dense(1), input_shape=[18])
REFERENCE = Network(Dense(128, activation="relu"), Dropout(0.3), Dense(1), input_shape=[18], starter=PLAIN)


def accepts(network: Network, *layers: Layer) -> bool:
    return network.automaton.accepts(Network(*layers).example())
