"""Run a learner's notebook where it can harm nobody.

bubblewrap gives it an empty machine: no network, the system read-only, a private home and working folder in memory, no
sight of the course's sources, the gradebook or other submissions. Nothing it writes reaches the disk: its evidence and
the executed notebook come back as one bounded stream, which is read as hostile data. So what a run yields is evidence,
to be verified like any other, and never points.
"""

from __future__ import annotations

import io
import json
import os
import select
import selectors
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

from checker.language import N_, translate
from checker.questions.bundle import FRESH
from checker.reading.archive import ARCHIVE_LIMIT, MEGABYTE, NOTEBOOK_LIMIT, RECORD_LIMIT

FIRST_USER: Final = 2_000_000_000
"""First of the user numbers, owned by nobody, that notebooks run as when the grader is root: one for each grader's
process, so that the kernel's limit on processes counts each run alone."""

_GUEST: Final = Path(__file__).resolve().with_name("guest.py")
"""What runs inside: a file of its own, which imports nothing of the checker."""

SECONDS_TO_END: Final = 30.0
"""Seconds that the kernel is given to end what it was told to end: a process that is writing may need a moment."""


@dataclass(frozen=True)
class Limits:
    """What one run may use.

    Attributes:
        seconds: wall time of the whole notebook.
        memory: bytes of memory, of all its processes together.
        processes: processes and threads.
        disk: bytes in its working folder, home and temporary folder each, and in any one file.
        output: bytes that it hands back.
    """

    seconds: float = 900.0
    memory: int = 6_000 * MEGABYTE
    processes: int = 400
    disk: int = 256 * MEGABYTE
    output: int = 128 * MEGABYTE


class Ending(StrEnum):
    """How a run ended."""

    FINISHED = "finished"
    TIME = "time"
    MEMORY = "memory"
    OUTPUT = "output"
    DIED = "died"


@dataclass(frozen=True)
class Run:
    """One run: how it ended and what it left.

    Attributes:
        ending: how it ended.
        seconds: how long it took.
        files: the executed notebook (``"notebook.ipynb"``) and the evidence (``"evidence/q1.json"``), as hostile bytes.
    """

    ending: Ending
    seconds: float
    files: dict[str, bytes] = field(default_factory=dict, repr=False)


