"""Import jobs: what they change and when, what they refuse, and what they say of records that fail."""

from __future__ import annotations

import json
from typing import Any

import pytest

from strict_aws.conditions.rate import RateLimit
from strict_aws.http.messages import AwsError
from strict_aws.ses import importing
from strict_aws.ses.jobs import ImportJobSettings
from strict_aws.ses.objects import S3Object
from strict_aws.ses.service import StrictSes
from strict_aws.ses.store import ContactRecord
from tests.strict_aws.unit.ses.emulated import ACCOUNT, ADA, REGION, URL, Emulated, import_job, preferences

BOB, EVE = "bob@x.example", "eve@x.example"


def lines(*records: Any) -> str:
    """Records as newline-delimited JSON; a string stands for itself."""
    return "".join((record if isinstance(record, str) else json.dumps(record)) + "\n" for record in records)


def record(email: str, **chosen: str) -> dict[str, Any]:
    """A record with explicit preferences."""
    pairs = [{"topicName": name, "subscriptionStatus": status} for name, status in chosen.items()]
    return {"emailAddress": email, "topicPreferences": pairs}


def counts(job: dict[str, Any]) -> tuple[str, int, int]:
    """Status, records processed, records failed."""
    return job["JobStatus"], job["ProcessedRecordsCount"], job["FailedRecordsCount"]


def settings(seen: Emulated, **changes: Any) -> None:
    """How the next jobs go."""
    seen.ses.set_import_jobs(ACCOUNT, REGION, ImportJobSettings(**changes))


def test_put_adds_contacts_with_every_part() -> None:
    """As the record has them, at the time when the job ended."""
    seen = Emulated()
    whole = {**record(ADA, ads="OPT_IN"), "unsubscribeAll": True, "attributesData": '{"a": 1}'}
    job = seen.ended(seen.start_import(lines(whole, {"emailAddress": BOB})))
    assert counts(job) == ("COMPLETED", 2, 0)
    assert seen.contact() == {
        "ContactListName": "main",
        "EmailAddress": ADA,
        "TopicPreferences": preferences(ads="OPT_IN"),
        "TopicDefaultPreferences": preferences(news="OPT_IN"),
        "UnsubscribeAll": True,
        "AttributesData": '{"a": 1}',
        "CreatedTimestamp": 1_001.5,
        "LastUpdatedTimestamp": 1_001.5,
    }
    assert seen.contact(BOB)["TopicPreferences"] == []


def test_put_clears_what_a_record_omits() -> None:
    """Preferences, attributes and UnsubscribeAll; age and place stay."""
    seen = Emulated()
    seen.add("ada", UnsubscribeAll=True, AttributesData="{}", TopicPreferences=preferences(ads="OPT_IN", news="OPT_IN"))
    seen.add("bob")
    seen.ended(seen.start_import(lines(record(ADA, news="OPT_OUT"), {"emailAddress": EVE})))
    found = seen.contact()
    assert (found["TopicPreferences"], found["UnsubscribeAll"]) == (preferences(news="OPT_OUT"), False)
    assert "AttributesData" not in found
    assert found["CreatedTimestamp"] == 1_000.0
    assert seen.pages(10) == [["ada", "bob", "eve"]]


def test_delete_removes_the_known_and_passes_the_unknown_over() -> None:
    """Nothing but the address counts; who is not there counts as processed."""
    seen = Emulated()
    seen.add("ada", "bob")
    job = seen.ended(seen.start_import(lines(record(ADA, other="OPT_IN"), {"emailAddress": EVE}), action="DELETE"))
    assert counts(job) == ("COMPLETED", 2, 0)
    assert seen.pages(10) == [["bob"]]


def test_of_two_records_of_one_address_the_later_counts() -> None:
    """The later one is the one further down in the file."""
    seen = Emulated()
    job = seen.ended(seen.start_import(lines(record(ADA, ads="OPT_IN"), record(ADA, news="OPT_OUT"))))
    assert counts(job) == ("COMPLETED", 2, 0)
    assert seen.contact()["TopicPreferences"] == preferences(news="OPT_OUT")


