"""`local`: the local cloud."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Annotated

import typer

from ses_fleet_cli import (
    local_cloud,
)
from ses_fleet_cli.commands import options
from ses_fleet_cli.errors import (
    usage,
)

app = typer.Typer(help="Run the real functions on this machine.", no_args_is_help=True)


@app.command()
def up(
    port: Annotated[int, typer.Option(help="the port to listen on; 0 takes a free one", min=0, max=65535)] = 4566,
    config: options.Config = None,
    ses_config: options.SesConfig = None,
    scenario: options.Scenario = None,
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
    wanted = local_cloud.options(config, ses_config, scenario, conditions, empty=empty)
    wait_for_signal = local_cloud.signal_waiter()
    wanted = replace(wanted, port=port, ses_rate=ses_rate, max_environments=max_environments, tls=tls)
    with local_cloud.started(wanted) as (cloud, notices):
        for notice in notices:
            sys.stderr.write(f"{notice}\n")
        for name, value in cloud.environment().items():
            sys.stdout.write(f"export {name}={value}\n")
        sys.stdout.write("# ready\n")
        sys.stdout.flush()
        wait_for_signal()
