"""The one answer: counts, exit code, resume, and that it always fits."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ses_fleet import limits
from ses_fleet.config import config_json
from ses_fleet.errors import RequestError
from ses_fleet.orchestrator import plan
from ses_fleet.orchestrator.config_files import ConfigFiles
from ses_fleet.orchestrator.wanted_topics import WantedTopics
from ses_fleet.runs import request, summary
from ses_fleet.runs.models import Concurrency, CustomerResult, RunPlan, Status, Summary
from ses_fleet.runs.work import ErrorInfo


def result(code: str, status: Status, **fields: Any) -> CustomerResult:
    """One customer's result."""
    return CustomerResult(
        customer_code=code, customer_name=code, account_id="1" * 12, region="us-east-1", status=status, **fields
    )


def built(results: list[CustomerResult], **payload: Any) -> Summary:
    """The Summary of a run with these results."""
    people = {"identity_center_role_arn": "arn:aws:iam::400000000001:role/i"}
    mappings = {
        r.customer_code: {"ses_role_arn": f"arn:aws:iam::{10**11 + n}:role/r", **people} for n, r in enumerate(results)
    }
    wanted = request.without_personal_values(request.parse({"action": "describe-list-all", **payload}).request)
    config = config_json.read({"customer_mappings": mappings}, region="us-east-1", partition="aws", version="v1")
    made = plan.make(wanted, ConfigFiles(config, WantedTopics()), plan.select(wanted, config))
    return summary.build(
        wanted,
        results,
        run_id="r1",
        started_at="2026-03-01T06:00:00Z",
        seconds=1.5,
        concurrency=made.concurrency,
        config_version=made.config_version,
        warnings=made.warnings,
        location="s3://b/runs/r1/summary.json",
        where_is=lambda index: f"s3://b/runs/r1/results/{results[index].customer_code}.json",
    )


@pytest.mark.parametrize(
    ("statuses", "exit_code"),
    [
        (["successful", "skipped"], 0),
        (["skipped", "skipped"], 0),
        (["successful", "failed"], 1),
        (["successful", "not_started"], 1),
    ],
)
def test_the_exit_code_says_whether_all_is_well(statuses: list[Status], exit_code: int) -> None:
    """0 = every selected customer successful or skipped."""
    assert built([result(f"c{n}", status) for n, status in enumerate(statuses)]).exit_code == exit_code


def test_everybody_is_counted_once() -> None:
    """The total is of all selected, skipped ones too; the order is the config's."""
    made = built(
        [result("c0", "failed"), result("c1", "skipped"), result("c2", "successful"), result("c3", "not_started")]
    )
    counts = (made.successful_count, made.failed_count, made.skipped_count, made.not_started_count)
    assert counts == (1, 1, 1, 1)
    assert made.total_customers == len(made.results) == 4
    assert [r.customer_code for r in made.results] == ["c0", "c1", "c2", "c3"]
    assert [r.success for r in made.results] == [False, False, True, False]


def test_nothing_ran_is_said() -> None:
    """All skipped is no failure, but nobody should take it for a success."""
    assert "nothing ran" in built([result("c0", "skipped")]).warnings
    assert "nothing ran" not in built([result("c0", "skipped"), result("c1", "successful")]).warnings


def test_resume_runs_exactly_what_failed_or_was_not_started() -> None:
    """The request without selection, run_id and trigger, and what it resumes; who was never started comes first."""
    results = [result("c0", "failed"), result("c1", "successful"), result("c2", "not_started"), result("c3", "skipped")]
    made = built(
        results,
        exclude=[],
        run_id="mine",
        max_failures="10%",
        params={"count_contacts": False},
    )
    assert made.resume == {
        "action": "describe-list-all",
        "max_failures": "10%",
        "params": {"count_contacts": False},
        "include": ["c2", "c0"],
        "resumes": "r1",
    }
    again = request.parse(made.resume)
    assert again.request.include == ("c2", "c0")
    assert built([result("c0", "successful")]).resume is None


def test_resume_says_what_must_be_given_again() -> None:
    """A person's name is not in it; as it is, it is refused, and with the name it is the same run again."""
    made = built([result("c0", "failed")], action="import-aws-contact-all", params={"username": "ada@corp.example"})
    assert made.resume is not None
    assert made.resume_needs == ("params.username",)
    assert "ada" not in made.model_dump_json()
    with pytest.raises(RequestError):
        request.parse(made.resume)
    made.resume["params"]["username"] = "ada@corp.example"
    assert request.parse(made.resume).request.params == {"username": "ada@corp.example"}
    assert built([result("c0", "failed")]).resume_needs == ()


def test_a_refusal_does_not_repeat_an_unknown_action() -> None:
    """It may be anything."""
    made = summary.refused("r1", "ada@corp.example", False, "2026-03-01T06:00:00Z", [])
    assert made.action == "unknown"


