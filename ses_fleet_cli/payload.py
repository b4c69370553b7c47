"""Make the action payload of the command's flags and of the file that --payload names."""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

from ses_fleet import json_text
from ses_fleet.actions.catalogue import payload_names
from ses_fleet.errors import JsonError
from ses_fleet.text import printable, quoted
from ses_fleet_cli.errors import usage

_INTEGER = re.compile(r"-?[0-9]{1,18}")
_DECIMAL = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,9})?")
_BOOLEANS = {"true": True, "false": False}
_FLAGS_OF_PARAMETERS = frozenset({"confirm_people"})  # with a flag of their own beside --param
_FLAGS = {"people": "--person or --people"}  # by the field of the payload, if not called as that is


def build(action: str | None, payload: str | None, flags: Mapping[str, Any], params: Iterable[str]) -> dict[str, Any]:
    """Return the payload to send: the file's content, overridden by every flag that was given.

    A flag that was not given is None; zero, false and the empty text are values. Raise CommandError with exit code 2
    when no action is named, or when something in it cannot be sent as JSON.
    """
    built = read(payload) if payload is not None else {}
    if action is not None and built.get("action", action) != action:
        raise usage(f"the action is {quoted(action)}, but the payload says {quoted(built['action'])}")
    if action is not None:
        built["action"] = action
    if "action" not in built:
        raise usage("no action: name one, or give a payload that has one; `ses-fleet invoke help` lists them")
    built |= {name: value for name, value in flags.items() if value is not None}
    return with_params(built, params)


def with_params(payload: Mapping[str, Any], params: Iterable[str]) -> dict[str, Any]:
    """Return the payload with parameters that are given as `name=value`, over those that it has.

    Raise CommandError with exit code 2 for a text of another form, or when something cannot be sent as JSON.
    """
    built = dict(payload)
    parsed = dict(parse_param(text, types_of(built["action"])) for text in params)
    if parsed:
        given = built.get("params")
        built["params"] = {**(given if isinstance(given, dict) else {}), **parsed}
    problems = list(json_text.problems_of(built))
    if problems:
        raise usage("; ".join(map(str, problems)))
    return built


def read(source: str) -> dict[str, Any]:
    """Return the payload in the file `source`, or on standard input for `-`.

    Raise CommandError with exit code 2 when it cannot be read or is no JSON object.
    """
    if not source:
        raise usage('--payload "" cannot be the name of a file')
    try:
        built = json_text.parse(_body(source), f"--payload {printable(source)}")
    except OSError as error:
        raise usage(f"--payload {printable(source)}: {error.strerror}") from None
    except ValueError as error:  # a name with a NUL in it
        raise usage(f"--payload {printable(source)}: {printable(str(error))}") from None
    except JsonError as error:
        raise usage(_without_root(error)) from None
    if not isinstance(built, dict):
        raise usage(f"--payload {printable(source)} must hold a JSON object")
    return built


def _body(source: str) -> bytes:
    if source != "-":
        return Path(source).read_bytes()
    return b"" if sys.stdin is None else sys.stdin.buffer.read()


def types_of(action: Any) -> dict[str, frozenset[type]]:
    """Return the Python types that each of the action's parameters may have; an empty dict for an unknown action."""
    entry = payload_names().get(action) if isinstance(action, str) else None
    fields = entry[0].params.model_fields if entry else {}
    return {name: frozenset(_types(field.annotation)) for name, field in fields.items()}


def parse_param(text: str, declared: Mapping[str, frozenset[type]]) -> tuple[str, Any]:
    """Return name and value of `name=value`, the value read as one of the types that the parameter is declared with.

    A text parameter's value stays text, whatever it looks like, unless it is a JSON text in quotation marks. A value
    that does not fit stays text, for the function to refuse with the parameter's name. The value of an unknown
    parameter is read as JSON if it is JSON. Raise CommandError with exit code 2 for a text that is not `name=value`.
    """
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise usage(f"--param {quoted(text)} must be name=value")
    kinds = declared.get(name)
    if kinds is None:
        return name, _json_or_text(name, value)
    if bool in kinds and value in _BOOLEANS:
        return name, _BOOLEANS[value]
    if int in kinds and _INTEGER.fullmatch(value):
        return name, int(value)
    if float in kinds and _DECIMAL.fullmatch(value):
        return name, float(value)
    if str in kinds and len(value) > 1 and value[0] == value[-1] == '"':
        return name, _json_or_text(name, value)
    parsed = value if kinds <= _SIMPLE else _json_or_text(name, value)
    return name, value if parsed is None else parsed  # null is of no declared type


def fields_of_flags(source: str | None, flags: Mapping[str, Any], params: Iterable[str]) -> frozenset[str]:
    """Return the fields of the payload that the person knows as flags: with a --payload `source` only those given."""
    given = {name for name, value in flags.items() if value is not None} | ({"params"} if [*params] else set())
    return frozenset(given if source is not None else {*flags, "params"})


def with_flags(problem: str, fields: Collection[str]) -> str:
    """Return a problem of the payload, such as `$.max_failures: ...`, with the flag beside each of these fields.

    Fields are named at its beginning, as a JSON path, and in quotation marks.
    """
    named = re.sub(r"^\$\.(params\.)?(\w+)[^:]*", lambda found: found[0] + _flag(found[1], found[2], fields), problem)
    return re.sub(r'"(\w+)"', lambda found: found[0] + _flag(None, found[1], fields), named)


def _flag(params: str | None, name: str, fields: Collection[str]) -> str:
    """Return the flag or flags of a field or parameter, in brackets, or nothing when it was not given by one."""
    if name not in fields and not (params and "params" in fields):
        return ""
    if params and name not in _FLAGS_OF_PARAMETERS:
        return f" (--param {name})"
    return "" if name == "params" else f" ({_FLAGS.get(name, '--' + name.replace('_', '-'))})"


def number_or_share(text: str | None) -> int | str | None:
    """Return `N` as a number and everything else, such as `P%`, unchanged: the function checks it."""
    return int(text) if text is not None and _INTEGER.fullmatch(text) else text


_SIMPLE = frozenset({bool, int, float, str})


def _types(annotation: Any) -> Iterable[type]:
    """The types that a JSON value for this annotation may have; text for what pydantic makes of text."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        for one in get_args(annotation):
            yield from _types(one)
    elif origin is Annotated:
        yield from _types(get_args(annotation)[0])
    elif annotation in (bool, int, float):
        yield annotation
    elif origin in (list, tuple, dict):
        yield origin
    elif annotation is not type(None):
        yield str


def _json_or_text(name: str, value: str) -> Any:
    try:
        return json_text.parse(value, f"--param {printable(name)}")
    except JsonError as error:
        if error.is_json:
            raise usage(_without_root(error)) from None
    return value


def _without_root(error: JsonError) -> str:
    """The problems on one line; the path of the whole says nothing beside the name of the source."""
    return "; ".join(problem.text if problem.path == "$" else str(problem) for problem in error.problems)
