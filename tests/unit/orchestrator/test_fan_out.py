"""The fan-out: bounded, one result for everybody, and back before the deadline, whatever workers do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ses_fleet import limits
from ses_fleet.config.customer import Customer, CustomerIdentity
from ses_fleet.orchestrator import fan_out
from ses_fleet.orchestrator.customer_run import CustomerRun
from ses_fleet.orchestrator.fan_out import FanOut, Finished, Outcome
from ses_fleet.orchestrator.invoke import Answer
from ses_fleet.orchestrator.plan import PlannedCustomer
from ses_fleet.orchestrator.signs import Intent
from ses_fleet.orchestrator.start_rules import StartRules
from ses_fleet.orchestrator.time_limits import TimeLimits
from ses_fleet.runs.hops import Progress
from ses_fleet.runs.models import CustomerResult
from ses_fleet.runs.results import CANCELLED_BEFORE, was_cancelled
from ses_fleet.runs.work import ErrorInfo, WorkItem, WorkResult

Make = Callable[[], WorkItem | None]


class Free:
    """An intent that lets everybody be sent at once, as if a sign of life were stored in no time."""

    is_lost = False
    is_cancelled = False
    why_not: str | None = None

    def __init__(self) -> None:
        self.wake: Callable[[], None] = lambda: None
        self.named: list[tuple[int, int]] = []
        self.taken_back: list[int] = []

    def watch(self, on_change: Callable[[], None]) -> None:
        """Keep what is to be called."""
        self.wake = on_change

    def name(self, index: int, number: int, /) -> None:
        """Note who."""
        self.named.append((index, number))

    def is_named(self, index: int, number: int, /) -> bool:
        """Whoever was asked for."""
        return (index, number) in self.named

    def may_send(self, index: int, number: int, /) -> bool:
        """The same."""
        return self.is_named(index, number)

    def take_back(self, index: int, /) -> None:
        """Note of whom."""
        self.taken_back.append(index)


def customers(count: int) -> list[PlannedCustomer]:
    """So many customers."""
    known: dict[str, Any] = {"customer_name": "x", "account_id": "111122223333", "region": "us-east-1"}
    role = "arn:aws:iam::111122223333:role/r"
    return [
        PlannedCustomer(
            index,
            CustomerIdentity(customer_code=f"c{index}", **known),
            checked=Customer(customer_code=f"c{index}", ses_role_arn=role, **known),
        )
        for index in range(count)
    ]


def work_item(customer: PlannedCustomer, budget: float, continuation: dict[str, Any] | None) -> WorkItem:
    """What would be sent."""
    assert customer.checked is not None
    return WorkItem(
        run_id="r",
        action="describe-list",
        customer=customer.checked,
        params={},
        slice_budget_seconds=budget,
        continuation=continuation,
    )


def ran(
    made: FanOut, count: int, rules: StartRules | None = None, progress: dict[int, Progress] | None = None
) -> tuple[list[CustomerResult], Outcome]:
    """The results of a fan-out over so many customers in the order they came, and how it ended."""
    results, outcome = [], None
    begun = [CustomerRun.taken_over(one, (progress or {}).get(one.index)) for one in customers(count)]
    for event in made.run(begun, rules or StartRules()):
        if isinstance(event, Outcome):
            outcome = event
        elif isinstance(event, Finished):
            results.append(event.result)
    assert outcome is not None
    return results, outcome


def done(work: WorkItem, **outcome: Any) -> Answer:
    """A worker's answer."""
    code = work.customer.customer_code
    result = WorkResult(run_id="r", customer_code=code, account_id="111122223333", **outcome)
    return Answer(0.01, result=result, attempts=1)


def sent(make: Make) -> WorkItem:
    """The slice, when there is time for one."""
    work = make()
    assert work is not None
    return work


