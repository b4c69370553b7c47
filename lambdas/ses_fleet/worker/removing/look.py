"""The first step of remove-contacts: who of the people is in the list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ses_fleet.people.addresses import folded
from ses_fleet.people.rows import Row
from ses_fleet.worker.budget import SliceTimeoutError
from ses_fleet.worker.importing import jobs
from ses_fleet.worker.list_snapshot import ListSnapshot
from ses_fleet.worker.record_files import Record
from ses_fleet.worker.removing.work import Step, Work

_FINDING = 3  # the import jobs, the list's name, the list
_REMOVING = 3  # GetContact to save it, GetContact once more, DeleteContact


def look(work: Work) -> Step:
    """Look the people up by pages of the list as long as those are no more than the people.

    Raise NotStartedError when an import job is running: it could bring back whom this run removes.
    """
    context, progress = work.context, work.progress
    if not progress.harvest and context.will_write:
        jobs.none_beside(context)
    snapshot = ListSnapshot(context, "listing", progress.harvest)
    try:
        return _look(work, snapshot)
    except SliceTimeoutError:
        progress.harvest = snapshot.state()
        raise


def _look(work: Work, snapshot: ListSnapshot) -> Step:
    context, progress, rows = work.context, work.progress, work.context.numbered_rows
    progress.contact_list = snapshot.open()
    there: Mapping[str, Sequence[Record]] | None = {}
    if progress.contact_list is None:
        context.log(f"📋 Customer {context.code}: no contact list in this account and Region")
    else:
        wanted = {folded(row.email) for row in rows.values()}
        most = None if work.params.thorough else len(wanted)
        there = snapshot.run_within(most, lambda contact: folded(contact["email"]) in wanted)
    progress.harvest = {}
    progress.pages = None if there is None else snapshot.pages
    people = {line: _emails(row, there) for line, row in rows.items()}
    work.people.add({"row": line, "emails": emails} for line, emails in people.items() if emails)
    for line, emails in people.items():
        if not emails:
            work.end(line, "absent")
    contacts = sum(map(len, people.values()))
    progress.requests = _FINDING + snapshot.pages + _REMOVING * contacts + min(contacts, _FINDING + snapshot.pages)
    return "save" if contacts else "done"


def _emails(row: Row, there: Mapping[str, Sequence[Record]] | None) -> list[str]:
    """Return the addresses of the person's contacts, or those that SES is to be asked for."""
    if there is None:
        return list(dict.fromkeys((row.email, folded(row.email))))
    return [contact["email"] for contact in there.get(folded(row.email), ())]
