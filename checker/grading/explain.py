"""Why a question earned what it did: what was read and proved, which rule gave which points, what else would have.

Everything is read and judged anew from what was handed in, as data; no student's code is run. What would have changed
the points is not guessed: the answer with that change is judged by the same rules.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from checker import datasets
from checker.alignment import align
from checker.blueprint import Blueprint
from checker.grading.assess import assess
from checker.grading.class_report import reason
from checker.grading.marking import grade_notebook
from checker.grading.submission import Found, Release, Submission, restore
from checker.language import N_, get_language, translate
from checker.questions import (
    AblationAnswer,
    AblationQuestion,
    Assignment,
    NetworkAnswer,
    NetworkQuestion,
    Question,
    ReadingAnswer,
    ReadingQuestion,
    RepairAnswer,
    RepairQuestion,
    ablation,
)
from checker.questions.answer import NOT_ASKED
from checker.questions.evidence import Evidence
from checker.questions.prepared import Prepared
from checker.questions.training import Training, proved_epoch, tolerance, weights_loss
from checker.questions.typed import as_letter, as_number
from checker.report import Finding, Outcome, Report, Severity
from checker.show import page as pages
from checker.show import words
from checker.show.page import Block, Cell, Page, Steps, Table, Text

if TYPE_CHECKING:
    from checker.grading.answers.marks import Mark
    from checker.grading.course import Course

MOST_CHANGES = 8
"""Single changes of a network that are tried."""


class CannotExplain(ValueError):
    """There is nothing to explain; the message says why."""


@dataclass(frozen=True)
class _Case:
    """One student's answer to one automatically graded question, with all that was found about it."""

    question: Question[Any]
    answer: Any
    report: Report
    evidence: Evidence
    found: Found
    submission: Submission
    mark: Mark | None
    settled: bool

    @property
    def network(self) -> NetworkAnswer | None:
        """The part of the answer that is a trained network; None where there is none."""
        network = self.answer.network if isinstance(self.answer, RepairAnswer) else self.answer
        return network if isinstance(network, NetworkAnswer) else None

    @cached_property
    def weights(self) -> float | None:
        """The validation loss that the weights give; None where there are none that can be computed with."""
        training, network = getattr(self.question, "training", None), self.network
        if network is None or network.replay is None or not isinstance(training, Training):
            return None
        try:
            return weights_loss(training, network)
        except Exception:  # weights that cannot be replayed or do not fit; the findings say so
            return None


def explain(course: Course, student: str, question: str) -> Page:
    """The page that answers a student's question about a mark.

    Args:
        course: the course folder with the assignment.
        student: the student's id.
        question: the id of a question, ``"q1"``, or of a written answer's cell, ``"q2-explanation"``.

    Raises:
        CannotExplain: there is no such student, question, or submission.
        SQLAlchemyError: the gradebook cannot be used.
    """
    from checker.grading.answers import marks
    from checker.reading.archive import Refused

    try:
        submission = course.submission(student)
    except (OSError, Refused) as error:
        message = N_("{student} handed nothing in for {assignment}.")
        raise CannotExplain(translate(message, student=student, assignment=course.assignment)) from error
    releases = [Release.load(path) for path in course.release_notebooks()]
    release = next((each for each in releases if question in each.tracked), None)
    known = [name for each in releases for name in (*each.automatic, *each.manual)]
    if release is None or question not in known:
        message = N_("There is no question {question}: choose one of {names}.")
        raise CannotExplain(translate(message, question=question, names=", ".join(known)))
    mark = marks.read(course).get((student, release.name, question))
    if question in release.manual:
        found = submission.found(release, [each.name for each in releases])
        return _written(course, student, question, release, found, mark)
    case = _case(course, question, submission, release, mark)
    return _page(student, case)


def _case(course: Course, question: str, submission: Submission, release: Release, mark: Mark | None) -> _Case:
    from checker import assignments

    try:
        assignment: Assignment = assignments.find(course.assignment)
        asked = next(each for each in assignment.questions if each.id == question)
    except (KeyError, StopIteration) as error:
        message = N_("{question} of {assignment} is not graded from evidence, so nothing but its cell can explain it.")
        raise CannotExplain(translate(message, question=question, assignment=course.assignment)) from error
    others = [path.stem for path in course.release_notebooks()]
    found = submission.found(release, others)
    settled = grade_notebook(submission, assignment, release, None, False, others)[1][question].settled
    assessed = assess(assignment, found.evidence)[question]
    answer = asked.from_evidence(assessed.evidence, assessed.proved)
    return _Case(asked, answer, assessed.report, assessed.evidence, found, submission, mark, settled)


