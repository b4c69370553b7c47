"""find-contact: who is where, in as few requests as possible; nobody is absent unless SES said so."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from ses_fleet import limits
from ses_fleet.actions.params import FindContactParams
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.people.rows import PersonRow
from ses_fleet.worker.actions import find_contact
from strict_aws.ses.store import ContactRecord, shared_preferences
from tests.unit.worker.imports import meanwhile
from tests.unit.worker.world import ACCOUNT, REGION, Fault, Finished, World, contact

ADA, BOB, EVE = "ada@x.example", "bob@x.example", "eve@x.example"
THOROUGH = FindContactParams(thorough=True)


def asked_for(world: World, *emails: str, first: int = 1) -> World:
    """The same world, with a people file of these addresses, from this line on."""
    world.people = {line: PersonRow(email=email) for line, email in enumerate(emails, first)}
    return world


def suppress(world: World, *emails: str, reason: str = "BOUNCE") -> World:
    """The same world, with these addresses on the suppression list."""
    for email in emails:
        world.ses.call(ACCOUNT, REGION, "PutSuppressedDestination", {"EmailAddress": email, "Reason": reason})
    return world


def find(world: World, params: FindContactParams | None = None, **options: Any) -> Finished:
    """The whole action."""
    return world.run(find_contact.run, params or FindContactParams(), **options)


def test_what_is_told_of_a_person() -> None:
    """By the line of the people file, with what the list and the suppression list say, and without an address."""
    preferences = shared_preferences({"out": "OPT_IN"})
    there = ContactRecord(ADA, preferences, attributes='{"shoe": 44}'), ContactRecord(BOB, preferences, True)
    world = suppress(asked_for(World(*there), ADA, BOB, EVE, first=2), BOB, reason="COMPLAINT")
    done = find(world)
    assert done.data == {
        "contact_list": "main",
        "people": 3,
        "contacts": 2,
        "folded": 0,
        "not_found": 1,
        "suppressed": 1,
        "parts": 1,
    }
    ada, bob, eve = world.written()
    assert ada == {
        "row": 2,
        "found": True,
        "list": "main",
        "preferences": {"out": "OPT_IN"},
        "effective": {"in": "OPT_IN", "out": "OPT_IN"},
        "unsubscribed_all": False,
        "attributes": "yes",
        "match": "exact",
        "suppressed": None,
    }
    assert bob["effective"] == {"in": "OPT_OUT", "out": "OPT_OUT"}
    assert (bob["unsubscribed_all"], bob["attributes"]) == (True, "no")
    assert bob["suppressed"]["reason"] == "COMPLAINT"
    assert bob["suppressed"]["since"].endswith("Z")
    unknown = dict.fromkeys(("preferences", "effective", "unsubscribed_all", "attributes", "match", "suppressed"))
    assert eve == {"row": 4, "found": False, "list": "main", **unknown}
    assert done.data_location == "s3://results/data/run-1/acme/"
    assert list(world.objects.written) == ["data/run-1/acme/people-00001.jsonl.gz"]
    assert "@" not in json.dumps([world.written(), world.lines, done.data])


def test_a_customer_without_a_list_proves_nothing() -> None:
    """It fails, and says that whether anybody is a contact there is not proven."""
    for customer in ({}, {"contact_list_name": "another"}):
        world = asked_for(World(made=bool(customer)), ADA)
        with pytest.raises(CustomerError, match="is not proven") as error:
            find(world, customer=customer)
        assert error.value.type == "NoContactList"
        assert "GetContact" not in world.asked


@pytest.mark.parametrize("made_again", [False, True])
def test_nobody_is_absent_from_a_list_that_vanished_meanwhile(made_again: bool) -> None:
    """SES says NotFound of everybody then: the customer fails, also when there is a list of the same name again."""
    world = asked_for(World(), ADA)

    def vanish(operation: str) -> None:
        if operation != "get_contact_list" or world.asked.count("GetContactList") > 1:
            return
        world.ses.call(ACCOUNT, REGION, "DeleteContactList", {"ContactListName": "main"})
        if made_again:
            world.time.sleep(5)
            world.ses.create_list(ACCOUNT, REGION, "main", description=None, topics=[])

    meanwhile(world, vanish)
    with pytest.raises(CustomerError) as error:
        find(world)
    assert error.value.type == ("ContactListReplaced" if made_again else "ContactListVanished")


def test_the_list_is_looked_at_again_only_if_somebody_is_absent() -> None:
    """One person takes five requests at most, as many as pass at once."""
    world = asked_for(World(ContactRecord(ADA)), ADA)
    find(world)
    first = ["ListContactLists", "GetContactList", "GetContact", "GetSuppressedDestination"]
    assert world.asked == first
    world = asked_for(World(), ADA)
    find(world)
    assert world.asked == [*first, "GetContactList"]
    assert len(world.asked) == limits.SES_BURST


def test_a_case_that_differs_is_found_by_a_thorough_search_only() -> None:
    """With its own attributes; an exact one comes first."""
    world = asked_for(World(ContactRecord("Ada@x.example", attributes="{}"), ContactRecord(BOB)), ADA, BOB, EVE)
    assert find(world).data["contacts"] == 1
    world.objects.written.clear()
    done = find(world, THOROUGH)
    assert [done.data[name] for name in ("contacts", "folded", "not_found")] == [2, 1, 1]
    found = {one["row"]: (one["found"], one["match"], one["attributes"]) for one in world.written() if "row" in one}
    assert found == {1: (True, "folded", "yes"), 2: (True, "exact", "no"), 3: (False, None, None)}


def test_whom_the_walk_met_and_ses_does_not_know_any_more_is_absent() -> None:
    """By SES's own word about both addresses."""
    world = asked_for(World(ContactRecord("Ada@x.example")), ADA)

    def leave(operation: str) -> None:
        if operation == "list_contacts":
            place = {"ContactListName": "main", "EmailAddress": "Ada@x.example"}
            world.ses.call(ACCOUNT, REGION, "DeleteContact", place)

    meanwhile(world, leave)
    assert find(world, THOROUGH).data["not_found"] == 1


