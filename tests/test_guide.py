"""The instructor's guide: its worked example is run from the page, its commands and files exist."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "solutions" / "README.md").read_text("utf-8")


def _blocks(language: str, section: str) -> list[str]:
    text = GUIDE.partition(f"## {section}")[2].partition("\n## ")[0]
    assert text
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_worked_example_makes_an_assignment_that_is_graded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from checker import assignments
    from checker.grading.marking import grade_notebook
    from checker.grading.submission import Release

    declaration, trial, source = _blocks("python", "A new question, a new assignment")
    module = types.ModuleType("checker.assignments.warmup")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(assignments, "warmup", module, raising=False)
    monkeypatch.setattr(assignments, "NAMES", (*assignments.NAMES, "warmup"))
    exec(declaration, module.__dict__)
    tried: dict[str, object] = {}
    exec(trial, tried)

    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    exec(source, {})
    for command in _blocks("sh", "A new question, a new assignment"):
        subprocess.run([sys.executable, "-m", *command.split()], cwd=tmp_path, check=True, capture_output=True)
    release = Release.load(tmp_path / "notebooks/warmup/warmup.ipynb")
    assert "Dropout" not in release.tracked["q1-network"].source

    submission = tmp_path / "submitted/one/warmup"
    submission.mkdir(parents=True)
    shutil.copy(tmp_path / "notebooks/warmup/warmup.ipynb", submission)
    monkeypatch.chdir(submission)
    assert module.q1.grade(tried["right"]) == 2.0
    _, marks = grade_notebook(submission, assignments.find("warmup"), release)
    assert marks["q1"].points == 2.0


def test_its_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", GUIDE):
        assert (ROOT / "solutions" / target).exists(), target


def test_its_exporters_exist() -> None:
    from importlib import import_module

    for module, name in re.findall(r"--exporter=([\w.]+)\.(\w+)", GUIDE):
        assert hasattr(import_module(module), name)


def test_each_section_has_its_chinese_twin() -> None:
    for section in GUIDE.split("\n## ")[1:]:
        assert re.search(r"^> .*[\u4e00-\u9fff]", section, re.MULTILINE), section.splitlines()[0]
