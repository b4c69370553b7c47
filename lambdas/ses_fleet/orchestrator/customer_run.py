"""One customer's run over all its slices: what is known of it, and the result that follows from that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Self

from ses_fleet import clock, limits
from ses_fleet.orchestrator.invoke import Answer
from ses_fleet.orchestrator.plan import PlannedCustomer
from ses_fleet.runs import results, unknown_outcome
from ses_fleet.runs.models import CustomerResult, ErrorInfo, Progress, Status

_TIME_ENDED = "the orchestrator's time ended"
_NO_TURN = "the orchestrator's time was used up before this customer's turn"


@dataclass(frozen=True)
class CustomerRun:
    """What is known of one customer; each step makes a new one.

    `started` is when its first slice was sent, by TimeLimits.clock, None before that. `ran` says whether anything ran
    of it. `turned_away` counts the invokes of which nothing ran, `reason` says why the last of them was refused.
    """

    customer: PlannedCustomer
    started: float | None = None
    attempts: int = 0
    seconds: float = 0.0
    api_calls: int = 0
    logs: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    continuation: dict[str, Any] | None = None
    ran: bool = False
    turned_away: int = 0
    reason: str = ""

    @property
    def index(self) -> int:
        """Return the customer's place among the selected ones."""
        return self.customer.index

    @classmethod
    def taken_over(cls, customer: PlannedCustomer, progress: Progress | None, now: float) -> Self:
        """Return the run as an earlier invocation left it; its time has been running since. None = not begun."""
        if progress is None:
            return cls(customer)
        started = None
        if progress.started_at is not None:
            started = now - (clock.now() - datetime.fromisoformat(progress.started_at)).total_seconds()
        return cls(
            customer,
            started,
            attempts=progress.attempts,
            seconds=progress.seconds,
            api_calls=progress.api_calls,
            logs=progress.logs,
            warnings=progress.warnings,
            continuation=progress.continuation,
            ran=progress.continuation is not None,
        )

    def progress(self, now: float) -> Progress:
        """Return what another invocation needs to take the run over."""
        started = None if self.started is None else clock.now() - timedelta(seconds=self.spent(now))
        return Progress(
            index=self.index,
            customer_code=self.customer.code,
            started_at=started and clock.iso(started),
            attempts=self.attempts,
            api_calls=self.api_calls,
            seconds=round(self.seconds, 3),
            logs=self.logs[-limits.MAX_LOG_LINES :],
            warnings=self.warnings,
            continuation=self.continuation,
        )

    def spent(self, now: float) -> float:
        """Return the seconds since its first slice was sent."""
        return 0.0 if self.started is None else now - self.started

    def sent(self, now: float) -> CustomerRun:
        """Return the run with the moment noted at which its first slice was sent."""
        return self if self.started is not None else replace(self, started=now)

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
        taken = replace(taken, ran=True, logs=taken.logs + answer.log_tail)
        result = answer.result
        if result is None:
            return taken
        return replace(
            taken,
            api_calls=taken.api_calls + result.api_calls,
            logs=taken.logs + result.logs,
            warnings=taken.warnings + result.warnings,
            continuation=result.continuation,
        )

    def unheard(self, now: float) -> CustomerRun:
        """Return the run with a slice that nobody will hear of any more."""
        return replace(self, attempts=self.attempts + 1, seconds=self.spent(now))

    def answered(self, answer: Answer) -> CustomerResult | None:
        """Return the result that an answer brings, or None when the customer goes on with a further slice."""
        if answer.result is None:
            return self._result("failed", error=answer.error)
        if answer.result.not_started is not None:
            return self.not_started(answer.result.not_started)
        data: dict[str, Any] = {"data": answer.result.data, "data_location": answer.result.data_location}
        if answer.result.error is not None:
            return self._result("failed", error=answer.result.error, **data)
        return None if answer.result.continuation is not None else self._result("successful", **data)

    def out_of_time(self, timeout: float, *, writes: bool = False) -> CustomerResult:
        """Return the failure of a customer that took longer than `timeout`, its customer_timeout_seconds.

        `writes` is true when a slice that may change something has not answered, and its answer will not be heard.
        """
        return self._timed_out("CustomerTimeout", f"customer_timeout_seconds ({timeout:g}) passed", writes)

    def cut_off(self, *, writes: bool) -> CustomerResult:
        """Return the failure of a customer whose slice has not answered when the orchestrator's time ends."""
        return self._timed_out("OrchestratorDeadline", _TIME_ENDED, writes)

    def given_up(self) -> CustomerResult:
        """Return the result of a customer that no worker is busy with when the orchestrator's time ends."""
        if self.ran:
            return self._timed_out("OrchestratorDeadline", _TIME_ENDED, False)
        if self.turned_away:
            times = f"{self.turned_away} times; nothing ran"
            return self.not_started(f"{self.reason} until it was too late to start ({times})")
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
            continuation=self.continuation if status == "failed" else None,
            **outcome,
        )
