"""What is known of one customer over its slices, and the result that follows."""

from __future__ import annotations

from typing import Any

import pytest

from ses_fleet import limits
from ses_fleet.config.customer import CustomerIdentity
from ses_fleet.orchestrator.customer_run import CustomerRun
from ses_fleet.orchestrator.invoke import Answer
from ses_fleet.orchestrator.plan import PlannedCustomer
from ses_fleet.orchestrator.time_limits import TimeLimits
from ses_fleet.runs.hops import Progress
from ses_fleet.runs.work import ErrorInfo, WorkResult

IDENTITY = CustomerIdentity(
    customer_code="acme", customer_name="Acme", account_id="111122223333", region="eu-central-1"
)
BEGUN = CustomerRun(PlannedCustomer(4, IDENTITY, warnings=("no region",)))
BROKE = ErrorInfo(category="operation", type="X", message="it broke")


def answer(**outcome: Any) -> Answer:
    """A worker's answer after two seconds and one attempt."""
    result = WorkResult(run_id="r", customer_code="acme", account_id="111122223333", **outcome)
    return Answer(2.0, result=result, attempts=1)


def test_slices_add_up() -> None:
    """Attempts, seconds, calls, lines and warnings are sums; the continuation is the last one's."""
    first = answer(api_calls=3, logs=("a",), warnings=("w1",), continuation={"page": 2})
    second = answer(api_calls=4, logs=("b",), warnings=("w2",), data={"n": 1})
    run = BEGUN.after(first)
    assert run.continuation == {"page": 2}
    assert run.answered(first) is None
    run = run.after(second)
    assert (run.slices, run.next_slice, run.seconds, run.ran) == (2, 3, 4.0, True)
    result = run.answered(second)
    assert result is not None
    assert (result.status, result.data, result.continuation, result.error) == ("successful", {"n": 1}, None, None)
    assert (result.attempts, result.api_calls, result.processing_time_seconds) == (2, 7, 4.0)
    assert (result.logs, result.warnings) == (("a", "b"), ("no region", "w1", "w2"))
    assert (result.customer_code, result.customer_name, result.account_id, result.region) == (
        "acme",
        "Acme",
        "111122223333",
        "eu-central-1",
    )


def test_a_failed_slice_ends_the_customer_with_what_it_found() -> None:
    """Its data, its continuation and the lines before it stay."""
    failed = answer(error=BROKE, data={"n": 1}, data_location="s3://b/k", continuation={"page": 3})
    result = BEGUN.after(failed).answered(failed)
    assert result is not None
    assert (result.status, result.error, result.data, result.data_location) == ("failed", BROKE, {"n": 1}, "s3://b/k")
    assert result.continuation == {"page": 3}


def test_a_worker_without_an_answer_leaves_the_tail_of_its_log() -> None:
    """And the continuation of the slice before, from which the customer could go on."""
    before = BEGUN.after(answer(logs=("a",), continuation={"page": 2}))
    killed = Answer(1.0, error=BROKE, log_tail=("START", "END"), attempts=1)
    result = before.after(killed).answered(killed)
    assert result is not None
    assert (result.status, result.error, result.logs) == ("failed", BROKE, ("a", "START", "END"))
    assert (result.continuation, result.attempts) == ({"page": 2}, 2)


def test_what_never_ran_is_not_started_with_the_last_reason() -> None:
    """Refusals are counted over all tries."""
    run = BEGUN.after(Answer(0.0, turned_away=2, reason="first", attempts=2))
    run = run.after(Answer(0.0, turned_away=1, reason="last", attempts=1)).after(Answer(0.0))
    result = run.given_up()
    assert (result.status, result.error, result.attempts) == ("not_started", None, 3)
    assert result.warnings == ("no region", "last until it was too late to start (3 times; nothing ran)")
    assert BEGUN.given_up().warnings[-1] == "the orchestrator's time was used up before this customer's turn"
    assert BEGUN.not_started("because").warnings == ("no region", "because")


def test_between_slices_the_end_is_a_timeout_whose_outcome_is_known() -> None:
    """Retryable, and with the place to go on from."""
    result = BEGUN.after(answer(continuation={"page": 2})).given_up()
    error = result.error
    assert error is not None
    assert (result.status, result.continuation) == ("failed", {"page": 2})
    assert (error.category, error.type, error.retryable, error.outcome_unknown) == (
        "timeout",
        "OrchestratorDeadline",
        True,
        False,
    )
    assert error.message == "acme was not finished when the orchestrator's time ended"


