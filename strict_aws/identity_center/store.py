"""What an identity store holds: users, groups, and the memberships of users in groups."""

from __future__ import annotations

import copy
import secrets
import threading
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from strict_aws.identity_center.errors import conflict
from strict_aws.paging.page_tokens import ANYBODY, Asked
from strict_aws.paging.paged_dict import PagedDict


@dataclass(frozen=True, slots=True)
class User:
    """A user. `email` and `name` are in the API's shape; `created_at` is epoch seconds."""

    id: str
    username: str
    created_at: float
    email: Mapping[str, Any] | None = None
    display_name: str | None = None
    name: Mapping[str, str] | None = None
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Membership:
    """The membership of one user in one group."""

    id: str
    group_id: str
    user_id: str
    created_at: float


@dataclass(frozen=True, slots=True)
class Group:
    """A group. `members` are by user id, in the order in which they joined."""

    id: str
    created_at: float
    display_name: str | None = None
    description: str | None = None
    members: PagedDict[Membership] = field(default_factory=PagedDict)


class IdentityStore:
    """One identity store. Hold `lock` while reading or changing it.

    `token_key` signs its NextTokens; `asked` is who reads. The groups in `vanished` and `late`, by id, are listed; but
    every request for the members of a vanished one, and the first request for those of a late one, is answered that
    there is no such group.
    """

    def __init__(self, store_id: str) -> None:
        self.id = store_id
        self.lock = threading.Lock()
        self.token_key = secrets.token_bytes(16)
        self.users: PagedDict[User] = PagedDict()
        self.groups: PagedDict[Group] = PagedDict()
        self.asked = ANYBODY
        self.vanished: set[str] = set()
        self.late: set[str] = set()
        self._user_names: set[str] = set()
        self._group_names: set[str] = set()
        self._memberships: dict[str, Membership] = {}

    def seen(self, asked: Asked) -> IdentityStore:
        """Return the same store as this caller sees it. What is changed in it is changed for all."""
        seen = copy.copy(self)
        seen.asked = asked
        return seen

    def is_gone(self, group_id: str) -> bool:
        """Tell whether a request for the group's members is to be answered that there is no such group."""
        if group_id in self.late:
            self.late.remove(group_id)
            return True
        return group_id in self.vanished

    def new_id(self, of: str | None = None) -> str:
        """Return an id in the store's own form: always the same for the same text, a new one without a text."""
        made = uuid.uuid4() if of is None else uuid.uuid5(uuid.NAMESPACE_OID, f"{self.id}/{of}")
        return f"{self.id.removeprefix('d-')}-{made}"

    def add_user(self, user: User) -> None:
        """Add a user; raise AwsError (ConflictException) for a user name that is taken.

        That letters' case does not count is our choice: the API only says that names are unique.
        """
        if user.username.casefold() in self._user_names:
            raise conflict("Duplicate UserName")
        self._user_names.add(user.username.casefold())
        self.users.put(user.id, user)

    def remove_user(self, user: User) -> None:
        """Remove the user, also from all of its groups."""
        for group in self.groups.values():
            membership = group.members.get(user.id)
            if membership is not None:
                self.remove_membership(membership)
        self._user_names.remove(user.username.casefold())
        self.users.remove(user.id)

    def add_group(self, group: Group) -> None:
        """Add a group; raise AwsError (ConflictException) for a name that another group has."""
        if group.display_name is not None:
            if group.display_name in self._group_names:
                raise conflict("Duplicate GroupDisplayName")
            self._group_names.add(group.display_name)
        self.groups.put(group.id, group)

    def add_membership(self, group: Group, membership: Membership) -> None:
        """Add a member; raise AwsError (ConflictException) for a user who is in the group already."""
        if group.members.get(membership.user_id) is not None:
            raise conflict("Member and Group relationship already exists.")
        group.members.put(membership.user_id, membership)
        self._memberships[membership.id] = membership

    def membership(self, membership_id: str) -> Membership | None:
        """Return the membership of this id, or None when there is none."""
        return self._memberships.get(membership_id)

    def remove_membership(self, membership: Membership) -> None:
        """Take the user of a membership out of its group."""
        group = self.groups.get(membership.group_id)
        assert group is not None  # noqa: S101  # groups are never removed
        group.members.remove(membership.user_id)
        del self._memberships[membership.id]

    def addresses(self) -> Iterator[str]:
        """Yield every address that the store holds."""
        return (user.email["Value"] for user in self.users.values() if user.email and "Value" in user.email)
