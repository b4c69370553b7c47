"""The operations on users. Each takes botocore's input and returns botocore's output, with the store's lock held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from strict_aws.identity_center import members, paging
from strict_aws.identity_center.errors import missing_member, not_found
from strict_aws.identity_center.members import Answer, Params
from strict_aws.identity_center.store import IdentityStore, User

_NAMES = ("Formatted", "FamilyName", "GivenName", "MiddleName", "HonorificPrefix", "HonorificSuffix")


def find_user(store: IdentityStore, user_id: str) -> User:
    """Return the user of this id; raise AwsError (ResourceNotFoundException) when there is none."""
    found = store.users.get(user_id)
    if found is None:
        raise not_found("USER", user_id)
    return found


@dataclass(frozen=True)
class UserOperations:
    """The operations on users by their names in the API. `clock` returns epoch seconds."""

    clock: Callable[[], float]

    def list_users(self, store: IdentityStore, params: Params) -> Answer:
        """Return a page of users in the order in which they were made."""
        members.only(params, "IdentityStoreId", "MaxResults", "NextToken")
        question = paging.Question("users", store.token_key, store.asked)
        return paging.page(store.users, params, "Users", lambda one: _shown(store, one), question)

    def describe_user(self, store: IdentityStore, params: Params) -> Answer:
        """Return the user that the request names by its id."""
        members.only(params, "IdentityStoreId", "UserId")
        return _shown(store, find_user(store, members.resource_id(params, "UserId")))

    def create_user(self, store: IdentityStore, params: Params) -> Answer:
        """Make an enabled user and return its id; the API cannot make another.

        Identity Center requires the names (API reference).
        """
        members.only(params, "IdentityStoreId", "UserName", "DisplayName", "Name", "Emails")
        user = User(
            id=store.new_id(),
            username=members.text(params, "UserName", members.USER_NAME_CHARACTERS, spaces=False),
            display_name=members.text(params, "DisplayName"),
            name=_names(params),
            email=members.emails(params),
            created_at=self.clock(),
        )
        members.refuse_reserved(user.username)
        store.add_user(user)
        return {"IdentityStoreId": store.id, "UserId": user.id, "UserArn": _arn(user), "Revision": "1"}

    def delete_user(self, store: IdentityStore, params: Params) -> Answer:
        """Delete the user, also from its groups."""
        members.only(params, "IdentityStoreId", "UserId")
        store.remove_user(find_user(store, members.resource_id(params, "UserId")))
        return {}


def _names(params: Params) -> dict[str, str]:
    if params.get("Name") is None:
        raise missing_member("name")
    sent = members.structure(params.get("Name"))
    members.only(sent, *_NAMES)
    texts = {name: members.optional_text(sent, name) for name in sent}
    return {name: text for name, text in texts.items() if text is not None}


def _shown(store: IdentityStore, user: User) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "IdentityStoreId": store.id,
        "UserId": user.id,
        "UserArn": _arn(user),
        "Revision": "1",
        "UserName": user.username,
        "UserStatus": "ENABLED" if user.enabled else "DISABLED",
        "CreatedAt": user.created_at,
        "UpdatedAt": user.created_at,
    }
    if user.display_name is not None:
        shown["DisplayName"] = user.display_name
    if user.name is not None:
        shown["Name"] = user.name
    if user.email is not None:
        shown["Emails"] = [user.email]
    return shown


def _arn(user: User) -> str:
    return f"arn:aws:identitystore:::user/{user.id}"
