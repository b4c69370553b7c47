"""The strict Identity Center: who sees which store, what it answers and what it refuses."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import botocore.session
import pytest
from botocore.model import Shape
from botocore.validate import ParamValidator

from strict_aws.http.messages import AwsError
from strict_aws.identity_center.filling import NewUser, generate_groups, generate_users
from strict_aws.identity_center.service import StrictIdentityCenter
from tests.strict_aws.unit.identity_center.emulated import (
    MEMBER,
    NAMED,
    NOBODY,
    OWNER,
    REGION,
    STORE,
    STRANGER,
    Emulated,
)

INVALID, UNKNOWN = ("ValidationException", 400), ("ResourceNotFoundException", 400)
CONFLICT = ("ConflictException", 400)


def shape(service: str, operation: str) -> Shape:
    """An answer's shape in botocore's model."""
    model = botocore.session.get_session().get_service_model(service).operation_model(operation)
    assert model.output_shape is not None
    return model.output_shape


def is_of(answer: dict[str, Any], service: str, operation: str) -> bool:
    """Whether an answer has the shape's required members, no others than its members, and all of their types."""
    expected = shape(service, operation)
    report = ParamValidator().validate(answer, expected)
    return not report.has_errors()


def test_answers_are_of_the_apis_shape() -> None:
    """As botocore's model has it, for every operation that answers something."""
    seen = Emulated()
    made = {
        "CreateUser": seen.call(
            "CreateUser",
            UserName="Ada.L",
            **NAMED,
            Emails=[{"Value": "Ada@X.example", "Type": "work", "Primary": True}],
        ),
        "CreateGroup": seen.call("CreateGroup", DisplayName="g", Description="all"),
    }
    user, group = made["CreateUser"]["UserId"], made["CreateGroup"]["GroupId"]
    made["CreateGroupMembership"] = seen.call("CreateGroupMembership", GroupId=group, MemberId={"UserId": user})
    made["ListUsers"] = seen.call("ListUsers")
    made["ListGroups"] = seen.call("ListGroups")
    made["ListGroupMemberships"] = seen.call("ListGroupMemberships", GroupId=group)
    made["DescribeUser"] = seen.call("DescribeUser", UserId=user)
    made["DescribeGroup"] = seen.call("DescribeGroup", GroupId=group)
    for operation, answer in made.items():
        assert is_of(answer, "identitystore", operation), operation
    assert is_of(seen.instances(), "sso-admin", "ListInstances")
    assert made["ListUsers"]["Users"] == [made["DescribeUser"]]
    assert made["ListGroups"]["Groups"] == [made["DescribeGroup"]]


def test_a_user_is_shown_as_it_was_made() -> None:
    """What it has not is absent; letters keep their case; who is made through the API is enabled."""
    seen = Emulated()
    email = {"Value": "Ada@X.example", "Type": "work", "Primary": True}
    seen.put(users=[NewUser("nobody")])
    seen.user("Ada.L", Emails=[email])
    nobody, ada = seen.call("ListUsers")["Users"]
    assert (ada["UserName"], ada["Emails"]) == ("Ada.L", [email])
    assert {name: ada[name] for name in NAMED} == NAMED
    assert (ada["UserStatus"], ada["IdentityStoreId"], ada["CreatedAt"]) == ("ENABLED", STORE, 1_000.0)
    assert not {"DisplayName", "Emails", "Name"} & nobody.keys()
    assert seen.call("DescribeUser", UserId=nobody["UserId"]) == nobody
    assert seen.call("DescribeUser", UserId=nobody["UserArn"]) == nobody


def test_a_disabled_user_is_one_that_was_put_so() -> None:
    """The API has no way to make one."""
    seen = Emulated()
    seen.put(users=[NewUser("on"), NewUser("off", enabled=False)])
    assert [user["UserStatus"] for user in seen.call("ListUsers")["Users"]] == ["ENABLED", "DISABLED"]
    assert seen.refused("CreateUser", UserName="x", **NAMED, UserStatus="DISABLED") == ("NotImplemented", 501)


