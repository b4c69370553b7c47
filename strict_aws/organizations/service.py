"""The strict Organizations: the operations that read an organization, without HTTP."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from strict_aws.conditions import unset_members
from strict_aws.conditions.conditions import CurrentConditions
from strict_aws.conditions.rate import RateLimit, Throttle
from strict_aws.http.messages import AwsError
from strict_aws.organizations.tree import Account, Organization, Organizations
from strict_aws.paging import page_tokens
from strict_aws.paging.page_tokens import Asked

Params = Mapping[str, Any]
Answer = dict[str, Any]

PAGE_SIZE = 20  # API: MaxResults is at most so many; that it is the default, too, is our choice
# Organizations' quotas name a rate for each operation; that all have this one, which is low, is our choice.
DEFAULT_RATE = RateLimit(per_second=5.0, burst=10)
_PARENT = re.compile(r"r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}")  # API: ParentId
_ACCOUNT = re.compile(r"[0-9]{12}")
# The members that each operation may have; every other one, and every other operation, is a 501.
OPERATIONS: Mapping[str, frozenset[str]] = {
    "DescribeOrganization": frozenset(),
    "ListAccounts": frozenset({"NextToken", "MaxResults"}),
    "ListAccountsForParent": frozenset({"ParentId", "NextToken", "MaxResults"}),
    "ListOrganizationalUnitsForParent": frozenset({"ParentId", "NextToken", "MaxResults"}),
    "ListRoots": frozenset({"NextToken", "MaxResults"}),
    "ListTagsForResource": frozenset({"ResourceId", "NextToken"}),
}
_ANYBODY = frozenset({"DescribeOrganization"})  # API reference: from any account of the organization
_JOINED = 1_700_000_000.0
_DENIED = "You don't have permissions to access this resource."
_NOT_IN_USE = "Your account is not a member of an organization."
_TOO_MANY = "You have sent too many requests in too short a period of time. Try again later."


class StrictOrganizations:
    """What Organizations answers. Safe to use from many threads.

    `rate` None means no throttle. `clock` returns epoch seconds. `conditions` None means those of the preset `kind`.
    """

    def __init__(
        self,
        organizations: Organizations,
        *,
        rate: RateLimit | None = DEFAULT_RATE,
        clock: Callable[[], float] = time.time,
        conditions: CurrentConditions | None = None,
    ) -> None:
        self._organizations = organizations
        self._throttle = None if rate is None else Throttle(rate, clock)
        self._clock = clock
        self._conditions = conditions or CurrentConditions()
        self._token_key = secrets.token_bytes(16)

    def call(self, account: str, operation: str, params: Params, *, caller: str | None = None) -> Answer:
        """Return the answer to one request in botocore's shapes, with times as epoch seconds.

        Raise AwsError as Organizations would, and 501 for what it does not serve. `caller` is the access key id that
        signed the request: NextTokens may be valid for that key only.
        """
        given = {name: value for name, value in params.items() if value is not None}
        _check_served(operation, given)
        organization = self._organizations.of(account)
        if organization is None:
            raise AwsError("AWSOrganizationsNotInUseException", _NOT_IN_USE)
        if self._throttle is not None and not self._throttle.admits((organization.id, operation)):
            raise AwsError("TooManyRequestsException", _TOO_MANY, reason="the rate of Organizations is used up")
        if operation not in _ANYBODY and account not in {organization.management_account, *organization.delegated}:
            reason = f"{account} is neither the management account nor a delegated administrator"
            raise AwsError("AccessDeniedException", _DENIED, reason=reason)
        answer = self._answer(organization, operation, given, caller)
        return unset_members.leave_out("organizations", operation, answer, self._conditions)

    def _answer(self, organization: Organization, operation: str, given: Params, caller: str | None) -> Answer:
        if operation == "DescribeOrganization":
            return {"Organization": _described(organization)}
        if operation == "ListTagsForResource":
            return {"Tags": _tags(organization, str(given.get("ResourceId")))}
        member, found = _listed(organization, operation, given)
        question = (organization.id, operation, given.get("ParentId"))
        return {member: found} | self._page(member, found, given, question, caller)

    def _page(
        self, member: str, found: Sequence[Answer], given: Params, question: object, caller: str | None
    ) -> Answer:
        """Return one page. After the first one comes an empty page with a token, which AWS says may happen."""
        size, conditions = _page_size(given), self._conditions.now
        asked = Asked(caller, self._clock(), conditions.token_seconds, conditions.tokens_of_session)
        start, is_empty = 0, False
        if "NextToken" in given:
            place = page_tokens.read_token(str(given["NextToken"]), self._token_key, question, asked)
            if place is None:
                raise invalid("INVALID_NEXT_TOKEN", "You provided an invalid NextToken.")
            start, is_empty = divmod(place, 2)[0], bool(place % 2)

        def token(place: int) -> Answer:
            return {"NextToken": page_tokens.make_token(place, self._token_key, question, asked)}

        if is_empty:
            return {member: [], **token(start * 2)}
        end = start + size
        more = token(end * 2 + (start == 0)) if end < len(found) else {}
        return {member: list(found[start:end]), **more}


def invalid(reason: str, message: str) -> AwsError:
    """Return the InvalidInputException with one of the API's reasons."""
    return AwsError("InvalidInputException", message, fields={"Reason": reason})


