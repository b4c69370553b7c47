"""The question before anything is changed: where, whom, what, and whether a dry run showed it before."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ses_fleet import limits
from ses_fleet.actions.catalogue import payload_names
from ses_fleet.runs.models import ConfigVersion
from ses_fleet.runs.preview import Preview
from ses_fleet.text import printable
from ses_fleet_cli import ahead
from ses_fleet_cli.ahead import Ahead
from ses_fleet_cli.errors import interrupted, usage
from ses_fleet_cli.invoke import Target

_INDENT = 15


def is_needed(payload: Mapping[str, Any], *, yes: bool) -> bool:
    """Return whether to ask: before an action that changes something, unless `yes` is set or it is a dry run.

    Without a terminal an action that names one customer is not asked about; before one that changes every customer
    raise CommandError with exit code 2 then.
    """
    entry = payload_names().get(str(payload.get("action")))
    if entry is None or not entry[0].mutates or yes or payload.get("dry_run"):
        return False
    if has_terminal():
        return True
    if entry[1] == "all":
        raise usage(
            f"{payload['action']} changes every selected customer: without a terminal to confirm that, it needs --yes"
        )
    return False


def has_terminal() -> bool:
    """Return whether there is somebody to ask: standard input and standard error are a terminal."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def ask(payload: Mapping[str, Any], target: Target, found: Ahead, plan: Sequence[str] = ()) -> None:
    """Show what would be done and ask on the terminal; raise CommandError with exit code 2 when the answer is no.

    `plan` are the lines of the saved plan that would be applied.
    """
    show(plan)
    show([f"{payload['action']}: {payload_names()[payload['action']][0].purpose}", *_lines(payload, target, found)])
    _require_yes("nothing was started")


def show(lines: Sequence[str]) -> None:
    """Show lines on standard error, wrapped below the beginning of their text."""
    width = shutil.get_terminal_size().columns
    for line in lines:
        indent = " " * _INDENT if line.startswith("  ") else ""
        wrapped = textwrap.wrap(line, width, subsequent_indent=indent, break_on_hyphens=False)
        sys.stderr.write("\n".join(wrapped) + "\n")


def line(name: str, text: str) -> str:
    """Return a line of what is shown before a question: `text` begins where that of the others does."""
    return f"  {name + ':':{_INDENT - 3}} {text}"


def place(target: Target, alias: str | None) -> str:
    """Return the line that says in which account and Region something would be done."""
    account, region = ahead.account_of(target)
    return line("Hub account", f"{account}{f' ({printable(alias)})' if alias else ''}, {region}")


def named(codes: Sequence[str]) -> str:
    """Return how many customers these are, and the codes of the first of them."""
    more = len(codes) - limits.NAMED_IN_QUESTION
    first = printable(", ".join(codes[: limits.NAMED_IN_QUESTION]), 800)
    return f"{len(codes):,}{': ' if codes else ''}{first}{f' and {more:,} more' if more > 0 else ''}"


def ask_to_put(lines: Sequence[str], target: Target, *, wanted: Sequence[Any], yes: bool) -> None:
    """Show what uploading files would change, and ask unless `yes` is set or nothing is `wanted`.

    Raise CommandError with exit code 2 when the answer is no, or when there is nobody to ask.
    """
    for text in lines:
        sys.stderr.write(text + "\n")
    if not wanted or yes:
        return
    if not has_terminal():
        raise usage("nothing was uploaded: without a terminal to confirm that, it needs --yes")
    show([place(target, ahead.alias_of(target))])
    _require_yes("nothing was uploaded")


def _require_yes(so_far: str) -> None:
    """Ask on the terminal whether to go on; `so_far` is what is so if not.

    Raise CommandError with exit code 2 when the answer is no, with exit code 130 when it is Ctrl-C.
    """
    sys.stderr.write("Go on? [y/N] ")
    sys.stderr.flush()
    try:
        answer = sys.stdin.readline()
    except KeyboardInterrupt:
        raise interrupted(f"interrupted: {so_far}") from None
    if answer.strip().lower() not in ("y", "yes"):
        raise usage(f"not confirmed: {so_far}")


def _lines(payload: Mapping[str, Any], target: Target, found: Ahead) -> Iterator[str]:
    preview = found.preview
    yield place(target, found.alias)
    yield line("Customers", named(preview.customers))
    if preview.skipped:
        yield line("Skipped", named([*preview.skipped]))
    if preview.failed:
        why = next(iter(preview.failed.values()))
        yield line("Cannot run", f"{named([*preview.failed])}: {printable(why, 300)}")
    if preview.people_rows is not None:
        rows = "1 row" if preview.people_rows == 1 else f"{preview.people_rows:,} rows"
        yield line("People", f"{rows} of the people file")
    if payload.get("plan"):
        yield line("Plan", f"{payload['plan']}: exactly what it says is done, and nothing else")
        yield from _carrying_out(payload, preview)
        return
    if payload.get("prune"):
        yield line("REMOVES", f"{_pruned(payload)}; they are saved before")
    elif payload_names()[payload["action"]][0].prunes:
        yield line("Removes", "nothing, as --prune is not given")
    yield from _carrying_out(payload, preview)
    if payload.get("params"):
        yield line("Parameters", printable(json.dumps(payload["params"], ensure_ascii=False), 500))
    yield line("Dry run", _told(found, target))


def _carrying_out(payload: Mapping[str, Any], preview: Preview) -> Iterator[str]:
    """Yield how many customers begin when, and how many may fail, as the payload or config.json says it."""

    def said(field: str) -> tuple[Any, str]:
        if payload.get(field) is not None:
            return payload[field], ""
        return preview.defaults.get(field), " (config.json)"

    ramp, whose = said("ramp")
    if isinstance(ramp, list):
        yield line("In stages", f"{printable(', '.join(map(str, ramp)), 300)}{whose}")
    (mode, whose), (most, whose_number) = said("failure_mode"), said("max_failures")
    if most is not None or mode is not None:
        number = "" if most is None else f"at most {printable(str(most))}{whose_number}"
        kind = "" if mode is None else f"{printable(str(mode))}{whose}"
        yield line("Failures", ", ".join(filter(None, (kind, number))))


def _pruned(payload: Mapping[str, Any]) -> str:
    action, _ = payload_names()[payload["action"]]
    return "people who left" if action.reads_identity_center else "topics that SESConfig.json does not have"


def _told(found: Ahead, target: Target) -> str:
    if found.why_not is not None:
        return found.why_not
    if found.dry_run is None:
        return f"none of this request in the last {limits.DRY_RUN_DAYS} days; --dry-run shows what would be done"
    dry = found.dry_run
    outcome = "not over" if dry.exit_code is None else f"exit code {dry.exit_code}"
    other = "; of another upload of a people file" if dry.other_upload else ""
    changed = changed_since(dry.config_version, found.preview.config_version)
    told = f"{dry.run_id}, {ahead.ago(dry.started_at, target.now)}, {outcome}{other}{changed}"
    return f"{told}; `ses-fleet apply {dry.run_id}` does exactly what it showed" if dry.is_plan else told


def changed_since(before: ConfigVersion, now: ConfigVersion) -> str:
    """Return which of the two files are others now, for the end of a sentence; empty when none is."""
    files = [("config.json", before.config, now.config), ("SESConfig.json", before.ses_config, now.ses_config)]
    changed = [name for name, one, other in files if one != other]
    return f"; {' and '.join(changed)} changed since" if changed else ""
