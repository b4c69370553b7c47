"""What a stored object or an answer does not say: objects of an earlier version are read, and null is nothing."""

from __future__ import annotations

from typing import Any

import pytest

from ses_fleet.actions.data.read_identity_center import DirectoryFiles
from ses_fleet.runs.hops import HopEnd, Progress, SignOfLife
from ses_fleet.runs.models import Concurrency, CustomerResult, RunPlan, RunRequest, Summary
from ses_fleet.runs.work import ErrorInfo, WorkResult

CUSTOMER = {"customer_code": "a", "customer_name": "A", "account_id": None, "region": None}


def test_a_request_of_an_action_alone_is_for_everybody_and_changes_what_the_action_changes() -> None:
    """All at once, 900 s a customer, to its end in one invocation, without prune, whatever fails."""
    request = RunRequest(action="describe-list-all")
    assert (request.dry_run, request.prune, request.on_deadline) == (False, False, "stop")
    assert (request.max_customer_concurrency, request.customer_timeout_seconds, request.max_failures) == (0, 900, None)
    assert (request.include, request.exclude, request.environment, request.params) == (None, (), None, {})
    assert (request.scope, request.worker_action) == ("all", "describe-list")


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("customer_timeout_seconds", [1, 43_200], [0, 43_201]),
        ("max_failures", [0, 7, "0%", "100%"], [-1, "101%", "%"]),
        ("confirm_customers", [0, 5_000], [-1]),
    ],
)
def test_a_requests_numbers_are_possible_ones(field: str, good: list[Any], bad: list[Any]) -> None:
    """A customer may take twelve hours."""
    for value in good:
        assert getattr(RunRequest.model_validate({"action": "x-all", field: value}), field) == value
    for value in bad:
        with pytest.raises(ValueError, match=field):
            RunRequest.model_validate({"action": "x-all", field: value})


def test_a_worker_that_says_no_more_was_successful_without_a_call() -> None:
    """No calls, no lines, no warnings, nothing to go on with; a negative number of calls is no answer."""
    answer = WorkResult(run_id="r", customer_code="a", account_id="1")
    assert (answer.api_calls, answer.logs, answer.warnings, answer.continuation, answer.error) == (
        0,
        (),
        (),
        None,
        None,
    )
    with pytest.raises(ValueError, match="api_calls"):
        WorkResult(run_id="r", customer_code="a", account_id="1", api_calls=-1)


def test_a_failure_is_final_and_known_unless_it_says_otherwise() -> None:
    """Whoever says that a failure may pass, or that nobody knows its outcome, says so."""
    error = ErrorInfo(category="internal", type="X", message="m")
    assert (error.retryable, error.outcome_unknown) == (False, False)


def test_a_customer_for_whom_nothing_was_done_has_noughts() -> None:
    """No attempt, no call, no time."""
    result = CustomerResult(**CUSTOMER, status="skipped")
    assert (result.attempts, result.api_calls, result.processing_time_seconds, result.warnings) == (0, 0, 0.0, ())
    assert result.model_dump()["success"] is False


def test_progress_that_was_not_made_is_none() -> None:
    """Never sent to a worker."""
    progress = Progress(index=3, customer_code="a")
    assert (progress.slices, progress.attempts, progress.api_calls, progress.seconds) == (0, 0, 0, 0.0)
    assert (progress.logs, progress.warnings, progress.continuation) == ((), (), None)


def test_a_reading_of_people_that_lost_no_group_says_nothing_of_it() -> None:
    """Records of readings before groups were counted are read, too."""
    known = {"prefix": "p/", "users": 1, "groups": 1, "memberships": 1, "user_parts": 1, "membership_parts": 1}
    people = DirectoryFiles.model_validate(known)
    assert (people.vanished_groups, people.all_groups, people.store_id, people.user_prefix) == (0, 0, None, None)


def test_an_end_that_says_no_more_hands_on_nothing() -> None:
    """Nobody was in flight, nothing was read, nothing was lost; a sign of life may name nobody."""
    end = HopEnd(hop=1, owner="t", by="orchestrator", ended_at="", next=None, reason="r")
    assert (end.peak, end.people, end.restarts) == (0, {}, 0)
    assert SignOfLife(run_id="r", hop=0, owner="t", number=0).named == {}


def test_nobody_was_in_flight_before_a_run_began() -> None:
    """plan.json has what is asked for and allowed; the peak is known at the end."""
    assert Concurrency(requested=0, effective=2).peak == 0
    plan = RunPlan(
        run_id="r",
        request={},
        started_at="",
        deadline="",
        customers=(),
        concurrency=Concurrency(requested=0, effective=2),
    )
    assert (plan.owner, plan.personal_params, plan.warnings, plan.config_version.config) == ("", None, (), None)
    # As versions wrote it that gave no signs of life.
    assert (plan.record_format, plan.dead_after_seconds, plan.ramp, plan.pinned.config) == (1, 60.0, (), None)


def test_a_summary_without_an_exit_code_is_of_a_run_that_has_no_end_yet() -> None:
    """Nothing to resume, nothing compared."""
    counts = dict.fromkeys(("total_customers", "successful_count", "failed_count", "skipped_count"), 0)
    summary = Summary(
        run_id="r",
        action="x",
        dry_run=False,
        started_at="",
        total_duration_seconds=None,
        not_started_count=0,
        results=(),
        **counts,
    )
    assert (summary.exit_code, summary.resume, summary.resume_needs, summary.fleet) == (None, None, (), None)
    assert (summary.warnings, summary.errors) == ((), ())
