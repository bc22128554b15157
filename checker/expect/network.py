"""What a question expects: one declaration, from which all that is shown of it follows."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from checker import blueprint
from checker.expect.automaton import Automaton
from checker.expect.patterns import BLANK, Group, Layer, Pattern
from checker.expect.rules import Constraint
from checker.expect.slots import is_linear


class Network:
    """What a question expects.

    Args:
        patterns: its layers from input to output.
        input_shape: shape of one sample, without the batch axis.
        constraints: rules over the whole network.
        starter: the network that the learner starts from; unchanged it earns nothing.
        example: the reference's layers, for an open design whose patterns leave too much open to derive one.
        branches: whether the data may take several ways, as in a skip connection; the rules then hold for its layers
            in topological order.
    """

    def __init__(
        self,
        *patterns: Pattern,
        input_shape: Sequence[int | None] | None = None,
        constraints: Sequence[Constraint] = (),
        starter: Network | None = None,
        example: Sequence[Layer] = (),
        branches: bool = False,
    ) -> None:
        self.patterns = patterns
        self.input_shape = None if input_shape is None else tuple(input_shape)
        self.constraints = tuple(constraints)
        self.starter = starter
        self.branches = branches
        self._example = tuple(example)

    @cached_property
    def automaton(self) -> Automaton:
        return Automaton(Group(*self.patterns))

    @cached_property
    def written_automaton(self) -> Automaton:
        return Automaton(Group(*self.patterns), written=True)

    @cached_property
    def elements(self) -> tuple[Layer, ...]:
        """The layers of the reference, as a learner would write them."""
        return self._example or tuple(element for pattern in self.patterns for element in pattern.elements())

    def example(self) -> tuple[blueprint.Layer, ...]:
        """The layers of the reference in canonical form."""
        layers = []
        for number, element in enumerate(self.elements, 1):
            layers += [replace(slot.example, number=number) for slot in element.slots]
        return tuple(blueprint.in_canonical_order([layer for layer in layers if not is_linear(layer)]))

    def code(self) -> str:
        """The reference as runnable Keras code, an expression that makes the model."""
        return self._sequential([f"keras.layers.{element.code}" for element in self.elements])

    def skeletons(self) -> tuple[str, ...]:
        """The reference with blanks, from many to few: what the starter lacks is blank, then only its settings are."""
        given = self._given()
        whole = [f"keras.layers.{element.code}" for element in self.elements]
        kinds = [line if here else f"keras.layers.{BLANK}({BLANK})" for line, here in zip(whole, given, strict=True)]
        gaps = [
            line if here else f"keras.layers.{element.gaps}"
            for line, element, here in zip(whole, self.elements, given, strict=True)
        ]
        levels = [self._sequential(lines) for lines in (kinds, gaps)]
        return tuple(dict.fromkeys(level for level in levels if level != self.code()))

    def skeleton(self, level: int = 0) -> str:
        """One of :meth:`skeletons`, the most finished one for a level beyond them."""
        levels = self.skeletons() or (self.code(),)
        return levels[min(level, len(levels) - 1)]

    def rows(self) -> tuple[str, ...]:
        """What is expected, one line a layer, for display."""
        return tuple(element.text for element in self.elements)

    def _given(self) -> list[bool]:
        """Which of the reference's layers the starter has already."""
        if self.starter is None:
            return [False] * len(self.elements)
        own = [element.code for element in self.elements]
        blocks = difflib.SequenceMatcher(None, [element.code for element in self.starter.elements], own, autojunk=False)
        here = {index for block in blocks.get_matching_blocks() for index in range(block.b, block.b + block.size)}
        return [index in here for index in range(len(own))]

    def _sequential(self, lines: Sequence[str]) -> str:
        shape = [] if self.input_shape is None else [f"keras.Input(shape={list(self.input_shape)})"]
        return "keras.Sequential([\n" + "".join(f"    {line},\n" for line in [*shape, *lines]) + "])"
