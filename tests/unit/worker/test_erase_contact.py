"""erase-contact: who is said to be erased is not there any more, in whatever spelling, and does not come back."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from ses_fleet.actions.params import EraseContactParams, UnEraseParams
from ses_fleet.aws import secrets
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.people.rows import PersonRow
from ses_fleet.settings import WorkerSettings
from ses_fleet.worker.actions import erase_contact, un_erase
from ses_fleet.worker.context import ActionContext, Done, More, Outcome, State
from strict_aws.ses.jobs import ImportJobSettings
from strict_aws.ses.store import ContactRecord
from tests.unit.memory_s3 import MemoryS3
from tests.unit.worker.imports import contacts
from tests.unit.worker.world import ACCOUNT, REGION, Fault, Finished, KilledError, World, dumped

ADA, BOB, EVE = "ada@x.example", "bob@x.example", "eve@x.example"
LEDGER = "backups/identity/acme.json"
KEYS = json.dumps({"current": "k1", "keys": {"k1": base64.b64encode(b"1" * 32).decode()}})
WRITES = {"CreateContact", "UpdateContact", "DeleteContact", "DeleteSuppressedDestination"}
Setting = dict[str, Any]


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret with one key."""
    monkeypatch.setattr(secrets, "read", lambda _region, _secret: KEYS)


def world_of(*people: str, **conditions: Any) -> World:
    """A list with these contacts; results lie in a bucket that lists and compares."""
    world = World(*(ContactRecord(email) for email in people), **conditions)
    world.objects = MemoryS3()  # type: ignore[assignment]
    variables = {"AWS_REGION": REGION, "RESULTS_BUCKET": "results", "ERASURE_SECRET": "ses-fleet/erasure"}
    world.settings = WorkerSettings.from_env(variables)
    return world


def for_rows(
    run: Callable[[ActionContext, Any, State], Outcome], emails: tuple[str, ...]
) -> Callable[[ActionContext, Any, State], Outcome]:
    """The action on a people file with these rows, in its lines 2, 3 and so on."""

    def action(context: ActionContext, params: Any, state: State) -> Outcome:
        context.rows = tuple(PersonRow(email=email) for email in emails)
        context.row_numbers = tuple(range(2, 2 + len(emails)))
        return run(context, params, state)

    return action


def erased(world: World, *emails: str, params: Setting | None = None, **options: Any) -> Finished:
    """The end of both phases."""
    return world.run(for_rows(erase_contact.run, emails), EraseContactParams(**(params or {})), **options)


def outcomes(finished: Finished) -> list[str]:
    """Of each row, in the file's order."""
    return [person["outcome"] for person in finished.data["people"]]


def to_its_end(world: World, action: Callable[[ActionContext, Any, State], Outcome], state: State) -> Done:
    """The end of the second phase, slice after slice."""
    while not isinstance(outcome := action(world.context(budget=1e9), EraseContactParams(), state), Done):
        state = outcome.state
    return outcome


def tombstones(world: World) -> list[str]:
    """Where they lie."""
    return [key for _, key in world.objects.stored if key.startswith(f"erased/{ACCOUNT}-{REGION}/")]  # type: ignore[attr-defined]


def test_who_is_erased_is_gone_in_every_spelling() -> None:
    """The others stay; whoever was never there is said to have been absent, and is kept out all the same."""
    world = world_of(ADA, "Ada@X.example", EVE)
    finished = erased(world, "ADA@x.example", BOB)
    assert list(contacts(world)) == [EVE]
    assert outcomes(finished) == ["erased", "was_absent"]
    assert [(one["row"], one["contacts"]) for one in finished.data["people"]] == [(2, 2), (3, 0)]
    assert len(tombstones(world)) == 2
    assert (finished.data["erased"], finished.data["was_absent"], finished.failure) == (1, 1, None)


def test_the_first_phase_only_reads() -> None:
    """It ends with everybody found; nothing is written in the account or the hub before the second one."""
    world = world_of(ADA, EVE)
    outcome = for_rows(erase_contact.run, (ADA,))(world.context(), EraseContactParams(), {})
    assert isinstance(outcome, More)
    assert outcome.phase_over
    assert "@" not in json.dumps(outcome.state)
    assert (WRITES & set(world.asked), tombstones(world)) == (set(), [])


