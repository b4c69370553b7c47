"""Reading Identity Center: which store it is, its users, its groups and who is in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shared import limits
from shared.errors import CustomerError
from shared.models import IdentityCenter
from worker.paced import PacedClient

_Page = list[dict[str, Any]]


def instances(sso_admin: PacedClient) -> dict[str, str]:
    """Identity stores that are visible, and the account that owns each."""
    found: dict[str, str] = {}
    token: dict[str, str] = {}
    while True:
        answer = sso_admin.read("list_instances", **token)
        for one in answer.get("Instances", []):
            found[str(one["IdentityStoreId"])] = str(one.get("OwnerAccountId") or "unknown")
        if not answer.get("NextToken"):
            return found
        token = {"NextToken": answer["NextToken"]}


def choose(source: IdentityCenter, found: dict[str, str]) -> str:
    """The id of the store to read; CustomerError (configuration) when that is not one and certain."""
    shown = ", ".join(f"{store} of account {owner}" for store, owner in found.items()) or "none"
    if source.store_id is not None:
        if source.store_id in found:
            return source.store_id
        text = f"identity_store_id {source.store_id} is not among the instances in {source.region}: {shown}"
        raise CustomerError("configuration", "IdentityStoreNotFound", text)
    if len(found) == 1:
        return next(iter(found))
    if not found:
        text = f"no Identity Center instance is visible in {source.region}: compare identity_center_region"
        raise CustomerError("configuration", "NoIdentityCenter", text)
    text = f"several Identity Center instances are visible ({shown}): set identity_store_id"
    raise CustomerError("configuration", "SeveralIdentityCenters", text)


@dataclass
class Pages:
    """A walk over the pages of one listing. `token` is where to go on: "" from the beginning, None after the end."""

    client: PacedClient
    operation: str
    member: str
    asked: dict[str, Any]
    token: str | None = ""

    def __iter__(self) -> Iterator[_Page]:
        """Every page still to come; when the slice ends on the way, `token` is where to go on."""
        while self.token is not None:
            position = {"NextToken": self.token} if self.token else {}
            size = limits.IDENTITY_CENTER_PAGE_SIZE
            answer = self.client.read(self.operation, MaxResults=size, **self.asked, **position)
            # An empty page with a token is not the end.
            self.token = answer.get("NextToken") or None
            yield answer.get(self.member, [])
