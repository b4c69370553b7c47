"""Whether a further customer may start."""

from __future__ import annotations

import pytest

from ses_fleet.config.customer import CustomerIdentity
from ses_fleet.orchestrator.plan import PlannedCustomer
from ses_fleet.orchestrator.start_rules import StartRules
from ses_fleet.runs import results
from ses_fleet.runs.models import Status


def customer(index: int) -> PlannedCustomer:
    """The n-th selected customer."""
    return PlannedCustomer(
        index, CustomerIdentity(customer_code=f"c{index}", customer_name="x", account_id=None, region=None)
    )


def ended(rules: StartRules, index: int, status: Status) -> None:
    """The n-th customer's result comes."""
    rules.note(customer(index), results.made(customer(index).identity, status))


def test_without_limits_everybody_may_start_whatever_fails() -> None:
    """Neither max_failures nor canaries were asked for."""
    rules = StartRules()
    for index in range(5):
        ended(rules, index, "failed")
    assert rules.may_start(customer(7))
    assert rules.why_stopped() is None


@pytest.mark.parametrize(
    ("allowed", "before", "failed", "stopped"),
    [(0, 0, 0, False), (0, 0, 1, True), (2, 0, 2, False), (2, 0, 3, True), (2, 2, 0, False), (2, 2, 1, True)],
)
def test_one_failure_more_than_allowed_stops_the_run(allowed: int, before: int, failed: int, stopped: bool) -> None:
    """Those of earlier invocations count; successes and customers that were not started do not."""
    rules = StartRules(allowed, before)
    ended(rules, 0, "successful")
    ended(rules, 1, "not_started")
    for index in range(2, 2 + failed):
        ended(rules, index, "failed")
    assert rules.may_start(customer(9)) is not stopped
    expected = f"{before + failed} customers failed, more than max_failures allows: no further one was started"
    assert rules.why_stopped() == (expected if stopped else None)


def test_nobody_but_canaries_starts_before_all_of_them_have_succeeded() -> None:
    """Then everybody may."""
    rules = StartRules(canaries=(1, 3))
    assert [rules.may_start(customer(index)) for index in range(4)] == [False, True, False, True]
    ended(rules, 3, "successful")
    assert [rules.may_start(customer(index)) for index in range(4)] == [False, True, False, False]
    ended(rules, 1, "successful")
    assert all(rules.may_start(customer(index)) for index in range(4))


@pytest.mark.parametrize("status", ["failed", "not_started"])
def test_a_canary_that_does_not_succeed_stops_the_run(status: Status) -> None:
    """The first of them is named, and a later success changes nothing."""
    rules = StartRules(canaries=(0, 1, 2))
    ended(rules, 0, "successful")
    ended(rules, 1, status)
    ended(rules, 2, "failed")
    assert rules.why_stopped() == "the canary c1 did not succeed: no further customer was started"
    assert not rules.may_start(customer(5))
    ended(rules, 5, "successful")
    assert not rules.may_start(customer(6))


@pytest.mark.parametrize(("status", "stops"), [("successful", False), ("failed", True), ("skipped", True)])
def test_a_canary_may_have_its_result_already(status: Status, stops: bool) -> None:
    """From an earlier invocation, or without a worker: it is no failure of this one, but it counts as a canary."""
    rules = StartRules(0, 0, (1,))
    rules.settle(0, "c0", "failed")
    assert rules.why_stopped() is None
    rules.settle(1, "c1", status)
    expected = "the canary c1 did not succeed: no further customer was started"
    assert rules.why_stopped() == (expected if stops else None)
    assert rules.may_start(customer(2)) is not stops
