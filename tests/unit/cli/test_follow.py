"""Following a run's record: every result once, lost runs said to be lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from ses_fleet.aws.clients import AwsClient
from ses_fleet.aws.s3 import StoredObject
from ses_fleet.config.customer import CustomerIdentity
from ses_fleet.errors import AwsCallError
from ses_fleet.runs.models import Concurrency, CustomerResult, RunPlan, Summary
from ses_fleet_cli.errors import CommandError
from ses_fleet_cli.follow import Follower

PLAN = RunPlan(
    run_id="r",
    request={"action": "describe-list-all"},
    started_at="2026-03-01T06:00:00Z",
    deadline="2026-03-01T06:15:00Z",
    customers=tuple(
        CustomerIdentity(customer_code=code, customer_name=code, account_id=None, region=None) for code in ("a", "b\n")
    ),
    concurrency=Concurrency(requested=0, effective=2),
)
START = datetime(2026, 3, 1, 6, 0, tzinfo=UTC).timestamp()


def result(code: str) -> str:
    """A customer's stored result."""
    return CustomerResult(
        customer_code=code, customer_name=code, account_id=None, region=None, status="successful"
    ).model_dump_json()


def summary(exit_code: int = 0) -> str:
    """A stored summary."""
    known: dict[str, Any] = {name: 0 for name in Summary.model_fields if name.endswith(("_count", "_customers"))}
    known |= {"run_id": "r", "action": "a", "dry_run": False, "started_at": "x", "total_duration_seconds": 1.0}
    return Summary(**known, results=(), exit_code=exit_code).model_dump_json()


class Record:
    """A results bucket into which something is written between two looks; an exception fails one look."""

    name = "b"

    def __init__(self, *steps: dict[str, str] | Exception) -> None:
        self.s3 = AwsClient("s3", self)
        self._steps = list(steps)
        self._objects: dict[str, str] = {}

    def pass_time(self) -> None:
        """The next step is written."""
        if self._steps and isinstance(self._steps[0], dict):
            self._objects.update(self._steps[0])
            del self._steps[0]

    def find(self, key: str, *, limit: int) -> StoredObject | None:
        """As Bucket has it."""
        assert limit > 0
        if self._steps and isinstance(self._steps[0], Exception):
            failure = self._steps[0]
            del self._steps[0]
            raise failure
        body = self._objects.get(key)
        return None if body is None else StoredObject(body.encode(), "", None, None)

    def location(self, key: str) -> str:
        """As Bucket has it."""
        return f"s3://b/{key}"

    def list_objects_v2(self, **_: Any) -> dict[str, Any]:
        """boto3's method."""
        results = [key for key in self._objects if "/results/" in key]
        return {"Contents": [{"Key": key, "LastModified": n} for n, key in enumerate(results)]}


class Watcher:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def planned(self, plan: RunPlan) -> None:
        """The run began."""
        self.told.append(f"planned {len(plan.customers)}")

    def finished(self, found: CustomerResult) -> None:
        """A customer finished."""
        self.told.append(found.customer_code)


def follow(
    record: Record, *, expected: Any = None, step: float = 1.0, why_not: Callable[[], str | None] = lambda: None
) -> tuple[Summary, list[str]]:
    """Follow it on made-up time."""
    now, watcher = [START], Watcher()

    def sleep(seconds: float) -> None:
        now[0] += max(seconds, step)
        record.pass_time()

    bucket: Any = record
    follower = Follower(bucket, "r", watcher, expected=expected, why_not=why_not, clock=lambda: now[0], sleep=sleep)
    return follower.follow(), watcher.told


PLANNED = {"runs/r/plan.json": PLAN.model_dump_json()}


def test_results_are_shown_once_in_the_order_they_came() -> None:
    """And all of them before the summary, also one of a code that names no object."""
    record = Record(
        PLANNED,
        {"runs/r/results/_0001.json": result("b\n")},
        {},
        {"runs/r/results/a.json": result("a"), "runs/r/summary.json": summary()},
    )
    found, told = follow(record)
    assert told == ["planned 2", "b\n", "a"]
    assert found.exit_code == 0


def test_a_refused_run_has_a_summary_and_no_plan() -> None:
    """Its summary is the answer."""
    found, told = follow(Record({"runs/r/summary.json": summary(2)}))
    assert (found.exit_code, told) == (2, [])


