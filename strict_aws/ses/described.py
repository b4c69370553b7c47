"""A contact in the shape that GetContact and ListContacts share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from strict_aws.ses.store import Contact, ContactList, Preferences

_Statuses = list[dict[str, str]]


class _Shown(dict[tuple[str, str], dict[str, str]]):
    """Pairs of (topic, status) in the API's shape, each made only once."""

    def __missing__(self, pair: tuple[str, str]) -> dict[str, str]:
        shown = self[pair] = {"TopicName": pair[0], "SubscriptionStatus": pair[1]}
        return shown


def describer(contact_list: ContactList) -> Callable[[Contact], dict[str, Any]]:
    """Return a function that shows the contacts of one answer, and that shares what is equal among them."""
    defaults = [(topic.name, topic.default_status) for topic in contact_list.topics.values()]
    # By identity, as equal preferences are mostly one object and hashing twenty pairs takes longer than the rest.
    shown, known = _Shown(), dict[int, tuple[_Statuses, _Statuses]]()

    def describe(contact: Contact) -> dict[str, Any]:
        statuses = known.get(id(contact.preferences))
        if statuses is None:
            statuses = known[id(contact.preferences)] = _explicit_and_default(contact.preferences, defaults, shown)
        return {
            "EmailAddress": contact.email,
            "TopicPreferences": statuses[0],
            "TopicDefaultPreferences": statuses[1],
            "UnsubscribeAll": contact.unsubscribed_all,
            "LastUpdatedTimestamp": contact.updated_at,
        }

    return describe


def _explicit_and_default(
    preferences: Preferences, defaults: list[tuple[str, str]], shown: _Shown
) -> tuple[_Statuses, _Statuses]:
    """Return the explicit and the default preferences in the API's shape.

    TopicDefaultPreferences are derived when read: they are for the topics without an explicit preference (observed).
    """
    chosen = dict(preferences) if len(preferences) < len(defaults) else None
    derived = [] if chosen is None else [shown[pair] for pair in defaults if pair[0] not in chosen]
    return [shown[pair] for pair in preferences], derived
