"""Runs that take longer than one invocation of the orchestrator: what is handed over, and what comes of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from ses_fleet.errors import AwsCallError, RequestError
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
    assert list(statuses(first).values()) == ["not_started"] * 3
    assert there.lambda_.events == [{"action": "describe-list-all", "run_id": RUN, "hop": 1}]
    announced = there.kept("hops/1.json")
    assert [one["customer_code"] for one in announced["pending"]] == ["a", "b", "c"]
    assert announced["pending"][0]["continuation"] == {"state": {"at": 1}}
    between = datetime.fromisoformat(announced["deadline"]) - datetime.fromisoformat(announced["announced_at"])
    assert between.total_seconds() == 960  # the function's own time, and a minute for the event
    time_passes(there, 900.0, slices)
    last = there.go_on()
    assert (last["exit_code"], last["started_at"], last["successful_count"]) == (0, first["started_at"], 3)
    numbers = {(one["attempts"], one["api_calls"], str(one["data"]), str(one["warnings"])) for one in last["results"]}
    assert numbers == {(2, 2, "{'done': True}", "['w']")}
    assert there.kept("results/a.json")["logs"] == ["first", "second"]
    assert (last["concurrency"]["peak"], len(there.lines())) == (1, 3)


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


def test_canaries_that_were_not_done_are_waited_for_in_the_next_invocation(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of them fails there: the others are not started."""
    there = Deployed(monkeypatch, customers("a", "b", "c"), slices)
    there.put("SESConfig.json", {"topics": [TOPIC]})
    time_passes(there, 50.0, slices)
    there.run("manage-topic-all", on_deadline="continue", params={"canary": 1})
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
    [{"hop": 0}, {"hop": 13}, {"hop": "1"}, {"run_id": "../x"}, {"run_id": None}, {"dry_run": True}, {"run_id": "r9"}],
)
def test_an_event_of_a_hop_that_nobody_announced_is_refused(monkeypatch: pytest.MonkeyPatch, change: Json) -> None:
    """Hops are for a run's own continuation only."""
    there = Deployed(monkeypatch, customers("a"), fine)
    with pytest.raises(RequestError):
        there.invoke({"action": "describe-list-all", "run_id": RUN, "hop": 1, **change})
    assert there.lambda_.items == []


def test_a_run_hands_itself_over_twelve_times_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then its time is over: whoever is between slices failed, and can be resumed."""
    there = Deployed(monkeypatch, customers("a"), lambda _: goes_on(1))
    time_passes(there, 50.0, lambda _: goes_on(1))
    answer = there.run(on_deadline="continue")
    hops = 0
    while answer["exit_code"] is None:
        hops += 1
        answer = there.go_on()
    assert (hops, of(answer, "a")["attempts"], of(answer, "a")["error"]["category"]) == (12, 13, "timeout")
    assert there.kept("results/a.json")["continuation"] == {"state": {"at": 1}}


def test_who_was_changed_in_the_config_meanwhile_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another account, no entry any more: failed, retryable. The others go on, and the change is a warning."""
    there = Deployed(monkeypatch, customers("a", "b", "c", "d"), slices)
    time_passes(there, 50.0, slices)
    there.run(on_deadline="continue", max_customer_concurrency=1)
    config = customers("a", "b", "c")
    config["customer_mappings"]["b"]["ses_role_arn"] = "arn:aws:iam::999999999999:role/r"
    there.put("config.json", config)
    time_passes(there, 900.0, slices)
    last = there.go_on()
    assert statuses(last) == {"a": "successful", "b": "failed", "c": "successful", "d": "failed"}
    error = of(last, "b")["error"]
    assert (error["category"], error["type"], error["retryable"]) == ("configuration", "ConfigurationChanged", True)
    assert "config.json changed while the run was under way" in last["warnings"]
    assert of(last, "b")["account_id"] == "100000000001"


def test_a_config_that_broke_meanwhile_still_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever was finished keeps the result."""
    there = Deployed(monkeypatch, customers("a", "b"), fine)
    time_passes(there, 50.0, fine)
    there.run(on_deadline="continue", max_customer_concurrency=1)
    there.put("config.json", {"customer_mappings": 5})
    last = there.go_on()
    assert (statuses(last), last["exit_code"]) == ({"a": "successful", "b": "failed"}, 1)


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
        time_passes(there, 900.0, fine)
        last = there.go_on()
        error = of(last, "a")["error"]
        assert statuses(last) == {"a": "failed", "b": "successful"}
        assert (error["type"], error["category"], error["retryable"]) == ("ResultNotStored", "internal", True)
        assert error["outcome_unknown"] is unknown


@pytest.mark.parametrize("kind", ["refused", "lost"])
def test_a_run_that_cannot_go_on_ends_here(monkeypatch: pytest.MonkeyPatch, kind: Any) -> None:
    """Nobody can say of an answer that was lost that the event was, so the hop is taken from whom it may reach."""
    there = Deployed(monkeypatch, customers("a", "b"), slices)
    there.lambda_.own_problem = AwsCallError("lambda", "invoke", kind, "Denied", "no", 403)
    time_passes(there, 50.0, slices)
    answer = there.run(on_deadline="continue", max_customer_concurrency=1)
    assert (answer["exit_code"], statuses(answer)) == (1, {"a": "failed", "b": "not_started"})
    assert "could not go on in another invocation: the orchestrator could not invoke itself (Denied)" in str(
        answer["warnings"]
    )
    assert there.kept("hops/1.claimed.json")["hop"] == 1
    assert answer["resume"]["include"] == ["b", "a"]


def test_a_hop_that_somebody_took_goes_on_whatever_the_answer_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """The event had arrived, and its invocation ends the run: this one does not."""
    there = Deployed(monkeypatch, customers("a"), slices)
    there.lambda_.own_problem = AwsCallError("lambda", "invoke", "lost", "Lost", "no", None)
    there.s3.objects["results", f"runs/{RUN}/hops/1.claimed.json"] = b"{}"
    time_passes(there, 50.0, slices)
    answer = there.run(on_deadline="continue")
    assert answer["exit_code"] is None
    assert ("results", f"runs/{RUN}/summary.json") not in there.s3.objects


@pytest.mark.parametrize(
    ("refused", "told"),
    [({"hops/1.json"}, "hops/1.json could not be written"), ({"claimed.json"}, "could not invoke itself (Denied)")],
)
def test_a_hop_that_cannot_be_written_is_not_started(
    monkeypatch: pytest.MonkeyPatch, refused: set[str], told: str
) -> None:
    """The run ends with what it has."""
    there = Deployed(monkeypatch, customers("a"), slices)
    there.s3.refused = refused
    there.lambda_.own_problem = AwsCallError("lambda", "invoke", "refused", "Denied", "no", 403)
    time_passes(there, 50.0, slices)
    answer = there.run(on_deadline="continue")
    assert (answer["exit_code"], of(answer, "a")["error"]["type"]) == (1, "OrchestratorDeadline")
    assert told in str(answer["warnings"])
    assert there.lambda_.events == []


def test_without_continue_a_run_ends_with_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """No hop is announced."""
    there = Deployed(monkeypatch, customers("a", "b"), slices)
    time_passes(there, 50.0, slices)
    answer = there.run(max_customer_concurrency=1)
    assert statuses(answer) == {"a": "failed", "b": "not_started"}
    assert (there.lambda_.events, answer["exit_code"]) == ([], 1)