def test_bad_records_fail_by_themselves_and_are_listed_with_reasons() -> None:
    """The job is COMPLETED, the others are there; processed counts both."""
    seen = Emulated()
    seen.add("eve", TopicPreferences=preferences(ads="OPT_IN"))
    bad = [
        {"emailAddress": "nobody"},
        record(EVE, other="OPT_OUT"),
        {"emailAddress": "new@x.example", "name": "New"},
        "not json at all",
        {"emailAddress": 7},
    ]
    job = seen.ended(seen.start_import(lines(record(ADA), *bad, "", record(BOB))))
    assert counts(job) == ("COMPLETED", 7, 5)
    assert "ErrorMessage" not in job["FailureInfo"]
    assert seen.failed_records(job) == [
        {"emailAddress": "nobody", "reason": "EmailAddress is invalid"},
        {"emailAddress": EVE, "reason": "List: main doesn't contain Topic: other"},
        {
            "emailAddress": "new@x.example",
            "reason": "it has members other than emailAddress, unsubscribeAll, attributesData, topicPreferences",
        },
        {"emailAddress": None, "reason": "not JSON"},
        {"emailAddress": None, "reason": "The value can not be converted to a String"},
    ]
    assert seen.pages(10) == [["eve", "ada", "bob"]]
    assert seen.contact(EVE)["TopicPreferences"] == preferences(ads="OPT_IN")


def test_nobody_guesses_where_failed_records_are() -> None:
    """A token of its own for every job, and none is another's."""
    seen = Emulated()
    first, second = (seen.ended(seen.start_import("x"))["FailureInfo"]["FailedRecordsS3Url"] for _ in range(2))
    assert first != second
    assert len(first.rpartition("/")[2]) >= 32
    assert seen.ses.failed_records("guess") is None


CSV = (
    "emailAddress,unsubscribeAll,attributesData,topicPreferences.news,topicPreferences.ads\r\n"
    'ada@x.example,TRUE,{"Name": "Ada"},OPT_IN,OPT_OUT\r\n'
    "\r\n"
    'bob@x.example,false,"{""a"": 1, ""b"": 2}",,OPT_IN\r\n'
    "eve@x.example,,,,\r\n"
)


def test_csv_says_the_same_as_json() -> None:
    """The developer guide's columns; an empty cell is a member left out, and quotes are needed for commas only."""
    seen = Emulated()
    job = seen.ended(seen.start_import("\ufeff" + CSV, data_format="CSV"))
    assert counts(job) == ("COMPLETED", 3, 0)
    ada, bob, eve = seen.contact(), seen.contact(BOB), seen.contact(EVE)
    assert (ada["UnsubscribeAll"], bob["UnsubscribeAll"], eve["UnsubscribeAll"]) == (True, False, False)
    assert (ada["AttributesData"], bob["AttributesData"]) == ('{"Name": "Ada"}', '{"a": 1, "b": 2}')
    assert "AttributesData" not in eve
    assert ada["TopicPreferences"] == preferences(news="OPT_IN", ads="OPT_OUT")
    assert bob["TopicPreferences"] == preferences(ads="OPT_IN")
    assert eve["TopicPreferences"] == []


