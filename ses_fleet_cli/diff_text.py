"""What `runs diff` prints for people: one block for all customers of which the same changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ses_fleet.text import printable
from ses_fleet_cli.changes import Change
from ses_fleet_cli.diff import Compared, chooses
from ses_fleet_cli.runs import Shown

# A change that is longer is told on three lines, one below the other.
_ONE_LINE = 60
_NAMES, _TEXT = 1_000, 500


def lines(compared: Compared) -> Iterator[str]:
    """Yield the lines of a comparison: the two runs, the customers by what changed for them, and how many there are."""
    yield _head("A", compared.before)
    yield _head("B", compared.after)
    yield from _section("Asked for differently:", compared.asked)
    for codes, found in _alike(compared.changed):
        yield from _section(_named(codes), found)
    yield ""
    yield from _one_sided(compared)
    yield _count(compared)
    if compared.not_known:
        yield (
            f"   ⚠️  Of {len(compared.not_known)} unchanged {_customers(compared.not_known)} neither run found anything "
            f"out: {_codes(compared.not_known)}"
        )


def _head(name: str, shown: Shown) -> str:
    summary = shown.summary
    also = {"dry run": summary.dry_run, "of chosen customers": chooses(shown), "lost": shown.state == "lost"}
    more = "".join(f", {word}" for word, is_so in also.items() if is_so)
    return f"{name}  {summary.run_id}  {printable(summary.action)}{more}  {printable(summary.started_at)}"


def _count(compared: Compared) -> str:
    changed, unchanged = len(compared.changed), len(compared.unchanged)
    if compared.differs:
        return f"📊 Customers changed: {changed}, unchanged: {unchanged}"
    return f"📊 Nothing changed ({unchanged} {_customers(compared.unchanged)} compared)"


def _section(title: str, found: Sequence[Change]) -> Iterator[str]:
    if found:
        yield ""
        yield title
    for change in found:
        yield from _told(change)


def _alike(changed: Mapping[str, tuple[Change, ...]]) -> Iterator[tuple[list[str], tuple[Change, ...]]]:
    """Yield the customers of which the same changed, with what did, in the order of the first of them."""
    groups: dict[str, list[str]] = {}
    for code, found in changed.items():
        groups.setdefault(json.dumps([vars(one) for one in found]), []).append(code)
    for codes in groups.values():
        yield codes, changed[codes[0]]


def _named(codes: Sequence[str]) -> str:
    return _codes(codes) + (f" ({len(codes)} customers)" if len(codes) > 1 else "")


def _codes(codes: Sequence[str]) -> str:
    return printable(", ".join(codes), _NAMES)


def _customers(codes: Sequence[str]) -> str:
    return "customer" if len(codes) == 1 else "customers"


def _one_sided(compared: Compared) -> Iterator[str]:
    sides = (
        ("A", compared.only_before, compared.gone, "B"),
        ("B", compared.only_after, compared.new, "A"),
    )
    for one, codes, counted, other in sides:
        if codes:
            why = "" if counted else f"; {other} is of chosen customers, so that is no change"
            yield f"Only in {one}: {_codes(codes)}{why}"


def _told(change: Change) -> Iterator[str]:
    """Yield the lines of one change."""
    name = printable(".".join(change.path), _TEXT)
    before, after = change.before, change.after
    if isinstance(before, list) and isinstance(after, list):
        yield f"   {name}: {'  '.join(_members(before, after))}"
        return
    if None in (before, after) and isinstance(before or after, dict):
        yield f"   {name}: {_whole('gone' if after is None else 'new', before or after)}"
        return
    old, new = _value(before), _value(after)
    if len(name) + len(old) + len(new) <= _ONE_LINE:
        yield f"   {name}: {old} → {new}{_by(before, after)}"
        return
    yield f"   {name}:"
    yield f"      − {old}"
    yield f"      + {new}"


def _members(gone: Sequence[Any], new: Sequence[Any]) -> Iterator[str]:
    for sign, members in (("−", gone), ("+", new)):
        if members:
            yield f"{sign} {', '.join(_value(one) for one in members)}"


def _whole(what: str, entry: Mapping[str, Any]) -> str:
    """Return that an entry is new or gone; of an error or a check, also what it says."""
    said = [_value(entry[name]) for name in ("type", "status", "message") if entry.get(name)]
    return f"{what}: {': '.join(said)}" if said else what


def _value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Mapping):
        return ", ".join(f"{printable(name)} {_value(one)}" for name, one in value.items())
    if isinstance(value, list):
        return ", ".join(_value(one) for one in value) or "none"
    return printable(value, _TEXT)


def _by(before: Any, after: Any) -> str:
    """Return by how much a number changed, or an empty text for anything else."""
    numbers = [one for one in (before, after) if isinstance(one, int | float) and not isinstance(one, bool)]
    return f" ({after - before:+,})" if len(numbers) == 2 else ""
