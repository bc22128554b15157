"""Make a learner's Markdown safe to show to a teacher: nothing in it runs, and nothing that was written is lost."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

import bleach  # type: ignore[import-untyped]

_TAGS = frozenset(
    [
        "a",
        "abbr",
        "b",
        "blockquote",
        "br",
        "center",
        "code",
        "del",
        "details",
        "div",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "img",
        "kbd",
        "li",
        "mark",
        "ol",
        "p",
        "pre",
        "s",
        "small",
        "span",
        "strong",
        "sub",
        "summary",
        "sup",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "u",
        "ul",
    ]
)
_ATTRIBUTES = {
    "a": ["href", "title"],
    "img": ["src", "alt", "title", "width", "height"],
    "*": ["align"],
    "td": ["colspan", "rowspan"],
    "th": ["colspan", "rowspan"],
}
_PROTOCOLS = ("http", "https", "mailto", "attachment")
_SUSPECT = re.compile(r"<|script|data\s*:|&#|&\w+;", re.IGNORECASE)
_NO_TAG = re.compile(r"&lt;(?=[\s\d=.$(\\{+-]|$)")


def clean(source: str) -> str:
    """The Markdown with HTML left that formats text only; other tags are shown as text.

    What still renders to anything that could run is shown as it was typed, unformatted.
    """
    if not _SUSPECT.search(source):
        return source
    cleaned = bleach.clean(source, tags=_TAGS, attributes=_ATTRIBUTES, protocols=_PROTOCOLS, strip_comments=False)
    cleaned = _NO_TAG.sub("<", cleaned).replace("&gt;", ">").replace("&amp;", "&")
    return cleaned if _harmless(cleaned) else as_text(source)


def as_text(source: str) -> str:
    """Markdown that shows this text as it is: every line is code, which is always escaped."""
    return "\n".join(f"    {line}" for line in source.splitlines())


def _harmless(source: str) -> bool:
    """Whether nbconvert makes HTML of it that holds no script, no handler and no address that runs."""
    from nbconvert.filters.markdown_mistune import markdown2html_mistune

    watch = _Watch()
    try:
        watch.feed(markdown2html_mistune(source))
        watch.close()
    except Exception:  # what cannot be rendered is not shown as Markdown
        return False
    return not watch.dangers


class _Watch(HTMLParser):
    """Notes every tag and attribute that could run something."""

    dangers = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        allowed = tag in _TAGS or tag in ("input", "math", "section")
        self.dangers += not allowed
        for name, value in attrs:
            address = re.sub(r"[\s\x00-\x1f]", "", html.unescape(value or "")).lower()
            runs = address.startswith(("javascript:", "vbscript:", "data:text", "data:image/svg"))
            self.dangers += name.startswith("on") or name in ("srcdoc", "formaction", "action") or runs
