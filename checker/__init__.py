"""The checker: it looks at the model that a learner built and at what training did."""

from pathlib import Path

from checker._stderr import quiet
from checker.language import get_language, missing_package, set_language

__all__ = ["__version__", "get_language", "quiet", "set_language", "validate"]
__version__ = "0.1.0"


def validate(notebook: str | Path = "") -> None:
    """Run a notebook in a fresh kernel, as a grader would, and print its points; call it in the notebook's last cell.

    Args:
        notebook: the notebook's file, saved before; it is not changed.
    """
    try:
        from checker.grading.validate import validate_notebook
    except ModuleNotFoundError as error:
        print(missing_package(error, "grade"))
        return
    validate_notebook(Path(str(notebook)))