def test_a_dry_run_says_whom_it_would_erase() -> None:
    """And that is all."""
    world = world_of(ADA, EVE)
    finished = erased(world, ADA, BOB, dry_run=True)
    assert (outcomes(finished), finished.data["would_erase"]) == (["would_erase", "was_absent"], 1)
    assert (WRITES & set(world.asked), tombstones(world), list(contacts(world))) == (set(), [], [ADA, EVE])


def test_a_tombstone_is_there_before_anybody_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    """An import that begins in between must know it."""
    world = world_of(ADA)
    seen: list[int] = []
    original = world.client.call

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        if operation == "delete_contact":
            seen.append(len(tombstones(world)))
        return original(operation, **parameters)

    monkeypatch.setattr(world.client, "call", call)
    erased(world, ADA)
    assert seen == [1]


def test_nobody_is_deleted_while_an_import_job_runs() -> None:
    """It may be about to add who is deleted: the second phase waits for its end, and deletes whom it added."""
    world = world_of(EVE)
    world.ses.set_import_jobs(ACCOUNT, REGION, ImportJobSettings(created_seconds=5.0, processing_seconds=30.0))
    world.customer_objects.written["k"] = json.dumps({"emailAddress": ADA}).encode()
    destination = {"ContactListDestination": {"ContactListName": "main", "ContactListImportAction": "PUT"}}
    source = {"S3Url": "s3://b/k", "DataFormat": "JSON"}
    job = {"ImportDestination": destination, "ImportDataSource": source}
    world.ses.call(ACCOUNT, REGION, "CreateImportJob", job)
    finished = erased(world, ADA)
    assert (outcomes(finished), list(contacts(world))) == (["erased"], [EVE])


@pytest.mark.parametrize(("suppression", "said", "left"), [("keep", "kept", 1), ("erase", "erased", 0)])
def test_suppression_protects_a_person_from_mail_and_stays_by_default(suppression: str, said: str, left: int) -> None:
    """It is taken off when that is asked for; the data say which."""
    world = world_of(ADA)
    put = {"EmailAddress": ADA, "Reason": "COMPLAINT"}
    world.ses.call(ACCOUNT, REGION, "PutSuppressedDestination", put)
    finished = erased(world, ADA, BOB, params={"suppression": suppression})
    assert [one["suppressed"] for one in finished.data["people"]] == [said, "no"]
    listed = world.ses.call(ACCOUNT, REGION, "ListSuppressedDestinations", {})
    assert len(listed["SuppressedDestinationSummaries"]) == left


@pytest.mark.parametrize("budget", [3.0, 8.0, 60.0])
def test_a_long_list_is_erased_over_many_slices(budget: float) -> None:
    """Whatever the slices' length: the same outcome, and no address in what one hands to the next."""
    others = [f"c{number}@x.example" for number in range(3_500)]
    people = ["C7@x.example", "c3400@X.example", "nobody@x.example"]
    world = world_of(*others, "C3400@x.example")
    finished = erased(world, *people, budget=budget, per_second=1)
    assert outcomes(finished) == ["erased", "erased", "was_absent"]
    assert sorted(set(others) - set(contacts(world))) == ["c3400@x.example", "c7@x.example"]
    assert "C3400@x.example" not in contacts(world)
    assert "@" not in json.dumps(world.states)
    assert world.slices > 3 or budget == 60.0


def test_whom_something_adds_again_and_again_is_not_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    """The customer fails and says so; what was proven of the others stays."""
    world = world_of(ADA, BOB)
    original = world.client.call

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        answer = original(operation, **parameters)
        if (operation, parameters.get("EmailAddress")) == ("delete_contact", ADA):
            world.ses.call(ACCOUNT, REGION, "CreateContact", {"ContactListName": "main", "EmailAddress": ADA})
        return answer

    monkeypatch.setattr(world.client, "call", call)
    finished = erased(world, ADA, BOB)
    assert outcomes(finished) == ["not_proven", "erased"]
    assert finished.failure is not None
    assert (finished.failure.type, finished.data["not_proven"]) == ("StillThere", 1)
    assert "1 of 2 people are still in the list of acme" in finished.failure.message


@pytest.mark.parametrize("seed", range(6))
def test_reads_that_lag_prove_nothing_too_early(seed: int) -> None:
    """Whoever is said to be erased is not in the list; one that is shown although it is gone is looked at again."""
    world = world_of(ADA, EVE, read_lag_seconds=3.0, seed=seed)
    finished = erased(world, ADA, per_second=1)
    assert (outcomes(finished), list(contacts(world))) == (["erased"], [EVE])


