"""The fan-out: sends customers' slices to workers, and yields results as they arrive.

Every customer gets exactly one result, or is left for another invocation. The fan-out ends before the orchestrator's
deadline, whatever workers do.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from ses_fleet import limits
from ses_fleet.orchestrator.barrier import Barrier
from ses_fleet.orchestrator.customer_run import CustomerRun
from ses_fleet.orchestrator.invoke import Answer
from ses_fleet.orchestrator.plan import PlannedCustomer
from ses_fleet.orchestrator.signs import Intent, named_ahead
from ses_fleet.orchestrator.slice_pool import SlicePool
from ses_fleet.orchestrator.start_rules import StartRules
from ses_fleet.orchestrator.time_limits import TimeLimits
from ses_fleet.runs.hops import Progress
from ses_fleet.runs.models import CustomerResult
from ses_fleet.runs.work import WorkItem

MakeItem = Callable[[PlannedCustomer, float, dict[str, Any] | None], WorkItem]
Invoke = Callable[[Callable[[], WorkItem | None]], Answer]
_NOT_ALL = (
    "not every customer has answered ({}). Correct what they failed with, leave them out with exclude, or name them in "
    "params.accept_unreachable; then run this again"
)


@dataclass(frozen=True)
class Finished:
    """A customer and its result."""

    customer: PlannedCustomer
    result: CustomerResult


@dataclass(frozen=True)
class Paused:
    """A slice has ended, and its customer goes on with another one: `progress` is where it is."""

    progress: Progress


@dataclass(frozen=True)
class Outcome:
    """How the fan-out ended: the most slices that were in flight at once, and the customers without a result.

    `left` are for another invocation, or for `given_up`.
    """

    peak: int = 0
    left: tuple[CustomerRun, ...] = ()


@dataclass(frozen=True)
class FanOut:
    """How a fan-out is done: `concurrency` slices at once, each made by `make_item` and sent by `invoke`.

    `intent` names who is sent, and knows who may be.

    `make_item` gets the customer, the slice's time in seconds and the continuation of the slice before. `closed` is set
    when the fan-out ends. With `carry_over`, customers for which the orchestrator's time was too short get no result:
    they are left in the Outcome, for another invocation or for `given_up`. A `barrier` is between the two phases of an
    action that has them.
    """

    invoke: Invoke
    make_item: MakeItem
    time: TimeLimits
    concurrency: int
    writes: bool
    intent: Intent
    closed: threading.Event = field(default_factory=threading.Event)
    carry_over: bool = False
    barrier: Barrier | None = None
    _tries: dict[int, float] = field(default_factory=dict)

    def run(self, runs: Iterable[CustomerRun], rules: StartRules) -> Iterator[Finished | Paused | Outcome]:
        """Yield Finished once for every customer that gets a result, as it comes, and at the end one Outcome.

        In between yield Paused after every slice that has another one after it. When the intent is lost, the Outcome
        comes at once, and customers without a result are not in it.
        """
        with SlicePool(self.concurrency, self._slice, self.closed, writes=self.writes) as pool:
            self.intent.watch(pool.wake)
            line = _Line(self, pool, rules, runs)
            while line.fill() or pool.in_flight:
                if self.time.collecting_left() <= 0 or self.intent.is_lost:
                    break
                yield from line.collect()
        if not self.intent.is_lost:
            yield from line.collect_last()
            yield from line.end()
        yield Outcome(pool.peak, tuple(line.left))

    def trying_for(self, run: CustomerRun) -> float:
        """Return how many seconds ago the present try of a customer's slice was sent; 0 when none was."""
        began = self._tries.get(run.index)
        return 0.0 if began is None else self.time.clock() - began

    def customer_time_left(self, run: CustomerRun) -> float:
        """Return the seconds that a customer has left for all its slices; waiting for a place does not count."""
        return self.time.customer_timeout - run.seconds - self.trying_for(run)

    @property
    def _is_over(self) -> bool:
        """Return whether nothing will be sent any more, however long somebody waits."""
        return self.intent.is_lost or self.intent.is_cancelled

    def _slice(self, run: CustomerRun) -> Answer:
        """Send one slice, in a pool thread. The time that it gets is what is left at the moment of each try."""

        def make() -> WorkItem | None:
            self._tries.pop(run.index, None)
            budget = self._budget_when_allowed(run)
            if budget <= 0:
                return None
            self._tries[run.index] = self.time.clock()
            return self.make_item(run.customer, budget, run.continuation)

        try:
            return self.invoke(make)
        finally:
            self._tries.pop(run.index, None)

    def _budget_when_allowed(self, run: CustomerRun) -> float:
        """Return the seconds that a slice may take, once it may be sent; 0 or less = it is too late for it."""
        while not self._is_over and (budget := self.time.budget(self.time.customer_timeout - run.seconds)) > 0:
            if self.intent.may_send(run.index, run.next_slice):
                return budget
            if self.closed.wait(limits.SIGN_LOOK_SECONDS):
                break
        return 0.0


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
        self._intent = fan_out.intent
        self._look_at = fan_out.time.clock() + limits.CUSTOMER_TIMEOUT_GRACE_SECONDS
        self._rules = rules
        self._named_ahead = 0  # how many of the first in line are named
        self._barrier = fan_out.barrier
        self._between_slices: deque[CustomerRun] = deque()
        self._held: list[CustomerRun] = []  # at the barrier
        self._waiting: deque[CustomerRun] = deque()
        for run in runs:
            if run.ran:
                self._goes_on(run)
            else:
                self._waiting.append(run)

    def fill(self) -> bool:
        """Start what may start. Return whether customers still wait: for a place, a sign of life or canaries."""
        self._name_ahead()
        while not self._pool.is_full and self._time.may_start() and (run := self._next()) is not None:
            self._pool.start(run)
        if self._intent.is_cancelled:
            return False
        # Who is between slices goes on when nobody else is started any more.
        waits = bool(self._between_slices or self._held) or (bool(self._waiting) and self._rules.why_stopped() is None)
        return waits and self._time.may_start()

    def collect(self) -> Iterator[Finished | Paused]:
        """Wait for one answer, and yield what follows from it: mostly nothing or one result."""
        if self._intent.is_cancelled:
            yield from self._cancel()
        if self._held and self._nobody_else_goes_on():
            yield from self._pass_barrier()
            return
        yield from self._keep_from_second_phase()
        patience = max(limits.SHORTEST_WAIT_SECONDS, self._look_at - self._time.clock())
        received = self._pool.receive(max(0.0, min(self._time.collecting_left(), patience, limits.LOOK_SECONDS)))
        if received is not None:
            yield from self._take(*received)
        if self._time.clock() >= self._look_at:
            yield from self._give_up_late()

    def _give_up_late(self) -> Iterator[Finished]:
        """Yield the failure of everybody whose time is over, and note when the next one's may be.

        Whoever is started later has at least the grace: looking through all of them after each answer is not needed.
        """
        grace = limits.CUSTOMER_TIMEOUT_GRACE_SECONDS
        soonest = grace
        for run in list(self._pool.in_flight.values()):
            left = self._fan_out.customer_time_left(run) + grace
            if left <= 0:
                late = self._pool.abandon(run.index).unheard(self._fan_out.trying_for(run))
                yield self._finished(late, late.out_of_time(self._time.customer_timeout, writes=self._fan_out.writes))
            else:
                soonest = min(soonest, left)
        self._look_at = self._time.clock() + soonest

    def collect_last(self) -> Iterator[Finished | Paused]:
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
            late = self._pool.abandon(run.index).unheard(self._fan_out.trying_for(run))
            yield self._finished(late, late.cut_off(writes=self._fan_out.writes))
        if self._intent.is_cancelled:
            yield from self._cancel()
        for run in (*self._between_slices, *self._held):
            yield from self._stop(run)
        why, held_up = self._rules.why_stopped(), self._intent.why_not
        for run in self._waiting:
            if why is None:
                yield from self._stop(run.held_up(held_up))
            else:
                yield self._finished(run, run.not_started(why))

    def _name_ahead(self) -> None:
        """Have those named who may be sent soon: all between two slices, and a few more than there are places."""
        if not self._time.may_start():
            return
        ahead = named_ahead(self._fan_out.concurrency, writes=self._fan_out.writes)
        # After a barrier everybody may be between two slices.
        for run in islice(self._between_slices, self._pool.places + ahead):
            self._intent.name(run.index, run.next_slice)
        if 2 * (self._named_ahead - self._pool.places) >= ahead:
            return  # a sign for each of them would be too many
        for run in islice(self._waiting, self._named_ahead, self._pool.places + ahead):
            if not self._may_start(run):
                break
            self._intent.name(run.index, run.next_slice)
            self._named_ahead += 1

    def _next(self) -> CustomerRun | None:
        """Return the next one that may be sent now, and take it out of the line."""
        for run in self._between_slices:
            if self._intent.is_named(run.index, run.next_slice):
                self._between_slices.remove(run)
                return run
        # Canaries come first in the order of starting (Plan.in_turn), so they are first in line.
        first = self._waiting[0] if self._waiting else None
        if first is None or not self._may_start(first) or not self._intent.is_named(first.index, first.next_slice):
            return None
        self._named_ahead = max(0, self._named_ahead - 1)
        return self._waiting.popleft()

    def _may_start(self, run: CustomerRun) -> bool:
        return not self._intent.is_cancelled and self._rules.may_start(run.customer)

    def _cancel(self) -> Iterator[Finished]:
        """Give everybody who is with no worker the result of a run that was cancelled."""
        for line in (self._between_slices, self._held, self._waiting):
            runs = [*line]
            line.clear()
            for run in runs:
                yield self._finished(run, run.cancelled())

    def _take(self, run: CustomerRun, answer: Answer) -> Iterator[Finished | Paused]:
        after = run.after(answer)
        if answer.result is None and answer.error is None:
            self._intent.take_back(run.index)
            # A customer that ran before is between slices, not "not started".
            if after.ran and self._fan_out.customer_time_left(after) <= 0:
                yield self._finished(after, after.out_of_time(self._time.customer_timeout))
            else:
                yield from self._stop(after)
            return
        result = after.answered(answer)
        if result is None:
            self._goes_on(after)
            yield Paused(after.progress())
        else:
            yield self._finished(after, result)

    def _goes_on(self, run: CustomerRun) -> None:
        at_barrier = run.phase_over and self._barrier is not None and not self._barrier.is_open
        (self._held if at_barrier else self._between_slices).append(run)

    def _nobody_else_goes_on(self) -> bool:
        """Return whether everybody who still can be is at the barrier."""
        may_start = bool(self._waiting) and self._rules.why_stopped() is None
        return not (self._pool.in_flight or self._between_slices or may_start)

    def _pass_barrier(self) -> Iterator[Finished]:
        """Let everybody go on who is at the barrier, or yield why nobody does."""
        assert self._barrier is not None  # noqa: S101  # nobody is held without one
        silent = self._barrier.why_not(run.customer.code for run in self._waiting)
        why = silent and _NOT_ALL.format(silent)
        held, self._held = self._held, []
        if why is None:
            self._barrier.open()
            self._between_slices.extend(held)
        else:
            for run in held:
                yield self._finished(run, run.held_back(why))

    def _keep_from_second_phase(self) -> Iterator[Finished]:
        """Yield the failure of everybody who has not begun the second phase when nobody is started any more."""
        why = self._rules.why_stopped() if self._barrier is not None else None
        if why is None:
            return
        for run in [run for run in self._between_slices if run.phase_over]:
            self._between_slices.remove(run)
            yield self._finished(run, run.held_back(why))

    def _stop(self, run: CustomerRun) -> Iterator[Finished]:
        if self._intent.is_cancelled:
            yield self._finished(run, run.cancelled())
        elif self._fan_out.carry_over:
            self.left.append(run)
        else:
            yield self._finished(run, run.given_up())

    def _finished(self, run: CustomerRun, result: CustomerResult) -> Finished:
        self._rules.note(run.customer, result)
        if self._barrier is not None:
            self._barrier.note(run.customer.code, result.status)
        return Finished(run.customer, result)
