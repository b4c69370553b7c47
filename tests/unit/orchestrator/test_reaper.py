"""The reaper: every run ends by itself, and what its Summary says then is true."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ses_fleet import limits
from ses_fleet.aws.s3 import Bucket
from ses_fleet.errors import AwsCallError
from ses_fleet.runs.hop_record import HopRecord
from ses_fleet.runs.hops import Cancel, HopClaim, HopEnd, Progress, SignOfLife
from ses_fleet.runs.models import RunPlan
from ses_fleet.runs.results import CANCELLED_BEFORE
from tests.unit.orchestrator.deployed import (
    RUN,
    TOPIC,
    Deployed,
    Json,
    code_of,
    customers,
    failed,
    fine,
    of,
    slices,
    statuses,
    time_passes,
)
from tests.unit.orchestrator.killed import die, reap

NOTHING: Json = {"open": 0, "closed": [], "continued": [], "sent_again": [], "failed": []}
EVENT = {"action": "describe-list-all", "run_id": RUN, "max_customer_concurrency": 1}


def dead(monkeypatch: pytest.MonkeyPatch, worker: Any = fine, **payload: Any) -> Deployed:
    """A run whose orchestrator was killed while b was with a worker; a is done, and c was named ahead, at most."""
    there = Deployed(monkeypatch, customers("a", "b", "c", "d"), worker)
    there.put("SESConfig.json", {"topics": [TOPIC]})
    die(monkeypatch, there, "b", {**EVENT, **payload})
    return there


def hops_of(there: Deployed) -> HopRecord:
    """The record of the run's hops."""
    return HopRecord(Bucket(there.s3, "results"), RUN)


def claimed(there: Deployed, hop: int) -> None:
    """An invocation claims a hop, and is killed."""
    assert hops_of(there).claim(HopClaim(hop=hop, owner=f"o{hop}", claimed_at="", deadline=""))


