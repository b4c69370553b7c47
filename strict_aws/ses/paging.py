"""The sizes of SES's pages, and the tokens that lead from one to the next."""

from __future__ import annotations

from typing import Any

from strict_aws.paging import page_tokens
from strict_aws.paging.page_tokens import Asked
from strict_aws.ses.errors import bad_request, bad_token

MAX_PAGE_SIZE = 1_000  # our choice: the API model names no maximum, and 1,000 is used in practice
DEFAULT_PAGE_SIZE = 50  # our choice: not documented


def page_size(value: Any) -> int:
    """Return the request's PageSize, or 50 when it has none."""
    if value is None:
        return DEFAULT_PAGE_SIZE
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_PAGE_SIZE:
        raise bad_request(f"PageSize must be between 1 and {MAX_PAGE_SIZE}")
    return value


def read_token(token: str, key: bytes, question: object, asked: Asked) -> int:
    """Return the place to go on from.

    Raise AwsError (BadRequestException) for a token that is not valid for this question, list and caller.
    """
    place = page_tokens.read_token(token, key, question, asked)
    if place is None:
        raise bad_token()
    return place
