"""Run the tests in fresh environments with the oldest or the newest versions that requirements.txt allows.

``python tests/support/versions.py oldest`` or ``newest``; further arguments go to pytest. Without constraints.txt, in a
temporary virtual environment, which takes about 3 GB of disk while it runs.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from place import ROOT


def oldest() -> list[str]:
    """Each requirement at its lower bound."""
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    bounds = (re.match(r"([A-Za-z0-9_.-]+)>=([0-9.]+)", line) for line in lines)
    return [f"{bound[1]}=={bound[2]}" for bound in bounds if bound]


def main(which: str, *arguments: str) -> int:
    """Install and test; returns pytest's exit status."""
    if which not in ("oldest", "newest"):
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "venv")  # the folder itself is private, which the sandbox's user could not enter
        venv.create(place, with_pip=True)
        python = str(place / "bin" / "python")
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        wanted = oldest() if which == "oldest" else ["--upgrade"]
        print(f"Installing the {which} versions", *wanted, flush=True)
        subprocess.run([*install, *wanted, "--editable", f"{ROOT}[test]"], check=True)
        subprocess.run([python, "-m", "pip", "list", "--format=freeze"], check=True)
        return subprocess.run(
            [python, "-m", "pytest", "--dist", "loadgroup", "--benchmark-disable", *arguments], cwd=ROOT
        ).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:] or [""]))
