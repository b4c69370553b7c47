"""What an import job does to the suppression list when it ends, record by record.

Formats and limits are from the developer guide (account-level suppression list). JSON has an object per line, with
emailAddress and, to put it there, reason. CSV has no header; a row has the address and, to put it there, the reason.
The texts about records are ours. Blanks around a cell are removed, because the guide's own example has some.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from strict_aws.http.messages import AwsError
from strict_aws.ses import shapes
from strict_aws.ses.account import REASONS
from strict_aws.ses.errors import bad_request
from strict_aws.ses.importing import Imported
from strict_aws.ses.jobs import Action, DataFormat
from strict_aws.ses.records import BadRecord, UnreadableFileError
from strict_aws.ses.store import Suppressed, Suppression
from strict_aws.ses.suppression import folded

MAX_RECORDS: dict[Action, int] = {"PUT": 100_000, "DELETE": 10_000}  # developer guide, account-level suppression list


class _Record(NamedTuple):
    email: str
    reason: str


def import_file(suppression: Suppression, action: Action, body: bytes, data_format: DataFormat, now: float) -> Imported:
    """Put or delete every good record in the file's order; raise UnreadableFileError when none of it is imported.

    A DELETE of an address that is not there counts as processed, which is our choice.
    """
    found = list(_taken(_cells(body) if data_format == "CSV" else _lines(body), action))
    if len(found) > MAX_RECORDS[action]:
        raise UnreadableFileError(f"The file has more than {MAX_RECORDS[action]} records")
    for record in found:
        if isinstance(record, _Record):
            _apply(suppression, action, record, now)
    return Imported(len(found), [record for record in found if isinstance(record, BadRecord)])


def _apply(suppression: Suppression, action: Action, record: _Record, now: float) -> None:
    if action == "PUT":
        suppression.listed.change(record.email, Suppressed(record.email, record.reason, now), now)
    elif suppression.listed.get(record.email) is not None:
        suppression.listed.take_out(record.email, now)


def _lines(body: bytes) -> Iterator[dict[str, Any] | BadRecord]:
    for line in body.splitlines():
        if not line.strip():
            continue
        try:
            given = json.loads(line)
        except (ValueError, RecursionError):
            given = None
        yield given if isinstance(given, dict) else BadRecord(None, "not JSON, or not an object")


def _cells(body: bytes) -> Iterator[dict[str, Any] | BadRecord]:
    try:
        rows = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        for cells in rows:
            if cells:
                yield _named([cell.strip() for cell in cells])
    except (UnicodeDecodeError, csv.Error):
        raise UnreadableFileError("The file is not CSV in UTF-8") from None


def _named(cells: Sequence[str]) -> dict[str, Any] | BadRecord:
    if len(cells) > 2:
        return BadRecord(cells[0], "it has more cells than an address and a reason")
    return dict(zip(("emailAddress", "reason"), cells, strict=False))


def _taken(given: Iterator[dict[str, Any] | BadRecord], action: Action) -> Iterator[_Record | BadRecord]:
    for one in given:
        if isinstance(one, BadRecord):
            yield one
            continue
        try:
            yield _checked(one, action)
        except AwsError as error:
            email = one.get("emailAddress")
            yield BadRecord(email if isinstance(email, str) else None, error.message)


def _checked(one: dict[str, Any], action: Action) -> _Record:
    if not one.keys() <= {"emailAddress", "reason"}:
        raise bad_request("it has members other than emailAddress, reason")
    email = folded(shapes.text(one.get("emailAddress"), "emailAddress"))
    return _Record(email, shapes.choice(one.get("reason"), "reason", REASONS) if action == "PUT" else "")
