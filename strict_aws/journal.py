"""The journal says who called what, when, and how it ended. It holds no bodies, no addresses and no secrets."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Entry:
    """One request and how it ended.

    Times are ISO 8601 UTC with microseconds. `environment` is the id of the function's execution environment that
    called, if one did. `http_status` is 0 when the connection was closed without an answer. `reason` says why a request
    was refused, in words that AWS would not tell the caller, and which schedule a firing is of. `writes` tells
    operations that change something.
    """

    seq: int
    started_at: str
    ended_at: str
    service: str
    operation: str
    region: str | None
    account: str | None
    principal: str | None
    access_key_id: str | None
    environment: str | None
    http_status: int
    error_code: str | None
    reason: str | None
    writes: bool


class Journal:
    """Every request that was answered, in the order in which they ended. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[Entry] = []

    def add(self, *, started_at: float, ended_at: float, **facts: object) -> None:
        """Append an entry with these times, which are epoch seconds, and the other fields of `Entry`."""
        with self._lock:
            self._entries.append(
                Entry(seq=len(self._entries) + 1, started_at=_iso(started_at), ended_at=_iso(ended_at), **facts)  # type: ignore[arg-type]
            )

    def since(self, seq: int = 0) -> list[Entry]:
        """Return the entries that come after the one with sequence number `seq`; 0 returns all."""
        with self._lock:
            return self._entries[max(seq, 0) :]


def as_json_lines(entries: list[Entry]) -> bytes:
    """Return the entries as JSON lines, one object per line, in UTF-8."""
    return b"".join(json.dumps(vars(entry)).encode() + b"\n" for entry in entries)


def _iso(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
