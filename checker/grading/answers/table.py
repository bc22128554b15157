"""The spreadsheet of the answers: written so that Excel and LibreOffice open it, read whatever they made of it.

What people's spreadsheets do to a CSV file: other separators (``;``, tabs), a decimal comma, no byte order mark or
UTF-16 ("Unicode text"), Chinese Excel's GB 18030, columns in another order, blank rows, ids taken for numbers. All of
that is undone; what cannot be undone is an error with its line, and then nothing counts.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from checker._files import defused, undefused
from checker.grading.answers.gather import Written
from checker.grading.answers.likeness import normal
from checker.grading.answers.sorted_answers import SortedQuestion
from checker.language import LANGUAGES, N_, get_language, translate, using
from checker.show.words import visible

COLUMNS: Final = {
    "group": N_("group"),
    "student": N_("student"),
    "question": N_("question"),
    "text": N_("text"),
    "found": N_("what the automatic part found"),
    "points": N_("points"),
    "comment": N_("comment"),
    "out_of": N_("out of"),
    "holds_for": N_("holds for"),
    "check": N_("check (leave as it is)"),
}
"""The columns and their headings."""

NEEDED: Final = ("group", "student", "question", "points", "comment", "holds_for", "check")
"""Columns without which the file cannot be taken back."""

LONGEST_CELL: Final = 30_000
"""Characters of a text that are written; Excel's cells hold 32,767."""

MOST_BYTES: Final = 200_000_000

MOST_ABOVE: Final = 20
"""Rows above the headings that are looked at: blank ones, ``sep=;``."""

_LIKE_NUMBER = re.compile(
    r"[\d.,/:]|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w*\W*\d|true$|false$", re.IGNORECASE
)
"""How a student's id begins that a spreadsheet would take for a number, a date or a truth value."""

_POINTS = re.compile(r"\+?(\d+)(?:[.,](\d+))?")


class CannotRead(ValueError):
    """The file is no spreadsheet of answers; the message says why."""


@dataclass(frozen=True)
class Row:
    """One row as it came back.

    Attributes:
        line: its number in the file, counted from 1, as spreadsheets count rows.
        group, student, question, check, stamp: as exported, their defusing undone; see :class:`gather.Written`.
        points, comment: what a person wrote, trimmed; empty where nothing.
        leads: whether it is its group's first row.
    """

    line: int
    group: str
    student: str
    question: str
    points: str
    comment: str
    leads: bool
    check: str
    stamp: str


# --- writing ----------------------------------------------------------------------------------------------------------


def write(questions: Iterable[SortedQuestion], decimal_comma: bool = False) -> Iterator[str]:
    """The lines of the file, in the language in force; the first begins with a byte order mark.

    Args:
        questions: the answers in groups.
        decimal_comma: for spreadsheets of a country that writes 1,5: columns are then separated by semicolons.
    """
    line = _Line()
    writer = csv.writer(line, delimiter=";" if decimal_comma else ",")
    writer.writerow([translate(heading) for heading in COLUMNS.values()])
    yield "\ufeff" + line.text
    for question in questions:
        for group in question.groups:
            for answer in group.answers:
                leads = translate(N_("the group ({count})"), count=len(group.answers))
                writer.writerow(
                    [
                        defused(group.name),
                        kept_id(answer.student),
                        defused(question.title),
                        defused(_clipped(answer.text or translate(N_("(no answer)")))),
                        defused("\n".join(notes(answer, question.near.get(answer.student, ())))),
                        _number(answer.points, decimal_comma),
                        defused(answer.mark.comment),
                        _number(answer.max_points, decimal_comma),
                        leads if answer is group.first and len(group.answers) > 1 else "",
                        answer.check + answer.stamp,
                    ]
                )
                yield line.text


class _Line:
    """What ``csv`` writes to: keeps the last line."""

    text = ""

    def write(self, text: str) -> None:
        self.text = text


def notes(answer: Written, near: Sequence[str]) -> Iterator[str]:
    """What a person should know beside the text."""
    yield from answer.found
    if near:
        yield translate(N_("Nearly the same text: {students}."), students=", ".join(map(visible, near)))
    if answer.elsewhere:
        yield translate(N_("Also written, in other cells: {text}"), text=_clipped(answer.elsewhere))


