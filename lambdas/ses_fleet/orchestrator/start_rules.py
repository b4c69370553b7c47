"""Whether a further customer may start: `max_failures`, `failure_mode` and `ramp`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from ses_fleet.orchestrator.plan import PlannedCustomer
from ses_fleet.runs.models import CustomerResult, Status
from ses_fleet.runs.ramp import Ramp, named


def nobody() -> Collection[int]:
    """Return the customers of a fan-out without a record: none."""
    return ()


class StartRules:
    """Counts failures, and those that may still fail, and follows the ramp.

    `failures_allowed` is None for any number; `failures` are those of earlier invocations of the run. With `strict`,
    failed customers and those that may still fail are never more than that. `ramp` has the indexes of the customers of
    each stage. `undecided` returns who is named for a worker without a stored result: after a death they all are taken
    for failed. `not_stored` returns whose result S3 did not take, as codes by index: these stay undecided.
    """

    def __init__(
        self,
        failures_allowed: int | None = None,
        failures: int = 0,
        *,
        strict: bool = False,
        ramp: Sequence[Sequence[int]] = (),
        undecided: Callable[[], Collection[int]] = nobody,
        not_stored: Callable[[], Mapping[int, str]] = dict,
    ) -> None:
        self._failures_allowed = failures_allowed
        self._failures = failures
        self._strict = strict
        self._ramp = Ramp(ramp, failures_allowed or 0)
        self._undecided = undecided
        self._not_stored = not_stored
        self._failed: set[int] = set()  # in this invocation
        self._under_way: set[int] = set()
        self._begun = 0  # the last stage that is known to have begun

    def begin(self, index: int) -> None:
        """Take in that this customer was started, or was between two slices already."""
        self._under_way.add(index)

    def take_back(self, index: int) -> None:
        """Take in that nothing ran of a customer that was started, and that it has no result."""
        self._under_way.discard(index)

    def note(self, customer: PlannedCustomer, result: CustomerResult) -> None:
        """Take in one customer's result."""
        self._under_way.discard(customer.index)
        if result.status == "failed":
            self._failed.add(customer.index)
        self.settle(customer.index, customer.code, result.status)

    def settle(self, index: int, code: str, status: Status) -> None:
        """Take in that this customer has a result already, from an earlier invocation or without a worker."""
        self._ramp.note(index, code, status)

    def may_start(self, customer: PlannedCustomer) -> bool:
        """Return whether this customer may be named and started now."""
        return (
            self.why_stopped() is None
            and (not self._strict or self._is_borne(customer.index))
            and (len(self._ramp) == 0 or self._is_its_turn(customer.index))
        )

    def why_stopped(self) -> str | None:
        """Return why no further customer is started, or None while they are."""
        failed, allowed = self._failures + len(self._failed), self._failures_allowed
        if (why := self._ramp.why_stopped() or self._why_not_next_stage()) is not None:
            return why
        if allowed is not None and self._strict and (why := self._why_not_borne(failed, allowed)) is not None:
            return why
        if allowed is not None and failed > allowed:
            unless = " (0 with a ramp, unless it is given)" if len(self._ramp) and not allowed else ""
            return f"{failed} customers failed, more than max_failures allows{unless}: no further one was started"
        return None

    def _why_not_borne(self, failed: int, allowed: int) -> str | None:
        """Return why a strict run has room for nobody, whoever of those under way succeeds."""
        lost = [code for index, code in self._not_stored().items() if index not in self._failed]
        if failed + len(lost) < allowed:
            return None
        reasons = [f"{failed} customers failed"] if failed else []
        reasons += [f"the result of {named(lost)} could not be stored"] if lost else []
        return f"{', '.join(reasons)}, and strict allows no more than max_failures: no further one was started"

    def _why_not_next_stage(self) -> str | None:
        """Return which stage never begins, as a result that it waits for was not stored."""
        lost = {index: code for index, code in self._not_stored().items() if self._is_waited_for(index)}
        if not lost:
            return None
        stage = f"stage {min(map(self._ramp.stage_of, lost)) + 2} of {len(self._ramp)} of the ramp cannot begin"
        return f"{stage}, as the result of {named([*lost.values()])} could not be stored: no further one was started"

    def _is_waited_for(self, index: int) -> bool:
        return self._begun <= self._ramp.stage_of(index) < len(self._ramp) - 1

    def _is_borne(self, index: int) -> bool:
        """Return whether this customer and all that may still fail could fail without being too many."""
        if self._failures_allowed is None:
            return True
        may_have_failed = {index, *self._failed, *self._under_way, *self._undecided()}
        return self._failures + len(may_have_failed) <= self._failures_allowed

    def _is_its_turn(self, index: int) -> bool:
        """Return whether the customer's stage may begin: no death can take back the results of those before."""
        stage, at = self._ramp.stage_of(index), self._ramp.at
        if stage <= self._begun:
            return True
        if stage > at or any(self._ramp.stage_of(one) < at for one in self._undecided()):
            return False
        self._begun = at
        return True
