"""Open designs: networks that may differ in much, judged by patterns and rules."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from models.case import Case, First, add, move, remove, sequential, setting

from checker.expect import (
    AnyLayer,
    BatchNormalization,
    Choice,
    Dense,
    Dropout,
    Network,
    Optional,
    Repeat,
    at_least,
    at_most,
    between,
    count,
    not_after_output,
    not_first,
    one_of,
    parameters,
    preceded_by,
)

DESIGNS = {
    "challenge": Network(
        Repeat(AnyLayer(), at_least=1),
        Dense(1),
        input_shape=(11,),
        constraints=(
            not_first("Dropout"),
            not_after_output("Dropout", "BatchNormalization"),
            count(Dropout(between(0.05, 0.6, example=0.2)), at_least(1)),
            count(BatchNormalization(), at_least(1)),
            parameters(at_most(50_000)),
        ),
        starter=Network(Dense(64, activation="relu"), Dense(64, activation="relu"), Dense(1)),
        example=(Dense(64, activation="relu"), BatchNormalization(), Dropout(0.2), Dense(1)),
    ),
    "blocks": Network(
        Optional(BatchNormalization()),
        Repeat(
            Dense(between(16, 256), activation=one_of("relu", "elu")),
            Optional(BatchNormalization()),
            Dropout(between(0.2, 0.5)),
            at_least=2,
            at_most=4,
        ),
        Dense(1),
        input_shape=(11,),
    ),
    "either": Network(
        Dense(64, activation="relu"),
        Choice(Dropout(between(0.1, 0.3)), (BatchNormalization(), Dropout(0.5))),
        Dense(1),
        input_shape=(11,),
    ),
    "normalized": Network(
        Repeat(AnyLayer(excluding=("Dropout",))),
        Dense(1),
        input_shape=(11,),
        constraints=(preceded_by("Dense", BatchNormalization()),),
    ),
}

RIGHT = (
    ("challenge", "D64r B d.2 D1"),
    ("challenge", "B D64r d.5 D64r D1"),
    ("challenge", "D32t d.1 B D32e d.1 D16 D1"),
    ("challenge", "D64 B r d.3 D64 B r d.3 D1"),
    ("challenge", "L D128r d.05 B D128r D1"),
    ("blocks", "D16r d.2 D256r d.5 D1"),
    ("blocks", "B D64e B d.3 D64e d.3 D64r d.3 D1"),
    ("blocks", "D64r d.3 D64r d.3 D64r d.3 D64r d.3 D1"),
    ("blocks", "D64 d.3 r D64r d.3 D1"),
    ("either", "D64r d.2 D1"),
    ("either", "D64r B d.5 D1"),
    ("normalized", "B D1"),
    ("normalized", "B D64r B D64r B D1"),
)

WRONG = (
    ("challenge", "the unchanged starter", "D64r D64r D1", (add(None, "BatchNormalization()"),)),
    ("challenge", "no dropout", "D64r B D64r D1", (add(1, "Dropout"),)),
    ("challenge", "a dropout of nothing", "B D64r D64r d0 D1", (setting(4, "rate", "0.2"),)),
    ("challenge", "only a dropout of nothing", "d0", (First("model.empty"),)),
    ("challenge", "no normalization", "D64r d.3 D64r D1", (add(None, "BatchNormalization()"),)),
    ("challenge", "dropout after the output", "D64r B D64r D1 d.3", (move(5),)),
    ("challenge", "dropout after the output as well", "D64r B d.3 D1 d.3", (remove(5),)),
    ("challenge", "dropout first as well", "d.3 D64r B d.3 D1", (remove(1),)),
    ("challenge", "rate too high", "D64r B d.9 D1", (setting(3, "rate", "0.6"),)),
    ("challenge", "frozen normalization", "D64r B* d.2 D1", (First("layer.frozen", (2,)),)),
    ("challenge", "relu on the output", "D64r B d.2 D1r", (setting(4, "activation"),)),
    ("challenge", "softmax on two outputs", "D64r B d.2 D2m",
     (setting(4, "units", "1"), setting(4, "activation"), add(4, "Dense(1)"))),
    ("challenge", "three outputs", "D64r B d.2 D3", (setting(4, "units", "1"),)),
    ("challenge", "no output", "D64r B d.2", (add(3, "Dense(1)"),)),
    ("challenge", "too large", "D1024r B d.2 D1024r D1", (First("network.parameters"),)),
    ("blocks", "too many units", "D512r d.3 D64r d.3 D1", (setting(1, "units", "256"),)),
    ("blocks", "another activation", "D64t d.3 D64r d.3 D1", (setting(1, "activation", '"relu"'),)),
    ("blocks", "a dropout missing", "D64r d.3 D64r D1", (add(3, "Dropout"),)),
    ("blocks", "one block only", "D64r d.3 D1", (add(2, "Dense"), add(1, "Dropout"), add(None, "Dense"))),
    ("blocks", "normalization after dropout", "D64r d.3 B D64r d.3 D1", (move(2, 3), remove(3))),
    ("either", "a rate of the other choice", "D64r d.5 D1",
     (setting(2, "rate", "0.3"), add(1, "BatchNormalization()"))),
    ("either", "neither", "D64r D1", (add(1, "Dropout"),)),
    ("normalized", "none before the output", "B D64r D1", (add(2, "BatchNormalization()"),)),
    ("normalized", "none at all", "D64r D64r D1", (add(None, "BatchNormalization()"),)),
    ("normalized", "dropout, which is not allowed", "B D64r d.3 B D1", (remove(3),)),
)  # fmt: skip


def cases() -> Sequence[Case]:
    right = [Case(name, words, partial(sequential, words, 11)) for name, words in RIGHT]
    return [*right, *(Case(name, what, partial(sequential, words, 11), first) for name, what, words, first in WRONG)]
