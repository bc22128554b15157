"""Script in whatever a learner hands in does not run, and nothing is fetched, on any page that others look at.

Everything hostile that is tried here sets ``window.ran`` or asks for an address with the word ``canary``.
"""

from __future__ import annotations

import base64
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import classroom
import machine
import pytest
from browser.lab import Server, chromium, jupyterlab
from playwright.sync_api import BrowserContext, Dialog

from checker.grading import answers, batch
from checker.grading.course import Course
from checker.grading.explain import document, explain

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]

RUN = "window.ran=1"
STUDENT = "ada' onmouseover='window.ran=1' &lt;"
STUDENTS = (STUDENT, "bob", "eve")
MARKUP = (
    f"<script>{RUN}</script>",
    f"<img src=x onerror={RUN}>",
    f"<svg onload={RUN}><animate onbegin={RUN} attributeName=x dur=1s></svg>",
    f"<iframe srcdoc='<script>parent.{RUN}</script>'></iframe>",
    f"<details open ontoggle={RUN}>x</details>",
    f'<math href="javascript:{RUN}">x</math>',
    f"<body onload={RUN}>",
    "<style>@import url(//canary.example/);</style><link rel=stylesheet href=//canary.example/>",
    f"[click](javascript:{RUN})",
    f"[click](&#106;avascript:{RUN})",
    f'<a href="java\tscript:{RUN}">click</a>',
    "![x](http://canary.example/pixel.png)",
    "![x](/canary)",
    '<img src="//canary.example/pixel.png">',
    '<div style="background:url(//canary.example/a)">x</div>',
    f"![x](data:image/svg+xml;base64,{base64.b64encode(f'<svg onload={RUN}>'.encode()).decode()})",
    f"$\\href{{javascript:{RUN}}}{{click}}$ and &#92;href{{javascript:{RUN}}}{{click}}",
    '```mermaid\ngraph TD; A-->B; click A "javascript:window.ran=1"\n```',
    "![gone](attachment:gone.png)",
    f"--><script>{RUN}</script>",
    f"</pre></code></textarea></title><script>{RUN}</script>",
)


