"""One invocation of the worker, and what each way in which it can end means for the customer. For pool threads."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from ses_fleet import limits
from ses_fleet.aws.clients import AwsClient
from ses_fleet.errors import AwsCallError
from ses_fleet.orchestrator.log_tail import log_lines
from ses_fleet.runs import function_errors, unknown_outcome
from ses_fleet.runs.work import ErrorInfo, WorkItem, WorkResult
from ses_fleet.text import printable

# Lambda did not get as far as running anything, and may do so a moment later (API reference, errors of Invoke): the
# function is Pending or being updated (409), its network or file system is not ready yet, or a quota of them is used.
NOT_READY = frozenset(
    {"ResourceConflictException", "ResourceNotReadyException", "SnapStartNotReadyException",
     "CodeArtifactUserPendingException", "EC2ThrottledException", "EC2UnexpectedException",
     "ENILimitReachedException", "ENINotReadyException", "SubnetIPAddressLimitReachedException",
     "EFSMountConnectivityException", "EFSMountTimeoutException", "S3FilesMountConnectivityException",
     "S3FilesMountTimeoutException"}
)  # fmt: skip
# Nothing ran either, and nothing will before somebody mends the function (the same page). Lambda answers some of them
# with 502, which alone does not tell: 502 and 500 are also the answers to calls that may have run.
_CANNOT_START = frozenset(
    {"EC2AccessDeniedException", "EFSMountFailureException", "S3FilesMountFailureException",
     "InvalidRuntimeException", "InvalidSecurityGroupIDException", "InvalidSubnetIDException",
     "InvalidZipFileException", "KMSAccessDeniedException", "KMSDisabledException", "KMSInvalidStateException",
     "KMSNotFoundException"}
)  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """What one slice came to: `result`, or `error` (something ran or may have run), or neither: nothing ran.

    `seconds` is how long the last try took, `attempts` how many tries were sent. `turned_away` counts those of which
    nothing ran, `reason` says why of the last of them, as the beginning of a sentence.
    """

    seconds: float
    result: WorkResult | None = None
    error: ErrorInfo | None = None
    log_tail: tuple[str, ...] = ()
    turned_away: int = 0
    reason: str = ""
    attempts: int = 0


@dataclass(frozen=True)
class Invoker:
    """Invokes the worker function.

    `writes` says whether the worker may change something. `closed` is set when the fan-out is over: from then on no
    thread that still waits sends anything, not even in a later invocation of the same environment.
    """

    client: AwsClient
    function_name: str
    writes: bool
    closed: threading.Event

    def invoke(self, make_work: Callable[[], WorkItem | None]) -> Answer:
        """Send one slice and return its answer. Only a try that certainly ran nothing is sent again.

        `make_work` is asked before every try, so that the time it carries is never stale; None = too late to start.
        """
        attempts, turned_away, reason = 0, 0, ""
        while not self.closed.is_set() and (item := make_work()) is not None:
            attempts += 1
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
                passing = _why_nothing_ran(failure)
                if passing is None:
                    answer = Answer(time.monotonic() - started, error=self._call_failed(failure))
                    return replace(answer, attempts=attempts)
                turned_away, reason = turned_away + 1, passing
                self.closed.wait(_backoff(turned_away))
                continue
            return replace(self._read(item, response, body, time.monotonic() - started), attempts=attempts)
        return Answer(0.0, turned_away=turned_away, reason=reason, attempts=attempts)

    def _read(self, item: WorkItem, response: dict[str, Any], body: bytes, seconds: float) -> Answer:
        if response.get("FunctionError"):
            error = function_errors.told(body, writes=self.writes)
            return Answer(seconds, error=error, log_tail=log_lines(response.get("LogResult", "")))
        try:
            result = WorkResult.model_validate_json(body)
        except ValidationError:
            return Answer(seconds, error=self._internal("MalformedAnswer", "its answer was no result"))
        if (result.customer_code, result.run_id) != (item.customer.customer_code, item.run_id):
            return Answer(seconds, error=self._internal("WrongCustomer", "it answered for another customer or run"))
        if result.continuation is not None and len(body) > limits.MAX_CONTINUATION_BYTES:
            return Answer(seconds, error=self._internal("ContinuationTooLarge", "what is left of its work is too much"))
        return Answer(seconds, result=result)

    def _call_failed(self, failure: AwsCallError) -> ErrorInfo:
        if failure.kind == "refused" or failure.code in _CANNOT_START:
            message = f"the worker {self.function_name} could not be invoked ({failure.code}): {_advice(failure)}"
            return ErrorInfo(category="internal", type=failure.code, message=message)
        message = f"no answer came back from the worker ({failure.code})"
        if self.writes:
            message += unknown_outcome.WORKER_MAY_GO_ON
        return ErrorInfo(
            category="timeout",
            type=failure.code,
            message=message,
            retryable=True,
            outcome_unknown=self.writes,
        )

    def _internal(self, kind: str, text: str) -> ErrorInfo:
        message = printable(f"the worker failed ({kind}): {text}", limits.MAX_MESSAGE_CHARACTERS)
        return ErrorInfo(category="internal", type=kind, message=message, outcome_unknown=self.writes)


def _backoff(attempt: int) -> float:
    longest = min(limits.INVOKE_BACKOFF_SECONDS[1], limits.INVOKE_BACKOFF_SECONDS[0] * 2 ** min(attempt, 10))
    return random.uniform(longest / 2, longest)  # noqa: S311  # jitter, not a secret


def _why_nothing_ran(failure: AwsCallError) -> str | None:
    """Return why nothing ran although it may run later, or None when something may have run, or never will."""
    if failure.kind == "throttled":
        return "Lambda throttled the worker"
    if failure.kind == "unreachable":
        return f"Lambda could not be reached to invoke the worker ({failure.code}: {failure.text})"
    if failure.code in NOT_READY:
        return f"the worker function was not ready ({failure.code})"
    return None


def _advice(failure: AwsCallError) -> str:
    if failure.code not in _CANNOT_START:
        return failure.text
    return "nothing ran; Lambda cannot start the function: look at its configuration, and deploy it again"
