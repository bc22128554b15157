"""Logging handlers of the process stay open while nbgrader sets its own logging up."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def handlers_kept() -> Iterator[None]:
    """Keep the handlers that exist now out of reach of ``dictConfig`` and ``fileConfig`` inside a ``with`` block.

    traitlets' applications call the one, alembic the other, and both close every handler of the process. That of absl,
    which TensorFlow brings, then closes its stream as well: the stderr of the moment at which it was imported.
    """
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    # The interpreter's own list of all handlers, of which logging.shutdown closes what it finds.
    everything: list[object] = logging._handlerList  # type: ignore[attr-defined]
    kept = everything[:]
    everything.clear()
    try:
        yield
    finally:
        everything[:0] = kept
        root.handlers[:] = handlers
        root.setLevel(level)
