"""Contacts that are to be removed: saved, then removed unless they changed meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, islice

from ses_fleet.errors import AwsCallError
from ses_fleet.people.addresses import folded
from ses_fleet.worker import backups, contact_changes
from ses_fleet.worker.contact_changes import REMOVAL, Contact, Removal
from ses_fleet.worker.contact_list import ContactList
from ses_fleet.worker.importing.import_plan import made_a_choice
from ses_fleet.worker.record_files import Record
from ses_fleet.worker.removing.work import Ending, Step, Work

_CHANGED = "the contact was changed after it was saved, so it was not removed: run this customer again"


def save(work: Work) -> Step:
    """Save the contacts of everybody who is to be removed, whole. Who made a choice is kept."""
    for line, emails in islice(work.looked_up(), work.progress.at, None):
        _save(work, line, emails)
        work.progress.at += 1
    if work.context.dry_run or not work.saved.total:
        return "done"
    found = work.progress.contact_list or ContactList(name=work.list_name)
    work.progress.backup = backups.complete(work.context, "contacts", found, (), work.saved, with_attributes=True)
    return "remove"


def _save(work: Work, line: int, emails: Sequence[str]) -> None:
    contacts = {email: contact_changes.get(work.context.ses, work.list_name, email) for email in emails}
    records = [contact.record(email) for email, contact in contacts.items() if contact is not None]
    keeps = not work.params.forget_choices and any(map(made_a_choice, records))
    if not _is_allowed(work, contacts, keeps=keeps):
        work.end(line, "left_out")
    elif not records:
        work.end(line, "absent")
    elif keeps:
        work.end(line, "kept_choice")
    elif work.context.dry_run:
        work.end(line, "removed")
    else:
        work.saved.add(records)


def _is_allowed(work: Work, contacts: Mapping[str, Contact | None], *, keeps: bool) -> bool:
    """Return whether a saved plan has the same for all of one person's contacts, where one is applied."""
    guard, states = work.context.guard, {email: contact_changes.state_of(one) for email, one in contacts.items()}
    allowed = [guard.allows(work.list_name, email, now, now if keeps else None) for email, now in states.items()]
    if not all(allowed):
        for email, now in states.items():
            if now is not None:
                guard.leave_out(email)
    return all(allowed)


def remove(work: Work) -> Step:
    """Remove the contacts that were saved, each only if it is still as it was saved."""
    lines = {folded(row.email): line for line, row in work.context.numbered_rows.items()}
    for person, records in islice(_people(work), work.progress.at, None):
        _remove(work, lines[person], records)
        work.progress.at += 1
    return "verify"


def _people(work: Work) -> Iterator[tuple[str, list[Record]]]:
    """Yield (case-folded address, saved contacts) of each person: a person's were saved one after the other."""
    for person, records in groupby(work.saved.records(), lambda record: folded(record["email"])):
        yield person, list(records)


def _remove(work: Work, line: int, records: Sequence[Record]) -> None:
    try:
        endings = [_one(work, record, [one["email"] for one in records if one is not record]) for record in records]
    except AwsCallError as failure:
        work.refuse(line, failure)
        return
    if "kept_choice" in endings:
        work.end(line, "kept_choice")
    elif "failed" in endings:
        work.end(line, "failed", _CHANGED)
    elif "left_out" in endings:
        work.end(line, "left_out")
    else:
        work.end(line, "removed" if "removed" in endings else "absent")


def _one(work: Work, record: Record, others: Sequence[str]) -> Ending:
    email = record["email"]
    ending: Ending = "absent"

    def decide(now: Contact | None, there: Sequence[Contact]) -> Contact | Removal | None:
        nonlocal ending
        ending = _ending(work, record, now, there)
        return REMOVAL if ending == "removed" else now

    changed = contact_changes.change(work.context, work.list_name, email, decide, also=others)
    if changed.ending == "left_out":
        return "left_out"
    if ending == "removed":
        work.removed.add([{"email": email}])
    return ending


def _ending(work: Work, record: Record, now: Contact | None, others: Sequence[Contact]) -> Ending:
    """Return what is to become of a saved contact, by how it is right before it would be deleted."""
    if now is None:
        return "absent"
    records = [one.record(record["email"]) for one in (now, *others)]
    if not work.params.forget_choices and any(map(made_a_choice, records)):
        return "kept_choice"
    return "removed" if records[0] == record else "failed"
