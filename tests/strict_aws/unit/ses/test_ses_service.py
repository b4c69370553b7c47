"""The strict SES as a whole: what it serves, what seeding does, and many at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from strict_aws.http.messages import AwsError
from strict_aws.http.operations import output_shape
from strict_aws.ses import bulk
from strict_aws.ses.identities import Identity, MailFrom
from strict_aws.ses.service import StrictSes
from strict_aws.ses.store import ContactRecord
from tests.strict_aws.conformance.shapes import problems
from tests.strict_aws.unit.ses.emulated import ACCOUNT, ADA, REGION, Emulated, import_job, preferences, topic

REQUESTS: dict[str, dict[str, Any]] = {
    "CreateContactList": {"ContactListName": "second"},
    "GetContactList": {},
    "ListContactLists": {},
    "UpdateContactList": {"Topics": [topic("news")]},
    "DeleteContactList": {},
    "CreateContact": {"EmailAddress": "new@x.example"},
    "GetContact": {"EmailAddress": ADA},
    "UpdateContact": {"EmailAddress": ADA},
    "DeleteContact": {"EmailAddress": ADA},
    "ListContacts": {"PageSize": 1},
    "GetAccount": {},
    "GetEmailIdentity": {"EmailIdentity": "x.example"},
    "ListEmailIdentities": {"PageSize": 1},
    "PutAccountSuppressionAttributes": {"SuppressedReasons": ["BOUNCE"]},
    "PutSuppressedDestination": {"EmailAddress": ADA, "Reason": "BOUNCE"},
    "GetSuppressedDestination": {"EmailAddress": ADA},
    "DeleteSuppressedDestination": {"EmailAddress": ADA},
    "ListSuppressedDestinations": {"PageSize": 1},
    "CreateImportJob": import_job(),
    "GetImportJob": {},
    "ListImportJobs": {"PageSize": 1},
}


def test_it_says_which_operations_it_serves() -> None:
    """Exactly those of contact lists, contacts, import jobs, the suppression list, the account and identities."""
    assert Emulated().ses.operations == set(REQUESTS)


@pytest.mark.parametrize("operation", REQUESTS)
def test_answers_have_the_shape_of_the_api_model(operation: str) -> None:
    """With everything in them; that every answer has its shape is checked of every call in these tests."""
    seen = Emulated(empty=operation == "CreateContactList")
    if operation != "CreateContactList":
        seen.add("ada", "bob", AttributesData="{}", TopicPreferences=preferences(ads="OPT_IN"))
    params = dict(REQUESTS[operation])
    if operation in ("GetImportJob", "ListImportJobs"):
        jobs = [seen.start_import("nonsense"), seen.start_import(None, url="s3://imports/gone")]
        seen.now += 10
        params |= {"JobId": jobs[0]} if operation == "GetImportJob" else {}
    if "Identit" in operation:
        own = MailFrom("mail.x.example")
        made = Identity("x.example", mail_from=own, configuration_set="set")
        seen.ses.set_identities(ACCOUNT, REGION, [made, Identity("y.example")])
    if "Suppressed" in operation:
        seen.call("PutSuppressedDestination", EmailAddress=ADA, Reason="COMPLAINT")
    answer = seen.call(operation, **params)
    assert list(problems(answer, output_shape("sesv2", operation))) == []
    assert bool(answer) == (operation.startswith(("Get", "List")) or operation == "CreateImportJob")


def test_an_answer_is_the_callers_own() -> None:
    """Whoever changes it changes nothing in SES."""
    seen = Emulated()
    seen.add("ada", TopicPreferences=preferences(ads="OPT_IN"))
    for operation in ("GetContact", "ListContacts", "GetContactList"):
        params = REQUESTS[operation]
        before = repr(seen.call(operation, **params))
        answer = seen.call(operation, **params)
        for member in answer.values():
            if isinstance(member, list):
                member.clear()
        assert repr(seen.call(operation, **params)) == before


@pytest.mark.parametrize(("production", "a_day"), [(False, 200.0), (True, 50_000.0)])
def test_an_account_can_be_put_into_the_sandbox(production: bool, a_day: float) -> None:
    """Each Region by itself; out of it and sending unless set otherwise."""
    seen = Emulated()
    seen.ses.set_account(ACCOUNT, REGION, production_access=production, sending_enabled=False)
    answer = seen.call("GetAccount")
    assert (answer["ProductionAccessEnabled"], answer["SendingEnabled"]) == (production, False)
    assert answer["SendQuota"]["Max24HourSend"] == a_day
    other = seen.ses.call(ACCOUNT, "eu-west-1", "GetAccount", {})
    assert (other["ProductionAccessEnabled"], other["SendingEnabled"]) == (True, True)


def test_filling_replaces_a_contact_outright() -> None:
    """As an import's PUT: what the record omits is cleared; age and place stay."""
    seen = Emulated()
    seen.add("ada", UnsubscribeAll=True, AttributesData="{}", TopicPreferences=preferences(ads="OPT_IN", news="OPT_IN"))
    seen.add("bob")
    seen.now += 60
    records = [ContactRecord("new@x.example"), ContactRecord(ADA, (("ads", "OPT_OUT"),))]
    assert seen.ses.fill(ACCOUNT, REGION, "main", records) == 2
    assert seen.pages(1) == [["ada"], ["bob"], ["new"]]
    assert seen.contact() == {
        "ContactListName": "main",
        "EmailAddress": ADA,
        "TopicPreferences": preferences(ads="OPT_OUT"),
        "TopicDefaultPreferences": preferences(news="OPT_IN"),
        "UnsubscribeAll": False,
        "CreatedTimestamp": 1_000.0,
        "LastUpdatedTimestamp": 1_060.0,
    }


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (ContactRecord("nobody"), "EmailAddress <nobody> is invalid"),
        (ContactRecord("bob@x.example", (("other", "OPT_IN"),)), "List: main doesn't contain Topic: other"),
        (ContactRecord("bob@x.example", attributes="[]"), "AttributesData must be a valid JSON object"),
    ],
)
def test_filling_takes_all_or_nothing(bad: ContactRecord, message: str) -> None:
    """One record that SES would refuse, and none is there."""
    seen = Emulated()
    with pytest.raises(AwsError, match=message):
        seen.ses.fill(ACCOUNT, REGION, "main", [ContactRecord(ADA), bad])
    assert seen.pages(10) == [[]]


