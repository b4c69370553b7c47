"""`backups list` as a table, in as many columns as the terminal is wide, and the commands that restore what it has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from ses_fleet import limits
from ses_fleet.runs.backups import Kind, restore_command
from ses_fleet.text import printable
from ses_fleet_cli.backups import Backup
from ses_fleet_cli.tables import plain

_WHAT: dict[Kind, str] = {
    "list": "a whole list",
    "topics": "topics that were pruned",
    "contacts": "people who were removed",
}
_KINDS: tuple[Kind, ...] = ("list", "topics", "contacts")


def table(found: Sequence[Backup], width: int | None) -> Table:
    """Return the table of these backups for a line of so many characters, None for any number."""
    if width is not None and width < limits.WIDE_TERMINAL:
        narrow = [[_whose(one), f"{_run(one)}\n{_by(one)}", f"{_what(one)}\n{_kept(one)}"] for one in found]
        return plain("Backups", ["customer", "run", "saved"], narrow, texts=3)
    rows = [[_whose(one), _run(one), _by(one), _what(one), _when(one), one.until] for one in found]
    if width is None:
        rows = [[*row, one.restore or ""] for row, one in zip(rows, found, strict=True)]
    heads = ["customer", "run", "action", "saved", "when (UTC)", "kept until", *(["restore"] if width is None else [])]
    return plain("Backups", heads, rows, texts=len(heads))


def commands(found: Sequence[Backup]) -> Iterator[str]:
    """Yield the lines with the commands that restore these backups, one for each kind of them."""
    for kind in _KINDS:
        those = [one for one in found if one.complete and one.kind == kind]
        if those:
            code = _same([one.customer_code for one in those]) or "CODE"
            run = _same([one.run_id for one in those]) or "RUN"
            yield f"Bring back ({_WHAT[kind]}): {restore_command(kind, printable(code), printable(run))}"


def _same(values: Sequence[str]) -> str | None:
    return values[0] if len(set(values)) == 1 else None


def _whose(one: Backup) -> str:
    return printable(one.customer_code)


def _run(one: Backup) -> str:
    return printable(one.run_id)


def _by(one: Backup) -> str:
    return printable(one.action) if one.action else ""


def _what(one: Backup) -> str:
    if one.problem is not None:
        return f"❌ {printable(one.problem, 300)}"
    if one.kind is None or one.contacts is None:
        return "⚠️ not complete: its run goes on, or died"
    counted = f"{one.contacts:,} {'contact' if one.contacts == 1 else 'contacts'}"
    topics = f"{one.topics:,} {'topic' if one.topics == 1 else 'topics'}"
    return {
        "list": f"{counted}, {topics}",
        "topics": f"preferences of {counted} for {topics}",
        "contacts": f"{counted} before removal",
    }[one.kind]


def _when(one: Backup) -> str:
    return one.saved_at[:16].replace("T", " ")


def _kept(one: Backup) -> str:
    return f"{_when(one)}, kept until {one.until}"
