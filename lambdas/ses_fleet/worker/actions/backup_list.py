"""backup-list: save the list, its topics and its contacts to S3."""

from __future__ import annotations

import hashlib
from typing import Any

from ses_fleet import limits
from ses_fleet.actions.data.backup_list import BackupListData
from ses_fleet.actions.params import BackupListParams
from ses_fleet.errors import AwsCallError
from ses_fleet.worker import backups
from ses_fleet.worker.backups import BackupWriter
from ses_fleet.worker.budget import SliceTimeoutError
from ses_fleet.worker.contact_list import ContactScan, address, record
from ses_fleet.worker.context import ActionContext, Done, More, Outcome, State
from ses_fleet.worker.responses import text_of

_Contact = dict[str, Any]


def run(context: ActionContext, params: BackupListParams, state: State) -> Outcome:
    """Save the list. The backup lies at `data_location`; without a contact list nothing is saved."""
    scan, writer = ContactScan(state.get("scan", {})), BackupWriter(context, state.get("written", {}))
    page = _Page(context, state.get("page", []))

    def restart() -> None:
        writer.restart()
        page.done = []

    try:
        found = scan.open(context)
        if found is None:
            context.log(f"📋 Customer {context.code}: no contact list in this account and Region")
            return Done(BackupListData(topics=0, total=0, parts=0))
        size = limits.ATTRIBUTES_PAGE_SIZE if params.with_attributes else limits.SES_PAGE_SIZE
        for contacts in scan.pages(context, restart, size=size, look_again=params.with_attributes):
            if params.with_attributes:
                page.write(contacts, found.name, writer)
            else:
                writer.add(record(contact) for contact in contacts)
    except SliceTimeoutError:
        context.log(f"⏳ Customer {context.code}: {writer.total} contacts saved so far; continuing in another slice")
        # A page of which some contacts are missing is read again.
        return More({"scan": scan.state(), "written": writer.state(), "page": page.done})
    location = backups.complete(context, "list", found, (), writer, with_attributes=params.with_attributes)
    data = BackupListData(
        contact_list=found.name,
        topics=len(found.topics),
        total=writer.total,
        parts=writer.count,
        with_attributes=params.with_attributes,
        backup=context.run_id,
    )
    return Done(data, data_location=location)


class _Page:
    """The contacts of one page with their attributes.

    `done` has digests of the contacts that are saved, when a page was interrupted: no address goes into a continuation.
    """

    def __init__(self, context: ActionContext, done: list[str]) -> None:
        self.done = list(done)
        self._context = context

    def write(self, contacts: list[_Contact], list_name: str, writer: BackupWriter) -> None:
        """Write every contact that is still missing. After SliceTimeoutError, `done` says which are written."""
        for contact in contacts:
            digest = hashlib.sha256(address(contact).encode()).hexdigest()[: limits.SHORT_DIGEST_CHARACTERS]
            if digest in self.done:
                continue
            record = self._whole(contact, list_name)
            if record is not None:
                writer.add([record])
            self.done.append(digest)
        self.done = []

    def _whole(self, contact: _Contact, list_name: str) -> _Contact | None:
        """Return the contact with its attributes, or None when it was removed since the page was read."""
        email = address(contact)
        try:
            answer = self._context.ses.read("get_contact", ContactListName=list_name, EmailAddress=email)
        except AwsCallError as failure:
            if failure.status == 404:
                return None
            raise
        return {**record(answer | {"EmailAddress": email}), "attributes": text_of(answer, "AttributesData")}
