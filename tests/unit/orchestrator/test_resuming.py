"""Going on with what another run has left: where its customers stopped, once, and only where nothing is unknown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from ses_fleet import limits
from ses_fleet.errors import AwsCallError, ConfigurationError, RequestError
from tests.unit.orchestrator.deployed import (
    IDENTITY_CENTER,
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


def ended(monkeypatch: pytest.MonkeyPatch, action: str = "manage-topic-all", more: Sequence[str] = ()) -> Deployed:
    """Run r1 has ended: a stopped between two slices, b and `more` were not started."""
    there = Deployed(monkeypatch, customers("a", "b", *more), slices)
    there.put("SESConfig.json", {"topics": [TOPIC]})
    time_passes(there, 50.0, slices)
    answer = there.run(action, max_customer_concurrency=1)
    assert statuses(answer) == {"a": "failed", "b": "not_started", **dict.fromkeys(more, "not_started")}
    time_passes(there, 900.0, slices)
    there.lambda_.items.clear()
    return there


def resumed(there: Deployed, run_id: str = "r2", **changes: Any) -> Json:
    """The Summary of the run that its `resume` starts."""
    return there.invoke({**there.kept("summary.json")["resume"], "run_id": run_id, **changes})


def began(there: Deployed) -> dict[str, Any]:
    """{customer: the continuation that its first slice was sent with}."""
    first: dict[str, Any] = {}
    for item in there.lambda_.items:
        first.setdefault(code_of(item), item["continuation"])
    return first


def test_a_resume_goes_on_where_customers_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was not started begins; the work is the other run's, and data and backups lie under its id."""
    there = ended(monkeypatch)
    answer = resumed(there)
    assert statuses(answer) == {"a": "successful", "b": "successful"}
    assert began(there) == {"a": {"state": {"at": 1}}, "b": None}
    assert {(code_of(item), item["run_id"], item["work_of"]) for item in there.lambda_.items} == {
        ("a", "r2", RUN),
        ("b", "r2", None),
    }
    assert (of(answer, "a")["work_of"], of(answer, "b")["work_of"]) == (RUN, None)


def test_a_continuation_is_gone_on_with_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second resume of the same run starts anew, which is always safe."""
    there = ended(monkeypatch)
    resumed(there)
    there.lambda_.items.clear()
    assert statuses(resumed(there, "r3")) == {"a": "successful", "b": "successful"}
    assert began(there) == {"a": None, "b": None}


@pytest.mark.parametrize("why", ["old", "gone", "unknown", "whole", "moved", "topics"])
def test_who_cannot_go_on_starts_anew(monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    """Too old, gone, of unknown outcome, with nothing left, of another account, with other topics."""
    there = ended(monkeypatch)
    place = ("results", f"runs/{RUN}/results/a.json")
    if why == "old":
        there.s3.advance(7_201)
    elif why == "gone":
        del there.s3.stored[place]
    elif why == "unknown":
        summary = there.kept("summary.json")
        summary["results"][0]["error"]["outcome_unknown"] = True
        there.s3.put("results", f"runs/{RUN}/summary.json", json.dumps(summary).encode())
    elif why == "whole":
        result = there.kept("results/a.json") | {"continuation": None}
        there.s3.put(*place, json.dumps(result).encode())
    elif why == "moved":
        config = customers("a", "b")
        config["customer_mappings"]["a"]["ses_role_arn"] = "arn:aws:iam::999999999999:role/r"
        there.put("config.json", config)
    else:
        there.put("SESConfig.json", {"topics": [{**TOPIC, "TopicName": "other"}]})
    assert statuses(resumed(there)) == {"a": "successful", "b": "successful"}
    assert began(there) == {"a": None, "b": None}


def test_people_are_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """An import goes on with nothing: who has left meanwhile would be imported."""
    people = {"prefix": "p/", "users": 3, "groups": 1, "memberships": 2, "user_parts": 1, "membership_parts": 1}

    def worker(item: Json) -> Json:
        return {"data": people} if item["action"] == "read-identity-center" else slices(item)

    def first(item: Json) -> Json:
        there.context.seconds = 900.0 if item["action"] == "read-identity-center" else 50.0
        return worker(item)

    there = Deployed(monkeypatch, customers("a", identity_center_role_arn=IDENTITY_CENTER), first)
    there.put("SESConfig.json", {"topics": [TOPIC]})
    assert statuses(there.run("import-aws-contact-all")) == {"a": "failed"}
    there.lambda_.worker = worker
    there.lambda_.items.clear()
    assert resumed(there)["exit_code"] == 0
    assert [(item["action"], item["continuation"] is None) for item in there.lambda_.items] == [
        ("read-identity-center", True),
        ("import-aws-contact", True),
        ("import-aws-contact", False),
    ]


def test_who_left_config_json_since_is_skipped_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others run; a code that neither config.json nor that run has is a mistake, and refuses the run."""
    there = ended(monkeypatch)
    there.put("config.json", customers("b"))
    left = there.kept("summary.json")["resume"]["include"]
    with pytest.raises(RequestError, match=r'\$\.include: neither config.json nor run r1 has these customers: "bb"'):
        resumed(there, include=[*left, "bb"])
    assert there.lambda_.items == []
    answer = resumed(there)
    assert statuses(answer) == {"b": "successful", "a": "skipped"}
    assert answer["exit_code"] == 0
    reason = "it was in the run that this one resumes, and is not in config.json any more"
    assert f"a is skipped: {reason}" in answer["warnings"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"resumes": "r9"}, "there is no run r9"),
        ({"dry_run": True}, "was another action, or had other params"),
        ({"action": "describe-list-all"}, "was another action, or had other params"),
        ({"params": {"canary": 1}}, "was another action, or had other params"),
    ],
)
def test_a_resume_of_something_else_is_refused(monkeypatch: pytest.MonkeyPatch, changes: Json, told: str) -> None:
    """Before anybody is started."""
    there = ended(monkeypatch)
    with pytest.raises(RequestError, match=told):
        resumed(there, **changes)
    assert there.lambda_.items == []


