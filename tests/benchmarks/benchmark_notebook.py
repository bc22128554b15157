"""What the evidence in a notebook costs in JupyterLab: ``benchmark_notebook.py [ROUNDS]`` prints medians in seconds.

The perfect student's Spotify notebook is opened and saved with the evidence in its outputs and without, in turn.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import classroom
import machine
from browser.lab import PATIENCE, Server, chromium, jupyterlab
from playwright.sync_api import BrowserContext, expect

from checker.questions.bundle import MIME

CELLS = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook .jp-Cell"
TAB = ".lm-DockPanel-tabBar .lm-TabBar-tab.lm-mod-current"
DIRTY = re.compile("jp-mod-dirty")

expect.set_options(timeout=PATIENCE * 1000)


def measured(context: BrowserContext, server: Server, name: str) -> tuple[float, float]:
    """Seconds from the address to the last cell, and from Ctrl+S to the saved file, in a tab of its own."""
    count = len(json.loads((server.folder / name).read_text("utf-8"))["cells"])
    page = context.new_page()
    started = time.perf_counter()
    page.goto(server.page(name))
    expect(page.locator(CELLS)).to_have_count(count)
    loaded = time.perf_counter() - started
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").first.wait_for()
    page.locator(CELLS).first.click()
    page.keyboard.press("Escape")
    page.keyboard.press("b")  # something to save
    expect(page.locator(TAB)).to_have_class(DIRTY)
    started = time.perf_counter()
    page.keyboard.press("Control+s")
    expect(page.locator(TAB)).not_to_have_class(DIRTY)
    saved = time.perf_counter() - started
    page.keyboard.press("d")  # as it was, for the next round
    page.keyboard.press("d")
    page.keyboard.press("Control+s")
    expect(page.locator(TAB)).not_to_have_class(DIRTY)
    page.close()
    return loaded, saved


def main(rounds: int) -> None:
    program = machine.chromium()
    with tempfile.TemporaryDirectory() as scratch:
        notebooks, home = Path(scratch) / "mine", Path(scratch) / "home"
        home.mkdir()
        folder = classroom.hand_in(Path(scratch), "one", classroom.ARCHETYPES["perfect"])
        notebooks.mkdir()
        (notebooks / "without.ipynb").write_bytes((folder / "spotify.ipynb").read_bytes())
        (notebooks / "with.ipynb").write_bytes(classroom.into_notebook(folder).read_bytes())
        for path in sorted(notebooks.iterdir()):
            print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")
        times: dict[str, list[tuple[float, float]]] = {"without.ipynb": [], "with.ipynb": []}
        with jupyterlab(notebooks, home) as server, chromium(home, program) as context:
            measured(context, server, "without.ipynb")  # the first page loads JupyterLab itself
            for _ in range(rounds):
                for name, seconds in times.items():
                    seconds.append(measured(context, server, name))
            assert MIME in (server.folder / "with.ipynb").read_text("utf-8"), "JupyterLab did not keep it"
        for name, seconds in times.items():
            loaded, saved = (statistics.median(one) for one in zip(*seconds, strict=True))
            print(f"{name}: open {loaded:.2f} s, save {saved:.2f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
