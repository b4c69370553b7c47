"""The first phase of an import: which Identity Centers to read, once each, and what comes of it for their customers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from ses_fleet.actions.data.read_identity_center import DirectoryFiles
from ses_fleet.config.customer import IdentityCenter
from ses_fleet.orchestrator.fan_out import Finished
from ses_fleet.orchestrator.plan import PlannedCustomer
from ses_fleet.runs import results
from ses_fleet.runs.models import CustomerResult
from ses_fleet.runs.work import ErrorInfo
from ses_fleet.text import printable


@dataclass(frozen=True)
class Source:
    """One Identity Center as it is read (role, Region, ExternalId, store), and the customers whose people it has."""

    name: str
    customers: tuple[PlannedCustomer, ...]

    def as_customer(self, index: int) -> PlannedCustomer:
        """Return what a worker is sent to read it: the first of the customers that share it stands for all."""
        first = self.customers[0]
        identity = first.identity.model_copy(update={"customer_code": self.name, "customer_name": self.name})
        return PlannedCustomer(index, identity, first.checked)

    def without_people(self, result: CustomerResult) -> Iterator[Finished]:
        """Yield the results of its customers when it was not read, as `result` says."""
        for customer in self.customers:
            yield Finished(customer, without_people(customer, result))


def sources(customers: Iterable[PlannedCustomer]) -> list[Source]:
    """Return the distinct Identity Centers of these customers, in config order."""
    found: dict[str, list[PlannedCustomer]] = {}
    for customer in customers:
        found.setdefault(name_of(customer), []).append(customer)
    return [Source(name, tuple(sharing)) for name, sharing in found.items()]


def name_of(customer: PlannedCustomer) -> str:
    """Return the name of a customer's Identity Center: the same for the same role, Region, ExternalId and store."""
    source = _source(customer)
    way_in = [source.role_arn, source.region, source.external_id, source.store_id]
    return hashlib.sha256(json.dumps(way_in).encode()).hexdigest()[:16]


def read(result: CustomerResult) -> DirectoryFiles | None:
    """Return what a worker read of an Identity Center, or None when it did not read it."""
    try:
        return DirectoryFiles.model_validate(result.data) if result.status == "successful" else None
    except ValidationError:
        return None


def without_people(customer: PlannedCustomer, result: CustomerResult) -> CustomerResult:
    """Return a customer's result when its Identity Center was not read, as `result` says: nothing was done for it."""
    if results.was_cancelled(result):
        warnings = (*customer.warnings, results.CANCELLED_BEFORE)
        return results.made(customer.identity, "not_started", warnings=warnings)
    error = result.error
    if error is None and result.status == "successful":
        text = "the worker answered something else than what it read of Identity Center"
        error = ErrorInfo(category="internal", type="GarbledAnswer", message=text)
    code = printable(customer.code)
    lines = (
        f"🔄 Customer {code}: Starting processing",
        f"🔐 Customer {code}: Using Identity Center role from config: {_source(customer).role_arn}",
        f"📊 Customer {code}: Retrieving Identity Center data via role assumption",
    )
    return results.made(
        customer.identity,
        "failed" if error else "not_started",
        error=error,
        warnings=(*customer.warnings, *result.warnings),
        logs=lines if error else (),
    )


def _source(customer: PlannedCustomer) -> IdentityCenter:
    assert customer.checked is not None  # noqa: S101  # only customers that are run need people
    assert customer.checked.identity_center is not None  # noqa: S101  # and the plan runs none without
    return customer.checked.identity_center
