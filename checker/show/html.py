"""Feedback as HTML: no script, no colour without words, everything a learner could influence escaped."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from checker.language import get_language
from checker.show import page
from checker.show.words import Run

LANGUAGE_TAGS = {"en": "en", "zh": "zh-Hans"}
"""The value of ``lang`` for each language of the checker."""


def render(thing: object, pictures: bool = True) -> str:
    """The feedback as one HTML section that stands on its own.

    Args:
        thing: a Report, a Diagnosis, a Comparison, an Advice, a Standing or a Page.
        pictures: draw the learning curves; without, their description in words stands in their place and
            matplotlib is not imported.

    Returns:
        HTML without scripts, with its own style, in the language in force.

    Raises:
        TypeError: for anything else.
    """
    source = _source if pictures else _no_source
    return _template().render(page=page.of(thing), lang=LANGUAGE_TAGS[get_language()], source=source)


@cache
def environment() -> Environment:
    """Our templates, escaping whatever is put into them."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["prose"] = _prose
    environment.globals.update(marks=page.MARKS)
    return environment


def _template() -> Template:
    return environment().get_template("page.html")


def _prose(text: str) -> Markup:
    """The text escaped, what stands between backquotes as code."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:  # a backquote without its partner is just a backquote
        pieces[-2:] = ["`".join(pieces[-2:])]
    pieces[1::2] = [Markup("<code>") + piece + Markup("</code>") for piece in pieces[1::2]]
    return Markup().join(pieces)


def _source(runs: tuple[Run, ...]) -> str:
    """The address of the drawn picture; empty where it cannot be drawn, for words are better than an error."""
    try:
        from checker.show import plots

        return plots.image(*runs)
    except Exception:  # no matplotlib, or curves that it cannot cope with
        return ""


def _no_source(runs: tuple[Run, ...]) -> str:
    return ""
