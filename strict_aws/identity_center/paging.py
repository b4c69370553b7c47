"""Pages of users, groups, memberships and instances, and the tokens that lead from one to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from strict_aws.identity_center.errors import invalid, unfit, wrong_type
from strict_aws.identity_center.members import Answer, Params
from strict_aws.paging import page_tokens
from strict_aws.paging.page_tokens import Asked
from strict_aws.paging.paged_dict import PagedDict

MAX_PAGE_SIZE = 100  # API reference: MaxResults
V = TypeVar("V")


def page_size(params: Params) -> int:
    """Return the request's MaxResults, or 100 when it has none (our choice: not documented)."""
    value = params.get("MaxResults")
    if value is None:
        return MAX_PAGE_SIZE
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong_type("an Integer")
    if value > MAX_PAGE_SIZE:
        raise unfit("MaxResults", str(value), f"have value less than or equal to {MAX_PAGE_SIZE}")
    if value < 1:
        raise unfit("MaxResults", str(value), "have value greater than or equal to 1")
    return value


@dataclass(frozen=True)
class Question:
    """What is asked, by whom, and the key that signs its tokens.

    A token is valid only for the question that it came from.
    """

    text: object
    key: bytes
    asked: Asked

    def token(self, place: int) -> str:
        """Return a NextToken for a page that starts at this place."""
        return page_tokens.make_token(place, self.key, self.text, self.asked)


def page(
    paged: PagedDict[V], params: Params, member: str, show: Callable[[V], dict[str, Any]], question: Question
) -> Answer:
    """Return one page of `paged` as the member of this name, with a NextToken unless it is the last one."""
    found, more = paged.page(start(params, question), page_size(params))
    answer: Answer = {member: [show(one) for one in found]}
    return answer if more is None else {**answer, "NextToken": question.token(more)}


def start(params: Params, question: Question) -> int:
    """Return the place at which the request's NextToken starts, 0 when it has none.

    Raise AwsError (ValidationException) for a token that is not valid.
    """
    token = params.get("NextToken")
    if token is None:
        return 0
    if not isinstance(token, str):
        raise wrong_type("a String")
    place = page_tokens.read_token(token, question.key, question.text, question.asked)
    if place is None:
        raise invalid("The specified NextToken is invalid")
    return place
