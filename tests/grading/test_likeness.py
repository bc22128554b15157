"""Copies are found whatever was done to them that leaves what the network computes; who trains alone is not listed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import classroom
import numpy as np
import pytest
from place import ROOT

from checker.blueprint import Graph
from checker.grading import likeness
from checker.grading.results import Answered
from checker.questions.evidence import Evidence
from checker.reading.archive import archive_weights


def answered(archive: bytes) -> Answered:
    evidence = Evidence("q1", weights=archive_weights(archive), graph=Graph.load(archive))
    responses = evidence.responses(likeness.probes("spotify"))
    return Answered(4.0, 4.0, True, sketch=evidence.sketch, responses=responses)


def changed(change: Callable[[list[Any]], None]) -> Callable[[bytes], bytes]:
    """A change of the dense layers' weights: kernel and bias of each, from input to output."""

    def copy(archive: bytes) -> bytes:
        def write(_config: dict[str, Any], file: Any) -> None:
            paths = [path for kind, path in classroom.layer_paths(archive) if kind == "Dense"]
            places = [file[f"{path}/vars/{number}"] for path in paths for number in (0, 1)]
            values = [place[...] for place in places]
            change(values)
            for place, value in zip(places, values, strict=True):
                place[...] = value

        return classroom.rewritten(archive, write)

    return copy


def scaled_output(values: list[Any]) -> None:
    values[-2] *= 1.02
    values[-1] *= 1.02


def shifted_output(values: list[Any]) -> None:
    values[-1] += 0.01


def noise(values: list[Any]) -> None:
    for value in values:
        value *= np.random.default_rng(0).normal(1.0, 0.01, value.shape)


COPIES: dict[str, Callable[[bytes], bytes]] = {
    "units reordered": lambda archive: classroom.reordered(archive, 1),
    "units rescaled": lambda archive: classroom.rescaled(archive, 2),
    "reordered and rescaled": lambda archive: classroom.rescaled(classroom.reordered(archive, 3), 4),
    "output scaled": lambda archive: classroom.reordered(changed(scaled_output)(archive), 6),
    "output shifted": lambda archive: classroom.reordered(changed(shifted_output)(archive), 7),
    "noise": lambda archive: classroom.reordered(changed(noise)(archive), 8),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", COPIES)
def test_a_copy_is_listed(kind: str) -> None:
    archive = classroom.trained("dropout")[0]
    answers = [("original", answered(archive)), ("copy", answered(COPIES[kind](archive)))]
    assert likeness.alike(answers) == [["copy", "original"]]


@pytest.mark.slow
def test_networks_trained_apart_are_not() -> None:
    names = [name for name, (question, _, source) in classroom.NETWORKS.items() if question == "q1" and source is None]
    apart = [classroom.reordered(classroom.trained(name)[0], number) for number, name in enumerate(names)]
    assert likeness.alike([(str(number), answered(archive)) for number, archive in enumerate(apart)]) == []


def test_no_notebook_makes_two_learners_weights_equal() -> None:
    """Who seeds, seeds by chance in the end: else all who run the cell train from the same start afterwards."""
    for path in sorted((ROOT / "notebooks").glob("*/*.ipynb")):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            seeds = re.findall(r"set_random_seed\((.*)\)", "".join(cell["source"]))
            assert cell["cell_type"] != "code" or not seeds or "default_rng()" in seeds[-1], path
