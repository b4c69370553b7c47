"""The check of shapes finds what it is there for."""

from __future__ import annotations

from typing import Any

import pytest

from strict_aws.http.operations import output_shape
from tests.strict_aws.conformance import hooks
from tests.strict_aws.conformance.shapes import problems, xml_problems

JOB = {"JobId": "j", "JobStatus": "COMPLETED", "ProcessedRecordsCount": 3, "CreatedTimestamp": 1.5, "FailureInfo": None}
HEAD = '<X xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'


@pytest.mark.parametrize(
    ("operation", "answer", "found"),
    [
        ("GetImportJob", JOB, []),
        ("GetImportJob", {**JOB, "Nonsense": 1}, ["$.Nonsense: the model has no such member"]),
        ("GetImportJob", {**JOB, "ProcessedRecordsCount": "3"}, ["$.ProcessedRecordsCount: str is no integer"]),
        ("GetImportJob", {**JOB, "ProcessedRecordsCount": True}, ["$.ProcessedRecordsCount: bool is no integer"]),
        ("GetImportJob", {**JOB, "CreatedTimestamp": "today"}, ["$.CreatedTimestamp: str is no timestamp"]),
        ("GetImportJob", {**JOB, "CreatedTimestamp": float("nan")}, ["$.CreatedTimestamp: nan is no JSON number"]),
        ("GetImportJob", {**JOB, "FailureInfo": []}, ["$.FailureInfo: list is no structure"]),
        ("ListContacts", {"Contacts": {}}, ["$.Contacts: dict is no list"]),
        (
            "ListContacts",
            {"Contacts": [{"TopicPreferences": [{"TopicName": None, "SubscriptionStatus": "IN"}]}]},
            [
                "$.Contacts[0].TopicPreferences[0].TopicName: is required and missing",
                "$.Contacts[0].TopicPreferences[0].SubscriptionStatus: IN is none of OPT_IN, OPT_OUT",
            ],
        ),
        ("GetSuppressedDestination", {}, ["$.SuppressedDestination: is required and missing"]),
    ],
)
def test_a_json_answers_faults_are_found(operation: str, answer: dict[str, Any], found: list[str]) -> None:
    """Types, enums, required members, strangers; with their paths."""
    assert list(problems(answer, output_shape("sesv2", operation))) == found


@pytest.mark.parametrize(
    ("result", "found"),
    [
        ("<Arn>a</Arn><UserId>u</UserId><Account>1</Account>", []),
        ("<Arn>a</Arn><Name>n</Name>", ["$.Name: the model has no such member"]),
    ],
)
def test_an_xml_answers_faults_are_found(result: str, found: list[str]) -> None:
    """Inside of what wraps it, and that, too."""
    body = (
        f"{HEAD.replace('X', 'GetCallerIdentityResponse', 1)}<GetCallerIdentityResult>{result}"
        "</GetCallerIdentityResult><ResponseMetadata/></GetCallerIdentityResponse>"
    )
    shape = output_shape("sts", "GetCallerIdentity")
    assert list(xml_problems("GetCallerIdentity", body.encode(), shape)) == found
    assert list(xml_problems("GetCallerIdentity", f"{HEAD}</X>".encode(), shape)) == [
        "X: is not GetCallerIdentityResponse",
        "ResponseMetadata: is missing",
    ]


def test_a_wrong_answer_fails_where_it_is_given() -> None:
    """So that no test has to look."""
    with pytest.raises(AssertionError, match=r"sesv2 GetContact: .*no such member"):
        hooks.check("sesv2", "GetContact", {"Address": "a@x.example"})
