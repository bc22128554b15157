"""Files that are written as a whole, and text that a spreadsheet does not take for a formula."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How a formula begins, in full width too (OWASP, "CSV Injection")."""


def replace(path: Path, content: str | bytes | Iterable[str]) -> None:
    """Write the whole file or nothing.

    Args:
        path: the file; its folder must exist.
        content: text (UTF-8), pieces of text, or bytes.

    Raises:
        OSError: the file cannot be written; what was there before is still there.
    """
    pieces = [content] if isinstance(content, str | bytes) else content
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}")
    try:
        with os.fdopen(handle, "wb") as file:
            for piece in pieces:
                file.write(piece.encode() if isinstance(piece, str) else piece)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def defused(cell: object) -> str:
    """A CSV file's cell as text that no spreadsheet takes for a formula; :func:`undefused` undoes it."""
    text = str(cell)
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


def undefused(cell: str) -> str:
    """The text of a cell that :func:`defused` wrote."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA) else cell
