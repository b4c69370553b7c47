"""On which resource a caller must be allowed what it asks for."""

from __future__ import annotations

import pytest

from strict_aws.backend import seeding
from strict_aws.http import operations
from strict_aws.http.messages import Request
from strict_aws.iam import authorization
from strict_aws.iam.identity import Caller

CALLER = Caller("111122223333", "arn:aws:iam::111122223333:root", "111122223333", "us-east-1", "ses", None, None)
LIST = "arn:aws:ses:us-east-1:111122223333:contact-list/main"


@pytest.mark.parametrize(
    ("method", "path", "action", "resource"),
    [
        ("PUT", "suppression/addresses", "ses:PutSuppressedDestination", "*"),
        ("GET", "suppression/addresses", "ses:ListSuppressedDestinations", "*"),
        ("GET", "suppression/addresses/a%40x.example", "ses:GetSuppressedDestination", "*"),
        ("DELETE", "suppression/addresses/a%40x.example", "ses:DeleteSuppressedDestination", "*"),
        ("PUT", "account/suppression", "ses:PutAccountSuppressionAttributes", "*"),
        ("GET", "contact-lists/main/contacts/a%40x.example", "ses:GetContact", LIST),
        ("POST", "list-identities", "ses:ListEmailIdentities", "*"),
        ("GET", "identities", "ses:ListEmailIdentities", "*"),
        (
            "GET",
            "identities/x.example",
            "ses:GetEmailIdentity",
            "arn:aws:ses:us-east-1:111122223333:identity/x.example",
        ),
    ],
)
def test_operations_of_ses_and_their_resources(method: str, path: str, action: str, resource: str) -> None:
    """The suppression list is of the account: no resource is its own (service authorization reference)."""
    request = Request(method, f"/v2/email/{path}", "", {}, b"")
    (query,) = authorization.queries_for(operations.resolve("ses", request), CALLER, request)
    assert (query.action, query.resource) == (action, resource)


def test_metric_data_has_no_resource() -> None:
    """Only a policy with Resource "*" allows it; the denial is in JSON's form."""
    request = Request("POST", "/", "", {"x-amz-target": "GraniteServiceVersion20100801.GetMetricData"}, b"")
    operation = operations.resolve("monitoring", request)
    (query,) = authorization.queries_for(operation, CALLER, request)
    assert (query.action, query.resource, operation.protocol) == ("cloudwatch:GetMetricData", "*", "json")
    denied = authorization.denial(operation, CALLER, query, "no")
    assert (denied.code, denied.status) == ("AccessDeniedException", 400)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (
            {"x-amz-target": "AmazonSQS.SendMessage"},
            b'{"QueueUrl": "https://sqs.us-east-1.amazonaws.com/111122223333/q", "MessageBody": "m"}',
        ),
        ({}, b"Action=SendMessage&QueueUrl=http%3A%2F%2F127.0.0.1%3A4566%2F111122223333%2Fq&MessageBody=m"),
        ({"x-amz-target": "AmazonSQS.CreateQueue"}, b'{"QueueName": "q"}'),
    ],
)
def test_operations_of_sqs_are_on_the_queue(headers: dict[str, str], body: bytes) -> None:
    """By its URL, in both protocols, or by the name that it is to have."""
    request = Request("POST", "/", "", headers, body)
    operation = operations.Operation("sqs", "SendMessage", {}, "json")
    (query,) = authorization.queries_for(operation, CALLER, request)
    assert (query.action, query.resource) == ("sqs:SendMessage", "arn:aws:sqs:us-east-1:111122223333:q")


def test_operations_of_iam_are_on_the_role_that_they_name() -> None:
    """With its path; one that does not exist has none."""
    account = "999999999991"
    nothing: dict[str, object] = {"Version": "2012-10-17", "Statement": []}
    seeding.make_role(f"arn:aws:iam::{account}:role/mail/it", trust=nothing, policies={}, tags={"a": "b"})
    caller = Caller(account, f"arn:aws:iam::{account}:root", account, "us-east-1", "iam", None, None)
    for name, path in (("it", "mail/"), ("other", "")):
        request = Request("POST", "/", "", {}, f"Action=ListRoleTags&RoleName={name}&Version=2010-05-08".encode())
        (query,) = authorization.queries_for(operations.resolve("iam", request), caller, request)
        assert (query.action, query.resource) == ("iam:ListRoleTags", f"arn:aws:iam::{account}:role/{path}{name}")
