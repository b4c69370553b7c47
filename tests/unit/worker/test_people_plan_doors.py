"""Every door to SES asks the plan that is applied: what is not in it is not done, whenever it came to be so.

Each case is tried with the change before the apply, and with the change between its two passes.
"""

from __future__ import annotations

import contextlib
import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from ses_fleet.actions.params import SetContactsParams
from ses_fleet.errors import CustomerError, NotStartedError
from ses_fleet.runs.people_plan import PeoplePlan
from ses_fleet.worker import planned_people, planned_run
from ses_fleet.worker.actions import set_contacts
from ses_fleet.worker.context import More
from strict_aws.ses.jobs import ImportJobSettings
from strict_aws.ses.store import ContactRecord
from tests.unit.worker.imports import contacts, known_before
from tests.unit.worker.test_find_contact import suppress
from tests.unit.worker.test_people_plans import (
    ANA,
    BOB,
    CLEO,
    DORA,
    Case,
    contact,
    employ,
    importing,
    leaves,
    people,
    removing,
    setting,
    states,
    suppressing,
)
from tests.unit.worker.test_set_suppressed import listed
from tests.unit.worker.world import ACCOUNT, REGION, Fault, KilledError, World

MOMENTS = ["before", "between"]
CROWD = people(40)


@dataclass(frozen=True)
class Door:
    """A case, and what happens after its plan was made. `planned` says whether that is about a change of the plan.

    `who` is the address that must stay as it is then.
    """

    case: Callable[[], Case]
    happens: Callable[[Case], object]
    who: str
    planned: bool = False


def listing(*more: ContactRecord, entries: tuple[str, ...] = ()) -> World:
    """Forty contacts, and these."""
    world = World(*map(ContactRecord, CROWD), *more)
    known_before(world, CLEO, DORA)
    return suppress(world, *entries)


def rows(*more: dict[str, Any]) -> list[dict[str, Any]]:
    """All forty are opted in to `out`, and these."""
    return [*more, *({"email": one, "opt_in": ["out"]} for one in CROWD)]


def entry(world: World, email: str, reason: str | None) -> None:
    """SES, or somebody, puts an address on the suppression list or takes it off."""
    name = "DeleteSuppressedDestination" if reason is None else "PutSuppressedDestination"
    world.ses.call(ACCOUNT, REGION, name, {"EmailAddress": email, **({"Reason": reason} if reason else {})})


def begins_anew(world: World, email: str) -> None:
    """A program deletes a contact and makes it again, without a preference."""
    leaves(world, email)
    contact(world, email)


