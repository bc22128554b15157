"""What human eyes see: a report, a diagnosis, a comparison, advice or progress as HTML, text and pictures."""

from __future__ import annotations

import contextlib
import importlib
import sys
from types import ModuleType

_MODULES = ("animation", "explore", "figures", "html", "page", "picture", "plots", "svg", "text", "words")


def __getattr__(name: str) -> ModuleType:
    """Import ``show.html``, ``show.plots`` and so on when they are first asked for: some need heavy libraries."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.{name}")


def display(thing: object) -> None:
    """Show feedback where the learner is: as one rich output in a notebook, as plain text elsewhere.

    Never raises and writes nothing to stderr; what has no page of its own is shown as its ``str``.

    Args:
        thing: a Report, a Diagnosis, a Comparison, an Advice, a Standing or a Page.
    """
    with contextlib.suppress(Exception):
        if in_notebook():
            from IPython.display import display as publish

            publish(bundle(thing), raw=True)  # type: ignore[no-untyped-call]
        else:
            print(_text(thing))


def curves(*histories: object) -> None:
    """Show the learning curves of one run or of two, with their values, and without a word on what they mean.

    Args:
        histories: what ``model.fit`` returned, the first run first.

    Raises:
        TypeError: there are more than two, or none.
    """
    if not 1 <= len(histories) <= 2:
        raise TypeError(f"one run or two, not {len(histories)}")
    from checker.show import page

    display(page.uncommented(*histories))


def bundle(thing: object) -> dict[str, str]:
    """The feedback as a bundle of MIME types: ``text/html`` and ``text/plain``."""
    shown = {"text/plain": _text(thing)}
    with contextlib.suppress(Exception):
        from checker.show import html

        shown["text/html"] = html.render(thing, inline=False)
    return shown


def _text(thing: object) -> str:
    from checker.show import text

    try:
        return text.render(thing)
    except Exception:  # feedback that looks plain is better than none
        return str(thing)


def in_notebook() -> bool:
    """Whether a kernel would show HTML; IPython in a terminal would print only the text."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")
