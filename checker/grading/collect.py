"""From a learning management system's download into ``submitted/``: the right files in the right student's folder.

What cannot be assigned is listed by name. Nothing is guessed: where a name, a login and a number do not say the same,
or two people could be meant, a person decides. What lies in ``submitted/`` is not overwritten, unless it is asked for.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any, Final

from checker import assignments
from checker.grading.lms.archive import Download, File, open_download
from checker.grading.lms.layout import NO_NOTEBOOK, STUDENT_LIMIT, Released, lay_out, reason
from checker.grading.lms.roster import Roster, login_key
from checker.grading.lms.schemes import NAMES, Handed, recognise, without_number
from checker.language import N_, translate
from checker.reading.archive import Refused

SUBMITTED: Final = "submitted"
FORMAT: Final = 1

NOT_IN_ROSTER: Final = N_("Nobody in the class list is called so.")
SEVERAL: Final = N_("It could be several students: {students}.")
CONTRADICTION: Final = N_("Its name and its number or login are different students': {students}.")
SAME_STUDENT: Final = N_("Two different people of the download would both be {student}.")
NO_PERSON: Final = N_("Its name does not say whose it is.")
DOUBLED: Final = N_("Two different files could be the latest {file}.")
NOTHING: Final = N_("There is no file in it.")
STAMP: Final = "timestamp.txt"
"""nbgrader's file for the time of a submission, from which it knows who is late."""

LEAST_LATE: Final = N_(
    "Marked as late without a time: counted as one second after the due date, the least that this can mean."
)
NO_DUE_DATE: Final = N_("Marked as late, but the gradebook has no due date to be late for.")
OTHER: Final = N_("Something else already lies in {folder}; `--update` takes the newer download in its place.")


class CannotCollect(ValueError):
    """The download cannot be read as a whole; the text says why."""


