"""The instructor's guide and the threat model: the worked example is run from the page, what they name exists, and each
says the same in both languages."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest
from place import ROOT

GUIDE = (ROOT / "solutions" / "README.md").read_text("utf-8")
PAGES = ("README.md", "CONTRIBUTING.md", "solutions/README.md", "solutions/threat-model.md")
TWINS = ("solutions/README.md", "solutions/threat-model.md")
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def _blocks(language: str, section: str) -> list[str]:
    text = GUIDE.partition(f"## {section}")[2].partition("\n## ")[0]
    assert text
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def _text(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def _chinese(page: str) -> str:
    return page.replace(".md", ".zh.md")


def _links(text: str) -> list[str]:
    return re.findall(r"\]\(([^)#\s]+)", text)


def _prose(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def test_the_worked_example_makes_an_assignment_that_is_graded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from checker import assignments
    from checker.grading.marking import grade_notebook
    from checker.grading.submission import Release, Submission

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
    _, marks = grade_notebook(Submission.in_folder(submission), assignments.find("warmup"), release)
    assert marks["q1"].points == 2.0


@pytest.mark.parametrize("page", [*PAGES, "README.zh.md", *map(_chinese, TWINS)])
def test_its_links_lead_somewhere(page: str) -> None:
    for target in _links(_text(page)):
        assert target.startswith("https://") or ((ROOT / page).parent / target).exists(), target


def test_its_exporters_exist() -> None:
    from importlib import import_module

    for module, name in re.findall(r"--exporter=([\w.]+)\.(\w+)", GUIDE):
        assert hasattr(import_module(module), name)


def test_its_options_exist() -> None:
    from typer.testing import CliRunner

    from checker.cli import app

    section = GUIDE.partition("\n## Grade\n")[2].partition("\n## ")[0]
    described = CliRunner().invoke(app, ["grade", "--help"], env={"COLUMNS": "120"}).output
    listed = section.partition("`--help`")[2].partition(". ")[0]
    assert set(re.findall(r"`(--\w+)", listed)) == set(re.findall(r"^ +(--\w+)", described, re.MULTILINE)) - {"--help"}


# --- both languages ---------------------------------------------------------------------------------------------------


def _shape(section: str) -> dict[str, object]:
    """What a section's twin has in common with it, whatever language it is in."""
    prose = _prose(section)
    code = re.findall(r"`([^`]+)`", prose)
    return {
        "code blocks": re.findall(r"^```.*?^```$", section, re.MULTILINE | re.DOTALL),
        "code in the text": {re.sub(r"--language \w+", "--language …", piece) for piece in code},
        "links": [link.replace(".zh.md", ".md") for link in _links(prose)],
        "rows": [line.count("|") for line in prose.splitlines() if line.startswith("|")],
        "items": re.findall(r"^(?:-|\d+\.) ", prose, re.MULTILINE),
        "paragraphs": len(re.findall(r"\n{2,}(?=[^\n])", prose)),
    }


@pytest.mark.parametrize("page", TWINS)
def test_each_section_has_its_chinese_twin(page: str) -> None:
    english, chinese = (_text(name).split("\n## ") for name in (page, _chinese(page)))
    assert len(english) == len(chinese)
    for ours, theirs in zip(english, chinese, strict=True):
        assert CHINESE.search(_prose(theirs)), theirs.splitlines()[0]
        assert _shape(ours) == _shape(theirs)


@pytest.mark.parametrize("page", TWINS)
def test_each_language_links_to_the_other_and_then_keeps_to_itself(page: str) -> None:
    ours, theirs = _text(page).splitlines(), _text(_chinese(page)).splitlines()
    name = Path(page).name
    assert ours[2] == f"English | [简体中文]({_chinese(name)})"
    assert theirs[2] == f"[English]({name}) | 简体中文"
    assert not CHINESE.search(_prose("\n".join(ours[3:])))
    english_twins = {Path(twin).name for twin in TWINS}
    assert not english_twins & set(_links("\n".join(theirs[3:])))


@pytest.mark.parametrize("page", ["solutions/threat-model.md", "solutions/threat-model.zh.md"])
def test_each_threat_is_tied_to_tests_that_exist(page: str) -> None:
    rows = [line.strip("|").split(" | ") for line in _text(page).splitlines() if line.startswith("| ")]
    claims = [
        row
        for row in rows
        if not row[0].startswith((" :--", " Who does", " What happens", " 谁做了什么", " 发生了什么"))
    ]
    assert claims
    named: list[str] = []
    for *_, cell in claims:
        named = re.findall(r"`([^`]+)`", cell) or (named if cell.strip() in ("same", "同上") else [])
        assert named, cell
        for test in named:
            assert _defined(test), test


def _defined(test: str) -> bool:
    """Whether a test of this name exists; ``…`` stands for the rest of a name."""
    *places, name = test.split("::")
    file = places[0] if places and places[0].endswith(".py") else "test_attacks.py"
    word = re.escape(name.removesuffix("…")) + (r"\w*" if name.endswith("…") else "")
    wanted = [rf"^class {place}\b" for place in places if place != file] + [rf"^ *(?:def|class) {word}\b"]
    sources = [path.read_text("utf-8") for path in (ROOT / "tests").rglob(file)]
    return any(all(re.search(one, source, re.MULTILINE) for one in wanted) for source in sources)
