"""The lessons as committed: both languages, stable cells, outputs that a code host can show, questions that work."""

from __future__ import annotations

import csv
import json
import re
from itertools import pairwise
from typing import Any

import nbformat
import pytest
from place import ROOT

from checker.assignments import lessons
from checker.questions import Assignment, ChoiceQuestion, NumberQuestion

NOTEBOOKS = ROOT / "notebooks"
LESSONS = ["01-dropout", "02-batch-normalization", "03-red-wine"]
ASSIGNMENTS = [lessons.dropout, lessons.batch_normalization, lessons.red_wine]
QUESTIONS = [question for assignment in ASSIGNMENTS for question in assignment.questions]

GLOSSARY = NOTEBOOKS.parent / "docs" / "glossary.csv"
CATALOGUE = NOTEBOOKS.parent / "checker" / "locale" / "zh" / "LC_MESSAGES" / "checker.po"

LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCED = re.compile(r"```.*?```", re.DOTALL)
CODE = re.compile(r"`([^`]+)`")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
HEADING = re.compile(r"^(#+) ", re.MULTILINE)


@pytest.fixture(params=LESSONS)
def lesson(request: pytest.FixtureRequest) -> Any:
    return nbformat.read(NOTEBOOKS / f"{request.param}.ipynb", as_version=4)


def language(cell: nbformat.NotebookNode) -> str | None:
    tags = [tag for tag in cell.metadata.get("tags", ()) if tag.startswith("lang-")]
    return tags[0] if tags else None


def passages(notebook: nbformat.NotebookNode) -> list[tuple[str, str, str]]:
    """Each English passage with its id and the cell that follows it."""
    pairs = pairwise(notebook.cells)
    return [(cell.id, cell.source, twin.source) for cell, twin in pairs if language(cell) == "lang-en"]


def numbers(text: str) -> list[str]:
    prose = CODE.sub("", FENCED.sub("", re.sub(r"\]\([^)]+\)", "]", text)))
    return sorted(NUMBER.findall(prose))


def test_every_passage_is_followed_by_its_chinese_twin(lesson: nbformat.NotebookNode) -> None:
    expected = [language(cell) for cell in lesson.cells if cell.cell_type == "markdown"]
    assert expected == ["lang-en", "lang-zh"] * (len(expected) // 2)
    for cell, twin in pairwise(lesson.cells):
        if language(cell) == "lang-en":
            assert cell.id.endswith("-en")
            assert twin.id == cell.id.removesuffix("-en") + "-zh"


def test_twins_say_the_same(lesson: nbformat.NotebookNode) -> None:
    for name, english, chinese in passages(lesson):
        assert re.search("[\u4e00-\u9fff]", chinese), f"{name}: the twin is not in Chinese"
        assert HEADING.findall(english) == HEADING.findall(chinese), f"{name}: headings"
        assert LINK.findall(english) == LINK.findall(chinese), f"{name}: links"
        assert FENCED.findall(english) == FENCED.findall(chinese), f"{name}: code blocks"
        spans = [sorted(CODE.findall(FENCED.sub("", text))) for text in (english, chinese)]
        assert spans[0] == spans[1], f"{name}: code"
        assert numbers(english) == numbers(chinese), f"{name}: numbers"


def test_bold_and_italics_close(lesson: nbformat.NotebookNode) -> None:
    """Markdown does not close emphasis between Chinese punctuation and a letter: the stars would be seen."""
    from markdown_it import MarkdownIt

    for cell in lesson.cells:
        if cell.cell_type == "markdown":
            shown = re.sub(r"<code.*?</code>|\$\$?[^$]+\$\$?", "", MarkdownIt().render(cell.source), flags=re.DOTALL)
            assert "*" not in shown, f"{cell.id}: a star is left over"


def test_links_between_notebooks_lead_somewhere(lesson: nbformat.NotebookNode) -> None:
    for cell in lesson.cells:
        for target in LINK.findall(cell.source) if cell.cell_type == "markdown" else ():
            assert target.startswith("https://") or (NOTEBOOKS / target).is_file(), f"{cell.id}: {target}"


def test_cells_have_names_of_their_own(lesson: nbformat.NotebookNode) -> None:
    ids = [cell.id for cell in lesson.cells]
    assert len(set(ids)) == len(ids)
    assert not [name for name in ids if re.fullmatch("[0-9a-f]{8}", name)], "an id made by the editor"


def test_committed_with_clean_outputs(lesson: nbformat.NotebookNode) -> None:
    code = [cell for cell in lesson.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), "run it from top to bottom"
    for cell in code:
        kinds = {output.output_type for output in cell.outputs}
        assert "error" not in kinds, cell.id
        assert not [output for output in cell.outputs if output.get("name") == "stderr"], f"{cell.id} complains"
        if "checker" not in cell.source and "print(" in cell.source and "def " not in cell.source:
            assert cell.outputs, f"{cell.id} shows nothing"
        assert "execution" not in cell.metadata, f"{cell.id}: times of execution"


@pytest.mark.parametrize("name", LESSONS)
def test_small_and_without_traces_of_a_machine(name: str) -> None:
    path = NOTEBOOKS / f"{name}.ipynb"
    assert path.stat().st_size < 2_000_000
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"/(home|Users|tmp|root|work)/", text)
    assert "widget-view" not in text, "a widget is not shown by a code host"
    metadata = json.loads(text)["metadata"]
    assert metadata["kernelspec"]["name"] == "python3"


