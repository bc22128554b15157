"""What learning curves can be called: one table of all that is known of each diagnosis but how it is found.

How it is found stands in :mod:`checker.curves.diagnosis`; the sentence that explains it among the messages, as
``curve.<name>``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from checker.language import N_


@dataclass(frozen=True)
class Kind:
    """A diagnosis.

    Attributes:
        words: the diagnosis in two or three words.
        clause: the same as a clause, where it is what is wrong with a training.
        is_fault: whether a training must not show it, unless its question says otherwise.
        tells: whether it says how the training went; where not, it says why that cannot be told.
    """

    words: str
    clause: str = ""
    is_fault: bool = False
    tells: bool = True


KINDS: Mapping[str, Kind] = {
    "diverged": Kind(N_("training diverged"), N_("the training diverged"), is_fault=True),
    "dead_start": Kind(N_("nothing was learned"), N_("the network did not learn"), is_fault=True),
    "unstable": Kind(N_("unstable training"), N_("the training is unstable"), is_fault=True),
    "overfitting": Kind(N_("overfitting"), N_("the training still overfits"), is_fault=True),
    "underfitting": Kind(N_("underfitting"), N_("the network underfits"), is_fault=True),
    "still_improving": Kind(N_("still improving"), N_("the training stopped too early")),
    "healthy": Kind(N_("healthy")),
    "too_short": Kind(
        N_("too few epochs to tell"), N_("the training was too short to judge"), is_fault=True, tells=False
    ),
    "no_validation": Kind(N_("no validation loss"), tells=False),
}
"""Every diagnosis, what matters most first. ``healthy`` goes with ``still_improving``: nothing is wrong, but there is
more to gain."""

FAULTS = tuple(name for name, kind in KINDS.items() if kind.is_fault)
"""What a training must not show, unless its question says otherwise."""
