"""Where a learner's notebook runs and can harm nobody: ``host`` starts it and watches it, ``guest`` runs inside."""

from checker.grading.sandbox.host import SECONDS_TO_END, Ending, Limits, Run, available, resident, run_notebook

__all__ = ["SECONDS_TO_END", "Ending", "Limits", "Run", "available", "resident", "run_notebook"]