def test_a_missing_list_is_not_filled() -> None:
    """Nor asked for its topics."""
    seen = Emulated()
    with pytest.raises(AwsError, match=r"List with name: other doesn't exist\.") as error:
        seen.ses.fill(ACCOUNT, REGION, "other", [])
    assert (error.value.code, error.value.status) == ("NotFoundException", 404)
    with pytest.raises(AwsError, match=r"List with name: other doesn't exist\."):
        seen.ses.topics(ACCOUNT, REGION, "other")
    assert seen.ses.topics(ACCOUNT, REGION, "main") == ("news", "ads")


def test_what_a_list_is_filled_from_may_ask_the_same_list() -> None:
    """Nobody waits for a lock meanwhile; a list that was deleted by then is missing."""
    seen = Emulated()

    def records() -> Iterator[ContactRecord]:
        yield ContactRecord(ADA)
        seen.call("DeleteContactList")

    with pytest.raises(AwsError, match=r"List with name: main doesn't exist\."):
        seen.ses.fill(ACCOUNT, REGION, "main", records())


def test_every_address_held_is_told() -> None:
    """Of all accounts and Regions, and none that has gone."""
    seen = Emulated()
    seen.make_list("444455556666", "eu-west-1")
    seen.ses.fill("444455556666", "eu-west-1", "main", [ContactRecord("eve@y.example")])
    seen.add("ada", "bob")
    seen.call("DeleteContact", EmailAddress="bob@x.example")
    assert sorted(seen.ses.addresses()) == [ADA, "eve@y.example"]


def test_of_many_who_make_the_list_one_succeeds() -> None:
    """However long each takes between looking whether there is one and making it."""

    def slow_clock() -> float:
        time.sleep(0.002)
        return 1_000.0

    ses = StrictSes(rate=None, clock=slow_clock)

    def make(number: int) -> bool:
        try:
            ses.call(ACCOUNT, REGION, "CreateContactList", {"ContactListName": f"list{number}"})
        except AwsError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(make, range(16))) == 1


def test_of_many_who_make_the_same_contact_one_succeeds() -> None:
    """The others hear that it exists, and every other contact is there."""
    seen = Emulated()

    def make(number: int) -> str:
        seen.add(f"own{number}")
        try:
            seen.add("ada")
        except AwsError as error:
            return error.code
        return "made"

    with ThreadPoolExecutor(16) as pool:
        ends = list(pool.map(make, range(200)))
    assert sorted(set(ends)) == ["AlreadyExistsException", "made"]
    assert ends.count("made") == 1
    assert len(seen.pages(1_000)[0]) == 201


def test_reading_goes_on_while_others_write() -> None:
    """Pages read beside a hundred deletions show the others once each."""
    seen = Emulated()
    seen.ses.fill(ACCOUNT, REGION, "main", bulk.generate(count=2_000, seed=1, opt_in={}, topics=[]))
    everyone = [email for page in seen.pages(1_000) for email in page]
    going = everyone[::20]

    def delete(name: str) -> None:
        seen.call("DeleteContact", EmailAddress=f"{name}@seed-1.example")

    with ThreadPoolExecutor(8) as pool:
        readings = [pool.submit(seen.pages, 7) for _ in range(4)]
        list(pool.map(delete, going))
    for reading in readings:
        shown = [email for page in reading.result() for email in page if email not in set(going)]
        assert shown == [email for email in everyone if email not in set(going)]