def test_a_run_that_goes_on_cannot_be_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs would work on the same customers."""
    there = ended(monkeypatch)
    payload = there.kept("summary.json")["resume"]
    del there.s3.stored["results", f"runs/{RUN}/summary.json"]
    with pytest.raises(RequestError, match=r"\$\.resumes: run r1 has not ended yet"):
        there.invoke({**payload, "run_id": "r2"})
    assert there.lambda_.items == []


def test_a_record_that_cannot_be_read_starts_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told of which run."""
    there = ended(monkeypatch)

    def happens(operation: str, key: str, _done: bool) -> None:
        if operation == "get_object" and key == f"runs/{RUN}/results/a.json":
            raise AwsCallError("s3", operation, "lost", "SlowDown", "no", 503)

    there.s3.hook.happens = happens
    with pytest.raises(ConfigurationError, match=r"the record of run r1 could not be read \(SlowDown\)"):
        resumed(there)
    assert there.lambda_.items == []


def test_a_resumed_run_is_handed_over_and_resumed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the work began stays known over all its hops and runs."""
    there = ended(monkeypatch)

    def three(item: Json) -> Json:
        at = (item["continuation"] or {"state": {"at": 0}})["state"]["at"] + 1
        return {"data": {}} if at == 4 else {"data": None, "continuation": {"state": {"at": at}}}

    time_passes(there, 50.0, three)
    resumed(there, include=["a"], on_deadline="continue")
    there.go_on()
    time_passes(there, 900.0, three)
    answer = there.go_on()
    assert statuses(answer) == {"a": "successful"}
    assert [(item["continuation"]["state"]["at"], item["work_of"]) for item in there.lambda_.items] == [
        (1, RUN),
        (2, RUN),
        (3, RUN),
    ]


def test_a_resumed_customer_is_started_as_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not when the run is cancelled before, nor before its canaries; it is not started then, and a resume goes on."""
    there = ended(monkeypatch)
    monkeypatch.setattr(limits, "SIGN_SHARE", 1e-9)  # a cancel is looked for with every sign of life
    there.s3.put("results", "runs/r2/cancel.json", b'{"run_id": "r2", "asked_at": ""}')
    cancelled = resumed(there)
    assert (statuses(cancelled), there.lambda_.items) == ({"a": "not_started", "b": "not_started"}, [])
    assert "the run was cancelled before anything was started" in of(cancelled, "a")["warnings"][-1]
    answer = there.invoke({**cancelled["resume"], "run_id": "r3"})
    assert statuses(answer) == {"a": "successful", "b": "successful"}
    assert began(there) == {"a": {"state": {"at": 1}}, "b": None}
    assert of(answer, "a")["work_of"] == RUN


