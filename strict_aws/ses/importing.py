"""What an import job does to a contact list when it ends, record by record."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

from strict_aws.http.messages import AwsError
from strict_aws.ses import records, validation
from strict_aws.ses.jobs import Action, DataFormat
from strict_aws.ses.records import BadRecord
from strict_aws.ses.store import Contact, ContactList, ContactRecord

MAX_RECORDS = 1_000_000  # developer guide, list management


@dataclass(frozen=True)
class Imported:
    """How many records there were, and those that failed."""

    processed: int
    failed: Sequence[BadRecord]


def import_file(
    contact_list: ContactList, action: Action, body: bytes, data_format: DataFormat, now: float
) -> Imported:
    """Put or delete every good record in the file's order; raise UnreadableFileError when none of it is imported.

    PUT replaces a contact: what the record omits is cleared (observed). DELETE only looks at the address, and one that
    is not in the list counts as processed, which is our choice.
    """
    found = [record for _, record in islice(records.read(body, data_format), MAX_RECORDS + 1)]
    if len(found) > MAX_RECORDS:
        raise records.UnreadableFileError(f"The file has more than {MAX_RECORDS} records")
    apply = _putting(contact_list, now) if action == "PUT" else _deleting(contact_list, now)
    outcomes = (record if isinstance(record, BadRecord) else apply(record) for record in found)
    return Imported(len(found), [outcome for outcome in outcomes if outcome is not None])


def failed_lines(failed: Sequence[BadRecord]) -> bytes:
    """Return the records that failed as JSON lines `{"emailAddress", "reason"}`.

    The format is ours, because AWS documents none.
    """
    lines = (json.dumps({"emailAddress": record.email, "reason": record.reason}) for record in failed)
    return "".join(f"{line}\n" for line in lines).encode()


def _putting(contact_list: ContactList, now: float) -> Callable[[ContactRecord], BadRecord | None]:
    def put(record: ContactRecord) -> BadRecord | None:
        try:
            validation.preferences([record.preferences], contact_list)
        except AwsError as error:
            return BadRecord(record.email, error.message)
        contact_list.put(Contact(*record, created_at=now, updated_at=now), now)
        return None

    return put


def _deleting(contact_list: ContactList, now: float) -> Callable[[ContactRecord], BadRecord | None]:
    def delete(record: ContactRecord) -> BadRecord | None:
        if contact_list.get(record.email) is not None:
            contact_list.remove(record.email, now)
        return None

    return delete
