"""What compiled libraries write past Python is left out; what Python raises is not."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from checker import quiet

PROGRAM = """\
import os, sys
from checker import quiet
with quiet():
    os.write(2, b"from a library")
os.write(2, b"and afterwards")
"""


def test_nothing_gets_through_meanwhile_and_all_afterwards() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)
    assert run.stderr == "and afterwards"


def test_an_exception_is_raised_and_the_stream_is_back(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ImportError), quiet():
        raise ImportError("no such library")
    os.write(2, b"still here")
    assert capfd.readouterr().err == "still here"
