"""The run record alone, whatever happens: one end, no customer twice, none missing, and nothing untrue.

Invocations of the orchestrator and the reaper run beside each other, interleaved at every request. They are killed,
answers get lost, S3 is busy, events come late and twice, clocks are apart, people cancel runs and change config.json.
"""

from __future__ import annotations

import copy
import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.unit.orchestrator.deployed import Json, customers
from tests.unit.record_world import NEVER, Fault, World

CODES = ("a", "b", "c", "d", "e", "f")
SECONDS = st.sampled_from([0.0, 1.0, 5.0, 19.0, 31.0, 61.0, 64.0, 130.0, 300.0, 2_000.0, 7_200.0])
TIME = st.sampled_from([62.0, 70.0, 100.0, 130.0, 200.0])
RUNS = 3  # started in one example
SKEW = st.sampled_from([0.0, 0.0, -400.0, 300.0])
KINDS = ["late", "kill-before", "kill-after", "busy", "lost", "unsent", "again", "denied"]
SLICES = st.sampled_from(
    [
        [("done", 1.0)],
        [("done", 0.0)],
        [("goes on", 1.0), ("done", 1.0)],
        [("goes on", 5.0), ("goes on", 20.0), ("done", 1.0)],
        [("goes on", 30.0), ("goes on", 30.0), ("fails", 1.0)],
        [("goes on", 1.0), ("goes on", 1.0), ("goes on", 65.0), ("goes on", 65.0), ("done", 0.0)],
        [("fails", 1.0)],
        [("goes on", 5.0), ("done", NEVER)],
        [("done", NEVER)],
        [("done", 65.0)],
    ]
)
REQUESTS = st.fixed_dictionaries(
    {
        "action": st.sampled_from(["describe-list-all", "manage-topic-all"]),
        "include": st.integers(1, len(CODES)).map(lambda count: list(CODES[:count])),
        "max_customer_concurrency": st.integers(1, 3),
        "on_deadline": st.sampled_from(["continue", "continue", "stop"]),
    },
    optional={
        "max_failures": st.integers(0, 2),
        "params": st.just({"canary": 1}),
        "dry_run": st.just(True),
    },
)


