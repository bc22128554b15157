"""What no namespace separates is out of a notebook's reach, and nothing of one run is there in the next."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import machine
import pytest

from checker.grading.sandbox import Limits, host

NO = "Operation not permitted"
DONE = "did it"

PROBES = r"""
import ctypes, fcntl, glob, json, os, signal, socket, sys, termios
from checker.grading.sandbox import guest
guest._become(int(sys.argv[1]))
guest.forbid()
libc = ctypes.CDLL(None, use_errno=True)
column = 0 if os.uname().machine == "x86_64" else 1

def call(numbers, *arguments):
    ctypes.set_errno(0)
    done = libc.syscall(numbers[column], *arguments)
    return "did it" if done >= 0 else os.strerror(ctypes.get_errno())

def tried(function):
    try:
        function()
        return "did it"
    except OSError as error:
        return error.strerror

def listed(path):
    return [line.split()[:2] for line in open(path).read().splitlines()[1:]]

descriptors = [number for number in range(3, 100) if os.path.exists(f"/proc/self/fd/{number}")]
marks = ["/dev/shm/mark", "/tmp/mark", "/home/learner/mark"]
before = [path for path in marks if os.path.exists(path)]
for path in marks:
    open(path, "w").close()
status = dict(line.split(":\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\t" in line)
own = socket.socket(socket.AF_UNIX)
found = {
    "before": before,
    "descriptors": descriptors,
    "memory": listed("/proc/sysvipc/shm"),
    "queues": listed("/proc/sysvipc/msg"),
    "sockets": sum("@" in line for line in open("/proc/net/unix")),
    "queue": call((240, 180), b"mark", os.O_CREAT | os.O_EXCL, 0o600, None),
    "socket": tried(lambda: own.bind("\0mark")),
    "keys": [
        call((248, 217), b"user", b"a", b"b", 1, -3),
        call((249, 218), b"user", b"a", None, -3),
        call((250, 219), 0, -3, 0),
    ],
    "namespaces": [call((272, 97), 0x10000000), call((56, 220), 0x10000011, 0, 0, 0, 0), call((308, 268), 0, 0)],
    "mount": call((165, 40), b"sysfs", b"/tmp", b"sysfs", 0, None),
    "kernel": [call((101, 117), 16, 1, 0, 0), call((321, 280), 0, 0, 0), call((425, 425), 1, 0)],
    "terminal": [tried(lambda: os.open("/dev/tty", os.O_RDWR)), tried(lambda: fcntl.ioctl(0, termios.TIOCSTI, b"x"))],
    "processes": len(glob.glob("/proc/[0-9]*")),
    "parent": tried(lambda: os.kill(os.getppid(), 0)) if os.getppid() > 1 else "is the namespace's first",
    "rights": [status["CapEff"].strip("0"), status["CapPrm"].strip("0"), status["NoNewPrivs"], status["Seccomp"]],
    "environment": sorted(os.environ),
    "sys": os.path.exists("/sys/kernel"),
    "settings": tried(lambda: open("/proc/sys/kernel/core_pattern", "w").close()),
}
libc.shmget(77, 4096, 0o1666)
libc.msgget(77, 0o1666)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def probed() -> list[dict[str, Any]]:
    """What two runs, one after the other, found and could do; the first leaves behind what it can."""
    machine.sandbox()
    inside = [sys.executable, "-P", "-c", PROBES, str(host._user())]
    command = [*host._bubblewrap(Limits()), "--", *inside]
    found = []
    for _ in range(2):
        environment = {**os.environ, "SECRET": "x"}
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, env=environment, text=True)
        assert done.returncode == 0, done.stderr
        found.append(json.loads(done.stdout))
    return found


def test_keyrings_are_out_of_reach(probed: list[dict[str, Any]]) -> None:
    assert [run["keys"] for run in probed] == [[NO] * 3] * 2


def test_no_namespace_is_made_and_nothing_is_mounted(probed: list[dict[str, Any]]) -> None:
    for run in probed:
        assert (run["namespaces"], run["mount"], run["kernel"]) == ([NO] * 3, NO, [NO] * 3)
        assert run["rights"] == ["", "", "1", "2"]
        assert not run["sys"]
        assert run["settings"] != DONE


def test_there_is_no_terminal_to_type_into(probed: list[dict[str, Any]]) -> None:
    assert all(DONE not in run["terminal"] for run in probed)


def test_nothing_of_one_run_is_there_in_the_next(probed: list[dict[str, Any]]) -> None:
    """Files, shared memory, message queues and abstract sockets, which the first run left."""
    for run in probed:
        assert (run["before"], run["memory"], run["queues"], run["sockets"]) == ([], [], [], 0)
        assert run["queue"] != "File exists"
        assert run["socket"] == DONE


def test_no_process_descriptor_or_variable_of_the_grader_is_there(probed: list[dict[str, Any]]) -> None:
    for run in probed:
        assert run["processes"] <= 3
        assert run["parent"] != DONE
        assert run["descriptors"] == []
        assert not {"SECRET", "SSH_AUTH_SOCK", "XDG_RUNTIME_DIR"} & set(run["environment"])
