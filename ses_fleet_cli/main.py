"""The commands and flags of `ses-fleet`, and every way in which the command ends."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Collection
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from ses_fleet import limits
from ses_fleet.actions.catalogue import HELP, payload_names
from ses_fleet.aws.regions import partitions
from ses_fleet.aws.s3 import Bucket
from ses_fleet.errors import PeopleFileError, Problem
from ses_fleet.runs import summary as summaries
from ses_fleet.runs.models import Summary
from ses_fleet.text import printable, quoted
from ses_fleet_cli import (
    ahead,
    backups,
    check,
    config_versions,
    confirm,
    diff,
    diff_text,
    differences,
    erasure_key,
    export,
    local_cloud,
    people_file,
    planned_changes,
    push,
    resume,
    run_filter,
    runs,
    saved_plans,
    streams,
)
from ses_fleet_cli import invoke as invoking
from ses_fleet_cli import payload as payloads
from ses_fleet_cli.errors import (
    DIFFERS,
    INTERRUPTED,
    NO_SUMMARY,
    OK,
    REFUSED,
    SOME_FAILED,
    CommandError,
    OutOfReachError,
    usage,
)
from ses_fleet_cli.new_file import NewFile
from ses_fleet_cli.show import Screen, cancelled

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
local_app = typer.Typer(help="Run the real functions on this machine.", no_args_is_help=True)
app.add_typer(local_app, name="local")
config_app = typer.Typer(help="Check, upload, show and roll back config.json and SESConfig.json.", no_args_is_help=True)
app.add_typer(config_app, name="config")
runs_app = typer.Typer(help="Look at runs, cancel and resume them, and export their contacts.", no_args_is_help=True)
app.add_typer(runs_app, name="runs")
backups_app = typer.Typer(help="Look at what was saved of contact lists.", no_args_is_help=True)
app.add_typer(backups_app, name="backups")
_COMMAND = "ses-fleet"  # also where it was started as `python -m ses_fleet_cli`: shell completion is made for this name
# The first deployment's, unless the environment says another one's.
_ORCHESTRATOR = os.environ.get("SES_FLEET_FUNCTION_NAME") or "ses-fleet-orchestrator"


def _file(help_: str) -> Any:
    return typer.Option(exists=True, dir_okay=False, readable=True, help=help_)


_Config = Annotated[Path | None, _file("the local cloud's config.json; default: that of the examples")]
_SesConfig = Annotated[Path | None, _file("the local cloud's SESConfig.json; default: that of the examples")]
_Scenario = Annotated[Path | None, _file("what the local cloud's accounts hold; see docs/local-cloud.md")]


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"ses-fleet {version('ses-fleet')}\n")
        raise typer.Exit


@app.callback()
def _every_command(
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """Run one SES contact-list operation in every customer's AWS account, and get one honest answer back."""


def _action_names() -> list[str]:
    """The names that shell completion offers for ACTION."""
    return [HELP, *sorted(payload_names())]


_ActionName = Annotated[
    str | None, typer.Argument(help="what to do; `help` lists the actions", autocompletion=_action_names)
]


_MaxFailures = Annotated[str | None, typer.Option(help="start no more customers once more than N or P% failed")]
_FailureMode = Annotated[
    str | None, typer.Option(help="soft, or strict: start no more than could fail within --max-failures")
]
_Ramp = Annotated[
    list[str] | None, typer.Option(help="a stage, N or P% of the customers, the last 100%; may be repeated")
]
_DetailedExitCode = Annotated[
    bool,
    typer.Option(
        "--detailed-exitcode", help="exit with 4 when something differs, and with 0 only when it is known to be nothing"
    ),
]


