"""Runs that take longer than one invocation of the orchestrator: what is handed over, and what comes of it."""

from __future__ import annotations

from typing import Any

import pytest

from ses_fleet import limits
from ses_fleet.aws.s3 import Bucket
from ses_fleet.errors import AwsCallError, RequestError
from ses_fleet.runs.hop_record import HopRecord
from ses_fleet.runs.hops import HopEnd
from tests.unit.memory_s3 import Before
from tests.unit.orchestrator.deployed import (
    RUN,
    TOPIC,
    Deployed,
    Json,
    code_of,
    customers,
    failed,
    fine,
    goes_on,
    of,
    slices,
    statuses,
    time_passes,
)


def test_a_run_that_is_too_long_goes_on_in_another_invocation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is between slices goes on where it was, who waited starts; the numbers are those of the whole run."""
    there = Deployed(monkeypatch, customers("a", "b", "c"), slices)
    time_passes(there, 50.0, slices)
    first = there.run(on_deadline="continue", max_customer_concurrency=1)
    assert first["exit_code"] is None
    assert first["warnings"] == ["the run goes on in another invocation (hop 1)"]
    assert statuses(first) == {"a": "under_way", "b": "not_started", "c": "not_started"}
    assert there.lambda_.events == [{"action": "describe-list-all", "run_id": RUN, "hop": 1}]
    end = there.kept("hops/0/end.json")
    assert (end["next"], end["by"], end["reason"]) == (1, "orchestrator", "its time was used up")
    assert there.s3.keys(f"runs/{RUN}/continuations/") == [f"runs/{RUN}/continuations/a.json"]
    kept = there.kept("continuations/a.json")
    assert (kept["continuation"], kept["slices"]) == ({"state": {"at": 1}}, 1)
    time_passes(there, 900.0, slices)
    last = there.go_on()
    assert (last["exit_code"], last["started_at"], last["successful_count"]) == (0, first["started_at"], 3)
    numbers = {(one["attempts"], one["api_calls"], str(one["data"]), str(one["warnings"])) for one in last["results"]}
    assert numbers == {(2, 2, "{'done': True}", "['w']")}
    assert there.kept("results/a.json")["logs"] == ["first", "second"]
    assert (last["concurrency"]["peak"], len(there.lines())) == (1, 3)
    assert (there.kept("hops/1/claim.json")["hop"], there.kept("hops/1/end.json")["next"]) == (1, None)
    assert there.s3.keys("open/") == []


def test_results_of_earlier_invocations_are_in_the_last_ones_summary(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is finished is not run again; its failure counts for max_failures."""
    there = Deployed(monkeypatch, customers("a", "b", "c"), fine)
    time_passes(there, 50.0, lambda _: failed())
    there.run(on_deadline="continue", max_customer_concurrency=1, max_failures=1)
    time_passes(there, 900.0, lambda _: failed())
    last = there.go_on()
    assert statuses(last) == {"a": "failed", "b": "failed", "c": "not_started"}
    assert [code_of(item) for item in there.lambda_.items] == ["a", "b"]
    assert "2 customers failed, more than max_failures allows" in of(last, "c")["warnings"][0]
    assert (last["exit_code"], len(there.lines())) == (1, 3)


