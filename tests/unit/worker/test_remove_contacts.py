"""remove-contacts: people's contacts are saved and removed, and nobody's choice is forgotten with them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ses_fleet.actions.params import RestoreListParams
from ses_fleet.errors import AwsCallError, NotStartedError
from ses_fleet.worker.actions import restore_list
from strict_aws.ses.store import ContactRecord
from tests.unit.worker.imports import contacts, everybody, meanwhile, writes
from tests.unit.worker.people_rows import counted, endings, removing
from tests.unit.worker.test_beside_import_jobs import start_job
from tests.unit.worker.test_set_contacts import ANA, AWKWARD, BOB, CLEO, big, there, whole
from tests.unit.worker.world import ACCOUNT, REGION, SETTINGS, Fault, KilledError, World

DORA = "dora@corp.example"


def test_contacts_are_removed_and_choices_are_kept() -> None:
    """Who opted out of anything or unsubscribed stays; who is not there is absent."""
    world = World(
        there(ANA, out="OPT_IN"), there(BOB, in_="OPT_OUT"), there(CLEO, unsubscribed=True), there("x@x.example")
    )
    done = removing(world, ANA, BOB, CLEO, DORA)
    assert counted(done) == {"removed": 1, "kept_choice": 2, "absent": 1}
    assert set(contacts(world)) == {BOB, CLEO, "x@x.example"}
    assert endings(world) == {
        1: ("removed", None),
        2: ("kept_choice", None),
        3: ("kept_choice", None),
        4: ("absent", None),
    }
    assert done.data["backup"] == "s3://results/backups/acme/run-1/"


def test_choices_are_forgotten_only_when_that_is_asked_for() -> None:
    """Then the contacts are saved like others."""
    world = World(there(BOB, in_="OPT_OUT"), there(CLEO, unsubscribed=True))
    assert counted(removing(world, BOB, CLEO, forget=True)) == {"removed": 2}
    assert contacts(world) == {}


def test_a_restore_brings_them_back() -> None:
    """Whole, with attributes."""
    world = World(there(ANA, out="OPT_IN", attributes='{"a":1}'), there(BOB, in_="OPT_OUT"))
    before = whole(world)
    removing(world, ANA, BOB, forget=True, run_id="gone")
    assert contacts(world) == {}
    world.run(restore_list.run, RestoreListParams(backup="gone"), run_id="back")
    assert whole(world) == before


def test_all_contacts_of_a_person_are_one() -> None:
    """They are removed together, and a choice in one of them keeps them all."""
    world = World(
        *(there(one) for one in (ANA, ANA.title(), ANA.upper())), there(BOB), there(BOB.upper(), out="OPT_OUT")
    )
    assert counted(removing(world, ANA.title(), BOB)) == {"removed": 1, "kept_choice": 1}
    assert set(contacts(world)) == {BOB, BOB.upper()}


def test_a_choice_that_is_made_right_before_is_seen() -> None:
    """After the contact was saved; also in another contact of the same person."""
    for rows, who in (([ANA], ANA), ([ANA, ANA.upper()], ANA.upper())):
        world = World(*map(there, rows), there(BOB))
        gets: list[str] = []

        def choose(operation: str, world: World = world, who: str = who, gets: list[str] = gets) -> None:
            gets.append(operation)
            if gets.count("get_contact") == len(contacts(world)) and operation == "get_contact":
                request = {"ContactListName": "main", "EmailAddress": who, "UnsubscribeAll": True}
                world.ses.call(ACCOUNT, REGION, "UpdateContact", request)

        meanwhile(world, choose)
        done = removing(world, ANA, BOB)
        assert counted(done) == {"removed": 1, "kept_choice": 1}, rows
        assert set(contacts(world)) == set(rows)


def test_who_was_changed_after_being_saved_fails_and_stays() -> None:
    """Else the backup would bring back something else."""
    world = World(there(ANA))
    seen: list[str] = []

    def change(operation: str) -> None:
        if operation == "get_contact" and not seen:
            seen.append(operation)
            request = {"ContactListName": "main", "EmailAddress": ANA, "AttributesData": '{"new":1}'}
            world.ses.call(ACCOUNT, REGION, "UpdateContact", request)

    meanwhile(world, change)
    done = removing(world, ANA)
    assert (counted(done), list(contacts(world))) == ({"failed": 1}, [ANA])
    assert done.failure is not None
    assert done.failure.type == "ContactsNotRemoved"
    (reason,) = done.data["reasons"]
    assert reason == "the contact was changed after it was saved, so it was not removed: run this customer again"
    assert counted(removing(world, ANA, run_id="again")) == {"removed": 1}


def test_without_a_list_everybody_is_absent() -> None:
    """There is nothing to remove, and nothing to save."""
    world = World(made=False)
    done = removing(world, ANA, BOB)
    assert (counted(done), done.data["backup"], done.failure) == ({"absent": 2}, None, None)


def test_a_list_of_more_pages_than_people_is_not_read() -> None:
    """Each is asked for alone, also by the address in small letters."""
    world = big(there(ANA), there("Bob@corp.example"))
    assert counted(removing(world, "Ana@corp.example", "Bob@corp.example")) == {"removed": 2}
    assert world.asked.count("ListContacts") == 2
    assert len(contacts(world)) == 3000


def test_a_thorough_run_reads_the_list_however_long_it_is() -> None:
    """So that a contact is found whose address has capitals."""
    world = big(there("BOB@corp.example"))
    assert counted(removing(world, BOB)) == {"absent": 1}
    assert counted(removing(world, BOB, thorough=True, run_id="thorough")) == {"removed": 1}


def test_no_import_job_may_run_meanwhile() -> None:
    """It could bring back whom the run removes."""
    world = World(there(ANA))
    start_job(world, processing_seconds=1000.0)
    with pytest.raises(NotStartedError, match="may write over what this run would change; nothing was changed"):
        removing(world, ANA)
    assert ANA in contacts(world)


@pytest.mark.parametrize("forget", [False, True])
def test_a_dry_run_says_what_the_real_run_does_and_what_it_costs(forget: bool) -> None:
    """Nothing is written, and nothing is saved."""
    people = (there(ANA), there(BOB, in_="OPT_OUT"), there(CLEO), there(CLEO.upper()))
    world, real = World(*people), World(*people)
    shown = removing(world, ANA, BOB, CLEO, DORA, forget=forget, dry_run=True)
    done = removing(real, ANA, BOB, CLEO, DORA, forget=forget)
    assert counted(shown) == counted(done)
    assert endings(world) == endings(real)
    assert (whole(world), writes(world)) == (whole(World(*people)), 0)
    assert not [key for key in world.objects.written if key.startswith("backups/")]
    assert abs(shown.data["estimate"]["requests"] - len(real.asked)) <= 5
    assert (shown.data["backup"], done.data["estimate"]) == (None, None)


def test_awkward_addresses_are_removed() -> None:
    """Whatever they have that means something in a path."""
    world = World(*map(there, AWKWARD))
    assert counted(removing(world, *AWKWARD)) == {"removed": len(AWKWARD)}
    assert contacts(world) == {}


MANY = everybody(8)


def many() -> World:
    """Some of each kind: two contacts, a choice, nobody."""
    made = [there(one, out="OPT_IN") for one in MANY[:4]]
    return World(*made, there(MANY[0].upper()), there(MANY[4], unsubscribed=True), there(MANY[5], out="OPT_OUT"))


WANTED = {"removed": 4, "kept_choice": 2, "absent": 2}


def test_it_goes_on_in_the_next_slice() -> None:
    """However short slices are; what they hand on has no address."""
    world = many()
    assert counted(removing(world, *MANY, budget=4.0, per_second=1)) == WANTED
    assert world.slices > 4
    assert set(contacts(world)) == {MANY[4], MANY[5]}
    assert len(endings(world)) == 8
    assert "corp.example" not in f"{json.dumps(world.states)}{world.lines}{world.warnings}".casefold()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("kind", ["killed", "lost", "throttled"])
def test_whatever_call_breaks_the_next_run_completes(kind: str, after: bool) -> None:
    """Killed or without an answer, before its effect or after it; whoever is gone has a complete backup."""
    world = many()
    removing(world, *MANY)
    for number in range(1, len(world.asked) + 1):
        broken = many()
        before = whole(broken)
        broken.client.faults[number] = Fault(kind, after=after)
        failure = _failure(broken)
        if kind == "lost" and world.asked[number - 1] == "DeleteContact":
            assert failure is not None
            assert failure.outcome_unknown
        gone = before.keys() - whole(broken).keys()
        assert not gone or "backups/acme/run-1/backup.json" in broken.objects.written
        removing(broken, *MANY, run_id="again")
        assert set(contacts(broken)) == {MANY[4], MANY[5]}
        for run_id in ("run-1", "again"):
            if f"backups/acme/{run_id}/backup.json" in broken.objects.written:
                broken.run(restore_list.run, RestoreListParams(backup=run_id), run_id=f"back-{run_id}")
        assert whole(broken) == before


def _failure(world: World) -> AwsCallError | None:
    try:
        removing(world, *MANY)
    except KilledError:
        return None
    except AwsCallError as failure:
        return failure
    return None


def test_who_comes_back_meanwhile_is_told() -> None:
    """By reading back: each alone, or by the list's pages where that is fewer requests."""
    for count in (1, 30):
        world = World(*map(there, everybody(count)))
        back: list[str] = []

        def return_(operation: str, world: World = world, back: list[str] = back) -> None:
            if operation == "delete_contact" and not back:
                back.append(operation)
                request = {"ContactListName": "main", "EmailAddress": everybody(1)[0]}
                world.ses.call(ACCOUNT, REGION, "CreateContact", request)

        meanwhile(world, return_)
        done = removing(world, *everybody(count))
        assert done.failure is not None
        assert done.failure.type == "StillThere"
        assert done.failure.message.startswith("1 contacts of acme are in the list after they were removed")
        assert counted(done) == {"removed": count}
        assert (world.asked.count("ListContacts") > 1) == (count == 30)


