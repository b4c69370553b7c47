"""What a contact list really holds now, whatever SES's reads show under the conditions in force."""

from __future__ import annotations

import json
from typing import Any

from strict_aws.ses.store import Contact, ContactList


def as_lines(contact_list: ContactList) -> bytes:
    """Return JSON lines: the list with its topics in SES's own shape, then each contact as an import job's record."""
    contacts = (_line(_record(contact)) for contact in contact_list.contacts())
    return b"".join([list_line(contact_list), *contacts])


def list_line(contact_list: ContactList) -> bytes:
    """Return a JSON line: the list with its topics in SES's own shape."""
    topics = [
        {
            "TopicName": topic.name,
            "DisplayName": topic.display_name,
            "Description": topic.description,
            "DefaultSubscriptionStatus": topic.default_status,
        }
        for topic in contact_list.topics.values()
    ]
    description = contact_list.heading.description
    return _line({"contactListName": contact_list.name, "description": description, "topics": topics})


def _line(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode() + b"\n"


def _record(contact: Contact) -> dict[str, Any]:
    preferences = [{"topicName": topic, "subscriptionStatus": status} for topic, status in contact.preferences]
    return {
        "emailAddress": contact.email,
        "unsubscribeAll": contact.unsubscribed_all,
        "attributesData": contact.attributes,
        "topicPreferences": preferences,
    }
