"""What an environment prints: one file, read up to where the invocation ended."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

_TRUNCATE_ABOVE_BYTES = 4 * 1024 * 1024
TAIL_BYTES = 4_096  # Lambda API reference, Invoke: the last 4 KB of the execution log


class Output:
    """stdout and stderr of a process, appended to a file. The process writes before it posts its answer,
    so reading from the remembered place when the answer is there loses nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.file: BinaryIO = path.open("ab")
        self._offset = 0

    def take(self) -> list[str]:
        """The lines written since the last time; a last line without an end counts."""
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
        """Close our end and remove the file."""
        self.file.close()
        self._path.unlink(missing_ok=True)


def stream_name(version: str) -> str:
    """A log stream's name as Lambda makes it."""
    return f"{datetime.now(UTC):%Y/%m/%d}/[{version}]{uuid.uuid4().hex}"


def framed(
    request_id: str, version: str, lines: list[str], *, duration_ms: float, memory_mb: int, used_mb: int
) -> list[str]:
    """Lambda's START, END and REPORT lines around what the function wrote."""
    billed = int(duration_ms) + 1
    return [
        f"START RequestId: {request_id} Version: {version}",
        *lines,
        f"END RequestId: {request_id}",
        (
            f"REPORT RequestId: {request_id}\tDuration: {duration_ms:.2f} ms\tBilled Duration: {billed} ms\t"
            f"Memory Size: {memory_mb} MB\tMax Memory Used: {used_mb} MB"
        ),
    ]


def tail(lines: list[str]) -> bytes:
    """The last 4 KB of them."""
    return ("\n".join(lines) + "\n").encode()[-TAIL_BYTES:]
