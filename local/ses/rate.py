"""The throttle: every action but Send* gets one request a second per account and Region (developer guide, quotas).

That short bursts pass is observed. Whether the actions share one rate is not documented: here they do, the
stricter of both.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from local.web import AwsError


@dataclass(frozen=True)
class RateLimit:
    """A token bucket: `burst` requests at once, then `per_second`."""

    per_second: float = 1.0
    burst: int = 5


class Throttle:
    """One bucket per account and Region. `clock` gives seconds."""

    def __init__(self, limit: RateLimit, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def take(self, account: str, region: str) -> None:
        """One request; AwsError 429 when the bucket is empty. A refused request takes nothing out."""
        full = float(self._limit.burst)
        with self._lock:
            now = self._clock()
            tokens, since = self._buckets.get((account, region), (full, now))
            # A clock that is set back gives nothing and takes nothing.
            tokens = min(full, tokens + max(0.0, now - since) * self._limit.per_second)
            allowed = tokens >= 1
            self._buckets[account, region] = (tokens - 1 if allowed else tokens, now)
        if not allowed:
            raise AwsError("TooManyRequestsException", "Too Many Requests", 429, reason="the rate of SES is used up")
