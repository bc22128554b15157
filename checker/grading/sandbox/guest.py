"""What runs inside the sandbox: sets the limits, executes the notebook, streams back what it left.

Called by :mod:`checker.grading.sandbox.host` as ``python guest.py ASSIGNMENT USER SECONDS MEMORY PROCESSES DISK``,
with a tar of the handed-in files on standard input; it writes a tar to standard output.
"""

from __future__ import annotations

import io
import os
import resource
import sys
import tarfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from checker.grading.sandbox.calls import forbid

MESSAGES_LIMIT = 8_000_000
"""Bytes of output that the executed notebook keeps; what comes after is dropped."""


def main(assignment: str, *numbers: str) -> None:
    """Run one notebook.

    Args:
        assignment: the working folder's name.
        numbers: the user to become (0: stay who you are), and the limits of ``sandbox.Limits``.
    """
    user, seconds, memory, processes, disk = (float(number) for number in numbers)
    _become(int(user))
    forbid()
    stream = _private_stdout()
    folder = Path.cwd() / Path(assignment).name
    (folder / "evidence").mkdir(parents=True)
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as archive:
        archive.extractall(folder, filter="data")
    os.chdir(folder)
    _limit(int(memory), int(processes), int(disk))
    executed = _execute(folder / "notebook.ipynb", seconds)
    _send(stream, folder, executed)


def _become(user: int) -> None:
    """Give up root's rights for good."""
    if user:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)


def _private_stdout() -> int:
    """The pipe to the grader, on a number that no child inherits; what else is printed goes nowhere."""
    stream = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    return stream


def _limit(memory: int, processes: int, disk: int) -> None:
    for what, most in (
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_NPROC, processes),
        (resource.RLIMIT_FSIZE, disk),
        (resource.RLIMIT_NOFILE, 1024),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def _execute(path: Path, seconds: float) -> bytes:
    import nbformat
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    notebook: Any = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    client = _client(notebook, time.monotonic() + 0.8 * seconds)
    with suppress(CellTimeoutError, DeadKernelError, RuntimeError, OSError):  # what was done until then still counts
        client.execute()
    return str(nbformat.writes(notebook)).encode()  # type: ignore[no-untyped-call]


def _client(notebook: Any, deadline: float) -> Any:
    """A client that ends at the deadline, early enough to hand back what was done until then."""
    from nbclient import NotebookClient

    class Bounded(NotebookClient):
        """A client that stops collecting output when there is more than anybody reads."""

        kept = 0

        def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
            if msg["msg_type"] in ("stream", "display_data", "update_display_data", "execute_result", "error"):
                self.kept += len(repr(msg["content"]))
                if self.kept > MESSAGES_LIMIT:
                    return None
            return super().process_message(msg, cell, cell_index)

    return Bounded(
        notebook,
        timeout_func=lambda cell: max(1.0, deadline - time.monotonic()),
        startup_timeout=120,
        allow_errors=True,
        kernel_name="python3",
        resources={"metadata": {"path": os.getcwd()}},
    )


def _send(stream: int, folder: Path, executed: bytes) -> None:
    with os.fdopen(stream, "wb") as pipe, tarfile.open(fileobj=pipe, mode="w|") as archive:
        entry = tarfile.TarInfo("notebook.ipynb")
        entry.size = len(executed)
        archive.addfile(entry, io.BytesIO(executed))
        for path in sorted((folder / "evidence").iterdir()):
            if path.is_file() and not path.is_symlink() and path.suffix in (".json", ".keras"):
                archive.add(path, f"evidence/{path.name}", recursive=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
