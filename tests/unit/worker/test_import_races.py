"""What people and other programs do while an import runs: nobody's choice is lost, and the numbers stay true."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.settings import WorkerSettings
from ses_fleet.worker.budget import SliceTimeoutError
from strict_aws.ses.jobs import ImportJobSettings
from strict_aws.ses.store import ContactRecord
from tests.unit.worker.imports import contacts, everybody, importing, meanwhile, with_people, writes
from tests.unit.worker.world import ACCOUNT, REGION, Fault, World

SEVENTH = everybody(60)[7]


def choose(world: World, email: str, **choice: Any) -> None:
    """What somebody chose, over all that they chose before."""
    world.ses.call(ACCOUNT, REGION, "UpdateContact", {"ContactListName": "main", "EmailAddress": email, **choice})


def put_by_others(world: World, email: str) -> None:
    """Another program's import job, over at once."""
    world.ses.set_import_jobs(ACCOUNT, REGION, ImportJobSettings(created_seconds=0, processing_seconds=0))
    world.customer_objects.written["theirs.json"] = json.dumps({"emailAddress": email}).encode()
    destination = {"ContactListName": "main", "ContactListImportAction": "PUT"}
    source = {"S3Url": "s3://b/theirs.json", "DataFormat": "JSON"}
    request = {"ImportDestination": {"ContactListDestination": destination}, "ImportDataSource": source}
    world.ses.call(ACCOUNT, REGION, "CreateImportJob", request)
    world.ses.advance_import_jobs()
    world.customer_objects.written.pop("theirs.json")


def instead(world: World, awaited: str, happens: Callable[[], object]) -> None:
    """Call `happens` right before the first such call, in its place if it raises."""
    original = world.client.call
    waiting = [happens]

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        if operation == awaited and waiting:
            waiting.pop()()
        return original(operation, **parameters)

    world.client.call = call  # type: ignore[method-assign]


def test_a_job_that_came_between_two_slices_has_the_list_read_again() -> None:
    """The slice ended when the job was to be started: what happened until the next one is seen."""
    world = World()

    def happens() -> None:
        put_by_others(world, SEVENTH)
        choose(world, SEVENTH, UnsubscribeAll=True)
        raise SliceTimeoutError("the time given to this customer ended")

    instead(world, "create_import_job", happens)
    done = importing(world, with_people(world, *everybody(60)))
    assert contacts(world)[SEVENTH] == ({}, True)
    assert (done.data["created"], done.data["unchanged"]) == (59, 1)
    assert world.customer_objects.written == {}


def test_a_job_that_came_while_the_file_was_written_has_the_list_read_again() -> None:
    """The last look is right before the start."""
    world = World()
    original = world.customer_objects.call

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        answer = original(operation, **parameters)
        if operation == "put_object" and SEVENTH not in contacts(world):
            put_by_others(world, SEVENTH)
            choose(world, SEVENTH, UnsubscribeAll=True)
        return answer

    world.customer_objects.call = call  # type: ignore[method-assign]
    done = importing(world, with_people(world, *everybody(60)))
    assert contacts(world)[SEVENTH] == ({}, True)
    assert (done.data["created"], done.data["unchanged"]) == (59, 1)
    assert world.customer_objects.written == {}


def test_a_slice_that_ends_before_the_start_decides_nothing_twice() -> None:
    """The next slice looks at the list again right before the start, and at nothing else that was read."""
    world = World(*(ContactRecord(f"own{n}@x.example") for n in range(2_500)))

    def happens() -> None:
        raise SliceTimeoutError("the time given to this customer ended")

    instead(world, "create_import_job", happens)
    done = importing(world, with_people(world, *everybody(60)))
    assert (done.data["created"], done.data["not_in_identity_center"]) == (60, 2_500)
    before = world.asked[: world.asked.index("CreateImportJob")]
    assert before.count("ListContacts") == 9  # to decide, and once for each of the two tries to start
    assert before[-4:] == ["ListContacts", "ListContacts", "ListContacts", "ListImportJobs"]


def test_a_list_that_always_fills_a_slice_gets_its_people_one_by_one() -> None:
    """The last look and the start must fit one slice; where they never do, nobody waits for ever."""
    world = World(*(ContactRecord(f"own{n}@x.example") for n in range(9_500)))
    done = importing(world, with_people(world, *everybody(30)), budget=5.0, per_second=1)
    assert done.data["created"] == 30
    assert "CreateImportJob" not in world.asked
    assert any("one slice was too short" in text for text in world.warnings)


