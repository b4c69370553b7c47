"""Pages of an identity store: their sizes, and tokens that are good for one question only."""

from __future__ import annotations

from typing import Any

import pytest

from strict_aws.identity_center.filling import NewGroup
from tests.strict_aws.unit.identity_center.emulated import OWNER, REGION, Emulated

NAMES = [f"u{number}" for number in range(250)]


@pytest.fixture
def seen() -> Emulated:
    """250 users, all in the first of 250 groups and none in the others."""
    groups = [NewGroup(f"g{number}", NAMES if number == 0 else ()) for number in range(250)]
    return Emulated(users=250, groups=groups)


def first_group(seen: Emulated) -> str:
    """The id of the store's first group."""
    return str(seen.call("ListGroups", MaxResults=1)["Groups"][0]["GroupId"])


def test_a_page_has_a_hundred_where_nobody_says_how_many(seen: Emulated) -> None:
    """Users, groups and memberships; the last page has the rest and no token, and all come in order."""
    users = seen.pages("ListUsers", "Users")
    assert [len(page) for page in users] == [100, 100, 50]
    assert [user["UserName"] for page in users for user in page] == NAMES
    groups = seen.pages("ListGroups", "Groups")
    assert [len(page) for page in groups] == [100, 100, 50]
    assert [group["DisplayName"] for page in groups for group in page] == [f"g{number}" for number in range(250)]
    members = seen.pages("ListGroupMemberships", "GroupMemberships", GroupId=first_group(seen))
    assert [len(page) for page in members] == [100, 100, 50]
    ids = [user["UserId"] for page in users for user in page]
    assert [one["MemberId"]["UserId"] for page in members for one in page] == ids


def test_a_page_that_just_holds_all_is_the_last(seen: Emulated) -> None:
    """No empty page after it."""
    assert [len(page) for page in seen.pages("ListUsers", "Users", MaxResults=50)] == [50] * 5
    assert [len(page) for page in seen.pages("ListUsers", "Users", MaxResults=1)] == [1] * 250


@pytest.mark.parametrize("operation", ["ListUsers", "ListGroups", "ListGroupMemberships"])
@pytest.mark.parametrize("size", [0, 101, -1])
def test_other_sizes_are_refused(operation: str, size: int, seen: Emulated) -> None:
    """A page has a size from 1 to 100."""
    of = {"GroupId": first_group(seen)} if operation == "ListGroupMemberships" else {}
    assert seen.refused(operation, MaxResults=size, **of) == ("ValidationException", 400)


@pytest.mark.parametrize("size", ["10", True, 1.5])
def test_a_size_is_a_number(size: Any, seen: Emulated) -> None:
    """A JSON value of any other type is refused."""
    assert seen.refused("ListUsers", MaxResults=size) == ("SerializationException", 400)


def test_a_token_is_good_for_its_own_question_only(seen: Emulated) -> None:
    """Not for another operation, another group, another store, and not when it was changed."""
    token = seen.call("ListUsers")["NextToken"]
    refusal = ("ValidationException", 400)
    assert len(seen.call("ListUsers", NextToken=token, MaxResults=7)["Users"]) == 7
    assert seen.refused("ListGroups", NextToken=token) == refusal
    groups = [group["GroupId"] for group in seen.call("ListGroups", MaxResults=2)["Groups"]]
    of_first = seen.call("ListGroupMemberships", GroupId=groups[0])["NextToken"]
    assert seen.refused("ListGroupMemberships", GroupId=groups[1], NextToken=of_first) == refusal
    changed = ("B" if token[0] == "A" else "A") + token[1:]
    for wrong in (changed, "x", "", "%", "A" * 32):
        assert seen.refused("ListUsers", NextToken=wrong) == refusal
    seen.put("222233334444", store_id="d-aaaaaaaaaa")
    other = {"account": "222233334444", "IdentityStoreId": "d-aaaaaaaaaa"}
    assert seen.refused("ListUsers", NextToken=token, **other) == refusal


def test_whoever_comes_or_goes_between_pages_moves_nobody(seen: Emulated) -> None:
    """No other user is shown twice or left out."""
    page = seen.call("ListUsers")
    seen.call("DeleteUser", UserId=page["Users"][0]["UserId"])
    seen.user("late")
    rest: list[str] = []
    while "NextToken" in page:
        page = seen.call("ListUsers", NextToken=page["NextToken"])
        rest += [user["UserName"] for user in page["Users"]]
    assert rest == [*NAMES[100:], "late"]


def test_instances_come_in_pages_of_ten_at_most() -> None:
    """Whatever MaxResults says up to a hundred; the tokens are the account's own."""
    seen = Emulated()
    for number in range(12):
        seen.put(f"{number:012d}", store_id=f"d-{number:010x}", visible_to=[OWNER])
    first = seen.instances(MaxResults=100)
    second = seen.instances(NextToken=first["NextToken"])
    assert [len(first["Instances"]), len(second["Instances"])] == [10, 3]
    assert "NextToken" not in second
    assert len({one["IdentityStoreId"] for page in (first, second) for one in page["Instances"]}) == 13
    assert len(seen.instances(MaxResults=3)["Instances"]) == 3
    with pytest.raises(Exception, match="NextToken is invalid"):
        seen.instances("444455556666", REGION, NextToken=first["NextToken"])
    with pytest.raises(Exception, match="maxResults"):
        seen.instances(MaxResults=101)
