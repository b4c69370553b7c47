"""Cancelling a run: no customer and no slice is started any more, and what a worker does is waited for."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime

import pytest

from ses_fleet import limits
from ses_fleet.errors import AwsCallError, RequestError
from tests.unit.orchestrator.deployed import (
    RUN,
    Deployed,
    Json,
    code_of,
    customers,
    fine,
    of,
    slices,
    statuses,
    time_passes,
)
from tests.unit.orchestrator.killed import die, reap

NEVER = "the run was cancelled before anything was started for this customer"


def test_a_cancel_between_two_hops_sends_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is between two slices fails and can go on by a resume; the Summary says that the run was cancelled."""
    there = Deployed(monkeypatch, customers("a", "b", "c"), slices)
    time_passes(there, 50.0, slices)
    there.run(on_deadline="continue", max_customer_concurrency=1)
    state = there.invoke({"cancel": RUN})
    assert (state["exit_code"], statuses(state)["a"]) == (None, "under_way")
    asked_at = there.kept("cancel.json")["asked_at"]
    assert datetime.fromisoformat(asked_at).tzinfo == UTC
    time_passes(there, 900.0, slices)
    there.lambda_.items.clear()
    last = there.go_on()
    assert statuses(last) == {"a": "failed", "b": "not_started", "c": "not_started"}
    assert (of(last, "a")["error"]["type"], of(last, "c")["warnings"]) == ("Cancelled", [NEVER])
    assert (of(last, "a")["error"]["retryable"], of(last, "a")["error"]["outcome_unknown"]) == (True, False)
    assert there.lambda_.items == []
    assert (last["exit_code"], last["closed_by"], last["cancelled_at"]) == (1, "orchestrator", asked_at)
    assert last["resume"]["include"] == ["b", "c", "a"]
    answer = there.invoke({**last["resume"], "run_id": "r2"})
    assert (answer["exit_code"], answer["cancelled_at"]) == (0, None)
    (resumed,) = [item["continuation"] for item in there.lambda_.items if code_of(item) == "a"][:1]
    assert resumed == {"state": {"at": 1}}


@pytest.mark.parametrize("codes", ["abcdefgh", "a"])
def test_a_cancel_while_workers_are_busy_waits_for_them(monkeypatch: pytest.MonkeyPatch, codes: str) -> None:
    """The signs of life look for it; who was sent by then is finished, and nobody else is.

    A cancel that came too late to keep anybody from anything is not in the Summary.
    """
    seen = threading.Event()

    def worker(item: Json) -> Json:
        if code_of(item) == "a":
            there.s3.put("results", f"runs/{RUN}/cancel.json", b'{"run_id": "r1", "asked_at": "2026-03-01T06:00:00Z"}')
            seen.wait(30)
        return fine(item)

    def happens(operation: str, key: str, done: bool) -> None:
        # The sign after the look that found it: by then, it is known.
        if key.endswith("cancel.json") and (operation, done) == ("get_object", True):
            found.append(key)
        elif found and operation == "put_object":
            seen.set()

    found: list[str] = []
    monkeypatch.setattr(limits, "SIGN_SHARE", 1 / 600)
    there = Deployed(monkeypatch, customers(*codes), worker)
    there.s3.hook.happens = happens
    answer = there.run(max_customer_concurrency=1)
    assert list(statuses(answer).values()) == ["successful", *["not_started"] * (len(codes) - 1)]
    if codes == "a":
        assert (answer["exit_code"], answer["cancelled_at"]) == (0, None)
        return
    assert of(answer, "h")["warnings"] == [NEVER]
    assert (answer["exit_code"], answer["cancelled_at"]) == (1, "2026-03-01T06:00:00Z")


def test_a_run_is_cancelled_before_its_results_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are many, and may not be read: that keeps nobody from cancelling."""
    there = Deployed(monkeypatch, customers("a", "b", "c", "d"), fine)
    die(monkeypatch, there, "b", {"action": "describe-list-all", "run_id": RUN, "max_customer_concurrency": 1})

    def happens(operation: str, key: str, done: bool) -> None:
        if "/results/" in key and operation == "get_object" and not done:
            raise AwsCallError("s3", operation, "server", "InternalError", "no answer", 500)

    there.s3.hook.happens = happens
    with pytest.raises(AwsCallError):
        there.invoke({"cancel": RUN})
    assert there.kept("cancel.json")["run_id"] == RUN


def test_a_run_that_is_over_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its Summary is the answer, and nothing is written."""
    there = Deployed(monkeypatch, customers("a"), fine)
    answer = there.run()
    before = there.s3.keys()
    assert there.invoke({"cancel": RUN}) == answer
    assert there.s3.keys() == before


def test_a_run_that_there_is_not_cannot_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused, with where to look; a run of that id may start afterwards."""
    there = Deployed(monkeypatch, customers("a"), fine)
    with pytest.raises(RequestError, match=r"\$\.cancel: there is no run r1"):
        there.invoke({"cancel": RUN})
    assert there.s3.keys() == []
    assert there.run()["exit_code"] == 0


def test_a_run_that_was_refused_has_nothing_to_cancel(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is listed as a run, so that is said of it, and not that there is none."""
    there = Deployed(monkeypatch, customers("a"), fine)
    with pytest.raises(RequestError):
        there.run(include=["nobody"])
    before = there.s3.keys()
    with pytest.raises(RequestError, match=r"\$\.cancel: run r1 was refused and nothing of it runs"):
        there.invoke({"cancel": RUN})
    assert there.s3.keys() == before


def test_a_dead_run_that_was_cancelled_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its next hop starts nobody."""
    there = Deployed(monkeypatch, customers("a", "b", "c", "d"), fine)
    event = {"action": "describe-list-all", "run_id": RUN, "max_customer_concurrency": 1, "on_deadline": "continue"}
    die(monkeypatch, there, "b", event)
    assert there.invoke({"cancel": RUN})["exit_code"] is None
    assert reap(there)["continued"] == [RUN]
    last = there.go_on()
    assert [of(last, code)["status"] for code in "abd"] == ["successful", "failed", "not_started"]
    assert of(last, "d")["warnings"] == [NEVER]
    assert {code_of(item) for item in there.lambda_.items} == {"a", "b"}


def test_a_run_of_an_earlier_version_cannot_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would not heed it; with its Summary it is over, like any other."""
    there = Deployed(monkeypatch, customers("a"), fine)
    answer = there.run()
    plan = there.kept("plan.json") | {"record_format": 1}
    there.s3.put("results", f"runs/{RUN}/plan.json", json.dumps(plan).encode())
    assert there.invoke({"cancel": RUN}) == answer
    del there.s3.stored["results", f"runs/{RUN}/summary.json"]
    with pytest.raises(RequestError, match="was begun by an earlier version of ses-fleet and cannot be cancelled"):
        there.invoke({"cancel": RUN})
    assert f"runs/{RUN}/cancel.json" not in there.s3.keys("runs/")
