"""Pages of users, groups, memberships and instances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from local import page_tokens
from local.identity_center.errors import invalid, wrong_type
from local.identity_center.members import Answer, Params
from local.paged_dict import PagedDict

MAX_PAGE_SIZE = 100  # API reference: MaxResults
V = TypeVar("V")


def page_size(params: Params) -> int:
    """MaxResults; 100 where there is none (our choice: not documented)."""
    value = params.get("MaxResults")
    if value is None:
        return MAX_PAGE_SIZE
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong_type("an Integer")
    if not 1 <= value <= MAX_PAGE_SIZE:
        raise invalid(f"Value at 'maxResults' must be between 1 and {MAX_PAGE_SIZE}")
    return value


def page(
    paged: PagedDict[V], params: Params, member: str, show: Callable[[V], dict[str, Any]], key: bytes, question: object
) -> Answer:
    """One page of `paged` below `member`; its NextToken is good only for this question and key."""
    found, more = paged.page(start(params, key, question), page_size(params))
    answer: Answer = {member: [show(one) for one in found]}
    return answer if more is None else {**answer, "NextToken": page_tokens.make_token(more, key, question)}


def start(params: Params, key: bytes, question: object) -> int:
    """Where NextToken goes on, 0 without one."""
    token = params.get("NextToken")
    if token is None:
        return 0
    if not isinstance(token, str):
        raise wrong_type("a String")
    place = page_tokens.read_token(token, key, question)
    if place is None:
        raise invalid("The specified NextToken is invalid")
    return place
