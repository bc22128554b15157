"""Start without a clone: write the course's notebooks, which the package brings along, into a folder."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from checker.language import LANGUAGES, N_, translate

TAG = "lang-"


class CannotStart(ValueError):
    """There is nothing to write, or nowhere; the text says why."""


@dataclass
class Started:
    """What was written.

    Attributes:
        written: notebooks that are new in the folder.
        kept: notebooks that were there, and are as they were.
    """

    written: list[Path] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)

    def summary(self) -> str:
        """All of it as lines of text."""
        lines = [str(path) for path in self.written]
        lines += [translate(N_("{path} was there already and is left as it is."), path=path) for path in self.kept]
        return "\n".join(lines)


def packaged() -> Path:
    """The folder with the course's notebooks: in the package, or in a clone beside it."""
    package = Path(__file__).parent.parent
    inside = package / "notebooks"
    return inside if inside.is_dir() else package.parent / "notebooks"


def start(folder: Path, language: str | None = None) -> Started:
    """Write the course's notebooks into a folder; a file that is there is never touched.

    Args:
        folder: where to; made if missing.
        language: ``"en"`` or ``"zh"`` for notebooks in one language; None for both.

    Raises:
        CannotStart: there are no notebooks, the course has no such language, or the folder cannot be written to.
    """
    if language is not None and language not in LANGUAGES:
        raise CannotStart(
            translate(
                "The course is written in {languages}, not in {language}.",
                languages=", ".join(LANGUAGES),
                language=language,
            )
        )
    started = Started()
    try:
        for source, relative in _notebooks(packaged()):
            target = folder / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with target.open("xb") as file:
                    file.write(_in(source.read_bytes(), language))
            except FileExistsError:
                started.kept.append(target)
            else:
                started.written.append(target)
    except OSError as error:
        raise CannotStart(
            translate(N_("{folder} cannot be written to: {reason}."), folder=folder, reason=error.strerror or error)
        ) from error
    if not started.written and not started.kept:
        raise CannotStart(translate("There are no notebooks in {folder}.", folder=packaged()))
    return started


def give_title(cells: list[Any]) -> None:
    """Make the first heading of a notebook in one language its title; a bilingual one has a single title, in English.

    Args:
        cells: the notebook's cells, plain JSON or nbformat's; changed in place.
    """
    for cell in cells:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and (heading := re.search("^#+ ", text, re.MULTILINE)):
            titled = f"{text[: heading.start()]}# {text[heading.end() :]}"
            cell["source"] = titled if isinstance(cell["source"], str) else titled.splitlines(keepends=True)
            return


def _notebooks(root: Path) -> Iterator[tuple[Path, Path]]:
    for path in sorted(root.rglob("*.ipynb")):
        relative = path.relative_to(root)
        if not any(part.startswith(".") for part in relative.parts):
            yield path, relative


def _in(notebook: bytes, language: str | None) -> bytes:
    """The notebook's file, without the passages of other languages; as plain JSON, so nbformat is not needed."""
    if language is None:
        return notebook
    data: dict[str, Any] = json.loads(notebook)
    others = {TAG + other for other in LANGUAGES if other != language}
    data["cells"] = [cell for cell in data["cells"] if not others & set(cell["metadata"].get("tags", ()))]
    for cell in data["cells"]:
        if cell["cell_type"] == "code":
            cell["source"] = _speaking(cell["source"], language)
    give_title(data["cells"])
    data["metadata"]["language"] = {"en": "en", "zh": "zh-Hans"}[language]
    return (json.dumps(data, ensure_ascii=False, indent=1) + "\n").encode()


def _speaking(source: str | list[str], language: str) -> str | list[str]:
    """Code in which the checker is told the language."""
    commented, active = '# checker.set_language("zh")', f'checker.set_language("{language}")'
    if isinstance(source, str):
        return source.replace(commented, active)
    return [line.replace(commented, active) for line in source]
