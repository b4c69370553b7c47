"""The operations on memberships of users in groups.

Each takes botocore's input and returns botocore's output, with the store's lock held.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from strict_aws.identity_center import members, paging
from strict_aws.identity_center.errors import missing_member, not_found
from strict_aws.identity_center.groups import find_group
from strict_aws.identity_center.members import Answer, Params
from strict_aws.identity_center.store import IdentityStore, Membership
from strict_aws.identity_center.users import find_user


@dataclass(frozen=True)
class MembershipOperations:
    """The operations on memberships by their names in the API. `clock` returns epoch seconds."""

    clock: Callable[[], float]

    def list_group_memberships(self, store: IdentityStore, params: Params) -> Answer:
        """Return a page of one group's members in the order in which they joined."""
        members.only(params, "IdentityStoreId", "GroupId", "MaxResults", "NextToken")
        group = find_group(store, members.resource_id(params, "GroupId"))
        if store.is_gone(group.id):
            raise not_found("GROUP", group.id)
        question = paging.Question(["memberships", group.id], store.token_key, store.asked)
        return paging.page(group.members, params, "GroupMemberships", lambda one: _shown(store, one), question)

    def create_group_membership(self, store: IdentityStore, params: Params) -> Answer:
        """Put a user into a group and return the id of the membership."""
        members.only(params, "IdentityStoreId", "GroupId", "MemberId")
        group_id = members.resource_id(params, "GroupId")
        if params.get("MemberId") is None:
            raise missing_member("memberId")
        member = members.structure(params["MemberId"])
        members.only(member, "UserId")
        group, user = find_group(store, group_id), find_user(store, members.resource_id(member, "UserId"))
        membership = Membership(store.new_id(), group.id, user.id, self.clock())
        store.add_membership(group, membership)
        return {"IdentityStoreId": store.id, "MembershipId": membership.id, "MembershipArn": _arn(membership)}

    def delete_group_membership(self, store: IdentityStore, params: Params) -> Answer:
        """Take a user out of a group."""
        members.only(params, "IdentityStoreId", "MembershipId")
        membership_id = members.resource_id(params, "MembershipId")
        membership = store.membership(membership_id)
        if membership is None:
            raise not_found("GROUP_MEMBERSHIP", membership_id)
        store.remove_membership(membership)
        return {}


def _shown(store: IdentityStore, membership: Membership) -> dict[str, Any]:
    return {
        "IdentityStoreId": store.id,
        "MembershipId": membership.id,
        "MembershipArn": _arn(membership),
        "GroupId": membership.group_id,
        "MemberId": {"UserId": membership.user_id},
        "CreatedAt": membership.created_at,
        "UpdatedAt": membership.created_at,
    }


def _arn(membership: Membership) -> str:
    return f"arn:aws:identitystore:::membership/{membership.id}"
