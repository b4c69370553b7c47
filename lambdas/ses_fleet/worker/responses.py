"""Reading AWS's answers: every optional member may be absent or null, and what must be there is, or it is a failure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ses_fleet.errors import CustomerError

Answer = Mapping[str, Any]


def list_of(answer: Answer, member: str) -> list[Any]:
    """Return the elements of a list; an absent or null list has none, and a null element is none."""
    return [one for one in answer.get(member) or () if one is not None]


def text_of(answer: Answer, member: str) -> str | None:
    """Return a text, or None when it is absent, null or empty."""
    value = answer.get(member)
    return None if value is None or value == "" else str(value)


def required_text(answer: Answer, member: str, what: str, *, outcome_unknown: bool = False) -> str:
    """Return a text that nobody can do without. `what` names whose it is, such as `a contact`.

    CustomerError (operation) when it is absent, null or empty: guessing it could mean somebody else.
    """
    value = answer.get(member)
    if value is None or value == "":
        message = f"AWS's answer has {what} without {member}: nothing was made of that answer. Run this customer again"
        raise CustomerError("operation", "IncompleteAnswer", message, retryable=True, outcome_unknown=outcome_unknown)
    return str(value)
