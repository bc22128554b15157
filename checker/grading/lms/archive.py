"""The files of a download, a zip or a folder, as names and bytes: nothing is unpacked here, no link is followed.

A zip may hold anything: paths that lead outside, links, devices, encrypted members and what expands beyond the
limits are refused, each with a code that :mod:`checker.grading.lms.layout` turns into a sentence.
"""

from __future__ import annotations

import io
import os
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from checker.reading.archive import MEGABYTE, Refused, file_bytes

FILES: Final = 50_000
"""Files in one download: a thousand students with fifty each."""

FILE_LIMIT: Final = 64 * MEGABYTE
TOTAL_LIMIT: Final = 4_000 * MEGABYTE
NESTED_LIMIT: Final = 128 * MEGABYTE
RATIO: Final = 200
"""How many times larger than its compressed form a file may be; a notebook's text gets some twenty times smaller."""

_JUNK_FOLDERS: Final = frozenset({"__MACOSX", ".ipynb_checkpoints", ".git", ".Trash"})
_JUNK_FILES: Final = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
_ENCRYPTED: Final = 0x1
_UTF8: Final = 0x800
_ERRORS: Final = (zipfile.BadZipFile, zlib.error, NotImplementedError, OSError, EOFError, ValueError, RuntimeError)


@dataclass(frozen=True)
class File:
    """One file of a download.

    Attributes:
        path: where it lies in the download, with ``/`` between the parts.
        read: gives its content; raises :class:`Refused`.
    """

    path: str
    read: Callable[[], bytes] = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """The last part of its path."""
        return PurePosixPath(self.path).name


@dataclass(frozen=True)
class Download:
    """A download's files, and what in it is not read.

    Attributes:
        files: those that can be read, in the order of the download.
        refused: path and code of each that cannot.
    """

    files: tuple[File, ...]
    refused: tuple[tuple[str, str], ...] = ()


def open_download(path: Path) -> Download:
    """What lies in a zip or a folder.

    Args:
        path: the file or the folder.

    Raises:
        FileNotFoundError: there is nothing.
        Refused: ``"collect.no_zip"``, ``"collect.encrypted"``, ``"collect.too_many"`` or ``"collect.too_big"``.
    """
    if path.is_dir():
        return _folder(path)
    if not path.exists():
        raise FileNotFoundError(path)
    try:
        return _zip(zipfile.ZipFile(path), TOTAL_LIMIT)
    except _ERRORS as error:
        raise error if isinstance(error, Refused) else Refused("collect.no_zip") from error


def open_bytes(data: bytes) -> Download:
    """What lies in a zip that itself lay in a download; the same errors as :func:`open_download`."""
    try:
        return _zip(zipfile.ZipFile(io.BytesIO(data)), NESTED_LIMIT)
    except _ERRORS as error:
        raise error if isinstance(error, Refused) else Refused("collect.no_zip") from error


def _folder(root: Path) -> Download:
    files, refused = [], []
    for place, folders, names in os.walk(root, followlinks=False):
        here = Path(place)
        folders[:] = sorted(name for name in folders if name not in _JUNK_FOLDERS)
        for name in [name for name in folders if (here / name).is_symlink()] + sorted(names):
            path = here / name
            relative = path.relative_to(root).as_posix()
            if _junk(relative):
                continue
            if not stat.S_ISREG(path.lstat().st_mode):
                refused.append((relative, "collect.link"))
                continue
            files.append(File(relative, lambda path=path: file_bytes(path, FILE_LIMIT)))  # type: ignore[misc]
            if len(files) > FILES:
                raise Refused("collect.too_many")
    return Download(tuple(files), tuple(refused))


