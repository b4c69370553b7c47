"""E-mail addresses: the one check of an address, the one way to compare two, and what may be shown of one."""

from __future__ import annotations

import re

from ses_fleet import limits

# The least that SES requires of an address; SES decides about the rest.
_ADDRESS = re.compile(rf"[^@\s]{{1,{limits.LOCAL_PART_CHARACTERS}}}@[^@\s]+\.[^@\s.]+")


def problem_of(address: str) -> str | None:
    """Return why SES cannot take this text as an address, without repeating any of it, or None when it can."""
    if len(address) > limits.ADDRESS_CHARACTERS:
        return f"has {len(address)} characters, and an address has at most {limits.ADDRESS_CHARACTERS}"
    local, at, domain = address.rpartition("@")
    if not domain.isascii() and local.isascii() and at:
        return "has a domain with characters outside ASCII: give the domain as punycode, xn--..."
    if not address.isascii():
        return "has characters outside ASCII, which SES does not take before the @"
    if not address.isprintable():
        return "has a control character"
    if len(local) > limits.LOCAL_PART_CHARACTERS:
        return f"has {len(local)} characters before the @, and an address has at most {limits.LOCAL_PART_CHARACTERS}"
    if _ADDRESS.fullmatch(address) is None:
        return "is no address: it must be one name, an @ and a domain with a dot, without blanks"
    return None


def folded(address: str) -> str:
    """Return what two addresses have in common that are taken for the same: upper and lower case do not count."""
    return address.casefold()


def masked(address: str) -> str:
    """Return what logs and blocks may show of an address, such as `j…@….com`.

    It is the first character, if there is more than one before the @, and the last label of the domain. The rest of the
    domain is left out because many people have one of their own, and how many characters are left out is not told. A
    text without an @ and a dot behind it is left out whole.
    """
    local, at, domain = address.rpartition("@")
    _, dot, label = domain.rpartition(".")
    if not (at and dot):
        return "…"
    return f"{local[0] if len(local) > 1 else ''}…@….{label}"
