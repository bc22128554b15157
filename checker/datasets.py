"""The course's data: three CSV files, and the arrays that the visible preparation code makes of them.

:func:`load` gives a file as a DataFrame after verifying its checksum, :func:`split` the very arrays that a notebook
trains on. A grader needs these in milliseconds, so they are kept in the user's cache folder and verified by their
fingerprint when read; what a check needs at every turn (:func:`features`, :func:`median_loss`) is declared here, and
tests compare it with the files.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import io
import os
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

from checker.language import N_, translate

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


class DatasetError(ValueError):
    """A data set that is unknown, missing or altered; its message is one sentence in the language in force."""


@dataclass(frozen=True, eq=False)
class Split:
    """Training and validation arrays, exactly as the visible preparation code yields them; they are read-only.

    Attributes:
        X_train, X_valid: float32, shape (rows, features).
        y_train, y_valid: float32, shape (rows,), in the units that the network predicts: quality points of red wine,
            MPa of concrete, popularity / 100 of Spotify.
        names: the features' names, in the order of the columns.
    """

    X_train: NDArray[np.float32]
    X_valid: NDArray[np.float32]
    y_train: NDArray[np.float32]
    y_valid: NDArray[np.float32]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        for array in self.arrays:
            array.setflags(write=False)

    @property
    def arrays(self) -> tuple[NDArray[np.float32], ...]:
        """The four arrays, in the order of their declaration."""
        return self.X_train, self.X_valid, self.y_train, self.y_valid

    @cached_property
    def fingerprint(self) -> str:
        """The sha256 of names, shapes and values, in hexadecimal.

        Values count to four decimals: a mean that another processor sums in another order differs in its last bits,
        about 1e-7 once it is float32, and must give the same fingerprint.
        """
        import numpy as np

        digest = hashlib.sha256("\n".join(self.names).encode())
        for array in self.arrays:
            digest.update(repr(array.shape).encode())
            digest.update(np.rint(array.astype(np.float64) * 1e4).astype("<i8").tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class _File:
    """What is known of a data file: its bytes' sha256, its target, and what :func:`split` makes of it."""

    name: str
    sha256: str
    target: str
    features: int
    median_loss: float
    fingerprint: str


_FILES = {
    "red-wine": _File(
        "red-wine.csv",
        "d22f4f11db0456ff21745d2fa96d26fa348a8cdb889efda65bde802085be45fd",
        "quality",
        features=11,
        median_loss=0.6645833,
        fingerprint="4a96bf65b91fa561034dde2b5a6a9d1fd033cb953f54b6ec42185663f34b2359",
    ),
    "concrete": _File(
        "concrete.csv",
        "3e88676fb9168096fd7ebd6ed1e42c150ef53da99fb9785273f82d3a0443f279",
        "CompressiveStrength",
        features=8,
        median_loss=13.57385,
        fingerprint="501ad9599d7791b2cbed96aae72cce8c6f16a69a5c7cd869094614a564feeb00",
    ),
    "spotify": _File(
        "spotify.csv",
        "2e4b0b9e4b9376a10bb3db7da8129b235d18f322438b71b32a0cd9544bb78800",
        "track_popularity",
        features=18,
        median_loss=0.2636441,
        fingerprint="e6827bf64dfd2e4437c799a5f3155be083947cea5ec91794278917e4b0d145be",
    ),
}
_FULL = _File(
    "spotify-full.csv",
    "9902920cfe4940f0914ebb6716801a42f7f19ac88fbd6693eaae7e2822b16845",
    "track_popularity",
    features=18,
    median_loss=0.2070274,
    fingerprint="f3ddf83ac63e8844d6444192cc3ca1067d15e5a9b8920833e2373c3d87a750a1",
)
NAMES = tuple(_FILES)
"""The names of the data sets."""

