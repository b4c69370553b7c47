"""One Invoke: every way it can end, by the table of causes."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    IncompleteReadError,
    NoCredentialsError,
    ReadTimeoutError,
)

from ses_fleet.aws.clients import AwsClient
from ses_fleet.config.customer import Customer
from ses_fleet.orchestrator.invoke import Answer, Invoker
from ses_fleet.runs.work import WorkItem

WORK = WorkItem(
    run_id="r1",
    action="describe-list",
    customer=Customer(
        customer_code="acme",
        customer_name="x",
        account_id="111122223333",
        region="us-east-1",
        ses_role_arn="arn:aws:iam::111122223333:role/r",
    ),
    params={},
    slice_budget_seconds=10.0,
)


class FakeLambda:
    """Stands where boto3's client does: each call takes the next outcome, an answer or an exception."""

    def __init__(self, *outcomes: Any) -> None:
        self.outcomes = list(outcomes)
        self.calls: list[dict[str, Any]] = []

    def invoke(self, **parameters: Any) -> Any:
        """boto3's method."""
        self.calls.append(parameters)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def answered(body: Any, function_error: str | None = None, log: str = "") -> dict[str, Any]:
    """Lambda's answer to Invoke."""
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = {"Payload": io.BytesIO(payload), "StatusCode": 200, "LogResult": base64.b64encode(log.encode()).decode()}
    return answer if function_error is None else {**answer, "FunctionError": function_error}


def result(**changes: Any) -> dict[str, Any]:
    """A worker's result as JSON."""
    return {"run_id": "r1", "customer_code": "acme", "account_id": "111122223333", **changes}


def client_error(code: str, status: int, message: str = "no") -> ClientError:
    """An error as boto3 raises it."""
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "Invoke",
    )


def throttled() -> ClientError:
    """429: nothing ran."""
    return client_error("TooManyRequestsException", 429)


def invoke(
    *outcomes: Any, writes: bool = False, make: Callable[[], WorkItem | None] = lambda: WORK
) -> tuple[Answer, FakeLambda]:
    """One slice through an invoker whose Lambda behaves so."""
    fake = FakeLambda(*outcomes)
    return Invoker(AwsClient("lambda", fake), "worker", writes, threading.Event()).invoke(make), fake


def test_a_result_is_handed_on() -> None:
    """With the request as it was: payload, tail of the log."""
    answer, fake = invoke(answered(result(data={"x": 1})))
    assert answer.result is not None
    assert answer.result.data == {"x": 1}
    assert fake.calls[0]["LogType"] == "Tail"
    assert json.loads(fake.calls[0]["Payload"])["customer"]["customer_code"] == "acme"


TIMED_OUT = {"errorType": "Sandbox.Timedout", "errorMessage": "RequestId: x Error: Task timed out after 3.00 seconds"}
OLD_TIMED_OUT = {"errorMessage": "2026-01-01T00:00:00Z x Task timed out after 3.00 seconds"}
READ_TIMEOUT = ReadTimeoutError(endpoint_url="http://x")
CANNOT_START = ["Runtime.ImportModuleError", "Runtime.HandlerNotFound", "Runtime.InvalidEntrypoint"]
NEVER_STARTS = ["KMSAccessDeniedException", "InvalidRuntimeException", "EC2AccessDeniedException"]
GARBAGE: list[Any] = [b"", b"nonsense", b"\xff\xfe", [], "x", 5, None, {}, {"run_id": "r1"}, result(data=[1])]


@pytest.mark.parametrize("writes", [True, False])
@pytest.mark.parametrize(
    ("outcome", "category", "kind", "unknown", "retryable"),
    [
        (answered(TIMED_OUT, "Unhandled"), "timeout", "Sandbox.Timedout", "writes", True),
        (answered(OLD_TIMED_OUT, "Unhandled"), "timeout", "Sandbox.Timedout", "writes", True),
        (
            answered({"errorType": "Runtime.OutOfMemory"}, "Unhandled"),
            "internal",
            "Runtime.OutOfMemory",
            "writes",
            False,
        ),
        (answered({"errorType": "Runtime.ExitError"}, "Unhandled"), "internal", "Runtime.ExitError", "writes", False),
        *((answered({"errorType": kind}, "Unhandled"), "internal", kind, "never", False) for kind in CANNOT_START),
        (answered({"errorType": "ValueError"}, "Unhandled"), "internal", "ValueError", "writes", False),
        (answered({"errorType": "ValueError"}, "Handled"), "internal", "ValueError", "writes", False),
        (answered(b"<html>", "Unhandled"), "internal", "Unknown", "writes", False),
        (answered(result(customer_code="globex")), "internal", "WrongCustomer", "writes", False),
        (answered(result(run_id="r2")), "internal", "WrongCustomer", "writes", False),
        (READ_TIMEOUT, "timeout", "ReadTimeoutError", "writes", True),
        (client_error("ServiceException", 500), "timeout", "ServiceException", "writes", True),
        (IncompleteReadError(actual_bytes=1, expected_bytes=2), "timeout", "IncompleteReadError", "writes", True),
        *((client_error(code, 502), "internal", code, "never", False) for code in NEVER_STARTS),
        (client_error("AccessDeniedException", 403), "internal", "AccessDeniedException", "never", False),
        (client_error("ResourceNotFoundException", 404), "internal", "ResourceNotFoundException", "never", False),
        *((answered(body), "internal", "MalformedAnswer", "writes", False) for body in GARBAGE),
    ],
)
def test_every_failure_has_its_category(
    outcome: Any, category: str, kind: str, unknown: str, retryable: bool, writes: bool
) -> None:
    """Deaf to no failure; an outcome is unknown only where something may have run and could write."""
    if isinstance(outcome, dict):
        outcome["Payload"].seek(0)
    answer, fake = invoke(outcome, writes=writes)
    assert answer.result is None
    assert answer.error is not None
    assert (answer.error.category, answer.error.type) == (category, kind)
    assert answer.error.outcome_unknown == (writes and unknown == "writes")
    assert answer.error.retryable == retryable
    assert len(fake.calls) == 1  # nothing that may have run is sent again


