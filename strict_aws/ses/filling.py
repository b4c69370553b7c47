"""Put many contacts into a list at once."""

from __future__ import annotations

from collections.abc import Iterable

from strict_aws.ses import validation
from strict_aws.ses.store import ContactList, ContactRecord, Row


def made_rows(records: Iterable[ContactRecord], now: float) -> list[Row]:
    """Return the rows of these records; raise AwsError when SES would refuse an address or attributes."""
    return [
        (validation.address(email), preferences, unsubscribed_all, validation.attributes(attributes), now, now)
        for email, preferences, unsubscribed_all, attributes in records
    ]


def fill(contact_list: ContactList, rows: list[Row]) -> None:
    """Add or replace all of these contacts, or none when the list does not have the topic of a preference.

    Every read sees them at once, also one that lags, as if they had always been there.
    """
    validation.preferences({preferences for _, preferences, *_ in rows}, contact_list)
    for row in rows:
        contact_list.put(row, None)
