"""What Lambda's own payloads of a failed function are told as."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ses_fleet.runs import function_errors
from ses_fleet.runs.work import ErrorInfo


def told(error_type: Any, message: Any = "", *, writes: bool = True, **more: Any) -> ErrorInfo:
    """The error of such a payload."""
    payload = {"errorType": error_type, "errorMessage": message, **more}
    return function_errors.told(json.dumps(payload).encode(), writes=writes)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("Runtime.OutOfMemory", "RequestId: x Error: Runtime exited with error: signal: killed"),
        ("Runtime.ExitError", "RequestId: x Error: Runtime exited with error: signal: killed"),
    ],
)
def test_a_killed_process_is_told_as_out_of_memory(kind: str, message: str) -> None:
    """It is what Lambda says when the kernel ends it for its memory; the advice is more of that."""
    error = told(kind, message)
    assert "its memory was used up; give the worker function more memory" in error.message
    assert (error.type, error.outcome_unknown) == (kind, True)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            "RequestId: x Error: Runtime exited with error: exit status 1",
            "its process ended by itself with exit status 1",
        ),
        (
            "RequestId: x Error: Runtime exited with error: signal: aborted",
            "its process was ended by a signal (aborted)",
        ),
        ("RequestId: x Error: Runtime exited without providing a reason", "its process ended by itself"),
        ("signal: ada@acme.example", "its process ended by itself"),
    ],
)
def test_another_exit_is_not(message: str, said: str) -> None:
    """A process that ends by itself has memory enough."""
    error = told("Runtime.ExitError", message, writes=False)
    assert error.message == f"the worker failed (Runtime.ExitError): {said}"


@pytest.mark.parametrize("kind", ["Runtime.ImportModuleError", "Runtime.HandlerNotFound", "Runtime.InvalidEntrypoint"])
def test_a_function_that_cannot_start_ran_nothing(kind: str) -> None:
    """Said as such, with what to do; nothing is unknown."""
    error = told(kind, "Unable to import module 'ses_fleet.worker.handler': No module named 'ada@acme.example'")
    assert error.message.startswith(f"the worker function cannot start ({kind}): ")
    assert "nothing ran; deploy it again" in error.message
    assert (error.category, error.outcome_unknown) == ("internal", False)
    assert "ada" not in error.message


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("Function.ResponseSizeTooLarge", "its answer was larger than Lambda allows"),
        ("Runtime.MarshalError", "its answer was no JSON"),
    ],
)
def test_an_answer_that_lambda_did_not_take_is_said_to_be(kind: str, said: str) -> None:
    """Something ran, and may have written."""
    error = told(kind, "Response payload size exceeded for ada@acme.example")
    assert f"({kind}): {said}; it may have changed something" in error.message
    assert error.outcome_unknown


@pytest.mark.parametrize("kind", ["Sandbox.Timedout", None])
def test_a_timeout_says_how_long_it_ran(kind: str | None) -> None:
    """The number is all that is taken of Lambda's text."""
    error = told(kind, "RequestId: x Error: Task timed out after 290.05 seconds")
    assert error.message.startswith("the worker was stopped at its function timeout: it ran for 290.05 seconds; it may")
    assert (error.category, error.type, error.retryable, error.outcome_unknown) == (
        "timeout",
        "Sandbox.Timedout",
        True,
        True,
    )


def test_an_exception_is_told_by_type_and_place() -> None:
    """The last line of ours; never its text."""
    trace = [
        '  File "/var/task/ses_fleet/worker/service.py", line 36, in run\n    x\n',
        '  File "/var/task/pydantic/main.py", line 9, in y\n',
    ]
    error = told("KeyError", "'ada@acme.example'", writes=False, stackTrace=trace)
    where = "ses_fleet/worker/service.py:36"
    assert error.message == (
        f"the worker failed (KeyError): an exception that its code does not catch at {where}; the worker's log has it"
    )


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"5", b"[" * 100_000, b"\xff", b'{"errorType": {"a": 1}, "errorMessage": [1]}']
)
def test_whatever_the_payload_is_there_is_an_error(body: bytes) -> None:
    """Of an unknown type."""
    error = function_errors.told(body, writes=True)
    assert (error.category, error.type, error.outcome_unknown) == ("internal", "Unknown", True)


@pytest.mark.parametrize("kind", ["ada@acme.example", '"bo.ek"@acme.example', "two words", "x" * 200])
def test_a_type_that_is_none_is_not_kept(kind: str) -> None:
    """A foreign field may hold anything."""
    assert told(kind).type == "Unknown"


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (
            {"errorType": "Runtime.ImportModuleError", "errorMessage": "No module named 'ses_fleet.x'"},
            "Runtime.ImportModuleError: its code or a package of it cannot be imported (no module named ses_fleet.x)",
        ),
        (
            {"errorType": "Runtime.ImportModuleError", "errorMessage": "ada@corp.example"},
            "Runtime.ImportModuleError: its code or a package of it cannot be imported",
        ),
        ({"errorType": "Runtime.ExitError"}, "Runtime.ExitError: its process ended by itself"),
        ({"errorType": "KeyError", "errorMessage": 5}, "KeyError: an exception"),
    ],
)
def test_a_reason_names_the_module_that_is_missing(payload: dict[str, Any], said: str) -> None:
    """It is a name in somebody's code; nothing else of the message is kept."""
    told = function_errors.reason(json.dumps(payload).encode())
    assert told.startswith(said)
    assert "corp" not in told
