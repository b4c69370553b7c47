"""A people file: JSON Lines, a row a line, as a run and its workers read it.

Blank lines, a byte order mark and carriage returns are passed over. What is wrong is told by line and field; nothing of
what is in the file is ever repeated, because refusals are kept in the run's record.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from typing import Any

from ses_fleet import json_text, limits, problems
from ses_fleet.aws.s3 import Bucket, TooLargeError
from ses_fleet.errors import AwsCallError, JsonError, PeopleFileError, Problem
from ses_fleet.people import addresses
from ses_fleet.people.kinds import PeopleRows
from ses_fleet.people.pinned import PinnedPeople
from ses_fleet.people.rows import MODELS, Row

# A JSON path whose keys can be nobody's address.
_HARMLESS_PATH = re.compile(r"\$(?:\.[A-Za-z0-9_]{1,64}|\[[0-9]+\])*")


@dataclass(frozen=True)
class PeopleFile:
    """What is in a people file: its rows by their line, in the file's order, and the digest of its bytes.

    `version_id` is S3's; it is None for a file that was not read from S3, and in a bucket without versions.
    """

    rows: Mapping[int, Row]
    sha256: str
    version_id: str | None = None

    @cached_property
    def customers(self) -> frozenset[str] | None:
        """Return the codes of the customers that some row applies to, or None when there is a row for all of them."""
        named = [row.customers for row in self.rows.values()]
        codes = chain.from_iterable(one for one in named if one is not None)
        return None if None in named else frozenset(codes)


def parse(body: bytes, wanted: PeopleRows) -> PeopleFile:
    """Return what these bytes say; raise PeopleFileError with everything that is wrong, each with its line."""
    check_size(len(body))
    return PeopleFile(checked(_values(body), wanted), hashlib.sha256(body).hexdigest())


def check_size(size: int) -> None:
    """Raise PeopleFileError when a people file of so many bytes is too large."""
    if size > limits.MAX_PEOPLE_FILE_BYTES:
        raise _too_large(size)


def checked(values: Iterable[tuple[int, Any]], wanted: PeopleRows) -> dict[int, Row]:
    """Return the rows of parsed values by their line.

    `values` are (line, value); a value may be the JsonError of a line that could not be parsed. Raise PeopleFileError
    with everything that is wrong: a row that is none, an address that is there twice, too many rows or none at all.
    """
    rows: dict[int, Row] = {}
    texts: list[str] = []
    lines: dict[str, int] = {}
    count = 0
    for count, (line, value) in enumerate(values, 1):
        if count > wanted.at_most:  # so that a file of millions of lines takes no time
            texts.append(f"line {line}: is one row more than the {wanted.at_most} that the action takes")
            break
        row, found = _row(value, wanted)
        texts += [f"line {line}: {text}" for text in found]
        if row is None:
            continue
        rows[line] = row
        first = lines.setdefault(addresses.folded(row.email), line)
        if first != line:
            texts.append(f"line {line}: email: is the address of line {first}, too: one row a person")
    if count == 0:
        texts.append("has no row, so it names nobody")
    refuse(texts)
    return rows


def refuse(texts: Iterable[str]) -> None:
    """Raise PeopleFileError with what is wrong with a file, at most MAX_PEOPLE_PROBLEMS of it, unless nothing is."""
    found = list(texts)
    if found:
        raise PeopleFileError(_first_of(found))


def stored(rows: Mapping[int, Row]) -> bytes:
    """Return the bytes of a people file that has each of these rows in its line: `parse` reads the same rows."""
    written = bytearray()
    line = 1
    for number, row in rows.items():
        written += b"\n" * (number - line) + row.model_dump_json(exclude_defaults=True).encode() + b"\n"
        line = number + 1
    return bytes(written)


def read(bucket: Bucket, key: str, wanted: PeopleRows) -> PeopleFile:
    """Return the people file at this key as it is now.

    Raise PeopleFileError when it does not exist, may not be read or is wrong, and AwsCallError while S3 does not
    answer.
    """
    return _read(bucket, key, None, wanted)


def read_pinned(bucket: Bucket, key: str, pinned: PinnedPeople, wanted: PeopleRows) -> PeopleFile:
    """Return the people file that a run uses, as its start read it.

    Raise PeopleFileError when it is not there any more or has other bytes, and AwsCallError while S3 does not answer.
    """
    found = _read(bucket, key, pinned.version_id, wanted, sha256=pinned.sha256)
    assert len(found.rows) == pinned.rows  # noqa: S101  # the same bytes have the same rows
    return found


def _read(
    bucket: Bucket, key: str, version_id: str | None, wanted: PeopleRows, sha256: str | None = None
) -> PeopleFile:
    where = bucket.location(key)
    try:
        found = bucket.read(key, limit=limits.MAX_PEOPLE_FILE_BYTES, version_id=version_id)
    except AwsCallError as failure:
        if failure.transient:
            raise
        raise PeopleFileError([f"{where} {_unreadable(failure)}"]) from None
    except TooLargeError as error:
        raise _too_large(error.size) from None
    if sha256 is not None and hashlib.sha256(found.body).hexdigest() != sha256:
        raise PeopleFileError([f"{where} is not the file that the run began with: start a new run"])
    parsed = parse(found.body, wanted)
    return PeopleFile(parsed.rows, parsed.sha256, found.version_id)


def _unreadable(failure: AwsCallError) -> str:
    if failure.status == 404:
        return f"does not exist ({failure.code}): a people file lives {limits.PEOPLE_FILE_DAYS} days, upload it again"
    return f"may not be read by ses-fleet, or does not exist ({failure.code})"


def _too_large(size: int) -> PeopleFileError:
    return PeopleFileError([f"has {size} bytes, more than the {limits.MAX_PEOPLE_FILE_BYTES} allowed"])


def _values(body: bytes) -> Iterator[tuple[int, Any]]:
    """Yield (line, value or JsonError) for every line that is not blank."""
    for number, line in enumerate(body.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            yield number, json_text.parse(line, "the row")
        except JsonError as error:
            yield number, error


def _row(value: Any, wanted: PeopleRows) -> tuple[Row | None, list[str]]:
    """Return the row that a value is, or None and what is wrong with it."""
    if isinstance(value, JsonError):
        return None, [_told(problem) for problem in value.problems]
    model = MODELS[wanted.kind]
    wording = problems.Wording(
        problems.GUARDED,
        unknown="unknown field",
        must={"unsubscribe_all": "true, or left out"},
        personal=model.model_fields,
    )
    row, found = problems.attempt(model, value, wording)
    return row, [_told(problem) for problem in found]


def _told(problem: Problem) -> str:
    """Return a problem with the path inside the row, if that can be nobody's address."""
    text = problem.text.replace("at line 1, column", "at column")  # the row is a text of its own to the JSON reader
    if problem.path == "$" or _HARMLESS_PATH.fullmatch(problem.path) is None:
        return text
    return f"{problem.path.removeprefix('$.')}: {text}"


def _first_of(texts: list[str]) -> Iterator[str]:
    yield from islice(texts, limits.MAX_PEOPLE_PROBLEMS)
    if len(texts) > limits.MAX_PEOPLE_PROBLEMS:
        yield f"and {len(texts) - limits.MAX_PEOPLE_PROBLEMS} more problems like these"
