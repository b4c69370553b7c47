"""Whether a further customer may start: `max_failures` and `params.canary`."""

from __future__ import annotations

from collections.abc import Iterable

from ses_fleet.orchestrator.plan import PlannedCustomer
from ses_fleet.runs.models import CustomerResult, Status


class StartRules:
    """Counts failures and waits for canaries.

    `failures_allowed` is None for any number; `failures` are those of earlier invocations of the run. `canaries` are
    the indexes of the customers that must still succeed before any other starts.
    """

    def __init__(self, failures_allowed: int | None = None, failures: int = 0, canaries: Iterable[int] = ()) -> None:
        self._failures_allowed = failures_allowed
        self._failures = failures
        self._canaries = set(canaries)
        self._lost_canary: str | None = None

    def note(self, customer: PlannedCustomer, result: CustomerResult) -> None:
        """Take in one customer's result."""
        self._failures += result.status == "failed"
        self.settle(customer.index, customer.code, result.status)

    def settle(self, index: int, code: str, status: Status) -> None:
        """Take in that this customer has a result already, from an earlier invocation or without a worker."""
        if index in self._canaries:
            self._canaries.discard(index)
            if status != "successful":
                self._lost_canary = self._lost_canary or code

    def may_start(self, customer: PlannedCustomer) -> bool:
        """Return whether this customer may start now: canaries first, and nobody once the run is stopped."""
        return self.why_stopped() is None and (not self._canaries or customer.index in self._canaries)

    def why_stopped(self) -> str | None:
        """Return why no further customer is started, or None while they are."""
        if self._failures_allowed is not None and self._failures > self._failures_allowed:
            return f"{self._failures} customers failed, more than max_failures allows: no further one was started"
        if self._lost_canary is not None:
            return f"the canary {self._lost_canary} did not succeed: no further customer was started"
        return None
