"""The first phase of an import: which Identity Centers to read, once each, and what comes of it for their customers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import ValidationError

from ses_fleet.actions.data import DirectoryFiles
from ses_fleet.config.customer import IdentityCenter
from ses_fleet.orchestrator.plan import PlannedItem
from ses_fleet.runs.models import CustomerResult, ErrorInfo
from ses_fleet.text import printable


@dataclass(frozen=True)
class Source:
    """One Identity Center as it is read (role, Region, ExternalId, store), and the customers whose people it has."""

    name: str
    customers: tuple[PlannedItem, ...]

    def item(self, index: int) -> PlannedItem:
        """What a worker is sent to read it: the first customer of those that share it stands for all."""
        first = self.customers[0]
        return PlannedItem(index, self.name, self.name, first.account_id, first.region, first.customer)


def sources(items: Iterable[PlannedItem]) -> list[Source]:
    """The distinct Identity Centers of these customers, in config order."""
    found: dict[str, list[PlannedItem]] = {}
    for item in items:
        found.setdefault(name_of(item), []).append(item)
    return [Source(name, tuple(customers)) for name, customers in found.items()]


def name_of(item: PlannedItem) -> str:
    """The name of a customer's Identity Center: the same for the same way in."""
    source = _source(item)
    way_in = [source.role_arn, source.region, source.external_id, source.store_id]
    return hashlib.sha256(json.dumps(way_in).encode()).hexdigest()[:16]


def read(result: CustomerResult) -> DirectoryFiles | None:
    """What a worker read; None when it did not."""
    try:
        return DirectoryFiles.model_validate(result.data) if result.status == "successful" else None
    except ValidationError:
        return None


def without_people(item: PlannedItem, result: CustomerResult) -> CustomerResult:
    """A customer's result when its Identity Center was not read: nothing was done for it."""
    error = result.error
    if error is None and result.status == "successful":
        text = "the worker answered something else than what it read of Identity Center"
        error = ErrorInfo(category="internal", type="GarbledAnswer", message=text)
    code = printable(item.code)
    lines = (
        f"🔄 Customer {code}: Starting processing",
        f"🔐 Customer {code}: Using Identity Center role from config: {_source(item).role_arn}",
        f"📊 Customer {code}: Retrieving Identity Center data via role assumption",
    )
    return CustomerResult(
        customer_code=item.code,
        customer_name=item.name,
        account_id=item.account_id,
        region=item.region,
        status="failed" if error else "not_started",
        error=error,
        warnings=(*item.warnings, *result.warnings),
        logs=lines if error else (),
    )


def _source(item: PlannedItem) -> IdentityCenter:
    assert item.customer is not None  # noqa: S101  # only customers that are run need people
    assert item.customer.identity_center is not None  # noqa: S101  # and the plan runs none without
    return item.customer.identity_center
