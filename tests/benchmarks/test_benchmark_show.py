"""How long feedback takes to render, without pictures."""

from __future__ import annotations

from typing import Any

from feedback import DENSE, WRONG, report

from checker.report import Row, Section
from checker.show import html, text

DEEP = report(
    Section("architecture", False, 0.0, 1.0, (), tuple(Row("ok", number, DENSE, DENSE) for number in range(200)))
)


def test_html(benchmark: Any) -> None:
    benchmark(html.render, WRONG, pictures=False)


def test_html_of_200_layers(benchmark: Any) -> None:
    benchmark(html.render, DEEP, pictures=False)


def test_text(benchmark: Any) -> None:
    benchmark(text.render, WRONG)