def test_bad_rows_fail_by_themselves() -> None:
    """Wrong widths, flags, statuses, quotes; a topic that the list lacks only for who has a preference for it."""
    seen = Emulated()
    rows = [
        "emailAddress,unsubscribeAll,topicPreferences.other",
        "ada@x.example,,",
        "bob@x.example,,OPT_IN",
        "eve@x.example,maybe,",
        "eve@x.example,",
        ",true,",
        '"eve@x.example"x,,',
        "eve@x.example,,YES",
        '"eve@x.example',
    ]
    job = seen.ended(seen.start_import("\n".join(rows), data_format="CSV"))
    assert counts(job) == ("COMPLETED", 8, 7)
    assert seen.failed_records(job) == [
        {"emailAddress": BOB, "reason": "List: main doesn't contain Topic: other"},
        {"emailAddress": EVE, "reason": "unsubscribeAll is neither true nor false"},
        {"emailAddress": EVE, "reason": "it has not as many cells as the header"},
        {"emailAddress": "", "reason": "EmailAddress can't be blank."},
        {"emailAddress": None, "reason": "not CSV"},
        {"emailAddress": EVE, "reason": "Subscription status must be one of OPT_IN, OPT_OUT"},
        {"emailAddress": None, "reason": "not CSV"},
    ]
    assert seen.pages(10) == [["ada"]]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "has no column emailAddress"),
        (b"ada@x.example,true\n", "has no column emailAddress"),
        (b"emailAddress,name\n", "a column that is unknown or there twice"),
        (b"emailAddress,emailAddress\n", "a column that is unknown or there twice"),
        (b"emailAddress\n\xff@x.example\n", "is not CSV in UTF-8"),
        (b'"emailAddress"x\n', "is not CSV in UTF-8"),
    ],
)
def test_a_csv_file_without_a_usable_header_fails_the_job(body: bytes, why: str) -> None:
    """Rather than every record of it."""
    seen = Emulated()
    job = seen.ended(seen.start_import(body, data_format="CSV"))
    assert counts(job) == ("FAILED", 0, 0)
    assert why in job["FailureInfo"]["ErrorMessage"]


def test_an_empty_json_file_is_no_records() -> None:
    """The job is completed, and no record failed."""
    seen = Emulated()
    assert counts(seen.ended(seen.start_import(""))) == ("COMPLETED", 0, 0)


