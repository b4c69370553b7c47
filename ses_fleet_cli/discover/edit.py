"""Edits the text of config.json: what is new is spliced in, and every other byte stays as it was."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ses_fleet_cli.discover.difference import Difference, Disabling
from ses_fleet_cli.errors import no_summary, usage

MAPPINGS = "customer_mappings"
NEW = '{\n  "customer_mappings": {}\n}\n'
_BLANK = re.compile(r"[ \t\r\n]*")
_INDENT = "  "
_NEW_FILE_MODE = 0o644
_PERMISSIONS = 0o777

_Piece = tuple[int, int, str]


@dataclass(frozen=True)
class _Member:
    """A member of an object: where its key begins, and where its value begins and ends in the text."""

    key: str
    begin: int
    value: int
    end: int


def edited(text: str, found: Difference) -> str:
    """Return the text of config.json with the difference in it, in the file's own indentation and line ends.

    `text` is JSON without keys that come twice, and has the object `customer_mappings`.
    """
    top = _members(text, text.index("{"))
    (mappings,) = [member for member in top if member.key == MAPPINGS]
    entries = _members(text, mappings.value)
    by_code = {entry.key: entry for entry in entries}
    pieces = [piece for one in found.disablings for piece in _disabled(text, by_code[one.code], one)]
    pieces += _added(text, mappings, entries, found)
    # From behind, so that places before a change stay where they are; at one place, in the order of the pieces.
    for start, end, replacement in sorted(pieces, key=lambda piece: piece[0], reverse=True):
        text = text[:start] + replacement + text[end:]
    return text


def write(path: Path, before: bytes | None, body: bytes) -> None:
    """Replace the file by this content at once, or leave it as it is. A link to a file stays a link.

    `before` is what it was when it was read, None for a file that was not there. Raise CommandError with exit code 2
    when it has changed since, with exit code 3 when it cannot be written.
    """
    target = path.resolve()
    try:
        made = _written_beside(target, body)
        try:
            # As late as it can be: what somebody writes between this look and the replacement is lost.
            if (target.read_bytes() if target.exists() else None) != before:
                raise usage(f"{path} was changed by somebody else meanwhile; nothing was written: run it again")
            made.replace(target)
        finally:
            made.unlink(missing_ok=True)
    except OSError as error:
        raise no_summary(f"{path} cannot be written: {error.strerror}; it is as it was") from None


def _written_beside(target: Path, body: bytes) -> Path:
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    made = Path(file.name)
    made.chmod(target.stat().st_mode & _PERMISSIONS if target.exists() else _NEW_FILE_MODE)
    return made


def _added(text: str, mappings: _Member, entries: list[_Member], found: Difference) -> Iterator[_Piece]:
    if not found.additions:
        return
    outer = _margin(text, mappings)
    margin = _margin(text, entries[-1]) if entries else None if outer is None else outer + (outer or _INDENT)
    separator = " " if margin is None else f"{_line_end(text)}{margin}"
    indent = _INDENT if outer is None or margin is None else margin.removeprefix(outer) or _INDENT
    written = [
        f"{_text(one.code)}: {_entry(dict(one.entry), indent if margin is not None else None, separator)}"
        for one in found.additions
    ]
    if entries:
        end = entries[-1].end
        yield end, end, "".join(f",{separator}{one}" for one in written)
        return
    first, last = ("", "") if margin is None else (separator, f"{_line_end(text)}{outer}")
    yield mappings.value, mappings.end, f"{{{first}{f',{separator}'.join(written)}{last}}}"


def _entry(entry: dict[str, Any], indent: str | None, separator: str) -> str:
    return separator.join(json.dumps(entry, ensure_ascii=False, indent=indent).split("\n"))


def _disabled(text: str, entry: _Member, one: Disabling) -> Iterator[_Piece]:
    """Yield the changes that set `enabled` and `disabled_reason`, each in its place or behind the other keys."""
    members = _members(text, entry.value)
    known = {member.key: member for member in members}
    margin = _margin(text, members[-1])
    separator = " " if margin is None else f"{_line_end(text)}{margin}"
    new = []
    for key, value in (("enabled", "false"), ("disabled_reason", _text(one.reason))):
        if key in known:
            yield known[key].value, known[key].end, value
        else:
            new.append(f",{separator}{_text(key)}: {value}")
    # Beside `enabled`, where that is there, as people look for both together.
    place = known.get("enabled", members[-1]).end
    if new:
        yield place, place, "".join(new)


def _members(text: str, start: int) -> list[_Member]:
    """Return the members of the object that begins at `start`."""
    found, at, decoder = list[_Member](), start, json.JSONDecoder()
    while True:
        at = _after_blanks(text, at + 1)
        if text[at] == "}":
            return found
        key, end = decoder.raw_decode(text, at)
        value = _after_blanks(text, _after_blanks(text, end) + 1)
        _, end = decoder.raw_decode(text, value)
        found.append(_Member(key, at, value, end))
        at = _after_blanks(text, end)
        if text[at] == "}":
            return found


def _after_blanks(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return at if match is None else match.end()


def _margin(text: str, member: _Member) -> str | None:
    """Return what stands before a member on its line if it begins one, else None."""
    line = text[text.rfind("\n", 0, member.begin) + 1 : member.begin]
    return line if "\n" in text[: member.begin] and not line.strip() else None


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
