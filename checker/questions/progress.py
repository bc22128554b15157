"""What a learner has done so far: attempts, points and hints per question, predictions; kept beside the notebook.

The file is for the learner's own eyes (a kernel restart must not forget it); no score is ever read from it.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from checker import _files
from checker.report import Record

FILE = "progress.json"


class Progress:
    """The progress in one assignment, as a file in ``folder``; a folder that cannot be written is no obstacle."""

    def __init__(self, assignment: str, folder: Path | str = "evidence") -> None:
        self.assignment = assignment
        self.path = Path(folder) / FILE
        self._unwritten: dict[str, Any] = {}  # what a read-only folder could not take, for this kernel only

    def __getitem__(self, question: str) -> Record:
        entry = self._read().get(self.assignment, {})
        return _record(entry.get(question, {}) if isinstance(entry, Mapping) else {})

    def attempted(self, question: str, points: float, passed: bool) -> Record:
        """Count an attempt and keep the best points."""
        before = self[question]
        return self._write(
            question,
            replace(
                before,
                attempts=before.attempts + 1,
                points=max(before.points, points),
                passed=before.passed or passed,
            ),
        )

    def hinted(self, question: str) -> Record:
        """Count a hint."""
        before = self[question]
        return self._write(question, replace(before, hints=before.hints + 1))

    def solved(self, question: str) -> Record:
        """Note that the solution was shown."""
        return self._write(question, replace(self[question], solution_seen=True))

    def notes(self, name: str) -> dict[str, Any]:
        """What was noted under this name: a prediction, its outcome, a sentence."""
        entry = self._read().get(self.assignment, {})
        notes = entry.get(name, {}) if isinstance(entry, Mapping) else {}
        return dict(notes) if isinstance(notes, Mapping) else {}

    def note(self, name: str, **values: Any) -> None:
        """Note these values, plain JSON, beside what was noted before."""
        self._keep(name, {**self.notes(name), **values})

    def _read(self) -> dict[str, Any]:
        if self._unwritten:  # the file, where there is one, was read before and is older
            return self._unwritten
        try:
            data = json.loads(self.path.read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        return data if isinstance(data, dict) else {}

    def _write(self, question: str, record: Record) -> Record:
        self._keep(question, asdict(record))
        return record

    def _keep(self, name: str, values: Mapping[str, Any]) -> None:
        data = self._read()
        entry = data.get(self.assignment)
        data[self.assignment] = {**(entry if isinstance(entry, dict) else {}), name: dict(values)}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _files.replace(self.path, json.dumps(data, indent=1, sort_keys=True))
        except OSError:
            self._unwritten = data
        else:
            self._unwritten = {}


def _record(entry: Any) -> Record:
    """The entry as a record; whatever does not fit counts as not there."""
    if not isinstance(entry, Mapping):
        return Record()
    record = Record()
    for field in fields(Record):
        kind = type(getattr(record, field.name))
        with contextlib.suppress(KeyError, TypeError, ValueError, OverflowError):
            record = replace(record, **{field.name: kind(entry[field.name])})
    return record
