"""Contacts that are in the list: opted in to more topics where they have no preference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ses_fleet.errors import AwsCallError
from ses_fleet.worker import contact_changes
from ses_fleet.worker.contact_changes import Contact
from ses_fleet.worker.importing.import_plan import PlannedChange, missing_opt_ins
from ses_fleet.worker.importing.work import Step, Work


def update(work: Work) -> Step:
    """Opt in the planned contacts one by one; the contact as it is now decides."""
    progress = work.progress
    for change in work.planned("update")[progress.at :]:
        _opt_in(work, change)
        progress.at += 1
    return "save" if work.context.item.prune else "verify"


def _opt_in(work: Work, change: PlannedChange) -> None:
    if work.leave_out_if_erased(change):
        return

    def decide(now: Contact | None, others: Sequence[Contact]) -> Contact | None:
        if now is None:
            return None
        missing = missing_opt_ins(change.opt_in, [one.record("") for one in (*others, now)])
        return replace(now, preferences={**now.preferences, **dict.fromkeys(missing, "OPT_IN")})

    try:
        changed = contact_changes.change(work.context, work.list_name, change.email, decide, also=change.also)
    except AwsCallError as failure:
        work.refuse(change, failure)
        return
    work.verification.note_read(change.email, changed.before)
    if changed.ending == "updated":
        work.verification.note_written(change.email)
    work.count(changed.ending)