def test_who_came_while_the_file_was_written_is_left_out_of_the_job() -> None:
    """A job replaces contacts: what they chose since the list was read would be overwritten."""
    world = World()
    original = world.customer_objects.call

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        answer = original(operation, **parameters)
        if operation == "put_object" and SEVENTH not in contacts(world):
            world.ses.fill(ACCOUNT, REGION, "main", [ContactRecord(SEVENTH, (("out", "OPT_OUT"),), True)])
        return answer

    world.customer_objects.call = call  # type: ignore[method-assign]
    done = importing(world, with_people(world, *everybody(60)))
    assert contacts(world)[SEVENTH] == ({"out": "OPT_OUT"}, True)
    assert (done.data["created"], done.data["unchanged"]) == (59, 1)
    assert world.customer_objects.written == {}


def test_a_throttled_start_looks_at_the_list_again() -> None:
    """Who came and unsubscribed while SES throttled us is not in the job."""
    world = World()

    def happens() -> None:
        world.ses.fill(ACCOUNT, REGION, "main", [ContactRecord(SEVENTH, (), True)])
        _fail("throttled", "create_import_job")

    instead(world, "create_import_job", happens)
    done = importing(world, with_people(world, *everybody(60)))
    assert contacts(world)[SEVENTH] == ({}, True)
    assert (done.data["created"], done.data["unchanged"]) == (59, 1)


@pytest.mark.parametrize("kind", ["unreachable", "conflict"])
def test_a_job_that_surely_did_not_start_leaves_no_file(kind: str) -> None:
    """Nobody will read it. It is tried a few times, as nothing happened."""
    world = World()
    for _ in range(3):
        instead(world, "create_import_job", lambda: _fail(kind, "create_import_job"))
    with pytest.raises(AwsCallError):
        importing(world, with_people(world, *everybody(60)))
    assert world.customer_objects.written == {}


def test_a_list_that_is_gone_at_the_last_look_leaves_no_file() -> None:
    """The file has addresses, and no job will read it."""
    world = World()
    original = world.customer_objects.call

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        answer = original(operation, **parameters)
        if operation == "put_object":
            world.ses.call(ACCOUNT, REGION, "DeleteContactList", {"ContactListName": "main"})
        return answer

    world.customer_objects.call = call  # type: ignore[method-assign]
    with pytest.raises(CustomerError):
        importing(world, with_people(world, *everybody(60)))
    assert world.customer_objects.written == {}


def test_a_job_without_an_id_keeps_its_file() -> None:
    """It was started: SES is about to read it."""
    world = World()
    original = world.client.call

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        answer = original(operation, **parameters)
        return {} if operation == "create_import_job" else answer

    world.client.call = call  # type: ignore[method-assign]
    with pytest.raises(CustomerError) as error:
        importing(world, with_people(world, *everybody(60)))
    assert error.value.outcome_unknown
    assert len(world.customer_objects.written) == 1


@pytest.mark.parametrize("kind", ["server", "lost"])
def test_a_job_that_may_have_started_keeps_its_file(kind: str) -> None:
    """SES may be about to read it; nobody knows what became of it, and the result says so."""
    world = World()
    instead(world, "create_import_job", lambda: _fail(kind, "create_import_job"))
    with pytest.raises(AwsCallError) as error:
        importing(world, with_people(world, *everybody(60)))
    assert error.value.outcome_unknown
    assert len(world.customer_objects.written) == 1


@pytest.mark.parametrize("kind", ["server", "lost", "refused"])
def test_a_job_that_cannot_be_asked_for_is_unknown(kind: str) -> None:
    """It was started: whatever the reason for not hearing of it, people may come of it."""
    world = World()
    original = world.client.call

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        if operation == "get_import_job":
            _fail(kind, operation)
        return original(operation, **parameters)

    world.client.call = call  # type: ignore[method-assign]
    with pytest.raises(AwsCallError) as error:
        importing(world, with_people(world, *everybody(60)))
    assert error.value.outcome_unknown


def test_a_decision_that_cannot_be_written_after_the_start_is_unknown() -> None:
    """The job goes on without us: the customer must be run again, and the result says that people may have come."""
    world = World()
    instead(world, "create_import_job", lambda: setattr(world.objects, "refusal", Fault("server").error("s3", "put")))
    with pytest.raises(CustomerError) as error:
        importing(world, with_people(world, *everybody(60)))
    assert error.value.outcome_unknown