@app.command()
def invoke(
    action: _ActionName = None,
    customer_code: Annotated[str | None, typer.Option(help="the one customer of a single-customer action")] = None,
    ses_role_arn: Annotated[str | None, typer.Option(help="another role of that customer's account")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show what would be done, and write nothing")] = False,
    include: Annotated[list[str] | None, typer.Option(help="run only this customer; may be repeated")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="do not run this customer; may be repeated")] = None,
    environment: Annotated[str | None, typer.Option(help="run only customers of this environment")] = None,
    max_customer_concurrency: Annotated[int | None, typer.Option(help="customers at once; 0 = all")] = None,
    max_failures: _MaxFailures = None,
    failure_mode: _FailureMode = None,
    ramp: _Ramp = None,
    prune: Annotated[bool, typer.Option("--prune", help="also remove unwanted topics, or people who left")] = False,
    confirm_customers: Annotated[
        int | None, typer.Option(help="how many customers are selected; for runs that remove")
    ] = None,
    confirm_people: Annotated[int | None, typer.Option(help="how many rows the people file has")] = None,
    run_id: Annotated[str | None, typer.Option(help="an id of your own; used again, it starts nothing")] = None,
    param: Annotated[list[str] | None, typer.Option(help="a parameter as name=value; may be repeated")] = None,
    people: Annotated[
        str | None, typer.Option(help="a .csv or .jsonl file that says whom the run is for; - is standard input")
    ] = None,
    person: Annotated[list[str] | None, typer.Option(help="one address that the run is for; may be repeated")] = None,
    payload: Annotated[str | None, typer.Option(help="a file with the action payload; - is standard input")] = None,
    output: Annotated[str, typer.Option(help="text or json")] = "text",
    yes: Annotated[bool, typer.Option("--yes", help="do not ask before anything is changed")] = False,
    detailed_exitcode: _DetailedExitCode = False,
    function_name: Annotated[str | None, typer.Option(help="default: ses-fleet-orchestrator")] = None,
    local: Annotated[bool, typer.Option("--local", help="run in a local cloud that is made for this call")] = False,
    config: _Config = None,
    ses_config: _SesConfig = None,
    scenario: _Scenario = None,
    conditions: Annotated[str | None, typer.Option(help="with --local: `aws` (delays, lags) or `kind`")] = None,
) -> None:
    """Start a run, follow it, and show its Summary. The exit code is the Summary's (0, 1 or 2), or 3 without one."""
    _check_output(output)
    _check_local(local, function_name, config=config, ses_config=ses_config, scenario=scenario, conditions=conditions)
    # None stands for a flag that was not given. For one that may be repeated typer gives an empty list then.
    flags = {
        "customer_code": customer_code,
        "ses_role_arn": ses_role_arn,
        "dry_run": dry_run or None,
        "include": include or None,
        "exclude": exclude or None,
        "environment": environment,
        "max_customer_concurrency": max_customer_concurrency,
        "max_failures": payloads.number_or_share(max_failures),
        "failure_mode": failure_mode,
        "ramp": [payloads.number_or_share(stage) for stage in ramp] if ramp else None,
        "prune": prune or None,
        "confirm_customers": confirm_customers,
        "run_id": run_id,
    }
    if people == payload == "-":
        raise usage("--people - and --payload - cannot both be read from standard input")
    params = [*(param or []), *([] if confirm_people is None else [f"confirm_people={confirm_people}"])]
    built = payloads.build(action, payload, flags, params)
    if detailed_exitcode:
        differences.check(built)
    file = _people(built, people, person or [])
    asks = confirm.is_needed(built, yes=yes)
    fields = payloads.fields_of_flags(payload, {**flags, "people": people or person or None}, params)
    screen = Screen(text=output == "text", flags=fields, is_last=local)
    preset = "kind" if conditions is None else conditions
    options = local_cloud.options(config, ses_config, scenario, preset) if local else None
    name = _ORCHESTRATOR if function_name is None else function_name
    with local_cloud.for_this_call(options, screen):
        raise typer.Exit(_invoke(name, built, screen, output, file, local=local, asks=asks, detailed=detailed_exitcode))


