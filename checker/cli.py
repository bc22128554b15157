"""``python -m checker``: the course's commands for learners, instructors and maintainers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from checker import __version__, set_language
from checker.language import N_, missing_package, translate


class _Speaking:
    """Help in the language that is in force when it is shown, which `--language` before the command may have set."""

    def get_help(self, ctx: Any) -> str:
        """The help text, each message translated."""
        command: Any = self
        for part in (command, *command.params, *getattr(command, "commands", {}).values()):
            part.help = translate(part.help) if part.help else part.help
        return str(super().get_help(ctx))  # type: ignore[misc]


class _Command(_Speaking, TyperCommand):
    """A command of ours."""


class _Group(_Speaking, TyperGroup):
    """Our commands together."""


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help=N_("The checker of the course on dropout and batch normalization."),
)

ASSIGNMENT = typer.Argument(help=N_("the assignment, such as spotify"))


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def main(
    language: Annotated[str | None, typer.Option(help=N_("language of the output: en or zh"))] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help=N_("print the version"))
    ] = False,
) -> None:
    """Options before the command hold for all commands."""
    if language is not None:
        try:
            set_language(language)
        except ValueError as error:
            _fail(str(error))


@app.command(cls=_Command, help=N_("Run a notebook in a fresh kernel and show its points, before you hand it in."))
def validate(
    notebook: Annotated[Path, typer.Argument(help=N_("the notebook to run; the file itself is not changed"))],
    timeout: Annotated[int, typer.Option(help=N_("seconds that one cell may take"))] = 600,
) -> None:
    """Run a notebook as a grader would see it."""
    with _needing("grade"):
        from checker.grading.validate import validate_notebook

        raise typer.Exit(validate_notebook(notebook, timeout=timeout))


@app.command(cls=_Command, help=N_("Show your points, attempts and what is next."))
def progress(assignment: Annotated[str, ASSIGNMENT] = "spotify") -> None:
    """Show the progress kept in ./evidence."""
    from checker import show

    show.display(_find(assignment).state())


@app.command(cls=_Command, help=N_("Check the course's data sets, or add the tutorial's full Spotify file."))
def datasets(
    full: Annotated[
        bool, typer.Option("--full", help=N_("fetch the full spotify.csv (32,833 tracks) with kagglehub"))
    ] = False,
    file: Annotated[Path | None, typer.Option(help=N_("take the full file from here (CSV or zip) instead"))] = None,
) -> None:
    """List the data sets with their sizes."""
    from checker import datasets as data

    try:
        if full or file is not None:
            typer.echo(data.fetch_full(file))
        for name in data.NAMES:
            rows, columns = data.load(name).shape
            typer.echo(
                translate(
                    "{name}: {rows} rows, {columns} columns, checksum right", name=name, rows=rows, columns=columns
                )
            )
    except data.DatasetError as error:
        _fail(str(error))


@app.command(
    cls=_Command,
    help=N_("Train references and classic mistakes over many seeds and write the table that thresholds come from."),
)
def calibrate(
    assignment: Annotated[str, ASSIGNMENT] = "spotify",
    seeds: Annotated[int, typer.Option(help=N_("runs of each network"), min=1)] = 20,
    output: Annotated[Path | None, typer.Option(help=N_("the table to write or to continue"))] = None,
) -> None:
    """Measure, do not guess."""
    from checker.tools import calibration, repair_calibration

    repairs = repair_calibration.has_cases(_find(assignment))
    run = repair_calibration.calibrate if repairs else calibration.calibrate
    run(assignment, seeds=seeds, output=output)


@app.command(cls=_Command, help=N_("Write copies of the notebooks in one language."))
def notebooks(
    language: Annotated[str, typer.Option(help=N_("en or zh"))],
    output: Annotated[Path, typer.Option(help=N_("the folder to write to"))],
    source: Annotated[Path, typer.Option(help=N_("the folder with the bilingual notebooks"))] = Path("notebooks"),
) -> None:
    """Keep one language's passages, and all code."""
    with _needing("grade"):
        from checker.tools.monolingual import write

    try:
        for path in write(source, output, language):
            typer.echo(path)
    except (OSError, ValueError) as error:
        _fail(str(error))