def fail(work: WorkItem) -> Answer:
    """A worker's failure."""
    return done(work, error=ErrorInfo(category="operation", type="X", message=f"{work.customer.customer_code} broke"))


class Run:
    """A fan-out with a made-up worker; `results` in the order they came."""

    def __init__(
        self,
        worker: Callable[[Make], Answer],
        count: int,
        bound: int,
        *,
        allowed: int | None = None,
        remaining: Callable[[], float] = lambda: 800.0,
        customer_timeout: float = 900.0,
        start_margin: float = 60.0,
        return_margin: float = 30.0,
        writes: bool = False,
    ) -> None:
        self.closed = threading.Event()
        made = FanOut(
            invoke=worker,
            make_item=work_item,
            time=TimeLimits(remaining, 240.0, start_margin, return_margin, customer_timeout),
            concurrency=bound,
            writes=writes,
            intent=Free(),
            closed=self.closed,
        )
        self.results, outcome = ran(made, count, StartRules(allowed))
        self.peak = outcome.peak

    def statuses(self) -> list[str]:
        """In config order."""
        return [result.status for result in sorted(self.results, key=lambda r: int(r.customer_code[1:]))]


class Gauge:
    """Counts how many workers really run at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = 0
        self.most = 0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        yield
        with self._lock:
            self._now -= 1


@pytest.mark.parametrize("bound", [1, 3, 12])
def test_the_peak_in_flight_is_the_bound(bound: int) -> None:
    """Never more, and no fewer while there is work."""
    gauge, together = Gauge(), threading.Barrier(bound)

    def worker(make: Make) -> Answer:
        with gauge():
            together.wait(timeout=30)  # for as many as may run at once
        return done(sent(make))

    run = Run(worker, 12, bound)
    assert gauge.most == run.peak == bound
    assert run.statuses() == ["successful"] * 12


def test_only_the_calling_thread_collects() -> None:
    """Results are handed over where logging and metrics are safe."""
    main, threads = threading.get_ident(), set()

    def worker(make: Make) -> Answer:
        threads.add(threading.get_ident())
        return done(sent(make))

    seen = set()
    made = FanOut(
        worker, work_item, TimeLimits(lambda: 800.0, 240.0, 60.0, 30.0, 900.0), 4, writes=False, intent=Free()
    )
    for _ in made.run(map(CustomerRun, customers(8)), StartRules()):
        seen.add(threading.get_ident())
    assert seen == {main}
    assert main not in threads


@settings(deadline=None, max_examples=60)
@given(
    behaviours=st.lists(st.sampled_from(["ok", "fail", "raise", "not_run", "slices", "error"]), max_size=12),
    bound=st.integers(1, 12),
    allowed=st.none() | st.integers(0, 3),
)
def test_everybody_gets_exactly_one_result(behaviours: list[str], bound: int, allowed: int | None) -> None:
    """Whatever each worker does, in whatever order, and however many failures are allowed."""

    def worker(make: Make) -> Answer:
        work = make()
        if work is None:
            return Answer(0.0)
        behaviour = behaviours[int(work.customer.customer_code[1:])]
        if behaviour == "raise":
            raise RuntimeError("a bug of ours")
        if behaviour == "slices" and work.continuation is None:
            return done(work, continuation={"page": 2})
        return {
            "fail": fail(work),
            "not_run": Answer(0.0, turned_away=3, reason="Lambda throttled the worker"),
            "error": Answer(0.0, error=ErrorInfo(category="internal", type="Runtime.ExitError", message="gone")),
        }.get(behaviour, done(work))

    run = Run(worker, len(behaviours), bound, allowed=allowed)
    assert sorted(result.customer_code for result in run.results) == sorted(f"c{n}" for n in range(len(behaviours)))
    if allowed is None:
        expected = {"ok": "successful", "slices": "successful", "not_run": "not_started"}
        assert run.statuses() == [expected.get(behaviour, "failed") for behaviour in behaviours]


def test_max_failures_stops_starting_when_it_is_exceeded() -> None:
    """One failure is allowed, the second stops; what runs is finished."""
    run = Run(lambda make: fail(sent(make)), 6, 1, allowed=1)
    assert run.statuses() == ["failed", "failed", *["not_started"] * 4]
    assert run.results[-1].error is None
    assert run.results[-1].warnings == (
        "2 customers failed, more than max_failures allows: no further one was started",
    )


def test_a_slice_is_continued_until_it_is_done() -> None:
    """The continuation comes back unchanged; calls, attempts and lines add up."""
    seen = []

    def worker(make: Make) -> Answer:
        work = make()
        if work is None:
            return Answer(0.0)
        seen.append(work.continuation)
        page = (work.continuation or {"page": 0})["page"] + 1
        if page == 3:
            return done(work, data={"total": 3}, api_calls=2, logs=("last",))
        return done(work, continuation={"page": page}, api_calls=2, logs=(f"page {page}",))

    (result,) = Run(worker, 1, 1).results
    assert seen == [None, {"page": 1}, {"page": 2}]
    assert (result.status, result.attempts, result.api_calls, result.data) == ("successful", 3, 6, {"total": 3})
    assert result.logs == ("page 1", "page 2", "last")


def test_nobody_starts_when_too_little_time_is_left() -> None:
    """What cannot be finished is not begun."""
    run = Run(lambda make: done(sent(make)), 3, 3, remaining=lambda: 59.0)
    assert run.statuses() == ["not_started"] * 3
    assert run.results[0].attempts == 0
    assert "time was used up" in run.results[0].warnings[0]


def test_a_customer_between_slices_at_the_deadline_keeps_its_continuation() -> None:
    """failed (timeout, retryable): it ran, so it is not `not_started`."""
    left = [800.0]

    def worker(make: Make) -> Answer:
        work = sent(make)
        left[0] = 40.0
        return done(work, continuation={"page": 7})

    (result,) = Run(worker, 1, 1, remaining=lambda: left[0]).results
    assert result.status == "failed"
    assert result.error is not None
    assert (result.error.category, result.error.retryable, result.error.outcome_unknown) == ("timeout", True, False)
    assert result.continuation == {"page": 7}


def test_the_budget_is_cut_to_what_is_left() -> None:
    """Slice budget, orchestrator's time less its margin, customer's time: the least of them."""
    budgets = []

    def worker(make: Make) -> Answer:
        work = sent(make)
        budgets.append(work.slice_budget_seconds)
        return done(work)

    Run(worker, 1, 1)
    Run(worker, 1, 1, remaining=lambda: 100.0)
    Run(worker, 1, 1, customer_timeout=20.0)
    assert budgets[:2] == [240.0, 70.0]
    assert budgets[2] == pytest.approx(20.0, abs=1.0)


class Countdown:
    """Seconds left of an invocation, by a clock of its own: each look of the thread that collects takes a while."""

    def __init__(self, seconds: float, step: float = 0.05) -> None:
        self.left = seconds
        self._step = step
        self._collecting = threading.get_ident()

    def __call__(self) -> float:
        if threading.get_ident() == self._collecting:
            self.left -= self._step
        return self.left


@pytest.mark.parametrize("writes", [True, False])
def test_it_returns_before_the_deadline_whatever_is_outstanding(writes: bool) -> None:
    """A worker that never answers is failed; its outcome is unknown if it could change something."""
    release = threading.Event()
    remaining = Countdown(0.5)

    def worker(make: Make) -> Answer:
        work = sent(make)
        release.wait(30)
        return done(work)

    run = Run(worker, 3, 2, remaining=remaining, start_margin=0.3, return_margin=0.2, writes=writes)
    release.set()
    assert remaining.left > 0
    assert run.closed.is_set()
    assert run.statuses() == ["failed", "failed", "not_started"]
    error = run.results[0].error
    assert error is not None
    assert (error.category, error.type, error.outcome_unknown) == ("timeout", "OrchestratorDeadline", writes)
    # Its worker is not over: who runs it again at once has two of them beside each other.
    assert ("its worker may go on for up to 290 seconds" in error.message) == writes
    assert run.results[0].attempts == 1


def test_a_customer_beyond_its_time_is_given_up_and_keeps_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its thread still holds an invoke, so nobody takes its place until that ends."""
    monkeypatch.setattr(limits, "CUSTOMER_TIMEOUT_GRACE_SECONDS", 0.05)
    gauge, release = Gauge(), threading.Event()

    def worker(make: Make) -> Answer:
        with gauge():
            work = sent(make)
            if work.customer.customer_code == "c0":
                release.wait(1)
            else:
                release.set()
            return done(work)

    run = Run(worker, 2, 1, customer_timeout=0.1)
    assert gauge.most == 1
    assert run.statuses() == ["failed", "successful"]
    assert run.results[0].error is not None
    assert run.results[0].error.type == "CustomerTimeout"


