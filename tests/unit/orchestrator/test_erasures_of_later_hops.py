"""Erasures that outlive an invocation: the barrier and the exit code hold there, too."""

from __future__ import annotations

from typing import Any

import pytest

from ses_fleet.orchestrator.barrier import Barrier
from tests.unit.orchestrator.deployed import Deployed, Json, customers, statuses
from tests.unit.orchestrator.test_barrier import Phases, at_barrier
from tests.unit.orchestrator.test_erasures import deployed, order, phases, receipt, run


def run_while_c_is_disabled(there: Deployed) -> Json:
    """The Summary of a run of two invocations; between them customer c is disabled, which was not asked yet."""

    def worker(item: Json) -> Json:
        if len(there.lambda_.items) == 2:
            there.context.seconds = 50.0
            config = customers("a", "b", "c")
            config["customer_mappings"]["c"]["enabled"] = False
            there.put("config.json", config)
        return phases(item)

    there.lambda_.worker = worker
    run(there, max_customer_concurrency=1, on_deadline="continue")
    return there.go_on()


def test_a_customer_that_is_disabled_meanwhile_has_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that was disabled before the run: nobody is deleted, and the exit code is not 0."""
    there = deployed(monkeypatch)
    answer = run_while_c_is_disabled(there)
    assert (order(there), statuses(answer)["c"], answer["exit_code"]) == ([1, 1], "failed", 1)


def test_an_exit_code_of_0_says_that_everything_is_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the statuses are: the receipt decides."""
    there = deployed(monkeypatch)
    answer = run_while_c_is_disabled(there)
    assert (answer["exit_code"] == 0) is receipt(there)["proven"]


def test_after_the_barrier_no_more_are_named_than_soon_begin() -> None:
    """Who is named counts as sent when the run dies: of 40 at the barrier, two at a time, few are in doubt then."""
    seen = Phases()
    named: list[int] = []

    def worker(make: Any) -> Any:
        if not named and any(number == 2 for _, number in seen.intent.named):
            named.append(sum(number == 2 for _, number in seen.intent.named))
        return seen.worker(make)

    progress = {index: at_barrier(index) for index in range(40)}
    seen.run(40, Barrier((), seen.remember), progress=progress, worker=worker)
    assert named[0] <= 10


def test_a_cancel_after_the_barrier_keeps_from_the_second_phase_who_has_not_begun_it() -> None:
    """Somebody sees that the wrong person is erased: of 20 customers at the barrier, two at a time, most are kept."""
    seen = Phases()

    def worker(make: Any) -> Any:
        answer = seen.worker(make)
        seen.intent.is_cancelled = True  # while the first are deleting
        return answer

    progress = {index: at_barrier(index) for index in range(20)}
    seen.run(20, Barrier((), seen.remember), progress=progress, worker=worker)
    assert len(seen.order) <= 4
