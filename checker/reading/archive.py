"""Read what was handed in as data: never as code, never more than fits.

Every function either returns plain data within the limits below or raises :class:`Refused`. The files are a small JSON
record and a Keras archive (a zip of two JSON files and one HDF5 file); nothing of them is imported or called.
"""

from __future__ import annotations

import errno
import io
import json
import os
import re
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MEGABYTE: Final = 1_000_000
RECORD_LIMIT: Final = 1 * MEGABYTE
ARCHIVE_LIMIT: Final = 32 * MEGABYTE
NOTEBOOK_LIMIT: Final = 24 * MEGABYTE
NOTEBOOK_FILE_LIMIT: Final = 128 * MEGABYTE
SUBMISSION_LIMIT: Final = 192 * MEGABYTE
CONFIG_LIMIT: Final = 2 * MEGABYTE
JSON_DEPTH: Final = 64
HDF5_OBJECTS: Final = 4_000
HDF5_DEPTH: Final = 24
_IN_PLACE: Final = 0x2 | 0x4
"""HDF5 reads an image where it lies: H5LT_FILE_IMAGE_DONT_COPY and _DONT_RELEASE of ``H5LTopen_file_image``."""

Array: TypeAlias = "NDArray[np.float32]"
Weights: TypeAlias = Mapping[str, Mapping[str, Array]]
"""The arrays of a weights file: by the path of their group, ``"layers/dense/vars"``, and their name in it, ``"0"``."""

_MEMBERS: Final = frozenset({"config.json", "metadata.json", "model.weights.h5"})
_END_OF_ZIP: Final = 22  # bytes of the record that ends a zip without comment
_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_NOT_BRACKET = re.compile(rb"[^\[\]{}]+")


class Refused(ValueError):
    """The file is not read.

    Attributes:
        code: why, a code of ``checker.report.messages``.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def file_bytes(path: Path, limit: int) -> bytes:
    """The content of a regular file that is no symbolic link.

    Args:
        path: the file; neither it nor its folder may be a link.
        limit: the largest size accepted, in bytes.

    Raises:
        FileNotFoundError: there is no such file.
        Refused: it is a link, a device, a pipe or larger than the limit.
    """
    if path.parent.is_symlink():
        raise Refused("evidence.link")
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(path, flags)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Refused("evidence.link" if path.is_symlink() else "evidence.unreadable") from error
    return _content(handle, limit)


class OpenFolder:
    """A real folder, opened: everything in it is reached from its descriptor, and no link on the way is followed.

    Args:
        root: a folder that the course itself made; links in its own path are followed.
        names: folders below it that were handed in, none of which may be a link.

    Raises:
        FileNotFoundError: one is missing.
        Refused: one is a link or no folder.
    """

    def __init__(self, root: Path, *names: str) -> None:
        self.descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        for name in names:
            above = self.descriptor
            try:
                self.descriptor = _opened(name, os.O_DIRECTORY, above)
            finally:
                os.close(above)

    def __enter__(self) -> OpenFolder:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)

    def below(self, name: str) -> OpenFolder:
        """A folder in this one."""
        inner = object.__new__(OpenFolder)
        inner.descriptor = _opened(name, os.O_DIRECTORY, self.descriptor)
        return inner

    def names(self, most: int) -> list[str]:
        """The names of what lies in it, in order; of more than ``most`` only so many."""
        with os.scandir(self.descriptor) as entries:
            return sorted(entry.name for entry, _ in zip(entries, range(most), strict=False))

    def file(self, name: str, limit: int) -> bytes:
        """The content of a regular file in it.

        Raises:
            FileNotFoundError: there is no such file.
            Refused: it is a link, a device, a pipe or larger than the limit.
        """
        return _content(_opened(name, 0, self.descriptor), limit)


def _opened(name: str, flags: int, folder: int) -> int:
    if name in ("", ".", "..") or set(name) & set("/\0"):  # it would name something else
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
    try:
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | flags, dir_fd=folder)
    except FileNotFoundError:
        raise
    except OSError as error:
        link = error.errno in (errno.ELOOP, errno.ENOTDIR, errno.ENXIO)
        raise Refused("evidence.link" if link else "evidence.unreadable") from error


def _content(handle: int, limit: int) -> bytes:
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise Refused("evidence.link")
        if status.st_size > limit:
            raise Refused("evidence.too_big")
        return file.read(limit)


def json_object(data: bytes, limit: int, values: int | None = None) -> dict[str, Any]:
    """A JSON object of limited size and depth; what is limited is counted before anything is parsed.

    Args:
        data: the text.
        limit: bytes that it may have.
        values: about how many values it may hold, where the limit alone would allow too many.

    Raises:
        Refused: too big, too deep, not JSON or not an object.
    """
    if len(data) > limit:
        raise Refused("evidence.too_big")
    bare = _ESCAPED.sub(b"", data)
    if values is not None and bare.count(b'"') > 10 * values:
        raise Refused("evidence.too_big")
    structure = b"".join(bare.split(b'"')[::2])  # what stands between strings
    if values is not None and structure.count(b",") > values:
        raise Refused("evidence.too_big")
    depth = 0
    for bracket in _NOT_BRACKET.sub(b"", structure):
        depth += 1 if bracket in b"[{" else -1
        if depth > JSON_DEPTH:
            raise Refused("evidence.too_deep")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Refused("evidence.unreadable") from error
    if not isinstance(value, dict):
        raise Refused("evidence.unreadable")
    return value


_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{},]', re.DOTALL)
_BRACKET_OR_QUOTE = re.compile(rb'["\[\]{}]')
_OUTPUTS = re.compile(rb'"outputs"\s*:\s*\[')
TOKENS: Final = 400_000
"""Values that a notebook may hold besides its outputs; those of the course hold some thousands."""


def without_outputs(data: bytes) -> bytes:
    """A notebook file's JSON without outputs, before anything is parsed; see :func:`outputs_apart`."""
    return outputs_apart(data)[0]


