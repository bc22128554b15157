"""What a grader's worker needs, imported once in the process from which all of them are forked (see ``pool``)."""

# ruff: noqa: E402, F401

import ctypes
import signal
import sys

if sys.platform == "linux":  # it ends with the process that started it, even if that was killed; its workers with it
    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG

# nbformat brings jsonschema along, and that a parser of internationalised addresses, which takes a second to be made.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]  # as if not installed: nothing here has such addresses

import h5py
import IPython.core.inputtransformer2

import checker.curves
import checker.grading.batch
import checker.grading.course
import checker.reading.replay
import checker.show.html
import checker.show.svg
import checker.show.text
