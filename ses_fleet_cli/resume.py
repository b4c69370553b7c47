"""`runs resume`: what is left of a run, as the payload of another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ses_fleet.runs.request import without_defaults
from ses_fleet_cli import payload as payloads
from ses_fleet_cli.errors import OK, CommandError, usage
from ses_fleet_cli.runs import Shown


def payload_of(shown: Shown, params: Sequence[str], run_id: str | None) -> dict[str, Any]:
    """Return the payload that runs what failed or was not started, with these params and as the run of this id.

    Raise CommandError with exit code 2 when the run has no end yet, when it was refused, or when a personal parameter
    is not given again; with exit code 0 when nothing is left.
    """
    was = shown.summary.run_id
    if shown.state == "refused":
        raise usage(f"run {was} was refused and nothing of it ran: correct its payload and start it again")
    if not shown.is_over:
        raise usage(
            f"run {was} has no end yet and can be resumed when it has: {'; '.join(shown.summary.warnings)}. "
            f"`ses-fleet runs show {was}` shows when that is so"
        )
    if shown.summary.resume is None:
        raise CommandError(f"nothing of run {was} is left to run: every customer was successful or skipped", OK)
    needed = [name.removeprefix("params.") for name in shown.summary.resume_needs]
    given = {text.partition("=")[0] for text in params}
    missing = [f"--param {name}=VALUE" for name in needed if name not in given]
    if missing:
        raise usage(f"{' and '.join(missing)} must be given again: it is personal, so run {was} did not keep it")
    # Earlier versions left fields in it that the function refuses for the action's scope.
    payload = payloads.with_params(without_defaults(shown.summary.resume), params)
    return payload if run_id is None else {**payload, "run_id": run_id}
