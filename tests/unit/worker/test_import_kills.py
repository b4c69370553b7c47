"""An import that is killed before or after any of its calls, and run again: as if nothing had happened."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from typing import Any, Literal

import pytest

from ses_fleet.actions.data.read_identity_center import DirectoryFiles
from ses_fleet.errors import AwsCallError, CustomerError
from strict_aws.ses.jobs import ImportJobSettings
from strict_aws.ses.store import ContactRecord
from tests.unit.worker.imports import (
    contacts,
    everybody,
    importing,
    known_before,
    meanwhile,
    unsubscribing,
    with_people,
    writes,
)
from tests.unit.worker.world import ACCOUNT, REGION, Client, Fault, Finished, KilledError, Objects, World

NEW = everybody(30)  # more than the threshold
STAYING = [f"staying{n}@corp.example" for n in range(4)]  # the first three get a role, and one of them chose
LEAVING = [f"leaving{n}@corp.example" for n in range(4)]  # the last one chose
OWN = [f"own{n}@corp.example" for n in range(20)]
RECORD = "backups/identity/acme.json"
KILLED_FILE, AGAIN_FILE = "ses-fleet/acme/killed.json", "ses-fleet/acme/again.json"
WRITING = {"CreateImportJob", "CreateContact", "UpdateContact", "DeleteContact"}
ATTRIBUTES = '{"shoe": 44}'

Where = Literal["ses", "results", "import bucket"]
_WHERE: dict[Where, Callable[[World], Client | Objects]] = {
    "ses": lambda world: world.client,
    "results": lambda world: world.objects,
    "import bucket": lambda world: world.customer_objects,
}


def prepared() -> tuple[World, DirectoryFiles]:
    """A list with somebody to bring by job, somebody to opt in and somebody to remove, and with people who chose."""
    world = World(
        ContactRecord(STAYING[0], (("in", "OPT_OUT"),), attributes=ATTRIBUTES),
        ContactRecord(STAYING[1], (("out", "OPT_OUT"),)),
        ContactRecord(STAYING[2]),
        ContactRecord(STAYING[3], (), True),
        *(ContactRecord(email) for email in (*LEAVING[:3], *OWN)),
        ContactRecord(LEAVING[3], (("in", "OPT_OUT"),)),
    )
    known_before(world, *STAYING, *LEAVING)
    roles = {"dba": [f"u{n}" for n in (0, 1, *range(30, 34))]}
    return world, with_people(world, *NEW, *STAYING, roles=roles)


def run(world: World, people: DirectoryFiles, run_id: str, **options: Any) -> Finished:
    """All of an import: its job, its updates and its prune."""
    return importing(world, people, run_id=run_id, prune=True, sync_topics=True, **options)


def undisturbed(**options: Any) -> World:
    """How it ends when nobody kills it."""
    world, people = prepared()
    done = run(world, people, "whole", **options)
    assert done.failure is None
    assert [done.data[name] for name in ("created", "updated", "removed", "unchanged")] == [30, 2, 3, 2]
    assert world.customer_objects.written == {}
    assert contacts(world) == {
        **{email: ({"out": "OPT_IN"} if email in NEW[:2] else {}, False) for email in (*NEW, *OWN)},
        STAYING[0]: ({"in": "OPT_OUT", "out": "OPT_IN"}, False),
        STAYING[1]: ({"out": "OPT_OUT"}, False),
        STAYING[2]: ({"out": "OPT_IN"}, False),
        STAYING[3]: ({}, True),
        LEAVING[3]: ({"in": "OPT_OUT"}, False),
    }
    assert known(world) == sorted([*NEW, *STAYING, LEAVING[3]])
    return world


def killed(where: Where, **options: Any) -> Iterator[tuple[str, World, DirectoryFiles]]:
    """Worlds whose run was killed before or after the first, second, third… call to that service."""
    calls = _WHERE[where](undisturbed(**options)).asked
    total = calls if isinstance(calls, int) else len(calls)
    for number in range(1, total + 1):
        for after in (False, True):
            world, people = prepared()
            _WHERE[where](world).faults[number] = Fault("killed", after=after)
            with pytest.raises(KilledError):
                run(world, people, "killed", **options)
            yield f"{where}, call {number} of {total}, {'after' if after else 'before'} its effect", world, people


def known(world: World) -> list[str]:
    """Whom the record of Identity Center's people has."""
    addresses: list[str] = json.loads(world.objects.written[RECORD])["addresses"]
    return addresses