class Record(RuleBasedStateMachine):
    """Any order of starts, events, deaths, lost answers and waits."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = pytest.MonkeyPatch()
        self.starts: list[tuple[Json, str]] = []

    @initialize(versioned=st.booleans(), request=REQUESTS, slices=st.tuples(*[SLICES] * len(CODES)), seconds=TIME)
    def deploy(self, versioned: bool, request: Json, slices: tuple[Any, ...], seconds: float) -> None:
        """Six customers, and a run."""
        self.world = World(self.patches, customers(*CODES), versioned=versioned)
        self.start(request, slices, named=True, seconds=seconds, skew=0.0)

    @precondition(lambda self: len(self.starts) < RUNS)
    @rule(request=REQUESTS, slices=st.tuples(*[SLICES] * len(CODES)), named=st.booleans(), seconds=TIME, skew=SKEW)
    def start(self, request: Json, slices: tuple[Any, ...], named: bool, seconds: float, skew: float) -> None:
        """Somebody starts a run."""
        if "params" in request and request["action"] != "manage-topic-all":
            request = {name: value for name, value in request.items() if name != "params"}
        number = len(self.starts)
        event = {**request, "run_id": f"r{number}"} if named else request
        self.starts.append((event, f"start{number}"))
        one = self.world.invoke(event, seconds=seconds, skew=skew, request_id=f"start{number}")
        run_id = self.world.run_id_of(one)
        self.world.script |= {(run_id, code): script for code, script in zip(CODES, slices, strict=True)}

    @precondition(lambda self: self.starts)
    @rule(choice=st.integers(0, 9), seconds=TIME, skew=SKEW)
    def start_again(self, choice: int, seconds: float, skew: float) -> None:
        """The same event is delivered once more."""
        event, request_id = self.starts[choice % len(self.starts)]
        self.world.invoke(event, seconds=seconds, skew=skew, request_id=request_id)

    @precondition(lambda self: self.world.events)
    @rule(choice=st.integers(0, 9), twice=st.booleans(), seconds=TIME, skew=SKEW)
    def hop(self, choice: int, twice: bool, seconds: float, skew: float) -> None:
        """An event of a further invocation arrives, for the last time or not."""
        event = self.world.events[choice % len(self.world.events)]
        if not twice:
            self.world.events.remove(event)
        self.world.invoke(event, seconds=seconds, skew=skew)

    @rule(seconds=TIME, skew=SKEW)
    def reap(self, seconds: float, skew: float) -> None:
        """The reaper's schedule fires."""
        self.world.invoke({"reap": True}, seconds=seconds, skew=skew)

    @precondition(lambda self: self.world.runs)
    @rule(choice=st.integers(0, 9))
    def cancel(self, choice: int) -> None:
        """Somebody cancels a run."""
        runs = sorted(self.world.runs)
        self.world.invoke({"cancel": runs[choice % len(runs)]})

    @rule(choices=st.lists(st.integers(0, 5), min_size=1, max_size=80))
    def steps(self, choices: list[int]) -> None:
        """So many steps of whoever is chosen."""
        for choice in choices:
            self.world.step(choice)

    @precondition(lambda self: self.world.invocations)
    @rule(steps=st.integers(1, 150), choice=st.integers(0, 9), seconds=SECONDS)
    def die_at(self, steps: int, choice: int, seconds: float) -> None:
        """After some steps an invocation dies, and the reaper comes a while later."""
        for _ in range(steps):
            self.world.step()
        self.kill(choice)
        self.world.advance(seconds)
        self.world.invoke({"reap": True})

    @rule(choice=st.integers(0, 9))
    def land(self, choice: int) -> None:
        """A write that nobody waits for any more has its effect."""
        self.world.land(choice)

    @rule()
    def finish(self) -> None:
        """Every invocation under way comes to its end."""
        self.world.finish()

    @rule(seconds=SECONDS)
    def wait(self, seconds: float) -> None:
        """Time passes while nobody gets a turn."""
        self.world.advance(seconds)

    @rule(kind=st.sampled_from(KINDS), after=st.integers(0, 80), times=st.integers(1, 12))
    def fault(self, kind: str, after: int, times: int) -> None:
        """Something will go wrong."""
        self.world.faults.append(Fault(kind, after, 1 if kind.startswith("kill") else times))

    @precondition(lambda self: self.world.invocations)
    @rule(choice=st.integers(0, 9))
    def kill(self, choice: int) -> None:
        """An invocation dies where it stands."""
        alive = [one for one in self.world.invocations if not one.returned and not one.dead]
        if alive:
            self.world.kill(alive[choice % len(alive)])

    @rule(change=st.sampled_from(["broken", "disabled", "removed", "moved", "as before"]), code=st.sampled_from(CODES))
    def change_config(self, change: str, code: str) -> None:
        """Somebody changes config.json."""
        config: Json = copy.deepcopy(customers(*CODES))
        entry = config["customer_mappings"][code]
        if change == "broken":
            config = {"customer_mappings": 5}
        elif change == "disabled":
            entry["enabled"] = False
        elif change == "removed":
            del config["customer_mappings"][code]
        elif change == "moved":
            entry["ses_role_arn"] = "arn:aws:iam::999999999999:role/other"
        self.world.put_config(config)

    @precondition(lambda self: any(seen.summary for seen in self.world.runs.values()))
    @rule(choice=st.integers(0, 9), seconds=TIME)
    def resume(self, choice: int, seconds: float) -> None:
        """Somebody has what is left of a run done by another one."""
        over = [run_id for run_id in sorted(self.world.runs) if self.world.runs[run_id].summary]
        resume = self.world.kept(over[choice % len(over)], "summary.json")["resume"]
        if resume is not None:
            number = len(self.starts)
            event = {**resume, "run_id": f"r{number}"}
            self.starts.append((event, f"start{number}"))
            self.world.invoke(event, seconds=seconds, request_id=f"start{number}")

    @invariant()
    def nothing_is_untrue(self) -> None:
        """At any moment."""
        self.world.check()

    def teardown(self) -> None:
        """Whatever happened, everything comes to its end."""
        world = getattr(self, "world", None)
        try:
            if world is not None:
                world.end_all(deliver=len(self.starts) % 2 == 0, seconds=130.0)
                for run_id in world.runs:
                    world.check_over(run_id)
                world.events_change_nothing()
        finally:
            if world is not None:
                world.close()
            self.patches.undo()


def _small_run(on_deadline: str, *faults: Fault) -> bool:
    """Run three customers, one of two slices, over two hops, with these faults, and then the reaper.

    Whatever the faults were, everything must be true afterwards. Return whether all of them occurred.
    """
    patches = pytest.MonkeyPatch()
    world = World(patches, customers("a", "b", "c"))
    try:
        world.script["r", "b"] = [("goes on", 3.0), ("done", 1.0)]
        world.faults = [*faults]
        event = {"action": "manage-topic-all", "run_id": "r", "max_customer_concurrency": 2}
        world.invoke({**event, "on_deadline": on_deadline}, seconds=62.0)
        for _ in range(3):
            world.finish()
            for hop in world.take_events():
                world.invoke(hop)
            world.finish()
            world.advance(300.0)
            world.finish(world.invoke({"reap": True}))
        world.end_all(deliver=sum(fault.at for fault in faults) % 2 == 0)
        world.check_over("r")
        return all(fault.times == 0 for fault in faults)
    finally:
        world.close()
        patches.undo()


def _each_request(on_deadline: str, kind: str, only: str, *others: Fault) -> int:
    """Have a fault of this kind at each request in turn, beside the others; return how many there were."""
    at = 0
    while _small_run(on_deadline, Fault(kind, at, only=only), *[copy.copy(fault) for fault in others]):
        at += 1
    return at