_UNKNOWN = N_("There is no data set `{name}`: the names are {names}.")
_UNKNOWN_BUT_CLOSE = N_("There is no data set `{name}`: did you mean `{close}`? The names are {names}.")
_NO_FULL = N_("There is only one file of `{name}`: leave `full=True` out.")
_MISSING = N_("The data file `{path}` cannot be read: restore it from the course, or install the course again.")
_ALTERED = N_("The data file `{path}` was altered: restore it from the course, or install the course again.")
_NOT_FETCHED = N_(
    "The full Spotify file is not in place, or it was altered: run `{command}` to download it, "
    "or `{command} --file spotify.csv` with the path of your copy."
)
_NOT_A_FILE = N_("There is no readable CSV file, or zip with `spotify.csv` in it, at `{path}`: check the path.")
_NOT_FULL = N_("`{path}` is not the tutorial's full Spotify file: its sha256 is {actual}, not {expected}.")
_NO_KAGGLEHUB = N_(
    "A download needs kagglehub: run `pip install kagglehub`, or download `spotify.csv` from {page} "
    "with a browser and run `{command} --file spotify.csv`."
)
_NO_DOWNLOAD = N_(
    "The full Spotify file could not be downloaded ({reason}): check the network, or download `spotify.csv` from "
    "{page} with a browser and run `{command} --file spotify.csv`."
)
_NOT_WRITABLE = N_("Neither `{first}` nor `{second}` can be written to: make one of these folders writable.")

_KAGGLE = "ryanholbrook/dl-course-data"
_PAGE = f"https://www.kaggle.com/datasets/{_KAGGLE}"
_COMMAND = "python -m checker datasets --full"
_APPLICATION = "keras-layers-course"
_HERE = Path(__file__).parent
_FOLDER = next((folder for folder in (_HERE / "data", _HERE.parent / "datasets") if folder.is_dir()), _HERE / "data")
"""Where the data files are: inside the installed package, or beside it in a clone."""

SPOTIFY_NUMBERS = (
    "danceability",
    "energy",
    "key",
    "loudness",
    "mode",
    "speechiness",
    "acousticness",
    "instrumentalness",
    "liveness",
    "valence",
    "tempo",
    "duration_ms",
)
"""Spotify's numeric features, which are standardised; ``playlist_genre`` is one-hot encoded."""


def load(name: str, *, full: bool = False) -> pd.DataFrame:
    """The data set as ``pandas.read_csv`` reads its file, after the file's checksum was verified.

    Args:
        name: ``"red-wine"``, ``"concrete"`` or ``"spotify"``.
        full: the tutorial's full Spotify file (32,833 tracks), once :func:`fetch_full` has put it in place, instead
            of the course's 6,000 tracks. If ``datasets/spotify.csv`` itself was replaced with the full file, that is
            what ``load("spotify")`` gives, as ``pandas.read_csv`` on it does.

    Raises:
        DatasetError: for another name, and for a file that is missing or altered.
    """
    import pandas as pd

    _, content = _read(name, full)
    return pd.read_csv(io.BytesIO(content))


def split(name: str, *, full: bool = False) -> Split:
    """The arrays that the visible preparation code makes of the data set, float32 as Keras trains on them.

    Red wine and concrete: 70 % of the rows sampled with ``random_state=0`` to train, the rest to validate, nothing
    standardised. Spotify: incomplete rows dropped, 75 % of the artists (``GroupShuffleSplit(train_size=0.75,
    random_state=0)``) to train, numbers standardised and the genre one-hot encoded as fitted on the training rows,
    the target divided by 100.

    Args:
        name: ``"red-wine"``, ``"concrete"`` or ``"spotify"``.
        full: as in :func:`load`.

    Raises:
        DatasetError: for another name, and for a file that is missing or altered.
    """
    stamp = None if full else _stamp(_FOLDER / _file(name).name)
    if stamp is not None and stamp in _SPLITS:  # a grader asks for every submission
        return _SPLITS[stamp]
    file, content = _read(name, full)
    if file not in _SPLITS:
        split = _cached(file)
        if split is None:
            split = _prepared(file, content)
            _keep(file, split)
        _SPLITS[file] = split
    if stamp is not None:
        _SPLITS[stamp] = _SPLITS[file]
    return _SPLITS[file]


