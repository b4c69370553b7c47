"""What a version of the customers' roles allows never changes: another permission is another version."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra import customer_role
from ses_fleet.actions import role_version
from ses_fleet.actions.catalogue import ACTIONS, needing_more_than
from ses_fleet.actions.role_version import ROLE_VERSION, TAG_KEY, since

# By version: what its roles allow that those of the version before did not, by AccessLevel, and in Identity Center.
RECORDED: dict[str, dict[str, list[str]]] = json.loads(Path(__file__).with_name("role_versions.json").read_text())
ROLES = customer_role.templates()


def added(version: int) -> dict[str, list[str]]:
    """What a version adds, as the actions declare it."""
    reading = {name for action in ACTIONS.values() if not action.mutates for name in action.permissions}
    writing = {name for action in ACTIONS.values() if action.mutates for name in action.permissions} - reading
    people = {name for action in ACTIONS.values() for name in action.identity_center_permissions}
    found = {"ReadOnly": reading, "Manage": writing, "IdentityCenter": people}
    return {level: sorted(name for name in names if since(name) == version) for level, names in found.items()}


@pytest.mark.parametrize("version", RECORDED)
def test_a_version_allows_what_it_always_did(version: str) -> None:
    """Customers have deployed it. A new permission: raise ROLE_VERSION, say so in `_ADDED_IN`, and record it here."""
    assert added(int(version)) == RECORDED[version]


def test_every_version_is_recorded_up_to_the_one_that_is_made_now() -> None:
    """And no permission is of a version that does not exist."""
    assert list(RECORDED) == [str(number) for number in range(1, ROLE_VERSION + 1)]
    declared = {
        name for action in ACTIONS.values() for name in (*action.permissions, *action.identity_center_permissions)
    }
    assert set(role_version._ADDED_IN) <= declared
    assert max(since(name) for name in declared) <= ROLE_VERSION


@pytest.mark.parametrize("name", ROLES)
def test_a_stack_says_its_version_as_a_tag_of_the_role_and_as_an_output(name: str) -> None:
    """The tag for ses-fleet, the output for whoever looks at the stack."""
    role: dict[str, Any] = ROLES[name]["Resources"]["Role"]["Properties"]
    assert role["Tags"] == [{"Key": TAG_KEY, "Value": str(ROLE_VERSION)}]
    assert ROLES[name]["Outputs"]["RoleVersion"]["Value"] == str(ROLE_VERSION)


def test_a_role_reads_its_own_tags_and_no_others() -> None:
    """Whatever the account's owner calls it."""
    policy = ROLES[customer_role.CUSTOMER_ROLE]["Resources"]["Role"]["Properties"]["Policies"][0]
    (statement,) = [one for one in policy["PolicyDocument"]["Statement"] if "iam:ListRoleTags" in one["Action"]]
    own = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role${RolePath}${RoleName}"
    assert statement == {"Effect": "Allow", "Action": ["iam:ListRoleTags"], "Resource": {"Fn::Sub": own}}


def test_an_action_needs_the_newest_version_that_any_of_its_permissions_needs() -> None:
    """And none needs more than there is; phases of other actions are not named."""
    for action in ACTIONS.values():
        permissions = (*action.permissions, *action.identity_center_permissions)
        assert action.role_version == max((since(name) for name in permissions), default=1)
    assert ACTIONS["describe-list"].role_version == 1
    assert "validate-access" in needing_more_than(1)
    assert "describe-list" not in needing_more_than(1)
    assert needing_more_than(ROLE_VERSION) == []
    assert set(needing_more_than(0)) == {name for name, action in ACTIONS.items() if action.scopes}
