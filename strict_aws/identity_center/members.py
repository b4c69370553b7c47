"""Check the members of a request: JSON types, required members, lengths and characters (API reference)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from strict_aws.identity_center.errors import invalid, missing_member, not_served, unfit, wrong_type

Params = Mapping[str, Any]
Answer = dict[str, Any]

STORE_ID = re.compile(r"d-[0-9a-f]{10}")
USER_NAME_CHARACTERS = 128
TEXT_CHARACTERS = 1_024  # every other text of a user or a group
_ID = re.compile(r"([0-9a-f]{10}-)?[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}")
_VISIBLE = "LMSNP"  # Unicode's letters, marks, symbols, numbers and punctuation
_SPACES = "\t\n\r \xa0\u3000"
# The same, as the API's model has it: without and with spaces.
_PATTERNS = (r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+", r"[\p{L}\p{M}\p{S}\p{N}\p{P}\t\n\r  　]+")
_RESERVED = ("Administrator", "AWSAdministrators")


def only(params: Params, *names: str) -> None:
    """Raise AwsError 501 for any member but these, because one that is not emulated would silently have no effect."""
    for name in params:
        if name not in names:
            raise not_served(f"member {name} of this request")


def store_id(params: Params) -> str:
    """Return the request's IdentityStoreId; of an ARN, its last part."""
    return _identifier(params, "IdentityStoreId", STORE_ID)


def resource_id(params: Params, name: str) -> str:
    """Return the id of a user, a group or a membership in a member of this name; of an ARN, its last part."""
    return _identifier(params, name, _ID)


def text(params: Params, name: str, characters: int = TEXT_CHARACTERS, *, spaces: bool = True) -> str:
    """Return a required string of at most so many characters; without `spaces` it may have none."""
    found = optional_text(params, name, characters, spaces=spaces)
    if found is None:
        raise missing_member(_shown(name))
    return found


def optional_text(params: Params, name: str, characters: int = TEXT_CHARACTERS, *, spaces: bool = True) -> str | None:
    """Return a string as `text` does, or None when the request has none."""
    found = params.get(name)
    if found is None:
        return None
    if not isinstance(found, str):
        raise wrong_type("a String")
    if not found:
        raise unfit(name, found, "have length greater than or equal to 1")
    if len(found) > characters:
        raise unfit(name, found, f"have length less than or equal to {characters}")
    if not all(unicodedata.category(one)[0] in _VISIBLE or (spaces and one in _SPACES) for one in found):
        raise unfit(name, found, f"satisfy regular expression pattern: {_PATTERNS[spaces]}")
    return found


def refuse_reserved(name: str | None) -> None:
    """Raise AwsError (ValidationException) for a name that no user and no group may have."""
    if name in _RESERVED:
        raise invalid(f"{name} is a reserved name")


def structure(value: Any) -> dict[str, Any]:
    """Return an object, empty when the request has none."""
    if value is not None and not isinstance(value, dict):
        raise wrong_type("an Object")
    return value or {}


def emails(params: Params) -> dict[str, Any] | None:
    """Return the one address that a user may have, in the API's shape, or None when the request has none."""
    found = params.get("Emails")
    if found is None:
        return None
    if not isinstance(found, list):
        raise wrong_type("a List")
    if len(found) != 1:
        raise invalid("Value at 'emails' must have exactly one entry")
    entry = structure(found[0])
    only(entry, "Value", "Type", "Primary")
    if not isinstance(entry.get("Primary", False), bool):
        raise wrong_type("a Boolean")
    texts = {name: optional_text(entry, name) for name in ("Value", "Type")}
    return {name: value for name, value in {**texts, "Primary": entry.get("Primary")}.items() if value is not None}


def _identifier(params: Params, name: str, form: re.Pattern[str]) -> str:
    found = text(params, name, spaces=False).rpartition("/")[2]
    if not form.fullmatch(found):
        raise unfit(name, found, f"satisfy regular expression pattern: {form.pattern}")
    return found


def _shown(name: str) -> str:
    return name[0].lower() + name[1:]
