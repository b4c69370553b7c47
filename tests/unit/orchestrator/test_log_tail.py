"""The tail of a worker's log: no line of others gets through, in neither of Lambda's two formats."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_fleet.orchestrator.log_tail import log_lines

ID = "8f5b1c2a-0000-4000-8000-123456789012"


def shown(*lines: Any) -> tuple[str, ...]:
    """What is shown of a log of these lines."""
    text = "\n".join(line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines)
    return log_lines(base64.b64encode(text.encode()).decode())


def platform(kind: str, **record: Any) -> dict[str, Any]:
    """An event of a function with `LogFormat: JSON`."""
    return {"time": "2026-03-01T06:00:00.000Z", "type": f"platform.{kind}", "record": record}


def ours(message: str) -> dict[str, Any]:
    """A record as Powertools writes it."""
    return {"level": "INFO", "location": "_log:144", "message": message, "service": "ses-fleet", "customer_code": "a"}


def test_a_crash_in_the_format_json() -> None:
    """Our records by their message, the platform's events in short, the exception by its type and place."""
    crash = {
        "timestamp": "2026-03-01T06:00:00Z",
        "log_level": "ERROR",
        "errorMessage": "no mail for ada@acme.example",
        "errorType": "ValueError",
        "requestId": ID,
        "stackTrace": ['  File "/var/task/ses_fleet/worker/context.py", line 12, in x\n    y\n'],
    }
    measured = f"RequestId: {ID} Duration: 12.5 ms Memory Size: 256 MB Max Memory Used: 90 MB"
    metrics = {"durationMs": 12.5, "billedDurationMs": 13, "memorySizeMB": 256, "maxMemoryUsedMB": 90}
    assert shown(
        platform("initStart", runtimeVersion="python:3.13.v1"),
        platform("start", requestId=ID, version="$LATEST"),
        ours("🔄 Customer a: Starting processing"),
        crash,
        platform("report", requestId=ID, metrics=metrics, status="error", errorType="ValueError"),
    ) == (
        "INIT_START",
        f"START RequestId: {ID}",
        "🔄 Customer a: Starting processing",
        "[ERROR] ValueError at ses_fleet/worker/context.py:12",
        f"REPORT {measured} Status: error Error Type: ValueError",
    )


def test_a_timeout_in_the_format_json() -> None:
    """The report says so."""
    metrics = {"durationMs": 3000.0, "memorySizeMB": 256}
    lines = shown(ours("x"), platform("report", requestId=ID, metrics=metrics, status="timeout"))
    assert lines == ("x", f"REPORT RequestId: {ID} Duration: 3000 ms Memory Size: 256 MB Status: timeout")


def test_a_crash_in_the_format_text() -> None:
    """The same, of text."""
    sizes = ["Memory Size: 256 MB", "Max Memory Used: 90 MB"]
    assert shown(
        f"START RequestId: {ID} Version: $LATEST",
        ours("🔄 Customer a: Starting processing"),
        "[ERROR] ValueError: no mail for ada@acme.example",
        "Traceback (most recent call last):",
        '  File "/var/task/ses_fleet/worker/context.py", line 12, in x',
        f"END RequestId: {ID}",
        "\t".join([f"REPORT RequestId: {ID}", "Duration: 12.50 ms", "Billed Duration: 13 ms", *sizes, ""]),
    ) == (
        f"START RequestId: {ID}",
        "🔄 Customer a: Starting processing",
        "[ERROR] ValueError",
        f"END RequestId: {ID}",
        f"REPORT RequestId: {ID} Duration: 12.50 ms Memory Size: 256 MB Max Memory Used: 90 MB",
        "… 2 lines that are not ses-fleet's own left out; the worker's log has all",
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f"2026-03-01T06:00:00.000Z {ID} Task timed out after 3.00 seconds", "Task timed out after 3.00 seconds"),
        (
            f"RequestId: {ID} Error: Runtime exited with error: signal: killed",
            f"RequestId: {ID} Error: Runtime exited with signal: killed",
        ),
        (
            f"RequestId: {ID} Error: Runtime exited with error: exit status 1",
            f"RequestId: {ID} Error: Runtime exited with exit status 1",
        ),
        (f"[ERROR] 2026-03-01T06:00:00.000Z {ID} x".replace(" 2", "\t2", 1), None),
        (
            "INIT_REPORT Init Duration: 9999.00 ms Phase: invoke Status: timeout",
            "INIT_REPORT Init Duration: 9999.00 ms Status: timeout",
        ),
    ],
)
def test_lambdas_own_lines_of_text(line: str, said: str | None) -> None:
    """Their numbers and words are kept, in our order."""
    assert shown(line)[0] == (said or shown("x")[0])


FOREIGN: list[Any] = [
    '"bo.ek"@acme.example is wrong',
    "ana,lee@acme.example",
    {"level": "WARNING", "message": "cy(work)@acme.example", "logger": "botocore", "timestamp": "x"},
    {"message": "ada%40x.example"},
    {"service": "other", "message": "ada at x.example"},
    {"service": "ses-fleet", "message": {"a": "ada@x.example"}},
    {"errorType": "ada@x.example", "errorMessage": "ada@x.example", "stackTrace": ["ada@x.example", 5]},
    platform("ada@x.example", status="ada@x.example"),
    platform("report", requestId="ada@x.example", status="ada@x.example", metrics={"durationMs": "ada@x.example"}),
    ["ada@x.example"],
    "[ERROR] ada@x.example",
    "START RequestId: ada@x.example",
    'cut {"message": "ada@x.example"}',
    '{"service": "ses-fleet", "message": "ada@x.exam',
]


@pytest.mark.parametrize("line", FOREIGN, ids=range(len(FOREIGN)))
def test_nothing_of_others_is_shown(line: Any) -> None:
    """No address in whatever form, no raw JSON."""
    text = " ".join(shown(line))
    assert not any(part in text for part in ("@", "%40", "x.example", "acme", "{", "ana", "cy("))


@given(st.lists(st.text(), max_size=5))
def test_whatever_is_logged_lines_are_printable(lines: list[str]) -> None:
    """Nothing forges a line."""
    encoded = base64.b64encode("\n".join(lines).encode(errors="replace")).decode()
    assert all(line.isprintable() for line in log_lines(encoded))


def test_what_is_no_base64_has_no_lines() -> None:
    """Nothing is better than garbage."""
    assert log_lines("not base64!") == ()
