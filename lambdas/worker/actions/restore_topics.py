"""restore-topics: the topics that a prune removed, and everybody's preferences for them."""

from __future__ import annotations

from typing import Any

from shared.actions import RestoreTopicsParams
from shared.errors import CustomerError
from worker import backups, contact_list, restoring
from worker.job import Done, Job, More, Outcome, State
from worker.rate import SliceTimeoutError
from worker.restoring import Contact, Contacts, Listing, Wish


def run(job: Job, params: RestoreTopicsParams, state: State) -> Outcome:
    """`{topics_added, topics, contacts: {updated, unchanged, missing}}`."""
    manifest = backups.load(job, params.backup, "topics")
    wanted = [topic for topic in manifest.contact_list.topics if topic.name in manifest.topics]
    contacts = Contacts(job, manifest, state.get("contacts", {}))
    added: list[str] = state.get("added", [])
    try:
        found = contact_list.find(job)
        if found is None:
            text = f"{job.code} has no contact list any more: its topics cannot be restored alone"
            raise CustomerError("operation", "NoContactList", text)
        found, new = restoring.bring_topics_back(job, found, wanted)
        added = [*added, *(name for name in new if name not in added)]
        listing = Listing()
        listing.read(job, found)
        contacts.restore(found.name, _decide, listing)
        restoring.finish_topics(job, found, wanted)
    except SliceTimeoutError:
        return More({"contacts": contacts.state(), "added": added})
    counts = {name: count for name, count in contacts.counts.items() if name != "created"}
    shown = ", ".join(f"{count} {name}" for name, count in counts.items())
    verb = "Would restore" if job.dry_run else "Restored"
    job.log(f"♻️  Customer {job.code}: {verb} {', '.join(manifest.topics)}; contacts: {shown}")
    return Done({"topics_added": added, "topics": list(manifest.topics), "contacts": counts})


def _decide(record: dict[str, Any], now: Contact | None) -> Wish | None:
    """A preference that is there was chosen after the topic went: it is the newer one. Nobody is made anew."""
    if now is None:
        return None
    return Wish({**record["preferences"], **now.preferences}, now.unsubscribed_all)
