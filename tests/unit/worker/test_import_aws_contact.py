"""import-aws-contact on the strict SES: who comes in, how many requests it takes, and nobody against a choice."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ses_fleet.actions.data.read_identity_center import DirectoryFiles
from ses_fleet.actions.params import RestoreListParams
from ses_fleet.errors import CustomerError
from ses_fleet.worker.actions import restore_list
from strict_aws.ses.jobs import ImportJobSettings
from strict_aws.ses.store import ContactRecord
from tests.unit.worker.imports import (
    contacts,
    everybody,
    importing,
    leave,
    meanwhile,
    unsubscribing,
    with_people,
    with_users,
    writes,
)
from tests.unit.worker.world import ACCOUNT, REGION, Fault, KilledError, World


def test_new_people_with_the_topics_of_their_roles() -> None:
    """Only where the default is not OPT_IN already; a person with no topic is added all the same."""
    world = World()
    done = importing(world, with_people(world, "Ana@x.example", "bob@x.example", roles={"dba": ["u0"]}))
    assert contacts(world) == {"Ana@x.example": ({"out": "OPT_IN"}, False), "bob@x.example": ({}, False)}
    assert {name: done.data[name] for name in ("created", "updated", "removed", "unchanged", "failed")} == {
        "created": 2,
        "updated": 0,
        "removed": 0,
        "unchanged": 0,
        "failed": 0,
    }
    assert done.failure is None


def test_a_second_run_writes_nothing() -> None:
    """Convergence, one by one and by job."""
    for count in (3, 60):
        world = World()
        people = with_people(world, *everybody(count), roles={"dba": ["u0", "u1"]})
        importing(world, people)
        before = writes(world)
        done = importing(world, people, run_id="run-2", sync_topics=True)
        assert writes(world) == before
        assert done.data["unchanged"] == count


def test_ten_thousand_new_people_take_at_most_thirty_calls() -> None:
    """One import job, in one request, and nobody missing."""
    world = World()
    done = importing(world, with_people(world, *everybody(10_000)))
    assert done.data["created"] == 10_000
    assert len(contacts(world)) == 10_000
    assert len(world.asked) <= 30
    assert world.asked.count("CreateImportJob") == 1
    assert world.customer_objects.written == {}, "the file with their addresses is deleted"


@pytest.mark.parametrize("reason", ["no bucket", "sandbox", "unreadable", "failed", "not ours"])
def test_without_a_job_they_are_created_one_by_one(reason: str) -> None:
    """With a warning that says why; nobody is missing."""
    world = World()
    if reason == "sandbox":
        world.ses.set_account(ACCOUNT, REGION, production_access=False, sending_enabled=True)
    if reason == "unreadable":
        world.customer_objects.unreadable = "policy"
    if reason == "failed":
        world.ses.set_import_jobs(ACCOUNT, REGION, ImportJobSettings(fail="internal failure"))
    if reason == "not ours":
        world.customer_objects.refusal = Fault("refused").error("s3", "put_object")  # type: ignore[assignment]
    done = importing(world, with_people(world, *everybody(40)), bucket=None if reason == "no bucket" else "b")
    assert done.data["created"] == len(contacts(world)) == 40
    assert any("one by one" in warning for warning in world.warnings)
    assert world.customer_objects.written == {}


def test_an_existing_choice_is_never_overridden() -> None:
    """Unsubscribed people and explicit preferences stay, whatever the case of the address, also with sync_topics."""
    there = [
        ContactRecord("ANA@x.example", (), True),
        ContactRecord("bob@x.example", (("out", "OPT_OUT"),)),
        ContactRecord("cid@x.example", (), attributes='{"a": 1}'),
    ]
    world = World(*there)
    everyone = {"dba": ["u0", "u1", "u2"]}
    people = with_people(world, "ana@x.example", "bob@x.example", "cid@x.example", roles=everyone)
    done = importing(world, people, sync_topics=True)
    assert contacts(world) == {
        "ANA@x.example": ({}, True),
        "bob@x.example": ({"out": "OPT_OUT"}, False),
        "cid@x.example": ({"out": "OPT_IN"}, False),
    }
    assert (done.data["created"], done.data["updated"], done.data["unchanged"]) == (0, 1, 2)
    cid = world.ses.call(ACCOUNT, REGION, "GetContact", {"ContactListName": "main", "EmailAddress": "cid@x.example"})
    assert cid["AttributesData"] == '{"a": 1}'


def test_a_dry_run_shows_what_the_real_run_does() -> None:
    """The same counts, no writing call, nothing remembered."""
    world = World(ContactRecord("old@x.example"))
    people = with_people(world, "ana@x.example", "old@x.example", roles={"dba": ["u0", "u1"]})
    shown = importing(world, people, dry_run=True, sync_topics=True, run_id="dry")
    assert writes(world) == 0
    assert not [key for key in world.objects.written if key.startswith("backups/")]
    done = importing(world, people, sync_topics=True)
    names = ("created", "updated", "removed", "unchanged", "skipped", "failed")
    assert {name: shown.data[name] for name in names} == {name: done.data[name] for name in names}


def test_a_dry_run_shows_who_would_be_removed() -> None:
    """By number, and by name where the real run writes it; it removes, saves and remembers nothing."""
    world = World()
    people = leave(world, *everybody(10)[2:])
    before = (contacts(world), {key: body for key, body in world.objects.written.items() if key.startswith("backups/")})
    shown = importing(world, people, run_id="dry", dry_run=True, prune=True)
    after = {key: body for key, body in world.objects.written.items() if key.startswith("backups/")}
    assert (contacts(world), after) == before
    done = importing(world, people, run_id="real", prune=True)
    assert shown.data["removed"] == done.data["removed"] == 2
    said = [json.loads(line) for line in world.written_below("data/dry/acme/changes-").splitlines()]
    assert [one["email"] for one in said if one["change"] == "remove"] == everybody(2)
    assert set(before[0]) - set(contacts(world)) == set(everybody(2))


def test_who_cannot_be_a_contact_is_counted_and_fails_nobody() -> None:
    """No e-mail, disabled, twice by case, no address at all: the others come, in every run."""
    users: list[tuple[str | None, bool]] = [
        ("ana@x.example", True), (None, True), ("off@x.example", False), ("ANA@x.example", True), ("typo", True),
    ]  # fmt: skip
    listed = [{"id": f"u{n}", "name": f"n{n}", "email": email, "enabled": on} for n, (email, on) in enumerate(users)]
    world = World()
    for run_id, numbers in (("run-1", (1, 0)), ("run-2", (0, 1))):
        done = importing(world, with_users(world, listed), run_id=run_id)
        assert done.failure is None
        assert (done.data["created"], done.data["unchanged"]) == numbers
        assert done.data["skipped"] == {"no_email": 1, "disabled": 1, "duplicate": 1, "invalid_email": 1}
    assert set(contacts(world)) == {"ana@x.example"}


def test_only_requests_are_waited_for() -> None:
    """Five hundred people who need nothing are a burst of requests, and no second is slept."""
    world = World(*(ContactRecord(email) for email in everybody(500)))
    done = importing(world, with_people(world, *everybody(500)), per_second=1)
    assert done.data["unchanged"] == 500
    assert (len(world.asked), world.time.slept) == (4, 0.0)


@pytest.mark.parametrize(("groups", "warned"), [(0, True), (1, False)])
def test_groups_that_stand_for_no_role_are_told(groups: int, warned: bool) -> None:
    """Everybody comes, nobody is opted in: a pattern that does not fit must not look like a success."""
    world = World()
    people = with_people(world, "ana@x.example").model_copy(update={"groups": groups, "all_groups": 7})
    done = importing(world, people)
    assert (done.failure, done.data["created"]) == (None, 1)
    expected = "none of Identity Center's 7 groups is for a role that a topic names"
    assert any(expected in text and "GROUP_ROLE_PATTERN" in text for text in world.warnings) is warned


def test_a_disabled_user_by_name_is_nobody_to_import() -> None:
    """That is said, and is no failure: the name is known."""
    world = World()
    listed = [{"id": "u0", "name": "Ana", "email": "ana@x.example", "enabled": False}]
    done = importing(world, with_users(world, listed), username="ana")
    assert (done.failure, done.data["skipped"], contacts(world)) == (None, {"disabled": 1}, {})
    assert any("the user of params.username is disabled" in text for text in world.warnings)


def test_prune_removes_who_left_and_nobody_else() -> None:
    """Saved first; whoever unsubscribed or opted out stays, and so does everybody Identity Center never had."""
    world = World()
    people = leave(world, *everybody(10)[4:])
    gone = everybody(10)[:4]
    for email, choice in (
        (gone[0], {"UnsubscribeAll": True}),
        (gone[1], {"TopicPreferences": [{"TopicName": "in", "SubscriptionStatus": "OPT_OUT"}]}),
    ):
        world.ses.call(ACCOUNT, REGION, "UpdateContact", {"ContactListName": "main", "EmailAddress": email, **choice})
    done = importing(world, people, run_id="second", prune=True)
    assert done.data["removed"] == 2
    assert set(contacts(world)) == {*everybody(10)[4:], gone[0], gone[1], *(f"own{n}@x.example" for n in range(10))}
    saved = world.written_below("backups/acme/second/")
    assert sorted(email for email in gone if f'"{email}"' in saved) == gone[2:]
    known = json.loads(world.objects.written["backups/identity/acme.json"])["addresses"]
    assert set(known) == {*everybody(10)[4:], gone[0], gone[1]}


def test_without_prune_nobody_is_removed() -> None:
    """They are reported."""
    world = World()
    done = importing(world, leave(world, everybody(10)[0]), run_id="second")
    assert len(contacts(world)) == 20
    assert done.data["not_in_identity_center"] == 19


@pytest.mark.parametrize(("stay", "type_"), [((), "EmptySource"), (tuple(everybody(10)[5:]), "PruneLimit")])
def test_a_prune_that_looks_like_a_mistake_is_refused(stay: tuple[str, ...], type_: str) -> None:
    """An empty source, or more than a fifth of the list: nothing is written at all."""
    world = World()
    people = leave(world, *stay)
    before = (writes(world), dict(world.objects.written))
    with pytest.raises(CustomerError) as error:
        importing(world, people, run_id="second", prune=True)
    assert error.value.type == type_
    assert (writes(world), dict(world.objects.written)) == before


def test_a_killed_runs_job_is_waited_for_and_an_unsubscribe_after_it_stays() -> None:
    """Killed right after CreateImportJob; one person unsubscribes; the next run leaves them unsubscribed."""
    world = World()
    people = with_people(world, *everybody(60))
    number = _call_number(World(), "CreateImportJob", 60)
    world.client.faults[number] = Fault("killed", after=True)
    with pytest.raises(KilledError):
        importing(world, people, run_id="first")
    world.time.sleep(10)
    gone = {"ContactListName": "main", "EmailAddress": everybody(60)[7], "UnsubscribeAll": True}
    world.ses.call(ACCOUNT, REGION, "UpdateContact", gone)
    done = importing(world, people, run_id="second", sync_topics=True)
    assert contacts(world)[everybody(60)[7]] == ({}, True)
    assert done.data["unchanged"] == 60


def test_killed_at_any_call_and_run_again_it_is_complete() -> None:
    """Every SES call, before and after its effect: adding by job, opting in, and pruning."""
    total = len(_story(World()).asked)
    expected = contacts(_story(World()))
    for number in range(1, total + 1):
        for after in (False, True):
            world = World()
            world.client.faults[number] = Fault("killed", after=after)
            finished = _story(world)
            assert contacts(finished) == expected, (number, after)


def _story(world: World) -> World:
    """Two runs: forty people come; then some have left and the rest are opted in. A killed run is run again."""
    world.ses.fill(ACCOUNT, REGION, "main", [ContactRecord(f"own{n}@x.example") for n in range(20)])
    runs = 0
    steps: tuple[tuple[str, DirectoryFiles | None, dict[str, Any]], ...] = (
        ("come", with_people(world, *everybody(30)), {}),
        ("go", None, {"prune": True, "sync_topics": True}),
    )
    for step, people, options in steps:
        chosen = people or with_people(world, *everybody(30)[3:], roles={"dba": ["u0", "u1"]})
        while True:
            runs += 1
            try:
                importing(world, chosen, run_id=f"{step}-{runs}", **options)
                break
            except KilledError:
                world.time.sleep(10)
    return world


def _call_number(world: World, operation: str, count: int) -> int:
    importing(world, with_people(world, *everybody(count)), run_id="probe")
    return world.asked.index(operation) + 1


def test_slices_of_any_length_end_in_the_same() -> None:
    """One request a second and slices of ten seconds: no address twice, none missing."""
    whole, sliced = World(), World()
    runs: tuple[tuple[World, dict[str, Any]], ...] = ((whole, {}), (sliced, {"budget": 10.0, "per_second": 1}))
    for world, options in runs:
        people = with_people(world, *everybody(40), roles={"dba": ["u3"]})
        done = importing(world, people, bucket=None, **options)
        assert done.data["created"] == 40
    assert contacts(sliced) == contacts(whole)
    assert sliced.slices > 3


def test_one_bad_address_fails_the_customer_but_nobody_else() -> None:
    """SES refuses it; the others are in, and the result says how many are not and why."""
    world = World()
    original = world.client.call

    def refusing(operation: str, **parameters: Any) -> dict[str, Any]:
        if operation == "create_contact" and parameters["EmailAddress"].startswith("bad"):
            parameters["EmailAddress"] = "not an address"
        return original(operation, **parameters)

    world.client.call = refusing  # type: ignore[method-assign]
    done = importing(world, with_people(world, "ana@x.example", "bad@x.example"))
    assert done.failure is not None
    assert (done.failure.type, done.data["created"], done.data["failed"]) == ("ContactsNotImported", 1, 1)
    assert "@" not in done.failure.message


def test_no_list_is_a_failure_that_says_what_to_do() -> None:
    """manage-topic makes it."""
    world = World(made=False)
    with pytest.raises(CustomerError, match="run manage-topic-all first"):
        importing(world, with_people(world, "ana@x.example"))


def test_one_person_by_name() -> None:
    """Only that one, in any case of the name; an unknown name is a failure without the name in it."""
    world = World()
    people = with_people(world, "ana@x.example", "bob@x.example")
    assert importing(world, people, username="USER1").data["created"] == 1
    assert set(contacts(world)) == {"bob@x.example"}
    with pytest.raises(CustomerError) as error:
        importing(world, people, username="nobody@x.example", run_id="run-2")
    assert "nobody" not in error.value.message


def test_a_job_under_way_is_waited_for_before_the_list_is_read() -> None:
    """Of a killed run, say: whoever unsubscribes as soon as it brought them stays unsubscribed."""
    world = World()
    world.ses.set_import_jobs(ACCOUNT, REGION, ImportJobSettings(created_seconds=5, processing_seconds=5))
    people = with_people(world, *everybody(60))
    world.client.faults[_call_number(World(), "CreateImportJob", 60)] = Fault("killed", after=True)
    with pytest.raises(KilledError):
        importing(world, people, run_id="first")
    world.ses.set_import_jobs(ACCOUNT, REGION, ImportJobSettings(created_seconds=5, processing_seconds=30))
    meanwhile(world, unsubscribing(world, everybody(60)[7]))
    importing(world, people, run_id="second")
    assert contacts(world)[everybody(60)[7]] == ({}, True)
    assert len(contacts(world)) == 60


def test_a_job_that_comes_while_the_list_is_read_has_it_read_again() -> None:
    """What that job brought, and what people made of it, is not overwritten."""
    world = World()
    world.ses.set_import_jobs(ACCOUNT, REGION, ImportJobSettings(created_seconds=0, processing_seconds=0))
    unsubscribe = unsubscribing(world, everybody(60)[7])
    started: list[str] = []

    def happens(operation: str) -> None:
        if operation == "list_contacts" and not started:
            started.append("once")
            line = json.dumps({"emailAddress": everybody(60)[7]}).encode()
            world.customer_objects.written["theirs.json"] = line
            destination = {"ContactListName": "main", "ContactListImportAction": "PUT"}
            source = {"S3Url": "s3://b/theirs.json", "DataFormat": "JSON"}
            request = {"ImportDestination": {"ContactListDestination": destination}, "ImportDataSource": source}
            world.ses.call(ACCOUNT, REGION, "CreateImportJob", request)
        unsubscribe(operation)

    meanwhile(world, happens)
    done = importing(world, with_people(world, *everybody(60)))
    assert contacts(world)[everybody(60)[7]] == ({}, True)
    assert (done.data["created"], done.data["unchanged"]) == (59, 1)


@pytest.mark.parametrize("after", ["list_contacts", "get_contact"])
def test_whoever_chooses_while_a_prune_runs_stays(after: str) -> None:
    """Between the decision and the backup, and between the backup and the removal."""
    world = World()
    people = leave(world, *everybody(10)[1:])
    email = everybody(10)[0]
    chosen: list[str] = []

    def happens(operation: str) -> None:
        if operation == after and not chosen:
            chosen.append(email)
            request = {"ContactListName": "main", "EmailAddress": email, "UnsubscribeAll": True}
            world.ses.call(ACCOUNT, REGION, "UpdateContact", request)

    meanwhile(world, happens)
    done = importing(world, people, run_id="second", prune=True)
    assert done.data["removed"] == 0
    assert contacts(world)[email] == ({}, True)
    assert email in json.loads(world.objects.written["backups/identity/acme.json"])["addresses"]


def test_failed_records_are_counted_with_reasons() -> None:
    """Whom SES's job refused is told by number and reason, never by address."""
    world = World()
    people = with_people(world, *everybody(40), roles={"dba": ["u1", "u2"]})

    def happens(operation: str) -> None:
        if operation == "create_import_job":
            topics = [{"TopicName": "in", "DisplayName": "In", "DefaultSubscriptionStatus": "OPT_IN"}]
            world.ses.call(ACCOUNT, REGION, "UpdateContactList", {"ContactListName": "main", "Topics": topics})

    meanwhile(world, happens)
    done = importing(world, people)
    assert done.failure is not None
    assert (done.data["created"], done.data["failed"]) == (38, 2)
    assert "2 people of acme could not be imported" in done.failure.message
    assert "@" not in done.failure.message


def test_restore_list_brings_back_whom_a_prune_removed() -> None:
    """They, and nothing else: topics that changed since stay as they are now."""
    world = World()
    people = leave(world, *everybody(10)[2:])
    before = contacts(world)
    importing(world, people, run_id="second", prune=True)
    assert len(contacts(world)) == 18
    topics = [{"TopicName": "new", "DisplayName": "New", "DefaultSubscriptionStatus": "OPT_OUT"}]
    world.ses.call(ACCOUNT, REGION, "UpdateContactList", {"ContactListName": "main", "Topics": topics})
    done = world.data(restore_list.run, RestoreListParams(backup="second"), run_id="third")
    assert (done["contacts"]["created"], done["topics_added"]) == (2, [])
    assert set(contacts(world)) == set(before)
    assert world.ses.topics(ACCOUNT, REGION, "main") == ("new",)