@dataclass
class Collected:
    """What became of a download.

    Attributes:
        scheme: whose download it is, one of ``schemes.NAMES``.
        new: students whose submission was written.
        same: students whose submission was there already, with the same content.
        unresolved: what was not collected, by its name in the download, and why.
        notes: students and sentences about what a person should look at.
        late: students whom the system marks as late.
    """

    scheme: str
    new: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    unresolved: list[tuple[str, str]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    late: list[str] = field(default_factory=list)

    def summary(self) -> str:
        """All of it as lines of text."""
        lines = [
            translate(
                N_("{count} collected, {same} already there (the download looks like: {system})."),
                count=len(self.new),
                same=len(self.same),
                system=self.scheme,
            )
        ]
        if self.late:
            lines.append(translate(N_("Marked as late: {students}."), students=", ".join(self.late)))
        if self.unresolved:
            lines.append(translate(N_("Not collected, {count}:"), count=len(self.unresolved)))
            lines += [f"  {name}: {why}" for name, why in self.unresolved]
        if self.notes:
            lines.append(translate(N_("Please look at:")))
            lines += [f"  {student}: {note}" for student, note in self.notes]
        return "\n".join(lines)


@dataclass
class _Person:
    """Someone of the download and the files that are theirs."""

    key: str
    files: list[tuple[Handed, File]] = field(default_factory=list)

    @property
    def shown(self) -> str:
        """How the download writes them."""
        first = self.files[0][0]
        return first.prefix.rstrip("/_ -") or first.name or self.key


def collect(
    course: Path,
    assignment: str,
    download: Path,
    roster: Path | None = None,
    system: str | None = None,
    update: bool = False,
) -> Collected:
    """Put a download's submissions into the course's folder ``submitted``.

    Args:
        course: the course's folder.
        assignment: the assignment's name.
        download: the zip, or the folder that it was unpacked to.
        roster: a class list (CSV) that says which student a name, a login or a number is.
        system: one of ``schemes.NAMES``, where it is not recognised by itself.
        update: whether a submission that was collected before, and not touched since, gives way to another one.

    Raises:
        CannotCollect: the download is missing, no zip, encrypted or too large, or ``system`` is unknown.
        NoRoster: the class list cannot be used.
    """
    if system is not None and system not in NAMES:
        raise CannotCollect(
            translate(N_("{system} is not known: choose one of {names}."), system=system, names=", ".join(NAMES))
        )
    found = _open(download)
    people = Roster.load(roster) if roster is not None else None
    texts = {file.path: file for file in found.files if file.path.lower().endswith(".txt")}

    def text(path: str) -> str:
        with suppress(Refused):
            return texts[path].read()[:10_000].decode("utf-8", "replace") if path in texts else ""
        return ""

    def known(name: str) -> bool:
        return people is not None and bool(_candidates(_as_plain(name), people))

    paths = [file.path for file in found.files]
    scheme, understood = recognise(paths, assignment, known, text, system)
    collected = Collected(scheme)
    collected.unresolved += [(path, reason(code)) for path, code in found.refused]
    groups = _people(found, understood, collected)
    students = _students(groups, people, collected)
    index = Index.load(course, assignment)
    releases = released(course, assignment)
    due = due_date(course, assignment)
    for key, student in students.items():
        _submission(course, assignment, groups[key], student, releases, due, index, collected, update)
    index.scheme = scheme
    index.save()
    return collected


def _open(path: Path) -> Download:
    try:
        download = open_download(path)
    except FileNotFoundError as error:
        raise CannotCollect(translate(N_("There is no file or folder {path}."), path=path)) from error
    except Refused as error:
        raise CannotCollect(f"{path}: {reason(error.code)}") from error
    if not download.files and not download.refused:
        raise CannotCollect(translate(N_("There are no files in {path}."), path=path))
    return download


def _as_plain(name: str) -> Handed:
    return Handed(person=name, name=name, logins=(name,), label=name, file="", prefix=name)


def _people(found: Download, understood: Mapping[str, Handed | None], collected: Collected) -> dict[str, _Person]:
    people: dict[str, _Person] = {}
    for file in found.files:
        handed = understood[file.path]
        if handed is None:
            collected.unresolved.append((file.path, translate(NO_PERSON)))
        else:
            people.setdefault(handed.person, _Person(handed.person)).files.append((handed, file))
    return people


# --- who it is --------------------------------------------------------------------------------------------------------


def _students(people: Mapping[str, _Person], roster: Roster | None, collected: Collected) -> dict[str, str]:
    """The student for each person of the download who can be told; the others are listed."""
    claims: dict[str, list[str]] = defaultdict(list)
    for key, person in people.items():
        student, why = _student(person, roster)
        if student:
            claims[student].append(key)
        else:
            collected.unresolved.append((person.shown, why))
    students = {}
    for student, keys in claims.items():
        if len(keys) == 1:
            students[keys[0]] = student
        else:
            why = translate(SAME_STUDENT, student=student)
            collected.unresolved += [(people[key].shown, why) for key in keys]
    return students


def _student(person: _Person, roster: Roster | None) -> tuple[str, str]:
    """A student's id, or an empty text and why there is none."""
    handed = next((handed for handed, _ in person.files if handed.name), person.files[0][0])
    if roster is None:
        label = _folder_name(handed.label)
        return label, "" if label else translate(NO_PERSON)
    claims = _candidates(handed, roster)
    if not claims:
        return "", translate(NOT_IN_ROSTER)
    common = frozenset.intersection(*claims)
    if len(common) > 1 and handed.number:
        # An undeclared column may hold the system's number: that is enough to tell people of one name apart.
        common = (common & roster.logins.get(login_key(handed.number), frozenset())) or common
    if len(common) == 1:
        return next(iter(common)), ""
    students = ", ".join(sorted(frozenset.union(*claims)))
    return "", translate(SEVERAL if common else CONTRADICTION, students=students)


def _candidates(handed: Handed, roster: Roster) -> list[frozenset[str]]:
    """Whom the logins, the number and the name mean, each if it means anybody."""
    logins = frozenset[str]().union(*(roster.logins.get(login_key(login), frozenset()) for login in handed.logins))
    number = roster.numbers.get(login_key(handed.number), frozenset()) if handed.number else frozenset()
    name = roster.by_name(handed.name) if handed.name else frozenset()
    return [claim for claim in (logins, number, name) if claim]


def _folder_name(label: str) -> str:
    """A label as the name of a folder; empty if nothing is left."""
    label = unicodedata.normalize("NFC", label)
    letters = ("-" if letter in '/\\:*?"<>|' or ord(letter) < 32 or letter.isspace() else letter for letter in label)
    return "".join(letters).strip(".-_ ")


# --- one submission ---------------------------------------------------------------------------------------------------


def _submission(
    course: Path,
    assignment: str,
    person: _Person,
    student: str,
    releases: Sequence[Released],
    due: datetime | None,
    index: Index,
    collected: Collected,
    update: bool,
) -> None:
    try:
        files, main = _latest(person, assignment)
    except _Doubled as error:
        collected.unresolved.append((person.shown, translate(DOUBLED, file=str(error))))
        return
    contents: dict[str, bytes] = {}
    for path, file in files.items():
        try:
            contents[path] = file.read()
            if sum(map(len, contents.values())) > STUDENT_LIMIT:
                raise Refused("collect.too_big")
        except (Refused, OSError) as error:
            collected.notes.append((student, f"{file.path}: {reason(getattr(error, 'code', ''))}"))
    layout = lay_out(contents, assignment, releases)
    if not layout.files:
        why = [note for note in layout.notes if note != translate(NO_NOTEBOOK)] or [translate(NOTHING)]
        collected.unresolved.append((person.shown, " ".join(why)))
        return
    late = any(handed.late for handed, _ in person.files)
    stamp, told = _stamp(main, late, due)
    if collected.scheme != "plain":  # a learner's own file is no word of the system's
        layout.files.pop(STAMP, None)
    if stamp:
        layout.files[STAMP] = stamp.encode()
    folder = course / SUBMITTED / student / assignment
    try:
        state = _write(folder, layout.files, index.digest(student) if update else None)
    except OSError as error:  # names that are too long, or a file and a folder of one name
        collected.unresolved.append((person.shown, error.strerror or str(error)))
        return
    if state == "other":
        collected.unresolved.append((person.shown, translate(OTHER, folder=folder)))
        return
    (collected.new if state == "new" else collected.same).append(student)
    collected.notes += [(student, note) for note in (*layout.notes, *told)]
    if late:
        collected.late.append(student)
    index.students[student] = {
        "system": collected.scheme,
        "name": main.name,
        "prefix": main.prefix,
        "file": PurePosixPath(main.file).name,
        "digest": _digest(layout.files),
    }


def _stamp(main: Handed, late: bool, due: datetime | None) -> tuple[str, tuple[str, ...]]:
    """What nbgrader's file says of the time, in UTC, empty where the download says nothing; and what to tell of it."""
    if main.time:
        local = datetime.strptime(main.time, "%Y-%m-%d %H:%M:%S")
        return f"{local.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC\n", ()
    if not late:
        return "", ()
    if due is None:
        return "", (translate(NO_DUE_DATE),)
    return f"{due + timedelta(seconds=1):%Y-%m-%d %H:%M:%S} UTC\n", (translate(LEAST_LATE),)


def due_date(course: Path, assignment: str) -> datetime | None:
    """When an assignment was due, in UTC, as the course's gradebook says; None where it does not."""
    path = course / "gradebook.db"
    if not path.is_file():
        return None
    with (
        suppress(sqlite3.Error, ValueError),
        closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db,
    ):
        row = db.execute("select duedate from assignment where name = ?", (assignment,)).fetchone()
        return datetime.fromisoformat(row[0]) if row and row[0] else None
    return None


class _Doubled(Exception):
    """Two different files could be the same one's latest attempt."""


def _latest(person: _Person, assignment: str) -> tuple[dict[str, File], Handed]:
    """The files of the latest attempt by path, and what the download says of the notebook."""
    entries = [(handed, file) for handed, file in person.files if handed.file]
    attempts = {handed.attempt for handed, _ in person.files}
    if person.files[0][0].attempt and isinstance(person.files[0][0].attempt[0], str):  # dated: an attempt is whole
        entries = [(handed, file) for handed, file in entries if handed.attempt == max(attempts)]
    groups: dict[str, list[tuple[Handed, File]]] = defaultdict(list)
    own = {handed.file for handed, _ in entries}
    for handed, file in entries:
        groups[_plain_name(handed.file, own, assignment)].append((handed, file))
    files: dict[str, File] = {}
    main = person.files[0][0]
    for path, versions in groups.items():
        handed, file = max(versions, key=lambda version: version[0].attempt)
        tied = [other for same, other in versions if same.attempt == handed.attempt and other is not file]
        if any(_differ(file, other) for other in tied):
            raise _Doubled(path)
        files[path] = file
        if (
            path.lower().endswith(".ipynb") and not main.file.lower().endswith(".ipynb")
        ) or path == f"{assignment}.ipynb":
            main = handed
    return files, main


def _plain_name(path: str, own: set[str], assignment: str) -> str:
    """The path without the number of a repeated upload, where it can be nothing else."""
    plain = without_number(path)
    stem = PurePosixPath(plain).name.partition(".")[0]
    ours = {assignment, "evidence", *(question.id for question in assignments.find(assignment).questions)}
    return plain if stem in ours or plain in own else path


def _differ(file: File, other: File) -> bool:
    try:
        return file.read() != other.read()
    except Refused:
        return True


def _write(folder: Path, files: Mapping[str, bytes], replaceable: str | None) -> str:
    """Write a submission whole or not at all: ``"new"``, ``"same"``, or ``"other"`` where something else is."""
    digest = _digest(files)
    if folder.is_symlink() or folder.parent.is_symlink():
        return "other"
    if folder.exists():
        there = _digest_of(folder)
        if there == digest:
            return "same"
        if there != replaceable:
            return "other"
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".collect-", dir=folder.parent))
    try:
        os.chmod(fresh, 0o755)
        for path, content in files.items():
            target = fresh / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        old = fresh.with_name(f"{fresh.name}-old")
        if folder.exists():
            os.rename(folder, old)
        os.rename(fresh, folder)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return "new"


