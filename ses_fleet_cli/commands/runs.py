"""`runs`: what became of runs, and what is left of them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ses_fleet.aws.s3 import Bucket
from ses_fleet.text import quoted
from ses_fleet_cli import (
    confirm,
    diff,
    diff_text,
    export,
    planned_changes,
    resume,
    run_filter,
    runs,
    saved_plans,
)
from ses_fleet_cli import invoke as invoking
from ses_fleet_cli.commands import options, starting
from ses_fleet_cli.errors import (
    DIFFERS,
    OK,
    SOME_FAILED,
    usage,
)
from ses_fleet_cli.new_file import NewFile
from ses_fleet_cli.show import Screen, cancelled

app = typer.Typer(help="Look at runs, cancel and resume them, and export their contacts.", no_args_is_help=True)


_FunctionName = Annotated[str, typer.Option(help="the orchestrator whose runs are meant")]
_RunId = Annotated[str, typer.Argument(help="the run's id, as `runs list` shows it")]


@app.command("list")
def list_runs(
    limit: Annotated[int, typer.Option(help="how many runs to list, newest first", min=1, max=1_000)] = 20,
    action: Annotated[list[str] | None, typer.Option(help="only runs of this action; may be repeated")] = None,
    since: Annotated[
        str | None, typer.Option(help="only runs since then: 2026-03-01, 2026-03-01T06:30 (UTC), 90m, 24h or 7d")
    ] = None,
    status: Annotated[
        list[str] | None, typer.Option(help=f"only these: {', '.join(run_filter.STATUSES)}; may be repeated")
    ] = None,
    output: Annotated[str, typer.Option(help="text or json")] = "text",
    function_name: _FunctionName = options.ORCHESTRATOR,
) -> None:
    """List the last runs, and what became of each."""
    options.check_output(output)
    target = invoking.connect(function_name)
    wanted = run_filter.wanted(action or [], since, status or [], target.now)
    with invoking.reachable("the run records"):
        listed = runs.newest(target.results, limit, wanted)
    if output == "json":
        sys.stdout.write(runs.as_json(listed) + "\n")
    else:
        Screen(text=True).runs(listed, filtered=not wanted.is_everything)


@app.command("show")
def show_run(
    run_id: _RunId,
    changes: Annotated[
        bool,
        typer.Option(
            "--changes",
            help="instead: the plan of a dry run, with whom it would change for those who may read addresses; whom an "
            "import was to touch; or whom a run that applied a plan left as they are",
        ),
    ] = False,
    output: Annotated[str, typer.Option(help="text or json")] = "text",
    function_name: _FunctionName = options.ORCHESTRATOR,
) -> None:
    """Show what became of one run, or how far it is, also when its orchestrator was killed."""
    options.check_output(output)
    results = invoking.connect(function_name).results
    shown = runs.look(results, run_id)
    if changes and saved_plans.is_one(shown.summary) and (output == "text" or saved_plans.is_whole(shown.summary)):
        for line in saved_plans.json_lines(results, shown) if output == "json" else saved_plans.lines(results, shown):
            sys.stdout.write(line + "\n")
        if saved_plans.is_whole(shown.summary):
            return
    if changes:
        found = planned_changes.read(results, shown)
        as_text = planned_changes.lines(found, shown.summary)
        for line in planned_changes.json_lines(found) if output == "json" else as_text:
            sys.stdout.write(line + "\n")
        raise typer.Exit(SOME_FAILED if any(one.problem for one in found) else OK)
    if output == "json":
        sys.stdout.write(runs.shown_as_json(shown) + "\n")
        return
    plan = saved_plans.lines(results, shown) if saved_plans.is_one(shown.summary) else []
    Screen(text=True).run(shown, plan)


@app.command("cancel")
def cancel_run(
    run_id: _RunId,
    output: Annotated[str, typer.Option(help="text or json")] = "text",
    function_name: _FunctionName = options.ORCHESTRATOR,
) -> None:
    """Start no customer and no slice of a run any more, at the latest from 5 s on; what a worker does then goes on."""
    options.check_output(output)
    summary = invoking.ask_to_cancel(invoking.connect(function_name), run_id)
    screen = Screen(text=output == "text")
    screen.notice(cancelled(summary))
    if output == "json":
        screen.summary(summary)


@app.command("resume")
def resume_run(
    run_id: _RunId,
    param: Annotated[list[str] | None, typer.Option(help="a parameter as name=value; may be repeated")] = None,
    new_run_id: Annotated[
        str | None, typer.Option("--run-id", help="an id of your own for the new run; used again, it starts nothing")
    ] = None,
    output: Annotated[str, typer.Option(help="text or json")] = "text",
    yes: Annotated[bool, typer.Option("--yes", help="do not ask before anything is changed")] = False,
    function_name: _FunctionName = options.ORCHESTRATOR,
) -> None:
    """Run what failed or was not started in a run that is over, and follow it as `invoke` does."""
    options.check_output(output)
    shown = runs.look(invoking.connect(function_name).results, run_id)
    built = resume.payload_of(shown, param or [], new_run_id)
    asks = confirm.is_needed(built, yes=yes)
    screen = Screen(text=output == "text", flags={"params"} if param else ())
    raise typer.Exit(starting.start(function_name, built, screen, output, local=False, asks=asks))


@app.command("diff")
def diff_runs(
    before: Annotated[
        str, typer.Argument(metavar="A", help="the id of the run to compare with, as `runs list` shows it")
    ],
    after: Annotated[str, typer.Argument(metavar="B", help="the id of another run of the same action")],
    output: Annotated[str, typer.Option(help="text or json")] = "text",
    function_name: _FunctionName = options.ORCHESTRATOR,
) -> None:
    """Show what changed for each customer from run A to run B. The exit code is 0 if nothing did, and 4 if anything."""
    options.check_output(output)
    results = invoking.connect(function_name).results
    compared = diff.compare(results, runs.look(results, before), runs.look(results, after))
    lines = [diff.as_json(compared)] if output == "json" else diff_text.lines(compared)
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    raise typer.Exit(DIFFERS if compared.differs else OK)


_FORMATS = (*export.FORMATS, "html")


@app.command("export")
def export_run(
    run_id: _RunId,
    out: Annotated[Path, typer.Option(help="the file to write; - is standard output")],
    format_: Annotated[
        str,
        typer.Option(
            "--format", help="csv or jsonl, the contacts of a run of list-contacts; html, a report of any run"
        ),
    ] = "csv",
    force: Annotated[bool, typer.Option("--force", help="overwrite the file if it is there")] = False,
    function_name: _FunctionName = options.ORCHESTRATOR,
) -> None:
    """Write all customers' contacts, or a report of the run, into one file.

    If some contacts are missing, they are named and the exit code is 1.
    """
    if format_ not in _FORMATS:
        raise usage(f"--format is {', '.join(_FORMATS[:-1])} or {_FORMATS[-1]}, not {quoted(format_)}")
    file = NewFile(out, force)
    file.check()
    results = invoking.connect(function_name).results
    shown = runs.look(results, run_id)
    screen = Screen(text=True)
    if format_ == "html":
        screen.notice(_report(results, shown, file))
        return
    with screen, invoking.reachable("the run's data"):
        exported = export.export(results, shown, format_, file, screen.exported)
    for problem in exported.problems:
        screen.notice(f"⚠️  {problem}")
    screen.notice(f"{exported.contacts:,} contacts exported to {out}")
    raise typer.Exit(SOME_FAILED if exported.problems else OK)


def _report(results: Bucket, shown: runs.Shown, file: NewFile) -> str:
    # Imported here: Jinja2 takes longer to load than the rest of the command, which needs it nowhere else.
    from ses_fleet_cli.report import written

    return written.write(results, shown, file)
