"""What is done with results: stored by threads, decided once, and sized to the time that is left."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ses_fleet import limits
from ses_fleet.logs import make_logger
from ses_fleet.orchestrator import plan as plans
from ses_fleet.orchestrator.environment import Environment
from ses_fleet.orchestrator.fan_out import Finished
from ses_fleet.orchestrator.plan import PlannedCustomer
from ses_fleet.orchestrator.result_store import ResultStore
from ses_fleet.orchestrator.signs import Signs
from ses_fleet.orchestrator.task import Task
from ses_fleet.runs import request, results
from ses_fleet.runs.hops import Progress
from ses_fleet.runs.models import CustomerResult, Status
from ses_fleet.runs.standing import Standing
from ses_fleet.runs.work import ErrorInfo
from ses_fleet.settings import OrchestratorSettings
from tests.unit.orchestrator.deployed import Context
from tests.unit.runs.recorded import OWNER, Recorded, customer

VARIABLES = {"AWS_REGION": "us-east-1", "CONFIG_BUCKET": "c", "RESULTS_BUCKET": "r", "WORKER_FUNCTION_NAME": "w"}
BROKE = ErrorInfo(category="operation", type="X", message="it broke")


class World(Recorded):
    """A run of three customers as one invocation of the orchestrator sees it; `context` tells its time."""

    def __init__(self, standing: Standing | None = None) -> None:
        super().__init__()
        self.context = Context()
        settings = OrchestratorSettings.from_env(VARIABLES)
        environment = Environment(self.context, settings, self.bucket, self.bucket, self.bucket)
        wanted = request.from_plan(self.plan.request)
        self.signs = Signs(self.hops, 0, OWNER, 60.0)
        made = plans.over(wanted, self.plan, None)
        self.task = Task(
            environment, self.record, made, self.plan, self.signs, make_logger(), None, standing or Standing()
        )
        self.store = ResultStore(self.task)

    def finished(self, index: int, status: Status = "successful", **fields: Any) -> Finished:
        """A customer and its result."""
        return Finished(PlannedCustomer(index, customer(index)), results.made(customer(index), status, **fields))

    def kept(self, index: int) -> CustomerResult | None:
        """What the record has of a customer."""
        ((_, body),) = self.record.stored_results(self.plan, [index])
        return None if body is None else CustomerResult.model_validate_json(body)


@pytest.fixture
def world() -> Iterator[World]:
    """A run of three customers."""
    made = World()
    yield made
    made.store.close()


def test_whoever_takes_answers_never_waits_for_s3(world: World) -> None:
    """All are written at once, by threads; settling waits for them."""
    together = threading.Barrier(3)

    def happens(operation: str, key: str, done: bool) -> None:
        if (operation, done) == ("put_object", False) and "/results/" in key:
            together.wait(timeout=30)

    world.s3.hook.happens = happens
    world.store.keep(world.finished(index) for index in range(3))
    world.store.settle(30.0)
    assert [world.kept(index) is not None for index in range(3)] == [True] * 3
    assert world.store.warnings == []


def test_what_was_not_stored_is_told(world: World) -> None:
    """By customer, with S3's reason, or that it was too slow; what was not is collected all the same."""
    release = threading.Event()

    def happens(operation: str, key: str, done: bool) -> None:
        if (operation, done) == ("put_object", False) and key.endswith("results/c1.json"):
            release.wait(30)

    world.s3.hook.happens = happens
    world.s3.refused = {"results/c0.json"}
    world.store.keep(world.finished(index) for index in range(3))
    while len([key for _, key in world.s3.asked if "/results/" in key]) < 2:
        threading.Event().wait(0.005)
    world.store.settle(0.0)
    assert sorted(world.store.warnings)[:2] == [
        "the result of c0 could not be stored (AccessDenied)",
        "the result of c1 could not be stored (S3 was too slow)",
    ]
    release.set()
    assert [one.status for one in world.store.collector.results()] == ["successful"] * 3


