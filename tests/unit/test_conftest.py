"""What a machine lacks is skipped with its reason, and fails where everything has to be there."""

from __future__ import annotations

import subprocess
import sys

import pytest
from place import ROOT, TESTS


@pytest.mark.parametrize(("required", "ending"), [("", "skipped"), ("1", "error")])
@pytest.mark.parametrize(
    ("test", "program"),
    [
        ("grading/test_attacks.py::TestLimits::test_endless_loop", "bubblewrap"),
        ("browser/test_browser.py::test_a_learner_sees_what_is_missing_types_it_and_passes", "chromium"),
    ],
)
def test_a_missing_program(test: str, program: str, required: str, ending: str) -> None:
    """The tests run where neither a browser nor bubblewrap is on the path."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(TESTS / test)],
        env={"PATH": "", "CHECKER_REQUIRE_ALL": required},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert f"1 {ending}" in done.stdout
    assert program in done.stdout
