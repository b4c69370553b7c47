"""What a FunctionError of Lambda means. Of its payload, which may hold anything, only the error's type is kept."""

from __future__ import annotations

import json
import re
from typing import Any

from ses_fleet import foreign_errors, limits
from ses_fleet.runs import unknown_outcome
from ses_fleet.runs.work import ErrorInfo
from ses_fleet.text import printable

_TIMED_OUT = re.compile(r"Task timed out after ([0-9]{1,6}(?:\.[0-9]{1,3})?) seconds")
_NO_MODULE = re.compile(r"No module named '([A-Za-z0-9_.]{1,100})'")
_EXIT = re.compile(r"exit status ([0-9]{1,3})\b")
_SIGNALS = "killed|aborted|terminated|interrupt|bus error|segmentation fault|illegal instruction|broken pipe"
_SIGNAL = re.compile(rf"signal: ({_SIGNALS})(?![^\s.,(])")
_FRAME = re.compile(r'File "([^"\n]{1,400})", line ([0-9]{1,7})')
# The runtime's own, of a function whose code it could not even load: nothing of it ran.
_CANNOT_START = {
    "Runtime.ImportModuleError": "its code or a package of it cannot be imported",
    "Runtime.HandlerNotFound": "its code has no handler of the configured name",
    "Runtime.MalformedHandlerName": "the configured name of its handler is malformed",
    "Runtime.UserCodeSyntaxError": "its code is not valid for this version of Python",
    "Runtime.InvalidEntrypoint": "its entry point cannot be started",
    "Runtime.InvalidWorkingDir": "its working directory cannot be used",
}
_ANSWERS = {
    "Function.ResponseSizeTooLarge": "its answer was larger than Lambda allows",
    "Runtime.MarshalError": "its answer was no JSON",
}
_DEPLOY = "nothing ran; deploy it again for the function's own architecture and Python version"


def told(body: bytes, *, writes: bool) -> ErrorInfo:
    """Return the customer's error for this payload; `writes` says whether the worker may have changed something."""
    payload = _payload(body)
    kind = foreign_errors.code(payload.get("errorType"))
    text = payload.get("errorMessage")
    text = text if isinstance(text, str) else ""
    if kind in _CANNOT_START:
        message = f"the worker function cannot start ({kind}): {_CANNOT_START[kind]}. {_DEPLOY}"
        return ErrorInfo(category="internal", type=kind, message=message)
    if kind == "Sandbox.Timedout" or _TIMED_OUT.search(text):
        return _timed_out(text, writes=writes)
    message = f"the worker failed ({kind}): {_why(kind, text, payload)}"
    if writes:
        message += unknown_outcome.WORKER_OVER
    shown = printable(message, limits.MAX_MESSAGE_CHARACTERS)
    return ErrorInfo(category="internal", type=kind, message=shown, outcome_unknown=writes)


def reason(body: bytes) -> str:
    """Return why a function failed, in words of ours: the type of its error, and what is known of that type."""
    payload = _payload(body)
    kind = foreign_errors.code(payload.get("errorType"))
    text = payload.get("errorMessage")
    text = text if isinstance(text, str) else ""
    if kind not in _CANNOT_START:
        return f"{kind}: {_why(kind, text, payload)}"
    # The name of a module says nothing of a person.
    module = _NO_MODULE.search(text)
    return f"{kind}: {_CANNOT_START[kind]}{f' (no module named {module.group(1)})' if module else ''}"


def _payload(body: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return payload if isinstance(payload, dict) else {}


def _timed_out(text: str, *, writes: bool) -> ErrorInfo:
    match = _TIMED_OUT.search(text)
    after = f": it ran for {match.group(1)} seconds" if match else ""
    message = f"the worker was stopped at its function timeout{after}"
    if writes:
        message += unknown_outcome.WORKER_OVER
    return ErrorInfo(
        category="timeout", type="Sandbox.Timedout", message=message, retryable=True, outcome_unknown=writes
    )


def _why(kind: str, text: str, payload: dict[str, Any]) -> str:
    signal, status = _SIGNAL.search(text), _EXIT.search(text)
    # Lambda says so when the kernel ended the process because its memory was used up.
    if kind == "Runtime.OutOfMemory" or (kind == "Runtime.ExitError" and signal and signal.group(1) == "killed"):
        return "its memory was used up; give the worker function more memory"
    if kind == "Runtime.ExitError" and signal:
        return f"its process was ended by a signal ({signal.group(1)})"
    if kind == "Runtime.ExitError":
        return f"its process ended by itself{f' with exit status {status.group(1)}' if status else ''}"
    if kind in _ANSWERS:
        return _ANSWERS[kind]
    return f"an exception that its code does not catch{foreign_errors.where(_frames(payload))}; the worker's log has it"


def _frames(payload: dict[str, Any]) -> list[tuple[str, int]]:
    trace = payload.get("stackTrace")
    entries = trace if isinstance(trace, list) else []
    found = [_FRAME.search(entry) for entry in entries if isinstance(entry, str)]
    return [(match.group(1), int(match.group(2))) for match in found if match]
