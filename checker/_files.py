"""Small things about files and the process that several packages need."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def handlers_kept() -> Iterator[None]:
    """Keep the process's logging handlers open while another library configures logging.

    ``logging.config`` closes every handler there is before it sets up its own. That of absl, which TensorFlow brings
    along, then closes the stream that was ``sys.stderr`` when it was imported, and the process has none any more.
    """
    handlers, names = logging._handlerList[:], dict(logging._handlers)  # type: ignore[attr-defined]
    logging._handlerList[:] = []  # type: ignore[attr-defined]
    try:
        yield
    finally:
        logging._handlerList[:0] = handlers  # type: ignore[attr-defined]
        for name, handler in names.items():
            logging._handlers.setdefault(name, handler)  # type: ignore[attr-defined]
