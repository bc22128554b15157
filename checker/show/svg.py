"""Learning curves as inline SVG in a page of feedback: the description in ``picture``, drawn by a template.

The page's own text colour and font write it, its style sheet colours it, so that it follows the page into a dark theme
and onto paper. It holds no id: any number of pictures stand on one page, and the same one twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from jinja2 import Template
from markupsafe import Markup

from checker.show.picture import Curve, Dash, Gap, Plot, Point, Stretch

_HATCH = 8.0  # pixels between two lines
_ARROW = 4.0


@dataclass(frozen=True)
class Canvas:
    """Where a description's epochs, losses and shares of the frame stand, in pixels from the upper left."""

    plot: Plot

    @cached_property
    def left(self) -> float:
        return self.plot.frame[0] * self.plot.size[0]

    @cached_property
    def right(self) -> float:
        return self.plot.frame[2] * self.plot.size[0]

    @cached_property
    def top(self) -> float:
        return (1 - self.plot.frame[3]) * self.plot.size[1]

    @cached_property
    def bottom(self) -> float:
        return (1 - self.plot.frame[1]) * self.plot.size[1]

    def x(self, epoch: float) -> float:
        return self.left + (self.right - self.left) * self.plot.x.place(epoch)

    def y(self, loss: float) -> float:
        return self.at(self.plot.y.place(loss))

    def at(self, height: float) -> float:
        """A share of the frame's height."""
        return self.bottom - (self.bottom - self.top) * height

    def path(self, curve: Curve) -> str:
        """The pieces of a curve as path data."""
        return "".join(f"M{'L'.join(map(self._point, piece))}" for piece in curve.pieces if len(piece) > 1)

    def alone(self, curve: Curve) -> Iterator[Point]:
        """The points that have no neighbour, in pixels."""
        return ((self.x(piece[0][0]), self.y(piece[0][1])) for piece in curve.pieces if len(piece) == 1)

    def _point(self, point: Point) -> str:
        return f"{self.x(point[0]):.1f},{self.y(point[1]):.1f}"

    def area(self, stretch: Stretch) -> str:
        """The outline of a stretch as path data."""
        left, right = self.x(stretch.first), self.x(stretch.last)
        corners = ((left, self.top), (right, self.top), (right, self.bottom), (left, self.bottom))
        return f"M{'L'.join(f'{x:.1f},{y:.1f}' for x, y in corners)}"

    def hatching(self, stretch: Stretch) -> str:
        """Parallel lines that fill a stretch, as path data."""
        left, right, height = self.x(stretch.first), self.x(stretch.last), self.bottom - self.top
        lines = []
        for number in range(math.ceil((right - left + height) / _HATCH)):
            start = left - height + (number + 0.5) * _HATCH  # where the line, falling to the right, leaves the top
            first, last = max(left, start), min(right, start + height)
            if first < last:
                lines.append(f"M{first:.1f},{self.top + first - start:.1f}L{last:.1f},{self.top + last - start:.1f}")
        return "".join(lines)

    def arrow(self, gap: Gap) -> str:
        """A line with a head at each end, as path data."""
        x, top, bottom = self.x(gap.epoch), self.y(gap.high) + 3, self.y(gap.low) - 3
        heads = "".join(
            f"M{x - _ARROW:.1f},{y + turned * _ARROW:.1f}L{x:.1f},{y:.1f}L{x + _ARROW:.1f},{y + turned * _ARROW:.1f}"
            for y, turned in ((top, 1), (bottom, -1))
        )
        return f"M{x:.1f},{top:.1f}V{bottom:.1f}{heads}"


DASHES = {Dash.SOLID: "none", Dash.DASHED: "6 3", Dash.DOTTED: "1.6 2.6", Dash.DASHDOT: "9 2.5 1.6 2.5"}
"""The dashes as lengths in pixels."""

ANCHORS = {"left": "start", "center": "middle", "right": "end"}


def render(plot: Plot) -> Markup:
    """The picture as an ``<svg>`` element with title and description.

    Its colours and letters come from ``page.css``: it belongs into an element of the class ``checker-page``.
    """
    return Markup(_template().render(plot=plot, on=Canvas(plot), dashes=DASHES, anchors=ANCHORS))


def _template() -> Template:
    from checker.show.html import environment

    return environment().get_template("picture.svg")