def test_without_a_list_nobody_is_there_and_nobody_comes() -> None:
    """The account has none: everybody is absent, and the next import skips them."""
    world = world_of()
    empty = World(made=False)
    empty.objects, empty.settings = world.objects, world.settings
    finished = erased(empty, ADA)
    assert (outcomes(finished), finished.data["contact_list"], len(tombstones(empty))) == (["was_absent"], None, 1)


@pytest.mark.parametrize(
    "address", ["a/b@x.example", "a%2Fb@x.example", "a?b@x.example", "../x@x.example", "a+b@x.example"]
)
def test_an_awkward_address_is_erased_as_any_other(address: str) -> None:
    """The others are not touched."""
    world = world_of(address, EVE)
    assert (outcomes(erased(world, address)), list(contacts(world))) == (["erased"], [EVE])


def test_the_record_of_imported_people_forgets_them() -> None:
    """It is rewritten without them; somebody who writes it meanwhile loses nothing."""
    world = world_of(ADA)
    record = {"customer_code": "acme", "addresses": [ADA, EVE], "account_id": ACCOUNT}
    world.objects.put("results", LEDGER, json.dumps(record).encode())  # type: ignore[attr-defined]
    changed: list[bool] = []

    def happens(operation: str, key: str, done: bool) -> None:
        if (operation, key, done) == ("put_object", LEDGER, False) and not changed:
            changed.append(True)
            later = {**record, "addresses": [ADA, BOB, EVE]}
            world.objects.put("results", LEDGER, json.dumps(later).encode())  # type: ignore[attr-defined]

    world.objects.hook.happens = happens  # type: ignore[attr-defined]
    finished = erased(world, ADA)
    kept = json.loads(world.objects.stored["results", LEDGER].body)  # type: ignore[attr-defined]
    assert (kept["addresses"], finished.data["forgotten"], changed) == ([BOB, EVE], 1, [True])


def attempt(world: World, *emails: str) -> Finished | None:
    """One run, which may be killed or fail; None then."""
    try:
        return erased(world, *emails, params={"suppression": "erase"})
    except (KilledError, AwsCallError, CustomerError):
        return None


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("kind", ["killed", "lost", "server"])
def test_a_run_that_breaks_at_any_call_is_completed_by_the_next(kind: str, after: bool) -> None:
    """Before and after the effect of each call of SES: nobody is said to be gone who is there, and then all are."""
    calls = 1
    for number in range(1, 100):
        world = world_of(ADA, "Ada@x.example", BOB, EVE)
        world.ses.call(ACCOUNT, REGION, "PutSuppressedDestination", {"EmailAddress": ADA, "Reason": "BOUNCE"})
        world.client.faults = {number: Fault(kind, after)}
        first = attempt(world, ADA, BOB)
        if first is not None and outcomes(first) == ["erased", "erased"]:
            assert list(contacts(world)) == [EVE]
        calls = number
        if world.client.faults:
            break  # there was no such call any more
        again = attempt(world, ADA, BOB)
        assert again is not None
        assert set(outcomes(again)) <= {"erased", "was_absent"}
        assert list(contacts(world)) == [EVE]
        assert len(tombstones(world)) == 2
    assert calls > 15


@pytest.mark.parametrize("after", [False, True])
def test_a_run_that_breaks_at_any_request_of_s3_is_completed_by_the_next(after: bool) -> None:
    """Tombstones and the record of imported people: whoever is deleted has a tombstone."""
    number = 0
    while True:
        number += 1
        world = world_of(ADA, BOB)
        record = {"customer_code": "acme", "addresses": [ADA, BOB, EVE], "account_id": ACCOUNT}
        world.objects.put("results", LEDGER, json.dumps(record).encode())  # type: ignore[attr-defined]
        asked: list[str] = []

        def happens(operation: str, _key: str, done: bool, asked: list[str] = asked, number: int = number) -> None:
            if done is after:
                asked.append(operation)
                if len(asked) == number:
                    raise KilledError

        world.objects.hook.happens = happens  # type: ignore[attr-defined]
        attempt(world, ADA, BOB)
        assert len(tombstones(world)) == 2 or list(contacts(world)) == [ADA, BOB]
        if len(asked) < number:
            break
        assert attempt(world, ADA, BOB) is not None
        kept = json.loads(world.objects.stored["results", LEDGER].body)  # type: ignore[attr-defined]
        assert (kept["addresses"], list(contacts(world)), len(tombstones(world))) == ([EVE], [], 2)
    assert number > 5


