"""Build a network, and train it where the question says how."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from checker.alignment import Alignment, align
from checker.blueprint import Blueprint, Graph, mistaken_for
from checker.expect import Constraint, Network
from checker.language import N_, translate
from checker.questions.answer import NOT_ASKED, NetworkAnswer
from checker.questions.evidence import curves_record, data_record, unread_record
from checker.questions.question import Question
from checker.questions.training import Training, Verdict, judge
from checker.report import Finding, Outcome, Report, Section, Severity

if TYPE_CHECKING:  # NumPy, which curves need, is loaded when the first curves are judged
    from checker.curves import Curves
    from checker.questions.evidence import Evidence


@dataclass(frozen=True)
class Rule:
    """What an open design has to keep to, in the one wording that notebook, hint and verdict share.

    Attributes:
        text: the rule, a message.
        constraint: the rule over the network that it words; None where it words none.
        codes: names of the findings that say it is broken, for a rule that words no constraint. One that has neither
            is about the layers that are asked for: it is cited where the network is wrong and no constraint is broken.
    """

    text: str
    constraint: Constraint | None = None
    codes: tuple[str, ...] = ()

    def cited(self) -> Finding:
        return Finding("network.rule", Severity.NOTE, params={"text": self.text})


@dataclass(frozen=True, kw_only=True)
class NetworkQuestion(Question[NetworkAnswer]):
    """Build a network, and train it where ``training`` says how.

    Attributes:
        network: what it should be; its reference answer is the solution.
        training: how it is to be trained and what its curves must not show; None if only the network counts.
        curve_points: how many of the points the curves are worth; they count once the network is right.
        rules: of an open design, as the notebook has them.
    """

    network: Network
    training: Training | None = None
    curve_points: float = 0.0
    rules: tuple[Rule, ...] = ()

    def check(self, model: Any = None, history: Any = None) -> None:
        """Look at the network, and at how its training went, and show what is right and what to do next.

        Args:
            model: the Keras model.
            history: what ``model.fit`` returned.
        """
        self._check(lambda: self._read(model, self._asked(history)), model)

    def evaluate(self, model: Any = NOT_ASKED, history: Any = NOT_ASKED) -> Report:
        """The report on a network; shows nothing and raises nothing. A part that is not handed in is not judged.

        Args:
            model: the Keras model, or a Blueprint of one.
            history: what ``model.fit`` returned, its ``.history``, a DataFrame of it, or Curves.
        """
        return self._evaluate(lambda: self._read(model, history))

    def grade(self, model: Any = None, history: Any = None) -> float:
        """The points for a network: a plain finite float in [0, points]; silent."""
        return self._grade(lambda: self._read(model, self._asked(history)), model)

    def solution_code(self) -> str:
        name = "" if self.training is None else self.training.prefix
        parts = [f"{name}model = {self.network.code()}"]
        if self.training is not None:
            parts += [f"{name}model.compile({self.training.compile_code})", self.training.fit_code]
        return "\n".join(parts)

    def from_evidence(self, evidence: Evidence, proved: Collection[Curves] = ()) -> NetworkAnswer:
        return NetworkAnswer.from_evidence(evidence, self.training is not None)

    def _read(self, model: Any, history: Any) -> NetworkAnswer:
        return NetworkAnswer.from_kernel(self.network.input_shape, model, history)

    def _asked(self, history: Any) -> Any:
        return NOT_ASKED if self.training is None else history

    def sections(self, answer: NetworkAnswer) -> Iterator[Section]:
        architecture = None
        if answer.network is not None:
            architecture = self._architecture(answer)
            yield architecture
        if answer.curves is not None and self.training is not None:
            right_network = architecture is None or architecture.passed
            yield self._curves(judge(self.training, answer), right_network)

    def _architecture(self, answer: NetworkAnswer) -> Section:
        worth, network = self.points - self.curve_points, answer.network
        doubt = Outcome.UNSETTLED if answer.doubt is not None and network is answer.doubt else None
        if not isinstance(network, Blueprint):
            return Section("architecture", False, 0.0, worth, () if network is None else (network,), outcome=doubt)
        if network.problem == "model.branch" and self.network.branches:
            network = replace(network, problem=None)
        if network.problem is not None:
            finding = Finding(network.problem, params=network.problem_params)
            return Section("architecture", False, 0.0, worth, (finding,))
        alignment = align(network, self.network)
        width = self._width(network)
        findings = (*width, *_findings(alignment, network, answer.unused))
        points = round(worth * (alignment.credit / 2 if width else alignment.credit), 2)
        rules = () if alignment.passed else tuple(self._broken(network))
        return Section("architecture", not findings, points, worth, (*findings, *rules), alignment.rows)

    def _broken(self, network: Blueprint) -> Iterator[Finding]:
        """The rules that a wrong network does not keep to."""
        broken = [rule for rule in self.rules if rule.constraint is not None and _breaks(network, rule.constraint)]
        others = [rule for rule in self.rules if rule.constraint is None and not rule.codes]
        for rule in broken or others:
            yield rule.cited()

    def _width(self, blueprint: Blueprint) -> tuple[Finding, ...]:
        """The network must take the features that the data has."""
        actual, expected = blueprint.input_shape, self.network.input_shape
        if actual is None or expected is None or tuple(actual) == tuple(expected):
            return ()
        if len(actual) != len(expected):
            return (Finding("model.input_shape", params={"actual": str(tuple(actual)), "expected": expected[-1]}),)
        return (Finding("model.input_width", params={"actual": actual[-1], "expected": expected[-1]}),)

    def _curves(self, verdict: Verdict, right_network: bool) -> Section:
        # Curves of another network show nothing about this question, however good they look.
        points = self.curve_points if verdict.passed and right_network else 0.0
        names = {finding.name for finding in verdict.findings if finding.severity is Severity.ERROR}
        rules = (rule.cited() for rule in self.rules if names.intersection(rule.codes))
        findings = (*(verdict.findings if right_network else map(_for_later, verdict.findings)), *rules)
        curves = None if verdict.curves is None else verdict.curves.to_dict()
        shown = () if verdict.diagnosis is None else tuple(sorted(verdict.diagnosis.names))
        return Section(
            "curves", verdict.passed, points, self.curve_points, findings, (), curves, shown, verdict.outcome
        )

    def _own_hints(self) -> Iterator[str]:
        if self.rules:
            rules = (translate(rule.text) for rule in self.rules)
            yield "\n\n".join([translate(N_("These are the rules; whatever they do not name is up to you:")), *rules])
        levels = self.network.skeletons()
        for number, skeleton in enumerate(levels):
            nearly = number == len(levels) - 1
            text = N_("Nearly there. Fill in the last gaps:") if nearly else N_("The network has this shape:")
            yield f"{translate(text)}\n{skeleton}"

    def _graph(self, answer: NetworkAnswer) -> Graph | None:
        return answer.graph

    def _record(self, answer: NetworkAnswer) -> Mapping[str, Any]:
        compiled = answer.network.compiled if isinstance(answer.network, Blueprint) else None
        record: dict[str, Any] = {"compiled": compiled, "facts": answer.facts.to_dict()}
        if isinstance(answer.network, Finding):
            record["finding"] = answer.network.to_dict()
        if answer.unused:
            record["unused"] = answer.unused
        if self.training is not None:
            record["data"] = data_record(self.training.data)
            record["history"] = curves_record(answer.curves)
            record["unread"] = unread_record(history=answer.curves)
        return record


def _breaks(network: Blueprint, constraint: Constraint) -> bool:
    return any(True for _ in constraint.violations(network.layers, network.parameters))


def _for_later(finding: Finding) -> Finding:
    """What the curves show of a network that is still wrong is worth knowing; what to do next is mend the network."""
    return replace(finding, severity=Severity.NOTE) if finding.name.startswith("curve.") else finding


def _findings(alignment: Alignment, network: Blueprint, unused: Sequence[tuple[int, str]]) -> Iterable[Finding]:
    """What to do, in the words for what most likely happened."""
    for edit in alignment.edits:
        finding = Finding(edit.code, position=edit.position, params=edit.params)
        yield _unassigned(finding, unused) or _relative(finding, network) or finding


def _unassigned(finding: Finding, unused: Sequence[tuple[int, str]]) -> Finding | None:
    """The layer that is missing is called right there, but its result is not kept: ``Dropout(0.3)(x)``."""
    kind = _kind(finding.params.get("layer", finding.params.get("kind", "")))
    for position, code in unused:
        if _kind(code) != kind:
            continue
        if finding.code == "layer.missing" and finding.position == position:
            return replace(finding, code="layer.missing:unassigned")
        if finding.code == "layer.missing:first" and position == 0:
            return replace(finding, code="layer.missing:unassigned_first")
        if finding.code == "network.count":
            params = {**finding.params, "layer": f"keras.layers.{code}"}
            return replace(finding, code="network.count:unassigned", position=position, params=params)
    return None


RELATIVES = {
    "AlphaDropout": "alpha",
    "GaussianDropout": "gaussian",
    "GaussianNoise": "noise",
    "SpatialDropout1D": "spatial",
    "SpatialDropout2D": "spatial",
    "SpatialDropout3D": "spatial",
    "LayerNormalization": "rows",
    "GroupNormalization": "rows",
    "RMSNormalization": "rows",
    "UnitNormalization": "rows",
    "Normalization": "adapted",
}
"""Layers that are easily taken for dropout or for batch normalization, and the wording that says how they differ."""


def _relative(finding: Finding, network: Blueprint) -> Finding | None:
    """A relative stands where dropout or batch normalization itself is asked for."""
    layers = network.layers
    if finding.code == "layer.replaced":
        wanted = _kind(finding.params.get("expected", ""))
        found = next((layer for layer in layers if layer.number == finding.position), None)
        if found is None or not mistaken_for(wanted, found.kind):
            return None
        return replace(finding, code=f"layer.replaced:{RELATIVES.get(found.kind, 'own')}")
    if finding.code == "network.count":
        wanted = str(finding.params.get("kind"))
        found = next((layer for layer in layers if mistaken_for(wanted, layer.kind)), None)
        if found is not None:
            params = {**finding.params, "layer": found.code}
            return replace(finding, code="network.count:relative", position=found.number, params=params)
    return None


def _kind(code: object) -> str:
    """The class in a layer's code: ``keras.layers.Dropout(0.3)`` is a ``Dropout``."""
    return str(code).partition("(")[0].rpartition(".")[2]
