"""How an import ends when something of it is missing, damaged, refused or turned off."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.settings import WorkerSettings
from strict_aws.ses.jobs import ImportJobSettings
from strict_aws.ses.store import ContactRecord
from tests.unit.worker.by_name import act
from tests.unit.worker.imports import (
    contacts,
    everybody,
    importing,
    known_before,
    leave,
    meanwhile,
    with_people,
    writes,
)
from tests.unit.worker.world import ACCOUNT, REGION, World


def lose_a_topic(world: World) -> None:
    """Take the topic `out` from the list as soon as an import job is started, so that it refuses who is to have it."""

    def happens(operation: str) -> None:
        if operation == "create_import_job":
            topics = [{"TopicName": "in", "DisplayName": "In", "DefaultSubscriptionStatus": "OPT_IN"}]
            world.ses.call(ACCOUNT, REGION, "UpdateContactList", {"ContactListName": "main", "Topics": topics})

    meanwhile(world, happens)


def not_verifying(world: World) -> None:
    """Have the worker's setting VERIFY_CONTACTS off."""
    known = {"AWS_REGION": REGION, "RESULTS_BUCKET": "results", "VERIFY_CONTACTS": "off"}
    world.settings = WorkerSettings.from_env(known)


def test_a_job_whose_result_is_not_verified_is_believed() -> None:
    """Its own numbers are the result's: created and failed, with the reason that SES's file has."""
    world = World()
    not_verifying(world)
    people = with_people(world, *everybody(40), roles={"dba": ["u1", "u2"]})
    lose_a_topic(world)
    done = importing(world, people)
    assert (done.data["created"], done.data["failed"]) == (38, 2)
    assert done.failure is not None
    assert (done.failure.category, done.failure.type) == ("operation", "ContactsNotImported")
    assert "one of the topics (2)" in done.failure.message


def test_the_failed_records_of_a_job_are_kept_with_the_run() -> None:
    """As SES gave them; they have addresses, so they lie below data/."""
    world = World()
    people = with_people(world, *everybody(40), roles={"dba": ["u1", "u2"]})
    lose_a_topic(world)
    done = importing(world, people)
    lines = world.written_below("data/run-1/acme/refused").splitlines()
    assert len(lines) == 2
    assert "person00001@corp.example" in lines[0]
    assert done.failure is not None
    assert "one of the topics (2)" in done.failure.message
    kept = [json.loads(line) for line in world.written_below("data/run-1/acme/failed-").splitlines()]
    assert [one["email"] for one in kept] == everybody(3)[1:]


@pytest.mark.parametrize("verify", [True, False])
def test_a_list_of_failed_records_that_cannot_be_had_costs_the_reasons_alone(verify: bool) -> None:
    """A warning says so, and the failure that they were refused or are not there."""
    world = World()
    if not verify:
        not_verifying(world)
    people = with_people(world, *everybody(40), roles={"dba": ["u1", "u2"]})
    lose_a_topic(world)

    def gone(_url: str, _limit: int) -> bytes:
        raise AwsCallError("s3", "download", "refused", "HTTP403", "refused", 403)

    world._download = gone  # type: ignore[method-assign, assignment]
    done = importing(world, people)
    assert (done.data["created"], done.data["failed"]) == (38, 2)
    assert any("could not be read (HTTP403)" in warning for warning in world.warnings)
    assert done.failure is not None
    why = "not in the list after the import job (2)" if verify else "refused by the import job (2)"
    assert why in done.failure.message


def test_a_dry_run_does_not_wait_for_others_jobs() -> None:
    """It warns that the list is about to change, and counts what it would do now."""
    world = World()
    world.ses.set_import_jobs(ACCOUNT, REGION, ImportJobSettings(processing_seconds=100.0))
    world.customer_objects.written["k"] = b'{"emailAddress": "z@x.example"}'
    destination = {"ContactListDestination": {"ContactListName": "main", "ContactListImportAction": "PUT"}}
    source = {"S3Url": "s3://b/k", "DataFormat": "JSON"}
    request = {"ImportDestination": destination, "ImportDataSource": source}
    world.ses.call(ACCOUNT, REGION, "CreateImportJob", request)
    done = importing(world, with_people(world, "a@x.example"), dry_run=True)
    assert done.data["created"] == 1
    assert world.time.slept == 0
    assert any("import job" in warning for warning in world.warnings)


