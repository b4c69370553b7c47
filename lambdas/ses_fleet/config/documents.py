"""JSON files from the config bucket, with problems that a person can find in the file."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

from ses_fleet import json_text, limits
from ses_fleet.aws.s3 import Bucket, TooLargeError
from ses_fleet.errors import AwsCallError, ConfigurationError, JsonError, Problem


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
        raise ConfigurationError([Problem("$", f"{where} {_unreadable(failure)}")]) from None
    except TooLargeError as error:
        raise ConfigurationError(
            [Problem("$", f"{where} has {error.size} bytes, more than the {limits.MAX_CONFIG_BYTES} allowed")]
        ) from None
    return Document(parse(stored.body, where), stored.version)


def parse(body: bytes, where: str) -> Any:
    """Parse JSON; ConfigurationError with every problem, its JSON path, and line and column of what is no JSON."""
    try:
        return json_text.parse(body, where)
    except JsonError as error:
        raise ConfigurationError(error.problems) from None


def nearly(key: str, known: tuple[str, ...]) -> str | None:
    """The known key that `key` was probably meant to be."""
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.85)
    return near[0] if near else None


def _unreadable(failure: AwsCallError) -> str:
    if failure.status == 404:
        return f"does not exist ({failure.code}): `ses-fleet config push` puts it there"
    if failure.status == 403:
        return f"may not be read by the orchestrator, or does not exist ({failure.code})"
    return f"could not be read ({failure.code}: {failure.text})"
