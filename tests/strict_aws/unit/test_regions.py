"""AWS's Regions only, and those that an account has not enabled."""

from __future__ import annotations

import pytest

from strict_aws import regions
from strict_aws.http.messages import AwsError, Request
from strict_aws.http.operations import Operation
from strict_aws.iam.identity import Caller, Sessions, invalid_token
from strict_aws.iam.sts import Sts

ACCOUNT = "444455556666"


def test_regions_are_those_of_botocores_data() -> None:
    """Not whatever has the form of one."""
    assert {"us-east-1", "eu-west-1", "ap-southeast-5"} <= regions.known()
    assert not {"us-east-3", "aws-global", "us-gov-west-1", "cn-north-1", ""} & regions.known()
    with pytest.raises(AwsError, match="AWS has no Region us-east-3"):
        regions.check("us-east-3")


@pytest.mark.parametrize(
    ("service", "code"),
    [
        ("ses", "UnrecognizedClientException"),
        ("identitystore", "UnrecognizedClientException"),
        ("sts", "InvalidClientTokenId"),
        ("s3", "InvalidAccessKeyId"),
    ],
)
def test_each_service_has_its_own_word_for_credentials_that_a_region_does_not_know(service: str, code: str) -> None:
    """The status is 403 for all of them."""
    assert (invalid_token(service, "").code, invalid_token(service, "").status) == (code, 403)


def test_sts_gives_no_credentials_of_an_account_that_has_not_enabled_its_region() -> None:
    """RegionDisabledException, whatever the role allows; in another Region the role is looked at."""
    sts = Sts(Sessions(), {ACCOUNT: frozenset({"af-south-1"})})
    body = f"Action=AssumeRole&RoleArn=arn:aws:iam::{ACCOUNT}:role/none&RoleSessionName=me".encode()
    codes = {}
    for region in ("af-south-1", "us-east-1"):
        caller = Caller("1" * 12, "arn:aws:iam::111111111111:root", "1" * 12, region, "sts", None, None)
        with pytest.raises(AwsError) as refused:
            sts.handle(Operation("sts", "AssumeRole", {}, "query"), caller, Request("POST", "/", "", {}, body))
        codes[region] = (refused.value.code, refused.value.status)
    assert codes == {"af-south-1": ("RegionDisabledException", 403), "us-east-1": ("AccessDenied", 403)}
