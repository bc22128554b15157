"""One expected layer in canonical form, and what is wrong with a layer in its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from checker import blueprint
from checker.expect.values import Allowed, same


@dataclass(frozen=True)
class Slot:
    """One expected layer in canonical form: an activation inside a layer is a slot of its own.

    Attributes:
        kind: Keras' class, None for any layer.
        settings: what its settings may be; those not named must have Keras' default.
        kinds: for any layer, the kinds it may not be.
        like: for any layer, the one that the reference has here.
        addable: whether it can be filled with a new layer; where not, only a layer that is right is taken.
    """

    kind: str | None
    settings: Mapping[str, Allowed] = field(default_factory=dict)
    kinds: frozenset[str] = frozenset()
    like: blueprint.Layer | None = None
    addable: bool = True

    def wrong(self, layer: blueprint.Layer) -> list[tuple[str, Any, Any]] | None:
        """What differs in a layer of this kind: ``(setting, actual, expected)``; None for a layer of another kind."""
        if self.kind is None:
            return None if layer.kind in self.kinds else []
        if self.kind != layer.kind:
            return None
        found = [
            (name, actual, allowed.nearest(actual))
            for name, allowed in self.settings.items()
            if not allowed.accepts(actual := layer.settings.get(name))
        ]
        if layer.kind == "Activation" and any(name == "activation" for name, _, _ in found):
            return found[:1]  # the parameters belong to the wrong activation
        defaults = _defaults(layer)
        found += [
            (name, actual, defaults[name])
            for name, actual in layer.settings.items()
            if name not in self.settings and name in defaults and not same(actual, defaults[name])
        ]
        if not layer.trainable:
            found.append(("trainable", False, True))
        if layer.training is not None:
            found.append(("training", layer.training, None))
        if layer.shared:
            found.append(("shared", layer.shared, 0))
        return found

    @property
    def is_relu(self) -> bool:
        return self.kind == "Activation" and self.exact and self.example.settings == {"activation": "relu"}

    @property
    def exact(self) -> bool:
        """Whether just one layer fits."""
        return self.kind is not None and all(allowed.exact for allowed in self.settings.values())

    @property
    def example(self) -> blueprint.Layer:
        """The layer that the reference has here."""
        if self.like is not None:
            return self.like
        kind = self.kind or "Identity"
        return blueprint.Layer(
            kind, _complete(kind, {name: allowed.example for name, allowed in self.settings.items()})
        )


def _defaults(layer: blueprint.Layer) -> dict[str, Any]:
    """Keras' defaults of the settings that make a difference, for an activation those of its parameters."""
    if layer.kind == "Activation":
        return blueprint.activation_settings(layer.settings["activation"])
    known = blueprint.defaults_of(layer.kind)
    return {name: default for name, default in known.items() if default is not blueprint.REQUIRED}


def is_linear(layer: blueprint.Layer) -> bool:
    """Whether this is the activation that hands on what it gets."""
    return layer.kind == "Activation" and layer.settings["activation"] == "linear"


def _complete(kind: str, named: Mapping[str, Any]) -> dict[str, Any]:
    """Settings in canonical form, Keras' defaults filled in."""
    if kind == "Activation":
        return blueprint.activation_settings(**named)
    required = [name for name, default in blueprint.defaults_of(kind).items() if default is blueprint.REQUIRED]
    return blueprint.settings_of(kind, {**dict.fromkeys(required), **named})


def telling(kind: str, settings: Mapping[str, Allowed]) -> dict[str, Allowed]:
    """The settings to write down: not those that may be anything and are Keras' own default in the reference."""
    defaults = blueprint.defaults_of(kind)
    return {
        name: allowed
        for name, allowed in settings.items()
        if not (allowed.unbounded and same(allowed.example, defaults.get(name)))
    }


def source(kind: str, settings: Mapping[str, str]) -> str:
    """A layer as Keras code, settings that have no default first and without their names."""
    known = blueprint.defaults_of(kind)
    required = [name for name, default in known.items() if default is blueprint.REQUIRED and name in settings]
    named = [f"{name}={text}" for name, text in settings.items() if name not in required]
    return f"{kind}({', '.join([*(settings[name] for name in required), *named])})"
