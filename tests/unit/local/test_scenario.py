"""Scenario files: what they say of accounts, and every problem by its path."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ses_fleet_local import scenario
from ses_fleet_local.accounts import fill_accounts
from ses_fleet_local.scenario import Scenario
from strict_aws.cloudwatch.service import StrictCloudWatch
from strict_aws.identity_center.service import StrictIdentityCenter
from strict_aws.ses.service import StrictSes

OWNER, MEMBER = "111122223333", "444455556666"
ACCOUNT = MEMBER
STORE = "d-0123456789"


def file(folder: Path, *centers: Any, owners: tuple[str, ...] = (OWNER,)) -> Path:
    """A scenario file in which these accounts have these Identity Centers each."""
    accounts = {account: {"identity_centers": list(centers)} for account in owners}
    path = folder / "scenario.json"
    path.write_text(json.dumps({"accounts": accounts}))
    return path


def filled(path: Path) -> StrictIdentityCenter:
    """The strict Identity Center that comes of it, without a throttle."""
    made = StrictIdentityCenter(rate=None)
    fill_accounts(StrictSes(rate=None), StrictCloudWatch(), made, scenario.read(path))
    return made


def stores(made: StrictIdentityCenter, account: str, region: str = "us-east-1") -> list[str]:
    """The ids of the stores that an account sees."""
    found = made.call("sso-admin", account, region, "ListInstances", {})["Instances"]
    return [one["IdentityStoreId"] for one in found]


def test_a_scenarios_identity_centers_are_in_their_accounts_and_regions(tmp_path: Path) -> None:
    """Each in its own Region, with its people, visible to whom it says."""
    center = {"region": "us-east-1", "identity_store_id": STORE, "visible_to": [MEMBER], "users": {"generate": 3}}
    made = filled(file(tmp_path, center, {"region": "eu-west-1"}))
    assert stores(made, OWNER) == stores(made, MEMBER) == [STORE]
    assert len(stores(made, OWNER, "eu-west-1")) == 1
    users = made.call("identitystore", OWNER, "us-east-1", "ListUsers", {"IdentityStoreId": STORE})["Users"]
    assert len(users) == 3


def test_no_identity_center_is_something_else_than_nothing_said(tmp_path: Path) -> None:
    """An empty list = none; an account that is not in the scenario, or says nothing of them, has an empty one."""
    made = filled(file(tmp_path))
    assert stores(made, OWNER) == []
    assert len(stores(made, MEMBER)) == 1
    path = tmp_path / "scenario.json"
    path.write_text(json.dumps({"accounts": {OWNER: {"lists": {}}}}))
    assert len(stores(filled(path), OWNER)) == 1


@pytest.mark.parametrize(
    ("center", "problem"),
    [
        ({}, ".0.region: Field required"),
        ({"region": "us-east-1", "users": [{}]}, ".0.users.0.username: Field required"),
        ({"region": "us-east-1", "users": {"count": 1}}, ".0.users.generate: Field required"),
        (
            {"region": "us-east-1", "groups": [{"name": "g"}, {"name": "g"}]},
            ".0: Value error, groups: there are two of the name g",
        ),
    ],
)
def test_a_problem_is_named_with_its_file_and_path(center: dict[str, Any], problem: str, tmp_path: Path) -> None:
    """The file, where in it, and what."""
    path = file(tmp_path, center)
    with pytest.raises(scenario.ScenarioError) as error:
        scenario.read(path)
    assert str(error.value).startswith(f"{path}: $.accounts.{OWNER}.identity_centers{problem}")


def test_an_account_has_one_in_a_region(tmp_path: Path) -> None:
    """Two would replace each other."""
    path = file(tmp_path, {"region": "us-east-1"}, {"region": "us-east-1"})
    with pytest.raises(scenario.ScenarioError, match="there are two in us-east-1: an account has one in a Region"):
        scenario.read(path)


def test_no_two_have_the_same_store(tmp_path: Path) -> None:
    """This holds across all accounts of the file."""
    center = {"region": "us-east-1", "identity_store_id": STORE}
    path = file(tmp_path, center, owners=(OWNER, MEMBER))
    with pytest.raises(scenario.ScenarioError, match=f"{STORE} is there twice, in accounts {OWNER} and {MEMBER}"):
        scenario.read(path)


@pytest.mark.parametrize(
    "account",
    [
        {"lists": {"us-east-3": {"name": "main"}}},
        {"ses": {"us-east-3": {}}},
        {"buckets": {"b": {"region": "us-east-3"}}},
        {"identity_centers": [{"region": "us-east-3"}]},
        {"disabled_regions": ["us-east-3"]},
    ],
)
def test_a_scenario_names_aws_regions(account: dict[str, Any]) -> None:
    """Everywhere; one that AWS has is taken."""
    with pytest.raises(ValueError, match="is not the name of a Region that AWS has"):
        Scenario.model_validate({"accounts": {ACCOUNT: account}})


def test_a_scenario_says_which_regions_an_account_has_not_enabled() -> None:
    """None, unless it says so."""
    scenario = Scenario.model_validate({"accounts": {ACCOUNT: {"disabled_regions": ["af-south-1"]}, "1" * 12: {}}})
    assert scenario.disabled_regions == {ACCOUNT: {"af-south-1"}, "1" * 12: frozenset()}
