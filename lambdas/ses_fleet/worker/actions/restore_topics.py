"""restore-topics: restore the topics that a prune removed, and everybody's preferences for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ses_fleet.actions.data.restore_topics import RestoredPreferences, RestoreTopicsData
from ses_fleet.actions.params import RestoreTopicsParams
from ses_fleet.errors import CustomerError
from ses_fleet.worker import backups
from ses_fleet.worker.budget import SliceTimeoutError
from ses_fleet.worker.contact_changes import Contact
from ses_fleet.worker.context import ActionContext, Done, More, Outcome, State
from ses_fleet.worker.importing import jobs
from ses_fleet.worker.restore import Restore, without_refused


def run(context: ActionContext, params: RestoreTopicsParams, state: State) -> Outcome:
    """Restore the topics and the preferences from the backup that `params` name. No contact is created."""
    manifest = backups.load(context, params.backup, "topics")
    if not state and not context.dry_run:
        jobs.none_beside(context)
    erased = context.erased
    wanted = [topic for topic in manifest.contact_list.topics if topic.name in manifest.topics]
    restore = Restore(context, manifest, wanted, state)
    try:
        found = restore.find(needed=True)
        if found is None:
            text = f"{context.code} does not have a contact list any more: topics cannot be restored without one"
            raise CustomerError("operation", "NoContactList", text)
        restore.run(found, _decide, erased.is_erased)
        failure = restore.verify()
    except SliceTimeoutError:
        return More(restore.state())
    counts = {name: count for name, count in restore.contacts.counts.items() if name != "created"}
    shown = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items())
    verb = "Would restore" if context.dry_run else "Restored"
    context.log(f"♻️  Customer {context.code}: {verb} {', '.join(manifest.topics)}; contacts: {shown}")
    data = RestoreTopicsData(
        topics_added=tuple(restore.topics.added),
        topics=manifest.topics,
        contacts=RestoredPreferences.model_validate(counts),
    )
    return Done(data, failure=failure)


def _decide(record: dict[str, Any], now: Contact | None, others: Sequence[Contact]) -> Contact | None:
    """Keep a preference that exists: it was chosen after the topic was removed, so it is the newer one."""
    if now is None:
        return None
    return replace(now, preferences={**without_refused(record["preferences"], others), **now.preferences})