def _check_served(operation: str, given: Params) -> None:
    known = OPERATIONS.get(operation)
    for name in [f"operation {operation}"] if known is None else sorted(given.keys() - known):
        raise AwsError("NotImplemented", f"the strict Organizations knows no {name}", 501)


def _page_size(given: Params) -> int:
    value = given.get("MaxResults", PAGE_SIZE)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= PAGE_SIZE:
        raise invalid("MAX_VALUE_EXCEEDED", f"MaxResults is from 1 to {PAGE_SIZE}")
    return value


def _described(organization: Organization) -> Answer:
    account = organization.management_account
    return {
        "Id": organization.id,
        "Arn": f"arn:aws:organizations::{account}:organization/{organization.id}",
        "FeatureSet": "ALL",
        "MasterAccountArn": organization.arn("account", account),
        "MasterAccountId": account,
        "MasterAccountEmail": f"{account}@accounts.example",
        "AvailablePolicyTypes": [],
    }


def _listed(organization: Organization, operation: str, given: Params) -> tuple[str, list[Answer]]:
    if operation == "ListRoots":
        name = organization.root_id
        root = {"Id": name, "Arn": organization.arn("root", name), "Name": "Root", "PolicyTypes": []}
        return "Roots", [root]
    if operation == "ListAccounts":
        return "Accounts", [_shown(organization, one) for one in organization.members]
    path = _path(organization, given)
    if operation == "ListAccountsForParent":
        return "Accounts", [_shown(organization, one) for one in organization.members if one.unit == path]
    below = [one for one in organization.paths() if one.rpartition("/")[0] == path]
    return "OrganizationalUnits", [_unit(organization, one) for one in below]


def _path(organization: Organization, given: Params) -> str:
    parent = given.get("ParentId")
    if not isinstance(parent, str) or _PARENT.fullmatch(parent) is None:
        raise invalid("INVALID_PATTERN_TARGET_ID", "You provided a ParentId that does not match the pattern.")
    path = organization.path_of(parent)
    if path is None:
        raise AwsError("ParentNotFoundException", "You specified parent that doesn't exist.")
    return path


def _unit(organization: Organization, path: str) -> Answer:
    name = organization.parent_id(path)
    return {"Id": name, "Arn": organization.arn("ou", name), "Name": path.rpartition("/")[2]}


def _shown(organization: Organization, account: Account) -> Answer:
    """Return an account as lists have it: since September 2026 with State alone, without Status (API reference)."""
    return {
        "Id": account.id,
        "Arn": organization.arn("account", account.id),
        "Email": f"{account.id}@accounts.example",
        "Name": account.name,
        "State": account.state,
        "JoinedMethod": "CREATED",
        "JoinedTimestamp": _JOINED,
    }


def _tags(organization: Organization, resource: str) -> list[Answer]:
    """Return the tags of an account; roots, units and policies have none here. There are never so many as to page."""
    if not (_ACCOUNT.fullmatch(resource) or _PARENT.fullmatch(resource)):
        raise invalid("INVALID_PATTERN_TARGET_ID", "You provided a ResourceId that does not match the pattern.")
    account = next((one for one in organization.members if one.id == resource), None)
    if account is None and organization.path_of(resource) is None:
        raise AwsError("TargetNotFoundException", "You specified a target that doesn't exist.")
    return [{"Key": key, "Value": value} for key, value in (account.tags if account else {}).items()]
