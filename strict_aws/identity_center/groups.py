"""The operations on groups. Each takes botocore's input and gives botocore's output; the store's lock is held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from strict_aws.identity_center import members, paging
from strict_aws.identity_center.errors import not_found
from strict_aws.identity_center.members import Answer, Params
from strict_aws.identity_center.store import Group, IdentityStore


def find_group(store: IdentityStore, group_id: str) -> Group:
    """ResourceNotFoundException when there is no such group."""
    found = store.groups.get(group_id)
    if found is None:
        raise not_found("GROUP", group_id)
    return found


@dataclass(frozen=True)
class GroupOperations:
    """`clock` gives epoch seconds."""

    clock: Callable[[], float]

    def list_groups(self, store: IdentityStore, params: Params) -> Answer:
        """A page in the order in which groups came."""
        members.only(params, "IdentityStoreId", "MaxResults", "NextToken")
        question = paging.Question("groups", store.token_key, store.asked)
        return paging.page(store.groups, params, "Groups", lambda one: _shown(store, one), question)

    def describe_group(self, store: IdentityStore, params: Params) -> Answer:
        """One group."""
        members.only(params, "IdentityStoreId", "GroupId")
        return _shown(store, find_group(store, members.resource_id(params, "GroupId")))

    def create_group(self, store: IdentityStore, params: Params) -> Answer:
        """A group without members."""
        members.only(params, "IdentityStoreId", "DisplayName", "Description")
        group = Group(
            id=store.new_id(),
            display_name=members.optional_text(params, "DisplayName"),
            description=members.optional_text(params, "Description"),
            created_at=self.clock(),
        )
        members.refuse_reserved(group.display_name)
        store.add_group(group)
        return {"IdentityStoreId": store.id, "GroupId": group.id, "GroupArn": _arn(group), "Revision": "1"}


def _shown(store: IdentityStore, group: Group) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "IdentityStoreId": store.id,
        "GroupId": group.id,
        "GroupArn": _arn(group),
        "Revision": "1",
        "CreatedAt": group.created_at,
        "UpdatedAt": group.created_at,
    }
    if group.display_name is not None:
        shown["DisplayName"] = group.display_name
    if group.description is not None:
        shown["Description"] = group.description
    return shown


def _arn(group: Group) -> str:
    return f"arn:aws:identitystore:::group/{group.id}"
