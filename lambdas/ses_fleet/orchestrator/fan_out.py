"""Concurrency, and nothing else: at most so many customers in flight, one result for each, whatever happens.

Threads only invoke. Everything else (bookkeeping, and `on_result`) runs in the thread that calls `run`.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from ses_fleet import clock, foreign_errors, limits
from ses_fleet.orchestrator.invoke import Answer
from ses_fleet.orchestrator.plan import PlannedItem
from ses_fleet.runs import unknown_outcome
from ses_fleet.runs.models import CustomerResult, ErrorInfo, Progress, Status, WorkItem

_LAST_WORDS_SECONDS = 0.5
_TIME_ENDED = "the orchestrator's time ended"
_NO_TURN = "the orchestrator's time was used up before this customer's turn"


@dataclass(frozen=True)
class Timing:
    """What bounds a run, in seconds. `remaining` is the orchestrator's own time left, asked again and again."""

    remaining: Callable[[], float]
    slice_budget: float
    start_margin: float
    return_margin: float
    customer_timeout: float
    clock: Callable[[], float] = time.monotonic

    def may_start(self) -> bool:
        """Whether a customer or a slice may still be started."""
        return self.remaining() >= self.start_margin

    def collecting_left(self) -> float:
        """How long answers may still be waited for: the other half of the return margin is for the summary."""
        return self.remaining() - self.return_margin / 2


@dataclass
class _Flight:
    """One customer that was started, over all its slices."""

    item: PlannedItem
    started: float | None = None  # when its first slice was sent, by Timing.clock
    attempts: int = 0
    seconds: float = 0.0
    api_calls: int = 0
    logs: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    continuation: dict[str, Any] | None = None
    ran: bool = False
    refused: int = 0  # how often nothing ran of a slice, and why the last time
    reason: str = ""


