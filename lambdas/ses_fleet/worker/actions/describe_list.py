"""describe-list: the contact list, its topics, and how many contacts are opted in to each."""

from __future__ import annotations

from ses_fleet.actions.catalogue import DescribeListParams
from ses_fleet.worker.contact_list import Scan
from ses_fleet.worker.context import Done, Job, More, Outcome, State
from ses_fleet.worker.pacing import SliceTimeoutError
from ses_fleet.worker.topic_counts import TopicCounts, described, log_counts


def run(job: Job, params: DescribeListParams, state: State) -> Outcome:
    """Describe the account's list; the shape of the answer is interface.md's `data` of describe-list."""
    scan, counts = Scan(state.get("scan", {})), TopicCounts(state.get("counts", {}))
    try:
        contact_list = scan.open(job)
        if contact_list is None:
            job.log(f"📋 Customer {job.code}: no contact list in this account and Region")
            return Done({"contact_list": None, "topics": [], "contacts": None})
        if params.count_contacts:
            for page in scan.pages(job, counts.forget):
                counts.add(page)
    except SliceTimeoutError:
        job.log(f"⏳ Customer {job.code}: {counts.total} contacts counted so far; going on in another slice")
        return More({"scan": scan.state(), "counts": counts.state()})
    counted = counts if params.count_contacts else None
    topics = described(contact_list, counted)
    job.log(f"📋 Customer {job.code}: contact list {contact_list.name}, {len(topics)} topics")
    log_counts(job, topics, counted)
    return Done(
        {
            "contact_list": contact_list.model_dump(mode="json", exclude={"topics", "tags"}),
            "topics": topics,
            "contacts": counted and {"total": counted.total, "unsubscribed_all": counted.unsubscribed_all},
        }
    )