@pytest.mark.parametrize(
    ("steps", "message"), [([], "did not begin within 120 s"), ([PLANNED], "the time of its last invocation is over")]
)
def test_a_lost_run_is_exit_3(steps: list[Any], message: str) -> None:
    """Not begun after 120 s, or no summary 30 s after its deadline."""
    with pytest.raises(CommandError, match=message) as error:
        follow(Record(*steps), step=5.0)
    assert error.value.exit_code == 3


def test_a_run_whose_function_does_not_start_is_over_at_once() -> None:
    """The function is asked once, after a few seconds, and what it says is told: nobody waits two minutes for it."""
    now = [0]

    def why_not() -> str:
        now[0] += 1
        return "the function does not start (Runtime.ImportModuleError: no module)"

    with pytest.raises(CommandError, match="did not begin: the function does not start") as error:
        follow(Record(), why_not=why_not)
    assert (error.value.exit_code, now) == (3, [1])


def test_a_run_that_begins_late_is_followed() -> None:
    """Its function starts, and is not asked again; one that begins in time is not asked about at all."""
    asked: list[int] = []
    late = Record(*[{}] * 20, {**PLANNED, "runs/r/summary.json": summary()})
    assert follow(late, why_not=lambda: asked.append(1))[0].exit_code == 0
    assert asked == [1]
    follow(Record({**PLANNED, "runs/r/summary.json": summary()}), why_not=lambda: asked.append(2))
    assert asked == [1]


def test_a_late_summary_still_counts() -> None:
    """One last look is taken when the time is over."""
    assert follow(Record(PLANNED, {}, {"runs/r/summary.json": summary()}), step=900.0)[0].exit_code == 0


def failure(kind: Any) -> AwsCallError:
    """A failed look."""
    return AwsCallError("s3", "get_object", kind, "Code", "text")


def test_a_few_failed_looks_are_the_networks_business() -> None:
    """The run goes on."""
    record = Record(
        failure("lost"), failure("server"), PLANNED, failure("throttled"), {"runs/r/summary.json": summary()}
    )
    assert follow(record)[0].exit_code == 0


@pytest.mark.parametrize("failures", [[failure("refused")], [failure("lost") for _ in range(5)]])
def test_a_record_that_cannot_be_read_is_exit_3(failures: list[Exception]) -> None:
    """It is said that the run goes on."""
    with pytest.raises(CommandError, match="goes on, but its record cannot be read") as error:
        follow(Record(*failures))
    assert error.value.exit_code == 3


@pytest.mark.parametrize("name", ["plan", "summary", "results/a"])
def test_a_record_that_is_not_understood_is_exit_3(name: str) -> None:
    """One line; another version may have written it."""
    with pytest.raises(CommandError, match="not what this version writes") as error:
        follow(Record({**PLANNED, f"runs/r/{name}.json": "{}"}))
    assert error.value.exit_code == 3


@pytest.mark.parametrize("failures", [1, 4])
def test_a_clock_that_cannot_be_asked_is_a_failed_look(failures: int) -> None:
    """The next look asks again; deadlines are looked up as patiently as results."""
    left = [failure("lost")] * failures

    def clock() -> float:
        if left:
            raise left.pop()
        return START

    bucket: Any = Record({**PLANNED, "runs/r/summary.json": summary()})
    bucket.pass_time()
    assert Follower(bucket, "r", Watcher(), clock=clock, sleep=lambda _: None).follow().exit_code == 0


@pytest.mark.parametrize("kind", ["refused", "lost"])
def test_s3_failing_where_deadlines_are_looked_up_is_exit_3(kind: Any) -> None:
    """As anywhere else: one line, no traceback."""

    class Down(Record):
        def find(self, key: str, *, limit: int) -> StoredObject | None:
            if "/hops/" in key:
                raise failure(kind)
            return super().find(key, limit=limit)

    with pytest.raises(CommandError, match="its record cannot be read") as error:
        follow(Down(PLANNED), step=600.0)
    assert error.value.exit_code == 3


def test_another_requests_run_is_not_ours() -> None:
    """Its result is never shown as the answer."""
    with pytest.raises(CommandError, match="another request") as error:
        follow(Record(PLANNED), expected={"action": "other"})
    assert error.value.exit_code == 2
    assert json.loads(summary())["exit_code"] == 0
