"""What people read in notebooks, guides and catalogue: one word for a thing, set as Chinese, in short passages."""

from __future__ import annotations

import csv
import re
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from place import ROOT

GLOSSARY = ROOT / "docs" / "glossary.csv"
CATALOGUE = ROOT / "checker" / "locale" / "zh" / "LC_MESSAGES" / "checker.po"
LESSONS = sorted((ROOT / "notebooks").glob("0*.ipynb"))
ASSIGNMENTS = [ROOT / "solutions" / name / f"{name}.ipynb" for name in ("spotify", "clinic", "challenge")]
NOTEBOOKS = [*LESSONS, *ASSIGNMENTS]
GUIDES = [ROOT / "README.zh.md", *sorted((ROOT / "solutions").glob("*.zh.md"))]
ENGLISH_GUIDES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md")]
ENGLISH_GUIDES += [path for path in sorted((ROOT / "solutions").glob("*.md")) if path not in GUIDES]

FENCED = re.compile(r"```.*?```", re.DOTALL)
CODE = re.compile(r"`[^`]+`")
ADDRESS = re.compile(r"\]\([^)\s]+\)")
HAN = "\u4e00-\u9fff"
WRAPPED = re.compile(r'<div lang="(en|zh-Hans)">\n\n(.+)\n\n</div>', re.DOTALL)
"""A passage marked with its language; between blank lines Markdown goes on being Markdown."""


def passages(path: Path, tongue: str) -> dict[str, str]:
    """The passages of a notebook in one language, by the name of their cell."""
    cells = nbformat.read(path, as_version=4).cells
    return {cell.id: cell.source for cell in cells if f"lang-{tongue}" in cell.metadata.get("tags", ())}


def chinese(path: Path) -> dict[str, str]:
    """What is written in Chinese in a file, by the name of its place."""
    if path.suffix == ".ipynb":
        return passages(path, "zh")
    if path.suffix == ".po":
        from babel.messages.pofile import read_po

        with path.open("rb") as file:
            entries = [message for message in read_po(file, locale="zh") if message.id]
        forms = {str(entry.id): entry.string for entry in entries}
        return {name: "\n".join((form,) if isinstance(form, str) else form or ()) for name, form in forms.items()}
    return {path.name: path.read_text("utf-8")}


def prose(text: str) -> str:
    """The text without the addresses of links, and x for code."""
    return CODE.sub("x", FENCED.sub("", ADDRESS.sub("]", text)))


def glossary() -> list[dict[str, str]]:
    with GLOSSARY.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def avoided() -> list[tuple[str, str]]:
    """Each Chinese word that is not used here, with the one that is."""
    return [(word, row["chinese"]) for row in glossary() for word in row["avoid"].split("|") if word]


def named(path: Path) -> str:
    return path.name


CHINESE = [*NOTEBOOKS, *GUIDES, CATALOGUE]


def test_the_glossary_has_one_term_each() -> None:
    for column in ("english", "chinese"):
        terms = [row[column] for row in glossary()]
        assert all(terms)
        assert len(set(terms)) == len(terms)
    assert not {word for word, _ in avoided()} & {row["chinese"] for row in glossary()}


@pytest.mark.parametrize("path", CHINESE, ids=named)
def test_a_thing_has_one_name(path: Path) -> None:
    for place, text in chinese(path).items():
        for word, instead in avoided():
            assert word not in text, f"{place}: {word}, say {instead}"


def test_every_term_is_used_somewhere() -> None:
    """A glossary that nobody follows would say nothing."""
    text = "".join("".join(chinese(path).values()) for path in CHINESE)
    assert [row["chinese"] for row in glossary() if row["chinese"] not in text] == []


@pytest.mark.parametrize("path", CHINESE, ids=named)
def test_punctuation_is_that_of_chinese(path: Path) -> None:
    for place, text in chinese(path).items():
        found = re.findall(rf"[{HAN}][,;?!]|[{HAN}”*] ?\([^()\n]*\)|[，。：；）] [{HAN}]", prose(text))
        assert not [mark for mark in found if not re.search(r"\([\d .+-]+\)$", mark)], f"{place}: {found}"


