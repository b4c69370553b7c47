"""Changing one entry of the suppression list: read it, decide by what was read, and write at once."""

from __future__ import annotations

from typing import Literal

from ses_fleet.people.person_change import REASON, SINCE, State
from ses_fleet.worker import suppression
from ses_fleet.worker.context import ActionContext
from ses_fleet.worker.paced_client import UnitClient
from ses_fleet.worker.plan_guard import SUPPRESSION
from ses_fleet.worker.suppression import Entry

# "left_out": a saved plan is applied, and has something else.
Added = Literal["added", "already", "left_out"]
Removed = Literal["removed", "was_absent", "kept_complaint", "left_out"]


def is_allowed(context: ActionContext, email: str, before: Entry | None, after: Entry | None) -> bool:
    """Return whether a saved plan has this change of an entry, where one is applied. None is no entry."""
    return context.guard.allows(SUPPRESSION, email, _state(before), _state(after))


def _state(entry: Entry | None) -> State | None:
    return None if entry is None else {REASON: entry.reason, SINCE: entry.since}


def add(context: ActionContext, email: str, reason: str) -> Added:
    """Put an address on the list unless it is there, for whatever reason, and return what was done.

    In a dry run: what would be done. Raise AwsCallError when SES refuses it or did not answer.
    """

    def unit(client: UnitClient) -> Added:
        found = suppression.get(client, email)
        if not is_allowed(context, email, found, found or Entry(reason, None)):
            return "left_out"
        if found is not None:
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
        keeps = found is not None and found.reason != "BOUNCE" and not complaints
        if not is_allowed(context, email, found, found if keeps else None):
            return "left_out"
        if found is None:
            return "was_absent"
        if keeps:
            return "kept_complaint"
        if not context.dry_run:
            client.write("delete_suppressed_destination", EmailAddress=email)
        return "removed"

    return context.ses.read_modify_write(2, unit)
