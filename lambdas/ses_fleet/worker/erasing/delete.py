"""Deleting the people's contacts, and reading back that they are gone."""

from __future__ import annotations

from ses_fleet import limits
from ses_fleet.errors import AwsCallError
from ses_fleet.worker import contact_changes
from ses_fleet.worker.contact_changes import REMOVAL
from ses_fleet.worker.erasing import suppressed
from ses_fleet.worker.erasing.walk import walk
from ses_fleet.worker.erasing.work import Step, Work
from ses_fleet.worker.importing import import_ledger


def delete_by_address(work: Work) -> Step:
    """Delete the contacts of the addresses as they are given: a list may not show yet what was added just now."""
    for line in work.lines_left():
        email = work.rows[line].email
        if work.scan.open(work.context) is not None:
            _delete(work, line, email)
        suppressed.take_off(work, line, email)
    return "walk"


def delete_by_list(work: Work) -> Step:
    """Delete whom the list shows, in whatever case."""

    def delete(line: int, email: str) -> None:
        _delete(work, line, email)
        suppressed.take_off(work, line, email)

    walk(work, delete)
    # A walk that met nobody has shown already that nobody is there any more.
    return "walk_again" if work.progress.found else "look"


def walk_again(work: Work) -> Step:
    """Read the whole list back."""
    walk(work)
    return "look"


def look(work: Work) -> Step:
    """Note who is still there. Whoever is met again is deleted again, a few times."""
    progress = work.progress
    for line in work.lines_left():
        if _is_there(work, line):
            progress.still_there.append(line)
        suppressed.look(work, line)
    again = bool(progress.still_there) and progress.rounds < len(limits.READ_BACK_PAUSES_SECONDS)
    if again:
        work.context.ses.pause(limits.READ_BACK_PAUSES_SECONDS[progress.rounds])
        progress.still_there = []
    progress.rounds += 1
    return "delete" if again else "forget"


def forget(work: Work) -> Step:
    """Take the people out of what the imports remember of whom they have added."""
    work.progress.forgotten = import_ledger.forget(work.context, frozenset(work.lines))
    return "done"


def _delete(work: Work, line: int, email: str) -> None:
    assert work.scan.found is not None  # noqa: S101  # it has contacts
    try:
        done = contact_changes.change(
            work.context,
            work.scan.found.name,
            email,
            lambda now, _others: None if now is None else REMOVAL,
        )
    except AwsCallError as failure:
        if failure.status == 404:
            return  # gone already, though it was still shown: the read-back decides
        raise
    if done.ending == "removed":
        work.progress.removed[line] = work.progress.removed.get(line, 0) + 1


def _is_there(work: Work, line: int) -> bool:
    """Return whether the list still has this person: in the walk just done, or by the address as it is given."""
    if work.progress.found.get(line):
        return True
    found = work.scan.found
    if found is None:
        return False
    return contact_changes.get(work.context.ses, found.name, work.rows[line].email) is not None
