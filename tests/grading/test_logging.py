"""Whoever grades keeps the stderr that was there when TensorFlow, which brings absl's handler, was imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import classroom
import pytest

SETUP = """
import io, logging, sys
sys.stderr = then = io.TextIOWrapper(io.BytesIO(), "utf-8")  # as a test runner or a notebook puts its own there
import absl.logging
absl.logging.use_absl_handler()
before = logging.getLogger().handlers[:]
sys.stderr = sys.__stderr__
"""
AFTER = """
assert not then.closed, "lost sys.stderr"
assert logging.getLogger().handlers == before
"""


def python(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", SETUP + code + AFTER], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_grading_from_a_command_line_runner(tmp_path: Path) -> None:
    classroom.hand_in(classroom.course(tmp_path, gradebook=False), "ada", classroom.ARCHETYPES["nothing"])
    arguments = ["grade", "spotify", "--course", str(tmp_path), "--db", "nonsense"]
    python(
        "from typer.testing import CliRunner\n"
        "from checker.cli import app\n"
        f"assert CliRunner().invoke(app, {arguments}).exit_code == 2"
    )


@pytest.mark.parametrize(
    "configure", ["logging.config.fileConfig({!r})", "logging.config.dictConfig({{'version': 1}})"]
)
def test_what_configures_logging_closes_nothing(configure: str, tmp_path: Path) -> None:
    ini = tmp_path / "alembic.ini"
    ini.write_text(
        "[loggers]\nkeys=root\n[handlers]\nkeys=console\n[formatters]\nkeys=\n"
        "[logger_root]\nhandlers=console\n[handler_console]\nclass=StreamHandler\nargs=(sys.stderr,)\n"
    )
    python(
        "import logging.config\n"
        "from checker.grading._logging import handlers_kept\n"
        f"with handlers_kept():\n    {configure.format(str(ini))}"
    )