def _page(student: str, case: _Case) -> Page:
    report = case.report
    blocks: list[Block] = [_gradebook(case), _read(case), *_proved(case), _rules(case), *_otherwise(case)]
    blocks.append(Text(translate(N_("What the learner is told:"))))
    blocks += [block for block in pages.of(report).blocks if not _parts(block)]
    return Page(
        "right" if report.passed else "wrong",
        translate(N_("{student}, {question}"), student=pages.clip(student), question=report.question),
        tuple(blocks),
        over=pages.clip(translate(report.title)),
        score=words.points(report.points, report.max_points),
    )


def _parts(block: Block) -> bool:
    """Whether it is the table of what was judged, which the rules here say better."""
    return isinstance(block, Table) and block.caption == translate("What was judged")


def _table(caption: str, rows: Iterator[tuple[str, str]]) -> Table:
    head = translate(N_("What")), translate(N_("Value"))
    return Table(caption, head, tuple((Cell(name), Cell(value)) for name, value in rows))


# --- the gradebook ----------------------------------------------------------------------------------------------------


def _gradebook(case: _Case) -> Text:
    return Text(_held(case.mark, round(case.report.points, 4) if case.settled else None))


def _held(mark: Mark | None, earned: float | None) -> str:
    """What the gradebook says, and whether that is what the evidence says now."""
    if mark is None:
        return translate(N_("The gradebook holds no mark for it yet."))
    if mark.manual is not None:
        said = translate(N_("The gradebook holds {points} points, given by a person."), points=f"{mark.manual:g}")
        if mark.waits:
            said = f"{said} {translate(N_('Something new was handed in since; it waits to be looked at again.'))}"
    elif mark.automatic is None:
        return translate(N_("In the gradebook it waits for a person."))
    else:
        said = translate(N_("The gradebook holds {points} points, given automatically."), points=f"{mark.automatic:g}")
        if earned is None:
            said = f"{said} {translate(N_('They come from running the notebook again in the sandbox.'))}"
        elif not math.isclose(mark.automatic, earned, abs_tol=1e-3):
            differs = N_("What lies there now earns {points}: grade again, or look whether the files have changed.")
            said = f"{said} {translate(differs, points=f'{earned:g}')}"
    if mark.comment:
        said = f"{said} {translate(N_('Comment: {comment}'), comment=pages.clip(mark.comment))}"
    return said


# --- what was read ----------------------------------------------------------------------------------------------------


def _read(case: _Case) -> Table:
    return _table(translate(N_("What was read")), _reading(case))


def _reading(case: _Case) -> Iterator[tuple[str, str]]:
    found, evidence, question = case.found, case.evidence, case.question
    yield translate(N_("Notebook")), found.name or translate(N_("none"))
    if case.submission.timestamp:
        yield translate(N_("Handed in (UTC)")), case.submission.timestamp
    for problem in found.problems:
        yield translate(N_("Noticed")), reason(problem)
    for suffix in (".json", ".keras"):
        name = f"{question.id}{suffix}"
        if (content := found.evidence.get(name)) is not None:
            yield name, translate(N_("{count} bytes"), count=len(content))
    for code in evidence.problems:
        yield translate(N_("Evidence")), reason(code)
    versions = evidence.record.get("versions")
    if isinstance(versions, Mapping):
        shown = ", ".join(f"{name} {version}" for name, version in versions.items())
        yield translate(N_("Saved with")), pages.clip(shown)
    if isinstance(question, RepairQuestion) and isinstance(case.answer, RepairAnswer):
        yield from _repair_read(question, case.answer)
    if case.network is not None:
        yield from _network_read(case.network)
    if isinstance(case.answer, ReadingAnswer):
        answer = case.answer
        told = {"effect": answer.effect, "number": answer.number}
        told |= {} if answer.reason is NOT_ASKED else {"reason": answer.reason}
        yield translate(N_("Answer")), pages.clip(", ".join(f"{name}={value!r}" for name, value in told.items()))
    if isinstance(case.answer, AblationAnswer):
        told = {"needed": case.answer.needed, "chance": case.answer.chance, "reason": case.answer.reason}
        yield translate(N_("Answer")), pages.clip(", ".join(f"{name}={value!r}" for name, value in told.items()))
        yield from _ablation_read(case.answer)


