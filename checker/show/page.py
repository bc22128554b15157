"""What is on the page: one description, from which the HTML and the plain text are both made.

A page is words in the language in force, already chosen and ordered; how they look is not decided here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, TypeAlias

from checker.curves import Comparison, Curves, Diagnosis, NotCurves, Verdict, kinds
from checker.language import N_, translate
from checker.report import Advice, Finding, Line, Report, Row, Section, Severity, Standing
from checker.show import words
from checker.show.words import Run

LONGEST = 600
"""Characters of one piece of text that are shown; the rest of a longer one is left out."""

MARKS = {"right": "✓", "wrong": "✗", "add": "+", "remove": "−", "change": "→", "move": "↕", "note": "•"}
"""The sign beside a status or an action; it never stands without its words."""


@dataclass(frozen=True)
class Cell:
    """One cell of a table: text, perhaps code, perhaps with a mark before it."""

    text: str
    code: bool = False
    mark: str = ""


@dataclass(frozen=True)
class Text:
    """A paragraph; text between backquotes is code."""

    kind: ClassVar[str] = "text"
    text: str


@dataclass(frozen=True)
class Code:
    """Lines of code."""

    kind: ClassVar[str] = "code"
    text: str


@dataclass(frozen=True)
class Steps:
    """A list under a heading: numbered if it is to be done in this order."""

    kind: ClassVar[str] = "steps"
    heading: str
    items: tuple[str, ...]
    ordered: bool = True


@dataclass(frozen=True)
class Table:
    """A table; the first cell of a row is its header. A closed one opens on demand, where that is possible."""

    kind: ClassVar[str] = "table"
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    closed: bool = False


@dataclass(frozen=True)
class Picture:
    """The curves of one run, or of two runs to compare, and the same told in sentences."""

    kind: ClassVar[str] = "picture"
    runs: tuple[Run, ...]
    told: str


Block: TypeAlias = Text | Code | Steps | Table | Picture


@dataclass(frozen=True)
class Page:
    """A page of feedback.

    Attributes:
        status: ``"right"``, ``"wrong"`` or ``"note"``.
        over: the small line above the headline, the title of the question.
        headline: the verdict in one sentence; empty where there is none.
        score: the points in words, empty where there are none.
    """

    status: str
    headline: str
    blocks: tuple[Block, ...] = ()
    over: str = ""
    score: str = ""

    @property
    def label(self) -> str:
        """What the page is called where it is one among others."""
        if not self.headline:
            return translate(N_("A word of help"))
        return translate(N_("Feedback: {headline}"), headline=self.headline)


def of(thing: object) -> Page:
    """The page that shows a report, a diagnosis, a comparison, a word of advice or where a learner stands.

    A page is its own page.

    Raises:
        TypeError: for anything else.
    """
    match thing:
        case Page():
            return thing
        case Report():
            return _report(thing)
        case Diagnosis():
            return _diagnosis(thing)
        case Comparison():
            return _comparison(thing)
        case Advice():
            return _advice(thing)
        case Standing():
            return _standing(thing)
    raise TypeError(f"{type(thing).__name__} has no page")


# --- a report ---------------------------------------------------------------------------------------------------------

_CLAUSES = {
    ("architecture", True): N_("the network is right"),
    ("architecture", False): N_("the network still needs a change"),
    ("training", True): N_("it was trained as asked"),
    ("training", False): N_("it was not trained as asked"),
    ("curves", True): N_("the curves are as they should be"),
    ("curves", False): N_("the curves are not yet as they should be"),
    ("answer", True): N_("the answer is right"),
    ("answer", False): N_("the answer is not right yet"),
    ("reason", True): N_("the reason is right"),
    ("reason", False): N_("the reason is not right yet"),
    ("cause", True): N_("the cause is found"),
    ("cause", False): N_("the cause is not found yet"),
    ("change", True): N_("the right thing was changed"),
    ("change", False): N_("the change is not the right one yet"),
}

_UNJUDGED = {
    "architecture": N_("there is no network to judge yet"),
    "curves": N_("the training cannot be judged yet"),
    "change": N_("the repair cannot be judged yet"),
}

_NOTHING_TO_JUDGE = ("model.", "compile.", "history.", "repair.data", "repair.rows")
"""How the codes begin that say that there was nothing to look at."""

_PARTS = {
    "architecture": N_("Network"),
    "training": N_("Training"),
    "curves": N_("Learning curves"),
    "answer": N_("Answer"),
    "reason": N_("Reason"),
    "cause": N_("Cause"),
    "change": N_("Change"),
}


def _report(report: Report) -> Page:
    errors = [finding for finding in report.findings if finding.severity is Severity.ERROR]
    others = [finding for finding in report.findings if finding.severity is not Severity.ERROR]
    blocks: list[Block] = [_architecture(section.table) for section in report if section.table]
    if errors:
        blocks.append(Steps(translate(N_("What to do next")), _messages(errors)))
    if errors and others:
        blocks.append(Steps(translate(N_("Worth knowing")), _messages(others), ordered=False))
    elif others:
        blocks.extend(map(Text, _messages(others)))
    blocks.extend(_section_picture(section) for section in report if section.curves)
    if len(report.sections) > 1:
        blocks.append(_parts(report))
    return Page(
        "right" if report.passed else "wrong",
        _headline(report),
        tuple(blocks),
        over=clip(translate(report.title)),
        score=words.points(report.points, report.max_points) if report.max_points > 0 else "",
    )


def _headline(report: Report) -> str:
    once = {_clause(section): section.passed for section in report}
    verdict = words.clauses(once.items()) or translate(N_("nothing was handed in yet"))
    return translate(N_("{question}: {verdict}."), question=_question(report.question), verdict=verdict)


def _clause(section: Section) -> str:
    if not section.passed:
        if section.name in _UNJUDGED and not section.table and any(map(_unjudged, section.findings)):
            return translate(_UNJUDGED[section.name])
        for name, kind in kinds.KINDS.items():
            if section.name == "curves" and kind.clause and name in section.diagnoses:
                return translate(kind.clause)
    known = _CLAUSES.get((section.name, section.passed))
    return translate(known) if known else clip(section.name)


def _unjudged(finding: Finding) -> bool:
    """Whether the finding says that there was nothing to look at."""
    return finding.severity is Severity.ERROR and finding.name.startswith(_NOTHING_TO_JUDGE)


_QUESTIONS = {
    "q#": N_("Question {number}"),
    "q#_reason": N_("Question {number}, the reason"),
    "q#_again": N_("Question {number}, once more"),
    "recall_#": N_("Recall question {number}"),
}
"""What a question is called by its id, which holds its number."""


def _question(identity: str) -> str:
    number = "".join(filter(str.isdecimal, identity))
    known = _QUESTIONS.get(identity.replace(number, "#", 1)) if number else None
    return translate(known, number=clip(number)) if known else clip(identity)


def _messages(findings: list[Finding]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(clip(finding.message) for finding in findings))


_TO_DO = {
    "ok": ("right", N_("right")),
    "add": ("add", N_("add this layer")),
    "remove": ("remove", N_("remove this layer")),
    "change": ("change", N_("replace this layer")),
    "move": ("move", N_("move this layer here")),
}


def _architecture(rows: tuple[Row, ...]) -> Table:
    head = (N_("Layer"), N_("Your network"), N_("Expected"), N_("What to do"))
    return Table(
        translate(N_("Your network beside the expected one")),
        tuple(map(translate, head)),
        tuple(_row(row) for row in rows),
    )


def _row(row: Row) -> tuple[Cell, ...]:
    mark, said = _TO_DO.get(row.action, ("note", N_("look at this layer")))
    todo = translate(said)
    if row.action == "change" and row.detail.startswith("keras.layers."):
        todo = translate(N_("replace it with `{layer}`"), layer=clip(row.detail))
    elif row.action == "change" and row.detail:
        todo = translate(N_("set `{setting}`"), setting=clip(row.detail))
    header = translate(N_("new")) if row.number is None else str(row.number)
    return (Cell(header), _layer(row.actual), _layer(row.expected), Cell(todo, mark=mark))


def _layer(code: str | None) -> Cell:
    return Cell("–") if code is None else Cell(clip(code), code=True)


def _stretch(section: Section) -> tuple[int, int] | None:
    """The epochs that the finding on overfitting speaks of."""
    for finding in section.findings:
        first, last = finding.params.get("first"), finding.params.get("last")
        if finding.name == "curve.overfitting" and isinstance(first, int) and isinstance(last, int):
            return (first, last) if 1 <= first <= last else None
    return None


def _section_picture(section: Section) -> Picture:
    run = Run.of(section.curves or {}, section.diagnoses, _stretch(section))
    return Picture((run,), words.told(run))


def part_name(section: str) -> str:
    """A section's name in words."""
    return translate(_PARTS.get(section, N_("Part")))


