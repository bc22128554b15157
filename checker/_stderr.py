"""Silence for libraries that greet on the process's stderr, past Python."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Leave out what compiled libraries write to stderr meanwhile.

    TensorFlow reports the machine's drivers and processor when it is imported, whatever its settings say. Exceptions
    and Python's own warnings are seen as ever in a notebook, whose ``sys.stderr`` does not write to the process's.

    Example:
        >>> with quiet():
        ...     import keras
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # for what it would say later
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
