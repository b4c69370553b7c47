"""Two or three workers beside each other at one lease: in every order of their calls there is one holder at most."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ses_fleet import limits
from ses_fleet.aws.s3 import Bucket
from ses_fleet.errors import AwsCallError
from ses_fleet.worker.budget import SliceBudget
from ses_fleet.worker.lease import FREE, Lease, LeaseDocument, LeaseObject
from tests.unit.aws.s3_store import Client, Store

KEY = "leases/111122223333-us-east-1.json"
FUNCTION_SECONDS = 290.0


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the tries of a conditional write no time passes: the tests let it pass."""
    monkeypatch.setattr("ses_fleet.aws.s3._wait", lambda _: None)
    monkeypatch.setattr("ses_fleet.worker.lease.time", SimpleNamespace(sleep=lambda _: None))


class OverError(BaseException):
    """The worker's function has been ended by Lambda."""


@dataclass
class Bench:
    """The bucket, whose clock all others are wrong beside, and who may write to the list at this moment.

    `late` are requests that are on their way: their senders know nothing of them.
    """

    store: Store = field(default_factory=Store)
    may_write: dict[str, float] = field(default_factory=dict)  # run → until when, by S3's clock
    late: list[dict[str, Any]] = field(default_factory=list)
    held: list[str] = field(default_factory=list)

    def enter(self, run: str, until: float) -> None:
        """A run has the lease: nobody else may be able to write now."""
        others = {one for one, end in self.may_write.items() if end > self.store.now and one != run}
        assert not others, f"{run} has the lease, and {others} may still write"
        self.may_write[run] = until
        self.held.append(run)

    def arrive(self) -> None:
        """The oldest request that was on its way takes effect, if S3 lets it."""
        if self.late:
            try:
                self.store.answer("put_object", self.late.pop(0))
            except AwsCallError:
                return


class Worker:
    """One invocation, in a thread that goes on by one call of S3 with each `step`.

    `ends`: "release", "grace" (a write is on its way), "kill" (while it has the lease) or "more" (another slice).
    """

    def __init__(
        self, bench: Bench, run: str, ends: str = "release", before: dict[str, Any] | None = None, offset: float = 0.0
    ) -> None:
        self.bench, self.run, self.ends = bench, run, ends
        self.over = False
        self.handed_on: dict[str, Any] | None = None
        self.events: list[str] = []  # what becomes of its next calls
        self._until = bench.store.now + FUNCTION_SECONDS
        self._failure: BaseException | None = None
        self._mine, self._theirs = threading.Semaphore(0), threading.Semaphore(0)
        function = SliceBudget(FUNCTION_SECONDS, lambda: bench.store.now + offset)
        self.lease = LeaseObject(Bucket(Client(bench.store, self._happens), "results"), KEY, run, "acme", function)
        self._before = before
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()
        self._theirs.acquire()

    def step(self, event: str | None = None) -> None:
        """Let its next call happen, and what follows until the one after that."""
        if self.over:
            return
        self.events.append(event or "")
        self._mine.release()
        self._theirs.acquire()
        if self._failure is not None:
            raise self._failure

    def finish(self) -> None:
        """Let it go on undisturbed until it is over."""
        while not self.over:
            self.step()

    def _happens(self, operation: str, parameters: dict[str, Any]) -> str | None:
        self._theirs.release()
        self._mine.acquire()
        if self.bench.store.now >= self._until:
            raise OverError
        event = self.events.pop()
        if event == "late":
            if operation == "put_object":
                self.bench.late.append(parameters)
            return "before"
        return event or None

    def _live(self) -> None:
        try:
            self._work()
        except (OverError, AwsCallError):
            pass
        except BaseException as failure:  # noqa: BLE001  # raised again by `step`
            self._failure = failure
        self.over = True
        self._theirs.release()

    def _work(self) -> None:
        found = self.lease.take(self._before)
        if not isinstance(found, Lease):
            return
        self.bench.enter(self.run, self._until)
        if self.ends == "kill":
            return  # of what it has sent, SES may hear until its function's end
        if self.ends == "more":
            self.handed_on = found.handed_on()
            del self.bench.may_write[self.run]
            return
        if self.ends == "grace":
            self.bench.may_write[self.run] = self.bench.store.now + limits.LEASE_GRACE_SECONDS - 1
            self.lease.keep_for_grace(found)
            return
        del self.bench.may_write[self.run]
        self.lease.release(found)


def _document(seconds: float) -> bytes:
    made = {"run_id": "old", "customer_code": "acme", "number": 3, "owner": "gone", "seconds": seconds, "taken_at": ""}
    return LeaseDocument.model_validate(made).model_dump_json().encode()


BEFORE: dict[str, Callable[[Store], Any]] = {
    "absent": lambda _: None,
    "free": lambda store: store.put(KEY, FREE),
    "over": lambda store: store.put(KEY, _document(seconds=-0.0)),
}


def orders(calls: int) -> Iterator[list[int]]:
    """Every order in which two workers make so many calls each."""
    for firsts in itertools.combinations(range(2 * calls), calls):
        yield [0 if place in firsts else 1 for place in range(2 * calls)]