class FanOut:
    """Runs the items that need a worker; `peak` is the most that were in flight at once.

    With `carry_over`, customers that the orchestrator's time was too short for get no result: they are in `left`
    after `run`, for another invocation to go on with, or for `give_up`.
    """

    def __init__(
        self,
        *,
        invoke: Callable[[Callable[[], WorkItem | None]], Answer],
        make_item: Callable[[PlannedItem, float, dict[str, Any] | None], WorkItem],
        timing: Timing,
        bound: int,
        failures_allowed: int | None,
        writes: bool,
        closed: threading.Event,
        carry_over: bool = False,
        failures: int = 0,
        canaries: Collection[int] = (),
    ) -> None:
        self.peak = 0
        self._carry_over = carry_over
        self._canaries = set(canaries)  # who must still succeed before others start
        self._lost_canary: str | None = None
        self._left: list[_Flight] = []
        self._invoke = invoke
        self._make_item = make_item
        self._timing = timing
        self._bound = bound
        self._failures_allowed = failures_allowed
        self._writes = writes
        self._closed = closed
        self._failures = failures
        self._waiting: deque[_Flight] = deque()
        self._between_slices: deque[_Flight] = deque()
        self._in_flight: dict[int, _Flight] = {}
        self._overdue: set[int] = set()  # answered for already, but their threads still hold a place
        self._answers: queue.SimpleQueue[tuple[int, Answer]] = queue.SimpleQueue()

    @property
    def canaries(self) -> tuple[int, ...]:
        """Who must still succeed before others start."""
        return tuple(sorted(self._canaries))

    @property
    def left(self) -> list[Progress]:
        """What has no result yet, as another invocation takes it over."""
        return [self._progress(flight) for flight in self._left]

    def run(
        self,
        items: Iterable[PlannedItem],
        on_result: Callable[[PlannedItem, CustomerResult], None],
        progress: Mapping[int, Progress] = MappingProxyType({}),
    ) -> None:
        """Call `on_result` exactly once for every item that is not `left`; returns before the orchestrator's deadline.

        `progress` says, by index, how far an earlier invocation came.
        """
        self._on_result = on_result
        for item in items:
            flight = self._taken_over(item, progress.get(item.index))
            (self._between_slices if flight.ran else self._waiting).append(flight)
        pool = ThreadPoolExecutor(max_workers=self._bound, thread_name_prefix="invoke")
        try:
            while self._start(pool) or self._in_flight:
                if not self._collect():
                    break
        finally:
            self._closed.set()
            pool.shutdown(wait=False, cancel_futures=True)
        self._hear_who_only_waited()
        self._settle()

    def give_up(self) -> None:
        """Nobody goes on with what is left: results for all of it."""
        for flight in self._left:
            self._stop(flight)
        self._left.clear()

    def _start(self, pool: ThreadPoolExecutor) -> bool:
        """Start what may start; whether anything is left that a later answer could let start."""
        while len(self._in_flight) + len(self._overdue) < self._bound and self._timing.may_start():
            if self._between_slices:
                self._send(pool, self._between_slices.popleft())
            elif self._waiting and self._may_go(self._waiting[0]):
                self._send(pool, self._waiting.popleft())
            else:
                break
        blocked = bool(self._overdue) and bool(self._between_slices or self._waiting)
        return blocked and self._timing.may_start() and self._why_stopped() is None

    def _may_go(self, flight: _Flight) -> bool:
        """Canaries wait first in line, as they come first in the order of starting (plan.in_turn)."""
        return self._why_stopped() is None and (not self._canaries or flight.item.index in self._canaries)

    def _send(self, pool: ThreadPoolExecutor, flight: _Flight) -> None:
        if flight.started is None:
            flight.started = self._timing.clock()
        self._in_flight[flight.item.index] = flight
        self.peak = max(self.peak, len(self._in_flight) + len(self._overdue))
        pool.submit(self._work, flight)

    def _work(self, flight: _Flight) -> None:
        try:
            answer = self._invoke(lambda: self._next_try(flight))
        except Exception as error:  # noqa: BLE001  # the boundary: a customer never goes without a result
            text = f"the orchestrator failed to invoke the worker: {foreign_errors.crash(error)}"
            info = ErrorInfo(category="internal", type=type(error).__name__, message=text, outcome_unknown=self._writes)
            answer = Answer(0.0, error=info)
        self._answers.put((flight.item.index, answer))

    def _next_try(self, flight: _Flight) -> WorkItem | None:
        """The slice to send now, with the time that is left now; None when it is too late for it."""
        budget = min(
            self._timing.slice_budget,
            self._timing.remaining() - self._timing.return_margin,
            self._customer_time_left(flight),
        )
        if budget <= 0 or not self._timing.may_start():
            return None
        flight.attempts += 1
        return self._make_item(flight.item, budget, flight.continuation)

    def _collect(self) -> bool:
        """Take in the answers that are there, waiting for the next; False when the time for waiting is over."""
        left = self._timing.collecting_left()
        if left <= 0:
            return False
        try:
            index, answer = self._answers.get(timeout=min([left, *self._patience()]))
        except queue.Empty:
            self._give_up_overdue()
            return True
        if index in self._overdue:
            self._overdue.discard(index)
        else:
            self._take(self._in_flight.pop(index), answer)
        return True

    def _patience(self) -> list[float]:
        grace = limits.CUSTOMER_TIMEOUT_GRACE_SECONDS
        waits = [self._customer_time_left(flight) + grace for flight in self._in_flight.values()]
        return [max(0.01, min(waits))] if waits else []

    def _give_up_overdue(self) -> None:
        grace = limits.CUSTOMER_TIMEOUT_GRACE_SECONDS
        for index, flight in list(self._in_flight.items()):
            if self._customer_time_left(flight) + grace <= 0:
                self._overdue.add(index)
                self._finish(self._in_flight.pop(index), "failed", error=self._timed_out(flight, unknown=True))

    def _take(self, flight: _Flight, answer: Answer) -> None:
        flight.seconds += answer.seconds
        if answer.result is None and answer.error is None:
            self._not_run(flight, answer)
            return
        flight.ran = True
        flight.logs += answer.log_tail
        result = answer.result
        if result is None:
            self._finish(flight, "failed", error=answer.error)
            return
        flight.api_calls += result.api_calls
        flight.logs += result.logs
        flight.warnings += result.warnings
        flight.continuation = result.continuation
        if result.error is not None:
            self._finish(flight, "failed", error=result.error, data=result.data, location=result.data_location)
        elif result.continuation is not None:
            self._between_slices.append(flight)
        else:
            self._finish(flight, "successful", data=result.data, location=result.data_location)

    def _not_run(self, flight: _Flight, answer: Answer) -> None:
        """The slice did not run; a customer that ran before is between slices, not `not_started`."""
        flight.refused += answer.refused
        flight.reason = answer.reason or flight.reason
        if flight.ran and self._customer_time_left(flight) <= 0:
            self._finish(flight, "failed", error=self._timed_out(flight))
        else:
            self._stop_or_carry(flight)

    def _stop_or_carry(self, flight: _Flight) -> None:
        if self._carry_over:
            self._left.append(flight)
        else:
            self._stop(flight)

    def _stop(self, flight: _Flight) -> None:
        """The orchestrator's time is over for a customer of which no slice is out."""
        if flight.ran:
            self._finish(flight, "failed", error=self._timed_out(flight, _TIME_ENDED))
        elif flight.refused:
            times = f"{flight.refused} times; nothing ran"
            warning = f"{flight.reason} until it was too late to start ({times})"
            self._finish(flight, "not_started", warning=warning)
        else:
            self._finish(flight, "not_started", warning=_NO_TURN)

    def _hear_who_only_waited(self) -> None:
        """Closing wakes the threads that wait to try a throttled invoke again: for them nothing ran."""
        until = self._timing.clock() + min(_LAST_WORDS_SECONDS, self._timing.return_margin / 10)
        while self._in_flight and (left := until - self._timing.clock()) > 0:
            try:
                index, answer = self._answers.get(timeout=left)
            except queue.Empty:
                return
            if index in self._in_flight:
                self._take(self._in_flight.pop(index), answer)

    def _settle(self) -> None:
        """Results for whatever has none when the run must end."""
        for flight in list(self._in_flight.values()):
            self._finish(flight, "failed", error=self._timed_out(flight, _TIME_ENDED, unknown=True))
        self._in_flight.clear()
        while self._between_slices:
            self._stop_or_carry(self._between_slices.popleft())
        while self._waiting:
            flight = self._waiting.popleft()
            why = self._why_stopped()
            if why is not None:
                self._finish(flight, "not_started", warning=why)
            else:
                self._stop_or_carry(flight)

    def _finish(
        self,
        flight: _Flight,
        status: Status,
        *,
        error: ErrorInfo | None = None,
        data: dict[str, Any] | None = None,
        location: str | None = None,
        warning: str | None = None,
    ) -> None:
        item = flight.item
        self._failures += status == "failed"
        if item.index in self._canaries:
            self._canaries.discard(item.index)
            self._lost_canary = self._lost_canary or (None if status == "successful" else item.code)
        result = CustomerResult(
            customer_code=item.code,
            customer_name=item.name,
            account_id=item.account_id,
            region=item.region,
            status=status,
            error=error,
            data=data,
            data_location=location,
            warnings=(*item.warnings, *flight.warnings, *([warning] if warning else [])),
            api_calls=flight.api_calls,
            processing_time_seconds=round(flight.seconds, 3),
            attempts=flight.attempts,
            logs=tuple(flight.logs),
            continuation=flight.continuation if status == "failed" else None,
        )
        self._on_result(item, result)

    def _why_stopped(self) -> str | None:
        """Why no further customer is started, if so."""
        if self._failures_allowed is not None and self._failures > self._failures_allowed:
            return f"{self._failures} customers failed, more than max_failures allows: no further one was started"
        if self._lost_canary is not None:
            return f"the canary {self._lost_canary} did not succeed: no further customer was started"
        return None

    def _customer_time_left(self, flight: _Flight) -> float:
        return self._timing.customer_timeout - self._spent(flight)

    def _spent(self, flight: _Flight) -> float:
        """Seconds since its first slice was sent."""
        return 0.0 if flight.started is None else self._timing.clock() - flight.started

    def _progress(self, flight: _Flight) -> Progress:
        started = None if flight.started is None else clock.now() - timedelta(seconds=self._spent(flight))
        return Progress(
            index=flight.item.index,
            customer_code=flight.item.code,
            started_at=started and clock.iso(started),
            attempts=flight.attempts,
            api_calls=flight.api_calls,
            seconds=round(flight.seconds, 3),
            logs=tuple(flight.logs[-limits.MAX_LOG_LINES :]),
            warnings=tuple(flight.warnings),
            continuation=flight.continuation,
        )

    def _taken_over(self, item: PlannedItem, progress: Progress | None) -> _Flight:
        if progress is None:
            return _Flight(item)
        started = None
        if progress.started_at is not None:
            spent = (clock.now() - datetime.fromisoformat(progress.started_at)).total_seconds()
            started = self._timing.clock() - spent
        return _Flight(
            item,
            started,
            attempts=progress.attempts,
            seconds=progress.seconds,
            api_calls=progress.api_calls,
            logs=list(progress.logs),
            warnings=list(progress.warnings),
            continuation=progress.continuation,
            ran=progress.continuation is not None,
        )

    def _timed_out(self, flight: _Flight, reason: str | None = None, *, unknown: bool = False) -> ErrorInfo:
        """`unknown`: a slice is still out, and nobody will hear how it ended."""
        if unknown:
            flight.seconds = self._spent(flight)
        after = f"customer_timeout_seconds ({self._timing.customer_timeout:g}) passed"
        text = f"{flight.item.code} was not finished when {reason or after}"
        if unknown and self._writes:
            text += unknown_outcome.WORKER_MAY_GO_ON
        return ErrorInfo(
            category="timeout",
            type="CustomerTimeout" if reason is None else "OrchestratorDeadline",
            message=text,
            retryable=True,
            outcome_unknown=unknown and self._writes,
        )