def test_names_are_nobody_elses() -> None:
    """User names in whatever case, group names exactly, and nobody is twice in a group."""
    seen = Emulated()
    user, group = seen.user("ada"), seen.group("g")
    membership = seen.join(group, user)
    assert seen.refused("CreateUser", UserName="ADA", **NAMED) == CONFLICT
    assert seen.refused("CreateGroup", DisplayName="g") == CONFLICT
    assert seen.refused("CreateGroupMembership", GroupId=group, MemberId={"UserId": user}) == CONFLICT
    seen.group("G")
    seen.call("DeleteGroupMembership", MembershipId=membership)
    assert seen.join(group, user) != membership
    seen.call("DeleteUser", UserId=user)
    assert seen.user("Ada") != user


def test_who_is_deleted_is_in_no_group() -> None:
    """And is not found any more."""
    seen = Emulated()
    ada, bob, group = seen.user("ada"), seen.user("bob"), seen.group("g")
    membership = seen.join(group, ada)
    seen.join(group, bob)
    seen.call("DeleteUser", UserId=ada)
    assert seen.members(group) == [bob]
    assert [user["UserName"] for user in seen.call("ListUsers")["Users"]] == ["bob"]
    assert seen.refused("DescribeUser", UserId=ada) == UNKNOWN
    assert seen.refused("DeleteGroupMembership", MembershipId=membership) == UNKNOWN


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("DescribeUser", {"UserId": NOBODY}),
        ("DeleteUser", {"UserId": NOBODY}),
        ("DescribeGroup", {"GroupId": NOBODY}),
        ("ListGroupMemberships", {"GroupId": NOBODY}),
        ("DeleteGroupMembership", {"MembershipId": NOBODY}),
        ("CreateGroupMembership", {"GroupId": NOBODY, "MemberId": {"UserId": NOBODY}}),
        ("ListUsers", {"IdentityStoreId": "d-ffffffffff"}),
    ],
)
def test_what_is_not_there_is_not_found(operation: str, params: dict[str, Any]) -> None:
    """A user, a group, a membership, a store."""
    assert Emulated().refused(operation, **params) == UNKNOWN


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("ListUsers", {"IdentityStoreId": None}),
        ("ListUsers", {"IdentityStoreId": "d-0"}),
        ("ListUsers", {"IdentityStoreId": ""}),
        ("ListGroupMemberships", {}),
        ("DescribeUser", {"UserId": "ada"}),
        ("CreateUser", NAMED),
        ("CreateUser", {**NAMED, "UserName": "ada", "DisplayName": None}),
        ("CreateUser", {**NAMED, "UserName": "ada", "Name": None}),
        ("CreateUser", {**NAMED, "UserName": "a b"}),
        ("CreateUser", {**NAMED, "UserName": "x" * 129}),
        ("CreateUser", {**NAMED, "UserName": "Administrator"}),
        ("CreateGroup", {"DisplayName": "AWSAdministrators"}),
        ("CreateUser", {**NAMED, "UserName": "ada", "DisplayName": ""}),
        ("CreateUser", {**NAMED, "UserName": "ada", "Emails": []}),
        ("CreateUser", {**NAMED, "UserName": "ada", "Emails": [{"Value": "a@x.example"}, {"Value": "b@x.example"}]}),
        ("CreateGroup", {"DisplayName": "a\x00"}),
        ("CreateGroupMembership", {"GroupId": NOBODY}),
        ("CreateGroupMembership", {"GroupId": NOBODY, "MemberId": {}}),
    ],
)
def test_what_the_api_does_not_take_is_refused(operation: str, params: dict[str, Any]) -> None:
    """Members that are missing, too long, or of another form."""
    seen = Emulated()
    group = seen.group("g")
    if params.get("GroupId") == NOBODY:
        params = {**params, "GroupId": group}
    assert seen.refused(operation, **params) == INVALID