@app.command("apply")
def apply_plan(
    run_id: Annotated[str, typer.Argument(help="the dry run whose plan is applied, as `runs list` shows it")],
    max_customer_concurrency: Annotated[int | None, typer.Option(help="customers at once; 0 = all")] = None,
    max_failures: _MaxFailures = None,
    failure_mode: _FailureMode = None,
    ramp: _Ramp = None,
    output: Annotated[str, typer.Option(help="text or json")] = "text",
    yes: Annotated[bool, typer.Option("--yes", help="do not ask before the plan is applied")] = False,
    function_name: Annotated[str, typer.Option(help="the orchestrator that made the plan")] = _ORCHESTRATOR,
) -> None:
    """Do exactly what a dry run of manage-topic showed, and follow that run as `invoke` does.

    A customer whose topics changed since fails and is left as it is.
    """
    _check_output(output)
    flags = {
        "max_customer_concurrency": max_customer_concurrency,
        "max_failures": payloads.number_or_share(max_failures),
        "failure_mode": failure_mode,
        "ramp": [payloads.number_or_share(stage) for stage in ramp] if ramp else None,
    }
    with invoking.nothing_sent():
        target = invoking.connect(function_name)
        shown = runs.look(target.results, run_id)
        applying = saved_plans.check(target.results, shown, now=target.now, hours=target.plan_hours)
        given = {name: value for name, value in flags.items() if value is not None}
        built = {"action": shown.summary.action, "plan": run_id, **given}
        asks = applying is None and confirm.is_needed(built, yes=yes)
    screen = Screen(text=output == "text", flags=set(given))
    if applying is not None:
        screen.notice(f"plan {run_id} is being applied by run {applying}, which is followed")
    raise typer.Exit(_invoke(function_name, built, screen, output, local=False, asks=asks))


@app.command("erasure-key")
def erasure_secret(
    add: Annotated[
        bool,
        typer.Option(
            "--add", help="read the secret's present text from standard input, and keep its keys as older ones"
        ),
    ] = False,
    address: Annotated[
        str | None,
        typer.Option(
            "--hash",
            help="make no key: read the secret's present text from standard input, and print this address's hash by "
            "each of its keys, as receipts have it",
        ),
    ] = None,
) -> None:
    """Print the text of a secret with a new key, by which erased people are remembered. Nothing is sent or kept."""
    if address is None:
        sys.stdout.write(erasure_key.with_new_key(sys.stdin.read() if add else None) + "\n")
        return
    if add:
        raise usage("--add makes a key and --hash makes none: give one of the two")
    for key_id, one in erasure_key.hashes(sys.stdin.read(), address.strip()).items():
        sys.stdout.write(f"{key_id} {one}\n")


@config_app.command("check")
def check_files(
    files: Annotated[list[Path], typer.Argument(help="config.json, SESConfig.json, or both")],
    partition: Annotated[
        str | None,
        typer.Option(
            help=f"the deployment's partition: {', '.join(partitions())}; default: that of the roles in the file"
        ),
    ] = None,
) -> None:
    """List what is wrong with the files, one finding a line, and what is in them. The exit code is 1 for an error."""
    if partition is not None and partition not in partitions():
        raise usage(f"--partition is one of {', '.join(partitions())}, not {quoted(partition)}")
    errors = 0
    for path, body in [(path, check.content(path)) for path in files]:
        for level, text in check.findings(body, path.name, partition):
            errors += level == "error"
            sys.stdout.write(check.line(str(path), level, text) + "\n")
        head, *rest = check.found(body, path.name, partition) or [""]
        for line in [f"{path}: {head}", *rest] if head else []:
            sys.stdout.write(printable(line, 1_000) + "\n")
    raise typer.Exit(1 if errors else 0)


_Force = Annotated[
    bool, typer.Option("--force", help="upload although some customers have errors: those fail or are skipped")
]
_Yes = Annotated[bool, typer.Option("--yes", help="do not ask; without a terminal nothing is uploaded otherwise")]
_ConfigFunction = Annotated[str, typer.Option(help="the orchestrator whose files are meant")]


@config_app.command("push")
def push_files(
    files: Annotated[list[Path], typer.Argument(help="config.json, SESConfig.json, or both")],
    force: _Force = False,
    yes: _Yes = False,
    function_name: _ConfigFunction = _ORCHESTRATOR,
) -> None:
    """Check the files, show what they change, ask, and upload them; if one is wrong, none, with exit code 1."""
    bodies = [(str(path), check.content(path)) for path in files]
    target = invoking.connect(function_name)
    _put([push.checked(name, body, target) for name, body in bodies], target, force=force, yes=yes)