@pytest.mark.parametrize("seconds", [0, 31, 33, 61])
def test_a_run_is_left_alone_until_nobody_gives_a_sign_of_life_for_a_minute(
    monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    """S3 tells whole seconds, so two more are waited for; a silent run is nobody's yet."""
    there = dead(monkeypatch)
    there.s3.advance(seconds)
    before = there.s3.keys()
    assert there.invoke({"reap": True}) == {**NOTHING, "open": 1}
    assert there.s3.keys() == before
    assert reap(there)["closed"] == [RUN]


@pytest.mark.parametrize("writes", [True, False])
def test_a_dead_run_is_closed_with_what_is_true(monkeypatch: pytest.MonkeyPatch, writes: bool) -> None:
    """Who has a result keeps it, who was named may have been sent, who was not was never sent."""
    action = "manage-topic-all" if writes else "describe-list-all"
    there = dead(monkeypatch, action=action)
    assert reap(there) == {**NOTHING, "open": 1, "closed": [RUN]}
    kept = there.kept("summary.json")
    assert list(statuses(kept)) == ["a", "b", "c", "d"]
    assert (of(kept, "a")["status"], of(kept, "b")["status"]) == ("successful", "failed")
    error = of(kept, "b")["error"]
    assert (error["type"], error["outcome_unknown"], error["retryable"]) == ("OrchestratorLost", writes, True)
    sent = {code_of(item) for item in there.lambda_.items}
    assert sent == {"a", "b"}
    never = [code for code, status in statuses(kept).items() if status == "not_started"]
    assert "d" in never
    assert not sent & set(never)
    assert "gave no sign of life for" in of(kept, "d")["warnings"][0]
    assert (kept["closed_by"], kept["exit_code"], kept["action"]) == ("reaper", 1, action)
    assert any(
        warning.startswith("the reaper ended this run: its orchestrator gave no") for warning in kept["warnings"]
    )
    assert sorted(kept["resume"]["include"]) == sorted(set("abcd") - {"a"})
    assert there.s3.keys("open/") == []
    assert {one["customer_code"] for one in there.lines()} == set("abcd")
    assert there.kept("results/b.json")["error"] == error
    assert there.kept("hops/0/end.json")["by"] == "reaper"
    assert there.invoke({"reap": True}) == NOTHING


def test_who_is_between_slices_is_closed_with_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its last slice has answered, and no sign names another: nothing is unknown of it."""
    there = dead(monkeypatch)
    hops = hops_of(there)
    hops.keep_progress(Progress(index=1, customer_code="b", slices=1, attempts=1, continuation={"at": 1}))
    reap(there)
    kept = of(there.kept("summary.json"), "b")
    assert (kept["error"]["type"], kept["error"]["outcome_unknown"]) == ("OrchestratorDeadline", False)
    assert there.kept("results/b.json")["continuation"] == {"at": 1}


@pytest.mark.parametrize("late", [False, True])
def test_a_cancelled_run_is_closed_as_one(monkeypatch: pytest.MonkeyPatch, late: bool) -> None:
    """Who had not begun and who was between two slices say so, and so does the Summary; not if the run had its end."""
    there = dead(monkeypatch)
    hops = hops_of(there)
    hops.keep_progress(Progress(index=1, customer_code="b", slices=1, attempts=1, continuation={"at": 1}))
    asked_at = "2999-01-01T00:00:00Z" if late else "2020-01-01T00:00:00Z"
    hops.ask_to_cancel(Cancel(run_id=RUN, asked_at=asked_at))
    reap(there)
    kept = there.kept("summary.json")
    assert (kept["closed_by"], kept["cancelled_at"]) == ("reaper", None if late else asked_at)
    assert of(kept, "b")["error"]["type"] == ("OrchestratorDeadline" if late else "Cancelled")
    never = [one["warnings"][-1] for one in kept["results"] if one["status"] == "not_started"]
    assert {text == CANCELLED_BEFORE for text in never} == {not late}
    assert there.kept("results/b.json")["continuation"] == {"at": 1}


def test_a_dead_run_goes_on_where_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """In another hop, which ends it: nobody who may have been sent is sent again."""
    there = dead(monkeypatch, on_deadline="continue")
    assert reap(there) == {**NOTHING, "open": 1, "continued": [RUN]}
    end = there.kept("hops/0/end.json")
    assert (end["next"], end["by"], end["restarts"]) == (1, "reaper", 1)
    assert there.lambda_.events == [{"action": "describe-list-all", "run_id": RUN, "hop": 1}]
    last = there.go_on()
    assert (of(last, "a")["status"], of(last, "b")["error"]["type"]) == ("successful", "OrchestratorLost")
    assert of(last, "d")["status"] == "successful"
    assert (last["closed_by"], last["exit_code"]) == ("orchestrator", 1)
    assert sorted(code_of(item) for item in there.lambda_.items).count("b") == 1
    assert there.s3.keys("open/") == []


def test_a_run_that_nothing_brings_forward_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """After three hops in a row that gave no sign of life; a hop that ended by itself begins a new count."""
    there = dead(monkeypatch, on_deadline="continue")
    for hop in (1, 2, 3):
        assert reap(there)["continued"] == [RUN]
        assert there.kept(f"hops/{hop - 1}/end.json")["restarts"] == hop
        claimed(there, hop)
    assert reap(there)["closed"] == [RUN]
    assert there.kept("summary.json")["closed_by"] == "reaper"
    there = dead(monkeypatch, on_deadline="continue")
    reap(there)
    time_passes(there, 50.0, slices)
    assert there.go_on()["exit_code"] is None
    claimed(there, 2)
    assert reap(there)["continued"] == [RUN]
    assert there.kept("hops/2/end.json")["restarts"] == 1


def test_a_run_that_takes_too_long_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether its last hop died or waits."""
    died, waits = dead(monkeypatch, on_deadline="continue"), waiting(monkeypatch)
    monkeypatch.setattr(limits, "MAX_RUN_SECONDS", -1.0)
    for there in (waits, died):
        there.used()
        assert reap(there)["closed"] == [RUN]


def waiting(monkeypatch: pytest.MonkeyPatch) -> Deployed:
    """A run that waits for hop 1, whose event was lost."""
    there = Deployed(monkeypatch, customers("a", "b"), slices)
    time_passes(there, 50.0, slices)
    there.invoke({**EVENT, "on_deadline": "continue"})
    there.lambda_.events.clear()
    return there


def test_an_event_that_was_lost_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every pass, for as long as it may still come; then the run is closed."""
    there = waiting(monkeypatch)
    for count in (1, 2):
        assert reap(there)["sent_again"] == [RUN]
        assert there.lambda_.events == [{"action": "describe-list-all", "run_id": RUN, "hop": 1}] * count
    there.s3.advance(2 * 3600)
    assert reap(there)["closed"] == [RUN]
    kept = there.kept("summary.json")
    assert statuses(kept) == {"a": "failed", "b": "not_started"}
    assert of(kept, "a")["error"]["outcome_unknown"] is False
    assert "nobody took its next invocation" in of(kept, "b")["warnings"][0]
    time_passes(there, 900.0, slices)
    items = len(there.lambda_.items)
    assert there.go_on() == kept
    assert len(there.lambda_.items) == items


@pytest.mark.parametrize(
    ("kind", "code", "row"),
    [
        ("refused", "AccessDenied", "closed"),
        ("refused", "ResourceConflictException", "sent_again"),
        ("lost", "ReadTimeoutError", "sent_again"),
        ("throttled", "TooManyRequestsException", "sent_again"),
    ],
)
def test_an_event_that_cannot_be_sent_closes_the_run(
    monkeypatch: pytest.MonkeyPatch, kind: Any, code: str, row: str
) -> None:
    """Only when Lambda refused it for good; else, as while the function is being updated, the next pass tries again."""
    there = waiting(monkeypatch)
    there.lambda_.own_problem = AwsCallError("lambda", "invoke", kind, code, "no", None)
    assert reap(there) == {**NOTHING, "open": 1, row: [RUN]}
    if row == "closed":
        assert "its next invocation cannot be started (AccessDenied)" in str(there.kept("summary.json")["warnings"])


def test_an_end_without_a_summary_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute after it, since whoever wrote the end may be about to; it says who ended the run."""
    there = dead(monkeypatch)
    end = HopEnd(hop=0, owner="o", by="orchestrator", ended_at="", next=None, reason="everybody is done", peak=3)
    assert hops_of(there).end(end)
    there.s3.put("results", f"open/{RUN}/0-old.json", b"{}")
    del there.s3.stored["results", f"open/{RUN}/0-old.json"]
    assert there.invoke({"reap": True})["open"] == 1
    assert ("results", f"runs/{RUN}/summary.json") not in there.s3.stored
    assert reap(there) == {**NOTHING, "open": 1}
    kept = there.kept("summary.json")
    assert (kept["closed_by"], kept["concurrency"]["peak"], kept["total_customers"]) == ("orchestrator", 3, 4)
    assert not any("the reaper ended" in warning for warning in kept["warnings"])
    assert there.s3.keys("open/") == []


def test_a_run_that_is_over_leaves_the_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its orchestrator died, or a sign of life came, after the Summary."""
    there = Deployed(monkeypatch, customers("a"), fine)
    answer = there.invoke(EVENT)
    hops_of(there).give_sign(SignOfLife(run_id=RUN, hop=0, owner="late", number=9))
    assert reap(there) == {**NOTHING, "open": 1}
    assert (there.s3.keys("open/"), there.kept("summary.json")) == ([], answer)


def test_a_start_without_a_plan_is_left_for_half_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be about to write it; then it was killed, and leaves the index."""
    there = Deployed(monkeypatch, customers("a"), fine)
    hops_of(there).give_sign(SignOfLife(run_id=RUN, hop=0, owner="o", number=0))
    there.s3.advance(1_800 - 63)
    assert reap(there) == {**NOTHING, "open": 1}
    assert there.s3.keys() == [f"open/{RUN}/0-o.json"]
    there.s3.advance(1)
    there.invoke({"reap": True})
    assert there.s3.keys() == []


@pytest.mark.parametrize("broken", ["plan", "sign", "S3"])
def test_one_broken_record_keeps_no_other_run_from_its_end(monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    """It is told, logged and counted as failed, without what was in it."""
    there = dead(monkeypatch)
    for number in (0, 2):
        other = f"r{number}"
        there.s3.put("results", f"open/{other}/0-x.json", b"{ada}" if broken == "sign" else b"{}")
        plan = json.loads(there.s3.stored["results", f"runs/{RUN}/plan.json"].body) | {"run_id": other, "owner": "x"}
        there.s3.put("results", f"runs/{other}/plan.json", b"{ada}" if broken == "plan" else json.dumps(plan).encode())

    def happens(operation: str, key: str, _done: bool) -> None:
        if broken == "S3" and operation == "get_object" and key.startswith(("runs/r0/", "runs/r2/")):
            raise AwsCallError("s3", operation, "lost", "SlowDown", "no", 503)

    there.s3.hook.happens = happens
    done = reap(there)
    # A run whose signs nobody can read has its end, and no Summary as long as that is so.
    assert done["open"] == 3
    assert RUN in done["closed"]
    assert [text.partition(":")[0] for text in done["failed"]] == ["r0", "r2"]
    assert "ada" not in str(done)
    assert ("results", f"runs/{RUN}/summary.json") in there.s3.stored
    logged = [one for one in there.records() if one["level"] == "ERROR"]
    assert [one["kind"] for one in logged] == ["reaper"] * 2


@pytest.mark.parametrize("on_deadline", ["stop", "continue"])
@pytest.mark.parametrize("at", range(1, 14))
def test_two_reapers_beside_each_other_do_no_harm(monkeypatch: pytest.MonkeyPatch, on_deadline: str, at: int) -> None:
    """One decides; there is one Summary and one log record of it, whenever the other comes."""
    there = dead(monkeypatch, on_deadline=on_deadline)
    there.s3.advance(63)
    asked = [0]
    others: list[Json] = []

    def happens(_operation: str, _key: str, done: bool) -> None:
        asked[0] += not done
        if asked[0] == at and not done and not others:
            others.append({})
            others[0] |= there.invoke({"reap": True})

    there.s3.hook.happens = happens
    first = there.invoke({"reap": True})
    row = "closed" if on_deadline == "stop" else "continued"
    (other,) = others or [dict(NOTHING)]
    assert first[row] + other[row] == [RUN]
    assert first["failed"] + other["failed"] == []
    if on_deadline == "continue":
        assert {event["hop"] for event in there.lambda_.events} == {1}
        there.go_on()
    assert [one["summary"]["run_id"] for one in there.records() if one.get("kind") == "summary"] == [RUN]
    assert list(statuses(there.kept("summary.json"))) == ["a", "b", "c", "d"]


def test_a_pass_counts_what_it_did(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Passes, failures and runs that it had to end; a run that was lost has its metrics, too."""
    there = dead(monkeypatch)
    capsys.readouterr()
    there.s3.put("results", "open/r0/0-x.json", b"{}")
    there.s3.put("results", "runs/r0/plan.json", b"{}")
    reap(there)
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    of_run, of_pass = printed
    assert (of_run["CustomersSuccessful"], of_run["run_id"]) == ([1.0], RUN)
    assert [of_pass[name] for name in ("ReaperPasses", "ReaperFailures", "RunsLost")] == [[1.0], [1.0], [1.0]]


@pytest.mark.parametrize("enough", [True, False])
def test_a_pass_ends_in_time(monkeypatch: pytest.MonkeyPatch, enough: bool) -> None:
    """With less than a minute left it begins with no other run; the next pass does."""
    there = dead(monkeypatch)
    there.s3.advance(63)
    assert there.invoke({"reap": True}, 60.0 if enough else 59.9)["closed"] == ([RUN] if enough else [])
    assert reap(there)["closed"] == ([] if enough else [RUN])


def test_a_pass_ends_so_many_runs_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one goes on."""
    monkeypatch.setattr(limits, "REAPED_RUNS", 0)
    there = dead(monkeypatch)
    assert reap(there)["closed"] == []
    monkeypatch.setattr(limits, "REAPED_RUNS", 1)
    assert reap(there)["closed"] == [RUN]


def test_records_that_cannot_be_read_take_no_other_runs_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, each pass still ends the runs that it can."""
    monkeypatch.setattr(limits, "REAPED_RUNS", 1)
    there = dead(monkeypatch)
    for broken in ("q0", "q1"):
        there.s3.put("results", f"open/{broken}/0-x.json", b"{}")
        there.s3.put("results", f"runs/{broken}/plan.json", b"{}")
    done = reap(there)
    assert (len(done["failed"]), done["closed"]) == (2, [RUN])


@pytest.mark.parametrize("effect", [True, False])
@pytest.mark.parametrize("at", range(1, 22))
def test_a_reaper_that_breaks_anywhere_is_followed_by_another(
    monkeypatch: pytest.MonkeyPatch, at: int, effect: bool
) -> None:
    """Before or after the effect of any of its requests: the next pass ends the run, with everybody once."""
    there = dead(monkeypatch)
    there.s3.advance(63)
    asked = [0]

    def happens(operation: str, _key: str, done: bool) -> None:
        asked[0] += not done
        if asked[0] >= at and done is effect:
            raise AwsCallError("s3", operation, "refused", "AccessDenied", "no", 403)

    there.s3.hook.happens = happens
    try:
        there.invoke({"reap": True})
    except AwsCallError:
        assert at <= 1
    there.s3.hook.happens = lambda _operation, _key, _done: None
    reap(there)
    kept = there.kept("summary.json")
    assert list(statuses(kept)) == ["a", "b", "c", "d"]
    assert [of(kept, code)["status"] for code in "abd"] == ["successful", "failed", "not_started"]
    assert kept["closed_by"] == "reaper"
    assert there.s3.keys("open/") == []
    assert {code_of(item) for item in there.lambda_.items} == {"a", "b"}
    for code in "abcd":
        assert there.kept(f"results/{code}.json")["status"] == of(kept, code)["status"]


def test_topics_are_compared_in_a_run_that_the_reaper_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the file that the run read; without it there is no drift, and the run ends all the same."""
    topic = {"name": "news", "display_name": "News", "description": None, "default_status": "OPT_IN", "opted_in": 3}
    for gone in (False, True):
        there = dead(monkeypatch, lambda _: {"data": {"topics": [topic]}}, action="describe-topics-all")
        there.put("SESConfig.json", {"topics": []})
        if gone:
            there.s3.versions.clear()
        reap(there)
        fleet = there.kept("summary.json")["fleet"]
        assert fleet["topics"]["news"] == {"a": 3}
        assert (fleet["drift"] is None) is gone


def test_a_run_of_an_earlier_version_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its continuation is refused, with what to do; its state says that it left no summary."""
    there = Deployed(monkeypatch, customers("a"), fine)
    there.invoke(EVENT)
    plan = RunPlan.model_validate_json(there.s3.stored["results", f"runs/{RUN}/plan.json"].body)
    old = plan.model_copy(update={"record_format": 1})
    for key in there.s3.keys("runs/"):
        del there.s3.stored["results", key]
    there.s3.put("results", f"runs/{RUN}/plan.json", old.model_dump_json().encode())
    with pytest.raises(Exception, match="was begun by an earlier version of ses-fleet and does not go on in this one"):
        there.invoke({"action": "describe-list-all", "run_id": RUN, "hop": 1})
    (warning,) = there.invoke(EVENT)["warnings"]
    assert warning == "the run was begun by an earlier version of ses-fleet, which left no summary"
    assert (reap(there), len(there.lambda_.items)) == (NOTHING, 1)


def test_a_customer_that_failed_before_stays_failed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of all hops count for max_failures, each once, and who was lost is one of them."""
    there = dead(monkeypatch, lambda _: failed(), on_deadline="continue", max_failures=1)
    reap(there)
    last = there.go_on()
    assert [of(last, code)["status"] for code in "abd"] == ["failed", "failed", "not_started"]
    # c was named, too, if that sign was stored in time.
    assert of(last, "d")["warnings"][0].startswith(f"{last['failed_count']} customers failed, more than max_failures")
