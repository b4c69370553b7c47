"""read-identity-center: the first phase of an import. One Identity Center, once a run, for all who share it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from ses_fleet import limits
from ses_fleet.actions.data import DirectoryFiles
from ses_fleet.actions.params import ImportParams
from ses_fleet.config.customer import IdentityCenter
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.worker import identity_center, record_files
from ses_fleet.worker.budget import SliceTimeoutError
from ses_fleet.worker.context import ActionContext, Done, More, Outcome, State
from ses_fleet.worker.importing.directory import MEMBERSHIPS, USERS, memberships, role_of
from ses_fleet.worker.paced_client import PacedClient
from ses_fleet.worker.pagination import Paginator
from ses_fleet.worker.record_files import Record, RecordFileWriter
from ses_fleet.worker.responses import list_of, required_text, text_of

_GROUPS = "groups"
_NOT_FOUND = "ResourceNotFoundException"


def run(context: ActionContext, _params: ImportParams, state: State) -> Outcome:
    """`People`, as JSON. Nothing of it is said to be there before all of it is."""
    reading = _Reading(context, state)
    try:
        reading.read()
    except SliceTimeoutError:
        context.log(f"⏳ Identity Center: {reading.users.written.total} users read so far; going on in another slice")
        return More(reading.state())
    return Done(reading.files())


class _Reading:
    """How far the reading is: all users, then all groups, then who is in those groups that stand for a role.

    A page is taken in before the next one is asked for.
    """

    def __init__(self, context: ActionContext, state: State) -> None:
        self._context = context
        self._prefix = _prefix(context)
        self._source = _source(context)
        self._store: str | None = state.get("store", self._source.store_id)
        self.users = _Listing(context, USERS, "list_users", "Users", _user, state.get("users", {}))
        role = _roles(context)
        self._groups = _Listing(context, _GROUPS, "list_groups", "Groups", role, state.get("groups", {}))
        self._members = _Members(context, state.get("members", {}))

    def state(self) -> State:
        """Return where the next slice goes on; JSON, without names."""
        return {
            "store": self._store,
            "users": self.users.state(),
            "groups": self._groups.state(),
            "members": self._members.state(),
        }

    def files(self) -> DirectoryFiles:
        """Return what was read, after all of it is written."""
        users, members = self.users.written, self._members
        users.flush()
        members.written.flush()
        members.say()
        return DirectoryFiles(
            prefix=self._prefix,
            user_prefix=users.prefix if users.restarts else None,
            store_id=self._store,
            vanished_groups=len(members.vanished),
            users=users.total,
            groups=len(self._with_a_role()),
            all_groups=len(self._groups.known),
            memberships=members.total,
            user_parts=users.parts,
            membership_parts=members.written.parts,
        )

    def read(self) -> None:
        """Read all that is still to come; CustomerError when the identity store is not there, or no more."""
        context = self._context
        if self._store is None:
            found = identity_center.instances(context.open_identity_center(self._source, "sso-admin"))
            self._store = identity_center.choose(self._source, found)
        client = context.open_identity_center(self._source, "identitystore")
        store = {"IdentityStoreId": self._store}
        try:
            self.users.read(client, store)
            self._groups.read(client, store)
            self._members.read(client, store, self._with_a_role())
        except AwsCallError as failure:
            if failure.code != _NOT_FOUND:
                raise
            raise _no_store(self._source, self._store) from None

    def _with_a_role(self) -> list[tuple[str, str]]:
        """Groups are asked for their members, and only these: asking each user for groups would cost a call a user."""
        return [(group, role) for group, role in self._groups.known.items() if role is not None]


class _Listing:
    """One listing of the store on its way to S3: each id once, whatever pages show again."""

    def __init__(
        self,
        context: ActionContext,
        name: str,
        operation: str,
        member: str,
        record: Callable[[Any], Record],
        state: State,
    ) -> None:
        self.written = RecordFileWriter(context, _prefix(context), state.get("written", {}), name)
        self._context = context
        self._name = name
        self._record = record
        self._paginator = Paginator(operation, member, state.get("walk"))
        self._known: dict[str, str | None] | None = None

    @property
    def known(self) -> dict[str, str | None]:
        """`{id: role, if it has one}`, in order; what earlier slices read is read back once."""
        if self._known is None:
            read_back = _records(self._context, self.written, self._name)
            self._known = {record["id"]: record.get("role") for record in read_back}
        return self._known

    def state(self) -> State:
        """Return where the next slice goes on, after everything is written; JSON."""
        self.written.flush()
        return {"written": self.written.state(), "walk": self._paginator.state()}

    def read(self, client: PacedClient, store: dict[str, str]) -> None:
        """Read every page that is still to come."""
        asked = {**store, "MaxResults": limits.IDENTITY_CENTER_PAGE_SIZE}
        for page in self._paginator.pages(client, asked, self._forget):
            read = {record["id"]: record for record in map(self._record, page)}
            new = [record for record in read.values() if record["id"] not in self.known]
            self.known.update((record["id"], record.get("role")) for record in new)
            self.written.add(new)

    def _forget(self) -> None:
        self._known = {}
        self.written.restart()


class _Members:
    """Who is in which group, on its way to S3. `vanished` are the ids of groups that were listed and are not there."""

    def __init__(self, context: ActionContext, state: State) -> None:
        self.written = RecordFileWriter(context, _prefix(context), state.get("written", {}), MEMBERSHIPS)
        self.vanished: list[str] = list(state.get("vanished", ()))
        self._context = context
        self._at: int = state.get("at", 0)
        self._before: int = state.get("before", 0)  # memberships of the groups before this one
        self._missed: bool = state.get("missed", False)  # whether this group was not there once
        self._paginator = self._new_paginator(state.get("walk"))
        self._seen: dict[str, None] = self._read_back() if state else {}

    @property
    def total(self) -> int:
        """How many memberships were read."""
        return self._before + len(self._seen)

    def state(self) -> State:
        """Return where the next slice goes on, after everything is written; JSON."""
        self.written.flush()
        return {
            "written": self.written.state(),
            "vanished": self.vanished,
            "at": self._at,
            "before": self._before,
            "missed": self._missed,
            "walk": self._paginator.state(),
        }

    def say(self) -> None:
        """Warn of groups that vanished."""
        if self.vanished:
            shown = ", ".join(self.vanished[: limits.FAILURE_REASONS])
            self._context.warn(
                f"{len(self.vanished)} group(s) of Identity Center vanished while they were read ({shown}): nobody is "
                "taken to be in them, and nobody is removed by this run"
            )

    def read(self, client: PacedClient, store: dict[str, str], groups: list[tuple[str, str]]) -> None:
        """Read the members of all these groups (id, role) that are still to come."""
        for group, role in groups[self._at :]:
            if not self._read_group(client, {**store, "GroupId": group}, role):
                # If it is the store that is not there, this says so.
                client.read("list_groups", **store, MaxResults=1)
                self.vanished.append(group)
            self._at, self._before, self._missed = self._at + 1, self.total, False
            self._paginator, self._seen = self._new_paginator(), {}

    def _read_group(self, client: PacedClient, asked: dict[str, Any], role: str) -> bool:
        """Read one group, again if it is not there; whether it was there then. Nobody is in one that was not."""
        while True:
            try:
                self._read_pages(client, asked, role)
            except AwsCallError as failure:
                if failure.code != _NOT_FOUND:
                    raise
                self._forget(role)
                if self._missed:
                    return False
                self._missed, self._paginator = True, self._new_paginator()
                continue
            return True

    def _read_pages(self, client: PacedClient, asked: dict[str, Any], role: str) -> None:
        asked = {**asked, "MaxResults": limits.IDENTITY_CENTER_PAGE_SIZE}
        for page in self._paginator.pages(client, asked, lambda: self._forget(role)):
            new = [user for user in dict.fromkeys(_user_ids(page)) if user not in self._seen]
            self._seen |= dict.fromkeys(new)
            self.written.add([{"role": role, "group": self._at, "users": new}] if new else [])

    def _forget(self, role: str) -> None:
        if self._seen:
            self.written.add([{"role": role, "group": self._at, "users": [], "again": True}])
            self._seen = {}

    def _read_back(self) -> dict[str, None]:
        """Those of the group in the middle of which the last slice ended."""
        if not self._paginator.several:
            return {}
        found = memberships(_records(self._context, self.written, MEMBERSHIPS)).get(self._at)
        return found.users if found else {}

    def _new_paginator(self, state: State | None = None) -> Paginator:
        return Paginator("list_group_memberships", "GroupMemberships", state)


def _records(context: ActionContext, written: RecordFileWriter, name: str) -> Iterator[Record]:
    for number in range(1, written.parts + 1):
        yield from record_files.records(context, written.prefix, number, name)


def _user_ids(page: list[dict[str, Any]]) -> Iterator[str]:
    """Members that are no users (of another kind, once there is one) are passed over."""
    for one in page:
        user = text_of(one.get("MemberId") or {}, "UserId")
        if user is not None:
            yield user


def _no_store(source: IdentityCenter, store: str) -> CustomerError:
    message = (
        f"the identity store {store} is not in {source.region}, or vanished while it was read; nothing of it was used. "
        "Compare identity_store_id and identity_center_region"
    )
    return CustomerError("configuration", "IdentityStoreNotFound", message)


def _prefix(context: ActionContext) -> str:
    if context.item.people_prefix is None:
        raise CustomerError("internal", "NoPrefix", "the orchestrator did not say where people are to be written")
    return context.item.people_prefix


def _source(context: ActionContext) -> IdentityCenter:
    if context.customer.identity_center is None:
        raise CustomerError("configuration", "NoIdentityCenter", f"{context.code} has no identity_center_role_arn")
    return context.customer.identity_center


def _user(user: dict[str, Any]) -> Record:
    addresses = [one for one in list_of(user, "Emails") if text_of(one, "Value")]
    primary = [one for one in addresses if one.get("Primary")] or addresses
    return {
        "id": required_text(user, "UserId", "a user"),
        "name": text_of(user, "UserName") or "",
        "email": str(primary[0]["Value"]).strip() if primary else None,
        # A user without a status is from a time before there was one.
        "enabled": user.get("UserStatus") != "DISABLED",
    }


def _roles(context: ActionContext) -> Callable[[dict[str, Any]], Record]:
    """What is kept of a group: its role, if a topic names that, or none."""
    pattern: re.Pattern[str] = context.settings.group_role_pattern
    wanted = frozenset(role.casefold() for topic in context.item.topics or () for role in topic.opt_in_roles)

    def record(group: dict[str, Any]) -> Record:
        role = role_of(pattern, text_of(group, "DisplayName") or "")
        return {"id": required_text(group, "GroupId", "a group"), "role": role if role in wanted else None}

    return record
