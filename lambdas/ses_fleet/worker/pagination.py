"""All pages of a listing, over as many slices as it takes, also when a continuation token is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.worker.context import State
from ses_fleet.worker.paced_client import ReadClient
from ses_fleet.worker.responses import list_of, text_of

Page = list[dict[str, Any]]

# The answers of SES, Identity Center and CloudWatch to a token that expired or belongs to another session. Other
# problems of a request have the same codes; they occur again on the first page of the second reading, where they are a
# failure.
_REFUSALS_OF_TOKENS = frozenset(
    {
        *("BadRequestException", "ValidationException", "InvalidNextTokenException", "ExpiredNextTokenException"),
        "InvalidNextToken",
    }
)


class Paginator:
    """The position in one listing.

    A page counts as read when the one after it is asked for: `state` before that continues with the same page.
    """

    def __init__(self, operation: str, member: str, state: State | None = None) -> None:
        known = state or {}
        self._operation = operation
        self._member = member
        self._token: str | None = known.get("token")
        self._over: bool = known.get("over", False)
        self._is_last: bool = self._over
        self._restarted: bool = known.get("restarted", False)
        self._several: bool = self._token is not None or known.get("several", False)

    @property
    def several(self) -> bool:
        """Return whether the listing has, or once had, more than one page."""
        return self._several

    @property
    def is_last(self) -> bool:
        """Return whether the page that was yielded last is the listing's last one."""
        return self._is_last

    def state(self) -> State:
        """Return the position that the next slice continues from; JSON."""
        return {
            "token": self._token,
            "over": self._over,
            "restarted": self._restarted,
            "several": self._several,
        }

    def pages(self, client: ReadClient, asked: dict[str, Any], restart: Callable[[], None]) -> Iterator[Page]:
        """Yield every page that is still to come. `asked` are the request's parameters without the position.

        When a token is refused the listing is read again from its beginning, once: `restart` is called, and must forget
        every page so far. Raise CustomerError (operation) when a token is refused again, or when the listing would
        never end.
        """
        while not self._over:
            answer = self._ask(client, asked, restart)
            following = text_of(answer, "NextToken")
            if following is not None and following == self._token:
                raise _endless(self._operation)
            self._is_last = following is None
            yield list_of(answer, self._member)
            # An empty page with a token is not the last one.
            self._token, self._over = following, following is None
            self._several = self._several or following is not None

    def _ask(self, client: ReadClient, asked: dict[str, Any], restart: Callable[[], None]) -> dict[str, Any]:
        if self._token is not None:
            try:
                return client.read(self._operation, **asked, NextToken=self._token)
            except AwsCallError as failure:
                if failure.kind != "refused" or failure.code not in _REFUSALS_OF_TOKENS:
                    raise
                if self._restarted:
                    raise _refused_again(failure) from None
            self._token, self._restarted = None, True
            restart()
        return client.read(self._operation, **asked)


def _refused_again(failure: AwsCallError) -> CustomerError:
    text = (
        f"{failure.service}.{failure.operation}: a continuation token was refused ({failure.code}), and another one "
        "when the listing was read again from its beginning; nothing of it was used. Run this customer again"
    )
    return CustomerError("operation", failure.code, text, retryable=True)


def _endless(operation: str) -> CustomerError:
    text = f"{operation}: AWS gave the same continuation token twice in a row, so the listing would never end"
    return CustomerError("operation", "EndlessListing", f"{text}. Run this customer again", retryable=True)
