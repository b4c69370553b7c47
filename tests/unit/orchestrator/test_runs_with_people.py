"""Whole runs of an import: Identity Centers are read first, once each, and then customers are imported."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.orchestrator.deployed import (
    IDENTITY_CENTER,
    RUN,
    TOPIC,
    Deployed,
    Json,
    code_of,
    customers,
    failed,
    goes_on,
    of,
    statuses,
    time_passes,
)

PEOPLE = {"prefix": "p/", "users": 3, "groups": 1, "memberships": 2, "user_parts": 1, "membership_parts": 1}


def people(item: Json) -> Json:
    """A worker that has read an Identity Center, and imports."""
    return {"data": PEOPLE} if item["action"] == "read-identity-center" else {"data": {"ok": True}}


def reading_slices(item: Json) -> Json:
    """A worker that needs two slices for an Identity Center."""
    first = item["action"] == "read-identity-center" and item["continuation"] is None
    return goes_on(1) if first else people(item)


def importing(monkeypatch: pytest.MonkeyPatch, worker: Any = people, *codes: str) -> Deployed:
    """Customers with an Identity Center: a and b share one, c has another."""
    config = customers(*(codes or ("a", "b", "c")), identity_center_role_arn=IDENTITY_CENTER)
    if "c" in config["customer_mappings"]:
        config["customer_mappings"]["c"]["identity_center_role_arn"] = IDENTITY_CENTER.replace("9999", "8888")
    there = Deployed(monkeypatch, config, worker)
    there.put("SESConfig.json", {"topics": [TOPIC]})
    return there


def test_a_name_goes_to_the_worker_by_its_place_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker is sent a mask and where the value lies; nothing of the run's own record has it."""
    there = Deployed(monkeypatch, customers("a", identity_center_role_arn=IDENTITY_CENTER), people)
    there.put("SESConfig.json", {"topics": [TOPIC]})
    there.run("import-aws-contact-all", params={"username": "zoe"})
    place = there.lambda_.items[-1]["personal_params"]
    assert json.loads(there.s3.stored["results", place].body)["params"] == {"username": "zoe"}
    assert "zoe" not in str(there.lambda_.items)
    assert [key for (_, key), body in there.s3.stored.items() if b'"zoe"' in body.body] == [place]


def test_an_identity_center_is_read_once_for_all_who_share_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each customer's worker is told where its people lie; the reading ones write below the run's data."""
    there = importing(monkeypatch)
    answer = there.run("import-aws-contact-all")
    assert answer["successful_count"] == 3
    readers = [item for item in there.lambda_.items if item["action"] == "read-identity-center"]
    others = [item for item in there.lambda_.items if item["action"] == "import-aws-contact"]
    assert (len(readers), len(others)) == (2, 3)
    assert all(item["people_prefix"].startswith(f"data/{RUN}/_people/") for item in readers)
    assert len({item["people_prefix"] for item in readers}) == 2
    assert all(item["people_prefix"] is None and item["directory"]["users"] == 3 for item in others)
    reading = [one["message"] for one in there.records() if "Identity Center(s)" in one["message"]]
    assert reading == ["reading 2 Identity Center(s) for 3 customer(s)"]


def test_without_people_nothing_is_done_for_a_customer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the other source are imported; none of the reading counts as a customer's attempt."""

    def worker(item: Json) -> Json:
        reads, code = item["action"] == "read-identity-center", code_of(item)
        return failed("denied", retryable=True) if reads and code == "a" else people(item)

    there = importing(monkeypatch, worker)
    answer = there.run("import-aws-contact-all")
    assert statuses(answer) == {"a": "failed", "b": "failed", "c": "successful"}
    assert (of(answer, "b")["error"]["message"], of(answer, "b")["attempts"]) == ("denied", 0)
    assert [code_of(item) for item in there.lambda_.items if item["action"] == "import-aws-contact"] == ["c"]


def test_a_reading_that_is_too_long_goes_on_in_another_invocation(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is being read goes on where it was; then everybody is imported."""
    there = importing(monkeypatch, reading_slices, "a", "b")
    time_passes(there, 50.0, reading_slices)
    first = there.run("import-aws-contact-all", on_deadline="continue")
    assert (first["exit_code"], statuses(first)) == (None, {"a": "not_started", "b": "not_started"})
    (place,) = there.s3.keys(f"runs/{RUN}/continuations/")
    kept = there.kept(place.removeprefix(f"runs/{RUN}/"))
    assert (kept["continuation"], kept["slices"]) == ({"state": {"at": 1}}, 1)
    assert place.endswith(f"/_people-0-{kept['customer_code']}.json")
    time_passes(there, 900.0, reading_slices)
    last = there.go_on()
    assert (last["exit_code"], last["successful_count"]) == (0, 2)
    reads = [item for item in there.lambda_.items if item["action"] == "read-identity-center"]
    assert [item["continuation"] for item in reads] == [None, {"state": {"at": 1}}]
    assert len({item["people_prefix"] for item in reads}) == 1


def test_what_was_read_is_not_read_again_by_the_next_invocation(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time ends while customers are imported: the people are handed on with them."""

    def worker(item: Json) -> Json:
        reads = item["action"] == "read-identity-center"
        there.context.seconds = 900.0 if reads else 50.0
        return people(item)

    there = importing(monkeypatch, worker, "a", "b")
    first = there.run("import-aws-contact-all", on_deadline="continue", max_customer_concurrency=1)
    assert statuses(first) == {"a": "successful", "b": "not_started"}
    last = there.go_on()
    assert statuses(last) == {"a": "successful", "b": "successful"}
    assert [item["action"] for item in there.lambda_.items].count("read-identity-center") == 1
    assert [item["directory"]["users"] for item in there.lambda_.items[1:]] == [3, 3]


def test_a_reading_that_cannot_go_on_leaves_its_customers_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    """They failed for the time's end, as the reading did."""
    there = importing(monkeypatch, reading_slices, "a", "b")
    time_passes(there, 50.0, reading_slices)
    answer = there.run("import-aws-contact-all")
    assert statuses(answer) == {"a": "failed", "b": "failed"}
    assert of(answer, "a")["error"]["type"] == "OrchestratorDeadline"
    assert (answer["warnings"], there.lambda_.events) == ([], [])
