"""Identity Centers in a scenario file: what they become, and every fault by its path."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ses_fleet_local import scenario
from ses_fleet_local.accounts import fill_accounts
from strict_aws.http.messages import AwsError
from strict_aws.identity_center.identity_scenario import People, ScenarioIdentityCenter
from strict_aws.identity_center.service import StrictIdentityCenter
from strict_aws.ses.service import StrictSes

OWNER, MEMBER = "111122223333", "444455556666"
STORE = "d-0123456789"
ADA, BOB = {"username": "ada", "email": "Ada@x.example", "display_name": "Ada"}, {"username": "bob"}


def file(folder: Path, *centers: Any, owners: tuple[str, ...] = (OWNER,)) -> Path:
    """A scenario file in which these accounts have these Identity Centers each."""
    accounts = {account: {"identity_centers": list(centers)} for account in owners}
    path = folder / "scenario.json"
    path.write_text(json.dumps({"accounts": accounts}))
    return path


def filled(path: Path) -> StrictIdentityCenter:
    """The strict Identity Center that comes of it, without a throttle."""
    made = StrictIdentityCenter(rate=None)
    fill_accounts(StrictSes(rate=None), made, scenario.read(path))
    return made


def stores(made: StrictIdentityCenter, account: str, region: str = "us-east-1") -> list[str]:
    """What an account sees."""
    found = made.call("sso-admin", account, region, "ListInstances", {})["Instances"]
    return [one["IdentityStoreId"] for one in found]


def listed(made: StrictIdentityCenter, operation: str, **params: str) -> list[dict[str, Any]]:
    """The first page of OWNER's store in us-east-1."""
    (store,) = stores(made, OWNER)
    answer = made.call("identitystore", OWNER, "us-east-1", operation, {"IdentityStoreId": store, **params})
    (found,) = [value for value in answer.values() if isinstance(value, list)]
    return found


def test_a_scenarios_people_are_in_the_store(tmp_path: Path) -> None:
    """Status, address and names as given, in their order; groups with their members; visible to whom it says."""
    center = {
        "region": "us-east-1",
        "identity_store_id": STORE,
        "visible_to": [MEMBER],
        "users": [ADA, {**BOB, "status": "DISABLED"}],
        "groups": [{"name": "g", "members": ["bob", "ada"]}, {"name": "empty"}],
    }
    made = filled(file(tmp_path, center, {"region": "eu-west-1"}))
    assert stores(made, OWNER) == stores(made, MEMBER) == [STORE]
    assert len(stores(made, OWNER, "eu-west-1")) == 1
    ada, bob = listed(made, "ListUsers")
    assert (ada["UserName"], ada["DisplayName"], ada["UserStatus"]) == ("ada", "Ada", "ENABLED")
    assert ada["Emails"][0]["Value"] == "Ada@x.example"
    assert (bob["UserStatus"], "Emails" in bob, "DisplayName" in bob) == ("DISABLED", False, False)
    group, empty = listed(made, "ListGroups")
    assert [group["DisplayName"], empty["DisplayName"]] == ["g", "empty"]
    members = listed(made, "ListGroupMemberships", GroupId=group["GroupId"])
    assert [one["MemberId"]["UserId"] for one in members] == [bob["UserId"], ada["UserId"]]
    assert listed(made, "ListGroupMemberships", GroupId=empty["GroupId"]) == []


def test_people_and_groups_are_made_up(tmp_path: Path) -> None:
    """As many as asked for."""
    groups = {"generate": 3, "members": 2, "name": "ccoe-{n}-dba"}
    made = filled(file(tmp_path, {"region": "us-east-1", "users": {"generate": 7, "seed": 4}, "groups": groups}))
    users, found = listed(made, "ListUsers"), listed(made, "ListGroups")
    assert len(users) == 7
    assert users[6]["Emails"][0]["Value"] == "user-0000006@seed-4.example"
    assert [group["DisplayName"] for group in found] == ["ccoe-00000-dba", "ccoe-00001-dba", "ccoe-00002-dba"]
    assert [len(listed(made, "ListGroupMemberships", GroupId=group["GroupId"])) for group in found] == [2, 2, 2]


def test_an_instance_may_be_in_transition_and_groups_may_vanish(tmp_path: Path) -> None:
    """As the file says."""
    groups = [{"name": "gone", "vanishes_after_listing": True}, {"name": "late", "answers_at_second_attempt": True}]
    other = {"region": "eu-west-1", "status": "CREATE_IN_PROGRESS"}
    made = filled(file(tmp_path, {"region": "us-east-1", "groups": groups}, other))
    (instance,) = made.call("sso-admin", OWNER, "eu-west-1", "ListInstances", {})["Instances"]
    assert (instance["Status"], "IdentityStoreId" in instance) == ("CREATE_IN_PROGRESS", False)
    gone, late = (group["GroupId"] for group in listed(made, "ListGroups"))
    for group_id in (gone, late, gone):
        with pytest.raises(AwsError, match=r"GROUP not found\."):
            listed(made, "ListGroupMemberships", GroupId=group_id)
    assert listed(made, "ListGroupMemberships", GroupId=late) == []


