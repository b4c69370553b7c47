"""An Identity Center that changes while it is read: nobody twice, nobody in a group that is gone, no false whole."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ses_fleet import limits
from ses_fleet.actions.data.read_identity_center import DirectoryFiles
from ses_fleet.actions.params import ImportParams
from ses_fleet.config.customer import IdentityCenter
from ses_fleet.config.topics import WantedTopic
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.worker.actions import read_identity_center
from ses_fleet.worker.identity_center import choose, instances
from ses_fleet.worker.importing import directory
from ses_fleet.worker.importing.directory import Directory
from tests.unit.worker.imports import importing
from tests.unit.worker.scripted import Answer, Pages, Scripted, refused
from tests.unit.worker.world import World

SOURCE = IdentityCenter(role_arn="arn:aws:iam::999988887777:role/ic", region="us-east-1")
TOPIC = WantedTopic(
    name="news", display_name="News", description="", default_status="OPT_OUT", opt_in_roles=["dba", "dev"]
)
GONE = "ResourceNotFoundException"


def user(number: int) -> Answer:
    """As ListUsers shows one."""
    name = f"u{number}"
    return {"UserId": name, "UserName": name, "Emails": [{"Value": f"{name}@x.example", "Primary": True}]}


def group(role: str) -> Answer:
    """As ListGroups shows one; its id is the role."""
    return {"GroupId": role, "DisplayName": f"ccoe-cloud-acme-111122223333-x-idp-portal-{role}"}


def member(number: int) -> Answer:
    """As ListGroupMemberships shows one."""
    return {"MembershipId": f"m{number}", "MemberId": {"UserId": f"u{number}"}}


class Center(World):
    """An Identity Center in pages: of users, groups, and of the members of each group."""

    def __init__(self, users: Pages, groups: Pages, members: dict[str, Pages]) -> None:
        super().__init__()
        self.members = members
        self.aws = Scripted(
            {
                "list_instances": lambda _: {"Instances": [{"IdentityStoreId": "d-1"}]},
                "list_users": users,
                "list_groups": groups,
                "list_group_memberships": lambda asked: self.members[asked["GroupId"]](asked),
            }
        )

    def read(self, budget: float = 1000.0, source: IdentityCenter = SOURCE) -> DirectoryFiles:
        """The first phase, in slices of that length."""
        done = self.run(
            read_identity_center.run,
            ImportParams(),
            budget=budget,
            per_second=1.0,
            customer={"identity_center": source},
            identity_center=self.aws,
            topics=(TOPIC,),
            people_prefix="data/run-1/_people/abc/",
        )
        return DirectoryFiles.model_validate(done.data)

    def directory(self, budget: float = 1000.0) -> tuple[dict[str, Any], Directory]:
        """What customers get of it, and the numbers."""
        read = self.read(budget)
        numbers = read.model_dump(include={"users", "groups", "all_groups", "memberships", "vanished_groups"})
        return numbers, directory.load(self.context(), read)


def pages_of(member_name: str, made: Any, pages: list[list[Any]], then: list[list[Any]] | None = None) -> Pages:
    """A listing of these numbers or roles."""
    after = None if then is None else [[made(one) for one in page] for page in then]
    return Pages(member_name, [[made(one) for one in page] for page in pages], after)


def center(
    users: list[list[int]], groups: list[list[str]], members: dict[str, list[list[int]]], then: Any = (None, None, {})
) -> Center:
    """An Identity Center, and what it is like after a refused token."""
    later_users, later_groups, later_members = then
    return Center(
        pages_of("Users", user, users, later_users),
        pages_of("Groups", group, groups, later_groups),
        {role: pages_of("GroupMemberships", member, pages, later_members.get(role)) for role, pages in members.items()},
    )


numbers = st.lists(st.lists(st.integers(0, 9), max_size=4), min_size=1, max_size=5)
roles = st.lists(st.lists(st.sampled_from(["dba", "dev", "other"]), max_size=3), min_size=1, max_size=4)
memberships = st.fixed_dictionaries({"dba": numbers, "dev": numbers, "other": numbers})


@given(
    first=st.tuples(numbers, roles, memberships),
    then=st.tuples(numbers, roles, memberships),
    refusals=st.tuples(*[st.integers(0, 5)] * 4),
    budget=st.sampled_from([1.5, 2.5, 6.0, 1000.0]),
    part=st.sampled_from([1, 4 * 1024 * 1024]),
)
@settings(max_examples=150, deadline=None)
def test_every_walk_may_begin_again_once(
    first: tuple[Any, Any, Any], then: tuple[Any, Any, Any], refusals: tuple[int, ...], budget: float, part: int
) -> None:
    """Users, groups, and each group's members: of each listing, what it showed last is what customers get.

    People and groups that are listed several times are one, in one walk or over slices.
    """
    with patch.object(limits, "PART_BYTES", part):
        changing = center(*first, then=then)
        listings = [
            changing.aws.answers["list_users"],
            changing.aws.answers["list_groups"],
            changing.members["dba"],
            changing.members["dev"],
        ]
        for listing, refusal in zip(listings, refusals, strict=True):
            assert isinstance(listing, Pages)
            listing.refused, listing.code = {refusal}, "ValidationException"
        found = changing.directory(budget)
        again = [isinstance(listing, Pages) and listing.was_refused for listing in listings]
        last = (
            then[0] if again[0] else first[0],
            then[1] if again[1] else first[1],
            {
                "dba": (then if again[2] else first)[2]["dba"],
                "dev": (then if again[3] else first)[2]["dev"],
            },
        )
        assert found == naive(*last)


def naive(users: list[list[int]], groups: list[list[str]], members: dict[str, list[list[int]]]) -> Any:
    """The same, by sets."""
    ids = {one for page in users for one in page}
    listed = {one for page in groups for one in page}
    within = {role: {one for page in members[role] for one in page} for role in listed - {"other"}}
    found = {
        f"u{one}@x.example": directory.Person(
            f"u{one}@x.example", frozenset(role for role, those in within.items() if one in those)
        )
        for one in ids
    }
    counted = {
        "users": len(ids),
        "groups": len(within),
        "all_groups": len(listed),
        "memberships": sum(len(those) for those in within.values()),
        "vanished_groups": 0,
    }
    return counted, Directory(found, frozenset(found), {})


@pytest.mark.parametrize("which", ["list_users", "list_groups", "list_group_memberships"])
@pytest.mark.parametrize("budget", [1.5, 1000.0])
def test_a_second_refusal_in_one_walk_is_the_failure(which: str, budget: float) -> None:
    """Also when the first one was slices ago."""
    changing = center([[n] for n in range(6)], [["dba"], ["dev"], ["other"]], {"dba": [[n] for n in range(6)]})
    listing = changing.members["dba"] if which == "list_group_memberships" else changing.aws.answers[which]
    assert isinstance(listing, Pages)
    listing.refused, listing.code = {1, 2}, "ValidationException"
    with pytest.raises(CustomerError, match="continuation token was refused"):
        changing.read(budget)


def vanishing(at: int, times: int) -> Center:
    """Of two groups the first answers that it is not there: its requests from the n-th on, so many of them."""
    made = center([[0, 1, 2, 3]], [["dba", "dev"]], {"dba": [[0], [1], [2]], "dev": [[3]]})
    listing, asked = made.members["dba"], [0]

    def answer(parameters: Answer) -> Answer:
        if parameters["GroupId"] != "dba":
            return made.members["dev"](parameters)
        asked[0] += 1
        if at <= asked[0] < at + times:
            raise refused("list_group_memberships", GONE)
        return listing(parameters)

    made.aws.answers["list_group_memberships"] = answer
    return made


@pytest.mark.parametrize("budget", [1.5, 2.5, 1000.0])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_group_that_was_not_there_once_is_read_again(at: int, budget: float) -> None:
    """From its beginning, nobody twice: Identity Center may have been behind."""
    made = vanishing(at, 1)
    found, read = made.directory(budget)
    assert (found["memberships"], found["vanished_groups"]) == (4, 0)
    assert {email for email, one in read.people.items() if one.roles} == {f"u{n}@x.example" for n in range(4)}
    assert made.warnings == []


@pytest.mark.parametrize("budget", [1.5, 2.5, 1000.0])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_nobody_is_in_a_group_that_vanished(at: int, budget: float) -> None:
    """Not even those of its pages that were read; everybody else is read, a warning says it, and so do the numbers."""
    made = vanishing(at, 99)
    found, read = made.directory(budget)
    assert (found["memberships"], found["vanished_groups"], found["groups"], found["users"]) == (1, 1, 2, 4)
    assert {email: one.roles for email, one in read.people.items() if one.roles} == {"u3@x.example": {"dev"}}
    assert len(read.people) == 4
    assert len(made.warnings) == 1
    assert "1 group(s) of Identity Center were deleted while they were read (dba)" in made.warnings[0]


def test_an_import_says_that_groups_vanished() -> None:
    """The customer's own result has the warning: the reading is shared, and has no result of its own."""
    world = World()
    made = vanishing(1, 99)
    read = made.read()
    world.objects = made.objects
    done = importing(world, read)
    assert done.failure is None
    assert any("1 group(s) of Identity Center were deleted" in warning for warning in world.warnings)


