"""`backups`: what was saved of contact lists."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ses_fleet import limits
from ses_fleet_cli import (
    backups,
)
from ses_fleet_cli import invoke as invoking
from ses_fleet_cli.commands import options
from ses_fleet_cli.show import Screen

app = typer.Typer(help="Look at what was saved of contact lists.", no_args_is_help=True)


@app.command("list")
def list_backups(
    customer: Annotated[str | None, typer.Argument(help="a customer's code; default: every customer")] = None,
    limit: Annotated[int, typer.Option(help="how many backups to list, newest first", min=1, max=1_000)] = 20,
    output: Annotated[str, typer.Option(help="text or json")] = "text",
    function_name: Annotated[str, typer.Option(help="the orchestrator whose backups are meant")] = options.ORCHESTRATOR,
) -> None:
    """List what was saved of lists: what, when, by which run, until when it is kept, and what brings it back."""
    options.check_output(output)
    target = invoking.connect(function_name)
    days = int(target.variables.get("BACKUPS_DAYS") or limits.BACKUP_DAYS)
    place = backups.Place(target.results, target.now, days)
    found = backups.listed(place, customer, limit)
    if output == "json":
        sys.stdout.write(backups.as_json(found) + "\n")
        return
    Screen(text=True).backups(found, otherwise=lambda: backups.none_of(place, customer))
