"""`config`: what the configuration files say, and bringing them to where the orchestrator reads them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ses_fleet.aws.regions import partitions
from ses_fleet.text import printable, quoted
from ses_fleet_cli import (
    check,
    config_versions,
    confirm,
    push,
)
from ses_fleet_cli import invoke as invoking
from ses_fleet_cli.commands import options
from ses_fleet_cli.errors import (
    SOME_FAILED,
    CommandError,
    usage,
)
from ses_fleet_cli.show import Screen

app = typer.Typer(help="Check, upload, show and roll back config.json and SESConfig.json.", no_args_is_help=True)


@app.command("check")
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


@app.command("push")
def push_files(
    files: Annotated[list[Path], typer.Argument(help="config.json, SESConfig.json, or both")],
    force: _Force = False,
    yes: _Yes = False,
    function_name: _ConfigFunction = options.ORCHESTRATOR,
) -> None:
    """Check the files, show what they change, ask, and upload them; if one is wrong, none, with exit code 1."""
    bodies = [(str(path), check.content(path)) for path in files]
    target = invoking.connect(function_name)
    _put([push.checked(name, body, target) for name, body in bodies], target, force=force, yes=yes)


@app.command("show")
def show_config(
    file: Annotated[
        str | None,
        typer.Argument(help="config.json, which it is by default, or SESConfig.json; a version names its file itself"),
    ] = None,
    version_: Annotated[str | None, typer.Option("--version", help="a version, as `config history` shows it")] = None,
    function_name: _ConfigFunction = options.ORCHESTRATOR,
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


@app.command("history")
def show_history(
    limit: Annotated[int, typer.Option(help="how many versions of each file to list", min=1, max=1_000)] = 10,
    output: Annotated[str, typer.Option(help="text or json")] = "text",
    function_name: _ConfigFunction = options.ORCHESTRATOR,
) -> None:
    """List the versions of both files that S3 keeps, newest first."""
    options.check_output(output)
    found = config_versions.history(invoking.connect(function_name), limit)
    if output == "json":
        sys.stdout.write(config_versions.as_json(found) + "\n")
    else:
        Screen(text=True).lines(config_versions.table(found))


@app.command("rollback")
def roll_back(
    version_: Annotated[str, typer.Argument(metavar="VERSION", help="a version, as `config history` shows it")],
    force: _Force = False,
    yes: _Yes = False,
    function_name: _ConfigFunction = options.ORCHESTRATOR,
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


@app.command("discover")
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