@pytest.mark.parametrize("params", [{"UserName": 7}, {"Emails": {}}, {"Name": "Ada"}, {"UserName": ["x"]}])
def test_members_of_another_type_are_refused(params: dict[str, Any]) -> None:
    """As JSON services do, before anything else."""
    asked = {"UserName": "ada", **NAMED, **params}
    assert Emulated().refused("CreateUser", **asked) == ("SerializationException", 400)


@pytest.mark.parametrize(
    ("service", "operation", "params"),
    [
        ("identitystore", "UpdateUser", {}),
        ("identitystore", "DeleteGroup", {}),
        ("identitystore", "ListInstances", {}),
        ("sso-admin", "ListUsers", {}),
        ("sso-admin", "CreateInstance", {}),
        ("identitystore", "ListUsers", {"Filters": []}),
        ("sso-admin", "ListInstances", {"RegionScope": "ALL_REGIONS"}),
    ],
)
def test_what_is_not_emulated_is_501(service: str, operation: str, params: dict[str, Any]) -> None:
    """Operations, and members that would have no effect."""
    seen = Emulated()
    asked = params if service == "sso-admin" else {"IdentityStoreId": STORE, **params}
    with pytest.raises(AwsError) as error:
        seen.service.call(service, OWNER, REGION, operation, asked)
    assert error.value.status == 501


def test_a_store_is_seen_by_its_owner_and_whom_it_is_visible_to() -> None:
    """In its own Region; for everybody else there is no such store."""
    seen = Emulated()
    seen.put(visible_to=[MEMBER], users=[NewUser("ada")])
    for account in (OWNER, MEMBER):
        (one,) = seen.instances(account)["Instances"]
        assert (one["IdentityStoreId"], one["OwnerAccountId"], one["Status"]) == (STORE, OWNER, "ACTIVE")
        assert [user["UserName"] for user in seen.call("ListUsers", account=account)["Users"]] == ["ada"]
        assert seen.stores(account, "eu-west-1") == []
        assert seen.refused("ListUsers", account=account, region="eu-west-1") == UNKNOWN
    assert STORE not in seen.stores(STRANGER)
    assert seen.refused("ListUsers", account=STRANGER) == UNKNOWN


def test_an_account_sees_its_own_first_and_then_the_others() -> None:
    """Each instance is shown with the account that owns it."""
    seen = Emulated()
    seen.put(visible_to=[MEMBER])
    seen.put(MEMBER, store_id="d-bbbbbbbbbb")
    assert seen.stores(MEMBER) == ["d-bbbbbbbbbb", STORE]
    assert seen.stores(OWNER) == [STORE]


def test_an_account_that_nobody_gave_any_has_an_empty_one() -> None:
    """Where it asks, the same every time, its own; people can be put in through the API."""
    seen = Emulated()
    (store,) = seen.stores(STRANGER)
    assert seen.stores(STRANGER) == [store]
    assert len(seen.stores(STRANGER, "eu-west-1")) == 1
    assert seen.stores("000000000001") != [store]
    asked = {"account": STRANGER, "IdentityStoreId": store}
    assert seen.call("ListUsers", **asked)["Users"] == []
    seen.call("CreateUser", UserName="ada", **NAMED, **asked)
    assert len(seen.call("ListUsers", **asked)["Users"]) == 1
    assert Emulated().call("ListUsers", **asked)["Users"] == [], "its id needs no ListInstances first"


def test_an_account_that_was_given_some_has_no_other() -> None:
    """And be that none; one to which another account's is visible has no empty one of its own either."""
    seen = Emulated()
    seen.service.declare(STRANGER)
    assert seen.stores(STRANGER) == []
    assert seen.stores(OWNER, "eu-west-1") == []
    seen.put(visible_to=[MEMBER])
    assert seen.stores(MEMBER) == [STORE]
    assert seen.stores(MEMBER, "eu-west-1") == []


