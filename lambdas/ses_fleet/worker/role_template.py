"""Which version of the customers' template a customer's role is made from: the role's own tag says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ses_fleet import limits
from ses_fleet.actions.role_version import TAG_KEY
from ses_fleet.aws.clients import AwsClient
from ses_fleet.worker.responses import list_of, text_of


def version(iam: AwsClient, role_name: str) -> int | None:
    """Return the version that the role's tag names, or None when there is no such tag or it is not a number.

    Raise AwsCallError when IAM does not give the tags.
    """
    value = next((text_of(tag, "Value") for tag in _tags(iam, role_name) if tag.get("Key") == TAG_KEY), None)
    return int(value) if value is not None and value.isascii() and value.isdigit() else None


def _tags(iam: AwsClient, role_name: str) -> Iterator[dict[str, Any]]:
    position: dict[str, str] = {}
    for _ in range(limits.ROLE_TAGS):  # IAM may end a page early, and gives no more pages than a role has tags
        answer = iam.call("list_role_tags", RoleName=role_name, **position)
        yield from list_of(answer, "Tags")
        marker = text_of(answer, "Marker")
        if not answer.get("IsTruncated") or marker is None:
            return
        position = {"Marker": marker}
