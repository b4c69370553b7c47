"""The fan-out: sends customers' slices to workers, and yields results as they arrive.

Every customer gets exactly one result, or is left for another invocation. The fan-out ends before the orchestrator's
deadline, whatever workers do.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ses_fleet import limits
from ses_fleet.orchestrator.customer_run import CustomerRun
from ses_fleet.orchestrator.invoke import Answer
from ses_fleet.orchestrator.plan import PlannedCustomer
from ses_fleet.orchestrator.slice_pool import SlicePool
from ses_fleet.orchestrator.start_rules import StartRules
from ses_fleet.orchestrator.time_limits import TimeLimits
from ses_fleet.runs.models import CustomerResult, Progress, WorkItem

MakeItem = Callable[[PlannedCustomer, float, dict[str, Any] | None], WorkItem]
Invoke = Callable[[Callable[[], WorkItem | None]], Answer]


@dataclass(frozen=True)
class Finished:
    """A customer and its result."""

    customer: PlannedCustomer
    result: CustomerResult


@dataclass(frozen=True)
class Outcome:
    """How the fan-out ended: the most slices that were in flight at once, and the customers without a result.

    `progress` is what another invocation needs to go on with those who are `left`. `canaries` are the indexes of the
    customers that must still succeed before others start.
    """

    peak: int = 0
    left: tuple[CustomerRun, ...] = ()
    progress: tuple[Progress, ...] = ()
    canaries: tuple[int, ...] = ()


@dataclass(frozen=True)
class FanOut:
    """How a fan-out is done: `concurrency` slices at once, each made by `make_item` and sent by `invoke`.

    `make_item` gets the customer, the slice's time in seconds and the continuation of the slice before. `closed` is set
    when the fan-out ends. With `carry_over`, customers for which the orchestrator's time was too short get no result:
    they are left in the Outcome, for another invocation or for `given_up`.
    """

    invoke: Invoke
    make_item: MakeItem
    time: TimeLimits
    concurrency: int
    writes: bool
    closed: threading.Event = field(default_factory=threading.Event)
    carry_over: bool = False

    def run(self, runs: Iterable[CustomerRun], rules: StartRules) -> Iterator[Finished | Outcome]:
        """Yield Finished once for every customer that gets a result, as it comes, and at the end one Outcome."""
        with SlicePool(self.concurrency, self._slice, self.closed, writes=self.writes) as pool:
            line = _Line(self, pool, rules, runs)
            while line.fill() or pool.in_flight:
                if self.time.collecting_left() <= 0:
                    break
                yield from line.collect()
        yield from line.collect_last()
        yield from line.end()
        now = self.time.clock()
        yield Outcome(pool.peak, tuple(line.left), tuple(run.progress(now) for run in line.left), rules.canaries)

    def customer_time_left(self, run: CustomerRun) -> float:
        """Return the seconds that a customer has left for all its slices."""
        return self.time.customer_timeout - run.spent(self.time.clock())

    def _slice(self, run: CustomerRun) -> Answer:
        """Send one slice, in a pool thread. The time that it gets is what is left at the moment of each try."""

        def make() -> WorkItem | None:
            budget = self.time.budget(self.customer_time_left(run))
            return None if budget <= 0 else self.make_item(run.customer, budget, run.continuation)

        return self.invoke(make)


def given_up(left: Iterable[CustomerRun]) -> Iterator[Finished]:
    """Yield results for the customers of an Outcome that no other invocation will go on with."""
    for run in left:
        yield Finished(run.customer, run.given_up())


class _Line:
    """The customers that wait: those between two slices first, then those that were never started."""

    def __init__(self, fan_out: FanOut, pool: SlicePool, rules: StartRules, runs: Iterable[CustomerRun]) -> None:
        self.left: list[CustomerRun] = []
        self._fan_out = fan_out
        self._time = fan_out.time
        self._pool = pool
        self._rules = rules
        self._between_slices: deque[CustomerRun] = deque()
        self._waiting: deque[CustomerRun] = deque()
        for run in runs:
            (self._between_slices if run.ran else self._waiting).append(run)

    def fill(self) -> bool:
        """Start what may start. Return whether customers wait for a place that an abandoned slice still holds."""
        while not self._pool.is_full and self._time.may_start() and (run := self._next()) is not None:
            self._pool.start(run.sent(self._time.clock()))
        blocked = self._pool.has_abandoned and bool(self._between_slices or self._waiting)
        return blocked and self._time.may_start() and self._rules.why_stopped() is None

    def collect(self) -> Iterator[Finished]:
        """Wait for one answer, and yield what follows from it: mostly nothing or one result."""
        grace = limits.CUSTOMER_TIMEOUT_GRACE_SECONDS
        waits = [self._fan_out.customer_time_left(run) + grace for run in self._pool.in_flight.values()]
        patience = max(limits.SHORTEST_WAIT_SECONDS, min(waits)) if waits else self._time.collecting_left()
        received = self._pool.receive(min(self._time.collecting_left(), patience))
        if received is not None:
            yield from self._take(*received)
            return
        for run in list(self._pool.in_flight.values()):
            if self._fan_out.customer_time_left(run) + grace <= 0:
                late = self._pool.abandon(run.index).unheard(self._time.clock())
                yield self._finished(late, late.out_of_time(self._time.customer_timeout, writes=self._fan_out.writes))

    def collect_last(self) -> Iterator[Finished]:
        """Take the answers of the last moments: of threads that only waited to try again, and of slices just ended."""
        until = self._time.clock() + min(
            limits.LAST_ANSWERS_SECONDS, self._time.return_margin * limits.LAST_ANSWERS_SHARE
        )
        while self._pool.in_flight and (left := until - self._time.clock()) > 0:
            received = self._pool.receive(left)
            if received is not None:
                yield from self._take(*received)

    def end(self) -> Iterator[Finished]:
        """Give every customer that is left its result; with carry_over, leave those that no worker is busy with."""
        for run in list(self._pool.in_flight.values()):
            late = self._pool.abandon(run.index).unheard(self._time.clock())
            yield self._finished(late, late.cut_off(writes=self._fan_out.writes))
        for run in self._between_slices:
            yield from self._stop(run)
        why = self._rules.why_stopped()
        for run in self._waiting:
            yield from self._stop(run) if why is None else [self._finished(run, run.not_started(why))]

    def _next(self) -> CustomerRun | None:
        if self._between_slices:
            return self._between_slices.popleft()
        # Canaries come first in the order of starting (Plan.in_turn), so they are first in line.
        if self._waiting and self._rules.may_start(self._waiting[0].customer):
            return self._waiting.popleft()
        return None

    def _take(self, run: CustomerRun, answer: Answer) -> Iterator[Finished]:
        after = run.after(answer)
        if answer.result is None and answer.error is None:
            # A customer that ran before is between slices, not "not started".
            if after.ran and self._fan_out.customer_time_left(after) <= 0:
                yield self._finished(after, after.out_of_time(self._time.customer_timeout))
            else:
                yield from self._stop(after)
            return
        result = after.answered(answer)
        if result is None:
            self._between_slices.append(after)
        else:
            yield self._finished(after, result)

    def _stop(self, run: CustomerRun) -> Iterator[Finished]:
        if self._fan_out.carry_over:
            self.left.append(run)
        else:
            yield self._finished(run, run.given_up())

    def _finished(self, run: CustomerRun, result: CustomerResult) -> Finished:
        self._rules.note(run.customer, result)
        return Finished(run.customer, result)
