"""Two phases: nobody begins the second before everybody has finished the first, or when somebody cannot."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from ses_fleet.orchestrator.barrier import Barrier
from ses_fleet.orchestrator.fan_out import FanOut, Outcome, given_up
from ses_fleet.orchestrator.invoke import Answer
from ses_fleet.orchestrator.start_rules import StartRules
from ses_fleet.orchestrator.time_limits import TimeLimits
from ses_fleet.runs.hops import Progress
from ses_fleet.runs.models import CustomerResult
from ses_fleet.runs.work import WorkItem
from tests.unit.orchestrator.test_fan_out import Free, Make, done, fail, ran, sent, work_item

FOUND = {"state": {"found": True}, "second_phase": True}


class Phases:
    """Customers of two phases. `silent` fail in the first one; `order` says which slices were sent."""

    def __init__(self, *silent: str) -> None:
        self.silent = silent
        self.order: list[tuple[str, int]] = []
        self.remembered = 0
        self.intent = Free()
        self.seconds = 800.0
        self._lock = threading.Lock()

    def worker(self, make: Make) -> Answer:
        """The first slice finds, the second writes."""
        item = sent(make)
        code = item.customer.customer_code
        with self._lock:
            self.order.append((code, 1 if item.continuation is None else 2))
        if item.continuation is None and code in self.silent:
            return fail(item)
        return done(item, data={}) if item.continuation else self.found(item)

    def found(self, item: WorkItem) -> Answer:
        """The first phase is over."""
        return done(item, continuation=FOUND, phase_over=True)

    def remember(self) -> None:
        """What is stored when the barrier opens."""
        assert [phase for _, phase in self.order if phase == 2] == []
        self.remembered += 1

    def run(
        self,
        count: int,
        barrier: Barrier,
        *,
        rules: StartRules | None = None,
        progress: dict[int, Progress] | None = None,
        worker: Callable[[Make], Answer] | None = None,
    ) -> tuple[dict[str, CustomerResult], Outcome]:
        """The results of a run, two at a time."""
        time = TimeLimits(lambda: self.seconds, 240.0, 60.0, 30.0, 900.0)
        made = FanOut(
            worker or self.worker,
            work_item,
            time,
            2,
            writes=True,
            intent=self.intent,
            carry_over=True,
            barrier=barrier,
        )
        results, outcome = ran(made, count, rules, progress)
        return {result.customer_code: result for result in results}, outcome


def at_barrier(index: int) -> Progress:
    """A customer that an earlier invocation left at the barrier."""
    return Progress(index=index, customer_code=f"c{index}", slices=1, continuation=FOUND, phase_over=True)


def test_the_second_phase_begins_when_everybody_has_finished_the_first() -> None:
    """Whatever the concurrency: every first slice is before every second one, and that it began is stored between."""
    phases = Phases()
    results, _ = phases.run(5, Barrier((), phases.remember))
    assert {result.status for result in results.values()} == {"successful"}
    assert [phase for _, phase in phases.order] == [1] * 5 + [2] * 5
    assert phases.remembered == 1


@pytest.mark.parametrize("accepted", [(), ("c4",), ("c3", "other")])
def test_one_that_does_not_answer_keeps_everybody_from_it(accepted: tuple[str, ...]) -> None:
    """Everybody's result names who it was; nothing is left to go on with, so a resumed run asks everybody again."""
    phases = Phases("c1", "c3")
    results, _ = phases.run(5, Barrier(accepted, phases.remember))
    assert (phases.remembered, {phase for _, phase in phases.order}) == (0, {1})
    for code in ("c0", "c2", "c4"):
        error = results[code].error
        assert error is not None
        assert (error.type, error.retryable, error.outcome_unknown) == ("NotEverybodyAnswered", True, False)
        silent = "c1" if "c3" in accepted else "c1, c3"
        assert f"nothing was changed at {code}, as" in error.message
        assert f"not every customer has answered ({silent}). Correct what they failed with, leave" in error.message
        assert results[code].continuation is None


def test_who_may_be_silent_keeps_nobody_from_it() -> None:
    """It fails; the others go on."""
    phases = Phases("c1")
    results, _ = phases.run(3, Barrier(["c1"], phases.remember))
    assert {code: result.status for code, result in results.items()} == {
        "c0": "successful",
        "c1": "failed",
        "c2": "successful",
    }


def test_who_is_never_started_has_not_answered_either() -> None:
    """`max_failures` stops the starts: nothing is written for those who had finished the first phase."""
    phases = Phases("c1")
    results, _ = phases.run(5, Barrier(["c1"], phases.remember), rules=StartRules(0))
    assert {phase for _, phase in phases.order} == {1}
    assert results["c0"].error is not None
    assert results["c0"].error.type == "NotEverybodyAnswered"
    assert {result.status for result in results.values()} == {"failed", "not_started"}


def test_a_cancel_before_the_second_phase_keeps_everybody_from_it() -> None:
    """Although everybody has answered."""
    phases = Phases()

    def worker(make: Make) -> Answer:
        answer = phases.worker(make)
        phases.intent.is_cancelled = len(phases.order) == 2
        return answer

    results, _ = phases.run(2, Barrier((), phases.remember), worker=worker)
    assert {phase for _, phase in phases.order} == {1}
    assert all(one.error and one.error.type == "Cancelled" for one in results.values())
    assert all(one.error and "nothing was changed there" in one.error.message for one in results.values())


def test_another_invocation_goes_on_at_the_barrier() -> None:
    """Who is at it waits for the others, unless an earlier invocation has opened it."""
    phases = Phases()
    phases.run(3, Barrier((), phases.remember), progress={0: at_barrier(0)})
    assert (phases.order[0], [phase for _, phase in phases.order]) == (("c1", 1), [1, 1, 2, 2, 2])
    opened = Phases()
    barrier = Barrier((), opened.remember, is_open=True)
    barrier.note("c9", "failed")
    results, _ = opened.run(1, barrier, progress={0: at_barrier(0)})
    assert (results["c0"].status, opened.order, opened.remembered) == ("successful", [("c0", 2)], 0)


def test_when_the_time_ends_at_the_barrier_nothing_is_written() -> None:
    """Everybody is left for another invocation; without one, everybody failed."""
    phases = Phases()

    def worker(make: Make) -> Answer:
        answer = phases.worker(make)
        if len(phases.order) == 2:
            phases.seconds = 50.0
        return answer

    results, outcome = phases.run(2, Barrier((), phases.remember), worker=worker)
    assert (results, {phase for _, phase in phases.order}) == ({}, {1})
    assert sorted(run.progress().phase_over for run in outcome.left) == [True, True]
    assert {one.result.status for one in given_up(outcome.left)} == {"failed"}


@pytest.mark.parametrize(("status", "silent"), [("failed", "a"), ("not_started", "a"), ("skipped", None)])
def test_who_ended_before_counts(status: Any, silent: str | None) -> None:
    """In an earlier invocation, or without a worker: who was skipped has nothing to do."""
    barrier = Barrier((), lambda: None)
    barrier.note("a", status)
    assert barrier.why_not(()) == silent


def test_a_long_row_of_those_who_did_not_answer_is_counted() -> None:
    """A message names twenty."""
    text = str(Barrier((), lambda: None).why_not(f"c{number:02d}" for number in range(30)))
    assert text.endswith("c19 and 10 more")