def _fail(kind: str, operation: str) -> None:
    raise Fault(kind).error("sesv2", operation)


def test_a_throttled_start_is_one_job() -> None:
    """A request that SES throttled did nothing: it is sent again, and one job comes of it."""
    world = World()
    instead(world, "create_import_job", lambda: _fail("throttled", "create_import_job"))
    done = importing(world, with_people(world, *everybody(60)))
    assert done.data["created"] == 60
    jobs = world.ses.call(ACCOUNT, REGION, "ListImportJobs", {})["ImportJobs"]
    assert len(jobs) == 1


def test_a_job_that_failed_halfway_is_completed_one_by_one() -> None:
    """Whom it brought counts as created, stays as they are now, and nobody is missing."""
    world = World()
    world.ses.set_import_jobs(ACCOUNT, REGION, ImportJobSettings(fail="internal failure", processed_records=20))

    def happens(operation: str) -> None:
        if operation == "create_import_job":
            for email in everybody(20):
                world.ses.call(ACCOUNT, REGION, "CreateContact", {"ContactListName": "main", "EmailAddress": email})
            choose(world, SEVENTH, UnsubscribeAll=True)

    meanwhile(world, happens)
    done = importing(world, with_people(world, *everybody(60)))
    assert len(contacts(world)) == 60
    assert contacts(world)[SEVENTH] == ({}, True)
    assert (done.data["created"], done.data["unchanged"], done.data["failed"]) == (60, 0, 0)


def test_whose_unsubscribe_fell_during_a_job_is_told() -> None:
    """By number: the import did not do it, and somebody should look."""
    world = World(ContactRecord("ana@x.example", (), True), ContactRecord("bob@x.example", (), True))

    def happens(operation: str) -> None:
        if operation == "create_import_job":
            choose(world, "ana@x.example", UnsubscribeAll=False)

    meanwhile(world, happens)
    importing(world, with_people(world, "ana@x.example", "bob@x.example", *everybody(60)))
    (warning,) = [text for text in world.warnings if "had unsubscribed" in text]
    assert warning.startswith(
        "1 contacts that had unsubscribed or opted out were subscribed again during this run, by themselves or by "
    )
    assert '"ana@x.example"' in world.written_below("data/run-1/acme/subscribed-again")


def test_another_spelling_that_never_unsubscribed_is_no_fall() -> None:
    """Only the contact that had unsubscribed is looked at."""
    world = World(ContactRecord("ANA@x.example", (), True), ContactRecord("ana@x.example"))
    importing(world, with_people(world, "ana@x.example", *everybody(60)))
    assert not [text for text in world.warnings if "had unsubscribed" in text]


def test_who_unsubscribes_during_a_job_is_created_and_stays_unsubscribed() -> None:
    """As soon as the job brought them."""
    world = World()

    def happens(operation: str) -> None:
        if operation == "get_import_job" and SEVENTH in contacts(world):
            choose(world, SEVENTH, UnsubscribeAll=True)

    meanwhile(world, happens)
    done = importing(world, with_people(world, *everybody(60)), sync_topics=True)
    assert done.data["created"] == 60
    assert contacts(world)[SEVENTH] == ({}, True)


def test_a_choice_in_another_spelling_counts_at_the_last_moment() -> None:
    """A person with two contacts unsubscribes one after the list was read: the other is not opted in to more."""
    world = World(ContactRecord("ANA@x.example"), ContactRecord("ana@x.example"))
    people = with_people(world, "ana@x.example", roles={"dba": ["u0"]})
    instead(world, "get_contact", lambda: choose(world, "ana@x.example", UnsubscribeAll=True))
    done = importing(world, people, sync_topics=True)
    assert contacts(world) == {"ANA@x.example": ({}, False), "ana@x.example": ({}, True)}
    assert (done.data["updated"], done.data["unchanged"]) == (0, 1)