def _repair_read(question: RepairQuestion, answer: RepairAnswer) -> Iterator[tuple[str, str]]:
    letter, fit = as_letter(answer.cause) or "", answer.fit
    cause = translate(question.causes[letter].text) if letter in question.causes else repr(answer.cause)
    yield translate(N_("Cause")), pages.clip(f"{letter}: {cause}" if letter in question.causes else cause)
    if fit.learning_rate is not None:
        yield translate(N_("Learning rate")), f"{fit.learning_rate:.6g}"
    if fit.steps is not None:
        yield translate(N_("Batches an epoch")), str(fit.steps)
    if isinstance(fit.prepared, Prepared):
        yes, no = translate(N_("yes")), translate(N_("no"))
        yield translate(N_("Features on one scale")), yes if fit.prepared.one_scale else no
        yield translate(N_("Each training row with its own target")), yes if fit.prepared.paired else no
        yield translate(N_("No validation row among the training rows")), yes if fit.prepared.apart else no


def _ablation_read(answer: AblationAnswer) -> Iterator[tuple[str, str]]:
    """The learner's table, made anew of the recorded runs."""
    if isinstance(answer.runs, Finding):
        return
    for name, losses in ablation.Table.of(answer.runs).lowest.items():
        yield translate(N_("Lowest validation losses, {row}"), row=name), ", ".join(map(words.number, losses))


def _network_read(answer: NetworkAnswer) -> Iterator[tuple[str, str]]:
    from checker.curves import Curves

    network = answer.network
    if isinstance(network, Blueprint):
        yield translate(N_("Layers")), str(len(network.layers))
        compiled = network.compiled or {}
        told = ", ".join(f"{name}={value!r}" for name, value in compiled.items() if isinstance(value, str))
        yield translate(N_("Compiled with")), pages.clip(told) or translate(N_("none"))
    if isinstance(answer.curves, Curves):
        yield translate(N_("Epochs")), str(len(answer.curves.loss))
    facts = ", ".join(filter(None, (answer.facts.backend, answer.facts.device, answer.facts.policy)))
    if facts:
        yield translate(N_("Computed with")), facts


# --- what was proved --------------------------------------------------------------------------------------------------


def _proved(case: _Case) -> Iterator[Block]:
    rows = list(_proofs(case))
    if rows:
        yield _table(translate(N_("What was proved")), iter(rows))


def _proofs(case: _Case) -> Iterator[tuple[str, str]]:
    answer = case.answer
    if case.network is not None and case.weights is not None:
        yield from _weights(case.network, case.weights)
    outcomes = {
        Outcome.PROVED: N_("proved"),
        Outcome.UNSETTLED: N_("not settled: a run in the sandbox or a person decides"),
        Outcome.CONTRADICTED: N_("contradicted: nothing honest explains it"),
    }
    for section in case.report:
        if section.outcome is not None and not (case.settled and section.outcome is Outcome.UNSETTLED):
            yield pages.part_name(section.name), translate(outcomes[section.outcome])
    if isinstance(answer, ReadingAnswer) and answer.doubt is None:
        yield translate(N_("Second run")), translate(N_("its curves are proved by the weights of the network"))


def _weights(answer: NetworkAnswer, actual: float) -> Iterator[tuple[str, str]]:
    from checker.curves import Curves

    if not isinstance(answer.curves, Curves) or answer.curves.val_loss is None:
        return
    allowed = tolerance(answer.facts)
    epoch = proved_epoch(actual, answer.curves, allowed)
    yield translate(N_("Validation loss of the weights")), words.number(actual)
    if epoch is None:
        closest = min(answer.curves.val_loss, key=lambda value: _distance(value, actual))
        yield translate(N_("Closest claim")), words.number(closest)
    else:
        claim = translate(
            N_("{loss}, at epoch {epoch}"), loss=words.number(answer.curves.val_loss[epoch - 1]), epoch=epoch
        )
        yield translate(N_("Claimed")), claim
    limits = N_("{expected:.0e} of the loss at the last and the best epoch, {anywhere:.0e} at any other")
    yield translate(N_("May differ by")), translate(limits, **vars(allowed))


def _distance(value: float, actual: float) -> float:
    return abs(value - actual) if math.isfinite(value) and math.isfinite(actual) else math.inf