def test_a_record_of_addresses_that_is_damaged_stops_the_import() -> None:
    """Nothing is changed, and the object is named: nobody knows whom a prune might remove."""
    for body in (b"nonsense", b"[]", b'{"addresses": "a@x.example"}', b'{"addresses": [5]}', b"{}"):
        world = World(ContactRecord("old@x.example"))
        world.objects.written["backups/identity/acme.json"] = body
        with pytest.raises(CustomerError, match=r"s3://results/backups/identity/acme\.json ") as error:
            importing(world, with_people(world, "a@x.example"))
        assert (error.value.type, writes(world)) == ("DamagedData", 0)


@pytest.mark.parametrize(
    "body",
    [b"", b"\x1f\x8bnonsense", b"[5]\n", gzip.compress(b"[5]\n", mtime=0), gzip.compress(b"5 6\n", mtime=0)],
    ids=["empty", "nonsense", "not compressed", "no object", "no JSON"],
)
def test_people_that_cannot_be_read_stop_the_import(body: bytes) -> None:
    """Half of the people would be taken for all of them."""
    world = World()
    people = with_people(world, "a@x.example")
    world.objects.written["data/people/users-00001.jsonl.gz"] = body
    with pytest.raises(CustomerError, match=r"s3://results/data/people/users-00001\.jsonl\.gz is damaged") as error:
        importing(world, people)
    assert (error.value.type, writes(world)) == ("DamagedData", 0)


def test_an_import_without_people_is_the_orchestrators_mistake() -> None:
    """Never a list from which everybody left."""
    world = World()
    with pytest.raises(CustomerError) as error:
        act(world, "import-aws-contact", topics=())
    assert (error.value.category, error.value.type, writes(world)) == ("internal", "NoPeople", 0)


def test_a_name_that_identity_center_does_not_have_is_a_failure() -> None:
    """Not an import of nobody; in whatever case it is written, a name is found."""
    world = World()
    people = with_people(world, "a@x.example", "b@x.example")
    with pytest.raises(CustomerError, match=r"no user .* in params\.username"):
        importing(world, people, username="nobody")
    done = importing(world, people, username="USER1")
    assert (done.data["created"], list(contacts(world))) == (1, ["b@x.example"])
    assert done.data["not_in_identity_center"] is None


def test_who_left_the_list_meanwhile_is_not_opted_in() -> None:
    """Nobody is made anew by an update."""
    world = World(ContactRecord("a@x.example"), ContactRecord("b@x.example"))
    people = with_people(world, "a@x.example", "b@x.example", roles={"dba": ["u0", "u1"]})
    left: list[str] = []

    def happens(operation: str) -> None:
        if operation == "list_contacts" and not left:
            left.append("a@x.example")
            request = {"ContactListName": "main", "EmailAddress": "a@x.example"}
            world.ses.call(ACCOUNT, REGION, "DeleteContact", request)

    meanwhile(world, happens)
    done = importing(world, people, sync_topics=True)
    assert (done.data["updated"], done.data["unchanged"]) == (1, 1)
    assert contacts(world) == {"b@x.example": ({"out": "OPT_IN"}, False)}


def test_an_opt_in_that_ses_does_not_take_is_that_persons_failure() -> None:
    """The others get theirs; the reason is told without the address."""
    world = World(ContactRecord("a@x.example"), ContactRecord("b@x.example"))
    people = with_people(world, "a@x.example", "b@x.example", roles={"dba": ["u0", "u1"]})
    original = world.client.call

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        if operation == "update_contact" and parameters["EmailAddress"] == "a@x.example":
            raise AwsCallError("sesv2", operation, "refused", "BadRequestException", "SES does not take it", 400)
        return original(operation, **parameters)

    world.client.call = call  # type: ignore[method-assign]
    done = importing(world, people, sync_topics=True)
    assert (done.data["updated"], done.data["failed"]) == (1, 1)
    assert done.failure is not None
    assert (
        "1 people of acme could not be imported: BadRequestException: SES does not take it (1)" in done.failure.message
    )
    assert "@" not in done.failure.message


@pytest.mark.parametrize(("limit", "removed"), [(10.0, 2), (9.9, None)])
def test_a_prune_may_remove_as_many_as_the_limit_says(limit: float, removed: int | None) -> None:
    """2 of 20 are 10 per cent: just allowed, and refused below that, before anything is written."""
    world = World()
    people = leave(world, *everybody(10)[2:])
    world.settings = world.settings.model_copy(update={"prune_limit_percent": limit})
    before = writes(world)
    if removed is not None:
        assert importing(world, people, run_id="second", prune=True).data["removed"] == removed
        return
    with pytest.raises(
        CustomerError, match=r"2 of the 20 contacts of acme would be removed, more than 9\.9 %"
    ) as error:
        importing(world, people, run_id="second", prune=True)
    assert (error.value.type, writes(world)) == ("PruneLimit", before)