@pytest.mark.parametrize("size", [0, 1, 999, 2_001, 9_000])
@pytest.mark.parametrize("rows", [1, 3, 4, 5, 40, 200])
def test_the_suppression_list_is_read_by_pages_only_where_that_is_cheap(size: int, rows: int) -> None:
    """Never more than a few requests above one for each person, and the answer is the same."""
    emails = [f"s{n}@x.example" for n in range(0, 2 * rows, 2)]
    world = asked_for(World(), *emails)
    suppress(world, *(f"s{n}@x.example" for n in range(size)))
    done = find(world)
    assert done.data["suppressed"] == sum(int(email[1:].partition("@")[0]) < size for email in emails)
    asked = [one for one in world.asked if "Suppressed" in one]
    extra = 0 if rows <= limits.SUPPRESSION_ONE_BY_ONE else 2 + rows // 20
    assert len(asked) <= rows + extra
    if size < 1_000 and rows > limits.SUPPRESSION_ONE_BY_ONE:
        assert asked == ["ListSuppressedDestinations"]


def test_pages_that_were_read_for_nothing_still_spare_requests() -> None:
    """Who was met there is not asked for."""
    world = asked_for(World(), *(f"s{n}@x.example" for n in range(5)))
    suppress(world, *(f"s{n}@x.example" for n in range(2_500)))
    assert find(world).data["suppressed"] == 5
    assert [one for one in world.asked if "Suppressed" in one] == ["ListSuppressedDestinations"] * 2