@pytest.mark.parametrize("path", [*NOTEBOOKS, *GUIDES], ids=named)
def test_chinese_words_are_bold_not_slanted(path: Path) -> None:
    """Slanted Chinese characters are hard to read; names of menus and titles of papers in Latin letters may be."""
    for place, text in chinese(path).items():
        slanted = re.findall(r"(?<!\*)\*(?![*\s])([^*\n]+)(?<![*\s])\*(?!\*)", prose(text))
        assert not [words for words in slanted if re.search(f"[{HAN}]", words)], place


def test_feedback_has_no_stars() -> None:
    """Only passages of notebooks and notes in submissions are Markdown; elsewhere the stars would be seen."""
    from babel.messages.pofile import read_po

    with CATALOGUE.open("rb") as file:
        entries = [str(message.id) for message in read_po(file, locale="zh") if message.id]
    starred = [text for text in entries if re.search(r"(?<![*\w])\*[^*`\s][^*`\n]*\*(?!\*)", text)]
    assert [text for text in starred if not re.fullmatch(r"(\*.*\*\n*)+", text)] == []


@pytest.mark.parametrize("path", [*NOTEBOOKS, *GUIDES, *ENGLISH_GUIDES, CATALOGUE], ids=named)
def test_per_cent_has_no_space(path: Path) -> None:
    texts = passages(path, "en") | passages(path, "zh") if path.suffix == ".ipynb" else {path.name: path.read_text()}
    for place, text in texts.items():
        assert not re.findall(r"\d %(?! ?[(a-z])", text), place


def length(text: str) -> int:
    """Words of a passage as a reader counts them: each Chinese character is about half a word; code, and what is looked
    up one by one (rows of a table, answers to choose from), are not counted."""
    lines = FENCED.sub("", unmarked(text)).splitlines()
    read = "\n".join(line for line in lines if not line.startswith(("|", '- `"')))
    read = ADDRESS.sub("]", read)
    return len(re.sub(f"[{HAN}]", "", read).split()) + len(re.findall(f"[{HAN}]", read)) // 2


def unmarked(text: str) -> str:
    """The passage without the mark of its language."""
    match = WRAPPED.fullmatch(text)
    return match.group(2) if match else text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
def test_no_passage_is_long(path: Path) -> None:
    counted = {place: length(text) for place, text in (passages(path, "en") | passages(path, "zh")).items()}
    assert {place: words for place, words in counted.items() if words > 150} == {}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
def test_every_passage_is_marked_with_its_language(path: Path) -> None:
    """A screen reader changes its voice there."""
    for tongue, mark in (("en", "en"), ("zh", "zh-Hans")):
        for place, text in passages(path, tongue).items():
            match = WRAPPED.fullmatch(text)
            assert match is not None, place
            assert match.group(1) == mark, place


@pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
def test_one_title_and_headings_in_order(path: Path) -> None:
    for tongue in ("en", "zh"):
        text = "\n".join(FENCED.sub("", passage) for passage in passages(path, tongue).values())
        levels = [len(marks) for marks in re.findall(r"^(#+) ", text, re.MULTILINE)]
        assert levels.count(1) == (tongue == "en"), "the title in the other language is one level lower"
        assert levels[0] == min(levels)
        assert all(after <= before + 1 for before, after in pairwise(levels)), "a level is left out"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
def test_links_within_a_notebook_lead_to_its_headings(path: Path) -> None:
    """JupyterLab and nbconvert name a heading by its text, with hyphens for spaces."""
    for tongue in ("en", "zh"):
        text = "\n".join(FENCED.sub("", passage) for passage in passages(path, tongue).values())
        known = {heading.strip().replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
        targets = re.findall(r"\]\(#([^)\s]+)\)", text)
        assert targets
        assert set(targets) <= known


def test_sections_of_an_assignment_are_listed_at_its_beginning() -> None:
    for path in ASSIGNMENTS:
        for tongue in ("en", "zh"):
            title, *rest = passages(path, tongue).values()
            sections = re.findall(r"^## (.+)$", "\n".join(rest), re.MULTILINE)[:-1]  # the last is about handing in
            listed = re.findall(r"\]\(#([^)\s]+)\)", title)
            assert sorted(listed) == sorted(section.replace(" ", "-") for section in sections)
