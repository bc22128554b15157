"""The dropout animation of the first lesson: at every training step each unit may be left out, by chance.

The film is a self-contained SVG, moved by its own style sheet: no script, no network, nothing to install. Whoever asks
the system for less motion sees it stand still; where a host shows no HTML, a still picture takes its place.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, TypeAlias

from checker.language import N_, translate

WIDTH, HEIGHT = 640, 330
SECONDS = 1.6
"""How long each mask is shown: long enough to see which units are gone."""

_BLUE, _GREY, _DARK, _INK = "#0072B2", "#b9c0c8", "#5b6470", "#222222"
_RADIUS = 13


@dataclass(frozen=True)
class Animation:
    """A film of dropout at work; show it by making it the last line of a notebook cell.

    Attributes:
        rate: the probability with which each unit is left out, drawn anew at each step.
        units: units of the input, the two hidden layers and the output.
        masks: for each frame, which units of the first hidden layer stay.
    """

    rate: float
    units: tuple[int, ...]
    masks: tuple[tuple[bool, ...], ...]

    @property
    def alt(self) -> str:
        """The film told in words."""
        return translate(
            N_(
                "A network with {inputs} inputs, two hidden layers of {first} and {second} units and one output. At "
                "each training step each unit of the first hidden layer is left out with a probability of {rate}, "
                "together with all its connections to the second hidden layer. In the steps shown, {counts} units are "
                "left out."
            ),
            inputs=self.units[0],
            first=self.units[1],
            second=self.units[2],
            rate=f"{self.rate:.0%}",
            counts=", ".join(str(mask.count(False)) for mask in self.masks),
        )

    def svg(self, still: bool = False) -> str:
        """The film as SVG, or only its first frame."""
        return _film(drawing(self.units), self.masks[:1] if still else self.masks, self.alt)

    def png(self) -> bytes:
        """The first frame as pixels."""
        return _still(drawing(self.units).frame(self.masks[0]))

    def _repr_mimebundle_(self, **kwargs: object) -> dict[str, str]:
        """One output in three forms: a host takes the richest that it can show."""
        return {
            "text/html": self._repr_html_(),
            "image/png": base64.b64encode(self.png()).decode("ascii"),
            "text/plain": self.alt,
        }

    def _repr_html_(self) -> str:
        from checker.show import figures  # a notebook that is not trusted keeps the image and drops the other source

        columns: dict[str, Iterable[Any]] = {translate(N_("training step")): range(1, len(self.masks) + 1)}
        stays, gone = translate(N_("stays")), translate(N_("left out"))
        for unit in range(self.units[1]):
            name = translate(N_("unit {number}"), number=unit + 1)
            columns[name] = [stays if mask[unit] else gone for mask in self.masks]
        table = figures.Table.of(columns)
        return figures.markup(_address(self.svg()), WIDTH, self.alt, table, still=_address(self.svg(still=True)))


def _address(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode('ascii')}"


def dropout(rate: float = 0.5, units: Sequence[int] = (3, 6, 6, 1), frames: int = 8, seed: int = 0) -> Animation:
    """The animation of a network with two hidden layers and dropout between them.

    Args:
        rate: probability with which each unit of the first hidden layer is left out at each step, in [0, 1).
        units: units of the input, the first hidden, the second hidden and the output layer; at most 10 each.
        frames: how many masks the film shows before it begins again, 1 to 24.
        seed: of the masks; the same seed gives the same film.

    Raises:
        ValueError: for other numbers.
    """
    if not 0 <= rate < 1:
        raise ValueError(translate("`rate` is a fraction from 0 to below 1, not {rate}.", rate=rate))
    if len(units) != 4 or not all(1 <= count <= 10 for count in units):
        raise ValueError(translate("`units` are four numbers from 1 to 10, not {units}.", units=units))
    if not 1 <= frames <= 24:
        raise ValueError(translate("`frames` is a number from 1 to 24, not {frames}.", frames=frames))
    chance = random.Random(seed)
    return Animation(rate, tuple(units), tuple(_masks(chance, rate, units[1], frames)))


def _masks(chance: random.Random, rate: float, count: int, frames: int) -> Iterator[tuple[bool, ...]]:
    """Random masks as the layer draws them: each unit stays or goes by itself, so their number differs too."""
    for _ in range(frames):
        yield tuple(chance.random() >= rate for _ in range(count))


# --- the drawing ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A connection, or one stroke of a cross; in pixels from the top left."""

    x1: float
    y1: float
    x2: float
    y2: float
    colour: str
    width: float = 1.4