# --- rules and points -------------------------------------------------------------------------------------------------


def _rules(case: _Case) -> Table:
    head = (N_("Rule"), N_("Found"), N_("Asked for"), N_("Points"))
    rows = tuple(tuple(cells) for cells in _judged(case))
    return Table(translate(N_("Which rule gave which points")), tuple(map(translate, head)), rows)


def _judged(case: _Case) -> Iterator[list[Cell]]:
    for section in case.report:
        score = Cell(words.points(section.points, section.max_points))
        right, settled = section.passed, section.outcome is not Outcome.UNSETTLED
        found = translate(N_("right")) if right else _wrong(section.findings)
        if not settled:
            found = translate(N_("nothing to judge") if case.settled else N_("not settled"))
        verdict = Cell(found, mark="right" if right else "wrong" if settled else "note")
        yield [Cell(pages.part_name(section.name)), verdict, Cell(_wanted(section.name, case)), score]
        if section.name == "curves":
            yield from _curve_rules(case)
        if section.name == "answer" and isinstance(case.question, ReadingQuestion):
            yield from _reading_rules(case.question, case.answer)


def _wrong(findings: tuple[Finding, ...]) -> str:
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    return translate(N_("{count} to mend"), count=len(errors))


def _wanted(name: str, case: _Case) -> str:
    if name == "architecture" and isinstance(case.question, NetworkQuestion):
        return translate(
            N_("the network of the question; for a wrong one, the share of the way from the starter to the right one")
        )
    if name == "curves":
        return translate(N_("curves that pass every rule below, of a network that is right; else nothing"))
    if name == "cause" and isinstance(case.question, RepairQuestion):
        return translate(N_("the letter of the cause: {letter}"), letter=case.question.cause)
    if name == "change":
        return translate(N_("the one change that removes the cause, all else as it was handed out"))
    if name == "reason":
        return translate(N_("the letter of the reason"))
    return translate(N_("half of the points for each part"))


def _curve_rules(case: _Case) -> Iterator[list[Cell]]:
    """Each rule on the curves with what was measured."""
    from checker.curves import Curves, diagnose

    training = getattr(case.question, "training", None)
    curves = None if case.network is None else case.network.curves
    if not isinstance(training, Training) or not isinstance(curves, Curves):
        return
    diagnosis = diagnose(curves, reference=datasets.median_loss(training.data))
    if "architecture" in case.report:
        right = case.report["architecture"].passed
        found = translate(N_("right") if right else N_("not yet"))
        yield _rule(translate(N_("network")), found, translate(N_("right")), right)
    if "change" in case.report:
        right = case.report["change"].passed
        found = translate(N_("right") if right else N_("not yet"))
        yield _rule(translate(N_("change")), found, translate(N_("right")), right)
    epochs = len(curves.loss)
    wanted = translate(N_("at least {count}"), count=training.least_epochs)
    yield _rule(translate(N_("epochs")), str(epochs), wanted, epochs >= training.least_epochs)
    shown = diagnosis.names & set(training.forbidden)
    wanted = translate(N_("none of: {names}"), names=words.named(training.forbidden))
    yield _rule(translate(N_("what the curves show")), words.named(diagnosis.names) or "–", wanted, not shown)
    for name, limit in training.limits.items():
        value = diagnosis.numbers.get(name)
        wanted = translate(N_("at most {limit}"), limit=words.number(limit))
        measured = "–" if value is None else words.number(value)
        yield _rule(_measure(name), measured, wanted, value is None or value <= limit)
    if training.target is not None and curves.val_loss:
        epoch = None
        if case.weights is not None and case.network is not None:
            epoch = proved_epoch(case.weights, curves, tolerance(case.network.facts))
        value = curves.val_loss[(epoch or len(curves.val_loss)) - 1]
        wanted = translate(N_("at most {limit}"), limit=words.number(training.target))
        name = translate(N_("validation loss at the epoch of the weights"))
        yield _rule(name, words.number(value), wanted, value <= training.target)


def _measure(name: str) -> str:
    names = {"gap_growth": N_("growth of the gap between the curves"), "minimum": N_("lowest validation loss")}
    return translate(names[name]) if name in names else name


