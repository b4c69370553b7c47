"""Backups are never changed, and are believed only if they are this customer's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ses_fleet.actions.params import BackupListParams, RestoreListParams, RestoreTopicsParams
from ses_fleet.errors import CustomerError
from ses_fleet.worker.actions import backup_list, restore_list, restore_topics
from strict_aws.ses.store import ContactRecord
from tests.unit.worker.imports import contacts, importing, known_before, with_people, writes
from tests.unit.worker.test_manage_topic import IN, manage
from tests.unit.worker.world import World

MANIFEST = "backups/acme/saved/backup.json"


def saved(*contacts: str) -> World:
    """A list that was saved by the run `saved`."""
    world = World(*(ContactRecord(email, (("out", "OPT_IN"),)) for email in contacts))
    world.run(backup_list.run, BackupListParams(), run_id="saved")
    return world


def manifest(world: World, **changes: Any) -> dict[str, Any]:
    """The manifest, changed."""
    known: dict[str, Any] = json.loads(world.objects.written[MANIFEST])
    world.objects.written[MANIFEST] = json.dumps({**known, **changes}).encode()
    return known


def test_a_run_id_that_has_a_backup_saves_nothing_over_it() -> None:
    """Runs expire before backups: an id used again is refused before anything is read or removed."""
    world = saved("old@x.example")
    before = dict(world.objects.written)
    world.asked.clear()
    with pytest.raises(CustomerError, match="exists already") as error:
        world.run(backup_list.run, BackupListParams(), run_id="saved")
    assert (error.value.category, error.value.type) == ("configuration", "BackupExists")
    with pytest.raises(CustomerError, match="choose another run_id"):
        manage(world, IN, prune=True, run_id="saved")
    known_before(world, "old@x.example")
    people = with_people(world, "new@x.example")
    world.settings = world.settings.model_copy(update={"prune_limit_percent": 100})
    with pytest.raises(CustomerError, match="choose another run_id"):
        importing(world, people, prune=True, run_id="saved")
    assert {key: world.objects.written[key] for key in before} == before
    assert "old@x.example" in contacts(world)
    assert not [name for name in world.asked if name in ("UpdateContactList", "DeleteContact")]


def test_what_a_killed_backup_left_is_met_by_no_other() -> None:
    """Its parts lie in a folder of their own; the next one with the same id is complete by itself."""
    world = saved("old@x.example")
    del world.objects.written[MANIFEST]
    left = dict(world.objects.written)
    world.run(backup_list.run, BackupListParams(), run_id="saved")
    assert {key: world.objects.written[key] for key in left} == left
    folder = json.loads(world.objects.written[MANIFEST])["folder"]
    assert not [key for key in left if folder in key]


@pytest.mark.parametrize(
    "lie",
    [
        {"customer_code": "globex"},
        {"run_id": "other"},
        {"account_id": "999988887777"},
        {"region": "eu-west-1"},
        {"folder": "../../globex/saved"},
        {"folder": "x"},
    ],
)
def test_a_manifest_is_believed_only_if_it_names_this_customer_account_and_region(lie: dict[str, str]) -> None:
    """Else one customer's contacts could be put into another's list."""
    world = saved("a@x.example")
    manifest(world, **lie)
    before = writes(world)
    with pytest.raises(CustomerError) as error:
        world.run(restore_list.run, RestoreListParams(backup="saved"), run_id="back")
    assert error.value.category == "configuration"
    assert writes(world) == before


def test_a_backup_of_an_earlier_version_is_restored() -> None:
    """Its parts lie beside its manifest."""
    world = saved("a@x.example", "b@x.example")
    (part,) = [key for key in world.objects.written if key.endswith(".gz")]
    world.objects.written["backups/acme/saved/contacts-00001.jsonl.gz"] = world.objects.written.pop(part)
    known = manifest(world)
    world.objects.written[MANIFEST] = json.dumps({k: v for k, v in known.items() if k != "folder"}).encode()
    again = World()
    again.objects.written = world.objects.written
    done = again.run(restore_list.run, RestoreListParams(backup="saved"), run_id="back")
    assert done.data["contacts"]["created"] == 2
    assert set(contacts(again)) == {"a@x.example", "b@x.example"}


def test_a_prune_s_backup_is_found_by_its_run() -> None:
    """As ever: by the run's id alone."""
    world = World(ContactRecord("a@x.example", (("out", "OPT_IN"),)))
    manage(world, IN, prune=True, run_id="saved")
    done = world.run(restore_topics.run, RestoreTopicsParams(backup="saved"), run_id="back")
    assert done.data["contacts"]["updated"] == 1