def outputs_apart(data: bytes) -> tuple[bytes, list[slice]]:
    """A notebook file's JSON with a number in every list of outputs, and the place in the data that each stands for.

    Raises:
        Refused: what is left is more than :data:`TOKENS` values or :data:`NOTEBOOK_LIMIT` bytes.
    """
    kept, start, place, tokens = [], 0, 0, 0
    lists: list[slice] = []
    while (token := _TOKEN.search(data, place)) is not None:
        place, tokens = token.end(), tokens + 1
        if tokens > TOKENS:
            raise Refused("evidence.too_big")
        if token[0] == b'"outputs"' and (opening := _OUTPUTS.match(data, token.start())):
            kept += [data[start : opening.end()], str(len(lists)).encode()]
            start = place = _end_of_list(data, opening.end())
            lists.append(slice(opening.end(), start))
    kept.append(data[start:])
    if sum(map(len, kept)) > NOTEBOOK_LIMIT:
        raise Refused("evidence.too_big")
    return b"".join(kept), lists


def _end_of_list(data: bytes, place: int) -> int:
    """Where the list that is open at this place is closed; the end of the data if it is not."""
    depth = 1
    while (token := _BRACKET_OR_QUOTE.search(data, place)) is not None:
        place = token.end()
        if token[0] == b'"':
            place = _end_of_string(data, place)
        elif token[0] in b"[{":
            depth += 1
        else:
            depth -= 1
            if depth == 0:
                return token.start()
    return len(data)


def _end_of_string(data: bytes, place: int) -> int:
    """Where the string ends whose quotation mark stands before this place; the end of the data if it does not.

    An archive in a string is megabytes long: they are passed over by ``find``, not letter by letter.
    """
    while (end := data.find(b'"', place)) >= 0:
        if (end - place - len(data[place:end].rstrip(b"\\"))) % 2 == 0:
            return end + 1
        place = end + 1
    return len(data)


