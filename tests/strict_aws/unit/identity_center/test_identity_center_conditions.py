"""Identity Center as it is on a bad day: instances in transition, groups that go, texts with values in them."""

from __future__ import annotations

from typing import Any

import pytest

from strict_aws.conditions.conditions import Conditions
from strict_aws.http.messages import AwsError
from strict_aws.identity_center.filling import NewGroup, NewUser
from tests.strict_aws.unit.identity_center.emulated import MEMBER, NAMED, NOBODY, OWNER, REGION, STORE, Emulated


def told(seen: Emulated, operation: str, **params: Any) -> AwsError:
    """The error with which an operation is refused."""
    with pytest.raises(AwsError) as error:
        seen.call(operation, **params)
    return error.value


def test_an_instance_that_is_being_made_has_no_store_yet() -> None:
    """It is listed beside an ACTIVE one."""
    seen = Emulated(users=1)
    seen.put(MEMBER, store_id=None, status="CREATE_IN_PROGRESS")
    seen.put(visible_to=[MEMBER])
    made, active = seen.instances(MEMBER)["Instances"]
    assert (made["Status"], active["Status"]) == ("CREATE_IN_PROGRESS", "ACTIVE")
    assert made.keys() & {"IdentityStoreId", "IdentityStoreArn"} == set()
    assert (made["OwnerAccountId"], active["IdentityStoreId"]) == (MEMBER, STORE)
    assert seen.call("ListUsers", account=MEMBER) == {"Users": []}


def test_an_instance_that_is_being_deleted_is_listed_and_cannot_be_read() -> None:
    """With the id of its store."""
    seen = Emulated()
    seen.put(status="DELETE_IN_PROGRESS", users=[NewUser("ada")])
    (one,) = seen.instances()["Instances"]
    assert (one["Status"], one["IdentityStoreId"]) == ("DELETE_IN_PROGRESS", STORE)
    error = told(seen, "ListUsers")
    assert (error.code, error.message) == (
        "ResourceNotFoundException",
        f"IdentityStore not present for IdentityStoreId: {STORE}",
    )


def test_a_group_may_vanish_once_it_is_listed() -> None:
    """For good, or only for who asks first; others are not touched by it."""
    groups = [
        NewGroup("stays", ["u0"]),
        NewGroup("vanishes", ["u0"], vanishes_after_listing=True),
        NewGroup("late", ["u0"], answers_at_second_attempt=True),
    ]
    seen = Emulated(users=1, groups=groups)
    stays, vanishes, late = (group["GroupId"] for group in seen.call("ListGroups")["Groups"])
    assert len(seen.members(stays)) == 1
    for _ in range(3):
        error = told(seen, "ListGroupMemberships", GroupId=vanishes)
        assert (error.code, error.message) == ("ResourceNotFoundException", "GROUP not found.")
        assert error.fields == {"ResourceType": "GROUP", "ResourceId": vanishes}
    assert told(seen, "ListGroupMemberships", GroupId=late).code == "ResourceNotFoundException"
    assert len(seen.members(late)) == len(seen.members(late)) == 1
    assert len(seen.call("ListGroups")["Groups"]) == 3


@pytest.mark.parametrize(
    ("operation", "params", "message"),
    [
        (
            "CreateUser",
            {**NAMED, "UserName": "ada lovelace"},
            (
                "1 validation error detected: Value 'ada lovelace' at 'userName' failed to satisfy constraint: "
                r"Member must satisfy regular expression pattern: [\p{L}\p{M}\p{S}\p{N}\p{P}]+"
            ),
        ),
        (
            "CreateUser",
            {**NAMED, "UserName": "a" * 129},
            (
                f"1 validation error detected: Value '{'a' * 129}' at 'userName' failed to satisfy constraint: "
                "Member must have length less than or equal to 128"
            ),
        ),
        (
            "DescribeUser",
            {"UserId": "ada@x.example"},
            (
                "1 validation error detected: Value 'ada@x.example' at 'userId' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: "
            ),
        ),
        (
            "ListUsers",
            {"MaxResults": 101},
            (
                "1 validation error detected: Value '101' at 'maxResults' failed to satisfy constraint: "
                "Member must have value less than or equal to 100"
            ),
        ),
    ],
)
def test_a_validation_error_tells_the_value(operation: str, params: dict[str, Any], message: str) -> None:
    """Names and addresses among them, as AWS does: whoever shows such a text shows people."""
    error = told(Emulated(), operation, **params)
    assert error.code == "ValidationException"
    assert error.message.startswith(message)


def test_who_is_not_there_is_told_by_kind() -> None:
    """The text names the kind, and the id stands in a member beside it."""
    error = told(Emulated(), "DescribeUser", UserId=NOBODY)
    assert (error.message, error.fields["ResourceId"]) == ("USER not found.", NOBODY)


def test_tokens_end_and_belong_to_their_session() -> None:
    """Of users, groups, memberships: ValidationException, which names no reason."""
    seen = Emulated(users=3, conditions=Conditions(token_seconds=60, tokens_of_session=True))
    asked: dict[str, Any] = {"IdentityStoreId": STORE, "MaxResults": 1}

    def page(caller: str, **more: Any) -> dict[str, Any]:
        return seen.service.call("identitystore", OWNER, REGION, "ListUsers", {**asked, **more}, caller=caller)

    token = page("ASIAONE")["NextToken"]
    assert page("ASIAONE", NextToken=token)["Users"][0]["UserName"] == "u1"
    with pytest.raises(AwsError) as other:
        page("ASIATWO", NextToken=token)
    seen.now += 60
    with pytest.raises(AwsError) as late:
        page("ASIAONE", NextToken=token)
    assert {(one.value.code, one.value.message) for one in (other, late)} == {
        ("ValidationException", "The specified NextToken is invalid")
    }


def test_members_that_say_nothing_may_be_left_out() -> None:
    """Times above all; names, addresses, ids and the status of a user stay."""
    seen = Emulated(users=1, conditions=Conditions(unset_share=1.0))
    (user,) = seen.call("ListUsers")["Users"]
    kept = {name for name, value in user.items() if value is not None}
    assert kept == {"IdentityStoreId", "UserId", "UserArn", "Revision", "UserName", "UserStatus", "Emails"}
    (one,) = seen.instances()["Instances"]
    assert one.get("CreatedDate") is None
    assert one["IdentityStoreId"] == STORE
