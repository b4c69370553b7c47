"""The operations on groups. Each takes botocore's input and returns botocore's output, with the store's lock held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from strict_aws.identity_center import members, paging
from strict_aws.identity_center.errors import not_found
from strict_aws.identity_center.members import Answer, Params
from strict_aws.identity_center.store import Group, IdentityStore


def find_group(store: IdentityStore, group_id: str) -> Group:
    """Return the group of this id; raise AwsError (ResourceNotFoundException) when there is none."""
    found = store.groups.get(group_id)
    if found is None:
        raise not_found("GROUP", group_id)
    return found


@dataclass(frozen=True)
class GroupOperations:
    """The operations on groups by their names in the API. `clock` returns epoch seconds."""

    clock: Callable[[], float]

    def list_groups(self, store: IdentityStore, params: Params) -> Answer:
        """Return a page of groups in the order in which they were made."""
        members.only(params, "IdentityStoreId", "MaxResults", "NextToken")
        question = paging.Question("groups", store.token_key, store.asked)
        return paging.page(store.groups, params, "Groups", lambda one: _shown(store, one), question)

    def describe_group(self, store: IdentityStore, params: Params) -> Answer:
        """Return the group that the request names by its id."""
        members.only(params, "IdentityStoreId", "GroupId")
        return _shown(store, find_group(store, members.resource_id(params, "GroupId")))

    def create_group(self, store: IdentityStore, params: Params) -> Answer:
        """Make a group without members and return its id."""
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
