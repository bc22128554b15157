"""How learning management systems name the files of a download: each parser names the source it follows.

A parser says for each path who handed it in, under which name and when, or None where a path is not named so. The
scheme that understands most of a download is taken for all of it; what it does not understand is listed, not guessed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, TypeAlias


@dataclass(frozen=True)
class Handed:
    """What a path says.

    Attributes:
        person: what tells this student from all others of the download.
        name: the student's name as the system writes it; empty if it does not.
        logins: what may be the student's login or own number.
        number: the system's own number of the student.
        label: the student's folder where there is no class list.
        file: the file's path within what the student handed in.
        prefix: the start of the path by which the system knows the student again.
        attempt: later attempts compare as greater.
        late: whether the system says that it came late.
        time: when it was handed in, ``"2026-11-01 10:20:30"`` by the clock of whoever downloads; empty if not said.
    """

    person: str
    name: str
    file: str
    label: str
    prefix: str
    logins: tuple[str, ...] = ()
    number: str = ""
    attempt: tuple[int | str, ...] = ()
    late: bool = False
    time: str = ""


Texts: TypeAlias = Callable[[str], str]
"""Gives the text of a small file of the download, empty if it cannot be read."""

Parser: TypeAlias = Callable[[str], Handed | None]


# --- Moodle -----------------------------------------------------------------------------------------------------------
# mod/assign/classes/downloader.php (before 4.1 download_submissions in mod/assign/locallib.php):
#   folders:   <full name>_<id>_assignsubmission_<plugin>/<the student's path>, up to 4.0 with "_" before the slash
#   flat:      <full name>_<id>_assignsubmission_<plugin>_<file>
# "_" in a name becomes a space, <id> is get_uniqueid_for_user, and a name is "Participant" (in the site's language)
# where marking is blind. The way back, mod/assign/feedback/file/importziplib.php, splits at "_": the second part is id.

_MOODLE = re.compile(r"(?P<name>[^_/]+)_(?P<id>\d+)_assignsubmission_(?P<plugin>[a-z]+)(?P<rest>_[^/]*)?")


def moodle(paths: Sequence[str]) -> Parser:
    """The parser for Moodle's *Download all submissions*.

    All students lie at one depth: a folder of such a name deeper down is something that a student handed in.
    """
    depths = Counter(
        next((depth for depth, part in enumerate(path.split("/")) if _MOODLE.fullmatch(part)), -1) for path in paths
    )
    del depths[-1]
    place = min(depths, key=lambda depth: (-depths[depth], depth), default=0)
    return lambda path: _moodle(path, place)


def _moodle(path: str, depth: int) -> Handed | None:
    parts = path.split("/")
    if len(parts) > depth and (found := _MOODLE.fullmatch(parts[depth])):
        part = parts[depth]
        below, rest = parts[depth + 1 :], (found["rest"] or "").removeprefix("_")
        if not below and not rest:
            return None
        name, number = found["name"].strip(), found["id"]
        head = f"{found['name']}_{number}_assignsubmission_{found['plugin']}"
        return Handed(
            person=f"{name}_{number}",
            name=name,
            number=number,
            label=f"{name}_{number}",
            file="/".join(([rest] if rest else []) + below),
            prefix=f"{part}/" if below else f"{head}_",
        )
    return None


# --- Canvas -----------------------------------------------------------------------------------------------------------
# lib/content_zipper.rb: [sortable name in lower case, "LATE" if late, user id].join("_") without characters that are no
# word's, then "_<attachment id>_<file>"; "anon_<id>" in place of name and number where students are anonymous.
# A file handed in again gets "-1", "-2" before its suffix (Attachment.make_unique_filename). The way back,
# infer_comment_context_from_filename in app/models/assignment.rb, reads the first two parts that are numbers.

_CANVAS = re.compile(r"(?P<name>[^/]+?)(?P<late>_LATE)?_(?P<id>\d+)_(?P<attachment>\d+)_(?P<file>.+)")
_CANVAS_ANONYMOUS = re.compile(r"anon_(?P<late>LATE_)?(?P<id>[A-Za-z0-9]+)_(?P<attachment>\d+)_(?P<file>.+)")
_CANVAS_LATE_ANONYMOUS = re.compile(r"(?P<late>LATE)_anon_(?P<id>[A-Za-z0-9]+)_(?P<attachment>\d+)_(?P<file>.+)")
_AGAIN = re.compile(r"(?P<stem>.+?)-(?P<times>\d{1,3})(?P<suffix>(?:\.[^./]+)*)")


def canvas(path: str) -> Handed | None:
    """One file of Canvas' *Download Submissions*."""
    base = PurePosixPath(path).name
    anonymous = _CANVAS_ANONYMOUS.fullmatch(base) or _CANVAS_LATE_ANONYMOUS.fullmatch(base)
    found = anonymous or _CANVAS.fullmatch(base)
    if found is None:
        return None
    name = "" if anonymous else found["name"]
    again = _AGAIN.fullmatch(found["file"])
    return Handed(
        person=f"{name}_{found['id']}",
        name=name,
        number=found["id"],
        label=f"{name or 'anon'}_{found['id']}",
        file=found["file"],
        prefix=base[: found.start("file")],
        attempt=(int(again["times"]) if again else 0, int(found["attachment"])),
        late=bool(found["late"]),
    )