@pytest.mark.parametrize("name", LESSONS)
def test_pictures_are_told_in_words(name: str) -> None:
    """After a cell that draws comes a passage, or a cell that prints, before the next picture."""
    cells = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells
    for cell, following in pairwise(cells):
        if cell.cell_type == "code" and "plt.show()" in cell.source:
            assert following.cell_type == "markdown" or "print(" in following.source + cell.source, cell.id


@pytest.mark.parametrize(("name", "assignment"), list(zip(LESSONS, ASSIGNMENTS, strict=True)))
def test_lesson_asks_what_is_declared(name: str, assignment: Assignment) -> None:
    source = "\n".join(cell.source for cell in nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells)
    asked = set(re.findall(r"exercise\.(q\d)\.check", source))
    assert asked == {question.id for question in assignment.questions}
    for question in assignment.questions:
        for letter in question.choices if isinstance(question, ChoiceQuestion) else ():
            assert source.count(f"- **{letter}**") == 2, "one choice in each language"


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: f"{question.assignment}-{question.id}")
def test_unanswered_is_met_kindly(question: ChoiceQuestion) -> None:
    report = question.evaluate(None)
    assert not report.passed
    assert report.findings[0].code in {"answer.none", "model.none"}


def test_right_and_wrong_answers() -> None:
    for question in QUESTIONS:
        if isinstance(question, NumberQuestion):
            assert question.evaluate(question.answer).passed
        elif isinstance(question, ChoiceQuestion):
            assert question.evaluate(question.answer).passed
            assert set(question.wrong) == set(question.choices) - {question.answer}
        for mistake, explanation in getattr(question, "wrong", {}).items():
            report = question.evaluate(mistake)
            assert not report.passed
            assert report.findings[0].params["text"] == explanation


@pytest.mark.slow
@pytest.mark.parametrize("assignment", ASSIGNMENTS, ids=lambda assignment: assignment.id)
def test_solution_is_right(assignment: Assignment) -> None:
    import keras

    places = {"keras": keras, "layers": keras.layers}
    exec(assignment.q3.solution_code(), places)
    assert assignment.q3.evaluate(places["model"]).passed