@dataclass(frozen=True)
class Circle:
    """A unit."""

    x: float
    y: float
    colour: str
    dashed: bool = False


@dataclass(frozen=True)
class Word:
    """Words, centred."""

    x: float
    y: float
    text: str


Shape: TypeAlias = Line | Circle | Word


@dataclass(frozen=True)
class Drawing:
    """What never changes, and what is seen of each unit of the first hidden layer when it stays or is left out."""

    fixed: tuple[Shape, ...]
    kept: tuple[tuple[Shape, ...], ...]
    dropped: tuple[tuple[Shape, ...], ...]

    def frame(self, mask: Sequence[bool]) -> tuple[Shape, ...]:
        """Everything that is seen while this mask holds."""
        chosen = zip(mask, self.kept, self.dropped, strict=True)
        return (*self.fixed, *(shape for stays, kept, dropped in chosen for shape in (kept if stays else dropped)))


def drawing(units: Sequence[int]) -> Drawing:
    """The network with these numbers of units."""
    inputs, first, second, outputs = columns = _columns(units)
    names = (N_("inputs"), N_("hidden layer 1"), N_("hidden layer 2"), N_("output"))
    words = [Word(column[0][0], 26, translate(name)) for column, name in zip(columns, names, strict=True)]
    fixed: list[Shape] = [*_connections(inputs, first, _GREY), *_connections(second, outputs, _GREY), *words]
    fixed += [Circle(x, y, _DARK) for x, y in (*inputs, *outputs)] + [Circle(x, y, _BLUE) for x, y in second]
    fixed.append(Word((first[0][0] + second[0][0]) / 2, 46, translate(N_("dropout"))))
    return Drawing(
        tuple(fixed),
        tuple((*_connections([unit], second, _BLUE), Circle(*unit, _BLUE)) for unit in first),
        tuple((Circle(*unit, _DARK, dashed=True), *_cross(*unit)) for unit in first),
    )


def _columns(units: Sequence[int]) -> list[list[tuple[float, float]]]:
    """Where each layer's units stand."""
    top, bottom = 62.0, HEIGHT - 50.0
    step = (bottom - top) / max(max(units) - 1, 1)
    first = [(top + bottom - step * (count - 1)) / 2 for count in units]
    across = [WIDTH * share for share in (0.10, 0.36, 0.66, 0.90)]
    return [[(x, y + step * unit) for unit in range(n)] for x, y, n in zip(across, first, units, strict=True)]


def _connections(left: Sequence[tuple[float, float]], right: Sequence[tuple[float, float]], colour: str) -> list[Line]:
    return [Line(*start, *end, colour) for start in left for end in right]


def _cross(x: float, y: float) -> tuple[Line, Line]:
    arm = _RADIUS * 0.5
    return Line(x - arm, y - arm, x + arm, y + arm, _DARK, 2), Line(x - arm, y + arm, x + arm, y - arm, _DARK, 2)


# --- as a film --------------------------------------------------------------------------------------------------------


