"""NextTokens: opaque to the caller, good only for the question they came from."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from local.ses.validation import bad_request

MAX_PAGE_SIZE = 1_000  # our choice: the model names no maximum, and 1,000 is used in practice
DEFAULT_PAGE_SIZE = 50  # our choice: not documented


def page_size(value: Any) -> int:
    """ListContacts' PageSize."""
    if value is None:
        return DEFAULT_PAGE_SIZE
    if not isinstance(value, int) or not 1 <= value <= MAX_PAGE_SIZE:
        raise bad_request(f"PageSize must be between 1 and {MAX_PAGE_SIZE}")
    return value


def make_token(place: int, *question: object) -> str:
    """A token that goes on from `place` for this question."""
    content = json.dumps({"place": place, "of": _digest(question)})
    return base64.urlsafe_b64encode(content.encode()).decode()


def read_token(token: str | None, *question: object) -> int:
    """The place to go on from; BadRequestException for a token of another question, or none of ours."""
    if token is None:
        return 0
    try:
        content = json.loads(base64.urlsafe_b64decode(token.encode()))
        place, of = int(content["place"]), content["of"]
    except (ValueError, KeyError, TypeError):
        place, of = -1, None
    if place < 0 or of != _digest(question):
        raise bad_request("The specified NextToken is invalid")
    return place


def _digest(question: tuple[object, ...]) -> str:
    return hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()[:16]
