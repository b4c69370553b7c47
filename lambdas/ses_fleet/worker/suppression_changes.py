"""Changing one entry of the suppression list: read it, decide by what was read, and write at once."""

from __future__ import annotations

from typing import Literal

from ses_fleet.worker import suppression
from ses_fleet.worker.context import ActionContext
from ses_fleet.worker.paced_client import UnitClient

Added = Literal["added", "already"]
Removed = Literal["removed", "was_absent", "kept_complaint"]


def add(context: ActionContext, email: str, reason: str) -> Added:
    """Put an address on the list unless it is there, for whatever reason, and return what was done.

    In a dry run: what would be done. Raise AwsCallError when SES refuses it or did not answer.
    """

    def unit(client: UnitClient) -> Added:
        if suppression.get(client, email) is not None:
            return "already"
        if not context.dry_run:
            client.write("put_suppressed_destination", EmailAddress=email, Reason=reason)
        return "added"

    return context.ses.read_modify_write(2, unit)


def remove(context: ActionContext, email: str, *, complaints: bool) -> Removed:
    """Take an address off the list, and return what was done: one that complained stays unless `complaints` is set.

    In a dry run: what would be done. Raise AwsCallError when SES refuses it or did not answer.
    """

    def unit(client: UnitClient) -> Removed:
        found = suppression.get(client, email)
        if found is None:
            return "was_absent"
        if found.reason != "BOUNCE" and not complaints:
            return "kept_complaint"
        if not context.dry_run:
            client.write("delete_suppressed_destination", EmailAddress=email)
        return "removed"

    return context.ses.read_modify_write(2, unit)