@config_app.command("show")
def show_config(
    file: Annotated[
        str | None,
        typer.Argument(help="config.json, which it is by default, or SESConfig.json; a version names its file itself"),
    ] = None,
    version_: Annotated[str | None, typer.Option("--version", help="a version, as `config history` shows it")] = None,
    function_name: _ConfigFunction = _ORCHESTRATOR,
) -> None:
    """Write a file to standard output as the next run reads it, or one version of it."""
    if file not in (None, *config_versions.NAMES):
        raise usage(f"{quoted(file or '')} is none of {', '.join(config_versions.NAMES)}")
    target = invoking.connect(function_name)
    found = None if version_ is None else config_versions.chosen(target, file, version_)
    name = found.file if found else file or "config.json"
    body, stored = config_versions.text_of(target, name, found.version if found else None)
    sys.stderr.write(f"{name}, version {printable(str(stored))}\n")
    config_versions.show(body)


@config_app.command("history")
def show_history(
    limit: Annotated[int, typer.Option(help="how many versions of each file to list", min=1, max=1_000)] = 10,
    output: Annotated[str, typer.Option(help="text or json")] = "text",
    function_name: _ConfigFunction = _ORCHESTRATOR,
) -> None:
    """List the versions of both files that S3 keeps, newest first."""
    _check_output(output)
    found = config_versions.history(invoking.connect(function_name), limit)
    if output == "json":
        sys.stdout.write(config_versions.as_json(found) + "\n")
    else:
        Screen(text=True).lines(config_versions.table(found))


@config_app.command("rollback")
def roll_back(
    version_: Annotated[str, typer.Argument(metavar="VERSION", help="a version, as `config history` shows it")],
    force: _Force = False,
    yes: _Yes = False,
    function_name: _ConfigFunction = _ORCHESTRATOR,
) -> None:
    """Upload an earlier version of a file again: checked, compared and asked about as `config push` does."""
    target = invoking.connect(function_name)
    found = config_versions.earlier(target, version_)
    body, _ = config_versions.text_of(target, found.file, found.version)
    _put([push.checked(f"{found.file} of {found.written_at}", body, target)], target, force=force, yes=yes)


def _put(checked: list[push.File], target: invoking.Target, *, force: bool, yes: bool) -> None:
    push.one_of_each(checked)
    for file in checked:
        for level, text in file.findings:
            sys.stderr.write(check.line(file.name, level, text) + "\n")
    blocking = [file for file in checked if file.is_blocked(force=force)]
    if blocking:
        names = ", ".join(file.name for file in blocking)
        raise CommandError(f"nothing was uploaded: {names} {push.why_not(blocking)}", SOME_FAILED)
    changes = []
    for file in checked:
        with invoking.reachable(file.location):
            changes.append(push.change(file))
    confirm.ask_to_put([text for one in changes for text in push.told(one)], target, wanted=_changing(changes), yes=yes)
    done: list[str] = []
    for one in _changing(changes):
        with invoking.reachable(one.file.location):
            line = push.put(one)
        if line is None:
            so_far = f"uploaded before that: {', '.join(done)}" if done else "nothing was uploaded"
            text = f"{one.file.location} was changed by somebody else since the difference was shown; {so_far}"
            raise CommandError(f"{text}. The same command shows the difference now", SOME_FAILED)
        done.append(one.file.name)
        sys.stdout.write(line + "\n")


def _changing(changes: list[push.Change]) -> list[push.Change]:
    return [one for one in changes if not one.is_same]


@config_app.command("discover")
def discover_accounts(
    config: Annotated[Path, typer.Option(help="the config.json to compare with; without --write it is only read")],
    role_arn: Annotated[
        str, typer.Option(help="the role of new entries, such as arn:aws:iam::{account_id}:role/contact-manager")
    ],
    ou: Annotated[
        list[str] | None, typer.Option(help="accounts of this unit (ou-…, r-… or root); may be repeated")
    ] = None,
    recursive: Annotated[bool, typer.Option("--recursive", help="with --ou: of the units below, too")] = False,
    tag: Annotated[
        list[str] | None, typer.Option(help="only accounts with this tag, KEY=VALUE or KEY; may be repeated")
    ] = None,
    code: Annotated[str, typer.Option(help="the code of new entries, of {name} and {account_id}")] = "{name}",
    external_id: Annotated[
        str | None, typer.Option(help="the ExternalId of new entries, such as fleet-{account_id}")
    ] = None,
    import_bucket: Annotated[
        str | None,
        typer.Option(help="the import bucket of new entries, such as ses-fleet-import-{account_id}-us-east-1"),
    ] = None,
    region: Annotated[str | None, typer.Option(help="the Region of new entries")] = None,
    environment: Annotated[str | None, typer.Option(help="the environment of new entries")] = None,
    write: Annotated[bool, typer.Option("--write", help="write the difference into the file")] = False,
    output: Annotated[str, typer.Option(help="text, json or diff")] = "text",
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="end with 4 where something differs")
    ] = False,
) -> None:
    """Compare an AWS organization with config.json: new accounts become entries, closed ones are disabled.

    Nothing is written without --write, and entries that are there are never dropped. Tags of one key are alternatives,
    those of different keys must all be there.
    """
    # Imported here: no other command needs it.
    from ses_fleet_cli.discover import command as discover
    from ses_fleet_cli.discover.templates import Templates

    templates = Templates(
        role_arn=role_arn,
        code=code,
        external_id=external_id,
        import_bucket=import_bucket,
        region=region,
        environment=environment,
    )
    selected = discover.selection(ou or [], tag or [], recursive=recursive)
    wanted = discover.Wanted(config, selected, templates, output, write=write, detailed_exitcode=detailed_exitcode)
    raise typer.Exit(discover.run(wanted))


