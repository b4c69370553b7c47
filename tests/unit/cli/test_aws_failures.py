"""A call that failed is one line: what is missing, which address was tried, what to do."""

from __future__ import annotations

import pytest
from botocore.exceptions import (
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ReadTimeoutError,
    TokenRetrievalError,
)

from ses_fleet.aws.clients import AwsClient
from ses_fleet.errors import AwsCallError
from ses_fleet_cli.aws_failures import reason


class Fails:
    """A client whose call fails so."""

    def __init__(self, failure: Exception) -> None:
        self._failure = failure

    def get_object(self) -> None:
        """boto3's method."""
        raise self._failure


def said(failure: Exception, service: str = "s3") -> str:
    """The reason of a call that failed so."""
    with pytest.raises(AwsCallError) as error:
        AwsClient(service, Fails(failure)).call("get_object")
    return reason(error.value)


@pytest.fixture(autouse=True)
def nothing_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine that runs the tests counts."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("failure", "needed"),
    [
        (NoRegionError(), "no Region is configured; set AWS_REGION, or a region in the profile"),
        (NoCredentialsError(), "no credentials were found, or they could not be used; set AWS_PROFILE to a profile"),
        (TokenRetrievalError(provider="sso", error_msg="x"), "; sign in again, such as with `aws sso login`"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_missing_is_said_with_what_to_do(failure: Exception, needed: str) -> None:
    """By the names of the settings."""
    assert needed in said(failure)


def test_who_finds_no_orchestrator_is_told_how_another_one_is_named() -> None:
    """In an account whose deployment has a name of its own, the default is nobody's."""
    told = {
        operation: reason(AwsCallError("lambda", operation, "refused", "ResourceNotFoundException", "m", 404))
        for operation in ("get_function_configuration", "invoke")
    }
    assert "--function-name, or SES_FLEET_FUNCTION_NAME," in told["get_function_configuration"]
    assert "SES_FLEET_FUNCTION_NAME" not in told["invoke"]


@pytest.mark.parametrize("kind", [EndpointConnectionError, ReadTimeoutError])
def test_the_address_that_was_tried_is_said(kind: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    """And which setting it is from; nobody's password is repeated."""
    failure = kind(endpoint_url="x")  # type: ignore[call-arg]  # botocore's errors take what their texts name
    assert said(failure).endswith("tried s3 in the configured Region: check the Region, the network and its proxy")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert "; tried https://s3.eu-west-1.amazonaws.com: check" in said(failure)
    monkeypatch.setenv("AWS_REGION", "cn-north-1")
    assert "; tried s3 in the configured Region: check" in said(failure)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://me:secret@127.0.0.1:1/x")
    assert said(failure).endswith("; tried http://127.0.0.1:1/x, as AWS_ENDPOINT_URL says: check it, or unset it")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:2")
    assert "tried http://127.0.0.1:2, as AWS_ENDPOINT_URL_S3 says" in said(failure)
    assert "AWS_ENDPOINT_URL_S3" not in said(failure, "lambda")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://[::1")
    assert "tried something that is no URL, as AWS_ENDPOINT_URL_S3 says" in said(failure)
