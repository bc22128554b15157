"""Every code that the package can report has its sentence, and every sentence its use."""

from __future__ import annotations

import re
from pathlib import Path

import checker
from checker.report.messages import MESSAGES

PACKAGE = Path(checker.__file__).parent
SOURCE = "\n".join(path.read_text("utf-8") for path in sorted(PACKAGE.rglob("*.py")) if path.name != "messages.py")
CODE = re.compile(
    r"""["']((?:model|layer|network|compile|history|curve|compare|reading|repair|answer|number|choice|checker|evidence)\.[a-z_0-9.]+(?::[a-z_]+)?)["']"""
)


def test_every_code_has_a_sentence() -> None:
    other = (".h5", ".keras", ".json", ".py", "model.weights")  # names of files
    codes = {
        code
        for code in CODE.findall(SOURCE)
        if not code.endswith(other) and not code.startswith(("checker.grading", "checker.show"))
    }
    assert not sorted(code for code in codes if code not in MESSAGES)


def test_every_sentence_ends_as_one() -> None:
    assert not sorted(code for code, text in MESSAGES.items() if text and text[-1] not in ".?}")


def test_a_wording_belongs_to_a_code() -> None:
    assert not sorted(code for code in MESSAGES if ":" in code and code.partition(":")[0] not in MESSAGES)
