"""Copies of the bilingual notebooks in one language.

A passage is a markdown cell tagged ``lang-en`` or ``lang-zh``; cells without such a tag belong to both. Ids and
nbgrader's metadata stay as they are, so that a monolingual copy can be released and graded like its original.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat

from checker.language import LANGUAGES, translate
from checker.tools.start import give_title

TAG = "lang-"


def write(source: Path, output: Path, language: str) -> Iterator[Path]:
    """Write a copy in one language of every notebook below a folder.

    Args:
        source: the folder with the bilingual notebooks; hidden folders and checkpoints are left out.
        output: where the copies go, under the same relative names; other files of the assignments go along.
        language: ``"en"`` or ``"zh"``.

    Yields:
        The path of each copy, once it is written.

    Raises:
        ValueError: for a language that the course is not written in, or a folder without notebooks.
        OSError: where the output cannot be written.
    """
    if language not in LANGUAGES:
        raise ValueError(
            translate(
                "The course is written in {languages}, not in {language}.",
                languages=", ".join(LANGUAGES),
                language=language,
            )
        )
    inside = output.resolve()
    found = [
        path
        for path in sorted(source.rglob("*.ipynb"))
        if not _hidden(path, source) and inside not in path.resolve().parents
    ]
    if not found:
        raise ValueError(translate("There are no notebooks in {folder}.", folder=source))
    for path in found:
        notebook = monolingual(nbformat.read(path, as_version=4), language)  # type: ignore[no-untyped-call]
        target = output / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, target)  # type: ignore[no-untyped-call]
        yield target


def monolingual(notebook: Any, language: str) -> Any:
    """The notebook without the passages of other languages, and with the checker speaking this one."""
    others = {TAG + other for other in LANGUAGES if other != language}
    notebook.cells = [cell for cell in notebook.cells if not others & set(cell.metadata.get("tags", ()))]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = cell.source.replace('# checker.set_language("zh")', f'checker.set_language("{language}")')
    give_title(notebook.cells)
    notebook.metadata["language"] = {"en": "en", "zh": "zh-Hans"}[language]
    return notebook


def _hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)
