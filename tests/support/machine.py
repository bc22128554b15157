"""What the tests need of the machine beyond Python's packages."""

from __future__ import annotations

import os
import shutil

import pytest

CHROMIUM = shutil.which("chromium")


def missing(reason: str) -> None:
    """Skip the test for want of something; fail where all has to be there, as in ``.ci/run``."""
    (pytest.fail if os.environ.get("CHECKER_REQUIRE_ALL") else pytest.skip)(reason)


def chromium() -> str:
    """The path of the browser."""
    if CHROMIUM is None:
        missing("the test needs the program chromium (Debian: chromium)")
    return str(CHROMIUM)


def sandbox() -> None:
    """See that notebooks can be run in the sandbox."""
    from checker.grading.sandbox import available

    if (reason := available()) is not None:
        missing(reason)
