"""The JSON value in a notebook file, whatever its bytes have been through: other encodings, cuts, broken disks, merges.

What of a damaged file can still be read is read: its cells one by one. Nothing is raised for any content, and what was
not sound is told.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from checker.reading.archive import MEGABYTE, TOKENS, Refused, without_outputs

NO_NOTEBOOK: Final = "submission.no_notebook_file"
DAMAGED: Final = "submission.damaged"
GARBLED: Final = "submission.garbled"
TOO_BIG: Final = "submission.too_big"

_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ENOUGH: Final = 50
"""Bytes that are no UTF-8 from which on a file counts as written in GBK, if that explains all of them."""

_REST: Final = 20_000
"""Bytes of a broken file that a person is shown."""

_CELL: Final = re.compile(r'\{\s*"(?:cell_type|attachments|execution_count|id|metadata|outputs|source|input)"\s*:')
_FAILURES: Final = 20
"""Cells that cannot be read after which no more are looked for: each may be tried up to the file's end."""


@dataclass(frozen=True)
class Contents:
    """What a notebook file says.

    Attributes:
        data: the JSON value of a notebook, without outputs where the file is large; None where there is none.
        problems: message codes of what was not sound.
        rest: of a file that is no sound JSON, the beginning of what could not be read.
    """

    data: Any = None
    problems: tuple[str, ...] = ()
    rest: str = ""


def contents(content: bytes) -> Contents:
    """Read a notebook file.

    Args:
        content: its bytes.
    """
    text, garbled = as_utf8(content)
    problems = (GARBLED,) if garbled else ()
    doubled: list[str] = []

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(found)
        if len(value) < len(found):
            doubled.append(DAMAGED)
        return value

    try:
        data = _loaded(text, pairs)
    except Refused:
        return Contents(None, (TOO_BIG,), shown(text))
    except (ValueError, RecursionError, MemoryError):
        data = None
    if isinstance(data, dict) and isinstance(data.get("cells", data.get("worksheets")), list):
        if doubled or not _is_sound(data):
            problems = (*problems, DAMAGED)
        return Contents(data, problems)
    cells, rest = salvaged(text)
    return Contents({"cells": cells} if cells else None, (*problems, DAMAGED if cells else NO_NOTEBOOK), rest)


def as_utf8(content: bytes) -> tuple[bytes, bool]:
    """The text of a file in UTF-8 without a byte order mark, and whether it holds characters that could not be read.

    Editors on Windows write UTF-16, and GBK where the system speaks Chinese.
    """
    if content.startswith(codecs.BOM_UTF8):
        content = content[len(codecs.BOM_UTF8) :]
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "")
    if not encoding and b"\0" in content[:2] and len(content) > 2:
        encoding = "utf-16-be" if content[:1] == b"\0" else "utf-16-le"
    if encoding:
        text = content.decode(encoding, "replace").removeprefix("\ufeff")
        return text.encode("utf-8", "replace"), "\ufffd" in text
    if _is_utf8(content):
        return content, False
    text = content.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    if wrong >= _ENOUGH and wrong > sum(letter > "\x7f" for letter in text) / 2:
        try:
            return content.decode("gb18030").encode(), False
        except UnicodeDecodeError:
            pass
    return text.encode(), True


def _is_utf8(content: bytes) -> bool:
    """Whether this is UTF-8; decoded piece by piece, since one emoji makes a whole text four times as large."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(content), MEGABYTE):
            decoder.decode(content[start : start + MEGABYTE])
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def _loaded(text: bytes, pairs: Any) -> Any:
    """The JSON value; a file that is small enough is read with its outputs."""
    if len(text) <= TOKENS:
        try:
            return json.loads(text.decode(), object_pairs_hook=pairs)
        except (ValueError, RecursionError):
            pass  # it may be the outputs alone that are broken
    return json.loads(without_outputs(text).decode(), object_pairs_hook=pairs)


def _is_sound(data: dict[str, Any]) -> bool:
    """Whether every cell is one, with a text: what is not would be taken for an empty one."""
    if "cells" not in data:
        return True
    return all(isinstance(cell, dict) and _is_text(cell.get("source", cell.get("input"))) for cell in data["cells"])


def _is_text(source: Any) -> bool:
    return isinstance(source, str) or (isinstance(source, list) and all(isinstance(line, str) for line in source))


def salvaged(content: bytes) -> tuple[list[Any], str]:
    """The cells of a broken file that can be read, and the beginning of what lies between them.

    Args:
        content: text in UTF-8.
    """
    try:
        text = without_outputs(content).decode("utf-8", "replace")
    except Refused:
        text = ""
    cells, left, place = [], [], 0
    for start, end, cell in _cells_in(text):
        left.append(text[place:start])
        cells.append(cell)
        place = end
    rest = "".join((*left, text[place:])).strip(", \r\n")[:_REST] if cells else shown(content)
    return cells, rest


def shown(content: bytes) -> str:
    """The beginning of a file that a person is shown."""
    return content[:_REST].decode("utf-8", "replace").strip()


def _cells_in(text: str) -> Iterator[tuple[int, int, Any]]:
    """What looks like a cell and is sound JSON: where it starts and ends, and its value."""
    decoder, place, failures = json.JSONDecoder(), 0, 0
    while failures < _FAILURES and (found := _CELL.search(text, place)) is not None:
        try:
            cell, place_after = decoder.raw_decode(text, found.start())
        except (ValueError, RecursionError, MemoryError):
            failures, place = failures + 1, found.end()
            continue
        place = place_after
        if "cell_type" in cell and _is_text(cell.get("source", cell.get("input"))):
            yield found.start(), place, cell
