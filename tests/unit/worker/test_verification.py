"""Afterwards it looks: whoever had said no and would get mail now is told by number, with rows for who may read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ses_fleet.actions.params import BackupListParams, RestoreListParams
from ses_fleet.settings import WorkerSettings
from ses_fleet.worker.actions import backup_list, restore_list
from strict_aws.ses.store import ContactRecord
from tests.unit.worker.imports import contacts, everybody, importing, meanwhile, with_people
from tests.unit.worker.world import ACCOUNT, REGION, Finished, World

OWN = ContactRecord("own@x.example", (), True)
ANA = ContactRecord("ana@x.example", (("in", "OPT_OUT"),))


def update(world: World, email: str, **choice: Any) -> None:
    """Somebody else's change of a contact."""
    world.ses.call(ACCOUNT, REGION, "UpdateContact", {"ContactListName": "main", "EmailAddress": email, **choice})


def subscribing(world: World, email: str, after: str, **choice: Any) -> None:
    """Right after every such call of the run, that contact is subscribed again by another program."""

    def happens(operation: str) -> None:
        if operation == after:
            update(world, email, **choice)

    meanwhile(world, happens)


def opting_in(world: World, **options: Any) -> Finished:
    """An import that opts ana in to a topic of her role."""
    return importing(world, with_people(world, ANA.email, roles={"dba": ["u0"]}), sync_topics=True, **options)


def rows(world: World) -> list[dict[str, Any]]:
    """What was written of whom."""
    lines = world.written_below("data/run-1/acme/subscribed-again").splitlines()
    return [json.loads(line) for line in lines]


def test_who_was_written_and_would_get_mail_fails_the_customer() -> None:
    """She had opted out, the run wrote her contact, and afterwards she is in: that is the run's to answer for."""
    world = World(ANA)
    subscribing(world, ANA.email, "update_contact", TopicPreferences=[_topic("in", "OPT_IN")])
    done = opting_in(world)
    assert done.failure is not None
    assert (done.failure.type, done.failure.category) == ("SubscribedAgain", "operation")
    assert done.failure.message.startswith("1 contacts of acme")
    assert "@" not in done.failure.message
    (row,) = rows(world)
    assert (row["email"], row["written_by_this_run"]) == (ANA.email, True)
    assert row["said"] == {"email": ANA.email, "unsubscribed_all": False, "opted_out": ["in"]}
    assert row["now"]["preferences"]["in"] == "OPT_IN"


@pytest.mark.parametrize(
    ("there", "choice"),
    [
        (OWN, {"UnsubscribeAll": False}),
        (ContactRecord("own@x.example", (("out", "OPT_OUT"),)), {}),
    ],
)
def test_who_was_not_written_is_a_warning(there: ContactRecord, choice: dict[str, Any]) -> None:
    """People change their minds, and other programs write."""
    world = World(ANA, there)
    choice = {**choice, "TopicPreferences": [_topic("out", "OPT_IN")]}
    subscribing(world, there.email, "update_contact", **choice)
    done = opting_in(world)
    assert done.failure is None
    (warning,) = [text for text in world.warnings if "were subscribed again" in text]
    assert warning.startswith("1 contacts that had unsubscribed or opted out")
    assert "@" not in warning
    assert [(row["email"], row["written_by_this_run"]) for row in rows(world)] == [(there.email, False)]


def test_nobody_against_their_word_is_no_warning_and_no_file() -> None:
    """One more walk of the list, and nothing to tell."""
    world = World(ANA, OWN)
    before = len(world.asked)
    done = opting_in(world)
    assert (done.failure, world.warnings, rows(world)) == (None, [], [])
    assert world.asked[before:].count("ListContacts") == 2
    assert world.asked[-1] == "ListContacts"


def test_a_run_that_changed_nothing_does_not_look() -> None:
    """There is nothing to compare."""
    world = World(ContactRecord(ANA.email, (("out", "OPT_OUT"),)), OWN)
    assert opting_in(world).data["unchanged"] == 1
    assert world.asked.count("ListContacts") == 1


def test_an_opt_out_of_a_topic_that_is_gone_is_no_mail() -> None:
    """There is nothing that could be sent."""
    world = World(ContactRecord("own@x.example", (("in", "OPT_OUT"),)), ContactRecord(ANA.email))
    subscribing(world, "own@x.example", "update_contact")

    def happens(operation: str) -> None:
        if operation == "update_contact":
            topics = [{"TopicName": "out", "DisplayName": "Out", "DefaultSubscriptionStatus": "OPT_OUT"}]
            world.ses.call(ACCOUNT, REGION, "UpdateContactList", {"ContactListName": "main", "Topics": topics})

    meanwhile(world, happens)
    assert opting_in(world).failure is None
    assert rows(world) == []


