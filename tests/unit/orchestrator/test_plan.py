"""Who is run, who is not and why."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from ses_fleet.config import config_json
from ses_fleet.errors import RequestError
from ses_fleet.orchestrator import plan
from ses_fleet.orchestrator.config_files import ConfigFiles, Meanwhile
from ses_fleet.orchestrator.plan import Plan
from ses_fleet.orchestrator.wanted_topics import WantedTopics
from ses_fleet.runs import request

SAMPLE = json.loads((Path(__file__).parents[2] / "data" / "config.json").read_text())


def made(document: Any = SAMPLE, **payload: Any) -> Plan:
    """The plan of a payload on a config.json."""
    start = request.parse({"action": "describe-list-all", **payload})
    config = config_json.read(document, region="us-east-1", partition="aws", version="v1")
    return plan.make(start.request, ConfigFiles(config, WantedTopics()), plan.select(start.request, config))


def refused(document: Any = SAMPLE, **payload: Any) -> str:
    """Why there is no plan."""
    with pytest.raises(RequestError) as error:
        made(document, **payload)
    return str(error.value)


def codes(of: Plan) -> list[str]:
    """Selected customers, in order."""
    return [one.code for one in of.customers]


def fleet(count: int) -> dict[str, Any]:
    """So many customers with accounts of their own."""
    return {
        "customer_mappings": {
            f"c{n}": {
                "customer_code": f"c{n}",
                "region": "us-east-1",
                "ses_role_arn": f"arn:aws:iam::{10**11 + n}:role/r",
            }
            for n in range(count)
        }
    }


def test_everybody_is_selected_in_the_files_order() -> None:
    """Skipped and misconfigured customers too: exactly one result each."""
    found = made()
    assert codes(found) == list(SAMPLE["customer_mappings"])
    known = {one.code: one.result.status for one in found.customers if one.result}
    assert known == {"initech": "skipped", "umbrella": "failed"}
    assert "initech is skipped: no ses_role_arn in config.json" in found.warnings


@pytest.mark.parametrize(
    ("selection", "selected"),
    [
        ({"include": ["globex", "acme"]}, ["acme", "globex"]),
        ({"exclude": ["acme", "umbrella"]}, ["acmenonprod", "globex", "initech"]),
        ({"environment": "nonprod"}, ["acmenonprod"]),
        ({"include": ["acme", "globex"], "exclude": ["acme"], "environment": "prod"}, ["globex"]),
    ],
)
def test_customers_are_selected_by_code_and_environment(selection: dict[str, Any], selected: list[str]) -> None:
    """What is given narrows together; the order stays the file's."""
    assert codes(made(**selection)) == selected


def test_unknown_codes_get_the_nearest() -> None:
    """Every unknown code is named, in include and in exclude."""
    assert refused(include=["acme", "acmee"], exclude=["globe"]).splitlines() == [
        '$.include[1]: config.json has no customer "acmee"; did you mean "acme"?',
        '$.exclude[0]: config.json has no customer "globe"; did you mean "globex"?',
    ]


def test_an_empty_selection_is_refused() -> None:
    """A run on nobody would look like a success."""
    assert refused(include=["acme"], exclude=["acme"]) == "$: include, exclude and environment together select nobody"
    assert refused(environment="prd") == '$.environment: no customer is of environment "prd"; there are: nonprod, prod'


def test_more_than_five_thousand_are_refused() -> None:
    """A response could not hold them."""
    assert "5001 customers are selected, more than 5000" in refused(fleet(5001))
    assert len(made(fleet(5000)).customers) == 5000


@pytest.mark.parametrize(
    ("requested", "effective"), [(0, 5), (-1, 5), (-(10**9), 5), (1, 1), (3, 3), (5, 5), (6, 5), (10**9, 5)]
)
def test_concurrency_is_bound_by_the_customers(requested: int, effective: int) -> None:
    """0, negative and more than there are customers = all at once."""
    concurrency = made(max_customer_concurrency=requested).concurrency
    assert (concurrency.requested, concurrency.effective, concurrency.bound_by) == (requested, effective, None)


@pytest.mark.parametrize("requested", [0, 501, 600])
def test_the_service_cap_says_that_it_bound(requested: int) -> None:
    """More threads than Lambda has file descriptors for would break the run."""
    concurrency = made(fleet(600), max_customer_concurrency=requested).concurrency
    assert (concurrency.effective, concurrency.bound_by) == (500, "service_cap")