def _parts(report: Report) -> Table:
    head = [N_("Part"), N_("Verdict"), N_("Points")]
    rows = []
    for section in report:
        verdict = Cell(translate(N_("right")), mark="right")
        if not section.passed:
            verdict = Cell(translate(N_("not yet")), mark="wrong")
        elif section.points < section.max_points:
            verdict = Cell(translate(N_("right, but counts only once the network is right")), mark="right")
        name = Cell(part_name(section.name))
        rows.append((name, verdict, Cell(words.points(section.points, section.max_points))))
    scored = any(section.max_points > 0 for section in report)
    width = 3 if scored else 2
    return Table(
        translate(N_("What was judged")),
        tuple(map(translate, head[:width])),
        tuple(row[:width] for row in rows),
    )


# --- curves -----------------------------------------------------------------------------------------------------------

_UNTOLD = {name for name, kind in kinds.KINDS.items() if not kind.tells}


def run_of(diagnosis: Diagnosis) -> Run:
    """The diagnosed run as it is drawn."""
    worse = next((verdict.epochs for verdict in diagnosis.verdicts if verdict.name == "overfitting"), None)
    return Run.of(diagnosis.curves.to_dict(), diagnosis.names, worse)


def _diagnosis(diagnosis: Diagnosis) -> Page:
    run = run_of(diagnosis)
    said = [_verdict(verdict) for verdict in diagnosis.verdicts]
    if any(verdict.strength != "plain" and verdict.name != "healthy" for verdict in diagnosis.verdicts):
        said.append(Finding("curve.slight").message)
    headline = translate(N_("Learning curves: {diagnosis}."), diagnosis=words.surely(_strengths(diagnosis)))
    blocks: list[Block] = [*map(Text, said)]
    if run.epochs:
        blocks.append(Picture((run,), words.told(run)))
    return Page(_status(diagnosis), headline, tuple(blocks))


