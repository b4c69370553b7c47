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
    """Neither max_failures nor a ramp was asked for."""
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


@pytest.mark.parametrize(("allowed", "before", "failed"), [(1, 0, 1), (2, 1, 1), (3, 0, 3)])
def test_a_strict_run_is_stopped_by_the_last_failure_that_is_allowed(allowed: int, before: int, failed: int) -> None:
    """Nobody else could be borne."""
    rules = StartRules(allowed, before, strict=True)
    for index in range(failed):
        assert rules.why_stopped() is None
        ended(rules, index, "failed")
    assert not rules.may_start(customer(9))
    expected = f"{allowed} customers failed, and strict allows no more than max_failures: no further one was started"
    assert rules.why_stopped() == expected


def test_a_strict_run_has_no_more_under_way_than_may_still_fail() -> None:
    """Whoever succeeds makes room for another one, whoever fails does not, and nothing is stopped before its time."""
    rules = StartRules(2, strict=True)
    rules.begin(0)
    rules.begin(1)
    assert not rules.may_start(customer(2))
    assert rules.why_stopped() is None
    ended(rules, 0, "successful")
    assert rules.may_start(customer(2))
    ended(rules, 1, "failed")
    rules.begin(2)
    assert not rules.may_start(customer(3))
    rules.take_back(2)
    assert rules.may_start(customer(3))


def test_who_has_no_stored_result_may_still_fail() -> None:
    """A death would make it so, also of one that was successful, or only named; each is counted once."""
    undecided = {0, 1}
    rules = StartRules(2, strict=True, undecided=lambda: undecided)
    assert [rules.may_start(customer(index)) for index in range(3)] == [True, True, False]
    rules.begin(0)
    ended(rules, 0, "successful")
    assert not rules.may_start(customer(2))
    undecided.discard(0)
    assert rules.may_start(customer(2))


def test_a_result_that_was_not_stored_takes_the_room_of_a_failure() -> None:
    """Nobody else is started when there is no more room; one of whom that is known as a failure counts once."""
    lost = {0: "c0"}
    rules = StartRules(2, strict=True, undecided=lambda: lost, not_stored=lambda: lost)
    rules.begin(0)
    ended(rules, 0, "failed")
    assert rules.why_stopped() is None
    assert rules.may_start(customer(1))
    lost[1] = "c1"
    assert rules.why_stopped() == (
        "1 customers failed, the result of c1 could not be stored, and strict allows no more than max_failures: "
        "no further one was started"
    )


def test_a_stage_that_has_begun_waits_for_no_result_that_was_not_stored() -> None:
    """Nor does anybody in the last one, and nobody in a soft run without a ramp."""
    undecided: set[int] = set()
    lost: dict[int, str] = {}
    rules = StartRules(0, ramp=((0,), (1,), (2, 3)), undecided=lambda: undecided, not_stored=lambda: lost)
    ended(rules, 0, "successful")
    assert rules.may_start(customer(1))
    lost[0] = "c0"
    assert rules.why_stopped() is None
    lost[1] = "c1"
    why = "stage 3 of 3 of the ramp cannot begin, as the result of c1 could not be stored: no further one was started"
    assert rules.why_stopped() == why
    del lost[1]
    ended(rules, 1, "successful")
    assert rules.may_start(customer(2))
    lost[2] = "c2"
    assert rules.may_start(customer(3))
    assert StartRules(0, not_stored=lambda: lost).may_start(customer(3))


def test_a_soft_run_starts_whoever_has_a_place() -> None:
    """Those under way are not counted."""
    rules = StartRules(0, undecided=lambda: {0, 1, 2})
    for index in range(3):
        rules.begin(index)
    assert rules.may_start(customer(3))


def test_nobody_starts_before_the_stages_before_have_succeeded() -> None:
    """Then those of the next one may, in any order."""
    rules = StartRules(0, ramp=((1,), (3, 0), (2,)))
    assert [rules.may_start(customer(index)) for index in range(4)] == [False, True, False, False]
    ended(rules, 1, "successful")
    assert [rules.may_start(customer(index)) for index in range(4)] == [True, True, False, True]
    ended(rules, 0, "successful")
    assert not rules.may_start(customer(2))
    ended(rules, 3, "successful")
    assert rules.may_start(customer(2))


def test_a_stage_begins_when_the_results_of_those_before_are_stored() -> None:
    """Else a death could make a failure of a success that others were started for."""
    undecided = {0}
    rules = StartRules(0, ramp=((0,), (1, 2)), undecided=lambda: undecided)
    ended(rules, 0, "successful")
    assert not rules.may_start(customer(1))
    undecided.discard(0)
    assert rules.may_start(customer(1))


@pytest.mark.parametrize(
    ("allowed", "statuses", "why"),
    [
        (0, ["failed", "successful"], "not successful: c0"),
        (0, ["successful", "not_started"], "not successful: c1"),
        (0, ["skipped", "skipped"], "all of its customers were skipped"),
        (1, ["failed", "failed"], "not successful: c0, c1"),
        (2, ["failed", "failed"], "not successful: c0, c1"),
        (0, ["skipped", "successful"], None),
        (1, ["failed", "successful"], None),
        (1, ["not_started", "successful"], None),
    ],
)
def test_a_stage_succeeds_with_a_success_and_no_more_than_are_allowed_without(
    allowed: int, statuses: list[Status], why: str | None
) -> None:
    """Whether the results are of this invocation, or of an earlier one; who was not started has shown nothing."""
    now, later = StartRules(allowed, ramp=((0, 1), (2,))), StartRules(allowed, ramp=((0, 1), (2,)))
    for index, status in enumerate(statuses):
        ended(now, index, status)
        later.settle(index, f"c{index}", status)
    head = "stage 1 of 2 of the ramp has not succeeded"
    expected = None if why is None else f"{head} ({why}): no further customer was started"
    assert later.why_stopped() == expected
    if statuses.count("failed") <= allowed:
        assert now.why_stopped() == expected
    assert now.may_start(customer(2)) is later.may_start(customer(2)) is (why is None)


def test_those_of_all_stages_so_far_are_counted_together() -> None:
    """One of each of two stages is two."""
    rules = StartRules(1, ramp=((0, 1), (2, 3), (4,)))
    for index, status in enumerate(("successful", "not_started", "successful", "not_started")):
        ended(rules, index, status)  # type: ignore[arg-type]  # they are
    assert rules.why_stopped() == (
        "stage 2 of 3 of the ramp has not succeeded (not successful: c1, c3): no further customer was started"
    )


def test_in_the_last_stage_only_failures_stop_the_run() -> None:
    """One more than are allowed; a ramp allows none unless it is said, which the reason says."""
    rules = StartRules(0, ramp=((0,), (1, 2, 3)))
    ended(rules, 0, "successful")
    ended(rules, 1, "not_started")
    assert rules.may_start(customer(2))
    ended(rules, 2, "failed")
    assert rules.why_stopped() == (
        "1 customers failed, more than max_failures allows (0 with a ramp, unless it is given): "
        "no further one was started"
    )
