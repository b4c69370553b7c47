"""The time of one slice: how much of it is left, and the error that ends the slice when it is used up."""

from __future__ import annotations

import time
from collections.abc import Callable

from ses_fleet.errors import CustomerError


class SliceBudget:
    """The seconds that one worker invocation may still use."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + seconds

    def left(self) -> float:
        """Return the seconds that are left; never below zero."""
        return max(0.0, self._end - self._clock())

    def covers(self, seconds: float) -> bool:
        """Return whether any time would be left after waiting for this many seconds."""
        return self._clock() + seconds < self._end


class SliceTimeoutError(CustomerError):
    """The slice's time ended before the action did. Actions catch it and return More."""

    def __init__(self, message: str) -> None:
        super().__init__("timeout", "SliceTimeout", message, retryable=True)
