"""`runs list` as a table, in as many columns as the terminal is wide."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from ses_fleet import limits
from ses_fleet.text import printable
from ses_fleet_cli.runs import STAMP, Listed
from ses_fleet_cli.tables import plain


def table(listed: Sequence[Listed], width: int | None) -> Table:
    """Return the table of these runs for a line of so many characters, None for any number.

    A narrow one says when a run began only where its id does not, and not how long it took.
    """
    if width is not None and width < limits.WIDE_TERMINAL:
        rows = [[_named(one), _action(one).replace(" (", "\n("), _outcome(one)] for one in listed]
        made = plain("Runs", ["run", "action", "outcome"], rows, texts=3)
    else:
        rows = [[printable(one.run_id), _action(one), _began(one), _outcome(one), _took(one)] for one in listed]
        made = plain("Runs", ["run", "action", "started (UTC)", "outcome", "time"], rows, texts=4)
    # A name that is broken in its middle cannot be found by looking down the column.
    made.columns[1].min_width = max(len(printable(one.action)) for one in listed)
    return made


def _named(one: Listed) -> str:
    return printable(one.run_id) if STAMP.fullmatch(one.run_id) else f"{printable(one.run_id)}\n{_began(one)}"


def _action(one: Listed) -> str:
    return f"{printable(one.action)}{' (dry run)' if one.dry_run else ''}"


def _began(one: Listed) -> str:
    return printable(one.started_at[:16].replace("T", " "))


def _outcome(one: Listed) -> str:
    counts = {"✅": one.successful, "❌": one.failed, "⏭️": one.skipped, "⏸️": one.not_started}
    shown = " ".join(f"{count} {mark}" for mark, count in counts.items() if count)
    return printable(f"{one.state} {shown}".strip(), 300)


def _took(one: Listed) -> str:
    return "" if one.seconds is None else f"{one.seconds:.1f}s"
