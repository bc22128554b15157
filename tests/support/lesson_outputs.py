"""Run lessons and keep their outputs: ``python tests/support/lesson_outputs.py notebooks/01-dropout.ipynb …``.

Each runs in a folder of its own, as a new learner would run it, without what was checked before.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient


def run(path: Path) -> None:
    """Run a notebook and write it back; a progress bar is kept as it looks at its end."""
    book = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        NotebookClient(book, timeout=600, coalesce_streams=True, record_timing=False, resources=resources).execute()
    for cell in book.cells:
        if cell.cell_type == "code":  # TensorFlow greets on stderr, with the name of the machine's drivers
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    book.metadata.language_info.pop("version")
    nbformat.write(book, path)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        run(Path(name))
