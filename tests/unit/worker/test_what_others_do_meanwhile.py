"""What other programs do to a list while a run works on it: nothing untrue is claimed, and nobody is overruled."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ses_fleet.config.topics import WantedTopic
from ses_fleet.errors import AwsCallError, CustomerError
from strict_aws.ses.jobs import ImportJobSettings
from strict_aws.ses.store import ContactRecord
from tests.unit.worker.by_name import act
from tests.unit.worker.imports import contacts, everybody, importing, leave, meanwhile, with_people, writes
from tests.unit.worker.test_stale_reads import slice_by_slice
from tests.unit.worker.world import ACCOUNT, REGION, World, contact

IN = WantedTopic(name="in", display_name="In", description="d", default_status="OPT_IN")
OUT = WantedTopic(name="out", display_name="Out", description="", default_status="OPT_OUT")
NEW = WantedTopic(name="new", display_name="New", description="", default_status="OPT_OUT")


def once(world: World, operation: str, does: Any) -> None:
    """Have somebody do this right after the first answer to an operation."""
    done: list[str] = []

    def happens(asked: str) -> None:
        if asked == operation and not done:
            done.append(asked)
            does()

    meanwhile(world, happens)


def ses(world: World, operation: str, **request: Any) -> None:
    """Somebody else's call on the list."""
    world.ses.call(ACCOUNT, REGION, operation, {"ContactListName": "main", **request})


def test_topics_that_somebody_undid_at_once_are_not_claimed() -> None:
    """The list never shows what was written: outcome unknown, and it may be run again."""
    world = World()
    topics = [
        {"TopicName": "in", "DisplayName": "Else", "DefaultSubscriptionStatus": "OPT_IN"},
        {"TopicName": "out", "DisplayName": "Out", "DefaultSubscriptionStatus": "OPT_OUT"},
    ]
    once(world, "update_contact_list", lambda: ses(world, "UpdateContactList", Topics=topics))
    with pytest.raises(CustomerError, match="topics") as error:
        act(world, "manage-topic", topics=(IN, OUT, NEW))
    assert (error.value.type, error.value.retryable, error.value.outcome_unknown) == ("NotAsWritten", True, True)


def test_a_list_that_goes_while_its_topics_are_restored_is_said_to_be_gone() -> None:
    """Not to show something else than was written."""
    world = World(contact(1, {"out": "OPT_IN"}))
    act(world, "manage-topic", topics=(IN,), prune=True, run_id="pruned")
    once(world, "update_contact", lambda: ses(world, "DeleteContactList"))
    with pytest.raises(CustomerError) as error:
        act(world, "restore-topics", {"backup": "pruned"}, run_id="run-2")
    assert (error.value.category, error.value.type, error.value.retryable) == ("operation", "NoContactList", True)
    assert "CreateContactList" not in world.asked


def test_a_list_that_goes_before_it_is_compared_is_a_failure_of_unknown_outcome() -> None:
    """People were written to it."""
    world = World()
    once(world, "create_contact", lambda: ses(world, "DeleteContactList"))
    with pytest.raises(CustomerError) as error:
        importing(world, with_people(world, "a@x.example"))
    assert (error.value.category, error.value.type) == ("operation", "NoContactList")
    assert error.value.outcome_unknown


def test_who_came_while_a_list_is_restored_is_read_and_given_what_they_lack() -> None:
    """They are not made twice, and what they chose meanwhile stays."""
    world = World(contact(1, {"in": "OPT_IN", "out": "OPT_IN"}))
    act(world, "backup-list", run_id="saved")
    ses(world, "DeleteContact", EmailAddress="c1@x.example")
    chose = [{"TopicName": "in", "SubscriptionStatus": "OPT_OUT"}]
    once(
        world,
        "list_contacts",
        lambda: ses(world, "CreateContact", EmailAddress="c1@x.example", TopicPreferences=chose),
    )
    done = act(world, "restore-list", {"backup": "saved"}, run_id="run-2")
    assert done.data["contacts"] == {"created": 0, "updated": 1, "unchanged": 0, "erased_before": 0}
    assert contacts(world) == {"c1@x.example": ({"in": "OPT_OUT", "out": "OPT_IN"}, False)}


