"""The measure that the benchmark rests on misses no process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from place import ROOT

ORPHAN = """
import os, subprocess, sys, time
BURN = "import time; held = bytearray(200_000_000)\\nwhile time.process_time() < 0.6: pass"
if os.fork() == 0:
    subprocess.Popen([sys.executable, "-c", BURN])  # its parent ends at once, and waits for nothing
    os._exit(0)
os.wait()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's account of orphans is Linux's")
def test_orphans_are_counted(tmp_path: Path) -> None:
    script = tmp_path / "orphan.py"
    script.write_text(ORPHAN)
    ask = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'tests/support')!r}); from pathlib import Path;"
        f"from usage import measured; used = measured([sys.executable, {str(script)!r}], Path('.'));"
        "print(used.cpu, used.peak)"
    )
    run = subprocess.run(
        [sys.executable, "-c", ask], capture_output=True, text=True, check=True, start_new_session=True
    )
    cpu, peak = map(float, run.stdout.split())
    assert cpu >= 0.5
    assert peak >= 200_000_000
