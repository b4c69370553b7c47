"""The first phase of an import: everything is read, once, whatever happens on the way."""

from __future__ import annotations

from typing import Any

import pytest

from ses_fleet.actions.data.read_identity_center import DirectoryFiles
from ses_fleet.actions.params import ImportParams
from ses_fleet.aws.clients import AwsClient
from ses_fleet.config.customer import IdentityCenter
from ses_fleet.config.topics import WantedTopic
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.worker.actions import read_identity_center
from ses_fleet.worker.importing import directory
from ses_fleet.worker.importing.directory import Person
from tests.unit.worker.world import World

SOURCE = IdentityCenter(role_arn="arn:aws:iam::999988887777:role/ic", region="us-east-1")
PREFIX = "data/run-1/_people/abc/"
TOPICS = [
    {
        "name": "calendar",
        "display_name": "Calendar",
        "description": "",
        "default_status": "OPT_OUT",
        "opt_in_roles": ["DBA", "security"],
    }
]


def group_name(role: str) -> str:
    """As the first user names groups."""
    return f"ccoe-cloud-acme-111122223333-x-idp-portal-{role}"


class Store(AwsClient):
    """Both services of one Identity Center, with pages as small as asked for; `failures` are raised by call number."""

    def __init__(self, users: int, groups: dict[str, list[int]], page: int = 100) -> None:
        super().__init__("identitystore", None)
        self.users = [
            {"UserId": f"u{n}", "UserName": f"user{n}", "Emails": [{"Value": f"u{n}@x.example"}]} for n in range(users)
        ]
        self.groups = groups
        self.page = page
        self.asked: list[str] = []
        self.failures: dict[int, AwsCallError] = {}

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Pages of users, groups and memberships."""
        self.asked.append(operation)
        if len(self.asked) in self.failures:
            raise self.failures.pop(len(self.asked))
        if operation == "list_instances":
            return {"Instances": [{"IdentityStoreId": "d-1", "OwnerAccountId": "999988887777"}]}
        assert parameters["IdentityStoreId"] == "d-1"
        assert parameters["MaxResults"] <= 100
        listed: dict[str, tuple[str, list[Any]]] = {
            "list_users": ("Users", self.users),
            "list_groups": ("Groups", [{"GroupId": name, "DisplayName": name} for name in self.groups]),
            "list_group_memberships": (
                "GroupMemberships",
                [{"MemberId": {"UserId": f"u{n}"}} for n in self.groups.get(parameters.get("GroupId", ""), ())],
            ),
        }
        member, rows = listed[operation]
        at = int(parameters.get("NextToken", 0))
        end = at + self.page
        return {member: rows[at:end], **({"NextToken": str(end)} if end < len(rows) else {})}


def read(world: World, store: Store, **options: Any) -> dict[str, Person]:
    """The people that customers of this source get."""
    return directory.load(world.context(), first_phase(world, store, **options)).people


def first_phase(world: World, store: Store, **options: Any) -> DirectoryFiles:
    """What was read, in numbers."""
    topics = tuple(WantedTopic.model_validate(one) for one in TOPICS)
    known: dict[str, Any] = {"customer": {"identity_center": SOURCE}, "identity_center": store, "topics": topics}
    done = world.run(read_identity_center.run, ImportParams(), people_prefix=PREFIX, **known, **options)
    return DirectoryFiles.model_validate(done.data)


STORE_GROUPS = {
    group_name("dba"): list(range(250)),
    group_name("Security"): [0, 299],
    group_name("finance"): list(range(100)),
    "everybody": list(range(300)),
}


def test_groups_are_counted_all_and_those_with_a_role() -> None:
    """In one slice or in many: whether any fits is told to whoever imports."""
    for options in ({}, {"budget": 2.0, "per_second": 1}):
        counted = first_phase(World(), Store(300, STORE_GROUPS, page=20), **options)
        assert (counted.groups, counted.all_groups) == (2, 4)


def test_everybody_with_their_roles() -> None:
    """All pages; of groups only those whose role a topic names."""
    world, store = World(), Store(300, STORE_GROUPS)
    found = read(world, store)
    assert len(found) == 300
    assert found["u0@x.example"].roles == {"dba", "security"}
    assert found["u249@x.example"].roles == {"dba"}
    assert found["u260@x.example"].roles == frozenset()
    assert found["u299@x.example"].roles == {"security"}
    assert store.asked == [
        "list_instances",
        *["list_users"] * 3,
        "list_groups",
        *["list_group_memberships"] * 3,
        "list_group_memberships",
    ]


def test_slices_change_nothing() -> None:
    """With a slice for every few requests the same people come out, and no page is asked for twice."""
    whole, sliced = Store(300, STORE_GROUPS, page=20), Store(300, STORE_GROUPS, page=20)
    world = World()
    expected = read(World(), whole)
    assert read(world, sliced, budget=2.0, per_second=1) == expected
    assert world.slices > 5
    assert [name for name in sliced.asked if name != "list_instances"] == whole.asked[1:]


def test_throttling_waits_and_goes_on() -> None:
    """Nothing is lost by it."""
    store = Store(300, STORE_GROUPS)
    for number in (1, 3, 8):
        store.failures[number] = AwsCallError(
            "identitystore", "x", "throttled", "ThrottlingException", "slow down", 400
        )
    assert read(World(), store) == read(World(), Store(300, STORE_GROUPS))


@pytest.mark.parametrize("number", range(1, 10))
def test_a_failure_anywhere_is_a_failure(number: int) -> None:
    """Half a directory is none: nobody must be taken for gone, or for without a role."""
    store = Store(300, STORE_GROUPS)
    store.failures[number] = AwsCallError("identitystore", "x", "refused", "AccessDeniedException", "no", 403)
    with pytest.raises(AwsCallError):
        read(World(), store)


def test_a_user_without_anything() -> None:
    """No e-mail, a disabled one, a primary address after another: read as they are."""
    store = Store(0, {})
    store.users = [
        {"UserId": "1", "UserName": "no-mail"},
        {"UserId": "2", "UserName": "off", "UserStatus": "DISABLED", "Emails": [{"Value": "off@x.example"}]},
        {
            "UserId": "3",
            "UserName": "two",
            "UserStatus": "ENABLED",
            "Emails": [{"Value": "old@x.example"}, {"Value": " new@x.example ", "Primary": True}],
        },
        {"UserId": "4", "UserName": "empty", "Emails": [{"Type": "work"}]},
    ]
    world = World()
    assert set(read(world, store)) == {"new@x.example"}


def test_no_prefix_no_reading() -> None:
    """A broken work item is an error of ours, before any call."""
    store = Store(1, {})
    with pytest.raises(CustomerError, match="did not send where"):
        World().run(
            read_identity_center.run,
            ImportParams(),
            customer={"identity_center": SOURCE},
            identity_center=store,
        )
    assert store.asked == []