@pytest.mark.parametrize("gone", ["list_users", "list_groups", "list_group_memberships"])
@pytest.mark.parametrize("page", [1, 2])
def test_a_store_that_vanishes_is_a_failure(gone: str, page: int) -> None:
    """At any of its listings: never an Identity Center without people, or a group without members."""
    made = center([[0], [1]], [["dba"], ["dev"]], {"dba": [[0], [1]], "dev": [[1]]})
    original = dict(made.aws.answers)
    asked: list[str] = []

    def answer(operation: str) -> Any:
        def call(parameters: Answer) -> Answer:
            asked.append(operation)
            if asked.count(gone) >= page:
                raise refused(operation, GONE)
            return original[operation](parameters)

        return call

    made.aws.answers = {name: answer(name) for name in original}
    with pytest.raises(CustomerError, match="identity store d-1") as error:
        made.read()
    assert (error.value.category, error.value.type) == ("configuration", "IdentityStoreNotFound")


def test_a_membership_of_nobody_who_is_listed_makes_nobody() -> None:
    """A user who came or went between the two listings is no contact, and no failure."""
    found, read = center([[0]], [["dba"]], {"dba": [[0, 7], [8]]}).directory()
    assert found["memberships"] == 3
    assert list(read.people) == ["u0@x.example"]
    assert read.people["u0@x.example"].roles == {"dba"}
    assert read.skipped == {}


