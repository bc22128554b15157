"""A grader that is killed leaves a gradebook that the next run puts right; ``kills.py`` kills 200 times and more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from place import ROOT

pytestmark = pytest.mark.slow


def test_the_gradebook_is_that_of_an_undisturbed_run() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests/support")}
    command = [sys.executable, str(Path(__file__).with_name("kills.py")), "12", "--every", "20"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout, done.stderr[-2_000:])
    assert " 0 other gradebooks, 0 workers left behind" in done.stdout
