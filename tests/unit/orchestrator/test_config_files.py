"""The files that a run reads at its start are those of all its invocations, whatever becomes of them meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from ses_fleet.errors import AwsCallError
from ses_fleet.runs.keys import pinned_key
from tests.unit.orchestrator.deployed import (
    RUN,
    TOPIC,
    Deployed,
    Json,
    customers,
    fine,
    of,
    slices,
    statuses,
    time_passes,
)


def begun(monkeypatch: pytest.MonkeyPatch, *, versioned: bool, action: str = "manage-topic-all") -> Deployed:
    """A run whose first invocation has ended; a is between two slices, b was not started."""
    there = Deployed(monkeypatch, customers("a", "b"), slices)
    there.s3.versioned = versioned
    there.put("SESConfig.json", {"topics": [TOPIC]})
    time_passes(there, 50.0, slices)
    there.run(action, on_deadline="continue", max_customer_concurrency=1)
    time_passes(there, 900.0, slices)
    return there


@pytest.mark.parametrize("versioned", [True, False])
def test_a_run_pins_what_it_read(monkeypatch: pytest.MonkeyPatch, versioned: bool) -> None:
    """By version; a copy lies in its record where the bucket has no versions, and only there."""
    there = begun(monkeypatch, versioned=versioned)
    plan = there.kept("plan.json")
    places = [pinned_key(RUN, plan["owner"], name) for name in ("config", "ses-config")]
    assert there.s3.keys(f"runs/{RUN}/pinned/") == ([] if versioned else places)
    if versioned:
        expected = {"config": there.version("config.json"), "ses_config": there.version("SESConfig.json")}
        assert plan["pinned"] == expected
        return
    assert plan["pinned"] == {"config": None, "ses_config": None}
    for place, name in zip(places, ("config.json", "SESConfig.json"), strict=True):
        assert there.s3.stored["results", place].body == there.s3.stored["config", name].body


CHANGES: dict[str, tuple[Json | None, Json | None]] = {
    "changed": (customers("b", "a"), {"topics": [{**TOPIC, "TopicName": "other"}]}),
    "broken": ({"x": 1}, {"topics": 5}),
    "emptied": ({}, {}),
    "gone": (None, None),
}


def change(there: Deployed, how: str) -> None:
    """Somebody writes or deletes both files."""
    for name, document in zip(("config.json", "SESConfig.json"), CHANGES[how], strict=True):
        if document is None:
            del there.s3.stored["config", name]
        else:
            there.put(name, document)


@pytest.mark.parametrize("versioned", [True, False])
@pytest.mark.parametrize("how", CHANGES)
def test_whatever_becomes_of_the_files_the_run_goes_on_with_them(
    monkeypatch: pytest.MonkeyPatch, versioned: bool, how: str
) -> None:
    """The same accounts, the same topics, the same versions in the Summary; a warning of each file says what is so."""
    there = begun(monkeypatch, versioned=versioned)
    first = there.kept("plan.json")["config_version"]
    change(there, how)
    last = there.go_on()
    assert statuses(last) == {"a": "successful", "b": "successful"}
    assert {topic["name"] for item in there.lambda_.items for topic in item["topics"]} == {"news"}
    accounts = {(item["customer"]["customer_code"], item["customer"]["account_id"]) for item in there.lambda_.items}
    assert accounts == {("a", "100000000000"), ("b", "100000000001")}
    assert last["config_version"] == first
    # Whether the topics could be used now is nothing that a run that has its own would look at.
    changed = {"config.json": how == "changed", "SESConfig.json": how != "gone"}
    for name, warning in zip(changed, last["warnings"], strict=True):
        said = "changed while the run was under way" if changed[name] else "cannot be used now"
        assert warning.startswith(f"{name} {said}")
        assert "the run goes on with what it read at its start" in warning


def test_a_later_run_reads_the_files_as_they_are_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is pinned is one run's."""
    there = begun(monkeypatch, versioned=True)
    change(there, "changed")
    there.run("manage-topic-all", run_id="r2")
    assert there.lambda_.items[-1]["topics"][0]["name"] == "other"


@pytest.mark.parametrize("versioned", [True, False])
def test_a_copy_or_version_that_is_gone_fails_whoever_is_left(monkeypatch: pytest.MonkeyPatch, versioned: bool) -> None:
    """Both between two slices and never started: nobody is run with another configuration than the run's."""
    there = begun(monkeypatch, versioned=versioned)
    there.s3.versions.clear()
    for key in there.s3.keys(f"runs/{RUN}/pinned/"):
        del there.s3.stored["results", key]
    items = len(there.lambda_.items)
    last = there.go_on()
    assert statuses(last) == {"a": "failed", "b": "failed"}
    assert {of(last, code)["error"]["type"] for code in "ab"} == {"ConfigurationChanged"}
    assert "what the run read at its start cannot be read any more" in last["warnings"][0]
    assert len(there.lambda_.items) == items


def test_a_comparison_without_its_file_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """describe-topics-all can do without SESConfig.json, and says so."""
    topic = {"name": "news", "display_name": "News", "description": None, "default_status": "OPT_IN", "opted_in": 3}

    def worker(_: Json) -> Json:
        return {"data": {"topics": [topic]}}

    there = Deployed(monkeypatch, customers("a", "b"), worker)
    there.put("SESConfig.json", {"topics": [TOPIC]})
    time_passes(there, 50.0, worker)
    there.run("describe-topics-all", on_deadline="continue", max_customer_concurrency=1)
    for place in [place for place in there.s3.versions if place[1] == "SESConfig.json"]:
        del there.s3.versions[place]
    last = there.go_on()
    assert (last["fleet"]["drift"], last["fleet"]["topics"]) == (None, {"news": {"a": 3, "b": 3}})
    (warning,) = last["warnings"]
    assert warning.startswith("drift not computed: SESConfig.json cannot be used")


@pytest.mark.parametrize("end", ["config.json", "plan.json", "open"])
def test_a_run_that_cannot_write_its_record_starts_nobody(monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    """The copy, the plan, the sign of life: it is refused, with what could not be written."""
    there = Deployed(monkeypatch, customers("a"), fine)
    there.s3.versioned = False
    there.s3.hook.happens = refuse(end)
    with pytest.raises(Exception, match=r"could not be written \(AccessDenied\), so nothing was started"):
        there.run()
    assert there.lambda_.items == []
    there.s3.hook.happens = lambda _operation, _key, _done: None
    assert there.run()["exit_code"] == 0


def refuse(part: str) -> Any:
    """What refuses to write keys that have this in them."""

    def happens(operation: str, key: str, done: bool) -> None:
        if operation == "put_object" and part in key and not done:
            raise AwsCallError("s3", operation, "refused", "AccessDenied", "no", 403)

    return happens


def test_the_files_are_read_once_a_hop(monkeypatch: pytest.MonkeyPatch) -> None:
    """As they were, and each once more as it is."""
    there = begun(monkeypatch, versioned=True)
    there.s3.asked.clear()
    there.go_on()
    asked = [key for operation, key in there.s3.asked if operation == "get_object"]
    assert (asked.count("config.json"), asked.count("SESConfig.json")) == (2, 2)
