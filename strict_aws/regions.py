"""AWS's Regions of partition aws, as botocore's data has them. There is no other partition here."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import botocore.session

from strict_aws.http.messages import AwsError

PARTITION = "aws"
# Regions that each account has not enabled, by the account's 12 digits.
DisabledRegions = Mapping[str, frozenset[str]]


@functools.cache
def known() -> frozenset[str]:
    """Return the names of all Regions of partition aws."""
    partitions = botocore.session.get_session().get_component("data_loader").load_data("partitions")["partitions"]
    found = next(one for one in partitions if one["id"] == PARTITION)
    return frozenset(name for name in found["regions"] if name != "aws-global")


def check(region: str) -> None:
    """Raise AwsError 400 when AWS has no Region of that name."""
    if region not in known():
        raise AwsError("BadRequest", f"AWS has no Region {region}")
