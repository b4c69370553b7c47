"""Following a run's record: every result once, whatever lies between, and nothing that is not so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ses_fleet import limits
from ses_fleet.aws.s3 import Bucket
from ses_fleet.errors import AwsCallError
from ses_fleet.runs.models import CustomerResult, RunPlan, Summary
from ses_fleet_cli.errors import CommandError
from ses_fleet_cli.follow import Follower, refusals
from tests.unit.cli import stored
from tests.unit.memory_s3 import MemoryS3

PLAN = stored.plan("r", codes=("a", "b\n"))
SIGN = {"open/r/0-o.json": "{}"}
PLANNED = {**SIGN, "runs/r/plan.json": PLAN.model_dump_json()}


def result(code: str) -> str:
    """A customer's stored result."""
    return stored.result(code).model_dump_json()


def summary(exit_code: int = 0, **more: Any) -> str:
    """A stored Summary."""
    return stored.summary("r", exit_code=exit_code, **more).model_dump_json()


def end(hop: int, following: int | None) -> dict[str, str]:
    """What the reaper says of a hop."""
    body = stored.end(hop, following).model_dump_json()
    return {f"runs/r/hops/{hop}/end.json": body}


class Record(MemoryS3):
    """A results bucket into which something is written between two looks; an exception fails one call."""

    def __init__(self, *steps: dict[str, str] | Exception) -> None:
        super().__init__()
        self.steps = list(steps)

    def pass_time(self, seconds: float) -> None:
        """The next step is written."""
        self.advance(seconds)
        if self.steps and isinstance(self.steps[0], dict):
            for key, body in self.steps.pop(0).items():  # type: ignore[union-attr]
                self.put("results", key, body.encode())

    def call(self, operation: str, **parameters: Any) -> Any:
        """As S3 answers it, or not."""
        if self.steps and isinstance(self.steps[0], Exception):
            raise self.steps.pop(0)  # type: ignore[misc]
        return super().call(operation, **parameters)


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

    def notice(self, text: str) -> None:
        """Something about the run."""
        self.told.append(text)


def follower(record: Record, *, step: float = 1.0, **more: Any) -> tuple[Follower, list[str]]:
    """Who follows it on made-up time, and what its watcher was told."""
    watcher = Watcher()
    bucket = Bucket(record, "results")
    times = {"clock": lambda: record.now.timestamp(), "counter": lambda: record.now.timestamp()}
    made = Follower(
        bucket, "r", watcher, sleep=lambda seconds: record.pass_time(max(seconds, step)), **{**times, **more}
    )
    return made, watcher.told


def follow(record: Record, **more: Any) -> tuple[Summary, list[str]]:
    """Follow it to its end."""
    made, told = follower(record, **more)
    return made.follow(), told


def not_followed(record: Record, **more: Any) -> CommandError:
    """Follow it, and be told why that ends."""
    made, _ = follower(record, **more)
    with pytest.raises(CommandError) as error:
        made.follow()
    assert error.value.exit_code == 3
    assert "run r" in error.value.message
    return error.value


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


def test_the_refusal_of_this_very_start_is_the_answer() -> None:
    """It lies under the request's id, and there is no plan."""
    refused = {"runs/r/refusals/mine.json": summary(2, errors=("mine",))}
    found, told = follow(Record({}, refused), request_id="mine")
    assert (found.errors, told) == (("mine",), [])


@pytest.mark.parametrize(("request_id", "said"), [("theirs", True), ("mine", False), ("", False)])
def test_a_run_that_was_there_already_is_said_to_be(request_id: str, said: bool) -> None:
    """Nothing was started for this command: what is shown is what was done then."""
    there = {**SIGN, "runs/r/plan.json": PLAN.model_copy(update={"request_id": request_id}).model_dump_json()}
    _, told = follow(Record(there, {"runs/r/summary.json": summary()}), request_id="mine")
    notice = f"run r is there already, since {PLAN.started_at}: nothing was started, it is followed"
    assert (notice in told) == said


def test_the_refusal_of_another_start_is_not_ours() -> None:
    """Neither an older one nor one that comes meanwhile ends the waiting for this one's run."""
    others = {"runs/r/refusals/older.json": summary(2), "runs/r/summary.json": summary(2)}
    record = Record({"runs/r/refusals/beside.json": summary(2)}, {}, PLANNED, {"runs/r/summary.json": summary()})
    for key, body in others.items():
        record.put("results", key, body.encode())
    assert follow(record, request_id="mine")[0].exit_code == 0


def test_without_its_request_id_a_new_refusal_is_ours() -> None:
    """The answer to the start was lost: what was refused before it does not count."""
    record = Record({}, {"runs/r/refusals/new.json": summary(2, errors=("new",))})
    record.put("results", "runs/r/refusals/older.json", summary(2, errors=("older",)).encode())
    before = refusals(Bucket(record, "results"), "r")
    assert follow(record, refused_before=before)[0].errors == ("new",)


