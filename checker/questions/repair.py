"""Find what is wrong with a training, and repair it by changing one thing.

A case is two declarations of a training, a :class:`Recipe`: the broken one, and what is accepted as its repair. They
differ in one aspect, the planted fault; all other aspects of a learner's training have to be the broken one's.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from checker import datasets
from checker.alignment import align
from checker.blueprint import Blueprint, Graph
from checker.expect import Allowed, Network, literal
from checker.expect.values import as_allowed
from checker.language import N_, translate
from checker.questions.answer import NOT_ASKED, NetworkAnswer
from checker.questions.evidence import curves_record, data_record
from checker.questions.prepared import Prepared
from checker.questions.question import Question
from checker.questions.training import Training, Verdict, judge
from checker.questions.typed import as_letter
from checker.reading.recognise import is_a, keras_in_use
from checker.report import Advice, Finding, Outcome, Report, Row, Section

if TYPE_CHECKING:  # NumPy, which curves need, is loaded when the first curves are judged
    from checker.curves import Curves
    from checker.questions.evidence import Evidence
    from checker.reading.replay import Replay


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A training: each attribute is one aspect that a learner can change.

    Attributes:
        network: the network.
        optimizer: Keras' short name, ``"adam"``.
        learning_rate, epochs: a number, or the range that is accepted.
        batch_size: rows a batch.
        one_scale: whether the features are brought to one scale before training.
        paired: whether each training row has its own target.
        apart: whether no validation row is among the training rows.
        preparation: the lines of code that do so, or fail to.
    """

    network: Network
    optimizer: str = "adam"
    learning_rate: Allowed | float
    batch_size: int
    epochs: Allowed | int
    one_scale: bool = False
    paired: bool = True
    apart: bool = True
    preparation: str = field(default="", compare=False)


ASPECTS = ("network", "optimizer", "learning_rate", "batch_size", "epochs", "paired", "apart", "one_scale")


@dataclass(frozen=True)
class Fit:
    """How a network was trained, besides its curves.

    Attributes:
        learning_rate: the optimizer's; None where it is not known.
        steps: batches an epoch; None where they are not known.
        prepared: what was done to the data, or the finding why nobody can tell; None where it was not asked for.
    """

    learning_rate: float | None = None
    steps: int | None = None
    prepared: Prepared | Finding | None = None

    @classmethod
    def of(cls, model: Any, history: Any, data: Any, split: datasets.Split) -> Self:
        """Read live objects; of model and history nothing but Keras' own is asked."""
        return cls(_learning_rate(model), _steps(history), Prepared.of(data, split))

    @classmethod
    def from_record(cls, record: Any, features: int) -> Self:
        """What the evidence says; whatever does not fit counts as unknown."""
        known = record if isinstance(record, Mapping) else {}
        rate, steps, prepared = (known.get(name) for name in ("learning_rate", "steps", "prepared"))
        rate = float(rate) if isinstance(rate, int | float) and math.isfinite(rate) else None
        return cls(rate, steps if isinstance(steps, int) else None, Prepared.from_dict(prepared, features))

    def to_dict(self) -> dict[str, Any]:
        prepared: dict[str, Any] | None = None
        if isinstance(self.prepared, Prepared):
            prepared = self.prepared.to_dict()
        elif self.prepared is not None:
            prepared = {"finding": self.prepared.name}
        return {"learning_rate": self.learning_rate, "steps": self.steps, "prepared": prepared}


def _learning_rate(model: Any) -> float | None:
    keras = keras_in_use()
    if keras is None or not is_a(model, keras.Model):
        return None
    try:
        rate = float(model.optimizer.learning_rate)
    except Exception:  # not compiled, or an optimizer of the learner's own
        return None
    return rate if math.isfinite(rate) else None


def _steps(history: Any) -> int | None:
    keras = keras_in_use()
    params = history.params if keras is not None and is_a(history, keras.callbacks.History) else None
    steps = params.get("steps") if isinstance(params, dict) else None
    return steps if isinstance(steps, int) else None


@dataclass(frozen=True)
class RepairAnswer:
    """A diagnosis, and the training that was to be repaired.

    Attributes:
        cause: the letter, as handed in.
        network: the network and its curves; ``network.network`` is None where no repair was handed in yet.
        fit: how it was trained.
    """

    cause: Any
    network: NetworkAnswer = field(default_factory=NetworkAnswer)
    fit: Fit = field(default_factory=Fit)

    @classmethod
    def from_kernel(
        cls, data_name: str, cause: Any, model: Any = NOT_ASKED, history: Any = NOT_ASKED, data: Any = NOT_ASKED
    ) -> Self:
        """Read live objects, each once."""
        if model is NOT_ASKED:
            return cls(cause)
        split = datasets.split(data_name)
        fit = Fit.of(model, history, data, split)
        return cls(cause, _rescaled(NetworkAnswer.from_kernel(split.X_valid.shape[1:], model, history), fit), fit)

    @classmethod
    def from_evidence(cls, data_name: str, evidence: Evidence) -> Self:
        """Read what the evidence says."""
        fit = Fit.from_record(evidence.record.get("fit"), datasets.features(data_name))
        return cls(evidence.answer("cause"), _rescaled(NetworkAnswer.from_evidence(evidence, True), fit), fit)