def _film(drawn: Drawing, masks: Sequence[Sequence[bool]], alt: str) -> str:
    groups, styles = [], []
    for unit, (kept, dropped) in enumerate(zip(drawn.kept, drawn.dropped, strict=True)):
        stays = [mask[unit] for mask in masks]
        for name, shapes, seen in (("k", kept, stays), ("d", dropped, [not stay for stay in stays])):
            groups.append(_group(f"{name}{unit}", shapes))
            styles.append(_fading(f"{name}{unit}", seen))
    for frame in range(len(masks)):
        step = Word(WIDTH / 2, HEIGHT - 10, translate(N_("training step {number}"), number=frame + 1))
        groups.append(_group(f"s{frame}", [step]))
        styles.append(_fading(f"s{frame}", [other == frame for other in range(len(masks))]))
    seconds = SECONDS * len(masks)
    moving = f"g{{animation-duration:{seconds:g}s;animation-iteration-count:infinite;animation-timing-function:linear}}"
    still = "@media (prefers-reduced-motion:reduce){g{animation:none!important}}"
    words = f"text{{font:15px system-ui,sans-serif;fill:{_INK};text-anchor:middle}}"
    return "".join(
        [
            '<svg xmlns="http://www.w3.org/2000/svg" ',
            f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">',
            f"<title>{escape(alt)}</title><style>{words}{moving}{''.join(styles)}{still}</style>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="#fff"/>',
            *map(_element, drawn.fixed),
            *groups,
            "</svg>",
        ]
    )


def _fading(name: str, seen: Sequence[bool]) -> str:
    """The style of a group that is seen in these frames: it fades in and out within the first tenth of a frame."""
    share = 100 / len(seen)
    marks = [f"0%{{opacity:{seen[-1]:d}}}"]
    for frame, value in enumerate(seen):
        marks.append(f"{share * (frame + 0.1):.3g}%,{share * (frame + 1):.4g}%{{opacity:{value:d}}}")
    return f".{name}{{opacity:{seen[0]:d};animation-name:{name}}}@keyframes {name}{{{''.join(marks)}}}"


def _group(name: str, shapes: Sequence[Shape]) -> str:
    return f'<g class="{name}">{"".join(map(_element, shapes))}</g>'


def _element(shape: Shape) -> str:
    match shape:
        case Line(x1, y1, x2, y2, colour, width):
            return f'<path d="M{x1:g} {y1:g}L{x2:g} {y2:g}" stroke="{colour}" stroke-width="{width:g}"/>'
        case Circle(x, y, colour, True):
            return f'<circle cx="{x:g}" cy="{y:g}" r="{_RADIUS}" fill="#fff" stroke="{colour}" stroke-dasharray="3 3"/>'
        case Circle(x, y, colour):
            return f'<circle cx="{x:g}" cy="{y:g}" r="{_RADIUS}" fill="{colour}"/>'
        case Word(x, y, text):
            return f'<text x="{x:g}" y="{y:g}">{escape(text)}</text>'


# --- as a still picture -----------------------------------------------------------------------------------------------


def _still(shapes: Sequence[Shape]) -> bytes:
    from matplotlib.figure import Figure
    from matplotlib.patches import Circle as Disc

    from checker.show import plots

    with plots.style():
        figure = Figure(figsize=(WIDTH / 100, HEIGHT / 100))
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(HEIGHT, 0))
        axes.set_axis_off()
        for above, shape in enumerate(shapes):
            match shape:
                case Line(x1, y1, x2, y2, colour, width):
                    axes.plot([x1, x2], [y1, y2], color=colour, linewidth=0.72 * width, zorder=above)
                case Circle(x, y, colour, dashed):
                    fill, line = ("white", "--") if dashed else (colour, "-")
                    axes.add_patch(
                        Disc((x, y), _RADIUS, facecolor=fill, edgecolor=colour, linestyle=line, zorder=above)
                    )
                case Word(x, y, text):
                    axes.text(x, y, text, ha="center", va="baseline", fontsize=10.8, color=_INK, zorder=above)
    return plots.rendered(figure, "png")
