"""`defaults` of config.json: what payloads of a fleet need not say, and may only say more strictly."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_fleet.errors import ConfigurationError, RequestError
from ses_fleet.orchestrator import service
from ses_fleet.runs import ramp, tolerance
from ses_fleet.runs.models import Summary
from ses_fleet_cli import check
from ses_fleet_cli.show import help_lines, summary_lines
from tests.unit.orchestrator.deployed import Deployed, Json, customers, failed, fine, slices, statuses
from tests.unit.orchestrator.test_plan import fleet, made

TOPIC = {"TopicName": "sales", "DisplayName": "Sales", "DefaultSubscriptionStatus": "OPT_OUT"}
WRITING: dict[str, Any] = {"action": "manage-topic-all"}


def config(**defaults: Any) -> Json:
    """Ten customers with these defaults."""
    return {**fleet(10), "defaults": defaults}


def refused(document: Json, **payload: Any) -> str:
    """Why a run that changes something does not start."""
    with pytest.raises(RequestError) as error:
        made(document, **{**WRITING, **payload})
    return str(error.value)


def test_a_run_that_changes_something_has_what_its_payload_does_not_say() -> None:
    """Not one that only reads, nor a dry run, nor one on a single customer; the request stays as it was."""
    document = config(failure_mode="strict", max_failures="20%", ramp=[1, "50%", "100%"])
    found = made(document, **WRITING)
    assert (found.is_strict, found.failures_allowed, [len(stage) for stage in found.stages()]) == (True, 2, [1, 4, 5])
    assert found.request.max_failures is None
    for payload in (
        {"action": "describe-list-all"},
        {**WRITING, "dry_run": True},
        {"action": "manage-topic", "customer_code": "c1"},
    ):
        other = made(document, **payload)
        assert (other.is_strict, other.failures_allowed, other.stages(), other.defaults) == (False, None, (), {})


def test_an_erasure_takes_the_number_of_failures_alone() -> None:
    """It changes all customers or none, in no stages."""
    defaults = {"failure_mode": "strict", "max_failures": 2, "ramp": [1, "100%"]}
    payload = {"people": "0" * 32, "confirm_customers": 10, "params": {"confirm_people": 1}}
    found = made(config(**defaults), action="erase-contact-all", **payload)
    assert dict(found.defaults) == {"max_failures": 2}


@pytest.mark.parametrize(
    ("defaults", "payload"),
    [
        ({"failure_mode": "soft"}, {"failure_mode": "strict", "max_failures": 1}),
        ({"max_failures": 2}, {"max_failures": 2}),
        ({"max_failures": 2}, {"max_failures": "20%"}),
        ({"max_failures": "29%"}, {"max_failures": 2}),
        ({"max_failures": 1, "failure_mode": "strict"}, {"max_failures": "5%"}),
        ({"ramp": [2, "50%", "100%"]}, {"ramp": [1, 2, "50%", "100%"]}),
        ({"ramp": [2, "100%"]}, {"ramp": ["20%", 3, "100%"]}),
    ],
)
def test_a_payload_may_be_as_strict_or_stricter(defaults: Json, payload: Json) -> None:
    """Whatever it says it in, numbers or percentages: what counts is how many customers that is."""
    found = made(config(**defaults), **WRITING, **payload)
    assert not found.defaults.keys() & payload.keys()
    assert found.request.model_dump(include=set(payload), mode="json") == payload


@pytest.mark.parametrize(
    ("defaults", "payload", "problem"),
    [
        (
            {"failure_mode": "strict", "max_failures": 1},
            {"failure_mode": "soft"},
            "$.failure_mode: is laxer than config.json allows ($.defaults.failure_mode): give strict, or leave it out",
        ),
        (
            {"max_failures": "20%"},
            {"max_failures": 3},
            '$.max_failures: is laxer than config.json allows ($.defaults.max_failures): give "20%" at most',
        ),
        (
            {"ramp": [1, "100%"]},
            {"max_failures": 1},
            "$.max_failures: is laxer than config.json allows ($.defaults.max_failures): give 0 at most",
        ),
        (
            {"ramp": [1, "50%", "100%"]},
            {"ramp": [1, "100%"]},
            '$.ramp: is laxer than config.json allows ($.defaults.ramp): give [1, "50%", "100%"] or smaller stages',
        ),
    ],
)
def test_a_laxer_payload_is_refused_with_what_it_may_say(defaults: Json, payload: Json, problem: str) -> None:
    """Before anybody is started."""
    assert refused(config(**defaults), **payload).startswith(problem)


def test_a_resume_is_not_refused_for_having_fewer_customers_left() -> None:
    """Three of ten were 30 %, and are more of the two who are left: the fleet's value counts."""
    payload = {**WRITING, "max_failures": 3, "ramp": [2, "100%"]}
    document = config(max_failures="30%", ramp=["20%", "100%"])
    assert dict(made(document, **payload).defaults) == {}
    left = made(document, **payload, include=["c1", "c2"], resumes="r1")
    assert dict(left.defaults) == {"max_failures": "30%", "ramp": ("20%", "100%")}
    assert left.failures_allowed == 0


