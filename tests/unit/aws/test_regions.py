"""Which Regions there are is AWS's business: their names and partitions come from its own data."""

from __future__ import annotations

import boto3.session
import pytest

from ses_fleet.aws import regions
from ses_fleet.aws.arns import parse_role_arn


def test_every_region_of_every_partition_is_one() -> None:
    """Whatever boto3 would make a client for, in its own partition."""
    session = boto3.session.Session()
    for partition in session.get_available_partitions():
        for region in session.get_available_regions("sts", partition):
            if not region.endswith("-global"):
                assert regions.partition_of(region) == partition


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("us-east-1", "aws"),
        ("ap-southeast-7", "aws"),
        ("mx-central-1", "aws"),
        ("eusc-de-east-1", "aws-eusc"),
        ("us-gov-west-1", "aws-us-gov"),
        ("cn-northwest-1", "aws-cn"),
        ("us-isob-east-1", "aws-iso-b"),
    ],
)
def test_new_and_separate_regions(region: str, partition: str) -> None:
    """A pattern of yesterday's names would not know some of them."""
    assert regions.partition_of(region) == partition
    assert partition in regions.partitions()


@pytest.mark.parametrize(
    "text",
    ["us-east-3", "eu-west-9", "us-east-1 ", "US-EAST-1", "us-east-1a", "aws-global", "us-gov-east-2", "europe", ""],
)
def test_what_looks_like_a_region_is_none(text: str) -> None:
    """Clients can be made for it, and would look for a host that does not exist."""
    assert not regions.is_region(text)


@pytest.mark.parametrize(
    ("path", "name"), [("/team//", "x"), ("/a///b/", "x"), ("/", "x"), ("/team/email/", "x"), ("/!~/", "x")]
)
def test_a_roles_path_is_what_iam_allows(path: str, name: str) -> None:
    """Any printable characters between two slashes, slashes too."""
    role = parse_role_arn(f"arn:aws-eusc:iam::111122223333:role{path}{name}")
    assert (role.partition, role.path, role.name) == ("aws-eusc", path, name)


@pytest.mark.parametrize("rest", ["/x", "a b/x", "team/", "é/x", ""])
def test_a_path_that_iam_has_not_is_refused(rest: str) -> None:
    """Between two slashes there is something."""
    with pytest.raises(ValueError, match="is not a role ARN"):
        parse_role_arn(f"arn:aws:iam::111122223333:role/{rest}")
