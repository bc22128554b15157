"""What other libraries do to the process is undone."""

from __future__ import annotations

import io
import logging
import logging.config

from checker._files import handlers_kept


class Closing(logging.StreamHandler[io.StringIO]):
    """Closes its stream, as absl's handler does with the stream that was stderr when TensorFlow was imported."""

    def close(self) -> None:
        self.stream.close()
        super().close()


def test_another_library_s_logging_closes_nobody_s_stream() -> None:
    stream = io.StringIO()
    handler = Closing(stream)
    with handlers_kept():
        logging.config.dictConfig({"version": 1, "disable_existing_loggers": False})
    assert not stream.closed
    with handlers_kept():
        pass
    logging.config.dictConfig({"version": 1, "disable_existing_loggers": False})
    assert stream.closed, "the handler is known to logging again"
    del handler


def test_the_command_line_leaves_stderr_open_in_a_process_with_tensorflow() -> None:
    import subprocess
    import sys

    code = """
import io, logging, os, sys, tempfile
from typer.testing import CliRunner
from checker.cli import app
from absl import logging as absl

os.chdir(tempfile.mkdtemp())
os.makedirs("notebooks/spotify")
os.makedirs("submitted/one/spotify")
stream = io.StringIO()
absl.get_absl_handler().python_handler.stream = stream
CliRunner().invoke(app, ["grade", "spotify"])
print(stream.closed)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False", done.stdout + done.stderr