@pytest.mark.parametrize(("count", "jobs"), [(25, 0), (26, 1)])
def test_a_job_is_started_for_more_than_the_threshold(count: int, jobs: int) -> None:
    """25 new contacts are created one by one; one more is worth a job."""
    world = World()
    assert importing(world, with_people(world, *everybody(count))).data["created"] == count
    assert world.asked.count("CreateImportJob") == jobs
    assert world.asked.count("CreateContact") == (0 if jobs else count)


def test_the_five_most_frequent_reasons_are_told() -> None:
    """The most frequent first; nobody reads twenty."""
    world = World()
    original, number = world.client.call, iter(range(100))

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        if operation == "create_contact":
            code = min(next(number) // 2, 6)
            raise AwsCallError("sesv2", operation, "refused", f"Reason{code}", "no", 400)
        return original(operation, **parameters)

    world.client.call = call  # type: ignore[method-assign]
    done = importing(world, with_people(world, *everybody(15)))
    assert done.data["failed"] == 15
    assert done.failure is not None
    listed = done.failure.message.partition("could not be imported: ")[2].partition(". The others")[0].split("; ")
    assert listed == ["Reason6: no (3)", *(f"Reason{n}: no (2)" for n in range(4))]


def test_so_many_different_reasons_are_kept_and_the_rest_counted_together() -> None:
    """They go from slice to slice; nobody who failed is missing from the counts."""
    world = World()
    original, number = world.client.call, iter(range(100))

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        if operation == "create_contact":
            raise AwsCallError("sesv2", operation, "refused", f"Reason{next(number)}", "no", 400)
        return original(operation, **parameters)

    world.client.call = call  # type: ignore[method-assign]
    done = importing(world, with_people(world, *everybody(24)))
    assert done.data["failed"] == 24
    assert done.failure is not None
    assert "could not be imported: other reasons (4); Reason0: no (1)" in done.failure.message


def test_groups_that_vanished_are_told_once_and_nobody_is_removed() -> None:
    """Of those who were in them nobody knows."""
    world = World(ContactRecord("old@x.example"), *(ContactRecord(f"o{n}@x.example") for n in range(20)))
    known_before(world, "old@x.example")
    people = with_people(world, "a@x.example").model_copy(update={"vanished_groups": 3})
    done = importing(world, people, prune=True)
    assert (done.data["removed"], "old@x.example" in contacts(world)) == (0, True)
    assert sum("3 group" in warning for warning in world.warnings) == 2


def test_failed_records_without_a_reason_are_counted_as_such() -> None:
    """SES's file has no documented form: what is no JSON, or names no reason, has none."""
    world = World()
    people = with_people(world, *everybody(40), roles={"dba": ["u1", "u2"]})
    lose_a_topic(world)
    body = b'nonsense\n\n{"x": "topic"}\n[1]\n{"failureReason": 5, "ErrorMessage": "Duplicate"}\n'
    world._download = lambda _url, _limit: body  # type: ignore[method-assign, assignment]
    done = importing(world, people)
    assert done.failure is not None
    assert "no reason given (3); the contact" in done.failure.message
    assert "(1)" in done.failure.message


def test_a_job_that_another_program_started_meanwhile_is_waited_for_before_ours() -> None:
    """Ours is started right after; it is said that there was another."""
    world = World()
    world.customer_objects.written["k"] = b'{"emailAddress": "z@x.example"}'
    destination = {"ContactListDestination": {"ContactListName": "main", "ContactListImportAction": "PUT"}}
    source = {"S3Url": "s3://b/k", "DataFormat": "JSON"}
    request = {"ImportDestination": destination, "ImportDataSource": source}
    original = world.customer_objects.call
    done: list[str] = []

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        if operation == "put_object" and not done:
            done.append(operation)
            world.ses.call(ACCOUNT, REGION, "CreateImportJob", request)
        return original(operation, **parameters)

    world.customer_objects.call = call  # type: ignore[method-assign]
    result = importing(world, with_people(world, *everybody(40)))
    assert (result.data["created"], world.asked.count("CreateImportJob")) == (40, 1)
    assert sum("another import job" in line for line in world.lines) == 1
    assert "z@x.example" in contacts(world)


def test_a_customer_without_identity_center_has_nobody_to_be_read() -> None:
    """The orchestrator plans no such reading; told, not guessed."""
    with pytest.raises(CustomerError, match="identity_center_role_arn") as error:
        act(World(), "read-identity-center", people_prefix="data/x/")
    assert (error.value.category, error.value.type) == ("configuration", "NoIdentityCenter")