def test_reading_back_can_be_turned_off() -> None:
    """With a warning."""
    world = World(there(ANA))
    world.settings = SETTINGS.model_copy(update={"verify_contacts": "off"})
    assert counted(removing(world, ANA)) == {"removed": 1}
    assert "the list was not compared afterwards, because VERIFY_CONTACTS is off" in world.warnings


def test_an_address_that_ses_refuses_fails_its_row_alone() -> None:
    """With the reason; the others are removed."""
    world = World(there(ANA), there(BOB))
    call = world.client.call

    def refusing(operation: str, **parameters: Any) -> dict[str, Any]:
        if operation == "delete_contact" and parameters["EmailAddress"] == ANA:
            raise AwsCallError("sesv2", operation, "refused", "BadRequestException", "no", 400)
        return call(operation, **parameters)

    world.client.call = refusing  # type: ignore[method-assign]
    done = removing(world, ANA, BOB)
    assert (counted(done), list(contacts(world))) == ({"removed": 1, "failed": 1}, [ANA])
    assert endings(world)[1] == ("failed", "BadRequestException: no")


def test_a_record_is_a_contact_record() -> None:
    """The helper of these tests names the topic `in` as Python can."""
    assert there(ANA, in_="OPT_OUT") == ContactRecord(ANA, (("in", "OPT_OUT"),))