def check(
    moment: str,
    world: World,
    people: DirectoryFiles,
    expected: dict[str, Any],
    remembered: list[str],
    *,
    files: AbstractSet[str] = frozenset({KILLED_FILE}),
) -> None:
    """That a run again ended in this, with everybody removed saved, and that one more run writes nothing."""
    assert contacts(world) == expected, moment
    kept = world.ses.call(ACCOUNT, REGION, "GetContact", {"ContactListName": "main", "EmailAddress": STAYING[0]})
    assert kept["AttributesData"] == ATTRIBUTES, moment
    assert known(world) == remembered, moment
    saved = world.written_below("backups/acme/")
    assert all(email in saved for email in LEAVING if email not in expected), moment
    # What killed runs put there may be about to be read: only the bucket's own expiry removes these `files`.
    assert world.customer_objects.written.keys() <= files, moment
    before = writes(world)
    again = run(world, people, "once-more")
    assert (writes(world), again.failure) == (before, None), moment
    assert contacts(world) == expected, moment


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("where", list(_WHERE))
def test_killed_at_any_call_and_run_again(where: Where, at_once: bool) -> None:
    """The list, the record and the backups are those of a run that nobody killed; its job may still be under way."""
    whole = undisturbed()
    for moment, world, people in killed(where):
        if not at_once:
            world.time.sleep(10)
        done = run(world, people, "again")
        assert done.failure is None, moment
        check(moment, world, people, contacts(whole), known(whole))


@pytest.mark.parametrize("email", [NEW[7], STAYING[0], STAYING[2], LEAVING[0]])
@pytest.mark.parametrize("where", list(_WHERE))
def test_who_unsubscribes_between_the_kill_and_the_next_run_stays_so(where: Where, email: str) -> None:
    """Whom the job brought, who was or would have been opted in, who would have been removed; all else is as ever."""
    whole = undisturbed()
    for moment, world, people in killed(where):
        world.time.sleep(10)
        expected, remembered = contacts(whole), known(whole)
        chose = contacts(world).get(email)
        if chose is not None:
            attributes = {"AttributesData": ATTRIBUTES} if email == STAYING[0] else {}
            choice = [{"TopicName": topic, "SubscriptionStatus": status} for topic, status in chose[0].items()]
            request = {"ContactListName": "main", "EmailAddress": email, "UnsubscribeAll": True}
            world.ses.call(ACCOUNT, REGION, "UpdateContact", {**request, "TopicPreferences": choice, **attributes})
            expected[email] = (chose[0], True)
            remembered = sorted({*remembered, email})
        done = run(world, people, "again")
        assert done.failure is None, moment
        check(moment, world, people, expected, remembered)


def test_who_unsubscribes_as_soon_as_a_killed_runs_job_brought_them_stays_so() -> None:
    """The next run begins at once: it waits for that job, and does not bring them again."""
    whole = undisturbed()
    for moment, world, people in killed("ses"):
        world.ses.set_import_jobs(ACCOUNT, REGION, ImportJobSettings(created_seconds=5, processing_seconds=30))
        meanwhile(world, unsubscribing(world, NEW[7]))
        done = run(world, people, "again")
        assert done.failure is None, moment
        expected = {**contacts(whole), NEW[7]: ({}, True)}
        check(moment, world, people, expected, known(whole))


