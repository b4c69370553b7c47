"""What an erasure may not claim, and must not fail for."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from ses_fleet.actions.params import EraseContactParams
from ses_fleet.aws import secrets
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.worker.actions import erase_contact
from ses_fleet.worker.context import More
from strict_aws.ses.jobs import ImportJobSettings
from tests.unit.worker.imports import contacts
from tests.unit.worker.test_erase_contact import ADA, EVE, erased, for_rows, outcomes, to_its_end, world_of
from tests.unit.worker.world import ACCOUNT, REGION, World, dumped

KEYS = json.dumps({"current": "k1", "keys": {"k1": base64.b64encode(b"1" * 32).decode()}})


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret with one key."""
    monkeypatch.setattr(secrets, "read", lambda _region, _secret: KEYS)


def claims(world: World, *emails: str, **options: Any) -> list[str]:
    """What is claimed of each row; nothing by a customer that fails."""
    try:
        return outcomes(erased(world, *emails, **options))
    except CustomerError:
        return []


def test_a_list_name_that_the_account_does_not_have_proves_nothing() -> None:
    """The person is in the account's list; only config.json names another one."""
    world = world_of(ADA, EVE)
    claimed = claims(world, ADA, customer={"contact_list_name": "mian"})
    assert "was_absent" not in claimed
    assert ADA not in contacts(world) or claimed != ["erased"]


def test_an_account_in_the_sandbox_is_erased_from() -> None:
    """It has no suppression list that could be read, and none is asked to be changed."""
    world = world_of(ADA, EVE)
    world.ses.set_account(ACCOUNT, REGION, production_access=False, sending_enabled=True)
    assert claims_or_failure(world) == ["erased"]


def claims_or_failure(world: World) -> list[str]:
    """The same, with the failure's code in place of a claim."""
    try:
        return claims(world, ADA)
    except AwsCallError as failure:
        return [f"{failure.operation}: {failure.code}"]


def test_a_suppression_that_came_after_the_first_phase_is_told() -> None:
    """The receipt says `no` only of an address that is not on the list when that was read back."""
    world = world_of(ADA)
    action = for_rows(erase_contact.run, (ADA,))
    first = action(world.context(), EraseContactParams(), {})
    assert isinstance(first, More)
    world.ses.call(ACCOUNT, REGION, "PutSuppressedDestination", {"EmailAddress": ADA, "Reason": "COMPLAINT"})
    done = to_its_end(world, action, first.state)
    assert dumped(done)["people"][0]["suppressed"] == "kept"


def test_an_entry_in_another_spelling_is_taken_off_too() -> None:
    """The list keeps upper and lower case before the @ apart; the contact says which spelling there is."""
    world = world_of("Ada@x.example")
    put = {"EmailAddress": "Ada@x.example", "Reason": "BOUNCE"}
    world.ses.call(ACCOUNT, REGION, "PutSuppressedDestination", put)
    finished = erased(world, ADA, params={"suppression": "erase"})
    listed = world.ses.call(ACCOUNT, REGION, "ListSuppressedDestinations", {})["SuppressedDestinationSummaries"]
    assert (finished.data["people"][0]["suppressed"], listed) == ("erased", [])