def kept_id(student: str) -> str:
    """A student's id as a cell that stays what it is: ``007`` and ``1e5`` stay text."""
    return f"'{student}" if _LIKE_NUMBER.match(student) else defused(student)


def _clipped(text: str) -> str:
    shown = "\n".join(map(visible, text.splitlines()))
    return shown if len(shown) <= LONGEST_CELL else f"{shown[:LONGEST_CELL]}…"


def _number(value: float | None, decimal_comma: bool) -> str:
    if value is None:
        return ""
    text = f"{value:.6g}"
    return text.replace(".", ",") if decimal_comma else text


# --- reading ----------------------------------------------------------------------------------------------------------


def read(content: bytes, known: Collection[str] = ()) -> list[Row]:
    """The rows of a file that a spreadsheet saved.

    Args:
        content: the file.
        known: the answers' texts; they tell which of several encodings is the right one.

    Raises:
        CannotRead: it is too big, or has not the columns that were exported.
    """
    if len(content) > MOST_BYTES:
        raise CannotRead(translate(N_("The file is too big.")))
    familiar = {normal(text) for text in known}
    readings = [reading for text in _decoded(content) if (reading := _parsed(text)) is not None]
    if not readings:
        missing = ", ".join(translate(COLUMNS[name]) for name in NEEDED)
        raise CannotRead(translate(N_("The file has not the columns that were exported: {columns}."), columns=missing))
    rows, _ = max(readings, key=lambda reading: sum(normal(text) in familiar for text in reading[1]))
    return rows


def _decoded(content: bytes) -> Iterator[str]:
    """The file's text, by the encodings in which spreadsheets save it, the likeliest first."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        yield content.decode("utf-16", "replace")
        return
    with suppress(UnicodeDecodeError):
        yield content.decode("utf-8-sig")
        return
    for encoding in ("gb18030", "cp1252") if get_language() == "zh" else ("cp1252", "gb18030"):
        with suppress(UnicodeDecodeError):
            yield content.decode(encoding)


def _parsed(text: str) -> tuple[list[Row], list[str]] | None:
    """The rows, and what their text column holds; None if the columns are not there."""
    csv.field_size_limit(MOST_BYTES)
    for separator in ",;\t":
        try:
            lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
        except csv.Error:
            continue
        for number, line in enumerate(lines[:MOST_ABOVE]):
            places = _places(line)
            if set(NEEDED) <= set(places):
                below = lines[number + 1 :]
                column = places.get("text", len(line))
                return list(_rows(below, places, number + 2)), [row[column] for row in below if column < len(row)]
    return None


def _places(row: Sequence[str]) -> Mapping[str, int]:
    """Where each column is, by the headings of any language."""
    cells = [" ".join(cell.split()).casefold() for cell in row]
    found: dict[str, int] = {}
    for language in LANGUAGES:
        with using(language):
            for name, heading in COLUMNS.items():
                if (shown := translate(heading).casefold()) in cells:
                    found.setdefault(name, cells.index(shown))
    return found


def _rows(rows: Iterable[Sequence[str]], places: Mapping[str, int], first: int) -> Iterator[Row]:
    for line, row in enumerate(rows, first):
        cells = {name: row[place].strip() if place < len(row) else "" for name, place in places.items()}
        if not any(cells.values()):
            continue
        own = {name: undefused(cells[name]) for name in ("group", "student", "question", "comment")}
        own["comment"] = own["comment"].replace("\r\n", "\n").replace("\r", "\n")
        check, stamp = cells["check"][:16], cells["check"][16:]
        yield Row(line=line, points=cells["points"], leads=bool(cells["holds_for"]), check=check, stamp=stamp, **own)


def points(text: str) -> float | None:
    """The points that a cell says, with a decimal point or comma; None for what is no such number."""
    plain = unicodedata.normalize("NFKC", text).strip().removeprefix("'").strip()
    found = _POINTS.fullmatch(plain)
    return None if found is None else float(f"{found[1]}.{found[2] or 0}")


def same_id(cell: str, student: str) -> bool:
    """Whether a cell names this student: exactly, or as the number that a spreadsheet has taken the id for."""
    if cell in (student, kept_id(student)) or f"'{cell}" == kept_id(student):
        return True
    try:
        return student.isdecimal() and abs(float(cell.replace(",", ".")) - float(student)) <= 1e-5 * float(student)
    except ValueError:
        return False