OUT = ContactRecord(BOB, (("out", "OPT_IN"),))
DOORS: dict[str, Door] = {
    "a colleague is new": Door(
        lambda: importing(listing(), ANA), lambda case: employ(case, ANA, CLEO), CLEO
    ),
    "a colleague is new, and there is a job": Door(
        lambda: importing(World(), *people(130), bucket="b"), lambda case: employ(case, *people(130), CLEO), CLEO
    ),
    "a colleague has a role": Door(
        lambda: importing(listing(ContactRecord(CLEO)), ANA, CLEO), lambda case: employ(case, CLEO, ANA, dbas=1), CLEO
    ),
    "a colleague left": Door(
        lambda: importing(listing(ContactRecord(CLEO)), ANA, CLEO, prune=True), lambda case: employ(case, ANA), CLEO
    ),
    "a colleague came by another program": Door(
        lambda: importing(listing(), ANA, *people(60)[40:]), lambda case: contact(case.world, ANA, gone=True), ANA, True
    ),
    "a colleague of a job came by another program": Door(
        lambda: importing(World(), *people(130), bucket="b"),
        lambda case: contact(case.world, people(1)[0], gone=True), people(1)[0], True,
    ),
    "a colleague refuses": Door(
        lambda: importing(listing(ContactRecord(CLEO)), CLEO, *CROWD, dbas=41),
        lambda case: contact(case.world, CLEO, topics={"out": "OPT_OUT"}), CLEO, True,
    ),
    "one who left came to choose": Door(
        lambda: importing(listing(ContactRecord(CLEO), ContactRecord(DORA)), ANA, prune=True),
        lambda case: contact(case.world, CLEO, topics={"in": "OPT_IN"}), CLEO, True,
    ),
    "a contact is gone that had all": Door(
        lambda: setting(listing(OUT), *rows({"email": BOB, "opt_in": ["out"]})),
        lambda case: leaves(case.world, BOB), BOB,
    ),
    "a contact lost what it had": Door(
        lambda: setting(listing(OUT), *rows({"email": BOB, "opt_in": ["out"]})),
        lambda case: begins_anew(case.world, BOB), BOB,
    ),
    "a contact refuses": Door(
        lambda: setting(listing(ContactRecord(BOB)), *rows({"email": BOB, "opt_in": ["out"]}), overwrite=True),
        lambda case: contact(case.world, BOB, topics={"out": "OPT_OUT"}), BOB, True,
    ),
    "a contact has other attributes": Door(
        lambda: setting(listing(ContactRecord(BOB)), *rows({"email": BOB, "attributes": {"a": 1}})),
        lambda case: contact(case.world, BOB, attributes='{"a": 2}'), BOB, True,
    ),
    "one of a job came": Door(
        lambda: setting(World(), *({"email": one, "opt_in": ["out"]} for one in people(130)), bucket="b"),
        lambda case: contact(case.world, people(1)[0], topics={"in": "OPT_OUT"}), people(1)[0], True,
    ),
    "one to be removed came": Door(
        lambda: removing(listing(), BOB, *CROWD), lambda case: contact(case.world, BOB), BOB
    ),
    "one to be removed changed": Door(
        lambda: removing(listing(ContactRecord(BOB)), BOB, *CROWD),
        lambda case: contact(case.world, BOB, topics={"in": "OPT_IN"}), BOB, True,
    ),
    "one to be removed refuses": Door(
        lambda: removing(listing(ContactRecord(BOB)), BOB, *CROWD),
        lambda case: contact(case.world, BOB, gone=True), BOB, True,
    ),
    "an entry that was there is gone": Door(
        lambda: suppressing(listing(entries=(BOB,)), (BOB, "BOUNCE"), ("x@x.example", "BOUNCE")),
        lambda case: entry(case.world, BOB, None), f"!{BOB}",
    ),
    "an entry that was not there came": Door(
        lambda: suppressing(listing(), (BOB, None), ("x@x.example", "BOUNCE")),
        lambda case: entry(case.world, BOB, "COMPLAINT"), f"!{BOB}",
    ),
    "an entry has another reason": Door(
        lambda: suppressing(listing(entries=(BOB, *CROWD)), (BOB, None), *((one, None) for one in CROWD)),
        lambda case: entry(case.world, BOB, "COMPLAINT"), f"!{BOB}", True,
    ),
    "an entry of a job was there": Door(
        lambda: suppressing(listing(entries=(BOB,)), (BOB, "BOUNCE"), *((one, "BOUNCE") for one in CROWD)),
        lambda case: entry(case.world, BOB, None), f"!{BOB}",
    ),
    "an entry of a job came": Door(
        lambda: suppressing(listing(), (BOB, "BOUNCE"), *((one, "BOUNCE") for one in CROWD)),
        lambda case: entry(case.world, BOB, "COMPLAINT"), f"!{BOB}", True,
    ),
}  # fmt: skip


@contextlib.contextmanager
def between_the_passes(happens: Callable[[], object]) -> Iterator[None]:
    """Have this happen when everything was decided again, and nothing was written yet."""
    compare = planned_run._compare

    def compared(*arguments: Any) -> Any:
        found = compare(*arguments)
        happens()
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planned_run, "_compare", compared)
        yield


def whys(case: Case) -> dict[str, str]:
    """Whom the run that applied last left out, and why, as it says below data/."""
    prefix = f"data/{case.last}/acme/compared/left-out-"
    bodies = [gzip.decompress(body) for key, body in case.world.objects.written.items() if key.startswith(prefix)]
    records = [json.loads(line) for body in bodies for line in body.splitlines()]
    assert len({one["email"] for one in records}) == len(records)
    return {one["email"]: one["why"] for one in records}


def left_out(case: Case) -> set[str]:
    """The same without the reasons."""
    return {*whys(case)}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("name", DOORS)