def test_a_role_that_may_not_list_import_jobs_does_not_pass_the_first_phase(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the others are deleted, and this customer fails after the barrier, although that was to be seen before."""
    world = world_of(ADA)
    original = world.client.call

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        if operation == "list_import_jobs":
            raise AwsCallError("sesv2", operation, "refused", "AccessDeniedException", "no", 403)
        return original(operation, **parameters)

    monkeypatch.setattr(world.client, "call", call)
    with pytest.raises((AwsCallError, CustomerError)):
        for_rows(erase_contact.run, (ADA,))(world.context(), EraseContactParams(), {})


def test_a_contact_that_somebody_else_deletes_at_the_same_moment_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """SES says that there is nothing to delete: that is what was wanted, and the read-back shows it."""
    world = world_of(ADA, EVE)
    original = world.client.call

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        if operation == "delete_contact":
            world.ses.call(ACCOUNT, REGION, "DeleteContact", parameters)
        return original(operation, **parameters)

    monkeypatch.setattr(world.client, "call", call)
    assert claims_or_failure(world)[0] in ("erased", "was_absent")


def test_whom_an_import_job_has_just_added_is_not_said_to_be_absent() -> None:
    """Reads lag: right after the job neither the list nor the address as it is given shows the person."""
    world = world_of(EVE, read_lag_seconds=10.0, seed=3)
    world.ses.set_import_jobs(ACCOUNT, REGION, ImportJobSettings(created_seconds=5.0, processing_seconds=30.0))
    world.customer_objects.written["k"] = json.dumps({"emailAddress": "Ada@x.example"}).encode()
    destination = {"ContactListDestination": {"ContactListName": "main", "ContactListImportAction": "PUT"}}
    job = {"ImportDestination": destination, "ImportDataSource": {"S3Url": "s3://b/k", "DataFormat": "JSON"}}
    world.ses.call(ACCOUNT, REGION, "CreateImportJob", job)
    claimed = claims(world, ADA)
    world.time.sleep(60.0)
    assert (claimed, list(contacts(world))) == (["erased"], [EVE])


@pytest.mark.parametrize("budget", [3.0, 60.0])
def test_the_read_back_is_of_the_whole_list_also_over_several_slices(
    monkeypatch: pytest.MonkeyPatch, budget: float
) -> None:
    """Somebody adds the person again in another spelling, which the last page has: it is met, and deleted, too."""
    others = [f"c{number}@x.example" for number in range(6_500)]
    world = world_of(*others, "Ada@x.example")
    original = world.client.call
    again: list[str] = []

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        answer = original(operation, **parameters)
        if operation == "delete_contact" and not again:
            again.append("ADA@x.example")
            world.ses.call(ACCOUNT, REGION, "CreateContact", {"ContactListName": "main", "EmailAddress": again[0]})
        return answer

    monkeypatch.setattr(world.client, "call", call)
    claimed = claims(world, ADA, budget=budget, per_second=1)
    assert (claimed, set(contacts(world)) - set(others)) == (["erased"], set())


def start_job(world: World, *emails: str, seconds: float) -> None:
    """Another program's import job, which takes so long."""
    world.ses.set_import_jobs(ACCOUNT, REGION, ImportJobSettings(created_seconds=0.0, processing_seconds=seconds))
    world.customer_objects.written["k"] = "\n".join(json.dumps({"emailAddress": one}) for one in emails).encode()
    destination = {"ContactListDestination": {"ContactListName": "main", "ContactListImportAction": "PUT"}}
    job = {"ImportDestination": destination, "ImportDataSource": {"S3Url": "s3://b/k", "DataFormat": "JSON"}}
    world.ses.call(ACCOUNT, REGION, "CreateImportJob", job)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("before", [-14.0, -8.0, -1.0, 0.0, 1.0, 8.0, 14.0])
def test_whom_a_job_added_that_has_just_ended_is_erased(before: float, seed: int) -> None:
    """Long after the first phase, and so many seconds before the second began: no look may have shown it running."""
    world = world_of(EVE, read_lag_seconds=15.0, seed=seed)
    action = for_rows(erase_contact.run, (ADA,))
    first = action(world.context(budget=1e9), EraseContactParams(), {})
    assert isinstance(first, More)
    world.time.sleep(3600.0)
    start_job(world, ADA, "Ada@x.example", seconds=60.0)
    world.time.sleep(60.0 + before)
    second = to_its_end(world, action, first.state)
    world.time.sleep(60.0)
    assert (dumped(second)["people"][0]["outcome"], list(contacts(world))) == ("erased", [EVE])


@pytest.mark.parametrize("seed", range(5))
def test_whom_another_run_added_right_before_the_tombstones_is_erased(seed: int) -> None:
    """That run had the list until then, and reads do not show its contact yet."""
    world = world_of(EVE, read_lag_seconds=15.0, seed=seed)
    action = for_rows(erase_contact.run, (ADA,))
    first = action(world.context(budget=1e9), EraseContactParams(), {})
    assert isinstance(first, More)
    world.time.sleep(3600.0)
    world.ses.call(ACCOUNT, REGION, "CreateContact", {"ContactListName": "main", "EmailAddress": ADA})
    second = to_its_end(world, action, first.state)
    world.time.sleep(60.0)
    assert (dumped(second)["people"][0]["outcome"], list(contacts(world))) == ("erased", [EVE])


@pytest.mark.parametrize("hours", [0, 1])
def test_beside_no_job_the_second_phase_waits_once(hours: int) -> None:
    """15 s, the longest that reads are taken to lag, and one look at the jobs, however long ago the first phase was."""
    world = world_of(ADA, EVE)
    action = for_rows(erase_contact.run, (ADA,))
    first = action(world.context(), EraseContactParams(), {})
    assert isinstance(first, More)
    world.time.sleep(3600.0 * hours)
    world.asked.clear()
    world.time.slept = 0.0
    to_its_end(world, action, first.state)
    assert (world.asked.count("ListImportJobs"), round(world.time.slept)) == (1, 15)