def test_who_only_waited_at_the_deadline_was_not_started() -> None:
    """A throttled invoke ran nothing, even if its thread still waits to try again when the run must end."""
    remaining = Countdown(0.6)
    closed = threading.Event()

    def worker(make: Make) -> Answer:
        sent(make)
        closed.wait(10)
        return Answer(0.0, turned_away=1, reason="Lambda throttled the worker")

    within = TimeLimits(remaining, 240.0, 0.4, 0.4, 900.0)
    results, _ = ran(FanOut(worker, work_item, within, 2, writes=True, intent=Free(), closed=closed), 2)
    assert [result.status for result in results] == ["not_started"] * 2
    assert remaining.left > 0


@pytest.mark.parametrize("writes", [True, False])
def test_who_was_never_reached_is_told_why(writes: bool) -> None:
    """Not started, with the last reason and how often; nothing is unknown of somebody for whom nothing ran."""
    reason = "Lambda could not be reached to invoke the worker (EndpointConnectionError: no host)"

    def worker(make: Make) -> Answer:
        sent(make)
        return Answer(0.0, turned_away=4, reason=reason)

    (result,) = Run(worker, 1, 1, writes=writes).results
    assert (result.status, result.error) == ("not_started", None)
    assert result.warnings == (f"{reason} until it was too late to start (4 times; nothing ran)",)