_FunctionName = Annotated[str, typer.Option(help="the orchestrator whose runs are meant")]
_RunId = Annotated[str, typer.Argument(help="the run's id, as `runs list` shows it")]


@runs_app.command("list")
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
    function_name: _FunctionName = _ORCHESTRATOR,
) -> None:
    """List the last runs, and what became of each."""
    _check_output(output)
    target = invoking.connect(function_name)
    wanted = run_filter.wanted(action or [], since, status or [], target.now)
    with invoking.reachable("the run records"):
        listed = runs.newest(target.results, limit, wanted)
    if output == "json":
        sys.stdout.write(runs.as_json(listed) + "\n")
    else:
        Screen(text=True).runs(listed, filtered=not wanted.is_everything)


@runs_app.command("show")
def show_run(
    run_id: _RunId,
    changes: Annotated[
        bool,
        typer.Option(
            "--changes",
            help="instead: the plan of a dry run of manage-topic; or whom an import would touch, for those who may "
            "read addresses",
        ),
    ] = False,
    output: Annotated[str, typer.Option(help="text or json")] = "text",
    function_name: _FunctionName = _ORCHESTRATOR,
) -> None:
    """Show what became of one run, or how far it is, also when its orchestrator was killed."""
    _check_output(output)
    results = invoking.connect(function_name).results
    shown = runs.look(results, run_id)
    if changes and saved_plans.is_one(shown.summary):
        as_json = output == "json"
        for line in saved_plans.json_lines(results, shown) if as_json else saved_plans.lines(results, shown):
            sys.stdout.write(line + "\n")
        return
    if changes:
        found = planned_changes.read(results, shown.summary)
        as_text = planned_changes.lines(found, dry_run=shown.summary.dry_run)
        for line in planned_changes.json_lines(found) if output == "json" else as_text:
            sys.stdout.write(line + "\n")
        raise typer.Exit(SOME_FAILED if any(one.problem for one in found) else OK)
    if output == "json":
        sys.stdout.write(runs.shown_as_json(shown) + "\n")
        return
    plan = saved_plans.lines(results, shown) if saved_plans.is_one(shown.summary) else []
    Screen(text=True).run(shown, plan)


@runs_app.command("cancel")
def cancel_run(
    run_id: _RunId,
    output: Annotated[str, typer.Option(help="text or json")] = "text",
    function_name: _FunctionName = _ORCHESTRATOR,
) -> None:
    """Start no customer and no slice of a run any more, at the latest from 5 s on; what a worker does then goes on."""
    _check_output(output)
    summary = invoking.ask_to_cancel(invoking.connect(function_name), run_id)
    screen = Screen(text=output == "text")
    screen.notice(cancelled(summary))
    if output == "json":
        screen.summary(summary)


