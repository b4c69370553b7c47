"""What SES refuses. Texts and rules are observed, not documented, but for the limits (developer guide)."""

from __future__ import annotations

import json
import re
from typing import Any

from local.ses.store import ContactList, Preferences, Topic, shared_preferences
from local.web import AwsError

MAX_TOPICS = 20  # developer guide, list management
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_STATUSES = ("OPT_IN", "OPT_OUT")
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_MAX_DISPLAY_NAME = 128
_MAX_DESCRIPTION = 500


def bad_request(message: str) -> AwsError:
    """SES's answer to what it does not take."""
    return AwsError("BadRequestException", message)


def list_name(value: Any) -> str:
    """A contact list's name."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise bad_request(
            "ContactListName can contain up to 64 characters. Only alphanumeric characters, "
            "underscores(_) and hyphens(-) are allowed."
        )
    return value


def description(value: Any) -> str | None:
    """A contact list's description."""
    if value is not None and (not isinstance(value, str) or len(value) > _MAX_DESCRIPTION):
        raise bad_request(f"Description can contain up to {_MAX_DESCRIPTION} characters.")
    return value


def topics(value: Any) -> dict[str, Topic]:
    """A list's topics, in order, by name."""
    entries = value or []
    if len(entries) > MAX_TOPICS:
        raise bad_request(f"A maximum of {MAX_TOPICS} Topics allowed per list.")
    made: dict[str, Topic] = {}
    for entry in entries:
        topic = _topic(entry)
        if topic.name in made:
            raise bad_request(f"Duplicate topic name: {topic.name}")
        made[topic.name] = topic
    return made


def preferences(value: Any, contact_list: ContactList) -> Preferences:
    """A contact's explicit preferences; every topic must be the list's."""
    made: dict[str, str] = {}
    for entry in value or []:
        topic, status = entry.get("TopicName"), entry.get("SubscriptionStatus")
        if topic not in contact_list.topics:
            raise bad_request(f"List: {contact_list.name} doesn't contain Topic: {topic}")
        made[topic] = _status(status)
    return shared_preferences(made)


def address(value: Any) -> str:
    """A contact's address, kept as it came: SES documents no case folding."""
    if not isinstance(value, str) or len(value) > 320 or not _ADDRESS.fullmatch(value):
        raise bad_request("EmailAddress is invalid")
    return value


def attributes(value: Any) -> str | None:
    """AttributesData: the text of a JSON object."""
    if value is None:
        return None
    try:
        parsed = json.loads(value)
    except (TypeError, ValueError):
        parsed = None
    if not isinstance(parsed, dict):
        raise bad_request("AttributesData must be a valid JSON object")
    return str(value)


def filtered_status(value: Any) -> str:
    """ListContacts' FilteredStatus."""
    return _status(value)


def _topic(entry: Any) -> Topic:
    name, display_name, text = entry.get("TopicName"), entry.get("DisplayName"), entry.get("Description")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise bad_request(
            "TopicName can contain up to 64 characters. Only alphanumeric characters, "
            "underscores(_) and hyphens(-) are allowed."
        )
    if not isinstance(display_name, str) or not 1 <= len(display_name) <= _MAX_DISPLAY_NAME:
        raise bad_request(f"DisplayName can contain up to {_MAX_DISPLAY_NAME} characters and may not be empty.")
    return Topic(name, display_name, description(text), _status(entry.get("DefaultSubscriptionStatus")))


def _status(value: Any) -> str:
    if value not in _STATUSES:
        raise bad_request(f"Subscription status must be one of {', '.join(_STATUSES)}")
    return str(value)
