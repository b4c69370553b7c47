"""What an organization changes in config.json: entries stay, those of closed accounts are disabled, others added."""

from __future__ import annotations

from typing import Any

import pytest

from ses_fleet_cli.discover.difference import Difference, applied, difference
from ses_fleet_cli.discover.organization import Account, Organization
from ses_fleet_cli.discover.templates import Templates

TEMPLATES = Templates("arn:aws:iam::{account_id}:role/contact-manager", external_id="fleet-{account_id}")
MANAGEMENT = "999900009999"


def number(n: int) -> str:
    """An account's id."""
    return f"{n:012d}"


def role(n: int, partition: str = "aws") -> str:
    """The ARN of a role of that account."""
    return f"arn:{partition}:iam::{number(n)}:role/by-hand"


def organization(*accounts: tuple[int, str, str], selected: set[int] | None = None) -> Organization:
    """Accounts as (number, name, state), of which all are selected unless it says which."""
    found = {number(n): Account(number(n), name, state) for n, name, state in accounts}
    found[MANAGEMENT] = Account(MANAGEMENT, "Management", "ACTIVE")
    chosen = found.keys() if selected is None else {number(n) for n in selected}
    return Organization("o-example", MANAGEMENT, found, frozenset(chosen))


def compared(found: Organization, mappings: dict[str, Any]) -> tuple[Difference, dict[str, Any]]:
    """The difference, and the mappings with it."""
    result = difference(found, mappings, TEMPLATES)
    return result, applied(mappings, result)


def test_active_accounts_without_an_entry_are_added_behind_those_that_are_there() -> None:
    """In the order of their codes; what is there keeps its place and every key, also unknown ones."""
    mappings = {"zeta": {"ses_role_arn": role(1), "note": [1, {"a": None}]}, "other": {"mine": True}}
    found, after = compared(
        organization((3, "Beta", "ACTIVE"), (2, "Alpha", "ACTIVE"), (1, "Zeta", "ACTIVE")), mappings
    )
    assert list(after) == ["zeta", "other", "alpha", "beta"]
    assert {code: after[code] for code in mappings} == mappings
    assert after["beta"]["external_id"] == f"fleet-{number(3)}"
    assert (found.present, len(found.additions), found.disablings) == (1, 2, ())


def test_an_account_is_known_by_its_id_whatever_its_entry_says() -> None:
    """Another role, name, Region, a second entry of it: nothing is added and nothing is changed."""
    mappings = {
        "old-name": {"ses_role_arn": role(1), "customer_name": "Renamed since"},
        "old-name-eu": {"ses_role_arn": role(1), "region": "eu-west-1"},
    }
    found, after = compared(organization((1, "New name", "ACTIVE")), mappings)
    assert not found
    assert after == mappings


@pytest.mark.parametrize("state", ["SUSPENDED", "PENDING_CLOSURE", "CLOSED"])
def test_entries_of_accounts_that_are_gone_are_disabled_with_the_reason(state: str) -> None:
    """All entries of the account, selected or not, as closed accounts are moved away; every other key stays."""
    entry = {"ses_role_arn": role(1), "enabled": True, "note": "x"}
    mappings = {"acme": entry, "acme-eu": {**entry, "enabled": None}, "acme-off": {**entry, "enabled": False}}
    found, after = compared(organization((1, "Acme", state), selected=set()), mappings)
    reason = f"account {number(1)} is {state} in AWS Organizations"
    assert [one.code for one in found.disablings] == ["acme", "acme-eu"]
    assert after["acme"] == {**entry, "enabled": False, "disabled_reason": reason}
    assert after["acme-off"] == mappings["acme-off"], "somebody's own reason is not replaced"
    assert not difference(organization((1, "Acme", state)), after, TEMPLATES), "nothing is left to do"


