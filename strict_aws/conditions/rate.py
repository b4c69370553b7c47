"""A limit on requests per second, above which a service throttles."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass


@dataclass(frozen=True)
class RateLimit:
    """The size of a token bucket: `burst` requests pass at once, then `per_second`."""

    per_second: float
    burst: int


class Throttle:
    """One token bucket per key. `clock` returns seconds. Safe to use from many threads."""

    def __init__(self, limit: RateLimit, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[Hashable, tuple[float, float]] = {}

    def admits(self, key: Hashable) -> bool:
        """Take one request out of the key's bucket, and return False when it is empty.

        A refused request takes nothing out.
        """
        full = float(self._limit.burst)
        with self._lock:
            now = self._clock()
            tokens, since = self._buckets.get(key, (full, now))
            # A clock that is set back gives nothing and takes nothing.
            tokens = min(full, tokens + max(0.0, now - since) * self._limit.per_second)
            allowed = tokens >= 1
            self._buckets[key] = (tokens - 1 if allowed else tokens, now)
        return allowed
