"""Strict tolerance and ramps, over all invocations of a run: whatever fails, is stored late, ends or is killed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ses_fleet.orchestrator.customer_run import CustomerRun
from ses_fleet.orchestrator.fan_out import FanOut, Finished, Outcome, Paused, given_up
from ses_fleet.orchestrator.invoke import Answer
from ses_fleet.orchestrator.start_rules import StartRules
from ses_fleet.orchestrator.time_limits import TimeLimits
from ses_fleet.runs import ramp
from ses_fleet.runs.hops import Progress
from ses_fleet.runs.models import Status
from tests.unit.orchestrator.test_fan_out import Make, customers, done, fail, work_item


class Record:
    """What is stored of a run, and what is promised of it: looked at whenever a slice is sent."""

    def __init__(self, count: int, allowed: int, stages: tuple[tuple[int, ...], ...], *, strict: bool) -> None:
        self.lock = threading.Lock()
        self.count, self.allowed, self.stages, self.strict = count, allowed, stages, strict
        self.results: dict[int, Status] = {}
        self.progress: dict[int, Progress] = {}
        self.named: dict[int, int] = {}  # by this invocation
        self.broken: list[str] = []

    def undecided(self) -> set[int]:
        """Return who is named and has no stored result."""
        with self.lock:
            return self.named.keys() - self.results.keys()

    def failed(self) -> list[int]:
        """Return whose stored result is a failure."""
        return [index for index, status in self.results.items() if status == "failed"]

    def sent(self, index: int) -> None:
        """Look whether this one may be sent."""
        with self.lock:
            begun = {index for index, one in self.progress.items() if one.slices} | self.named.keys()
            at_risk = len({*self.failed(), *(begun - self.results.keys())})
            if self.strict and at_risk > self.allowed:
                self.broken.append(f"c{index} is sent, and {at_risk} may come to fail")
            mine = next((number for number, stage in enumerate(self.stages) if index in stage), 0)
            for stage in self.stages[:mine]:
                found = [self.results.get(one) for one in stage]
                if None in found or "successful" not in found:
                    self.broken.append(f"c{index} of stage {mine} is sent, and one before is {found}")
            before = [self.results.get(one) for stage in self.stages[:mine] for one in stage]
            if sum(one in ("failed", "not_started") for one in before) > self.allowed:
                self.broken.append(f"c{index} of stage {mine} is sent after {before}")

    def after_a_death(self) -> None:
        """Take for failed whoever was named and has no answer, as the next invocation does."""
        for index, number in self.named.items():
            slices = self.progress[index].slices if index in self.progress else 0
            if index not in self.results and number > slices:
                self.results[index] = "failed"
        self.named = {}


class Hop:
    """One invocation, which is its own intent. After `steps` sent slices it ends as `end` says."""

    is_cancelled = False
    why_not: str | None = None

    def __init__(self, record: Record, behaviours: list[str], end: str, steps: int, lag: float) -> None:
        self.is_lost = False
        self._record, self._behaviours = record, behaviours
        self._end, self._steps, self._lag = end, steps, lag
        self._seconds = 800.0
        self._wake: Callable[[], None] = lambda: None

    def watch(self, on_change: Callable[[], None]) -> None:
        """Keep what is to be called."""
        self._wake = on_change

    def name(self, index: int, number: int, /) -> None:
        """Store it at once."""
        with self._record.lock:
            self._record.named[index] = number

    def is_named(self, index: int, number: int, /) -> bool:
        """Whoever was asked for."""
        return self._record.named.get(index) == number

    def may_send(self, index: int, number: int, /) -> bool:
        """The same, while it lives."""
        return not self.is_lost and self.is_named(index, number)

    def take_back(self, _index: int, /) -> None:
        """It stays named."""

    def run(self, concurrency: int) -> None:
        """Carry the run on until this invocation ends."""
        record = self._record
        rules = StartRules(
            record.allowed,
            len(record.failed()),
            strict=record.strict,
            ramp=record.stages,
            undecided=record.undecided,
        )
        for index, status in record.results.items():
            rules.settle(index, f"c{index}", status)
        left = [one for one in customers(record.count) if one.index not in record.results]
        runs = [CustomerRun.taken_over(one, record.progress.get(one.index)) for one in left]
        limits = TimeLimits(lambda: self._seconds, 240.0, 60.0, 30.0, 900.0)
        made = FanOut(self._work, work_item, limits, concurrency, writes=True, intent=self, carry_over=True)
        with ThreadPoolExecutor(1) as writer:
            for event in made.run(runs, rules):
                if isinstance(event, Finished):
                    writer.submit(self._store, event)
                elif isinstance(event, Paused) and not self.is_lost:
                    record.progress[event.progress.index] = event.progress
                elif isinstance(event, Outcome) and not self.is_lost and self._end == "close":
                    for late in given_up(event.left):
                        writer.submit(self._store, late)
        if self.is_lost:
            record.after_a_death()
        record.named = {}

    def _work(self, make: Make) -> Answer:
        work = make()
        if work is None:
            return Answer(0.0)
        index = int(work.customer.customer_code[1:])
        self._record.sent(index)
        self._steps -= 1
        if self._steps == 0:
            self._ends()
        return answer(self._behaviours[index], work)

    def _ends(self) -> None:
        if self._end == "killed":
            self.is_lost = True
        elif self._end == "time":
            self._seconds = 50.0
        self._wake()

    def _store(self, one: Finished) -> None:
        time.sleep(self._lag)
        if self.is_lost:
            return
        with self._record.lock:
            self._record.results[one.customer.index] = one.result.status
        self._wake()


def answer(behaviour: str, work: Any) -> Answer:
    """What a worker answers."""
    if "slices" in behaviour and work.continuation is None:
        return done(work, continuation={"page": 2})
    if "fail" in behaviour:
        return fail(work)
    return done(work, not_started="its list is in use") if behaviour == "in use" else done(work)


ENDS = st.tuples(st.sampled_from(["killed", "time"]), st.integers(1, 6))
STAGES = st.sampled_from([None, [1, "100%"], [1, 3, "100%"], [2, "50%", "100%"], [1, "20%", "60%", "100%"]])


@settings(deadline=None, max_examples=150)
@given(
    behaviours=st.lists(
        st.sampled_from(["ok", "ok", "ok", "fail", "slices", "slices fail", "in use"]), min_size=1, max_size=12
    ),
    concurrency=st.integers(1, 12),
    allowed=st.integers(0, 4),
    strict=st.booleans(),
    asked=STAGES,
    ends=st.lists(ENDS, max_size=4),
    lag=st.sampled_from([0.0, 0.002]),
)
def test_strict_and_ramps_hold_whatever_happens(
    behaviours: list[str],
    concurrency: int,
    allowed: int,
    strict: bool,
    asked: list[int | str] | None,
    ends: list[tuple[str, int]],
    lag: float,
) -> None:
    """Failures are never more than are allowed, and nobody is sent before the stages before have succeeded.

    Those count as failed of whom a death leaves no answer. In the end everybody has a result.
    """
    allowed = max(allowed, int(strict))  # what is refused else
    record = Record(len(behaviours), allowed, ramp.stages(asked, range(len(behaviours))), strict=strict)
    for end, steps in [*ends, ("close", -1)]:
        Hop(record, behaviours, end, steps, lag).run(concurrency)
    assert record.broken == []
    assert sorted(record.results) == list(range(len(behaviours)))
    if strict:
        assert len(record.failed()) <= allowed


def test_whoever_is_between_two_slices_may_still_fail() -> None:
    """Also one whose next slice is not named yet, as others are before it: nobody else is started."""
    record = Record(4, 3, (), strict=True)
    for index in range(3):
        known = {"index": index, "customer_code": f"c{index}", "continuation": {"page": 2}}
        record.progress[index] = Progress(slices=1, **known)
    Hop(record, ["slices fail"] * 4, "close", -1, 0.0).run(1)
    assert record.broken == []
    assert record.results == {0: "failed", 1: "failed", 2: "failed", 3: "not_started"}
