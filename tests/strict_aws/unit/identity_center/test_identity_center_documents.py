"""Identity Centers as JSON documents describe them: what they become, and every problem by its path."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from strict_aws.control.identity_centers import (
    IdentityCenterDocument,
    PlacedIdentityCenterDocument,
    put_identity_center,
)
from strict_aws.control.problems import first_problem
from strict_aws.http.messages import AwsError
from strict_aws.identity_center.service import StrictIdentityCenter

OWNER, MEMBER = "111122223333", "444455556666"
STORE = "d-0123456789"
ADA, BOB = {"username": "ada", "email": "Ada@x.example", "display_name": "Ada"}, {"username": "bob"}


def filled(*centers: Any) -> StrictIdentityCenter:
    """The strict Identity Center in which OWNER has these instances, without a throttle."""
    made = StrictIdentityCenter(rate=None)
    for center in centers:
        wanted = PlacedIdentityCenterDocument.model_validate(center)
        put_identity_center(made, OWNER, wanted.region, wanted)
    return made


def stores(made: StrictIdentityCenter, account: str, region: str = "us-east-1") -> list[str]:
    """The ids of the stores that an account sees."""
    found = made.call("sso-admin", account, region, "ListInstances", {})["Instances"]
    return [one["IdentityStoreId"] for one in found]


def listed(made: StrictIdentityCenter, operation: str, **params: str) -> list[dict[str, Any]]:
    """The first page of OWNER's store in us-east-1."""
    (store,) = stores(made, OWNER)
    answer = made.call("identitystore", OWNER, "us-east-1", operation, {"IdentityStoreId": store, **params})
    (found,) = [value for value in answer.values() if isinstance(value, list)]
    return found


def test_a_documents_people_are_in_the_store() -> None:
    """Status, address and names as given, in their order; groups with their members; visible to whom it says."""
    center = {
        "region": "us-east-1",
        "identity_store_id": STORE,
        "visible_to": [MEMBER],
        "users": [ADA, {**BOB, "status": "DISABLED"}],
        "groups": [{"name": "g", "members": ["bob", "ada"]}, {"name": "empty"}],
    }
    made = filled(center, {"region": "eu-west-1"})
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


def test_people_and_groups_are_made_up() -> None:
    """As many as asked for."""
    groups = {"generate": 3, "members": 2, "name": "ccoe-{n}-dba"}
    made = filled({"region": "us-east-1", "users": {"generate": 7, "seed": 4}, "groups": groups})
    users, found = listed(made, "ListUsers"), listed(made, "ListGroups")
    assert len(users) == 7
    assert users[6]["Emails"][0]["Value"] == "user-0000006@seed-4.example"
    assert [group["DisplayName"] for group in found] == ["ccoe-00000-dba", "ccoe-00001-dba", "ccoe-00002-dba"]
    assert [len(listed(made, "ListGroupMemberships", GroupId=group["GroupId"])) for group in found] == [2, 2, 2]


def test_an_instance_may_be_in_transition_and_groups_may_vanish() -> None:
    """Both are as the document says."""
    groups = [{"name": "gone", "vanishes_after_listing": True}, {"name": "late", "answers_at_second_attempt": True}]
    other = {"region": "eu-west-1", "status": "CREATE_IN_PROGRESS"}
    made = filled({"region": "us-east-1", "groups": groups}, other)
    (instance,) = made.call("sso-admin", OWNER, "eu-west-1", "ListInstances", {})["Instances"]
    assert (instance["Status"], "IdentityStoreId" in instance) == ("CREATE_IN_PROGRESS", False)
    gone, late = (group["GroupId"] for group in listed(made, "ListGroups"))
    for group_id in (gone, late, gone):
        with pytest.raises(AwsError, match=r"GROUP not found\."):
            listed(made, "ListGroupMemberships", GroupId=group_id)
    assert listed(made, "ListGroupMemberships", GroupId=late) == []


@pytest.mark.parametrize(
    ("center", "problem"),
    [
        ({}, ".region: Field required"),
        ({"region": "Virginia"}, ".region: Value error, is not the name of a Region"),
        ({"region": "us-east-1", "identity_store_id": "d-1"}, ".identity_store_id: String should match pattern"),
        ({"region": "us-east-1", "visible_to": ["me"]}, ".visible_to.0: String should match pattern"),
        ({"region": "us-east-1", "user": []}, ".user: Extra inputs are not permitted"),
        ({"region": "us-east-1", "users": 7}, ".users: Input should be a valid list"),
        ({"region": "us-east-1", "users": [{}]}, ".users.0.username: Field required"),
        ({"region": "us-east-1", "users": [{"username": "a b"}]}, ".users.0.username: String should match"),
        (
            {"region": "us-east-1", "users": [ADA, {**BOB, "status": "enabled"}]},
            ".users.1.status: Input should be 'ENABLED' or 'DISABLED'",
        ),
        ({"region": "us-east-1", "users": {"generate": -1}}, ".users.generate: Input should be greater than"),
        ({"region": "us-east-1", "users": {"count": 1}}, ".users.generate: Field required"),
        ({"region": "us-east-1", "status": "GONE"}, ".status: Input should be 'ACTIVE', 'CREATE_IN_PROGRESS'"),
        (
            {"region": "us-east-1", "users": {"generate": 9}, "groups": {"generate": 1, "members": 1, "name": "g"}},
            ".groups.name: Value error, must have {n} where the number of each group goes",
        ),
        (
            {"region": "us-east-1", "users": {"generate": 2}, "groups": {"generate": 1, "members": 3, "name": "{n}"}},
            ": Value error, groups.members: 3 in each, but there are 2 users",
        ),
        (
            {"region": "us-east-1", "users": [ADA, {"username": "ADA"}]},
            ": Value error, users: there are two of the name ada",
        ),
        (
            {"region": "us-east-1", "groups": [{"name": "g"}, {"name": "g"}]},
            ": Value error, groups: there are two of the name g",
        ),
        (
            {"region": "us-east-1", "users": [ADA], "groups": [{"name": "g", "members": ["ada", "zoe"]}]},
            ": Value error, groups.0.members: there is no user zoe",
        ),
        (
            {"region": "us-east-1", "users": [ADA], "groups": [{"name": "g", "members": ["ada", "ada"]}]},
            ": Value error, groups.0.members: ada is there twice",
        ),
    ],
)
def test_a_problem_is_named_with_its_path(center: dict[str, Any], problem: str) -> None:
    """400, where in the document, and what."""
    with pytest.raises(ValidationError) as error:
        PlacedIdentityCenterDocument.model_validate(center)
    refused = first_problem(error.value)
    assert refused.status == 400
    assert refused.message.startswith(f"${problem}")


def test_the_control_takes_one_without_its_region() -> None:
    """The Region is in the path of the request; a scenario has to name it."""
    assert IdentityCenterDocument.model_validate({"users": [ADA]}).region is None
    with pytest.raises(ValidationError):
        PlacedIdentityCenterDocument.model_validate({"users": [ADA]})
