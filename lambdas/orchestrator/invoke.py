"""One Invoke of the worker, and what every way it can end means for the customer. Runs in pool threads."""

from __future__ import annotations

import base64
import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from shared import limits
from shared.aws import AwsClient
from shared.errors import AwsCallError
from shared.models import ErrorInfo, WorkItem, WorkResult
from shared.text import masked, printable

_FIRST_BACKOFF_SECONDS = 0.2
_LONGEST_BACKOFF_SECONDS = 5.0


@dataclass(frozen=True)
class Answer:
    """What one slice came to: `result`, or `error` (something ran or may have), or neither: nothing ran."""

    seconds: float
    result: WorkResult | None = None
    error: ErrorInfo | None = None
    log_tail: tuple[str, ...] = ()
    throttled: int = 0


@dataclass(frozen=True)
class Invoker:
    """Invokes the worker function.

    `closed` is set when the run is over: from then on no thread that is still waiting sends anything,
    not even in a later invocation of the same environment.
    """

    client: AwsClient
    function_name: str
    writes: bool
    closed: threading.Event

    def invoke(self, make_work: Callable[[], WorkItem | None]) -> Answer:
        """Send one slice and wait for its answer. Only what certainly ran nothing is sent again.

        `make_work` is asked before every try, so that the budget it carries is never stale; None = too late to start.
        """
        throttled = 0
        while not self.closed.is_set() and (item := make_work()) is not None:
            started = time.monotonic()
            try:
                response = self.client.call(
                    "invoke",
                    FunctionName=self.function_name,
                    Payload=item.model_dump_json().encode(),
                    LogType="Tail",
                )
                body = self.client.read_body("invoke", response, limits.LAMBDA_PAYLOAD_BYTES * 2)
            except AwsCallError as failure:
                if failure.kind == "throttled":
                    throttled += 1
                    self.closed.wait(_backoff(throttled))
                    continue
                return Answer(time.monotonic() - started, error=self._call_failed(failure))
            return self._read(item, response, body, time.monotonic() - started)
        return Answer(0.0, throttled=throttled)

    def _read(self, item: WorkItem, response: dict[str, Any], body: bytes, seconds: float) -> Answer:
        if response.get("FunctionError"):
            error = self._function_failed(body)
            return Answer(seconds, error=error, log_tail=log_lines(response.get("LogResult", "")))
        try:
            result = WorkResult.model_validate_json(body)
        except ValidationError:
            return Answer(seconds, error=self._internal("MalformedAnswer", "its answer was no result"))
        if (result.customer_code, result.run_id) != (item.customer.customer_code, item.run_id):
            text = f"it answered for {printable(result.customer_code, 60)} of run {printable(result.run_id, 60)}"
            return Answer(seconds, error=self._internal("WrongCustomer", text))
        return Answer(seconds, result=result)

    def _call_failed(self, failure: AwsCallError) -> ErrorInfo:
        if failure.kind == "refused":
            message = f"the worker {self.function_name} could not be invoked ({failure.code}): {failure.text}"
            return ErrorInfo(category="internal", type=failure.code, message=message)
        reached = failure.kind != "unreachable"
        what = "no answer came back from" if reached else "Lambda could not be reached to invoke"
        message = f"{what} the worker ({failure.code})"
        if reached and self.writes:
            message += "; it may have changed something: look, or run this customer again, which is safe"
        return ErrorInfo(
            category="timeout",
            type=failure.code,
            message=message,
            retryable=True,
            outcome_unknown=reached and self.writes,
        )

    def _function_failed(self, body: bytes) -> ErrorInfo:
        """A FunctionError: the payload is Lambda's or the runtime's own, not ours."""
        try:
            payload = json.loads(body)
        except ValueError:
            payload = None
        payload = payload if isinstance(payload, dict) else {}
        kind = printable(str(payload.get("errorType") or "Unknown"), 80)
        text = masked(str(payload.get("errorMessage") or ""))
        if kind == "Sandbox.Timedout" or "Task timed out after" in text:
            return ErrorInfo(
                category="timeout",
                type="Sandbox.Timedout",
                message=f"the worker was stopped at its function timeout: {text}",
                retryable=True,
                outcome_unknown=self.writes,
            )
        if kind == "Runtime.OutOfMemory":
            text += "; give the worker function more memory"
        return self._internal(kind, text)

    def _internal(self, kind: str, text: str) -> ErrorInfo:
        message = printable(f"the worker failed ({kind}): {text}", limits.MAX_MESSAGE_CHARACTERS)
        return ErrorInfo(category="internal", type=kind, message=message, outcome_unknown=self.writes)


def log_lines(log_result: str) -> tuple[str, ...]:
    """The lines of a base64 LogResult (the last 4 KB): our own by their message, others masked."""
    try:
        text = base64.b64decode(log_result).decode(errors="replace")
    except ValueError:
        return ()
    return tuple(_log_line(line) for line in text.splitlines() if line.strip())


def _log_line(line: str) -> str:
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    message = record.get("message") if isinstance(record, dict) else None
    return printable(message, 1_000) if isinstance(message, str) else masked(line, 1_000)


def _backoff(attempt: int) -> float:
    longest = min(_LONGEST_BACKOFF_SECONDS, _FIRST_BACKOFF_SECONDS * 2 ** min(attempt, 10))
    return random.uniform(longest / 2, longest)  # noqa: S311  # jitter, not a secret
