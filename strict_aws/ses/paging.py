"""Page sizes, and where a page goes on."""

from __future__ import annotations

from typing import Any

from strict_aws.paging import page_tokens
from strict_aws.paging.page_tokens import Asked
from strict_aws.ses.errors import bad_request, bad_token

MAX_PAGE_SIZE = 1_000  # our choice: the API model names no maximum, and 1,000 is used in practice
DEFAULT_PAGE_SIZE = 50  # our choice: not documented


def page_size(value: Any) -> int:
    """PageSize; 50 where there is none."""
    if value is None:
        return DEFAULT_PAGE_SIZE
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_PAGE_SIZE:
        raise bad_request(f"PageSize must be between 1 and {MAX_PAGE_SIZE}")
    return value


def read_token(token: str, key: bytes, question: object, asked: Asked) -> int:
    """The place to go on from; BadRequestException for a token that is not good for this question, list and caller."""
    place = page_tokens.read_token(token, key, question, asked)
    if place is None:
        raise bad_token()
    return place
