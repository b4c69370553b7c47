"""`--detailed-exitcode`: whether something differs, as the command's exit code."""

from __future__ import annotations

from typing import Any

from ses_fleet.actions.catalogue import payload_names
from ses_fleet.runs.models import Summary
from ses_fleet_cli.errors import DIFFERS, NO_SUMMARY, OK, SOME_FAILED, usage
from ses_fleet_cli.show import Screen


def check(payload: dict[str, Any]) -> None:
    """Raise CommandError with exit code 2 when a run of this payload cannot say whether something differs."""
    entry = payload_names().get(str(payload.get("action")))
    if entry is not None and not entry[0].finds_differences(dry_run=bool(payload.get("dry_run"))):
        without = " without --dry-run" if entry[0].mutates else ""
        raise usage(
            f"--detailed-exitcode: {payload['action']}{without} does not find out whether something differs; "
            "describe-topics does, and so does a dry run of every action that changes something"
        )


def exit_code(summary: Summary, screen: Screen, *, detailed: bool) -> int:
    """Return the exit code of the command for this Summary: 0 to 2 as there, 1 for a run that goes on.

    With `detailed`, 0 only when nothing differs, 4 when something does, and 3 with a notice when that is not known.
    """
    code = SOME_FAILED if summary.exit_code is None else summary.exit_code
    if not detailed or code != OK or summary.differs is False:
        return code
    if summary.differs:
        return DIFFERS
    screen.notice(f"it is not known whether anything differs: {_why(summary)}")
    return NO_SUMMARY


def _why(summary: Summary) -> str:
    if summary.skipped_count == summary.total_customers:
        return "every customer was skipped"
    return "there is no valid SESConfig.json to compare with"
