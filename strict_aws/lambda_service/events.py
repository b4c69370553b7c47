"""Asynchronous invocations: events are queued, retried, and handed to a queue when all attempts fail."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from strict_aws.http.messages import AwsError
from strict_aws.lambda_runtime.function import EventSettings, FunctionSpec
from strict_aws.lambda_runtime.outcomes import Outcome, RuntimeStoppedError, ThrottledError

# Lambda developer guide, asynchronous invocation: two more attempts, after one and after two minutes.
RETRY_WAITS_SECONDS = (60.0, 120.0)
_THROTTLED_WAIT_SECONDS = 1.0
_MAX_ERROR_MESSAGE = 1024


@dataclass(frozen=True)
class Message:
    """A message for an SQS queue. Attributes are (data type, value) by name."""

    body: str
    attributes: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class EventQueue:
    """Runs events in threads of their own. `deliver(queue_arn, message)` is called for events that failed for good.

    `invoke(spec, payload, request_id)` runs one attempt; all attempts of an event have the id that its sender was
    answered. `waits` are the seconds before the second attempt, before the third, and so on.
    """

    invoke: Callable[[FunctionSpec, bytes, str], Outcome]
    deliver: Callable[[str, Message], None]
    waits: tuple[float, ...] = RETRY_WAITS_SECONDS

    def submit(self, find: Callable[[], tuple[FunctionSpec, EventSettings]], payload: bytes) -> str:
        """Accept an event and return its request id. `find` is called before every attempt."""
        request_id = str(uuid.uuid4())
        thread = threading.Thread(
            target=self._run, args=(find, payload, request_id), name=f"event-{request_id[:8]}", daemon=True
        )
        thread.start()
        return request_id

    def _run(self, find: Callable[[], tuple[FunctionSpec, EventSettings]], payload: bytes, request_id: str) -> None:
        accepted, failures = time.monotonic(), 0
        while True:
            try:
                spec, settings = find()
            except AwsError as error:
                if error.status != HTTPStatus.CONFLICT:
                    return  # the function is gone, and the event with it
                time.sleep(_THROTTLED_WAIT_SECONDS)  # Pending: nothing ran, it stays in the queue
                continue
            outcome: Outcome | None = None
            wait = _THROTTLED_WAIT_SECONDS
            try:
                outcome = self.invoke(spec, payload, request_id)
            except RuntimeStoppedError:
                return
            except ThrottledError:
                pass  # nothing ran: it stays in the queue
            if outcome is not None:
                if outcome.function_error is None:
                    return
                failures += 1
                wait = self.waits[min(failures, len(self.waits)) - 1]
            too_old = time.monotonic() + wait - accepted > settings.max_age_seconds
            if failures > settings.max_retries or too_old:
                self._give_up(spec, settings, payload, request_id, outcome, too_old=too_old)
                return
            time.sleep(wait)

    def _give_up(
        self,
        spec: FunctionSpec,
        settings: EventSettings,
        payload: bytes,
        request_id: str,
        outcome: Outcome | None,
        *,
        too_old: bool,
    ) -> None:
        if settings.dead_letters is not None:
            self.deliver(settings.dead_letters, _dead_letter(payload, request_id, outcome))
        if settings.on_failure is not None:
            record = _failure_record(spec, payload, request_id, outcome, too_old=too_old)
            self.deliver(settings.on_failure, Message(json.dumps(record)))


def _dead_letter(payload: bytes, request_id: str, outcome: Outcome | None) -> Message:
    """Return the event as it came; its attributes say why it failed (Lambda developer guide, dead-letter queues)."""
    attributes = {"RequestID": ("String", request_id), "ErrorCode": ("Number", "429" if outcome is None else "200")}
    message = "Rate Exceeded." if outcome is None else json.loads(outcome.payload).get("errorMessage", "")
    if message:
        attributes["ErrorMessage"] = ("String", str(message)[:_MAX_ERROR_MESSAGE])
    return Message(payload.decode(), attributes)


def _failure_record(
    spec: FunctionSpec, payload: bytes, request_id: str, outcome: Outcome | None, *, too_old: bool
) -> dict[str, Any]:
    """Return what an on-failure destination gets (Lambda developer guide, invocation records)."""
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"{spec.arn}:{spec.version}",
            "condition": "EventAgeExceeded" if too_old else "RetriesExhausted",
        },
        "requestPayload": json.loads(payload),
    }
    if outcome is not None:
        record["responseContext"] = {
            "statusCode": 200,
            "executedVersion": spec.version,
            "functionError": outcome.function_error,
        }
        record["responsePayload"] = json.loads(outcome.payload)
    return record
