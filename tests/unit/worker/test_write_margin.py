"""The last seconds of a function, in which nothing is written: actions go on in the next slice, and lose nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ses_fleet.actions.params import BackupListParams, Params, RestoreListParams, RestoreTopicsParams
from ses_fleet.worker.actions import backup_list, manage_topic, restore_list, restore_topics
from ses_fleet.worker.budget import SliceBudget, SliceTimeoutError
from ses_fleet.worker.paced_client import PacedClient, UnitClient
from ses_fleet.worker.pacing import Pacer
from tests.unit.worker.imports import contacts, everybody, importing, leave, with_people
from tests.unit.worker.test_manage_topic import IN, topics, wanted
from tests.unit.worker.world import ACCOUNT, REGION, World, contact

PARAMS = Params()


def people() -> list[Any]:
    """A list of twelve, some of whom chose something."""
    return [contact(n, {"in": "OPT_OUT", "out": "OPT_IN"} if n % 3 else {}, unsubscribed=n == 5) for n in range(12)]


def _topics_change(world: World) -> None:
    world.run(manage_topic.run, PARAMS, per_second=1.0, topics=(IN, wanted("new"), wanted("other")))


def _topics_pruned(world: World) -> None:
    world.run(manage_topic.run, PARAMS, per_second=1.0, topics=(IN,), prune=True)


def _list_restored(world: World) -> None:
    world.run(restore_list.run, RestoreListParams(backup="saved"), per_second=1.0)


def _topics_restored(world: World) -> None:
    world.run(restore_topics.run, RestoreTopicsParams(backup="pruned"), per_second=1.0)


def _imported(world: World) -> None:
    importing(world, with_people(world, *everybody(12), roles={"dba": ["u0", "u1"]}), per_second=1.0)


def _imported_by_job(world: World) -> None:
    importing(world, with_people(world, *everybody(60), roles={"dba": ["u0", "u1"]}), per_second=1.0)


def _people_removed(world: World) -> None:
    importing(world, leave(world, *everybody(9)), prune=True, per_second=1.0)


def _lost_and_saved(world: World) -> None:
    world.run(backup_list.run, BackupListParams(), run_id="saved")
    for number in range(9):
        place = {"ContactListName": "main", "EmailAddress": f"c{number}@x.example"}
        world.ses.call(ACCOUNT, REGION, "DeleteContact", place)


def _pruned(world: World) -> None:
    world.run(manage_topic.run, PARAMS, topics=(IN,), prune=True, run_id="pruned")


ACTIONS: dict[str, tuple[Callable[[World], None], Callable[[World], None]]] = {
    "manage-topic": (lambda _: None, _topics_change),
    "manage-topic with prune": (lambda _: None, _topics_pruned),
    "restore-list": (_lost_and_saved, _list_restored),
    "restore-topics": (_pruned, _topics_restored),
    "import": (lambda _: None, _imported),
    "import by job": (lambda _: None, _imported_by_job),
    "import with prune": (lambda _: None, _people_removed),
}


def ended(name: str, write_seconds: float) -> tuple[Any, Any, int]:
    """What an action leaves, and the slices that it took."""
    world = World(*people())
    first, then = ACTIONS[name]
    first(world)
    world.slices, world.write_seconds = 0, write_seconds
    then(world)
    return contacts(world), topics(world), world.slices


@pytest.mark.parametrize("write_seconds", [8.0, 9.5, 13.0, 30.0])
@pytest.mark.parametrize("name", ACTIONS)
def test_the_end_of_the_time_for_writes_changes_nothing_of_what_is_done(name: str, write_seconds: float) -> None:
    """It takes more slices, each of which gets something done."""
    undisturbed = ended(name, 1e9)
    cut = ended(name, write_seconds)
    assert cut[:2] == undisturbed[:2]
    assert cut[2] <= undisturbed[2] + 25


def test_nothing_is_written_after_that() -> None:
    """However the unit was begun; reading goes on. What has no such time writes nothing at all."""
    world = World()
    for write_time in (SliceBudget(5.0, world.time), None):
        ses = PacedClient(
            world.client, Pacer(0, 5, SliceBudget(60, world.time), world.time, world.time.sleep), write_time
        )

        def unit(client: UnitClient) -> Any:
            found = client.read("get_contact_list", ContactListName="main")
            world.time.sleep(5.0)
            client.write("update_contact_list", ContactListName="main", Topics=[])
            return found

        with pytest.raises(SliceTimeoutError, match="another write"):
            ses.read_modify_write(2, unit)
        assert ses.read("get_contact_list", ContactListName="main")["ContactListName"] == "main"
        assert ses.calls == 2
    assert "UpdateContactList" not in world.asked


def test_a_wait_for_the_rate_is_before_the_look_at_the_time() -> None:
    """A write that waited its turn into the margin is not sent."""
    world = World()
    pacer = Pacer(1.0, 1, SliceBudget(60, world.time), world.time, world.time.sleep)
    ses = PacedClient(world.client, pacer, SliceBudget(1.5, world.time))

    def unit(client: UnitClient) -> None:
        client.read("get_contact_list", ContactListName="main")
        client.read("get_contact_list", ContactListName="main")
        client.write("update_contact_list", ContactListName="main", Topics=[])

    with pytest.raises(SliceTimeoutError, match="another write"):
        ses.read_modify_write(1, unit)
    assert world.asked == ["GetContactList"] * 2