def _strengths(diagnosis: Diagnosis) -> list[tuple[str, str]]:
    return [(verdict.name, verdict.strength) for verdict in diagnosis.verdicts]


def _verdict(verdict: Verdict) -> str:
    return clip(Finding(verdict.code, position=verdict.epochs[0], params=verdict.params).message)


def _comparison(comparison: Comparison) -> Page:
    names = [name for name in words.DIFFERENCES if name in comparison.names]
    said = [Text(clip(Finding(f"compare.{name}", params=comparison.numbers).message)) for name in names]
    first, second = run_of(comparison.before), run_of(comparison.after)
    headline = translate(N_("The second run against the first: {difference}."), difference=words.named(names))
    return Page("note", headline, (*said, Picture((first, second), words.told_both(first, second))))


def _status(diagnosis: Diagnosis) -> str:
    if diagnosis.names <= _UNTOLD:
        return "note"
    if not diagnosis.names <= {"healthy", "still_improving", *_UNTOLD}:
        return "wrong"
    plainly = all(verdict.strength == "plain" for verdict in diagnosis.verdicts)
    return "right" if plainly and "still_improving" not in diagnosis else "note"


ROWS = 10
"""Steps between the epochs whose losses :func:`uncommented` lists."""


def uncommented(*histories: object) -> Page:
    """One run or two, drawn and listed, without a word on what they show: that is for the reader to find.

    Args:
        histories: what ``model.fit`` returned; what holds no curves gets a page that says so.
    """
    try:
        read = [Curves.of(history).to_dict() for history in histories]
    except NotCurves as problem:
        return Page("note", "", (Text(Finding(problem.code, params=problem.params).message),))
    runs = tuple(replace(Run.of(curves), unread=True) for curves in read)
    two = len(runs) == 2
    said = words.told_both(*runs) if two else words.told(runs[0])
    headline = translate(N_("Learning curves of two runs")) if two else translate(N_("Learning curves"))
    return Page("note", headline, (Picture(runs, said), _values(runs)))