@cache
def available() -> str | None:
    """None if notebooks can be run safely here, else the reason, with the line that installs what is missing."""
    if shutil.which("bwrap") is None:
        return translate(
            N_("bubblewrap is not installed, so no notebook was run: install it with `{command}`."),
            command="sudo apt-get install bubblewrap",
        )
    command = [*_bubblewrap(Limits()), "--", sys.executable, "-c", "pass"]
    try:
        trial = subprocess.run(command, capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = str(error)
    else:
        if trial.returncode == 0:
            return None
        reason = trial.stderr.decode("utf-8", "replace").strip()[-300:]
    return translate(
        N_(
            "bubblewrap does not work here ({reason}), so no notebook was run: allow unprivileged user namespaces with `{command}`."  # noqa: E501
        ),
        reason=reason,
        command="sudo sysctl kernel.unprivileged_userns_clone=1",
    )


def run_notebook(
    notebook: bytes, assignment: str, modules: dict[str, bytes] | None = None, limits: Limits | None = None
) -> Run:
    """Run a notebook in the sandbox and bring back what it left; never raises for what the notebook does.

    Args:
        notebook: the notebook file's bytes, with the course's own cells put back.
        assignment: the assignment's id; the working folder is named after it.
        modules: further files to lay beside the notebook, by plain name.
        limits: what it may use.

    Raises:
        RuntimeError: there is no sandbox here, with the reason.
    """
    if (reason := available()) is not None:
        raise RuntimeError(reason)
    limits = limits or Limits()
    handed_in = _packed({"notebook.ipynb": notebook, **(modules or {})})
    arguments = (_user(), limits.seconds, limits.memory, limits.processes, limits.disk)
    guest = [sys.executable, "-P", str(_GUEST), assignment, *map(str, arguments)]
    command = [*_bubblewrap(limits), "--", *guest]
    started = time.monotonic()
    process, namespace = _start(command)
    try:
        ending, output = _Watch(process, limits, handed_in, started).run()
    finally:
        _kill(process, namespace)
    return Run(ending, time.monotonic() - started, _unpacked(output))


def _user() -> int:
    """The user to become inside before anything of the notebook is read; 0 where the grader is no root and need not."""
    return FIRST_USER + os.getpid() % 1_000_000 if os.geteuid() == 0 else 0


# --- what it sees ----------------------------------------------------------------------------------------------------


_WRITABLE: Final = ("/tmp", "/home/learner", "/course/notebooks")


def _bubblewrap(limits: Limits) -> list[str]:
    """The command bubblewrap with its options: what the notebook sees of the machine, and nothing else."""
    command = [
        shutil.which("bwrap") or "bwrap",
        *("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"),
        *("--die-with-parent", "--new-session", "--hostname", "sandbox", "--clearenv", "--cap-drop", "ALL"),
    ]
    if os.geteuid() == 0:  # enough to become somebody else
        command += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        command += ["--unshare-user", "--disable-userns"]
    for folder in _WRITABLE:
        command += ["--perms", "1777", "--size", str(limits.disk), "--tmpfs", folder]
    for path, source in _visible().items():
        for parent in reversed(path.parents):
            command += ["--perms", "0755", "--dir", str(parent)]
        command += ["--ro-bind", str(source), str(path)]
    for name in ("/bin", "/lib", "/lib64", "/sbin"):
        if Path(name).is_symlink():
            command += ["--symlink", os.readlink(name), name]
        elif Path(name).exists():
            command += ["--ro-bind", name, name]
    command += ["--proc", "/proc", "--dev", "/dev"]
    command += ["--perms", "1777", "--size", str(limits.disk), "--tmpfs", "/dev/shm"]
    command += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/course/notebooks"]
    for name, value in _environment().items():
        command += ["--setenv", name, value]
    return command


def _package() -> Path:
    return Path(__file__).resolve().parents[2]


def _visible() -> dict[Path, Path]:
    """What is read-only inside, and where it comes from: Python, its packages, the checker, the data, the system."""
    system = ("/usr", "/etc/ld.so.cache", "/etc/ssl", "/etc/fonts", "/etc/alternatives", "/etc/localtime")
    data = _package().parent / "datasets"
    wanted = {Path(path) for path in (*system, sys.prefix, sys.base_prefix, _package(), data) if Path(path).exists()}
    outermost = sorted(path for path in wanted if wanted.isdisjoint(path.parents))
    return {**{path: path for path in outermost}, **({Path("/course/datasets"): data} if data in wanted else {})}


def _environment() -> dict[str, str]:
    search = os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"])
    return {
        "HOME": "/home/learner",
        "USER": "learner",
        "PATH": search,
        "PYTHONPATH": str(_package().parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
        "CHECKER_LANGUAGE": os.environ.get("CHECKER_LANGUAGE", "en"),
        FRESH: "1",
    }


# --- watching over a run ----------------------------------------------------------------------------------------------


class _Watch:
    """Feeds a run, collects its output and notices when it is over a limit."""

    def __init__(self, process: subprocess.Popen[bytes], limits: Limits, handed_in: bytes, started: float) -> None:
        self.process, self.limits, self.to_send = process, limits, memoryview(handed_in)
        self.deadline = started + limits.seconds
        self.output = bytearray()

    def run(self) -> tuple[Ending, bytes]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        os.set_blocking(self.process.stdin.fileno(), False)
        with selectors.DefaultSelector() as ready:
            ready.register(self.process.stdin, selectors.EVENT_WRITE)
            ready.register(self.process.stdout, selectors.EVENT_READ)
            while self.process.stdout in {key.fileobj for key in ready.get_map().values()}:
                if (ending := self._over()) is not None:
                    return ending, bytes(self.output)
                for key, _ in ready.select(timeout=0.25):
                    done = self._send() if key.fileobj is self.process.stdin else self._receive()
                    if done:
                        ready.unregister(key.fileobj)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.1, self.deadline - time.monotonic()))
        return Ending.FINISHED if self.process.returncode == 0 else Ending.DIED, bytes(self.output)

    def _send(self) -> bool:
        assert self.process.stdin is not None
        try:
            self.to_send = self.to_send[os.write(self.process.stdin.fileno(), self.to_send[:65536]) :]
        except BlockingIOError:
            return False
        except OSError:
            self.to_send = memoryview(b"")
        if not self.to_send:
            with suppress(OSError):
                self.process.stdin.close()
        return not self.to_send

    def _receive(self) -> bool:
        assert self.process.stdout is not None
        chunk = os.read(self.process.stdout.fileno(), 65536)
        self.output += chunk
        return not chunk

    def _over(self) -> Ending | None:
        if time.monotonic() > self.deadline:
            return Ending.TIME
        if len(self.output) > self.limits.output:
            return Ending.OUTPUT
        return Ending.MEMORY if resident(self.process.pid) > self.limits.memory else None


