"""What bounds an invocation of the orchestrator, its customers and their slices in time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ses_fleet import limits


@dataclass(frozen=True)
class TimeLimits:
    """The limits, in seconds. `remaining` is the orchestrator's own time left, asked again and again.

    `slice_budget` is the most that a worker gets for one slice, `customer_timeout` the most that a customer gets for
    all its slices. No slice starts with less than `start_margin` left; `return_margin` is kept for ending the run.
    """

    remaining: Callable[[], float]
    slice_budget: float
    start_margin: float
    return_margin: float
    customer_timeout: float
    clock: Callable[[], float] = time.monotonic

    def may_start(self) -> bool:
        """Return whether a customer or a slice may still be started."""
        return self.remaining() >= self.start_margin

    def collecting_left(self) -> float:
        """Return how long answers may still be waited for; the rest of the return margin is for the summary."""
        return self.remaining() - self.return_margin * limits.COLLECTING_SHARE

    def budget(self, customer_left: float) -> float:
        """Return what a slice may take that starts now, for a customer with so much time left; 0 or less = too late."""
        if not self.may_start():
            return 0.0
        return min(self.slice_budget, self.remaining() - self.return_margin, customer_left)
