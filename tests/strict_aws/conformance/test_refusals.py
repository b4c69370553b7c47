"""How requests are refused that used to end in an error of the local cloud's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.strict_aws.conformance import hooks
from tests.strict_aws.conformance.world import World

ROLE = "RoleArn=arn:aws:iam::111122223333:role/conformance"


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Nothing is changed in it."""
    with pytest.MonkeyPatch.context() as patch:
        hooks.check_every_answer(patch)
        made = World()
        yield made
        made.close()


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "refusal"),
    [
        ("sts", "AssumeRole", {"DurationSeconds": 43_201}, (400, "ValidationError")),
        ("sts", "AssumeRole", {"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/X"}]}, (501, "NotImplemented")),
        ("sts", "GetSessionToken", {}, (501, "NotImplemented")),
        ("sts", "AssumeRoleWithSAML", {"PrincipalArn": "x" * 20, "SAMLAssertion": "xxxx"}, (403, "Missing")),
        ("sesv2", "ListConfigurationSets", {}, (501, "NotImplemented")),
        ("cloudformation", "GetTemplate", {}, (400, "ValidationError")),
        ("cloudformation", "DescribeStackResources", {}, (400, "ValidationError")),
        ("cloudformation", "DescribeStacks", {"StackName": "a\x1fb"}, (400, "ValidationError")),
    ],
)
def test_it_is_refused_in_the_services_own_protocol(
    service: str, operation: str, parameters: dict[str, Any], refusal: tuple[int, str], world: World
) -> None:
    """With a code that botocore can read, whatever was missing, out of bounds or not XML."""
    role = {"RoleArn": world.known["RoleArn"], "RoleSessionName": "conformance"}
    given = {**role, **parameters} if operation == "AssumeRole" else parameters
    if operation == "AssumeRoleWithSAML":
        given = {"RoleArn": role["RoleArn"], **parameters}
    answered = world.wire.ask(service, operation, given)
    assert answered is not None
    assert answered.status == refusal[0]
    assert (answered.code or "").startswith(refusal[1])
    if service != "sesv2":
        assert ElementTree.fromstring(answered.body).tag == "ErrorResponse"  # noqa: S314  # our own answer


@pytest.mark.parametrize(
    ("service", "body", "code"),
    [
        ("cloudformation", "Action=CreateStack&Tags=x&Tags.member.1.Key=k", "MalformedInput"),
        ("cloudformation", "Action=CreateStack&StackName=s&Tags.member.x.Key=k", "MalformedInput"),
        ("cloudformation", "Action=CreateStack", "ValidationError"),
        ("cloudformation", "Action=CreateStack&StackName=s&TemplateBody={}&Tags.member.1.Key=k", "ValidationError"),
        ("sts", f"Action=AssumeRole&{ROLE}&RoleSessionName=ab&DurationSeconds=899", "ValidationError"),
        ("sts", f"Action=AssumeRole&{ROLE}&RoleSessionName=ab&DurationSeconds=soon", "MalformedInput"),
        ("sts", "Action=AssumeRole", "ValidationError"),
    ],
)
def test_a_form_that_is_no_request_is_refused(service: str, body: str, code: str, world: World) -> None:
    """What botocore would never send, too."""
    answer = world.form(service, body.encode())
    assert answer.status == 400
    assert f"<Code>{code}</Code>".encode() in answer.body