def _digest(files: Mapping[str, bytes]) -> str:
    whole = hashlib.sha256()
    for path in sorted(files):
        whole.update(f"{path}\n{hashlib.sha256(files[path]).hexdigest()}\n".encode("utf-8", "surrogatepass"))
    return whole.hexdigest()


def _digest_of(folder: Path) -> str:
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if not path.is_dir()}
    if any(path.is_symlink() for path in found.values()):
        return ""
    return _digest({name: path.read_bytes() for name, path in found.items()})


def released(course: Path, assignment: str) -> tuple[Released, ...]:
    """The released notebooks in a course folder, else those that the package was installed with."""
    from checker.tools.start import packaged

    for folder in (course / "notebooks" / assignment, course / "release" / assignment, packaged() / assignment):
        if found := tuple(Released.load(path) for path in sorted(folder.glob("*.ipynb"))):
            return found
    return ()


# --- the index --------------------------------------------------------------------------------------------------------


class Index:
    """What the download called each student: ``submitted/.collected-<assignment>.json``, for the way back.

    Attributes:
        scheme: whose the last download was.
        students: by student id: the system, the name and the path's beginning there, and a digest of what was written.
    """

    def __init__(self, path: Path, scheme: str, students: dict[str, dict[str, Any]]) -> None:
        self.path = path
        self.scheme = scheme
        self.students = students

    @classmethod
    def load(cls, course: Path, assignment: str) -> Index:
        """The index of an assignment; an empty one if nothing was collected yet."""
        path = course / SUBMITTED / f".collected-{assignment}.json"
        try:
            data = json.loads(path.read_text("utf-8"))
            students = {str(student): dict(entry) for student, entry in data["students"].items()}
            return cls(path, str(data["system"]), students)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls(path, "", {})

    def digest(self, student: str) -> str:
        """What was written for this student; empty if nothing was."""
        return str(self.students.get(student, {}).get("digest", ""))

    def save(self) -> None:
        """Write it, whole or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        data = {"format": FORMAT, "system": self.scheme, "students": dict(sorted(self.students.items()))}
        fresh = self.path.with_name(f"{self.path.name}.new")
        fresh.write_text(json.dumps(data, ensure_ascii=False, indent=1), "utf-8")
        os.replace(fresh, self.path)