def test_everything_that_a_person_was_seen_to_refuse_counts_afterwards() -> None:
    """She had opted out when the list was read, and had unsubscribed when her contact was: both were her word."""
    world = World(ContactRecord("ana@x.example", (("in", "OPT_OUT"),)), ContactRecord("bob@x.example"))
    once(world, "list_contacts", lambda: ses(world, "UpdateContact", EmailAddress="ana@x.example", UnsubscribeAll=True))
    people = with_people(world, "ana@x.example", "bob@x.example", roles={"dba": ["u0", "u1"]})

    def resubscribed(operation: str) -> None:
        if operation == "update_contact":
            ses(world, "UpdateContact", EmailAddress="ana@x.example", UnsubscribeAll=False)

    meanwhile(world, resubscribed)
    importing(world, people, sync_topics=True)
    rows = [json.loads(line) for line in world.written_below("data/run-1/acme/subscribed-again").splitlines()]
    assert [row["said"] for row in rows] == [{"email": "ana@x.example", "unsubscribed_all": True, "opted_out": ["in"]}]
    assert [text for text in world.warnings if text.startswith("1 ")] != []


def test_a_topic_that_came_after_the_write_is_left_for_the_next_prune() -> None:
    """Its preferences were not saved: whatever slice finds it, it stays."""
    world = World(contact(1, {"out": "OPT_IN"}))
    added = [("in", "OPT_IN"), ("out", "OPT_OUT"), ("new", "OPT_OUT"), ("extra", "OPT_OUT")]
    topics = [
        {"TopicName": name, "DisplayName": name.title(), "DefaultSubscriptionStatus": status} for name, status in added
    ]
    topics[0]["Description"] = "d"
    once(world, "update_contact_list", lambda: ses(world, "UpdateContactList", Topics=topics))
    done = slice_by_slice(world, "update_contact_list", topics=(IN, OUT, NEW), prune=True)
    assert (done.data["added"], done.data["removed"], done.data["unmanaged"]) == (["new"], [], ["extra"])
    assert world.ses.topics(ACCOUNT, REGION, "main") == ("in", "out", "new", "extra")
    assert done.data_location is None


def test_a_choice_that_was_seen_when_somebody_was_to_be_removed_counts_afterwards() -> None:
    """He unsubscribed after he was saved, so he stays; another program that subscribes him again is told of."""
    world = World()
    people = leave(world, *everybody(10)[2:])
    state = {"removed": 0, "seen": 0}

    def happens(operation: str) -> None:
        if operation == "delete_contact":
            state["removed"] += 1
            ses(world, "UpdateContact", EmailAddress=everybody(2)[1], UnsubscribeAll=True)
        elif operation == "get_contact" and state["removed"] and not state["seen"]:
            state["seen"] = 1
            ses(world, "UpdateContact", EmailAddress=everybody(2)[1], UnsubscribeAll=False)

    meanwhile(world, happens)
    done = importing(world, people, run_id="second", prune=True)
    assert (done.data["removed"], everybody(2)[1] in contacts(world)) == (1, True)
    assert [text for text in world.warnings if text.startswith("1 contacts")] != []


def test_what_this_run_did_is_no_warning_of_what_others_did() -> None:
    """It is the run's failure, and no number of nobody is told beside it."""
    world = World(ContactRecord("ana@x.example", (("in", "OPT_OUT"),)))
    people = with_people(world, "ana@x.example", roles={"dba": ["u0"]})
    wanted = [{"TopicName": "in", "SubscriptionStatus": "OPT_IN"}]

    def resubscribed(operation: str) -> None:
        if operation == "update_contact":
            ses(world, "UpdateContact", EmailAddress="ana@x.example", TopicPreferences=wanted)

    meanwhile(world, resubscribed)
    done = importing(world, people, sync_topics=True)
    assert done.failure is not None
    assert done.failure.type == "SubscribedAgain"
    assert world.warnings == []


def test_a_restore_that_only_refused_again_looks_afterwards() -> None:
    """Somebody had opted out of the topic before a prune removed it, and is not in the backup that is brought back."""
    world = World(contact(1, {"in": "OPT_IN"}))
    act(world, "backup-list", run_id="saved")
    ses(world, "CreateContact", EmailAddress="new@x.example", TopicPreferences=[_opt_out("out")])
    act(world, "manage-topic", topics=(IN,), prune=True, run_id="pruned")
    world.asked.clear()
    act(world, "restore-list", {"backup": "saved"}, run_id="run-2")
    assert contacts(world)["new@x.example"] == ({"out": "OPT_OUT"}, False)
    assert world.asked[-1] == "ListContacts"


