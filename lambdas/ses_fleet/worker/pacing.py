"""The request rate: SES's control APIs allow about one request a second for an account and Region, not adjustable."""

from __future__ import annotations

import time
from collections.abc import Callable

from ses_fleet.worker.budget import SliceBudget, SliceTimeoutError


class Pacer:
    """A token bucket: `burst` requests at once, then `per_second`. With 0 requests a second nothing is paced.

    Waiting counts against `budget`.
    """

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
        """Wait until the next request may be sent. Raise SliceTimeoutError when the budget ends before that."""
        if self._per_second > 0:
            self._refill()
            self.pause(max(0.0, (1.0 - self._tokens) / self._per_second))
            self._refill()
            self._was_full = self._tokens >= self._burst
            self._tokens -= 1.0
        elif not self._budget.covers(0):
            self.pause(0)

    def reserve(self, requests: int) -> None:
        """Wait until this many requests may be sent without a pause between them, even if they are more than a burst.

        Raise SliceTimeoutError when the budget ends before that.
        """
        if self._per_second > 0:
            self._refill()
            self.pause(max(0.0, (requests - self._tokens) / self._per_second))
            self._refill(requests)

    def answered(self) -> None:
        """Note that the request that `wait` let pass was answered.

        A full bucket begins to refill with the first request taken from it. SES took it before it answered, so counting
        from the answer is never ahead of SES, however slow the network is.
        """
        if self._was_full:
            self._was_full = False
            self._refilled = self._clock()

    def emptied(self) -> None:
        """Note that the burst is used up, because another program uses the same account's request rate."""
        self._tokens = 0.0

    def saved(self) -> list[float]:
        """Return the bucket's state, JSON, which `restore` takes in the next slice of the same customer."""
        self._refill()
        return [self._tokens, self._wall_clock()]

    def restore(self, saved: list[float]) -> None:
        """Continue with the bucket of an earlier slice: a new slice is no new burst."""
        tokens, at = saved
        passed = max(0.0, self._wall_clock() - at)
        self._tokens = min(self._burst, tokens + passed * self._per_second)
        self._refilled = self._clock()

    def now(self) -> float:
        """Return the present time in epoch seconds; workers of other slices have the same."""
        return self._wall_clock()

    def pause(self, seconds: float) -> None:
        """Sleep for this many seconds.

        When the budget ends before that, sleep for what is left of it and raise SliceTimeoutError.
        """
        if not self._budget.covers(seconds):
            self._sleep(self._budget.left())
            raise SliceTimeoutError("the time given to this customer ended")
        if seconds > 0:
            self._sleep(seconds)

    def _refill(self, most: float = 0.0) -> None:
        """Add the tokens of the time since the last call, up to a burst or, if that is more, up to `most`."""
        now = self._clock()
        come = self._tokens + (now - self._refilled) * self._per_second
        self._tokens = max(self._tokens, min(max(self._burst, most), come))
        self._refilled = now
