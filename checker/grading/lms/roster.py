"""The class list: who is meant by a name, a login or a number that a learning management system writes."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from checker.language import N_, translate
from checker.reading.archive import MEGABYTE, file_bytes

_ID: Final = (
    "sisuserid",
    "studentid",
    "学号",
    "学生id",
    "学生编号",
    "id",
    "idnumber",
    "student",
    "username",
    "login",
    "用户名",
)
"""Headers of the column with the student's id, the likeliest first."""

_ADDRESS: Final = re.compile(r"e?mail|邮箱|邮件")

_FIRST: Final = frozenset({"firstname", "givenname", "forename", "名", "名字", "vorname"})
_LAST: Final = frozenset({"lastname", "surname", "familyname", "姓", "姓氏", "nachname", "name姓"})
_NAME: Final = re.compile(r"name|姓名|名字|^姓$|^名$|^student$|全名")
_LOGIN: Final = re.compile(r"user.?name|login|用户名|账号|帐号|nutzername|benutzername")
_SYSTEM: Final = re.compile(
    r"moodle|canvas|blackboard|ilias|classroom|lms|participant|userid|用户id|参与者|^identifier$|标识符"
)
_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "o", "ł": "l", "đ": "d", "æ": "ae"})


def key(text: str) -> str:
    """A name without case, spaces and punctuation, so that ``"Lovelace, Ada"`` is Canvas' ``"lovelaceada"``."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", text).casefold() if letter.isalnum())


def ascii_key(text: str) -> str:
    """The same in ASCII letters as ILIAS writes them, empty for what has none: ``"Müller"`` is ``"mueller"``."""
    spelled = unicodedata.normalize("NFC", text).casefold().translate(_UMLAUTS)
    plain = unicodedata.normalize("NFKD", spelled)
    return key("".join(letter for letter in plain if not unicodedata.combining(letter)))


def login_key(text: str) -> str:
    """A login or a number as it is compared: without case, nothing left out."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


class NoRoster(ValueError):
    """The class list cannot be used; the text says why."""


@dataclass(frozen=True)
class Roster:
    """A class list.

    Attributes:
        names: students' ids by each form of a name.
        logins: students' ids by student id, login and address.
        numbers: students' ids by a number of the learning management system, from a column that says so.
    """

    names: Mapping[str, frozenset[str]]
    logins: Mapping[str, frozenset[str]]
    numbers: Mapping[str, frozenset[str]]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a CSV file with a header; UTF-8, UTF-16 or GBK, with commas, semicolons or tabs.

        Args:
            path: the file. One column holds the students' ids, others what a download calls them: names, logins,
                addresses, or the system's own numbers (a header with ``moodle``, ``canvas``, ``user id``, ...).

        Raises:
            NoRoster: there is no such file, no row, or an id that can be no folder's name.
        """
        try:
            rows = _rows(file_bytes(path, 16 * MEGABYTE))
        except (OSError, ValueError, csv.Error) as error:
            raise NoRoster(translate(N_("The class list {path} cannot be read."), path=path)) from error
        if len(rows) < 2:
            raise NoRoster(
                translate(
                    N_("The class list {path} is empty: it needs a row of headers, then one a student."), path=path
                )
            )
        return cls._of(rows[0], rows[1:])

    @classmethod
    def _of(cls, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Self:
        headers = [key(text) for text in header]
        rows = list(rows)
        ids, system = _columns(headers, rows)
        names, logins, numbers = (defaultdict[str, set[str]](set) for _ in range(3))
        for row in rows:
            cells = {column: text.strip() for column, text in zip(headers, row, strict=False) if text.strip()}
            student = row[ids].strip() if ids < len(row) else ""
            if not student:
                continue
            if not _is_folder_name(student):
                raise NoRoster(translate(N_("In the class list, {student!r} can be no student id."), student=student))
            logins[login_key(student)].add(student)
            for column, text in cells.items():
                if column == system:
                    numbers[login_key(text)].add(student)
                elif "@" in text:
                    logins[login_key(text)].add(student)
                    logins[login_key(text.partition("@")[0])].add(student)
                elif _LOGIN.search(column) or (column in _ID and column != "student"):
                    logins[login_key(text)].add(student)
                elif _SYSTEM.search(column):
                    numbers[login_key(text)].add(student)
                    numbers[_trailing_number(text)].add(student)
                elif _NAME.search(column):
                    for form in _forms(text):
                        names[form].add(student)
            for form in _joined(cells):
                names[form].add(student)
        return cls(*({name: frozenset(found) for name, found in each.items()} for each in (names, logins, numbers)))

    def by_name(self, name: str) -> frozenset[str]:
        """Everyone who has this name; by its ASCII spelling only if nobody has it as it stands."""
        return self.names.get(key(name)) or self.names.get(ascii_key(name)) or frozenset()


def _columns(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[int, str]:
    """Where the students' ids stand, and the header ``id`` if that is the system's number beside them."""
    kinds = (_NAME, _LOGIN, _SYSTEM)
    if not any(column in _ID or any(kind.search(column) for kind in kinds) for column in headers):
        raise NoRoster(translate(N_("The class list's first row needs headers, such as `id` and `name`.")))
    both = {"id", "student"} <= set(headers)
    if both and "sisuserid" not in headers:
        texts = _column(rows, headers.index("student"))
        if all(text.isascii() and not re.search(r"[\s,]", text) for text in texts):
            return headers.index("student"), "id"
    known = next((headers.index(name) for name in _ID if name in headers), None)
    if known is not None:  # Canvas' own export has both its number, "ID", and the school's
        return known, "id" if headers[known] == "sisuserid" else ""
    others = [place for place, column in enumerate(headers) if not any(kind.search(column) for kind in kinds)]
    rest = sorted(others, key=lambda place: _ADDRESS.search(headers[place]) is not None)
    place = rest[0] if rest else 0
    texts = _column(rows, place)
    if len(set(texts)) < len(texts):
        raise NoRoster(translate(N_("The class list needs a column `id` with a different student id in each row.")))
    return place, ""


def _column(rows: Iterable[Sequence[str]], place: int) -> list[str]:
    return [row[place].strip() for row in rows if len(row) > place and row[place].strip()]


def _forms(name: str) -> set[str]:
    """How a name may be written: as it is, its parts the other way round, in ASCII."""
    last, comma, first = (name.replace("，", ",")).partition(",")
    words = [first, last] if comma else name.split()
    turned = " ".join((*words[-1:], *words[:-1])), " ".join((*words[1:], *words[:1]))
    return {form for text in (name, *turned) for form in (key(text), ascii_key(text)) if form}


def _joined(cells: Mapping[str, str]) -> set[str]:
    """The forms of a name whose parts stand in two columns."""
    first = next((text for column, text in cells.items() if column in _FIRST), "")
    last = next((text for column, text in cells.items() if column in _LAST), "")
    return _forms(f"{last}, {first}") | _forms(f"{first} {last}") if first and last else set()


def _trailing_number(text: str) -> str:
    """``"4711"`` for ``"Participant 4711"``, as Moodle's grading worksheet says."""
    found = re.search(r"\d+$", text)
    return found[0] if found else login_key(text)


def _rows(data: bytes) -> list[list[str]]:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text = data.decode("gbk")
    header = text.partition("\n")[0]
    separator = max(",;\t", key=header.count)
    return [row for row in csv.reader(io.StringIO(text), delimiter=separator) if any(cell.strip() for cell in row)]


def _is_folder_name(text: str) -> bool:
    unsafe = set('/\\:*?"<>|')
    return not text.startswith(".") and not any(letter in unsafe or ord(letter) < 32 for letter in text)