def test_an_update_carries_the_whole_contact() -> None:
    """Whatever SES makes of a member that an update leaves out, ours leaves out none."""
    there = ContactRecord("ana@x.example", (("in", "OPT_OUT"),), attributes='{"a": 1}')
    world = World(there)
    sent: list[dict[str, Any]] = []
    original = world.client.call

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        if operation == "update_contact":
            sent.append(parameters)
        return original(operation, **parameters)

    world.client.call = call  # type: ignore[method-assign]
    importing(world, with_people(world, "ana@x.example", roles={"dba": ["u0"]}), sync_topics=True)
    assert sent == [
        {
            "ContactListName": "main",
            "EmailAddress": "ana@x.example",
            "TopicPreferences": [
                {"TopicName": "in", "SubscriptionStatus": "OPT_OUT"},
                {"TopicName": "out", "SubscriptionStatus": "OPT_IN"},
            ],
            "UnsubscribeAll": False,
            "AttributesData": '{"a": 1}',
        }
    ]


def test_two_spellings_and_a_prune() -> None:
    """Who left is removed in the spelling that chose nothing; the one that chose stays, and stays remembered."""
    world = World(*(ContactRecord(f"own{n}@x.example") for n in range(20)))
    importing(world, with_people(world, "ana@x.example", "bob@x.example"), run_id="first")
    world.ses.fill(ACCOUNT, REGION, "main", [ContactRecord("ANA@x.example", (("in", "OPT_OUT"),))])
    done = importing(world, with_people(world, "bob@x.example"), run_id="second", prune=True)
    assert done.data["removed"] == 1
    assert {email for email in contacts(world) if not email.startswith("own")} == {"ANA@x.example", "bob@x.example"}
    record = json.loads(world.objects.written["backups/identity/acme.json"])
    assert record["addresses"] == ["ana@x.example", "bob@x.example"]


def test_a_list_that_changes_between_slices_of_its_reading() -> None:
    """Somebody comes, and is left as they are; somebody goes from a page that was read, and nobody is lost by it."""
    world = World(*(ContactRecord(f"own{n:04d}@x.example") for n in range(8_000)))
    late = "aaa@x.example"
    answers: list[str] = []

    def happens(operation: str) -> None:
        if operation == "list_contacts":
            answers.append(operation)
        if operation == "list_contacts" and len(answers) == 7:
            world.ses.fill(ACCOUNT, REGION, "main", [ContactRecord(late, (), True)])
            request = {"ContactListName": "main", "EmailAddress": "own0001@x.example"}
            world.ses.call(ACCOUNT, REGION, "DeleteContact", request)

    meanwhile(world, happens)
    people = with_people(world, late, "zoe@x.example", "own7000@x.example")
    done = importing(world, people, bucket=None, budget=4.0, per_second=1)
    assert world.slices > 2
    found = contacts(world)
    assert (found[late], found["zoe@x.example"]) == (({}, True), ({}, False))
    assert len(found) == 8_001
    assert (done.data["created"], done.data["unchanged"]) == (1, 2)


def test_who_comes_after_the_reading_is_left_as_they_are() -> None:
    """They are there, by their own doing: that is unchanged, and so is what they said."""
    world = World()

    def happens() -> None:
        world.ses.fill(ACCOUNT, REGION, "main", [ContactRecord("ana@x.example", (("out", "OPT_OUT"),), True)])

    instead(world, "create_contact", happens)
    done = importing(world, with_people(world, "ana@x.example", "bob@x.example", roles={"dba": ["u0"]}))
    assert contacts(world)["ana@x.example"] == ({"out": "OPT_OUT"}, True)
    assert (done.data["created"], done.data["unchanged"]) == (1, 1)


def test_a_topic_that_the_list_lacks_fails_nobody() -> None:
    """It is a warning; everybody comes, with the topics that are there."""
    world = World(topics=[{"TopicName": "in", "DisplayName": "In", "DefaultSubscriptionStatus": "OPT_OUT"}])
    done = importing(world, with_people(world, "ana@x.example", roles={"dba": ["u0"]}))
    assert done.failure is None
    assert contacts(world) == {"ana@x.example": ({"in": "OPT_IN"}, False)}
    assert any("the list lacks out: run manage-topic-all first" in text for text in world.warnings)


def test_a_topic_that_goes_meanwhile_is_left_out() -> None:
    """Everybody comes, with the topics that are there."""
    world = World()

    def happens() -> None:
        topics = [{"TopicName": "in", "DisplayName": "In", "DefaultSubscriptionStatus": "OPT_IN"}]
        world.ses.call(ACCOUNT, REGION, "UpdateContactList", {"ContactListName": "main", "Topics": topics})

    instead(world, "create_contact", happens)
    done = importing(world, with_people(world, "ana@x.example", "bob@x.example", roles={"dba": ["u0"]}))
    assert done.failure is None
    assert contacts(world) == {"ana@x.example": ({}, False), "bob@x.example": ({}, False)}
    assert (done.data["created"], done.data["failed"]) == (2, 0)


