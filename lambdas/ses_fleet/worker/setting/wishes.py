"""What a row of a people file makes of a person's contact, and which of it the person's own choices forbid."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ses_fleet import json_text
from ses_fleet.errors import JsonError
from ses_fleet.people.rows import ContactRow
from ses_fleet.worker.contact_changes import Contact


class UnusableAttributesError(Exception):
    """The contact's attributes are no JSON object, so those of a row cannot be merged with them."""


@dataclass(frozen=True)
class Wish:
    """A contact as it should be. `kept_choice` is whether something that the row opts in to was left out for it."""

    contact: Contact
    kept_choice: bool


def wish(
    row: ContactRow, now: Contact | None, others: Sequence[Contact], topics: Collection[str], *, overwrite: bool
) -> Wish:
    """Return what the row makes of the contact `now`, or of nobody.

    `others` are the same person's other contacts: what was refused in one of them is refused in all. With `overwrite`
    the row beats earlier refusals. Then a contact that is unsubscribed from everything gets the topics that the row
    opts in to and is opted out of all others of the list's `topics`. Raise UnusableAttributesError when the row names
    attributes and the contact's own are no JSON object.
    """
    before = now or (Contact({}) if overwrite else _refusing_all(others))
    refused = () if overwrite else _refused(row.opt_in, (before, *others))
    opt_in = [topic for topic in row.opt_in if topic not in refused]
    preferences, unsubscribed = before.preferences, before.unsubscribed_all
    if opt_in and unsubscribed:
        preferences, unsubscribed = {**preferences, **dict.fromkeys(topics, "OPT_OUT")}, False
    return Wish(
        Contact(
            {**preferences, **dict.fromkeys(opt_in, "OPT_IN"), **dict.fromkeys(row.opt_out, "OPT_OUT")},
            unsubscribed or bool(row.unsubscribe_all),
            before.attributes if row.attributes is None else _merged(before.attributes, row.attributes),
        ),
        kept_choice=bool(refused),
    )


def refusal(row: ContactRow, now: Contact) -> Contact:
    """Return another contact of the same person with what the row refuses, and nothing else changed."""
    preferences = {**now.preferences, **dict.fromkeys(row.opt_out, "OPT_OUT")}
    return replace(now, preferences=preferences, unsubscribed_all=now.unsubscribed_all or bool(row.unsubscribe_all))


def refuses(row: ContactRow) -> bool:
    """Return whether the row unsubscribes the person from anything: then it holds for all contacts of the person."""
    return bool(row.opt_out or row.unsubscribe_all)


def _refused(topics: Sequence[str], contacts: Sequence[Contact]) -> list[str]:
    """Return those of these topics that the person does not want by any of these contacts."""
    if any(one.unsubscribed_all for one in contacts):
        return list(topics)
    return [topic for topic in topics if any(one.preferences.get(topic) == "OPT_OUT" for one in contacts)]


def _refusing_all(contacts: Sequence[Contact]) -> Contact:
    """Return a new contact that refuses whatever any of these does."""
    said = {topic: status for one in contacts for topic, status in one.preferences.items() if status == "OPT_OUT"}
    return Contact(said, any(one.unsubscribed_all for one in contacts))


def _merged(text: str | None, attributes: dict[str, Any]) -> str:
    """Return the attributes as SES keeps them, the row's over the contact's; the same text when nothing changes."""
    try:
        old = {} if text is None else json_text.parse(text.encode(), "the attributes")
    except JsonError:
        old = None
    if not isinstance(old, dict):
        raise UnusableAttributesError
    before, after = json.dumps(old), json.dumps({**old, **attributes})  # as texts, since Python's 1 and True are equal
    return text if text is not None and before == after else json.dumps({**old, **attributes}, ensure_ascii=False)