def test_no_identity_center_is_something_else_than_nothing_said(tmp_path: Path) -> None:
    """An empty list = none; an account that is not in the scenario, or says nothing of them, has an empty one."""
    made = filled(file(tmp_path))
    assert stores(made, OWNER) == []
    assert len(stores(made, MEMBER)) == 1
    path = tmp_path / "scenario.json"
    path.write_text(json.dumps({"accounts": {OWNER: {"lists": {}}}}))
    assert len(stores(filled(path), OWNER)) == 1


@pytest.mark.parametrize(
    ("center", "fault"),
    [
        ({}, ".0.region: Field required"),
        ({"region": "Virginia"}, ".0.region: Value error, is not the name of a Region"),
        ({"region": "us-east-1", "identity_store_id": "d-1"}, ".0.identity_store_id: String should match pattern"),
        ({"region": "us-east-1", "visible_to": ["me"]}, ".0.visible_to.0: String should match pattern"),
        ({"region": "us-east-1", "user": []}, ".0.user: Extra inputs are not permitted"),
        ({"region": "us-east-1", "users": 7}, ".0.users: Input should be a valid list"),
        ({"region": "us-east-1", "users": [{}]}, ".0.users.0.username: Field required"),
        ({"region": "us-east-1", "users": [{"username": "a b"}]}, ".0.users.0.username: String should match"),
        (
            {"region": "us-east-1", "users": [ADA, {**BOB, "status": "enabled"}]},
            ".0.users.1.status: Input should be 'ENABLED' or 'DISABLED'",
        ),
        ({"region": "us-east-1", "users": {"generate": -1}}, ".0.users.generate: Input should be greater than"),
        ({"region": "us-east-1", "users": {"count": 1}}, ".0.users.generate: Field required"),
        ({"region": "us-east-1", "status": "GONE"}, ".0.status: Input should be 'ACTIVE', 'CREATE_IN_PROGRESS'"),
        (
            {"region": "us-east-1", "users": {"generate": 9}, "groups": {"generate": 1, "members": 1, "name": "g"}},
            ".0.groups.name: Value error, must have {n} where each group's number is to be",
        ),
        (
            {"region": "us-east-1", "users": {"generate": 2}, "groups": {"generate": 1, "members": 3, "name": "{n}"}},
            ".0: Value error, groups.members: 3 in each, but there are 2 users",
        ),
        (
            {"region": "us-east-1", "users": [ADA, {"username": "ADA"}]},
            ".0: Value error, users: there are two of the name ada",
        ),
        (
            {"region": "us-east-1", "groups": [{"name": "g"}, {"name": "g"}]},
            ".0: Value error, groups: there are two of the name g",
        ),
        (
            {"region": "us-east-1", "users": [ADA], "groups": [{"name": "g", "members": ["ada", "zoe"]}]},
            ".0: Value error, groups.0.members: there is no user zoe",
        ),
        (
            {"region": "us-east-1", "users": [ADA], "groups": [{"name": "g", "members": ["ada", "ada"]}]},
            ".0: Value error, groups.0.members: ada is there twice",
        ),
    ],
)
def test_a_fault_is_named_with_its_path(center: dict[str, Any], fault: str, tmp_path: Path) -> None:
    """The file, where in it, and what."""
    path = file(tmp_path, center)
    with pytest.raises(scenario.ScenarioError) as error:
        scenario.read(path)
    assert str(error.value).startswith(f"{path}: $.accounts.{OWNER}.identity_centers{fault}")


def test_an_account_has_one_in_a_region(tmp_path: Path) -> None:
    """Two would replace each other."""
    path = file(tmp_path, {"region": "us-east-1"}, {"region": "us-east-1"})
    with pytest.raises(scenario.ScenarioError, match="there are two in us-east-1: an account has one in a Region"):
        scenario.read(path)


def test_no_two_have_the_same_store(tmp_path: Path) -> None:
    """Of whatever account."""
    center = {"region": "us-east-1", "identity_store_id": STORE}
    path = file(tmp_path, center, owners=(OWNER, MEMBER))
    with pytest.raises(scenario.ScenarioError, match=f"{STORE} is there twice, in accounts {OWNER} and {MEMBER}"):
        scenario.read(path)


def test_the_control_takes_one_without_its_region() -> None:
    """The path has it."""
    assert People.model_validate({"users": [ADA]}).region is None
    with pytest.raises(ValidationError):
        ScenarioIdentityCenter.model_validate({"users": [ADA]})