def test_a_plan_counts_whatever_was_refused() -> None:
    """Also one that is written just after it was looked for."""
    record = Record()
    record.put("results", "runs/r/refusals/mine.json", summary(2).encode())

    def begin(_operation: str, key: str, done: bool) -> None:
        if done and "refusals" in key:
            for name, body in {**PLANNED, "runs/r/summary.json": summary()}.items():
                record.put("results", name, body.encode())

    record.hook.happens = begin
    assert follow(record, request_id="mine")[0].exit_code == 0


def test_a_run_that_does_not_begin_is_exit_3() -> None:
    """After two minutes, with what to do; nobody calls it lost."""
    error = not_followed(Record(), step=5.0)
    assert "did not begin within 120 s" in error.message
    assert "lost" not in error.message


def test_a_run_whose_function_does_not_start_is_over_at_once() -> None:
    """The function is asked once, after a few seconds, and what it says is told: nobody waits two minutes for it."""
    asked = [0]

    def why_not() -> str:
        asked[0] += 1
        return "the function does not start (Runtime.ImportModuleError: no module)"

    error = not_followed(Record(), why_not=why_not)
    assert "did not begin: the function does not start" in error.message
    assert asked == [1]


def test_a_run_that_begins_late_is_followed() -> None:
    """Its function starts, and is not asked again; one that begins in time is not asked about at all."""
    asked: list[int] = []
    late = Record(*[{}] * 20, {**PLANNED, "runs/r/summary.json": summary()})
    assert follow(late, why_not=lambda: asked.append(1))[0].exit_code == 0
    assert asked == [1]
    follow(Record({**PLANNED, "runs/r/summary.json": summary()}), why_not=lambda: asked.append(2))
    assert asked == [1]


def test_a_plan_that_comes_at_the_last_moment_still_counts() -> None:
    """One more look is taken when the time is over."""
    record = Record({}, {**PLANNED, "runs/r/summary.json": summary()})
    assert follow(record, step=100.0)[0].exit_code == 0


def quiet(*steps: tuple[float, dict[str, str]]) -> Record:
    """A run that begins, and in which something happens after so many further seconds each."""
    record, waits = Record(PLANNED), [*steps]
    passed, last = record.pass_time, [record.now]

    def pass_time(seconds: float) -> None:
        passed(seconds)
        if waits and (record.now - last[0]).total_seconds() >= waits[0][0]:
            last[0] = record.now
            for key, body in waits.pop(0)[1].items():
                record.put("results", key, body.encode())

    record.pass_time = pass_time  # type: ignore[method-assign]
    return record


def test_deaths_and_waits_are_told_once_and_followed_through() -> None:
    """Silence, the reaper's other invocation that comes late, its signs of life: then the Summary."""
    claim = {"runs/r/hops/1/claim.json": "{}", "open/r/1-p.json": "{}"}
    record = quiet((90, end(0, 1)), (40, claim), (20, {"runs/r/summary.json": summary()}))
    _, (planned, *told) = follow(record)
    assert planned == "planned 2"
    assert [line.split(" ")[0] for line in told] == ["r:"] * 3
    silent, waits, goes_on = told
    assert "has given no sign of life for 3" in silent
    assert "the reaper ends it or lets it go on within about six minutes; do not resume it before" in silent
    assert "has waited for its next invocation (number 2) for" in waits
    assert "goes on (invocation 2)" in goes_on
    assert not any("hop" in line for line in told)


def test_a_run_that_hands_over_in_time_is_not_worth_a_word() -> None:
    """It waits for a second or two, and nobody has to know."""
    claim = {"runs/r/hops/1/claim.json": "{}", "open/r/1-p.json": "{}"}
    record = quiet((20, end(0, 1)), (3, claim), (20, {"runs/r/summary.json": summary()}))
    assert follow(record)[1] == ["planned 2"]


def test_a_dead_run_is_followed_until_the_reaper_has_ended_it() -> None:
    """Its Summary is the answer, with the exit code that it has."""
    found, _ = follow(quiet((600, {**end(0, None), "runs/r/summary.json": summary(1, closed_by="reaper")})))
    assert (found.exit_code, found.closed_by) == (1, "reaper")


@pytest.mark.parametrize(
    ("happens", "words", "minutes"),
    [
        ({}, "has given no sign of life", 20),
        (end(0, None), "its summary is being written", 20),
        (end(0, 1), "has waited for its next invocation", 140),
    ],
)
def test_nobody_waits_for_a_reaper_that_does_nothing(happens: dict[str, str], words: str, minutes: float) -> None:
    """Twenty minutes by S3's clock; an invocation that waits has two hours more. Then the alarm is named."""
    record = quiet((10, happens))
    began = record.now
    error = not_followed(record, counter=lambda: 0.0)
    assert words in error.message
    assert "ses-fleet-reaper-silent" in error.message
    assert 0 <= (record.now - began).total_seconds() - minutes * 60 < 60


def test_a_run_without_a_sign_in_the_index_is_not_waited_for() -> None:
    """The reaper would never find it."""
    record = Record({"runs/r/plan.json": PLAN.model_dump_json()})
    assert "the reaper does not find it" in not_followed(record).message