def _reading_rules(question: ReadingQuestion, answer: ReadingAnswer) -> Iterator[list[Cell]]:
    from checker.curves import Curves, compare

    if not isinstance(answer.before, Curves) or not isinstance(answer.after, Curves):
        return
    answer = replace(answer, reason=NOT_ASKED)  # has a section of its own
    names = compare(answer.before, answer.after, reference=datasets.median_loss(question.training.data)).names
    right = [letter for letter, claim in question.claims.items() if claim in names]
    letter = as_letter(answer.effect)
    yield _rule("effect", letter or "–", ", ".join(right) or "–", letter in right)
    wanted, value = _number_wanted(question, answer), as_number(answer.number)
    given = "–" if value is None else f"{value:g}"
    accepted = question.judge(replace(answer, effect=right[0])).passed if right else False
    yield _rule("number", given, "–" if wanted is None else f"{wanted:.4g}", accepted)


def _number_wanted(question: ReadingQuestion, answer: ReadingAnswer) -> float | None:
    from checker.curves import Curves

    run = answer.before if question.number == "best_epoch" else answer.after
    if not isinstance(run, Curves) or run.best_epoch is None or run.val_loss is None:
        return None
    return float(run.best_epoch) if question.number == "best_epoch" else run.val_loss[run.best_epoch - 1]


def _rule(name: str, found: str, wanted: str, kept: bool) -> list[Cell]:
    return [Cell(f"– {name}"), Cell(found, mark="right" if kept else "wrong"), Cell(wanted), Cell("")]


# --- what would have changed it ---------------------------------------------------------------------------------------


def _otherwise(case: _Case) -> Iterator[Block]:
    items = tuple(dict.fromkeys(_changes(case)))
    if items:
        yield _changed_by(items)


def _changed_by(items: tuple[str, ...]) -> Steps:
    return Steps(translate(N_("What would have changed it")), items, ordered=False)


def _changes(case: _Case) -> Iterator[str]:
    if not case.settled:
        yield translate(
            N_("Evidence that settles it, a run in the sandbox (`{command}`), or a mark that a person gives."),
            command="python -m checker grade … --rerun",
        )
    elif case.report.unsettled:
        yield translate(N_("An answer: its cells hold what was handed out, or nothing that could run."))
    elif case.report.points >= case.report.max_points:
        yield translate(N_("Nothing: it has all its points."))
    elif isinstance(case.question, NetworkQuestion) and isinstance(case.answer, NetworkAnswer):
        yield from _network_changes(case.question, case.answer, case.report)
    elif isinstance(case.question, ReadingQuestion) and isinstance(case.answer, ReadingAnswer):
        yield from _reading_changes(case.question, case.answer)
    elif isinstance(case.question, RepairQuestion) and isinstance(case.answer, RepairAnswer):
        yield from _repair_changes(case.question, case.answer, case.report)
    elif isinstance(case.question, AblationQuestion) and isinstance(case.answer, AblationAnswer):
        yield from _ablation_changes(case.question, case.answer)


def _repair_changes(question: RepairQuestion, answer: RepairAnswer, report: Report) -> Iterator[str]:
    judged = question.judge(replace(answer, cause=question.cause))
    if judged.points > report.points:
        yield translate(N_("`cause={letter}`: {points}."), letter=f'"{question.cause}"', points=_points(judged))
    worth = f"{question.points / 3:g}"
    if "change" not in judged:
        yield translate(
            N_("A repaired training beside the cause: +{points} for the change, +{points} for its curves."),
            points=worth,
        )
        return
    for name in ("change", "curves"):
        if not judged[name].passed:
            yield from (finding.message for finding in judged[name].findings if finding.severity is Severity.ERROR)
    if not judged["change"].passed:
        yield translate(N_("The right change and nothing else: +{points}."), points=worth)
    if not judged["curves"].points:
        yield translate(N_("Curves that pass every rule, after the right change: +{points}."), points=worth)


def _network_changes(question: NetworkQuestion, answer: NetworkAnswer, report: Report) -> Iterator[str]:
    network = answer.network
    if isinstance(network, Blueprint) and network.problem is None and not report["architecture"].passed:
        alignment = align(network, question.network)
        for number, edit in enumerate(alignment.edits[:MOST_CHANGES]):
            message = Finding(edit.code, position=edit.position, params=edit.params).message
            changed = question.judge(replace(answer, network=alignment.apply(number)))
            yield translate(N_("{change} This alone: {points}."), change=message, points=_points(changed))
        if len(alignment.edits) > 1:
            changed = question.judge(replace(answer, network=alignment.apply()))
            yield translate(
                N_("All {count} changes together, with the same curves: {points}."),
                count=len(alignment.edits),
                points=_points(changed),
            )
    if "curves" in report and not report["curves"].passed:
        for finding in report["curves"].findings:
            if finding.severity is not Severity.NOTE or finding.name.startswith("curve."):
                yield finding.message
        worth = report["curves"].max_points
        yield translate(
            N_("Curves that pass every rule, of a right network, are worth {points} points more."), points=f"{worth:g}"
        )


