"""The tail of a worker's log, when the worker itself could not return its lines.

Kept are our own records' messages, Lambda's lines on the invocation in short, and exceptions by their type. What a
library or an exception says may hold anything, so the rest is left out and counted. Functions write text or, with
`LogFormat: JSON`, a JSON object a line.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from ses_fleet import foreign_errors, limits
from ses_fleet.logs import SERVICE
from ses_fleet.text import printable

_ID = r"(?P<id>[A-Za-z0-9-]{1,64})"
_NUMBER = r"[0-9]{1,12}(?:\.[0-9]{1,6})?"


def log_lines(log_result: str) -> tuple[str, ...]:
    """Return the lines of a base64 LogResult (the last 4 KB) that may be shown; the last says how many are left out."""
    try:
        text = base64.b64decode(log_result).decode(errors="replace")
    except ValueError:
        return ()
    lines = [line for line in text.splitlines() if line.strip()]
    shown = [line for line in map(_line, lines) if line is not None]
    left_out = len(lines) - len(shown)
    if left_out:
        which = "1 line that is" if left_out == 1 else f"{left_out} lines that are"
        shown.append(f"… {which} not ses-fleet's own left out; the worker's log has all")
    return tuple(shown)


def _line(line: str) -> str | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return _of_text(line)
    return _of_record(record) if isinstance(record, dict) else None


def _of_record(record: Mapping[str, Any]) -> str | None:
    """A JSON record: ours by its message, an exception by its type, an event of the platform in short."""
    if isinstance(record.get("errorType"), str):
        return _exception(record["errorType"], record.get("stackTrace"))
    kind = record.get("type")
    if isinstance(kind, str) and kind.startswith("platform."):
        details = record.get("record")
        return _of_platform(kind.removeprefix("platform."), details if isinstance(details, dict) else {})
    message = record.get("message")
    ours = record.get("service") == SERVICE and isinstance(message, str)
    return printable(message, limits.MAX_LOG_LINE_CHARACTERS) if ours else None


def _exception(kind: str, trace: object) -> str:
    entries = [entry for entry in trace if isinstance(entry, str)] if isinstance(trace, list) else []
    found = [re.search(r'File "([^"\n]{1,400})", line ([0-9]{1,7})', entry) for entry in entries]
    where = foreign_errors.where((match.group(1), int(match.group(2))) for match in found if match)
    return f"[ERROR] {foreign_errors.code(kind)}{where}"


def _of_platform(kind: str, details: Mapping[str, Any]) -> str:
    name = _PLATFORM.get(kind, f"platform.{foreign_errors.code(kind)}")
    metrics = details.get("metrics")
    parts = [*_identified(details), *_measured(metrics if isinstance(metrics, dict) else {})]
    parts += [
        f"{label}: {foreign_errors.code(details[key])}" for key, label in _STATES if isinstance(details.get(key), str)
    ]
    return " ".join([name, *parts])


_PLATFORM = {
    "initStart": "INIT_START",
    "initReport": "INIT_REPORT",
    "start": "START",
    "runtimeDone": "END",
    "report": "REPORT",
}
_STATES = (("status", "Status"), ("errorType", "Error Type"))
_METRICS = (
    ("durationMs", "Duration: {:g} ms"),
    ("memorySizeMB", "Memory Size: {:g} MB"),
    ("maxMemoryUsedMB", "Max Memory Used: {:g} MB"),
    ("initDurationMs", "Init Duration: {:g} ms"),
)


def _identified(details: Mapping[str, Any]) -> list[str]:
    found = details.get("requestId")
    valid = isinstance(found, str) and re.fullmatch(_ID, found) is not None
    return [f"RequestId: {found}"] if valid else []


def _measured(metrics: Mapping[str, Any]) -> list[str]:
    return [form.format(metrics[key]) for key, form in _METRICS if isinstance(metrics.get(key), int | float)]


def _start(match: re.Match[str]) -> str:
    return f"{match['word']} RequestId: {match['id']}"


def _report(match: re.Match[str]) -> str:
    labels = "(?<!Billed )(?:Init )?Duration|Memory Size|Max Memory Used"
    found = re.findall(rf"\b({labels}): ({_NUMBER}) (ms|MB)\b", match.string)
    states = re.findall(r"\b(Status|Error Type): ([A-Za-z0-9_.]{1,80})", match.string)
    parts = [f"{label}: {value} {unit}" for label, value, unit in found]
    parts += [f"{label}: {value}" for label, value in states]
    identity = [f"RequestId: {match['id']}"] if match["id"] else []
    return " ".join([match["word"], *identity, *parts])


def _ended(match: re.Match[str]) -> str:
    return f"RequestId: {match['id']} Error: Runtime exited{_because(match.string)}"


def _because(line: str) -> str:
    status = re.search(r"exit status [0-9]{1,3}\b", line)
    killed = re.search(r"signal: killed\b", line)
    found = status or killed
    return f" with {found.group()}" if found else ""


_TEXT: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(rf"(?P<word>START|END) RequestId: {_ID}(?:\s.*)?"), _start),
    (re.compile(rf"(?P<word>REPORT) RequestId: {_ID}\s.*"), _report),
    (re.compile(r"(?P<word>INIT_REPORT|INIT_START)(?P<id>)\s.*"), _report),
    (re.compile(rf".*?{_ID} Task timed out after (?P<seconds>{_NUMBER}) seconds\s*"),
     lambda match: f"Task timed out after {match['seconds']} seconds"),
    (re.compile(rf".*?RequestId: {_ID} Error: Runtime exited.*"), _ended),
    (re.compile(r"\[ERROR\] (?P<kind>(?:[a-z_]{1,20}\.){0,4}[A-Z][A-Za-z0-9_]{0,79})(?::.*)?"),
     lambda match: f"[ERROR] {match['kind']}"),
)  # fmt: skip


def _of_text(line: str) -> str | None:
    for pattern, shown in _TEXT:
        match = pattern.fullmatch(line.strip())
        if match is not None:
            return shown(match)
    return None