def test_more_records_than_a_job_takes_fail_it_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a limit that a test can reach; exactly so many pass."""
    assert importing.MAX_RECORDS == 1_000_000
    monkeypatch.setattr(importing, "MAX_RECORDS", 2)
    seen = Emulated()
    job = seen.ended(seen.start_import(lines(record(ADA), "bad", record(EVE))))
    assert counts(job) == ("FAILED", 0, 0)
    assert job["FailureInfo"] == {"ErrorMessage": "The file has more than 2 records"}
    assert seen.pages(10) == [[]]
    assert counts(seen.ended(seen.start_import(lines(record(ADA), record(BOB))))) == ("COMPLETED", 2, 0)


def test_a_job_goes_from_created_to_processing_to_completed() -> None:
    """By the clock; the records are there all at once, at the end, and not before."""
    seen = Emulated()
    settings(seen, created_seconds=2, processing_seconds=3)
    job_id = seen.start_import(lines(record(ADA), record(BOB)))
    states = []
    for _ in range(6):
        job = seen.call("GetImportJob", JobId=job_id)
        states.append((job["JobStatus"], len(seen.pages(10)[0]), job.get("CompletedTimestamp")))
        seen.now += 1
    assert states == [
        *[("CREATED", 0, None)] * 2,
        *[("PROCESSING", 0, None)] * 3,
        ("COMPLETED", 2, 1_005.0),
    ]


def test_get_import_job_says_what_was_asked_for_and_nothing_that_is_not() -> None:
    """No FailureInfo and no CompletedTimestamp before there is something."""
    seen = Emulated()
    job_id = seen.start_import(lines(record(ADA)))
    assert seen.call("GetImportJob", JobId=job_id) == {
        "JobId": job_id,
        **import_job(),
        "JobStatus": "CREATED",
        "CreatedTimestamp": 1_000.0,
        "ProcessedRecordsCount": 0,
        "FailedRecordsCount": 0,
    }
    assert "FailureInfo" not in seen.ended(job_id)
    assert seen.refused("GetImportJob", JobId="other")[:2] == ("NotFoundException", 404)
    with pytest.raises(AwsError, match="doesn't exist"):
        seen.ses.call(ACCOUNT, "eu-west-1", "GetImportJob", {"JobId": job_id})


def test_who_unsubscribes_while_a_job_is_under_way_is_subscribed_again() -> None:
    """PUT replaces what the person did in between: the race that an import runs."""
    seen = Emulated()
    seen.add("ada", TopicPreferences=preferences(ads="OPT_IN"))
    seen.start_import(lines(record(ADA, ads="OPT_IN")))
    seen.now += 1.4
    seen.call("UpdateContact", EmailAddress=ADA, UnsubscribeAll=True, TopicPreferences=preferences(ads="OPT_OUT"))
    assert seen.contact()["UnsubscribeAll"] is True
    seen.now += 0.2
    found = seen.contact()
    assert (found["UnsubscribeAll"], found["TopicPreferences"]) == (False, preferences(ads="OPT_IN"))


def test_who_unsubscribes_after_a_job_stays_unsubscribed() -> None:
    """The job that was due comes first, though nobody looked at it."""
    seen = Emulated()
    seen.add("ada")
    seen.start_import(lines(record(ADA, ads="OPT_IN")))
    seen.now += 2
    seen.call("UpdateContact", EmailAddress=ADA, UnsubscribeAll=True)
    seen.now += 10
    assert seen.contact()["UnsubscribeAll"] is True
    assert seen.contact()["TopicPreferences"] == preferences(ads="OPT_IN")


def test_jobs_take_effect_in_the_order_in_which_they_end() -> None:
    """Not in that of their creation, even if nobody looked in between; those that end together in that."""
    seen = Emulated()
    settings(seen, created_seconds=0, processing_seconds=5)
    seen.start_import(lines(record(ADA, ads="OPT_IN")), url="s3://imports/slow")
    settings(seen, created_seconds=0, processing_seconds=1)
    for number, status in enumerate(("OPT_IN", "OPT_OUT")):
        both = lines(record(ADA, ads="OPT_OUT"), record(BOB, ads=status))
        seen.start_import(both, url=f"s3://imports/quick{number}")
    seen.now += 10
    assert seen.contact()["TopicPreferences"] == preferences(ads="OPT_IN")
    assert seen.contact(BOB)["TopicPreferences"] == preferences(ads="OPT_OUT")
    assert [seen.contact()["LastUpdatedTimestamp"], seen.contact(BOB)["LastUpdatedTimestamp"]] == [1_005.0, 1_001.0]


@pytest.mark.parametrize("how", ["fill", "topics", "addresses", "advance"])
def test_whatever_looks_at_an_account_finds_its_jobs_done(how: str) -> None:
    """This holds for filling a list and for searching addresses, too."""
    seen = Emulated()
    seen.start_import(lines(record(ADA, ads="OPT_IN")))
    seen.now += 2
    if how == "fill":
        seen.ses.fill(ACCOUNT, REGION, "main", [ContactRecord(ADA)])
        assert seen.contact()["TopicPreferences"] == []
    elif how == "topics":
        assert seen.ses.topics(ACCOUNT, REGION, "main") == ("news", "ads")
    elif how == "addresses":
        assert list(seen.ses.addresses()) == [ADA]
    else:
        seen.ses.advance_import_jobs()
        seen.objects.held.clear()
        assert list(seen.ses.addresses()) == [ADA]


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"ImportDestination": None}, "'importDestination'"),
        ({"ImportDestination": {}}, "'importDestination.contactListDestination'"),
        ({"ImportDataSource": None}, "'importDataSource'"),
        ({"ImportDataSource": {"DataFormat": "JSON"}}, "'importDataSource.s3Url'"),
        ({"ImportDataSource": {"S3Url": URL}}, "'importDataSource.dataFormat'"),
        ({"ImportDataSource": {"S3Url": URL, "DataFormat": "json"}}, "[CSV, JSON]"),
        ({"ImportDataSource": {"S3Url": "https://imports/x", "DataFormat": "CSV"}}, "regular expression pattern"),
        ({"ImportDataSource": {"S3Url": "s3://imports", "DataFormat": "CSV"}}, "regular expression pattern"),
        ({"ImportDataSource": {"S3Url": "s3://imports/", "DataFormat": "CSV"}}, "regular expression pattern"),
        (import_job(action="UPSERT"), "[DELETE, PUT]"),
    ],
)
def test_what_is_not_a_job_is_a_bad_request(change: dict[str, Any], refusal: str) -> None:
    """Before anything is looked at."""
    seen = Emulated()
    code, status, message = seen.refused("CreateImportJob", **{**import_job(), **change})
    assert (code, status) == ("BadRequestException", 400)
    assert refusal in message
    assert seen.objects.asked == []


def test_a_missing_list_is_told_in_words_of_its_own() -> None:
    """Others than those of the operations on contact lists."""
    refusal = Emulated().refused("CreateImportJob", **import_job(name="other"))
    assert refusal == ("NotFoundException", 404, "ContactList <other> doesn't exist")


def test_a_list_that_goes_meanwhile_fails_the_job() -> None:
    """The job had been accepted while the list was there."""
    seen = Emulated()
    job_id = seen.start_import(lines(record(ADA)))
    seen.call("DeleteContactList")
    assert seen.ended(job_id)["FailureInfo"] == {"ErrorMessage": "ContactList <main> doesn't exist"}


def test_the_sandbox_has_no_import_jobs() -> None:
    """Until the account is out of it."""
    seen = Emulated()
    seen.ses.set_account(ACCOUNT, REGION, production_access=False, sending_enabled=True)
    assert seen.refused("CreateImportJob", **import_job())[:2] == ("BadRequestException", 400)
    seen.ses.set_account(ACCOUNT, REGION, production_access=True, sending_enabled=True)
    assert seen.start_import("")


def test_a_bucket_that_ses_cannot_read_refuses_the_job() -> None:
    """What S3 said is the message; SES asks as this account in this Region, for this object."""
    seen = Emulated()
    seen.objects.refusals["imports"] = "the bucket is in eu-west-1"
    refusal = seen.refused("CreateImportJob", **import_job(url="s3://imports/a/b c.json"))
    assert refusal == ("BadRequestException", 400, "the bucket is in eu-west-1")
    assert seen.objects.asked == [S3Object(ACCOUNT, REGION, "imports", "a/b c.json")]
    assert seen.call("ListImportJobs") == {"ImportJobs": []}


def test_without_an_s3_every_job_is_refused() -> None:
    """Rather than accepted and lost."""
    ses = StrictSes(rate=None)
    ses.create_list(ACCOUNT, REGION, "main", description=None, topics=[])
    with pytest.raises(AwsError, match="cannot read") as error:
        ses.call(ACCOUNT, REGION, "CreateImportJob", import_job())
    assert error.value.code == "BadRequestException"


@pytest.mark.parametrize("lost", ["object", "permission"])
def test_what_cannot_be_read_any_more_fails_the_job(lost: str) -> None:
    """The object or the bucket's policy went between creation and processing."""
    seen = Emulated()
    job_id = seen.start_import(lines(record(ADA)))
    if lost == "object":
        seen.objects.held.clear()
    else:
        seen.objects.refusals["imports"] = "no more"
    job = seen.ended(job_id)
    assert counts(job) == ("FAILED", 0, 0)
    message = "There is no object s3://imports/people.json" if lost == "object" else "no more"
    assert job["FailureInfo"] == {"ErrorMessage": message}
    assert job["CompletedTimestamp"] == 1_001.5