def test_what_is_not_in_the_plan_is_not_done(name: str, moment: str) -> None:
    """The address stays as somebody else left it, is named, and everything else of the plan is done."""
    door = DOORS[name]
    case = door.case()
    case.world.settings = case.world.settings.model_copy(update={"plan_stale_percent": 50.0})
    plan = case.planned()
    seen: dict[str, Any] = {}

    def happens() -> None:
        door.happens(case)
        seen.update(states(case.world))

    if moment == "before":
        happens()
        done = case.apply(plan)
    else:
        with between_the_passes(happens):
            done = case.apply(plan)
    assert done.failure is None
    assert states(case.world).get(door.who) == seen.get(door.who)
    assert (done.data["left_out"], left_out(case)) == (1, {door.who.removeprefix("!")})
    made = sum(done.data.get(name, 0) for name in ("created", "updated", "removed", "added"))
    assert made == plan.changes - door.planned
    assert ("of the plan's" in "".join(case.world.warnings)) == door.planned
    assert done.data.get("backup") is None or f"backups/acme/{case.last}/backup.json" in case.world.objects.written


def test_nobody_is_saved_who_is_not_removed() -> None:
    """A prune that removes nobody of the plan has no backup."""
    door = DOORS["a colleague left"]
    case = door.case()
    plan = case.planned()
    door.happens(case)
    done = case.apply(plan)
    assert (done.data["removed"], done.data["backup"]) == (0, None)


@pytest.mark.parametrize("moment", MOMENTS)
def test_too_much_is_a_failure_also_when_it_comes_late(moment: str) -> None:
    """Before the first write nothing is written; after it the rest is made, and the customer has failed."""
    case = setting(World(*map(ContactRecord, CROWD)), *rows())
    plan = case.planned()

    def happens() -> None:
        for one in CROWD[:10]:
            contact(case.world, one, gone=True)

    if moment == "before":
        happens()
        with pytest.raises(CustomerError, match="would be others now, so nothing was written") as error:
            case.apply(plan)
        assert error.value.type == "PlanStale"
        assert left_out(case) == {*CROWD[:10]}
        return
    with between_the_passes(happens):
        done = case.apply(plan)
    assert done.failure is not None
    assert done.failure.type == "PlanStale"
    assert "10 of the 40 changes that the plan has for acme were left out, and the rest was made" in str(done.failure)
    assert (done.data["updated"], done.data["left_out"], left_out(case)) == (30, 10, {*CROWD[:10]})


def test_a_second_no_is_not_overwritten_when_it_is_tried_again() -> None:
    """The worker is killed after it opted somebody in whose refusal the plan overwrites, and they refuse again."""
    world = World(ContactRecord(BOB, (("out", "OPT_OUT"),)))
    case = setting(world, {"email": BOB, "opt_in": ["out"]}, overwrite=True)
    plan = case.planned()
    world.time.sleep(60)
    case.apply(plan)
    assert contacts(world)[BOB] == ({"out": "OPT_IN"}, False)
    world.time.sleep(60)
    contact(world, BOB, topics={"out": "OPT_OUT"})
    with pytest.raises(CustomerError, match="1 of the 1 changes"):
        case.apply(plan)
    assert contacts(world)[BOB] == ({"out": "OPT_OUT"}, False)


def test_a_second_complaint_is_not_forgotten_when_it_is_tried_again() -> None:
    """The first one was taken off the list."""
    world = suppress(World(), BOB)
    case = suppressing(world, (BOB, None))
    plan = case.planned()
    world.time.sleep(60)
    assert case.apply(plan).data["removed"] == 1
    world.time.sleep(60)
    entry(world, BOB, "BOUNCE")
    with pytest.raises(CustomerError, match="1 of the 1 changes"):
        case.apply(plan)
    assert BOB in listed(world)