def _values(runs: tuple[Run, ...]) -> Table:
    """The losses at some epochs, the last one among them."""
    names: tuple[tuple[str, str], ...] = ((N_("training loss"), N_("validation loss")),)
    if len(runs) == 2:
        names = (
            (N_("first run: training"), N_("first run: validation")),
            (N_("second run: training"), N_("second run: validation")),
        )
    pairs = [
        pair
        for run, named in zip(runs, names, strict=True)
        for pair in zip((run.loss, run.val_loss), named, strict=True)
    ]
    columns = [(translate(name), values) for values, name in pairs if values]
    longest = max(run.epochs for run in runs)
    step = max(1, -(-longest // ROWS))
    epochs = [*range(1, longest, step), longest]
    rows = tuple(
        (
            Cell(str(epoch)),
            *(Cell(words.number(values[epoch - 1]) if epoch <= len(values) else "–") for _, values in columns),
        )
        for epoch in epochs
    )
    head = (translate(N_("epoch")), *(name for name, _ in columns))
    return Table(translate(N_("The losses at some epochs")), head, rows)


# --- advice and progress ----------------------------------------------------------------------------------------------


def _advice(advice: Advice) -> Page:
    blocks: list[Block] = [Text(clip(paragraph)) for paragraph in advice.text.split("\n\n")]
    if advice.code.strip():
        blocks.append(Code(words.visible(advice.code.strip("\n"))))
    return Page("note", clip(advice.title), tuple(blocks))


def _standing(standing: Standing) -> Page:
    lines = standing.lines
    head = (N_("Question"), N_("Title"), N_("Status"), N_("Points"), N_("Attempts"))
    table = Table(translate(N_("Your progress")), tuple(map(translate, head)), tuple(_line(line) for line in lines))
    coming = translate(N_("Everything is right. Well done!"))
    if standing.next is not None:
        coming = translate(N_("Next: {question}."), question=_question(standing.next))
    done = sum(line.record.passed for line in lines)
    told = [Text(coming)]
    if standing.written > 0:
        read = N_("For what you explain in words, your teacher gives up to {points} points more.")
        told.append(Text(translate(read, points=f"{standing.written:.3g}")))
    return Page(
        "right" if standing.next is None else "note",
        translate(N_("{done} of {count} questions are right."), done=done, count=len(lines)),
        (table, *told),
        over=clip(translate(standing.title)),
        score=words.points(standing.points, standing.max_points) if standing.max_points > 0 else "",
    )


def _line(line: Line) -> tuple[Cell, ...]:
    record = line.record
    status = Cell(translate(N_("not begun")), mark="note")
    if record.passed:
        status = Cell(translate(N_("right")), mark="right")
    elif record.attempts:
        status = Cell(translate(N_("not yet")), mark="wrong")
    score = words.points(record.points, line.max_points)
    return (
        Cell(_question(line.question)),
        Cell(clip(translate(line.title))),
        status,
        Cell(score),
        Cell(str(record.attempts)),
    )


def clip(text: str) -> str:
    """The text on one line and of bearable length."""
    line = words.visible(" ".join(text[: 2 * LONGEST].split()))
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
