"""Who called what, when, and how it ended: no bodies, no addresses, no secrets."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Entry:
    """One request. Times are ISO 8601 UTC with microseconds; `reason` is why it was refused, in our words."""

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
    """Every request the local cloud answered, in the order they ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[Entry] = []

    def add(self, *, started_at: float, ended_at: float, **facts: object) -> None:
        """Append one entry; times are epoch seconds."""
        with self._lock:
            self._entries.append(
                Entry(seq=len(self._entries) + 1, started_at=_iso(started_at), ended_at=_iso(ended_at), **facts)  # type: ignore[arg-type]
            )

    def since(self, seq: int = 0) -> list[Entry]:
        """Entries after the `seq`-th."""
        with self._lock:
            return self._entries[max(seq, 0) :]


def as_json_lines(entries: list[Entry]) -> bytes:
    """One JSON object a line."""
    return b"".join(json.dumps(asdict(entry)).encode() + b"\n" for entry in entries)


def _iso(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