@pytest.mark.parametrize("kms", [False, True])
@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("ends", ["release", "kill"])
def test_two_workers_in_every_order(before: str, ends: str, kms: bool) -> None:
    """Six calls are the most that one of them makes; whoever has it is the only one, and somebody has it."""
    for order in orders(6):
        bench = Bench(Store(kms=kms))
        BEFORE[before](bench.store)
        bench.store.now += 5
        workers = [Worker(bench, "run-a", ends), Worker(bench, "run-b", ends)]
        for number in order:
            workers[number].step()
        for worker in workers:
            worker.finish()
        assert bench.held, order
        assert ends != "kill" or len(bench.held) == 1, order


EVENTS = st.sampled_from([None, None, None, "lost", "before", "late", "503"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.integers(0, 2), EVENTS),
        st.tuples(st.just("whole"), st.integers(0, 2)),
        st.tuples(st.just("arrive"), st.none()),
        st.tuples(st.just("pass"), st.sampled_from([0.4, 1.0, 59.0, 61.0, 290.0, 350.0])),
        st.tuples(st.just("next"), st.integers(0, 2)),
    ),
    max_size=40,
)
ENDS = st.lists(st.sampled_from(["release", "grace", "kill", "more"]), min_size=3, max_size=3)


@pytest.mark.parametrize("seconds", range(0, 400, 7))
@pytest.mark.parametrize("fraction", [0.0, 0.9])
def test_a_killed_holder_s_lease_is_nobody_s_before_its_function_s_end(seconds: int, fraction: float) -> None:
    """By S3's clock, which tells whole seconds: held for 350 s, and over after that."""
    bench = Bench()
    bench.store.now += fraction
    Worker(bench, "run-a", "kill").finish()
    bench.store.now += seconds
    Worker(bench, "run-b", "kill").finish()
    assert len(bench.held) == (2 if seconds > FUNCTION_SECONDS + limits.LEASE_GRACE_SECONDS else 1)


def test_a_late_release_frees_nobody_else_s_lease() -> None:
    """It is of a lease that was over and that another run has taken."""
    bench = Bench()
    bench.store.put(KEY, FREE)
    first = Worker(bench, "run-a")
    first.step()
    first.step("late")
    bench.store.now += 351
    Worker(bench, "run-b", "kill").finish()
    bench.arrive()
    Worker(bench, "run-c").finish()
    assert bench.held == ["run-a", "run-b"]


def test_a_late_taking_harms_nobody() -> None:
    """It was sent again, so it is a second one; where the lease is free by then, it is nobody's until it is over."""
    for freed in (False, True):
        bench = Bench()
        bench.store.put(KEY, FREE)
        first = Worker(bench, "run-a", "release" if freed else "kill")
        first.step("late")
        first.finish()
        bench.arrive()
        Worker(bench, "run-b").finish()
        assert bench.held == ["run-a"]
        bench.store.now += 351
        Worker(bench, "run-c").finish()
        assert bench.held == ["run-a", "run-c"]


def test_a_write_that_may_still_arrive_keeps_the_list_for_a_minute() -> None:
    """The lease of a run that ended so is neither free nor kept for its function's whole time."""
    for seconds, taken in ((59, False), (60, False), (61, True)):
        bench = Bench()
        Worker(bench, "run-a", "grace").finish()
        bench.store.now += seconds
        Worker(bench, "run-b").finish()
        assert ("run-b" in bench.held) == taken


@settings(max_examples=300)
@given(
    steps=STEPS, ends=ENDS, kms=st.booleans(), before=st.sampled_from(sorted(BEFORE)), offset=st.floats(-3600.0, 3600.0)
)
def test_whatever_is_lost_late_or_killed(steps: Any, ends: Any, kms: bool, before: str, offset: float) -> None:
    """Nobody has the lease while another run may still write, whatever the workers' own clocks say.

    Answers are lost, requests arrive long after they were given up, S3 fails, workers are killed or followed by slices,
    one of them twice from one continuation, and time passes.
    """
    bench = Bench(Store(kms=kms))
    BEFORE[before](bench.store)
    workers = [Worker(bench, f"run-{n}", end, offset=offset) for n, end in enumerate(ends)]
    slices = 0
    for what, how in steps:
        if what == "arrive":
            bench.arrive()
        elif what == "whole":
            workers[how].finish()
        elif what == "pass":
            bench.store.now += how
        elif what == "next":
            earlier = workers[how]
            if earlier.handed_on is not None:
                slices += 1
                workers[how] = Worker(bench, f"run-{how}-{slices}", "release", earlier.handed_on)
                workers[how].handed_on = earlier.handed_on  # the same continuation may be sent again
        else:
            workers[what].step(how)
    bench.store.now += 10_000
    for worker in workers:
        worker.finish()
    bench.late.clear()
    Worker(bench, "run-last").finish()
    assert bench.held[-1] == "run-last", "in the end everybody's lease is over"
