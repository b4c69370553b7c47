"""Members of AWS's answers. Every optional one may be absent or null; what must be there is, or the customer fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ses_fleet.errors import CustomerError

Answer = Mapping[str, Any]


def list_of(answer: Answer, member: str) -> list[Any]:
    """Return the elements of a list, without null elements; an absent or null list is empty."""
    return [one for one in answer.get(member) or () if one is not None]


def text_of(answer: Answer, member: str) -> str | None:
    """Return a text, or None when it is absent, null or empty."""
    value = answer.get(member)
    return None if value is None or value == "" else str(value)


def required_text(answer: Answer, member: str, what: str, *, outcome_unknown: bool = False) -> str:
    """Return a text that must be there. `what` names what it belongs to, such as `a contact`.

    Raise CustomerError (operation) when it is absent, null or empty: a guess could be about another person.
    """
    value = answer.get(member)
    if value is None or value == "":
        message = f"AWS's answer has {what} without {member}: that answer was not used. Run this customer again"
        raise CustomerError("operation", "IncompleteAnswer", message, retryable=True, outcome_unknown=outcome_unknown)
    return str(value)