def test_putting_replaces_the_one_of_that_region() -> None:
    """People, tokens, visibility and id; another Region's stays."""
    seen = Emulated(users=150)
    seen.put(region="eu-west-1", store_id="d-cccccccccc")
    token = seen.call("ListUsers")["NextToken"]
    seen.put(users=generate_users(150, 1))
    assert seen.refused("ListUsers", NextToken=token) == INVALID
    assert seen.call("ListUsers", MaxResults=1)["Users"][0]["UserName"] == "user-0000000"
    seen.put(store_id=None)
    assert seen.refused("ListUsers") == UNKNOWN
    assert seen.stores(OWNER, "eu-west-1") == ["d-cccccccccc"]


def test_no_two_instances_have_the_same_store() -> None:
    """Else nobody could tell which one is meant."""
    seen = Emulated(users=1)
    for place in ((MEMBER, REGION), (OWNER, "eu-west-1")):
        with pytest.raises(AwsError, match="is another instance's"):
            seen.put(*place, store_id=STORE)
    assert len(seen.call("ListUsers")["Users"]) == 1


def test_made_up_people_are_always_the_same() -> None:
    """Names, addresses, ids, groups and who is in them; another seed has other addresses."""

    def everything(seed: int) -> list[Any]:
        seen = Emulated()
        users = generate_users(30, seed)
        names = [user.username for user in users]
        seen.put(users=users, groups=list(generate_groups(4, 10, "g-{n}-dba", names)))
        groups = seen.call("ListGroups")["Groups"]
        members = [seen.members(group["GroupId"]) for group in groups]
        return [seen.call("ListUsers"), groups, members]

    first = everything(1)
    assert first == everything(1)
    assert first[1:] == everything(2)[1:]
    assert [user["Emails"][0]["Value"] for user in first[0]["Users"][:2]] == [
        "user-0000000@seed-1.example",
        "user-0000001@seed-1.example",
    ]
    assert [group["DisplayName"] for group in first[1]] == [f"g-{number:05d}-dba" for number in range(4)]
    ids = [user["UserId"] for user in first[0]["Users"]]
    assert first[2] == [ids[:10], ids[10:20], ids[20:], ids[:10]], "after the last user comes the first again"


def test_addresses_are_those_of_every_store() -> None:
    """For searching logs: of given instances and of automatic ones."""
    seen = Emulated()
    seen.put(users=[NewUser("ada", "Ada@x.example"), NewUser("nobody")])
    (store,) = seen.stores(STRANGER)
    seen.user("bob", Emails=[{"Type": "work"}])
    eve = {"UserName": "eve", **NAMED, "Emails": [{"Value": "e@y.example"}]}
    seen.call("CreateUser", account=STRANGER, IdentityStoreId=store, **eve)
    assert sorted(seen.service.addresses()) == ["Ada@x.example", "e@y.example"]


def test_one_request_at_a_time_is_in_a_store() -> None:
    """Two threads that both make a user never meet in there."""
    meeting = threading.Barrier(2)
    met: list[int] = []

    def clock() -> float:  # asked while a user is being made
        with contextlib.suppress(threading.BrokenBarrierError):
            met.append(meeting.wait(0.05))
        return 0.0

    seen = Emulated()
    service = StrictIdentityCenter(rate=None, clock=clock)
    (one,) = seen.instances(STRANGER)["Instances"]
    asked = {"IdentityStoreId": one["IdentityStoreId"]}
    service.call("identitystore", STRANGER, REGION, "ListUsers", asked)
    meeting.reset()

    def make(name: str) -> None:
        service.call("identitystore", STRANGER, REGION, "CreateUser", {**asked, **NAMED, "UserName": name})

    threads = [threading.Thread(target=make, args=(name,)) for name in ("ada", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert met == []
    assert len(service.call("identitystore", STRANGER, REGION, "ListUsers", asked)["Users"]) == 2
