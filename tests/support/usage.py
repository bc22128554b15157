"""What a command and everything that it starts use: CPU time and memory, from the kernel's own account.

A process is charged to its parent only once the parent has waited for it, so that workers forked by a server of their
own are missed. Here every orphan comes back to this process (``PR_SET_CHILD_SUBREAPER``), which waits for all.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """What a command used.

    Attributes:
        wall: seconds until it ended.
        cpu: CPU seconds of all its processes.
        peak: the largest memory that one of them held, in bytes.
        output: what it printed.
    """

    wall: float
    cpu: float
    peak: int
    output: str


def measured(command: Sequence[str], folder: Path, fails: bool = False) -> Usage:
    """Run a command in a folder, and wait for all that it started; Linux only.

    Children of the calling process that were started before count, too, unless they have a session of their own.

    Args:
        command: the program and its arguments.
        folder: where to run it.
        fails: whether it may fail.

    Raises:
        CalledProcessError: it failed.
    """
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    output = process.stdout.read()
    wall, cpu, peak = 0.0, 0.0, 0
    while True:
        try:
            pid, status, usage = os.wait4(0, 0)
        except ChildProcessError:
            break
        cpu, peak = cpu + usage.ru_utime + usage.ru_stime, max(peak, 1024 * usage.ru_maxrss)
        if pid == process.pid:
            wall, process.returncode = time.perf_counter() - started, os.waitstatus_to_exitcode(status)
    process.stdout.close()
    if process.returncode and not fails:
        raise subprocess.CalledProcessError(process.returncode, command, output)
    return Usage(wall, cpu, peak, output)


def cpu_of(processes: Iterable[int]) -> float:
    """CPU seconds that running processes, and the children that they waited for, have used so far."""
    fields = (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in processes)
    return sum(sum(map(int, each[11:15])) for each in fields) / _TICKS


def with_children(pid: int) -> list[int]:
    """A process and all its descendants."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for task in tasks for child in task.read_text().split()]
    return [pid, *(each for child in children for each in with_children(child))]
