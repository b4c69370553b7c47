"""One customer's run over all its slices: what is known of it, and the result that follows from that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

from ses_fleet import limits
from ses_fleet.orchestrator.invoke import Answer
from ses_fleet.orchestrator.plan import PlannedCustomer
from ses_fleet.runs import results, unknown_outcome
from ses_fleet.runs.hops import Progress
from ses_fleet.runs.models import CustomerResult, Status
from ses_fleet.runs.work import ErrorInfo
from ses_fleet.text import printable

_TIME_ENDED = "the orchestrator's time ended"
_NO_TURN = "the orchestrator's time was used up before this customer's turn"


@dataclass(frozen=True)
class CustomerRun:
    """What is known of one customer; each step makes a new one.

    `slices` counts those that answered. `seconds` is what they took, without the time in which nothing ran. `ran` says
    whether anything ran of it. `turned_away` counts the invokes of which nothing ran, `reason` says why the last of
    them was refused. With `phase_over` the next slice begins the second of two phases.
    """

    customer: PlannedCustomer
    slices: int = 0
    attempts: int = 0
    seconds: float = 0.0
    api_calls: int = 0
    logs: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    continuation: dict[str, Any] | None = None
    work_of: str | None = None
    ran: bool = False
    turned_away: int = 0
    reason: str = ""
    phase_over: bool = False

    @property
    def index(self) -> int:
        """Return the customer's place among the selected ones."""
        return self.customer.index

    @classmethod
    def taken_over(cls, customer: PlannedCustomer, progress: Progress | None) -> Self:
        """Return the run as an earlier invocation left it; None = not begun.

        Nothing ran so far of one that goes on where another run stopped.
        """
        if progress is None:
            return cls(customer)
        return cls(
            customer,
            slices=progress.slices,
            attempts=progress.attempts,
            seconds=progress.seconds,
            api_calls=progress.api_calls,
            logs=progress.logs,
            warnings=progress.warnings,
            continuation=progress.continuation,
            work_of=progress.work_of,
            ran=progress.slices > 0 and progress.waits_for is None,
            reason=progress.waits_for or "",
            phase_over=progress.phase_over,
        )

    @property
    def next_slice(self) -> int:
        """Return the number of the slice that comes next, from 1."""
        return self.slices + 1

    def progress(self) -> Progress:
        """Return what another invocation needs to take the run over."""
        return Progress(
            index=self.index,
            customer_code=self.customer.code,
            slices=self.slices,
            attempts=self.attempts,
            api_calls=self.api_calls,
            seconds=round(self.seconds, 3),
            logs=self.logs[-limits.MAX_LOG_LINES :],
            warnings=self.warnings,
            continuation=self.continuation,
            work_of=self.work_of,
            waits_for=self.reason if self.slices and not self.ran else None,
            phase_over=self.phase_over,
        )

    def after(self, answer: Answer) -> CustomerRun:
        """Return the run with the answer to a slice taken in."""
        taken = replace(
            self,
            attempts=self.attempts + answer.attempts,
            seconds=self.seconds + answer.seconds,
            turned_away=self.turned_away + answer.turned_away,
            reason=answer.reason or self.reason,
        )
        if answer.result is None and answer.error is None:
            return taken
        taken = replace(taken, slices=self.slices + 1, logs=taken.logs + answer.log_tail)
        result = answer.result
        if result is None:
            return replace(taken, ran=True)
        return replace(
            taken,
            ran=self.ran or result.waits_for is None,
            reason=result.waits_for or taken.reason,
            api_calls=taken.api_calls + result.api_calls,
            logs=taken.logs + result.logs,
            warnings=(taken.warnings + result.warnings)[: limits.MAX_CUSTOMER_WARNINGS],
            continuation=result.continuation,
            phase_over=result.phase_over,
        )

    def unheard(self, seconds: float) -> CustomerRun:
        """Return the run with a slice that nobody will hear of any more, and that took so long until now."""
        return replace(self, attempts=self.attempts + 1, seconds=self.seconds + seconds)

    def held_up(self, reason: str | None) -> CustomerRun:
        """Return the run with the reason noted why it could not start, as the beginning of a sentence."""
        return self if reason is None else replace(self, reason=reason)

    def answered(self, answer: Answer) -> CustomerResult | None:
        """Return the result that an answer brings, or None when the customer goes on with a further slice."""
        if answer.result is None:
            return self._result("failed", error=answer.error)
        if answer.result.not_started is not None:
            return self.not_started(answer.result.not_started)
        found = answer.result
        data: dict[str, Any] = {
            "data": found.data,
            "data_location": found.data_location,
            "differs": found.differs,
            "findings": found.findings,
            "plan": found.plan,
        }
        if answer.result.error is not None:
            return self._result("failed", error=answer.result.error, **data)
        return None if answer.result.continuation is not None else self._result("successful", **data)

    def out_of_time(self, timeout: float, *, writes: bool = False) -> CustomerResult:
        """Return the failure of a customer that took longer than `timeout`, its customer_timeout_seconds.

        `writes` is true when a slice that may change something has not answered, and its answer will not be heard.
        """
        return self._timed_out("CustomerTimeout", f"customer_timeout_seconds ({timeout:g}) passed", writes)

    def cancelled(self) -> CustomerResult:
        """Return the result of a customer that is with no worker when its run is cancelled."""
        if not self.ran:
            return self.not_started(results.CANCELLED_BEFORE)
        if self.phase_over:
            text = f"the run was cancelled before its second phase for {self.customer.code}: nothing was changed there"
        else:
            text = (
                f"the run was cancelled before {self.customer.code} was finished: what was done by then stays; resume "
                "the run to finish it"
            )
        error = ErrorInfo(category="operation", type=results.CANCELLED, message=text, retryable=True)
        return replace(self, continuation=None if self.phase_over else self.continuation)._result("failed", error=error)

    def held_back(self, why: str) -> CustomerResult:
        """Return the failure of a customer whose second phase does not begin. `why` is a sentence."""
        text = f"nothing was changed at {self.customer.code}, as its second phase did not begin: {why}"
        error = ErrorInfo(
            category="operation",
            type="NotEverybodyAnswered",
            message=printable(text, limits.MAX_MESSAGE_CHARACTERS),
            retryable=True,
        )
        return replace(self, continuation=None)._result("failed", error=error)

    def cut_off(self, *, writes: bool) -> CustomerResult:
        """Return the failure of a customer whose slice has not answered when the orchestrator's time ends."""
        return self._timed_out("OrchestratorDeadline", _TIME_ENDED, writes)

    def given_up(self) -> CustomerResult:
        """Return the result of a customer that no worker is busy with when the orchestrator's time ends."""
        if self.ran:
            return self._timed_out("OrchestratorDeadline", _TIME_ENDED, False)
        if self.reason:
            times = f" ({self.turned_away} times; nothing ran)" if self.turned_away else ""
            return self.not_started(f"{self.reason} until it was too late to start{times}")
        return self.not_started(_NO_TURN)

    def not_started(self, why: str) -> CustomerResult:
        """Return the result of a customer for which nothing ran."""
        return self._result("not_started", warning=why)

    def _timed_out(self, kind: str, reason: str, unknown: bool) -> CustomerResult:
        text = f"{self.customer.code} was not finished when {reason}"
        error = ErrorInfo(
            category="timeout",
            type=kind,
            message=text + (unknown_outcome.WORKER_MAY_GO_ON if unknown else ""),
            retryable=True,
            outcome_unknown=unknown,
        )
        return self._result("failed", error=error)

    def _result(self, status: Status, *, warning: str | None = None, **outcome: Any) -> CustomerResult:
        warnings = (*self.customer.warnings, *self.warnings, *([warning] if warning else []))
        return results.made(
            self.customer.identity,
            status,
            warnings=warnings,
            api_calls=self.api_calls,
            processing_time_seconds=round(self.seconds, 3),
            attempts=self.attempts,
            logs=self.logs,
            continuation=self.continuation if self._goes_on(status) else None,
            work_of=self.work_of,
            **outcome,
        )

    def _goes_on(self, status: Status) -> bool:
        """Return whether another run may go on where this one stopped: not where its slices only waited."""
        return status == "failed" or (status == "not_started" and self.slices == 0)
