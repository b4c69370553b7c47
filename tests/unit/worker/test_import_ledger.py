"""The record of imported people is of one account, Region and identity store: another's removes nobody."""

from __future__ import annotations

import json
from typing import Any

import pytest

from strict_aws.ses.store import ContactRecord
from tests.unit.worker.imports import contacts, importing, known_before, with_people
from tests.unit.worker.world import ACCOUNT, REGION, World

RECORD = "backups/identity/acme.json"
GONE = "gone@x.example"


def world_with(record: dict[str, Any] | None = None) -> World:
    """A list with somebody who is not in Identity Center, of whom the record knows."""
    world = World(*(ContactRecord(f"o{n}@x.example") for n in range(20)), ContactRecord(GONE))
    if record is not None:
        known_before(world, GONE, **record)
    return world


def pruned(world: World, run_id: str = "run-1", **read: Any) -> int:
    """How many an import with prune removed."""
    people = with_people(world, "new@x.example").model_copy(update=read)
    removed: int = importing(world, people, prune=True, run_id=run_id).data["removed"]
    return removed


def test_the_customer_s_own_record_removes_who_left() -> None:
    """As ever."""
    assert pruned(world_with({})) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"account_id": "999988887777"},
        {"region": "eu-west-1"},
        {"identity_store_id": "d-1111111111"},
        {"customer_code": "globex"},
    ],
)
def test_another_account_s_record_removes_nobody(other: dict[str, str]) -> None:
    """A code that moved: what its old Identity Center had says nothing of the new one. It is written anew."""
    world = world_with(other)
    assert pruned(world) == 0
    assert GONE in contacts(world)
    (warning,) = [text for text in world.warnings if "nobody is removed" in text]
    assert "another account or identity store" in warning
    record = json.loads(world.objects.written[RECORD])
    assert (record["account_id"], record["region"], record["addresses"]) == (ACCOUNT, REGION, ["new@x.example"])


def test_a_record_of_an_earlier_version_removes_nobody_once() -> None:
    """It says of no account; a real run writes it anew, of those who are in Identity Center now."""
    world = world_with()
    old = {"customer_code": "acme", "run_id": "before", "addresses": [GONE]}
    world.objects.written[RECORD] = json.dumps(old).encode()
    assert pruned(world) == 0
    assert any("does not say which account it is of" in text for text in world.warnings)
    world.warnings.clear()
    assert pruned(world, "run-2") == 0
    assert world.warnings == []
    assert GONE in contacts(world)


def test_a_dry_run_leaves_the_record_as_it_was() -> None:
    """It warns as the real run would."""
    world = world_with({"region": "eu-west-1"})
    before = world.objects.written[RECORD]
    people = with_people(world, "new@x.example")
    assert importing(world, people, prune=True, dry_run=True).data["removed"] == 0
    assert world.objects.written[RECORD] == before
    assert any("nobody is removed" in text for text in world.warnings)


def test_the_store_that_was_read_is_in_the_record() -> None:
    """The next run of the same store may remove whom this one saw."""
    world = world_with({"identity_store_id": "d-9067a1b2c3"})
    assert pruned(world, store_id="d-9067a1b2c3") == 1
    assert json.loads(world.objects.written[RECORD])["identity_store_id"] == "d-9067a1b2c3"


def test_nobody_is_removed_when_a_group_vanished_while_it_was_read() -> None:
    """Who was in it is not known; the next run reads it whole."""
    world = world_with({})
    assert pruned(world, vanished_groups=1) == 0
    assert any("1 groups of Identity Center were deleted" in text for text in world.warnings)
    assert pruned(world, "run-2") == 1
