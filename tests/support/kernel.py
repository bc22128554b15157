"""A kernel's display without the kernel: what a cell's result becomes in a saved notebook."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest import mock

Bundle = dict[str, Any]


@contextmanager
def display() -> Iterator[Callable[[Any], Bundle]]:
    """As if code ran in a kernel; gives what makes a MIME bundle of a cell's result, as IPython does."""
    from IPython.core.formatters import DisplayFormatter

    formatter = DisplayFormatter()
    with mock.patch("IPython.get_ipython", return_value=SimpleNamespace(kernel=object(), display_formatter=formatter)):
        yield lambda result: formatter.format(result)[0]


def notebook(results: Mapping[str, Bundle]) -> bytes:
    """A notebook file with a graded cell for each question, whose result was shown like this."""
    cells = [
        {
            "cell_type": "code",
            "id": question,
            "metadata": {"nbgrader": {"grade_id": question, "grade": True, "solution": False}},
            "source": f"exercise.{question}.grade(...)",
            "execution_count": 1,
            "outputs": [{"output_type": "execute_result", "metadata": {}, "execution_count": 1, "data": data}],
        }
        for question, data in results.items()
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()
