"""The command `ses-fleet`: its groups of commands, and every way in which it ends."""

from __future__ import annotations

import signal
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from ses_fleet import limits
from ses_fleet.text import printable
from ses_fleet_cli import (
    erasure_key,
    streams,
)
from ses_fleet_cli.commands import backups as backup_commands
from ses_fleet_cli.commands import config as config_commands
from ses_fleet_cli.commands import local as local_commands
from ses_fleet_cli.commands import runs as run_commands
from ses_fleet_cli.commands import starting
from ses_fleet_cli.errors import (
    INTERRUPTED,
    NO_SUMMARY,
    OK,
    CommandError,
    usage,
)

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(starting.invoke)
app.command("apply")(starting.apply_plan)
app.add_typer(local_commands.app, name="local")
app.add_typer(config_commands.app, name="config")
app.add_typer(run_commands.app, name="runs")
app.add_typer(backup_commands.app, name="backups")
_COMMAND = "ses-fleet"  # also where it was started as `python -m ses_fleet_cli`: shell completion is made for this name


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