def test_a_prune_from_which_nobody_goes_saves_nothing() -> None:
    """No backup is named, and none is written."""
    world = World()
    people = leave(world, *everybody(10))
    done = importing(world, people, run_id="second", prune=True)
    assert (done.data["removed"], done.data["backup"]) == (0, None)
    assert [key for key in world.objects.written if key.startswith("backups/acme/")] == []


def test_a_prunes_backup_of_preferences_has_no_attributes() -> None:
    """It says so; and that it is of these topics alone."""
    world = World(contact(1, {"out": "OPT_IN", "in": "OPT_OUT"}), contact(2))
    done = act(world, "manage-topic", topics=(IN,), prune=True, run_id="pruned")
    manifest = json.loads(world.objects.written["backups/acme/pruned/backup.json"])
    assert (manifest["kind"], manifest["topics"], manifest["with_attributes"]) == ("topics", ["out"], False)
    assert (manifest["contacts"], manifest["parts"]) == (1, 1)
    assert world.written() == [{"email": "c1@x.example", "preferences": {"out": "OPT_IN"}}]
    assert done.data_location == "s3://results/backups/acme/pruned/"


def test_an_import_job_is_asked_for_ever_more_seldom() -> None:
    """After two seconds, then twice as long each time, half a minute at most."""
    world = World()
    world.ses.set_import_jobs(ACCOUNT, REGION, ImportJobSettings(processing_seconds=100.0))
    pauses: list[float] = []
    sleep = world.time.sleep

    def sleeping(seconds: float) -> None:
        pauses.append(seconds)
        sleep(seconds)

    world.time.sleep = sleeping  # type: ignore[method-assign]
    assert importing(world, with_people(world, *everybody(40)), budget=1_000.0).data["created"] == 40
    assert pauses[:6] == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert len(pauses) <= 7


@pytest.mark.parametrize(("status", "whose"), [(400, "person"), (None, "person"), (403, "customer"), (404, "customer")])
def test_a_contact_that_ses_does_not_take_fails_that_person(status: int | None, whose: str) -> None:
    """What would be refused for everybody is the customer's failure."""
    world = World()
    original = world.client.call

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        if operation == "create_contact" and parameters["EmailAddress"] == "a@x.example":
            raise AwsCallError("sesv2", operation, "refused", "X", "no", status)
        return original(operation, **parameters)

    world.client.call = call  # type: ignore[method-assign]
    people = with_people(world, "a@x.example", "b@x.example")
    if whose == "customer":
        with pytest.raises(AwsCallError):
            importing(world, people)
        assert writes(world) == 0
        return
    done = importing(world, people)
    assert (done.data["created"], done.data["failed"]) == (1, 1)


def test_a_person_whom_ses_gave_no_answer_of_is_the_customers_failure() -> None:
    """A lost answer is no refusal: the outcome is not known."""
    world = World()
    original = world.client.call

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        if operation == "create_contact":
            raise AwsCallError("sesv2", operation, "lost", "X", "no", None)
        return original(operation, **parameters)

    world.client.call = call  # type: ignore[method-assign]
    with pytest.raises(AwsCallError) as error:
        importing(world, with_people(world, "a@x.example"))
    assert error.value.outcome_unknown


@pytest.mark.parametrize("action", ["list-contacts", "describe-list", "backup-list"])
def test_a_list_that_goes_right_after_its_last_page_is_not_told_as_one(action: str) -> None:
    """After several pages it is looked whether it is the same list: nothing of one that is gone is used."""
    world = World(*(contact(number) for number in range(1_001)))
    pages: list[str] = []

    def happens(operation: str) -> None:
        if operation == "list_contacts":
            pages.append(operation)
            if len(pages) == 2:
                ses(world, "DeleteContactList")

    meanwhile(world, happens)
    with pytest.raises(CustomerError) as error:
        act(world, action)
    assert (error.value.type, error.value.retryable) == ("ContactListVanished", True)


def test_a_look_at_a_list_that_is_refused_is_no_list_that_vanished() -> None:
    """It is told as what it is."""
    world = World(*(contact(number) for number in range(1_001)))
    original = world.client.call

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        if operation == "get_contact_list" and "ListContacts" in world.asked:
            raise AwsCallError("sesv2", operation, "refused", "AccessDenied", "no", 403)
        return original(operation, **parameters)

    world.client.call = call  # type: ignore[method-assign]
    with pytest.raises(AwsCallError) as error:
        act(world, "list-contacts")
    assert error.value.status == 403


def _opt_out(topic: str) -> dict[str, str]:
    return {"TopicName": topic, "SubscriptionStatus": "OPT_OUT"}