@given(
    one=st.lists(st.integers(1, 40) | st.integers(1, 99).map(lambda share: f"{share}%"), max_size=5),
    other=st.lists(st.integers(1, 40) | st.integers(1, 99).map(lambda share: f"{share}%"), max_size=5),
    count=st.integers(1, 60),
)
def test_a_ramp_that_is_not_laxer_has_reached_nobody_sooner(
    one: list[int | str], other: list[int | str], count: int
) -> None:
    """In each stage it has started as few customers, or fewer."""
    mine, fleets = ramp.sizes([*one, "100%"], count), ramp.sizes([*other, "100%"], count)
    sooner = [size for stage, size in enumerate(mine) if stage < len(fleets) and size > fleets[stage]]
    if not tolerance.is_laxer_ramp([*one, "100%"], [*other, "100%"], count):
        assert not sooner
        assert len(mine) >= len(fleets)
    elif len(mine) >= len(fleets):
        assert sooner


def test_a_strict_payload_may_take_its_number_from_the_fleet() -> None:
    """Without one nobody could start."""
    strict = {**WRITING, "failure_mode": "strict"}
    assert made(config(max_failures=3), **strict).failures_allowed == 3
    for document, payload in ((fleet(10), strict), (fleet(10), {**strict, "action": "describe-list-all"})):
        assert "1 starts one at a time and stops at the first failure" in refused(document, **payload)
    assert "$.max_failures: is 0: with failure_mode strict" in refused(
        config(failure_mode="strict", max_failures=1), max_failures=0
    )


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        ({}, "$.confirm_customers: missing, but 10 customers are selected for manage-topic-all, and more than 9 are"),
        ({"confirm_customers": 9}, "$.confirm_customers: says 9, but 10 customers are selected"),
        ({"include": ["c1", "c2"], "confirm_customers": 3}, "$.confirm_customers: says 3, but 2 customers"),
    ],
)
def test_many_customers_have_to_be_confirmed(payload: Json, told: str) -> None:
    """And a number that is given is right, also of few."""
    assert told in refused(config(confirm_above=9), **payload)


@pytest.mark.parametrize(
    "payload",
    [{"confirm_customers": 10}, {"include": ["c1"]}, {"dry_run": True}, {"action": "describe-list-all"}],
)
def test_who_confirms_or_changes_few_is_let_through(payload: Json) -> None:
    """What changes nothing needs no confirmation."""
    made(config(confirm_above=9), **{**WRITING, **payload})


def test_only_the_fleets_actions_are_run() -> None:
    """On one customer as on all, dry or not."""
    document = config(actions=["describe-list", "find-contact"])
    made(document)
    told = "is not among the actions that config.json allows ($.defaults.actions): describe-list, find-contact"
    for payload in (WRITING, {**WRITING, "dry_run": True}, {"action": "backup-list", "customer_code": "c1"}):
        assert refused(document, **payload) == f"$.action: {payload['action']} {told}"


