"""What an action does when a payload says no more, what its params may be, and what data that was not said is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from ses_fleet.actions.catalogue import ACTIONS
from ses_fleet.actions.data.by_action import DATA_MODELS
from ses_fleet.runs.models import Trigger
from tests.unit.actions.test_data import _models


def leaves(value: Any) -> Iterator[Any]:
    """Every value that is no model, mapping or sequence, at any depth."""
    if isinstance(value, BaseModel):
        value = {name: getattr(value, name) for name in type(value).model_fields}
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, tuple | list):
        for one in value:
            yield from leaves(one)
        return
    yield value


@pytest.mark.parametrize("name", [name for name, action in ACTIONS.items() if action.scopes])
def test_data_that_a_result_does_not_have_is_nothing(name: str) -> None:
    """No count, no name, no yes: nothing is made up. A check without a status is not ok, an erasure not proven."""
    for model in _models(DATA_MODELS[name]):
        assert {value for value in leaves(model()) if value} <= {"finding", "no_data", "not_proven"}


@pytest.mark.parametrize(
    ("action", "params", "expected"),
    [
        ("describe-list", {}, {"count_contacts": True}),
        ("list-contacts", {}, {"topic": None, "status": None, "unsubscribed": None, "changed_since": None}),
        ("find-contact", {}, {"thorough": False}),
        ("list-suppressed", {}, {"reasons": None, "since": None}),
        ("manage-topic", {}, {}),
        ("backup-list", {}, {"with_attributes": False}),
        ("set-contacts", {}, {"thorough": False, "overwrite_unsubscribes": False}),
        ("remove-contacts", {}, {"confirm_people": None, "thorough": False, "forget_choices": False}),
        ("restore-list", {"backup": "r1"}, {"backup": "r1", "overwrite_unsubscribes": False}),
        ("restore-topics", {"backup": "r1"}, {"backup": "r1"}),
        ("import-aws-contact", {}, {"username": None, "sync_topics": False}),
        ("set-suppressed", {}, {"confirm_people": None}),
        ("validate-access", {}, {}),
        (
            "check-health",
            {},
            {
                "domains": None,
                "configuration_set": None,
                "bounce_finding_percent": 2.0,
                "bounce_failed_percent": 5.0,
                "complaint_finding_percent": 0.1,
                "complaint_failed_percent": 0.5,
                "quota_finding_percent": 80.0,
                "quota_failed_percent": 100.0,
                "minimum_sent": 1_000,
            },
        ),
        ("describe-topics", {}, {}),
    ],
)
def test_params_that_are_left_out_are_the_careful_ones(
    action: str, params: dict[str, Any], expected: dict[str, Any]
) -> None:
    """Everybody is counted and read; nobody is overruled, and no topic is given that was not asked for."""
    assert ACTIONS[action].params.model_validate(params).model_dump() == expected


@pytest.mark.parametrize(
    ("action", "name", "good", "bad"),
    [
        ("import-aws-contact", "username", ["a", "x" * 128], ["", "x" * 129, 5]),
        ("import-aws-contact", "sync_topics", [True, False], ["true", 1]),
        ("find-contact", "thorough", [True, False], ["true", 1]),
        ("set-suppressed", "confirm_people", [1, 10_000], [0, -1, "1", True]),
        ("list-suppressed", "since", [], ["yesterday", 5]),
        ("restore-list", "backup", ["a", "x" * 40, "A_9-"], ["", "x" * 41, "a/b", 5]),
        ("list-contacts", "topic", ["a", "x" * 64], ["", "x" * 65, "a b", "ada@x.example"]),
        ("list-contacts", "unsubscribed", [True, False], ["false", 0]),
        ("check-health", "bounce_finding_percent", [0.01, 5, 5.0], [0, -1, 101, "2", True, 5.1, float("nan")]),
        ("check-health", "complaint_failed_percent", [0.1, 100], [0, 0.09, "1"]),
        ("check-health", "minimum_sent", [1, 10**6], [0, 1.5, "1", True]),
        ("check-health", "configuration_set", ["a", "x" * 64], ["", "x" * 65, "a b"]),
    ],
)
def test_params_are_possible_ones(action: str, name: str, good: list[Any], bad: list[Any]) -> None:
    """Of their type, and as long as SES, Identity Center and run ids are."""
    for value in good:
        assert getattr(ACTIONS[action].params.model_validate({name: value}), name) == value
    for value in bad:
        with pytest.raises(ValidationError):
            ACTIONS[action].params.model_validate({name: value})


def test_a_status_is_of_a_topic_and_opt_in_unless_it_says_otherwise() -> None:
    """Without a topic it says nothing."""
    params = ACTIONS["list-contacts"].params
    assert params.model_validate({"topic": "a"}).wanted_status == "OPT_IN"  # type: ignore[attr-defined]
    assert params.model_validate({"topic": "a", "status": "OPT_OUT"}).wanted_status == "OPT_OUT"  # type: ignore[attr-defined]
    with pytest.raises(ValidationError):
        params.model_validate({"status": "OPT_OUT"})


def test_reasons_are_a_list_of_ses_own() -> None:
    """One at least; nothing else is taken for one."""
    params = ACTIONS["list-suppressed"].params
    for good in (["BOUNCE"], ["COMPLAINT", "BOUNCE"]):
        assert params.model_validate({"reasons": good}).reasons == tuple(good)  # type: ignore[attr-defined]
    for bad in ([], ["bounce"], "BOUNCE", [None], 5):
        with pytest.raises(ValidationError):
            params.model_validate({"reasons": bad})


def test_domains_are_a_list_of_domains() -> None:
    """One at least, and no address, which would lie in the run's record."""
    params = ACTIONS["check-health"].params
    for good in (["a.example"], ["A.b-c.example", "_x.example"], ["a.example"] * 50):
        assert params.model_validate({"domains": good}).domains == tuple(good)  # type: ignore[attr-defined]
    bads: tuple[Any, ...] = ([], "a.example", ["ada@x.example"], ["example"], ["a..example"], [f"{'a.' * 130}example"])
    for bad in (*bads, ["a.example"] * 51, [5], ["a.example\n"], ["-a.example"], ["*.example"]):
        with pytest.raises(ValidationError):
            params.model_validate({"domains": bad})