def test_a_crash_of_a_writer_is_one_of_the_run(world: World) -> None:
    """It is a bug of ours, which nobody may take for a slow S3."""

    def happens(_operation: str, _key: str, _done: bool) -> None:
        raise ZeroDivisionError

    world.s3.hook.happens = happens
    world.store.keep([world.finished(0)])
    with pytest.raises(ZeroDivisionError):
        world.store.settle(30.0)


@pytest.mark.parametrize(("seconds", "stored"), [(37.0, True), (7.4, False)])
def test_a_slow_s3_never_uses_up_the_time_for_the_runs_end(
    world: World, monkeypatch: pytest.MonkeyPatch, seconds: float, stored: bool
) -> None:
    """Without room for another result, it is waited for until a quarter of the return margin is left; then told."""
    monkeypatch.setattr(limits, "PENDING_RESULTS", 1)
    store = ResultStore(world.task)
    release = threading.Event()

    def happens(_operation: str, _key: str, done: bool) -> None:
        if not done:
            release.wait(30)

    world.s3.hook.happens = happens
    world.context.seconds = seconds
    store.keep([world.finished(0)])
    if stored:
        threading.Timer(0.02, release.set).start()
    store.keep([world.finished(1)])
    release.set()
    store.settle(30.0)
    store.close()
    assert store.warnings == ([] if stored else ["the result of c1 could not be stored (S3 was too slow)"])
    assert (world.kept(0) is not None, world.kept(1) is not None) == (True, stored)
    assert store.collector.result(1) is not None


def test_who_has_a_stored_result_is_named_no_longer(world: World) -> None:
    """But who has none stays named, and so does one whose result another invocation has decided."""
    for index in range(3):
        world.signs.name(index, 1)
    with world.signs:
        while not all(world.signs.may_send(index, 1) for index in range(3)):
            threading.Event().wait(0.005)
    world.result(1, "skipped")
    world.s3.refused = {"results/c2.json"}
    world.store.keep(world.finished(index) for index in range(3))
    world.store.settle(30.0)
    assert world.signs.sent == {1, 2}
    found = world.kept(1)
    assert found is not None
    assert found.status == "skipped"


def test_a_decision_keeps_what_is_there(world: World) -> None:
    """Who got its result meanwhile keeps it, and only real failures count; the lines are in the record."""
    world.result(0)
    lost = {index: results.in_doubt(customer(index), writes=True) for index in (0, 1)}
    assert world.store.decide(lost) == 1
    collected = [world.store.collector.result(index) for index in (0, 1)]
    assert [one and one.status for one in collected] == ["successful", "failed"]
    found = world.kept(1)
    assert found is not None
    assert (found.status, found.error) == ("failed", lost[1].error)
    assert found.logs == (f"❌ Customer c1: {lost[1].error and lost[1].error.message}",)
    assert world.store.decide({}) == 0


def test_only_started_customers_that_failed_count() -> None:
    """In earlier invocations: those that were sent or may have been, and not those whose configuration is wrong."""
    world = World(Standing(known=(0, 1, 2)))
    for index, made in enumerate(
        (
            results.made(customer(0), "failed", error=BROKE, attempts=1),
            results.misconfigured(customer(1), ["no region"]),
            results.in_doubt(customer(2), writes=True),
        )
    ):
        world.record.decide_result(index, f"c{index}", made.model_dump_json().encode())
    assert world.store.load() == 2
    assert [one.status for one in world.store.collector.results()] == ["failed"] * 3
    world.store.close()


def test_a_result_that_is_gone_is_passed_over() -> None:
    """Somebody deleted it since it was listed."""
    world = World(Standing(known=(0,)))
    assert (world.store.load(), world.store.collector.result(0)) == (0, None)
    world.store.close()


def test_where_customers_stopped_is_stored_beside_their_results() -> None:
    """By threads, too; until the end everybody has what is known of it."""
    between = Progress(index=1, customer_code="c1", slices=1, continuation={"at": 1})
    world = World(Standing(progress={1: between}))
    world.store.keep_progress(between)
    world.store.keep([world.finished(0)])
    world.store.settle(30.0)
    assert world.hops.progress(enumerate(world.plan.customers)) == {1: between}
    assert [one.status for one in world.store.results_so_far()] == ["successful", "under_way", "not_started"]
    world.store.close()