@pytest.mark.parametrize(
    ("defaults", "problem"),
    [
        (5, "$.defaults: must be a JSON object, not a number"),
        ({"max_failure": 1}, "$.defaults.max_failure: unknown key; did you mean"),
        ({"max_failures": -1}, "$.defaults.max_failures: must be at least 0, not -1"),
        ({"failure_mode": "strict"}, "$.defaults.max_failures: missing: with failure_mode strict nobody could be"),
        ({"ramp": [5]}, '$.defaults.ramp[0]: must be "100%"'),
        ({"ramp": []}, "$.defaults.ramp: must be a list of 1 to 20 stages"),
        ({"confirm_above": "10"}, "$.defaults.confirm_above: must be an integer, not a string"),
        ({"actions": ["describe-list-all"]}, "$.defaults.actions[0]: actions are named without -all, and none"),
    ],
)
def test_wrong_defaults_start_no_run_and_are_found_before(defaults: Any, problem: str) -> None:
    """Passed over they would hold nobody back."""
    document = {**fleet(2), "defaults": defaults}
    with pytest.raises(ConfigurationError) as error:
        made(document)
    assert str(error.value).startswith(problem), str(error.value)
    found = list(check.findings(json.dumps(document).encode(), "config.json", None))
    assert [text for level, text in found if level == "error" and text.startswith(problem)]


def test_the_answer_says_what_came_from_the_fleet_and_later_invocations_keep_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also when config.json says something else by then."""
    defaults = {"failure_mode": "strict", "max_failures": 1, "ramp": [1, "100%"]}
    there = Deployed(monkeypatch, {**customers("a", "b", "c"), "defaults": defaults}, slices)
    there.put("SESConfig.json", {"topics": [TOPIC]})
    first = there.run("manage-topic-all", seconds=50.0, on_deadline="continue")
    assert (first["exit_code"], first["defaults"]) == (None, defaults)
    there.put("config.json", customers("a", "b", "c"))
    there.lambda_.worker = fine
    last = there.go_on()
    assert (last["exit_code"], last["successful_count"], last["defaults"]) == (0, 3, defaults)
    assert last["ramp"] == {"stages": [1, 3], "at": 2}
    told = 'max_failures 1, failure_mode "strict", ramp [1, "100%"]'
    assert f"   📐 From config.json's defaults: {told}" in summary_lines(Summary.model_validate(last))
    assert "ramp" not in there.kept("plan.json")["request"]


@pytest.mark.parametrize("defaults", [{"failure_mode": "strict", "max_failures": 1}, {"ramp": [1, "100%"]}])
def test_later_invocations_bear_no_more_than_the_first_one(monkeypatch: pytest.MonkeyPatch, defaults: Json) -> None:
    """Whatever config.json says by then: one customer fails, and the others are not started."""
    there = Deployed(monkeypatch, {**customers("a", "b", "c"), "defaults": defaults}, slices)
    there.put("SESConfig.json", {"topics": [TOPIC]})
    first = there.run("manage-topic-all", seconds=50.0, on_deadline="continue")
    assert first["exit_code"] is None
    there.put("config.json", customers("a", "b", "c"))
    there.lambda_.worker = lambda _: failed()
    assert statuses(there.go_on()) == {"a": "failed", "b": "not_started", "c": "not_started"}


def test_a_run_without_defaults_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Null, and no line for people; a payload that says all takes nothing."""
    there = Deployed(monkeypatch, {**customers("a"), "defaults": {"max_failures": 3}}, fine)
    there.put("SESConfig.json", {"topics": [TOPIC]})
    assert there.run("manage-topic-all", max_failures=0)["defaults"] is None


def test_help_shows_the_fleets_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """And is answered without a config.json that can be read, too."""
    there = Deployed(monkeypatch, {**customers("a"), "defaults": {"max_failures": "10%", "confirm_above": 5}}, fine)
    answer = there.invoke({"action": "help"})
    assert answer["defaults"] == {"max_failures": "10%", "confirm_above": 5}
    assert help_lines(answer)[:4] == [
        "Defaults of this fleet's config.json; payloads may only be stricter:",
        '   max_failures: "10%"',
        "   confirm_above: 5",
        "",
    ]
    there.put("config.json", {"customer_mappings": 5})
    assert there.invoke({"action": "help"})["defaults"] is None
    assert service.handle({"action": "help"}, there.context, {})["defaults"] is None
