"""restore-list: a list as backup-list saved it; who left since stays away."""

from __future__ import annotations

from typing import Any

from shared.actions import RestoreListParams
from worker import backups, contact_list, restoring
from worker.backups import Manifest
from worker.contact_list import ContactList, Topic
from worker.job import Done, Job, More, Outcome, State
from worker.list_changes import check_name, create
from worker.rate import SliceTimeoutError
from worker.restoring import Contact, Contacts, Decide, Listing, Wish


def run(job: Job, params: RestoreListParams, state: State) -> Outcome:
    """`{list_created, topics_added, contacts: {created, updated, unchanged}}`."""
    manifest = backups.load(job, params.backup, "list", "contacts")
    # A backup of some contacts brings back those; the list's topics have gone their own way since.
    wanted = list(manifest.contact_list.topics) if manifest.kind == "list" else []
    contacts = Contacts(job, manifest, state.get("contacts", {}))
    created: bool = state.get("created", False)
    added: list[str] = state.get("added", [])
    listing = Listing()
    try:
        found = contact_list.find(job)
        if found is None:
            found, created = _made(job, manifest), True
        else:
            found, new = restoring.bring_topics_back(job, found, wanted)
            added = [*added, *(name for name in new if name not in added)]
            listing.read(job, found)
        decide = _decider([*found.topics, *wanted], overwrite=params.overwrite_unsubscribes)
        contacts.restore(found.name, decide, listing)
        restoring.finish_topics(job, found, wanted)
    except SliceTimeoutError:
        return More({"contacts": contacts.state(), "created": created, "added": added})
    counts = {name: count for name, count in contacts.counts.items() if name != "missing"}
    shown = ", ".join(f"{count} {name}" for name, count in counts.items())
    verb = "Would restore" if job.dry_run else "Restored"
    job.log(f"♻️  Customer {job.code}: {verb} {manifest.contact_list.name}; contacts: {shown}")
    return Done({"list_created": created, "topics_added": added, "contacts": counts})


def _made(job: Job, manifest: Manifest) -> ContactList:
    """The list as it was, empty."""
    old = manifest.contact_list
    check_name(job)
    name = job.customer.contact_list_name or old.name
    if job.dry_run:
        return old.model_copy(update={"name": name})
    return create(job, name, old.description, old.topics, old.tags).now


def _decider(topics: list[Topic], *, overwrite: bool) -> Decide:
    """`topics` are those that the list has then: a preference for another one would be refused."""
    names = {topic.name for topic in topics}

    def decide(record: dict[str, Any], now: Contact | None) -> Wish | None:
        saved = {topic: status for topic, status in record["preferences"].items() if topic in names}
        gone: bool = record["unsubscribed_all"]
        if now is None:
            return Wish(saved, gone, record.get("attributes"))
        if overwrite:
            return Wish({**now.preferences, **saved}, gone, record.get("attributes"))
        kept = {topic: status for topic, status in now.preferences.items() if status == "OPT_OUT"}
        return Wish({**now.preferences, **saved, **kept}, gone or now.unsubscribed_all, record.get("attributes"))

    return decide
