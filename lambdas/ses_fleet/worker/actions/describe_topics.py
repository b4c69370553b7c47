"""describe-topics: opt-ins and opt-outs of every topic. The comparison of customers is the orchestrator's."""

from __future__ import annotations

from ses_fleet.actions.catalogue import Params
from ses_fleet.worker.contact_list import Scan
from ses_fleet.worker.context import Done, Job, More, Outcome, State
from ses_fleet.worker.pacing import SliceTimeoutError
from ses_fleet.worker.topic_counts import TopicCounts, described, log_counts


def run(job: Job, _params: Params, state: State) -> Outcome:
    """`{contact_list: name or null, topics: [as describe-list]}`."""
    scan, counts = Scan(state.get("scan", {})), TopicCounts(state.get("counts", {}))
    try:
        contact_list = scan.open(job)
        if contact_list is None:
            job.log(f"📋 Customer {job.code}: no contact list in this account and Region")
            return Done({"contact_list": None, "topics": []})
        for page in scan.pages(job, counts.forget):
            counts.add(page)
    except SliceTimeoutError:
        job.log(f"⏳ Customer {job.code}: {counts.total} contacts counted so far; going on in another slice")
        return More({"scan": scan.state(), "counts": counts.state()})
    topics = described(contact_list, counts)
    log_counts(job, topics, counts)
    return Done({"contact_list": contact_list.name, "topics": topics})