def test_a_thread_that_waits_sends_nothing_after_the_end() -> None:
    """An abandoned thread must not act in a later invocation of the same environment."""
    late: list[WorkItem | None] = []
    over, finished, remaining = threading.Event(), threading.Event(), Countdown(0.5)

    def worker(make: Make) -> Answer:
        sent(make)
        over.wait(30)
        late.append(make())
        finished.set()
        return Answer(0.0)

    Run(worker, 1, 1, remaining=remaining, start_margin=0.2, return_margin=0.1)
    over.set()
    assert finished.wait(5)
    assert late == [None]


class Clock:
    """Seconds left, which the test sets."""

    def __init__(self, left: float) -> None:
        self.left = left

    def __call__(self) -> float:
        return self.left


def carried(
    worker: Callable[[Make], Answer],
    count: int,
    clock: Clock,
    rules: StartRules | None = None,
    progress: dict[int, Progress] | None = None,
    intent: Intent | None = None,
) -> tuple[Outcome, list[CustomerResult]]:
    """A fan-out whose rest another invocation would take over: how it ended, and its results."""
    made = FanOut(
        worker,
        work_item,
        TimeLimits(clock, 240.0, 60.0, 30.0, 900.0),
        1,
        writes=False,
        intent=intent or Free(),
        carry_over=True,
    )
    results, outcome = ran(made, count, rules, progress)
    return outcome, results


