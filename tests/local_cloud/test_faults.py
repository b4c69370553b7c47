"""Faults on demand, for every service, before or after the effect; and what the product makes of them."""

from __future__ import annotations

import json
import urllib.error
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.local_cloud.conftest import RESULTS_BUCKET, Cloud, fleet, running

ACME = "444455556666"


@pytest.fixture
def faulty(cloud: Cloud) -> Iterator[Cloud]:
    """A cloud whose faults are gone afterwards."""
    yield cloud
    cloud.control("PUT", "faults", b"[]")


def put(cloud: Cloud, *rules: dict[str, Any]) -> None:
    """Replace all faults."""
    cloud.control("PUT", "faults", json.dumps(rules).encode())


def code(call: Any, **parameters: Any) -> tuple[str, int]:
    """How a call fails."""
    with pytest.raises(ClientError) as error:
        call(**parameters)
    response: Any = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize(
    ("service", "operation", "fault", "expected"),
    [
        ("sesv2", "list_contact_lists", "deny", ("AccessDeniedException", 403)),
        ("sesv2", "list_contact_lists", "throttle", ("TooManyRequestsException", 429)),
        ("sesv2", "list_contact_lists", "error_500", ("InternalFailure", 500)),
        ("sesv2", "list_contact_lists", "concurrent_modification", ("ConcurrentModificationException", 500)),
        ("lambda", "list_functions", "throttle", ("TooManyRequestsException", 429)),
        ("s3", "list_buckets", "deny", ("AccessDenied", 403)),
        ("s3", "list_buckets", "throttle", ("SlowDown", 503)),
        ("s3", "list_buckets", "error_500", ("InternalError", 500)),
        ("sts", "get_caller_identity", "throttle", ("Throttling", 400)),
        ("logs", "describe_log_groups", "throttle", ("ThrottlingException", 400)),
        ("logs", "describe_log_groups", "deny", ("AccessDeniedException", 400)),
    ],
)
def test_every_service_can_fail(
    service: str, operation: str, fault: str, expected: tuple[str, int], faulty: Cloud
) -> None:
    """With the service's own code and status; the journal says that it was a fault."""
    put(faulty, {"service": service, "fault": fault, "account": ACME})
    mark = faulty.mark()
    assert code(getattr(faulty.client(service, ACME), operation)) == expected
    getattr(faulty.client(service), operation)()  # another account's calls pass
    entry = next(one for one in faulty.journal(mark) if one["principal"] == f"arn:aws:iam::{ACME}:root")
    assert (entry["error_code"], entry["reason"]) == (expected[0], f'fault: ["{fault}"]')


def test_a_fault_skips_and_counts(faulty: Cloud) -> None:
    """The first `skip` calls pass, then `times` are hit; a new list of faults replaces the old."""
    ses = faulty.client("sesv2", ACME)
    put(faulty, {"operation": "ListContactLists", "fault": "error_500", "skip": 1, "times": 2})
    ses.list_contact_lists()
    for _ in range(2):
        assert code(ses.list_contact_lists)[1] == 500
    ses.list_contact_lists()
    put(faulty, {"operation": "ListContactLists", "fault": "deny"})
    assert code(ses.list_contact_lists)[1] == 403
    put(faulty)
    ses.list_contact_lists()


@pytest.mark.parametrize(("fault", "took_place"), [("drop_before", False), ("drop_after", True)])
def test_a_dropped_call_has_no_answer(fault: str, took_place: bool, faulty: Cloud) -> None:
    """Before the effect nothing happened, after it everything did."""
    put(faulty, {"service": "s3", "operation": "PutObject", "fault": fault})
    mark = faulty.mark()
    with pytest.raises(ConnectionClosedError):
        faulty.s3.put_object(Bucket=RESULTS_BUCKET, Key=fault, Body=b"x")
    put(faulty)
    assert ("Contents" in faulty.s3.list_objects_v2(Bucket=RESULTS_BUCKET, Prefix=fault)) is took_place
    entry = faulty.journal(mark)[0]
    assert (entry["http_status"], entry["error_code"]) == (0, "ConnectionDropped")


def test_the_answer_that_refuses_is_lost_as_any_other(faulty: Cloud) -> None:
    """And it counts: a call that is refused does not use up a fault that nobody then sees."""
    put(faulty, {"operation": "GetContactList", "fault": "drop_after", "times": 1})
    ses = faulty.client("sesv2", ACME)
    with pytest.raises(ConnectionClosedError):
        ses.get_contact_list(ContactListName="not-there")
    assert code(lambda: ses.get_contact_list(ContactListName="not-there")) == ("NotFoundException", 404)
    put(faulty)


@pytest.mark.parametrize(
    "body",
    [b"{}", b"nonsense", b'[{"fault": "explode"}]', b'[{"fault": "deny", "x": 1}]', b'[{"fault": "deny", "skip": -1}]'],
)
def test_a_bad_fault_is_refused(body: bytes, faulty: Cloud) -> None:
    """With a path, and the old faults stay."""
    with pytest.raises(urllib.error.HTTPError, match="400"):
        faulty.control("PUT", "faults", body)


