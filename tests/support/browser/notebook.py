"""A notebook in JupyterLab as a learner handles it: mouse, keyboard, menus; cells are found by their id."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import BrowserContext, Locator, Page, expect

from browser.lab import PATIENCE, Server

PAGE = ".checker-page"
"""Every piece of our feedback."""

WIDTH, HEIGHT, NARROW = 1280, 1500, 1140
"""The size of the browser's window, and its width for a picture, in pixels of the page."""

BLOCKING = ("serious", "critical")

_CUT_OFF = """selector => [...document.querySelectorAll(selector)].flatMap(page => {
  const edge = Math.min(page.getBoundingClientRect().right, innerWidth);
  return [...page.querySelectorAll("*")].filter(
    element => !element.closest("[tabindex='0']") && element.getBoundingClientRect().right > edge + 1
  ).concat([...page.querySelectorAll("[tabindex='0']")].filter(
    element => element.getBoundingClientRect().right > edge + 1
      || element.scrollWidth > element.clientWidth + 1 && !/auto|scroll/.test(getComputedStyle(element).overflowX)
  )).map(element => element.outerHTML.slice(0, 200));
})"""

_SHOW = """cell => {
  document.querySelectorAll(".looked-at").forEach(other => other.classList.remove("looked-at"));
  cell.classList.add("looked-at");
  cell.scrollIntoView({block: "start"});
}"""

_WIDTHS = """() => Promise.all([...document.querySelectorAll(".jp-Notebook img")].map(
  image => image.decode().catch(() => {}).then(() => image.naturalWidth)
))"""

expect.set_options(timeout=PATIENCE * 1000)


