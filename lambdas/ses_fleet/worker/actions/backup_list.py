"""backup-list: the list, its topics and its contacts, into S3."""

from __future__ import annotations

import hashlib
from typing import Any

from ses_fleet import limits
from ses_fleet.actions.catalogue import BackupListParams
from ses_fleet.errors import AwsCallError
from ses_fleet.worker import backups
from ses_fleet.worker.answers import text
from ses_fleet.worker.backups import BackupWriter
from ses_fleet.worker.contact_list import Scan, address, record
from ses_fleet.worker.context import Done, Job, More, Outcome, State
from ses_fleet.worker.pacing import SliceTimeoutError

_Contact = dict[str, Any]


def run(job: Job, params: BackupListParams, state: State) -> Outcome:
    """`{contact_list, topics, total, parts, with_attributes, backup}`; the contacts are at `data_location`."""
    scan, writer = Scan(state.get("scan", {})), BackupWriter(job, state.get("written", {}))
    page = _Page(job, state.get("page", []))

    def restart() -> None:
        writer.restart()
        page.done = []

    try:
        found = scan.open(job)
        if found is None:
            job.log(f"📋 Customer {job.code}: no contact list in this account and Region")
            return Done({"contact_list": None, "topics": 0, "total": 0, "parts": 0, "backup": None})
        size = limits.ATTRIBUTES_PAGE_SIZE if params.with_attributes else limits.SES_PAGE_SIZE
        for contacts in scan.pages(job, restart, size=size, look_again=params.with_attributes):
            if params.with_attributes:
                page.write(contacts, found.name, writer)
            else:
                writer.add(record(contact) for contact in contacts)
    except SliceTimeoutError:
        job.log(f"⏳ Customer {job.code}: {writer.total} contacts saved so far; going on in another slice")
        # A page of which some contacts are missing is read again.
        return More({"scan": scan.state(), "written": writer.state(), "page": page.done})
    location = backups.complete(job, "list", found, (), writer, with_attributes=params.with_attributes)
    job.log(f"💾 Customer {job.code}: {writer.total} contacts and {len(found.topics)} topics of {found.name} saved")
    data = {
        "contact_list": found.name,
        "topics": len(found.topics),
        "total": writer.total,
        "parts": writer.count,
        "with_attributes": params.with_attributes,
        "backup": job.item.run_id,
    }
    return Done(data, data_location=location)


class _Page:
    """The contacts of one page with their attributes. `done` tells those that an interrupted page has behind it,
    by a digest: no address goes into a continuation."""

    def __init__(self, job: Job, done: list[str]) -> None:
        self.done = list(done)
        self._job = job

    def write(self, contacts: list[_Contact], list_name: str, writer: BackupWriter) -> None:
        """Write every contact that is still missing; after SliceTimeoutError `done` says which are written."""
        for contact in contacts:
            digest = hashlib.sha256(address(contact).encode()).hexdigest()[:16]
            if digest in self.done:
                continue
            record = self._whole(contact, list_name)
            if record is not None:
                writer.add([record])
            self.done.append(digest)
        self.done = []

    def _whole(self, contact: _Contact, list_name: str) -> _Contact | None:
        """With attributes; None for one who left the list since the page was read."""
        email = address(contact)
        try:
            answer = self._job.ses.read("get_contact", ContactListName=list_name, EmailAddress=email)
        except AwsCallError as failure:
            if failure.status == 404:
                return None
            raise
        return {**record(answer | {"EmailAddress": email}), "attributes": text(answer, "AttributesData")}
