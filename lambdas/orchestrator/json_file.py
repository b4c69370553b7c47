"""JSON files from the config bucket, with faults that a person can find in the file."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from shared import limits
from shared.errors import AwsCallError, ConfigurationError, Fault
from shared.objects import Bucket, TooLargeError
from shared.text import printable

_MAX_DUPLICATES_NAMED = 20


@dataclass(frozen=True)
class Document:
    """A parsed file and the version of it that was read."""

    value: Any
    version: str | None


def read(bucket: Bucket, key: str) -> Document:
    """Read and parse one file; ConfigurationError says which file and what is wrong with it."""
    where = bucket.location(key)
    try:
        stored = bucket.read(key, limit=limits.MAX_CONFIG_BYTES)
    except AwsCallError as failure:
        raise ConfigurationError([Fault("$", f"{where} {_unreadable(failure)}")]) from None
    except TooLargeError as error:
        raise ConfigurationError(
            [Fault("$", f"{where} has {error.size} bytes, more than the {limits.MAX_CONFIG_BYTES} allowed")]
        ) from None
    return Document(parse(stored.body, where), stored.version)


def parse(body: bytes, where: str) -> Any:
    """Parse JSON; ConfigurationError with line and column, or with the paths of duplicate keys."""
    try:
        text = body.decode("utf-8-sig")
        value = json.loads(text, object_pairs_hook=_Object.from_pairs, parse_constant=_no_constant)
        duplicates = [
            Fault(path, f"the key is there more than once in {where}") for path in _duplicate_paths("$", value)
        ]
    except json.JSONDecodeError as error:
        fault = f"{where} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        raise ConfigurationError([Fault("$", fault)]) from None
    except UnicodeDecodeError as error:
        raise ConfigurationError([Fault("$", f"{where} is not UTF-8 (byte {error.start})")]) from None
    except RecursionError:
        raise ConfigurationError([Fault("$", f"{where} is nested too deeply")]) from None
    except ValueError as error:
        raise ConfigurationError([Fault("$", f"{where} is not JSON: {printable(str(error))}")]) from None
    if duplicates:
        raise ConfigurationError(duplicates[:_MAX_DUPLICATES_NAMED])
    return value


def nearly(key: str, known: tuple[str, ...]) -> str | None:
    """The known key that `key` was probably meant to be."""
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.85)
    return near[0] if near else None


class _Object(dict[str, Any]):
    """A JSON object that remembers which of its keys came more than once."""

    duplicates: tuple[str, ...] = ()

    @classmethod
    def from_pairs(cls, pairs: list[tuple[str, Any]]) -> _Object:
        made = cls(pairs)
        if len(made) < len(pairs):
            seen: set[str] = set()
            made.duplicates = tuple({key for key, _ in pairs if key in seen or seen.add(key)})  # type: ignore[func-returns-value]
        return made


def _duplicate_paths(path: str, value: Any) -> Iterator[str]:
    if isinstance(value, _Object):
        yield from (f"{path}.{printable(key, 64)}" for key in sorted(value.duplicates))
        for key, inner in value.items():
            yield from _duplicate_paths(f"{path}.{printable(key, 64)}", inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _duplicate_paths(f"{path}[{index}]", inner)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


def _unreadable(failure: AwsCallError) -> str:
    if failure.status == 404:
        return f"does not exist ({failure.code}): `ses-fleet config push` puts it there"
    if failure.status == 403:
        return f"may not be read by the orchestrator, or does not exist ({failure.code})"
    return f"could not be read ({failure.code}: {failure.text})"
