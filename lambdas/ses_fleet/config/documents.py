"""Reading config.json and SESConfig.json from the config bucket, and what both have in common."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from ses_fleet import json_text, limits
from ses_fleet.aws.s3 import Bucket, TooLargeError
from ses_fleet.errors import AwsCallError, ConfigurationError, JsonError, Problem
from ses_fleet.problems import OPEN, Wording

# Operators write both files: messages repeat what is wrong, but for addresses.
WORDING = Wording(OPEN)


@dataclass(frozen=True)
class Document:
    """A parsed file. `version` is the S3 VersionId of what was read, or its ETag in a bucket without versions.

    `version_id` is the VersionId alone, by which the same text can be read again, and `body` the text.
    """

    value: Any
    version: str | None
    version_id: str | None
    body: bytes


def read(bucket: Bucket, key: str) -> Document:
    """Read and parse one file. Raise ConfigurationError when it cannot be read, is too large or is not JSON."""
    try:
        return read_again(bucket, key)
    except AwsCallError as failure:
        raise ConfigurationError([Problem("$", f"{bucket.location(key)} {_unreadable(failure)}")]) from None


def read_again(bucket: Bucket, key: str, version_id: str | None = None) -> Document:
    """Read and parse a file that was read before, or one version of it.

    Raise AwsCallError while S3 does not answer, and ConfigurationError when the file cannot be used.
    """
    where = bucket.location(key)
    try:
        stored = bucket.read(key, limit=limits.MAX_CONFIG_BYTES, version_id=version_id)
    except AwsCallError as failure:
        if failure.transient:
            raise
        raise ConfigurationError([Problem("$", f"{where} {_unreadable(failure)}")]) from None
    except TooLargeError as error:
        raise ConfigurationError(
            [Problem("$", f"{where} has {error.size} bytes, more than the {limits.MAX_CONFIG_BYTES} allowed")]
        ) from None
    return Document(parse(stored.body, where), stored.version, stored.version_id, stored.body)


def parse(body: bytes, where: str) -> Any:
    """Return the value of a JSON text; raise ConfigurationError with every problem, as `json_text.parse` finds them.

    `where` names the text in messages.
    """
    try:
        return json_text.parse(body, where)
    except JsonError as error:
        raise ConfigurationError(error.problems) from None


def typos(model: type[BaseModel], raw: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """Yield a problem for each unknown key of `raw` that looks like a key of `model` that is not there.

    `path` is the JSON path of `raw`. Other unknown keys belong to other programs.
    """
    for key, meant in misspelt(model, raw):
        yield Problem(f"{path}.{OPEN.key(key)}", f"unknown key that looks like {meant}; it is not used")


def misspelt(model: type[BaseModel], raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each unknown key of `raw` that looks like a key of `model` that is not there, and that key."""
    by_letters = _keys_by_letters(model)
    for key in raw:
        if key in model.model_fields or len(key) > limits.SHOWN_KEY_CHARACTERS:
            continue
        near = by_letters.get(_letters(key)) or _nearest(key, by_letters.values())
        if near is not None and near not in raw:
            yield key, near


@functools.cache
def _keys_by_letters(model: type[BaseModel]) -> Mapping[str, str]:
    """Return the keys of a model by their letters, without "$schema", which other programs' keys may well look like."""
    return {_letters(name): name for name, field in model.model_fields.items() if field.alias is None}


def _letters(key: str) -> str:
    return key.replace("_", "").replace("-", "").lower()


def _nearest(key: str, known: Iterable[str]) -> str | None:
    near = difflib.get_close_matches(key, list(known), n=1, cutoff=0.85)
    return near[0] if near else None


def _unreadable(failure: AwsCallError) -> str:
    if failure.status == 404:
        return f"does not exist ({failure.code}): `ses-fleet config push` puts it there"
    if failure.status == 403:
        return f"may not be read by the orchestrator, or does not exist ({failure.code})"
    return f"could not be read ({failure.code}: {failure.text})"
