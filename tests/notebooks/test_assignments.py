"""The assignments' notebooks: what is released is what the source generates, and it says what it means."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from assignments import NAMES, cell_of, grade_id, notebook, solved
from place import ROOT

from checker.assignments import find
from checker.language import translate, using
from checker.questions import ReadingQuestion
from checker.report import Report


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_release_is_what_the_source_generates(name: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "solutions" / name, tmp_path / "solutions" / name, ignore=shutil.ignore_patterns("evidence"))
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", name, "--no-db"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    made = tmp_path / "notebooks" / name
    assert [path.name for path in made.iterdir()] == [f"{name}.ipynb"]
    committed = ROOT / "notebooks" / name / f"{name}.ipynb"
    same = (made / f"{name}.ipynb").read_bytes() == committed.read_bytes()
    assert same, "worked in, or out of date: `git checkout notebooks` or `make release`"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("step", ["notebooks", "solutions"])
def test_cells_have_ids_of_their_own_and_no_outputs(name: str, step: str) -> None:
    cells = notebook(name, step)["cells"]
    ids = [cell["id"] for cell in cells]
    assert len(set(ids)) == len(ids)
    assert not any(re.fullmatch(r"[0-9a-f]{8}", identifier) for identifier in ids), "an editor made this id up"
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)


@pytest.mark.parametrize("name", NAMES)
def test_each_english_passage_is_followed_by_its_chinese_twin(name: str) -> None:
    cells = notebook(name)["cells"]
    for place, cell in enumerate(cells):
        if cell["id"].endswith("-en"):
            twin = cells[place + 1]
            assert twin["id"] == cell["id"].removesuffix("-en") + "-zh"
            assert (cell["metadata"]["tags"], twin["metadata"]["tags"]) == (["lang-en"], ["lang-zh"])
            assert re.search(r"[\u4e00-\u9fff]", "".join(twin["source"]))
            assert _numbers(cell) == _numbers(twin)
        elif cell["cell_type"] == "markdown" and not cell["id"].endswith("-zh"):
            assert grade_id(cell), "a passage in one language only"


def _numbers(cell: dict[str, list[str]]) -> list[str]:
    """The numbers of a passage but for those of headings ("Part 1", "第一部分") and of links that lead to them."""
    text = "".join(line for line in cell["source"] if not line.startswith("#"))
    text = re.sub(r"\[[^]]*\]\(#[^)]*\)", "", text)
    return sorted(re.findall(r"\d[\d.,]*\d|\d", text))


@pytest.mark.parametrize("name", NAMES)
def test_the_points_shown_up_front_are_the_points_that_are_graded(name: str) -> None:
    cells = notebook(name)["cells"]
    graded = {grade_id(cell): cell["metadata"]["nbgrader"]["points"] for cell in cells if _is_graded(cell)}
    assignment = find(name)
    assert {question.id: question.points for question in assignment.questions}.items() <= graded.items()
    for title in cells[:2]:
        rows = [line.strip("|\n ").split("|") for line in title["source"] if line.startswith("|")][2:]
        points = [float(row[-1].strip(" *")) for row in rows]
        assert points[:-1] == list(graded.values())
        assert points[-1] == sum(graded.values())


def _is_graded(cell: dict[str, dict[str, dict[str, bool]]]) -> bool:
    return bool(cell["metadata"].get("nbgrader", {}).get("grade"))


@pytest.mark.parametrize("name", NAMES)
def test_graded_cells_are_read_only_and_end_in_the_points(name: str) -> None:
    for cell in notebook(name)["cells"]:
        settings = cell["metadata"].get("nbgrader", {})
        if settings.get("grade") and cell["cell_type"] == "code":
            assert cell["metadata"]["editable"] is False
            assert cell["source"][-1].startswith(f"exercise.{grade_id(cell)}.grade(")
        if settings.get("locked"):
            assert cell["metadata"]["deletable"] is False


@pytest.mark.parametrize("name", ["spotify", "challenge"])
def test_the_release_holds_no_solution(name: str) -> None:
    released = json.dumps(notebook(name))
    assert "SOLUTION" not in released
    assert "layers.Dropout(" not in released
    assert "layers.BatchNormalization(" not in released
    assert "Dropout(0." in json.dumps(solved(name))


@pytest.mark.parametrize(
    ("name", "data", "prefix"),
    [("spotify", "spotify", ""), ("spotify", "concrete", "concrete_"), ("challenge", "red-wine", "")],
)
def test_the_visible_preparation_gives_the_arrays_that_the_checker_knows(name: str, data: str, prefix: str) -> None:
    import numpy as np

    from checker import datasets

    space: dict[str, object] = {"np": np}
    for cell in notebook(name)["cells"]:
        if grade_id(cell) == "setup" or str(grade_id(cell)).endswith("-data"):
            exec("".join(cell["source"]).replace("with quiet():", "if False:"), space)  # Keras is slow to import
    names = ("X_train", "X_valid", "y_train", "y_valid")
    for array, known in zip((space[prefix + name] for name in names), datasets.split(data).arrays, strict=True):
        np.testing.assert_array_equal(np.asarray(array), known)


@pytest.mark.parametrize(("function", "data"), [("concrete", "concrete"), ("red_wine", "red-wine")])
def test_the_clinic_prepares_the_arrays_that_the_checker_knows(function: str, data: str) -> None:
    import numpy as np

    from checker import datasets

    space: dict[str, Any] = {"datasets": datasets}
    exec("".join(cell_of(notebook("clinic")["cells"], "clinic-data")["source"]), space)
    split = datasets.split(data)
    known = split.X_train, split.X_valid, split.y_train, split.y_valid
    for array, expected in zip(space[function](), known, strict=True):
        np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize("tongue", ["en", "zh"])
def test_each_rule_of_the_challenge_is_in_the_notebook_the_hint_and_the_verdict_in_the_same_words(tongue: str) -> None:
    from checker.assignments import challenge

    question = challenge.q1
    cell = next(cell for cell in notebook("challenge")["cells"] if cell["id"] == f"rules-{tongue}")
    listed = [line.removeprefix("- ").strip() for line in cell["source"] if line.startswith("- ")]
    with using(tongue):
        rules = [translate(rule.text) for rule in question.rules]
        assert listed == rules
        assert any(hint.split("\n\n")[1:] == rules for hint in question.all_hints())
        for rule, text in zip(question.rules, rules, strict=True):
            assert text in rule.cited().message


def test_a_broken_rule_of_the_challenge_is_cited() -> None:
    """Each rule is broken by one design or run, and no other rule is cited then."""
    import keras
    from keras import layers

    from checker.assignments import challenge

    def chain(*stack: Any) -> Any:
        model = keras.Sequential([keras.Input((11,)), *stack])
        model.compile("adam", "mae")
        return model

    def body(rate: float = 0.2, units: int = 16) -> list[Any]:
        return [layers.BatchNormalization(), layers.Dense(units, activation="relu"), layers.Dropout(rate)]

    rules = list(challenge.q1.rules)
    broken = {
        0: chain(*body(0.9), layers.Dense(1)),
        1: chain(layers.Dense(16), layers.Dropout(0.2), layers.Dense(1)),
        2: chain(layers.Dropout(0.2), *body(), layers.Dense(1)),
        3: chain(*body(), layers.Dense(1), layers.BatchNormalization()),
        4: chain(*body(), layers.Dense(1, activation="relu")),
        5: chain(*body(units=2000), layers.Dense(1)),
    }
    for number, model in broken.items():
        assert _cited(challenge.q1.evaluate(model=model)) == [rules[number].text]
    other = chain(*body(), layers.Dense(1))
    other.compile("sgd", "mae")
    falling = [1.0 - epoch / 100 for epoch in range(50)]
    runs = {
        6: (other, falling, falling),
        7: (None, falling, [*falling[:25], *(0.75 + epoch / 50 for epoch in range(25))]),
        8: (None, [0.57 + 0.3 * 0.8**epoch for epoch in range(50)], [0.58 + 0.3 * 0.8**epoch for epoch in range(50)]),
    }
    for number, (model, loss, val_loss) in runs.items():
        handed_in = {} if model is None else {"model": model}
        report = challenge.q1.evaluate(**handed_in, history={"loss": loss, "val_loss": val_loss})
        assert rules[number].text in _cited(report), number


def _cited(report: Report) -> list[str]:
    return [finding.params["text"] for finding in report.findings if finding.code == "network.rule"]


def test_the_rules_of_the_challenge_are_what_is_judged() -> None:
    from checker.assignments import challenge

    texts = " ".join(rule.text for rule in challenge.q1.rules)
    training = challenge.q1.training
    assert training is not None
    assert f"at most {challenge.BUDGET:,} parameters" in texts
    assert f"below {challenge.TARGET}." in texts
    assert f"`{training.optimizer}` and `{training.loss}`" in texts
    assert f"at least {training.least_epochs} epochs" in texts
    worded = [rule.constraint for rule in challenge.q1.rules if rule.constraint is not None]
    assert worded == list(challenge.q1.network.constraints)
    codes = {code for rule in challenge.q1.rules for code in rule.codes}
    assert {f"curve.{name}" for name in training.forbidden} <= codes


def test_the_clinic_hands_out_the_broken_code_and_keeps_the_repaired_one() -> None:
    from checker.assignments import clinic
    from checker.questions import RepairQuestion

    released, source = notebook("clinic"), notebook("clinic", "solutions")
    assert "SOLUTION" not in json.dumps(released)
    assert not re.search(r'cause_\d = "', json.dumps(released))
    for question in clinic.assignment.of(RepairQuestion):
        name, stub = f"{question.id}-repair", "# YOUR CODE HERE"
        broken, repaired = question.code(question.broken), question.code(question.repairs[0])
        handed_out = "".join(cell_of(released["cells"], name)["source"])
        assert handed_out == f"{broken}\n\n{stub}\n{question.fit_code}"
        solved_cell = "".join(cell_of(source["cells"], name)["source"])
        assert solved_cell == handed_out.replace(stub, f"### BEGIN SOLUTION\n{repaired}\n### END SOLUTION")


def test_the_clinic_s_healthy_training_is_the_declared_one() -> None:
    from checker.assignments import clinic

    healthy = replace(clinic.q1, id="q0", broken=clinic.HEALTHY, repairs=())
    code = f"{healthy.code(clinic.HEALTHY)}\n{healthy.fit_code}".partition("\ndata_0")[0]
    shown = "".join(cell_of(notebook("clinic")["cells"], "healthy-training")["source"])
    expected = code.replace("model_0", "healthy_model").replace("history_0", "healthy_history")
    assert shown == f"{expected}\nshow.display(diagnose(healthy_history))"


@pytest.mark.parametrize("name", ["spotify", "challenge"])
def test_compile_and_fit_are_the_ones_the_question_declares(name: str) -> None:
    source = "\n".join("".join(cell["source"]) for cell in notebook(name)["cells"])
    for question in find(name).questions:
        if (training := getattr(question, "training", None)) is not None:
            assert f"{training.prefix}model.compile({training.compile_code})" in source
            assert f"batch_size={training.batch_size}, epochs={training.epochs}" in source


@pytest.mark.parametrize("name", NAMES)
def test_choices_and_written_points_are_the_declared_ones(name: str) -> None:
    cells = notebook(name)["cells"]
    passages = "".join("".join(cell["source"]) for cell in cells if cell["id"].endswith("-question-en"))
    assignment = find(name)
    for question in assignment.questions:
        for letter, text in getattr(question, "texts", {}).items():
            assert f'- `"{letter}"` {text}' in passages
        for tongue in ("en", "zh"):
            with using(tongue):
                for letter, text in _reasons(question).items():
                    assert f'- `"{letter}"` {translate(text)}\n' in _passages(cells, tongue)
    graded = sum(cell["metadata"]["nbgrader"]["points"] for cell in cells if _is_graded(cell))
    assert graded == assignment.points + assignment.written


def _reasons(question: Any) -> dict[str, str]:
    """The reasons that are a part of the answer, by letter."""
    asked = question.reason if isinstance(question, ReadingQuestion) else getattr(question, "asked", None)
    return {} if asked is None else dict(asked.choices)


def _passages(cells: list[Any], tongue: str) -> str:
    return "".join("".join(cell["source"]) for cell in cells if cell["id"].endswith(f"-question-{tongue}"))


@pytest.mark.parametrize("name", ["spotify", "challenge"])
def test_a_reason_has_feedback_for_each_misconception(name: str) -> None:
    assignment = find(name)
    reasons = [getattr(question, "asked", None) or question.reason for question in assignment.questions]
    assert len(reasons) == len(assignment.questions)
    for reason in reasons:
        assert set(reason.wrong) == set(reason.choices) - {reason.answer}
    assert len({reason.answer for reason in reasons}) > 1, "one letter would be right everywhere"


@pytest.mark.parametrize("name", ["spotify", "challenge"])
def test_no_cell_before_a_reading_prints_what_is_to_be_read(name: str) -> None:
    """Curves are drawn without a word; verdicts and explanations come with the answer."""
    from checker.questions import AblationQuestion

    source = {cell["id"]: "".join(cell["source"]) for cell in notebook(name)["cells"]}
    if name == "spotify":
        assert not any("compare(" in text or "diagnose(" in text for text in source.values())
    for question in find(name).questions:
        if isinstance(question, ReadingQuestion | AblationQuestion):
            assert question.explained_in == f"{question.id}-explanation"
            assert question.explained_in in find(name).rubrics


def test_the_practice_has_fewer_marked_places_than_the_question_before() -> None:
    from checker.assignments import spotify

    cells = notebook("spotify")["cells"]
    places = [
        "".join(cell_of(cells, name)["source"]).count("YOUR CODE HERE") for name in ("q1-network", "q1-again-network")
    ]
    assert places[0] > places[1] == 1
    assert spotify.assignment.q1_again is spotify.q1_again
    assert "q1_again" not in [question.id for question in spotify.questions], "it is not graded"
