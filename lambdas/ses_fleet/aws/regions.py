"""AWS's Regions and the partition of each, from botocore's own data: no pattern tells which Regions exist."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from botocore.loaders import Loader


@functools.cache
def _partitions() -> Mapping[str, str]:
    # One small file, read in half a millisecond; endpoints.json, which boto3's lists use, is a hundred times larger.
    documented = Loader().load_data("partitions")
    return {
        region: str(partition["id"])
        for partition in documented["partitions"]
        for region in partition["regions"]
        if not region.endswith("-global")  # a name for services that have no Region
    }


def partition_of(region: str) -> str | None:
    """Return the partition of a Region, such as `aws` or `aws-eusc`, or None when it is not the name of a Region."""
    return _partitions().get(region)


def partitions() -> tuple[str, ...]:
    """Return the names of all partitions, `aws` first."""
    return tuple(dict.fromkeys(["aws", *_partitions().values()]))


def is_region(text: str) -> bool:
    """Return whether `text` is the name of a Region, opt-in ones and those of other partitions included."""
    return partition_of(text) is not None
