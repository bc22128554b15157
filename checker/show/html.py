"""Feedback as HTML: no script, no colour without words, everything a learner could influence escaped."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from checker.language import get_language
from checker.show import page

LANGUAGE_TAGS = {"en": "en", "zh": "zh-Hans"}
"""The value of ``lang`` for each language of the checker."""


def render(thing: object, pictures: bool = True, *, inline: bool = True) -> str:
    """The feedback as one HTML section that stands on its own.

    Args:
        thing: a Report, a Diagnosis, a Comparison, an Advice, a Standing or a Page.
        pictures: draw the learning curves; without, their description in words stands in their place.
        inline: draw them as SVG in the page; else as an ``<img>`` by matplotlib, which is also seen where a notebook
            is not trusted: JupyterLab takes SVG out of one that somebody else ran.

    Returns:
        HTML without scripts, with its own style, in the language in force.

    Raises:
        TypeError: for anything else.
    """
    drawn = _words if not pictures else _inline if inline else _image
    return _page().render(page=page.of(thing), lang=LANGUAGE_TAGS[get_language()], drawn=drawn)


@cache
def environment() -> Environment:
    """Where the templates are found, and how they are filled in: everything is escaped."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        auto_reload=False,
    )
    made.filters["prose"] = _prose
    made.globals.update(marks=page.MARKS)
    return made


@cache
def _page() -> Template:
    return environment().get_template("page.html")


def _prose(text: str) -> Markup:
    """The text escaped, what stands between backquotes as code."""
    if "`" not in text:
        return escape(text)
    pieces = text.split("`")
    if len(pieces) % 2 == 0:  # a backquote without its partner is just a backquote
        pieces[-2:] = ["`".join(pieces[-2:])]
    pieces[1::2] = [Markup("<code>") + piece + Markup("</code>") for piece in pieces[1::2]]
    return Markup().join(pieces)


def _inline(block: page.Picture) -> Markup:
    from checker.show import picture, svg

    plot = picture.of(*block.runs)
    region = Markup(
        '<div class="checker-picture checker-scroll" role="group" tabindex="0" aria-label="{}">\n{}\n</div>'
    )
    return region.format(plot.name, svg.render(plot))


def _image(block: page.Picture) -> Markup:
    """The picture by matplotlib; in words where it cannot be drawn, for words are better than an error."""
    try:
        from checker.show import plots

        image = Markup('<p class="checker-picture"><img src="{}" alt="{}"></p>')
        return image.format(plots.image(*block.runs), block.told)
    except Exception:  # no matplotlib, or curves that it cannot cope with
        return _words(block)


def _words(block: page.Picture) -> Markup:
    return Markup("<p>{}</p>").format(block.told)
