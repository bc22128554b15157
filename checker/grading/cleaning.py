"""Make a learner's Markdown safe to show to a teacher: nothing in it runs, and nothing that was written is lost."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import unquote

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
_SUSPECT = re.compile(r"<|script|data\s*:|&#|&\w+;|attachment|mermaid|\]\s*[(:\[]", re.IGNORECASE)
_NO_TAG = re.compile(r"&lt;(?=[\s\d=.$(\\{+-]|$)")
_ADDRESS = re.compile(r"(https?:|mailto:)|data:image/(png|jpeg|gif|webp);|[#./?]|[^:]*$", re.IGNORECASE)
"""What may stand in a link."""

_TEX = re.compile(r"\\(?=(?:href|class|cssId|style|require|unicode|bbox|mmlToken|html\w*)(?![A-Za-z]))")
"""What MathJax understands besides mathematics: links (also to a script), styles, further extensions."""

_ATTACHED = re.compile(r"attachment:([^\s)\"'<>]+)")
_LOADED = re.compile(r"!(?=\[[^\]]*\]\((?!attachment:|data:))")
_LOCAL = re.compile(r"!\[[^\]]*\]\((?!attachment:|data:|https?:)|<img[^>]+src=[\"']?(?!attachment:|data:|https?:)")
_PLAIN_NAME = re.compile(r"[\w-][\w.-]{0,80}", re.ASCII)

Pictures = dict[str, dict[str, str]]
"""Pictures by name: their type, and their content in base64."""


@dataclass(frozen=True)
class Cleaned:
    """A cell's Markdown, safe to show.

    Attributes:
        source: the Markdown.
        pictures: the pictures that it shows.
    """

    source: str
    pictures: Pictures


def clean(source: str, pictures: Mapping[str, Mapping[str, str]] | None = None) -> Cleaned:
    """The Markdown with HTML left that formats text only; other tags are shown as text.

    Pictures that were pasted into the cell are shown, also where the text does not name them. Others would be fetched
    from where the learner says, by whoever reads the page: they become links. What still renders to anything that could
    run is shown as it was typed, unformatted.

    Args:
        source: what was written.
        pictures: what was pasted.
    """
    named, held, _ = _named(source, pictures or {})
    text = _LOADED.sub("", _TEX.sub("\\\\\u2060", named))
    if not _SUSPECT.search(text):
        return Cleaned(text, held)
    cleaned = bleach.clean(text, tags=_TAGS, attributes=_ATTRIBUTES, protocols=_PROTOCOLS, strip_comments=False)
    cleaned = _NO_TAG.sub("<", cleaned).replace("&gt;", ">").replace("&amp;", "&")
    if _harmless(cleaned, held):
        return Cleaned(cleaned, held)
    shown = "".join(f"\n\n![](attachment:{name})" for name in held)
    return Cleaned(as_text(source) + shown, held)


def as_text(source: str) -> str:
    """Markdown that shows this text as it is: every line is code, which is always escaped."""
    return "\n".join(f"    {line}" for line in _TEX.sub("\\\\\u2060", source).splitlines())


def names_missing(source: str, pictures: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether the Markdown shows a picture that was not pasted into its cell: it lies elsewhere, or is lost."""
    return _named(source, pictures)[2]


def _named(source: str, pictures: Mapping[str, Mapping[str, str]]) -> tuple[str, Pictures, bool]:
    """The text, every pasted picture named in it by a name that needs no escape; and whether it names others."""
    names = {
        name: name if _PLAIN_NAME.fullmatch(name) else f"picture-{number}" for number, name in enumerate(pictures, 1)
    }
    missing, seen = _LOCAL.search(source) is not None, set()

    def put(found: re.Match[str]) -> str:
        nonlocal missing
        name = next((each for each in (found[1], unquote(found[1])) if each in names), None)
        if name is None:
            missing = True
            return "#"
        seen.add(name)
        return f"attachment:{names[name]}"

    text = _ATTACHED.sub(put, source)
    more = "".join(f"\n\n![](attachment:{names[name]})" for name in names if name not in seen)
    return text + more, {names[name]: dict(held) for name, held in pictures.items()}, missing


def _harmless(source: str, pictures: Pictures) -> bool:
    """Whether nbconvert makes HTML of it that holds no script, no handler, and no address that runs or is fetched."""
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    watch = _Watch()
    try:
        renderer = IPythonRenderer(escape=False, attachments=pictures)
        watch.feed(MarkdownWithMath(renderer=renderer).render(source))
        watch.close()
    except Exception:  # what cannot be rendered is not shown as Markdown
        return False
    return not watch.dangers


class _Watch(HTMLParser):
    """Notes every tag and attribute that could run or fetch something."""

    dangers = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        allowed = tag in _TAGS or tag in ("input", "math", "section")
        self.dangers += not allowed
        for name, value in attrs:
            address = re.sub(r"[\s\x00-\x1f]", "", html.unescape(value or "")).lower()
            if name in ("href", "src"):
                self.dangers += _ADDRESS.match(address) is None or (name == "src" and not address.startswith("data:"))
            self.dangers += name.startswith("on") or name in ("srcdoc", "srcset", "formaction", "action")
            self.dangers += name == "style" and not address.startswith("text-align:")  # which tables have
            self.dangers += name == "class" and "mermaid" in address

    def handle_data(self, data: str) -> None:
        self.dangers += _TEX.search(data) is not None
