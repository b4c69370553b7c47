"""read-identity-center: the first phase of an import. It reads one Identity Center for all customers that share it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from ses_fleet import limits
from ses_fleet.actions.data.read_identity_center import DirectoryFiles
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
    """Read users, groups and memberships into S3. Return only after every page has been written."""
    reading = _Reading(context, state)
    try:
        reading.read()
    except SliceTimeoutError:
        context.log(f"⏳ Identity Center: {reading.users.written.total} users read so far; continuing in another slice")
        return More(reading.state())
    return Done(reading.files())


class _Reading:
    """The progress of the reading: all users, then all groups, then the members of the groups that stand for a role.

    A page is written before the next one is asked for.
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
        """Return what the next slice continues from; JSON, without names."""
        return {
            "store": self._store,
            "users": self.users.state(),
            "groups": self._groups.state(),
            "members": self._members.state(),
        }

    def files(self) -> DirectoryFiles:
        """Return where everything was written. It must all have been read."""
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
        """Read everything that is still to come.

        Raise CustomerError when the identity store does not exist, or not any more.
        """
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
        """Return the groups whose members are read, as (id, role).

        Asking each user for groups instead would cost one request a user.
        """
        return [(group, role) for group, role in self._groups.known.items() if role is not None]


class _Listing:
    """One listing of the identity store as it is written to S3, with each id once even if pages repeat it."""

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
        """Return {id: role or None} in the order of reading. What earlier slices wrote is read from S3 once."""
        if self._known is None:
            read_back = _records(self._context, self.written, self._name)
            self._known = {record["id"]: record.get("role") for record in read_back}
        return self._known

    def state(self) -> State:
        """Write everything that was read, and return what the next slice continues from; JSON."""
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
    """The members of each group as they are written to S3.

    `vanished` are the ids of listed groups that do not exist any more.
    """

    def __init__(self, context: ActionContext, state: State) -> None:
        self.written = RecordFileWriter(context, _prefix(context), state.get("written", {}), MEMBERSHIPS)
        self.vanished: list[str] = list(state.get("vanished", ()))
        self._context = context
        self._at: int = state.get("at", 0)
        self._before: int = state.get("before", 0)  # memberships of the groups before this one
        self._missed: bool = state.get("missed", False)  # whether this group was not found once
        self._paginator = self._new_paginator(state.get("walk"))
        self._seen: dict[str, None] = self._read_back() if state else {}

    @property
    def total(self) -> int:
        """Return how many memberships were read."""
        return self._before + len(self._seen)

    def state(self) -> State:
        """Write everything that was read, and return what the next slice continues from; JSON."""
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
        """Warn about the groups that vanished while they were read."""
        if self.vanished:
            shown = ", ".join(self.vanished[: limits.FAILURE_REASONS])
            self._context.warn(
                f"{len(self.vanished)} group(s) of Identity Center were deleted while they were read ({shown}): "
                "they count as empty, and nobody is removed by this run"
            )

    def read(self, client: PacedClient, store: dict[str, str], groups: list[tuple[str, str]]) -> None:
        """Read the members of all these groups, (id, role), that are still to come."""
        for group, role in groups[self._at :]:
            if not self._read_group(client, {**store, "GroupId": group}, role):
                # Fails when it is the store that does not exist.
                client.read("list_groups", **store, MaxResults=1)
                self.vanished.append(group)
            self._at, self._before, self._missed = self._at + 1, self.total, False
            self._paginator, self._seen = self._new_paginator(), {}

    def _read_group(self, client: PacedClient, asked: dict[str, Any], role: str) -> bool:
        """Read the members of one group, again if it is not found.

        Return whether it was found; if not, it has no members.
        """
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
        """Return the members, read by the slice before, of the group in which that slice ended."""
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
    """Yield the ids of the users on a page; members of another kind are ignored."""
    for one in page:
        user = text_of(one.get("MemberId") or {}, "UserId")
        if user is not None:
            yield user


def _no_store(source: IdentityCenter, store: str) -> CustomerError:
    message = (
        f"the identity store {store} does not exist in {source.region}, or was deleted while it was read; nothing "
        "of it was used. Check identity_store_id and identity_center_region"
    )
    return CustomerError("configuration", "IdentityStoreNotFound", message)


def _prefix(context: ActionContext) -> str:
    if context.item.people_prefix is None:
        raise CustomerError(
            "internal", "NoPrefix", "the orchestrator did not send where to store Identity Center's people"
        )
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
        # Users that are older than the member have no status.
        "enabled": user.get("UserStatus") != "DISABLED",
    }


def _roles(context: ActionContext) -> Callable[[dict[str, Any]], Record]:
    """Return a function that makes the record of a group: its id, and its role if a topic names that role."""
    pattern: re.Pattern[str] = context.settings.group_role_pattern
    wanted = frozenset(role.casefold() for topic in context.item.topics or () for role in topic.opt_in_roles)

    def record(group: dict[str, Any]) -> Record:
        role = role_of(pattern, text_of(group, "DisplayName") or "")
        return {"id": required_text(group, "GroupId", "a group"), "role": role if role in wanted else None}

    return record