def _reading_changes(question: ReadingQuestion, answer: ReadingAnswer) -> Iterator[str]:
    now = question.judge(answer).points
    for letter in question.claims:
        judged = question.judge(replace(answer, effect=letter))
        if judged.points > now:
            yield translate(N_("`effect={letter}`: {points}."), letter=f'"{letter}"', points=_points(judged))
    wanted = _number_wanted(question, answer)
    if wanted is not None:
        judged = question.judge(replace(answer, number=wanted))
        if judged.points > now:
            yield translate(N_("`number={number}`: {points}."), number=f"{wanted:.4g}", points=_points(judged))
    if question.reason is not None and answer.reason is not NOT_ASKED:
        letter = question.reason.answer
        judged = question.judge(replace(answer, reason=letter))
        if judged.points > now:
            yield translate(N_("`reason={letter}`: {points}."), letter=f'"{letter}"', points=_points(judged))


def _ablation_changes(question: AblationQuestion, answer: AblationAnswer) -> Iterator[str]:
    if isinstance(answer.runs, Finding):
        return
    now, chance = question.judge(answer).points, ablation.Table.of(answer.runs).chance
    changes: list[tuple[str, AblationAnswer]] = [
        (f'needed="{letter}"', replace(answer, needed=letter)) for letter in question.claims
    ]
    changes.append((f"chance={chance:.3g}", replace(answer, chance=chance)))
    changes.append((f'reason="{question.asked.answer}"', replace(answer, reason=question.asked.answer)))
    for change, other in changes:
        if (judged := question.judge(other)).points > now:
            yield translate(N_("`{change}`: {points}."), change=change, points=_points(judged))


def _points(report: Report) -> str:
    return words.points(report.points, report.max_points)


# --- written answers --------------------------------------------------------------------------------------------------


def _written(course: Course, student: str, question: str, release: Release, found: Found, mark: Mark | None) -> Page:
    """A written answer is marked by a person: its text, its mark, and what the rubric asks for."""
    from checker import assignments

    notebook = restore(found.notebook, release, found.raw)
    cells = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell for cell in notebook.cells}
    text = str(cells[question].source)
    text = "" if text.strip() == release.tracked[question].source.strip() else text
    blocks: list[Block] = [Text(_held(mark, None if mark is None else mark.automatic))]
    blocks.append(Text(translate(N_("What was written:"))))
    blocks.append(pages.Code(words.visible(text)) if text.strip() else Text(translate(N_("Nothing."))))
    try:
        rubric = assignments.find(course.assignment).rubrics.get(question)
    except KeyError:
        rubric = None
    if rubric is not None:
        rows = ((words.points(level.points, rubric.points), translate(level.description)) for level in rubric.levels)
        blocks.append(_table(translate(N_("The rubric: a person decides which level an answer reaches")), rows))
    given = None if mark is None else mark.automatic if mark.manual is None else mark.manual
    worth = release.points(question)
    if rubric is not None and given is not None:
        better = [level for level in rubric.levels if level.points > given]
        items = tuple(f"{words.points(level.points, worth)}: {translate(level.description)}" for level in better)
        blocks.append(_changed_by(items or (translate(N_("Nothing: it has all its points.")),)))
    return Page(
        "note",
        translate(N_("{student}, {question}"), student=pages.clip(student), question=question),
        tuple(blocks),
        score="" if given is None else words.points(given, worth),
    )


def document(page: Page) -> str:
    """The page as an HTML document of its own, light or dark as its reader's system is."""
    from checker.show import html

    return (
        html.environment()
        .get_template("document.html")
        .render(
            title=translate(N_("Why this mark: {headline}"), headline=page.headline),
            heading=translate(N_("Why this mark?")),
            subheading=page.over or translate(N_("Written answer")),
            lang=html.LANGUAGE_TAGS[get_language()],
            body=Markup(html.render(replace(page, over=""))),
        )
    )
