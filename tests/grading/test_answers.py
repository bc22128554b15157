"""Written answers in groups, from the graded class to the spreadsheet and back into the gradebook."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import classroom
import pytest
from nbgrader.api import Gradebook
from typer.testing import CliRunner

from checker._files import defused
from checker.cli import app
from checker.grading import batch
from checker.grading.answers import table
from checker.grading.batch import grade_class
from checker.language import using

pytestmark = pytest.mark.slow

HALF = "The plain network memorised the training songs, with dropout it does so less."
WHOLE = (
    "Chance patterns of single songs need certain units together. Dropout takes units away at random, "
    "so only broad patterns survive, and these hold for new artists too."
)
ANSWERS = {
    "ada": (HALF, "The inputs are large, so the loss explodes."),
    "bob": (HALF.replace("memorised", "memorized"), "Batch normalization makes it work."),
    "007": (WHOLE, "I do not know."),
    "=SUM(1)": (WHOLE.replace("broad", "general"), ""),
    "李雷": ("原来的网络把训练歌曲背了下来，<script>alert(1)</script>暂退法让它做不到。", "输入太大。"),
}


def hand_in(course: Path, student: str, first: str, second: str, extra: str = "") -> None:
    folder = course / "submitted" / student / "spotify"
    folder.mkdir(parents=True, exist_ok=True)
    book = json.loads(classroom.notebook(classroom.ARCHETYPES["nothing"]))
    for cell in book["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if name == "q2-explanation" and first:
            cell["source"] = first
        if name == "q4-explanation" and second:
            cell["source"] = second
    if extra:
        book["cells"].append({"cell_type": "markdown", "id": "extra", "metadata": {}, "source": extra})
    (folder / "spotify.ipynb").write_text(json.dumps(book), "utf-8")


@contextmanager
def in_one_thread() -> Iterator[None]:
    """Grade in this process: starting others is what takes time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "_executor", lambda _jobs, _scheduler: ThreadPoolExecutor(1))
        yield


def graded(course: Path) -> None:
    with in_one_thread():
        grade_class(course, "spotify", progress=False)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    course = classroom.course(tmp_path_factory.mktemp("answers") / "course")
    for student, (first, second) in ANSWERS.items():
        hand_in(course, student, first, second, "I also tried 0.5." if student == "bob" else "")
    graded(course)
    return course


@pytest.fixture
def course(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "course"))


def run(course: Path, *options: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["answers", "spotify", "--course", str(course), *options])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def exported(course: Path, *options: str) -> list[dict[str, str]]:
    code, output = run(course, *options)
    assert code == 0, output
    content = (course / "grades/spotify-answers.csv").read_text("utf-8-sig")
    return list(csv.DictReader(io.StringIO(content, newline=""), delimiter=";" if options else ","))


def saved(course: Path, rows: list[dict[str, str]]) -> Path:
    """The rows as a spreadsheet saves them."""
    path = course / "marked.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def row_of(rows: list[dict[str, str]], student: str, question: str = "q2-explanation") -> dict[str, str]:
    shown = {defused(student), f"'{student}", student}
    (row,) = (row for row in rows if row["student"] in shown and row["question"] == question)
    return row


def state(course: Path) -> dict[tuple[str, str], tuple[float | None, bool, str | None]]:
    """Manual score, whether it waits, and comment of every written answer, through nbgrader's own API."""
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        found = {}
        for student in ANSWERS:
            for question in ("q2-explanation", "q4-explanation"):
                grade = gradebook.find_grade(question, "spotify", "spotify", student)
                comment = gradebook.find_comment(question, "spotify", "spotify", student)
                found[student, question] = (grade.manual_score, grade.needs_manual_grade, comment.manual_comment)
        return found


