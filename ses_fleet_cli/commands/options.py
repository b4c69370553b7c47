"""Flags that several commands have."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from ses_fleet.text import quoted
from ses_fleet_cli.errors import usage

# The first deployment's, unless the environment says another one's.
ORCHESTRATOR = os.environ.get("SES_FLEET_FUNCTION_NAME") or "ses-fleet-orchestrator"


def _file(help_: str) -> Any:
    return typer.Option(exists=True, dir_okay=False, readable=True, help=help_)


Config = Annotated[Path | None, _file("the local cloud's config.json; default: that of the examples")]
SesConfig = Annotated[Path | None, _file("the local cloud's SESConfig.json; default: that of the examples")]
Scenario = Annotated[Path | None, _file("what the local cloud's accounts hold; see docs/local-cloud.md")]
MaxFailures = Annotated[str | None, typer.Option(help="start no more customers once more than N or P% failed")]
FailureMode = Annotated[
    str | None, typer.Option(help="soft, or strict: start no more than could fail within --max-failures")
]
Ramp = Annotated[
    list[str] | None, typer.Option(help="a stage, N or P% of the customers, the last 100%; may be repeated")
]


def check_output(output: str) -> None:
    """Raise CommandError with exit code 2 unless `output` is text or json."""
    if output not in ("text", "json"):
        raise usage(f"--output is text or json, not {quoted(output)}")