def test_what_the_time_was_too_short_for_is_left() -> None:
    """No result for those: who waits, and who is between slices with everything known of it."""
    clock = Clock(800.0)

    def worker(make: Make) -> Answer:
        work = sent(make)
        if work.customer.customer_code == "c0":
            return done(work)
        clock.left = 50.0
        return done(work, continuation={"page": 2}, api_calls=7, logs=("read a page",), warnings=("odd",))

    outcome, results = carried(worker, 3, clock)
    assert [result.customer_code for result in results] == ["c0"]
    between, waiting = [run.progress() for run in outcome.left]
    assert (between.index, between.continuation, between.attempts, between.api_calls) == (1, {"page": 2}, 1, 7)
    assert (between.logs, between.warnings) == (("read a page",), ("odd",))
    assert between.slices == 1
    assert (waiting.index, waiting.slices, waiting.attempts, waiting.continuation) == (2, 0, 0, None)
    given_up = [one.result for one in fan_out.given_up(outcome.left)]
    assert [(result.customer_code, result.status) for result in [*results, *given_up]] == [
        ("c0", "successful"),
        ("c1", "failed"),
        ("c2", "not_started"),
    ]


def test_a_customer_taken_over_goes_on_where_it_was() -> None:
    """Its continuation is sent, its numbers go on, and its time is what its slices took before."""
    seen = []

    def worker(make: Make) -> Answer:
        work = make()
        if work is None:
            return Answer(0.0)
        seen.append(work.continuation)
        return done(work, data={"ok": 1}, api_calls=3, logs=("the rest",))

    before = Progress(
        index=0, customer_code="c0", slices=2, attempts=2, api_calls=7, seconds=5.0, logs=("first",),
        warnings=("odd",), continuation={"page": 2},
    )  # fmt: skip
    _, (result,) = carried(worker, 1, Clock(800.0), progress={0: before})
    assert seen == [{"page": 2}]
    assert (result.attempts, result.api_calls, result.logs) == (3, 10, ("first", "the rest"))
    assert result.warnings == ("odd",)
    late = before.model_copy(update={"seconds": 900.0})
    _, (result,) = carried(worker, 1, Clock(800.0), progress={0: late})
    assert (result.status, result.error and result.error.type) == ("failed", "CustomerTimeout")
    assert len(seen) == 1


def test_failures_of_earlier_parts_count() -> None:
    """Whoever waits is not started, and not carried over either; who is between slices goes on."""
    before = Progress(index=1, customer_code="c1", slices=1, continuation={"page": 2})
    _, results = carried(lambda make: done(sent(make)), 2, Clock(800.0), StartRules(1, 2), {1: before})
    assert {result.customer_code: result.status for result in results} == {"c0": "not_started", "c1": "successful"}


