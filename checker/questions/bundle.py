"""The evidence inside the saved notebook: a bundle in the graded cell's output, beside the points.

Jupyter keeps output under types that it cannot show, and shows the points; nbgrader reads the points alone. So a
notebook that was saved with its outputs is all that a learner hands in. The bundle is one JSON value; reading it is
reading hostile bytes, with the limits of the files in it.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import re
import sys
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from checker.reading.archive import ARCHIVE_LIMIT, MEGABYTE, RECORD_LIMIT, Refused, json_object

MIME: Final = "application/vnd.keras-layers-course.evidence+json"
FORMAT: Final = 2
KNOWN_FORMATS: Final = (1, 2)
"""Format 1, which older copies of the course wrote, has no byte planes."""

LARGEST: Final = 8 * MEGABYTE
"""Characters of a bundle that are put into a notebook; larger evidence lies in the folder alone. The largest network
that the course asks for takes about a third of it."""

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")

FRESH: Final = "CHECKER_FRESH_KERNEL"
"""Environment variable of a run in a fresh kernel, which hands its evidence over in the folder alone."""


# --- the learner's side -----------------------------------------------------------------------------------------------


def packed(question: str, files: Mapping[str, bytes]) -> dict[str, Any] | None:
    """A question's evidence as a bundle; None where it would be larger than :data:`LARGEST`.

    Args:
        question: ``"q1"``.
        files: its evidence by name, ``"q1.json"`` and ``"q1.keras"``.
    """
    texts = {name: base64.b64encode(zlib.compress(_planes(content), 6)).decode() for name, content in files.items()}
    if sum(map(len, texts.values())) > LARGEST:
        return None
    return {"format": FORMAT, "question": question, "files": texts}


def attach(value: float, question: str, files: Mapping[str, bytes]) -> None:
    """Have the kernel put the evidence beside these points, once, where this very float is a cell's result.

    Outside a kernel, and in a fresh one, nothing happens. Never raises.
    """
    with contextlib.suppress(Exception):
        ipython = sys.modules.get("IPython")
        shell: Any = ipython.get_ipython() if ipython is not None else None
        if hasattr(shell, "kernel") and not os.environ.get(FRESH) and (bundle := packed(question, files)):
            _attachments(shell.display_formatter.mimebundle_formatter).hold(value, bundle)


class _Attachments:
    """IPython's formatter for floats: it adds a bundle to the one float that it belongs to.

    The float is known by identity, so that the points stay a plain float and no other number is touched.
    """

    def __init__(self, before: Callable[[float], Any] | None) -> None:
        self.before = before
        self.value: float | None = None
        self.bundle: dict[str, Any] = {}

    def hold(self, value: float, bundle: dict[str, Any]) -> None:
        self.value, self.bundle = value, bundle

    def __call__(self, value: float) -> Any:
        if value is not self.value:
            return self.before(value) if self.before is not None else None
        bundle, self.value, self.bundle = self.bundle, None, {}
        return {MIME: bundle}


def _attachments(formatter: Any) -> _Attachments:
    there = formatter.for_type(float)
    if isinstance(there, _Attachments):
        return there
    attachments = _Attachments(there)
    formatter.for_type(float, attachments)
    return attachments


# --- the grader's side ------------------------------------------------------------------------------------------------


def unpacked(bundle: Any, question: str) -> dict[str, bytes]:
    """The files in a bundle, by name.

    Args:
        bundle: the JSON value that stands in a notebook under :data:`MIME`.
        question: whose cell it stands in.

    Raises:
        Refused: it is another question's, another format's, damaged, or expands beyond the limits of evidence.
    """
    if not isinstance(bundle, dict):
        bundle = _from_text(bundle)
    if not isinstance(bundle, dict) or (form := bundle.get("format")) not in KNOWN_FORMATS:
        raise Refused("evidence.format")
    if bundle.get("question") != question or not _NAME.fullmatch(question):
        raise Refused("evidence.other_question")
    texts = bundle.get("files")
    limits = {f"{question}.json": RECORD_LIMIT, f"{question}.keras": ARCHIVE_LIMIT}
    if not isinstance(texts, dict) or not texts.keys() <= limits.keys():
        raise Refused("evidence.unreadable")
    files = {name: _expanded(text, limits[name]) for name, text in texts.items()}
    return files if form == 1 else {name: _joined(content) for name, content in files.items()}


def _from_text(value: Any) -> Any:
    """The bundle, where a program kept its JSON as text, in one piece or in lines, like other output."""
    lines = value if isinstance(value, list) and all(isinstance(line, str) for line in value) else [value]
    if not isinstance(lines[0] if lines else None, str) or sum(map(len, lines)) > 2 * ARCHIVE_LIMIT:
        return None
    try:
        return json_object("".join(lines).encode("utf-8", "replace"), 2 * ARCHIVE_LIMIT)
    except Refused:
        return None


WORD: Final = 4
"""Bytes of a weight, a float32."""


def _planes(content: bytes) -> bytes:
    """Every first byte of a word, then every second one, and so on: the signs and exponents of weights lie together,
    so that they compress to nine tenths of what they would take (the idea of HDF5's shuffle filter).
    """
    return b"".join(content[place::WORD] for place in range(WORD))


def _joined(planes: bytes) -> bytes:
    """The bytes that :func:`_planes` laid apart."""
    content, start = bytearray(len(planes)), 0
    for place in range(WORD):
        stop = start + len(content[place::WORD])
        content[place::WORD] = planes[start:stop]
        start = stop
    return bytes(content)


def _expanded(text: Any, limit: int) -> bytes:
    """What this text says, of which never more than the limit is made."""
    if not isinstance(text, str):
        raise Refused("evidence.unreadable")
    if len(text) > 2 * limit:
        raise Refused("evidence.too_big")
    expander = zlib.decompressobj()
    try:
        content = expander.decompress(base64.b64decode(text, validate=True), limit + 1)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise Refused("evidence.unreadable") from error
    if len(content) > limit:
        raise Refused("evidence.too_big")
    if not expander.eof or expander.unused_data:
        raise Refused("evidence.unreadable")
    return content
