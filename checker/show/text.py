"""Feedback as plain text: for a terminal, a screen reader, a log; Chinese characters count as two columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from rich import cells

from checker.show import page

WIDTH = 80
"""Columns of the text."""

_GAP = 2  # columns between the columns of a table
_WORD = r"[（《「『【“‘]*(?:[^\s\u2e80-\uffef“‘]+|[\u2e80-\uffef])[，。、；：？！）》」』】”’]*|[“‘]+"
_WORDS = re.compile(
    rf"\s+|{_WORD}"
)  # a space, or a word or one Chinese character with the punctuation that stays with it
_PIECES = re.compile(
    rf"\s+|`[^`]+`[^\s`\u2e80-\uffef]*[，。、；：？！）》」』】”’]*|{_WORD}"
)  # the same, but code in one piece


def cell_len(text: str) -> int:
    """How many columns the text takes."""
    return len(text) if text.isascii() and text.isprintable() else cells.cell_len(text)


def render(thing: object) -> str:
    """The feedback as plain text of at most 80 columns, without colour and without a picture.

    Args:
        thing: a Report, a Diagnosis, a Comparison, an Advice, a Standing or a Page.

    Raises:
        TypeError: for anything else.
    """
    described = page.of(thing)
    mark = "" if described.status == "note" else page.MARKS[described.status]
    opening = (described.over, " ".join(filter(None, (mark, described.headline))), described.score)
    parts = [[line for words in opening for line in folded(words, WIDTH)], *map(_lines, described.blocks)]
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def _lines(block: page.Block) -> list[str]:
    match block:
        case page.Text():
            return folded(block.text, WIDTH)
        case page.Picture():
            return folded(block.told, WIDTH)
        case page.Code():
            return [f"    {line}".rstrip() for line in block.text.split("\n")]
        case page.Steps():
            return [block.heading, *_steps(block)]
        case page.Table():
            return [block.caption, *_grid(block)]


def _steps(block: page.Steps) -> Iterator[str]:
    for place, item in enumerate(block.items, 1):
        bullet = f"{place:3d}. " if block.ordered else "  - "
        for line in folded(item, WIDTH - len(bullet)):
            yield bullet + line
            bullet = " " * len(bullet)


def _grid(block: page.Table) -> Iterator[str]:
    cells = [[f"{page.MARKS[cell.mark]} {cell.text}" if cell.mark else cell.text for cell in row] for row in block.rows]
    columns = list(zip(block.head, *cells, strict=True))
    least = [max(cell_len(word) for cell in column for word in ("", *_WORDS.findall(cell))) for column in columns]
    if sum(least) + _GAP * (len(least) - 1) > WIDTH:
        yield from _listed(block.head, cells)
        return
    widths = _squeezed([max(map(cell_len, column)) for column in columns], least)
    folds = [[folded(cell, width) for cell in column] for column, width in zip(columns, widths, strict=True)]
    widths = [max((cell_len(line) for lines in column for line in lines), default=0) for column in folds]
    for place, row in enumerate(zip(*folds, strict=True)):
        for pieces in zip_longest(*row, fillvalue=""):
            yield "".join(_padded(piece, width + _GAP) for piece, width in zip(pieces, widths, strict=True)).rstrip()
        if place == 0:
            yield "-" * (sum(widths) + _GAP * (len(widths) - 1))


def _listed(head: Sequence[str], cells: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table too wide to stand side by side without breaking words: one cell a line, its column's name before it."""
    for row in cells:
        yield "-" * WIDTH
        for name, cell in zip(head, row, strict=True):
            yield from folded(f"{name}: {cell}", WIDTH)


def _squeezed(widths: Sequence[int], least: Sequence[int]) -> list[int]:
    """The widths of a table's columns; where the line is too short, the widest ones give way down to their least."""
    squeezed = list(widths)
    while sum(squeezed) + _GAP * (len(squeezed) - 1) > WIDTH:
        widest = max(range(len(squeezed)), key=lambda place: (squeezed[place] > least[place], squeezed[place]))
        squeezed[widest] -= 1
    return squeezed


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def _pieces(text: str, width: int) -> Iterator[str]:
    """What stays on one line: words, and code that is short enough for one."""
    for piece in _PIECES.findall(text):
        yield from [piece] if cell_len(piece) <= width else _WORDS.findall(piece)


def folded(text: str, width: int) -> list[str]:
    """The text in lines of at most ``width`` columns, broken at spaces and between Chinese characters.

    Code between backquotes is only broken, at its spaces, where it is longer than a line; a word only where it is.
    """
    lines, line, used = [], "", 0
    for piece in _pieces(text, width):
        size = cell_len(piece)
        if used + size > width and line:
            lines.append(line.rstrip())
            line, used = "", 0
        if piece.isspace() and not line:
            continue
        while size > width:  # a word longer than a line
            head = _fitting(piece, width)
            lines.append(head)
            piece = piece[len(head) :]
            size = cell_len(piece)
        line, used = line + piece, used + size
    return [*lines, line.rstrip()] if line.strip() else lines


def _fitting(word: str, width: int) -> str:
    """As much of the word's beginning as fits, at least one character."""
    end = 1
    while end < len(word) and cell_len(word[: end + 1]) <= width:
        end += 1
    return word[:end]
