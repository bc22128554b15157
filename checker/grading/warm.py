"""What a grader's worker needs, imported once in the process from which all of them are forked (see ``pool``)."""

# ruff: noqa: F401

import ctypes
import signal
import sys

if sys.platform == "linux":
    _libc = ctypes.CDLL(None)
    # It ends with the process that started it, even if that was killed; its workers with it.
    _libc.prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG
    if hasattr(_libc, "mallopt"):  # memory of some megabytes, freed and wanted again, is not given back in between
        _libc.mallopt(-1, 128 << 20)  # M_TRIM_THRESHOLD
        _libc.mallopt(-3, 32 << 20)  # M_MMAP_THRESHOLD

import checker.grading._imports

# isort: split
import h5py
import IPython.core.inputtransformer2
import numpy.random

import checker.curves
import checker.grading.batch
import checker.grading.course
import checker.reading.replay
import checker.show.html
import checker.show.svg
import checker.show.text

for _template in ("page.html", "picture.svg"):  # compiled once for all
    checker.show.html.environment().get_template(_template)
