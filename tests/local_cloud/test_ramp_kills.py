"""Runs in stages whose orchestrators and workers are really killed, that go on in further invocations and are resumed.

Several runs at once, each on five customers of its own and killed at a moment of its own; checked is the journal.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pytest

from tests.local_cloud.conftest import HUB, ORCHESTRATOR, Cloud, fleet, running, ses_fleet
from tests.local_cloud.stages import broken

AT_ONCE, OF_A_RUN = 8, 5  # a function has at most ten environments
RAMP: dict[str, Any] = {"ramp": [1, "40%", "100%"]}
BOUNDS: dict[str, dict[str, Any]] = {
    "nobody may fail": RAMP,
    "one may fail": {**RAMP, "max_failures": 1},
    "strictly two may fail": {**RAMP, "max_failures": 2, "failure_mode": "strict"},
    "strict alone": {"max_failures": 2, "failure_mode": "strict"},
}
# The reaper needs a minute. An invocation starts somebody for eight seconds, or for two where one is to follow another.
MARGINS = {"START_MARGIN_SECONDS": "62", "RETURN_MARGIN_SECONDS": "58", "DEAD_AFTER_SECONDS": "1"}
SLOW = {"operation": "ListContactLists", "fault": "delay", "times": None}


class Moment(NamedTuple):
    """When a run's process is killed: at a write of its orchestrator, or at the call of its n-th customer's worker."""

    fault: str
    path: str | None = None
    skip: int = 0
    customer: int | None = None

    def rules(self, run_id: str, codes: Sequence[str]) -> list[dict[str, Any]]:
        """The fault rules that make it happen to this run.

        Who is killed at a result writes it late, so that somebody else could be started before. Where one invocation is
        to follow another, customers take so long that the first one does not reach the last stage.
        """
        seconds = 1.0 if "/hops/" in (self.path or "") else 0.2
        slow = [{**SLOW, "account": account(code), "seconds": seconds} for code in codes]
        if self.customer is not None:
            place = {"service": "sesv2", "operation": "ListContactLists", "account": account(codes[self.customer])}
        else:
            path = (self.path or "").format(run_id, *codes)
            place = {"service": "s3", "operation": "PutObject", "account": HUB, "path": path}
        late = {**place, "fault": "delay", "seconds": 0.8, "times": 1}
        kill = {**place, "fault": self.fault, "skip": self.skip, "times": 1}
        return [*slow, late, kill] if "/results/" in (self.path or "") else [*slow, kill]


MOMENTS = (
    Moment("kill_after", "/runs/{0}/plan.json"),
    *(Moment(fault, "/open/{0}/", skip) for skip in (1, 2, 3) for fault in ("kill_before", "kill_after")),
    *(
        Moment(fault, f"/runs/{{0}}/results/{{{number}}}.json")
        for number in (1, 2, 3, 4)
        for fault in ("kill_before", "kill_after")
    ),
    *(Moment(fault, "/runs/{0}/summary.json") for fault in ("kill_before", "kill_after")),
    *(Moment(fault, customer=number) for number in (0, 1, 3) for fault in ("kill_before", "kill_after")),
)
BETWEEN_TWO = (
    *(Moment(fault, "/runs/{0}/hops/0/end.json") for fault in ("kill_before", "kill_after")),
    *(Moment(fault, "/runs/{0}/hops/1/claim.json") for fault in ("kill_before", "kill_after")),
)


@pytest.fixture(scope="module")
def stepping(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Five customers for each of the runs that are made at once; each invocation has a short time for them."""
    path = tmp_path_factory.mktemp("stepping") / "config.json"
    path.write_text(json.dumps(fleet(AT_ONCE * OF_A_RUN)))
    with (
        running("--port", "0", "--config", str(path), "--ses-rate", "0") as (_, cloud),
        cloud.variables(ORCHESTRATOR, timeout=70, **MARGINS),
    ):
        yield cloud


def account(code: str) -> str:
    """A customer's account."""
    return str(300000000000 + int(code[1:]))


def start(cloud: Cloud, payload: dict[str, Any]) -> None:
    """Start a run as an event."""
    body = json.dumps({"action": "describe-list-all", "on_deadline": "continue", **payload}).encode()
    cloud.lambda_.invoke(FunctionName=ORCHESTRATOR, InvocationType="Event", Payload=body)


def ended(cloud: Cloud, run_ids: Sequence[str], seconds: float = 90) -> dict[str, dict[str, Any]]:
    """The Summaries of these runs; the reaper looks after those that are killed until each has one."""
    until = time.monotonic() + seconds
    while missing := [one for one in run_ids if f"runs/{one}/summary.json" not in cloud.keys(f"runs/{one}/")]:
        assert time.monotonic() < until, f"no end of {missing}"
        time.sleep(0.5)
        cloud.invoke({"reap": True})
    return {one: json.loads(cloud.stored(f"runs/{one}/summary.json")) for one in run_ids}


