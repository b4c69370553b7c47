"""The operations on an account's suppression list.

The developer guide (account-level suppression list, sandbox) says who may do what. Observed are: blanks around an
address are removed; its domain is folded to lower case, its local part is not; and the text for an address that is not
there. The order of the list is not documented: here it is that in which addresses came.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from strict_aws.http.messages import AwsError
from strict_aws.paging import page_tokens
from strict_aws.ses import paging, shapes, validation
from strict_aws.ses.account import REASONS
from strict_aws.ses.contact_lists import Answer, Params
from strict_aws.ses.errors import bad_request, invalid_token, no_tenant, not_suppressed, wrong_type
from strict_aws.ses.store import Place, Suppressed


def folded(email: str) -> str:
    """Return an address as the suppression list keeps it; raise AwsError when it is not an address."""
    local_part, at, domain = email.strip().rpartition("@")
    return validation.address(f"{local_part}{at}{domain.lower()}")


@dataclass(frozen=True)
class SuppressionOperations:
    """The operations on the suppression list.

    Each takes botocore's input and returns botocore's output, with the place's lock held.
    """

    clock: Callable[[], float]

    def put_suppressed_destination(self, place: Place, params: Params) -> Answer:
        """Put an address on the list; one that is there already gets the new reason and time."""
        reason = shapes.choice(params.get("Reason"), "reason", REASONS)
        email, now = _address(place, params), self.clock()
        place.suppression.listed.change(email, Suppressed(email, reason, now), now)
        return {}

    def get_suppressed_destination(self, place: Place, params: Params) -> Answer:
        """Return an address's entry; raise AwsError (NotFoundException) when it is not on the list."""
        return {"SuppressedDestination": _shown(_known(place, params))}

    def delete_suppressed_destination(self, place: Place, params: Params) -> Answer:
        """Remove an address; raise AwsError (NotFoundException) when it is not on the list."""
        place.suppression.listed.take_out(_known(place, params).email, self.clock())
        return {}

    def list_suppressed_destinations(self, place: Place, params: Params) -> Answer:
        """Return a page. Filters are applied to the page, so that it may be empty and still have a NextToken."""
        _check_standing(place, params)
        question = _Question.of(params)
        size, key = paging.page_size(params.get("PageSize")), place.suppression.token_key
        token = shapes.optional_text(params.get("NextToken"))
        start = 0 if token is None else page_tokens.read_token(token, key, question.text, place.asked)
        if start is None:
            raise invalid_token()
        found, more = place.suppression.listed.page_as_of(start, size, place.at)
        answer: Answer = {"SuppressedDestinationSummaries": [_shown(one) for one in found if question.matches(one)]}
        if more is None:
            return answer
        return {**answer, "NextToken": page_tokens.make_token(more, key, question.text, place.asked)}

    def put_account_suppression_attributes(self, place: Place, params: Params) -> Answer:
        """Set for which reasons SES puts addresses on the list by itself; without a reason it puts none."""
        if params.get("ValidationAttributes") is not None:
            raise AwsError("NotImplemented", "the strict SES does not validate addresses", 501)
        reasons = _reasons(params.get("SuppressedReasons"), "suppressedReasons")
        place.suppression.reasons.set(reasons, self.clock())
        return {}


@dataclass(frozen=True)
class _Question:
    """The filters of a listing. `reasons` empty means any.

    Times are epoch seconds: `after` is included, `before` is not, which is our choice.
    """

    reasons: tuple[str, ...]
    after: float | None
    before: float | None

    @classmethod
    def of(cls, params: Params) -> _Question:
        return cls(_reasons(params.get("Reasons"), "reasons"), _time(params, "StartDate"), _time(params, "EndDate"))

    @property
    def text(self) -> str:
        return repr(self)

    def matches(self, one: Suppressed) -> bool:
        if self.reasons and one.reason not in self.reasons:
            return False
        is_late_enough = self.after is None or one.updated_at >= self.after
        return is_late_enough and (self.before is None or one.updated_at < self.before)


def _check_standing(place: Place, params: Params) -> None:
    """Raise AwsError in the sandbox, and for any tenant, because there are none here. The sandbox's text is ours."""
    if not place.settings.production_access:
        raise bad_request("The suppression list is not available in the Amazon SES sandbox")
    tenant = shapes.optional_text(params.get("TenantName"))
    if tenant is not None:
        raise no_tenant(tenant)


def _address(place: Place, params: Params) -> str:
    email = shapes.text(params.get("EmailAddress"), "emailAddress")
    _check_standing(place, params)
    return folded(email)


def _known(place: Place, params: Params) -> Suppressed:
    email = _address(place, params)
    found = place.suppression.listed.get_as_of(email, place.at)
    if found is None:
        raise not_suppressed(email)
    return found


def _reasons(value: Any, path: str) -> tuple[str, ...]:
    if value is not None and not isinstance(value, list | tuple):
        raise wrong_type("a List")
    return tuple(shapes.choice(one, path, REASONS) for one in value or ())


def _time(params: Params, member: str) -> float | None:
    value = params.get(member)
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return None if value is None else float(value)
    try:
        made = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise wrong_type("a Timestamp") from None
    return (made if made.tzinfo is not None else made.replace(tzinfo=UTC)).timestamp()


def _shown(one: Suppressed) -> Answer:
    return {"EmailAddress": one.email, "Reason": one.reason, "LastUpdateTime": one.updated_at}