def test_an_entry_in_another_case_is_ses_to_judge() -> None:
    """By pages or alone: the domain's case never counts, that before the @ as SES says."""
    for others in ((), ("c@x.example", "d@x.example", "e@x.example")):
        world = asked_for(World(), "Ada@X.Example", "bob@x.example", *others)
        suppress(world, "Ada@x.EXAMPLE", "BOB@x.example")
        assert find(world).data["suppressed"] == 1
        (ada, bob, *_) = world.written()
        assert (ada["suppressed"]["reason"], bob["suppressed"]) == ("BOUNCE", None)


def test_in_the_sandbox_the_suppression_list_is_unknown_and_contacts_are_found() -> None:
    """With a warning, once; nobody is said not to be suppressed."""
    for emails in ((ADA, EVE), (ADA, EVE, "c@x.example", "d@x.example")):
        world = asked_for(World(ContactRecord(ADA)), *emails)
        world.ses.set_account(ACCOUNT, REGION, production_access=False, sending_enabled=True)
        done = find(world)
        assert (done.data["contacts"], done.data["suppressed"]) == (1, None)
        assert {one["suppressed"] for one in world.written()} == {"unknown"}
        assert len(world.warnings) == 1
        assert "sandbox" in world.warnings[0]


@pytest.mark.parametrize("operation", ["GetContact", "GetSuppressedDestination"])
def test_an_address_that_ses_refuses_is_named_by_its_row(operation: str) -> None:
    """The customer fails, and nothing is proven for it."""
    world = asked_for(World(), ADA, EVE, first=7)
    before = ["ListContactLists", "GetContactList", "GetContact", "GetSuppressedDestination"]
    world.client.faults[before.index(operation) + 1] = Fault("refused")
    real = Fault.error

    def as_400(fault: Fault, service: str, called: str) -> BaseException:
        failure = real(fault, service, called)
        assert isinstance(failure, AwsCallError)
        failure.status = 400
        return failure

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Fault, "error", as_400)
        with pytest.raises(CustomerError, match="row 7 of the people file") as error:
            find(world)
    assert "@" not in error.value.message


@pytest.mark.parametrize("thorough", [False, True])
def test_slices_find_the_same_and_hand_on_no_address(thorough: bool) -> None:
    """At one request a second; only whom a slice's end came upon is asked for once more."""
    there = [contact(n, {"out": "OPT_IN"}) for n in range(0, 30, 2)]
    emails = [f"{'C' if n == 4 else 'c'}{n}@x.example" for n in range(30)]

    def made() -> World:
        return suppress(asked_for(World(*there), *emails), *(f"c{n}@x.example" for n in range(10)))

    params = FindContactParams(thorough=thorough)
    whole, sliced = made(), made()
    at_once, slowly = find(whole, params), find(sliced, params, budget=4.0, per_second=1)
    assert sliced.slices > 5
    assert {**slowly.data, "parts": 0} == {**at_once.data, "parts": 0}

    def records(world: World) -> dict[int, Any]:
        found = {one["row"]: one for one in world.written() if "row" in one}
        for one in found.values():
            one["suppressed"] = one["suppressed"] and one["suppressed"]["reason"]
        return found

    assert records(sliced) == records(whole)
    assert len(records(sliced)) == 30
    assert 0 <= sliced.asked.count("GetContact") - whole.asked.count("GetContact") < sliced.slices
    assert "@" not in json.dumps([sliced.states, sliced.lines])


def test_ten_thousand_people_take_little_more_than_a_request_each() -> None:
    """And what is handed on between slices stays small."""
    rows = 10_000
    world = asked_for(World(), *(f"p{n}@x.example" for n in range(rows)))
    suppress(world, *(f"p{n}@x.example" for n in range(2_500)))
    find(world, budget=3_600.0, per_second=1)
    assert len(world.asked) == 2 + math.ceil(2_501 / limits.SES_PAGE_SIZE) + rows + 1
    assert max(len(json.dumps(state)) for state in world.states) < limits.MAX_CONTINUATION_BYTES / 10
