"""The lessons as committed: both languages, stable cells, outputs that a code host can show, questions that work."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

import nbformat
import pytest
from place import ROOT

from checker.assignments import lessons
from checker.language import translate
from checker.questions import Assignment, ChoiceQuestion, NetworkQuestion, NumberQuestion

NOTEBOOKS = ROOT / "notebooks"
LESSONS = ["01-dropout", "02-batch-normalization", "03-red-wine"]
ASSIGNMENTS = [lessons.dropout, lessons.batch_normalization, lessons.red_wine]
QUESTIONS = [question for assignment in ASSIGNMENTS for question in assignment.questions]

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


WRAPPED = re.compile(r'<div lang="(en|zh-Hans)">\n\n(.+)\n\n</div>', re.DOTALL)
"""A passage marked with its language; between blank lines Markdown goes on being Markdown."""


def prose_of(text: str) -> str:
    """The passage without its mark."""
    match = WRAPPED.fullmatch(text)
    return match.group(2) if match else text


def numbers(text: str) -> list[str]:
    prose = CODE.sub("", FENCED.sub("", re.sub(r"\]\([^)]+\)", "]", prose_of(text))))
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
        levels = [HEADING.findall(text) for text in (english, chinese)]
        assert levels == ([["#"], ["##"]] if name == "title-en" else [levels[0]] * 2), f"{name}: headings"
        links = [[re.sub("^#.*", "#", link) for link in LINK.findall(text)] for text in (english, chinese)]
        assert links[0] == links[1], f"{name}: links"
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
            known = target.startswith("https://") or (NOTEBOOKS / target).is_file()
            assert known or target.removeprefix("#") in anchors(lesson), f"{cell.id}: {target}"


def headings(lesson: nbformat.NotebookNode) -> list[tuple[str, int, str]]:
    """Cell, level and text of each heading."""
    found = []
    for cell in lesson.cells:
        if cell.cell_type == "markdown":
            text = FENCED.sub("", cell.source)
            found += [(cell.id, len(level), name) for level, name in re.findall("^(#+) (.+)$", text, re.MULTILINE)]
    return found


def anchors(lesson: nbformat.NotebookNode) -> set[str]:
    """What JupyterLab and nbconvert call the headings, as targets of links."""
    return {text.replace(" ", "-") for _, _, text in headings(lesson)}


# --- without sight ----------------------------------------------------------------------------------------------------


def test_one_title_headings_in_order_and_all_in_the_list_of_contents(lesson: nbformat.NotebookNode) -> None:
    found = headings(lesson)
    assert [level for _, level, _ in found].count(1) == 1
    assert found[0][1] == 1
    assert all(after <= before + 1 for (_, before, _), (_, after, _) in pairwise(found)), "a level is left out"
    contents = {cell.id: LINK.findall(cell.source) for cell in lesson.cells if cell.id.startswith("contents-")}
    for tongue in ("en", "zh"):
        listed = [target.removeprefix("#") for target in contents[f"contents-{tongue}"]]
        sections = [text.replace(" ", "-") for cell, level, text in found if level == 2 and cell.endswith(tongue)]
        assert listed == [name for name in sections if not name.startswith("第-")]


def test_every_picture_has_words_and_data(lesson: nbformat.NotebookNode) -> None:
    seen = 0
    for cell in lesson.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "<img" in data.get("text/html", "") or "image/png" in data:
                images, page = re.findall("<img [^>]*>", data["text/html"]), data["text/html"]
                assert images, cell.id
                if "checker-page" not in page:
                    seen += 1
                    assert "<table" in page, f"{cell.id}: no data"
                for image in images:
                    assert re.search('alt="[^"]{40,}"', image), f"{cell.id}: no words"
    assert seen >= 2
    assert not any("plt.show()" in cell.source for cell in lesson.cells)


# --- predict, run, explain --------------------------------------------------------------------------------------------


def test_a_prediction_is_asked_for_before_what_it_is_about(lesson: nbformat.NotebookNode) -> None:
    """And what gives it away is not seen before it is run or opened."""
    code = [cell for cell in lesson.cells if cell.cell_type == "code"]
    places = {part: [n for n, cell in enumerate(code) if part in cell.source] for part in CALLS}
    for number in ("1", "2"):
        (asked,), (compared,), (explained,) = (places[call] for call in CALLS if call.count(number))
        assert asked < compared < explained
        between = code[asked + 1 : compared + 1]
        assert len(between) >= 2
        for cell in between:
            assert cell.metadata.get("jupyter", {}).get("outputs_hidden"), f"{cell.id} gives it away"


CALLS = [f"exercise.predict_{number}{call}" for number in "12" for call in ("(None)", ".compare(", ".because(")]


def test_each_lesson_but_the_first_begins_with_what_is_remembered() -> None:
    for name in LESSONS[1:]:
        code = [cell.source for cell in nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells]
        asked = [place for place, source in enumerate(code) if "exercise.recall_" in source]
        assert len(asked) == 2
        assert max(asked) < next(place for place, source in enumerate(code) if "exercise.predict_" in source)


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


@pytest.mark.parametrize(("name", "assignment"), list(zip(LESSONS, ASSIGNMENTS, strict=True)))
def test_lesson_asks_what_is_declared(name: str, assignment: Assignment) -> None:
    source = "\n".join(cell.source for cell in nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells)
    asked = re.findall(r"exercise\.(\w+)\.check", source)
    assert asked == [question.id for question in assignment.questions]
    parts = (*assignment.questions, *assignment.predictions)
    letters = [letter for part in parts for letter in getattr(part, "choices", ())]
    for letter in set(letters):
        assert source.count(f"- **{letter}**") == 2 * letters.count(letter), "one choice in each language"


@pytest.mark.parametrize(("name", "assignment"), list(zip(LESSONS, ASSIGNMENTS, strict=True)))
def test_choices_in_the_notebook_are_those_declared(name: str, assignment: Assignment) -> None:
    """Feedback repeats them; one who compares should find the same words."""
    from checker.language import using

    cells = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells
    for tongue in ("en", "zh"):
        source = "\n".join(cell.source for cell in cells if language(cell) == f"lang-{tongue}")
        with using(tongue):
            for part in (*assignment.predictions, *assignment.questions):
                for letter, choice in getattr(part, "choices", {}).items():
                    text = translate(choice)
                    colon = ": " if tongue == "en" else "："
                    assert f"- **{letter}**{colon}{text}\n" in source, text


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
        if not isinstance(question, NumberQuestion | ChoiceQuestion):
            continue
        for mistake, explanation in question.wrong.items():
            report = question.evaluate(mistake)
            assert not report.passed
            assert report.findings[0].params["text"] == explanation


@pytest.mark.slow
@pytest.mark.parametrize("assignment", ASSIGNMENTS, ids=lambda assignment: assignment.id)
def test_solution_is_right(assignment: Assignment) -> None:
    import keras

    places = {"keras": keras, "layers": keras.layers}
    for question in assignment.questions:
        if isinstance(question, NetworkQuestion):
            exec(question.solution_code(), places)
            assert question.evaluate(places["model"]).passed


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


# --- numbers that the prose quotes ------------------------------------------------------------------------------------


def shown(notebook: nbformat.NotebookNode) -> str:
    """Everything that the cells printed or returned."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return "\n".join(output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs)


