"""The strict SES under conditions: reads that lag, members that are left out, tokens that end."""

from __future__ import annotations

from typing import Any

import pytest

from strict_aws.conditions.conditions import Conditions
from strict_aws.http.messages import AwsError
from strict_aws.ses import bulk
from strict_aws.ses.store import ContactRecord
from tests.strict_aws.unit.ses.emulated import ACCOUNT, ADA, REGION, Emulated, preferences, topic

LAG = 2.0


def lagging(seconds: float = LAG, **more: Any) -> Emulated:
    """SES with a list that everybody sees; its clock stands at 1,000."""
    return Emulated(conditions=Conditions(read_lag_seconds=seconds, **more))


def outcomes(seen: Emulated, operation: str, times: int = 40, **params: Any) -> list[Any]:
    """What a read says, each time: its answer, or the code of its refusal."""
    found: list[Any] = []
    for _ in range(times):
        try:
            found.append(seen.call(operation, **params))
        except AwsError as error:
            found.append(error.code)
    return found


def both(seen: Emulated, operation: str, **params: Any) -> tuple[Any, Any]:
    """What reads say halfway through the lag of one moment's writes: the older answer, and the newer one."""
    found = outcomes(seen, operation, **params)
    seen.now += LAG
    newest = outcomes(seen, operation, times=5, **params)
    seen.now -= LAG
    assert all(answer == newest[0] for answer in newest), "nothing is older than the lag"
    older = [answer for answer in found if answer != newest[0]]
    assert older, "some reads must be stale"
    assert len(older) < len(found), "and some not"
    assert all(answer == older[0] for answer in older)
    return older[0], newest[0]


def test_a_new_contact_is_not_seen_at_once() -> None:
    """Neither by itself nor on a page, for as long as the lag; then by every read."""
    seen = lagging()
    seen.add("ada")
    seen.now += LAG / 2
    assert both(seen, "GetContact", EmailAddress=ADA)[0] == "NotFoundException"
    old, new = both(seen, "ListContacts")
    assert (old["Contacts"], len(new["Contacts"])) == ([], 1)


def test_a_changed_mind_is_not_seen_at_once() -> None:
    """An unsubscribe of a moment ago may read as still subscribed."""
    seen = lagging()
    seen.add("ada", TopicPreferences=preferences(news="OPT_IN"))
    seen.now += 60
    seen.call("UpdateContact", EmailAddress=ADA, UnsubscribeAll=True, TopicPreferences=preferences(news="OPT_OUT"))
    seen.now += LAG / 2
    old, new = both(seen, "GetContact", EmailAddress=ADA)
    assert (old["UnsubscribeAll"], old["TopicPreferences"]) == (False, preferences(news="OPT_IN"))
    assert (new["UnsubscribeAll"], new["TopicPreferences"]) == (True, preferences(news="OPT_OUT"))
    assert old["LastUpdatedTimestamp"] < new["LastUpdatedTimestamp"]
    old, new = both(seen, "ListContacts")
    assert [page["Contacts"][0]["UnsubscribeAll"] for page in (old, new)] == [False, True]


def test_a_deleted_contact_is_still_seen_in_its_place() -> None:
    """And one that was made anew is the old one, or none, or the new one: each read has a moment of its own."""
    seen = lagging()
    seen.add("ada", "bob", "cid")
    seen.now += 60
    seen.call("DeleteContact", EmailAddress=ADA)
    seen.now += LAG / 2
    old, new = both(seen, "ListContacts")
    assert [one["EmailAddress"][:3] for one in old["Contacts"]] == ["ada", "bob", "cid"]
    assert [one["EmailAddress"][:3] for one in new["Contacts"]] == ["bob", "cid"]
    assert both(seen, "GetContact", EmailAddress=ADA)[1] == "NotFoundException"
    seen.add("ada", UnsubscribeAll=True)
    seen.now += LAG / 4
    said = outcomes(seen, "GetContact", EmailAddress=ADA, times=80)
    assert {one if isinstance(one, str) else one["UnsubscribeAll"] for one in said} == {
        "NotFoundException",
        True,
        False,
    }