def test_a_time_without_a_zone_is_utc() -> None:
    """With one it is that moment."""
    params = ACTIONS["list-contacts"].params
    moments = [
        params.model_validate({"changed_since": text}).changed_since.isoformat()  # type: ignore[attr-defined]
        for text in ("2026-01-31", "2026-01-31T12:00:00", "2026-01-31T12:00:00+02:00")
    ]
    assert moments == ["2026-01-31T00:00:00+00:00", "2026-01-31T12:00:00+00:00", "2026-01-31T12:00:00+02:00"]
    for bad in ("yesterday", 5, ""):
        with pytest.raises(ValidationError):
            params.model_validate({"changed_since": bad})


def test_a_trigger_is_as_long_as_schedulers_attributes() -> None:
    """Neither of them is empty."""
    assert Trigger(schedule_arn="a" * 2_048, scheduled_time="t" * 64).schedule_arn == "a" * 2_048
    assert Trigger(schedule_arn="a", scheduled_time="t").scheduled_time == "t"
    for arn, time in (("", "t"), ("a", ""), ("a" * 2_049, "t"), ("a", "t" * 65)):
        with pytest.raises(ValidationError):
            Trigger(schedule_arn=arn, scheduled_time=time)


def test_what_each_action_may_do_is_declared() -> None:
    """Who changes something, who takes prune, who needs people, who reads SESConfig.json."""
    known = {
        name: (one.mutates, one.prunes, one.reads_identity_center, one.ses_config) for name, one in ACTIONS.items()
    }
    reading = (False, False, False, "no")
    assert known == {
        "describe-list": reading,
        "describe-topics": (False, False, False, "if there"),
        "list-contacts": reading,
        "find-contact": reading,
        "list-suppressed": reading,
        "validate-access": reading,
        "check-health": reading,
        "manage-topic": (True, True, False, "required"),
        "backup-list": reading,
        "restore-list": (True, False, False, "no"),
        "restore-topics": (True, False, False, "no"),
        "import-aws-contact": (True, True, True, "required"),
        "set-suppressed": (True, False, False, "no"),
        "erase-contact": (True, False, False, "no"),
        "un-erase": (True, False, False, "no"),
        "read-identity-center": reading,
        "set-contacts": (True, False, False, "no"),
        "remove-contacts": (True, False, False, "no"),
    }
