"""What training DID: the learning curves, read as a good teacher reads them.

:func:`diagnose` names what a run shows and on which evidence, :func:`compare` says what changed between two runs.
Every rule works on the curves alone, and none depends on the scale of the loss:

- *Noise* is estimated from first differences, so that a trend is not mistaken for noise: 1.4826 MAD / sqrt 2.
- *Trends* are Theil-Sen slopes (Sen 1968), tested with Mann and Kendall's test (Mann 1945, Kendall 1975). No rule
  hangs on a single epoch.
- *Effects* are shares of the level that the loss has reached. A real overfit rises little where the loss is a mean
  absolute error (2 to 4 % in the course's own example), so a rise has to stand out of the noise, not to be large; what
  tells memorising from chance is that the training loss has meanwhile left the validation loss behind.
- Dropout and weight decay lift the training loss above the validation loss, and a training loss is an average over its
  epoch. So the *growth* of the gap between the two is judged, never its sign (:func:`gap_growth`).

The constants were measured with ``tests/curves/measure.py`` and ``repeats.py``; the tables are in the README there.
"""

from checker.curves.comparison import (
    SAME_GAP,
    SAME_MINIMUM,
    SAME_NOISE,
    SAME_PACE,
    Comparison,
    compare,
)
from checker.curves.diagnosis import (
    ASTRONOMICAL,
    EARLY,
    EARLY_EPOCHS,
    EARLY_PARTED,
    EXPLODED,
    FOR_LONG,
    FULL_EPOCHS,
    GAINED,
    HALVED,
    HARMFUL,
    IMPROVING,
    JAGGED,
    LARGE_GAP,
    LIKELY,
    MEMORISED,
    MIN_EPOCHS,
    NAMES,
    NEAR,
    NO_BETTER,
    NOTABLE,
    OFTEN,
    PARTED,
    PLAIN_PARTED,
    PLAIN_RISE,
    ROUGH,
    RUNAWAY,
    SIGNIFICANT,
    SILENT_START,
    STALLED,
    STALLED_CODE,
    STRENGTHS,
    UNSURE_FALL,
    UNSURE_SPREAD,
    Diagnosis,
    Verdict,
    diagnose,
    gap_growth,
)
from checker.curves.measures import EXACT, THINNED, Array, mann_kendall, noise, smooth, theil_sen
from checker.curves.read import Curves, NotCurves, float32_values

__all__ = [
    "ASTRONOMICAL",
    "EARLY",
    "EARLY_EPOCHS",
    "EARLY_PARTED",
    "EXACT",
    "EXPLODED",
    "FOR_LONG",
    "FULL_EPOCHS",
    "GAINED",
    "HALVED",
    "HARMFUL",
    "IMPROVING",
    "JAGGED",
    "LARGE_GAP",
    "LIKELY",
    "MEMORISED",
    "MIN_EPOCHS",
    "NAMES",
    "NEAR",
    "NOTABLE",
    "NO_BETTER",
    "OFTEN",
    "PARTED",
    "PLAIN_PARTED",
    "PLAIN_RISE",
    "ROUGH",
    "RUNAWAY",
    "SAME_GAP",
    "SAME_MINIMUM",
    "SAME_NOISE",
    "SAME_PACE",
    "SIGNIFICANT",
    "SILENT_START",
    "STALLED",
    "STALLED_CODE",
    "STRENGTHS",
    "THINNED",
    "UNSURE_FALL",
    "UNSURE_SPREAD",
    "Array",
    "Comparison",
    "Curves",
    "Diagnosis",
    "NotCurves",
    "Verdict",
    "compare",
    "diagnose",
    "float32_values",
    "gap_growth",
    "mann_kendall",
    "noise",
    "smooth",
    "theil_sen",
]
