"""How a ramp's stages come out, and where a run stands in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_fleet.orchestrator import notification
from ses_fleet.runs import ramp, results
from ses_fleet.runs.models import CustomerResult, RampPosition, RunPlan, Status, Summary
from ses_fleet_cli.report import content
from ses_fleet_cli.runs import Shown
from tests.unit.cli.stored import plan


@pytest.mark.parametrize(
    ("asked", "customers", "sizes"),
    [
        ([1, "10%", "100%"], 50, [1, 5, 50]),
        ([1, "10%", "100%"], 5, [1, 5]),
        (["10%", "100%"], 5, [1, 5]),
        (["99%", "100%"], 50, [49, 50]),
        ([10, "10%", "100%"], 50, [10, 50]),
        ([10, "100%"], 3, [3]),
        (["100%"], 0, []),
    ],
)
def test_stages_are_rounded_down_and_each_adds_somebody(
    asked: list[int | str], customers: int, sizes: list[int]
) -> None:
    """A percentage is one customer at least."""
    assert ramp.sizes(asked, customers) == sizes


@given(
    asked=st.lists(st.integers(1, 40) | st.integers(1, 99).map(lambda share: f"{share}%"), max_size=6),
    customers=st.lists(st.integers(0, 99), unique=True, max_size=40),
)
def test_everybody_is_in_one_stage_in_turn(asked: list[int | str], customers: list[int]) -> None:
    """Whatever is asked, as long as it ends with all."""
    stages = ramp.stages([*asked, "100%"], customers)
    assert [index for stage in stages for index in stage] == customers
    assert all(stages)


def planned(stages: tuple[tuple[int, ...], ...], allowed: int = 0) -> RunPlan:
    """The plan of a run on five customers."""
    return plan("r", codes=tuple("abcde")).model_copy(update={"ramp": stages, "failures_allowed": allowed})


def result(code: str, status: Status) -> CustomerResult:
    """A customer's result; of one that has none yet what a state says."""
    (customer,) = plan("r", codes=(code,)).customers
    return results.no_result_yet(customer) if status == "not_started" else results.made(customer, status)


@pytest.mark.parametrize(
    ("statuses", "at"),
    [
        (["under_way", "not_started", "not_started", "not_started", "not_started"], 1),
        (["failed", "not_started", "not_started", "not_started", "not_started"], 1),
        (["successful", "not_started", "not_started", "not_started", "not_started"], 2),
        (["successful", "successful", "under_way", "not_started", "not_started"], 2),
        (["successful", "successful", "skipped", "not_started", "not_started"], 3),
        (["successful", "successful", "successful", "failed", "successful"], 3),
    ],
)
def test_a_run_is_at_the_first_stage_that_has_not_succeeded(statuses: list[Status], at: int) -> None:
    """Else at the last one; also while it goes on."""
    found = [result(code, status) for code, status in zip("abcde", statuses, strict=True)]
    position = ramp.position(planned(((0,), (1, 2), (3, 4))), found)
    assert position == RampPosition(stages=(1, 3, 5), at=at)
    assert ramp.position(planned(()), found) is None


def test_mails_and_reports_say_where_a_run_ended() -> None:
    """As the terminal does."""
    run = planned(((0,), (1, 2), (3, 4)))
    summary = Summary(
        run_id="r",
        action="describe-list-all",
        dry_run=False,
        started_at="2026-11-27T00:00:00Z",
        total_duration_seconds=1.0,
        total_customers=5,
        successful_count=1,
        failed_count=1,
        skipped_count=0,
        not_started_count=3,
        results=(),
        ramp=RampPosition(stages=(1, 3, 5), at=2),
        exit_code=1,
    )
    told = "stage 2 of 3 (up to 3 of 5 customers that could start)"
    arn = "arn:aws:lambda:us-east-1:123456789012:function:ses-fleet-orchestrator"
    assert f"Ramp:      {told}" in list(notification.text(summary, arn))
    assert ("Ramp", told) in list(content.of(Shown(run, summary, "finished"), summary).facts)