def test_a_file_stays_only_if_the_run_was_killed_while_it_was_needed() -> None:
    """From its writing until its deletion; every other run leaves the import bucket as it was."""
    left = {moment for moment, world, _ in killed("import bucket") if world.customer_objects.written}
    assert left == {
        "import bucket, call 1 of 2, after its effect",
        "import bucket, call 2 of 2, before its effect",
    }


def test_a_killed_run_never_removes_whom_it_has_not_saved() -> None:
    """At any moment, everybody who is gone from the list is in a backup that says it is complete."""
    for moment, world, _ in killed("ses"):
        gone = [email for email in LEAVING if email not in contacts(world)]
        saved = world.written_below("backups/acme/killed/")
        assert all(email in saved for email in gone), moment
        assert not gone or "backups/acme/killed/backup.json" in world.objects.written, moment


def test_the_record_only_grows_until_a_prune_is_complete() -> None:
    """Whoever was in it is in it until the last removal is done: a killed run forgets nobody."""
    for where in _WHERE:
        for moment, world, _ in killed(where):
            if any(email in contacts(world) for email in LEAVING[:3]):
                assert {*STAYING, *LEAVING} <= set(known(world)), moment


@pytest.mark.parametrize(
    ("kind", "after"), [("lost", True), ("server", False), ("refused", False), ("conflict", False)]
)
@pytest.mark.parametrize("where", list(_WHERE))
def test_a_call_that_fails_is_told_honestly_and_the_next_run_completes(where: Where, kind: str, after: bool) -> None:
    """A run that says it succeeded did everything; one that failed says whether anybody knows what came of it."""
    whole = undisturbed()
    calls = _WHERE[where](whole).asked
    for number in range(1, (calls if isinstance(calls, int) else len(calls)) + 1):
        moment = f"{where}, call {number}"
        world, people = prepared()
        _WHERE[where](world).faults[number] = Fault(kind, after=after)
        failure = failure_of(world, people)
        if failure is None:
            assert contacts(world) == contacts(whole), moment
        else:
            unheard = where == "ses" and kind in ("lost", "server") and world.asked[-1] in WRITING
            under_way = "CreateImportJob" in world.asked and KILLED_FILE in world.customer_objects.written
            assert failure.outcome_unknown == (unheard or under_way), moment
            run(world, people, "again")
        check(moment, world, people, contacts(whole), known(whole))


def failure_of(world: World, people: DirectoryFiles) -> AwsCallError | CustomerError | None:
    """How a run fails, if it does."""
    try:
        return run(world, people, "killed").failure
    except (AwsCallError, CustomerError) as failure:
        return failure


@pytest.mark.matrix
@pytest.mark.parametrize("where", list(_WHERE))
def test_killed_in_slices_and_run_again(where: Where) -> None:
    """The same at one request a second, in slices of a few seconds, where a run goes on from what it wrote down."""
    slow: dict[str, Any] = {"budget": 6.0, "per_second": 1}
    whole = undisturbed(**slow)
    assert whole.slices > 3
    for moment, world, people in killed(where, **slow):
        done = run(world, people, "again", **slow)
        assert done.failure is None, moment
        check(moment, world, people, contacts(whole), known(whole))


@pytest.mark.matrix
def test_killed_twice_and_run_again() -> None:
    """At any call to SES, and the next run again at any."""
    whole = undisturbed()
    files = {KILLED_FILE, AGAIN_FILE}
    for number, after in itertools.product(range(1, len(whole.asked) + 1), (False, True)):
        for moment, world, people in killed("ses"):
            world.client.faults[len(world.asked) + number] = Fault("killed", after=after)
            try:
                run(world, people, "again")
            except KilledError:
                world.time.sleep(10)
                run(world, people, "thrice")
            world.client.faults.clear()
            text = f"{moment}; then at call {number}"
            check(text, world, people, contacts(whole), known(whole), files=files)