def resident(pid: int) -> int:
    """Bytes of memory that a process and all its descendants hold."""
    page = os.sysconf("SC_PAGE_SIZE")
    total, waiting = 0, [pid]
    while waiting:
        current = waiting.pop()
        with suppress(OSError, ValueError, IndexError):
            total += int(Path(f"/proc/{current}/statm").read_text().split()[1]) * page
            for task in Path(f"/proc/{current}/task").iterdir():
                waiting += [int(child) for child in (task / "children").read_text().split()]
    return total


def _start(command: list[str]) -> tuple[subprocess.Popen[bytes], int | None]:
    """Start bubblewrap; also a descriptor of the first process of its process namespace, None if that is over."""
    reading, writing = os.pipe()
    try:
        process = subprocess.Popen(
            [command[0], "--info-fd", str(writing), *command[1:]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=(writing,),
            start_new_session=True,
        )
    finally:
        os.close(writing)
        with open(reading, "rb") as pipe:
            told = pipe.read()  # bubblewrap writes it before it starts anything, and closes
    try:
        return process, os.pidfd_open(json.loads(told)["child-pid"])
    except (OSError, ValueError, KeyError):
        return process, None


def _kill(process: subprocess.Popen[bytes], namespace: int | None) -> None:
    """End bubblewrap and everything in its process namespace; nothing of it runs any more when this returns.

    bubblewrap itself ends before its namespace does. The namespace's first process is dead only when all others are
    (pid_namespaces(7)), so that is the one to wait for.
    """
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if namespace is not None:
        with suppress(OSError):
            signal.pidfd_send_signal(namespace, signal.SIGKILL)
        dead = select.poll()  # unlike select.select, also for descriptors above 1,023
        dead.register(namespace, select.POLLIN)
        dead.poll(1000 * SECONDS_TO_END)
        os.close(namespace)
    process.wait()


# --- what goes in and comes out ---------------------------------------------------------------------------------------


def _packed(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _unpacked(output: bytes) -> dict[str, bytes]:
    """The files in the stream that a run wrote, of expected names and sizes only; whatever is broken is left out."""
    files: dict[str, bytes] = {}
    with suppress(tarfile.TarError, OSError, ValueError, EOFError), tarfile.open(fileobj=io.BytesIO(output)) as archive:
        for _ in range(64):
            if (entry := archive.next()) is None:
                break
            if entry.isreg() and entry.size <= _largest(entry.name) and (member := archive.extractfile(entry)):
                files[entry.name] = member.read()
    return files


def _largest(name: str) -> int:
    """The size up to which a file of this name is taken; -1 for names that are not expected."""
    if name == "notebook.ipynb":
        return NOTEBOOK_LIMIT
    folder, _, file = name.partition("/")
    stem, _, suffix = file.partition(".")
    if folder != "evidence" or not stem.isidentifier():
        return -1
    return {"json": RECORD_LIMIT, "keras": ARCHIVE_LIMIT}.get(suffix, -1)