def one(cloud: Cloud, *rules: dict[str, Any], **payload: Any) -> dict[str, Any]:
    """globex's result of a run under these faults."""
    put(cloud, *rules)
    summary = cloud.run(include=["globex"], **payload)
    put(cloud)
    return dict(summary["results"][0])


@pytest.mark.parametrize(
    ("rule", "category", "retryable"),
    [
        ({"operation": "AssumeRole", "fault": "throttle"}, "authentication", True),
        ({"operation": "AssumeRole", "fault": "error_500"}, "authentication", True),
        ({"operation": "AssumeRole", "fault": "drop_before"}, "authentication", True),
        ({"operation": "AssumeRole", "fault": "deny"}, "authentication", False),
        ({"operation": "GetContactList", "fault": "deny"}, "operation", False),
        ({"operation": "GetContactList", "fault": "error_500"}, "operation", True),
        ({"operation": "ListContacts", "fault": "drop_after"}, "operation", True),
        ({"operation": "GetContactList", "fault": "kill_before"}, "internal", False),
        ({"operation": "GetContactList", "fault": "kill_after"}, "internal", False),
    ],
)
def test_a_fault_is_an_honest_failure(rule: dict[str, Any], category: str, retryable: bool, faulty: Cloud) -> None:
    """By the table of causes; nothing is unknown of an action that only reads."""
    result = one(faulty, rule)
    assert result["status"] == "failed"
    error = result["error"]
    assert (error["category"], error["retryable"], error["outcome_unknown"]) == (category, retryable, False)


@pytest.mark.parametrize("fault", ["throttle", "error_500", "drop_before", "drop_after"])
def test_what_passes_by_itself_is_waited_for(fault: str, faulty: Cloud) -> None:
    """One bad answer to a reading call is no failure; every request sent is counted."""
    result = one(faulty, {"operation": "GetContactList", "fault": fault, "times": 1})
    assert (result["status"], result["api_calls"]) == ("successful", 4)


def test_a_delay_is_a_delay(faulty: Cloud) -> None:
    """The call is hit, and succeeds."""
    mark = faulty.mark()
    result = one(faulty, {"operation": "GetContactList", "fault": "delay", "seconds": 0.4})
    assert result["status"] == "successful"
    (entry,) = [entry for entry in faulty.journal(mark) if entry["operation"] == "GetContactList"]
    assert (entry["http_status"], entry["reason"]) == (200, 'fault: ["delay"]')


@pytest.mark.parametrize("fault", ["drop_after", "error_500"])
def test_a_lost_answer_of_invoke_is_never_sent_again(fault: str, faulty: Cloud) -> None:
    """The worker has run: once."""
    faulty.put_config(fleet(1))
    mark = faulty.mark()
    put(faulty, {"operation": "Invoke", "fault": fault, "skip": 1, "times": 1})
    (result,) = faulty.run()["results"]
    assert (result["status"], result["error"]["category"], result["error"]["retryable"]) == ("failed", "timeout", True)
    assert len([e for e in faulty.journal(mark) if e["operation"] == "Invoke" and e["environment"]]) == 1


def test_a_result_that_cannot_be_stored_is_a_warning(faulty: Cloud) -> None:
    """The run goes on, and says what its record lacks."""
    put(faulty, {"service": "s3", "operation": "PutObject", "path": "/results/", "fault": "deny"})
    summary = faulty.run(include=["globex"])
    assert summary["exit_code"] == 0
    assert summary["warnings"] == ["the result of globex could not be stored (AccessDenied)"]


@pytest.mark.parametrize(
    "path",
    [
        "open/",
        "results/",
        *(pytest.param(one, marks=pytest.mark.matrix) for one in ("plan.json", "end.json", "summary.json")),
    ],
)
def test_503s_in_a_row_are_survived_at_every_object_of_a_run(path: str, faulty: Cloud) -> None:
    """Three of them, on reading and writing: more than a bad moment of S3."""
    put(faulty, {"service": "s3", "fault": "throttle", "path": path, "times": 3})
    summary = faulty.run(include=["globex"])
    assert (summary["exit_code"], summary["warnings"]) == (0, [])


@pytest.mark.matrix
def test_a_throttled_account_is_waited_for() -> None:
    """Two runs within the same seconds use up SES's burst: the second one waits, and still succeeds."""
    with running("--port", "0", "--ses-rate", "1") as (_, cloud):
        for _ in range(2):
            summary = cloud.run(include=["acme", "globex"])
            assert summary["exit_code"] == 0
            assert [result["data"]["contacts"] is not None for result in summary["results"]] == [True, True]
        refused = [entry for entry in cloud.journal() if entry["http_status"] == 429]
    assert {entry["error_code"] for entry in refused} == {"TooManyRequestsException"}
    assert {entry["service"] for entry in refused} == {"sesv2"}
