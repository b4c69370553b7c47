"""Make an identity store with all of its users and groups at once, given or made up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from strict_aws.identity_center.store import Group, IdentityStore, Membership, User

NUMBER = "{n}"  # in the name of made-up groups, where each one's number is


@dataclass(frozen=True)
class NewUser:
    """A user to be put into a new store."""

    username: str
    email: str | None = None
    display_name: str | None = None
    enabled: bool = True


@dataclass(frozen=True)
class NewGroup:
    """A group to be put into a new store. `members` are user names.

    With `vanishes_after_listing` the group is listed, but requests for its members are answered that there is no such
    group; with `answers_at_second_attempt` only the first such request is.
    """

    name: str
    members: Sequence[str] = ()
    vanishes_after_listing: bool = False
    answers_at_second_attempt: bool = False


def generate_users(count: int, seed: int) -> list[NewUser]:
    """Return `count` made-up users, all enabled and with an address; the same arguments give the same users."""
    return [
        NewUser(f"user-{number:07d}", f"user-{number:07d}@seed-{seed}.example", f"User {number}")
        for number in range(count)
    ]


def generate_groups(count: int, members: int, name: str, usernames: Sequence[str]) -> Iterator[NewGroup]:
    """Yield `count` groups of `members` users each: one user after the other, and then from the first again.

    Each is called `name`, with its number in the place of `{n}`. There must be at least `members` users.
    """
    for number in range(count):
        first = number * members
        chosen = [usernames[(first + place) % len(usernames)] for place in range(members)]
        yield NewGroup(name.replace(NUMBER, f"{number:05d}"), chosen)


def filled(store_id: str, users: Sequence[NewUser], groups: Sequence[NewGroup], now: float) -> IdentityStore:
    """Return a store with these users and groups; the same names always give the same ids.

    Raise AwsError (ConflictException) for a name that comes twice.
    """
    store = IdentityStore(store_id)
    ids: dict[str, str] = {}
    for user in users:
        ids[user.username] = store.new_id(f"user/{user.username}")
        store.add_user(_user(user, ids[user.username], now))
    for new in groups:
        group = Group(id=store.new_id(f"group/{new.name}"), display_name=new.name, created_at=now)
        store.add_group(group)
        if new.vanishes_after_listing:
            store.vanished.add(group.id)
        if new.answers_at_second_attempt:
            store.late.add(group.id)
        for username in new.members:
            membership_id = store.new_id(f"membership/{group.id}/{ids[username]}")
            store.add_membership(group, Membership(membership_id, group.id, ids[username], now))
    return store


def _user(user: NewUser, user_id: str, now: float) -> User:
    return User(
        id=user_id,
        username=user.username,
        display_name=user.display_name,
        email=None if user.email is None else {"Value": user.email, "Type": "work", "Primary": True},
        enabled=user.enabled,
        created_at=now,
    )