@app.command(cls=_Command, help=N_("Write the course's notebooks into a folder; what is there stays as it is."))
def start(
    folder: Annotated[Path, typer.Argument(help=N_("the folder to write to"))] = Path("dropout-course"),
    language: Annotated[str | None, typer.Option(help=N_("only in this language: en or zh"))] = None,
) -> None:
    """Begin without a clone."""
    from checker.tools.start import CannotStart
    from checker.tools.start import start as write

    try:
        typer.echo(write(folder, language).summary())
    except CannotStart as error:
        _fail(str(error))


@app.command(
    cls=_Command, help=N_("Put what an LMS lets you download into submitted/, each student's files in one folder.")
)
def collect(
    assignment: Annotated[str, ASSIGNMENT],
    download: Annotated[Path, typer.Argument(help=N_("the zip, or the folder it was unpacked to"))],
    roster: Annotated[
        Path | None, typer.Option(help=N_("class list (CSV): student ids with names, logins or numbers"))
    ] = None,
    course: Annotated[Path, typer.Option(help=N_("the nbgrader course folder"))] = Path(),
    system: Annotated[
        str | None,
        typer.Option("--from", help=N_("moodle, blackboard, canvas, ilias, classroom or plain; else recognised")),
    ] = None,
    update: Annotated[bool, typer.Option("--update", help=N_("replace what an earlier download brought"))] = False,
) -> None:
    """Take submissions from a learning management system."""
    from checker.grading.collect import CannotCollect
    from checker.grading.collect import collect as run
    from checker.grading.lms.roster import NoRoster

    _find(assignment)
    try:
        typer.echo(run(course, assignment, download, roster, system, update).summary())
    except (CannotCollect, NoRoster, OSError) as error:
        _fail(str(error))


@app.command("return", cls=_Command, help=N_("Pack the feedback into the zip that the LMS takes back."))
def give_back(
    assignment: Annotated[str, ASSIGNMENT],
    system: Annotated[str, typer.Option("--for", help=N_("moodle or canvas"))],
    course: Annotated[Path, typer.Option(help=N_("the nbgrader course folder"))] = Path(),
    output: Annotated[Path | None, typer.Option(help=N_("the zip to write"))] = None,
) -> None:
    """Give feedback back through the learning management system."""
    from checker.grading.give_back import CannotReturn
    from checker.grading.give_back import give_back as run

    _find(assignment)
    try:
        typer.echo(run(course, assignment, system, output).summary())
    except (CannotReturn, OSError) as error:
        _fail(str(error))


@app.command(cls=_Command, help=N_("Grade everything in submitted/ from evidence, on all cores."))
def grade(
    assignment: Annotated[str, ASSIGNMENT],
    course: Annotated[Path, typer.Option(help=N_("the nbgrader course folder"))] = Path(),
    jobs: Annotated[int | None, typer.Option(help=N_("processes; by default one a core"))] = None,
    scheduler: Annotated[str | None, typer.Option(help=N_("address of a Dask scheduler to grade on"))] = None,
    rerun: Annotated[bool, typer.Option("--rerun", help=N_("run every notebook again in the sandbox"))] = False,
    audit: Annotated[str, typer.Option(help=N_("run a random share again in the sandbox, such as 5%"))] = "0%",
    database: Annotated[str | None, typer.Option("--db", help=N_("SQLAlchemy URL of the gradebook"))] = None,
) -> None:
    """Grade a class."""
    with _needing("grade"):
        from checker.grading.batch import grade_class

    _find(assignment)
    try:
        with _gradebook():
            result = grade_class(
                course, assignment, jobs=jobs, scheduler=scheduler, rerun=rerun, audit=_share(audit), database=database
            )
    except (OSError, ValueError, ImportError) as error:
        _fail(str(error))
    typer.echo(result.summary())


