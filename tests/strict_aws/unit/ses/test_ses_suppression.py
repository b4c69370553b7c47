"""The account's suppression list: one by one, page by page, and by import jobs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from strict_aws.conditions.conditions import Conditions
from strict_aws.http.messages import AwsError
from strict_aws.ses import suppression_import
from tests.strict_aws.unit.ses.emulated import ACCOUNT, ADA, REGION, URL, Emulated

MISSING = ("NotFoundException", 404, f"Email address {ADA} does not exist on your suppression list.")


def suppress(seen: Emulated, *names: str, reason: str = "BOUNCE") -> None:
    """Put the address `<name>@x.example` onto the list."""
    for name in names:
        seen.call("PutSuppressedDestination", EmailAddress=f"{name}@x.example", Reason=reason)


def listed(seen: Emulated, size: int = 100, **params: Any) -> list[str]:
    """The names that are listed on all pages."""
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = seen.call("ListSuppressedDestinations", PageSize=size, **params, **token)
        found += [one["EmailAddress"].partition("@")[0] for one in page["SuppressedDestinationSummaries"]]
        if "NextToken" not in page:
            return found
        token = {"NextToken": page["NextToken"]}


def job(action: str, data_format: str = "JSON") -> dict[str, Any]:
    """The parameters of a CreateImportJob into the suppression list."""
    return {
        "ImportDestination": {"SuppressionListDestination": {"SuppressionListImportAction": action}},
        "ImportDataSource": {"S3Url": URL, "DataFormat": data_format},
    }


def imported(seen: Emulated, body: str, action: str = "PUT", data_format: str = "JSON") -> dict[str, Any]:
    """The job that has imported this."""
    seen.objects.held["imports", "people.json"] = body.encode()
    return seen.ended(seen.call("CreateImportJob", **job(action, data_format))["JobId"])


def test_an_address_comes_changes_its_reason_and_goes() -> None:
    """With the time of its last change; what is not there is NotFoundException, for a second delete too."""
    seen = Emulated(empty=True)
    assert seen.refused("GetSuppressedDestination", EmailAddress=ADA) == MISSING
    suppress(seen, "ada")
    seen.now += 60
    suppress(seen, "ada", reason="COMPLAINT")
    assert seen.call("GetSuppressedDestination", EmailAddress=ADA) == {
        "SuppressedDestination": {"EmailAddress": ADA, "Reason": "COMPLAINT", "LastUpdateTime": 1_060.0}
    }
    assert seen.call("DeleteSuppressedDestination", EmailAddress=ADA) == {}
    assert seen.refused("DeleteSuppressedDestination", EmailAddress=ADA) == MISSING


def test_the_domain_is_folded_and_the_local_part_is_not() -> None:
    """Blanks around the address are removed, too."""
    seen = Emulated()
    seen.call("PutSuppressedDestination", EmailAddress=" Ada@X.Example ", Reason="BOUNCE")
    found = seen.call("GetSuppressedDestination", EmailAddress="Ada@x.EXAMPLE")
    assert found["SuppressedDestination"]["EmailAddress"] == "Ada@x.example"
    assert seen.refused("GetSuppressedDestination", EmailAddress=ADA) == MISSING


def test_each_account_and_region_has_its_own() -> None:
    """As contact lists, and beside them: who is suppressed stays a contact."""
    seen = Emulated()
    seen.add("ada")
    suppress(seen, "ada")
    for place in ((ACCOUNT, "eu-west-1"), ("444455556666", REGION)):
        answer = seen.ses.call(*place, "ListSuppressedDestinations", {})
        assert answer == {"SuppressedDestinationSummaries": []}
    assert seen.contact()["EmailAddress"] == ADA
    assert ADA in set(seen.ses.addresses())


def test_it_is_listed_page_by_page_and_filtered() -> None:
    """By reason and by time; a page on which nobody fits may be empty and go on."""
    seen = Emulated()
    for number, reason in enumerate(["BOUNCE", "COMPLAINT", "BOUNCE", "BOUNCE", "COMPLAINT"]):
        suppress(seen, f"p{number}", reason=reason)
        seen.now += 10
    assert listed(seen) == listed(seen, size=2) == ["p0", "p1", "p2", "p3", "p4"]
    assert listed(seen, size=1, Reasons=["COMPLAINT"]) == ["p1", "p4"]
    assert listed(seen, Reasons=["COMPLAINT", "BOUNCE"]) == listed(seen, Reasons=[]) == listed(seen)
    assert listed(seen, StartDate=1_010.0, EndDate=1_030.0) == ["p1", "p2"]
    day = datetime.fromtimestamp(1_030, UTC)
    assert listed(seen, StartDate=day) == listed(seen, StartDate=day.strftime("%Y-%m-%dT%H:%M:%SZ")) == ["p3", "p4"]
    page = seen.call("ListSuppressedDestinations", PageSize=1, Reasons=["COMPLAINT"])
    assert page["SuppressedDestinationSummaries"] == []
    assert page["NextToken"]


@pytest.mark.parametrize("change", [{"NextToken": "no"}, {"Reasons": ["COMPLAINT"]}, {"StartDate": 5}])
def test_a_token_is_good_for_its_question_only(change: dict[str, Any]) -> None:
    """Else InvalidNextTokenException, as the API's model says."""
    seen = Emulated()
    suppress(seen, "ada", "bob")
    token = seen.call("ListSuppressedDestinations", PageSize=1)["NextToken"]
    refusal = seen.refused("ListSuppressedDestinations", PageSize=1, **{"NextToken": token, **change})
    assert refusal == (
        "InvalidNextTokenException",
        400,
        "The specified request includes an invalid or expired token.",
    )


