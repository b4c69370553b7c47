"""Which operation a request is for, by botocore's own models."""

from __future__ import annotations

import pytest

from strict_aws.http import operations
from strict_aws.http.messages import AwsError, Request


@pytest.mark.parametrize(
    ("service", "method", "path", "query", "headers", "expected", "writes"),
    [
        ("ses", "GET", "/v2/email/contact-lists", "", {}, ("sesv2", "ListContactLists"), False),
        ("ses", "POST", "/v2/email/contact-lists/main/contacts/list", "", {}, ("sesv2", "ListContacts"), False),
        ("ses", "GET", "/v2/email/contact-lists/main/contacts", "", {}, ("sesv2", "ListContacts"), False),
        ("ses", "PUT", "/v2/email/contact-lists/main", "", {}, ("sesv2", "UpdateContactList"), True),
        ("ses", "GET", "/v2/email/contact-lists/main/contacts/a%40b.example", "", {}, ("sesv2", "GetContact"), False),
        ("ses", "POST", "/v2/email/import-jobs", "", {}, ("sesv2", "CreateImportJob"), True),
        ("ses", "GET", "/v2/email/import-jobs/1-2", "", {}, ("sesv2", "GetImportJob"), False),
        ("ses", "POST", "/v2/email/import-jobs/list", "", {}, ("sesv2", "ListImportJobs"), False),
        ("ses", "GET", "/v2/email/import-jobs", "PageSize=5", {}, ("sesv2", "ListImportJobs"), False),
        ("lambda", "POST", "/2015-03-31/functions/f/invocations", "", {}, ("lambda", "Invoke"), True),
        ("s3", "GET", "/bucket/key", "", {}, ("s3", "GetObject"), False),
        ("s3", "GET", "/bucket/a/b/c.json", "", {}, ("s3", "GetObject"), False),
        ("s3", "GET", "/bucket", "list-type=2&prefix=x", {}, ("s3", "ListObjectsV2"), False),
        ("s3", "PUT", "/bucket/key", "", {}, ("s3", "PutObject"), True),
        ("s3", "PUT", "/bucket/key", "", {"x-amz-copy-source": "/b/k"}, ("s3", "CopyObject"), True),
        ("s3", "PUT", "/bucket/key", "partNumber=1&uploadId=x", {}, ("s3", "UploadPart"), True),
        ("s3", "PUT", "/bucket", "versioning", {}, ("s3", "PutBucketVersioning"), True),
        (
            "logs",
            "POST",
            "/",
            "",
            {"x-amz-target": "Logs_20140328.FilterLogEvents"},
            ("logs", "FilterLogEvents"),
            False,
        ),
        ("monitoring", "POST", "/", "", {"x-amz-target": "G.PutMetricData"}, ("cloudwatch", "PutMetricData"), True),
        ("monitoring", "POST", "/service/G/operation/PutMetricData", "", {}, ("cloudwatch", "PutMetricData"), True),
        ("sts", "POST", "/", "", {}, ("sts", "AssumeRole"), False),
    ],
)
def test_a_request_is_known_by_its_operation(
    service: str,
    method: str,
    path: str,
    query: str,
    headers: dict[str, str],
    expected: tuple[str, str],
    writes: bool,
) -> None:
    """REST by method, path, query and headers; JSON by target; query by Action."""
    body = b"Action=AssumeRole" if service == "sts" else b""
    found = operations.resolve(service, Request(method, path, query, headers, body))
    assert (found.service, found.name, found.writes) == (*expected, writes)


def test_parameters_come_from_path_query_and_body() -> None:
    """In botocore's names, percent-decoded, numbers as numbers."""
    path = "/v2/email/contact-lists/my%20list/contacts/list"
    found = operations.resolve("ses", Request("POST", path, "", {}, b'{"PageSize": 5}'))
    assert found.parameters == {"ContactListName": "my list", "PageSize": 5}
    older = Request("GET", "/v2/email/contact-lists/main/contacts", "PageSize=5&NextToken=a%2Bb", {}, b"")
    assert operations.resolve("ses", older).parameters == {
        "ContactListName": "main",
        "PageSize": 5,
        "NextToken": "a+b",
    }


@pytest.mark.parametrize(
    ("service", "path"), [("nothing", "/"), ("ses", "/v2/email/nothing"), ("lambda", "/2015-03-31/nothing")]
)
def test_what_nobody_knows_is_501(service: str, path: str) -> None:
    """An operation is never guessed from a similar one."""
    with pytest.raises(AwsError) as error:
        operations.resolve(service, Request("GET", path, "", {}, b""))
    assert error.value.status == 501