@runs_app.command("resume")
def resume_run(
    run_id: _RunId,
    param: Annotated[list[str] | None, typer.Option(help="a parameter as name=value; may be repeated")] = None,
    new_run_id: Annotated[
        str | None, typer.Option("--run-id", help="an id of your own for the new run; used again, it starts nothing")
    ] = None,
    output: Annotated[str, typer.Option(help="text or json")] = "text",
    yes: Annotated[bool, typer.Option("--yes", help="do not ask before anything is changed")] = False,
    function_name: _FunctionName = _ORCHESTRATOR,
) -> None:
    """Run what failed or was not started in a run that is over, and follow it as `invoke` does."""
    _check_output(output)
    shown = runs.look(invoking.connect(function_name).results, run_id)
    built = resume.payload_of(shown, param or [], new_run_id)
    asks = confirm.is_needed(built, yes=yes)
    screen = Screen(text=output == "text", flags={"params"} if param else ())
    raise typer.Exit(_invoke(function_name, built, screen, output, local=False, asks=asks))


@runs_app.command("diff")
def diff_runs(
    before: Annotated[
        str, typer.Argument(metavar="A", help="the id of the run to compare with, as `runs list` shows it")
    ],
    after: Annotated[str, typer.Argument(metavar="B", help="the id of another run of the same action")],
    output: Annotated[str, typer.Option(help="text or json")] = "text",
    function_name: _FunctionName = _ORCHESTRATOR,
) -> None:
    """Show what changed for each customer from run A to run B. The exit code is 0 if nothing did, and 4 if anything."""
    _check_output(output)
    results = invoking.connect(function_name).results
    compared = diff.compare(results, runs.look(results, before), runs.look(results, after))
    lines = [diff.as_json(compared)] if output == "json" else diff_text.lines(compared)
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    raise typer.Exit(DIFFERS if compared.differs else OK)


_FORMATS = (*export.FORMATS, "html")


@runs_app.command("export")
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
    function_name: _FunctionName = _ORCHESTRATOR,
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


@backups_app.command("list")
def list_backups(
    customer: Annotated[str | None, typer.Argument(help="a customer's code; default: every customer")] = None,
    limit: Annotated[int, typer.Option(help="how many backups to list, newest first", min=1, max=1_000)] = 20,
    output: Annotated[str, typer.Option(help="text or json")] = "text",
    function_name: Annotated[str, typer.Option(help="the orchestrator whose backups are meant")] = _ORCHESTRATOR,
) -> None:
    """List what was saved of lists: what, when, by which run, until when it is kept, and what brings it back."""
    _check_output(output)
    target = invoking.connect(function_name)
    days = int(target.variables.get("BACKUPS_DAYS") or limits.BACKUP_DAYS)
    place = backups.Place(target.results, target.now, days)
    found = backups.listed(place, customer, limit)
    if output == "json":
        sys.stdout.write(backups.as_json(found) + "\n")
        return
    Screen(text=True).backups(found, otherwise=lambda: backups.none_of(place, customer))


@local_app.command()
def up(
    port: Annotated[int, typer.Option(help="the port to listen on; 0 takes a free one", min=0, max=65535)] = 4566,
    config: _Config = None,
    ses_config: _SesConfig = None,
    scenario: _Scenario = None,
    empty: Annotated[
        bool, typer.Option("--empty", help="make nothing in any account, so that a deployment can")
    ] = False,
    ses_rate: Annotated[
        float, typer.Option(help="requests a second that SES takes from each account; 0 for any number", min=0)
    ] = 1.0,
    max_environments: Annotated[
        int, typer.Option(help="how many processes may run each function at once", min=1, max=100)
    ] = 10,
    conditions: Annotated[str, typer.Option(help="`aws` (delays, lags) or `kind`")] = "kind",
    tls: Annotated[
        bool, typer.Option("--tls", help="speak HTTPS, with a certificate made for this local cloud")
    ] = False,
) -> None:
    """Run the local cloud until it is interrupted. Without files it has the customers of the examples."""
    if empty and (config or ses_config):
        raise usage("--empty makes no customers, and no bucket for files: leave out --config and --ses-config")
    options = local_cloud.options(config, ses_config, scenario, conditions, empty=empty)
    wait_for_signal = local_cloud.signal_waiter()
    options = replace(options, port=port, ses_rate=ses_rate, max_environments=max_environments, tls=tls)
    with local_cloud.started(options) as (cloud, notices):
        for notice in notices:
            sys.stderr.write(f"{notice}\n")
        for name, value in cloud.environment().items():
            sys.stdout.write(f"export {name}={value}\n")
        sys.stdout.write("# ready\n")
        sys.stdout.flush()
        wait_for_signal()


