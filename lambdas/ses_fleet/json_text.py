"""The one way to read JSON that somebody else wrote: configuration, payloads, parameters, events."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

from ses_fleet import limits
from ses_fleet.errors import JsonError, Problem
from ses_fleet.text import is_text, printable

_NOT_UTF8 = "not text that UTF-8 can hold (it has half of a character, a lone surrogate)"
# Where a value is: its parent's place, and its key or index there.
_Trail = tuple[Any, str | int] | None


def parse(body: bytes | str, where: str) -> Any:
    """Return the value of a JSON text; `where` names the text in messages.

    A byte order mark at the beginning is passed over. Raise JsonError with every problem, each with its JSON path: a
    text that is not JSON or not UTF-8, keys that come twice, NaN, numbers that no program could hold, strings that
    UTF-8 cannot hold, too deep a nesting.
    """
    try:
        text = body.decode("utf-8-sig") if isinstance(body, bytes) else body.removeprefix("\ufeff")
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_Unusable, parse_int=_integer, parse_float=_fraction
        )
    except json.JSONDecodeError as error:
        problem = f"{where} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        raise JsonError([Problem("$", problem)], is_json=False) from None
    except UnicodeDecodeError as error:
        raise JsonError([Problem("$", f"{where} is not UTF-8 (byte {error.start})")]) from None
    except RecursionError:
        raise JsonError([Problem("$", f"{where} is nested too deeply")]) from None
    problems = list(problems_of(value, where))
    if problems:
        raise JsonError(problems)
    return value


def problems_of(value: Any, where: str = "the payload") -> Iterator[Problem]:
    """Yield what is wrong with a value that is parsed already, each problem with its JSON path.

    That is what `parse` refuses, as far as a parsed value still shows it, and at most limits.MAX_JSON_PROBLEMS of it.
    """
    found = 0
    waiting: list[tuple[_Trail, Any, int]] = [(None, value, 0)]
    while waiting and found < limits.MAX_JSON_PROBLEMS:
        trail, inner, depth = waiting.pop()
        if depth == limits.JSON_DEPTH and isinstance(inner, dict | list | tuple):
            yield Problem("$", f"{where} is nested too deeply: more than {limits.JSON_DEPTH} levels")
            return
        for problem in _own_problems(trail, inner, where):
            found += 1
            yield problem
        waiting += [((trail, key), one, depth + 1) for key, one in reversed(_children(inner))]


class _Object(dict[str, Any]):
    """A JSON object that has some of its keys more than once."""

    duplicates: tuple[str, ...] = ()


class _Unusable:
    """Stands for what a JSON text calls a number and no program could use as one."""

    def __init__(self, text: str) -> None:
        self.text = text


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    marked = _Object(made)
    marked.duplicates = tuple(sorted(key for key, times in Counter(key for key, _ in pairs).items() if times > 1))
    return marked


def _integer(text: str) -> int | _Unusable:
    try:
        return int(text)
    except ValueError:  # more digits than Python converts
        return _Unusable(text)


def _fraction(text: str) -> float | _Unusable:
    number = float(text)
    return number if math.isfinite(number) else _Unusable(text)


def _own_problems(trail: _Trail, value: Any, where: str) -> Iterator[Problem]:
    if isinstance(value, dict):
        duplicates = value.duplicates if isinstance(value, _Object) else ()
        yield from (Problem(_path((trail, key)), f"the key is there more than once in {where}") for key in duplicates)
        unwritable = [key for key in value if not is_text(str(key))]
        yield from (Problem(_path((trail, key)), f"the key is {_NOT_UTF8} in {where}") for key in unwritable)
    elif isinstance(value, str):
        if not is_text(value):
            yield Problem(_path(trail), f"is {_NOT_UTF8} in {where}")
    elif isinstance(value, _Unusable):
        yield Problem(_path(trail), f"{_about_number(value.text)} in {where}")
    elif isinstance(value, float) and not math.isfinite(value):
        yield Problem(_path(trail), f"{value} is not a JSON value in {where}")


def _about_number(text: str) -> str:
    return f"a number of {len(text)} characters is too large" if text[-1].isdigit() else f"{text} is not a JSON value"


def _children(value: Any) -> list[tuple[str | int, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list | tuple) else []


def _path(trail: _Trail) -> str:
    """Return a place's JSON path; only places with a problem get one, as files have hundreds of thousands of them."""
    steps: list[str] = []
    while trail is not None:
        trail, key = trail
        steps.append(f"[{key}]" if isinstance(key, int) else f".{printable(key, limits.SHOWN_KEY_CHARACTERS)}")
    return "$" + "".join(reversed(steps))