def test_a_single_action_selects_its_customer() -> None:
    """And an unknown one gets the nearest."""
    assert codes(made(action="describe-list", customer_code="globex")) == ["globex"]
    assert 'did you mean "globex"?' in refused(action="describe-list", customer_code="globx")


def test_a_role_override_stays_in_the_configured_account() -> None:
    """Otherwise whoever may invoke could send a customer's data to a role of their own."""
    single = {"action": "describe-list", "customer_code": "globex"}
    other = "arn:aws:iam::777788889999:role/other"
    (one,) = made(**single, ses_role_arn=other).customers
    assert one.checked is not None
    assert one.checked.ses_role_arn == other
    assert "is of account 111122223333" in refused(**single, ses_role_arn="arn:aws:iam::111122223333:role/x")
    assert "is of account" in refused(**single, ses_role_arn="arn:aws-cn:iam::777788889999:role/x")
    assert "is not a role ARN" in refused(**single, ses_role_arn="x")
    without = {"action": "describe-list", "customer_code": "initech"}
    assert "has no usable role in config.json" in refused(**without, ses_role_arn=other)


def test_two_customers_with_one_list_are_a_warning_when_reading() -> None:
    """Both are run, and the person hears that they share a list."""
    document = fleet(3)
    document["customer_mappings"]["c2"]["ses_role_arn"] = document["customer_mappings"]["c0"]["ses_role_arn"]
    found = made(document)
    assert all(one.checked for one in found.customers)
    assert found.warnings == (
        "c0, c2 have the same account 100000000000 and Region us-east-1, so they share one contact list",
    )


def test_a_dry_run_of_a_reading_action_starts_no_worker() -> None:
    """It shows the role and Region that would be used."""
    found = made(dry_run=True)
    assert not any(one.checked for one in found.customers)
    first = found.customers[0].result
    assert first is not None
    assert (first.status, first.attempts) == ("successful", 0)
    assert first.data == {
        "would_use": {"ses_role_arn": "arn:aws:iam::111122223333:role/acme-contact-manager", "region": "us-east-1"}
    }


@pytest.mark.parametrize(
    ("allowed", "selected", "failures"),
    [(None, 10, None), (0, 10, 0), (3, 10, 3), ("10%", 25, 2), ("0%", 25, 0), ("100%", 7, 7), ("99%", 1, 0)],
)
def test_max_failures_as_a_percentage_is_rounded_down(allowed: Any, selected: int, failures: int | None) -> None:
    """Of the selected customers."""
    assert made(fleet(selected), max_failures=allowed).failures_allowed == failures


@pytest.mark.parametrize(
    ("payload", "failures"),
    [
        ({"failure_mode": "strict", "max_failures": "10%"}, 1),
        ({"failure_mode": "strict", "max_failures": "50%"}, 2),
        ({"ramp": ["100%"]}, 0),
        ({"ramp": ["100%"], "max_failures": "50%"}, 2),
    ],
)
def test_a_strict_run_bears_one_failure_at_least_and_a_ramp_none_unless_it_is_said(payload: Any, failures: int) -> None:
    """Of five customers: a percentage that comes to nobody would start nobody."""
    assert made(fleet(5), **payload).failures_allowed == failures


@pytest.mark.parametrize(
    ("include", "turn"),
    [(None, ["c0", "c1", "c2", "c3"]), (["c3", "c1"], ["c3", "c1"]), (["c2", "c0", "c2", "c3"], ["c2", "c0", "c3"])],
)
def test_customers_start_in_the_order_in_which_they_are_named(include: list[str] | None, turn: list[str]) -> None:
    """The first of them are a ramp's first stage; results stay in the file's order."""
    payload = {} if include is None else {"include": include}
    found = made(fleet(4), ramp=[1, "100%"], **payload)
    assert [one.code for one in found.in_turn()] == turn
    assert [[found.customers[index].code for index in stage] for stage in found.stages()] == [turn[:1], turn[1:]]
    assert codes(found) == sorted(turn)