@pytest.mark.parametrize(
    ("operation", "params", "code"),
    [
        ("PutSuppressedDestination", {"EmailAddress": ADA}, "BadRequestException"),
        ("PutSuppressedDestination", {"EmailAddress": ADA, "Reason": "OTHER"}, "BadRequestException"),
        ("PutSuppressedDestination", {"EmailAddress": "nobody", "Reason": "BOUNCE"}, "BadRequestException"),
        ("PutSuppressedDestination", {"Reason": "BOUNCE"}, "BadRequestException"),
        ("GetSuppressedDestination", {"EmailAddress": ADA, "TenantName": "t"}, "NotFoundException"),
        ("ListSuppressedDestinations", {"Reasons": ["OTHER"]}, "BadRequestException"),
        ("ListSuppressedDestinations", {"Reasons": "BOUNCE"}, "SerializationException"),
        ("ListSuppressedDestinations", {"StartDate": "yesterday"}, "SerializationException"),
        ("ListSuppressedDestinations", {"PageSize": 1_001}, "BadRequestException"),
        ("PutAccountSuppressionAttributes", {"SuppressedReasons": ["OTHER"]}, "BadRequestException"),
        ("PutAccountSuppressionAttributes", {"ValidationAttributes": {"ConditionThreshold": {}}}, "NotImplemented"),
    ],
)
def test_what_is_wrong_is_refused(operation: str, params: dict[str, Any], code: str) -> None:
    """A refusal changes nothing on the list."""
    seen = Emulated()
    assert seen.refused(operation, **params)[0] == code
    assert listed(seen) == []


def test_the_accounts_reasons_are_both_unless_it_says_otherwise() -> None:
    """None at all is a choice, too."""
    seen = Emulated()
    said = [seen.call("GetAccount")["SuppressionAttributes"]["SuppressedReasons"]]
    for reasons in (["COMPLAINT"], []):
        seen.call("PutAccountSuppressionAttributes", SuppressedReasons=reasons)
        said.append(seen.call("GetAccount")["SuppressionAttributes"]["SuppressedReasons"])
    assert said == [["BOUNCE", "COMPLAINT"], ["COMPLAINT"], []]


@pytest.mark.parametrize(
    ("data_format", "body", "gone"),
    [
        (
            "JSON",
            (
                '{"emailAddress": "ada@x.example", "reason": "BOUNCE"}\n\n'
                '{"emailAddress": "Bob@X.example", "reason": "COMPLAINT"}\n'
            ),
            '{"emailAddress": "ada@x.example"}\n{"emailAddress": "nobody@x.example"}\n',
        ),
        ("CSV", "ada@x.example,BOUNCE\n\nBob@X.example, COMPLAINT\n", "ada@x.example\nnobody@x.example\n"),
    ],
)
def test_an_import_job_puts_and_deletes(data_format: str, body: str, gone: str) -> None:
    """In the guide's formats: CSV without a header; of an address that is not there a DELETE counts as processed."""
    seen = Emulated(empty=True)
    made = imported(seen, body, data_format=data_format)
    assert (made["JobStatus"], made["ProcessedRecordsCount"], made["FailedRecordsCount"]) == ("COMPLETED", 2, 0)
    assert made["ImportDestination"] == {"SuppressionListDestination": {"SuppressionListImportAction": "PUT"}}
    found = seen.call("ListSuppressedDestinations")["SuppressedDestinationSummaries"]
    assert [(one["EmailAddress"], one["Reason"]) for one in found] == [(ADA, "BOUNCE"), ("Bob@x.example", "COMPLAINT")]
    made = imported(seen, gone, "DELETE", data_format)
    assert (made["ProcessedRecordsCount"], made["FailedRecordsCount"]) == (2, 0)
    assert listed(seen) == ["Bob"]