def test_a_read_that_lags_is_looked_at_again() -> None:
    """The first walk afterwards shows an older state: nobody is accused before it has been read over a while."""
    world = World(ContactRecord(ANA.email))
    original = world.client.call
    walks: list[int] = []

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        answer = original(operation, **parameters)
        if operation == "list_contacts":
            walks.append(len(walks))
            if walks[-1] == 0:
                return {"Contacts": [{**one, "UnsubscribeAll": True} for one in answer["Contacts"]]}
            if walks[-1] == 1:
                return {"Contacts": [{**one, "UnsubscribeAll": False} for one in answer["Contacts"]]}
            return {"Contacts": [{**one, "UnsubscribeAll": True} for one in answer["Contacts"]]}
        return answer

    world.client.call = call  # type: ignore[method-assign]
    done = importing(world, with_people(world, ANA.email, "new@x.example"))
    assert (done.failure, world.warnings) == (None, [])
    assert len(walks) == 3


def test_it_can_be_turned_off_and_the_result_says_so() -> None:
    """For very large lists; a job's own numbers are believed then."""
    world = World(ANA)
    known = {"AWS_REGION": REGION, "RESULTS_BUCKET": "results", "VERIFY_CONTACTS": "off"}
    world.settings = WorkerSettings.from_env(known)
    subscribing(world, ANA.email, "update_contact", TopicPreferences=[_topic("in", "OPT_IN")])
    assert opting_in(world).failure is None
    assert world.warnings == ["the list was not compared afterwards, because VERIFY_CONTACTS is off"]
    done = importing(world, with_people(world, *everybody(60)), run_id="run-2")
    assert (done.data["created"], done.data["failed"]) == (60, 0)


def test_it_goes_on_over_slices() -> None:
    """A list of many pages, at one request a second: the walk goes on where it stopped."""
    world = World(ANA, OWN, *(ContactRecord(f"o{n:05d}@x.example") for n in range(12_000)))
    subscribing(world, OWN.email, "update_contact", UnsubscribeAll=False)
    done = opting_in(world, budget=6.0, per_second=1)
    assert world.slices > 4
    assert done.failure is None
    assert len([text for text in world.warnings if "were subscribed again" in text]) == 1


def test_a_restore_looks_too() -> None:
    """Whom another program subscribed while it wrote is a warning; who opted out since the backup stays out."""
    bob = ContactRecord("bob@x.example", (("out", "OPT_IN"),))
    world = World(ContactRecord("ana@x.example", (("in", "OPT_IN"), ("out", "OPT_IN"))), OWN, bob)
    subscribing(world, OWN.email, "create_contact", UnsubscribeAll=False)
    world.run(backup_list.run, BackupListParams(), run_id="saved")
    update(world, "ana@x.example", TopicPreferences=[_topic("in", "OPT_OUT"), _topic("out", "OPT_OUT")])
    world.ses.call(ACCOUNT, REGION, "DeleteContact", {"ContactListName": "main", "EmailAddress": bob.email})
    done = world.run(restore_list.run, RestoreListParams(backup="saved"), run_id="run-1")
    assert (done.failure, done.data["contacts"]["created"]) == (None, 1)
    assert contacts(world)["ana@x.example"] == ({"in": "OPT_OUT", "out": "OPT_OUT"}, False)
    assert [(row["email"], row["written_by_this_run"]) for row in rows(world)] == [(OWN.email, False)]


def test_a_restore_that_was_asked_to_overwrite_choices_is_no_failure() -> None:
    """It subscribes whom it writes on purpose; whom it did not write is told as ever."""
    world = World(ContactRecord("ana@x.example", (("in", "OPT_IN"), ("out", "OPT_IN"))))
    world.run(backup_list.run, BackupListParams(), run_id="saved")
    update(world, "ana@x.example", TopicPreferences=[_topic("in", "OPT_OUT"), _topic("out", "OPT_OUT")])
    params = RestoreListParams(backup="saved", overwrite_unsubscribes=True)
    done = world.run(restore_list.run, params, run_id="run-1")
    assert done.failure is None
    assert contacts(world)["ana@x.example"][0] == {"in": "OPT_IN", "out": "OPT_IN"}
    assert rows(world) == []


def test_no_address_is_in_a_continuation() -> None:
    """What was seen and written lies in S3, with the customer's data."""
    world = World(ANA, OWN, *(ContactRecord(f"o{n:05d}@x.example") for n in range(6_000)))
    opting_in(world, budget=6.0, per_second=1)
    assert len(world.states) >= 2
    assert not [state for state in world.states if "@" in json.dumps(state)]


def _topic(name: str, status: str) -> dict[str, str]:
    return {"TopicName": name, "SubscriptionStatus": status}