def test_the_object_is_read_when_processing_begins() -> None:
    """What is there by then counts; later changes do not."""
    seen = Emulated()
    job_id = seen.start_import(lines(record(ADA)))
    seen.objects.held["imports", "people.json"] = lines(record(BOB)).encode()
    seen.now += 0.5
    assert seen.call("GetImportJob", JobId=job_id)["JobStatus"] == "PROCESSING"
    seen.objects.held.clear()
    assert counts(seen.ended(job_id)) == ("COMPLETED", 1, 0)
    assert seen.pages(10) == [["bob"]]


def test_a_failure_can_be_forced_on_the_next_jobs() -> None:
    """Without effect, with the message and number asked for; those under way go on, and so do others' jobs."""
    seen = Emulated()
    before = seen.start_import(lines(record(BOB)), url="s3://imports/before")
    settings(seen, fail="it just failed", processed_records=7)
    seen.make_list("444455556666", REGION)
    forced = seen.start_import(lines(record(ADA)))
    other = seen.ses.call("444455556666", REGION, "CreateImportJob", import_job())["JobId"]
    job = seen.ended(forced)
    assert counts(job) == ("FAILED", 7, 0)
    assert job["FailureInfo"] == {"ErrorMessage": "it just failed"}
    assert counts(seen.call("GetImportJob", JobId=before)) == ("COMPLETED", 1, 0)
    assert seen.pages(10) == [["bob"]]
    job = seen.ses.call("444455556666", REGION, "GetImportJob", {"JobId": other})
    assert job["JobStatus"] == "COMPLETED"
    settings(seen)
    assert counts(seen.ended(seen.start_import(lines(record(ADA))))) == ("COMPLETED", 1, 0)