def test_a_stage_that_was_not_done_is_waited_for_in_the_next_invocation(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of its customers fails there: those of the next stage are not started."""
    there = Deployed(monkeypatch, customers("a", "b", "c"), slices)
    there.put("SESConfig.json", {"topics": [TOPIC]})
    time_passes(there, 50.0, slices)
    there.run("manage-topic-all", on_deadline="continue", ramp=[1, "100%"])
    time_passes(there, 900.0, lambda _: failed())
    last = there.go_on()
    assert statuses(last) == {"a": "failed", "b": "not_started", "c": "not_started"}


def test_the_event_of_a_hop_that_comes_twice_starts_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one is answered with the state of the run."""
    there = Deployed(monkeypatch, customers("a"), slices)
    time_passes(there, 50.0, slices)
    there.run(on_deadline="continue")
    time_passes(there, 900.0, slices)
    last = there.go_on()
    assert there.go_on() == last
    assert len(there.lambda_.items) == 2


@pytest.mark.parametrize(
    "change",
    [{"hop": 0}, {"hop": 501}, {"hop": "1"}, {"run_id": "../x"}, {"run_id": None}, {"dry_run": True}, {"run_id": "r9"}],
)
def test_an_event_of_a_hop_that_nobody_announced_is_refused(monkeypatch: pytest.MonkeyPatch, change: Json) -> None:
    """Hops are for a run's own continuation only."""
    there = Deployed(monkeypatch, customers("a"), fine)
    with pytest.raises(RequestError):
        there.invoke({"action": "describe-list-all", "run_id": RUN, "hop": 1, **change})
    assert there.lambda_.items == []


def test_every_thirteenth_hop_is_left_to_the_reaper(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda would end a longer chain of invocations; the reaper's begins a new one, and the run goes on."""
    there = Deployed(monkeypatch, customers("a"), lambda _: goes_on(1))
    time_passes(there, 50.0, lambda _: goes_on(1))
    there.run(on_deadline="continue")
    for hop in range(1, 13):
        assert there.lambda_.events[-1]["hop"] == hop
        answer = there.go_on()
    assert answer["warnings"] == [
        "the run goes on in another invocation (hop 13), which the reaper starts within five minutes"
    ]
    assert (there.kept("hops/12/end.json")["next"], len(there.lambda_.events)) == (13, 12)
    there.s3.advance(61)
    assert there.invoke({"reap": True})["sent_again"] == []
    there.s3.advance(2)
    assert there.invoke({"reap": True})["sent_again"] == [RUN]
    assert there.lambda_.events[-1]["hop"] == 13
    assert there.go_on()["warnings"] == ["the run goes on in another invocation (hop 14)"]
    assert len(there.lambda_.items) == 14


def test_a_run_that_takes_too_long_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """After 24 hours: whoever is between slices failed, and can be resumed."""
    there = Deployed(monkeypatch, customers("a", "b"), lambda _: goes_on(1))
    time_passes(there, 50.0, lambda _: goes_on(1))
    there.run(on_deadline="continue", max_customer_concurrency=1)
    monkeypatch.setattr(limits, "MAX_RUN_SECONDS", -1.0)
    answer = there.go_on()
    assert statuses(answer) == {"a": "failed", "b": "not_started"}
    assert (of(answer, "a")["attempts"], of(answer, "a")["error"]["category"]) == (2, "timeout")
    assert there.kept("results/a.json")["continuation"] == {"state": {"at": 1}}
    assert (answer["exit_code"], answer["resume"]["include"], len(there.lambda_.events)) == (1, ["b", "a"], 1)


def test_a_run_goes_on_with_what_it_read_at_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another account, another Region: the run's are those of its plan. That something changed is a warning."""
    there = Deployed(monkeypatch, customers("a", "b", "c"), slices)
    time_passes(there, 50.0, slices)
    first = there.run(on_deadline="continue", max_customer_concurrency=1)
    version = there.version("config.json")
    config = customers("a", "b", "c")
    config["customer_mappings"]["a"]["region"] = "eu-west-1"
    config["customer_mappings"]["b"]["ses_role_arn"] = "arn:aws:iam::999999999999:role/r"
    there.put("config.json", config)
    time_passes(there, 900.0, slices)
    last = there.go_on()
    assert statuses(last) == dict.fromkeys("abc", "successful")
    sent = {(code_of(item), item["customer"]["account_id"], item["customer"]["region"]) for item in there.lambda_.items}
    assert sent == {(code, f"10000000000{n}", "us-east-1") for n, code in enumerate("abc")}
    assert last["warnings"] == [
        "config.json changed while the run was under way: the run goes on with what it read at its start"
    ]
    assert last["config_version"]["config"] == version
    assert first["config_version"] == last["config_version"]


@pytest.mark.parametrize("disabled", [True, False])
def test_who_was_disabled_or_removed_meanwhile_is_not_started(monkeypatch: pytest.MonkeyPatch, disabled: bool) -> None:
    """But who has begun goes on; who was not started is skipped, and the run says what changed."""
    there = Deployed(monkeypatch, customers("a", "b", "c"), slices)
    time_passes(there, 50.0, slices)
    there.run(on_deadline="continue", max_customer_concurrency=1)
    config = customers("a", "b", "c")
    for code in ("a", "b"):
        if disabled:
            config["customer_mappings"][code]["enabled"] = False
        else:
            del config["customer_mappings"][code]
    there.put("config.json", config)
    time_passes(there, 900.0, slices)
    last = there.go_on()
    assert statuses(last) == {"a": "successful", "b": "skipped", "c": "successful"}
    assert "disabled in config.json, or removed from it" in of(last, "b")["warnings"][0]
    assert "b" not in {code_of(item) for item in there.lambda_.items}
    assert (last["exit_code"], len(last["warnings"])) == (0, 1)


def test_a_stage_whose_customers_were_disabled_meanwhile_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """They did not show that all is well, so nobody else is started."""
    there = Deployed(monkeypatch, customers("a", "b"), fine)
    there.put("SESConfig.json", {"topics": [TOPIC]})
    there.run("manage-topic-all", seconds=50.0, on_deadline="continue", ramp=[1, "100%"])
    config = customers("a", "b")
    config["customer_mappings"]["a"]["enabled"] = False
    there.put("config.json", config)
    last = there.go_on()
    assert statuses(last) == {"a": "skipped", "b": "not_started"}
    why = "stage 1 of 2 of the ramp has not succeeded (all of its customers were skipped)"
    assert of(last, "b")["warnings"] == [f"{why}: no further customer was started"]
    assert last["ramp"] == {"stages": [1, 2], "at": 1}
    assert there.lambda_.items == []


@pytest.mark.parametrize("body", [{"customer_mappings": 5}, {}, {"customer_mappings": {}}])
def test_a_config_that_broke_meanwhile_is_a_warning(monkeypatch: pytest.MonkeyPatch, body: Json) -> None:
    """The run has all that it needs, and nobody is taken for removed."""
    there = Deployed(monkeypatch, customers("a", "b"), fine)
    time_passes(there, 50.0, fine)
    there.run(on_deadline="continue", max_customer_concurrency=1)
    there.put("config.json", body)
    time_passes(there, 900.0, fine)
    last = there.go_on()
    assert (statuses(last), last["exit_code"]) == ({"a": "successful", "b": "successful"}, 0)
    (warning,) = last["warnings"]
    assert "config.json cannot be used now, so the run goes on with what it read at its start" in warning


def test_what_the_run_read_may_be_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nobody can be run any more: whoever is left failed, whoever is finished keeps the result."""
    there = Deployed(monkeypatch, customers("a", "b"), fine)
    time_passes(there, 50.0, fine)
    there.run(on_deadline="continue", max_customer_concurrency=1)
    there.s3.versions.clear()
    last = there.go_on()
    assert statuses(last) == {"a": "successful", "b": "failed"}
    assert of(last, "b")["error"]["type"] == "ConfigurationChanged"
    assert "what the run read at its start cannot be read any more" in str(last["warnings"])


@pytest.mark.parametrize("versioned", [True, False])
def test_nobody_fails_because_s3_does_not_answer_for_a_while(monkeypatch: pytest.MonkeyPatch, versioned: bool) -> None:
    """What the run read at its start is still there: its next invocation ends, and the reaper starts another one."""
    there = Deployed(monkeypatch, customers("a", "b"), fine)
    there.s3.versioned = versioned
    time_passes(there, 50.0, fine)
    there.run(on_deadline="continue", max_customer_concurrency=1)

    def happens(operation: str, key: str, _done: bool) -> None:
        if operation == "get_object" and ("/pinned/" in key or key == "config.json"):
            raise AwsCallError("s3", operation, "server", "SlowDown", "busy", 503)

    there.s3.hook.happens = happens
    with pytest.raises(AwsCallError):
        there.go_on()
    there.s3.hook = Before()
    there.s3.advance(63)
    assert there.invoke({"reap": True})["continued"] == [RUN]
    assert statuses(there.go_on()) == {"a": "successful", "b": "successful"}


def test_a_config_that_stayed_is_no_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor are the warnings of the plan told twice."""
    config = customers("a", "b")
    config["customer_mappings"]["b"]["ses_role_arn"] = ""
    there = Deployed(monkeypatch, config, slices)
    time_passes(there, 50.0, slices)
    there.run(on_deadline="continue")
    time_passes(there, 900.0, slices)
    assert there.go_on()["warnings"] == ["b is skipped: no ses_role_arn in config.json"]


def test_a_result_that_was_not_stored_is_lost_for_the_next_invocation(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so: nobody knows what was done, if it could change something."""
    for action, unknown in (("describe-list-all", False), ("manage-topic-all", True)):
        there = Deployed(monkeypatch, customers("a", "b"), fine)
        there.put("SESConfig.json", {"topics": [TOPIC]})
        there.s3.refused = {"results/a.json"}
        time_passes(there, 50.0, fine)
        there.run(action, on_deadline="continue", max_customer_concurrency=1)
        there.s3.refused = set()
        time_passes(there, 900.0, fine)
        last = there.go_on()
        error = of(last, "a")["error"]
        assert statuses(last) == {"a": "failed", "b": "successful"}
        assert (error["type"], error["category"], error["retryable"]) == ("OrchestratorLost", "internal", True)
        assert error["outcome_unknown"] is unknown
        assert there.kept("results/a.json")["error"] == error
        assert [code_of(item) for item in there.lambda_.items] == ["a", "b"]


@pytest.mark.parametrize("kind", ["refused", "lost"])
def test_an_event_that_may_not_have_been_sent_is_the_reapers(monkeypatch: pytest.MonkeyPatch, kind: Any) -> None:
    """The run waits for its next invocation; the reaper sends the event, and two of them are one."""
    there = Deployed(monkeypatch, customers("a", "b"), slices)
    there.lambda_.own_problem = AwsCallError("lambda", "invoke", kind, "Denied", "no", 403)
    time_passes(there, 50.0, slices)
    answer = there.run(on_deadline="continue", max_customer_concurrency=1)
    assert (answer["exit_code"], statuses(answer)) == (None, {"a": "under_way", "b": "not_started"})
    (warning,) = answer["warnings"]
    assert warning.startswith(
        "the run goes on in another invocation (hop 1); its event may not have been sent (Denied)"
    )
    assert warning.endswith("the reaper sends it within five minutes")
    assert there.kept("hops/0/end.json")["next"] == 1
    there.lambda_.own_problem = None
    there.s3.advance(63)
    assert there.invoke({"reap": True})["sent_again"] == [RUN]
    time_passes(there, 900.0, slices)
    last = there.go_on()
    assert (statuses(last), last["exit_code"]) == ({"a": "successful", "b": "successful"}, 0)
    assert there.go_on() == last
    assert len(there.lambda_.items) == 4


def test_an_end_that_cannot_be_written_is_left_to_the_reaper(monkeypatch: pytest.MonkeyPatch) -> None:
    """No event is sent for a hop that nobody announced; everybody's result is what the Summary says then."""
    for on_deadline, seconds in (("continue", 50.0), ("stop", 900.0)):
        there = Deployed(monkeypatch, customers("a"), fine)
        there.s3.refused = {"hops/0/end.json"}
        time_passes(there, seconds, slices if on_deadline == "continue" else fine)
        answer = there.run(on_deadline=on_deadline)
        assert answer["exit_code"] is None
        assert answer["warnings"] == [
            "the run's end could not be written (AccessDenied); the reaper, which runs every five minutes, writes it"
        ]
        assert (there.lambda_.events, there.s3.keys(f"runs/{RUN}/hops/")) == ([], [])
        there.s3.refused = set()
        there.s3.advance(63)
        done = there.invoke({"reap": True})
        if on_deadline == "continue":
            assert done["continued"] == [RUN]
            time_passes(there, 900.0, slices)
            assert there.go_on()["exit_code"] == 0
        else:
            assert done["closed"] == [RUN]
            assert statuses(there.kept("summary.json")) == {"a": "successful"}
            assert there.kept("summary.json")["closed_by"] == "reaper"


def test_without_continue_a_run_ends_with_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """No hop is announced."""
    there = Deployed(monkeypatch, customers("a", "b"), slices)
    time_passes(there, 50.0, slices)
    answer = there.run(max_customer_concurrency=1)
    assert statuses(answer) == {"a": "failed", "b": "not_started"}
    assert (there.lambda_.events, answer["exit_code"]) == ([], 1)


@pytest.mark.parametrize("moment", ["running", "ending"])
def test_a_hop_whose_turn_is_over_does_nothing_more(monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    """The reaper took it for dead: it sends nobody, ends nothing, and answers with what is so of the run."""
    reaped: list[Json] = []

    def reap() -> None:
        if not reaped:
            reaped.append({})
            there.s3.advance(63)
            context = there.context
            reaped[0] = there.invoke({"reap": True})
            there.context = context

    def worker(item: Json) -> Json:
        if moment == "running" and code_of(item) == "a":
            reap()
        return fine(item)

    def happens(operation: str, key: str, done: bool) -> None:
        if moment == "ending" and not done and (operation, key) == ("put_object", f"runs/{RUN}/hops/0/end.json"):
            reap()

    there = Deployed(monkeypatch, customers(*"abcdefgh"), worker)
    there.s3.hook.happens = happens
    answer = there.run(max_customer_concurrency=1)
    assert reaped[0]["closed"] == [RUN]
    kept = there.kept("summary.json")
    assert (answer, kept["closed_by"], list(statuses(kept))) == (kept, "reaper", list("abcdefgh"))
    sent = {code_of(item) for item in there.lambda_.items}
    never = {code for code, status in statuses(kept).items() if status == "not_started"}
    assert sent & never == set()
    # b was named when the hop was taken for dead, so it may have been sent; nobody else was.
    assert (sent <= {"a", "b"}) if moment == "running" else (sent == set("abcdefgh"))
    assert [one["summary"]["closed_by"] for one in there.records() if one.get("kind") == "summary"] == ["reaper"]


def test_a_throttled_account_is_not_tried_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody was sent in several hops in a row: the run ends, and says why; nothing is unknown of anybody."""
    monkeypatch.setattr(limits, "IDLE_HOPS", 2)
    monkeypatch.setattr(limits, "INVOKE_BACKOFF_SECONDS", (0.0, 0.0))

    def worker(_item: Json) -> Json:
        there.context.seconds = 50.0
        raise AwsCallError("lambda", "invoke", "throttled", "TooManyRequestsException", "no", 429)

    there = Deployed(monkeypatch, customers("a", "b"), worker)
    answer = there.run(on_deadline="continue", max_customer_concurrency=1)
    assert (answer["exit_code"], statuses(answer)) == (None, {"a": "not_started", "b": "not_started"})
    assert there.kept("hops/0/end.json")["idle"] == 1
    assert there.go_on()["exit_code"] is None
    last = there.go_on()
    assert (last["exit_code"], statuses(last)) == (1, {"a": "not_started", "b": "not_started"})
    assert "Lambda throttled the worker until it was too late to start" in of(last, "a")["warnings"][0]
    assert of(last, "a")["error"] is None


def test_who_was_turned_away_is_started_by_the_next_hop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing ran of it, so it is not taken for lost; who is between slices goes on where it was."""
    turned_away: set[str] = set()

    def worker(item: Json) -> Json:
        code, first = code_of(item), item["continuation"] is None
        if (code == "a" and not first) or code == "b":
            turned_away.add(code)
            if turned_away == {"a", "b"}:
                there.context.seconds = 50.0
            raise AwsCallError("lambda", "invoke", "throttled", "TooManyRequestsException", "no", 429)
        return slices(item)

    monkeypatch.setattr(limits, "INVOKE_BACKOFF_SECONDS", (0.01, 0.01))
    there = Deployed(monkeypatch, customers("a", "b"), worker)
    there.put("SESConfig.json", {"topics": [TOPIC]})
    first = there.run("manage-topic-all", on_deadline="continue")
    assert (first["exit_code"], statuses(first)) == (None, {"a": "under_way", "b": "not_started"})
    assert there.kept("hops/0/end.json")["idle"] == 0
    time_passes(there, 900.0, slices)
    there.lambda_.items.clear()
    last = there.go_on()
    assert statuses(last) == {"a": "successful", "b": "successful"}
    assert sorted((code_of(item), item["continuation"] is None) for item in there.lambda_.items) == [
        ("a", False),
        ("b", False),
        ("b", True),
    ]


def test_who_was_turned_away_has_run_although_its_last_slice_is_not_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where its first slice stopped could not be written: it is in doubt, and neither run again nor not started."""

    def worker(item: Json) -> Json:
        if item["continuation"] is None:
            return slices(item)
        there.context.seconds = 50.0
        raise AwsCallError("lambda", "invoke", "throttled", "TooManyRequestsException", "no", 429)

    monkeypatch.setattr(limits, "INVOKE_BACKOFF_SECONDS", (0.01, 0.01))
    there = Deployed(monkeypatch, customers("a"), worker)
    there.put("SESConfig.json", {"topics": [TOPIC]})
    there.s3.refused = {"/continuations/a.json"}
    assert statuses(there.run("manage-topic-all", on_deadline="continue")) == {"a": "under_way"}
    time_passes(there, 900.0, fine)
    there.lambda_.items.clear()
    last = there.go_on()
    assert (statuses(last), there.lambda_.items) == ({"a": "failed"}, [])
    assert of(last, "a")["error"]["outcome_unknown"]


def test_a_finished_run_runs_nobody_although_somebody_announces_another_hop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its end cannot be made anew, and after an end that somebody forged everybody has a result; the Summary stays."""
    there = Deployed(monkeypatch, customers("a", "b"), slices)
    there.put("SESConfig.json", {"topics": [TOPIC]})
    summary = there.run("manage-topic-all")
    hops = HopRecord(Bucket(there.s3, "results"), RUN)
    for hop, made in ((0, False), (1, True)):
        end = HopEnd(hop=hop, owner="o", by="orchestrator", ended_at="", next=hop + 1, reason="")
        assert hops.end(end) is made
    there.lambda_.items.clear()
    for hop in (1, 2):
        assert there.invoke({"action": "manage-topic-all", "run_id": RUN, "hop": hop}) == summary
    assert (there.lambda_.items, there.kept("summary.json")) == ([], summary)


def test_a_hop_of_a_run_that_announced_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run exists, and the hop before has no end."""
    there = Deployed(monkeypatch, customers("a"), fine)
    there.run()
    before = there.s3.keys()
    with pytest.raises(RequestError, match="run r1 announced no hop 5"):
        there.invoke({"action": "describe-list-all", "run_id": RUN, "hop": 5})
    assert there.invoke({"action": "describe-list-all", "run_id": RUN, "hop": 1}) == there.kept("summary.json")
    assert (there.s3.keys(), len(there.lambda_.items)) == (before, 1)


def test_a_summary_that_the_reaper_wrote_first_is_the_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """An orchestrator that stalled between its end and its Summary finds it there: one log record, one answer."""
    stalled: list[Json] = []

    def happens(operation: str, key: str, done: bool) -> None:
        if (operation, done, stalled) == ("put_object", False, []) and key.endswith("summary.json"):
            stalled.append({})
            there.s3.advance(63)
            stalled[0] = there.invoke({"reap": True})

    there = Deployed(monkeypatch, customers("a", "b"), fine)
    there.s3.hook.happens = happens
    answer = there.run()
    assert (answer, answer["exit_code"]) == (there.kept("summary.json"), 0)
    assert (stalled[0]["open"], stalled[0]["failed"]) == (1, [])
    assert len([one for one in there.records() if one.get("kind") == "summary"]) == 1
    assert there.s3.keys("open/") == []
