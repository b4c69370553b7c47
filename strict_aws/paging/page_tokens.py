"""NextTokens that are valid only for the list and the question that they came from.

They may also be valid only for some time, and only for one caller.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import struct
from dataclasses import dataclass

# The place, when the token was given out, and to whom.
_CONTENT = struct.Struct(">Qd8s")
_SIGNATURE_BYTES = 16


@dataclass(frozen=True)
class Asked:
    """Who asks and when, and for how long and for whom tokens are valid then.

    `caller` is an access key id, `at` epoch seconds. `seconds` is how long a token is valid; None means for ever. With
    `own_only` it is valid only for the caller that it was given to.
    """

    caller: str | None = None
    at: float = 0.0
    seconds: float | None = None
    own_only: bool = False


ANYBODY = Asked()


def make_token(place: int, key: bytes, question: object, asked: Asked = ANYBODY) -> str:
    """Return a token that goes on from `place` with this question, signed with the list's key."""
    content = _CONTENT.pack(place, asked.at, _digest(asked.caller))
    return base64.urlsafe_b64encode(content + _signature(content, key, question)).decode()


def read_token(token: str, key: bytes, question: object, asked: Asked = ANYBODY) -> int | None:
    """Return the place to go on from, or None for a token that is not valid here.

    Such a token is one of another question or list, one that was not made here, one that has expired, or another
    caller's.
    """
    try:
        made = base64.b64decode(token, altchars=b"-_", validate=True)
    except ValueError:
        return None
    content, signature = made[: _CONTENT.size], made[_CONTENT.size :]
    if not hmac.compare_digest(signature, _signature(content, key, question)):
        return None
    place, given_at, owner = _CONTENT.unpack(content)
    return int(place) if _is_good(given_at, owner, asked) else None


def _is_good(given_at: float, owner: bytes, asked: Asked) -> bool:
    expired = asked.seconds is not None and asked.at - given_at >= asked.seconds
    return not expired and (not asked.own_only or owner == _digest(asked.caller))


def _digest(caller: str | None) -> bytes:
    return hashlib.sha256((caller or "").encode()).digest()[:8]


def _signature(content: bytes, key: bytes, question: object) -> bytes:
    asked = json.dumps(question, sort_keys=True).encode()
    return hmac.digest(key, content + asked, hashlib.sha256)[:_SIGNATURE_BYTES]