def test_a_list_its_topics_and_its_absence_lag() -> None:
    """Created, changed, deleted; by GetContactList and ListContactLists."""
    seen = Emulated(empty=True, conditions=Conditions(read_lag_seconds=LAG))
    seen.call("CreateContactList", ContactListName="main", Topics=[topic("news")], Description="one")
    seen.now += LAG / 2
    assert both(seen, "GetContactList")[0] == "NotFoundException"
    assert both(seen, "ListContactLists")[0] == {"ContactLists": []}
    seen.now += 60
    seen.add("ada", TopicPreferences=preferences(news="OPT_IN"))
    seen.now += 60
    seen.call("UpdateContactList", Topics=[topic("other")], Description="two")
    seen.now += LAG / 2
    old, new = both(seen, "GetContactList")
    assert [(one["Topics"][0]["TopicName"], one["Description"]) for one in (old, new)] == [
        ("news", "one"),
        ("other", "two"),
    ]
    old, new = both(seen, "GetContact", EmailAddress=ADA)
    assert [one["TopicPreferences"] for one in (old, new)] == [preferences(news="OPT_IN"), []]
    seen.now += 60
    seen.call("DeleteContactList")
    seen.now += LAG / 2
    assert both(seen, "GetContactList")[1] == "NotFoundException"
    assert both(seen, "ListContacts")[1] == "NotFoundException"


def test_an_import_jobs_state_and_effect_lag() -> None:
    """What it wrote counts from the moment it ended, whoever looked first."""
    seen = lagging()
    job_id = seen.start_import('{"emailAddress": "ada@x.example"}\nnonsense\n')
    assert outcomes(seen, "GetImportJob", JobId=job_id, times=5) == ["NotFoundException"] * 5
    assert outcomes(seen, "ListImportJobs", times=5) == [{"ImportJobs": []}] * 5
    seen.now += 1.5 + LAG / 2  # it ends after 1.5 s
    assert {one["JobStatus"] for one in outcomes(seen, "GetImportJob", JobId=job_id)} == {"PROCESSING", "COMPLETED"}
    running = next(one for one in outcomes(seen, "GetImportJob", JobId=job_id) if one["JobStatus"] == "PROCESSING")
    assert (running["ProcessedRecordsCount"], running.keys() & {"FailureInfo", "CompletedTimestamp"}) == (0, set())
    assert both(seen, "GetContact", EmailAddress=ADA)[0] == "NotFoundException"


def test_writes_act_on_the_newest_state() -> None:
    """A second CreateContact is refused, an update finds what was just made, a delete what is there."""
    seen = lagging()
    for _ in range(20):
        seen.add("ada")
        assert seen.refused("CreateContact", EmailAddress=ADA)[0] == "AlreadyExistsException"
        seen.call("UpdateContact", EmailAddress=ADA, UnsubscribeAll=True)
        seen.call("DeleteContact", EmailAddress=ADA)
        assert seen.refused("UpdateContact", EmailAddress=ADA)[0] == "NotFoundException"
        assert seen.refused("DeleteContact", EmailAddress=ADA)[0] == "NotFoundException"
    assert seen.refused("CreateContactList", ContactListName="two")[0] == "BadRequestException"
    seen.call("DeleteContactList")
    assert seen.refused("CreateContact", EmailAddress=ADA)[0] == "NotFoundException"


def test_what_is_seeded_is_seen_at_once() -> None:
    """A list that is made and contacts that are filled in are the world before anybody looked."""
    seen = Emulated(empty=True, conditions=Conditions(read_lag_seconds=LAG))
    seen.call("CreateContactList", ContactListName="main")
    seen.call("UpdateContactList", Topics=[topic("news")])
    seen.add("ada")
    seen.ses.fill(ACCOUNT, REGION, "main", [ContactRecord("bob@x.example"), ContactRecord(ADA, unsubscribed_all=True)])
    for page in outcomes(seen, "ListContacts"):
        assert [(one["EmailAddress"], one["UnsubscribeAll"]) for one in page["Contacts"]] == [
            (ADA, True),
            ("bob@x.example", False),
        ]
    assert all(len(answer["Topics"]) == 1 for answer in outcomes(seen, "GetContactList"))


def test_the_truth_can_be_told_whatever_the_conditions() -> None:
    """Contacts and topics as they are now, for whoever counts after a run."""
    seen = lagging(unset_share=1.0)
    seen.add("ada", "bob", UnsubscribeAll=True)
    seen.call("DeleteContact", EmailAddress=ADA)
    seen.call("UpdateContactList", Topics=[topic("new", "OPT_IN")])
    (bob,) = seen.ses.true_contacts(ACCOUNT, REGION, "main")
    assert (bob.email, bob.unsubscribed_all) == ("bob@x.example", True)
    (new,) = seen.ses.true_topics(ACCOUNT, REGION, "main")
    assert (new.name, new.default_status) == ("new", "OPT_IN")
    with pytest.raises(AwsError, match="other"):
        seen.ses.true_contacts(ACCOUNT, REGION, "other")