def gives_to_all(world: World) -> None:
    """Every new contact gets `out`, too, from now on."""
    have = world.ses.call(ACCOUNT, REGION, "GetContactList", {"ContactListName": "main"})["Topics"]
    topics = [{**topic, "DefaultSubscriptionStatus": "OPT_IN"} for topic in have]
    world.ses.call(ACCOUNT, REGION, "UpdateContactList", {"ContactListName": "main", "Topics": topics})


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("bucket", [None, "b"])
def test_nobody_is_created_who_would_get_more_than_the_plan_shows(moment: str, bucket: str | None) -> None:
    """By a topic whose default is another one now; who is in the list is changed as planned."""
    world = World(ContactRecord(BOB))
    new = [{"email": one} for one in people(130)]
    case = setting(world, *new, {"email": BOB, "opt_out": ["in"]}, bucket=bucket)
    plan = case.planned()
    assert plan.given_to_all == ("in",)
    if moment == "before":
        gives_to_all(world)
        with pytest.raises(CustomerError, match=r"130 of the 131 .* as new contacts get topics by default"):
            case.apply(plan)
        assert contacts(world) == {BOB: ({}, False)}
        return
    with between_the_passes(lambda: gives_to_all(world)):
        done = case.apply(plan)
    assert done.failure is not None
    assert (done.data["created"], done.data["left_out"]) == (0, 130)
    assert contacts(world) == {BOB: ({"in": "OPT_OUT"}, False)}


def test_a_topic_that_is_given_to_fewer_people_is_no_reason_to_leave_anybody_out() -> None:
    """They get less than the plan shows."""
    world = World(topics=[{"TopicName": "in", "DisplayName": "I", "DefaultSubscriptionStatus": "OPT_IN"}])
    case = setting(world, {"email": ANA})
    plan = case.planned()
    topics = [{"TopicName": "in", "DisplayName": "I", "DefaultSubscriptionStatus": "OPT_OUT"}]
    world.ses.call(ACCOUNT, REGION, "UpdateContactList", {"ContactListName": "main", "Topics": topics})
    assert case.apply(plan).data["created"] == 1


@pytest.mark.parametrize("kind", ["set", "import", "suppress"])
def test_the_first_pass_waits_for_import_jobs_as_the_second_does(kind: str) -> None:
    """Else everything would be decided by a list that is about to change, and nothing done by the one that it is."""
    made = {
        "set": lambda: setting(World(), *({"email": one} for one in people(130)), bucket="b"),
        "import": lambda: importing(World(), *people(130), bucket="b"),
        "suppress": lambda: suppressing(World(), *((one, "BOUNCE") for one in CROWD)),
    }
    case, other = made[kind](), made[kind]()
    plan = case.planned()
    case.world.ses.set_import_jobs(ACCOUNT, REGION, ImportJobSettings(created_seconds=20, processing_seconds=40))
    other.world = case.world
    case.world.client.faults = {}
    # Another program's job of the same people is under way when the apply begins.
    started = _killed_after_the_start(other)
    assert started
    assert not states(case.world)
    done = case.apply(plan)
    assert (done.failure, done.data["left_out"]) == (None, 0)
    assert len(states(case.world)) == plan.changes


