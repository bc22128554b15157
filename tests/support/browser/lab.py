"""A JupyterLab and a Chromium of our own: temporary folders, no network, nothing left running."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import BrowserContext, sync_playwright

PATIENCE = 180.0
"""Seconds that a slow, busy machine may take for any one thing."""

SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false"},
    "apputils-extension/themes": {"theme": "JupyterLab Light"},
}

FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # the course works without a network
)


@dataclass(frozen=True)
class Server:
    """A running JupyterLab."""

    address: str
    token: str
    folder: Path

    def page(self, notebook: str) -> str:
        """The address at which a notebook opens in a workspace of its own."""
        return f"{self.address}/lab/workspaces/{secrets.token_hex(4)}/tree/{notebook}?token={self.token}"


@contextlib.contextmanager
def jupyterlab(notebooks: Path, home: Path, *options: str) -> Iterator[Server]:
    """JupyterLab on a copy of these notebooks, with configuration and data of its own below ``home``.

    Args:
        notebooks: the folder that is copied.
        home: a folder for all that belongs to the server.
        options: more options of its command; ``{folder}`` in them stands for the copy.
    """
    folder = home / "notebooks"
    shutil.copytree(notebooks, folder, ignore=shutil.ignore_patterns("evidence", ".ipynb_checkpoints"))
    for name, settings in SETTINGS.items():
        path = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))
    server = Server(f"http://127.0.0.1:{_free_port()}", secrets.token_hex(16), folder)
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
        f"--port={server.address.rpartition(':')[2]}",
        "--ServerApp.port_retries=0",
        f"--notebook-dir={folder}",
        f"--IdentityProvider.token={server.token}",
        *(option.replace("{folder}", str(folder)) for option in options),
    ]
    with (
        (home / "lab.log").open("w") as log,
        subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=_own(home)) as lab,
    ):
        try:
            _answer(server, lab, home / "lab.log")
            yield server
        finally:
            lab.terminate()  # JupyterLab then shuts its kernels down
            try:
                lab.wait(20)
            except subprocess.TimeoutExpired:
                lab.kill()


@contextlib.contextmanager
def chromium(home: Path, path: str, scale: float = 1.5) -> Iterator[BrowserContext]:
    """Debian's Chromium without a window, with a new profile; ``scale`` device pixels make one of the page's."""
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            home / "profile",
            executable_path=path,
            args=list(FLAGS),
            chromium_sandbox=False,
            viewport={"width": 1280, "height": 1500},
            device_scale_factor=scale,
            locale="en-US",
            timeout=PATIENCE * 1000,
        )
        context.set_default_timeout(PATIENCE * 1000)
        try:
            yield context
        finally:
            context.close()


def _own(home: Path) -> dict[str, str]:
    """The environment of a JupyterLab that leaves the user's own files alone."""
    places = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    own = {name: str(home / folder) for name, folder in places.items()}
    return {**os.environ, **own, "CHECKER_LANGUAGE": "en", "TF_CPP_MIN_LOG_LEVEL": "3"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answer(server: Server, lab: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server answers."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and lab.poll() is None:
        with contextlib.suppress(urllib.error.URLError, OSError):
            urllib.request.urlopen(f"{server.address}/api?token={server.token}", timeout=5)
            return
        time.sleep(0.3)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()}")
