"""Making foreign text safe to show: in a log line, on a terminal, in an error message."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

from ses_fleet import limits

# The ways to write the sign of an address, after NFKC has replaced its wide and small forms.
_AT_SIGN = re.compile(r"@|%(?:25)*40|=40|&#(?:0*64|x0*40)\b|&commat|\\u0*40|\\x40", re.IGNORECASE)


def printable(value: object, limit: int = limits.SHOWN_CHARACTERS) -> str:
    r"""Return `value` on one line of at most `limit` characters.

    Control, bidirectional and zero-width characters are escaped as \u...., so the text cannot forge a log line or move
    a cursor.
    """
    text = value if isinstance(value, str) else repr(value)
    cut = text[: limit + 1]
    escaped = (character if character.isprintable() else _escape(character) for character in cut)
    shown = cut if cut.isprintable() else "".join(escaped)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def is_text(value: str) -> bool:
    """Return whether UTF-8 can encode `value`: a lone surrogate, half of an emoji, cannot be stored, sent or logged."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def quoted(value: object, limit: int = limits.SHOWN_CHARACTERS) -> str:
    """Return `printable` in double quotes; of a text that may hold an address, only its length."""
    text = value if isinstance(value, str) else repr(value)
    return f"(a text of {len(text)} characters)" if may_hold_address(text) else f'"{printable(text, limit)}"'


def may_hold_address(text: str) -> bool:
    """Return whether the text contains the sign that every address has, however it is written."""
    return _AT_SIGN.search(unicodedata.normalize("NFKC", text)) is not None


def did_you_mean(value: str, candidates: Iterable[str]) -> str:
    """Return `; did you mean "x"?` with the nearest candidate, or "" when none is near."""
    near = difflib.get_close_matches(
        value[: limits.SUGGESTION_CHARACTERS], list(candidates), n=1, cutoff=limits.SUGGESTION_SIMILARITY
    )
    return f"; did you mean {quoted(near[0])}?" if near else ""


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
