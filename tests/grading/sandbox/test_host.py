"""The sandbox's own parts; what it withstands is in test_attacks.py."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile

import pytest

from checker.grading.sandbox import host
from checker.grading.sandbox.host import Limits


def test_only_expected_files_are_taken_from_the_stream() -> None:
    good = {"notebook.ipynb": b"{}", "evidence/q1.json": b"{}", "evidence/q1.keras": b"PK"}
    bad = ("evidence/../x.json", "/etc/passwd", "evidence/q1.py", "evidence/a/b.json", "other", "evidence/.json")
    assert host._unpacked(host._packed({**good, **dict.fromkeys(bad, b"x")})) == good


def test_a_broken_stream_gives_what_came_before() -> None:
    whole = host._packed({"notebook.ipynb": b"{}", "evidence/q1.json": b"x" * 5000})
    assert host._unpacked(whole[:1500]) == {"notebook.ipynb": b"{}"}
    assert host._unpacked(b"") == host._unpacked(os.urandom(4096)) == {}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_links_and_devices_in_the_stream_are_left_out(kind: bytes) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("evidence/q1.json")
        entry.type, entry.linkname = kind, "/etc/passwd"
        archive.addfile(entry)
    assert host._unpacked(buffer.getvalue()) == {}


def test_memory_of_all_descendants_is_counted() -> None:
    child = "x = bytearray(200_000_000); print(1, flush=True); input()"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert host.resident(process.pid) > 200_000_000
        process.communicate(b"\n")


def test_the_sandbox_shows_no_more_than_needed() -> None:
    command = host._bubblewrap(Limits())
    shown = {command[place + 1] for place, word in enumerate(command) if word == "--ro-bind"}
    assert not any(path in shown for path in ("/", "/home", "/root", "/etc", "/var", "/tmp", os.getcwd()))
    assert "--unshare-net" in command
    assert "--clearenv" in command
    assert "--bind" not in command  # nothing on disk can be written
