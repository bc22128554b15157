"""Workers that can be ended: each task runs in a process of its own, watched from outside.

A time limit inside a process holds only while the code in it lets go; a limit on memory, only while it does not ask for
all at once. Here a thread of the parent watches each worker and kills one that is over a limit: its task alone fails.
"""

from __future__ import annotations

import ctypes
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import forkserver, get_context, parent_process
from pathlib import Path
from typing import Any, Final

MEMORY: Final = 1_000_000_000
"""Bytes that a worker may hold."""

PATIENCE: Final = 5.0
"""Seconds of CPU time beyond the limit within which a task may end itself, with a better message."""

WALL: Final = 300.0
"""Seconds of wall time that a task may take, runs in the sandbox not included: it may sleep, or wait for a lock."""

_MORE: Final = "more"
_more: Callable[[float], None] | None = None
"""In a worker: tells the thread that watches it of wall time that its task has yet to get."""


def may_take(seconds: float) -> None:
    """Give the task under way so many more seconds of wall time: it waits for something that has limits of its own."""
    if _more is not None:
        _more(seconds)


class OutOfLimits(Exception):
    """A task used more than it may.

    Attributes:
        code: which limit, a message code.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Workers(Executor):
    """Processes that run one task after the other, each watched by a thread.

    Args:
        count: how many.
        seconds: CPU time that one task may take.
        memory: bytes that a worker may hold.
        wall: wall time that one task may take.
    """

    def __init__(self, count: int, seconds: float, memory: int = MEMORY, wall: float = WALL) -> None:
        self.seconds, self.memory, self.wall = seconds, memory, wall
        self._tasks: queue.SimpleQueue[tuple[Future[Any], tuple[Any, ...]] | None] = queue.SimpleQueue()
        _start_server()  # in this thread: the kernel ends it with the thread that started it
        self._threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **_: Any) -> Future[Any]:
        """Run a function of a module in a worker."""
        future: Future[Any] = Future()
        self._tasks.put((future, (function, arguments)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let the workers end what they do, and leave."""
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads if wait else ():
            thread.join()

    def _serve(self) -> None:
        worker: _Worker | None = None
        while (task := self._tasks.get()) is not None:
            future, call = task
            if not future.set_running_or_notify_cancel():
                continue
            try:
                if worker is None:
                    worker = _Worker(self.memory, self.wall)
                future.set_result(worker.run(call, self.seconds))
            except BaseException as error:
                if worker is not None and (isinstance(error, BrokenProcessPool | OutOfLimits) or worker.dead):
                    worker.kill()
                    worker = None
                future.set_exception(error)
        if worker is not None:
            worker.kill()


class _Worker:
    """One process, and the pipe to it."""

    def __init__(self, memory: int, wall: float) -> None:
        context = _context()
        self.pipe, theirs = context.Pipe()
        self.memory, self.wall = memory, wall
        self.process = context.Process(target=_work, args=(theirs, memory), daemon=False)
        self.process.start()
        theirs.close()

    @property
    def dead(self) -> bool:
        return not self.process.is_alive()

    def run(self, call: tuple[Any, ...], seconds: float) -> Any:
        try:
            self.pipe.send(call)
            deadline, used = time.monotonic() + self.wall, self._cpu()
            while True:
                self._watch(deadline, used + seconds + PATIENCE)
                kind, value = self.pipe.recv()
                if kind != _MORE:
                    break
                deadline += value
        except (EOFError, OSError) as error:
            raise BrokenProcessPool(str(error)) from error
        if not kind:
            raise value
        return value

    def _watch(self, deadline: float, cpu: float) -> None:
        """Wait until the worker says something.

        Raises:
            OutOfLimits, BrokenProcessPool: it is over a limit, or dead.
        """
        while not self.pipe.poll(0.25):
            if self.dead and not self.pipe.poll():
                raise BrokenProcessPool(f"exit code {self.process.exitcode}")
            if self._cpu() > cpu or time.monotonic() > deadline:
                raise OutOfLimits("submission.too_slow")
            if self._memory() > self.memory:
                raise OutOfLimits("submission.too_big")

    def _cpu(self) -> float:
        """Seconds of CPU time of the process itself, what it runs in the sandbox not counted."""
        with suppress(OSError, ValueError, IndexError):
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return 0.0

    def _memory(self) -> int:
        with suppress(OSError, ValueError, IndexError):
            pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
            return pages * os.sysconf("SC_PAGE_SIZE")
        return 0

    def kill(self) -> None:
        if not self.dead:
            self.process.kill()
        self.process.join()
        self.pipe.close()


def _context() -> Any:
    """How workers are started: where that is safe, as copies of one process that has everything imported already."""
    if sys.platform != "linux":
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload(["checker.grading.warm"])
    return context


def _start_server() -> None:
    if sys.platform == "linux":
        _context()
        forkserver.ensure_running()


def _work(pipe: Any, memory: int) -> None:
    """Run what comes through the pipe until it closes."""
    global _more
    _more = lambda seconds: pipe.send((_MORE, seconds))  # noqa: E731
    _die_with_the_parent()
    _bound(memory)
    while True:
        try:
            function, arguments = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            answer = True, function(*arguments)
        except BaseException as error:
            answer = False, error
        try:
            pipe.send(answer)
        except OSError:
            return
        except Exception as error:  # an outcome that cannot be sent
            pipe.send((False, RuntimeError(repr(error)[:200])))


def _die_with_the_parent() -> None:
    """Have the kernel end this process when the one that it was forked from ends, which ends with the grader."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG
        parent = parent_process()
        if parent is None or not parent.is_alive():  # it ended before this was asked for
            os._exit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _bound(memory: int) -> None:
    """Limit this process's memory, softly: what it starts (the sandbox) sets limits of its own."""
    if sys.platform == "linux":
        import resource

        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (memory, hard))
