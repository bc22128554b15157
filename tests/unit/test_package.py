"""The package as others get it: a wheel, installed where there is no clone."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from email import message_from_string
from pathlib import Path
from typing import Any

import pytest
from place import ROOT

PACKAGED = ("checker", "datasets", "notebooks", "pyproject.toml", "requirements.txt", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The wheel, built from a copy, so that nothing is left in the clone and nothing stale gets in."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in PACKAGED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source)
    (source / "datasets" / "spotify-full.csv").write_text("a learner's own download")
    (source / "notebooks" / "Untitled.ipynb").write_text("a learner's own notebook")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    run = subprocess.run(
        [*command, "--wheel-dir", str(target), str(source)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
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


def run(python: Any, folder: Any, script: Any, **environment: Any) -> Any:
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


def test_wheel_holds_every_file_of_the_checker(wheel: Any) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    kept = [path for path in (ROOT / "checker").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    wanted = {path.relative_to(ROOT).as_posix() for path in kept if path.suffix != ".pot"}
    assert {"checker/py.typed", "checker/datasets.py"} <= wanted <= names


def test_wheel_holds_the_data_as_they_are(wheel: Any) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in ("red-wine.csv", "concrete.csv", "spotify.csv", "README.md"):
            assert archive.read(f"checker/data/{name}") == (ROOT / "datasets" / name).read_bytes()


def test_wheel_holds_nothing_else(wheel: Any) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"checker", "keras_layers_course"}
    assert "checker/data/spotify-full.csv" not in names
    assert "checker/notebooks/Untitled.ipynb" not in names
    assert not [name for name in names if name.endswith(".pyc")]


def test_wheel_holds_the_notebooks_as_they_are_handed_out(wheel: Any) -> None:
    run = ["git", "ls-files", "notebooks/*.ipynb"]
    tracked = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if name.endswith(".ipynb")}
        assert inside == {f"checker/{name}" for name in tracked}
        for name in tracked:
            assert archive.read(f"checker/{name}") == (ROOT / name).read_bytes()


def requirements(wheel: Any, extra: Any = None) -> Any:
    """What the wheel requires for an extra, or without one."""
    with zipfile.ZipFile(wheel) as archive:
        (path,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        required = message_from_string(archive.read(path).decode()).get_all("Requires-Dist") or []
    entries = (entry.partition(";") for entry in required)
    wanted = f'extra == "{extra}"' if extra else ""
    return {normal(requirement) for requirement, _, marker in entries if marker.strip() == wanted}


def normal(requirement: str) -> tuple[str, frozenset[str]]:
    found = re.fullmatch(r"([A-Za-z0-9_.-]+)(.*)", requirement.strip())
    assert found, requirement
    name, bounds = found.groups()
    return name.lower(), frozenset(bounds.replace(" ", "").split(","))


def listed() -> Any:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return {normal(line) for line in lines if line and not line.startswith("#")}


def test_wheel_requires_only_what_checking_needs(wheel: Any) -> None:
    required = requirements(wheel)
    assert required < listed()
    heavy = {"tensorflow", "keras", "jupyter", "nbgrader", "bleach"}
    assert {name for name, _ in listed() - required} == heavy


def test_the_extra_course_is_what_requirements_lists(wheel: Any) -> None:
    assert requirements(wheel, "course") == listed()
    assert {"nbgrader", "nbclient", "nbformat"} <= {name for name, _ in requirements(wheel, "grade")}


def test_a_learners_imports_need_no_grading_packages(installed: Any, tmp_path: Path) -> None:
    """A meta path without them: the checker, its assignments, a check's display, start and collect work."""
    script = (
        "import sys\n"
        "ABSENT = 'nbgrader nbformat nbclient nbconvert traitlets IPython sqlalchemy tensorflow keras'.split()\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ABSENT:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "import checker, checker.show\n"
        "from checker.assignments import challenge, spotify\n"
        "from checker import datasets\n"
        "from checker.grading import assess, collect, give_back\n"
        "from checker.questions import evidence\n"
        "from checker.reading import archive, replay\n"
        "print(spotify.q1.evaluate(model=None).findings[0].code, datasets.split('spotify').X_train.shape[1])\n"
        "from checker.tools.start import start\n"
        "from pathlib import Path\n"
        "print(len(start(Path('mine')).written))\n"
        "checker.validate('mine/spotify/spotify.ipynb')\n"
    )
    code, notebooks, advice = run(installed, tmp_path, script).splitlines()
    assert code == "model.none 18"
    assert int(notebooks) >= 5
    assert "grade" in advice


def test_grading_without_its_packages_says_what_to_install(installed: Any, tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "sys.modules['nbgrader'] = sys.modules['sqlalchemy'] = None\n"
        "from typer.testing import CliRunner\n"
        "from checker.cli import app\n"
        "done = CliRunner().invoke(app, ['grade', 'spotify'])\n"
        "print(done.exit_code, done.output)\n"
    )
    printed = run(installed, tmp_path, script)
    assert printed.startswith("2 ")
    assert "[grade]" in printed


def test_installed_package_loads_its_data_from_any_folder(installed: Any, tmp_path: Path) -> None:
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


def test_installed_package_speaks_chinese(installed: Any, tmp_path: Path) -> None:
    script = "from checker.report import Finding; print(Finding('model.none').message)"
    english = run(installed, tmp_path, script)
    chinese = run(installed, tmp_path, script, CHECKER_LANGUAGE="zh", PYTHONIOENCODING="utf-8")
    assert english.isascii()
    assert any("\u4e00" <= character <= "\u9fff" for character in chinese)


def test_installed_package_shows_a_report(installed: Any, tmp_path: Path) -> None:
    script = (
        "from checker.report import Finding, Report, Section\n"
        "from checker.show.html import render\n"
        "section = Section('architecture', False, 0.0, 1.0, (Finding('model.none'),))\n"
        "print(render(Report('spotify', 'q1', 'Title', (section,), 1.0)))\n"
    )
    assert "There is no model yet" in run(installed, tmp_path, script)


def test_installed_command_explains_itself(installed: Any, tmp_path: Path) -> None:
    command = [str(installed.parent / "checker"), "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", check=True)
    assert "datasets" in done.stdout