def test_a_broken_answer_is_a_lost_answer() -> None:
    """The connection goes while the body is read: the worker has run."""

    class Broken:
        def read(self, _: int) -> bytes:
            raise ConnectionResetError

    answer, fake = invoke({"Payload": Broken()}, writes=True)
    assert answer.error is not None
    assert (answer.error.category, answer.error.outcome_unknown) == ("timeout", True)
    assert "its worker may go on for up to 290 seconds" in answer.error.message
    assert len(fake.calls) == 1


UNREACHED = "Lambda could not be reached to invoke the worker ({}: the service could not be reached; nothing was sent)"
PENDING = "The operation cannot be performed at this time. The function is currently in the following state: Pending"
NOTHING_RAN = [
    (throttled(), "Lambda throttled the worker"),
    (
        client_error("ResourceConflictException", 409, PENDING),
        "the worker function was not ready (ResourceConflictException)",
    ),
    (client_error("ENINotReadyException", 502), "the worker function was not ready (ENINotReadyException)"),
    (client_error("EC2ThrottledException", 502), "the worker function was not ready (EC2ThrottledException)"),
    (client_error("EFSMountTimeoutException", 408), "the worker function was not ready (EFSMountTimeoutException)"),
    (ConnectTimeoutError(endpoint_url="http://x"), UNREACHED.format("ConnectTimeoutError")),
    (EndpointConnectionError(endpoint_url="http://x"), UNREACHED.format("EndpointConnectionError")),
    (NoCredentialsError(), "Lambda could not be reached to invoke the worker (NoCredentialsError: no credentials"),
]


@pytest.mark.parametrize("refusal", [refusal for refusal, _ in NOTHING_RAN], ids=repr)
def test_what_certainly_ran_nothing_is_sent_again(refusal: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Throttled, not ready, or never sent: it is tried until there is no time left."""
    monkeypatch.setattr("ses_fleet.orchestrator.invoke._backoff", lambda _: 0.0)
    answer, fake = invoke(refusal, refusal, answered(result()), writes=True)
    assert answer.result is not None
    assert len(fake.calls) == 3


@pytest.mark.parametrize(("refusal", "reason"), NOTHING_RAN, ids=lambda value: repr(value)[:40])
def test_what_ran_nothing_until_it_is_too_late_is_not_started(
    refusal: Exception, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a result nor an error: nothing ran, and the reason says why."""
    monkeypatch.setattr("ses_fleet.orchestrator.invoke._backoff", lambda _: 0.0)
    tries = iter([WORK, WORK, None])
    answer, fake = invoke(refusal, refusal, make=lambda: next(tries), writes=True)
    assert (answer.result, answer.error, answer.turned_away) == (None, None, 2)
    assert answer.reason.startswith(reason)
    assert len(fake.calls) == 2


def test_nothing_is_sent_once_the_run_is_over() -> None:
    """Whoever still waits for its turn has missed it."""
    fake, closed = FakeLambda(), threading.Event()
    closed.set()
    answer = Invoker(AwsClient("lambda", fake), "worker", True, closed).invoke(lambda: WORK)
    assert (answer.result, answer.error) == (None, None)
    assert fake.calls == []


def test_nothing_of_a_foreign_message_is_kept() -> None:
    """An exception's text may hold anything, in any form."""
    text = 'no mail for "bo.ek"@acme.example with ASIAABCDEFGHIJKLMNOP\nINFO forged\x1b[31m'
    answer, _ = invoke(answered({"errorType": "Boom", "errorMessage": text}, "Unhandled"))
    assert answer.error is not None
    uncaught = "an exception that its code does not catch"
    assert answer.error.message == f"the worker failed (Boom): {uncaught}; the worker's log has it"


def test_the_log_tail_stands_in_for_the_lines_that_were_never_returned() -> None:
    """Our own lines by their message, Lambda's in short; others are counted."""
    ours = '{"service":"ses-fleet","message":"🔄 Customer acme: Starting"}'
    log = f"START RequestId: x\n{ours}\nboom for ada@acme.example\n"
    answer, _ = invoke(answered({"errorType": "Boom"}, "Unhandled", log))
    left_out = "… 1 line that is not ses-fleet's own left out; the worker's log has all"
    assert answer.log_tail == ("START RequestId: x", "🔄 Customer acme: Starting", left_out)
