"""What an environment prints, and the lines that Lambda writes around it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from strict_aws.lambda_runtime.function import FunctionSpec

_TRUNCATE_ABOVE_BYTES = 4 * 1024 * 1024
TAIL_BYTES = 4_096  # Lambda API reference, Invoke: the last 4 KB of the execution log
LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_OTHER_NAMES = {"WARNING": "WARN", "CRITICAL": "FATAL"}


class Output:
    """stdout and stderr of a process, appended to one file.

    The process writes before it posts its answer, so that reading on when the answer is there loses nothing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.file: BinaryIO = path.open("ab")
        self._offset = 0

    def take(self) -> list[str]:
        """Return the lines that were written since the last time; a last line that is not ended counts."""
        with self._path.open("rb") as written:
            written.seek(self._offset)
            data = written.read()
        self._offset += len(data)
        if self._offset > _TRUNCATE_ABOVE_BYTES:
            self.file.truncate(0)  # it is opened for appending: what is written next begins at 0
            self._offset = 0
        lines = data.decode(errors="replace").split("\n")
        return [line.rstrip("\r") for line in lines if line.strip()]

    def close(self) -> None:
        """Close this side of the file and remove it."""
        self.file.close()
        self._path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Ran:
    """One invocation as Lambda reports it. Times are epoch seconds.

    `init_began` None means that the environment was warm; `init_ms` None, that its init failed. `error_type` None means
    that the invocation succeeded.
    """

    request_id: str
    began: float
    ended: float
    duration_ms: float
    used_mb: int
    error_type: str | None = None
    init_began: float | None = None
    init_ms: float | None = None

    @property
    def status(self) -> str:
        """The outcome in the words of the Telemetry API reference: success, error or timeout."""
        if self.error_type is None:
            return "success"
        return "timeout" if self.error_type == "Sandbox.Timedout" else "error"

    @property
    def failed_to_start(self) -> bool:
        """Whether the init of the environment failed."""
        return self.init_began is not None and self.init_ms is None


def stream_name(version: str) -> str:
    """Return a log stream's name as Lambda makes it."""
    return f"{datetime.now(UTC):%Y/%m/%d}/[{version}]{uuid.uuid4().hex}"


def framed(spec: FunctionSpec, ran: Ran, lines: Sequence[str], cause: str | None) -> list[str]:
    """Return what the function wrote with Lambda's own lines around it, in the function's log format.

    `cause` is why Lambda ended the invocation, which is a line of the text format.
    """
    if not spec.logging.json:
        return _as_text(spec, ran, [*lines, *([cause] if cause else [])])
    lowest = LEVELS.index(spec.logging.application_level)
    return [
        *_platform_lines(spec, _before(spec, ran)),
        *(line for line in lines if _rank(line) >= lowest),
        *_platform_lines(spec, _after(spec, ran)),
    ]


def tail(lines: list[str]) -> bytes:
    """Return the last 4 KB of these lines."""
    return ("\n".join(lines) + "\n").encode()[-TAIL_BYTES:]


def _as_text(spec: FunctionSpec, ran: Ran, lines: Sequence[str]) -> list[str]:
    status = "" if ran.error_type is None else f"\tStatus: {ran.status}"
    if ran.status == "error":
        status += f"\tError Type: {ran.error_type}"
    return [
        f"START RequestId: {ran.request_id} Version: {spec.version}",
        *lines,
        f"END RequestId: {ran.request_id}",
        (
            f"REPORT RequestId: {ran.request_id}\tDuration: {ran.duration_ms:.2f} ms\t"
            f"Billed Duration: {_billed_ms(ran)} ms\tMemory Size: {spec.memory_mb} MB\t"
            f"Max Memory Used: {ran.used_mb} MB{status}"
        ),
    ]


# (level, time, type without "platform.", record)
_Event = tuple[str, float, str, dict[str, Any]]


def _before(spec: FunctionSpec, ran: Ran) -> Iterator[_Event]:
    """Yield the events before what the function wrote.

    Which events there are, and at which level, is from the Lambda developer guide, JSON log format.
    """
    if ran.init_began is not None:
        init = {"initializationType": "on-demand", "phase": "init"}
        started = {**init, "functionName": spec.name, "functionVersion": spec.version}
        yield "INFO", ran.init_began, "initStart", {**started, "runtimeVersion": "python:local"}
    yield "INFO", ran.began, "start", {"requestId": ran.request_id, "version": spec.version}


def _after(spec: FunctionSpec, ran: Ran) -> Iterator[_Event]:
    how: dict[str, Any] = {"status": ran.status}
    if ran.status == "error":
        how["errorType"] = ran.error_type
    level = "INFO" if ran.error_type is None else "WARN"
    if ran.failed_to_start:
        init = {"initializationType": "on-demand", "phase": "invoke"}
        yield "WARN", ran.ended, "initRuntimeDone", {**init, **how}
    ended = {"requestId": ran.request_id, **how}
    done = {**ended, "metrics": {"durationMs": round(ran.duration_ms, 3)}}
    yield "DEBUG" if level == "INFO" else "WARN", ran.ended, "runtimeDone", done
    metrics: dict[str, Any] = {
        "durationMs": round(ran.duration_ms, 3),
        "billedDurationMs": _billed_ms(ran),
        "memorySizeMB": spec.memory_mb,
        "maxMemoryUsedMB": ran.used_mb,
    }
    if ran.init_ms is not None:
        metrics["initDurationMs"] = round(ran.init_ms, 3)
    yield level, ran.ended, "report", {**ended, "metrics": metrics}


def _platform_lines(spec: FunctionSpec, events: Iterator[_Event]) -> list[str]:
    lowest = LEVELS.index(spec.logging.system_level)
    return [
        json.dumps({"time": _iso(at), "type": f"platform.{kind}", "record": record}, separators=(",", ":"))
        for level, at, kind, record in events
        if LEVELS.index(level) >= lowest
    ]


def _rank(line: str) -> int:
    """Return the rank of a line's level.

    A line without a level is of INFO (Lambda developer guide, log-level filtering).
    """
    if not line.startswith("{"):
        return LEVELS.index("INFO")
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return LEVELS.index("INFO")
    level = record.get("level")
    name = level.upper() if isinstance(level, str) else "INFO"
    name = _OTHER_NAMES.get(name, name)
    return LEVELS.index(name) if name in LEVELS else LEVELS.index("INFO")


def _billed_ms(ran: Ran) -> int:
    return int(ran.duration_ms) + 1


def _iso(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
