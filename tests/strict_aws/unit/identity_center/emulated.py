"""What the tests of the strict Identity Center have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from strict_aws.conditions.conditions import Conditions, CurrentConditions
from strict_aws.conditions.rate import RateLimit
from strict_aws.http.messages import AwsError
from strict_aws.identity_center.filling import NewGroup, NewUser
from strict_aws.identity_center.service import StrictIdentityCenter

OWNER, MEMBER, STRANGER = "111122223333", "444455556666", "777788889999"
REGION, STORE = "us-east-1", "d-0123456789"
NOBODY = "0123456789-00000000-0000-0000-0000-000000000000"

# What else CreateUser needs.
NAMED: dict[str, Any] = {"DisplayName": "Ada Lovelace", "Name": {"GivenName": "Ada", "FamilyName": "Lovelace"}}


class Emulated:
    """A strict Identity Center with the store STORE of OWNER, and a clock that the test sets."""

    def __init__(
        self,
        *,
        users: int = 0,
        groups: Sequence[NewGroup] = (),
        rate: RateLimit | None = None,
        conditions: Conditions | None = None,
    ) -> None:
        self.now = 1_000.0
        current = CurrentConditions(conditions)
        self.service = StrictIdentityCenter(rate=rate, clock=lambda: self.now, conditions=current)
        self.put(users=[NewUser(f"u{number}", f"u{number}@x.example") for number in range(users)], groups=groups)

    def put(self, account: str = OWNER, region: str = REGION, store_id: str | None = STORE, **more: Any) -> None:
        """An instance of nobody, visible to nobody else, unless `more` says otherwise."""
        nothing: dict[str, Any] = {"visible_to": (), "users": (), "groups": ()}
        self.service.put(account, region, store_id=store_id, **{**nothing, **more})

    def call(self, operation: str, *, account: str = OWNER, region: str = REGION, **params: Any) -> dict[str, Any]:
        """An operation of identitystore, on STORE unless another is named."""
        params.setdefault("IdentityStoreId", STORE)
        return self.service.call("identitystore", account, region, operation, params)

    def instances(self, account: str = OWNER, region: str = REGION, **params: Any) -> dict[str, Any]:
        """The instances that ListInstances answers."""
        return self.service.call("sso-admin", account, region, "ListInstances", params)

    def stores(self, account: str, region: str = REGION) -> list[str]:
        """The ids of the stores that an account sees."""
        return [one["IdentityStoreId"] for one in self.instances(account, region)["Instances"]]

    def refused(self, operation: str, **params: Any) -> tuple[str, int]:
        """Code and HTTP status of a refusal."""
        with pytest.raises(AwsError) as error:
            self.call(operation, **params)
        return error.value.code, error.value.status

    def user(self, name: str, **params: Any) -> str:
        """The id of a new user."""
        return str(self.call("CreateUser", UserName=name, **{**NAMED, **params})["UserId"])

    def group(self, name: str) -> str:
        """The id of a new group."""
        return str(self.call("CreateGroup", DisplayName=name)["GroupId"])

    def join(self, group: str, user: str) -> str:
        """The id of a new membership."""
        made = self.call("CreateGroupMembership", GroupId=group, MemberId={"UserId": user})
        return str(made["MembershipId"])

    def members(self, group: str) -> list[str]:
        """User ids of a group's members."""
        page = self.call("ListGroupMemberships", GroupId=group)
        return [one["MemberId"]["UserId"] for one in page["GroupMemberships"]]

    def pages(self, operation: str, member: str, **params: Any) -> list[list[dict[str, Any]]]:
        """Every page of a listing, in order."""
        pages: list[list[dict[str, Any]]] = []
        token: dict[str, str] = {}
        while True:
            page = self.call(operation, **params, **token)
            pages.append(page[member])
            if "NextToken" not in page:
                return pages
            token = {"NextToken": page["NextToken"]}
