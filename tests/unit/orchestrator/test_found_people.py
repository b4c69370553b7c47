"""find-contact across customers: what is proven of how many."""

from __future__ import annotations

from typing import Any

import pytest

from ses_fleet.orchestrator.found_people import PeopleAnswer
from ses_fleet.runs.models import CustomerResult, Status

NOTHING = {"found_in": 0, "absent_in": 0, "not_proven_in": 0, "not_searched_in": 0}


def result(status: Status = "successful", **data: Any) -> CustomerResult:
    """A customer's result."""
    identity: dict[str, Any] = {"customer_code": "a", "customer_name": "A", "account_id": None, "region": None}
    return CustomerResult(**identity, status=status, data=data or None)


@pytest.mark.parametrize(
    ("one", "counted"),
    [
        (result(people=2, contacts=1, not_found=1), "found_in"),
        (result(people=2, contacts=0, not_found=2), "absent_in"),
        (result(people=2, contacts=0, not_found=1), "not_proven_in"),
        (result(people=0), "not_proven_in"),
        (result(), "not_proven_in"),
        (result("failed", people=2, contacts=0, not_found=2), "not_proven_in"),
        (result("not_started"), "not_proven_in"),
        (result("under_way"), "not_proven_in"),
        (result("skipped"), "not_searched_in"),
    ],
)
def test_a_customer_counts_as_what_its_result_proves(one: CustomerResult, counted: str) -> None:
    """Nobody is absent unless SES said so of everybody who was asked for."""
    answer = PeopleAnswer()
    answer.add(one)
    answer.add(one)
    assert answer.answer(["a"]) == {**NOTHING, counted: 2}