def test_a_tombstone_is_lifted_and_says_by_whom() -> None:
    """Only of those who were erased; the contacts do not come back by themselves."""
    world = world_of(ADA)
    erased(world, ADA, params={"ticket": "T-1"})
    action, params = for_rows(un_erase.run, ("Ada@x.example", BOB)), UnEraseParams(ticket="T-2")
    dry = world.run(action, params, dry_run=True, run_id="run-2")
    done = world.run(action, params, run_id="run-3")
    assert dry.data == done.data == {"lifted": 1, "was_not_erased": 1}
    (key,) = tombstones(world)
    kept = json.loads(world.objects.stored["results", key].body)  # type: ignore[attr-defined]
    assert (kept["state"], kept["ticket"], kept["history"][0]["ticket"]) == ("lifted", "T-2", "T-1")
    assert (list(contacts(world)), WRITES & set(world.asked)) == ([], {"DeleteContact"})


def test_a_phase_that_is_over_ends_as_a_slice_does() -> None:
    """Done is only what the second phase says."""
    world = world_of(ADA)
    action = for_rows(erase_contact.run, (ADA,))
    first = action(world.context(), EraseContactParams(), {})
    assert isinstance(first, More)
    assert dumped(to_its_end(world, action, first.state))["people"][0]["outcome"] == "erased"


def test_the_wait_is_left_to_a_slice_of_its_own() -> None:
    """Once, with the tombstones written: other customers write theirs meanwhile, and all wait at the same time."""
    world = world_of(ADA)
    action = for_rows(erase_contact.run, (ADA,))
    first = action(world.context(), EraseContactParams(), {})
    assert isinstance(first, More)
    world.time.slept = 0.0
    buried = action(world.context(), EraseContactParams(), first.state)
    assert isinstance(buried, More)
    assert (buried.state["step"], round(world.time.slept), len(tombstones(world))) == ("wait", 0, 1)
    world.time.sleep(9.0)
    world.time.slept = 0.0
    assert isinstance(action(world.context(), EraseContactParams(), buried.state), Done)
    assert round(world.time.slept) == 6


def suppress(world: World, *emails: str) -> None:
    """They complained."""
    for email in emails:
        put = {"EmailAddress": email, "Reason": "COMPLAINT"}
        world.ses.call(ACCOUNT, REGION, "PutSuppressedDestination", put)


@pytest.mark.parametrize("suppression", ["keep", "erase"])
@pytest.mark.parametrize("others", [0, 1_200])
@pytest.mark.parametrize("people", [(), (ADA, BOB), (ADA, "Ada@x.example", "EVE@x.example"), ("BOB@x.example",)])
def test_a_dry_run_says_how_many_requests_the_real_one_sends(
    people: tuple[str, ...], others: int, suppression: str
) -> None:
    """Of both phases, and how long that takes with the wait; the log says how often the whole list is read."""

    def make() -> World:
        world = world_of(*people, *(f"c{number}@x.example" for number in range(others)))
        suppress(world, ADA, EVE)
        return world

    world, real = make(), make()
    options: Any = {"params": {"suppression": suppression}}
    shown = erased(world, ADA, BOB, EVE, dry_run=True, **options)
    done = erased(real, ADA, BOB, EVE, **options)
    estimate = shown.data["estimate"]
    assert abs(estimate["requests"] - len(real.asked)) <= 1
    assert (estimate["seconds"], estimate["looked_up"]) == (estimate["requests"] + 15, "whole list")
    assert estimate["pages"] == 1 + others // 1_000
    times = real.asked.count("ListContacts") // estimate["pages"]
    said = {2: "twice", 3: "three times"}[times]
    assert any(f"the whole list is read {said}, {estimate['pages']} page(s) each time" in one for one in world.lines)
    assert done.data["estimate"] is None


def test_a_dry_run_without_a_list_says_so_and_counts_what_is_asked_all_the_same() -> None:
    """The suppression list, and whether there is a list by now."""
    worlds = [World(made=False), World(made=False)]
    for world in worlds:
        world.objects, world.settings = MemoryS3(), world_of().settings  # type: ignore[assignment]
    shown = erased(worlds[0], ADA, BOB, dry_run=True)
    erased(worlds[1], ADA, BOB)
    assert abs(shown.data["estimate"]["requests"] - len(worlds[1].asked)) <= 1
    assert shown.data["estimate"]["pages"] is None
    assert any("there is no list that could be read" in line for line in worlds[0].lines)
