"""The ways in which an invocation can end, in Lambda's own words."""

from __future__ import annotations

import json
from dataclasses import dataclass

MAX_RESPONSE_BYTES = 6_291_556  # Lambda quota: 6 MB a response, as its own error message counts it


class RuntimeStoppedError(Exception):
    """The runtime is stopping, and the invocation has no outcome."""


class ThrottledError(Exception):
    """There is no concurrency left for this invocation. `reason` is Lambda's Reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Ending:
    """How an environment's work on one invocation ended. With `alive` the environment can be used again."""

    payload: bytes
    function_error: str | None = None
    alive: bool = True
    log_line: str | None = None

    @property
    def error_type(self) -> str | None:
        """The errorType of a failure, or None after a success."""
        return None if self.function_error is None else str(self._error.get("errorType") or "Unknown")

    @property
    def error_message(self) -> str:
        """The errorMessage of a failure, empty without one."""
        return str(self._error.get("errorMessage") or "")

    @property
    def _error(self) -> dict[str, object]:
        try:
            error = json.loads(self.payload)
        except ValueError:
            return {}
        return error if isinstance(error, dict) else {}


@dataclass(frozen=True)
class Outcome:
    """The answer to Invoke. `log_tail` is the last 4 KB that the invocation wrote."""

    request_id: str
    payload: bytes
    function_error: str | None
    log_tail: bytes
    environment_id: str
    duration_ms: float


def failed(error_type: str, message: str, *, log_line: str | None = None) -> Ending:
    """Return an ending that Lambda itself reports; the environment is gone."""
    payload = json.dumps({"errorType": error_type, "errorMessage": message}).encode()
    return Ending(payload, "Unhandled", alive=False, log_line=log_line)


def timed_out(request_id: str, seconds: int, now: str) -> Ending:
    """Return the ending of an invocation that took longer than the function's timeout."""
    text = f"Task timed out after {seconds}.00 seconds"
    return failed("Sandbox.Timedout", f"RequestId: {request_id} Error: {text}", log_line=f"{now} {request_id} {text}")


def exited(request_id: str, status: int) -> Ending:
    """Return the ending of a process that ended without an answer. `status` is Popen's: a negative one is a signal."""
    why = {0: "Runtime exited without providing a reason", -9: "Runtime exited with error: signal: killed"}.get(
        status, f"Runtime exited with error: exit status {status}"
    )
    message = f"RequestId: {request_id} Error: {why}"
    return failed("Runtime.ExitError", message, log_line=message)


def out_of_memory(request_id: str) -> Ending:
    """Return the ending of a process that used more than the function's memory."""
    message = f"RequestId: {request_id} Error: Runtime exited with error: signal: killed"
    return failed("Runtime.OutOfMemory", message, log_line=message)


def too_large(size: int) -> Ending:
    """Return the ending of a response that is larger than Lambda allows; the environment lives on."""
    message = (
        f"Response payload size ({size} bytes) exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes)."
    )
    payload = json.dumps({"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message}).encode()
    return Ending(payload, "Unhandled")
