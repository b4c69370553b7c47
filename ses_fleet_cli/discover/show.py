"""Shows what `config discover` found: as text, as JSON, or as a difference that `patch` takes."""

from __future__ import annotations

import difflib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ses_fleet.text import may_hold_address, printable
from ses_fleet_cli.discover.difference import Difference
from ses_fleet_cli.discover.organization import Organization

OUTPUTS = ("text", "json", "diff")
_NAME = 40  # characters of an account's name: with a code of 20 it fits a terminal


def as_json(organization: Organization, found: Difference, *, written: bool) -> str:
    """Return the difference as JSON, for programs."""
    document: dict[str, Any] = {
        "organization": organization.id,
        "accounts": len(organization.accounts),
        "selected": len(organization.selected),
        "present": found.present,
        "added": {one.code: one.entry for one in found.additions},
        "disabled": {one.code: one.reason for one in found.disablings},
        "notes": list(found.notes),
        "written": written,
    }
    return json.dumps(document, indent=2) + "\n"


def as_diff(path: Path, before: str, after: str) -> str:
    """Return the unified difference of the file's text, "" without any."""
    names = (str(path), f"{path} (discovered)")
    found = difflib.unified_diff(_ended_lines(before), _ended_lines(after), *names)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in found)


def as_text(path: Path, organization: Organization, found: Difference, *, written: bool) -> str:
    """Return lines for people: each entry that changes, one new entry as an example, and what became of the file."""
    return "".join(f"{line}\n" for line in _lines(path, organization, found, written=written))


def _ended_lines(text: str) -> list[str]:
    """Return the lines with their ends. Only line feeds end one: texts in JSON may hold other characters that do."""
    return io.StringIO(text, newline="\n").readlines()


def _lines(path: Path, organization: Organization, found: Difference, *, written: bool) -> Iterator[str]:
    accounts, selected = len(organization.accounts), len(organization.selected)
    yield f"Organization {organization.id}: {accounts:,} accounts, {selected:,} of them selected."
    if found:
        yield ""
    yield from _changes(found)
    if found.additions:
        first = found.additions[0]
        yield "\nEach new entry is like this one:\n"
        yield from json.dumps({first.code: first.entry}, indent=2).splitlines()[1:-1]
    yield ""
    added, disabled = len(found.additions), len(found.disablings)
    yield f"{added:,} to add, {disabled:,} to disable, {found.present:,} selected have an entry."
    if not found:
        yield f"{path} stays as it is."
    elif written:
        yield f"{path} was written. Next: ses-fleet config push {path}"
    else:
        yield f"Nothing was written: --write writes it into {path}."


def _changes(found: Difference) -> Iterator[str]:
    width = max((len(code) for code in _codes(found)), default=0)
    for added in found.additions:
        yield f"  + {added.code:{width}}  {added.account.id}  {_name(added.account.name)}".rstrip()
    for disabled in found.disablings:
        state = printable(disabled.account.state)
        yield f"  - {printable(disabled.code):{width}}  {disabled.account.id}  enabled: false, as it is {state}"


def _codes(found: Difference) -> Iterator[str]:
    yield from (one.code for one in found.additions)
    yield from (printable(one.code) for one in found.disablings)


def _name(name: str) -> str:
    return "(name not shown)" if may_hold_address(name) else printable(name, _NAME)
