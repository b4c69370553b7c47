"""The people of one Identity Center as the first phase of the run read them: who is to be a contact, and why."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ses_fleet import limits
from ses_fleet.actions.data import DirectoryFiles
from ses_fleet.worker import record_files
from ses_fleet.worker.context import ActionContext

USERS, MEMBERSHIPS = "users", "memberships"

# What an address must at least be for SES to take it; the rest is SES's to say. 320 = RFC 3696, erratum 1690.
_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s.]+")
_ADDRESS_CHARACTERS = 320


@dataclass(frozen=True)
class Person:
    """Somebody enabled, with an address as the source has it. `roles` are case-folded."""

    email: str
    roles: frozenset[str]


@dataclass(frozen=True)
class Directory:
    """Everybody. `people` by case-folded address; `addresses` are all that the source has, of disabled users too.

    `skipped`: {no_email, disabled, duplicate, invalid_email: how many users}.
    """

    people: dict[str, Person]
    addresses: frozenset[str]
    skipped: dict[str, int]


def role_of(pattern: re.Pattern[str], group: str) -> str | None:
    """The case-folded role in a group's name, without blanks around it; None for a group of another kind."""
    match = pattern.fullmatch(group) if len(group) <= limits.GROUP_NAME_CHARACTERS else None
    return match["role"].strip().casefold() or None if match and match["role"] else None


def load(context: ActionContext, read: DirectoryFiles, username: str | None = None) -> Directory:
    """What was read, or only the user of that name in it."""
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
    """Who is in which group, by the group's number, from records ({role, group, users}) in the order of writing.

    A record with `again` says that the group was read again from its beginning: those before it do not count.
    """
    found: dict[object, Members] = {}
    for record in records:
        # A record without a group is of a time when the group was not written down.
        group = record.get("group", record["role"])
        if record.get("again"):
            found.pop(group, None)
        found.setdefault(group, Members(record["role"])).users.update(dict.fromkeys(record["users"]))
    return found


def directory(users: Iterable[dict[str, Any]], roles: dict[str, set[str]]) -> Directory:
    """Those of `users` ({id, email, enabled}) who can be contacts; an address twice is one person. Pure."""
    people: dict[str, Person] = {}
    addresses: set[str] = set()
    skipped: Counter[str] = Counter()
    seen: set[str] = set()
    for user in users:
        if user["id"] in seen:
            continue  # a page may show again what moved while it was read
        seen.add(user["id"])
        key = (user["email"] or "").casefold()
        if key:
            addresses.add(key)
        reason = _unusable(user)
        if reason is None and key in people:
            reason = "duplicate"
            known = people[key]
            people[key] = Person(known.email, known.roles | roles.get(user["id"], set()))
        if reason is not None:
            skipped[reason] += 1
        else:
            people[key] = Person(user["email"], frozenset(roles.get(user["id"], ())))
    return Directory(people, frozenset(addresses), dict(skipped))


def _unusable(user: dict[str, Any]) -> str | None:
    if not user["enabled"]:
        return "disabled"
    email = user["email"]
    if not email:
        return "no_email"
    if len(email) > _ADDRESS_CHARACTERS or _ADDRESS.fullmatch(email) is None or not email.isascii():
        return "invalid_email"
    return None


def _records(context: ActionContext, prefix: str, count: int, name: str) -> Iterator[dict[str, Any]]:
    for part in range(1, count + 1):
        yield from record_files.records(context, prefix, part, name)