def _rescaled(answer: NetworkAnswer, fit: Fit) -> NetworkAnswer:
    """The answer whose replay sees validation rows on the learner's scale."""
    prepared, inner = fit.prepared, answer.replay
    if inner is None or not isinstance(prepared, Prepared) or prepared.raw:
        return answer
    return replace(answer, replay=lambda: _Rescaled(inner(), prepared))  # type: ignore[arg-type, return-value]


@dataclass(frozen=True)
class _Rescaled:
    """A replay behind a scaler."""

    replay: Replay
    prepared: Prepared

    @property
    def penalty(self) -> float:
        return self.replay.penalty

    def predict(self, X: Any) -> Any:
        return self.replay.predict(self.prepared.scaled(X))


@dataclass(frozen=True)
class Cause:
    """What may be wrong with a training.

    Attributes:
        text: the cause, a message.
        sign: what one would see if it were the cause, a message.
    """

    text: str
    sign: str


@dataclass(frozen=True, kw_only=True)
class RepairQuestion(Question[RepairAnswer]):
    """Find what is wrong with a training, and repair it by changing one thing.

    A third of the points is for the cause, a third for the change, a third for curves without the symptom. Change and
    curves are judged once a cause is named.

    Attributes:
        broken: the training as it is handed out.
        repairs: what is accepted instead, each with one aspect other than the broken one's; the first is the solution.
        training: what the curves of a repaired training must not show: the symptom.
        causes: a letter and the cause that it stands for.
        cause: the right letter.
        run: the curves of the broken training as recorded, ``{"loss": [...], "val_loss": [...]}``.
    """

    broken: Recipe
    repairs: tuple[Recipe, ...]
    training: Training
    causes: Mapping[str, Cause]
    cause: str
    run: Mapping[str, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Each repair differs from the broken training in one aspect.

        Raises:
            ValueError: one does not.
        """
        for repair in self.repairs:
            if len(self.planted(repair)) != 1:
                raise ValueError(f"{self.id}: a repair changes {self.planted(repair)}")

    # --- what learners call -------------------------------------------------------------------------------------------
    def show(self) -> None:
        """Show the curves of the broken training, without a word on what they mean."""
        from checker import show
        from checker.curves import Curves
        from checker.show import figures
        from checker.show.page import Cell, Page, Picture, Table
        from checker.show.words import Run, told

        run = Run.of(self.run)
        data = figures.Table.of(figures.columns({"": Curves.of(self.run)}))
        rows = tuple(tuple(map(Cell, row)) for row in data.rows)
        table = Table(translate(N_("The data of this picture as a table")), data.head, rows, closed=True)
        headline = translate(N_("The recorded curves of this case"))
        show.display(Page("note", headline, (Picture((run,), told(run)), table), over=translate(self.title)))

    def check(self, cause: Any = None, model: Any = NOT_ASKED, history: Any = NOT_ASKED, data: Any = NOT_ASKED) -> None:
        """Take down the diagnosis; once a repaired training is handed in, say whether both are right.

        Args:
            cause: the letter of the cause.
            model: the repaired network, trained.
            history: what its ``model.fit`` returned.
            data: ``(X_train, y_train, X_valid, y_valid)`` as it was trained on them.
        """
        from checker import show

        if model is NOT_ASKED and (letter := as_letter(cause)) in self.causes:
            text = N_("Noted: {cause} Now change the one thing that removes this cause, train, and see.")
            show.display(Advice("", translate(text, cause=translate(self.causes[str(letter)].text))))
            return
        self._check(lambda: self._read(cause, model, history, data), model)

    def evaluate(
        self, cause: Any = None, model: Any = NOT_ASKED, history: Any = NOT_ASKED, data: Any = NOT_ASKED
    ) -> Report:
        """The report on a diagnosis and a repair; shows nothing and raises nothing."""
        return self._evaluate(lambda: self._read(cause, model, history, data))

    def grade(self, cause: Any = None, model: Any = None, history: Any = None, data: Any = None) -> float:
        """The points: a plain finite float in [0, points]; silent."""
        return self._grade(lambda: self._read(cause, model, history, data), model)

    def _read(self, cause: Any, model: Any, history: Any, data: Any) -> RepairAnswer:
        return RepairAnswer.from_kernel(self.training.data, cause, model, history, data)

    def from_evidence(self, evidence: Evidence, proved: Collection[Curves] = ()) -> RepairAnswer:
        return RepairAnswer.from_evidence(self.training.data, evidence)

    # --- the case as code ---------------------------------------------------------------------------------------------
    @property
    def texts(self) -> Mapping[str, str]:
        """A letter and its sentence, a message."""
        return {letter: cause.text for letter, cause in self.causes.items()}

    @property
    def number(self) -> str:
        """What the notebook's names for this case end in: ``"1"`` of ``"q1"``."""
        return self.id.removeprefix("q")

    def code(self, recipe: Recipe) -> str:
        """A training as the notebook's code, up to ``fit``; the broken one's is what learners are given."""
        name = f"model_{self.number}"
        optimizer = {"adam": "Adam", "sgd": "SGD"}[recipe.optimizer]
        lines = [
            f"X_train, X_valid, y_train, y_valid = {self.training.data.replace('-', '_')}()",
            *recipe.preparation.splitlines(),
            f"epochs = {_example(recipe.epochs):g}",
            "",
            f"{name} = {recipe.network.code()}",
            f"{name}.compile(optimizer=keras.optimizers.{optimizer}"
            f'(learning_rate={_example(recipe.learning_rate):g}), loss="{self.training.loss}")',
        ]
        return "\n".join(lines)

    @property
    def fit_code(self) -> str:
        """The call of ``fit`` and the line that keeps the data, which stand below every training's code."""
        return (
            f"history_{self.number} = model_{self.number}.fit(\n"
            "    X_train, y_train,\n"
            "    validation_data=(X_valid, y_valid),\n"
            f"    batch_size={self.broken.batch_size}, epochs=epochs, verbose=0, callbacks=[TqdmCallback(verbose=0)],\n"
            ")\n"
            f"data_{self.number} = X_train, y_train, X_valid, y_valid"
        )

    def solution_code(self) -> str:
        return f'cause_{self.number} = "{self.cause}"\n\n{self.code(self.repairs[0])}\n{self.fit_code}'

    def planted(self, repair: Recipe) -> tuple[str, ...]:
        """The aspects in which a repair is declared other than the broken training."""
        return tuple(name for name in ASPECTS if getattr(repair, name) != getattr(self.broken, name))

    # --- judging ------------------------------------------------------------------------------------------------------
    def sections(self, answer: RepairAnswer) -> Iterator[Section]:
        third = self.points / 3
        letter = as_letter(answer.cause)
        if letter not in self.causes:
            code = "repair.commit" if letter in (None, "") else "choice.unknown"
            finding = Finding(code, params={"choices": ", ".join(self.causes)})
            outcome = Outcome.UNSETTLED if answer.network.doubt is not None else None
            findings = (finding,) if outcome is None else (answer.network.doubt, finding)
            yield Section("cause", False, 0.0, third, tuple(filter(None, findings)), outcome=outcome)
            return
        right = letter == self.cause
        wrong = Finding("answer.explained", params={"text": self.causes[str(letter)].sign})
        yield Section("cause", right, third if right else 0.0, third, () if right else (wrong,))
        if answer.network.network is None:
            return
        repair = self._repair(answer)
        yield repair
        yield self._curves(judge(self.training, answer.network), repair.passed)

    def _repair(self, answer: RepairAnswer) -> Section:
        third, network, prepared = self.points / 3, answer.network.network, answer.fit.prepared
        doubt = Outcome.UNSETTLED if answer.network.doubt is not None else None
        problem = network if isinstance(network, Finding) else prepared if isinstance(prepared, Finding) else None
        if not isinstance(network, Blueprint) or not isinstance(prepared, Prepared):
            return Section("change", False, 0.0, third, tuple(filter(None, [problem])), outcome=doubt)
        changed = {name for name in ASPECTS if not self._fits(name, self.broken, answer)}
        best = min(self.repairs, key=lambda repair: len(self._wrong(repair, answer)))
        findings, table = self._findings(best, changed, answer)
        return Section("change", not findings, 0.0 if findings else third, third, findings, table)

    def _findings(
        self, repair: Recipe, changed: Collection[str], answer: RepairAnswer
    ) -> tuple[tuple[Finding, ...], tuple[Row, ...]]:
        """What keeps a training from being this repair."""
        wrong, (planted,) = self._wrong(repair, answer), self.planted(repair)
        findings: list[Finding] = []
        table: tuple[Row, ...] = ()
        for name in wrong:
            if name != planted:
                findings.append(self._put_back(name, answer))
            elif name in changed and name == "network" and isinstance(answer.network.network, Blueprint):
                alignment = align(answer.network.network, repair.network)
                findings += [Finding(edit.code, position=edit.position, params=edit.params) for edit in alignment.edits]
                table = alignment.rows
            elif name in changed:
                findings.append(Finding(f"repair.value:{name}", params=self._values(name, repair, answer)))
        if planted in wrong and planted not in changed:
            findings.append(Finding("repair.untouched" if changed else "repair.unchanged"))
        return tuple(findings), table

    def _wrong(self, repair: Recipe, answer: RepairAnswer) -> list[str]:
        return [name for name in ASPECTS if not self._fits(name, repair, answer)]

    def _fits(self, name: str, recipe: Recipe, answer: RepairAnswer) -> bool:
        """Whether a training is what a recipe declares in one aspect; what is not known counts as the broken one's."""
        network, fit = answer.network, answer.fit
        blueprint, prepared = network.network, fit.prepared
        if name == "network":
            return isinstance(blueprint, Blueprint) and align(blueprint, recipe.network).passed
        if name == "optimizer":
            return _compiled(answer) in (None, recipe.optimizer)
        if name == "batch_size":
            rows = prepared.rows if isinstance(prepared, Prepared) else 0
            return fit.steps in (None, math.ceil(rows / recipe.batch_size))
        if name in ("learning_rate", "epochs"):
            given = fit.learning_rate if name == "learning_rate" else _epochs(answer)
            given = _example(getattr(self.broken, name)) if given is None else given
            return as_allowed(getattr(recipe, name)).accepts(_short(given))
        assert isinstance(prepared, Prepared)
        if name == "one_scale":
            return prepared.one_scale if recipe.one_scale else prepared.raw
        return bool(getattr(prepared, name) == getattr(recipe, name))

    def _put_back(self, name: str, answer: RepairAnswer) -> Finding:
        return Finding(f"repair.put_back:{name}", params=self._values(name, self.broken, answer))

    def _values(self, name: str, recipe: Recipe, answer: RepairAnswer) -> dict[str, Any]:
        """What the training has, and what is nearest to it of what the recipe allows."""
        actual: Any = {
            "optimizer": _compiled(answer),
            "learning_rate": _short(answer.fit.learning_rate),
            "epochs": _epochs(answer),
            "batch_size": answer.fit.steps,
        }.get(name, "")
        expected = as_allowed(getattr(recipe, name)).nearest(actual) if name != "network" else ""
        return {"actual": literal(actual), "expected": literal(expected)}

    def _curves(self, verdict: Verdict, repaired: bool) -> Section:
        third = self.points / 3
        points = third if verdict.passed and repaired else 0.0
        # Where all is well, or the fault is still there, they would advise a second change.
        findings = verdict.findings if repaired and not verdict.passed else ()
        curves = None if verdict.curves is None else verdict.curves.to_dict()
        names = () if verdict.diagnosis is None else tuple(sorted(verdict.diagnosis.names))
        return Section("curves", verdict.passed, points, third, findings, (), curves, names, verdict.outcome)

    # --- evidence -----------------------------------------------------------------------------------------------------
    def _graph(self, answer: RepairAnswer) -> Graph | None:
        return answer.network.graph

    def _record(self, answer: RepairAnswer) -> Mapping[str, Any]:
        network = answer.network.network
        cause = answer.cause if isinstance(answer.cause, str) and len(answer.cause) < 20 else None
        record: dict[str, Any] = {
            "answer": {"cause": cause},
            "compiled": network.compiled if isinstance(network, Blueprint) else None,
            "facts": answer.network.facts.to_dict(),
            "fit": answer.fit.to_dict(),
            "history": curves_record(answer.network.curves),
            "data": data_record(self.training.data),
        }
        if isinstance(network, Finding):
            record["finding"] = network.to_dict()
        return record


def _compiled(answer: RepairAnswer) -> str | None:
    network = answer.network.network
    return network.compiled.get("optimizer") if isinstance(network, Blueprint) and network.compiled else None


def _epochs(answer: RepairAnswer) -> int | None:
    curves = answer.network.curves
    return None if curves is None or isinstance(curves, Finding) else len(curves.loss)


def _example(value: Allowed | float) -> float:
    return float(as_allowed(value).example)


def _short(value: float | None) -> Any:
    """A learning rate without the digits that float32 adds: 0.001, not 0.0010000000474974513."""
    return float(f"{value:.6g}") if isinstance(value, float) else value