class Notebook:
    """One notebook, open in a tab of the browser."""

    def __init__(self, context: BrowserContext, server: Server, path: str) -> None:
        cells = json.loads((server.folder / path).read_text(encoding="utf-8"))["cells"]
        self._places = {cell["id"]: place for place, cell in enumerate(cells)}
        self._sources = {cell["id"]: "".join(cell["source"]) for cell in cells}
        self.page: Page = context.new_page()
        self.page.goto(server.page(path))
        self._cells = self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook .jp-Cell")
        expect(self._cells).to_have_count(len(cells))
        expect(self.page.locator(".jp-Notebook-ExecutionIndicator").first).to_have_attribute("data-status", "idle")
        self.page.keyboard.press("Control+b")  # the file browser is not looked at

    def cell(self, name: str) -> Locator:
        """A cell by its id, which for nbgrader's cells is the grade_id too."""
        return self._cells.nth(self._places[name])

    def feedback(self, name: str) -> Locator:
        """The feedback below a cell."""
        return self.cell(name).locator(PAGE)

    def select(self, name: str) -> None:
        """Select a cell without editing it."""
        self.cell(name).locator(".jp-InputArea-prompt").click()

    def run_up_to(self, name: str) -> None:
        """Run everything above a cell, then the cell."""
        self.select(name)
        self.choose("Run", "Run All Above Selected Cell")
        self.run(name)

    def choose(self, menu: str, *items: str) -> None:
        """Choose an item of a menu, or of the menus that its items open."""
        self.page.locator(".lm-MenuBar-itemLabel").get_by_text(menu, exact=True).click()
        for item in items:
            self.page.locator(".lm-Menu-itemLabel").get_by_text(item, exact=True).click()

    def download(self, folder: Path) -> Path:
        """Save the notebook and fetch it with *File > Download*, which takes what was saved; the file."""
        self.page.keyboard.press("Control+s")
        expect(self.page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab.lm-mod-current")).not_to_have_class(
            re.compile("jp-mod-dirty")
        )
        with self.page.expect_download(timeout=PATIENCE * 1000) as waiting:
            self.choose("File", "Download")
        path = folder / waiting.value.suggested_filename
        waiting.value.save_as(path)
        return path

    def run(self, name: str) -> None:
        """Run a cell with Shift+Enter and wait until it is done."""
        prompt = self.cell(name).locator(".jp-InputPrompt")
        before = prompt.text_content() or ""
        self.select(name)
        self.page.keyboard.press("Shift+Enter")
        expect(prompt).not_to_have_text(before)
        expect(prompt).to_have_text(re.compile(r"^\[\d+\]:$"))

    def line(self, name: str, part: str, last: bool = False) -> Locator:
        """The first line of a cell's code with this part, or the last; it stays that line when it changes."""
        lines = self.cell(name).locator(".cm-line")
        expect(lines.filter(has_text=part)).not_to_have_count(0)
        numbers = [number for number, text in enumerate(lines.all_text_contents()) if part in text]
        return lines.nth(numbers[-1 if last else 0])

    def retype(self, line: Locator, text: str) -> None:
        """Replace a line, its indentation excepted, by typing."""
        line.click()
        for key in ("End", "Shift+Home"):  # Home stops at the first character that is no space
            self.page.keyboard.press(key)
        self.page.keyboard.type(text)
        expect(line).to_have_text(re.compile(rf"^\s*{re.escape(text)}$"))

    def add(self, name: str, code: str) -> None:
        """Type code into a new cell at the end of the notebook."""
        self._cells.last.locator(".jp-InputArea-prompt").click()
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("b")
        expect(self._cells).to_have_count(len(self._places) + 1)
        self._places[name] = len(self._places)
        self.cell(name).locator(".cm-content").click()
        self.page.keyboard.insert_text(code)

    def theme(self, name: str) -> None:
        """Choose a theme in the menu."""
        self.choose("Settings", "Theme", name)
        light = "false" if "Dark" in name else "true"
        expect(self.page.locator("body")).to_have_attribute("data-jp-theme-light", light)

    def zoom(self, factor: float) -> None:
        """The layout of the browser's own zoom: in the same window fewer of the page's pixels have room."""
        self.page.set_viewport_size({"width": round(WIDTH / factor), "height": round(HEIGHT / factor)})

    def focused(self, selector: str) -> bool:
        """Whether the keyboard is on such an element."""
        return bool(self.page.evaluate("selector => document.activeElement.matches(selector)", selector))

    def style_of_focused(self, name: str) -> str:
        """A computed style of the element that the keyboard is on."""
        return str(self.page.evaluate("name => getComputedStyle(document.activeElement)[name]", name))

    def cut_off(self) -> list[str]:
        """What of our feedback lies outside its page and cannot be scrolled to, once the layout has settled."""
        for _ in range(40):  # JupyterLab lays out anew a moment after its window has changed
            if not (found := self.page.evaluate(_CUT_OFF, PAGE)):
                break
            self.page.wait_for_timeout(250)
        return [str(element) for element in found]

    def picture_widths(self) -> list[int]:
        """The width of every picture in the notebook's own pixels; 0 for one that cannot be shown."""
        return [int(width) for width in self.page.evaluate(_WIDTHS)]

    def picture_made_by(self, code: str) -> Locator:
        """The picture below the cell with this code."""
        name = next(name for name, source in self._sources.items() if code in source)
        self._show(name)
        return self.cell(name).locator("img").first

    def picture(self, name: str, path: Path) -> None:
        """A picture of a cell's code and the feedback below it, in few colours."""
        path.parent.mkdir(exist_ok=True)
        self.page.set_viewport_size({"width": NARROW, "height": HEIGHT})
        try:
            self._show(name)
            edges = [
                part.bounding_box()
                for part in (self.cell(name).locator(".jp-InputArea-editor"), self.feedback(name).first)
            ]
            self.page.screenshot(path=path, clip=_around([edge for edge in edges if edge]))
        finally:
            self.zoom(1)
        with Image.open(path) as picture:
            picture.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)

    def inaccessible(self, name: str) -> list[str]:
        """What axe-core finds in the feedback of a cell that would keep a reader out, and contrast it cannot judge."""
        self.page.set_viewport_size({"width": WIDTH, "height": 2 * HEIGHT})  # what is not in view cannot be judged
        try:
            self._show(name)
            self.page.add_style_tag(content="body { height: 100vh }")  # in a body without height axe-core sees nothing
            options = {"resultTypes": ["violations", "incomplete"]}
            found = Axe().run(self.page, context=f".looked-at {PAGE}", options=options).response
        finally:
            self.zoom(1)
        assert any(rule["id"] == "color-contrast" for rule in found["passes"]), "axe-core has looked at no text"
        rules = [rule for rule in found["violations"] if rule["impact"] in BLOCKING]
        rules += [rule for rule in found["incomplete"] if rule["id"] == "color-contrast"]
        return [
            f"{rule['id']}: {node['html']} {_why(node)}" for rule in rules for node in rule["nodes"] if _matters(node)
        ]

    def _show(self, name: str) -> None:
        """Scroll to a cell and mark it as the one looked at; another is selected, which would be drawn differently."""
        self.select(next(iter(self._places)))
        self.page.evaluate(_SHOW, self.cell(name).element_handle())
        self.page.wait_for_timeout(500)  # JupyterLab draws what has come into view


def _around(boxes: list[Any], margin: float = 4) -> Any:
    left, top = (min(box[side] for box in boxes) - margin for side in "xy")
    right = max(box["x"] + box["width"] for box in boxes) + margin
    bottom = max(box["y"] + box["height"] for box in boxes) + margin
    return {"x": left, "y": top, "width": right - left, "height": bottom - top}


def _why(node: Any) -> str:
    return "; ".join(check["message"] for check in (*node["any"], *node["all"], *node["none"]))


def _matters(node: Any) -> bool:
    """A sign that stands beside its words, hidden from screen readers, may be too short for axe-core to judge."""
    return not any((check["data"] or {}).get("messageKey") in ("nonBmp", "shortTextContent") for check in node["any"])
