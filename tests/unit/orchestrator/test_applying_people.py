"""Applying a saved plan of people: its people file, its personal values and its topics, and Identity Center anew."""

from __future__ import annotations

from typing import Any

import pytest

from ses_fleet.errors import RequestError
from ses_fleet.runs.people_plan import PeoplePlan
from tests.unit.orchestrator.deployed import (
    RUN,
    TOPIC,
    Deployed,
    Json,
    code_of,
    customers,
    of,
    statuses,
    time_passes,
)
from tests.unit.orchestrator.test_people_files import pinned
from tests.unit.orchestrator.test_runs_with_people import importing, people
from tests.unit.people_action import KEY, PEOPLE_ID, upload

ROWS: Any = ({"email": "ann@x.example", "customers": ["a"]}, {"email": "bob@x.example", "customers": ["a", "b"]})


def saved(item: Json) -> Json:
    """What the dry run saves of a customer."""
    plan = PeoplePlan(
        place="main", prefix=f"data/{RUN}/{code_of(item)}/", parts=1, digest="d", created=2,
        topics=item["topics"],
    )  # fmt: skip
    return plan.model_dump(mode="json")


def worker(item: Json) -> Json:
    """A dry run saves a plan, everything else is done."""
    answer = people(item)
    return {**answer, "plan": saved(item)} if item["dry_run"] and item["action"] != "read-identity-center" else answer


def setting(monkeypatch: pytest.MonkeyPatch, **payload: Any) -> Deployed:
    """Run r1 was a dry run of set-contacts-all for rows of a and b; c is nobody's."""
    there = Deployed(monkeypatch, customers("a", "b", "c"), worker)
    upload(there.s3, *ROWS)
    there.run("set-contacts-all", people=PEOPLE_ID, dry_run=True, **payload)
    there.lambda_.items.clear()
    return there


def applying(there: Deployed, action: str = "set-contacts-all", **payload: Any) -> Json:
    """The Summary of the run that applies it."""
    return there.invoke({"action": action, "plan": RUN, **payload})


def test_the_people_file_is_the_plans_whatever_it_is_by_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each worker is sent the version of the dry run; who is in no row of it is not in the plan."""
    there = setting(monkeypatch, params={"overwrite_unsubscribes": True})
    upload(there.s3, {"email": "other@x.example"})
    answer = applying(there)
    assert statuses(answer) == {"a": "successful", "b": "successful"}
    for item in there.lambda_.items:
        assert item["people_file"] == pinned(*ROWS)
        assert item["params"]["overwrite_unsubscribes"] is True
        assert item["plan"]["prefix"] == f"data/{RUN}/{code_of(item)}/"
        assert (item["topics"], item["dry_run"]) == (None, False)


def test_without_that_version_nothing_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have expired."""
    there = setting(monkeypatch)
    upload(there.s3, {"email": "other@x.example"})
    del there.s3.versions["results", KEY, pinned(*ROWS)["version_id"]]
    with pytest.raises(RequestError, match="the people file of the plan cannot be read as it was"):
        applying(there)
    assert there.lambda_.items == []


def test_a_people_file_is_not_given_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would say something else than the plan, or nothing."""
    there = setting(monkeypatch)
    with pytest.raises(RequestError, match=r"\$\.people: cannot be given with a plan"):
        applying(there, people=PEOPLE_ID)


def test_people_and_how_many_are_confirmed_by_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """A removal needs both numbers; its plan has them."""
    there = Deployed(monkeypatch, customers("a", "b"), worker)
    upload(there.s3, "ann@x.example")
    there.run("remove-contacts-all", people=PEOPLE_ID, dry_run=True, params={"confirm_people": 1}, confirm_customers=2)
    assert statuses(applying(there, "remove-contacts-all")) == {"a": "successful", "b": "successful"}


def test_identity_center_is_read_again_by_the_topics_of_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """SESConfig.json may say anything by now; the reading itself has no plan."""
    there = importing(monkeypatch, worker, "a", "b")
    there.run("import-aws-contact-all", dry_run=True)
    there.lambda_.items.clear()
    there.put("SESConfig.json", {"topics": [{**TOPIC, "TopicName": "mistake"}]})
    answer = applying(there, "import-aws-contact-all")
    assert statuses(answer) == {"a": "successful", "b": "successful"}
    reader, *importers = there.lambda_.items
    assert (reader["action"], reader["plan"]) == ("read-identity-center", None)
    for item in there.lambda_.items:
        assert [topic["name"] for topic in item["topics"]] == [TOPIC["TopicName"]]
    assert [item["plan"]["created"] for item in importers] == [2, 2]
    assert all(item["directory"]["users"] == 3 for item in importers)


def test_a_personal_value_is_that_of_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its place alone; it is not asked for again."""
    there = importing(monkeypatch, worker, "a")
    there.run("import-aws-contact", customer_code="a", params={"username": "zoe"}, dry_run=True)
    place = there.lambda_.items[-1]["personal_params"]
    assert place.startswith(f"data/{RUN}/")
    there.lambda_.items.clear()
    assert applying(there, "import-aws-contact")["exit_code"] == 0
    assert {item["personal_params"] for item in there.lambda_.items} == {place}
    assert "zoe" not in str(there.lambda_.items)


def test_a_later_invocation_goes_on_with_the_same_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """People file, topics and all."""
    there = setting(monkeypatch)
    time_passes(there, 50.0, worker)
    first = applying(there, on_deadline="continue", max_customer_concurrency=1)
    assert first["exit_code"] is None
    time_passes(there, 900.0, worker)
    upload(there.s3, {"email": "other@x.example"})
    last = there.go_on()
    assert (last["exit_code"], statuses(last)) == (0, {"a": "successful", "b": "successful"})
    assert [item["people_file"] for item in there.lambda_.items] == [pinned(*ROWS)] * 2
    assert all(item["plan"] for item in there.lambda_.items)


def test_one_that_would_be_left_out_too_much_is_planned_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its failure is its own; the others are done."""
    there = setting(monkeypatch)
    error = {"category": "operation", "type": "PlanStale", "message": "no"}
    there.lambda_.worker = lambda item: {"data": None, "error": error} if code_of(item) == "a" else worker(item)
    answer = applying(there)
    assert (statuses(answer), of(answer, "a")["error"]["type"]) == ({"a": "failed", "b": "successful"}, "PlanStale")