@app.command(
    cls=_Command, help=N_("Gather the written answers of a class, alike ones together; --import takes the marks back.")
)
def answers(
    assignment: Annotated[str, ASSIGNMENT],
    course: Annotated[Path, typer.Option(help=N_("the nbgrader course folder"))] = Path(),
    table: Annotated[
        Path | None, typer.Option("--import", help=N_("enter the marks and comments of this spreadsheet"))
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=N_("only say what --import would change"))] = False,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help=N_("let --import replace what was entered in formgrader after the export, too")
        ),
    ] = False,
    decimal_comma: Annotated[
        bool, typer.Option("--decimal-comma", help=N_("write the spreadsheet for countries that write 1,5"))
    ] = False,
    database: Annotated[str | None, typer.Option("--db", help=N_("SQLAlchemy URL of the gradebook"))] = None,
) -> None:
    """Read answers in groups, mark them in a spreadsheet."""
    with _needing("grade"), _gradebook():
        from checker.grading.answers import export
        from checker.grading.answers.take_back import take_back
        from checker.grading.course import Course

        try:
            place = Course.load(course, assignment, database)
            if table is None:
                typer.echo(export(place, decimal_comma=decimal_comma).summary())
            else:
                typer.echo(take_back(place, table.read_bytes(), only_try=dry_run, overwrite=overwrite).summary())
        except (OSError, ValueError) as error:
            _fail(str(error))


@app.command(cls=_Command, help=N_("Show why a student's question earned what it did; nothing is run."))
def explain(
    assignment: Annotated[str, ASSIGNMENT],
    student: Annotated[str, typer.Argument(help=N_("the student's id"))],
    question: Annotated[str, typer.Argument(help=N_("the question, such as q1 or q2-explanation"))],
    course: Annotated[Path, typer.Option(help=N_("the nbgrader course folder"))] = Path(),
    html: Annotated[Path | None, typer.Option(help=N_("write a page to this file instead"))] = None,
    database: Annotated[str | None, typer.Option("--db", help=N_("SQLAlchemy URL of the gradebook"))] = None,
) -> None:
    """Answer a question about a mark."""
    with _needing("grade"), _gradebook():
        from checker import _files
        from checker.grading.course import Course
        from checker.grading.explain import document
        from checker.grading.explain import explain as run
        from checker.show import text

        try:
            page = run(Course.load(course, assignment, database), student, question)
            if html is None:
                typer.echo(text.render(page))
            else:
                _files.replace(html, document(page))
                typer.echo(html)
        except (OSError, ValueError) as error:
            _fail(str(error))


@contextmanager
def _gradebook() -> Iterator[None]:
    """Say in one sentence that the gradebook cannot be used."""
    with _needing("grade"):
        from sqlalchemy.exc import SQLAlchemyError
    try:
        yield
    except SQLAlchemyError as error:
        _fail(
            translate(
                N_("The gradebook cannot be used: {reason}. Look at its address ({address})."),
                reason=str(error).splitlines()[0],
                address="`--db`, `c.CourseDirectory.db_url`",
            )
        )


def _share(text: str) -> float:
    """``"5%"`` or ``"0.05"`` as 0.05."""
    try:
        share = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        _fail(translate("{text} is no share: write 0.05 or 5%.", text=text))
    return share


def _find(name: str):  # type: ignore[no-untyped-def]
    from checker.assignments import NAMES, find

    try:
        return find(name)
    except KeyError:
        _fail(translate("There is no assignment {name}: choose one of {names}.", name=name, names=", ".join(NAMES)))


@contextmanager
def _needing(extra: str) -> Iterator[None]:
    """Say which extra is missing where a package of it cannot be imported."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "checker").partition(".")[0] == "checker":
            raise
        _fail(missing_package(error, extra))


def _fail(message: str) -> None:
    typer.echo(message, err=True)
    raise typer.Exit(2)
