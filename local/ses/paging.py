"""Page sizes, and NextTokens that are good only for the list and the question they came from."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from local.ses.errors import bad_request, bad_token

MAX_PAGE_SIZE = 1_000  # our choice: the API model names no maximum, and 1,000 is used in practice
DEFAULT_PAGE_SIZE = 50  # our choice: not documented
_PLACE_BYTES = 8
_SIGNATURE_BYTES = 16


def page_size(value: Any) -> int:
    """PageSize; 50 where there is none."""
    if value is None:
        return DEFAULT_PAGE_SIZE
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_PAGE_SIZE:
        raise bad_request(f"PageSize must be between 1 and {MAX_PAGE_SIZE}")
    return value


def make_token(place: int, key: bytes, question: object) -> str:
    """A token that goes on from `place` with this question, signed with the list's key."""
    content = place.to_bytes(_PLACE_BYTES, "big")
    return base64.urlsafe_b64encode(content + _signature(content, key, question)).decode()


def read_token(token: str, key: bytes, question: object) -> int:
    """The place to go on from; BadRequestException for a token of another question or list, or none of ours."""
    try:
        made = base64.b64decode(token, altchars=b"-_", validate=True)
    except ValueError:
        raise bad_token() from None
    content, signature = made[:_PLACE_BYTES], made[_PLACE_BYTES:]
    if not hmac.compare_digest(signature, _signature(content, key, question)):
        raise bad_token()
    return int.from_bytes(content, "big")


def _signature(content: bytes, key: bytes, question: object) -> bytes:
    asked = json.dumps(question, sort_keys=True).encode()
    return hmac.digest(key, content + asked, hashlib.sha256)[:_SIGNATURE_BYTES]
