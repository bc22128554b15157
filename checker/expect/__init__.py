"""What a model *should* be: patterns that read like Keras code, for exact answers and for open designs.

One declaration of a network gives everything that is shown of it: the reference as code, the blanks of the hints, the
expected side of the table, and (through :mod:`checker.alignment`) the verdict. So they cannot disagree.

    q1 = Network(
        Dense(128, activation="relu"), Dropout(0.3),
        Dense(64, activation="relu"), Dropout(0.3),
        Dense(1),
        input_shape=[18],
    )
    challenge = Network(
        Repeat(AnyLayer()), Dense(1),
        constraints=[count("Dropout", at_least(1)), parameters(at_most(50_000))],
        example=[Dense(64, activation="relu"), Dropout(0.2), Dense(1)],
    )

Settings named in a pattern must have that value (floats with a tolerance); those not named must have Keras' default.
Names, seeds, data types, initializers, momentum and epsilon are free.
"""

from __future__ import annotations

from checker.expect.automaton import Automaton, Fragment
from checker.expect.network import Network
from checker.expect.patterns import (
    BLANK,
    Activation,
    AnyLayer,
    BatchNormalization,
    Choice,
    Dense,
    Dropout,
    Layer,
    Optional,
    Pattern,
    Repeat,
)
from checker.expect.rules import (
    Constraint,
    Fix,
    Violation,
    count,
    followed_by,
    not_after_output,
    not_first,
    not_right_before,
    parameters,
    preceded_by,
)
from checker.expect.slots import Slot, source, telling
from checker.expect.values import Allowed, anything, at_least, at_most, between, literal, one_of, same

__all__ = [
    "BLANK",
    "Activation",
    "Allowed",
    "AnyLayer",
    "Automaton",
    "BatchNormalization",
    "Choice",
    "Constraint",
    "Dense",
    "Dropout",
    "Fix",
    "Fragment",
    "Layer",
    "Network",
    "Optional",
    "Pattern",
    "Repeat",
    "Slot",
    "Violation",
    "anything",
    "at_least",
    "at_most",
    "between",
    "count",
    "followed_by",
    "literal",
    "not_after_output",
    "not_first",
    "not_right_before",
    "one_of",
    "parameters",
    "preceded_by",
    "same",
    "source",
    "telling",
]
