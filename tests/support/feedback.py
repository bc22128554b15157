"""Reports, runs and a made-up Chinese catalogue that the tests of the feedback share."""

from __future__ import annotations

import gettext
import math
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any

import machine
import pytest

from checker.report import Finding, Report, Row, Section, Severity

OVERFITTED = {
    "loss": [0.135 + 0.075 * math.exp(-epoch / 14) for epoch in range(50)],
    "val_loss": [0.2 + 0.02 * math.exp(-epoch / 4) + max(0, epoch - 22) * 0.0005 for epoch in range(50)],
}
HEALTHY = {
    "loss": [0.205 + 0.03 * math.exp(-epoch / 6) for epoch in range(50)],
    "val_loss": [0.2 + 0.03 * math.exp(-epoch / 6) for epoch in range(50)],
}

DENSE = 'Dense(128, activation="relu")'
TABLE = (
    Row("ok", 1, DENSE, DENSE),
    Row("add", None, None, "Dropout(0.3)"),
    Row("change", 2, "Dropout(0.5)", "Dropout(0.3)", "rate=0.3"),
    Row("move", 5, "Dropout(0.3)", "Dropout(0.3)"),
    Row("change", 3, "GaussianDropout(0.3)", "Dropout(0.3)", "keras.layers.Dropout(0.3)"),
    Row("remove", 4, "Dropout(0.1)", None),
)
NETWORK = Section(
    "architecture",
    False,
    0.5,
    1.0,
    (Finding("layer.missing", position=1, params={"after": DENSE, "layer": "layers.Dropout(0.3)"}),),
    TABLE,
)
RISE = {"first": 23, "last": 50, "rise": 0.07, "best": 0.2, "end": 0.2135, "fall": 0.31}
CURVES = Section(
    "curves",
    False,
    0.0,
    1.0,
    (Finding("curve.overfitting", position=23, params=RISE), Finding("history.rounded", Severity.NOTE)),
    curves=OVERFITTED,
    diagnoses=("overfitting",),
)


def report(*sections: Section, points: float = 2.0) -> Report:
    return Report("spotify", "q1", "Add dropout", sections, points)


WRONG = report(NETWORK, CURVES)
RIGHT = report(
    Section("architecture", True, 1.0, 1.0, (), TABLE[:1]),
    Section("curves", True, 1.0, 1.0, curves=HEALTHY, diagnoses=("healthy",)),
)

EVIL = "<img src=x onerror=alert(1)>`</code><script>alert(2)</script>\"'&amp;{{7*7}}{% x %}\x1b[31m\u202e"


def hostile() -> Report:
    """A report in which everything that a learner can influence is an attack."""
    findings = (Finding(EVIL, params={EVIL: EVIL}), Finding("layer.extra", position=1, params={"layer": EVIL}))
    rows = (Row(EVIL, 1, EVIL, EVIL, EVIL), Row("change", 2, EVIL, None, EVIL))
    curves: Any = {"loss": [EVIL], "val_loss": [EVIL, None]}
    sections = (
        Section("architecture", False, 0.0, 1.0, findings, rows),
        Section(EVIL, False, 0.0, 1.0, curves=curves, diagnoses=(EVIL,)),
    )
    return Report(EVIL, EVIL, EVIL, sections, 2.0)


CHINESE = {
    "Question {number}": "第 {number} 题",
    "{question}: {verdict}.": "{question}：{verdict}。",
    "{clause}, and {other}": "{clause}，{other}",
    "the network still needs a change": "网络还需要修改",
    "the training still overfits": "训练仍然过拟合",
    "Your network beside the expected one": "你的网络与期望的网络",
    "Layer": "层",
    "Your network": "你的网络",
    "Expected": "期望",
    "What to do": "要做什么",
    "right": "正确",
    "add this layer": "添加这一层",
    "training loss": "训练损失",
    "validation loss": "验证损失",
    "Diagnosis: {diagnosis}": "诊断：{diagnosis}",
    "overfitting": "过拟合",
    "After layer {position} `{after}`, add `{layer}`.": (
        "在第 {position} 层 `{after}` 之后添加 `{layer}`。"
        "这一层在训练时随机关闭一部分单元，因此网络不能依赖单个单元，只能去寻找更普遍的规律。"
    ),
}


class Catalogue(gettext.NullTranslations):
    """Chinese for the layout only; the real catalogue may say it better."""

    def gettext(self, message: str) -> str:
        return CHINESE.get(message, message)


class Elements(HTMLParser):
    """The elements of a page, each with its attributes, and all its words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.found if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def standalone(html: str, dark: bool = False) -> str:
    """The feedback in a page such as JupyterLab's light or dark theme."""
    look = "background:#111;color:#ddd;--jp-content-font-color1:#fff" if dark else "background:#fff;color:#222"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Feedback</title></head>'
        f'<body data-jp-theme-light="{"false" if dark else "true"}" style="{look}"><main>'
        f"<h1>Lesson</h1><h2>Question</h2>{html}</main></body></html>"
    )


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless browser; the test is skipped where there is none."""
    program = machine.chromium()
    playwright = pytest.importorskip("playwright.sync_api")
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    arguments += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=program, args=arguments)
        yield running
        running.close()