class Slow(Free):
    """An intent whose signs of life are stored only when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.stored: set[tuple[int, int]] = set()

    def is_named(self, index: int, number: int, /) -> bool:
        """Whom a stored sign names."""
        return (index, number) in self.stored

    def store(self) -> None:
        """Have a sign stored that names everybody who is to be named."""
        self.stored = set(self.named)
        self.wake()


def test_nobody_is_sent_before_a_sign_of_life_names_it() -> None:
    """Who may be sent soon is named ahead, half as many as there are places, and starts when the sign is stored."""
    intent, started = Slow(), threading.Event()
    named: list[list[tuple[int, int]]] = []

    def worker(make: Make) -> Answer:
        work = sent(make)
        started.set()
        return done(work)

    def later() -> None:
        named.append(list(intent.named))
        assert not started.is_set()
        intent.store()

    made = FanOut(worker, work_item, TimeLimits(lambda: 800.0, 240.0, 60.0, 30.0, 900.0), 2, writes=True, intent=intent)
    original = intent.name

    def name(index: int, number: int, /) -> None:
        original(index, number)
        if not named and index == 2:
            threading.Timer(0.1, later).start()
        elif named:
            intent.store()

    intent.name = name  # type: ignore[method-assign]
    results, _ = ran(made, 5)
    assert named == [[(0, 1), (1, 1), (2, 1)]]
    assert [result.status for result in results] == ["successful"] * 5


def test_one_sign_of_life_names_several_customers_ahead() -> None:
    """The next ones are named when more than half of those ahead are started: not in a sign for each customer."""
    intent = Free()
    bursts = [0]

    def name(index: int, number: int, /) -> None:
        intent.named.append((index, number))
        bursts[-1] += 1

    def is_named(index: int, number: int, /) -> bool:
        if bursts[-1]:
            bursts.append(0)
        return (index, number) in intent.named

    intent.name, intent.is_named = name, is_named  # type: ignore[method-assign]
    time = TimeLimits(lambda: 800.0, 240.0, 60.0, 30.0, 900.0)
    made = FanOut(lambda make: done(sent(make)), work_item, time, 8, writes=False, intent=intent)
    results, _ = ran(made, 60)
    assert len(results) == 60
    first, *others, last, nothing = bursts
    assert (first, sum(bursts), nothing) == (16, 60, 0)
    assert [count for count in others if count < 5] == []
    assert last > 0


@pytest.mark.parametrize("cancelled", [True, False])
def test_who_is_between_slices_goes_on_unless_the_run_was_cancelled(cancelled: bool) -> None:
    """When too many failed, the next slice waits for its sign of life, and is sent. After a cancel it is not."""
    intent = Slow()
    slices_of_c0: list[object] = []
    waiting: list[bool] = []

    def worker(make: Make) -> Answer:
        work = sent(make)
        if work.customer.customer_code == "c1":
            return fail(work)
        if work.customer.customer_code == "c0":
            slices_of_c0.append(work.continuation)
        if work.continuation is None:
            return done(work, continuation={"page": 2})
        return done(work)

    made = FanOut(worker, work_item, TimeLimits(lambda: 800.0, 240.0, 60.0, 30.0, 900.0), 2, writes=True, intent=intent)
    original = intent.name

    def name(index: int, number: int, /) -> None:
        original(index, number)
        if (index, number) != (0, 2):
            intent.store()
        elif not waiting:
            waiting.append(True)
            intent.is_cancelled = cancelled
            threading.Timer(0.2, intent.store).start()

    intent.name = name  # type: ignore[method-assign]
    results, outcome = ran(made, 3, StartRules(None if cancelled else 0))
    found = {result.customer_code: result for result in results}
    assert (found["c1"].status, outcome.left, waiting) == ("failed", (), [True])
    if not cancelled:
        assert (found["c0"].status, slices_of_c0) == ("successful", [None, {"page": 2}])
        return
    assert found["c0"].error is not None
    assert (found["c0"].error.type, found["c0"].continuation, slices_of_c0) == ("Cancelled", {"page": 2}, [None])
    assert was_cancelled(found["c2"])


def test_a_try_that_waits_is_given_up_when_the_run_is_cancelled() -> None:
    """A slice that Lambda turned away waits to be sent again, for minutes: a cancel ends that, and nothing ran."""
    intent = Free()

    def worker(make: Make) -> Answer:
        sent(make)  # turned away
        intent.is_cancelled = True
        assert make() is None
        return Answer(0.0, turned_away=1, reason="Lambda throttled the worker", attempts=1)

    made = FanOut(worker, work_item, TimeLimits(lambda: 800.0, 240.0, 60.0, 30.0, 900.0), 1, writes=True, intent=intent)
    results, outcome = ran(made, 2)
    assert [(result.status, result.warnings[-1]) for result in results] == [("not_started", CANCELLED_BEFORE)] * 2
    assert outcome.left == ()


def test_a_lost_turn_ends_the_fan_out_at_once() -> None:
    """Nobody else gets a result here: another invocation decides that."""
    intent, release = Free(), threading.Event()

    def worker(make: Make) -> Answer:
        work = sent(make)
        if work.customer.customer_code == "c0":
            return done(work)
        intent.is_lost = True
        intent.wake()
        release.wait(30)
        return done(work)

    outcome, results = carried(worker, 3, Clock(800.0), intent=intent)
    release.set()
    assert [result.customer_code for result in results] == ["c0"]
    assert outcome.left == ()


@pytest.mark.parametrize("comes_back", [True, False])
def test_a_try_waits_until_it_may_be_sent(comes_back: bool) -> None:
    """A sign of life that is too old lets nothing be sent; when the time ends first, nothing was."""
    intent, clock = Free(), Clock(800.0)
    looks: list[bool] = []

    def may_send(index: int, number: int, /) -> bool:
        looks.append(True)
        if len(looks) < 3:
            return False
        if not comes_back:
            clock.left = 50.0
        return comes_back and intent.is_named(index, number)

    intent.may_send = may_send  # type: ignore[method-assign]
    _, results = carried(lambda make: done(work) if (work := make()) else Answer(0.0), 1, clock, intent=intent)
    assert [result.status for result in results] == (["successful"] if comes_back else [])
    assert len(looks) == 3
    assert intent.taken_back == ([] if comes_back else [0])


def test_who_could_not_be_named_is_told_why() -> None:
    """Not started, with the reason: the record could not be written."""
    intent = Slow()
    intent.why_not = "the run's sign of life could not be stored (SlowDown)"
    clock = Clock(800.0)
    threading.Timer(0.2, lambda: setattr(clock, "left", 50.0)).start()
    made = FanOut(lambda make: done(sent(make)), work_item, TimeLimits(clock, 240.0, 60.0, 30.0, 900.0), 1,
                  writes=True, intent=intent)  # fmt: skip
    results, _ = ran(made, 2)
    assert [result.status for result in results] == ["not_started"] * 2
    assert results[0].warnings == (
        "the run's sign of life could not be stored (SlowDown) until it was too late to start",
    )


def test_waiting_for_lambda_is_not_the_customers_time() -> None:
    """A 429 ran nothing: its slices have all of customer_timeout_seconds, however long tries were turned away."""
    budgets = []
    seconds = [0.0]

    def worker(make: Make) -> Answer:
        for _ in range(5):
            budgets.append(sent(make).slice_budget_seconds)
            seconds[0] += 100.0
        return done(sent(make))

    within = TimeLimits(lambda: 800.0, 240.0, 60.0, 30.0, 150.0, clock=lambda: seconds[0])
    results, _ = ran(FanOut(worker, work_item, within, 1, writes=True, intent=Free()), 1)
    assert [result.status for result in results] == ["successful"]
    assert budgets == [150.0] * 5


def test_a_slice_of_which_nothing_ran_is_taken_back() -> None:
    """For another invocation its customer is as if it had not been sent; others are not."""
    intent, clock = Free(), Clock(800.0)

    def worker(make: Make) -> Answer:
        work = sent(make)
        if work.customer.customer_code == "c0":
            return done(work)
        clock.left = 50.0
        return Answer(0.0, turned_away=1, reason="Lambda throttled the worker", attempts=1)

    outcome, _ = carried(worker, 2, clock, intent=intent)
    assert ([run.index for run in outcome.left], intent.taken_back) == ([1], [1])


def test_a_customer_whose_time_was_used_up_between_two_tries_failed_for_it() -> None:
    """It ran before, and there is no time for its next slice: that is its own timeout."""
    before = Progress(index=0, customer_code="c0", slices=1, seconds=901.0, continuation={"page": 2})
    _, (result,) = carried(
        lambda make: done(work) if (work := make()) else Answer(0.0), 1, Clock(800.0), None, {0: before}
    )
    assert result.error is not None
    assert (result.error.type, result.error.outcome_unknown) == ("CustomerTimeout", False)
