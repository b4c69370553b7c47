"""Organizations, their units and accounts, and which account is in which of them."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

State = Literal["PENDING_ACTIVATION", "ACTIVE", "SUSPENDED", "PENDING_CLOSURE", "CLOSED"]


@dataclass(frozen=True)
class Account:
    """An account of an organization. `unit` is the path of its unit, such as `Workloads/Prod`; "" is the root."""

    id: str
    name: str
    state: State = "ACTIVE"
    unit: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Organization:
    """An organization. `delegated` are accounts that may read it besides the management account.

    The management account need not be among `accounts`: it is put before them then. `units` are paths of units, those
    without accounts among them; units of accounts and units above others need not be there.
    """

    id: str
    management_account: str
    accounts: Sequence[Account]
    units: Sequence[str] = ()
    delegated: frozenset[str] = frozenset()

    @property
    def members(self) -> list[Account]:
        """All accounts, the management account first where nothing says otherwise."""
        known = {one.id for one in self.accounts}
        own = [] if self.management_account in known else [Account(self.management_account, "Management")]
        return [*own, *self.accounts]

    @property
    def root_id(self) -> str:
        """The id of the root, which is always the same for the same organization."""
        return f"r-{_digest(self.id, 4)}"

    def paths(self) -> list[str]:
        """Return the path of every unit, each after the one above it."""
        found: dict[str, None] = {}
        for path in (*self.units, *(one.unit for one in self.accounts)):
            parts = path.split("/") if path else []
            found |= {"/".join(parts[: length + 1]): None for length in range(len(parts))}
        return sorted(found)

    def parent_id(self, path: str) -> str:
        """Return the id of the unit of this path, which is always the same; of the root for ""."""
        return f"ou-{_digest(self.id, 4)}-{_digest(f'{self.id} {path}', 8)}" if path else self.root_id

    def path_of(self, parent_id: str) -> str | None:
        """Return the path of the unit of this id, "" for the root, or None when there is neither."""
        return next((path for path in ("", *self.paths()) if self.parent_id(path) == parent_id), None)

    def arn(self, kind: str, name: str) -> str:
        """Return the ARN of something in the organization, such as of kind `account`."""
        return f"arn:aws:organizations::{self.management_account}:{kind}/{self.id}/{name}"


class Organizations:
    """All organizations. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_account: dict[str, Organization] = {}

    def put(self, organization: Organization) -> None:
        """Make an organization, in the place of those that its accounts were in before."""
        with self._lock:
            gone = {one.id for one in map(self._by_account.get, _ids(organization)) if one is not None}
            self._by_account = {
                account: one for account, one in self._by_account.items() if one.id not in {*gone, organization.id}
            }
            self._by_account |= dict.fromkeys(_ids(organization), organization)

    def of(self, account: str) -> Organization | None:
        """Return the organization that the account is in, or None when it is in none."""
        return self._by_account.get(account)


def _ids(organization: Organization) -> Iterator[str]:
    return (one.id for one in organization.members)


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
