"""restore-topics changes contacts that are there, and creates none: whoever is gone, erased or not, stays away."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from ses_fleet.errors import AwsCallError, CustomerError
from strict_aws.ses.store import ContactRecord
from tests.unit.worker.by_name import act
from tests.unit.worker.imports import contacts
from tests.unit.worker.test_manage_topic import IN, manage
from tests.unit.worker.world import ACCOUNT, REGION, Fault, World

PEOPLE = ["ana@x.example", "Ana@x.example", "bob@x.example", "cleo@x.example"]


def choose(world: World, email: str, status: str) -> None:
    """Somebody's own choice about `out`."""
    preferences = [{"TopicName": "out", "SubscriptionStatus": status}]
    request = {"ContactListName": "main", "EmailAddress": email, "TopicPreferences": preferences}
    world.ses.call(ACCOUNT, REGION, "UpdateContact", request)


def pruned_twice(**conditions: Any) -> World:
    """People who had preferences for `out` when it was pruned first; and one who had opted out before the second prune,
    which the restore of the first one's backup heeds, too.
    """
    world = World(*(ContactRecord(one, (("out", "OPT_IN"),)) for one in PEOPLE), **conditions)
    manage(world, IN, prune=True, run_id="first")
    world.time.sleep(60.0)
    act(world, "restore-topics", {"backup": "first"}, run_id="between")
    world.time.sleep(60.0)
    choose(world, "bob@x.example", "OPT_OUT")
    world.time.sleep(60.0)
    manage(world, IN, prune=True, run_id="second")
    world.time.sleep(60.0)
    world.asked.clear()
    return world


def remove(world: World, *emails: str) -> None:
    """Somebody deletes them."""
    for one in set(emails) & contacts(world).keys():
        world.ses.call(ACCOUNT, REGION, "DeleteContact", {"ContactListName": "main", "EmailAddress": one})


def attempt(world: World, **options: Any) -> None:
    """The restore, which may fail."""
    with suppress(AwsCallError, CustomerError):
        act(world, "restore-topics", {"backup": "first"}, run_id="back", **options)


@pytest.mark.parametrize("gone", [PEOPLE, PEOPLE[:1], PEOPLE[2:]])
def test_whoever_was_deleted_before_stays_away(gone: list[str]) -> None:
    """The others get their preferences, the one who refused `out` again included."""
    world = pruned_twice()
    remove(world, *gone)
    done = act(world, "restore-topics", {"backup": "first"}, run_id="back")
    left = {one: ({"out": "OPT_OUT" if one.startswith("bob") else "OPT_IN"}, False) for one in PEOPLE}
    assert contacts(world) == {one: state for one, state in left.items() if one not in gone}
    assert done.data["contacts"]["missing"] == len(gone)


def deleting(world: World, number: int) -> None:
    """Have everybody deleted right before the call of this number."""
    original = world.client.call

    def call(operation: str, **parameters: Any) -> Any:
        if len(world.asked) == number - 1:
            remove(world, *PEOPLE)
        return original(operation, **parameters)

    world.client.call = call  # type: ignore[method-assign]


@pytest.mark.parametrize("options", [{}, {"budget": 7.0, "per_second": 1}])
@pytest.mark.parametrize("lag", [0.0, 3.0])
def test_whoever_is_deleted_between_any_two_calls_stays_away(lag: float, options: dict[str, Any]) -> None:
    """Also between the read of a contact and its write, and when reads show for a while who is gone."""
    number, over = 0, False
    while not over:
        number += 1
        world = pruned_twice(read_lag_seconds=lag, seed=number)
        deleting(world, number)
        attempt(world, **options)
        over = len(world.asked) < number
        assert over or (contacts(world), "CreateContact" in world.asked) == ({}, False)
    assert number > 12


@pytest.mark.parametrize("kind", ["conflict", "throttled", "unreachable", "refused", "lost"])
def test_a_call_that_fails_creates_nobody_when_it_is_made_anew(kind: str) -> None:
    """Everybody is deleted meanwhile."""
    for number in range(1, 20):
        world = pruned_twice()
        world.client.faults[number] = Fault(kind)
        deleting(world, number + 1)
        attempt(world)
        assert "CreateContact" not in world.asked