def carry_out(cloud: Cloud, name: str, moments: Sequence[tuple[Moment, dict[str, Any]]]) -> list[str]:
    """Carry out a run for each moment, all at once, then resume each with its bounds. Return the ids of all runs.

    In the end everybody is successful. The last one that is resumed is so by the command.
    """
    fleets = [[f"f{place * OF_A_RUN + n:02d}" for n in range(1, OF_A_RUN + 1)] for place in range(len(moments))]
    run_ids = [f"{name}-{place}" for place in range(len(moments))]
    killed = [
        rule
        for (moment, _), run_id, codes in zip(moments, run_ids, fleets, strict=True)
        for rule in moment.rules(run_id, codes)
    ]
    mark = cloud.mark()
    with cloud.faults(*killed):
        for run_id, codes, (_, bounds) in zip(run_ids, fleets, moments, strict=True):
            start(cloud, {"run_id": run_id, "include": codes, **bounds})
        found = ended(cloud, run_ids)
        assert sum("kill" in (entry["reason"] or "") for entry in cloud.journal(mark)) == len(moments)
        left = {run_id: one["resume"] for run_id, one in found.items() if one["resume"] is not None}
        for run_id, resume in [*left.items()][:-1]:
            start(cloud, {**resume, "run_id": f"{run_id}r"})
        for run_id in [*left][-1:]:
            assert f"{told(found[run_id])}\n" in ses_fleet(cloud, "runs", "show", run_id).stdout
            resumed = ses_fleet(cloud, "runs", "resume", run_id, "--run-id", f"{run_id}r")
            assert resumed.returncode == 0, resumed.stderr
            assert f"{told(json.loads(cloud.stored(f'runs/{run_id}r/summary.json')))}\n" in resumed.stdout
        again = ended(cloud, [f"{run_id}r" for run_id in left])
    assert {one["exit_code"] for one in again.values()} <= {0}
    return [*run_ids, *again]


def told(summary: dict[str, Any]) -> str:
    """The line of the terminal that says where a run ended; empty without a ramp."""
    if summary["ramp"] is None:
        return ""
    stages, at = summary["ramp"]["stages"], summary["ramp"]["at"]
    reached = f"up to {stages[at - 1]} of {stages[-1]} customers that could start"
    return f"   🪜 Ramp: stage {at} of {len(stages)} ({reached})"


def test_stages_are_kept_when_somebody_is_killed(stepping: Cloud) -> None:
    """An orchestrator in the first stage and in the last one, and workers; each run goes on and is resumed."""
    moments = (
        (Moment("kill_before", "/runs/{0}/results/{1}.json"), BOUNDS["one may fail"]),
        (Moment("kill_before", "/runs/{0}/results/{4}.json"), BOUNDS["strictly two may fail"]),
        (Moment("kill_after", customer=3), BOUNDS["strict alone"]),
        (Moment("kill_before", customer=1), RAMP),
    )
    begun = carry_out(stepping, "quick", moments)
    assert [text for run_id in begun for text in broken(stepping, run_id)] == []


@pytest.mark.matrix
@pytest.mark.timeout(400)
@pytest.mark.parametrize("bounds", BOUNDS)
def test_stages_are_kept_whenever_somebody_is_killed(stepping: Cloud, bounds: str) -> None:
    """Before and after each kind of write of an orchestrator, and at the call of a worker in each stage."""
    name = bounds.split(" ", maxsplit=1)[0] + str(len(bounds))
    for begin in range(0, len(MOMENTS), AT_ONCE):
        moments = [(moment, BOUNDS[bounds]) for moment in MOMENTS[begin : begin + AT_ONCE]]
        begun = carry_out(stepping, f"{name}-{begin}", moments)
        assert [text for run_id in begun for text in broken(stepping, run_id)] == []


@pytest.mark.matrix
@pytest.mark.timeout(400)
def test_stages_are_kept_when_somebody_is_killed_between_two_invocations(stepping: Cloud) -> None:
    """When the first one ends, and when the next one begins: the last stage is reached in a later one."""
    moments = [(moment, bounds) for bounds in BOUNDS.values() for moment in BETWEEN_TWO]
    with stepping.variables(ORCHESTRATOR, START_MARGIN_SECONDS="68"):
        for begin in range(0, len(moments), AT_ONCE):
            begun = carry_out(stepping, f"between-{begin}", moments[begin : begin + AT_ONCE])
            assert [text for run_id in begun for text in broken(stepping, run_id)] == []
