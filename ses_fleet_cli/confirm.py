"""The question before an action that changes every customer: what it would touch, and from which account."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import Any

from ses_fleet.actions.catalogue import payload_names
from ses_fleet.text import printable
from ses_fleet_cli.errors import usage
from ses_fleet_cli.invoke import Target

_INDENT = 8  # of what follows a line of a plan


def is_needed(payload: dict[str, Any], *, yes: bool) -> bool:
    """Return whether to ask: before an action that changes every customer, unless `yes` is set or it is a dry run.

    Raise CommandError with exit code 2 when there is no terminal to ask on.
    """
    entry = payload_names().get(str(payload.get("action")))
    if entry is None or not entry[0].mutates or entry[1] != "all" or yes or payload.get("dry_run"):
        return False
    if sys.stdin is None or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise usage(
            f"{payload['action']} changes every selected customer: without a terminal to confirm that, it needs --yes"
        )
    return True


def ask(payload: dict[str, Any], target: Target, *, people: int = 0) -> None:
    """Ask on the terminal; raise CommandError with exit code 2 when the answer is no.

    `people` is how many rows the run's people file has.
    """
    where = _where(target)
    whom = f" for {people:,} {'person' if people == 1 else 'people'}" if people else ""
    sys.stderr.write(f"{payload['action']}{whom} on {_touched(payload)}.\n{_what(payload)}From {where}. Go on? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise usage("not confirmed: nothing was started")


def ask_to_apply(lines: Sequence[str], target: Target) -> None:
    """Show a saved plan and ask on the terminal whether to apply it.

    Raise CommandError with exit code 2 when the answer is no, or when there is nobody to ask.
    """
    if sys.stdin is None or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise usage("applying a plan changes contact lists: without a terminal to confirm that, it needs --yes")
    width = shutil.get_terminal_size().columns
    for line in lines:
        sys.stderr.write(textwrap.fill(line, width, subsequent_indent=" " * _INDENT, break_on_hyphens=False) + "\n")
    sys.stderr.write(f"From {_where(target)}. Apply exactly this? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise usage("not confirmed: nothing was started")


def _where(target: Target) -> str:
    region, account = target.function_arn.split(":")[3:5]
    return f"hub account {account}, {region}"


def _what(payload: dict[str, Any]) -> str:
    """Return what an action does for single people, as a line; nothing for the others, which say it by their names."""
    action, _ = payload_names()[payload["action"]]
    if action.people is None:
        return ""
    confirmed = f" ({payload.get('confirm_customers', 'no')} customers confirmed)" if action.confirms_customers else ""
    return f"It will {action.purpose}{confirmed}.\n"


def _touched(payload: dict[str, Any]) -> str:
    who = _selected(payload)
    if payload.get("plan"):
        who += f", as plan {payload['plan']} says"
    if payload.get("params"):
        who += f", with {json.dumps(payload['params'])}"
    if not payload.get("prune"):
        return who
    confirmed = payload.get("confirm_customers", "no")
    return f"{who}; with --prune it REMOVES what is not wanted there ({confirmed} customers confirmed)"


def _selected(payload: dict[str, Any]) -> str:
    """Return who is selected. How many are in config.json, only the function may read."""
    selection = {key: payload[key] for key in ("include", "exclude", "environment") if key in payload}
    if not selection:
        return "every customer of config.json"
    include = payload.get("include")
    if set(selection) != {"include"} or not isinstance(include, list):
        return json.dumps(selection)
    count = len({str(code) for code in include})
    return f"{count} {'customer' if count == 1 else 'customers'}: {printable(', '.join(map(str, include)), 300)}"
