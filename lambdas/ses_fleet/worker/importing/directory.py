"""The people of one Identity Center as the run's first phase wrote them, and which of them can be contacts."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ses_fleet import limits
from ses_fleet.actions.data.read_identity_center import DirectoryFiles
from ses_fleet.people import addresses
from ses_fleet.worker import record_files
from ses_fleet.worker.context import ActionContext

USERS, MEMBERSHIPS = "users", "memberships"


@dataclass(frozen=True)
class Person:
    """An enabled user with an address as Identity Center has it. `roles` are case-folded."""

    email: str
    roles: frozenset[str]


@dataclass(frozen=True)
class Directory:
    """The people of one Identity Center.

    `people` are those who can be contacts, by case-folded address. `addresses` are all of them, also of disabled users.
    `skipped` counts users who cannot be contacts, by reason: no_email, disabled, duplicate, invalid_email.
    """

    people: dict[str, Person]
    addresses: frozenset[str]
    skipped: dict[str, int]


def role_of(pattern: re.Pattern[str], group: str) -> str | None:
    """Return the case-folded role in a group's name, without spaces around it, or None when the name has none."""
    match = pattern.fullmatch(group) if len(group) <= limits.GROUP_NAME_CHARACTERS else None
    return match["role"].strip().casefold() or None if match and match["role"] else None


def load(context: ActionContext, read: DirectoryFiles, username: str | None = None) -> Directory:
    """Return the people whom the first phase read, or with `username` only the user of that name."""
    roles: defaultdict[str, set[str]] = defaultdict(set)
    for members in memberships(_records(context, read.prefix, read.membership_parts, MEMBERSHIPS)).values():
        for user in members.users:
            roles[user].add(members.role)
    users = _records(context, read.user_prefix or read.prefix, read.user_parts, USERS)
    if username is not None:
        users = (user for user in users if user["name"].casefold() == username.casefold())
    return directory(users, roles)


@dataclass(frozen=True)
class Members:
    """The ids of the users in one group, and the role that its name says."""

    role: str
    users: dict[str, None] = field(default_factory=dict)  # in order, each once


def memberships(records: Iterable[dict[str, Any]]) -> dict[object, Members]:
    """Return the members of each group, by the group's number.

    `records` are {role, group, users}, in the order of writing. One with `again` says that the group was read again
    from its beginning: the records before it do not count.
    """
    found: dict[object, Members] = {}
    for record in records:
        # Records of earlier versions do not have the group.
        group = record.get("group", record["role"])
        if record.get("again"):
            found.pop(group, None)
        found.setdefault(group, Members(record["role"])).users.update(dict.fromkeys(record["users"]))
    return found


def directory(users: Iterable[dict[str, Any]], roles: dict[str, set[str]]) -> Directory:
    """Return those of `users` ({id, email, enabled}) who can be contacts; users with one address are one person."""
    people: dict[str, Person] = {}
    every_address: set[str] = set()
    skipped: Counter[str] = Counter()
    seen: set[str] = set()
    for user in users:
        if user["id"] in seen:
            continue  # a user may move to a later page while the pages are read
        seen.add(user["id"])
        key = addresses.folded(user["email"] or "")
        if key:
            every_address.add(key)
        reason = _unusable(user)
        if reason is None and key in people:
            reason = "duplicate"
            known = people[key]
            people[key] = Person(known.email, known.roles | roles.get(user["id"], set()))
        if reason is not None:
            skipped[reason] += 1
        else:
            people[key] = Person(user["email"], frozenset(roles.get(user["id"], ())))
    return Directory(people, frozenset(every_address), dict(skipped))


def _unusable(user: dict[str, Any]) -> str | None:
    if not user["enabled"]:
        return "disabled"
    email = user["email"]
    if not email:
        return "no_email"
    return "invalid_email" if addresses.problem_of(email) else None


def _records(context: ActionContext, prefix: str, count: int, name: str) -> Iterator[dict[str, Any]]:
    for part in range(1, count + 1):
        yield from record_files.records(context, prefix, part, name)