def without_number(file: str) -> str:
    """A file's name without the ``-1`` that Canvas gives to one that is handed in again."""
    again = _AGAIN.fullmatch(file)
    return again["stem"] + again["suffix"] if again else file


# --- Blackboard -------------------------------------------------------------------------------------------------------
# Blackboard Learn's *Assignment File Download*, as its users describe it (github.com/kwurst/bb-file-cleanup, README):
#   <assignment>_<user name>_attempt_<date>_<file>, and one <assignment>_<user name>_attempt_<date>.txt an attempt,
# whose first line is "Name: <full name> (<user name>)".

_BLACKBOARD = re.compile(
    r"(?P<head>.+)_attempt_(?P<date>\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d)(?:_(?P<file>.+)|(?P<about>\.txt))"
)
_BLACKBOARD_NAME = re.compile(r"[^:：]+[:：]\s*(?P<name>.+?)\s*[(（](?P<login>[^()（）]+)[)）]\s*")


def blackboard(paths: Sequence[str], texts: Texts) -> Parser:
    """The parser for one Blackboard download.

    A user name may hold ``_``, and so may the assignment's: the text file of an attempt decides where one ends, else
    what all names begin with.
    """
    split = {path: found for path in paths if (found := _BLACKBOARD.fullmatch(PurePosixPath(path).name))}
    people: dict[str, tuple[str, str]] = {}
    for path, found in split.items():
        if found["about"]:
            line = _BLACKBOARD_NAME.fullmatch(texts(path).lstrip("\ufeff").partition("\n")[0].strip())
            if line and found["head"].endswith(f"_{line['login']}"):
                people[found["head"]] = (line["login"], line["name"])
    shared = _shared([found["head"] for found in split.values()])

    def parse(path: str) -> Handed | None:
        found = split.get(path)
        if found is None:
            return None
        head = found["head"]
        login, name = people.get(head) or (head[len(shared) :] if shared else head.rpartition("_")[2], "")
        return Handed(
            person=head,
            name=name,
            logins=(login,),
            label=login,
            file=found["file"] or "",
            prefix=f"{head}_attempt_{found['date']}_",
            attempt=(found["date"],),
            time="{}-{}-{} {}:{}:{}".format(*found["date"].split("-")),
        )

    return parse


def _shared(heads: Sequence[str]) -> str:
    """What several heads begin with, up to an underscore."""
    different = set(heads)
    if len(different) < 2:
        return ""
    first, last = min(different), max(different)
    same = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[: first.rfind("_", 0, same) + 1]


# --- ILIAS ------------------------------------------------------------------------------------------------------------
# Modules/Exercise/classes/class.ilExSubmission.php, downloadAllAssignmentFiles (in ASCII letters, by getASCIIFilename):
#   [<team> <number>/]<last name>_<first name>_<login>_<user id>/[<late submission> - ]<file>
# The second file of the same name, by time, is "<stem> (.2)<suffix>".

_ILIAS = re.compile(r"(?P<name>[^/]+)_(?P<login>[^_/]+)_(?P<id>\d+)")
_ILIAS_LATE = re.compile(r"(?:Late Submission|Versp(?:ae|ä|a)tete Abgabe|迟交|逾期提交) - (?P<file>.+)", re.IGNORECASE)
_ILIAS_AGAIN = re.compile(r"(?P<stem>.+) \(\.(?P<times>\d+)\)(?P<suffix>\.[^.]+)?")


def ilias(path: str) -> Handed | None:
    """One file of ILIAS' *Download All Submissions*."""
    *folders, base = path.split("/")
    for depth, part in enumerate(folders):
        found = _ILIAS.fullmatch(part)
        if found is None or "_" not in found["name"]:
            continue
        late = _ILIAS_LATE.fullmatch(base)
        base = late["file"] if late else base
        again = _ILIAS_AGAIN.fullmatch(base)
        file = again["stem"] + (again["suffix"] or "") if again else base
        last, *others = found["name"].split("_")
        plain = len(others) == 1
        return Handed(
            person=found["id"],
            name=f"{last}, {' '.join(others)}" if plain else "",
            # A login may hold "_": then it cannot be told from the name, and only a class list can say.
            logins=tuple("_".join([*part.split("_")[start:-1]]) for start in range(2, len(others) + 2)),
            number=found["id"],
            label=found["login"] if plain else part,
            file="/".join([*folders[depth + 1 :], file]),
            prefix=f"{part}/",
            attempt=(int(again["times"]) if again else 1,),
            late=late is not None,
        )
    return None


# --- Google Classroom and Drive ---------------------------------------------------------------------------------------
# A copy that Classroom makes for each student is named "<full name> - <file>" ("Make a copy for each student",
# support.google.com/edu/classroom); the folder is then downloaded from Drive, which names doubles "<stem>(1)<suffix>".
# Files that students upload keep their own names: those belong to nobody.

