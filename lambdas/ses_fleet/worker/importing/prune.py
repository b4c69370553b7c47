"""Contacts that Identity Center had and does not have any more: saved, then removed unless they changed meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from ses_fleet.worker import backups, contact_changes
from ses_fleet.worker.contact_changes import REMOVAL, Contact, Removal
from ses_fleet.worker.contact_list import ContactList
from ses_fleet.worker.importing import import_ledger
from ses_fleet.worker.importing.import_plan import made_a_choice
from ses_fleet.worker.importing.work import Step, Work
from ses_fleet.worker.record_files import Record


def save(work: Work) -> Step:
    """Write every contact that is to be removed to S3. One that opted out of something meanwhile is kept."""
    context, progress = work.context, work.progress
    for change in work.planned("remove")[progress.at :]:
        now = contact_changes.get(context.ses, work.list_name, change.email)
        if now is not None:
            record = now.record(change.email)
            keeps = made_a_choice(record)
            after = now.state() if keeps else None
            allowed = context.guard.allows(work.list_name, change.email, now.state(), after)
            (work.files.kept if keeps or not allowed else work.saved).add([record])
            work.count("left_out", int(not allowed))
        progress.at += 1
    if work.saved.total:
        found = progress.contact_list or ContactList(name=work.list_name)
        progress.backup = backups.complete(context, "contacts", found, (), work.saved, with_attributes=True)
    return "remove"


def remove(work: Work) -> Step:
    """Remove the contacts that were saved, each only if it is still as it was saved, and write the ledger anew.

    From then on the ledger has only who is in Identity Center, and those who stay because they opted out.
    """
    for record in islice(work.saved.records(), work.progress.at, None):
        _remove(work, record)
        work.progress.at += 1
    read = work.context.item.directory
    if read is not None and not read.vanished_groups:
        # The prune is complete: keep the addresses of Identity Center, and of those who stay because they opted out.
        kept = {one["email"].casefold() for one in work.read(work.files.kept, "kept")}
        known = work.directory.addresses | kept
        import_ledger.store(work.context, known - work.erased_of(known))
    return "verify"


def _remove(work: Work, record: Record) -> None:
    email = record["email"]

    def decide(now: Contact | None, _others: Sequence[Contact]) -> Contact | Removal | None:
        return REMOVAL if now is not None and now.record(email) == record else now

    changed = contact_changes.change(work.context, work.list_name, email, decide)
    work.verification.note_read(email, changed.before)
    if changed.ending == "removed":
        work.verification.note_written(email)
        work.count("removed")
    elif changed.before is not None:
        work.files.kept.add([record])
        work.count("left_out", int(changed.ending == "left_out"))
