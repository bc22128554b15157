"""requirements.txt keeps what its comment says: what the notebooks and the checker import is there, nothing else is."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path
from typing import Any

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
OPENED_WITH = {"jupyter"}
"""What nothing imports: the notebooks are opened with it."""


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def listed() -> set[str]:
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    return {normal(Requirement(line).name) for line in lines if line and not line.startswith("#")}


def extras() -> dict[str, set[str]]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return {
        extra: {normal(Requirement(line).name) for line in lines}
        for extra, lines in project["optional-dependencies"].items()
    }


def imports(source: str) -> Iterator[str]:
    """The top-level packages of others that a piece of code imports, now or later."""
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        yield from (top for name in names if (top := name.split(".")[0]) not in {*sys.stdlib_module_names, "checker"})


def of_checker() -> set[str]:
    return {name for path in (ROOT / "checker").rglob("*.py") for name in imports(path.read_text("utf-8"))}


def of_notebooks() -> set[str]:
    """What learners' notebooks import."""
    found: set[str] = set()
    for path in (ROOT / "notebooks").rglob("*.ipynb"):
        for cell in nbformat.read(path, 4).cells:
            if cell.cell_type == "code":
                found |= set(imports(TransformerManager().transform_cell(cell.source)))  # magics become calls
    return found


@cache
def distributions() -> dict[str, list[str]]:
    return dict(packages_distributions())


def distribution(package: str) -> str:
    """What has to be installed for a package to be imported."""
    return normal(distributions().get(package, [package])[0])


@cache
def brought_by(name: str) -> frozenset[str]:
    """A distribution and all that comes with it."""
    found, waiting = set(), [normal(name)]
    while waiting:
        one = waiting.pop()
        if one in found:
            continue
        found.add(one)
        try:
            lines = requires(one) or []
        except PackageNotFoundError:
            continue
        needed = (Requirement(line) for line in lines)
        waiting += [normal(each.name) for each in needed if each.marker is None or each.marker.evaluate({"extra": ""})]
    return frozenset(found)


def test_what_the_notebooks_import_is_listed() -> None:
    assert {distribution(package) for package in of_notebooks()} <= listed()


def test_what_the_checker_imports_is_listed_comes_with_it_or_is_an_extra() -> None:
    known = frozenset().union(*(brought_by(name) for name in listed())) | extras()["cluster"] | extras()["data"]
    assert sorted({distribution(package) for package in of_checker()} - known) == []


def test_nothing_is_listed_that_nothing_needs() -> None:
    needed = {distribution(package) for package in of_notebooks() | of_checker()} | OPENED_WITH
    assert sorted(listed() - needed) == []


def test_grading_names_what_it_imports_itself() -> None:
    """Who grades installs the extra ``grade``; what modules of the grading package import stands there by its name."""
    graded = {name for path in (ROOT / "checker/grading").rglob("*.py") for name in imports(path.read_text("utf-8"))}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    always = {normal(Requirement(line).name) for line in project["dependencies"]}
    named = extras()["grade"] | always | extras()["cluster"]
    along = brought_by("nbgrader") | {
        "tensorflow",
        "keras",
    }  # nbgrader brings what it is made of; models are made in Keras
    assert sorted({distribution(package) for package in graded} - named - along) == []
