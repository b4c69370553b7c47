"""restore-list: restore a list as backup-list saved it, without subscribing again anybody who opted out since."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Collection, Sequence
from typing import Any

from ses_fleet.actions.data.restore_list import RestoredContacts, RestoreListData
from ses_fleet.actions.params import RestoreListParams
from ses_fleet.config.topics import Topic
from ses_fleet.worker import backups
from ses_fleet.worker.backups import Manifest
from ses_fleet.worker.budget import SliceTimeoutError
from ses_fleet.worker.contact_changes import Contact
from ses_fleet.worker.contact_list import ContactList
from ses_fleet.worker.context import ActionContext, Done, More, Outcome, State
from ses_fleet.worker.importing import jobs
from ses_fleet.worker.list_changes import NewList, check_name
from ses_fleet.worker.restore import Decide, Restore, TopicRestore, without_refused


def run(context: ActionContext, params: RestoreListParams, state: State) -> Outcome:
    """Restore the list, its topics and its contacts from the backup that `params` name."""
    manifest = backups.load(context, params.backup, "list", "contacts")
    if not state and not context.dry_run:
        jobs.none_beside(context)
    erased = context.erased
    # A backup of some contacts restores only those: the list's topics may have changed since.
    wanted = list(manifest.contact_list.topics) if manifest.kind == "list" else []
    restore = Restore(context, manifest, wanted, state)
    try:
        found = restore.find() or _made(context, manifest, restore.topics)
        decide = _decider([*found.topics, *wanted], overwrite=params.overwrite_unsubscribes)
        restore.run(found, decide, erased.is_erased, heed_prunes=not params.overwrite_unsubscribes)
        failure = restore.verify(deliberate=params.overwrite_unsubscribes)
    except SliceTimeoutError:
        return More(restore.state())
    counts = {name: count for name, count in restore.contacts.counts.items() if name != "missing"}
    shown = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items())
    verb = "Would restore" if context.dry_run else "Restored"
    context.log(f"♻️  Customer {context.code}: {verb} {manifest.contact_list.name}; contacts: {shown}")
    topics = restore.topics
    data = RestoreListData(
        list_created=topics.list_created,
        topics_added=tuple(topics.added),
        contacts=RestoredContacts.model_validate(counts),
    )
    return Done(data, failure=failure)


def _made(context: ActionContext, manifest: Manifest, topics: TopicRestore) -> ContactList:
    """Create the list as it was, without contacts, and return it."""
    old = manifest.contact_list
    name = context.customer.contact_list_name or old.name
    if context.dry_run:
        check_name(context)
        topics.list_created = True
        return old.model_copy(update={"name": name})
    return topics.make(NewList(name, old.description, old.topics, old.tags))


def _decider(topics: list[Topic], *, overwrite: bool) -> Decide:
    """Return how each record of the backup is restored.

    `topics` are those that the list has then: SES refuses a preference for another one.
    """
    names = {topic.name for topic in topics}

    def decide(record: dict[str, Any], now: Contact | None, others: Sequence[Contact]) -> Contact:
        saved = {topic: status for topic, status in record["preferences"].items() if topic in names}
        gone: bool = record["unsubscribed_all"]
        attributes = record.get("attributes")
        others = () if overwrite else others
        saved = without_refused(saved, others)
        if now is None:
            refused = [_opt_outs(one, names) for one in others]
            gone = gone or any(one.unsubscribed_all for one in others)
            return Contact({**saved, **ChainMap(*refused)}, gone, attributes)
        attributes = now.attributes if attributes is None else attributes
        if overwrite:
            return Contact({**now.preferences, **saved}, gone, attributes)
        kept = _opt_outs(now, now.preferences)
        return Contact({**now.preferences, **saved, **kept}, gone or now.unsubscribed_all, attributes)

    return decide


def _opt_outs(contact: Contact, topics: Collection[str]) -> dict[str, str]:
    return {topic: status for topic, status in contact.preferences.items() if status == "OPT_OUT" and topic in topics}
