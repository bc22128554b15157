"""A learner's path to the points: solve in JupyterLab, download the notebook, hand in that one file."""

from __future__ import annotations

import json
from pathlib import Path

import classroom
import pytest
from browser.lab import Server
from browser.notebook import Notebook
from playwright.sync_api import BrowserContext, expect

from checker.grading.batch import grade_class
from checker.questions.bundle import MIME

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]

STARTER = "YOUR CODE HERE"
LAYERS = ("keras.layers.BatchNormalization(),", "keras.layers.Dropout(0.2),", "keras.layers.Dropout(0.2),")


@pytest.fixture(scope="module")
def downloaded(opened: tuple[BrowserContext, Server], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The challenge, solved in the browser, saved, and downloaded with *File > Download*."""
    notebook = Notebook(*opened, "challenge/challenge.ipynb")
    for layer in LAYERS:
        notebook.retype(notebook.line("q1-network", STARTER), layer)
    notebook.run_up_to("q1")
    output = notebook.cell("q1").locator(".jp-OutputArea-output")
    expect(output).to_have_count(1)
    expect(output).to_have_text("6.0")  # the points, and nothing of what stands beside them
    path = notebook.download(tmp_path_factory.mktemp("downloads"))
    notebook.page.close()
    return path


def test_the_downloaded_notebook_is_all_that_is_handed_in(downloaded: Path, tmp_path: Path) -> None:
    course = classroom.course(tmp_path / "course", "challenge")
    folder = course / "submitted" / "ada" / "challenge"
    folder.mkdir(parents=True)
    (folder / downloaded.name).write_bytes(downloaded.read_bytes())
    (course / "nbgrader_config.py").open("a").write("c.GradeFromEvidence.sandbox = False\n")  # nothing can be run again
    run = grade_class(course, "challenge", jobs=1, progress=False)
    assert (run.graded, run.failed, run.attention) == (1, 0, 0)
    graded = json.loads((course / "autograded/ada/challenge/challenge.ipynb").read_text("utf-8"))
    (cell,) = (cell for cell in graded["cells"] if cell["id"] == "q1")
    assert cell["outputs"][-1]["data"]["text/plain"] == "6.0"


def test_saved_cleared_and_saved_again_it_is_gone(
    downloaded: Path, opened: tuple[BrowserContext, Server], tmp_path: Path
) -> None:
    """What JupyterLab opens it saves again; only clearing the outputs takes it away."""
    context, server = opened
    place = server.folder / "challenge" / "again.ipynb"
    place.write_bytes(downloaded.read_bytes())
    notebook = Notebook(context, server, "challenge/again.ipynb")
    expect(notebook.cell("q1").locator(".jp-OutputArea-output")).to_have_text("6.0")
    assert MIME in notebook.download(tmp_path).read_text("utf-8")
    notebook.choose("Edit", "Clear Outputs of All Cells")
    assert MIME not in notebook.download(tmp_path).read_text("utf-8")
