"""The Resource Groups Tagging API, as far as it says which accounts of an organization have which tags."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from strict_aws.conditions.rate import RateLimit, Throttle
from strict_aws.http.messages import AwsError
from strict_aws.organizations.tree import Account, Organization, Organizations
from strict_aws.paging import page_tokens

Params = Mapping[str, Any]

# The service name of botocore, and the only Region that has the accounts: where Organizations is (user guide).
SERVICE = "resourcegroupstaggingapi"
REGION = "us-east-1"
_MEMBERS = frozenset({"PaginationToken", "TagFilters", "ResourcesPerPage", "ResourceTypeFilters"})
_ACCOUNTS = ["organizations:account"]
_PAGE_SIZES = range(1, 101)  # API: ResourcesPerPage
_DEFAULT_PAGE_SIZE = 50  # API reference
DEFAULT_RATE = RateLimit(per_second=5.0, burst=10)  # our choice: the service's quotas name a rate, which may change


class StrictTagging:
    """Answers GetResources for accounts of organizations. Safe to use from many threads. `rate` None: no throttle."""

    def __init__(
        self,
        organizations: Organizations,
        *,
        rate: RateLimit | None = DEFAULT_RATE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._organizations = organizations
        self._throttle = None if rate is None else Throttle(rate, clock)
        self._token_key = secrets.token_bytes(16)

    def call(self, account: str, region: str, operation: str, params: Params) -> dict[str, Any]:
        """Return the tagged accounts; raise AwsError as AWS would, and 501 for every other question.

        Only the management account has any: they are resources of its own.
        """
        given = {name: value for name, value in params.items() if value is not None}
        unserved = [operation] if operation != "GetResources" else sorted(given.keys() - _MEMBERS)
        if unserved or given.get("ResourceTypeFilters") != _ACCOUNTS:
            what = unserved[0] if unserved else "resources other than organizations:account"
            raise AwsError("NotImplemented", f"the strict tagging API knows no {what}", 501)
        if self._throttle is not None and not self._throttle.admits(account):
            raise AwsError("ThrottledException", "Rate exceeded", reason="the rate of the tagging API is used up")
        organization = self._organizations.of(account)
        found = _tagged(organization, account, region, given.get("TagFilters") or [])
        return self._page(found, given)

    def _page(self, found: list[dict[str, Any]], given: Params) -> dict[str, Any]:
        size = given.get("ResourcesPerPage", _DEFAULT_PAGE_SIZE)
        if size not in _PAGE_SIZES:
            raise AwsError("InvalidParameterException", "ResourcesPerPage is from 1 to 100")
        question, start = given.get("TagFilters"), 0
        if given.get("PaginationToken"):
            place = page_tokens.read_token(str(given["PaginationToken"]), self._token_key, question)
            if place is None:
                raise AwsError("PaginationTokenExpiredException", "The PaginationToken has expired.")
            start = place
        end = start + size
        more = page_tokens.make_token(end, self._token_key, question) if end < len(found) else ""
        return {"PaginationToken": more, "ResourceTagMappingList": found[start:end]}


def _tagged(
    organization: Organization | None, account: str, region: str, filters: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    if organization is None or account != organization.management_account or region != REGION:
        return []
    return [
        {
            "ResourceARN": organization.arn("account", one.id),
            "Tags": [{"Key": key, "Value": value} for key, value in one.tags.items()],
        }
        for one in organization.members
        if one.tags and all(_matches(one, wanted) for wanted in filters)
    ]


def _matches(account: Account, wanted: Mapping[str, Any]) -> bool:
    key, values = str(wanted.get("Key")), wanted.get("Values") or []
    return key in account.tags and (not values or account.tags[key] in values)
