"""Every module has its tests where one looks for them: in a file of its name, or where this table says."""

from __future__ import annotations

from place import ROOT, TESTS

MODULES = sorted(
    path.relative_to(ROOT / "checker").as_posix()
    for path in (ROOT / "checker").rglob("*.py")
    if path.name not in ("__init__.py", "__main__.py")
)

ELSEWHERE = {
    # Declarations: what they declare is tested with the notebooks that use it.
    "assignments/challenge.py": "notebooks/test_assignments.py",
    "assignments/clinic.py": "notebooks/test_assignments.py",
    "assignments/lessons.py": "notebooks/test_lessons.py",
    "assignments/spotify.py": "notebooks/test_assignments.py",
    "questions/rubric.py": "unit/assignments/test_rubrics.py",
    # Steps of one computation: only its result can be said to be right.
    "alignment/places.py": "unit/alignment/test_table.py",
    "alignment/prices.py": "unit/alignment/test_search.py",
    "alignment/wording.py": "unit/alignment/test_table.py",
    "expect/automaton.py": "unit/expect/test_patterns.py",
    "expect/slots.py": "unit/expect/test_patterns.py",
    "reading/activations.py": "unit/reading/test_recognise.py",
    "reading/parts.py": "unit/reading/test_live.py",
    "reading/shapes.py": "unit/reading/test_layers.py",
    "reading/unused.py": "unit/questions/test_words.py",
    "report/standing.py": "unit/questions/test_question.py",
    "show/words.py": "unit/show/test_text.py",
    "show/svg.py": "unit/show/test_picture.py",
    "questions/progress.py": "unit/questions/test_question.py",
    "questions/prepared.py": "unit/questions/test_repair.py",
    # Both readers of one answer are held to the same report, question by question.
    "questions/answer.py": "unit/questions/test_twins.py",
    "questions/explained.py": "unit/questions/test_question.py",
    "questions/network.py": "unit/questions/test_twins.py",
    "questions/quiz.py": "notebooks/test_lessons.py",
    "questions/reading.py": "unit/questions/test_question.py",
    "reading/graph_file.py": "unit/questions/test_twins.py",
    "grading/assess.py": "unit/questions/test_twins.py",
    # What a grader reads as bytes or runs is tested with all that attacks it, or with a class that is graded.
    "reading/archive.py": "grading/test_attacks.py",
    "grading/cleaning.py": "grading/test_guard.py",
    "grading/pool.py": "grading/test_guard.py",
    "grading/warm.py": "grading/test_guard.py",
    "grading/sandbox/guest.py": "grading/test_attacks.py",
    "grading/likeness.py": "grading/test_attacks.py",
    "grading/course.py": "grading/test_batch.py",
    "grading/gradebook.py": "grading/test_batch.py",
    "grading/results.py": "grading/test_batch.py",
    "grading/names.py": "grading/test_guard.py",
    "grading/notebook_file.py": "grading/test_lost.py",
    "grading/staging.py": "grading/test_nbgrader.py",
    "grading/marking.py": "grading/test_carried.py",
    "grading/answers/gather.py": "grading/test_answers.py",
    "grading/answers/marks.py": "grading/test_answers.py",
    "grading/answers/page.py": "grading/test_answers.py",
    "grading/answers/sorted_answers.py": "grading/answers/test_likeness.py",
    "grading/answers/table.py": "grading/test_answers.py",
    "grading/answers/take_back.py": "grading/test_answers.py",
    # Made by hand, once: the font's own tests are those of the pictures.
    "show/fonts/build.py": "unit/show/test_plots.py",
    "tools/repair_calibration.py": "unit/questions/test_repair.py",
}
"""Modules without a test file of their name, and the file that tests them; each group with its reason."""


def namesakes(module: str) -> list[str]:
    """Where the tests of a module may be."""
    folder, _, name = f"/{module}".rpartition("/")
    test = f"{folder}/test_{name.removeprefix('_')}"
    return [f"unit{test}", test.removeprefix("/")]


def test_every_module_has_its_tests() -> None:
    alone = [module for module in MODULES if not any((TESTS / name).is_file() for name in namesakes(module))]
    assert alone == sorted(ELSEWHERE)
    assert not [name for name in ELSEWHERE.values() if not (TESTS / name).is_file()]
