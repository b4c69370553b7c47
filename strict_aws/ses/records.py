"""The records of an import in newline-delimited JSON or CSV: each is accepted, or named with what is wrong with it.

Members, columns and their types are from the developer guide (list management); the texts about records are ours.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from strict_aws.http.messages import AwsError
from strict_aws.ses import shapes, validation
from strict_aws.ses.errors import bad_request
from strict_aws.ses.store import ContactRecord

_MEMBERS = ("emailAddress", "unsubscribeAll", "attributesData", "topicPreferences")
_TOPIC_COLUMN = "topicPreferences."
_FLAGS = {"true": True, "false": False}


class BadRecord(NamedTuple):
    """A record that is not accepted, and why. `email` is None when no address could be read."""

    email: str | None
    reason: str


# The line in a JSON file, the last line of the row in a CSV file; both from 1.
Numbered = tuple[int, ContactRecord | BadRecord]


class UnreadableFileError(Exception):
    """Nothing in the file can be imported; the message says why."""


def read(body: bytes, data_format: str) -> Iterator[Numbered]:
    """Yield every record of a file, whose `data_format` is JSON or CSV.

    Raise UnreadableFileError when the file cannot be divided into records.
    """
    return read_csv(body) if data_format == "CSV" else read_json(body)


def read_json(body: bytes) -> Iterator[Numbered]:
    """Yield one record per line; empty lines are skipped."""
    for number, line in enumerate(io.BytesIO(body), start=1):
        if line.strip():
            yield number, _from_json(line)


def read_csv(body: bytes) -> Iterator[Numbered]:
    """Yield a record for each row after the header. Empty rows are skipped; an empty cell is an absent member.

    Raise UnreadableFileError for a file that is not UTF-8, has no header with the column emailAddress, or has a column
    that is unknown or twice there, which is our choice. Topics that the list does not have are left to the caller.
    """
    try:
        rows = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        header = next(rows, [])
    except (UnicodeDecodeError, csv.Error):
        raise UnreadableFileError("The file is not CSV in UTF-8") from None
    _check_header(header)
    while True:
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error:
            yield rows.line_num, BadRecord(None, "not CSV")
            continue
        if cells:
            yield rows.line_num, _from_cells(header, cells)


def _check_header(header: Sequence[str]) -> None:
    if "emailAddress" not in header:
        raise UnreadableFileError("The file's header has no column emailAddress")
    unknown = [name for name in header if name not in _MEMBERS[:3] and not name.startswith(_TOPIC_COLUMN)]
    if unknown or len(set(header)) < len(header):
        raise UnreadableFileError("The file's header has a column that is unknown or there twice")


def _from_json(line: bytes) -> ContactRecord | BadRecord:
    try:
        given = json.loads(line)
    except (ValueError, RecursionError):
        return BadRecord(None, "not JSON")
    return _taken(given)


def _from_cells(header: Sequence[str], cells: Sequence[str]) -> ContactRecord | BadRecord:
    filled = {name: cell for name, cell in zip(header, cells, strict=False) if cell}
    if len(cells) != len(header):
        return BadRecord(filled.get("emailAddress"), "it has not as many cells as the header")
    given: dict[str, Any] = {name: cell for name, cell in filled.items() if name in _MEMBERS}
    given.setdefault("emailAddress", "")
    if "unsubscribeAll" in given:
        given["unsubscribeAll"] = _FLAGS.get(given["unsubscribeAll"].lower(), given["unsubscribeAll"])
    given["topicPreferences"] = [
        {"topicName": name.removeprefix(_TOPIC_COLUMN), "subscriptionStatus": cell}
        for name, cell in filled.items()
        if name.startswith(_TOPIC_COLUMN)
    ]
    return _taken(given)


def _taken(given: Any) -> ContactRecord | BadRecord:
    try:
        return _checked(shapes.structure(given))
    except AwsError as error:
        email = given.get("emailAddress") if isinstance(given, dict) else None
        return BadRecord(email if isinstance(email, str) else None, error.message)


def _checked(record: dict[str, Any]) -> ContactRecord:
    if not record.keys() <= set(_MEMBERS):
        raise bad_request(f"it has members other than {', '.join(_MEMBERS)}")
    unsubscribed_all = record.get("unsubscribeAll", False)
    if not isinstance(unsubscribed_all, bool):
        raise bad_request("unsubscribeAll is neither true nor false")
    return ContactRecord(
        email=_address(record.get("emailAddress")),
        preferences=shapes.preferences(record.get("topicPreferences"), members=("topicName", "subscriptionStatus")),
        unsubscribed_all=unsubscribed_all,
        attributes=validation.attributes(shapes.optional_text(record.get("attributesData"))),
    )


def _address(given: Any) -> str:
    """Return the record's address. The refusal does not repeat it, because its reader is told the record, too."""
    email = shapes.text(given, "emailAddress")
    if email.strip() and not validation.is_address(email):
        raise bad_request("EmailAddress is invalid")
    return validation.address(email)
