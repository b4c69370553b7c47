"""Contacts that Identity Center had and has no more: saved whole, then removed, if nothing about them changed."""

from __future__ import annotations

from shared.errors import AwsCallError
from worker import backups
from worker.contact_list import ContactList
from worker.importing import known
from worker.importing.subscriptions import made_a_choice
from worker.importing.work import Step, Work
from worker.parts import Record
from worker.restoring import contact_record, get


def save(work: Work) -> Step:
    """Write everybody who is to go to S3; who chose something meanwhile stays."""
    job, progress = work.job, work.progress
    for change in work.planned("remove")[progress.at :]:
        now = get(job, work.list_name, change.email)
        if now is not None:
            record = contact_record(change.email, now)
            (work.files.kept if made_a_choice(record) else work.files.saved).add([record])
        progress.at += 1
    if work.files.saved.total:
        found = progress.contact_list or ContactList(name=work.list_name)
        progress.backup = backups.complete(job, "contacts", found, (), work.files.saved, with_attributes=True)
        job.log(
            f"💾 Customer {job.code}: {work.files.saved.total} contacts saved before they are removed; "
            f"restore-list with backup {job.item.run_id} brings them back"
        )
    return "remove"


def remove(work: Work) -> Step:
    """Only who was saved goes, and only if still as saved."""
    for record in work.read(work.files.saved, work.job.backup_prefix, "contacts")[work.progress.at :]:
        _remove(work, record)
        work.progress.at += 1
    # The prune is complete: remembered are those whom Identity Center has, and those who stay for their choice.
    kept = {one["email"].casefold() for one in work.read(work.files.kept, work.job.data_prefix, "kept")}
    known.store(work.job, work.directory.addresses | kept)
    return "done"


def _remove(work: Work, record: Record) -> None:
    job = work.job
    job.ses.reserve(2)  # what is chosen between the look and the removal would be forgotten
    now = get(job, work.list_name, record["email"])
    if now is None:
        return
    if contact_record(record["email"], now) != record:
        work.files.kept.add([record])
        return
    try:
        job.ses.write("delete_contact", ContactListName=work.list_name, EmailAddress=record["email"])
    except AwsCallError as failure:
        if failure.status != 404:
            raise
        return
    work.count("removed")
