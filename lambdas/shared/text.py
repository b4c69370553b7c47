"""Making foreign text safe to show: in a log line, on a terminal, in an error message."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

# An apostrophe within a word is the address's own (o'brien@…), one before it is a quotation mark.
_ADDRESS = re.compile(r"(?:[^\s@<>\"'(),;:]|(?<=\w)')++@[^\s@<>\"'(),;:]+")
_ACCESS_KEY = re.compile(r"\b(?:AKIA|ASIA|LSIA)[A-Z0-9]{12,}\b")
_LONG_RUN = re.compile(r"[A-Za-z0-9+/=_-]{40,}")
_SIGNED_QUERY = re.compile(r"(X-Amz-(?:Signature|Security-Token|Credential)=)[^&\s]+", re.IGNORECASE)


def printable(value: object, limit: int = 100) -> str:
    r"""`value` on one line without control, bidirectional or zero-width characters (escaped as \u....),
    cut to `limit` characters. Nothing it returns can forge a log line or move a cursor."""
    text = value if isinstance(value, str) else repr(value)
    cut = text[: limit + 1]
    shown = "".join(character if character.isprintable() else _escape(character) for character in cut)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def is_text(value: str) -> bool:
    """Return whether UTF-8 can hold `value`: a lone surrogate, half of an emoji, cannot be stored, sent or logged."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def quoted(value: object, limit: int = 100) -> str:
    """`printable`, in double quotes."""
    return f'"{printable(value, limit)}"'


def masked(text: str, limit: int = 300) -> str:
    """A foreign message with addresses, keys, tokens and signatures taken out: SES puts addresses into its own."""
    cut = text[: 4 * limit]
    cut = _SIGNED_QUERY.sub(r"\1[masked]", cut)
    cut = _ADDRESS.sub("[address]", cut)
    cut = _ACCESS_KEY.sub("[key]", cut)
    cut = _LONG_RUN.sub(_mask_secret, cut)
    return printable(cut, limit)


def did_you_mean(value: str, candidates: Iterable[str]) -> str:
    """`; did you mean "x"?`, or nothing when no candidate is near."""
    near = difflib.get_close_matches(value[:200], list(candidates), n=1, cutoff=0.5)
    return f"; did you mean {quoted(near[0])}?" if near else ""


def _mask_secret(match: re.Match[str]) -> str:
    # Secret keys and session tokens mix digits and both cases; long exception names do not.
    run = match.group()
    mixed = any(c.isdigit() for c in run) and any(c.islower() for c in run) and any(c.isupper() for c in run)
    return "[masked]" if mixed else run


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
