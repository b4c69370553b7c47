"""Identity Center's instances, and which identity store of theirs is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ses_fleet.config.customer import IdentityCenter
from ses_fleet.errors import CustomerError
from ses_fleet.worker.paced_client import PacedClient
from ses_fleet.worker.pagination import Paginator
from ses_fleet.worker.responses import text_of

_ACTIVE = "ACTIVE"


@dataclass(frozen=True)
class UnusableInstance:
    """An instance that cannot be read now. `why` is its status, or that it has no identity store."""

    name: str
    owner: str
    why: str


@dataclass(frozen=True)
class Instances:
    """The instances of Identity Center that are visible in one Region.

    `owners` are those that can be read: {identity store: the account that owns it}. `others` cannot be read now.
    """

    owners: dict[str, str] = field(default_factory=dict)
    others: list[UnusableInstance] = field(default_factory=list)

    @property
    def being_created(self) -> bool:
        """Return whether one of them is being created, so that it may be readable later."""
        return any(other.why == "CREATE_IN_PROGRESS" for other in self.others)

    def forget(self) -> None:
        """Forget every instance, because all pages are read again."""
        self.owners.clear()
        self.others.clear()

    def add(self, instance: dict[str, Any]) -> None:
        """Add one instance of ListInstances.

        One without a status is taken as active: the member did not always exist.
        """
        store, status = text_of(instance, "IdentityStoreId"), text_of(instance, "Status") or _ACTIVE
        owner = text_of(instance, "OwnerAccountId") or "unknown"
        if store is not None and status == _ACTIVE:
            self.owners[store] = owner
            return
        name = store or text_of(instance, "InstanceArn") or "an unnamed instance"
        self.others.append(UnusableInstance(name, owner, status if status != _ACTIVE else "it has no identity store"))


def instances(sso_admin: PacedClient) -> Instances:
    """Return all instances that are visible to the role."""
    found = Instances()
    for page in Paginator("list_instances", "Instances").pages(sso_admin, {}, found.forget):
        for one in page:
            found.add(one)
    return found


def choose(source: IdentityCenter, found: Instances) -> str:
    """Return the id of the identity store to read. Raise CustomerError (configuration) unless exactly one is meant."""
    if source.store_id is not None:
        return _configured(source, source.store_id, found)
    if len(found.owners) == 1:
        return next(iter(found.owners))
    if found.owners:
        message = f"several Identity Center instances are visible ({_shown(found)}): set identity_store_id"
        raise CustomerError("configuration", "SeveralIdentityCenters", message)
    if found.others:
        message = f"no Identity Center instance in {source.region} can be read{_not_counted(found)}"
        raise CustomerError("configuration", "NoIdentityCenter", message, retryable=found.being_created)
    message = f"no Identity Center instance is visible in {source.region}: check identity_center_region"
    raise CustomerError("configuration", "NoIdentityCenter", message)


def _configured(source: IdentityCenter, store: str, found: Instances) -> str:
    if store in found.owners:
        return store
    for other in found.others:
        if other.name == store:
            message = f"identity_store_id {store} cannot be read: its instance is {other.why}"
            raise CustomerError("configuration", "IdentityStoreNotFound", message, retryable=found.being_created)
    message = f"identity_store_id {store} is not among the instances in {source.region}: {_shown(found)}"
    raise CustomerError("configuration", "IdentityStoreNotFound", message)


def _shown(found: Instances) -> str:
    stores = ", ".join(f"{store} of account {owner}" for store, owner in found.owners.items()) or "none"
    return f"{stores}{_not_counted(found)}"


def _not_counted(found: Instances) -> str:
    others = ", ".join(f"{other.name} of account {other.owner} ({other.why})" for other in found.others)
    return f"; not counted: {others}" if others else ""
