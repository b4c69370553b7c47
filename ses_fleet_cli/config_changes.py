"""What a new configuration changes of the one that is there: customers, topics as they are expanded, and the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ses_fleet.config import documents, ses_config_json
from ses_fleet.errors import ConfigurationError
from ses_fleet.problems import key_without_address, size
from ses_fleet.text import may_hold_address, printable
from ses_fleet_cli.check import Kind

_MAPPINGS = "customer_mappings"
_SHOWN = 200  # characters of a value


def lines(kind: Kind, before: bytes | None, after: bytes) -> list[str]:
    """Return what changes, a line each; an empty list when the two say the same.

    `before` is None where no file is there yet. `after` is a file that was checked.
    """
    now = documents.parse(after, "the file")
    if before is None:
        return [_all_of(kind, now)]
    try:
        was = documents.parse(before, "the file that is there")
        return list(_of_topics(was, now) if kind == "ses_config" else _of_config(was, now))
    except ConfigurationError as error:
        why = printable(str(error.problems[0]), _SHOWN)
        return [f"~ the file that is there cannot be used, and is replaced: {why}"]


def _all_of(kind: Kind, now: Any) -> str:
    if kind == "ses_config":
        return f"+ the first SESConfig.json, with {len(ses_config_json.read(now).topics)} topics"
    return f"+ the first config.json, with {len(_customers(now))} customers"


def _of_config(was: Any, now: Any) -> Iterator[str]:
    yield from _entries("customer", _customers(was), _customers(now))
    yield from _fields("", _rest(was), _rest(now))


def _of_topics(was: Any, now: Any) -> Iterator[str]:
    """Yield what changes for the topics of every list, after groups are expanded, and for what names no topic."""
    before, after = _topics(was), _topics(now)
    found = list(_entries("topic", before, after))
    if not found and was != now:
        found = ["~ the file is written in another way; its topics stay the same"]
    if [*before] != [*after] and before.keys() == after.keys():
        found.append("~ the topics are in another order")
    yield from found


def _entries(what: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Yield who came, who went, and what changed for those who are in both."""
    for code in now:
        if code not in was:
            yield f"+ {what} {_key(code)}{_told(now[code])}"
    for code in was:
        if code not in now:
            yield f"- {what} {_key(code)}"
    for code in now:
        if code in was:
            yield from _fields(f"{what} {_key(code)}: ", was[code], now[code])


def _told(entry: Any) -> str:
    """Return what of a new entry says best what it is."""
    said = [entry.get(name) for name in ("customer_name", "ses_role_arn", "display_name")] if _is_map(entry) else []
    # Who says nothing gets what the default says, so it is the first thing to know of a new topic.
    said += [f"default {entry['default_status']}"] if _is_map(entry) and "default_status" in entry else []
    found = ", ".join(printable(str(value), _SHOWN) for value in said if value and not may_hold_address(str(value)))
    return f" ({found})" if found else ""


def _fields(where: str, was: Any, now: Any) -> Iterator[str]:
    if not (_is_map(was) and _is_map(now)):
        if was != now:
            yield f"~ {where}{_value(was)} → {_value(now)}"
        return
    for name in [*was, *(name for name in now if name not in was)]:
        if _is_map(was.get(name)) and _is_map(now.get(name)):
            yield from _fields(f"{where}{_key(name)}.", was[name], now[name])
        elif was.get(name) != now.get(name) or (name in was) != (name in now):
            before = _value(was[name]) if name in was else "not given"
            after = _value(now[name]) if name in now else "not given"
            yield f"~ {where}{_key(name)}: {before} → {after}"


def _customers(document: Any) -> Mapping[str, Any]:
    mappings = document.get(_MAPPINGS) if _is_map(document) else None
    return mappings if isinstance(mappings, dict) else {}


def _rest(document: Any) -> Any:
    return {key: value for key, value in document.items() if key != _MAPPINGS} if _is_map(document) else document


def _topics(document: Any) -> dict[str, Any]:
    return {one.name: one.model_dump(mode="json") for one in ses_config_json.read(document).topics}


def _is_map(value: Any) -> bool:
    return isinstance(value, dict)


def _key(name: str) -> str:
    return key_without_address(name)


def _value(value: Any) -> str:
    """Return a value as JSON, or what it is and how large where it may hold an address: the lines may be in a log."""
    text = json.dumps(value, ensure_ascii=False)
    return size(value) if may_hold_address(text) else printable(text, _SHOWN)
