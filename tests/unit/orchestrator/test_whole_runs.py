"""Whole runs of the orchestrator: what an event comes to, in the Summary, in the run's record, in the log."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ses_fleet import limits
from ses_fleet.actions.catalogue import ACTIONS
from ses_fleet.errors import AwsCallError, ConfigurationError, OrchestratorError, RequestError
from ses_fleet.orchestrator import handler
from tests.unit.memory_s3 import Before
from tests.unit.orchestrator.deployed import (
    RUN,
    TOPIC,
    Context,
    Deployed,
    Json,
    code_of,
    customers,
    failed,
    fine,
    of,
    statuses,
    time_passes,
)
from tests.unit.orchestrator.killed import reap


def test_every_customers_data_is_returned_and_stored_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """In config order: counts, calls, attempts and places in the Summary; the lines in the record alone."""
    there = Deployed(monkeypatch, customers("b", "a"), lambda item: {**fine(item), "logs": ["one", "two"]})
    answer = there.run()
    assert statuses(answer) == {"b": "successful", "a": "successful"}
    counts = [answer[f"{name}_count"] for name in ("successful", "failed", "skipped", "not_started")]
    assert (answer["exit_code"], answer["total_customers"], counts) == (0, 2, [2, 0, 0, 0])
    assert [(one["data"], one["api_calls"], one["attempts"]) for one in answer["results"]] == [
        ({"seen": True}, 1, 1)
    ] * 2
    assert [one["logs"] for one in answer["results"]] == [None, None]
    assert sorted(one["customer_code"] for one in there.lines()) == ["a", "b"]
    assert {str(one["logs"]) for one in there.lines()} == {"['one', 'two']"}
    assert there.kept("results/a.json")["logs"] == ["one", "two"]
    assert there.kept("summary.json") == answer
    assert answer["summary_location"] == f"s3://results/runs/{RUN}/summary.json"
    assert (answer["resume"], answer["warnings"], answer["errors"], answer["fleet"]) == (None, [], [], None)
    assert answer["config_version"] == {"config": there.version("config.json"), "ses_config": None}
    assert answer["concurrency"] == {
        "requested": 0,
        "effective": 2,
        "peak": answer["concurrency"]["peak"],
        "bound_by": None,
    }
    assert answer["concurrency"]["peak"] in (1, 2)


def test_a_worker_is_sent_what_the_request_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run, the worker's name of the action, the customer, the parameters; the budget of a slice is 240 s."""
    there = Deployed(monkeypatch, customers("a"), fine)
    there.run("describe-list", customer_code="a", params={"count_contacts": False})
    (item,) = there.lambda_.items
    assert (item["run_id"], item["action"], item["params"]) == (RUN, "describe-list", {"count_contacts": False})
    assert (item["customer"]["customer_code"], item["customer"]["account_id"]) == ("a", "100000000000")
    assert (item["dry_run"], item["prune"], item["topics"], item["directory"]) == (False, False, None, None)
    assert (item["slice_budget_seconds"], item["continuation"], item["personal_params"]) == (240.0, None, None)


