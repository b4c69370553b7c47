"""Asynchronous invocations: two more attempts, then the on-failure destination."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from strict_aws.http.messages import AwsError
from strict_aws.lambda_runtime.function import EventSettings, FunctionSpec
from strict_aws.lambda_runtime.outcomes import Outcome, RuntimeStoppedError, ThrottledError
from strict_aws.lambda_service import events
from strict_aws.lambda_service.events import EventQueue, Message

SPEC = FunctionSpec(
    "f", "arn:aws:lambda:us-east-1:1:function:f", "$LATEST", "h", b"", "x", 3, 128, {}, "r", "us-east-1", None
)


class Queue:
    """Runs one event to its end with made-up outcomes."""

    def __init__(self, *outcomes: Any, settings: EventSettings) -> None:
        self.calls = 0
        self.ids: list[str] = []
        self.delivered: list[Message] = []
        self._outcomes = list(outcomes)
        queue = EventQueue(self._invoke, lambda _, message: self.delivered.append(message), waits=(0.0, 0.0))
        self.answered = queue.submit(lambda: (SPEC, settings), b'{"a": 1}')
        for thread in threading.enumerate():
            if thread.name.startswith("event-"):
                thread.join(5)

    def _invoke(self, spec: FunctionSpec, payload: bytes, request_id: str) -> Outcome:
        self.calls += 1
        self.ids.append(request_id)
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return Outcome(
            "q", b'{"errorType": "X", "errorMessage": "boom"}', outcome, b"", f"{spec.name}{len(payload)}", 1.0
        )


def test_every_attempt_has_the_id_that_the_sender_was_answered() -> None:
    """So a function knows an event that it gets again, and its sender finds what it did with it."""
    queue = Queue("Unhandled", None, settings=EventSettings(2, 21_600, None))
    assert queue.ids == [queue.answered] * 2


@pytest.mark.parametrize(
    ("outcomes", "retries", "calls", "delivered"),
    [
        ([None], 2, 1, 0),
        (["Unhandled", None], 2, 2, 0),
        (["Unhandled"] * 3, 2, 3, 1),
        (["Unhandled"] * 2, 1, 2, 1),
        (["Unhandled"], 0, 1, 1),
        ([RuntimeStoppedError()], 2, 1, 0),
    ],
)
def test_a_failed_event_is_tried_again_as_often_as_configured(
    outcomes: list[Any], retries: int, calls: int, delivered: int
) -> None:
    """Then its record goes to the destination."""
    queue = Queue(*outcomes, settings=EventSettings(retries, 21_600, "arn:aws:sqs:us-east-1:1:q"))
    assert (queue.calls, len(queue.delivered)) == (calls, delivered)


def test_the_record_says_what_failed() -> None:
    """Request, condition and the function's error, as Lambda writes it."""
    (message,) = Queue("Unhandled", settings=EventSettings(0, 60, "arn:aws:sqs:us-east-1:1:q")).delivered
    record = json.loads(message.body)
    assert record["requestPayload"] == {"a": 1}
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["responseContext"]["functionError"] == "Unhandled"
    assert record["responsePayload"] == {"errorType": "X", "errorMessage": "boom"}


def test_throttled_events_wait_and_grow_too_old() -> None:
    """A throttle is no failure, but an event has an age."""
    assert Queue(ThrottledError("r"), None, settings=EventSettings(0, 60, None)).calls == 2
    (message,) = Queue(ThrottledError("r"), settings=EventSettings(2, 0, "arn:aws:sqs:us-east-1:1:q")).delivered
    assert json.loads(message.body)["requestContext"]["condition"] == "EventAgeExceeded"


def test_without_a_destination_nothing_is_delivered() -> None:
    """The event is lost then, as it is with Lambda."""
    assert Queue("Unhandled", settings=EventSettings(0)).delivered == []


def test_a_dead_letter_is_the_event_as_it_came() -> None:
    """Why it died is in the message's attributes; a queue of both kinds gets both."""
    arn = "arn:aws:sqs:us-east-1:1:q"
    (message,) = Queue("Unhandled", settings=EventSettings(0, dead_letters=arn)).delivered
    assert message.body == '{"a": 1}'
    assert message.attributes["ErrorCode"] == ("Number", "200")
    assert set(message.attributes) == {"RequestID", "ErrorCode", "ErrorMessage"}
    assert len(Queue("Unhandled", settings=EventSettings(0, on_failure=arn, dead_letters=arn)).delivered) == 2


def test_an_event_waits_for_a_function_that_is_pending(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing ran, and no attempt is counted."""
    monkeypatch.setattr(events, "_THROTTLED_WAIT_SECONDS", 0.0)
    pending = AwsError("ResourceConflictException", "Pending", 409)
    assert found(pending, pending, (SPEC, EventSettings(0))) == 1


def test_an_event_of_a_function_that_is_gone_is_gone() -> None:
    """It is dropped without an error and without a delivery."""
    assert found(AwsError("ResourceNotFoundException", "Function not found", 404)) == 0


def found(*answers: Any) -> int:
    """How often it ran, with what is found of the function before each attempt."""
    left, ran = list(answers), []

    def find() -> tuple[FunctionSpec, EventSettings]:
        answer = left.pop(0)
        if isinstance(answer, AwsError):
            raise answer
        return answer  # type: ignore[no-any-return]

    def invoke(spec: FunctionSpec, _: bytes, _id: str) -> Outcome:
        ran.append(spec)
        return Outcome("q", b"{}", None, b"", "e", 1.0)

    EventQueue(invoke, lambda *_: None).submit(find, b"{}")
    for thread in threading.enumerate():
        if thread.name.startswith("event-"):
            thread.join(5)
    assert left == []
    return len(ran)