def test_a_topic_that_goes_meanwhile_is_left_out_of_an_update() -> None:
    """What SES still shows of it is no reason to fail, nor to forget the contact's other choices."""
    world = World(ContactRecord("ana@x.example", (("in", "OPT_OUT"),)))

    def happens() -> None:
        topics = [{"TopicName": "in", "DisplayName": "In", "DefaultSubscriptionStatus": "OPT_IN"}]
        world.ses.call(ACCOUNT, REGION, "UpdateContactList", {"ContactListName": "main", "Topics": topics})

    instead(world, "update_contact", happens)
    done = importing(world, with_people(world, "ana@x.example", roles={"dba": ["u0"]}), sync_topics=True)
    assert done.failure is None
    assert contacts(world) == {"ana@x.example": ({"in": "OPT_OUT"}, False)}
    assert (done.data["updated"], done.data["unchanged"], done.data["failed"]) == (0, 1, 0)


def test_an_address_that_ses_refuses_fails_its_person_only() -> None:
    """They are told by number and reason, without an address; the others are in."""
    world = World()

    def happens() -> None:
        raise AwsCallError("sesv2", "create_contact", "refused", "BadRequestException", "no", 400)

    instead(world, "create_contact", happens)
    done = importing(world, with_people(world, "ana@x.example", "bob@x.example"))
    assert done.failure is not None
    assert "@" not in done.failure.message
    assert (done.data["created"], done.data["failed"]) == (1, 1)


def test_a_contact_made_by_hand_leaves_with_its_person() -> None:
    """Whoever was in Identity Center in a real run and is there no more goes, however they came into the list."""
    hand_made = "hand@x.example"
    world = World(*(ContactRecord(email) for email in (hand_made, *everybody(10))))
    importing(world, with_people(world, *everybody(10), hand_made), run_id="had")
    done = importing(world, with_people(world, *everybody(10)), run_id="left", prune=True)
    assert done.data["removed"] == 1
    assert hand_made not in contacts(world)
    assert '"hand@x.example"' in world.written_below("backups/acme/left/")


_NAMES = [f"{name}@x.example" for name in ("ana", "BOB", "cid", "dora", "ed")]
_PREFERENCES = st.dictionaries(st.sampled_from(["in", "out"]), st.sampled_from(["OPT_IN", "OPT_OUT"]))
_THERE = st.dictionaries(
    st.sampled_from([*_NAMES, *map(str.lower, _NAMES), *map(str.upper, _NAMES), "own@x.example"]),
    st.tuples(_PREFERENCES, st.booleans()),
)


@given(_THERE, st.lists(st.sampled_from(_NAMES)), st.lists(st.integers(0, 9)), st.booleans(), st.integers(0, 5))
def test_every_person_ends_in_exactly_one_number(
    there: dict[str, tuple[dict[str, str], bool]], emails: list[str], dbas: list[int], sync: bool, threshold: int
) -> None:
    """Created, updated, unchanged and failed are all people; a second run finds them unchanged and writes nothing.

    And whatever anybody had chosen is as it was.
    """
    world = World(*(ContactRecord(email, tuple(said.items()), gone) for email, (said, gone) in there.items()))
    world.settings = WorkerSettings.from_env(
        {"AWS_REGION": REGION, "RESULTS_BUCKET": "results", "IMPORT_JOB_THRESHOLD": str(threshold)}
    )
    people = with_people(world, *emails, roles={"dba": [f"u{n}" for n in dbas]})
    done = importing(world, people, sync_topics=sync)
    numbers = [done.data[name] for name in ("created", "updated", "unchanged", "failed")]
    distinct = len({email.casefold() for email in emails})
    assert sum(numbers) == distinct
    assert done.data["skipped"] == ({"duplicate": len(emails) - distinct} if len(emails) > distinct else {})
    now = contacts(world)
    for email, (said, gone) in there.items():
        assert now[email][1] == gone
        assert said.items() <= now[email][0].items()
    before = writes(world)
    again = importing(world, people, run_id="run-2", sync_topics=sync)
    assert (again.data["unchanged"], writes(world)) == (distinct, before)