def test_measurements_in_the_prose_stand_in_an_output(lesson: nbformat.NotebookNode) -> None:
    """A number with decimals is a measurement or a setting; one that no cell prints or sets cannot be checked."""
    known = shown(lesson) + "\n".join(cell.source for cell in lesson.cells if cell.cell_type == "code")
    for name, english, _ in passages(lesson):
        if not re.match(r"(advice|recall|q\d|questions|riddle)", name):  # general rules, and what is asked
            for number in re.findall(r"(?<!/ )\b\d+\.\d+", re.sub(r"\]\([^)]+\)", "]", english)):
                assert number in known, f"{name}: {number}"


def test_counts_in_the_prose_of_lesson_1_stand_in_an_output() -> None:
    notebook = nbformat.read(NOTEBOOKS / "01-dropout.ipynb", as_version=4)
    prose = {name: english for name, english, _ in passages(notebook)}["curves-verdict-en"]
    (cell,) = (cell for cell in notebook.cells if cell.id == "with-dropout")
    without, with_it = re.findall(r"False labels memorised: +(\d+) of (\d+)", cell.outputs[0].text)
    assert without[0] == without[1]
    assert "{} of the {} false labels".format(*with_it) in prose
    shares = re.findall(r"read correctly: +(\S+%)", cell.outputs[0].text)
    assert "{1} instead of {0}".format(*shares) in prose
