"""The orchestrator's boundary: what it raises is printed by the runtime, and goes to dead letters."""

from __future__ import annotations

from typing import Any

import pytest

from ses_fleet.aws import clients, kept_clients
from ses_fleet.aws.clients import AwsClient
from ses_fleet.errors import AwsCallError, OrchestratorError, RequestError
from ses_fleet.orchestrator import service
from tests.unit.orchestrator.deployed import Deployed, customers, fine

VARIABLES = {
    "AWS_REGION": "us-east-1",
    "CONFIG_BUCKET": "config",
    "RESULTS_BUCKET": "results",
    "WORKER_FUNCTION_NAME": "worker",
}


class Context:
    """What Lambda tells of an invocation."""

    aws_request_id = "q1"
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:o"

    def get_remaining_time_in_millis(self) -> int:
        """Plenty."""
        return 900_000


class S3(AwsClient):
    """An S3 that does this with every request."""

    def __init__(self, outcome: Exception) -> None:
        super().__init__("s3", None)
        self.outcome = outcome
        self.written: list[bytes] = []

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Fail, but for refusals."""
        if operation == "put_object":
            self.written.append(parameters["Body"])
            return {}
        raise self.outcome


def raised(monkeypatch: pytest.MonkeyPatch, outcome: Exception, payload: dict[str, Any]) -> tuple[Exception, S3]:
    """What comes out of the function."""
    s3 = S3(outcome)
    kept_clients.forget()
    monkeypatch.setattr(clients, "client", lambda *_, **__: s3)
    with pytest.raises(Exception) as error:  # noqa: PT011  # which one is what the tests ask
        service.handle(payload, Context(), VARIABLES)
    return error.value, s3


def test_what_breaks_is_told_by_its_type_and_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own text may have an address in it."""
    payload = {"action": "describe-list-all", "run_id": "r1"}
    error, _ = raised(monkeypatch, ValueError("ada@corp.example"), payload)
    assert isinstance(error, OrchestratorError)
    assert str(error).startswith("the orchestrator failed unexpectedly: ValueError at ")
    assert "ada" not in str(error)
    assert (error.__cause__, error.__suppress_context__) == (None, True)


def test_a_refusal_is_stored_and_raised_without_what_was_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown action, an unknown field, a value: none of them is in the record or in the exception."""
    missing = AwsCallError("s3", "get_object", "refused", "NoSuchKey", "no", 404)
    payload = {
        "action": "ada@corp.example",
        "run_id": "r1",
        "ada@corp.example": "ada@corp.example",
        "params": "ada@corp.example",
        "include": ["ada@corp.example", 5],
    }
    error, s3 = raised(monkeypatch, missing, payload)
    assert isinstance(error, RequestError)
    assert len(s3.written) == 1
    assert b"ada" not in s3.written[0]
    assert "ada" not in str(error)
    assert b'"exit_code":2' in s3.written[0]


def test_the_reapers_event_is_answered_with_what_it_did(monkeypatch: pytest.MonkeyPatch) -> None:
    """No run is started; without an answer of S3 it fails, so that the alarm sees it."""
    there = Deployed(monkeypatch, customers("a"), fine)
    assert there.invoke({"reap": True}) == {"open": 0, "closed": [], "continued": [], "sent_again": [], "failed": []}

    def happens(operation: str, _key: str, _done: bool) -> None:
        raise AwsCallError("s3", operation, "lost", "SlowDown", "no", 503)

    there.s3.hook.happens = happens
    with pytest.raises(AwsCallError, match="SlowDown"):
        there.invoke({"reap": True})
    assert there.lambda_.items == []


@pytest.mark.parametrize(
    "event",
    [{"reap": 1}, {"reap": False}, {"reap": True, "run_id": "r1"}, {"cancel": 5}, {"cancel": "r1", "dry_run": True}],
)
def test_a_malformed_event_of_ours_is_refused(monkeypatch: pytest.MonkeyPatch, event: dict[str, Any]) -> None:
    """It starts and cancels nothing."""
    there = Deployed(monkeypatch, customers("a"), fine)
    with pytest.raises(RequestError):
        there.invoke(event)
    assert there.lambda_.items == []
    assert there.s3.keys() == there.s3.keys("runs/r1/refusals/")
