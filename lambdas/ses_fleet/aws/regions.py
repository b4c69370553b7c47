"""AWS's Regions and the partition of each, as botocore's own data has them: no pattern tells which there are."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from botocore.loaders import Loader


@functools.cache
def _partitions() -> Mapping[str, str]:
    # One small file: half a millisecond. endpoints.json, behind boto3's own lists, has a hundred times as much.
    documented = Loader().load_data("partitions")
    return {
        region: str(partition["id"])
        for partition in documented["partitions"]
        for region in partition["regions"]
        if not region.endswith("-global")  # a name for services that have no Region
    }


def partition_of(region: str) -> str | None:
    """Return the partition of a Region, e.g. `aws` or `aws-eusc`; None for what is no Region's name."""
    return _partitions().get(region)


def partitions() -> tuple[str, ...]:
    """Return the names of all partitions, `aws` first."""
    return tuple(dict.fromkeys(["aws", *_partitions().values()]))


def is_region(text: str) -> bool:
    """Return whether `text` is the name of a Region, opt-in ones and those of other partitions included."""
    return partition_of(text) is not None