def _zip(archive: zipfile.ZipFile, limit: int) -> Download:
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) > FILES:
        raise Refused("collect.too_many")
    if sum(member.file_size for member in members) > limit:
        raise Refused("collect.too_big")
    if members and all(member.flag_bits & _ENCRYPTED for member in members):
        raise Refused("collect.encrypted")
    names = _names(members)
    doubled = {name for name, times in Counter(names).items() if times > 1}
    files, refused = [], []
    for name, member in zip(names, members, strict=True):
        if _junk(name):
            continue
        code = "collect.doubled" if name in doubled else _problem(name, member)
        if code:
            refused.append((name, code))
        else:
            files.append(File(name, lambda member=member: _content(archive, member)))  # type: ignore[misc]
    return Download(tuple(files), tuple(dict.fromkeys(refused)))


def _problem(name: str, member: zipfile.ZipInfo) -> str:
    kind = stat.S_IFMT(member.external_attr >> 16)
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or ":" in parts[0] or any(ord(letter) < 32 for letter in name):
        return "collect.outside"
    if kind not in (0, stat.S_IFREG):
        return "collect.link"
    if member.flag_bits & _ENCRYPTED:
        return "collect.encrypted"
    if member.file_size > FILE_LIMIT or member.file_size > RATIO * (member.compress_size + 100):
        return "collect.too_big"
    return ""


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(member) as file:
            data = file.read(member.file_size + 1)
    except _ERRORS as error:
        raise Refused("collect.broken") from error
    if len(data) != member.file_size:
        raise Refused("collect.broken")
    return data


def _junk(path: str) -> bool:
    """What operating systems and editors leave, which nobody handed in."""
    *folders, name = path.split("/")
    return bool(_JUNK_FOLDERS & set(folders)) or name in _JUNK_FILES or name.startswith(("._", "~$")) or not name


# --- names ------------------------------------------------------------------------------------------------------------


def _names(members: Iterable[zipfile.ZipInfo]) -> list[str]:
    """The members' names, with ``/`` between parts and in the encoding they were really written in.

    A zip whose names are not marked as UTF-8 should hold code page 437, as zipfile assumes (PKWARE's APPNOTE, section
    4.4.4, bit 11). Chinese Windows writes GBK there, macOS UTF-8: all names of a zip decide together.
    """
    decode = _decoder([raw for member in members if (raw := _unmarked(member))])
    return [
        (decode(raw) if (raw := _unmarked(member)) else member.orig_filename).replace("\\", "/") for member in members
    ]


def _unmarked(member: zipfile.ZipInfo) -> bytes:
    """A name's bytes if they are not ASCII and not marked as UTF-8, else none."""
    if member.flag_bits & _UTF8 or member.orig_filename.isascii():
        return b""
    try:
        return member.orig_filename.encode("cp437")
    except UnicodeEncodeError:  # zipfile took it from the extra field for Unicode names
        return b""


def _decoder(names: list[bytes]) -> Callable[[bytes], str]:
    as_utf8, as_gbk = (list(_decoded(names, encoding)) for encoding in ("utf-8", "gbk"))
    if None not in as_utf8 and (None in as_gbk or not _rather_gbk(names, "".join(name or "" for name in as_utf8))):
        return lambda raw: raw.decode("utf-8")
    return lambda raw: next(name for name in _attempts(raw) if name is not None)


def _attempts(raw: bytes) -> Iterator[str | None]:
    for encoding in ("gbk", "utf-8", "cp437"):
        yield from _decoded([raw], encoding)


def _decoded(names: Iterable[bytes], encoding: str) -> Iterator[str | None]:
    for name in names:
        try:
            yield name.decode(encoding)
        except UnicodeDecodeError:
            yield None


def _rather_gbk(names: list[bytes], as_utf8: str) -> bool:
    """Whether names that could be either are GBK: a few hanzi, such as 一, are valid UTF-8 of rare letters.

    They are where every character is one of GB 2312 and UTF-8 would give neither Latin letters nor hanzi.
    """
    if any("\u00c0" <= letter <= "\u024f" or letter >= "\u2e80" for letter in as_utf8):
        return False
    rest = b"".join(names)
    rare = bytes(byte for byte in rest if byte >= 0x80)
    return len(rare) % 2 == 0 and all(
        0xB0 <= lead <= 0xF7 and trail >= 0xA1 for lead, trail in zip(rare[::2], rare[1::2], strict=True)
    )