class TestWhatIsWritten:
    def test_every_text_is_on_the_page_and_in_the_spreadsheet(self, course: Path) -> None:
        rows = exported(course)
        assert len(rows) == 2 * len(ANSWERS)
        page = (course / "grades/spotify-answers.html").read_text("utf-8")
        assert "<script>" not in page
        for row in rows:
            assert row["check (leave as it is)"][:16] in page
        assert row_of(rows, "ada")["text"] == HALF
        assert "&lt;script&gt;" in page
        assert "I also tried 0.5." in page
        assert "I also tried 0.5." in row_of(rows, "bob")["what the automatic part found"]
        assert "0 of 2 points" in row_of(rows, "ada")["what the automatic part found"]

    def test_the_rubric_stands_beside_its_question(self, course: Path) -> None:
        exported(course)
        page = (course / "grades/spotify-answers.html").read_text("utf-8")
        assert "These are missing at random".lower() in page.lower()

    def test_alike_answers_are_one_group_and_near_copies_are_named(self, course: Path) -> None:
        rows = exported(course)
        assert row_of(rows, "ada")["group"] == row_of(rows, "bob")["group"]
        assert row_of(rows, "007")["group"] == row_of(rows, "=SUM(1)")["group"] != row_of(rows, "ada")["group"]
        assert "Nearly the same text: bob." in row_of(rows, "ada")["what the automatic part found"]
        assert "Nearly" not in row_of(rows, "李雷")["what the automatic part found"]

    def test_nothing_is_a_formula_a_number_or_a_date(self, course: Path) -> None:
        hand_in(course, "=SUM(1)", "=HYPERLINK(1)", "-2+3")
        graded(course)
        rows = exported(course)
        assert {row_of(rows, "=SUM(1)")["student"], row_of(rows, "007")["student"]} == {"'=SUM(1)", "'007"}
        assert row_of(rows, "=SUM(1)")["text"] == "'=HYPERLINK(1)"
        assert all(row["check (leave as it is)"].isalpha() for row in rows)

    def test_the_file_begins_with_a_byte_order_mark(self, course: Path) -> None:
        exported(course)
        assert (course / "grades/spotify-answers.csv").read_bytes().startswith(b"\xef\xbb\xbfgroup,student,")

    def test_in_chinese(self, course: Path) -> None:
        with using("zh"):
            assert run(course)[0] == 0
        page = (course / "grades/spotify-answers.html").read_text("utf-8")
        assert 'lang="zh-Hans"' in page
        assert "文字回答" in page
        assert "组,学生,题目" in (course / "grades/spotify-answers.csv").read_text("utf-8-sig")

    def test_who_was_not_graded_is_named(self, course: Path) -> None:
        hand_in(course, "late", "Something.", "")
        assert "late" in run(course)[1]

    def test_nothing_graded_yet_is_one_sentence(self, tmp_path: Path) -> None:
        code, output = run(classroom.course(tmp_path / "empty"))
        assert code == 2
        assert "checker grade" in output


def by_hand(course: Path, student: str, points: float, comment: str, question: str = "q2-explanation") -> None:
    """A mark as formgrader enters it."""
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        grade = gradebook.find_grade(question, "spotify", "spotify", student)
        grade.manual_score, grade.needs_manual_grade = points, False
        gradebook.find_comment(question, "spotify", "spotify", student).manual_comment = comment
        gradebook.db.commit()


def changed(before: Mapping[tuple[str, str], object], after: Mapping[tuple[str, str], object]) -> set[tuple[str, str]]:
    return {place for place in before if before[place] != after[place]}


