"""Contacts on their way to S3: gzip JSON Lines, written in parts while they are read."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterable
from typing import Any

from shared import limits
from shared.record import contacts_part
from worker.job import Job, State

# Contacts of one list resemble each other: more effort saves little and costs much.
_COMPRESSION = 1


class PartWriter:
    """Writes parts of bounded size below `prefix`. `total` counts contacts, `parts` objects written."""

    def __init__(self, job: Job, prefix: str, state: State) -> None:
        self._prefix = prefix
        self.total: int = state.get("total", 0)
        self.parts: int = state.get("parts", 0)
        self._job = job
        self._buffer = io.BytesIO()
        self._open: gzip.GzipFile | None = None

    def state(self) -> State:
        """What the next slice goes on from, after `flush`; JSON."""
        return {"total": self.total, "parts": self.parts}

    def add(self, contacts: Iterable[dict[str, Any]]) -> None:
        """Append contacts; writes a part when enough have come together."""
        lines = [json.dumps(contact, ensure_ascii=False, separators=(",", ":")) for contact in contacts]
        if not lines:
            return
        self.total += len(lines)
        if self._open is None:
            self._open = gzip.GzipFile(fileobj=self._buffer, mode="wb", compresslevel=_COMPRESSION, mtime=0)
        self._open.write(("\n".join(lines) + "\n").encode())
        if self._buffer.tell() >= limits.PART_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what is there as a part of its own: it survives this slice."""
        if self._open is None:
            return
        self._open.close()
        self._open = None
        key = f"{self._prefix}{contacts_part(self.parts + 1)}"
        self._job.write(key, self._buffer.getvalue(), "application/gzip")
        self.parts += 1
        self._buffer = io.BytesIO()