def test_data_stays_inline_in_order_until_the_response_is_full() -> None:
    """After that it says where it is, and nothing after the first that did not fit is inline."""
    data = {"text": "x" * 600_000}
    made = built([result(f"c{n}", "successful", data=data, logs=("line",)) for n in range(8)])
    inline = [r.data is not None for r in made.results]
    assert inline == sorted(inline, reverse=True)
    assert 0 < sum(inline) < 8
    assert len(made.model_dump_json().encode()) <= limits.RESPONSE_INLINE_BYTES
    for r in made.results:
        assert r.data_location == (None if r.data else f"s3://b/runs/r1/results/{r.customer_code}.json")
        assert r.logs is None


def test_five_thousand_failures_fit_lambdas_response() -> None:
    """Messages are cut rather than the answer lost; the summary says so."""
    error = ErrorInfo(category="operation", type="X" * 80, message="ü" * limits.MAX_MESSAGE_CHARACTERS)
    made = built([result(f"c{n}", "failed", error=error, warnings=("w" * 300,)) for n in range(5000)])
    assert len(made.model_dump_json().encode()) < limits.LAMBDA_PAYLOAD_BYTES
    assert made.failed_count == len(made.results) == 5000
    assert any("the response was too large" in warning for warning in made.warnings)


def test_the_service_cap_is_named() -> None:
    """The summary says when it bound the concurrency."""
    made = built([result(f"c{n}", "successful") for n in range(501)])
    assert made.concurrency is not None
    assert made.concurrency.bound_by == "service_cap"
    assert any("concurrency is bound to 500" in warning for warning in made.warnings)


@pytest.mark.parametrize("text", ["ü", "漢", "🦄"])
def test_every_answer_fits_whatever_its_letters_are(text: str) -> None:
    """Of a run that is over and of one that goes on: 5,000 failures with long names, texts and warnings in UTF-8."""
    error = ErrorInfo(category="operation", type="X" * 80, message=text * limits.MAX_MESSAGE_CHARACTERS)
    name = text * limits.SHOWN_NAME_CHARACTERS
    results = [
        result(f"customer-{n:041d}", "failed", error=error, warnings=(text * 500,) * 3).model_copy(
            update={"customer_name": name}
        )
        for n in range(limits.MAX_CUSTOMERS)
    ]
    over = built(results)
    plan = RunPlan(
        run_id="r1",
        request={"action": "describe-list-all", "dry_run": False},
        started_at="2026-03-01T06:00:00Z",
        deadline="2026-03-01T06:15:00Z",
        customers=tuple(results),
        concurrency=Concurrency(requested=0, effective=500),
    )
    for answer in (over, summary.unfinished(plan, results, "s3://b/runs/r1/summary.json", "it goes on")):
        sent = json.dumps(answer.model_dump(mode="json"), ensure_ascii=False).encode()
        assert len(sent) < limits.LAMBDA_PAYLOAD_BYTES
        assert [one.customer_code for one in answer.results] == [one.customer_code for one in results]
        assert {one.status for one in answer.results} == {"failed"}
        assert "the response was too large" in answer.warnings[-1]


def test_a_state_that_fits_is_whole() -> None:
    """But for data, lines and continuations, which results/ has."""
    one = result("c0", "failed", data={"x": 1}, logs=("l",), warnings=("w",), continuation={"page": 2})
    made = built([one])
    plan = RunPlan(
        run_id="r1",
        request={"action": "describe-list-all", "dry_run": False},
        started_at="",
        deadline="",
        customers=(one,),
        concurrency=Concurrency(requested=0, effective=1),
    )
    state = summary.unfinished(plan, [one, result("c1", "under_way")], "s3://x", "it goes on")
    assert (state.results[0].warnings, state.results[0].data, state.results[0].continuation) == (("w",), None, None)
    assert (state.warnings, state.exit_code, state.total_duration_seconds) == (("it goes on",), None, None)
    assert (state.failed_count, state.under_way_count, state.total_customers) == (1, 1, 2)
    assert made.under_way_count == 0


@pytest.mark.parametrize(
    ("said", "differs"),
    [
        ([True, None], True),
        ([True, False], True),
        ([False, False], False),
        ([False, None], None),
        ([None], None),
    ],
)
def test_that_nothing_differs_is_said_when_everybody_says_so(said: list[bool | None], differs: bool | None) -> None:
    """A customer that failed, or that cannot know, may differ. Who was skipped is not asked."""
    known: list[tuple[Status, bool | None]] = [("failed" if one is None else "successful", one) for one in said]
    results = [result(f"c{n}", status, differs=one) for n, (status, one) in enumerate(known)]
    made = built([*results, result("skipped", "skipped")])
    assert (made.differs, made.differing_count) == (differs, said.count(True))


def test_where_nobody_ran_nothing_is_known() -> None:
    """All skipped is no "nothing differs"."""
    assert built([result("a", "skipped")]).differs is None