def features(name: str) -> int:
    """The number of input columns that :func:`split` yields; it reads no file."""
    return _file(name).features


def median_loss(name: str, *, full: bool = False) -> float:
    """The validation MAE of always predicting the training target's median, in the target's units; it reads no file.

    A network that learned anything beats it, and no honest loss lies many times above it.
    """
    return _file(name, full).median_loss


def fetch_full(source: str | os.PathLike[str] | None = None) -> Path:
    """Put the tutorial's full Spotify file in place, so that ``load("spotify", full=True)`` gives it.

    It goes to ``datasets/spotify-full.csv`` or, where that folder cannot be written, to the user's data folder.

    Args:
        source: the CSV, or a zip that holds it. None: the file that is in place already, else a download with
            kagglehub, the only time that the course needs the network.

    Returns:
        Where the file is now.

    Raises:
        DatasetError: for a source that is missing or another file, without kagglehub, and without a network.
    """
    if source is None and (found := _full_content()) is not None:
        return found[0]
    path = Path(source).expanduser() if source is not None else _download_full()
    content = _content(path)
    if content is None:
        raise DatasetError(translate(_NOT_A_FILE, path=path))
    if (actual := _sha256(content)) != _FULL.sha256:
        raise DatasetError(translate(_NOT_FULL, path=path, actual=actual, expected=_FULL.sha256))
    for folder in (_FOLDER, _home()):
        target = folder / _FULL.name
        if _written(target, lambda file: file.write(content)):
            return target
    raise DatasetError(translate(_NOT_WRITABLE, first=_FOLDER, second=_home()))


# --- files ------------------------------------------------------------------------------------------------------------


def _file(name: str, full: bool = False) -> _File:
    """What is known of a data set's file."""
    if not isinstance(name, str) or name not in _FILES:
        names = ", ".join(NAMES)
        if close := difflib.get_close_matches(str(name).lower(), NAMES, n=1):
            raise DatasetError(translate(_UNKNOWN_BUT_CLOSE, name=name, close=close[0], names=names))
        raise DatasetError(translate(_UNKNOWN, name=name, names=names))
    if full and name != "spotify":
        raise DatasetError(translate(_NO_FULL, name=name))
    return _FULL if full else _FILES[name]


def _read(name: str, full: bool) -> tuple[_File, bytes]:
    """What is known of a data set's file, and its verified content."""
    file = _file(name, full)
    if full:
        if (found := _full_content()) is None:
            raise DatasetError(translate(_NOT_FETCHED, command=_COMMAND))
        return file, found[1]
    path = _FOLDER / file.name
    try:
        content = path.read_bytes()
    except OSError:
        raise DatasetError(translate(_MISSING, path=path)) from None
    for known in (file, _FULL) if name == "spotify" else (file,):
        if _sha256(content) == known.sha256:
            return known, content
    raise DatasetError(translate(_ALTERED, path=path))


def _stamp(path: Path) -> _Stamp | None:
    """What changes with a file's content; None where there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return path, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _full_content() -> tuple[Path, bytes] | None:
    """Where the full Spotify file is, and its verified content; None where it is not."""
    places = (_FOLDER / _FULL.name, _FOLDER / f"{_FULL.name}.zip", _home() / _FULL.name, _FOLDER / "spotify.csv")
    for path in places:
        content = _content(path)
        if content is not None and _sha256(content) == _FULL.sha256:
            return path, content
    return None


def _content(path: Path) -> bytes | None:
    """The bytes of a file, or of ``spotify.csv`` in a zip; None where there is nothing to read."""
    try:
        if not zipfile.is_zipfile(path):
            return path.read_bytes()
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if Path(name).name in ("spotify.csv", _FULL.name)]
            return archive.read(names[0]) if names else None
    except (OSError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error):
        return None


def _download_full() -> Path:
    try:
        import kagglehub
    except ImportError:
        raise DatasetError(translate(_NO_KAGGLEHUB, page=_PAGE, command=_COMMAND)) from None
    try:
        return Path(kagglehub.dataset_download(_KAGGLE, path="spotify.csv"))
    except Exception as error:  # its own errors, those of requests, of the system: all mean the same to a learner
        reason = type(error).__name__
        raise DatasetError(translate(_NO_DOWNLOAD, reason=reason, page=_PAGE, command=_COMMAND)) from None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _home() -> Path:
    """The user's data folder, for what cannot lie beside the package."""
    import platformdirs

    return platformdirs.user_data_path(_APPLICATION, appauthor=False)


