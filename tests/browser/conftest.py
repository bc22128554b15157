"""What the browser tests share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import machine
import pytest
from browser.lab import Server, chromium, jupyterlab
from place import ROOT
from playwright.sync_api import BrowserContext


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[BrowserContext, Server]]:
    """JupyterLab and Chromium, started once; all their processes end with the tests, whatever happens in them."""
    program = machine.chromium()
    home = tmp_path_factory.mktemp("browser")
    with ExitStack() as stack:
        server = stack.enter_context(jupyterlab(ROOT / "notebooks", home))
        yield stack.enter_context(chromium(home, program)), server
