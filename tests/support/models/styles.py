"""The ways in which learners put the same layers together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import layers

Stack = Sequence[Any]


def as_list(stack: Stack, width: int) -> keras.Model:
    return keras.Sequential([keras.Input(shape=[width]), *stack])


def as_input_layer(stack: Stack, width: int) -> keras.Model:
    return keras.Sequential([layers.InputLayer(shape=(width,)), *stack])


def by_add(stack: Stack, width: int) -> keras.Model:
    model = keras.Sequential(name="my_model")
    model.add(keras.Input((width,)))
    for layer in stack:
        model.add(layer)
    return model


def unbuilt(stack: Stack, width: int) -> keras.Model:
    return keras.Sequential(list(stack))


def built_later(stack: Stack, width: int) -> keras.Model:
    model = keras.Sequential(list(stack))
    model.build((None, width))
    return model


def called_on_data(stack: Stack, width: int) -> keras.Model:
    model = keras.Sequential(list(stack))
    model(keras.ops.zeros((2, width)))
    return model


def functional(stack: Stack, width: int) -> keras.Model:
    inputs = x = keras.Input((width,))
    for layer in stack:
        x = layer(x)
    return keras.Model(inputs, x)


def nested(stack: Stack, width: int) -> keras.Model:
    middle = max(len(stack) // 2, 1)
    return keras.Sequential([
        keras.Input((width,)),
        keras.Sequential(list(stack[:middle])),
        *([keras.Sequential(list(stack[middle:]))] if stack[middle:] else []),
    ])  # fmt: skip


def nested_deeply(stack: Stack, width: int) -> keras.Model:
    inner: Any = keras.Sequential(list(stack))
    for _ in range(3):
        inner = keras.Sequential([inner])
    return keras.Sequential([keras.Input((width,)), inner])


def functional_around_sequential(stack: Stack, width: int) -> keras.Model:
    inputs = keras.Input((width,))
    body, head = keras.Sequential(list(stack[:-1])), stack[-1]
    return keras.Model(inputs, head(body(inputs) if stack[:-1] else inputs))


def sequential_around_functional(stack: Stack, width: int) -> keras.Model:
    return keras.Sequential([functional(stack, width)])


def subclassed(stack: Stack, width: int) -> keras.Model:
    class Mine(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.parts = list(stack)

        def call(self, x: Any, training: bool | None = None) -> Any:
            for part in self.parts:
                takes_training = isinstance(part, layers.Dropout | layers.BatchNormalization)
                x = part(x, training=training) if takes_training else part(x)
            return x

    return Mine()


def subclassed_and_called(stack: Stack, width: int) -> keras.Model:
    model = subclassed(stack, width)
    model(keras.ops.zeros((1, width)))
    return model


def outputs_of_another(stack: Stack, width: int) -> keras.Model:
    first = as_list(stack, width)
    return keras.Model(inputs=first.inputs, outputs=first.outputs)


def cloned(stack: Stack, width: int) -> keras.Model:
    return keras.models.clone_model(as_list(stack, width))


def compiled(stack: Stack, width: int) -> keras.Model:
    model = as_list(stack, width)
    model.compile(optimizer="adam", loss="mae")
    return model


def with_unused_layers(stack: Stack, width: int) -> keras.Model:
    """Layers that were created and even called, but lead nowhere."""
    inputs = x = keras.Input((width,))
    layers.Dropout(0.5)(layers.Dense(7)(inputs))
    for layer in stack:
        x = layer(x)
    layers.BatchNormalization()(x)
    return keras.Model(inputs, x)


def with_what_changes_nothing(stack: Stack, width: int) -> keras.Model:
    return as_list(
        [layers.Flatten(), layers.Identity(), *stack, layers.Dropout(0.0), layers.Activation("linear")], width
    )


def popped(stack: Stack, width: int) -> keras.Model:
    model = as_list([*stack, layers.Dense(9)], width)
    model.pop()
    return model


STYLES: tuple[Callable[[Stack, int], keras.Model], ...] = (
    as_list, as_input_layer, by_add, unbuilt, built_later, called_on_data, functional, nested, nested_deeply,
    functional_around_sequential, sequential_around_functional, subclassed, subclassed_and_called, outputs_of_another,
    cloned, compiled, with_unused_layers, with_what_changes_nothing, popped,
)  # fmt: skip