def main() -> None:
    """Run the command that the arguments name, and end the process with its exit code."""
    streams.prepare()
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # from here on it ends commands in good order
    exit_code = _run()
    failure = streams.finish()
    if failure is not None:
        exit_code = exit_code or _ended(f"the output cannot be written: {failure}", NO_SUMMARY)
    sys.exit(exit_code)


def _run() -> int:
    try:
        app(prog_name=_COMMAND)
    except CommandError as error:
        return _ended(error.message, error.exit_code)
    except KeyboardInterrupt:
        return _ended("interrupted", INTERRUPTED)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else OK
        return _ended("interrupted", INTERRUPTED) if code == INTERRUPTED else code  # typer ends without a message then
    return OK


def _ended(message: str, exit_code: int) -> int:
    sys.stderr.write(f"ses-fleet: {printable(message, limits.COMMAND_MESSAGE_CHARACTERS)}\n")
    return exit_code


def _people(built: dict[str, Any], source: str | None, persons: list[str]) -> people_file.Checked | None:
    try:
        return people_file.checked(built, source, persons)
    except PeopleFileError as error:
        name = "--person" if source is None else printable(source, 300)
        for text in error.texts:
            sys.stderr.write(f"{name}: {text}\n")
        raise usage(f"{name} cannot be used: nothing was uploaded, and nothing was started") from None


def _invoke(
    function_name: str,
    built: dict[str, Any],
    screen: Screen,
    output: str,
    people: people_file.Checked | None = None,
    *,
    local: bool,
    asks: bool,
    detailed: bool = False,
) -> int:
    if built["action"] == HELP:
        return _help(function_name, screen, output)
    with invoking.nothing_sent():
        target = invoking.connect(function_name)
        if people is not None:
            built["people"] = people_file.upload(target.results, people)
            screen.notice(people_file.told(built["people"], people, target.now))
        if asks and (refused := _asked_about(built, target)) is not None:
            screen.summary(refused)
            return REFUSED
    with screen:
        rows = None if people is None else people.by_line
        return invoking.run(target, built, screen, local=local, people=rows, detailed_exit_code=detailed)


def _asked_about(built: dict[str, Any], target: invoking.Target) -> Summary | None:
    """Ask before something is changed. Return None, or the refusal that the run would end with.

    Raise CommandError when the answer is no.
    """
    found = ahead.look(target, built)
    if found.preview.problems:
        run_id, action = str(built.get("run_id") or ""), str(built["action"])
        problems = [Problem(*problem.partition(": ")[::2]) for problem in found.preview.problems]
        return summaries.refused(run_id, action, False, target.now.isoformat(), problems)
    if not found.preview.exists:  # else nothing is started, and the run is followed
        confirm.ask(built, target, found, _plan(built, target, found.preview.customers))
    return None


def _plan(built: dict[str, Any], target: invoking.Target, customers: Collection[str]) -> list[str]:
    """Return the lines of the saved plan that a payload applies, as far as it is about these customers."""
    if "plan" not in built:
        return []
    shown = runs.look(target.results, str(built["plan"]))
    return saved_plans.lines(target.results, shown, only=customers)


def _help(function_name: str, screen: Screen, output: str) -> int:
    # Imported here: no other command needs the models of all actions' data.
    from ses_fleet.runs.help import help_answer

    try:
        answer = invoking.ask_help(invoking.connect(function_name))
    except OutOfReachError as error:
        screen.notice(f"{error.message}. These are the actions that this command knows, version {version('ses-fleet')}")
        answer = help_answer()
    screen.answer(answer)
    if output == "json":
        sys.stdout.write(json.dumps(answer, indent=2) + "\n")
    return OK


def _check_output(output: str) -> None:
    if output not in ("text", "json"):
        raise usage(f"--output is text or json, not {quoted(output)}")


def _check_local(local: bool, function_name: str | None, **files: Path | str | None) -> None:
    given = [f"--{name.replace('_', '-')}" for name, path in files.items() if path is not None]
    if given and not local:
        raise usage(
            f"{', '.join(given)} can only be given with --local: use `config push` to upload files to a deployment"
        )
    if local and function_name is not None:
        raise usage("--local runs functions of its own: leave out --function-name")
