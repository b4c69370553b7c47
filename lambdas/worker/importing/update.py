"""Contacts that are there: opted in to more, where they never said anything about it."""

from __future__ import annotations

from typing import Any

from shared import limits
from shared.errors import AwsCallError
from worker.contact_list import api_preferences
from worker.importing.subscriptions import Change, missing_opt_ins
from worker.importing.work import Step, Work
from worker.restoring import contact_record, get


def update(work: Work) -> Step:
    """One after the other; the contact as it is now decides."""
    progress = work.progress
    for change in work.planned("update")[progress.at :]:
        _opt_in(work, change)
        progress.at += 1
    return "save" if work.job.item.prune else "done"


def _opt_in(work: Work, change: Change) -> None:
    for attempt in range(1, limits.CHANGE_ATTEMPTS + 1):
        # Reads and write follow each other at once: what is chosen between them would be lost.
        work.job.ses.reserve(2 + len(change.also))
        others = [(email, get(work.job, work.list_name, email)) for email in change.also]
        now = get(work.job, work.list_name, change.email)
        told = [contact_record(email, one) for email, one in (*others, (change.email, now)) if one is not None]
        missing = () if now is None else missing_opt_ins(change.opt_in, told)
        if now is None or not missing:
            work.count("unchanged")
            return
        # The whole state, as what an update omits is lost.
        request: dict[str, Any] = {
            "ContactListName": work.list_name,
            "EmailAddress": change.email,
            "TopicPreferences": api_preferences({**now.preferences, **dict.fromkeys(missing, "OPT_IN")}),
            "UnsubscribeAll": now.unsubscribed_all,
        }
        if now.attributes is not None:
            request["AttributesData"] = now.attributes
        try:
            work.job.ses.write("update_contact", **request)
        except AwsCallError as failure:
            if failure.kind == "conflict" and attempt < limits.CHANGE_ATTEMPTS:
                continue
            work.refuse(change, failure)
            return
        work.count("updated")
        return
