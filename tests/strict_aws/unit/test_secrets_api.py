"""Secrets Manager: what becomes of a secret that is deleted, and what is refused or not emulated."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from strict_aws.aws import Options, StrictAws
from tests.strict_aws.conformance.wire import Wire

ACCOUNT, REGION = "555566667777", "us-east-1"
TOKEN = "0123456789abcdef0123456789abcdef"
_names = (f"team/secret-{number}" for number in itertools.count())


@pytest.fixture
def wire() -> Iterator[Wire]:
    """The account's administrator."""
    aws = StrictAws(Options())
    yield Wire(aws.handle, ACCOUNT, REGION)
    aws.stop()


@pytest.fixture
def name(wire: Wire) -> str:
    """A secret of its own for each test, which holds "one"."""
    made = next(_names)
    assert answer(wire, "CreateSecret", Name=made, SecretString="one")["Name"] == made
    return made


def answer(wire: Wire, operation: str, **parameters: Any) -> dict[str, Any]:
    """The body of an answer that must be one."""
    answered = wire.ask("secretsmanager", operation, parameters)
    assert answered is not None
    assert answered.status == 200, answered
    return dict(json.loads(answered.body))


def refusal(wire: Wire, operation: str, **parameters: Any) -> tuple[int, str | None, str]:
    """HTTP status, code and message of an error."""
    answered = wire.ask("secretsmanager", operation, parameters)
    assert answered is not None
    return answered.status, answered.code, str(json.loads(answered.body).get("message"))


def test_a_secret_marked_for_deletion_cannot_be_used_until_it_is_restored(wire: Wire, name: str) -> None:
    """It is described with its DeletionDate; its name is not free."""
    answer(wire, "DeleteSecret", SecretId=name, RecoveryWindowInDays=7)
    assert answer(wire, "DescribeSecret", SecretId=name)["DeletedDate"]
    marked = (400, "InvalidRequestException")
    for operation, more in (("GetSecretValue", {}), ("PutSecretValue", {"SecretString": "x"}), ("DeleteSecret", {})):
        status, code, message = refusal(wire, operation, SecretId=name, **more)
        assert (status, code) == marked, operation
        assert "deletion" in message or "deleted" in message
    assert refusal(wire, "CreateSecret", Name=name, SecretString="x")[:2] == marked
    answer(wire, "RestoreSecret", SecretId=name)
    assert answer(wire, "GetSecretValue", SecretId=name)["SecretString"] == "one"


@pytest.mark.parametrize(
    ("operation", "more", "code"),
    [
        ("CreateSecret", {"Name": "x", "ClientRequestToken": "y" * 65}, "ValidationException"),
        ("CreateSecret", {"Name": "x", "Description": "y" * 2049}, "ValidationException"),
        ("PutSecretValue", {"SecretString": "y", "SecretBinary": b"y"}, "InvalidParameterException"),
        ("PutSecretValue", {}, "InvalidRequestException"),
        ("DeleteSecret", {"RecoveryWindowInDays": 6}, "InvalidParameterException"),
        ("DeleteSecret", {"RecoveryWindowInDays": 7, "ForceDeleteWithoutRecovery": True}, "InvalidParameterException"),
        ("CreateSecret", {"Name": "x", "KmsKeyId": "k"}, "NotImplemented"),
        ("PutSecretValue", {"SecretString": "y", "VersionStages": ["MINE"]}, "NotImplemented"),
        ("ListSecretVersionIds", {}, "NotImplemented"),
    ],
)
def test_what_the_service_or_this_emulation_does_not_take(
    operation: str, more: dict[str, Any], code: str, wire: Wire, name: str
) -> None:
    """A refusal of AWS's, or 501 for what is not emulated; the secret is as it was."""
    given = more if operation == "CreateSecret" else {"SecretId": name, **more}
    assert refusal(wire, operation, **given)[:2] == (501 if code == "NotImplemented" else 400, code)
    assert answer(wire, "GetSecretValue", SecretId=name)["SecretString"] == "one"


def test_a_name_is_given_once(wire: Wire, name: str) -> None:
    """Unless the request is the same one, by its token."""
    assert refusal(wire, "CreateSecret", Name=name, SecretString="x")[1] == "ResourceExistsException"
    again = next(_names)
    made = answer(wire, "CreateSecret", Name=again, SecretString="x", ClientRequestToken=TOKEN)
    assert answer(wire, "CreateSecret", Name=again, SecretString="x", ClientRequestToken=TOKEN)["ARN"] == made["ARN"]
