"""Flags and --payload → the action payload."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cli.errors import usage
from shared.text import printable, quoted


def build(action: str | None, payload: str | None, flags: Mapping[str, Any], params: Iterable[str]) -> dict[str, Any]:
    """The payload to send: what the file says, overridden by every flag that was given."""
    built = read(payload) if payload is not None else {}
    if action is not None and built.get("action", action) != action:
        raise usage(f"the action is {quoted(action)}, but the payload says {quoted(built['action'])}")
    if action is not None:
        built["action"] = action
    if "action" not in built:
        raise usage("no action: give one, or a payload that has one; `ses-fleet invoke help` lists them")
    built |= {name: value for name, value in flags.items() if value not in (None, False, [], ())}
    parsed = dict(parse_param(text) for text in params)
    if parsed:
        given = built.get("params")
        built["params"] = {**(given if isinstance(given, dict) else {}), **parsed}
    return built


def read(source: str) -> dict[str, Any]:
    """A payload from a file, or from standard input for `-`."""
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
        built = json.loads(text)
    except OSError as error:
        raise usage(f"--payload {printable(source)}: {error.strerror}") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise usage(f"--payload {printable(source)} is not JSON: {error.msg} at {where}") from None
    except ValueError as error:
        raise usage(f"--payload {printable(source)}: {printable(str(error))}") from None
    if not isinstance(built, dict):
        raise usage(f"--payload {printable(source)} must hold a JSON object")
    return built


def parse_param(text: str) -> tuple[str, Any]:
    """`k=v`: v is JSON if it parses, else a string."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise usage(f"--param {quoted(text)} must be name=value")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def max_failures(text: str | None) -> int | str | None:
    """`N` or `P%` as the payload has it; the function judges what is neither."""
    return int(text) if text is not None and text.lstrip("-").isdecimal() else text
