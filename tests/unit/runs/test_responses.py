"""What a response keeps when it must be cut, and what a resume of one customer and of a prune says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from ses_fleet.actions.data.read_identity_center import DirectoryFiles
from ses_fleet.config.customer import Customer
from ses_fleet.runs import summary
from ses_fleet.runs.models import CustomerResult, RunRequest, Summary
from ses_fleet.runs.work import ErrorInfo, WorkItem, WorkResult

CUSTOMER = Customer(
    customer_code="a", customer_name="A", account_id="1" * 12, region="us-east-1", ses_role_arn="arn:aws:iam::1:role/r"
)


def result(code: str, **fields: Any) -> CustomerResult:
    """One customer's result."""
    known: dict[str, Any] = {"customer_name": code, "account_id": "1" * 12, "region": "us-east-1", "status": "failed"}
    return CustomerResult(customer_code=code, **{**known, **fields})


def fitted(results: list[CustomerResult], **fields: Any) -> Summary:
    """The Summary of these results as it is returned."""
    counts = dict.fromkeys(("successful_count", "failed_count", "skipped_count", "not_started_count"), 0)
    known: dict[str, Any] = {"run_id": "r", "action": "x-all", "dry_run": False, "started_at": "", **counts}
    whole = Summary(
        **{**known, "total_duration_seconds": 1.0, "total_customers": len(results), "results": tuple(results), **fields}
    )
    return summary.fitted(whole, lambda index: f"s3://b/{index}")


def test_a_response_that_is_too_large_keeps_everybody_and_cuts_messages() -> None:
    """Code, status and the kind of error stay; a message has 120 characters, a customer's warnings go."""
    error = ErrorInfo(category="operation", type="Refused", message="m" * 500, retryable=True)
    found = fitted([result(f"c{n}", error=error, warnings=("w" * 500,)) for n in range(5_000)])
    assert [one.customer_code for one in found.results] == [f"c{n}" for n in range(5_000)]
    for one in (found.results[0], found.results[-1]):
        assert one.error is not None
        assert (one.error.category, one.error.type, one.error.retryable) == ("operation", "Refused", True)
        assert (one.error.message, one.warnings, one.status) == ("m" * 119 + "…", (), "failed")


def test_a_response_that_is_too_large_keeps_twenty_warnings_of_the_run() -> None:
    """And says in one more that it was cut; who did not fail has no error afterwards either."""
    found = fitted([result("a", status="successful")], warnings=tuple(f"{n:02d}" + "w" * 100_000 for n in range(80)))
    assert [warning[:2] for warning in found.warnings[:-1]] == [f"{n:02d}" for n in range(20)]
    assert "the response was too large" in found.warnings[-1]
    assert found.results[0].error is None


def test_data_that_fits_stays_and_what_is_cut_says_where_it_is() -> None:
    """What was in S3 already keeps its place whether its data stays or not."""
    there = [
        result("a", data={"x": 1}, data_location="s3://b/own"),
        result("b", data={"x": "y" * 5_000_000}, data_location="s3://b/own"),
        result("c", data={"x": "y" * 10}),
        result("d"),
    ]
    found = fitted(there)
    assert [one.data is not None for one in found.results] == [True, False, False, False]
    assert [one.data_location for one in found.results] == ["s3://b/own", "s3://b/own", "s3://b/2", None]


def test_a_resume_of_one_customer_is_the_same_request() -> None:
    """With its customer and role, of which run it is the rest, and without an id of its own."""
    request = RunRequest(
        action="manage-topic", customer_code="a", ses_role_arn="arn:aws:iam::111122223333:role/r", run_id="r1"
    )
    assert summary.resume_payload("r1", request, [result("a")]) == {
        "action": "manage-topic",
        "customer_code": "a",
        "ses_role_arn": "arn:aws:iam::111122223333:role/r",
        "resumes": "r1",
    }


def test_a_resume_of_a_prune_confirms_as_many_as_are_left() -> None:
    """Or it would be refused; the first confirmation was of more."""
    request = RunRequest(action="manage-topic-all", prune=True, confirm_customers=3, environment="prod", exclude=("z",))
    resume = summary.resume_payload("r1", request, [result("a"), result("b", status="successful"), result("c")])
    assert resume == {
        "action": "manage-topic-all",
        "prune": True,
        "include": ["a", "c"],
        "confirm_customers": 2,
        "resumes": "r1",
    }


def test_what_passes_between_processes_is_never_changed() -> None:
    """Threads share it; and of our own two sides, neither says what the other does not know."""
    answer = WorkResult(run_id="r", customer_code="a", account_id="1")
    with pytest.raises(ValidationError, match="frozen"):
        answer.api_calls = 5  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        result("a").status = "failed"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="unknown"):
        WorkResult.model_validate({**answer.model_dump(), "unknown": 1})
    with pytest.raises(ValidationError, match="api_calls"):
        WorkResult.model_validate({**answer.model_dump(), "api_calls": "5"})
    assert CustomerResult.model_validate({**result("a").model_dump(), "unknown": 1}) == result("a")


@pytest.mark.parametrize("account", ["11112222333", "1111222233334", "11112222333a", ""])
def test_a_customers_account_has_twelve_digits(account: str) -> None:
    """Whatever a config.json says, a worker is sent no other."""
    known = {"customer_code": "a", "customer_name": "A", "region": "us-east-1", "ses_role_arn": "x"}
    with pytest.raises(ValidationError, match="account_id"):
        Customer.model_validate({**known, "account_id": account})


@pytest.mark.parametrize(("seconds", "possible"), [(0.001, True), (0.0, False), (-1.0, False)])
def test_a_slice_has_some_time(seconds: float, possible: bool) -> None:
    """However little; none at all is a mistake."""
    known: dict[str, Any] = {"run_id": "r", "action": "x", "params": {}, "slice_budget_seconds": seconds}
    if possible:
        assert WorkItem(customer=CUSTOMER, **known).slice_budget_seconds == seconds
    else:
        with pytest.raises(ValidationError, match="slice_budget_seconds"):
            WorkItem(customer=CUSTOMER, **known)


def test_a_worker_takes_a_directory_by_its_earlier_name() -> None:
    """An orchestrator that runs while both functions are deployed anew sends `people`, which is null for most."""
    known: dict[str, Any] = {"run_id": "r", "action": "x", "params": {}, "slice_budget_seconds": 1.0}
    read = DirectoryFiles(prefix="p/", users=1, groups=1, memberships=0, user_parts=1, membership_parts=0)
    now = json.loads(WorkItem(customer=CUSTOMER, directory=read, **known).model_dump_json())
    assert WorkItem.model_validate(now).directory == read
    before = {("people" if name == "directory" else name): value for name, value in now.items()}
    assert WorkItem.model_validate(before).directory == read
    assert WorkItem.model_validate({**before, "people": None}).directory is None
