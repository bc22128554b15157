"""Run lessons and keep their outputs: ``python tests/support/lesson_outputs.py notebooks/01-dropout.ipynb …``.

Each runs in a folder of its own, as a new learner would run it, without what was checked before.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

WIDGET = "application/vnd.jupyter.widget-view+json"
"""The form of an output that only a running kernel can show; beside it stands a picture for everybody else."""

ASKED = re.compile(r"^exercise\.\w+(\.check|\.compare|\.because)?\(", re.MULTILINE)
"""A line that says something of what the learner filled in."""


def run(path: Path) -> None:
    """Run a notebook and write it back; a progress bar is kept as it looks at its end."""
    book = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(
            book,
            timeout=600,
            coalesce_streams=True,
            record_timing=False,
            store_widget_state=False,
            resources={"metadata": {"path": folder}},
        ).execute()
    for cell in book.cells:
        if cell.cell_type == "code":  # TensorFlow greets on stderr, with the name of the machine's drivers
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
            if ASKED.search(cell.source):  # nobody has answered yet
                cell.outputs = []
            for output in cell.outputs:
                output.get("data", {}).pop(WIDGET, None)
    book.metadata.language_info.pop("version")
    nbformat.write(book, path)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        run(Path(name))
