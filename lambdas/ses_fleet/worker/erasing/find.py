"""The first phase of erase-contact, which only reads: whom of the people the account has."""

from __future__ import annotations

from ses_fleet.errors import CustomerError
from ses_fleet.worker import contact_list
from ses_fleet.worker.erasing import quiet, suppressed
from ses_fleet.worker.erasing.walk import walk
from ses_fleet.worker.erasing.work import Step, Work


def find(work: Work) -> Step:
    """Read the whole list, and check that the second phase will be able to work."""
    _check_list(work)
    quiet.look(work)  # the second phase needs that, so whoever may not look does not come so far
    walk(work)
    return "ask"


def ask(work: Work) -> Step:
    """Look each person up in the suppression list."""
    for line in work.lines_left():
        suppressed.look(work, line)
    return "bury"


def _check_list(work: Work) -> None:
    """Raise CustomerError when config.json names a list that the account does not have, and it has another one."""
    name = work.context.customer.contact_list_name
    if name is None or work.scan.open(work.context) is not None:
        return
    if contact_list.first_name(work.context) is not None:
        text = (
            f"the account of {work.context.code} has no contact list {name}, as config.json calls it, but another "
            "one: nobody knows whether that has the people; correct contact_list_name"
        )
        raise CustomerError("configuration", "NoContactList", text)
