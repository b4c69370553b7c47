"""The second check of a request: the service's own rules. All functions raise AwsError for what SES refuses.

Twenty topics a list and AttributesData as a JSON object are from the developer guide (list management); names, lengths
and texts are observed. Where nothing is known, the docstring says that a rule is ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from strict_aws.ses.errors import bad_request, no_topic
from strict_aws.ses.store import ContactList, Preferences, Topic

MAX_TOPICS = 20
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_MAX_ADDRESS = 320
_MAX_DISPLAY_NAME = 128
_MAX_DESCRIPTION = 500


def list_name(name: str) -> str:
    """Return a contact list's name, which has at most 64 letters, digits, `_` and `-`."""
    return _name("ContactListName", name)


def description(text: str | None) -> str | None:
    """Return a contact list's description, which has at most 500 characters."""
    if text is not None and len(text) > _MAX_DESCRIPTION:
        raise bad_request(f"List description can contain up to {_MAX_DESCRIPTION} characters.")
    return text


def topics(given: list[Topic]) -> dict[str, Topic]:
    """Return a list's topics by name, in their order: at most 20, each name once."""
    if len(given) > MAX_TOPICS:
        raise bad_request(f"Maximum of <{MAX_TOPICS}> topics allowed per ContactList")
    made: dict[str, Topic] = {}
    for topic in given:
        _topic(topic)
        if topic.name in made:
            raise bad_request("Duplicate topic names are not allowed within a List.")
        made[topic.name] = topic
    return made


def preferences(chosen: Iterable[Preferences], contact_list: ContactList) -> None:
    """Check that the list has every topic for which a contact has a preference."""
    for pairs in chosen:
        for topic, _ in pairs:
            if topic not in contact_list.topics:
                raise no_topic(contact_list.name, topic)


def address(email: str) -> str:
    """Return a contact's address, kept and compared exactly as it came: folding is not documented, so there is none.

    The upper limit of 320 characters is ours (64 and 255 around the @, RFC 5321).
    """
    if is_address(email):
        return email
    raise bad_request(f"EmailAddress <{email}> is invalid" if email.strip() else "EmailAddress can't be blank.")


def is_address(email: str) -> bool:
    """Tell whether SES takes this text for an address."""
    return len(email) <= _MAX_ADDRESS and _ADDRESS.fullmatch(email) is not None


def attributes(text: str | None) -> str | None:
    """Return AttributesData, the text of a JSON object, exactly as it came."""
    if text is not None and not _is_json_object(text):
        raise bad_request("AttributesData must be a valid JSON object")
    return text


def _name(member: str, name: str) -> str:
    if not name.strip():
        raise bad_request(f"{member} can't be blank.")
    if not _NAME.fullmatch(name):
        raise bad_request(
            f"{member} can contain up to 64 characters. Only alphanumeric characters, "
            "underscores(_) and hyphens(-) are allowed."
        )
    return name


def _topic(topic: Topic) -> None:
    """Check one topic. That its display name is not empty and its description has at most 500 characters is ours."""
    _name("TopicName", topic.name)
    if not topic.display_name:
        raise bad_request("Topic DisplayName can't be blank.")
    if len(topic.display_name) > _MAX_DISPLAY_NAME:
        raise bad_request(f"Topic DisplayName can contain up to <{_MAX_DISPLAY_NAME}> characters.")
    if topic.description is not None and len(topic.description) > _MAX_DESCRIPTION:
        raise bad_request(f"Topic Description can contain up to <{_MAX_DESCRIPTION}> characters.")


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text, parse_constant=_no_constant), dict)
    except (ValueError, RecursionError):
        return False


def _no_constant(name: str) -> None:
    """Refuse NaN and Infinity, which Python's reader takes although they are not JSON."""
    raise ValueError(name)
