"""The first check of a request: JSON types, required members and enum values.

SES reports these before any rule of the service itself, whatever the order of the members (observed). All functions
raise AwsError for a value that SES refuses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from strict_aws.ses.errors import bad_request, missing_member, wrong_type
from strict_aws.ses.store import Preferences, Topic, shared_preferences

STATUSES = ("OPT_IN", "OPT_OUT")


def text(value: Any, path: str) -> str:
    """Return a required string; `path` is its path in a refusal."""
    found = optional_text(value)
    if found is None:
        raise missing_member(path)
    return found


def optional_text(value: Any) -> str | None:
    """Return a string, or None when the request has none."""
    if value is not None and not isinstance(value, str):
        raise wrong_type("a String")
    return value


def flag(value: Any) -> bool:
    """Return a boolean, False when the request has none. Any string is true (observed), a number is refused."""
    if value is not None and not isinstance(value, bool | str):
        raise wrong_type("a Boolean")
    return value is not None and value is not False


def structure(value: Any) -> dict[str, Any]:
    """Return an object, empty when the request has none."""
    if value is not None and not isinstance(value, dict):
        raise wrong_type("an Object")
    return value or {}


def status(value: Any, path: str) -> str:
    """Return a subscription status, OPT_IN or OPT_OUT."""
    found = text(value, path)
    if found not in STATUSES:
        raise bad_request(f"Subscription status must be one of {', '.join(STATUSES)}")
    return found


def choice(value: Any, path: str, names: Sequence[str]) -> str:
    """Return a required string that is one of these names."""
    found = text(value, path)
    if found not in names:
        raise bad_request(
            f"1 validation error detected: Value at '{path}' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(names)}]"
        )
    return found


def topics(value: Any) -> list[Topic]:
    """Return a list's topics, in the order in which they were sent."""
    return [
        Topic(
            name=text(entry.get("TopicName"), f"{path}.topicName"),
            display_name=text(entry.get("DisplayName"), f"{path}.displayName"),
            description=optional_text(entry.get("Description")),
            default_status=status(entry.get("DefaultSubscriptionStatus"), f"{path}.defaultSubscriptionStatus"),
        )
        for path, entry in _members(value, "topics")
    ]


def preferences(value: Any, members: tuple[str, str] = ("TopicName", "SubscriptionStatus")) -> Preferences:
    """Return a contact's explicit preferences.

    Of a topic that is sent twice the last one counts, which is our choice.
    """
    chosen: dict[str, str] = {}
    for path, entry in _members(value, "topicPreferences"):
        topic, subscription = (entry.get(member) for member in members)
        chosen[text(topic, f"{path}.topicName")] = status(subscription, f"{path}.subscriptionStatus")
    return shared_preferences(chosen)


def tags(value: Any) -> dict[str, str]:
    """Return a list's tags as `{key: value}`."""
    return {
        text(entry.get("Key"), f"{path}.key"): text(entry.get("Value"), f"{path}.value")
        for path, entry in _members(value, "tags")
    }


def _members(value: Any, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each object of an array with its path."""
    if value is not None and not isinstance(value, list | tuple):
        raise wrong_type("a List")
    for number, entry in enumerate(value or [], start=1):
        yield f"{name}.{number}.member", structure(entry)