def test_dropout_before_batch_normalization_is_refused() -> None:
    import keras

    model = keras.Sequential(
        [
            keras.Input(shape=(11,)),
            keras.layers.Dense(256, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dense(256, activation="relu"),
            keras.layers.Dropout(0.3),
            keras.layers.BatchNormalization(),
            keras.layers.Dense(1),
        ]
    )
    report = lessons.red_wine.q3.evaluate(model)
    assert [finding.name for finding in report.findings] == ["layer.moved"]


# --- prose ------------------------------------------------------------------------------------------------------------


def words(text: str) -> int:
    """Words of a passage as a reader counts them: each Chinese character is about half a word, code is not counted."""
    prose = re.sub(r"\]\([^)]+\)", "]", FENCED.sub("", text))
    return len(re.sub("[\u4e00-\u9fff]", "", prose).split()) + len(re.findall("[\u4e00-\u9fff]", prose)) // 2


def test_no_passage_is_long(lesson: nbformat.NotebookNode) -> None:
    long = {cell.id: words(cell.source) for cell in lesson.cells if cell.cell_type == "markdown"}
    assert {name: count for name, count in long.items() if count > 150} == {}


def chinese(lesson: nbformat.NotebookNode) -> list[tuple[str, str]]:
    return [(cell.id, cell.source) for cell in lesson.cells if language(cell) == "lang-zh"]


def glossary() -> list[dict[str, str]]:
    with GLOSSARY.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def avoided() -> list[tuple[str, str]]:
    """Each Chinese word that is not used here, with the one that is."""
    return [(word, row["chinese"]) for row in glossary() for word in row["avoid"].split("|") if word]


def test_the_glossary_has_one_term_each() -> None:
    for column in ("english", "chinese"):
        terms = [row[column] for row in glossary()]
        assert all(terms)
        assert len(set(terms)) == len(terms)
    assert not {word for word, _ in avoided()} & {row["chinese"] for row in glossary()}


def test_lessons_keep_to_the_glossary(lesson: nbformat.NotebookNode) -> None:
    for name, text in chinese(lesson):
        for word, instead in avoided():
            assert word not in text, f"{name}: {word}, say {instead}"


def test_the_catalogue_keeps_to_the_glossary() -> None:
    from babel.messages.pofile import read_po

    with CATALOGUE.open("rb") as file:
        messages = [message.string for message in read_po(file, locale="zh") if message.id]
    for text in messages:
        for form in (text,) if isinstance(text, str) else text or ():
            for word, instead in avoided():
                assert word not in form, f"{form}: {word}, say {instead}"


def test_every_term_is_used_somewhere() -> None:
    """A glossary that nobody follows would say nothing."""
    text = "".join((NOTEBOOKS / f"{name}.ipynb").read_text("utf-8") for name in LESSONS) + CATALOGUE.read_text("utf-8")
    assert [row["chinese"] for row in glossary() if row["chinese"] not in text] == []


def test_chinese_is_set_as_chinese(lesson: nbformat.NotebookNode) -> None:
    for name, text in chinese(lesson):
        prose = CODE.sub("", FENCED.sub("", text))
        assert not re.search("[\u4e00-\u9fff][,;?!]", prose), f"{name}: half-width punctuation"
        if not name.startswith("next-"):  # titles of papers stay in italics
            assert not re.search(r"(?<!\*)\*(?!\*)[^*\n]+(?<!\*)\*(?!\*)", prose), f"{name}: italics"


def test_per_cent_has_no_space(lesson: nbformat.NotebookNode) -> None:
    for cell in lesson.cells:
        assert cell.cell_type != "markdown" or not re.search(r"\d %", cell.source), cell.id


# --- numbers that the prose quotes ------------------------------------------------------------------------------------


def shown(notebook: nbformat.NotebookNode) -> str:
    """Everything that the cells printed or returned."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return "\n".join(output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs)


def test_losses_in_the_prose_stand_in_an_output(lesson: nbformat.NotebookNode) -> None:
    """Three decimals are a measurement; a measurement that no cell beside it prints cannot be checked."""
    printed = shown(lesson)
    given = "\n".join(cell.source for cell in lesson.cells if cell.cell_type == "code")
    for name, english, _ in passages(lesson):
        for number in re.findall(r"\b\d\.\d{3}\b", english):
            assert number in printed or number in given, f"{name}: {number}"


def test_counts_in_the_prose_of_lesson_1_stand_in_an_output() -> None:
    notebook = nbformat.read(NOTEBOOKS / "01-dropout.ipynb", as_version=4)
    prose = {name: english for name, english, _ in passages(notebook)}["curves-verdict-en"]
    printed = re.findall(r"False labels memorised: +(\d+) of (\d+)", shown(notebook))
    assert "{} of the {} false labels".format(*printed[-1]) in prose
    lowest, last = re.findall(r"lowest (\d\.\d+), at the end (\d\.\d+)", shown(notebook))
    assert all(loss in prose for loss in (lowest[0], *last))
