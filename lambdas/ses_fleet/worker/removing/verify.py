"""The last step of remove-contacts: nobody who was removed is in the list any more."""

from __future__ import annotations

from ses_fleet import limits
from ses_fleet.errors import CustomerError
from ses_fleet.worker import contact_changes
from ses_fleet.worker.budget import SliceTimeoutError
from ses_fleet.worker.list_snapshot import ListSnapshot
from ses_fleet.worker.paced_client import Waiter
from ses_fleet.worker.removing.work import Step, Work


def verify(work: Work) -> Step:
    """Look for those who were removed, again with pauses while any of them is shown, because reads may lag."""
    context = work.context
    emails = frozenset(record["email"] for record in work.read(work.removed, "removed"))
    if not emails:
        return "done"
    if context.settings.verify_contacts == "off":
        context.warn("the list was not compared afterwards, because VERIFY_CONTACTS is off")
        return "done"
    waiter = Waiter(work.progress.looks)
    try:
        still = waiter.find(context.ses, lambda: _shown(work, emails, waiter.looks), lambda found: not found)
    finally:
        work.progress.looks = waiter.looks
    if still:
        text = (
            f"{still} contacts of {context.code} are in the list after they were removed: they came back meanwhile, or "
            "SES did not remove them; run this customer again if they are to be removed"
        )
        work.still_there = CustomerError("operation", "StillThere", text)
    return "done"


def _shown(work: Work, emails: frozenset[str], look: int) -> int:
    """Return how many of these contacts SES shows, each asked for alone where that is fewer requests."""
    pages = work.progress.pages
    if len(emails) <= limits.READ_BACK_ALONE and (pages is None or len(emails) <= pages + 2):
        each = (contact_changes.get(work.context.ses, work.list_name, email) for email in sorted(emails))
        return sum(contact is not None for contact in each)
    snapshot = ListSnapshot(work.context, f"afterwards-{look}", work.progress.harvest)
    try:
        snapshot.open()
        found = snapshot.run(lambda contact: contact["email"] in emails)
    except SliceTimeoutError:
        work.progress.harvest = snapshot.state()
        raise
    work.progress.harvest = {}
    return sum(map(len, found.values()))