@pytest.mark.parametrize("on_deadline", ["stop", "continue"])
@pytest.mark.parametrize("kind", ["kill-before", "kill-after", "busy", "lost", "unsent", "again"])
def test_a_run_survives_a_death_or_a_lost_answer_at_any_request(kind: str, on_deadline: str) -> None:
    """The run itself brings itself to its end, or the reaper does."""
    assert _each_request(on_deadline, kind, "run") > 12


@pytest.mark.parametrize("on_deadline", ["stop", "continue"])
@pytest.mark.parametrize("kind", ["kill-before", "kill-after", "lost"])
@pytest.mark.parametrize("dies", [3, 6, 9, 12])
def test_the_reaper_survives_a_death_or_a_lost_answer_at_any_request(dies: int, kind: str, on_deadline: str) -> None:
    """After the death of a run, whatever one pass had begun, the next one brings to its end."""
    assert _each_request(on_deadline, kind, "reaper", Fault("kill-after", dies, only="run0")) > 2


def _meanwhile(steps: int, what: str, *, alone: bool) -> bool:
    """Run three customers over two hops; after so many steps, something happens beside them.

    `alone`: nobody else gets a turn until it is over. Return whether the run was still under way.
    """
    patches = pytest.MonkeyPatch()
    world = World(patches, customers("a", "b", "c"))
    try:
        world.script["r", "b"] = [("goes on", 3.0), ("done", 1.0)]
        start: Json = {"action": "manage-topic-all", "run_id": "r", "max_customer_concurrency": 2}
        start["on_deadline"] = "stop" if what == "closing reaper" else "continue"
        events = [start]
        world.invoke(start, seconds=200.0 if what == "closing reaper" else 62.0)
        for _ in range(steps):
            world.step()
            if not world.is_busy():
                events += (arrived := world.take_events())
                for event in arrived:
                    world.invoke(event)
                if not arrived:
                    return False
        if what in ("late reaper", "closing reaper"):
            world.advance(64.0)
        if what == "config":
            world.put_config({"customer_mappings": {}})
        other = {"again": events[-1], "cancel": {"cancel": "r"}}.get(what, {"reap": True})
        one = world.invoke(other, request_id="q0")
        if alone:
            world.finish_alone(one)
        world.end_all(deliver=True)
        world.check_over("r")
        world.events_change_nothing()
        return True
    finally:
        world.close()
        patches.undo()


@pytest.mark.matrix
@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("what", ["late reaper", "closing reaper", "again", "cancel", "config"])
def test_a_run_survives_whatever_happens_beside_it_at_any_moment(what: str, alone: bool) -> None:
    """The same event again, a cancel, another config.json, or a reaper that comes after the run stood for a minute."""
    steps = 0
    while _meanwhile(steps, what, alone=alone):
        steps += 1
    assert steps > 40


def test_a_start_that_comes_while_the_reaper_forgets_an_abandoned_one_is_not_forgotten() -> None:
    """The first start died before its plan; the second one writes it at any moment of a reaper's pass, and dies."""
    event = {"action": "describe-list-all", "run_id": "r"}
    for steps in range(12):
        patches = pytest.MonkeyPatch()
        world = World(patches, customers("a"))
        try:
            world.faults = [Fault("kill-before", 3, only="run0")]
            world.finish(world.invoke(event))
            assert (world.open_runs(), world.kept("r", "plan.json")) == (["r"], None)
            world.advance(2_000.0)
            world.invoke({"reap": True})
            for _ in range(steps):
                world.step()
            world.faults = [Fault("kill-after", 3, only="run2")]
            world.finish_alone(world.invoke(event))
            assert world.kept("r", "plan.json") is not None
            world.end_all(deliver=True)
            world.check_over("r")
        finally:
            world.close()
            patches.undo()


@pytest.mark.matrix
@pytest.mark.timeout(900)
@pytest.mark.parametrize("on_deadline", ["stop", "continue"])
@pytest.mark.parametrize("second", ["run", "reaper"])
@pytest.mark.parametrize("kinds", [*itertools.product(["kill-before", "kill-after", "lost"], repeat=2)])
def test_a_run_survives_any_two_of_them(kinds: tuple[str, str], second: str, on_deadline: str) -> None:
    """Each request of a run with each later one of it or of the reaper."""
    for first in range(_each_request(on_deadline, kinds[0], "run")):
        _each_request(on_deadline, kinds[1], second, Fault(kinds[0], first, only="run"))


def _explore(examples: int, steps: int) -> None:
    wanted = settings(
        max_examples=examples,
        stateful_step_count=steps,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    run_state_machine_as_test(Record, settings=wanted)


def test_every_run_ends_once_and_truly() -> None:
    """A few orders of events; the long search is for `make test-all`."""
    _explore(25, 25)


@pytest.mark.matrix
@pytest.mark.timeout(1_800)
def test_every_run_ends_once_and_truly_in_many_orders() -> None:
    """The same, for longer."""
    _explore(1_500, 40)
