"""Whole notebooks as HTML pages: axe-core finds nothing, Markdown inside the language marks is rendered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from feedback import chromium
from nbconvert import HTMLExporter
from place import ROOT

LESSONS = sorted((ROOT / "notebooks").glob("0*.ipynb"))
ASSIGNMENTS = [ROOT / "notebooks" / name / f"{name}.ipynb" for name in ("spotify", "clinic", "challenge")]
NOTEBOOKS = [*LESSONS, *ASSIGNMENTS]
TEMPLATES = ROOT / "docs" / "nbconvert"

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


def exported(path: Path, template: str = "accessible") -> str:
    exporter = HTMLExporter(template_name=template, extra_template_basedirs=[str(TEMPLATES)])
    page, _ = exporter.from_notebook_node(nbformat.read(path, as_version=4))
    return str(page)


def violations(browser: Any, page: str, folder: Path) -> list[str]:
    """What axe-core finds, of any impact."""
    from axe_playwright_python.sync_playwright import Axe

    file = folder / "page.html"
    file.write_text(page, encoding="utf-8")
    tab = browser.new_page()
    try:
        tab.goto(f"file://{file}")
        found = Axe().run(tab).response
    finally:
        tab.close()
    assert any(rule["id"] == "color-contrast" for rule in found["passes"]), "axe-core has looked at no text"
    return [f"{rule['id']}: {node['html'][:200]}" for rule in found["violations"] for node in rule["nodes"]]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_axe_finds_nothing_on_a_whole_notebook(browser: Any, path: Path, tmp_path: Path) -> None:
    assert violations(browser, exported(path), tmp_path) == []


def test_the_template_is_needed(browser: Any, tmp_path: Path) -> None:
    """nbconvert's own page has pale prompts and links; where it no longer has, ours can go."""
    rules = {found.partition(":")[0] for found in violations(browser, exported(LESSONS[0], "lab"), tmp_path)}
    assert rules == {"color-contrast", "link-in-text-block"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_markdown_inside_the_marks_is_rendered(path: Path) -> None:
    page = exported(path)
    marked = re.findall(r'<div lang="(en|zh-Hans)">\s*<(\w+)', page)
    assert len(marked) >= 12
    assert {tag for _, tag in marked} <= {"p", "h1", "h2", "h3", "ul", "ol"}
    assert page.count("<h1") == 1
    assert not re.search(r"^(#+ |\*\*|- \*\*)", page, re.MULTILINE)