def _killed_after_the_start(case: Case) -> bool:
    """A run without a plan starts its import job, and is gone."""
    answer = case.world.client._answer

    def killed(name: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        found = answer(name, operation, parameters)
        if name == "CreateImportJob":
            case.world.client._answer = answer  # type: ignore[method-assign]
            raise KilledError
        return found

    case.world.client._answer = killed  # type: ignore[method-assign]
    with contextlib.suppress(KilledError):
        case.world.run(case._run, case._params, run_id="other", **case.options)
        return False
    return True


def test_a_removal_does_not_begin_beside_an_import_job() -> None:
    """Nothing was decided then either, so it was not started."""
    world = World(ContactRecord(BOB))
    case = removing(world, BOB)
    plan = case.planned()
    world.ses.set_import_jobs(ACCOUNT, REGION, ImportJobSettings(created_seconds=20, processing_seconds=40))
    other = setting(world, *({"email": one} for one in people(130)), bucket="b")
    assert _killed_after_the_start(other)
    case = removing(world, BOB)
    with pytest.raises(NotStartedError, match="import job"):
        case.apply(plan)


@pytest.mark.parametrize("budget", [2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 9.0, 11.0])
def test_however_long_its_slices_are_it_is_applied(budget: float) -> None:
    """The second pass may begin when the time of a slice is almost over."""
    case = removing(World(*map(ContactRecord, people(8))), *people(8))
    plan = case.planned(budget=budget, per_second=1)
    case.world.slices = 0
    done = case.apply(plan, budget=budget, per_second=1)
    assert (done.failure, done.data["removed"], contacts(case.world)) == (None, 8, {})
    assert case.world.slices > 2


@pytest.mark.parametrize("name", ["set", "remove"])
def test_what_earlier_slices_decided_counts_in_later_ones(name: str) -> None:
    """Of the dry run, of the first pass and of the second: of each person something is said once."""
    world = World(*map(ContactRecord, people(12)))
    case = setting(world, *({"email": one, "attributes": {"a": 1}} for one in people(12))) if name == "set" else (
        removing(world, *people(12))
    )  # fmt: skip
    world.settings = world.settings.model_copy(update={"plan_stale_percent": 50.0})
    plan = case.planned(budget=4.0, per_second=1)
    assert world.slices > 2
    assert (plan.changes, plan.parts) == (12, 1)
    for one in (people(12)[0], people(12)[11]):
        contact(world, one, topics={"in": "OPT_IN"}, attributes='{"z": 1}')
    world.slices = 0
    done = case.apply(plan, budget=4.0, per_second=1)
    assert world.slices > 6
    assert (done.failure, done.data["left_out"]) == (None, 2)
    assert left_out(case) == {people(12)[0], people(12)[11]}
    assert done.data["updated" if name == "set" else "removed"] == 10


def test_a_person_with_two_spellings_is_removed_whole_or_not_at_all() -> None:
    """Both are left out when one of them changed."""
    world = World(*map(ContactRecord, CROWD), ContactRecord(BOB), ContactRecord("Bob@corp.example"))
    case = removing(world, BOB, *CROWD)
    plan = case.planned()
    assert plan.changes == 42
    contact(world, BOB, topics={"in": "OPT_IN"})
    done = case.apply(plan)
    assert (done.data["removed"], done.data["left_out"], {*contacts(world)}) == (40, 2, {BOB, "Bob@corp.example"})


def test_nobody_can_try_out_addresses_by_the_digest() -> None:
    """It is in the record, which people may read who may not read addresses."""
    case = setting(World(), {"email": ANA})
    first = case.planned()
    other = setting(World(), {"email": ANA}).planned()
    assert first.digest != other.digest
    assert PeoplePlan(prefix="p/", parts=0, digest="").changes == 0


def test_a_plan_without_a_change_is_applied_to_nobody() -> None:
    """It has no files."""
    world = World(OUT)
    case = setting(world, {"email": BOB, "opt_in": ["out"]})
    plan = case.planned()
    assert (plan.changes, plan.parts) == (0, 0)
    leaves(world, BOB)
    done = case.apply(plan)
    assert (done.failure, done.data["left_out"], contacts(world)) == (None, 1, {})


def test_a_lost_answer_is_not_taken_for_somebody_elses_change() -> None:
    """The contact is as the plan has it afterwards."""
    case = setting(World(ContactRecord(BOB)), {"email": BOB, "opt_in": ["out"]})
    plan = case.planned()
    position = 1 + [*_operations(case, plan)].index("UpdateContact")
    case = setting(World(ContactRecord(BOB)), {"email": BOB, "opt_in": ["out"]})
    plan = case.planned()
    case.world.client.faults = {len(case.world.asked) + position: Fault("killed", after=True)}
    with contextlib.suppress(KilledError):
        case.apply(plan)
    done = case.apply(plan)
    assert (done.failure, done.data["left_out"]) == (None, 0)


def _operations(case: Case, plan: PeoplePlan) -> list[str]:
    case.world.asked.clear()
    case.apply(plan)
    return case.world.asked


WHYS = {
    "a colleague is new": planned_people.NOT_PLANNED,
    "a colleague came by another program": planned_people.REFUSED,
    "a colleague refuses": planned_people.REFUSED,
    "one who left came to choose": planned_people.CHANGED,
    "a contact refuses": planned_people.REFUSED,
    "a contact has other attributes": planned_people.CHANGED,
    "one of a job came": planned_people.CAME,
    "one to be removed refuses": planned_people.REFUSED,
    "an entry has another reason": planned_people.CHANGED,
}


@pytest.mark.parametrize("name", WHYS)
def test_it_is_said_why_somebody_is_left_out(name: str) -> None:
    """For those who may read addresses."""
    case = DOORS[name].case()
    case.world.settings = case.world.settings.model_copy(update={"plan_stale_percent": 50.0})
    plan = case.planned()
    DOORS[name].happens(case)
    case.apply(plan)
    assert [*whys(case).values()] == [WHYS[name]]


@pytest.mark.parametrize("name", ["a colleague left", "one who left came to choose"])
def test_who_is_left_out_of_a_prune_is_found_by_the_next_one(name: str) -> None:
    """The ledger keeps them, or nobody would ever remove who left."""
    case = DOORS[name].case()
    case.world.settings = case.world.settings.model_copy(update={"plan_stale_percent": 50.0})
    plan = case.planned()
    DOORS[name].happens(case)
    case.apply(plan)
    assert CLEO in contacts(case.world)
    del_plan(case.world)
    assert case.planned().removed == 1


def del_plan(world: World) -> None:
    """Have no files of a plan, so that another one may be made."""
    for key in [key for key in world.objects.written if key.startswith("data/plan/")]:
        del world.objects.written[key]


def test_a_removal_that_nobody_decides_any_more_is_left_out() -> None:
    """The record of earlier imports is gone, so nobody is removed."""
    case = importing(listing(ContactRecord(CLEO)), ANA, prune=True)
    case.world.settings = case.world.settings.model_copy(update={"plan_stale_percent": 50.0})
    plan = case.planned()
    assert plan.removed == 1
    del case.world.objects.written["backups/identity/acme.json"]
    done = case.apply(plan)
    assert (done.data["removed"], done.data["left_out"], left_out(case)) == (0, 1, {CLEO})


def test_a_person_who_comes_in_another_spelling_between_the_passes_is_named() -> None:
    """Nothing is decided for the address of the plan any more."""
    case = importing(listing(), ANA, *people(60)[40:])
    case.world.settings = case.world.settings.model_copy(update={"plan_stale_percent": 50.0})
    plan = case.planned()
    with between_the_passes(lambda: contact(case.world, "ANA@corp.example", gone=True)):
        done = case.apply(plan)
    assert (done.failure, done.data["created"], done.data["left_out"], left_out(case)) == (None, 20, 1, {ANA})
    assert ANA not in contacts(case.world)


@pytest.mark.parametrize("made", [True, False])
def test_a_colleague_who_came_as_planned_is_not_left_out(made: bool) -> None:
    """An import job does without them."""
    case = importing(World(), *people(130), bucket="b")
    plan = case.planned()
    one = people(1)[0]
    with between_the_passes(lambda: contact(case.world, one, gone=not made)):
        done = case.apply(plan)
    assert done.failure is None
    assert (done.data["created"], done.data["left_out"]) == (129, 0 if made else 1)


def test_two_spellings_count_before_anything_is_written() -> None:
    """Of 21 contacts two are left out, as one of them changed: that is too much."""
    world = World(*map(ContactRecord, people(19)), ContactRecord(BOB), ContactRecord("Bob@corp.example"))
    case = removing(world, BOB, *people(19))
    plan = case.planned()
    contact(world, BOB, topics={"in": "OPT_IN"})
    with pytest.raises(CustomerError, match="2 of the 21 changes"):
        case.apply(plan)
    assert len(contacts(world)) == 21


def test_what_the_first_pass_warned_of_is_said_when_it_fails() -> None:
    """It may be why."""
    case = importing(World(), *people(10), dbas=10)
    plan = case.planned()
    topics = [{"TopicName": "in", "DisplayName": "I", "DefaultSubscriptionStatus": "OPT_IN"}]
    case.world.ses.call(ACCOUNT, REGION, "UpdateContactList", {"ContactListName": "main", "Topics": topics})
    with pytest.raises(CustomerError, match="10 of the 10"):
        case.apply(plan)
    assert any("the list lacks out" in text for text in case.world.warnings)


@pytest.mark.parametrize("kind", ["set", "import"])
def test_a_default_that_changes_while_it_is_applied_is_seen_by_the_next_slice(kind: str) -> None:
    """Sixty people one by one take many slices."""
    world = World()
    case = setting(world, *({"email": one} for one in people(60))) if kind == "set" else importing(world, *people(60))
    plan = case.planned()
    slices: list[int] = []
    answer = world.client._answer

    def watched(name: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        found = answer(name, operation, parameters)
        if len(contacts(world)) == 10 and not slices:
            slices.append(world.slices)
            gives_to_all(world)
        return found

    world.client._answer = watched  # type: ignore[method-assign]
    done = case.apply(plan, budget=6.0, per_second=1)
    assert done.failure is not None
    assert done.data["created"] == len(contacts(world)) < 30
    assert done.data["left_out"] == 60 - done.data["created"]
    assert {*whys(case).values()} == {planned_people.GIVEN_TO_ALL}


def test_a_default_that_changes_right_before_an_import_job_keeps_it_from_starting() -> None:
    """It would create them all."""
    world = World()
    case = setting(world, *({"email": one} for one in people(130)), bucket="b")
    plan = case.planned()
    put = world.customer_objects.call

    def watched(operation: str, **parameters: Any) -> dict[str, Any]:
        if operation == "put_object":
            gives_to_all(world)
        return put(operation, **parameters)

    world.customer_objects.call = watched  # type: ignore[method-assign]
    done = case.apply(plan)
    assert done.failure is not None
    assert (done.data["created"], done.data["left_out"], contacts(world)) == (0, 130, {})
    assert "CreateImportJob" not in world.asked


@pytest.mark.parametrize("applies", [True, False])
def test_slices_without_progress_are_seen_to_be_idle(applies: bool) -> None:
    """Each hands on the very state that it was given, although it noted what it decided."""

    def run(context: Any, _params: Any, _state: Any) -> More:
        context.guard.allows("main", ANA, None, {"unsubscribed_all": False})
        return More({"at": 1})

    world = World()
    plan = setting(world, {"email": ANA}).planned()
    item: dict[str, Any] = {"plan": plan} if applies else {"dry_run": True}
    state: dict[str, Any] = {}
    states = []
    for _ in range(4):
        context = world.context(run_id="idle", **item)
        outcome = (
            planned_run.applying(run, context, None, plan, state)
            if applies
            else planned_run.saving(run, context, None, state)
        )
        assert isinstance(outcome, More)
        state = json.loads(json.dumps(outcome.state))
        states.append(state)
    assert states[1] == states[2] == states[3]


def test_how_many_refusals_are_overwritten_is_in_the_plan() -> None:
    """Topics, everything, complaints, and choices that a removal forgets; no bounce."""
    world = suppress(World(ContactRecord(BOB, (("out", "OPT_OUT"),)), ContactRecord(CLEO, (), True)), ANA)
    entry(world, DORA, "COMPLAINT")
    rows_ = [{"email": one, "opt_in": ["out"]} for one in (ANA, BOB, CLEO)]
    assert setting(world, *rows_, overwrite=True).planned().overwritten == 2
    del_plan(world)
    assert removing(world, BOB, CLEO, forget=True).planned().overwritten == 2
    del_plan(world)
    assert suppressing(world, (ANA, None), (DORA, None)).planned().overwritten == 1


def test_who_refuses_right_before_they_are_saved_for_a_prune_is_left_out() -> None:
    """After it was decided twice that they go."""
    case = importing(listing(ContactRecord(CLEO)), ANA, prune=True)
    case.world.settings = case.world.settings.model_copy(update={"plan_stale_percent": 50.0})
    plan = case.planned()
    answer = case.world.client._answer

    def watched(name: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        if name == "GetContact" and parameters["EmailAddress"] == CLEO and not contacts(case.world)[CLEO][1]:
            contact(case.world, CLEO, gone=True)
        return answer(name, operation, parameters)

    case.world.client._answer = watched  # type: ignore[method-assign]
    done = case.apply(plan)
    assert (done.data["removed"], done.data["left_out"], left_out(case)) == (0, 1, {CLEO})
    assert done.data["backup"] is None


def test_a_slice_that_is_over_before_its_list_was_read_is_followed_by_another() -> None:
    """The state is handed on as it came: nothing was done in it."""
    world = World()
    case = setting(world, {"email": ANA})
    plan = case.planned()
    context = world.context(run_id="late", plan=plan, budget=0.001)
    context.rows, context.row_numbers = tuple(world.people.values()), tuple(world.people)
    state = {"compared": {"files": {}, "differing": 0, "added": 0, "widened": False}, "action": {"at": 1}}
    assert planned_run.applying(set_contacts.run, context, SetContactsParams(), plan, state) == More(state)
