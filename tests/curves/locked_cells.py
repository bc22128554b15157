"""Does each reading question have a right answer for every run that its notebook's locked cell may produce?

    python tests/curves/locked_cells.py curves.jsonl [--seeds 200] [--answers 20]

Trains the networks that the Spotify notebook shows as they are (without dropout, without batch normalization) over many
seeds, and the right answers beside them over some, as that notebook trains them; curves are kept in the file, one JSON
object a line, so that nothing is trained twice. Prints what the runs are called, and which letters of q2 and q4 are
right for the pairs of a shown run and an answer.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from checker import datasets
from checker.assignments import spotify
from checker.curves import Curves, compare, diagnose
from checker.questions import ReadingQuestion
from checker.tools.calibration import RECIPES, Recipe, kept, train_missing

SHOWN: Mapping[str, tuple[ReadingQuestion, Recipe, Recipe]] = {
    "q2": (spotify.q2, replace(RECIPES["no dropout"], epochs=50), replace(RECIPES["dropout"], epochs=50)),
    "q4": (spotify.q4, replace(RECIPES["no batch normalization"], epochs=100), RECIPES["batch normalization"]),
}
"""For each reading question the network that the notebook shows, and the right answer to the question before."""


def main(path: Path, seeds: int, answers: int) -> None:
    train_missing({f"{name} after": answer for name, (_, _, answer) in SHOWN.items()}, answers, path)
    train_missing({f"{name} before": shown for name, (_, shown, _) in SHOWN.items()}, seeds, path)
    known = kept(path)
    for name, (question, recipe, _) in SHOWN.items():
        before = [known[f"{name} before", seed] for seed in range(seeds)]
        after = [known[f"{name} after", seed] for seed in range(answers)]
        report(name, question, datasets.median_loss(recipe.data), before, after)


def report(name: str, question: ReadingQuestion, reference: float, before: list[Curves], after: list[Curves]) -> None:
    """Print what one question's runs show."""
    for when, runs in (("before", before), ("after", after)):
        print(f"{name}, {when}: {_counted(_called(run, reference) for run in runs)}")
    pairs = [(run, answer) for run in before for answer in after]
    print(f"{name}, right letters: {_counted(_letters(question, pair, reference) for pair in pairs)}")


def _called(run: Curves, reference: float) -> str:
    found = diagnose(run, reference=reference)
    return " + ".join(sorted(f"{verdict.name} ({verdict.strength})" for verdict in found.verdicts))


def _letters(question: ReadingQuestion, pair: tuple[Curves, Curves], reference: float) -> str:
    found = compare(*pair, reference=reference)
    return "".join(sorted(letter for letter, claim in question.claims.items() if claim in found)) or "none"


def _counted(words: Iterable[str]) -> str:
    return "; ".join(f"{word} {count}" for word, count in Counter(words).most_common())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("curves", type=Path)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--answers", type=int, default=20)
    arguments = parser.parse_args()
    main(arguments.curves, arguments.seeds, arguments.answers)
