"""What a layer makes of the shape of its input, and which weights it holds for it.

Shapes are without the batch axis; None stands for a size, or a whole shape, that is not known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

Shape = tuple[int | None, ...]
Settings = Mapping[str, Any]
Inputs = Sequence[Shape | None]
"""The shapes of a layer's inputs."""
Weights = list[Shape] | None
"""The shapes of a layer's weights, in the order in which Keras saves them; None when they are not known."""


# --- outputs: a function of the settings and the inputs' shapes -------------------------------------------------------


def not_known(settings: Settings, shapes: Inputs) -> Shape | None:
    """Only the built layer tells."""
    return None


def same(settings: Settings, shapes: Inputs) -> Shape | None:
    """As the first input."""
    return shapes[0]


def dense(settings: Settings, shapes: Inputs) -> Shape | None:
    """As many numbers as the layer has units."""
    return None if not shapes[0] else (*shapes[0][:-1], int(settings["units"]))


def flat(settings: Settings, shapes: Inputs) -> Shape | None:
    """All numbers of a sample in one row."""
    return None if shapes[0] is None else (_size(shapes[0]),)


def reshaped(settings: Settings, shapes: Inputs) -> Shape | None:
    """The shape in the settings, one size of it left open."""
    return _reshaped(settings["target_shape"], shapes[0])


def reshaped_with_batch(settings: Settings, shapes: Inputs) -> Shape | None:
    """The same for an operation, which names the batch axis too."""
    batch, *target = settings["newshape"]
    return _reshaped(target, shapes[0]) if batch in (-1, None) else None


def squeezed(settings: Settings, shapes: Inputs) -> Shape | None:
    """Without a last axis of one number."""
    shape = shapes[0]
    is_last = shape is not None and settings["axis"] in (-1, None) and shape[-1:] == (1,) and 1 not in shape[:-1]
    return cast(Shape, shape)[:-1] if is_last else None


def permuted(settings: Settings, shapes: Inputs) -> Shape | None:
    """The axes in another order."""
    shape = shapes[0]
    return None if shape is None else tuple(shape[one - 1] for one in settings["dims"])


def repeated(settings: Settings, shapes: Inputs) -> Shape | None:
    """The same several times over."""
    return None if shapes[0] is None else (int(settings["n"]), *shapes[0])


def joined(settings: Settings, shapes: Inputs) -> Shape | None:
    """Inputs one after another along an axis."""
    known = [shape for shape in shapes if shape]
    if len(known) < len(shapes):
        return None
    (axis,) = axes(settings, len(known[0]))
    if not axis:  # samples behind samples
        return None
    sizes = [shape[axis - 1] for shape in known]
    return (*known[0][: axis - 1], None if None in sizes else sum(cast(list[int], sizes)), *known[0][axis:])


def merged(settings: Settings, shapes: Inputs) -> Shape | None:
    """Inputs merged number by number, sizes of 1 repeated.

    Raises:
        ValueError: for shapes that do not fit together.
    """
    known = [shape for shape in shapes if shape is not None]
    if len(known) < len(shapes) or len({len(shape) for shape in known}) > 1:
        return None
    return tuple(_broadcast(sizes) for sizes in zip(*known, strict=True))


def _broadcast(sizes: Sequence[int | None]) -> int | None:
    large = {size for size in sizes if size not in (1, None)}
    if len(large) > 1:
        raise ValueError(f"sizes that do not fit together: {sizes}")
    return next(iter(large), None if None in sizes else 1)


def _size(shape: Shape) -> int | None:
    return None if None in shape else math.prod(cast(tuple[int, ...], shape))


def _reshaped(target: Sequence[int | None], shape: Shape | None) -> Shape | None:
    if shape is None:
        return None
    sizes = [None if n is None else int(n) for n in target]
    size, known = _size(shape), math.prod(n for n in sizes if n not in (-1, None))
    rest = None if size is None else size // max(1, known)
    return tuple(rest if n == -1 else n for n in sizes)


# --- weights: a function of the settings and the input's shape --------------------------------------------------------


def axes(settings: Settings, rank: int) -> tuple[int, ...]:
    """A layer's axes, batch axis counted, as positive numbers."""
    axis = settings["axis"]
    return tuple(sorted(one % (rank + 1) for one in (axis if isinstance(axis, list | tuple) else [axis])))


def nothing(settings: Settings, shape: Shape) -> Weights:
    """No weights."""
    return []


def dense_weights(settings: Settings, shape: Shape) -> Weights:
    """Kernel and bias, and two factors of a low rank."""
    if not shape or settings.get("quantization_config"):
        return None
    width, units, rank = shape[-1], int(settings["units"]), int(settings.get("lora_rank") or 0)
    bias: list[Shape] = [(units,)] if settings["use_bias"] else []
    return [(width, units), *bias, *([(width, rank), (rank, units)] if rank else [])]


def batch_weights(settings: Settings, shape: Shape) -> Weights:
    """Gamma, beta, moving mean and moving variance, each along all axes in one row."""
    sizes = along(settings, shape)
    return None if settings.get("renorm") else [(_size(sizes),)] * (2 + _scaled(settings))


def layer_weights(settings: Settings, shape: Shape) -> Weights:
    """Gamma and beta."""
    return [along(settings, shape)] * _scaled(settings)


def gamma(settings: Settings, shape: Shape) -> Weights:
    """One factor for each number along the layer's axes."""
    return [along(settings, shape)]


def moments(settings: Settings, shape: Shape) -> Weights:
    """Mean, variance and how many samples they are of, unless the learner gave them."""
    given = settings["mean"] is not None and settings["variance"] is not None
    return [] if given else [along(settings, shape), along(settings, shape), ()]


def slopes(settings: Settings, shape: Shape) -> Weights:
    """One slope for each number, or for all along the shared axes."""
    shared = settings["shared_axes"] or ()
    return [tuple(1 if index + 1 in shared else size for index, size in enumerate(shape))]


def along(settings: Settings, shape: Shape) -> Shape:
    """The input's sizes along the layer's axes."""
    return tuple(shape[axis - 1] for axis in axes(settings, len(shape)))


def _scaled(settings: Settings) -> int:
    return bool(settings["scale"]) + bool(settings["center"])


def count(weights: Weights) -> int | None:
    """How many numbers weights of these shapes are; None when that is not known."""
    sizes = None if weights is None else [_size(shape) for shape in weights]
    return None if sizes is None or None in sizes else sum(cast(list[int], sizes))
