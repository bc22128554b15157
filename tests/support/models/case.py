"""One model of the suite, its verdict and the right first edit; and a shorthand for networks.

A network is written as words: ``D128r`` is ``Dense(128, activation="relu")`` (r relu, t tanh, s sigmoid, m softmax,
e elu, none linear), ``d.3`` ``Dropout(0.3)``, ``B`` ``BatchNormalization()``, ``B*`` a frozen one, ``L``
``LayerNormalization()``, ``r`` and ``t`` an activation on its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

ACTIVATIONS = {"r": "relu", "t": "tanh", "s": "sigmoid", "m": "softmax", "e": "elu", "": None}


@dataclass(frozen=True)
class First:
    """What the first finding has to say.

    Attributes:
        code: the finding's name.
        positions: the learner's layer it speaks of, any of these.
        says: what its parameters contain, by name.
    """

    code: str
    positions: tuple[int | None, ...] = ()
    says: tuple[tuple[str, Any], ...] = ()

    def fits(self, finding: Any) -> bool:
        """Whether a finding names this edit."""
        return (
            finding.name == self.code
            and (not self.positions or finding.position in self.positions)
            and all(str(value) in str(finding.params.get(name)) for name, value in self.says)
        )


@dataclass(frozen=True)
class Case:
    """A model as somebody might write it.

    Attributes:
        question: ``"q1"``, ``"q3"`` or the name of an open pattern.
        id: what is special about it.
        build: makes the model.
        first: the right first edits, any of these; none for a right model.
        count: how many findings at most.
    """

    question: str
    id: str
    build: Callable[[], Any]
    first: tuple[First, ...] = ()
    count: int | None = None

    def __str__(self) -> str:
        return f"{self.question}: {self.id}"


def add(after: int | None, layer: str) -> First:
    return First("layer.missing", (after,), (("layer", f"layers.{layer}"),))


def remove(*positions: int) -> First:
    return First("layer.extra", positions)


def move(*positions: int) -> First:
    return First("layer.moved", positions)


def setting(position: int, name: str, expected: str | None = None) -> First:
    return First("layer.setting", (position,), (("setting", name), *([("expected", expected)] if expected else [])))


def swap(position: int, layer: str) -> First:
    return First("layer.replaced", (position,), (("expected", f"layers.{layer}"),))


def stack(words: str) -> list[Any]:
    """The layers that the words stand for."""
    return [_layer(word) for word in words.split()]


def sequential(words: str, width: int) -> keras.Model:
    """The network that the words stand for, in the plainest style."""
    return keras.Sequential([keras.Input((width,)), *stack(words)])


def _layer(word: str) -> Any:
    if match := re.fullmatch(r"D(\d+)([rtsme]?)", word):
        return layers.Dense(int(match[1]), activation=ACTIVATIONS[match[2]])
    if match := re.fullmatch(r"d([\d.]+)", word):
        return layers.Dropout(float(match[1]))
    others = {
        "B": layers.BatchNormalization,
        "B*": lambda: layers.BatchNormalization(trainable=False),
        "L": layers.LayerNormalization,
        "r": lambda: layers.Activation("relu"),
        "t": lambda: layers.Activation("tanh"),
    }
    return others[word]()