@pytest.mark.parametrize("writes", [True, False])
def test_a_slice_that_nobody_hears_of_counts_as_sent(writes: bool) -> None:
    """Its outcome is unknown if it may change something; its time is what the slices took."""
    late = BEGUN.after(answer(continuation={"page": 2})).unheard(28.0)
    for result, kind, words in (
        (late.out_of_time(30.0, writes=writes), "CustomerTimeout", "customer_timeout_seconds (30) passed"),
        (late.cut_off(writes=writes), "OrchestratorDeadline", "the orchestrator's time ended"),
    ):
        assert (result.status, result.attempts, result.processing_time_seconds) == ("failed", 2, 30.0)
        assert result.error is not None
        assert (result.error.type, result.error.outcome_unknown) == (kind, writes)
        assert result.error.message.startswith(f"acme was not finished when {words}")
        assert ("its worker may go on" in result.error.message) is writes
    error = late.out_of_time(30.0).error
    assert error is not None
    assert error.outcome_unknown is False


def test_progress_is_the_run_again() -> None:
    """Another invocation takes over the numbers, the lines and the time that workers took, and nothing else."""
    lines = tuple(f"line {number}" for number in range(limits.MAX_LOG_LINES + 50))
    run = BEGUN.after(answer(api_calls=3, logs=lines, warnings=("w",), continuation={"page": 2}))
    progress = run.progress()
    assert progress == Progress(
        index=4,
        customer_code="acme",
        slices=1,
        attempts=1,
        api_calls=3,
        seconds=2.0,
        logs=lines[50:],
        warnings=("w",),
        continuation={"page": 2},
    )
    again = CustomerRun.taken_over(run.customer, progress)
    assert (again.slices, again.next_slice, again.attempts, again.api_calls) == (1, 2, 1, 3)
    assert (again.seconds, again.ran) == (2.0, True)
    assert (again.logs, again.warnings, again.continuation) == (lines[50:], ("w",), {"page": 2})


def test_who_was_never_sent_has_no_time_behind_it() -> None:
    """Neither here nor in the next invocation; its first slice is number 1."""
    assert (BEGUN.seconds, BEGUN.slices, BEGUN.next_slice, BEGUN.ran) == (0.0, 0, 1, False)
    again = CustomerRun.taken_over(BEGUN.customer, BEGUN.progress())
    assert (again.seconds, again.slices, again.ran) == (0.0, 0, False)
    assert CustomerRun.taken_over(BEGUN.customer, None) == BEGUN


def test_a_slice_of_which_nothing_ran_is_none() -> None:
    """Its number is used again: it is the same slice that is sent later."""
    run = BEGUN.after(answer(continuation={"page": 2}))
    after = run.after(Answer(0.0, turned_away=3, reason="Lambda throttled the worker", attempts=3))
    assert (after.slices, after.next_slice, after.attempts, after.seconds) == (1, 2, 4, 2.0)
    assert after.continuation == {"page": 2}


def test_a_reason_why_nobody_could_be_started_is_told() -> None:
    """Without a number of tries: none was made."""
    held_up = BEGUN.held_up("the run's sign of life could not be stored (SlowDown)")
    assert held_up.given_up().warnings[-1] == (
        "the run's sign of life could not be stored (SlowDown) until it was too late to start"
    )
    assert BEGUN.held_up(None) == BEGUN


@pytest.mark.parametrize(
    ("remaining", "customer_left", "budget"),
    [(800.0, 900.0, 240.0), (100.0, 900.0, 70.0), (800.0, 20.0, 20.0), (60.0, 900.0, 30.0), (59.9, 900.0, 0.0)],
)
def test_a_slice_gets_the_least_of_its_limits(remaining: float, customer_left: float, budget: float) -> None:
    """Its own budget, the orchestrator's time less the return margin, the customer's time; nothing too late."""
    within = TimeLimits(lambda: remaining, 240.0, 60.0, 30.0, 900.0)
    assert within.budget(customer_left) == budget
    assert within.may_start() is (budget > 0)
    assert within.collecting_left() == remaining - 15.0