def _written(path: Path, write: Callable[[IO[bytes]], object]) -> bool:
    """Write a file at one stroke, so that no other process sees half of it; False where that is not possible."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            write(file)
        part.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        return False
    return True


# --- arrays -----------------------------------------------------------------------------------------------------------

_Stamp: TypeAlias = tuple[Path, int, int, int, int]

_SPLITS: dict[_File | _Stamp, Split] = {}
"""The splits by what they were made of, and by the file as it lay there when it was verified."""


def _cache_path(file: _File) -> Path:
    import platformdirs

    return platformdirs.user_cache_path(_APPLICATION, appauthor=False) / f"split-{file.fingerprint}.npz"


def _cached(file: _File) -> Split | None:
    """The split out of the user's cache folder, if it is there and has the declared fingerprint."""
    import numpy as np

    try:
        with np.load(_cache_path(file), allow_pickle=False) as kept:
            names = tuple(str(name) for name in kept["names"])
            split = Split(kept["X_train"], kept["X_valid"], kept["y_train"], kept["y_valid"], names)
        return split if split.fingerprint == file.fingerprint else None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None


def _keep(file: _File, split: Split) -> None:
    """Put the split into the user's cache folder, if that can be written."""
    import numpy as np

    def write(kept: IO[bytes]) -> None:
        X_train, X_valid, y_train, y_valid = split.arrays
        np.savez(kept, X_train=X_train, X_valid=X_valid, y_train=y_train, y_valid=y_valid, names=np.array(split.names))

    _written(_cache_path(file), write)


def _prepared(file: _File, content: bytes) -> Split:
    """The split, computed as the notebooks do."""
    import numpy as np
    import pandas as pd

    df = pd.read_csv(io.BytesIO(content))
    *parts, names = _spotify(df, file.target) if "track_artist" in df else _table(df, file.target)
    X_train, X_valid, y_train, y_valid = (np.ascontiguousarray(part, dtype=np.float32) for part in parts)
    return Split(X_train, X_valid, y_train, y_valid, tuple(names))


def _table(df: pd.DataFrame, target: str) -> tuple[Any, ...]:
    """Red wine's and concrete's preparation."""
    df_train = df.sample(frac=0.7, random_state=0)
    df_valid = df.drop(df_train.index)
    X_train, X_valid = df_train.drop(columns=target), df_valid.drop(columns=target)
    return X_train, X_valid, df_train[target], df_valid[target], X_train.columns


def _spotify(df: pd.DataFrame, target: str) -> tuple[Any, ...]:
    """Spotify's preparation."""
    from sklearn.compose import make_column_transformer
    from sklearn.model_selection import GroupShuffleSplit
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    df = df.dropna()
    splitter = GroupShuffleSplit(train_size=0.75, random_state=0)
    train, valid = next(splitter.split(df, groups=df["track_artist"]))
    preprocessor = make_column_transformer(
        (StandardScaler(), list(SPOTIFY_NUMBERS)), (OneHotEncoder(), ["playlist_genre"])
    )
    X_train = preprocessor.fit_transform(df.iloc[train])
    X_valid = preprocessor.transform(df.iloc[valid])
    y = df[target] / 100
    names = [name.partition("__")[2] for name in preprocessor.get_feature_names_out()]
    return X_train, X_valid, y.iloc[train], y.iloc[valid], names