_CLASSROOM = re.compile(r"(?P<name>[^/]+?) - (?P<file>[^/]+)")
_DRIVE_AGAIN = re.compile(r"(?P<stem>.+?) ?\((?P<times>\d+)\)(?P<suffix>(?:\.[^./]+)*)")


def classroom(paths: Sequence[str]) -> Parser:
    """The parser for the one folder that Google Classroom keeps in Drive; none for several folders."""
    flat = len({PurePosixPath(path).parent for path in paths}) == 1
    return _classroom if flat else lambda path: None


def _classroom(path: str) -> Handed | None:
    found = _CLASSROOM.fullmatch(PurePosixPath(path).name)
    if found is None or not any(letter.isalpha() for letter in found["name"]):
        return None
    name = re.sub(r"^(?:Copy of|Kopie von|Copie de|副本|的副本)\s*", "", found["name"]).strip()
    again = _DRIVE_AGAIN.fullmatch(found["file"])
    file = again["stem"] + again["suffix"] if again else found["file"]
    return Handed(person=name, name=name, logins=(name,), label=name, file=file, prefix=f"{found['name']} - ")


# --- plain folders ----------------------------------------------------------------------------------------------------


def plain(paths: Sequence[str], assignment: str, known: Callable[[str], bool]) -> Parser:
    """The parser for one folder, or one zip, a student; or for files whose names hold a student of the class list.

    Args:
        paths: all of the download.
        assignment: its name: ``ada/spotify/spotify.ipynb`` is Ada's.
        known: whether a text is somebody of the class list.
    """
    root = _root(paths, assignment, known)

    def parse(path: str) -> Handed | None:
        inside = path.removeprefix(root)
        student, slash, file = inside.partition("/")
        if slash:
            within = file.removeprefix(f"{assignment}/")
            return _plain(student, within, root + student + "/")
        stem, _, suffix = inside.partition(".")
        who = _who(stem, assignment, known)
        if who is None and suffix.lower() == "zip" and not _same(stem, assignment):
            who = stem
        return _plain(who, inside, f"{root}{stem}") if who else None

    return parse


def _plain(student: str, file: str, prefix: str) -> Handed:
    return Handed(person=student, name=student, logins=(student,), label=student, file=file, prefix=prefix)


def _root(paths: Sequence[str], assignment: str, known: Callable[[str], bool]) -> str:
    """The folders that all paths lie in and that are no student's."""
    root = ""
    while True:
        inside = [path.removeprefix(root) for path in paths]
        tops = {path.partition("/")[0] for path in inside}
        below = {path.split("/")[1] for path in inside if path.count("/") >= 2}
        own = any(name == assignment or name.casefold().startswith("evidence") for name in below)
        if len(tops) != 1 or any(path.count("/") < 2 for path in inside) or own or known(top := tops.pop()):
            return root
        root += f"{top}/"


def _who(stem: str, assignment: str, known: Callable[[str], bool]) -> str | None:
    """The part of a file's name that is a student of the class list, if exactly one way of reading it is."""
    without = re.sub(rf"(?i)[\s_.+-]*{re.escape(assignment)}[\s_.+-]*", "\n", stem)
    pieces = {piece.strip() for piece in (stem, *without.split("\n")) if piece.strip()}
    found = {piece for piece in pieces if known(piece)}
    return found.pop() if len(found) == 1 else None


def _same(stem: str, assignment: str) -> bool:
    again = _DRIVE_AGAIN.fullmatch(stem)
    return (again["stem"] if again else stem).strip().casefold() in (assignment.casefold(), "evidence", "notebooks")


# --- which it is ------------------------------------------------------------------------------------------------------

NAMES: Final = ("moodle", "blackboard", "canvas", "ilias", "classroom", "plain")


def recognise(
    paths: Sequence[str], assignment: str, known: Callable[[str], bool], texts: Texts, only: str | None = None
) -> tuple[str, Mapping[str, Handed | None]]:
    """The naming scheme of a download, and what it says of each path.

    Args:
        paths: all files of the download.
        assignment: the assignment's name.
        known: whether a text is somebody of the class list.
        texts: reads a small file.
        only: the scheme, if a person says which it is.
    """
    parsers: dict[str, Parser] = {
        "moodle": moodle(paths),
        "blackboard": blackboard(paths, texts),
        "canvas": canvas,
        "ilias": ilias,
        "classroom": classroom(paths),
        "plain": plain(paths, assignment, known),
    }
    names = [only] if only else list(NAMES)
    understood = {name: {path: parsers[name](path) for path in paths} for name in names}
    if not only:
        counts = Counter({name: sum(handed is not None for handed in understood[name].values()) for name in names})
        exact = max(NAMES[:-1], key=lambda name: counts[name])
        # A plain folder's names are free: one that merely resembles a system's does not make it one.
        best = exact if counts[exact] * 2 > len(paths) or counts[exact] >= counts["plain"] > 0 else "plain"
        return best, understood[best]
    return names[0], understood[names[0]]
