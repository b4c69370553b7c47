"""read-identity-center: the first phase of an import. One Identity Center, once a run, for all who share it."""

from __future__ import annotations

import re
from typing import Any

from shared.actions import ImportParams
from shared.errors import CustomerError
from shared.models import IdentityCenter, People
from worker import identity_center
from worker.identity_center import Pages
from worker.importing.people import MEMBERSHIPS, USERS, role_of
from worker.job import Done, Job, More, Outcome, State
from worker.paced import PacedClient
from worker.parts import PartWriter
from worker.rate import SliceTimeoutError


def run(job: Job, _params: ImportParams, state: State) -> Outcome:
    """`People`, as JSON. Nothing of it is said to be there before all of it is."""
    reading = _Reading(job, state)
    try:
        reading.read()
    except SliceTimeoutError:
        job.log(f"⏳ Identity Center: {reading.users.total} users read so far; going on in another slice")
        return More(reading.state())
    return Done(reading.people().model_dump(mode="json"))


class _Reading:
    """How far the reading is. A page is written before the next one is asked for."""

    def __init__(self, job: Job, state: State) -> None:
        self._job = job
        self._prefix = _prefix(job)
        self._source = _source(job)
        self._store: str | None = state.get("store", self._source.store_id)
        self.users = PartWriter(job, self._prefix, state.get("users", {}), USERS)
        self.memberships = PartWriter(job, self._prefix, state.get("memberships", {}), MEMBERSHIPS)
        self._tokens: dict[str, str | None] = state.get("tokens", {"users": "", "groups": "", "members": ""})
        self._queue: list[list[str]] = state.get("queue", [])  # [group id, role] of the groups of the last page
        self._groups: int = state.get("groups", 0)
        self._all_groups: int = state.get("all_groups", 0)
        self._members: int = state.get("members", 0)

    def state(self) -> State:
        """JSON, without names."""
        self.users.flush()
        self.memberships.flush()
        return {
            "store": self._store,
            "users": self.users.state(),
            "memberships": self.memberships.state(),
            "tokens": self._tokens,
            "queue": self._queue,
            "groups": self._groups,
            "all_groups": self._all_groups,
            "members": self._members,
        }

    def people(self) -> People:
        """What was written."""
        self.users.flush()
        self.memberships.flush()
        return People(
            prefix=self._prefix,
            users=self.users.total,
            groups=self._groups,
            all_groups=self._all_groups,
            memberships=self._members,
            user_parts=self.users.parts,
            membership_parts=self.memberships.parts,
        )

    def read(self) -> None:
        """Read all that is still to come."""
        job = self._job
        if self._store is None:
            found = identity_center.instances(job.open_identity_center(self._source, "sso-admin"))
            self._store = identity_center.choose(self._source, found)
        client = job.open_identity_center(self._source, "identitystore")
        store = {"IdentityStoreId": self._store}
        users = Pages(client, "list_users", "Users", store, self._tokens["users"])
        for page in users:
            self.users.add(_user(one) for one in page)
            self._tokens["users"] = users.token
        self._read_members(client, store)
        wanted = _wanted_roles(job)
        groups = Pages(client, "list_groups", "Groups", store, self._tokens["groups"])
        for page in groups:
            self._queue = _with_roles(job.settings.group_role_pattern, page, wanted)
            self._groups += len(self._queue)
            self._all_groups += len(page)
            self._tokens["groups"] = groups.token
            self._read_members(client, store)

    def _read_members(self, client: PacedClient, store: dict[str, str]) -> None:
        """Who is in the groups of the last page; memberships are asked for by group: a user would cost a call each."""
        while self._queue:
            group, role = self._queue[0]
            asked = {**store, "GroupId": group}
            pages = Pages(client, "list_group_memberships", "GroupMemberships", asked, self._tokens["members"])
            for page in pages:
                members = [str(one["MemberId"]["UserId"]) for one in page if one.get("MemberId", {}).get("UserId")]
                self._members += len(members)
                self.memberships.add([{"role": role, "users": members}] if members else [])
                self._tokens["members"] = pages.token
            self._queue = self._queue[1:]
            self._tokens["members"] = ""


def _prefix(job: Job) -> str:
    if job.item.people_prefix is None:
        raise CustomerError("internal", "NoPrefix", "the orchestrator did not say where people are to be written")
    return job.item.people_prefix


def _source(job: Job) -> IdentityCenter:
    if job.customer.identity_center is None:
        raise CustomerError("configuration", "NoIdentityCenter", f"{job.code} has no identity_center_role_arn")
    return job.customer.identity_center


def _user(user: dict[str, Any]) -> dict[str, Any]:
    addresses = [one for one in user.get("Emails") or () if one.get("Value")]
    primary = [one for one in addresses if one.get("Primary")] or addresses
    return {
        "id": str(user["UserId"]),
        "name": str(user.get("UserName") or ""),
        "email": str(primary[0]["Value"]).strip() if primary else None,
        # A user without a status is from a time before there was one.
        "enabled": user.get("UserStatus") != "DISABLED",
    }


def _wanted_roles(job: Job) -> frozenset[str]:
    return frozenset(role.casefold() for topic in job.item.topics or () for role in topic.opt_in_roles)


def _with_roles(pattern: re.Pattern[str], groups: list[dict[str, Any]], wanted: frozenset[str]) -> list[list[str]]:
    named = [(str(one["GroupId"]), role_of(pattern, str(one.get("DisplayName") or ""))) for one in groups]
    return [[group, role] for group, role in named if role in wanted and role is not None]