def hostile(book: dict[str, Any]) -> dict[str, Any]:
    """The notebook with hostile markup in every place that it has."""
    svg = base64.b64encode(f"<svg xmlns='http://www.w3.org/2000/svg' onload='{RUN}'/>".encode()).decode()
    data = {
        "text/html": "".join(MARKUP),
        "image/svg+xml": f"<svg onload='{RUN}'/>",
        "application/javascript": RUN,
        "text/markdown": "\n\n".join(MARKUP),
    }
    for cell in book["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        if name.endswith("explanation"):
            cell["source"] = "\n\n".join(MARKUP)
            cell["attachments"] = {
                "a.svg": {"image/svg+xml": svg},
                f'"><script>{RUN}</script>': {"text/html": data["text/html"]},
            }
        if cell["cell_type"] == "code":
            cell["source"] = "".join(cell["source"]) + f"\n# {MARKUP[0]} {MARKUP[1]}"
            cell["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": data}]
        cell["metadata"].update(tags=[MARKUP[0]], name=MARKUP[1], collapsed=MARKUP[1])
    for kind in ("markdown", "raw"):
        for number, text in enumerate(MARKUP):
            own = {"cell_type": kind, "id": f"own-{kind}-{number}", "metadata": {"format": "text/html"}, "source": text}
            book["cells"].insert(0, own)
    book["metadata"] = {"title": MARKUP[0], "authors": [{"name": MARKUP[1]}], "kernelspec": {"name": MARKUP[1]}}
    return book


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hostile submissions, graded, with every page that the checker and nbgrader make of them."""
    folder = classroom.course(tmp_path_factory.mktemp("hostile") / "course")
    (folder / "nbgrader_config.py").open("a").write("c.GradeFromEvidence.sandbox = False\n")
    names = (f"<img src=x onerror={RUN}>.ipynb", "spotify.ipynb", "spotify.ipynb")
    for student, name in zip(STUDENTS, names, strict=True):
        place = classroom.hand_in(folder, student, classroom.ARCHETYPES["misread" if student == "eve" else "perfect"])
        book = (place / "spotify.ipynb").read_text("utf-8")
        (place / "spotify.ipynb").unlink()
        content = json.dumps(hostile(json.loads(book)))
        (place / name).write_text(content if student != "bob" else content[: len(content) * 2 // 3], "utf-8")
        (place / f"<script>{RUN}<").write_text("x")
        _rename_layers(place / "evidence")
    for name in (f"<img src=x onerror={RUN}>", f"<img src=x onerror={RUN}>\n", f'"onmouseover={RUN} x="'):
        (folder / f"submitted/{name}/spotify").mkdir(parents=True)  # formgrader would show them as markup: refused
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "_executor", lambda _jobs, _scheduler: ThreadPoolExecutor(1))
        batch.grade_class(folder, "spotify", progress=False)
    loaded = Course.load(folder, "spotify")
    answers.export(loaded)
    for question in ("q1", "q2", "q2-explanation"):
        (folder / f"explained-{question}.html").write_text(document(explain(loaded, STUDENT, question)), "utf-8")
    command = [sys.executable, "-m", "nbgrader", "generate_feedback", "spotify"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2_000:]
    return folder


def _rename_layers(evidence: Path) -> None:
    """Markup in the names of layers, in a letter of a reading and in what the record says."""

    def change(config: dict[str, Any], _file: Any) -> None:
        config["config"]["name"] = MARKUP[1]

    archive = classroom.rewritten((evidence / "q1.keras").read_bytes(), change)
    record = json.loads((evidence / "q1.json").read_text("utf-8"))
    record["finding"] = {"code": "model.not_keras", "params": {"name": MARKUP[1]}}
    classroom.put_evidence(evidence, "q1", archive, {**record, "facts": {"device": MARKUP[1]}})
    reading = json.loads((evidence / "q2.json").read_text("utf-8"))
    reading["answer"] = {"effect": MARKUP[1], "number": MARKUP[0]}
    classroom.put_evidence(evidence, "q2", None, reading)


@pytest.fixture(scope="module")
def opened(course: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[BrowserContext, Server]]:
    program = machine.chromium()
    home = tmp_path_factory.mktemp("browser")
    with ExitStack() as stack:
        server = stack.enter_context(jupyterlab(course, home))
        yield stack.enter_context(chromium(home, program)), server


def _harm(context: BrowserContext, address: str, *shown: str) -> list[str]:
    """What ran or was asked for on a page that shows these texts, when its live parts are clicked and pointed at."""
    harm: list[str] = []

    def heard(dialog: Dialog) -> None:
        harm.append(dialog.message)
        dialog.dismiss()

    page = context.new_page()
    try:
        page.on("dialog", heard)
        page.on("request", lambda request: harm.append(request.url) if "canary" in request.url else None)
        answer = page.goto(address, wait_until="load")
        assert answer is None or answer.ok, answer.status
        page.wait_for_timeout(500)
        page.evaluate(
            """() => {
                const live = "a[href^='javascript' i], math, svg a, [onmouseover]";
                for (const each of document.querySelectorAll(live)) {
                    each.dispatchEvent(new MouseEvent("mouseover", {bubbles: true}));
                    each.click?.();
                }
            }"""
        )
        if page.evaluate("window.ran"):
            harm.append("a script ran")
        assert not [text for text in shown if text not in page.content()], (address, page.inner_text("body")[:500])
    finally:
        page.close()
    return harm


def test_the_canary_sings(opened: tuple[BrowserContext, Server], tmp_path: Path) -> None:
    """Shown as it is, the same markup does run and is fetched: the other tests would see it."""
    page = tmp_path / "page.html"
    page.write_text("".join(MARKUP) + "<p>x</p>" * 500)
    harm = _harm(opened[0], f"file://{page}")
    assert "a script ran" in harm
    assert any("canary" in each for each in harm)


def test_nothing_runs_on_the_pages_of_grading(course: Path, opened: tuple[BrowserContext, Server]) -> None:
    pages = [*course.glob("grades/*.html"), *course.glob("explained-*.html"), *course.glob("feedback/*/*/*.html")]
    assert len(pages) >= 8
    assert {page.name: harm for page in pages if (harm := _harm(opened[0], page.as_uri()))} == {}


def test_nothing_runs_in_formgrader(course: Path, opened: tuple[BrowserContext, Server]) -> None:
    """The teacher's own origin: its lists, and each submission as it is graded by hand."""
    context, server = opened
    with sqlite3.connect(course / "gradebook.db") as database:
        rows = database.execute("select id from submitted_notebook").fetchall()
    places = ["", "/gradebook/spotify/spotify", "/manage_students", "/manage_submissions/spotify"]
    places += [f"/submissions/{name}" for (name,) in rows]
    found = {
        place: _harm(
            context,
            f"{server.address}/formgrader{place}?token={server.token}",
            *(["q2-explanation", "mermaid"] if "/submissions/" in place else ["nbgrader"]),
        )
        for place in places
    }
    assert {place: harm for place, harm in found.items() if harm} == {}
    assert len(rows) == 3
