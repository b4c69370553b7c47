"""Whom a run is for, as one customer's worker reads it."""

from __future__ import annotations

from ses_fleet.aws.s3 import Bucket
from ses_fleet.errors import AwsCallError, CustomerError, PeopleFileError
from ses_fleet.people import request_file
from ses_fleet.people.kinds import PeopleRows
from ses_fleet.people.rows import Row
from ses_fleet.runs.keys import people_file_key
from ses_fleet.runs.work import WorkItem


def rows_of(results: Bucket, item: WorkItem, wanted: PeopleRows) -> dict[int, Row]:
    """Return the rows of the run's people file that apply to the item's customer, by their line, in the file's order.

    Raise CustomerError when the item names no people file, or the file is not there as the run began with it.
    """
    if item.people_file is None:
        text = f"{item.action} was sent without the people file that says whom it is for; nothing was done"
        raise CustomerError("internal", "NoPeopleFile", text)
    key = people_file_key(item.people_file.id)
    try:
        found = request_file.read_pinned(results, key, item.people_file, wanted)
    except PeopleFileError as error:
        raise CustomerError("operation", "UnusablePeopleFile", f"{error.texts[0]}; nothing was done") from None
    except AwsCallError as failure:
        text = f"{results.location(key)} could not be read ({failure.code}): {failure.text}"
        raise CustomerError("operation", failure.code, text, retryable=failure.transient) from None
    return {line: row for line, row in found.rows.items() if row.is_for(item.customer.customer_code)}
