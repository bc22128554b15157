"""The language in which the checker speaks: gettext catalogues, English and Simplified Chinese.

A message is a template with named parameters (``str.format``), marked with :func:`N_` where it is declared and
translated by :func:`translate` where it is shown. So a report can be made now and read in another language later.
"""

from __future__ import annotations

import gettext
import locale
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "zh")
"""Languages the checker speaks, as ISO 639 codes; ``zh`` is Simplified Chinese."""

_FOLDER = Path(__file__).parent / "locale"
_chosen: ContextVar[str | None] = ContextVar("checker_language", default=None)
_default: str | None = None


def N_(message: str) -> str:
    """Mark a message for the catalogue without translating it yet."""
    return message


def known(code: str) -> str | None:
    """The language that a code such as ``"zh"``, ``"zh_CN.UTF-8"`` or ``"en-GB"`` means, or None for others."""
    primary = code.strip().replace("-", "_").split("_")[0].split(".")[0].lower()
    others = {"c": "en", "posix": "en", "english": "en", "cn": "zh", "chinese": "zh"}
    return primary if primary in LANGUAGES else others.get(primary)


def set_language(code: str) -> None:
    """Speak this language from now on.

    Args:
        code: ``"en"`` or ``"zh"``; longer forms such as ``"zh_CN"`` are understood.

    Raises:
        ValueError: for a language that the checker does not speak.
    """
    global _default
    language = known(code) if isinstance(code, str) else None
    if language is None:
        raise ValueError(
            translate("The checker speaks {languages}, not {code!r}.", languages=", ".join(LANGUAGES), code=code)
        )
    _default = language


def get_language() -> str:
    """The language in force: the one set, else ``CHECKER_LANGUAGE``, else the system's locale, else English."""
    if (chosen := _chosen.get() or _default) is not None:
        return chosen
    environment = (os.environ.get(name) for name in ("CHECKER_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"))
    for code in (*environment, locale.getlocale()[0]):
        if code and (language := known(code)):
            return language
    return "en"


@contextmanager
def using(code: str | None) -> Iterator[None]:
    """Speak another language inside a ``with`` block; None changes nothing."""
    token = _chosen.set(known(code) if code else _chosen.get())
    try:
        yield
    finally:
        _chosen.reset(token)


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation("checker", _FOLDER, [language], fallback=True)


def translate(message: str, /, **parameters: object) -> str:
    """The message in the language in force, its ``{named}`` parameters filled in.

    Without parameters the message is returned as translated, braces and all.
    """
    text = _catalogue(get_language()).gettext(message) if message else ""
    return text.format(**parameters) if parameters else text


def missing_package(error: ModuleNotFoundError, extra: str) -> str:
    """What to say where a package is missing that only some of the course needs, instead of a traceback."""
    return translate(
        N_("This needs the package {package}: install the course with its extra, as in `{command}`."),
        package=error.name,
        command=f'pip install "keras_layers_course-….whl[{extra}]"',
    )