def test_the_plan_says_what_is_under_way_and_until_when(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written before any worker starts; its deadline is the end of the function's own time."""
    seen: list[Json] = []

    def worker(item: Json) -> Json:
        seen.append(there.kept("plan.json"))
        return fine(item)

    there = Deployed(monkeypatch, customers("a", "b"), worker)
    answer = there.run(exclude=["b"], seconds=600.0)
    plan = seen[0]
    assert [one["customer_code"] for one in plan["customers"]] == ["a"]
    began, ends = (datetime.fromisoformat(plan[key]) for key in ("started_at", "deadline"))
    assert (ends - began).total_seconds() == pytest.approx(600.0, abs=1.0)
    assert abs((datetime.now(UTC) - began).total_seconds()) < 60
    assert answer["started_at"] == plan["started_at"]
    assert 0 <= answer["total_duration_seconds"] < 60
    assert (plan["request"]["action"], plan["request"]["exclude"]) == ("describe-list-all", ["b"])


def test_who_failed_is_counted_and_can_be_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1, the error as the worker gave it, and a payload for exactly those."""
    there = Deployed(monkeypatch, customers("a", "b"), lambda item: failed() if code_of(item) == "b" else fine(item))
    answer = there.run()
    assert statuses(answer) == {"a": "successful", "b": "failed"}
    assert (answer["exit_code"], answer["failed_count"], of(answer, "b")["error"]["message"]) == (1, 1, "no")
    assert (answer["resume"]["include"], answer["resume"]["action"]) == (["b"], "describe-list-all")


def test_the_log_has_a_block_a_customer_and_one_summary(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every record carries the run, the action and the request's id."""
    there = Deployed(monkeypatch, customers("a", "b"), lambda item: failed() if code_of(item) == "b" else fine(item))
    there.run()
    records = there.records()
    blocks = {one["customer_code"]: one for one in records if one.get("kind") == "customer"}
    assert {code: one["status"] for code, one in blocks.items()} == {"a": "successful", "b": "failed"}
    assert "❌ Customer b: no" in blocks["b"]["message"]
    (last,) = [one for one in records if one.get("kind") == "summary"]
    assert last["summary"]["failures"] == [
        {"customer_code": "b", "status": "failed", "category": "operation", "type": "Refused"}
    ]
    assert {(one["run_id"], one["action"], one["function_request_id"]) for one in records} == {
        (RUN, "describe-list-all", "q1")
    }


def test_the_metrics_are_of_a_start_and_an_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One RunsStarted, then the counts; in a dry run under a service of its own."""
    for dry_run, service in ((False, "ses-fleet"), (True, "ses-fleet-dry-run")):
        there = Deployed(monkeypatch, customers("a"), fine)
        there.run(dry_run=dry_run)
        printed = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
        assert [[one["service"], one["action"]] for one in printed] == [[service, "describe-list-all"]] * 2
        assert printed[0]["RunsStarted"] == [1.0]
        assert (printed[1]["CustomersSuccessful"], printed[1]["CustomersFailed"]) == ([1.0], [0.0])


def test_a_refusal_counts_and_is_logged(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """RunRefused of the action, one error record a problem, and a Summary for whoever follows; nothing was started."""
    there = Deployed(monkeypatch, customers("a"), fine)
    with pytest.raises(RequestError):
        there.run(include=["nobody"], max_failures=-1, dry_run=True)
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert [(one["RunRefused"], one["action"], one["service"]) for one in printed] == [
        ([1.0], "describe-list-all", "ses-fleet-dry-run")
    ]
    refusals = [one for one in there.records() if one.get("kind") == "refused"]
    assert [(one["level"], one["error_type"], one["run_id"]) for one in refusals] == [("ERROR", "RequestError", RUN)]
    kept = there.kept("refusals/q1.json")
    assert (kept["exit_code"], kept["action"], kept["dry_run"], kept["total_customers"]) == (
        *(2, "describe-list-all", True),
        0,
    )
    assert (len(kept["errors"]), there.lambda_.items) == (1, [])
    assert there.s3.keys() == [f"runs/{RUN}/refusals/q1.json"]


def test_a_refusal_never_stands_in_a_runs_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run that comes after it has its own Summary, which stays what is found, whatever is refused later."""
    there = Deployed(monkeypatch, customers("a"), fine)
    with pytest.raises(RequestError):
        there.run(include=["nobody"])
    answer = there.run()
    assert (answer["exit_code"], there.kept("summary.json")) == (0, answer)
    with pytest.raises(RequestError, match="started with another request"):
        there.run(dry_run=True)
    assert there.kept("summary.json") == answer


def test_a_refusal_that_cannot_be_stored_is_still_the_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log says that the record lacks it."""
    there = Deployed(monkeypatch, customers("a"), fine)
    there.s3.refused = {"refusals/q1.json"}
    with pytest.raises(RequestError):
        there.run(include=[])
    assert [one["error_code"] for one in there.records() if one["level"] == "WARNING"] == ["AccessDenied"]


def test_a_second_start_of_the_same_run_starts_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same request gets the same Summary; while the run is under way, its state without an exit code."""
    there = Deployed(monkeypatch, customers("a"), fine)
    answer = there.run()
    assert there.run() == answer
    assert len(there.lambda_.items) == 1
    del there.s3.stored["results", f"runs/{RUN}/summary.json"]
    state = there.run()
    assert (state["exit_code"], statuses(state), len(there.lambda_.items)) == (None, {"a": "successful"}, 1)
    assert state["warnings"] == ["the run ended 0 s ago, and its summary is being written"]
    assert state["total_duration_seconds"] is None
    del there.s3.stored["results", f"runs/{RUN}/results/a.json"]
    state = there.run()
    assert (statuses(state), of(state, "a")["warnings"]) == ({"a": "not_started"}, ["no result yet"])


def test_another_start_that_was_quicker_by_a_moment_has_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """It shows when the plan cannot be written any more: nobody is started twice, and nothing else is left."""
    there = Deployed(monkeypatch, customers("a"), fine)
    there.run()
    plan = there.s3.stored.pop(("results", f"runs/{RUN}/plan.json"))

    def happens(operation: str, key: str, done: bool) -> None:
        if (operation, done) == ("put_object", False) and key.endswith("plan.json"):
            there.s3.stored["results", key] = plan

    there.s3.hook.happens = happens
    assert there.run() == there.kept("summary.json")
    assert len(there.lambda_.items) == 1
    assert there.s3.keys("open/") == []


def test_every_request_without_an_id_is_a_run_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """But Lambda delivers an event again under the same request id: that is the same run, and starts nobody."""
    there = Deployed(monkeypatch, customers("a"), fine)
    answers = []
    for request_id in ("q1", "q2", "q2", "q3"):
        monkeypatch.setattr(Context, "aws_request_id", request_id)
        answers.append(there.invoke({"action": "describe-list-all"}))
    assert len({one["run_id"] for one in answers}) == 3
    assert answers[1] == answers[2]
    assert len(there.lambda_.items) == 3


def test_who_is_not_run_has_a_result_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skipped, misconfigured, run: one each; nothing is sent for the first two, and their results are stored."""
    config = customers("a", "b", "c")
    config["customer_mappings"]["b"]["ses_role_arn"] = ""
    config["customer_mappings"]["c"]["region"] = "nowhere"
    there = Deployed(monkeypatch, config, fine)
    answer = there.run()
    assert statuses(answer) == {"a": "successful", "b": "skipped", "c": "failed"}
    assert [code_of(item) for item in there.lambda_.items] == ["a"]
    assert there.kept("results/b.json")["status"] == "skipped"
    assert of(answer, "c")["error"]["category"] == "configuration"
    assert (of(answer, "c")["attempts"], answer["skipped_count"]) == (0, 1)
    assert len(there.lines()) == 3


def test_what_could_not_be_stored_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """The results are returned all the same, each warning once, in the log too."""
    there = Deployed(monkeypatch, customers("a", "b"), fine)
    there.s3.refused = {"results/a.json", "results.jsonl.gz"}
    answer = there.run()
    assert statuses(answer) == {"a": "successful", "b": "successful"}
    first, second = answer["warnings"]
    assert "the result of a could not be stored (AccessDenied)" in first
    assert "results.jsonl.gz could not be written (AccessDenied)" in second
    warned = [one["message"] for one in there.records() if one["level"] == "WARNING"]
    assert warned == [first, second]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (
            {"ramp": [1, "100%"]},
            "stage 2 of 2 of the ramp cannot begin, as the result of a could not be stored",
        ),
        (
            {"failure_mode": "strict", "max_failures": 1},
            "the result of a could not be stored, and strict allows no more than max_failures",
        ),
    ],
)
@pytest.mark.parametrize("on_deadline", ["stop", "continue"])
def test_a_result_that_cannot_be_stored_ends_a_run_that_waits_for_it(
    monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any], why: str, on_deadline: str
) -> None:
    """At once, and saying so: not when the time of the orchestrator is over, for which nothing could be started."""
    began = time.monotonic()
    monkeypatch.setattr(
        Context, "get_remaining_time_in_millis", lambda self: int((self.seconds - time.monotonic() + began) * 1000)
    )
    monkeypatch.setattr(limits, "LOOK_SECONDS", 0.02)
    there = Deployed(monkeypatch, customers("a", "b", "c"), fine)
    there.s3.refused = {"results/a.json"}
    answer = there.run(seconds=limits.START_MARGIN_SECONDS + 3, on_deadline=on_deadline, **asked)
    assert statuses(answer) == {"a": "successful", "b": "not_started", "c": "not_started"}
    assert "the result of a could not be stored (AccessDenied)" in answer["warnings"][0]
    assert of(answer, "c")["warnings"] == [f"{why}: no further one was started"]
    assert (answer["exit_code"], answer["resume"]["include"]) == (1, ["b", "c"])
    assert [code_of(item) for item in there.lambda_.items] == ["a"]


@pytest.mark.parametrize("stored", [True, False])
def test_the_file_of_results_waits_for_the_runs_end_only_when_it_must(
    monkeypatch: pytest.MonkeyPatch, stored: bool
) -> None:
    """A result that is not stored may be decided otherwise by whoever ends the run."""
    there = Deployed(monkeypatch, customers("a"), fine)
    there.s3.refused = set() if stored else {"results/a.json"}
    file_begun = threading.Event()

    def happens(operation: str, key: str, done: bool) -> None:
        if (operation, done) == ("put_object", False) and key.endswith("results.jsonl.gz"):
            file_begun.set()
        if (operation, done) == ("put_object", False) and key.endswith("end.json"):
            assert file_begun.wait(10 if stored else 0.2) is stored

    there.s3.hook.happens = happens
    assert statuses(there.run()) == {"a": "successful"}
    assert [line["status"] for line in there.lines()] == ["successful"]


def test_a_summary_that_could_not_be_stored_is_the_reapers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody's result is returned; the run counts as over when the Summary is written, once."""
    there = Deployed(monkeypatch, customers("a", "b"), fine)
    there.s3.refused = {"summary.json"}
    answer = there.run()
    assert (answer["exit_code"], statuses(answer)) == (None, {"a": "successful", "b": "successful"})
    assert "the reaper, which runs every five minutes, writes it" in answer["warnings"][0]
    assert there.s3.keys("open/") != []
    there.s3.refused = set()
    there.s3.advance(63)
    there.invoke({"reap": True})
    kept = there.kept("summary.json")
    assert (kept["exit_code"], kept["closed_by"], statuses(kept)) == (0, "orchestrator", statuses(answer))
    assert there.s3.keys("open/") == []


def test_a_plan_that_cannot_be_written_starts_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told of RESULTS_BUCKET."""
    there = Deployed(monkeypatch, customers("a"), fine)
    there.s3.refused = {"plan.json"}
    with pytest.raises(ConfigurationError, match="RESULTS_BUCKET") as error:
        there.run()
    assert "plan.json could not be written (AccessDenied)" in str(error.value)
    assert there.lambda_.items == []


@pytest.mark.parametrize(
    ("action", "fields", "named"),
    [
        ("describe-list-all", {"max_customer_concurrency": 2}, {"0": 1, "1": 1, "2": 1, "3": 1}),
        ("describe-list-all", {}, {"0": 1, "1": 1, "2": 1, "3": 1, "4": 1}),
        ("describe-list-all", {"include": ["e", "d"], "max_customer_concurrency": 1}, {"1": 1, "0": 1}),
        ("manage-topic-all", {"max_customer_concurrency": 2}, {"0": 1, "1": 1, "2": 1}),
        ("manage-topic-all", {"ramp": [1, "100%"]}, {"0": 1}),
        ("describe-list-all", {"failure_mode": "strict", "max_failures": 2}, {"0": 1, "1": 1}),
        ("manage-topic-all", {"failure_mode": "strict", "max_failures": "1%"}, {"0": 1}),
    ],
)
def test_whoever_starts_at_once_is_named_before_the_run_exists(
    monkeypatch: pytest.MonkeyPatch, action: str, fields: Json, named: Json
) -> None:
    """Those of the first places and a few more, nobody else: one request of S3 less before the first worker."""
    there = Deployed(monkeypatch, customers("a", "b", "c", "d", "e"), fine)
    there.put("SESConfig.json", {"topics": [TOPIC]})
    first: list[Json] = []

    def happens(operation: str, key: str, done: bool) -> None:
        if (operation, done) == ("put_object", True) and key.startswith("open/") and not first:
            assert ("results", f"runs/{RUN}/plan.json") not in there.s3.stored
            first.append(json.loads(there.s3.stored["results", key].body)["named"])

    there.s3.hook.happens = happens
    answer = there.run(action, **fields)
    assert first == [named]
    assert set(statuses(answer).values()) == {"successful"}


def test_a_start_whose_plan_may_be_there_names_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 never says whether the plan was stored: when it was, the reaper says truly that nobody was started."""
    there = Deployed(monkeypatch, customers("a"), fine)
    there.put("SESConfig.json", {"topics": [TOPIC]})
    monkeypatch.setattr(limits, "CREATE_PAUSE_SECONDS", 0.0)

    def happens(operation: str, key: str, done: bool) -> None:
        if key.endswith("plan.json") and done:
            raise AwsCallError("s3", operation, "lost", "ReadTimeoutError", "no answer")

    there.s3.hook.happens = happens
    with pytest.raises(OrchestratorError, match="S3 did not say whether run r1 has begun"):
        there.run("manage-topic-all")
    there.s3.hook = Before()
    reap(there)
    assert (statuses(there.kept("summary.json")), there.lambda_.items) == ({"a": "not_started"}, [])


def test_a_config_that_is_not_there_starts_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """ConfigurationError says where it was looked for."""
    there = Deployed(monkeypatch, customers("a"), fine)
    del there.s3.stored["config", "config.json"]
    with pytest.raises(ConfigurationError, match=r"s3://config/config\.json does not exist"):
        there.run()


def test_max_failures_is_a_share_of_who_was_selected(monkeypatch: pytest.MonkeyPatch) -> None:
    """50 % of four are two: the third failure stops the run; the first two do not."""
    there = Deployed(monkeypatch, customers("a", "b", "c", "d"), lambda _: failed())
    answer = there.run(max_failures="50%", max_customer_concurrency=1)
    assert list(statuses(answer).values()) == ["failed", "failed", "failed", "not_started"]
    assert "3 customers failed, more than max_failures allows" in of(answer, "d")["warnings"][0]
    assert answer["resume"]["include"] == ["d", "a", "b", "c"]


def test_the_next_stage_starts_only_after_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that fails stops the run: nobody else is started, and the reason and the Summary say where."""
    there = Deployed(monkeypatch, customers("a", "b", "c"), lambda _: failed())
    answer = there.run(ramp=[1, "100%"])
    assert statuses(answer) == {"a": "failed", "b": "not_started", "c": "not_started"}
    why = "stage 1 of 2 of the ramp has not succeeded (not successful: a)"
    assert of(answer, "c")["warnings"] == [f"{why}: no further customer was started"]
    assert answer["ramp"] == {"stages": [1, 3], "at": 1}
    there = Deployed(monkeypatch, customers("a", "b", "c"), fine)
    answer = there.run(ramp=[2, "100%"])
    assert (answer["successful_count"], {code_of(item) for item in there.lambda_.items[:2]}) == (3, {"a", "b"})
    assert code_of(there.lambda_.items[2]) == "c"
    assert answer["ramp"] == {"stages": [2, 3], "at": 2}


def test_a_run_without_a_ramp_says_nothing_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does one of which nobody needs a worker."""
    there = Deployed(monkeypatch, customers("a"), fine)
    assert there.run()["ramp"] is None
    there = Deployed(monkeypatch, customers("a"), fine)
    assert there.run(dry_run=True, ramp=["100%"])["ramp"] is None


@pytest.mark.parametrize("concurrency", [0, 1, 2, 3])
def test_a_strict_run_ends_when_as_many_failed_as_may(monkeypatch: pytest.MonkeyPatch, concurrency: int) -> None:
    """At any concurrency; a soft one ends after one more, or with all that were under way."""
    there = Deployed(monkeypatch, customers("a", "b", "c", "d", "e"), lambda _: failed())
    answer = there.run(failure_mode="strict", max_failures=2, max_customer_concurrency=concurrency)
    assert (answer["failed_count"], answer["not_started_count"]) == (2, 3)
    why = "2 customers failed, and strict allows no more than max_failures: no further one was started"
    assert of(answer, "e")["warnings"] == [why]
    assert answer["resume"]["failure_mode"] == "strict"


def test_topics_are_sent_where_the_action_needs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """As SESConfig.json has them, whose version the Summary names."""
    there = Deployed(monkeypatch, customers("a"), fine)
    there.put("SESConfig.json", {"topics": [TOPIC]})
    answer = there.run("manage-topic-all")
    assert [topic["name"] for topic in there.lambda_.items[0]["topics"]] == ["news"]
    assert answer["config_version"]["ses_config"] == there.version("SESConfig.json")
    del there.s3.stored["config", "SESConfig.json"]
    with pytest.raises(ConfigurationError, match=r"SESConfig\.json"):
        there.run("manage-topic-all", run_id="r2")


@pytest.mark.parametrize("count", [20, 21])
def test_a_file_of_more_topics_than_a_list_holds_is_refused(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Twenty are sent; with one more, no worker is started."""
    there = Deployed(monkeypatch, customers("a"), fine)
    there.put("SESConfig.json", {"topics": [{**TOPIC, "TopicName": f"t{n}"} for n in range(count)]})
    if count == 20:
        there.run("manage-topic-all")
        assert len(there.lambda_.items[0]["topics"]) == 20
        return
    with pytest.raises(ConfigurationError, match="21"):
        there.run("manage-topic-all")
    assert there.lambda_.items == []


def test_a_prune_with_no_topics_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would remove every topic there is; without prune, an empty file is no harm."""
    there = Deployed(monkeypatch, customers("a"), fine)
    there.put("SESConfig.json", {"topics": []})
    with pytest.raises(ConfigurationError, match="prune would remove all"):
        there.run("manage-topic-all", prune=True, confirm_customers=1)
    assert there.run("manage-topic-all", run_id="r2")["exit_code"] == 0


def described(count: int, name: str = "news", drift: Json | None = None) -> Json:
    """What a worker answers to describe-topics."""
    topic = {"name": name, "display_name": "News", "description": None, "default_status": "OPT_IN", "opted_in": count}
    return {"data": {"topics": [topic], "drift": drift}, "differs": drift and bool(drift["missing"])}


def test_customers_are_compared_with_each_other_and_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opt-ins by topic and customer; what differs is found out by the workers, who are sent the topics."""
    counts = {"a": 3, "b": 0}
    missing = {"a": [], "b": ["more"]}

    def answered(item: Json) -> Json:
        code = code_of(item)
        return described(counts[code], drift={"missing": missing[code], "extra": [], "different": []})

    there = Deployed(monkeypatch, customers("a", "b"), answered)
    there.put("SESConfig.json", {"topics": [TOPIC, {**TOPIC, "TopicName": "more"}]})
    answer = there.run("describe-topics-all")
    assert answer["fleet"]["topics"] == {"news": {"a": 3, "b": 0}, "more": {}}
    assert answer["fleet"]["drift"]["b"] == {"missing": ["more"], "extra": [], "different": []}
    assert answer["fleet"]["location"] is None
    assert answer["config_version"]["ses_config"] == there.version("SESConfig.json")
    assert [[topic["name"] for topic in item["topics"]] for item in there.lambda_.items] == [["news", "more"]] * 2
    assert (answer["differs"], answer["differing_count"], answer["exit_code"]) == (True, 1, 0)
    assert {result["customer_code"]: result["differs"] for result in answer["results"]} == {"a": False, "b": True}
    assert there.kept("results/b.json")["differs"] is True


@pytest.mark.parametrize("body", [None, {"topics": "none"}])
def test_without_a_usable_file_there_is_no_drift_and_a_warning(monkeypatch: pytest.MonkeyPatch, body: Any) -> None:
    """Opt-ins are compared all the same."""
    there = Deployed(monkeypatch, customers("a"), lambda _: described(3))
    if body is not None:
        there.put("SESConfig.json", body)
    answer = there.run("describe-topics-all")
    assert answer["fleet"] == {"topics": {"news": {"a": 3}}, "drift": None, "location": None}
    (warning,) = answer["warnings"]
    assert "drift" in warning
    assert answer["config_version"]["ses_config"] is None
    assert answer["exit_code"] == 0


def test_a_dry_run_compares_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker is asked, so there is nothing to compare, and no file to be read."""
    there = Deployed(monkeypatch, customers("a"), fine)
    answer = there.run("describe-topics-all", dry_run=True)
    assert (answer["fleet"], answer["warnings"], there.lambda_.items) == (None, [], [])
    assert of(answer, "a")["data"]["would_use"]["region"] == "us-east-1"
    assert there.kept("results/a.json")["logs"] == [
        "🔍 Customer a: Would use arn:aws:iam::100000000000:role/r in us-east-1"
    ]


def test_a_comparison_that_is_too_large_lies_in_s3(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Summary says where; if it cannot be written, that is a warning."""
    monkeypatch.setattr(limits, "FLEET_INLINE_BYTES", 10)
    there = Deployed(monkeypatch, customers("a"), lambda _: described(3))
    there.put("SESConfig.json", {"topics": [TOPIC]})
    answer = there.run("describe-topics-all")
    assert answer["fleet"] == {"topics": None, "drift": None, "location": f"s3://results/runs/{RUN}/fleet.json"}
    assert there.kept("fleet.json")["topics"] == {"news": {"a": 3}}
    there.s3.refused = {"fleet.json"}
    answer = there.invoke({"action": "describe-topics-all", "run_id": "r2"})
    assert answer["fleet"] is None
    assert "fleet.json could not be written (AccessDenied)" in answer["warnings"]


def test_an_unknown_outcome_is_only_of_what_could_change_something(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that answers garbage: a dry run and a reading action left nothing behind."""
    for action, dry_run, unknown in (
        *(("manage-topic-all", False, True), ("manage-topic-all", True, False)),
        ("describe-list-all", False, False),
    ):
        there = Deployed(monkeypatch, customers("a"), lambda _: {"api_calls": "many"})
        there.put("SESConfig.json", {"topics": [TOPIC]})
        answer = there.run(action, dry_run=dry_run)
        assert of(answer, "a")["error"]["outcome_unknown"] is unknown


def test_the_actions_are_told_without_a_deployment() -> None:
    """`help` reads nothing: every action with its fields, parameters and permissions."""
    answer = handler.handler({"action": "help"}, None)
    assert answer["exit_code"] == 0
    named = {one["name"]: one for one in answer["actions"]}
    assert named["manage-topic"]["permissions"] == list(ACTIONS["manage-topic"].permissions)
    assert (named["manage-topic"]["mutates"], named["describe-list-all"]["mutates"]) == (True, False)
    assert "customer_code" in named["manage-topic"]["fields"]
    assert "include" in named["manage-topic-all"]["fields"]
    assert "include" not in named["manage-topic"]["fields"]
    assert "restore-list-all" not in named


def test_a_file_that_the_disk_does_not_hold_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every result is below results/ all the same."""
    there = Deployed(monkeypatch, customers("a"), fine)
    full = Path("/dev/full").open("r+b", buffering=0)  # noqa: SIM115  # the run closes it
    monkeypatch.setattr("tempfile.TemporaryFile", lambda: full)
    answer = there.run()
    assert (answer["exit_code"], there.kept("results/a.json")["status"]) == (0, "successful")
    assert [warning for warning in answer["warnings"] if "results.jsonl.gz was too large" in warning] != []
    assert ("results", f"runs/{RUN}/results.jsonl.gz") not in there.s3.stored


def test_a_record_that_cannot_be_read_is_a_failure_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not an unexpected one."""
    there = Deployed(monkeypatch, customers("a"), fine)
    there.run()
    original = there.s3.call

    def call(operation: str, **parameters: Any) -> Json:
        if operation == "get_object" and parameters["Key"].endswith("summary.json"):
            raise AwsCallError("s3", operation, "refused", "AccessDenied", "no", 403)
        return original(operation, **parameters)

    monkeypatch.setattr(there.s3, "call", call)
    with pytest.raises(AwsCallError, match="AccessDenied"):
        there.run()


def test_an_entry_that_is_no_customer_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what it should be; the others run."""
    config = customers("a")
    config["customer_mappings"]["b"] = 5
    there = Deployed(monkeypatch, config, fine)
    answer = there.run()
    assert statuses(answer) == {"a": "successful", "b": "failed"}
    assert "customer_mappings.b" in of(answer, "b")["error"]["message"]
    assert "must be a JSON object" in of(answer, "b")["error"]["message"]


def test_a_config_that_is_larger_than_any_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its size is told, and how much is allowed."""
    there = Deployed(monkeypatch, customers("a"), fine)
    size = len(there.s3.stored["config", "config.json"].body)
    monkeypatch.setattr(limits, "MAX_CONFIG_BYTES", size)
    assert there.run()["exit_code"] == 0
    monkeypatch.setattr(limits, "MAX_CONFIG_BYTES", size - 1)
    with pytest.raises(ConfigurationError, match=rf"{size} bytes, more than the {size - 1}"):
        there.invoke({"action": "describe-list-all"})


def test_without_time_for_it_the_file_of_results_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Summary is more: it says so."""
    there = Deployed(monkeypatch, customers("a"), fine)
    time_passes(there, 2.9, fine)
    answer = there.run()
    assert answer["warnings"] == ["there was no time to write results.jsonl.gz; results/ has every result"]
    assert (answer["exit_code"], there.kept("summary.json")) == (0, answer)
    assert there.s3.keys(f"runs/{RUN}/results.jsonl") == []


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("what", ["/results/", "/end.json", "/summary.json", "/results.jsonl.gz", "open/", "runs/"])
def test_a_run_whose_last_writes_all_fail_is_ended_truly(
    monkeypatch: pytest.MonkeyPatch, what: str, answered: bool
) -> None:
    """S3 answers 503 from the first worker's answer on, before or after each effect; then the reaper comes."""
    there = Deployed(monkeypatch, customers("a", "b"), fine)
    there.put("SESConfig.json", {"topics": [TOPIC]})
    monkeypatch.setattr(limits, "CREATE_PAUSE_SECONDS", 0.0)

    def happens(operation: str, key: str, done: bool) -> None:
        if operation == "put_object" and what in key and there.lambda_.items and done is answered:
            raise AwsCallError("s3", operation, "server", "SlowDown", "busy", 503)

    there.s3.hook.happens = happens
    there.run("manage-topic-all", max_customer_concurrency=1)
    there.s3.hook = Before()
    reap(there)
    assert there.s3.keys("open/") == []
    sent = {code_of(item) for item in there.lambda_.items}
    for result in there.kept("summary.json")["results"]:
        unknown = result["error"] is not None and result["error"]["outcome_unknown"]
        expected = ("successful",) if result["customer_code"] in sent else ("not_started",)
        assert unknown or result["status"] in expected