@pytest.mark.parametrize("state", ["PENDING_ACTIVATION", "", "SOMETHING_NEW"])
def test_other_states_neither_add_nor_disable(state: str) -> None:
    """An answer without a state among them: a missing one is never taken for closed."""
    found, _ = compared(organization((1, "Acme", state), (2, "New", state)), {"acme": {"ses_role_arn": role(1)}})
    assert not found
    assert f"{number(2)}: not added, as the state is {state or 'not known'}" in found.notes


def test_gone_accounts_without_an_entry_and_the_management_account_are_not_added() -> None:
    """And it is said."""
    found, _ = compared(organization((1, "Gone", "CLOSED"), (2, "Gone", "CLOSED")), {})
    assert not found
    assert found.notes[0].startswith(f"{MANAGEMENT} is the management account")
    assert found.notes[1] == f"{number(1)}, {number(2)}: not added, as the state is CLOSED"


def test_accounts_outside_the_selection_or_the_organization_are_left_alone() -> None:
    """Customers may have accounts that are in no organization of ours."""
    mappings = {"outside": {"ses_role_arn": role(7)}, "elsewhere": {"ses_role_arn": role(1)}}
    found, _ = compared(organization((1, "A", "ACTIVE"), (2, "B", "ACTIVE"), selected=set()), mappings)
    assert not found
    assert found.notes == ("outside: of accounts that are not in o-example; kept as they are",)


@pytest.mark.parametrize("broken", [f"arn:aws:iam:{number(1)}:role/x", f" {role(1)}", f"https://x/{number(1)}"])
def test_a_broken_role_still_tells_whose_entry_it_is(broken: str) -> None:
    """So no second entry is added for it; it is not certain enough to disable it."""
    for state in ("ACTIVE", "CLOSED"):
        found, _ = compared(organization((1, "Acme", state)), {"acme": {"ses_role_arn": broken}})
        assert not found
    mappings = {"acme": {"ses_role_arn": broken}, "whole": {"ses_role_arn": role(1)}}
    found, _ = compared(organization((1, "Acme", "CLOSED")), mappings)
    assert [one.code for one in found.disablings] == ["whole"]


@pytest.mark.parametrize("entry", [{}, {"ses_role_arn": ""}, {"ses_role_arn": 7}, {"ses_role_arn": "x"}, None, "text"])
def test_an_entry_without_an_account_is_kept_and_named(entry: Any) -> None:
    """Its code is taken: the account of that name gets its id."""
    found, after = compared(organization((1, "Acme", "ACTIVE")), {"acme": entry})
    assert [one.code for one in found.additions] == [f"acme-{number(1)}"]
    assert after["acme"] == entry
    assert "acme: without a role that says the account; kept as they are" in found.notes


def test_the_same_number_in_another_partition_is_another_account() -> None:
    """Account ids are told apart by partition: that entry is never disabled for ours, and ours gets one of its own."""
    gov = {"gov": {"ses_role_arn": role(1, "aws-us-gov")}}
    found, _ = compared(organization((1, "Acme", "CLOSED")), {**gov, "ours": {"ses_role_arn": role(1)}})
    assert [one.code for one in found.disablings] == ["ours"]
    assert "gov: of accounts that are not in o-example; kept as they are" in found.notes
    assert [one.code for one in compared(organization((1, "Acme", "ACTIVE")), gov)[0].additions] == ["acme"]


def test_an_account_that_came_back_is_said_and_not_enabled() -> None:
    """Only where the reason is ours; who disabled it by hand knows why."""
    reason = f"account {number(1)} is SUSPENDED in AWS Organizations"
    mappings = {
        "back": {"ses_role_arn": role(1), "enabled": False, "disabled_reason": reason},
        "by-hand": {"ses_role_arn": role(1), "enabled": False},
    }
    found, after = compared(organization((1, "Acme", "ACTIVE")), mappings)
    assert after == mappings
    assert [note for note in found.notes if "ACTIVE again" in note] == [
        f"back is disabled, but account {number(1)} is ACTIVE again: enable it by hand"
    ]