def test_the_store_that_was_read_is_told() -> None:
    """The one that was found, or the one that was configured."""
    made = center([[0]], [[]], {})
    assert made.read().store_id == "d-1"
    made = center([[0]], [[]], {})
    assert made.read(source=SOURCE.model_copy(update={"store_id": "d-2"})).store_id == "d-2"
    assert "list_instances" not in made.aws.asked


def _visible(*rows: Answer) -> Any:
    world = World()
    aws = Scripted({"list_instances": Pages("Instances", [[row] for row in rows])})
    return instances(world.context(identity_center=aws).open_identity_center(SOURCE, "sso-admin"))


def instance(store: str | None, status: str | None = "ACTIVE") -> Answer:
    """As ListInstances shows one."""
    return {"IdentityStoreId": store, "Status": status, "OwnerAccountId": "999988887777", "InstanceArn": "arn:x"}


@pytest.mark.parametrize("status", ["CREATE_IN_PROGRESS", "CREATE_FAILED", "DELETE_IN_PROGRESS", "SOMETHING_NEW"])
@pytest.mark.parametrize("store", ["d-2", None])
def test_only_active_instances_count(status: str, store: str | None) -> None:
    """One in transition is no second one, and none alone; the message names it."""
    assert choose(SOURCE, _visible(instance("d-1"), instance(store, status))) == "d-1"
    assert choose(SOURCE, _visible(instance(store, status), instance("d-1"))) == "d-1"
    with pytest.raises(CustomerError) as error:
        choose(SOURCE, _visible(instance(store, status)))
    assert (error.value.type, error.value.retryable) == ("NoIdentityCenter", status == "CREATE_IN_PROGRESS")
    assert f"{store or 'arn:x'} of account 999988887777 ({status})" in error.value.message


def test_an_instance_of_no_status_is_active_and_one_without_a_store_never_counts() -> None:
    """The status is younger than the API."""
    assert choose(SOURCE, _visible({"IdentityStoreId": "d-1"}, instance(None))) == "d-1"
    assert choose(SOURCE, _visible(instance("d-1", None), {})) == "d-1"
    with pytest.raises(CustomerError, match=r"can be read; not counted: arn:x .*it has no identity store"):
        choose(SOURCE, _visible(instance(None)))


def test_several_active_instances_are_named_with_those_that_do_not_count() -> None:
    """What to write into identity_store_id is in the message."""
    found = _visible(instance("d-1"), instance("d-2"), instance("d-3", "DELETE_IN_PROGRESS"))
    with pytest.raises(CustomerError, match="set identity_store_id") as error:
        choose(SOURCE, found)
    assert "d-1 of account 999988887777, d-2 of account 999988887777; not counted: d-3" in error.value.message


def test_a_configured_store_in_transition_says_so() -> None:
    """It is there, but not to be read."""
    source = SOURCE.model_copy(update={"store_id": "d-2"})
    with pytest.raises(CustomerError, match="d-2 cannot be read: its instance is DELETE_IN_PROGRESS"):
        choose(source, _visible(instance("d-1"), instance("d-2", "DELETE_IN_PROGRESS")))
    assert choose(source, _visible(instance("d-1", "CREATE_FAILED"), instance("d-2"))) == "d-2"


def test_other_failures_of_a_group_are_failures() -> None:
    """Only a group that is not there may be passed over."""
    made = center([[0]], [["dba"]], {"dba": [[0]]})

    def answer(_: Answer) -> Answer:
        raise refused("list_group_memberships", "AccessDeniedException", 400)

    made.aws.answers["list_group_memberships"] = answer
    with pytest.raises(AwsCallError, match="AccessDenied"):
        made.read()