class TestWhatIsTakenBack:
    def test_a_mark_in_the_first_row_holds_for_the_group_and_a_row_s_own_wins(self, course: Path) -> None:
        rows, before = exported(course), state(course)
        first = next(row for row in rows if row["group"] == row_of(rows, "ada")["group"] and row["holds for"])
        other = next(row for row in rows if row["group"] == first["group"] and not row["holds for"])
        first.update({"points": "1", "comment": "Only one half."})
        other["points"] = "1.5"
        code, output = run(course, "--import", str(saved(course, rows)))
        assert code == 0, output
        after = state(course)
        places = [(row["student"], "q2-explanation") for row in (first, other)]
        assert [after[place] for place in places] == [(1.0, False, "Only one half."), (1.5, False, "Only one half.")]
        assert changed(before, after) == set(places)
        assert "ada, q2-explanation: points – → 1" in output

    def test_it_is_safe_to_repeat(self, course: Path) -> None:
        rows = exported(course)
        for row in rows:
            row["points"] = "2"
        file = saved(course, rows)
        assert f"{len(rows)} changed" in run(course, "--import", str(file))[1]
        before = state(course)
        assert f"0 changed, {len(rows)} as they were" in run(course, "--import", str(file))[1]
        assert state(course) == before

    def test_an_untouched_export_changes_nothing(self, course: Path) -> None:
        rows, before = exported(course), state(course)
        rows[0]["points"] = "1"
        run(course, "--import", str(saved(course, rows)))
        marked = state(course)
        assert marked != before
        again = exported(course)
        code, output = run(course, "--import", str(saved(course, again)))
        assert (code, "0 changed" in output) == (0, True), output
        assert state(course) == marked

    def test_a_dry_run_changes_nothing(self, course: Path) -> None:
        rows, before = exported(course), state(course)
        row_of(rows, "ada")["points"] = "2"
        assert "ada, q2-explanation: points" in run(course, "--import", str(saved(course, rows)), "--dry-run")[1]
        assert state(course) == before

    @pytest.mark.parametrize(
        ("column", "value", "said"),
        [
            ("points", "many", "many is no number of points"),
            ("points", "-1", "-1 is no number of points"),
            ("points", "nan", "nan is no number"),
            ("points", "1,000", "more than the 2"),
            ("points", "2.5", "2.5 points are more than the 2 that q2-explanation is worth"),
            ("student", "nobody", "no student nobody"),
            ("student", "bob", "sorted alone"),
            ("question", "q9", "no question q9"),
            ("check (leave as it is)", "abc", "changed since the export"),
        ],
    )
    def test_one_error_and_nothing_is_changed(self, course: Path, column: str, value: str, said: str) -> None:
        rows, before = exported(course), state(course)
        for row in rows:
            row["points"] = "1"
        number = rows.index(row_of(rows, "ada")) + 2
        row_of(rows, "ada")[column] = value
        if value == "1,000":
            row_of(rows, "ada")["points"] = "1000"
        code, output = run(course, "--import", str(saved(course, rows)))
        assert code == 2
        assert f"row {number}: " in output
        assert said in output
        assert state(course) == before

    def test_what_was_entered_in_formgrader_since_the_export_stays_and_is_told(self, course: Path) -> None:
        rows = exported(course)
        for name in ("ada", "007"):
            row_of(rows, name).update({"points": "1", "comment": "From the file."})
        by_hand(course, "ada", 1.5, "By hand.")
        code, output = run(course, "--import", str(saved(course, rows)))
        assert code == 0, output
        assert state(course)["ada", "q2-explanation"] == (1.5, False, "By hand.")
        assert state(course)["007", "q2-explanation"] == (1.0, False, "From the file.")
        assert "Kept, since it was entered in the gradebook after the export" in output
        assert "ada, q2-explanation: points 1.5 → 1, comment replaced" in output
        again = run(course, "--import", str(saved(course, rows)))[1]
        assert ("0 changed" in again, "Kept" in again) == (True, True), again
        assert run(course, "--import", str(saved(course, rows)), "--overwrite")[0] == 0
        assert state(course)["ada", "q2-explanation"] == (1.0, False, "From the file.")

    def test_a_mark_corrected_in_the_same_file_is_no_conflict(self, course: Path) -> None:
        rows = exported(course)
        for points in ("1", "1.5"):
            row_of(rows, "ada")["points"] = points
            code, output = run(course, "--import", str(saved(course, rows)))
            assert (code, "Kept" in output) == (0, False), output
            assert state(course)["ada", "q2-explanation"][0] == float(points)

    def test_a_text_that_changed_since_the_export(self, course: Path) -> None:
        rows = exported(course)
        row_of(rows, "ada")["points"] = "1"
        hand_in(course, "ada", "Something else.", "")
        graded(course)
        before = state(course)
        code, output = run(course, "--import", str(saved(course, rows)))
        assert (code, "the text of ada has changed" in output) == (2, True), output
        assert state(course) == before

    def test_a_mark_of_an_older_text_is_not_taken_for_this_one_s(self, course: Path) -> None:
        rows = exported(course)
        row_of(rows, "ada")["points"] = "1"
        run(course, "--import", str(saved(course, rows)))
        hand_in(course, "ada", "Something else.", "")
        graded(course)
        row = row_of(exported(course), "ada")
        assert row["points"] == ""
        assert "1 points then" in row["what the automatic part found"]

    def test_a_broken_gradebook_is_left_as_it_was(self, course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        rows, before = exported(course), state(course)
        for row in rows:
            row.update({"points": "1", "comment": "x"})
        from sqlalchemy.orm import Session

        def full(_self: Session) -> None:
            raise OSError("disk full")

        with monkeypatch.context() as patch:
            patch.setattr(Session, "commit", full)
            assert run(course, "--import", str(saved(course, rows)))[0] == 2
        assert state(course) == before

    def test_what_only_a_person_can_settle_is_marked_too(self, course: Path) -> None:
        with (course / "nbgrader_config.py").open("a") as config:
            config.write("\nc.GradeFromEvidence.sandbox = False\n")
        folder = course / "submitted/ada/spotify"
        (folder / "spotify.ipynb").write_text(classroom.notebook(classroom.ARCHETYPES["perfect"]), "utf-8")
        graded(course)
        rows = exported(course)
        row = row_of(rows, "ada", "q1")
        assert "Dropout(0.3)" in row["text"]
        assert "evidence" in row["what the automatic part found"]
        row["points"] = "3"
        file = saved(course, rows)
        assert run(course, "--import", str(file))[0] == 0
        assert "0 changed" in run(course, "--import", str(file))[1]
        with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
            grade = gradebook.find_grade("q1", "spotify", "spotify", "ada")
            assert (grade.manual_score, grade.needs_manual_grade, grade.score) == (3.0, False, 3.0)


def _semicolons(rows: list[dict[str, str]]) -> bytes:
    lines = io.StringIO(newline="")
    writer = csv.DictWriter(lines, list(rows[0]), delimiter=";")
    writer.writeheader()
    writer.writerows({**row, "points": row["points"].replace(".", ",")} for row in rows)
    return lines.getvalue().encode()


def _unicode_text(rows: list[dict[str, str]]) -> bytes:
    lines = io.StringIO(newline="")
    writer = csv.DictWriter(lines, list(rows[0]), delimiter="\t")
    writer.writeheader()
    writer.writerows(rows)
    return lines.getvalue().encode("utf-16")


def _plain(rows: list[dict[str, str]], encoding: str = "utf-8") -> bytes:
    lines = io.StringIO(newline="")
    writer = csv.DictWriter(lines, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return lines.getvalue().encode(encoding)


def _reordered(rows: list[dict[str, str]]) -> bytes:
    names = sorted(rows[0], reverse=True)
    blank = dict.fromkeys(names, "")
    return b"sep=,\r\n" + _plain([blank, *({name: row[name] for name in names} for row in rows[::-1]), blank, blank])


def _numbers(rows: list[dict[str, str]]) -> bytes:
    return _plain([{**row, "student": "7" if row["student"] == "'007" else row["student"]} for row in rows])


SPREADSHEETS: dict[str, Callable[[list[dict[str, str]]], bytes]] = {
    "semicolons and decimal commas": _semicolons,
    "Excel's Unicode text": _unicode_text,
    "UTF-8 without a mark": _plain,
    "Chinese Excel": lambda rows: _plain(rows, "gb18030"),
    "columns and rows in another order, blank rows": _reordered,
    "ids taken for numbers": _numbers,
    "old line ends": lambda rows: _plain(rows).replace(b"\r\n", b"\n"),
    "apostrophes taken away": lambda rows: _plain(
        [{name: cell.removeprefix("'") for name, cell in row.items()} for row in rows]
    ),
}


@pytest.mark.parametrize("habit", SPREADSHEETS)
def test_whatever_spreadsheets_do_comes_back(course: Path, habit: str) -> None:
    rows = exported(course)
    for number, row in enumerate(rows):
        row.update(
            {"points": ("0", "0.5", "1.5", "2")[number % 4], "comment": ("+1 好", "Gut: ja", "- no", "")[number % 4]}
        )
    wanted = {(row["student"].lstrip("'"), row["question"]): (float(row["points"]), row["comment"]) for row in rows}
    for row in rows:
        row["comment"] = defused(row["comment"])
    file = course / "marked.csv"
    file.write_bytes(SPREADSHEETS[habit](rows))
    code, output = run(course, "--import", str(file))
    assert code == 0, output
    leaders = {row["group"]: defused(row["comment"]) for row in rows if row["holds for"]}
    for (student, question), (points, waits, comment) in state(course).items():
        expected, said = wanted[student, question]
        group = next(
            row["group"] for row in rows if row["student"].lstrip("'") == student and row["question"] == question
        )
        held = said or leaders.get(group, "").removeprefix("'")
        assert (points, waits, comment or "") == (expected, False, held), (student, question)


def test_umlauts_of_western_excel(course: Path) -> None:
    hand_in(course, "李雷", "No Chinese here.", "")
    rows = [row for row in exported(course) if row["student"] != "李雷"]
    row_of(rows, "ada")["comment"] = "Für mich überzeugend – schön"
    file = course / "marked.csv"
    file.write_bytes(_plain(rows, "cp1252"))
    assert run(course, "--import", str(file))[0] == 0
    assert state(course)["ada", "q2-explanation"][2] == "Für mich überzeugend – schön"


@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe", b"a,b\n1,2\n", b"PK\x03\x04 an xlsx file"])
def test_what_is_no_such_spreadsheet_is_one_sentence(course: Path, content: bytes) -> None:
    file = course / "marked.csv"
    file.write_bytes(content)
    code, output = run(course, "--import", str(file))
    assert code == 2
    assert "columns" in output
    assert "Traceback" not in output


def test_a_spreadsheet_for_decimal_commas(course: Path) -> None:
    rows = exported(course, "--decimal-comma")
    assert row_of(rows, "ada")["out of"] == "2"
    row_of(rows, "ada")["points"] = "1,5"
    file = course / "marked.csv"
    file.write_bytes(_semicolons(rows))
    assert run(course, "--import", str(file))[0] == 0
    assert state(course)["ada", "q2-explanation"][0] == 1.5


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("1", 1.0),
        ("1,5", 1.5),
        (" 0.50 ", 0.5),
        ("+2", 2.0),
        ("'2", 2.0),
        ("２", 2.0),
        ("1.000,5", None),
        ("1/2", None),
    ],
)
def test_points_as_people_type_them(text: str, points: float | None) -> None:
    assert table.points(text) == points
