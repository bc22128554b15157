"""Names of students' folders: which can be a student's id, and which two may be one student's.

They come from learning management systems and from hands: in any encoding, and with any character that a file system
allows.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from typing import Final

LONGEST: Final = 128
_SPECIAL: Final = frozenset('*?[]<>"')
"""What nbgrader, which looks for folders by patterns, would not find or find others by, and what its formgrader puts
into a page as markup."""


def is_name(student: str) -> bool:
    """Whether a folder's name can be a student's id in a gradebook, on a page, in a file's name and for nbgrader."""
    plain = student.isprintable() and 0 < len(student) <= LONGEST
    return plain and not student.startswith(".") and _SPECIAL.isdisjoint(student)


def readable(name: str) -> str:
    """A file's or folder's name as text that can be written anywhere."""
    escaped = name.encode("utf-8", "backslashreplace").decode()
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in escaped)[:LONGEST]


def twins(students: Iterable[str]) -> frozenset[str]:
    """The names that differ from another one in capitals, spaces or the form of their characters alone.

    ``Zoé`` can be written with four or with five characters, and unpacking on another system changes which: two folders
    of one student, whose work would be graded apart.
    """
    names = list(students)
    alike = Counter(map(_folded, names))
    return frozenset(name for name in names if alike[_folded(name)] > 1)


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).split())
