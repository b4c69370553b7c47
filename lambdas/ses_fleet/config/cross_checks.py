"""What customers of config.json must not share, or must say more about when they share it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from ses_fleet.config.customer import Customer
from ses_fleet.errors import Problem


def contradicting_external_ids(customers: Iterable[Customer]) -> dict[str, Problem]:
    """Return, by code, a problem of each customer that shares its Identity Center's role, but not the ExternalId.

    A role's trust policy asks for one ExternalId, so two of them in the file are a mistake of the file.
    """
    reading = [(customer, customer.identity_center) for customer in customers if customer.identity_center is not None]
    first_code: defaultdict[str, dict[str | None, str]] = defaultdict(dict)
    for customer, source in reading:
        if not source.problem:
            first_code[source.role_arn].setdefault(source.external_id, customer.customer_code)
    return {
        customer.customer_code: _problem(
            customer.customer_code,
            "identity_center_external_id",
            f"{', '.join(first_code[source.role_arn].values())} have different ones for the same "
            "identity_center_role_arn",
        )
        for customer, source in reading
        if len(first_code[source.role_arn]) > 1
    }


def shared_external_ids(customers: Iterable[Customer]) -> Iterator[Problem]:
    """Yield a problem for each ExternalId that customers of different accounts share.

    An ExternalId protects a customer from all others only while nobody else has the same.
    """
    first_code: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for customer in customers:
        if customer.external_id is not None:
            first_code[customer.external_id].setdefault(customer.account_id, customer.customer_code)
    for by_account in first_code.values():
        if len(by_account) > 1:
            codes = list(by_account.values())
            text = f"{', '.join(codes)} have the same one: each customer needs an ExternalId that nobody else has"
            yield _problem(codes[0], "external_id", text)


def identity_centers_of_several_regions(customers: Iterable[Customer]) -> Iterator[Problem]:
    """Yield a problem for each Identity Center that would be looked for in several Regions; it is in one of them only.

    `customers` are those that do not say in which Region their Identity Center is.
    """
    first_code: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for customer in customers:
        source = customer.identity_center
        if source is not None and not source.problem:
            first_code[source.role_arn].setdefault(source.region, customer.customer_code)
    for by_region in first_code.values():
        if len(by_region) > 1:
            codes = list(by_region.values())
            text = f"{', '.join(codes)} would read it in {', '.join(by_region)}: set identity_center_region"
            yield _problem(codes[0], "identity_center_role_arn", text)


def _problem(code: str, key: str, text: str) -> Problem:
    return Problem(f"$.customer_mappings.{code}.{key}", text)