def archive_weights(data: bytes) -> Weights:
    """The weights in a Keras archive, once everything in it is known to be safe to read.

    Raises:
        Refused: the zip has other members than Keras writes, expands beyond the limits, or its JSON or HDF5 is refused.
    """
    _check_directory(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_members(archive.infolist())
            contents = {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError, ValueError, RuntimeError) as error:
        raise error if isinstance(error, Refused) else Refused("evidence.unreadable") from error
    json_object(contents["config.json"], CONFIG_LIMIT)
    return read_weights(contents["model.weights.h5"])


def _check_directory(data: bytes) -> None:
    """Refuse comments, zip64 and long directories by the last bytes alone, before ``zipfile`` reads them."""
    end = data[-_END_OF_ZIP:]
    if len(data) > ARCHIVE_LIMIT:
        raise Refused("evidence.too_big")
    if len(end) < _END_OF_ZIP or end[:4] != b"PK\x05\x06" or data[-42:-38] == b"PK\x06\x07":
        raise Refused("evidence.unreadable")
    if int.from_bytes(end[12:16], "little") > 2_000:  # bytes of the directory: three short names need about 200
        raise Refused("evidence.too_big")


def _check_members(members: list[zipfile.ZipInfo]) -> None:
    names = [member.filename for member in members]
    if len(set(names)) != len(names) or not {"config.json", "model.weights.h5"} <= set(names) <= _MEMBERS:
        raise Refused("evidence.unreadable")
    if sum(member.file_size for member in members) > ARCHIVE_LIMIT:
        raise Refused("evidence.too_big")
    if any(member.file_size > 200 * (member.compress_size + 100) for member in members):
        raise Refused("evidence.too_big")


def read_weights(data: bytes) -> Weights:
    """The arrays of an HDF5 file that holds nothing but plain arrays of numbers, all inside the file itself.

    Returns:
        The arrays; they may be views of the file's content, and are not to be written to.

    Raises:
        Refused: soft or external links, external or chunked storage, filters, other types than numbers, shapes that
            declare more than the file holds, or too many objects.
    """
    from h5py import h5f

    try:
        file = h5f.open_file_image(data, _IN_PLACE)
        try:
            walk = _WeightsWalk(data)
            walk.group(file, "", 0)
            return walk.found
        finally:
            file.close()
    except Refused:
        raise
    except Exception as error:  # what HDF5 raises for a broken file is not documented
        raise Refused("evidence.unreadable") from error


class _WeightsWalk:
    """One walk over an HDF5 file, with what is left of its allowance and what it found."""

    def __init__(self, data: bytes) -> None:
        import numpy as np
        from h5py import h5d, h5g, h5l, h5o, h5s, h5t

        self.np, self.h5d, self.h5g, self.h5l, self.h5o, self.h5s, self.h5t = np, h5d, h5g, h5l, h5o, h5s, h5t
        self.data = data
        self.bytes_left = len(data)
        self.objects_left = HDF5_OBJECTS
        self.found: dict[str, dict[str, Array]] = {}

    def group(self, group: Any, path: str, depth: int) -> None:
        if depth > HDF5_DEPTH:
            raise Refused("evidence.too_deep")
        for raw in group:
            name = raw.decode()
            self.objects_left -= 1
            if self.objects_left < 0:
                raise Refused("evidence.too_big")
            if group.links.get_info(raw).type != self.h5l.TYPE_HARD:
                raise Refused("evidence.link")
            found = self.h5o.open(group, raw)
            if isinstance(found, self.h5g.GroupID):
                self.group(found, f"{path}/{name}" if path else name, depth + 1)
            elif isinstance(found, self.h5d.DatasetID):
                self.found.setdefault(path, {})[name] = self.dataset(found)
            else:
                raise Refused("evidence.unreadable")

    def dataset(self, dataset: Any) -> Array:
        """The array, taken only when the file holds as much as it declares."""
        storage = dataset.get_create_plist()
        layout = storage.get_layout()
        plain = layout in (self.h5d.CONTIGUOUS, self.h5d.COMPACT) and not storage.get_nfilters()
        if not plain or storage.get_external_count():
            raise Refused("evidence.link")
        kind = dataset.get_type()
        if kind.get_class() not in (self.h5t.FLOAT, self.h5t.INTEGER) or kind.get_size() > 8:
            raise Refused("evidence.unreadable")
        count = dataset.get_space().get_simple_extent_npoints()
        size = count * kind.get_size()
        self.bytes_left -= size
        if self.bytes_left < 0 or size > dataset.get_storage_size():
            raise Refused("evidence.too_big")
        if layout == self.h5d.CONTIGUOUS and count and kind.equal(self.h5t.IEEE_F32LE):  # as Keras writes: in one piece
            values = self.np.frombuffer(self.data, "<f4", count, dataset.get_offset())
            return values.reshape(dataset.shape)
        values = self.np.empty(dataset.shape, "float32")
        if values.size:
            dataset.read(self.h5s.ALL, self.h5s.ALL, values, self.h5t.NATIVE_FLOAT)
        return values
