"""Putting many contacts into a list at once."""

from __future__ import annotations

from collections.abc import Iterable

from strict_aws.ses import validation
from strict_aws.ses.store import ContactList, ContactRecord, Row


def made_rows(records: Iterable[ContactRecord], now: float) -> list[Row]:
    """Rows of these records; BadRequestException when an address or attributes are not what SES takes."""
    return [
        (validation.address(email), preferences, unsubscribed_all, validation.attributes(attributes), now, now)
        for email, preferences, unsubscribed_all, attributes in records
    ]


def fill(contact_list: ContactList, rows: list[Row]) -> None:
    """Add or replace all of them, or none when a preference is not what the list takes.

    They are put as if they had always been there: so the world was before somebody looked, no client wrote it.
    """
    validation.preferences({preferences for _, preferences, *_ in rows}, contact_list)
    for row in rows:
        contact_list.put(row, None)