def test_the_canaries_of_a_resumed_run_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before those with whom it goes on, who are not started when a canary fails."""

    def worker(item: Json) -> Json:
        return failed() if code_of(item) == "c" else slices(item)

    there = Deployed(monkeypatch, customers("a", "b", "c"), slices)
    there.put("SESConfig.json", {"topics": [TOPIC]})
    calls: list[str] = []

    def first(item: Json) -> Json:
        calls.append(code_of(item))
        if len(calls) == 3:
            there.context.seconds = 50.0
        return slices(item)

    there.lambda_.worker = first
    answer = there.run("manage-topic-all", max_customer_concurrency=1, params={"canary": 1})
    assert statuses(answer) == {"a": "successful", "b": "failed", "c": "not_started"}
    there.lambda_.items.clear()
    there.lambda_.worker = worker
    answer = resumed(there)
    assert (statuses(answer), set(began(there))) == ({"b": "not_started", "c": "failed"}, {"c"})


def test_a_resumed_customer_that_is_disabled_before_its_turn_is_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing ran of it in this run."""
    there = ended(monkeypatch)
    time_passes(there, 50.0, fine)
    first = resumed(there, include=["b", "a"], max_customer_concurrency=1, on_deadline="continue")
    assert first["exit_code"] is None
    config = customers("a", "b")
    config["customer_mappings"]["a"]["enabled"] = False
    there.put("config.json", config)
    time_passes(there, 900.0, fine)
    assert statuses(there.go_on()) == {"a": "skipped", "b": "successful"}
    assert set(began(there)) == {"b"}


def test_a_reaper_says_not_started_of_whom_a_resumed_run_never_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Although another run had begun with it; where that stopped is still there to be gone on with."""
    there = ended(monkeypatch, more=["c"])
    die(monkeypatch, there, "b", {**there.kept("summary.json")["resume"], "run_id": "r2"})
    assert reap(there)["closed"] == ["r2"]
    there.lambda_.items.clear()
    summary = json.loads(there.s3.stored["results", "runs/r2/summary.json"].body)
    assert statuses(summary) == {"a": "not_started", "b": "failed", "c": "failed"}
    assert "of which nothing was started" in of(summary, "a")["warnings"][-1]
    there.invoke({**summary["resume"], "run_id": "r3"})
    assert began(there)["a"] == {"state": {"at": 1}}


@pytest.mark.parametrize("on_deadline", ["stop", "continue"])
def test_who_only_waited_for_its_list_was_not_started(monkeypatch: pytest.MonkeyPatch, on_deadline: str) -> None:
    """Whatever it took slices for; it is told who had the list, and a later resume waits anew."""
    there = ended(monkeypatch)
    held = "its contact list was held by run x (customer y)"

    def waits(_item: Json) -> Json:
        return {"data": None, "continuation": {"state": {}, "ran": False, "waited": 200.0}, "waits_for": held}

    time_passes(there, 50.0, waits)
    answer = resumed(there, include=["b"], on_deadline=on_deadline)
    if on_deadline == "continue":
        assert statuses(answer) == {"b": "under_way"}
        there.s3.put("results", "runs/r2/cancel.json", b'{"run_id": "r2", "asked_at": ""}')
        answer = there.go_on()
        assert "the run was cancelled before anything was started" in of(answer, "b")["warnings"][-1]
    else:
        assert of(answer, "b")["warnings"] == [f"{held} until it was too late to start"]
    assert (statuses(answer), of(answer, "b")["attempts"]) == ({"b": "not_started"}, 1)
    time_passes(there, 900.0, slices)
    there.lambda_.items.clear()
    assert statuses(there.invoke({**answer["resume"], "run_id": "r3"})) == {"b": "successful"}
    assert began(there) == {"b": None}