def test_twenty_jobs_at_once_and_no_more() -> None:
    """In one account and Region, until one is over."""
    seen = Emulated()
    for _ in range(20):
        seen.start_import("")
    assert seen.refused("CreateImportJob", **import_job())[:2] == ("LimitExceededException", 400)
    seen.make_list(ACCOUNT, "eu-west-1")
    assert seen.ses.call(ACCOUNT, "eu-west-1", "CreateImportJob", import_job())
    seen.now += 1.5
    assert seen.start_import("")


def test_jobs_are_listed_newest_first_page_by_page() -> None:
    """What comes between two pages is on neither, and every job is there once."""
    seen = Emulated()
    made = [seen.start_import("") for _ in range(5)]
    seen.now += 10
    pages, token = [], dict[str, str]()
    while True:
        page = seen.call("ListImportJobs", PageSize=2, **token)
        pages.append([job["JobId"] for job in page["ImportJobs"]])
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
        seen.start_import("")
        seen.now += 10
    assert pages == [made[4:2:-1], made[2:0:-1], made[:1]]
    newest = seen.call("ListImportJobs", PageSize=1)["ImportJobs"][0]
    destination = {"ContactListDestination": {"ContactListName": "main", "ContactListImportAction": "PUT"}}
    assert newest == {
        "JobId": newest["JobId"],
        "ImportDestination": destination,
        "JobStatus": "COMPLETED",
        "CreatedTimestamp": 1_020.0,
        "ProcessedRecordsCount": 0,
        "FailedRecordsCount": 0,
    }


def test_a_full_last_page_has_no_token() -> None:
    """Nor has an empty one."""
    seen = Emulated()
    assert seen.call("ListImportJobs") == {"ImportJobs": []}
    seen.start_import("")
    assert "NextToken" not in seen.call("ListImportJobs", PageSize=1)


def test_jobs_can_be_asked_for_by_destination() -> None:
    """A token is good for the question it came from."""
    seen = Emulated()
    for _ in range(3):
        seen.start_import("")
    page = seen.call("ListImportJobs", PageSize=1, ImportDestinationType="CONTACT_LIST")
    assert len(page["ImportJobs"]) == 1
    assert seen.refused("ListImportJobs", NextToken=page["NextToken"])[0] == "BadRequestException"
    assert seen.call("ListImportJobs", ImportDestinationType="SUPPRESSION_LIST") == {"ImportJobs": []}
    assert seen.refused("ListImportJobs", ImportDestinationType="LIST")[0] == "BadRequestException"
    assert seen.refused("ListImportJobs", PageSize=0)[0] == "BadRequestException"


@pytest.mark.parametrize("operation", ["CreateImportJob", "GetImportJob", "ListImportJobs"])
def test_jobs_share_the_throttle(operation: str) -> None:
    """With everything else of the account in the Region."""
    seen = Emulated(rate=RateLimit(1, 2))
    job_id = seen.start_import("")
    seen.call("ListContactLists")
    params = {"CreateImportJob": import_job(), "GetImportJob": {"JobId": job_id}}.get(operation, {})
    assert seen.refused(operation, **params)[:2] == ("TooManyRequestsException", 429)
    seen.now += 1
    seen.call(operation, **params)
