"""Pacing: SES's control APIs allow about one request per second per account, not adjustable."""

from __future__ import annotations

import time
from collections.abc import Callable

from ses_fleet.worker.budget import SliceBudget, SliceTimeoutError


class Pacer:
    """A token bucket: `burst` requests at once, then `per_second`; 0 per second = unpaced."""

    def __init__(
        self,
        per_second: float,
        burst: int,
        budget: SliceBudget,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._per_second = per_second
        self._burst = float(burst)
        self._tokens = float(burst)
        self._wall_clock = wall_clock
        self._budget = budget
        self._clock = clock
        self._sleep = sleep
        self._refilled = clock()
        self._was_full = False

    def wait(self) -> None:
        """Wait for the next request's turn; SliceTimeoutError when its turn lies beyond the budget."""
        if self._per_second > 0:
            self._refill()
            self.pause(max(0.0, (1.0 - self._tokens) / self._per_second))
            self._refill()
            self._was_full = self._tokens >= self._burst
            self._tokens -= 1.0
        elif not self._budget.covers(0):
            self.pause(0)

    def reserve(self, requests: int) -> None:
        """Wait until so many requests may follow each other at once, even if they are more than a burst."""
        if self._per_second > 0:
            self._refill()
            self.pause(max(0.0, (requests - self._tokens) / self._per_second))
            self._refill(requests)

    def answered(self) -> None:
        """The request that `wait` let pass was answered.

        A full bucket begins to refill with the first request taken from it. SES took it before it answered, so
        counting from the answer never runs ahead of SES, however slow the way there was.
        """
        if self._was_full:
            self._was_full = False
            self._refilled = self._clock()

    def emptied(self) -> None:
        """Somebody else uses the same account's rate: the burst is gone."""
        self._tokens = 0.0

    def saved(self) -> list[float]:
        """The bucket as the next slice of the same customer, in whatever environment, takes it over."""
        self._refill()
        return [self._tokens, self._wall_clock()]

    def restore(self, saved: list[float]) -> None:
        """Go on with another slice's bucket: a new slice is no new burst."""
        tokens, at = saved
        passed = max(0.0, self._wall_clock() - at)
        self._tokens = min(self._burst, tokens + passed * self._per_second)
        self._refilled = self._clock()

    def pause(self, seconds: float) -> None:
        """Sleep within the budget; before SliceTimeoutError what is left of it is slept, so that time has passed."""
        if not self._budget.covers(seconds):
            self._sleep(self._budget.left())
            raise SliceTimeoutError("the time given to this customer ended")
        if seconds > 0:
            self._sleep(seconds)

    def _refill(self, most: float = 0.0) -> None:
        """Add what has come since; above a burst, and above `most`, nothing comes, and nothing is taken away."""
        now = self._clock()
        come = self._tokens + (now - self._refilled) * self._per_second
        self._tokens = max(self._tokens, min(max(self._burst, most), come))
        self._refilled = now
