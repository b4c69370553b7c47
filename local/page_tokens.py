"""NextTokens that are good only for the list and the question they came from."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

_PLACE_BYTES = 8
_SIGNATURE_BYTES = 16


def make_token(place: int, key: bytes, question: object) -> str:
    """A token that goes on from `place` with this question, signed with the list's key."""
    content = place.to_bytes(_PLACE_BYTES, "big")
    return base64.urlsafe_b64encode(content + _signature(content, key, question)).decode()


def read_token(token: str, key: bytes, question: object) -> int | None:
    """The place to go on from; None for a token of another question or list, or none of ours."""
    try:
        made = base64.b64decode(token, altchars=b"-_", validate=True)
    except ValueError:
        return None
    content, signature = made[:_PLACE_BYTES], made[_PLACE_BYTES:]
    if not hmac.compare_digest(signature, _signature(content, key, question)):
        return None
    return int.from_bytes(content, "big")


def _signature(content: bytes, key: bytes, question: object) -> bytes:
    asked = json.dumps(question, sort_keys=True).encode()
    return hmac.digest(key, content + asked, hashlib.sha256)[:_SIGNATURE_BYTES]
