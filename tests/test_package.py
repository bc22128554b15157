"""The package as others get it: a wheel, installed where there is no clone."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGED = ("checker", "datasets", "pyproject.toml", "requirements.txt", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy, so that nothing is left in the clone and nothing stale gets in."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in PACKAGED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source)
    (source / "datasets" / "spotify-full.csv").write_text("a learner's own download")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    run = subprocess.run(
        [*command, "--wheel-dir", str(target), str(source)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The Python of a new virtual environment with the wheel, which finds other packages where this Python does."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    query = "import sysconfig; print(sysconfig.get_path('purelib'))"
    own = subprocess.run([str(python), "-c", query], capture_output=True, text=True, check=True).stdout.strip()
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", "--quiet"]
    subprocess.run([*command, str(wheel)], check=True)
    others = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    (Path(own) / "others.pth").write_text("\n".join(others))
    return python


def run(python, folder, script, **environment):
    """What a script prints, run by this Python in this folder."""
    settings = {
        "XDG_CACHE_HOME": str(folder / "cache"),
        "CHECKER_LANGUAGE": "en",
        "PATH": "/usr/bin:/bin",
        **environment,
    }
    done = subprocess.run(
        [str(python), "-c", script],
        cwd=folder,
        env=settings,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_wheel_holds_every_file_of_the_checker(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    kept = [path for path in (ROOT / "checker").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    wanted = {path.relative_to(ROOT).as_posix() for path in kept if path.suffix != ".pot"}
    assert {"checker/py.typed", "checker/datasets.py"} <= wanted <= names


def test_wheel_holds_the_data_as_they_are(wheel):
    with zipfile.ZipFile(wheel) as archive:
        for name in ("red-wine.csv", "concrete.csv", "spotify.csv", "README.md"):
            assert archive.read(f"checker/data/{name}") == (ROOT / "datasets" / name).read_bytes()


def test_wheel_holds_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"checker", "keras_layers_course"}
    assert "checker/data/spotify-full.csv" not in names
    assert not [name for name in names if name.endswith((".pyc", ".ipynb"))]


def test_wheel_requires_what_a_learner_installs(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (path,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        required = message_from_string(archive.read(path).decode()).get_all("Requires-Dist")
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    direct = {line.split(">=")[0] for line in lines if line and not line.startswith("#")}
    assert {entry.split(">=")[0].split("<")[0] for entry in required if "extra ==" not in entry} == direct


def test_installed_package_loads_its_data_from_any_folder(installed, tmp_path):
    script = (
        "from checker import datasets\n"
        "print(datasets.__file__)\n"
        "print([len(datasets.load(name)) for name in datasets.NAMES])\n"
        "print(len(datasets.split('concrete').y_train))\n"
    )
    place, rows, train = run(installed, tmp_path, script).splitlines()
    assert Path(place).is_relative_to(installed.parents[1])
    assert rows == "[1599, 1030, 6000]"
    assert train == "721"


def test_installed_package_speaks_chinese(installed, tmp_path):
    script = "from checker.report import Finding; print(Finding('model.none').message)"
    english = run(installed, tmp_path, script)
    chinese = run(installed, tmp_path, script, CHECKER_LANGUAGE="zh", PYTHONIOENCODING="utf-8")
    assert english.isascii()
    assert any("\u4e00" <= character <= "\u9fff" for character in chinese)


def test_installed_package_shows_a_report(installed, tmp_path):
    script = (
        "from checker.report import Finding, Report, Section\n"
        "from checker.show.html import render\n"
        "section = Section('architecture', False, 0.0, 1.0, (Finding('model.none'),))\n"
        "print(render(Report('spotify', 'q1', 'Title', (section,), 1.0)))\n"
    )
    assert "There is no model yet" in run(installed, tmp_path, script)


def test_installed_command_explains_itself(installed, tmp_path):
    command = [str(installed.parent / "checker"), "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", check=True)
    assert "datasets" in done.stdout