def test_bad_records_fail_by_themselves() -> None:
    """Named with their reasons; the others are taken."""
    seen = Emulated()
    lines = [
        '{"emailAddress": "ada@x.example", "reason": "BOUNCE"}',
        '{"emailAddress": "bob@x.example"}',
        '{"emailAddress": "nobody", "reason": "BOUNCE"}',
        '{"emailAddress": "cid@x.example", "reason": "BOUNCE", "more": 1}',
        "nonsense",
        "[]",
    ]
    made = imported(seen, "\n".join(lines))
    assert (made["JobStatus"], made["ProcessedRecordsCount"], made["FailedRecordsCount"]) == ("COMPLETED", 6, 5)
    assert [one["emailAddress"] for one in seen.failed_records(made)] == [
        "bob@x.example",
        "nobody",
        "cid@x.example",
        None,
        None,
    ]
    assert listed(seen) == ["ada"]
    made = imported(seen, "bob@x.example,BOUNCE,more\ncid@x.example\ndan@x.example,COMPLAINT\n", data_format="CSV")
    assert (made["ProcessedRecordsCount"], made["FailedRecordsCount"]) == (3, 2)
    assert [one["emailAddress"] for one in seen.failed_records(made)] == ["bob@x.example", "cid@x.example"]
    assert listed(seen) == ["ada", "dan"]


def test_too_many_records_or_no_csv_fail_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is imported."""
    assert suppression_import.MAX_RECORDS == {"PUT": 100_000, "DELETE": 10_000}
    monkeypatch.setitem(suppression_import.MAX_RECORDS, "PUT", 1)
    seen = Emulated()
    body = '{"emailAddress": "ada@x.example", "reason": "BOUNCE"}\n' * 2
    made = imported(seen, body)
    assert (made["JobStatus"], made["FailureInfo"]["ErrorMessage"]) == ("FAILED", "The file has more than 1 records")
    made = imported(seen, 'ada@x.example,"BOUNCE', data_format="CSV")
    assert (made["JobStatus"], made["FailureInfo"]["ErrorMessage"]) == ("FAILED", "The file is not CSV in UTF-8")
    assert listed(seen) == []


def test_jobs_are_listed_by_their_destination() -> None:
    """Those of contact lists and those of the suppression list, page by page."""
    seen = Emulated()
    ids = [seen.start_import("") if n % 2 else seen.call("CreateImportJob", **job("PUT"))["JobId"] for n in range(5)]
    for kind, wanted in (("CONTACT_LIST", ids[1::2]), ("SUPPRESSION_LIST", ids[::2])):
        first = seen.call("ListImportJobs", ImportDestinationType=kind, PageSize=1)
        token = first["NextToken"]
        rest = seen.call("ListImportJobs", ImportDestinationType=kind, PageSize=9, NextToken=token)
        assert [one["JobId"] for one in first["ImportJobs"] + rest["ImportJobs"]] == wanted[::-1]
        assert "NextToken" not in rest


@pytest.mark.parametrize(
    "destination",
    [
        {"SuppressionListDestination": {}},
        {"SuppressionListDestination": {"SuppressionListImportAction": "ADD"}},
        {
            "SuppressionListDestination": {"SuppressionListImportAction": "PUT"},
            "ContactListDestination": {"ContactListName": "main", "ContactListImportAction": "PUT"},
        },
    ],
)
def test_a_job_has_one_destination_and_an_action(destination: dict[str, Any]) -> None:
    """Else it is a bad request."""
    refusal = Emulated().refused("CreateImportJob", **{**job("PUT"), "ImportDestination": destination})
    assert refusal[0] == "BadRequestException"


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("PutSuppressedDestination", {"EmailAddress": ADA, "Reason": "BOUNCE"}),
        ("GetSuppressedDestination", {"EmailAddress": ADA}),
        ("DeleteSuppressedDestination", {"EmailAddress": ADA}),
        ("ListSuppressedDestinations", {}),
        ("CreateImportJob", job("PUT")),
    ],
)
def test_the_sandbox_has_none(operation: str, params: dict[str, Any]) -> None:
    """Neither one by one nor by jobs."""
    seen = Emulated()
    seen.ses.set_account(ACCOUNT, REGION, production_access=False, sending_enabled=True)
    code, _, message = seen.refused(operation, **params)
    assert code == "BadRequestException"
    assert "sandbox" in message


def test_it_lags_as_contacts_do() -> None:
    """Reads may show what was; writes act on what is."""
    seen = Emulated(conditions=Conditions(read_lag_seconds=2))
    suppress(seen, "ada")
    seen.now += 1
    counts = set()
    codes = set()
    for _ in range(40):
        counts.add(len(seen.call("ListSuppressedDestinations")["SuppressedDestinationSummaries"]))
        try:
            codes.add(seen.call("GetSuppressedDestination", EmailAddress=ADA)["SuppressedDestination"]["Reason"])
        except AwsError as error:
            codes.add(error.code)
    assert (counts, codes) == ({0, 1}, {"NotFoundException", "BOUNCE"})
    seen.now += 1
    assert listed(seen) == ["ada"]
    seen.call("DeleteSuppressedDestination", EmailAddress=ADA)
    assert seen.refused("DeleteSuppressedDestination", EmailAddress=ADA) == MISSING
