"""Which answers are alike, by the characters they are written with: one measure for English and for Chinese.

Character n-grams weighted by TF-IDF need no word list, no word borders and no download. They see wording, not meaning:
alike answers are put side by side for a person to read, and nothing is marked here. The likeness of two answers is the
cosine of their n-grams times the shorter one's length over the longer one's, since an answer that says a thing more is
worth other points. Thresholds were measured with ``tests/answers/measure_groups.py``; its table is in
``tests/answers/README.md``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ALIKE: Final = 0.30
"""Mean likeness of two groups from which they are one group."""

COPIED: Final = 0.75
"""Cosine from which one answer counts as nearly the other's text."""

SHORTEST_COPY: Final = 40
"""Characters (a Chinese one counts as three) below which two people may well write the same by themselves."""

FEW: Final = 15
"""Letters that are added to every length, so that short answers may differ by a word."""

LARGEST: Final = 4_000
"""Different texts that are compared all with all; more are first split into parts by their topics."""

_NO_WORDS = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Grouping:
    """Texts in groups.

    Attributes:
        groups: places of the texts; in each group the most typical comes first, then the ones most like it; groups
            that are alike are neighbours.
        near: for a text its near copies, the nearest first.
    """

    groups: tuple[tuple[int, ...], ...]
    near: dict[int, tuple[int, ...]]


def grouped(texts: Sequence[str], alike: float = ALIKE) -> Grouping:
    """Group texts by their wording.

    Args:
        texts: not empty ones.
        alike: as :data:`ALIKE`.
    """
    plain = [normal(text) for text in texts]
    places: dict[str, list[int]] = {}
    for place, text in enumerate(plain):
        places.setdefault(text, []).append(place)
    different = list(places)
    if not different:
        return Grouping((), {})
    vectors = _vectors(different)
    same = [places[text] for text in different]
    groups: list[tuple[int, ...]] = []
    near: dict[int, tuple[int, ...]] = {}
    for part in _parts(vectors):
        words = [different[place] for place in part]
        near_by = _cosines(vectors[part])
        likeness = near_by * _lengths(words)
        for members in _clusters(likeness, alike):
            own = likeness[members][:, members]
            typical = own.mean(axis=1).argmax()
            order = [typical, *(place for place in (-own[typical]).argsort(kind="stable") if place != typical)]
            groups.append(tuple(each for place in order for each in same[part[members[place]]]))
        for row, neighbours in _copies(near_by, words):
            twins = [each for place in neighbours for each in same[part[place]]]
            for each in same[part[row]]:
                near[each] = tuple(other for other in twins if other != each)
    return Grouping(tuple(groups), {place: twins for place, twins in near.items() if twins})


def normal(text: str) -> str:
    """The text's words alone: no case, no punctuation, no difference between full and half width."""
    return _NO_WORDS.sub(" ", unicodedata.normalize("NFKC", text).lower()).strip() or text.strip()


def weight(text: str) -> int:
    """How much a text says: its letters, a Chinese character counting as three."""
    return sum(3 if "\u3400" <= letter <= "\u9fff" else 1 for letter in text)


def cosines(texts: Sequence[str]) -> NDArray[np.float32]:
    """The cosines of all pairs of texts, in [0, 1], lengths left aside."""
    return _cosines(_vectors(texts))


def _vectors(texts: Sequence[str]) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True).fit_transform(texts)


def _parts(vectors: Any) -> Iterable[NDArray[np.intp]]:
    """The texts' places, in parts of which each is small enough to be compared all with all."""
    import numpy as np

    whole = np.arange(vectors.shape[0])
    if len(whole) <= LARGEST:
        return [whole]
    from sklearn.cluster import BisectingKMeans
    from sklearn.decomposition import TruncatedSVD

    topics = TruncatedSVD(32, random_state=0).fit_transform(vectors)
    labels = BisectingKMeans(2 * len(whole) // LARGEST + 1, random_state=0, bisecting_strategy="largest_cluster")
    named = labels.fit_predict(topics)
    parts = [whole[named == label] for label in range(named.max() + 1)]
    return [piece for part in parts for piece in np.array_split(part, -(-len(part) // LARGEST))]


def _cosines(vectors: Any) -> NDArray[np.float32]:
    import numpy as np

    cosines: NDArray[np.float32] = (vectors @ vectors.T).toarray().astype(np.float32)
    np.fill_diagonal(cosines, 1.0)
    return np.clip(cosines, 0.0, 1.0)


def _lengths(texts: Sequence[str]) -> NDArray[np.float32]:
    """The shorter text's length over the longer one's; a few letters more or less do not count."""
    import numpy as np

    lengths = np.array([weight(text) + FEW for text in texts], np.float32)
    return np.array(np.minimum.outer(lengths, lengths) / np.maximum.outer(lengths, lengths), np.float32)


def _clusters(likeness: NDArray[np.float32], alike: float) -> list[NDArray[np.intp]]:
    """Members of each cluster (average linkage), in the order of the dendrogram's leaves."""
    import numpy as np
    from scipy.cluster.hierarchy import fcluster, leaves_list, linkage
    from scipy.spatial.distance import squareform

    if len(likeness) == 1:
        return [np.array([0])]
    tree = linkage(squareform(1.0 - likeness, checks=False), "average", optimal_ordering=len(likeness) <= 1_000)
    labels = fcluster(tree, 1.0 - alike, "distance")
    leaves = leaves_list(tree)
    order = dict.fromkeys(labels[leaves].tolist())
    return [leaves[labels[leaves] == label] for label in order]


def _copies(cosines: NDArray[np.float32], texts: Sequence[str]) -> Iterable[tuple[int, list[int]]]:
    """Each text that is nearly another's, or exactly that of several people, with the texts that it is like."""
    import numpy as np

    long = np.array([weight(text) >= SHORTEST_COPY for text in texts])
    for row in np.flatnonzero(long):
        twins = np.flatnonzero((cosines[row] >= COPIED) & long)
        yield int(row), [int(place) for place in sorted(twins, key=lambda place: -cosines[row, place])]
