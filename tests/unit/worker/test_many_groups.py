"""Identity Centers with many groups of one role: each is asked for once, wherever slices end."""

from __future__ import annotations

from tests.unit.worker.test_read_identity_center import Store, first_phase, read
from tests.unit.worker.world import World

GROUPS = {f"ccoe-cloud-acme-111122223333-g{n}-idp-portal-dba": [n, n + 1] for n in range(12)}


def test_each_group_is_asked_for_once_over_all_slices() -> None:
    """Their members add up; who is in two groups is one person."""
    whole, sliced = Store(20, GROUPS), Store(20, GROUPS)
    world = World()
    counted = first_phase(World(), whole)
    assert (counted.users, counted.groups, counted.all_groups, counted.memberships) == (20, 12, 12, 24)
    found = read(world, sliced, budget=2.0, per_second=1)
    assert world.slices > 3
    assert len(world.lines) == world.slices - 1
    assert all(line.startswith("⏳ Identity Center: 20 users read so far") for line in world.lines)
    assert sliced.asked.count("list_group_memberships") == whole.asked.count("list_group_memberships") == 12
    assert {email for email, person in found.items() if person.roles} == {f"u{n}@x.example" for n in range(13)}