def test_a_run_of_an_earlier_version_is_followed_while_it_may_end() -> None:
    """It gives no signs of life, and nothing is said of that; four hours after its deadline it is given up."""
    before = PLAN.model_copy(update={"record_format": 1}).model_dump_json()
    record = Record({"runs/r/plan.json": before}, *[{}] * 60, {"runs/r/summary.json": summary()})
    assert follow(record, step=60.0)[1] == ["planned 2"]
    error = not_followed(Record({"runs/r/plan.json": before}), step=60.0)
    assert "of an earlier version of ses-fleet, its time is over" in error.message


def failure(kind: Any) -> AwsCallError:
    """A failed look."""
    return AwsCallError("s3", "get_object", kind, "Code", "text")


def test_a_few_failed_looks_are_the_networks_business() -> None:
    """The run goes on."""
    record = Record(
        failure("lost"), failure("server"), PLANNED, failure("throttled"), {"runs/r/summary.json": summary()}
    )
    assert follow(record)[0].exit_code == 0


def test_looks_that_fail_now_and_then_never_add_up() -> None:
    """However long the run takes."""
    once: list[Any] = [failure("server"), {}, {}]
    now_and_then = once * 10
    record = Record(PLANNED, *now_and_then, {"runs/r/summary.json": summary()})
    with_signs = record.pass_time

    def pass_time(seconds: float) -> None:
        with_signs(seconds)
        record.put("results", "open/r/0-o.json", b"{}")

    record.pass_time = pass_time  # type: ignore[method-assign]
    assert follow(record, step=25.0, request_id="q")[0].exit_code == 0


def test_an_s3_that_is_down_for_two_minutes_is_waited_for() -> None:
    """Which is said once it lasts some seconds, and once each time; after three minutes it is given up."""
    down = [failure("server") for _ in range(70)]
    blip = [failure("server") for _ in range(2)]
    well: list[Any] = [{}] * 6
    steps = [PLANNED, *down, *well, *blip, *well, *down, {"runs/r/summary.json": summary()}]
    found, told = follow(Record(*steps), request_id="q")
    assert found.exit_code == 0
    waiting = "the record of run r cannot be read (get_object: Code: text): trying again for 180 s"
    assert [text for text in told if "cannot be read" in text] == [waiting] * 2
    error = not_followed(Record(PLANNED, *[failure("server") for _ in range(400)]))
    assert "cannot be read (get_object: Code: text)" in error.message


@pytest.mark.parametrize("steps", [[], [PLANNED]])
def test_a_record_that_nobody_may_read_is_exit_3(steps: list[Any]) -> None:
    """At once: it is said that a run that was started goes on."""
    error = not_followed(Record(*steps, failure("refused")))
    assert "cannot be read (get_object: Code: text); a run that was started goes on" in error.message


@pytest.mark.parametrize("name", ["plan", "summary", "results/a", "hops/0/end"])
@pytest.mark.parametrize("body", ["{}", "null", "not JSON", '{"hop": 0, "next": []}'])
def test_a_record_that_is_not_understood_is_exit_3(name: str, body: str) -> None:
    """One line; another version may have written it."""
    error = not_followed(Record({**PLANNED, f"runs/r/{name}.json": body}))
    assert "not what this version writes" in error.message


@pytest.mark.parametrize("at", ["hops", "open", "results", "summary"])
@pytest.mark.parametrize("kind", ["refused", "lost"])
def test_wherever_s3_fails_while_following_it_is_one_line(at: str, kind: Any) -> None:
    """Exit code 3, no traceback."""
    record = Record(PLANNED)

    def fail(_operation: str, key: str, _done: bool) -> None:
        if at in key:
            raise failure(kind)

    record.hook.happens = fail
    assert "cannot be read" in not_followed(record).message


@pytest.mark.parametrize("failures", [1, 4])
def test_a_clock_that_cannot_be_asked_is_a_failed_look(failures: int) -> None:
    """The next look asks again."""
    left = [failure("lost")] * failures
    record = Record({**PLANNED, "runs/r/summary.json": summary()})

    def clock() -> float:
        if left:
            raise left.pop()
        return record.now.timestamp()

    assert follow(record, clock=clock)[0].exit_code == 0


def test_another_requests_run_is_not_ours() -> None:
    """Its result is never shown as the answer."""
    made, _ = follower(Record(PLANNED), expected={"action": "other"})
    with pytest.raises(CommandError, match="another request") as error:
        made.follow()
    assert error.value.exit_code == 2


def test_looks_for_life_are_rare() -> None:
    """A run that is over within seconds costs none of them."""
    record = Record(PLANNED, {}, {}, {"runs/r/summary.json": summary()})
    counted: Callable[[], int] = lambda: sum(key.startswith("open/") for _, key in record.asked)  # noqa: E731
    follow(record)
    assert counted() == 0
    assert limits.LIFE_LOOK_SECONDS >= 5