def test_conditions_may_change_while_it_runs() -> None:
    """Kind again, every read is of now; unkind again, what was in between is not held against it."""
    seen = lagging()
    seen.add("ada")
    seen.conditions.replace(Conditions())
    assert seen.contact()["EmailAddress"] == ADA
    seen.call("UpdateContact", EmailAddress=ADA, UnsubscribeAll=True)
    seen.now += 60
    seen.conditions.replace(Conditions(read_lag_seconds=LAG))
    assert all(one["UnsubscribeAll"] for one in outcomes(seen, "GetContact", EmailAddress=ADA))


def test_a_walk_under_lag_repeats_and_misses_nobody_who_stays() -> None:
    """Whatever comes and goes beside, page by page, each page of another moment."""
    seen = lagging()
    seen.ses.fill(ACCOUNT, REGION, "main", [ContactRecord(f"stay{n}@x.example") for n in range(30)])
    seen.now += 60
    token: dict[str, str] = {}
    met: list[str] = []
    for number in range(100):
        seen.add(f"come{number}")
        if number % 3 == 2:
            seen.call("DeleteContact", EmailAddress=f"come{number - 1}@x.example")
        page = seen.call("ListContacts", PageSize=2, **token)
        met += [one["EmailAddress"] for one in page["Contacts"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
        seen.now += 0.3
    assert len(met) == len(set(met))
    assert [one for one in met if one.startswith("stay")] == [f"stay{n}@x.example" for n in range(30)]


def test_members_that_say_nothing_may_be_left_out() -> None:
    """Of contacts, lists and jobs; the address and the choices of a person always stay."""
    seen = Emulated(conditions=Conditions(unset_share=1.0))
    seen.add("ada", TopicPreferences=preferences(ads="OPT_OUT"))
    contact = {name: value for name, value in seen.contact().items() if value is not None}
    assert contact == {
        "ContactListName": "main",
        "EmailAddress": ADA,
        "TopicPreferences": preferences(ads="OPT_OUT"),
        "TopicDefaultPreferences": preferences(news="OPT_IN"),
    }
    (listed,) = seen.call("ListContactLists")["ContactLists"]
    assert {name for name, value in listed.items() if value is not None} == {"ContactListName"}


def test_a_token_ends_after_its_time() -> None:
    """A walk that waits too long is refused as any bad token is."""
    seen = Emulated(conditions=Conditions(token_seconds=60))
    seen.add("ada", "bob", "cid")
    token = seen.call("ListContacts", PageSize=1)["NextToken"]
    seen.now += 59
    token = seen.call("ListContacts", PageSize=1, NextToken=token)["NextToken"]
    seen.now += 60
    refusal = seen.refused("ListContacts", PageSize=1, NextToken=token)
    assert refusal == ("BadRequestException", 400, "The specified NextToken is invalid")


@pytest.mark.parametrize("operation", ["ListContacts", "ListImportJobs", "ListSuppressedDestinations"])
def test_a_token_belongs_to_the_credentials_it_was_given_to(operation: str) -> None:
    """Another session's is refused, also of the same role; without that condition it is good for all."""
    seen = Emulated(conditions=Conditions(tokens_of_session=True))
    seen.add("ada", "bob")
    for name in ("ada", "bob"):
        seen.call("PutSuppressedDestination", EmailAddress=f"{name}@x.example", Reason="BOUNCE")
        seen.start_import("")
    asked: dict[str, Any] = {"PageSize": 1, **({"ContactListName": "main"} if operation == "ListContacts" else {})}
    token = seen.ses.call(ACCOUNT, REGION, operation, asked, caller="ASIAONE")["NextToken"]
    again = {**asked, "NextToken": token}
    with pytest.raises(AwsError) as error:
        seen.ses.call(ACCOUNT, REGION, operation, again, caller="ASIATWO")
    assert error.value.code in ("BadRequestException", "InvalidNextTokenException")
    assert seen.ses.call(ACCOUNT, REGION, operation, again, caller="ASIAONE")
    seen.conditions.replace(Conditions())
    assert seen.ses.call(ACCOUNT, REGION, operation, again, caller="ASIATWO")


def test_a_large_list_is_read_under_lag_without_copies() -> None:
    """What is kept for stale reads is as much as was written within the lag, however long the list is."""
    seen = lagging()
    seen.ses.fill(ACCOUNT, REGION, "main", bulk.generate(count=20_000, seed=1, opt_in={}, topics=()))
    seen.now += 60
    for number in range(30):
        seen.add(f"new{number}")
        assert len(seen.call("ListContacts", PageSize=10)["Contacts"]) == 10
        seen.now += 0.2
    with seen.ses._place(ACCOUNT, REGION) as place:
        assert place.contact_list is not None
        kept = place.contact_list._rows
    assert len(kept) == 20_030
    assert len(kept._journal) == len(kept._before) <= LAG / 0.2 + 2
