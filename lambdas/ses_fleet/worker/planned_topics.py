"""Keeping to a saved plan: its change is written once, and only to the list that it was made from."""

from __future__ import annotations

from collections.abc import Sequence

from ses_fleet.config.topics import Topic
from ses_fleet.errors import CustomerError
from ses_fleet.runs.saved_plan import TopicsPlan, changed, digest
from ses_fleet.worker.contact_list import ContactList
from ses_fleet.worker.list_changes import same


def is_applied(plan: TopicsPlan, now: ContactList | None) -> bool:
    """Return whether the list is as the plan has it afterwards."""
    return now is not None and now.name == plan.contact_list and same(now.topics, plan.after)


def is_as_before(plan: TopicsPlan, now: ContactList | None) -> bool:
    """Return whether the list is as it was when the plan was made."""
    return plan.made_from == (digest(None, ()) if now is None else digest(now.name, now.topics))


def check(code: str, plan: TopicsPlan, now: ContactList | None, desired: Sequence[Topic], *, wrote: bool) -> None:
    """Raise CustomerError unless what would be written now is the plan's change, or nothing.

    `desired` are the topics that the list would get, `wrote` whether this run has written the plan's change already:
    then nothing is written any more.
    """
    if is_applied(plan, now) or (wrote and now is not None and same(now.topics, desired)):
        return
    if wrote or not is_as_before(plan, now) or not same(plan.after, desired):
        raise stale(code, plan, now, wrote=wrote)


def stale(code: str, plan: TopicsPlan, now: ContactList | None, *, wrote: bool = False) -> CustomerError:
    """Return the failure of a customer whose list is not what the plan was made from. It names topics and fields."""
    known = plan.after if wrote else plan.before
    since = "this run wrote the plan's change" if wrote else "the plan was made"
    done = "nothing more was written" if wrote else "nothing was written"
    text = f"the contact list of {code} changed since {since} ({_what(plan, known, now)}), so {done}"
    return CustomerError("operation", "PlanStale", f"{text}. Make a new dry run, and apply that")


def _what(plan: TopicsPlan, known: Sequence[Topic], now: ContactList | None) -> str:
    if now is None:
        return "it does not exist any more"
    if now.name != plan.contact_list:
        return "the account has another list now"
    found = "; ".join(f"{name}: {what}" for name, what in changed(known, now.topics))
    created = "it was created meanwhile" if plan.list_created and known is plan.before else ""
    return ": ".join(filter(None, (created, found))) or "its topics changed, and changed back"