def again(
    document: Any,
    now: Any = None,
    *,
    begun: Collection[int] = (),
    waiting: Collection[int] = (),
    disabled: Collection[str] = (),
    **payload: Any,
) -> Plan:
    """The plan of a later invocation of a run on config.json `document`, which has become `now` meanwhile."""
    found = made(document, action="manage-topic-all", **payload)
    stored = found.document("r", "", "", dead_after=60.0, owner="t")
    config = config_json.read(now or document, region="us-east-1", partition="aws", version="v1")
    meanwhile = Meanwhile(frozenset(disabled), ("it changed",))
    files = ConfigFiles(config, WantedTopics(warnings=("no drift",)))
    return plan.again(found.request, files, stored, begun=begun, waiting=waiting, meanwhile=meanwhile)


def test_a_later_invocation_runs_who_is_left_and_nobody_else() -> None:
    """Who has a result has neither a check nor another result; numbers, versions and warnings are the run's."""
    found = again(fleet(4), begun=[2], waiting=[3], max_customer_concurrency=2)
    assert [(one.checked is not None, one.result) for one in found.customers] == [
        *[(False, None)] * 2,
        *[(True, None)] * 2,
    ]
    assert (codes(found), found.concurrency.effective) == (["c0", "c1", "c2", "c3"], 2)
    assert (found.config_version.config, found.warnings) == ("v1", ("no drift", "it changed"))


def test_who_was_disabled_meanwhile_is_started_no_more() -> None:
    """Who has begun goes on, so that nobody's list is left half done."""
    found = again(fleet(3), begun=[0], waiting=[1, 2], disabled=["c0", "c1"])
    assert found.customers[0].checked is not None
    assert found.customers[2].checked is not None
    result = found.customers[1].result
    assert result is not None
    assert (result.status, result.warnings) == (
        "skipped",
        ("it was disabled in config.json, or removed from it, while the run was under way",),
    )


@pytest.mark.parametrize(
    "change", [{"ses_role_arn": "arn:aws:iam::999988887777:role/r"}, {"region": "eu-west-1"}, None]
)
def test_who_is_not_what_the_plan_says_is_not_run(change: dict[str, str] | None) -> None:
    """Another account, another Region, nobody: what the run read at its start should have them as its plan does."""
    now = fleet(2)
    if change is None:
        del now["customer_mappings"]["c1"]
    else:
        now["customer_mappings"]["c1"].update(change)
    found = again(fleet(2), now, begun=[1], waiting=[0])
    assert found.customers[0].checked is not None
    result = found.customers[1].result
    assert result is not None
    assert result.error is not None
    assert (result.status, result.error.type, result.error.retryable) == ("failed", "ConfigurationChanged", True)
    assert result.account_id == "100000000001"


def test_a_role_override_that_fits_no_more_fails_its_customer() -> None:
    """It is never used in another account than the one that was configured."""
    role = "arn:aws:iam::100000000000:role/other"
    now = fleet(1)
    now["customer_mappings"]["c0"]["ses_role_arn"] = "nobody"
    found = made(fleet(1), action="manage-topic", customer_code="c0", ses_role_arn=role)
    stored = found.document("r", "", "", dead_after=60.0, owner="t")
    for document, type_ in ((fleet(1), None), (now, "ConfigurationChanged")):
        config = config_json.read(document, region="us-east-1", partition="aws", version="v1")
        files = ConfigFiles(config, WantedTopics())
        later = plan.again(found.request, files, stored, begun=(), waiting=(0,), meanwhile=Meanwhile())
        (one,) = later.customers
        assert (one.checked and one.checked.ses_role_arn) == (None if type_ else role)
        assert (one.result and one.result.error and one.result.error.type) == type_


def test_of_a_run_that_is_over_nobody_is_run() -> None:
    """Its end has everybody, in order, and what the plan says of the run."""
    found = made(fleet(3))
    stored = found.document("r", "", "", dead_after=60.0, owner="t")
    over = plan.over(found.request, stored, None)
    assert codes(over) == ["c0", "c1", "c2"]
    assert [(one.checked, one.result) for one in over.customers] == [(None, None)] * 3
    assert (over.warnings, over.config_version, over.concurrency) == (
        found.warnings,
        found.config_version,
        found.concurrency,
    )
    assert over.in_turn() == []


def test_a_later_invocation_names_customers_in_the_files_order() -> None:
    """Whatever the order in which they were left."""
    document = fleet(9)
    document["customer_mappings"]["c8"]["ses_role_arn"] = document["customer_mappings"]["c0"]["ses_role_arn"]
    result = again(document, begun=[8], waiting=[0]).customers[0].result
    assert result is not None
    assert result.error is not None
    assert result.error.message.startswith("c0, c8 have the same account 100000000000")
